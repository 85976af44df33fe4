"""What must hold of orders, weeks, cars and handovers on a live database (DOMAIN section 4), derived from the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import Executable, Select, bindparam, case, func, literal, select

from configurator.quote_queries import load_quotes
from demand.pools.queries import locked_members
from factory_orders.agreements import audit_service as agreements_audit
from factory_orders.damage import audit_service as damage_audit
from factory_orders.deliveries.tables import handovers, late_credits, order_balances
from factory_orders.early_cars import audit_service as early_cars_audit
from factory_orders.errors import VinInvalid
from factory_orders.exchanges import audit_service as exchanges_audit
from factory_orders.light_stock import audit_service as light_stock_audit
from factory_orders.parts import audit_service as parts_audit
from factory_orders.planning import audit_service as planning_audit
from factory_orders.planning.model import SLOT, OrderOrigin
from factory_orders.planning.queries import car_facts
from factory_orders.planning.tables import capacity_weeks, orders, pool_reservations
from factory_orders.plant.model import Stage
from factory_orders.plant.tables import build_orders, plant_events
from factory_orders.policies import LateCreditPolicy
from factory_orders.promises import audit_service as promises_audit
from factory_orders.stock import audit_service as stock_audit
from factory_orders.stock_orders import audit_service as stock_orders_audit
from factory_orders.store_closing import audit_service as store_closing_audit
from factory_orders.store_shares import audit_service as store_shares_audit
from factory_orders.third_party.audit_service import wrong_third_party
from factory_orders.vehicles.model import Newness
from factory_orders.vehicles.passport import WORDS, chain_of
from factory_orders.vehicles.tables import vehicles
from factory_orders.vehicles.vin import read_vin
from factory_orders.waiting import audit_service as waiting_audit
from kernel import policy, record, registry
from kernel.ledger import ledger_transfers
from kernel.money import share_basis_points
from kernel.soundness import Check, account_balances, rows_violating
from kernel.work import Work

AT_ONCE: Final = 200


# --- cars and orders -------------------------------------------------------------------------------------------------

_ONE_ORDER_PER_CAR: Final = """
    SELECT vin, COUNT(*) AS times FROM allocations WHERE brand_id = :brand_id AND ended_at IS NULL
    GROUP BY vin HAVING COUNT(*) > 1
"""
_ONE_CAR_PER_ORDER: Final = """
    SELECT order_id, COUNT(*) AS times FROM allocations WHERE brand_id = :brand_id AND ended_at IS NULL
    GROUP BY order_id HAVING COUNT(*) > 1
"""
_BOUND: Final = """
    SELECT orders.id, orders.state, orders.vin FROM orders
    LEFT JOIN allocations ON allocations.order_id = orders.id AND allocations.ended_at IS NULL
    WHERE orders.brand_id = :brand_id AND (
        (orders.state IN ('built', 'in_transit', 'at_store', 'delivered')
            AND (allocations.vin IS NULL OR orders.vin IS NULL OR allocations.vin <> orders.vin))
        OR (orders.state IN ('scheduled', 'cancelled') AND allocations.vin IS NOT NULL)
    )
"""
_CAR_STATES: Final = """
    SELECT vehicles.vin, vehicles.state FROM vehicles
    LEFT JOIN allocations ON allocations.vin = vehicles.vin AND allocations.ended_at IS NULL
    LEFT JOIN orders ON orders.id = allocations.order_id
    WHERE vehicles.brand_id = :brand_id AND (
        (vehicles.state IN ('planned', 'built', 'gone') AND allocations.id IS NOT NULL)
        OR (vehicles.state IN ('allocated', 'delivered') AND allocations.id IS NULL)
        OR (vehicles.state = 'delivered') <> (orders.state = 'delivered' AND orders.state IS NOT NULL)
    )
