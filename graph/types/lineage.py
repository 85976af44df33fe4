"""Both ways between wishes and cars: from a proposal to the cars that carry it, from a car to the votes behind it."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import strawberry
from strawberry.types import Info

from demand import queries
from factory_orders import queries as factory
from factory_orders.errors import VinInvalid
from graph.access import field, object_type, resolved
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import query
from graph.scalars import Cursor
from graph.types import proposals
from graph.types.pages import Connection, show_page
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.work import Work


@object_type(reads=Permission.PUBLIC_READ)
class WishedOption:
    """An option that is in the catalogue because people asked for it; `proposal` has their votes."""

    option: str
    proposal_id: strawberry.ID
    raw: strawberry.Private[str]

    @resolved(about="The proposal, with its votes and what the maker promised.")
    async def proposal(self, info: Info[Request, None]) -> proposals.Proposal | None:
        """Load the proposal."""
        found = await info.context.load("proposals", proposals.load_proposals, self.raw)
        return cast("proposals.Proposal | None", found)


@object_type(reads=Permission.PUBLIC_READ)
class Lineage:
    """A car, and those of its options that proposals are behind."""

    vin: str
    model: str
    options: list[WishedOption] = field(at_most=20)


@object_type(reads=Permission.BATCH_READ)
class WishedCar:
    """A car that carries what a proposal asked for; whose it is stays out of it."""

    vin: str
    option: str
    model: str
    state: str
    newness: str
    noted_at: datetime


@query(reads=Permission.PUBLIC_READ, refuses=(VinInvalid,), result="LineageResult")
def lineage(work: Work, vin: str) -> Lineage:
    """From a car's number to the proposals and votes behind its options; whoever has the number may ask."""
    number = factory.passport(work, vin).vin
    model = factory.vehicles_by_vin(work, [number])[number].model
    return Lineage(
        vin=number,
        model=model,
        options=[
            WishedOption(option=one.option, proposal_id=write_id("Proposal", one.proposal_id), raw=one.proposal_id)
            for one in queries.wishes_behind(work, number)
        ],
    )


@query(reads=Permission.BATCH_READ)
def proposal_cars(
    work: Work, proposal_id: strawberry.ID, first: int, after: Cursor | None = None
) -> Connection[WishedCar]:
    """From a proposal to the cars that carry it, by their numbers."""
    page = queries.cars_of_proposal(work, raw_id(proposal_id, "Proposal"), page_request(first, after))
    known = factory.vehicles_by_vin(work, [one.vin for one in page.items])

    def show(one: queries.CarOfWish) -> WishedCar:
        car = known[one.vin]
        return WishedCar(
            vin=one.vin,
            option=one.option,
            model=car.model,
            state=car.state.value,
            newness=car.newness.word,
            noted_at=one.at,
        )

    return show_page(page, show)
