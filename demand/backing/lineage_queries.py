"""Reads both ways between wishes and cars: counts for everybody, numbers of cars for planners, never a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from demand.backing.tables import proposal_cars
from demand.circles.tables import car_owners
from demand.cubes.policy import CubePolicy
from demand.pools.tables import pre_orders
from demand.votes.tables import proposals
from kernel import db, policy
from kernel.actor import Permission
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class WishedOption:
    """An option of a car, and the proposal that it was put into the catalogue for."""

    vin: str
    option: str
    proposal_id: str


@dataclass(frozen=True, slots=True)
class CarOfWish:
    """A car that carries what a proposal asked for."""

    vin: str
    option: str
    at: datetime


def car_counts(work: Work, proposal_ids: Sequence[str]) -> dict[str, int]:
    """Return how many cars carry what each proposal asked for, in steps of k; none below k persons.

    A car's person is who has got it, before that who ordered it; one that stands in stock has none. In steps of k, a
    count moves only when at least k more persons have their cars. A merged proposal has the cars of the one it is
    merged into.
    """
    work.actor.require(Permission.PUBLIC_READ)
    k = policy.current(work).section(CubePolicy).k
    cars = proposal_cars.c
    person = func.coalesce(car_owners.c.person_id, pre_orders.c.person_id)
    found = (
        select(proposals.c.id, func.count(cars.vin.distinct()), func.count(person.distinct()))
        .join(proposal_cars, cars.proposal_id == func.coalesce(proposals.c.merged_into, proposals.c.id))
        .outerjoin(pre_orders, pre_orders.c.id == cars.pre_order_id)
        .outerjoin(car_owners, (car_owners.c.vin == cars.vin) & (car_owners.c.brand_id == cars.brand_id))
        .where(proposals.c.brand_id == work.actor.brand_id, db.among(proposals.c.id, proposal_ids))
        .group_by(proposals.c.id)
    )
    return {
        proposal_id: min(int(count), int(persons)) // k * k
        for proposal_id, count, persons in work.connection.execute(found)
        if min(count, persons) >= k
    }


def cars_of_proposal(work: Work, proposal_id: str, page: PageRequest) -> Page[CarOfWish]:
    """Return the cars that carry what a proposal asked for, by number; for planners and auditors."""
    work.actor.require(Permission.BATCH_READ)
    cars = proposal_cars.c
    found = (
        select(cars.vin, func.min(cars.option).label("option"), func.min(cars.at).label("at"))
        .join(proposals, cars.proposal_id == func.coalesce(proposals.c.merged_into, proposals.c.id))
        .where(proposals.c.brand_id == work.actor.brand_id, proposals.c.id == proposal_id)
        .group_by(cars.vin)
        .order_by(cars.vin)
        .limit(page.size + 1)
    )
    if page.after is not None:
        found = found.where(cars.vin > page.after)
    rows = [CarOfWish(row.vin, row.option, row.at) for row in work.connection.execute(found)]
    return make_page(rows, page, lambda car: car.vin)


def wishes_behind(work: Work, vin: str) -> list[WishedOption]:
    """Return the options of a car that proposals are behind; who has its number may ask, as for its passport."""
    work.actor.require(Permission.PUBLIC_READ)
    cars = proposal_cars.c
    found = (
        select(cars.vin, cars.option, cars.proposal_id)
        .where(cars.vin == vin, cars.brand_id == work.actor.brand_id)
        .order_by(cars.option, cars.proposal_id)
    )
    return [WishedOption(row.vin, row.option, row.proposal_id) for row in work.connection.execute(found)]


def wished_options(work: Work) -> dict[str, set[tuple[str, str]]]:
    """Return by car's number the options that it is said to carry for proposals; for audits.

    Each comes with the catalogue version that the car is said to be ordered from.
    """
    table = proposal_cars.c
    found = select(table.vin, table.option, table.version_id).where(table.brand_id == work.actor.brand_id)
    wished: dict[str, set[tuple[str, str]]] = {}
    for row in work.connection.execute(found):
        wished.setdefault(row.vin, set()).add((row.option, row.version_id))
    return wished
