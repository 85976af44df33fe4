"""Use cases of another choice after the lock: what may change until when, what it costs, and the change itself.

The car stays in its pooling class, its week and its date; the price that was locked does not rise by itself: what the
buyer agrees to is written beside it, and is owed at the handover.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from configurator.amending_service import ChangedCar, changed_car
from configurator.errors import PriceMismatch
from configurator.model import member_price_minor
from demand.pools.queries import pools_by_id
from factory_orders.agreements.errors import AmendmentNotPossible
from factory_orders.agreements.events import BuildOrderAmended, OrderAmended
from factory_orders.agreements.model import STAGES, Agreement, AgreementKind, FreezePoint, fee_of_change
from factory_orders.agreements.policy import AmendmentPolicy
from factory_orders.agreements.store import agreements_of, save_agreement
from factory_orders.consents.offer_service import end_offer
from factory_orders.early_cars.tables import EARLY
from factory_orders.exchanges.store import lapse_swap_offers
from factory_orders.offers.model import OfferState
from factory_orders.offers.store import lapse_of_orders
from factory_orders.parts.queries import late_parts, stock_of
from factory_orders.planning.capacity_store import give_back_place, load_weeks, take_places
from factory_orders.planning.line_days.service import close_up
from factory_orders.planning.model import (
    CancelledOrder,
    CarFacts,
    DeliveredOrder,
    Order,
    OrderTerms,
    Placement,
    ScheduledOrder,
    StockedOrder,
    order_state,
)
from factory_orders.planning.queries import car_facts, rebuilds_of_orders
from factory_orders.plant.model import BuildOrder, Stage
from factory_orders.plant.store import lock_with_order, save_options
from factory_orders.policies import CancellationPolicy
from kernel import ledger, policy, registry
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.ledger import account
from kernel.money import Money, share_basis_points
from kernel.reasons import because
from kernel.work import Work

# What is left to do for somebody whose order has ended.
_AFTER_END: Final = {
    CancelledOrder: "ORDER_ANEW",
    DeliveredOrder: "FIT_AFTERWARDS",
    StockedOrder: "ORDER_STOCK_ANEW",
}


@dataclass(frozen=True, slots=True)
class Amendment:
    """What another choice means, or meant: `price_minor` is what the car costs with it, all fees included."""

    order_id: str
    stage: str
    options: tuple[str, ...]
    categories: tuple[str, ...]
    price_delta_minor: int
    fee_minor: int
    price_minor: int


@dataclass(frozen=True, slots=True)
class FreezePoints:
    """What may still change of an order and until when, and what leaving costs at its stage and later ones, in fen."""

    order_id: str
    stage: str
    points: tuple[FreezePoint, ...]
    forfeits: tuple[tuple[str, int], ...]


def freeze_points(work: Work, order_id: str) -> FreezePoints:
    """Return an own order's freeze points as its contract has them, and the stage it is at."""
    work.actor.require(Permission.OWN_READ)
    built, order = _own_order(work, order_id)
    contract = policy.pinned(work, order.terms.policy_version)
    earnest = ledger.balance_to_spend(work, account("earnest", order_id))
    stage = _stage(order, built)
    to_come = STAGES[STAGES.index(stage) :] if stage in STAGES else ()
    shares = [row for row in contract.section(CancellationPolicy).forfeits if row[0] in to_come]
    if rebuilds_of_orders(work, [order_id])[order_id]:  # Whoever waits anew leaves free.
        shares = [(at, 0) for at, _ in shares]
    return FreezePoints(
        order_id,
        stage,
        tuple(contract.section(AmendmentPolicy).points),
        tuple((at, share_basis_points(earnest, share)) for at, share in shares),
    )


def preview_amendment(work: Work, order_id: str, options: Sequence[str]) -> Amendment:
    """Say what another choice would cost now; changes nothing. Refuses as `amend_order` does."""
    work.actor.require(Permission.OWN_READ)
    built, order = _own_order(work, order_id)
    return _decide(work, built, order, options)