"""
_UNDISCLOSED: Final = """
    SELECT vehicles.vin FROM vehicles
    WHERE vehicles.brand_id = :brand_id AND (
        (vehicles.newness > 0
            AND NOT EXISTS (SELECT 1 FROM vehicle_disclosures WHERE vehicle_disclosures.vin = vehicles.vin))
        OR (vehicles.state = 'delivered' AND EXISTS (
            SELECT 1 FROM vehicle_disclosures
            WHERE vehicle_disclosures.vin = vehicles.vin AND vehicle_disclosures.accepted_at IS NULL))
    )
"""


def _wrong_numbers(work: Work) -> Iterator[str]:
    found = select(vehicles.c.vin).where(vehicles.c.brand_id == work.actor.brand_id)
    for vin in work.connection.execute(found).scalars():
        try:
            read_vin(vin)
        except VinInvalid as refusal:
            yield f"vehicle {vin}: {refusal.reason}"


def _wrong_newness(work: Work) -> Iterator[str]:
    """Replay each passport: newness never rises, and the last word is the car's."""
    table = vehicles.c
    found = select(table.vin, table.newness).where(table.brand_id == work.actor.brand_id).order_by(table.vin)
    for row in work.connection.execute(found).all():
        now = Newness.NEW
        for entry in record.walk(work, chain_of(row.vin)):
            told = WORDS[entry.body["newness"]]
            if told < now:
                yield f"entry {entry.sequence} of the passport of {row.vin} goes up from {now.word} to {told.word}"
            now = max(now, told)
        if now != row.newness:
            yield f"vehicle {row.vin} stands at {Newness(row.newness).word}, its passport at {now.word}"


# --- capacity --------------------------------------------------------------------------------------------------------


def _wrong_weeks(work: Work) -> Iterator[str]:
    """Count anew what pools hold and what cars use of every plant's weeks."""
    held: Counter[tuple[str, date, str]] = Counter()
    own = pool_reservations.c
    holding = select(own.plant_id, own.week, own.resource, own.held).where(own.brand_id == work.actor.brand_id)
    for plant_id, week, resource, number in work.connection.execute(holding):
        held[plant_id, week, resource] += number
    used = _used(work)
    table = capacity_weeks.c
    found = select(table.plant_id, table.week, table.resource, table.reserved, table.used).where(
        table.brand_id == work.actor.brand_id
    )
    for row in work.connection.execute(found.order_by(table.plant_id, table.week, table.resource)):
        key = (row.plant_id, row.week, row.resource)
        wanted = (held.pop(key, 0), used.pop(key, 0))
        if wanted != (row.reserved, row.used):
            counted = f"{row.reserved} reserved and {row.used} used"
            yield f"{row.resource} of plant {row.plant_id} in {row.week}: {counted} instead of {wanted}"
    for plant_id, week, resource in sorted({*(+held), *(+used)}):
        yield f"{resource} of plant {plant_id} in {week} is taken and counted nowhere"


def _used(work: Work) -> Counter[tuple[str, date, str]]:
    """Count the places that build orders took: all but those withdrawn before a car was begun."""
    table = build_orders.c
    began = (
        select(plant_events.c.id)
        .where(plant_events.c.build_order_id == table.id, plant_events.c.stage == Stage.BODY.value)
        .exists()
    )
    found = select(table.plant_id, table.week, table.options, table.catalogue_version_id).where(
        table.brand_id == work.actor.brand_id, (table.stage != "withdrawn") | began
    )
    used: Counter[tuple[str, date, str]] = Counter()
    facts = {}
    for row in work.connection.execute(found).all():
        version = row.catalogue_version_id
        if version not in facts:
            facts[version] = car_facts(work, version)
        for resource in (SLOT, *facts[version].constrained_of(tuple(row.options))):
            used[row.plant_id, row.week, resource] += 1
    return used


