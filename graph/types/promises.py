"""Promises: a date held while somebody orders, and for everybody how many promises were kept."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from configurator.errors import QuoteExpired, QuoteTaken
from factory_orders import queries, service
from factory_orders.errors import PromiseLater, PromiseUnavailable
from factory_orders.promises.model import Hold
from graph.access import input_type, object_type
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.pages import Connection, show_page
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.work import Work

BASIS_POINTS = 10_000


@object_type(reads=Permission.PREORDER)
class PromiseHold:
    """A date that nobody else is given until `expiresAt`; `waiting` says that no slot stands behind it yet."""

    id: strawberry.ID
    quote_id: strawberry.ID
    pool_id: strawberry.ID
    week: date
    p50: date
    p90: date
    waiting: bool
    held_at: datetime
    expires_at: datetime


@object_type(reads=Permission.PREORDER)
class PromiseReleased:
    """A date that others can have again."""

    hold_id: strawberry.ID


@object_type(reads=Permission.PUBLIC_READ)
class PromiseCalibration:
    """A plant's promises that fell due in whole months, counted in fives, and the shares of these counts.

    Of cars, `keptP50` were ready when expected (a good promise has half) and `keptP90` as promised (nine in ten).
    """

    id: strawberry.ID
    plant_id: strawberry.ID
    first_day: date
    last_day: date
    promises: int
    kept_p50: int
    kept_p90: int
    kept_p50_basis_points: int
    kept_p90_basis_points: int


@input_type(takes=Permission.PREORDER)
class HoldPromiseInput:
    """Your own quote whose date you want to hold while you order."""

    quote_id: strawberry.ID


@input_type(takes=Permission.PREORDER)
class ReleasePromiseInput:
    """A hold that you do not need any more."""

    hold_id: strawberry.ID


def show_hold(one: Hold) -> PromiseHold:
    """Return a hold."""
    return PromiseHold(
        id=write_id("PromiseHold", one.id),
        quote_id=write_id("Quote", one.quote_id),
        pool_id=write_id("Pool", one.pool_id),
        week=one.place.week,
        p50=one.p50,
        p90=one.p90,
        waiting=one.place.is_waiting,
        held_at=one.held_at,
        expires_at=one.expires_at,
    )


def show_calibration(one: queries.PlantCalibration) -> PromiseCalibration:
    """Return a plant's counts with their shares."""
    counted = one.counted
    return PromiseCalibration(
        id=write_id("PromiseCalibration", one.id),
        plant_id=write_id("Plant", one.plant_id),
        first_day=counted.first_day,
        last_day=counted.last_day,
        promises=counted.promises,
        kept_p50=counted.kept_p50,
        kept_p90=counted.kept_p90,
        kept_p50_basis_points=round(counted.share_p50 * BASIS_POINTS),
        kept_p90_basis_points=round(counted.share_p90 * BASIS_POINTS),
    )


@query(reads=Permission.PREORDER)
def my_promise_hold(work: Work) -> PromiseHold | None:
    """The date that you hold while ordering."""
    found = queries.my_hold(work)
    return None if found is None else show_hold(found)


@query(reads=Permission.PUBLIC_READ)
def promise_calibrations(
    work: Work, first: int, after: Cursor | None = None, plant_id: strawberry.ID | None = None
) -> Connection[PromiseCalibration]:
    """How many promises were kept, plant by plant, the latest months first."""
    plant = raw_id(plant_id, "Plant") if plant_id is not None else None
    return show_page(queries.calibrations(work, page_request(first, after), plant_id=plant), show_calibration)


@mutation(
    does=Permission.PREORDER,
    refuses=(PromiseLater, PromiseUnavailable, QuoteExpired, QuoteTaken),
    result="HoldPromiseResult",
)
def hold_promise(work: Work, input: HoldPromiseInput) -> PromiseHold:  # noqa: A002  # the API's word
    """Hold the date of your quote for half an hour; the same quote again answers the same hold."""
    return show_hold(service.hold_promise(work, raw_id(input.quote_id, "Quote")))


@mutation(does=Permission.PREORDER, result="ReleasePromiseResult")
def release_promise(work: Work, input: ReleasePromiseInput) -> PromiseReleased:  # noqa: A002  # the API's word
    """Let others have the date that you hold."""
    hold = service.release_promise(work, raw_id(input.hold_id, "PromiseHold"))
    return PromiseReleased(hold_id=write_id("PromiseHold", hold.id))
