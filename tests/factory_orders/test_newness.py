"""Newness only descends: in the function, in the passport, and in the database whoever writes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError, IntegrityError

from factory_orders import queries
from factory_orders.errors import VehicleNotNew, VinInvalid
from factory_orders.vehicles.model import (
    Allocation,
    Newness,
    descend,
    newness_after_repair,
    require_new,
)
from factory_orders.vehicles.passport import PassportEntry, newness_of
from factory_orders.vehicles.service import allocate_vehicle
from factory_orders.vehicles.store import insert_allocations, lock_vehicle
from factory_orders.vehicles.tables import vehicles
from kernel.actor import system
from kernel.errors import Conflict, NotFound
from kernel.ids import BrandId
from kernel.record import record_entries
from tests.configurator.small_brand import GUEST
from tests.factory_orders.trade import SYSTEM, Trade

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
RUNGS = st.sampled_from(Newness)


def entry(newness: Newness) -> PassportEntry:
    return PassportEntry(1, "moved", NOON, NOON, newness, {}, "", "")


@given(st.lists(RUNGS))
def test_newness_only_descends_whatever_happens(rungs: list[Newness]) -> None:
    newness = Newness.NEW

    for rung in rungs:
        after = descend(newness, rung)
        assert after >= newness
        newness = after

    assert newness == newness_of(entry(rung) for rung in rungs) == max([Newness.NEW, *rungs])


@given(RUNGS)
def test_only_the_first_two_rungs_are_sold_as_new(newness: Newness) -> None:
    if newness in (Newness.NEW, Newness.NEW_DISCLOSED):
        require_new(newness)
    else:
        with pytest.raises(VehicleNotNew):
            require_new(newness)


@given(st.integers(0, 10**9))
def test_a_repair_from_the_threshold_on_makes_the_car_a_repaired_one(repair_minor: int) -> None:
    after = newness_after_repair(repair_minor, repaired_from_minor=500_000)

    assert after is (Newness.REPAIRED if repair_minor >= 500_000 else Newness.NEW_DISCLOSED)


def test_the_database_lets_no_car_become_newer(trade: Trade) -> None:
    (order_id,) = trade.lock()
    vin = trade.build(order_id)
    with trade.works.change(SYSTEM) as work:
        work.connection.execute(update(vehicles).where(vehicles.c.vin == vin).values(newness=1))

    with pytest.raises(DBAPIError, match="newness only descends"), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(vehicles).where(vehicles.c.vin == vin).values(newness=0))

    with trade.works.read(SYSTEM) as work:
        assert queries.vehicles_by_vin(work, [vin])[vin].newness is Newness.NEW_DISCLOSED


def test_the_database_keeps_a_car_that_is_not_new_out_of_an_allocation(trade: Trade) -> None:
    (order_id,) = trade.lock()
    vin = trade.build(order_id)

    with pytest.raises(IntegrityError), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(vehicles).where(vehicles.c.vin == vin).values(newness=2))


def test_a_car_and_an_order_are_bound_once(trade: Trade) -> None:
    first, second = trade.lock(2)
    vin, other_vin = trade.build(first), trade.build(second)

    with trade.works.change(SYSTEM) as work:
        bound = insert_allocations(
            work,
            [
                Allocation(work.new_id(), vin, second, work.now),
                Allocation(work.new_id(), other_vin, first, work.now),
            ],
        )
        terms = queries.orders_by_id(work, [second])[second].terms
        with pytest.raises(Conflict):
            allocate_vehicle(work, lock_vehicle(work, vin), terms)

    assert bound == set()


# --- the passport ----------------------------------------------------------------------------------------------------


def test_anybody_with_the_number_reads_the_passport(trade: Trade) -> None:
    (order_id,) = trade.lock()
    vin = trade.build(order_id)

    with trade.works.read(GUEST) as work:
        passport = queries.passport(work, f" {vin.lower()} ")

    assert passport.vin == vin
    assert passport.verified
    assert all(order_id not in str(one) and "0" * 31 + "1" not in str(one) for one in passport.entries)


def test_a_number_that_is_none_or_nobodys_has_no_passport(trade: Trade) -> None:
    (order_id,) = trade.lock()
    vin = trade.build(order_id)

    with trade.works.read(GUEST) as work:
        with pytest.raises(VinInvalid):
            queries.passport(work, vin[:8] + ("0" if vin[8] != "0" else "1") + vin[9:])
        with pytest.raises(NotFound):
            queries.passport(work, "1M8GDM9AXKP042788")
    with trade.works.read(system(BrandId("f" * 32))) as work, pytest.raises(NotFound):
        queries.passport(work, vin)


def test_the_passport_cannot_be_rewritten(trade: Trade) -> None:
    (order_id,) = trade.lock()
    trade.build(order_id)

    with pytest.raises(DBAPIError), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(record_entries).values(kind="polished"))
