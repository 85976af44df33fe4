"""What a simulated year came to: what became of everything, what an audit finds, and what no audit asks.

An audit examines what must hold at any moment. At the end of a year one may ask more: that no order hangs, that
everybody was told a date, that money which was to go back has gone, that the provider's books agree, and that the API
shows the calibration which the outcomes give.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Select, func, select

from benchmarks.processes import serving
from benchmarks.year_plot import BEGINS_AT, Plot, environment, still_plant_stop
from benchmarks.year_story import read_state
from configurator.tables import quotes
from demand.pools.tables import pools, pre_orders
from factory_orders.conditions.tables import damage_cases
from factory_orders.consents.tables import repair_offers
from factory_orders.deliveries.tables import late_credits, shipments
from factory_orders.early_cars.tables import early_offers
from factory_orders.exchanges.tables import car_swaps
from factory_orders.parts.tables import call_offs
from factory_orders.planning.model import OrderOrigin
from factory_orders.planning.tables import orders
from factory_orders.plant.model import Stage
from factory_orders.plant.tables import build_orders, plant_events
from factory_orders.promises.calibration import Calibration, Outcome, calibrate
from factory_orders.promises.learning import Margin, left_in_time
from factory_orders.promises.margin_store import margin_at
from factory_orders.promises.store import outcomes_until
from factory_orders.promises.tables import LEFT_WITHOUT_CAR, promise_margins, promise_outcomes
from factory_orders.store_closing.tables import store_changes
from factory_orders.waiting.tables import wait_offers
from graph.identifiers import raw_id
from kernel import db, registry
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.ids import AccountId, BrandId
from kernel.notices import notices
from kernel.payments.tables import refunds
from kernel.reconciliation import reconcile
from kernel.timers import timers
from kernel.work import Work, Works
from muster.audit import audit
from muster.demo.client import Client
from muster.settings import read_settings
from muster.wiring import Runtime, wire

MONTHS_MAX: Final = 26
REFUND_DAYS: Final = 5
TOLD_WITHIN: Final = timedelta(days=2)
HANGS_AFTER: Final = timedelta(days=60)
ASK_CALIBRATIONS: Final = """query Calibrations {
  promiseCalibrations(first: 100) { nodes { plantId firstDay lastDay promises keptP50 keptP90 } }
}"""


@dataclass(frozen=True, slots=True)
class Year:
    """What a year came to: counts by state, what befell it, each promise with its outcome, and what was found."""

    state: Mapping[str, Any]
    pools: Mapping[str, int]
    pre_orders: Mapping[str, int]
    orders: Mapping[tuple[str, str, str], int]
    reports: Mapping[str, int]
    befell: Mapping[str, int]
    outcomes: Sequence[Outcome]
    learned: Sequence[Outcome]
    margins: Sequence[tuple[str, date, Margin]]
    published: Sequence[Calibration]
    unsound: Sequence[str]
    checks: int
    kills: int


def open_year(folder: Path, *, url: str = "") -> tuple[Works, Runtime, datetime]:
    """Open the installation of a story at the moment where it is."""
    settings = read_settings(environment(folder, url))
    now = datetime.fromisoformat(read_state(folder)["now"])
    works = Works(db.open_engine(settings.database_url), clock=FixedClock(now))
    return works, wire(settings, works=works), now


def audit_now(folder: Path, *, url: str = "") -> tuple[int, list[str]]:
    """Examine every invariant as `muster audit` does; returns how many there are, and what is violated."""
    works, runtime, _ = open_year(folder, url=url)
    found = [
        f"{finding.check.name}: {line}"
        for one in audit(works, runtime.checks)
        for finding in one.findings
        for line in finding.violations
    ]
    runtime.identity.close()
    works.engine.dispose()
    return len(runtime.checks), found


def look_back(folder: Path, plot: Plot, *, kills: int, url: str = "") -> Year:
    """Read what became of everything, audit every brand that is there, and ask what only the end of a year can tell."""
    checks, unsound = audit_now(folder, url=url)
    works, runtime, now = open_year(folder, url=url)
    with works.read(system(BrandId("platform"))) as work:
        brand = registry.brand_by_code(work, "qilan")
    operator = Actor(brand.id, frozenset({Role.OPERATOR}), AccountId("0" * 31 + "e"))
    report = reconcile(works, operator, runtime.sandbox, since=BEGINS_AT, until=now + timedelta(days=1))
    shown = asked_of_api(folder, url=url)
    with works.read(system(brand.id)) as work:
        today = now.astimezone(brand.zone).date()
        year = Year(
            state=read_state(folder),
            pools=_counts(work, select(pools.c.state)),
            pre_orders=_counts(work, select(pre_orders.c.state)),
            orders=_orders(work),
            reports=_counts(work, select(plant_events.c.stage)),
            befell=befell(work, plot),
            outcomes=[one for own in outcomes_by_plant(work, today).values() for one in own],
            learned=learned_promises(work, today),
            margins=_margins(work),
            published=[one for _, one in shown],
            unsound=[*unsound, *left_undone(work), *report.sentences(), *_calibrated_otherwise(work, today, shown)],
            checks=checks,
            kills=kills,
        )
    runtime.identity.close()
    works.engine.dispose()
    return year


def _counts(work: Work, of: Select[Any]) -> dict[Any, int]:
    kinds = of.subquery()
    column = next(iter(kinds.c))
    found = select(column, func.count()).group_by(column).order_by(column)
    return {row[0]: int(row[1]) for row in work.connection.execute(found)}


def _orders(work: Work) -> dict[tuple[str, str, str], int]:
    of = (orders.c.origin, orders.c.state, func.coalesce(orders.c.reason, ""))
    found = select(*of, func.count()).group_by(*of).order_by(*of)
    return {(row[0], row[1], row[2]): int(row[3]) for row in work.connection.execute(found)}


def befell(work: Work, plot: Plot) -> dict[str, int]:
    """Count what befell buyers, cars and stores beside the plan."""
    shipment, order, built, still = shipments.c, orders.c, build_orders.c, still_plant_stop(plot)
    counted = {
        "buyers who left before the freeze": select(pre_orders.c.id).where(pre_orders.c.state == "withdrawn"),
        "buyers who never paid": select(order.id).where(order.reason == "balance_unpaid"),
        "cars damaged on their way": select(shipment.id).where(shipment.state == "damaged"),
        "damage cases": select(damage_cases.c.id).where(damage_cases.c.state == "closed"),
        "repaired cars offered": select(repair_offers.c.id),
        "repaired cars taken": select(repair_offers.c.id).where(repair_offers.c.state == "accepted"),
        "cars for stock ordered": select(order.id).where(order.origin == OrderOrigin.STORE.value),
        "cars bought from stock": select(order.id).where(order.origin == OrderOrigin.STOCK.value),
        "stores closed": select(registry.stores.c.id).where(registry.stores.c.closed_at.is_not(None)),
        "buyers who picked another store": select(store_changes.c.id),
        "parts called off": select(call_offs.c.id),
        "parts that came late": select(call_offs.c.id).where(call_offs.c.arrives_on > call_offs.c.week),
        "credits for a long wait offered": select(wait_offers.c.id),
        "cars there sooner offered": select(early_offers.c.id),
        "orders that changed cars": select(car_swaps.c.id),
        "cars that were to be built while their plant stood still": select(built.id).where(
            built.plant_id == registry.plant_by_code(work, plot.still_plant).id,
            built.day.between(still.begins_at.date(), still.ends_at.date()),
            built.stage != Stage.WITHDRAWN.value,
        ),
        "late credits": select(late_credits.c.order_id),
    }
    return {what: _number(work, found) for what, found in counted.items()}


def _number(work: Work, found: Select[Any]) -> int:
    return int(work.connection.execute(select(func.count()).select_from(found.subquery())).scalar_one())


# --- what no audit asks ----------------------------------------------------------------------------------------------


def left_undone(work: Work) -> list[str]:
    """Say which orders hang, who was told no date, which money has not gone back, and what nobody has done in time."""
    order, now = orders.c, work.now
    own = order.brand_id == work.actor.brand_id
    under_way = (own, order.state.in_(("scheduled", "built", "in_transit", "at_store")))
    told = select(notices.c.id).where(notices.c.account_id == order.account_id, notices.c.kind.like("order_scheduled%"))
    refund = refunds.c
    asked = {
        "order {} hangs": select(order.id).where(*under_way, order.locked_at < now - 3 * HANGS_AFTER),
        "order {} waits long after its day": select(order.id).where(
            *under_way, order.promised_by < (now - HANGS_AFTER).date(), order.origin == OrderOrigin.POOL.value
        ),
        "order {} has no date": select(order.id).where(
            *under_way,
            order.promised_by.is_(None),
            order.origin == OrderOrigin.POOL.value,
            order.locked_at < now - TOLD_WITHIN,
        ),
        "the buyer of order {} was told no date": select(order.id)
        .where(
            own, order.origin == OrderOrigin.POOL.value, order.state != "cancelled", order.locked_at < now - TOLD_WITHIN
        )
        .where(~told.exists()),
        "the refund of payment {} has not been made": select(refund.payment_id).where(
            refund.refunded_at.is_(None),
            refund.voided_at.is_(None),
            refund.requested_at < now - timedelta(days=REFUND_DAYS),
        ),
        "timer {} has not fired": select(timers.c.kind).where(timers.c.due_at < now - TOLD_WITHIN),
    }
    return [line.format(value) for line, found in asked.items() for value in work.connection.execute(found).scalars()]


def asked_of_api(folder: Path, *, url: str = "") -> list[tuple[str, Calibration]]:
    """Ask a server of this installation for the calibration that it shows to everybody, by plant; without a worker."""
    with serving(environment(folder, url), "--no-worker") as running:
        nodes = Client(f"http://127.0.0.1:{running.port}", "qilan").ask(ASK_CALIBRATIONS)["promiseCalibrations"][
            "nodes"
        ]
    return [
        (
            raw_id(node["plantId"], "Plant"),
            Calibration(
                date.fromisoformat(node["firstDay"]),
                date.fromisoformat(node["lastDay"]),
                node["promises"],
                node["keptP50"],
                node["keptP90"],
            ),
        )
        for node in nodes
    ]


def _calibrated_otherwise(work: Work, today: date, shown: Sequence[tuple[str, Calibration]]) -> Iterator[str]:
    """Yield where the calibration that the API shows is not what the outcomes give, or leaves months out."""
    outcomes = outcomes_by_plant(work, today)
    for plant_id, one in shown:
        own = [outcome for outcome in outcomes[plant_id] if one.first_day <= outcome.promised_by <= one.last_day]
        counted = calibrate(own, after=one.first_day - timedelta(days=1), until=one.last_day)
        if counted != one:
            yield f"the API shows {one} of plant {plant_id}, the outcomes give {counted}"
    for plant_id in outcomes:
        days = sorted((one.first_day, one.last_day) for plant, one in shown if plant == plant_id)
        gaps = [end for (_, end), (begin, _) in pairwise(days) if end + timedelta(days=1) != begin]
        if gaps:
            yield f"the API shows nothing of plant {plant_id} after {gaps}"


def outcomes_by_plant(work: Work, today: date) -> dict[str, list[Outcome]]:
    """Return the promises that have fallen due, by plant."""
    return {plant.id: outcomes_until(work, plant.id, after=None, until=today) for plant in registry.list_plants(work)}


def learned_promises(work: Work, today: date) -> list[Outcome]:
    """Return those promises due that were made once their plant's cars had taught something."""
    outcome, first = promise_outcomes.c, promise_margins.alias()
    taught = select(func.min(first.c.released_at)).where(first.c.plant_id == outcome.plant_id).scalar_subquery()
    found = (
        select(
            outcome.expected_on,
            outcome.promised_by,
            outcome.ready_on,
            func.coalesce(orders.c.person_id, orders.c.account_id).label("person"),
            orders.c.ended_at,
            LEFT_WITHOUT_CAR.label("left_without_car"),
        )
        .join(orders, orders.c.id == outcome.order_id)
        .join(quotes, quotes.c.id == orders.c.quote_id)
        .where(outcome.brand_id == work.actor.brand_id, outcome.promised_by <= today, quotes.c.issued_at >= taught)
    )
    zone = registry.own_brand(work).zone
    return [
        Outcome(row.expected_on, row.promised_by, row.ready_on, row.person)
        for row in work.connection.execute(found)
        if not left_in_time(row, zone)
    ]


def _margins(work: Work) -> list[tuple[str, date, Margin]]:
    """Return each plant's margins at the end of each month, as they were learned by then."""
    begins, now = BEGINS_AT.astimezone(UTC), work.now
    ends = [datetime(begins.year + month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in range(1, MONTHS_MAX)]
    found = [
        (plant.code, end.date(), margin)
        for plant in registry.list_plants(work)
        for end in ends
        if end <= now and (margin := margin_at(work, plant.id, end)) is not None
    ]
    return sorted(found, key=lambda one: (one[1], one[0]))
