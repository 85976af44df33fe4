"""Use cases of parts: called off in time, answered by suppliers, received, counted, taken by build orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from configurator.model import VersionId
from configurator.parts_model import is_effective
from configurator.queries import parts_of_car
from demand.backing.events import ConcernedAccount
from factory_orders.agreements.events import BuildOrderAmended
from factory_orders.errors import CallOffEnded
from factory_orders.events import BuildOrderWithdrawn, BuildStageReported
from factory_orders.parts.events import CallOffAnswered, CallOffReceived, PartsCalledOff
from factory_orders.parts.model import CallOff, CallOffState, Coming, PartDemand, net, surplus, to_withdraw
from factory_orders.parts.policy import PartPolicy
from factory_orders.parts.queries import PartKey, coming_to, plan_parts, share_stock, stock_of
from factory_orders.parts.store import (
    has_taken,
    insert_call_offs,
    lock_call_off,
    lock_plant,
    move_stock,
    note_takings,
    parts_used,
    save_call_off,
    withdraw_open,
)
from factory_orders.plant.model import BuildOrder, Stage
from factory_orders.plant.queries import begun_body, build_orders_by_id
from kernel import policy, registry
from kernel.actor import Permission, Role, system
from kernel.errors import InvalidInput, NotFound
from kernel.identity.machine_service import own_machine
from kernel.identity.queries import accounts_with_role
from kernel.outbox import Letter, Subscription
from kernel.reasons import because
from kernel.work import Work

QUANTITY_MAX: Final = 10_000_000
DAYS_MAX: Final = 730
PART_LENGTH_MAX: Final = 80
LIVE: Final = (CallOffState.OPEN, CallOffState.CONFIRMED)


@dataclass(frozen=True, slots=True)
class CalledOff:
    """What a plant's suppliers are asked for now and what they need not bring; models that have no part list."""

    made: tuple[CallOff, ...]
    withdrawn: tuple[CallOff, ...]
    without_list: tuple[str, ...]


def call_off_parts(work: Work, plant_id: str) -> CalledOff:
    """Ask suppliers for what the plant's planned cars lack and must be ordered soon, and for nothing twice.

    What nobody answered and no car takes any more is withdrawn. Cars of a model without a part list are named, and the
    others' parts called off all the same. Refuses NotFound for a plant that is not the brand's.
    """
    work.actor.require(Permission.BATCH_MANAGE)
    lock_plant(work, plant_id)
    plan, coming = plan_parts(work, plant_id), coming_to(work, plant_id)
    keys = {key: plan.demands.get(key, []) for key in sorted({*plan.demands, *coming})}
    # Who is to bring nothing any more has no share in the stock.
    there = share_stock(plan.demands, stock_of(work, plant_id))
    made: list[CallOff] = []
    withdrawn: list[CallOff] = []
    for key, demands in keys.items():
        own = coming.get(key, [])
        on_the_way = [Coming(one.week, one.quantity) for one in own]
        made += _lacking(work, plant_id, key, demands, net(demands, on_hand=there.get(key, 0), coming=on_the_way))
        spare = surplus(demands, on_hand=there.get(key, 0), coming=on_the_way)
        withdrawn += to_withdraw([one for one in own if one.state is CallOffState.OPEN], spare)
    insert_call_offs(work, made)
    # Who has answered or brought it meanwhile is not told that nobody needs it.
    gone = withdraw_open(work, [one.id for one in withdrawn])
    withdrawn = [one for one in withdrawn if one.id in gone]
    if made or withdrawn:
        work.record(PartsCalledOff(work.actor.brand_id, plant_id, len(made), len(withdrawn)))
    return CalledOff(tuple(made), tuple(withdrawn), plan.without_list)


def _lacking(
    work: Work, plant_id: str, key: PartKey, demands: Sequence[PartDemand], lacking: dict[date, int]
) -> list[CallOff]:
    """Return call-offs of what weeks lack, for those that must be ordered within the policy's days."""
    today = _today(work)
    until = today + timedelta(days=policy.current(work).section(PartPolicy).call_off_ahead_days)
    part, supplier = key
    return [
        CallOff(
            id=work.new_id(),
            brand_id=work.actor.brand_id,
            plant_id=plant_id,
            supplier=supplier,
            part=part,
            week=demand.week,
            call_off_by=demand.call_off_by,
            quantity=lacking[demand.week],
            state=CallOffState.OPEN,
            made_at=work.now,
        )
        for demand in demands
        if demand.week in lacking and demand.call_off_by <= until
    ]


def _today(work: Work) -> date:
    return work.now.astimezone(registry.own_brand(work).zone).date()


def call_off_all(work: Work, _brand_id: str, _payload: Any = None) -> None:
    """Call off each plant's parts, once a day; the timer's handler."""
    work.actor.require(Permission.SYSTEM)
    for plant in registry.list_plants(work):
        call_off_parts(work, plant.id)


def answer_call_off(work: Work, call_off_id: str, *, arrives_on: date) -> CallOff:
    """Take the supplier's word on the day; a later word replaces it until the plant has the parts.

    Refuses another supplier's call-off (NotFound), one that has ended (CallOffEnded) and a day that is past or too far.
    """
    work.actor.require(Permission.CALL_OFF_ANSWER)
    one = lock_call_off(work, call_off_id)
    if one.supplier != own_machine(work).party_code:
        raise NotFound("call-off")
    if one.state not in LIVE:
        raise CallOffEnded(one.state.value)
    today = _today(work)
    if not today <= arrives_on <= today + timedelta(days=DAYS_MAX):
        raise InvalidInput("arrivesOn", because("DAY_FROM", earliest=today, days=DAYS_MAX))
    answered = replace(one, state=CallOffState.CONFIRMED, arrives_on=arrives_on, answered_at=work.now)
    save_call_off(work, answered)
    late = arrives_on > one.week
    planners = accounts_with_role(work.acting(system(work.actor.brand_id)), Role.PLANNER) if late else []
    told = tuple(ConcernedAccount(account_id) for account_id in planners)
    work.record(
        CallOffAnswered(one.brand_id, one.id, one.plant_id, one.part, one.supplier, one.week, arrives_on, late, told)
    )
    return answered


