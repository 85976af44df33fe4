"""From a wish to its cars and from a car to its wishes: an option counts from the version on that names the wish."""

from __future__ import annotations

import pytest

from configurator.queries import open_showroom
from demand.backing.audit_service import CHECKS
from demand.backing.lineage_service import NumberedCar, note_cars
from demand.circles.owners.service import NewOwner, note_owners
from demand.pools.queries import pre_orders_seen
from demand.queries import car_counts, cars_of_proposal, wishes_behind
from demand.service import commit_to_proposal, merge_proposals
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import Forbidden, NotSignedIn
from kernel.paging import PageRequest
from kernel.work import Works
from tests.configurator.small_brand import BRAND, GUEST, PLAIN_CAR, PLANNER
from tests.demand.backing.backing_room import OPTION, BackingRoom, open_backing_room
from tests.demand.compare.studies import PRICE_MINOR, person, wish
from tests.demand.pool_room import make_pool_room, placed

CAR = (*PLAIN_CAR, OPTION)


@pytest.fixture
def place(works: Works, clock: FixedClock) -> BackingRoom:
    place = open_backing_room(make_pool_room(works, clock))
    place.room.open(days=60, capacity=30)
    return place


def order(place: BackingRoom, number: int, *, options: tuple[str, ...] = CAR) -> NumberedCar:
    """Let somebody order a car, and give it a number."""
    quote = place.room.quote(person(number), options=options)
    (outcome,) = place.room.place(place.room.request(person(number), quote_id=quote))
    order_id = placed(outcome).pre_order_id
    with place.room.works.read(system(BRAND)) as work:
        head = pre_orders_seen(work, [order_id])[order_id].head
    return NumberedCar(f"LZZ{number:014}", order_id, head.version_id, head.options)


def for_stock(place: BackingRoom, number: int, *, options: tuple[str, ...] = CAR) -> NumberedCar:
    """Let a car be built for stock from the catalogue in force, and give it a number."""
    with place.room.works.read(GUEST) as work:
        version_id = open_showroom(work, region="")[0].id
    return NumberedCar(f"LZZ{number:014}", f"{number:032x}", version_id, options)


def sell(place: BackingRoom, car: NumberedCar, number: int) -> None:
    """Let somebody have got a car."""
    who = person(number)
    assert who.account_id is not None and who.person_id is not None
    with place.room.works.change(system(BRAND)) as work:
        note_owners(work, [NewOwner(f"sale {car.vin}", car.vin, who.account_id, who.person_id, "A1", work.now)])


def note(place: BackingRoom, *cars: NumberedCar) -> None:
    with place.room.works.change(system(BRAND)) as work:
        note_cars(work, cars)


def count(place: BackingRoom, proposal_id: str | None = None) -> int | None:
    wanted = proposal_id or place.proposal_id
    with place.room.works.read(GUEST) as work:
        return car_counts(work, [wanted]).get(wanted)


def test_a_car_leads_to_the_wish_behind_its_option_and_the_wish_to_the_car(place: BackingRoom) -> None:
    place.publish()
    with_it, without = order(place, 1), order(place, 2, options=PLAIN_CAR)

    note(place, with_it, without)
    note(place, with_it)

    with place.room.works.read(GUEST) as work:
        behind = wishes_behind(work, with_it.vin)
        assert wishes_behind(work, without.vin) == []
    with place.room.works.read(PLANNER) as work:
        cars = cars_of_proposal(work, place.proposal_id, PageRequest(10)).items
    assert [(one.option, one.proposal_id) for one in behind] == [(OPTION, place.proposal_id)]
    assert [(one.vin, one.option) for one in cars] == [(with_it.vin, OPTION)]


def test_a_car_ordered_before_the_version_that_names_the_wish_was_not_ordered_for_it(place: BackingRoom) -> None:
    before = order(place, 1)
    place.publish()

    note(place, before)

    with place.room.works.read(GUEST) as work:
        assert wishes_behind(work, before.vin) == []


def test_a_car_for_stock_carries_the_wish_of_the_version_that_it_was_ordered_from(place: BackingRoom) -> None:
    before = for_stock(place, 1)
    place.publish()
    with_it, without = for_stock(place, 2), for_stock(place, 3, options=PLAIN_CAR)

    note(place, before, with_it, without)
    note(place, with_it)

    with place.room.works.read(PLANNER) as work:
        cars = [one.vin for one in cars_of_proposal(work, place.proposal_id, PageRequest(10)).items]
        behind = {car.vin: [one.option for one in wishes_behind(work, car.vin)] for car in (before, with_it, without)}
        assert [line for check in CHECKS for line in check.look(work.acting(system(BRAND)))] == []
    assert cars == [with_it.vin]
    assert behind == {before.vin: [], with_it.vin: [OPTION], without.vin: []}


def test_a_car_for_stock_counts_for_everybody_once_somebody_has_got_it(place: BackingRoom) -> None:
    place.publish()
    ordered = [order(place, number) for number in range(1, 10)]
    in_stock = [for_stock(place, number) for number in (20, 21)]
    note(place, *ordered, *in_stock)
    unsold = count(place)

    sell(place, in_stock[0], 1)
    to_one_of_them = count(place)
    sell(place, in_stock[1], 10)

    assert (unsold, to_one_of_them, count(place)) == (None, None, 10)


def test_everybody_reads_cars_in_tens_and_numbers_of_cars_are_for_planners(place: BackingRoom) -> None:
    duplicate = wish(place.room.works, "The same again")
    with place.room.works.change(PLANNER) as work:
        merge_proposals(work, duplicate, into=place.proposal_id)
        commit_to_proposal(
            work, place.proposal_id, available_by=place.room.clock.now().date(), ceiling_minor=PRICE_MINOR
        )
    place.publish()
    cars = [order(place, number) for number in range(1, 13)]

    note(place, *cars[:9])
    with_nine = count(place)
    note(place, *cars[9:])

    assert with_nine is None
    assert count(place) == 10
    assert count(place, duplicate) == 10
    for actor, refusal in ((GUEST, NotSignedIn), (person(1), Forbidden)):
        with pytest.raises(refusal), place.room.works.read(actor) as work:
            cars_of_proposal(work, place.proposal_id, PageRequest(10))