def amend_order(work: Work, order_id: str, options: Sequence[str], *, price: Money) -> Amendment:
    """Build another choice of options under the same order; the same choice again changes nothing.

    `price` is what the buyer agrees to pay for the car, as the preview showed it. Refuses another buyer's order
    (NotFound), a category that is frozen (AmendmentTooLate), a car that cannot be had in the same class and week
    (AmendmentNotPossible), options that no car has, and another price (PriceMismatch).
    """
    work.actor.require(Permission.OWN_WRITE)
    built, order = _own_order(work, order_id)
    repeated = _repeated(work, order, options)
    if repeated is not None:
        return repeated
    amendment = _decide(work, built, order, options)
    if price != Money(amendment.price_minor):
        raise PriceMismatch(price, Money(amendment.price_minor))
    terms = order.terms
    known = agreements_of(work, order_id)
    agreed = Agreement(
        id=work.new_id(),
        brand_id=terms.brand_id,
        order_id=order_id,
        number=len(known) + 1,
        kind=AgreementKind.AMENDMENT,
        account_id=terms.account_id,
        stage=amendment.stage,
        options_before=terms.options,
        options_after=amendment.options,
        price_delta_minor=amendment.price_delta_minor,
        fee_minor=amendment.fee_minor,
        at=work.now,
    )
    save_agreement(work, terms, agreed)
    # A repaired car that was offered is not the car that is ordered any more, nor is an equal one.
    end_offer(work, terms, OfferState.LAPSED)
    lapse_of_orders(work, EARLY, [order_id])
    lapse_swap_offers(work, [order_id])
    if built is not None:
        _change_build_order(work, built, terms, amendment.options)
    work.record(
        OrderAmended(
            terms.brand_id,
            order_id,
            terms.account_id,
            amendment.price_delta_minor,
            amendment.fee_minor,
            amendment.price_minor,
        )
    )
    return amendment


def _own_order(work: Work, order_id: str) -> tuple[BuildOrder | None, Order]:
    """Lock the build order, then the order, as a plant's report does."""
    built, order = lock_with_order(work, order_id)
    if order.terms.account_id != work.actor.signed_in():
        raise NotFound("order")
    return built, order


def _stage(order: Order, built: BuildOrder | None) -> str:
    if not isinstance(order, ScheduledOrder):
        return order_state(order)
    return "scheduled" if built is None else built.stage.value


def _amendments(work: Work, order_id: str) -> list[Agreement]:
    return [one for one in agreements_of(work, order_id) if one.kind is AgreementKind.AMENDMENT]


def _repeated(work: Work, order: Order, options: Sequence[str]) -> Amendment | None:
    """Return what the last amendment was answered with, where it has made exactly this car."""
    terms, agreed = order.terms, agreements_of(work, order.terms.id)
    last = next((one for one in reversed(agreed) if one.kind is AgreementKind.AMENDMENT), None)
    if last is None or set(last.options_after) != set(options):
        return None
    by_then = [one for one in agreed if one.number <= last.number]
    return Amendment(
        terms.id,
        last.stage,
        last.options_after,
        tuple(changed_car(work, terms.quote_id, before=last.options_before, options=last.options_after).categories),
        last.price_delta_minor,
        last.fee_minor,
        terms.price_minor + sum(one.price_delta_minor + one.fee_minor for one in by_then),
    )


def _decide(work: Work, built: BuildOrder | None, order: Order, options: Sequence[str]) -> Amendment:
    terms, stage = order.terms, _stage(order, built)
    if isinstance(order, DeliveredOrder | CancelledOrder | StockedOrder):
        raise AmendmentNotPossible(because("AMEND_ENDED", state=stage), because(_AFTER_END[type(order)]))
    rules = policy.pinned(work, terms.policy_version).section(AmendmentPolicy)
    car = changed_car(work, terms.quote_id, before=terms.options, options=options)
    if not car.categories:
        raise AmendmentNotPossible(because("AMEND_SAME"), because("TRY_OTHER_CHOICE"))
    if car.pooling_class.l1_key != terms.class_l1:
        raise AmendmentNotPossible(because("AMEND_CLASS"), because("TRY_OTHER_CHOICE"))
    fee = fee_of_change(rules.points, car.categories, stage=stage)
    if len(_amendments(work, terms.id)) >= rules.amendments_max:
        raise AmendmentNotPossible(because("AMEND_MOST", most=rules.amendments_max), because("BUILT_AS_IT_IS"))
    if built is not None:
        _require_buildable(work, built, terms, car.options)
    delta = _price_delta(work, terms, car)
    price = terms.vehicle_minor + delta + terms.fees_minor + fee
    return Amendment(terms.id, stage, car.options, tuple(car.categories), delta, fee, price)


