"""The daily sharing out: read, solved outside of any change, then written with its proof if nobody was quicker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from configurator.quote_service import road_km
from factory_orders.early_cars.round_service import offer_early_cars
from factory_orders.exchanges.swap_service import swap_cars
from factory_orders.light_stock.events import StockCarOffered
from factory_orders.light_stock.model import ANSWER_TIMER, AllocationRound, FairnessLine, MoveState, StockMove
from factory_orders.light_stock.policy import LightStockPolicy
from factory_orders.light_stock.queries import (
    brands_that_wait,
    free_stock,
    inbound_stock,
    lapsed_since_shared,
    ordered_stock,
    owed_now,
    rule_for,
    weekly_plans,
)
from factory_orders.light_stock.sharing import (
    FreeStock,
    Sharing,
    SharingCosts,
    SharingProblem,
    StorePlace,
    share_stock,
)
from factory_orders.light_stock.store import ask_round, insert_round, take_request
from factory_orders.policies import PromisePolicy
from factory_orders.swap_offers.service import offer_swaps
from factory_orders.vehicles.store import lock_vehicle
from kernel import policy, registry
from kernel.actor import Permission, system
from kernel.identity.queries import advisers_of_stores
from kernel.ids import BrandId
from kernel.timers import set_timer
from kernel.turns import act_on_each
from kernel.work import Work, Works

log = structlog.get_logger(__name__)


TRIES_MAX: Final = 3
"""So often a round is mended for what changed while it was solved; then the worker comes again."""


def ask_for_round(work: Work, _brand_id: str = "", _payload: object = None) -> None:
    """Ask for a sharing out of the brand's free cars; the morning's timer, or a planner."""
    if not work.actor.may(Permission.SYSTEM):
        work.actor.require(Permission.BATCH_MANAGE)
    ask_round(work)


def share_out_wanted(works: Works) -> int:
    """Share out the free cars of every brand that waits for it; a loop of the worker. Returns how many it did.

    Before that, identical cars change places between the orders of buyers, or are offered to who would give something
    up by it, and free cars are offered to who waits for equal ones. What fails is logged and keeps neither the next
    step nor another brand waiting; a sharing out that failed is raised in the end, and comes again.
    """
    with works.read(system(BrandId("platform"))) as work:
        brands = brands_that_wait(work)
    return act_on_each(brands, lambda brand_id: _exchange_and_share(works, brand_id))


def _exchange_and_share(works: Works, brand_id: str) -> int:
    for look in (swap_cars, offer_swaps, offer_early_cars):
        try:
            look(works, brand_id)
        except Exception:
            log.exception("exchange_failed", brand_id=brand_id, step=look.__name__)
    return _share_out(works, brand_id)


def _share_out(works: Works, brand_id: str) -> int:
    """Solve outside of any change, and write it where all still stands as it was read; else mend it and try again."""
    actor = system(BrandId(brand_id))
    found = None
    for _ in range(TRIES_MAX):
        with works.read(actor) as work:
            problem = read_problem(work)
        found = share_stock(problem, found)
        written = works.run(actor, partial(write_round, found=found))
        if written is not None:
            return int(written)
    return 0


def read_problem(work: Work) -> SharingProblem:
    """Read the free cars, what each store would give for one more, the roads, and what stores are owed."""
    rules = policy.current(work)
    own, times = rules.section(LightStockPolicy), rules.section(PromisePolicy)
    cars = tuple(free_stock(work))
    stores = registry.list_stores(work)
    plans, inbound, owed = weekly_plans(work), inbound_stock(work), owed_now(work)
    # A car that a store has on order comes to it as one on the way does: the round sends no other in its place.
    coming = Counter(inbound) + Counter(ordered_stock(work))
    places = []
    for store in stores:
        for model in sorted({car.model for car in cars}) if store.closed_at is None else ():
            key = (store.id, model)
            weekly = plans.get(key, own.weekly_milli)
            places.append(StorePlace(*key, rule_for(own, weekly), weekly, coming[key], owed.get(key, 0)))
    costs = SharingCosts(
        move=own.move_minor,
        km=own.km_minor,
        unfair=own.unfair_minor,
        late_day=own.late_day_minor,
        base_days=times.transit_base_days,
        km_per_day=times.transit_km_per_day,
        first=bool(own.first_cars),
    )
    return SharingProblem(cars, tuple(places), _roads(work, cars, stores), costs, lapsed_since_shared(work))


def _roads(work: Work, cars: Sequence[FreeStock], stores: Sequence[registry.Store]) -> dict[tuple[str, str], int]:
    points: dict[str, registry.Plant | registry.Store] = {plant.id: plant for plant in registry.list_plants(work)}
    points |= {store.id: store for store in stores}
    begins = sorted({car.at for car in cars})
    return {(at, store.id): road_km(points[at], store) for at in begins for store in stores if store.closed_at is None}


def write_round(work: Work, found: Sharing) -> bool | None:
    """Write a round, offer its cars to their stores, and carry what each is owed on; says whether one was wanted.

    None where something is not as it was read: what is proven would be another round than what is left of this one.
    """
    problem = found.problem
    # Before anything is read: who asks from now on waits for this change to end, and asks for another round.
    if not take_request(work):
        return False
    for one in sorted(found.sent, key=lambda sent: sent.vin):
        lock_vehicle(work, one.vin)
    if read_problem(work) != problem:
        ask_round(work)
        return None
    if not problem.cars:
        return False
    round_id = work.new_id()
    by_vin = {car.vin: car for car in problem.cars}
    rules = policy.current(work)
    answer_by = work.now + timedelta(hours=rules.section(LightStockPolicy).answer_hours)
    moves = [
        StockMove(
            id=work.new_id(),
            brand_id=work.actor.brand_id,
            round_id=round_id,
            vin=one.vin,
            model=by_vin[one.vin].model,
            from_store_id=by_vin[one.vin].store_id,
            store_id=one.store_id,
            distance_km=one.distance_km,
            transport_minor=one.transport_minor,
            days_late=one.days_late,
            is_first=one.is_first,
            worth_minor=one.worth_minor,
            saved_minor=one.saved_minor,
            next_store_id=one.next_store_id,
            next_minor=one.next_minor,
            state=MoveState.OFFERED,
            offered_at=work.now,
            answer_by=answer_by,
        )
        for one in found.sent
    ]
    made = AllocationRound(
        round_id,
        work.actor.brand_id,
        work.now,
        rules.version,
        len(problem.cars),
        len(moves),
        found.waiting,
        found.cost_minor,
        found.bound_minor,
    )
    insert_round(work, made, moves, _fairness(work, round_id, problem, moves))
    _offer(work, moves)
    return True


def _fairness(work: Work, round_id: str, problem: SharingProblem, moves: Sequence[StockMove]) -> list[FairnessLine]:
    """Carry on what each store is owed of each model: the cars from plants are shared by expected sales.

    A car that goes from one store to another is none that is shared out; one that was offered before and came to
    nothing without the store's word was none that it got.
    """
    from factory_orders.allocation.fairness import settle

    owed, lapsed = owed_now(work), problem.lapsed
    lines: list[FairnessLine] = []
    for model in sorted({car.model for car in problem.cars}):
        received = Counter(move.store_id for move in moves if move.model == model and move.from_store_id is None)
        received.subtract({store_id: number for (store_id, kind), number in lapsed.items() if kind == model})
        if not received:
            continue
        shares = dict.fromkeys(received, 0) | {one.store_id: one.weekly_milli for one in problem.takers(model).values()}
        before = {store_id: owed.get((store_id, model), 0) for store_id in shares}
        lines += [
            FairnessLine(
                work.new_id(),
                work.actor.brand_id,
                round_id,
                entry.store_id,
                model,
                entry.owed_before,
                entry.entitled,
                entry.received,
                entry.owed_after,
                work.now,
            )
            for entry in settle(shares, owed=before, received=received)
        ]
    return lines


def _offer(work: Work, moves: Sequence[StockMove]) -> None:
    advisers = advisers_of_stores(work, sorted({move.store_id for move in moves}))
    for move in moves:
        set_timer(work, ANSWER_TIMER, move.id, move.answer_by)
        told = tuple(advisers[move.store_id])
        work.record(StockCarOffered(move.brand_id, move.id, move.vin, move.store_id, move.answer_by, told))