_UNINVOICED: Final = """
    SELECT orders.id FROM orders LEFT JOIN papers ON papers.order_id = orders.id AND papers.vin = orders.vin
        AND papers.kind = 'vehicle_invoice' AND papers.state = 'issued'
        AND papers.amount_minor = orders.price_minor + orders.agreed_minor
    WHERE orders.brand_id = :brand_id AND orders.state = 'delivered' AND papers.id IS NULL
"""
_BACKWARDS: Final = """
    SELECT later.vin, later.odometer_km AS km FROM condition_checks AS later
    JOIN condition_checks AS earlier ON earlier.vin = later.vin AND earlier.at < later.at
        AND earlier.odometer_km > later.odometer_km
    WHERE later.brand_id = :brand_id
"""
_BATCHES: Final = """
    SELECT batches.id, batches.size, COUNT(batch_orders.order_id) AS orders FROM batches
    LEFT JOIN batch_orders ON batch_orders.batch_id = batches.id
    WHERE batches.brand_id = :brand_id
    GROUP BY batches.id, batches.size, batches.size_min, batches.size_max
    HAVING COUNT(batch_orders.order_id) <> batches.size
        OR batches.size NOT BETWEEN batches.size_min AND batches.size_max
"""
_ONE_BUILD: Final = """
    SELECT order_id, COUNT(*) AS times FROM build_orders WHERE brand_id = :brand_id AND stage <> 'withdrawn'
    GROUP BY order_id HAVING COUNT(*) > 1
"""


# --- what a buyer pays -----------------------------------------------------------------------------------------------


def _wrong_terms(work: Work) -> Iterator[str]:
    """Hold each order against what demand locked and against the guaranteed lines of its quote."""
    table = orders.c
    found = select(
        table.id, table.pool_id, table.account_id, table.quote_id, table.price_minor, table.guaranteed_other_minor
    ).where(table.brand_id == work.actor.brand_id, table.origin == OrderOrigin.POOL.value)
    by_pool: dict[str, list[Any]] = {}
    for row in work.connection.execute(found):
        by_pool.setdefault(row.pool_id, []).append(row)
    for pool_id in sorted(by_pool):
        locked = {member.pre_order_id: member for member in locked_members(work, pool_id)}
        for row in by_pool[pool_id]:
            member = locked.get(row.id)
            if member is None:
                yield f"order {row.id} was locked by no pool"
            elif (row.account_id, row.quote_id, row.price_minor) != (
                member.account_id,
                member.quote_id,
                member.price_minor,
            ):
                yield f"order {row.id} is not what was locked: {row.price_minor} instead of {member.price_minor}"
        yield from _dearer(work, by_pool[pool_id])


def _dearer(work: Work, rows: Sequence[Any]) -> Iterator[str]:
    for start in range(0, len(rows), AT_ONCE):
        part = rows[start : start + AT_ONCE]
        quotes = load_quotes(work, [row.quote_id for row in part])
        for row in part:
            quote = quotes[row.quote_id].signed.quote
            if row.price_minor + row.guaranteed_other_minor > quote.guaranteed_minor:
                yield f"order {row.id} costs more than the guaranteed lines of quote {row.quote_id}"


def _dearer_balances() -> Executable:
    asked = order_balances.c
    return (
        select(asked.order_id, asked.vehicle_minor, asked.guaranteed_other_minor)
        .join(orders, orders.c.id == asked.order_id)
        .where(
            asked.brand_id == bindparam("brand_id"),
            (asked.vehicle_minor != orders.c.price_minor)
            | (asked.guaranteed_other_minor != orders.c.guaranteed_other_minor)
            | (asked.agreed_minor != orders.c.agreed_minor + orders.c.fees_minor),
        )
    )


def _wrong_third_party(work: Work) -> Iterator[str]:
    """Work out anew the lines that follow the day, in the brand's own days."""
    yield from wrong_third_party(work, registry.own_brand(work).zone)


_TOO_EARLY: Final = """
    SELECT payments.id, payments.subject_id FROM payments
    LEFT JOIN handovers ON handovers.order_id = payments.subject_id
        AND handovers.inspected_at IS NOT NULL AND handovers.inspected_at <= payments.created_at
    LEFT JOIN vehicles ON vehicles.vin = handovers.vin AND vehicles.identified_at <= payments.created_at
    WHERE payments.brand_id = :brand_id AND payments.purpose = 'balance'
    GROUP BY payments.id, payments.subject_id HAVING COUNT(vehicles.vin) = 0
"""


