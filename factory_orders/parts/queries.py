"""Reads of parts: what planned cars take, what is there and comes, what is missing, a supplier's own call-offs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import bindparam, exists, func, select, true

from configurator import queries as catalogue
from configurator.model import VersionId
from configurator.parts_model import PlannedCars, explode_parts, is_effective
from factory_orders.parts.model import CallOff, CallOffState, Coming, PartDemand, PartSupply, Shortage, shortages
from factory_orders.parts.rows import call_off_from
from factory_orders.parts.tables import call_offs, part_stocks, part_takings
from factory_orders.plant.model import Stage
from factory_orders.plant.tables import build_orders
from kernel import registry
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.identity.machine_service import own_machine
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work

SHORTAGES_MAX: Final = 500
LIVE: Final = (CallOffState.OPEN.value, CallOffState.CONFIRMED.value)
PartKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PartPlan:
    """A plant's parts: demands by part and supplier, and models of planned cars for which no part list is effective."""

    demands: dict[PartKey, list[PartDemand]]
    without_list: tuple[str, ...]


# Written once: every promise asks.
_LATE: Final = (
    select(call_offs.c.part, func.max(call_offs.c.arrives_on).label("day"))
    .where(
        call_offs.c.plant_id == bindparam("plant"),
        call_offs.c.brand_id == bindparam("brand"),
        call_offs.c.state == CallOffState.CONFIRMED.value,
        call_offs.c.arrives_on > call_offs.c.week,
        call_offs.c.arrives_on > bindparam("today"),
    )
    .group_by(call_offs.c.part)
)


def late_parts(work: Work, plant_id: str) -> dict[str, date]:
    """Return the parts that a supplier brings a plant later than it was asked for, with the last such day to come.

    What is called off from now on comes no sooner than that: new cars that take it wait for the day, in a promise as
    in a plan.
    """
    own = {"plant": plant_id, "brand": work.actor.brand_id}
    today = work.now.astimezone(registry.own_brand(work).zone).date()
    return {row.part: row.day for row in work.connection.execute(_LATE, own | {"today": today})}


def part_supplies(work: Work, plant_id: str, *, first: date) -> dict[str, PartSupply]:
    """Return what is there and comes of the parts that a plant counts or has called off, for its cars from a week on.

    Cars of the weeks before, and those that have begun, take theirs first.
    """
    stock = stock_of(work, plant_id)
    coming: defaultdict[str, list[Coming]] = defaultdict(list)
    for (part, _), some in coming_to(work, plant_id).items():
        coming[part] += [Coming(one.comes_on, one.quantity) for one in some]
    if not stock and not coming:
        return {}
    taken: Counter[str] = Counter()
    for (part, _), demands in plan_parts(work, plant_id, begun_before=first).demands.items():
        taken[part] += sum(one.quantity for one in demands)
    return {part: PartSupply(stock.get(part, 0) - taken[part], tuple(coming[part])) for part in {*stock, *coming}}


def plan_parts(work: Work, plant_id: str, *, begun_before: date | None = None) -> PartPlan:
    """Explode the plant's build orders that have not taken their parts; in one statement, and one a catalogue version.

    A car that has just begun takes them a moment later: until then its parts are still there, and still needed. With
    `begun_before` only those count that have begun or are of a week before.
    """
    zone = registry.own_brand(work).zone
    table = build_orders.c
    begun = true() if begun_before is None else (table.week < begun_before) | (table.stage != Stage.QUEUED.value)
    found = select(table.week, table.model, table.options, table.catalogue_version_id, table.released_at).where(
        table.brand_id == work.actor.brand_id,
        table.plant_id == plant_id,
        table.stage != Stage.WITHDRAWN.value,
        begun,
        ~exists().where(part_takings.c.build_order_id == table.id),
    )
    cars: Counter[tuple[str, str, frozenset[str], date, date]] = Counter()
    for row in work.connection.execute(found):
        ordered_on = row.released_at.astimezone(zone).date()
        cars[row.catalogue_version_id, row.model, frozenset(row.options), ordered_on, row.week] += 1
    by_version: defaultdict[str, list[PlannedCars[int]]] = defaultdict(list)
    without: set[str] = set()
    for (version_id, model, options, ordered_on, week), number in cars.items():
        version = catalogue.version_by_id(work, VersionId(version_id)).catalogue
        features = version.car_features.of((model, *options))
        by_version[version_id].append(PlannedCars(features, ordered_on, week, number))
        if not any(part.feature == model and is_effective(part, ordered_on) for part in version.parts):
            without.add(model)
    return PartPlan(_demands(work, by_version), tuple(sorted(without)))