def receive_call_off(work: Work, call_off_id: str, *, quantity: int | None = None) -> CallOff:
    """Take the plant's word that it has what it called off, or so many of it; what is missing is called off anew.

    The same word again is answered as before and counts once. Refuses another plant's call-off (NotFound), and one that
    was withdrawn or received in another quantity (CallOffEnded).
    """
    work.actor.require(Permission.PLANT_REPORT)
    plant_id = work.actor.own_plant()
    one = lock_call_off(work, call_off_id)
    if one.plant_id != plant_id:
        raise NotFound("call-off")
    received = one.quantity if quantity is None else quantity
    if one.received == received:
        return one
    if one.state not in LIVE:
        raise CallOffEnded(one.state.value)
    _check_quantity(received)
    ended = replace(one, state=CallOffState.RECEIVED, received=received, ended_at=work.now)
    save_call_off(work, ended)
    if received:
        move_stock(work, plant_id, {one.part: received}, kind="received", reference=one.id)
    work.record(CallOffReceived(one.brand_id, one.id, plant_id, received))
    return ended


def count_part(work: Work, part: str, *, on_hand: int) -> int:
    """Take the plant's count of a part; returns by how much it differs from what was known."""
    work.actor.require(Permission.PLANT_REPORT)
    plant_id = work.actor.own_plant()
    if not 1 <= len(part) <= PART_LENGTH_MAX:
        raise InvalidInput("part", because("LENGTH", most=PART_LENGTH_MAX))
    _check_quantity(on_hand)
    lock_plant(work, plant_id)
    difference = on_hand - stock_of(work, plant_id).get(part, 0)
    move_stock(work, plant_id, {part: difference}, kind="counted", reference=work.new_id())
    return difference


def _check_quantity(quantity: int) -> None:
    if not 0 <= quantity <= QUANTITY_MAX:
        raise InvalidInput("quantity", because("COUNT", least=0, most=QUANTITY_MAX))


def on_parts_ready(work: Work, letters: Sequence[Letter]) -> None:
    """Take the parts of cars that have begun off what the plant has, once a car."""
    begun = [letter.event for letter in letters if isinstance(letter.event, BuildStageReported)]
    ready = [one.build_order_id for one in begun if one.stage == Stage.PARTS_READY.value]
    # Held, so that a change of the car comes before what is read here or after what is written.
    orders = build_orders_by_id(work, ready, lock=True)
    new = note_takings(work, list(orders))
    counted = {plant_id: stock_of(work, plant_id) for plant_id in sorted({one.plant_id for one in orders.values()})}
    for order in (one for one in orders.values() if one.id in new and counted[one.plant_id]):
        taken = {part: -quantity for part, quantity in _parts_of(work, order).items()}
        move_stock(work, order.plant_id, taken, kind="used", reference=order.id, only_counted=True)


def _parts_of(work: Work, order: BuildOrder) -> Counter[str]:
    """Return how many of each part the car of a build order takes, as it is to be built now."""
    ordered_on = order.released_at.astimezone(registry.own_brand(work).zone).date()
    version_id = VersionId(order.catalogue_version_id)
    needed: Counter[str] = Counter()
    for part in parts_of_car(work, version_id, model=order.model, options=order.options):
        if is_effective(part, ordered_on):
            needed[part.part] += part.quantity
    return needed


def on_amended(work: Work, letters: Sequence[Letter]) -> None:
    """Exchange the parts of cars that were changed after they had taken them; the others take the new ones later.

    What a car holds of a part goes back as far as it needs it no more. One that has left has given all back.
    """
    changed = [letter.event.build_order_id for letter in letters if isinstance(letter.event, BuildOrderAmended)]
    orders = build_orders_by_id(work, changed, lock=True)
    taken = has_taken(work, list(orders))
    for order in (one for one in orders.values() if one.id in taken and one.stage is not Stage.WITHDRAWN):
        needed, held = _parts_of(work, order), parts_used(work, order.id)
        moved = {part: quantity for part in {*needed, *held} if (quantity := held.get(part, 0) - needed[part])}
        move_stock(work, order.plant_id, moved, kind="exchanged", reference=order.id, only_counted=True)


def on_withdrawn(work: Work, letters: Sequence[Letter]) -> None:
    """Give the parts back of cars that left before their body was begun; what is on the line is not taken apart.

    The news may overtake that of the parts taken: such a car takes none any more. Who comes while they are taken waits
    for the build order, as there.
    """
    left = [letter.event.build_order_id for letter in letters if isinstance(letter.event, BuildOrderWithdrawn)]
    on_the_line = begun_body(work, left)
    for order in build_orders_by_id(work, left, lock=True).values():
        if order.id not in on_the_line and not note_takings(work, [order.id]):
            move_stock(work, order.plant_id, parts_used(work, order.id), kind="returned", reference=order.id)


SUBSCRIPTIONS: Final = (
    Subscription("factory_orders.parts", frozenset({BuildStageReported.kind}), on_parts_ready),
    Subscription("factory_orders.parts_exchanged", frozenset({BuildOrderAmended.kind}), on_amended),
    Subscription("factory_orders.parts_back", frozenset({BuildOrderWithdrawn.kind}), on_withdrawn),
)