def _open_balances(kind: str, expected: Any) -> Select[Any]:
    """Select orders whose account of a kind does not stand at what is expected."""
    balances, table = account_balances(), orders.c
    held = func.coalesce(balances.c.balance, 0)
    return (
        select(table.id, table.state, held.label("held"))
        .select_from(orders.outerjoin(balances, balances.c.account == literal(f"{kind}:") + table.id))
        .where(table.brand_id == bindparam("brand_id"), held != expected)
    )


def _asked_for() -> Any:
    """Say of an order that its balance was asked for at a handover that was not rejected."""
    return (
        select(order_balances.c.handover_id)
        .join(handovers, handovers.c.id == order_balances.c.handover_id)
        .where(order_balances.c.order_id == orders.c.id, handovers.c.state != "rejected")
        .exists()
    )


def _earnest(origin: OrderOrigin) -> Executable:
    """Select orders of an origin whose earnest money, or deposit for a stock car, is not what came and was spent."""
    kind = "stock_deposit" if origin is OrderOrigin.STOCK else "earnest"
    booked = (
        select(ledger_transfers.c.amount_minor)
        .where(
            ledger_transfers.c.kind.in_(("earnest", "stock_deposit")),
            ledger_transfers.c.credit_account == literal(f"{kind}:") + orders.c.id,
        )
        .scalar_subquery()
    )
    lost = (
        select(ledger_transfers.c.amount_minor)
        .where(
            ledger_transfers.c.kind.in_(("declined", "charged_back")),
            ledger_transfers.c.debit_account == literal(f"{kind}:") + orders.c.id,
        )
        .scalar_subquery()
    )
    spent = _asked_for() | (orders.c.state == "cancelled")
    there = func.coalesce(booked, 0) - func.coalesce(lost, 0)
    return _open_balances(kind, case((spent, 0), else_=there)).where(orders.c.origin == origin.value)


def _receivables() -> Executable:
    """Select orders that owe though nothing was asked for, or that were delivered before all was paid."""
    asked = order_balances.c
    due = (
        select(
            asked.vehicle_minor
            + asked.guaranteed_other_minor
            + asked.agreed_minor
            + asked.third_party_minor
            - asked.earnest_minor
            - asked.late_credit_minor
        )
        .join(handovers, handovers.c.id == asked.handover_id)
        .where(asked.order_id == orders.c.id, handovers.c.state == "inspected")
        .scalar_subquery()
    )
    return _open_balances("receivable", -func.coalesce(due, 0))


def _wrong_credits(work: Work) -> Iterator[str]:
    """Look at late credits: each is booked, and they never exceed their share of the price."""
    table = late_credits.c
    booked = select(ledger_transfers.c.reference, ledger_transfers.c.amount_minor).where(
        ledger_transfers.c.brand_id == work.actor.brand_id, ledger_transfers.c.kind == "late_credit"
    )
    told: dict[str, int] = {row.reference: row.amount_minor for row in work.connection.execute(booked)}
    totals: Counter[str] = Counter()
    contracts: dict[str, Any] = {}
    found = select(table.order_id, table.day, table.amount_minor, orders.c.price_minor, orders.c.policy_version).join(
        orders, orders.c.id == table.order_id
    )
    for row in work.connection.execute(found.where(table.brand_id == work.actor.brand_id)):
        totals[row.order_id] += row.amount_minor
        contracts[row.order_id] = row
        if told.pop(f"{row.order_id}:{row.day.isoformat()}", None) != row.amount_minor:
            yield f"the credit of order {row.order_id} for {row.day} is not booked"
    for order_id, total in sorted(totals.items()):
        contract = contracts[order_id]
        most_bp = policy.pinned(work, contract.policy_version).section(LateCreditPolicy).most_bp
        if total > share_basis_points(contract.price_minor, most_bp):
            yield f"order {order_id} was credited {total}"
    for reference in sorted(told):
        yield f"the late credit {reference} is booked and was not given"