def _demands(work: Work, by_version: dict[str, list[PlannedCars[int]]]) -> dict[PartKey, list[PartDemand]]:
    needed: Counter[tuple[PartKey, date]] = Counter()
    soonest: dict[tuple[PartKey, date], date] = {}
    for version_id, some in by_version.items():
        parts = catalogue.version_by_id(work, VersionId(version_id)).catalogue.parts
        for need, quantity in explode_parts(parts, some).items():
            key = ((need.part, need.supplier), need.built_on)
            needed[key] += quantity
            soonest[key] = min(need.call_off_by, soonest.get(key, need.call_off_by))
    demands: defaultdict[PartKey, list[PartDemand]] = defaultdict(list)
    for key, quantity in sorted(needed.items()):
        part, week = key
        demands[part].append(PartDemand(week, quantity, soonest[key]))
    return dict(demands)


def stock_of(work: Work, plant_id: str) -> dict[str, int]:
    """Return what a plant has of each part that it ever counted or received."""
    table = part_stocks.c
    found = select(table.part, table.on_hand).where(table.plant_id == plant_id, table.brand_id == work.actor.brand_id)
    return {row.part: row.on_hand for row in work.connection.execute(found)}


def coming_to(work: Work, plant_id: str) -> dict[PartKey, list[CallOff]]:
    """Return the call-offs that have not arrived yet, by part and supplier."""
    table = call_offs.c
    found = select(call_offs).where(
        table.plant_id == plant_id, table.brand_id == work.actor.brand_id, table.state.in_(LIVE)
    )
    coming: defaultdict[PartKey, list[CallOff]] = defaultdict(list)
    for row in work.connection.execute(found.order_by(table.week, table.id)).mappings():
        one = call_off_from(row)
        coming[one.part, one.supplier].append(one)
    return dict(coming)


def share_stock(demands: dict[PartKey, list[PartDemand]], stock: dict[str, int]) -> dict[PartKey, int]:
    """Share what is there of a part over those who are to bring it, since a stock has no supplier.

    Each supplier's demands are covered one after the other; what none of them takes is counted with the last one's.
    """
    left, shared, last = dict(stock), dict[PartKey, int](), dict[str, PartKey]()
    for key in sorted(demands):
        part = key[0]
        shared[key] = min(left.get(part, 0), sum(one.quantity for one in demands[key]))
        left[part] = left.get(part, 0) - shared[key]
        last[part] = key
    for part, key in last.items():
        shared[key] += left[part]
    return shared


def part_shortages(work: Work, plant_id: str) -> tuple[list[Shortage], tuple[str, ...]]:
    """Return what the plant's planned cars lack, soonest first, and the models without a part list.

    Refuses NotFound for a plant that is not the brand's.
    """
    work.actor.require(Permission.BATCH_READ)
    if plant_id not in {plant.id for plant in registry.list_plants(work)}:
        raise NotFound("plant")
    plan, coming = plan_parts(work, plant_id), coming_to(work, plant_id)
    there = share_stock(plan.demands, stock_of(work, plant_id))
    found = [
        one
        for key, demands in plan.demands.items()
        for one in shortages(plant_id, key, demands, on_hand=there[key], call_offs=coming.get(key, []))
    ]
    found.sort(key=lambda one: (one.week, one.part, one.supplier))
    return found[:SHORTAGES_MAX], plan.without_list


def list_call_offs(
    work: Work, page: PageRequest, *, plant_id: str | None = None, state: str | None = None
) -> Page[CallOff]:
    """Return the brand's call-offs, newest first."""
    work.actor.require(Permission.BATCH_READ)
    found = select(call_offs).where(call_offs.c.brand_id == work.actor.brand_id)
    if plant_id is not None:
        found = found.where(call_offs.c.plant_id == plant_id)
    return _page(work, found, page, state)


def supplier_call_offs(work: Work, page: PageRequest, *, state: str | None = None) -> Page[CallOff]:
    """Return what the acting supplier was asked for, newest first; nothing of others."""
    work.actor.require(Permission.CALL_OFF_ANSWER)
    supplier = own_machine(work).party_code
    own = (call_offs.c.brand_id == work.actor.brand_id) & (call_offs.c.supplier == supplier)
    return _page(work, select(call_offs).where(own), page, state)


def _page(work: Work, found: Any, page: PageRequest, state: str | None) -> Page[CallOff]:
    if state is not None:
        found = found.where(call_offs.c.state == state)
    if page.after is not None:
        found = found.where(call_offs.c.id < page.after)
    rows: Sequence[CallOff] = [
        call_off_from(row)
        for row in work.connection.execute(found.order_by(call_offs.c.id.desc()).limit(page.size + 1)).mappings()
    ]
    return make_page(rows, page, lambda one: one.id)