def _price_delta(work: Work, terms: OrderTerms, car: ChangedCar) -> int:
    """Return by how much the member's price changes: both cars' own price at the discount at which the pool locked."""
    pool = pools_by_id(work, [terms.pool_id]).get(terms.pool_id)
    discount_bp = 0 if pool is None else pool.discount_bp
    before = changed_car(work, terms.quote_id, before=terms.options, options=terms.options)
    return member_price_minor(car.price_minor, discount_bp) - member_price_minor(before.price_minor, discount_bp)


def _require_buildable(work: Work, built: BuildOrder, terms: OrderTerms, options: tuple[str, ...]) -> None:
    """Refuse parts that the car could not have, and what its own week has no room for."""
    facts = car_facts(work, terms.catalogue_version_id)
    _require_parts(work, built, terms, facts, options)
    wanted = sorted(facts.constrained_of(tuple(set(options) - set(terms.options))))
    if not wanted:
        return
    weeks = load_weeks(work, terms.plant_id, first=built.week, pool_id=None, lock=True, resources=wanted)
    short = [one for one in wanted if not weeks or weeks[0].week != built.week or weeks[0].room(one) < 1]
    if short:
        full = because("AMEND_WEEK", option=short[0], week=built.week)
        raise AmendmentNotPossible(full, because("TRY_OTHER_CHOICE"))


def _require_parts(work: Work, built: BuildOrder, terms: OrderTerms, facts: CarFacts, options: tuple[str, ...]) -> None:
    """Refuse parts that would come after the car's day.

    Once its parts stand ready nothing is called off for it any more: then it can have what its plant has there. A plant
    that never counted a part knows itself what it has, and the lead time counts.
    """
    zone = registry.own_brand(work).zone
    today, ordered_on = work.now.astimezone(zone).date(), built.released_at.astimezone(zone).date()
    before, after = (facts.features.of((terms.model, *some)) for some in (terms.options, options))
    more = facts.parts_of(after, ordered_on) - facts.parts_of(before, ordered_on)
    there = {} if built.stage is Stage.QUEUED else stock_of(work, terms.plant_id)
    if any(there.get(part, quantity) < quantity for part, quantity in more.items()):
        raise AmendmentNotPossible(because("AMEND_NOT_THERE"), because("TRY_OTHER_CHOICE"))
    if more.keys() <= there.keys():
        return
    there_on = facts.part_time(after - before, today, late_parts(work, terms.plant_id)).ready(today)
    if there_on > built.day:
        late = because("AMEND_PARTS", day=there_on, built=built.day)
        raise AmendmentNotPossible(late, because("TRY_OTHER_CHOICE"))


def _change_build_order(work: Work, built: BuildOrder, terms: OrderTerms, options: tuple[str, ...]) -> None:
    """Let the plant build the other car: its week's counters, and its day's line is judged anew."""
    facts = car_facts(work, terms.catalogue_version_id)
    before, after = facts.constrained_of(terms.options), facts.constrained_of(options)
    taken, freed = sorted(after - before), sorted(before - after)
    if freed:
        give_back_place(work, terms.plant_id, built.week, freed)
    if taken:
        take_places(work, terms.plant_id, None, [Placement(terms.id, built.week, tuple(taken), from_held=frozenset())])
    amended = replace(built, options=options)
    save_options(work, amended)
    moves = taken or freed or facts.paint_of(options) != facts.paint_of(terms.options)
    if moves:
        close_up(work, built.plant_id, built.day)
    work.record(BuildOrderAmended(built.brand_id, built.id, built.order_id, built.plant_id, built.day))
