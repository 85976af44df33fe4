"""Use cases of who would be late and could have another order's equal car that is further built: asked, not given.

With the car's stage ends what its buyer may still do: leave free of charge for the lateness, or change options
(decision 023). Nothing is kept while the buyer thinks: the car is another order's, and only an exchange by which
the other order keeps its promise is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from factory_orders.early_cars.store import lapse_of_orders
from factory_orders.exchanges.errors import SwapOfferEnded
from factory_orders.exchanges.events import CarSwapOffered
from factory_orders.exchanges.model import (
    SWAP_TIMER,
    CarOfOrder,
    SwapOffer,
    SwapOfferState,
    SwapRound,
    keeps_promise,
    needs_word,
    progress_of,
)
from factory_orders.exchanges.policy import ExchangePolicy
from factory_orders.exchanges.queries import cars_of_orders, orders_of_builds, rights_of, swap_offers_before
from factory_orders.exchanges.store import insert_offers, lock_offer, read_offer, save_offer
from factory_orders.exchanges.swap_service import (
    CarrierCame,
    SwapProblem,
    days_late,
    exchange,
    keep_swaps,
    margin_days,
    read_problem,
    roads_of,
    today_of,
    way_days,
)
from factory_orders.policies import BatchPolicy, PromisePolicy
from kernel import policy
from kernel.actor import Permission, system
from kernel.errors import NotFound
from kernel.ids import BrandId
from kernel.timers import cancel_timer, set_timer
from kernel.work import Work, Works


@dataclass(frozen=True, slots=True)
class SwapPair:
    """An order that would be late, and one whose car would cut that at no cost to it; what it saves, in fen."""

    taker: CarOfOrder
    giver: CarOfOrder
    days_sooner: int
    saves: int


def offer_swaps(works: Works, brand_id: str) -> int:
    """Ask the buyers of late orders whether they want an equal car that is further built; returns how many are asked.

    Of all pairs of a late order and one that has time those are asked that save most together, with the flow's proof.
    """
    problem, chosen = find_pairs(works, brand_id)
    return works.run(system(BrandId(brand_id)), lambda work: _ask(work, problem, chosen)) if chosen else 0


def find_pairs(works: Works, brand_id: str) -> tuple[SwapProblem, list[SwapPair]]:
    """Look whose buyers should be asked; nothing is changed."""
    with works.read(system(BrandId(brand_id))) as work:
        problem = read_problem(work)
        before = swap_offers_before(work, [car.build_order_id for car in problem.cars])
    return problem, _best_pairs(_pairs(problem, before)) if problem.rules.answer_hours else []


def _pairs(problem: SwapProblem, before: Sequence[SwapOffer]) -> list[SwapPair]:
    """Return the exchanges of two cars that make one order sooner and the other no later, and for which one is asked.

    Nobody is asked twice for the same car, and who has an open question, of or for the car, is in no other.
    """
    busy = {one for offer in before if offer.state is SwapOfferState.OPEN for one in _cars(offer)}
    asked = {(offer.order_id, offer.with_build_order_id) for offer in before}
    by_kind: dict[str, list[CarOfOrder]] = {}
    for car in problem.cars:
        if car.build_order_id not in busy:
            by_kind.setdefault(car.kind, []).append(car)
    found = []
    for cars in by_kind.values():
        own = {car.order_id: problem.days_late(car, car) for car in cars}
        for taker in (car for car in cars if own[car.order_id]):
            for giver in (car for car in cars if not own[car.order_id]):
                days = own[taker.order_id] - problem.days_late(giver, taker)
                saves = days * problem.costs.late_day - 2 * problem.costs.change
                if (
                    saves > 0
                    and (taker.order_id, giver.build_order_id) not in asked
                    and problem.is_fair(giver, taker)
                    and progress_of(taker.stage) <= progress_of(giver.stage)
                    and problem.asks(taker, giver)
                    and not problem.asks(giver, taker)
                ):
                    found.append(SwapPair(taker, giver, days, saves))
    return found


def _cars(offer: SwapOffer) -> tuple[str, str]:
    return offer.build_order_id, offer.with_build_order_id


def _best_pairs(pairs: Sequence[SwapPair]) -> list[SwapPair]:
    """Return the pairs that save most together, each order in one at most; the flow asserts its proof."""
    from factory_orders.allocation.flow import allocate
    from factory_orders.allocation.model import AllocationProblem, steps_of, ways_of

    givers = {one: number for number, one in enumerate(sorted({pair.giver.order_id for pair in pairs}))}
    takers = sorted({pair.taker.order_id for pair in pairs})
    own: dict[str, dict[int, SwapPair]] = {}
    for pair in pairs:
        own.setdefault(pair.taker.order_id, {})[givers[pair.giver.order_id]] = pair
    nobody = len(givers)
    rows = [[*((number, -pair.saves) for number, pair in own[taker].items()), (nobody, 0)] for taker in takers]
    steps = steps_of([*([(1, 0)] for _ in givers), [(max(len(takers), 1), 0)]])
    if not takers:
        return []
    places = allocate(AllocationProblem(ways_of(rows), steps)).place.tolist()
    return [own[taker][place] for taker, place in zip(takers, places, strict=True) if place != nobody]


def _ask(work: Work, problem: SwapProblem, chosen: Sequence[SwapPair]) -> int:
    """Ask the buyers of pairs that are still as they were read."""
    ids = [car.order_id for pair in chosen for car in (pair.taker, pair.giver)]
    now = {car.order_id: car for car in _cars_now(work, ids, today=problem.today)}
    answer_by = work.now + timedelta(hours=problem.rules.answer_hours)
    offers = [
        SwapOffer(
            id=work.new_id(),
            brand_id=work.actor.brand_id,
            order_id=pair.taker.order_id,
            account_id=pair.taker.account_id,
            build_order_id=pair.taker.build_order_id,
            with_build_order_id=pair.giver.build_order_id,
            stage=pair.giver.stage.value,
            passed_on=None if pair.giver.passed is None else date.fromordinal(pair.giver.passed),
            days_sooner=pair.days_sooner,
            offered_at=work.now,
            answer_by=answer_by,
        )
        for pair in chosen
        if all(now.get(car.order_id) == car for car in (pair.taker, pair.giver))
    ]
    insert_offers(work, offers)
    for one in offers:
        set_timer(work, SWAP_TIMER, one.id, one.answer_by)
        work.record(CarSwapOffered(one.brand_id, one.id, one.order_id, one.account_id, one.days_sooner, one.answer_by))
    return len(offers)


def _cars_now(work: Work, order_ids: Sequence[str], *, today: date) -> list[CarOfOrder]:
    times = policy.current(work).section(PromisePolicy)
    return cars_of_orders(work, today=today, times=times, order_ids=order_ids)


# --- the buyer's word ------------------------------------------------------------------------------------------------


def accept_car_swap(work: Work, offer_id: str) -> SwapOffer:
    """Take another order's equal car, which is further built, for one's own that would be late.

    Price, store and contract date stay. The same again changes nothing. Refuses another buyer's offer (NotFound), and
    SwapOfferEnded once it is over, or one of the two orders is not as it was: then the own one goes on.
    """
    work.actor.require(Permission.OWN_WRITE)
    offer = _own(work, read_offer(work, offer_id))
    if offer.state is SwapOfferState.ACCEPTED:
        return offer
    _require_open(work, offer)
    today = today_of(work)
    cars = {car.build_order_id: car for car in _cars_now(work, orders_of_builds(work, _cars(offer)), today=today)}
    taker, giver = (cars.get(one) for one in _cars(offer))
    if taker is None or giver is None or taker.order_id != offer.order_id:
        raise SwapOfferEnded("changed")
    by_order = {taker.order_id: taker, giver.order_id: giver}
    roads = roads_of(work, list(by_order.values()))
    saved = _saved(work, taker, giver, roads, today=today)
    gets = {taker.order_id: giver, giver.order_id: taker}
    try:
        if saved <= 0 or not exchange(work, by_order, gets):
            raise SwapOfferEnded("changed")
    except CarrierCame:
        raise SwapOfferEnded("changed") from None
    # The orders are locked by now, and before their offers, as whoever ends an order does.
    _require_open(work, lock_offer(work, offer_id))
    # A free car that was offered besides is not wanted any more.
    lapse_of_orders(work, [taker.order_id])
    accepted = _answer(work, offer, SwapOfferState.ACCEPTED)
    # Of two cars and two orders there is one exchange: what it saves is what could be saved.
    keep_swaps(work, SwapRound(work.new_id(), offer.brand_id, work.now, 2, 2, saved, saved), by_order, gets, roads)
    return accepted


def _saved(
    work: Work, taker: CarOfOrder, giver: CarOfOrder, roads: Mapping[tuple[str, str], int], *, today: date
) -> int:
    """Return what the exchange saves now, in fen; nothing where its giver loses by it."""
    rules = policy.current(work)
    own, per_day = rules.section(ExchangePolicy), rules.section(PromisePolicy).transit_km_per_day
    rights = rights_of(work, [giver])[giver.policy_version]
    given_up = needs_word(giver, taker, rights, today=today.toordinal(), fresh_days=own.fresh_days)
    kept = keeps_promise(
        *(giver, taker),
        way_days=way_days(giver, roads, per_day),
        margin_days=margin_days(work, [giver.order_id])[giver.order_id],
    )
    if taker.kind != giver.kind or given_up or not kept or progress_of(taker.stage) > progress_of(giver.stage):
        return 0
    days = days_late(taker, taker, roads, per_day) - days_late(giver, taker, roads, per_day)
    return days * rules.section(BatchPolicy).late_day_minor - 2 * own.change_minor


def decline_car_swap(work: Work, offer_id: str) -> SwapOffer:
    """Wait for the own car instead. Refuses as `accept_car_swap` does."""
    work.actor.require(Permission.OWN_WRITE)
    offer = _own(work, lock_offer(work, offer_id))
    if offer.state is SwapOfferState.DECLINED:
        return offer
    _require_open(work, offer)
    return _answer(work, offer, SwapOfferState.DECLINED)


def lapse_swap_offer(work: Work, offer_id: str, _payload: Any = None) -> None:
    """Let an offer end that nobody answered; the timer of an offer."""
    work.actor.require(Permission.SYSTEM)
    offer = lock_offer(work, offer_id)
    if offer.state is SwapOfferState.OPEN and work.now >= offer.answer_by:
        save_offer(work, replace(offer, state=SwapOfferState.LAPSED, answered_at=work.now))


def _own(work: Work, offer: SwapOffer) -> SwapOffer:
    if offer.account_id != work.actor.signed_in():
        raise NotFound("equal car")
    return offer


def _require_open(work: Work, offer: SwapOffer) -> None:
    if offer.state is not SwapOfferState.OPEN:
        raise SwapOfferEnded(offer.state.value)
    if work.now >= offer.answer_by:
        raise SwapOfferEnded(SwapOfferState.LAPSED.value)


def _answer(work: Work, offer: SwapOffer, state: SwapOfferState) -> SwapOffer:
    answered = replace(offer, state=state, answered_at=work.now)
    save_offer(work, answered)
    cancel_timer(work, SWAP_TIMER, offer.id)
    return answered
