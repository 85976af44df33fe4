"""Use cases of who would be late and could have another order's equal car that is further built: asked, not given.

With the car's stage ends what its buyer may still do: leave free of charge for the lateness, or change options
(decision 023). Nothing is kept while the buyer thinks: the car is another order's, and only an exchange by which
the other order keeps its promise is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from factory_orders.early_cars.tables import EARLY
from factory_orders.exchanges.errors import SwapOfferEnded
from factory_orders.exchanges.events import CarSwapOffered
from factory_orders.exchanges.model import (
    SWAP_TIMER,
    CarOfOrder,
    SwapOffer,
    SwapRound,
    keeps_date,
    needs_word,
    progress_of,
)
from factory_orders.exchanges.policy import ExchangePolicy
from factory_orders.exchanges.queries import cars_of_orders, orders_of_builds, rights_of, swap_offers_before
from factory_orders.exchanges.store import lapse_swap_offers
from factory_orders.exchanges.swap_service import (
    SwapProblem,
    days_late,
    exchange,
    keep_swaps,
    latest_days,
    lock_builds,
    read_problem,
    roads_of,
    today_of,
    way_days,
)
from factory_orders.exchanges.tables import SWAP
from factory_orders.offers.model import OfferState
from factory_orders.offers.service import answer, decline, lapse, own_offer, require_open
from factory_orders.offers.store import insert_offers, lapse_of_orders
from factory_orders.planning.order_store import lock_orders
from factory_orders.policies import BatchPolicy, PromisePolicy
from kernel import policy
from kernel.actor import system
from kernel.ids import BrandId
from kernel.timers import set_timer
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
        before = swap_offers_before(work, problem.cars)
    return problem, _best_pairs(_pairs(problem, before)) if problem.rules.answer_hours else []


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked before: nobody is asked twice for the same car, nor while a question is open.

    That is the order's own one, and any of or for one of the two cars.
    """

    pairs: frozenset[tuple[str, str]]
    still_open: frozenset[str]

    @classmethod
    def of(cls, before: Sequence[SwapOffer]) -> _Asked:
        """Read it from every offer that was made of some cars or for them."""
        unanswered = [offer for offer in before if offer.state is OfferState.OPEN]
        still_open = frozenset(one for offer in unanswered for one in (offer.order_id, *_cars(offer)))
        return cls(frozenset((offer.order_id, offer.with_build_order_id) for offer in before), still_open)

    def lets(self, taker: CarOfOrder, giver: CarOfOrder) -> bool:
        """Say whether an order's buyer may be asked for another order's car."""
        named = (taker.order_id, taker.build_order_id, giver.build_order_id)
        return (taker.order_id, giver.build_order_id) not in self.pairs and self.still_open.isdisjoint(named)


def _pairs(problem: SwapProblem, before: Sequence[SwapOffer]) -> list[SwapPair]:
    """Return exchanges of two cars that make one order less late and the other not late, where one buyer is asked."""
    asked = _Asked.of(before)
    by_kind: dict[str, list[CarOfOrder]] = {}
    for car in problem.cars:
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
                    and asked.lets(taker, giver)
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
    cars = [car for pair in chosen for car in (pair.taker, pair.giver)]
    ids = [car.order_id for car in cars]
    # Before their offers, as everywhere: nothing is built, ended or amended until its question stands.
    lock_builds(work, cars)
    lock_orders(work, ids)
    now = {car.order_id: car for car in _cars_now(work, ids, today=problem.today)}
    asked = _Asked.of(swap_offers_before(work, cars))
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
        if asked.lets(pair.taker, pair.giver) and all(now.get(car.order_id) == car for car in (pair.taker, pair.giver))
    ]
    insert_offers(work, SWAP, offers)
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
    offer = own_offer(work, SWAP, offer_id, lock=False)
    if offer.state is OfferState.ACCEPTED:
        return offer
    require_open(work, SWAP, offer)
    made = _exchange(work, offer)
    # Where the cars changed places the orders are locked by now, before their offer, as whoever ends an order does.
    now = own_offer(work, SWAP, offer_id, lock=True)
    if made is None and now.state is OfferState.ACCEPTED:
        # The same yes came twice at once, and the other one has moved the cars.
        return now
    require_open(work, SWAP, now)
    if made is None:
        raise SwapOfferEnded("changed")
    accepted = answer(work, SWAP, now, OfferState.ACCEPTED)
    # A free car, or another order's, that was offered besides is not wanted any more.
    lapse_of_orders(work, EARLY, [offer.order_id])
    lapse_swap_offers(work, list(made.by_order))
    round_ = SwapRound(work.new_id(), offer.brand_id, work.now, 2, 2, made.saved, made.saved)
    keep_swaps(work, round_, made.by_order, made.gets, made.roads)
    return accepted


@dataclass(frozen=True, slots=True)
class _Exchanged:
    """Two orders that have each other's cars, and what that saves, in fen: there is one exchange, so it is the best."""

    by_order: Mapping[str, CarOfOrder]
    gets: Mapping[str, CarOfOrder]
    roads: Mapping[tuple[str, str], int]
    saved: int


def _exchange(work: Work, offer: SwapOffer) -> _Exchanged | None:
    """Give the two orders of an offer each other's cars; None, and nothing changed, where it is not as it was."""
    today = today_of(work)
    cars = {car.build_order_id: car for car in _cars_now(work, orders_of_builds(work, _cars(offer)), today=today)}
    taker, giver = (cars.get(one) for one in _cars(offer))
    if taker is None or giver is None or taker.order_id != offer.order_id:
        return None
    by_order = {taker.order_id: taker, giver.order_id: giver}
    gets = {taker.order_id: giver, giver.order_id: taker}
    roads = roads_of(work, list(by_order.values()))
    saved = _saved(work, taker, giver, roads, today=today)
    done = saved > 0 and exchange(work, by_order, gets)
    return _Exchanged(by_order, gets, roads, saved) if done else None


def _saved(
    work: Work, taker: CarOfOrder, giver: CarOfOrder, roads: Mapping[tuple[str, str], int], *, today: date
) -> int:
    """Return what the exchange saves now, in fen; nothing where its giver loses by it."""
    rules = policy.current(work)
    own, per_day = rules.section(ExchangePolicy), rules.section(PromisePolicy).transit_km_per_day
    rights = rights_of(work, [giver])[giver.policy_version]
    given_up = needs_word(giver, taker, rights, today=today.toordinal(), fresh_days=own.fresh_days)
    latest = latest_days(work, [giver.order_id])[giver.order_id]
    kept = keeps_date(giver, taker, way_days=way_days(giver, roads, per_day), latest=latest)
    if taker.kind != giver.kind or given_up or not kept or progress_of(taker.stage) > progress_of(giver.stage):
        return 0
    days = days_late(taker, taker, roads, per_day) - days_late(giver, taker, roads, per_day)
    return days * rules.section(BatchPolicy).late_day_minor - 2 * own.change_minor


def decline_car_swap(work: Work, offer_id: str) -> SwapOffer:
    """Wait for the own car instead. Refuses as `accept_car_swap` does."""
    return decline(work, SWAP, offer_id)


def lapse_swap_offer(work: Work, offer_id: str, _payload: Any = None) -> None:
    """Let an offer end that nobody answered; the timer of an offer."""
    lapse(work, SWAP, offer_id)