CHECKS: Final = (
    Check("a car is bound to one order", 2, rows_violating(_ONE_ORDER_PER_CAR, shape="{vin} is bound {times} times")),
    Check("an order has one car", 2, rows_violating(_ONE_CAR_PER_ORDER, shape="order {order_id}: {times} cars")),
    Check(
        "an order that has a car is bound to that car, and no other order is bound",
        2,
        rows_violating(_BOUND, shape="order {id} is {state} with car {vin}"),
    ),
    Check(
        "a car's state is that of its allocation and its order",
        2,
        rows_violating(_CAR_STATES, shape="vehicle {vin} is {state}"),
    ),
    Check("a car's number has the structure and the check digit of the standard", 2, _wrong_numbers),
    Check("reserved and used are what pools hold and cars took, week by week and option by option", 3, _wrong_weeks),
    Check(
        "no week is taken beyond its capacity",
        3,
        rows_violating(
            "SELECT plant_id, week, resource FROM capacity_weeks WHERE brand_id = :brand_id"
            " AND (reserved + used > capacity OR reserved < 0 OR used < 0)",
            shape="{resource} of plant {plant_id} in {week}",
        ),
    ),
    Check(
        "a delivered car has its vehicle invoice over its price",
        4,
        rows_violating(_UNINVOICED, shape="order {id}"),
    ),
    Check("no odometer runs backwards", 4, rows_violating(_BACKWARDS, shape="{vin} at {km} km")),
    *damage_audit.CHECKS,
    *agreements_audit.CHECKS,
    *parts_audit.CHECKS,
    *waiting_audit.CHECKS,
    *promises_audit.CHECKS,
    Check(
        "a batch has as many orders as it says, within the plant's limits",
        3,
        rows_violating(_BATCHES, shape="batch {id} says {size}, there are {orders}"),
    ),
    Check(
        "an order is being built once at a time",
        3,
        rows_violating(_ONE_BUILD, shape="order {order_id}: {times} build orders"),
    ),
    Check("newness only descends, and a car is as new as its passport says", 4, _wrong_newness),
    Check(
        "what happened to a car is disclosed, and accepted before it is delivered",
        4,
        rows_violating(_UNDISCLOSED, shape="vehicle {vin}"),
    ),
    Check("an order costs what was locked, and no more than its quote's guaranteed lines", 7, _wrong_terms),
    Check(
        "a balance asks for the car and the store's part as they were locked",
        7,
        rows_violating(_dearer_balances(), shape="order {order_id}: {vehicle_minor} and {guaranteed_other_minor}"),
    ),
    Check(
        "third-party lines are those of the day, less what the maker's lateness caused",
        7,
        _wrong_third_party,
    ),
    Check(
        "no balance was asked for before the car had its number and the buyer had inspected it",
        9,
        rows_violating(_TOO_EARLY, shape="payment {id} of order {subject_id}"),
    ),
    Check(
        "an order owes what was asked for at its handover, and nothing once it is paid",
        1,
        rows_violating(_receivables(), shape="order {id} is {state} and its receivable stands at {held}"),
    ),
    Check(
        "earnest money lies on its account until it is set off",
        1,
        rows_violating(_earnest(OrderOrigin.POOL), shape="order {id} is {state} and its earnest money is {held}"),
    ),
    *planning_audit.CHECKS,
    *stock_audit.CHECKS,
    *light_stock_audit.CHECKS,
    *stock_orders_audit.CHECKS,
    *exchanges_audit.CHECKS,
    *early_cars_audit.CHECKS,
    *store_shares_audit.CHECKS,
    *store_closing_audit.CHECKS,
    Check(
        "the deposit for a stock car lies on its account until it is set off",
        1,
        rows_violating(_earnest(OrderOrigin.STOCK), shape="order {id} is {state} and its deposit is {held}"),
    ),
    Check("late credits are booked day by day and stay below their cap", 1, _wrong_credits),
)
