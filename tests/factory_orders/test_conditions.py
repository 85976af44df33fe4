"""A car's condition at each hand-over: photos and odometer stand, what is new has somebody who answers for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.exc import DatabaseError

from factory_orders import audit_service, queries, service
from factory_orders.conditions.model import (
    CaseState,
    Condition,
    ConditionCheck,
    DamageCase,
    Flaw,
    HandOver,
    Mark,
    Party,
    Place,
    new_marks,
    read_condition,
)
from factory_orders.conditions.tables import condition_checks, damage_cases
from factory_orders.errors import (
    ConditionCheckMissing,
    ConditionKnown,
    DamageCaseClosed,
    OdometerBackwards,
    ShipmentOutOfOrder,
    VinInvalid,
)
from factory_orders.model import ShipmentState
from kernel import policy
from kernel.actor import Actor, Role
from kernel.errors import Forbidden, InvalidInput, NotFound
from kernel.ids import AccountId
from kernel.paging import PageRequest
from kernel.soundness import examine
from tests.configurator.small_brand import BRAND, PLANNER
from tests.factory_orders.trade import CARRIER, LEGS, OTHER_STORE, STORE_ADVISER, SYSTEM, Trade, buyer

OTHER_CARRIER: Final = replace(CARRIER, account_id=AccountId("9" * 32))
ADMIN: Final = Actor(BRAND, frozenset({Role.BRAND_ADMIN}), AccountId("e" * 32))
SCRATCH: Final = Mark(Place.LEFT, Flaw.SCRATCH)
DENT: Final = Mark(Place.REAR, Flaw.DENT)
SMALL, LARGE = 100_000, 1_500_000
"""Fen below and above the threshold of ¥5,000, past which a repaired car is not new."""


def seen(*marks: Mark, km: int = 12, photo: str = "a") -> Condition:
    return read_condition(odometer_km=km, photos=[photo * 64], marks=marks)


def look(
    trade: Trade, order_id: str, at: HandOver, condition: Condition, *, who: Actor | None = None, vin: str | None = None
) -> ConditionCheck:
    shipment = trade.shipment_of(order_id)
    actor = who or (STORE_ADVISER if at is HandOver.INSPECTED else CARRIER)
    with trade.works.change(actor) as work:
        return service.check_condition(work, shipment.id, at, vin=vin or shipment.vin, seen=condition)


def cases(trade: Trade, who: Actor = PLANNER) -> list[DamageCase]:
    with trade.works.read(who) as work:
        return list(queries.list_damage_cases(work, PageRequest(20)).items)


def close(trade: Trade, repair_minor: int, case: DamageCase | None = None) -> None:
    """Let the planner close a damage case, or the latest one."""
    with trade.works.change(PLANNER) as work:
        case_id = (case or cases(trade)[0]).id
        service.close_damage_case(work, case_id, borne_by=Party.CARRIER, repair_minor=repair_minor)


@pytest.fixture
def order_id(trade: Trade) -> str:
    """Return an order whose car waits for its carrier."""
    (made,) = trade.lock()
    trade.build(made)
    return made


def test_what_is_new_is_the_carriers_from_the_loading_on(trade: Trade, order_id: str) -> None:
    look(trade, order_id, HandOver.LOADED, seen(SCRATCH))
    trade.ship(order_id)
    look(trade, order_id, HandOver.ARRIVED, seen(SCRATCH, km=14))
    look(trade, order_id, HandOver.INSPECTED, seen(SCRATCH, DENT, km=15, photo="b"))

    found = [(case.party, case.marks, case.state) for case in reversed(cases(trade))]

    assert found == [
        (Party.PLANT, (SCRATCH,), CaseState.OPEN),
        (Party.CARRIER, (DENT,), CaseState.OPEN),
    ]


def test_a_check_stands_in_the_cars_passport_with_its_photos(trade: Trade, order_id: str) -> None:
    check = look(trade, order_id, HandOver.LOADED, seen(SCRATCH))

    with trade.works.read(buyer()) as work:
        told = queries.passport(work, check.vin)

    assert told.verified
    assert [entry.kind for entry in told.entries[-2:]] == ["checked", "transport_damage"]
    assert told.entries[-2].facts == {
        "shipment": check.shipment_id,
        "at_hand_over": "loaded",
        "odometer_km": 12,
        "photos": ["a" * 64],
        "marks": ["left:scratch"],
    }


def test_the_same_check_again_changes_nothing_and_another_one_is_refused(trade: Trade, order_id: str) -> None:
    first = look(trade, order_id, HandOver.LOADED, seen(SCRATCH))

    assert look(trade, order_id, HandOver.LOADED, seen(SCRATCH)) == first
    with pytest.raises(ConditionKnown):
        look(trade, order_id, HandOver.LOADED, seen())
    assert len(cases(trade)) == 1


def test_a_car_is_not_looked_over_where_it_has_not_come(trade: Trade, order_id: str) -> None:
    with pytest.raises(ShipmentOutOfOrder) as refused:
        look(trade, order_id, HandOver.ARRIVED, seen())
    with pytest.raises(ShipmentOutOfOrder):
        look(trade, order_id, HandOver.INSPECTED, seen())

    assert refused.value == ShipmentOutOfOrder("PLANNED", "ARRIVED", ("LOADED",))
    look(trade, order_id, HandOver.LOADED, seen())
    trade.ship(order_id, legs=LEGS[:2])
    with pytest.raises(ShipmentOutOfOrder):
        look(trade, order_id, HandOver.INSPECTED, seen())
    look(trade, order_id, HandOver.ARRIVED, seen(SCRATCH, km=14))
    assert [(case.party, case.marks) for case in cases(trade)] == [(Party.CARRIER, (SCRATCH,))]


def test_an_earlier_hand_over_is_not_told_after_a_later_one(trade: Trade, order_id: str) -> None:
    trade.ship(order_id)
    look(trade, order_id, HandOver.ARRIVED, seen())

    with pytest.raises(ConditionKnown):
        look(trade, order_id, HandOver.LOADED, seen())


def test_an_odometer_that_runs_backwards_is_refused(trade: Trade, order_id: str) -> None:
    look(trade, order_id, HandOver.LOADED, seen(km=30))
    trade.ship(order_id)

    with pytest.raises(OdometerBackwards) as refused:
        look(trade, order_id, HandOver.ARRIVED, seen(km=29))

    assert (refused.value.last_km, refused.value.read_km) == (30, 29)


def test_the_database_refuses_an_odometer_that_runs_backwards(trade: Trade, order_id: str) -> None:
    check = look(trade, order_id, HandOver.LOADED, seen(km=30))
    row = {"id": "f" * 32, "brand_id": BRAND, "shipment_id": check.shipment_id, "vin": check.vin, "photos": []}
    lower = row | {"at_hand_over": "arrived", "odometer_km": 29, "marks": [], "at": trade.clock.now()}

    with pytest.raises(DatabaseError), trade.works.change(SYSTEM) as work:
        work.connection.execute(condition_checks.insert().values(**lower))


def test_who_has_no_part_in_a_shipment_does_not_see_it(trade: Trade, order_id: str) -> None:
    trade.ship(order_id, legs=(ShipmentState.LOADED,))

    with pytest.raises(NotFound):
        look(trade, order_id, HandOver.ARRIVED, seen(), who=OTHER_CARRIER)
    with pytest.raises(NotFound):
        look(trade, order_id, HandOver.INSPECTED, seen(), who=OTHER_STORE)
    with pytest.raises(Forbidden):
        look(trade, order_id, HandOver.INSPECTED, seen(), who=CARRIER)
    with pytest.raises(Forbidden), trade.works.read(buyer()) as work:
        queries.list_damage_cases(work, PageRequest(9))


def test_each_side_sees_its_own_cases(trade: Trade, order_id: str) -> None:
    trade.ship(order_id)
    look(trade, order_id, HandOver.INSPECTED, seen(DENT))

    assert len(cases(trade, CARRIER)) == len(cases(trade, STORE_ADVISER)) == 1
    assert cases(trade, OTHER_CARRIER) == cases(trade, OTHER_STORE) == []


def test_another_cars_number_is_refused(trade: Trade, order_id: str) -> None:
    (other,) = trade.lock(pool_id="8" * 32, first_buyer=9)
    vin = trade.build(other)

    with pytest.raises(VinInvalid):
        look(trade, order_id, HandOver.LOADED, seen(), vin=vin)


def test_a_carrier_answers_until_the_case_is_closed(trade: Trade, order_id: str) -> None:
    trade.ship(order_id)
    look(trade, order_id, HandOver.INSPECTED, seen(DENT))
    (case,) = cases(trade)
    with trade.works.change(CARRIER) as work:
        assert service.answer_damage_case(work, case.id, accepts=False).state is CaseState.DISPUTED
    with trade.works.change(CARRIER) as work:
        assert service.answer_damage_case(work, case.id, accepts=True).state is CaseState.ACCEPTED
    with pytest.raises(NotFound), trade.works.change(OTHER_CARRIER) as work:
        service.answer_damage_case(work, case.id, accepts=True)

    with trade.works.change(PLANNER) as work:
        closed = service.close_damage_case(work, case.id, borne_by=Party.CARRIER, repair_minor=80_000)

    assert (closed.state, closed.borne_by, closed.repair_minor) == (CaseState.CLOSED, "carrier", 80_000)
    with pytest.raises(DamageCaseClosed), trade.works.change(CARRIER) as work:
        service.answer_damage_case(work, case.id, accepts=False)
    with pytest.raises(DamageCaseClosed), trade.works.change(PLANNER) as work:
        service.close_damage_case(work, case.id, borne_by=Party.PLANT, repair_minor=1)
    with pytest.raises(DatabaseError), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(damage_cases).values(repair_minor=1))


def test_where_the_brand_wants_checks_no_car_changes_hands_unseen(trade: Trade, order_id: str) -> None:
    with trade.works.change(ADMIN) as work:
        policy.change_policy(
            work, base_version=0, changes={"conditions": {"checks_required": True}}, reason="carriers have phones now"
        )
    with pytest.raises(ConditionCheckMissing):
        trade.ship(order_id)

    look(trade, order_id, HandOver.LOADED, seen())
    trade.ship(order_id, legs=(ShipmentState.LOADED, ShipmentState.IN_TRANSIT))
    with pytest.raises(ConditionCheckMissing):
        trade.ship(order_id, legs=(ShipmentState.ARRIVED,))
    look(trade, order_id, HandOver.ARRIVED, seen())
    trade.ship(order_id, legs=(ShipmentState.ARRIVED,))
    with pytest.raises(ConditionCheckMissing):
        trade.receive(order_id)
    look(trade, order_id, HandOver.INSPECTED, seen())

    assert trade.receive(order_id).state is ShipmentState.INSPECTED
    with trade.works.read(SYSTEM) as work:
        found = [one for one in examine(work, audit_service.CHECKS) if "odometer" in one.check.name]
    assert [one.violations for one in found] == [()]


@pytest.mark.parametrize(
    ("km", "photos"),
    [(-1, ["a" * 64]), (2_000_001, ["a" * 64]), (1, []), (1, ["a" * 63]), (1, ["a" * 64] * 2), (1, ["g" * 64])],
)
def test_what_makes_no_sense_is_refused(km: int, photos: list[str]) -> None:
    with pytest.raises(InvalidInput):
        read_condition(odometer_km=km, photos=photos, marks=[])


marks = st.builds(Mark, st.sampled_from(Place), st.sampled_from(Flaw))


@given(st.lists(marks, max_size=20), st.lists(marks, max_size=20))
def test_new_marks_are_those_that_were_not_there(before: list[Mark], after: list[Mark]) -> None:
    condition = seen(*after)

    found = new_marks(before, condition)

    assert set(found) == set(after) - set(before)
    assert all(Mark.from_code(mark.code) == mark for mark in found)
