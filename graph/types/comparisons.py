"""Comparisons of twelve proposals: what was dealt to you, what you answer, and what all answers come to."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import strawberry
from strawberry.types import Info

from configurator.errors import ModelUnknown, VersionNotInForce
from demand import model, queries, service
from demand.errors import (
    AlreadyAnswered,
    AlreadyJoined,
    ComparisonOver,
    NotComparable,
    NotJoined,
    OutsideDesign,
    PersonNotVerified,
)
from graph.access import field, input_type, object_type, resolved
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types import proposals
from graph.types.money import Money, MoneyInput, read_money, show_minor
from graph.types.pages import Connection, Node, known_words, show_page
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.paging import page_request
from kernel.work import Work

SEGMENTS_MAX = 400
HUNDREDTHS = 100
BASIS_POINTS = 10_000


@object_type(reads=Permission.PUBLIC_READ)
class Estimated:
    """A figure with its 90 % interval."""

    value: float
    low: float
    high: float


@object_type(reads=Permission.PUBLIC_READ)
class ComparedItem:
    """A proposal in a comparison. Its share of preference is how often it would be first among all twelve."""

    proposal_id: strawberry.ID
    planned_price: Money
    share: Estimated | None
    utility: Estimated | None = field(reads=Permission.DEMAND_READ, about="On the scale of a logit, mean 0.")
    take_rate: Estimated | None = field(
        reads=Permission.DEMAND_READ,
        about="Of the market, at the planned price; null where it would speak of fewer than ten persons.",
    )
    raw: strawberry.Private[str]

    @resolved(about="The proposal itself.")
    async def proposal(self, info: Info[Request, None]) -> proposals.Proposal | None:
        """Load the proposal."""
        found = await info.context.load("proposals", proposals.load_proposals, self.raw)
        return cast("proposals.Proposal | None", found)


@object_type(reads=Permission.DEMAND_READ)
class MarketSegment:
    """Persons of a region, owners of a car of the brand or not, who look at a model, as the maker counts them."""

    region: str
    owner: bool
    model: str
    persons: int


@object_type(reads=Permission.PUBLIC_READ)
class Comparison(Node):
    """Twelve proposals held against each other. `persons` answered everything; weighted to the market their answers
    are worth those of `effectiveSampleSize`. Both are rounded, and there before the release is nothing to see."""

    id: strawberry.ID
    state: str
    title: str
    opened_at: datetime
    closes_at: datetime
    regions: list[str] = field(at_most=40)
    models: list[str] = field(at_most=20)
    items: list[ComparedItem] = field(at_most=12)
    persons: int | None
    effective_sample_size: int | None
    market: list[MarketSegment] = field(reads=Permission.DEMAND_READ, at_most=100)


@object_type(reads=Permission.VOTE)
class DealtSet:
    """Four proposals to choose the best and the worst of, in the order in which they are shown."""

    number: int
    proposal_ids: list[strawberry.ID] = field(at_most=4)
    best: strawberry.ID | None
    worst: strawberry.ID | None


@object_type(reads=Permission.VOTE)
class ComparisonSheet:
    """What was dealt to you: nine sets, and one proposal at one price. You count once everything is answered."""

    comparison_id: strawberry.ID
    sets: list[DealtSet] = field(at_most=9)
    price_proposal_id: strawberry.ID
    price: Money
    would_take: bool | None
    completed_at: datetime | None


@input_type(takes=Permission.POOL_MANAGE)
class ComparedItemInput:
    """A proposal and the price it is planned at for a car."""

    proposal_id: strawberry.ID
    planned_price: MoneyInput


@input_type(takes=Permission.POOL_MANAGE)
class MarketSegmentInput:
    """Persons of a region, owners or not, who look at a model."""

    region: str
    owner: bool
    model: str
    persons: int


@input_type(takes=Permission.POOL_MANAGE)
class OpenComparisonInput:
    """Twelve proposals, the market that answers are weighted to, and the end: two weeks from now if left out."""

    title: str
    items: list[ComparedItemInput]
    market: list[MarketSegmentInput]
    closes_at: datetime | None = None


@input_type(takes=Permission.POOL_MANAGE)
class ComparisonInput:
    """A comparison."""

    comparison_id: strawberry.ID


@input_type(takes=Permission.VOTE)
class JoinComparisonInput:
    """A comparison, and where you stand in the market: answers are weighted by it."""

    comparison_id: strawberry.ID
    region: str
    owner: bool
    model: str


@input_type(takes=Permission.VOTE)
class AnswerSetInput:
    """One of your sets, by its number, and the best and the worst of its proposals."""

    comparison_id: strawberry.ID
    set: int
    best: strawberry.ID
    worst: strawberry.ID


@input_type(takes=Permission.VOTE)
class AnswerPriceInput:
    """Whether you would take the proposal at the price that your sheet shows."""

    comparison_id: strawberry.ID
    would_take: bool


def show_comparison(view: queries.ComparisonView) -> Comparison:
    """Return a comparison with what is released of it."""
    found, head = view.comparison, view.comparison.head
    released = found if isinstance(found, model.ReleasedComparison) else None
    outcomes = {one.number: one for one in view.outcomes}
    return Comparison(
        id=write_id("Comparison", head.id),
        state=view.state,
        title=head.title,
        opened_at=head.opened_at,
        closes_at=head.closes_at,
        regions=sorted({one.segment.region for one in head.market}),
        models=sorted({one.segment.model for one in head.market}),
        items=[_item(one, outcomes.get(one.number)) for one in head.items],
        persons=released.persons if released is not None else None,
        effective_sample_size=released.effective if released is not None else None,
        market=[
            MarketSegment(
                region=one.segment.region, owner=one.segment.owner, model=one.segment.model, persons=one.persons
            )
            for one in head.market
        ],
    )


def _item(item: model.ComparedItem, outcome: model.ItemOutcome | None) -> ComparedItem:
    return ComparedItem(
        proposal_id=write_id("Proposal", item.proposal_id),
        planned_price=show_minor(item.planned_price_minor),
        share=_estimated(outcome.share, BASIS_POINTS) if outcome is not None else None,
        utility=_estimated(outcome.utility, HUNDREDTHS) if outcome is not None else None,
        take_rate=_estimated(outcome.take_rate, BASIS_POINTS) if outcome is not None else None,
        raw=item.proposal_id,
    )


def _estimated(found: model.Interval | None, units: int) -> Estimated | None:
    if found is None:
        return None
    return Estimated(value=found.value / units, low=found.low / units, high=found.high / units)


def show_sheet(found: queries.Sheet) -> ComparisonSheet:
    """Return a sheet."""
    return ComparisonSheet(
        comparison_id=write_id("Comparison", found.comparison_id),
        sets=[
            DealtSet(
                number=one.number + 1,
                proposal_ids=[write_id("Proposal", shown) for shown in one.proposal_ids],
                best=None if one.best is None else write_id("Proposal", one.best),
                worst=None if one.worst is None else write_id("Proposal", one.worst),
            )
            for one in found.sets
        ],
        price_proposal_id=write_id("Proposal", found.price_proposal_id),
        price=show_minor(found.price_minor),
        would_take=found.took,
        completed_at=found.participant.completed_at,
    )


def load_comparisons(work: Work, comparison_ids: list[str]) -> dict[str, Comparison]:
    """Return comparisons by id."""
    return {key: show_comparison(view) for key, view in queries.comparisons_by_id(work, comparison_ids).items()}


def _now(work: Work, raw: str) -> Comparison:
    return load_comparisons(work, [raw])[raw]


def _sheet(work: Work, raw: str) -> ComparisonSheet:
    found = queries.own_sheet(work, raw)
    if found is None:
        raise NotFound("comparison")
    return show_sheet(found)


@query(reads=Permission.PUBLIC_READ)
def comparisons(
    work: Work, first: int, after: Cursor | None = None, states: list[str] | None = None
) -> Connection[Comparison]:
    """The comparisons of the brand, newest first; what a released one found is for everybody."""
    found = queries.list_comparisons(
        work, page_request(first, after), states=known_words("states", states, model.COMPARISON_STATES)
    )
    return show_page(found, show_comparison)


@query(reads=Permission.PUBLIC_READ)
def comparison(work: Work, id: strawberry.ID) -> Comparison | None:  # noqa: A002  # the API's word
    """One comparison."""
    raw = raw_id(id, "Comparison")
    return load_comparisons(work, [raw]).get(raw)


@query(reads=Permission.VOTE)
def my_comparison(work: Work, id: strawberry.ID) -> ComparisonSheet | None:  # noqa: A002  # the API's word
    """What was dealt to you in a comparison; null before you have joined it."""
    found = queries.own_sheet(work, raw_id(id, "Comparison"))
    return None if found is None else show_sheet(found)


@mutation(
    does=Permission.POOL_MANAGE,
    refuses=(NotComparable, ModelUnknown, VersionNotInForce),
    result="OpenComparisonResult",
)
def open_comparison(work: Work, input: OpenComparisonInput) -> Comparison:  # noqa: A002  # the API's word
    """Let verified persons compare twelve proposals that take votes."""
    plan = service.ComparisonPlan(
        title=input.title,
        prices_minor={
            raw_id(one.proposal_id, "Proposal"): read_money(one.planned_price, "plannedPrice").minor
            for one in input.items
        },
        market=tuple(
            model.MarketSegment(model.Segment(one.region, one.owner, one.model), one.persons)
            for one in input.market[: SEGMENTS_MAX + 1]
        ),
        closes_at=input.closes_at,
    )
    return _now(work, service.open_comparison(work, plan).head.id)


@mutation(does=Permission.POOL_MANAGE, refuses=(ComparisonOver,), result="CloseComparisonResult")
def close_comparison(work: Work, input: ComparisonInput) -> Comparison:  # noqa: A002  # the API's word
    """End a comparison now; the worker releases what it came to."""
    raw = raw_id(input.comparison_id, "Comparison")
    service.close_comparison(work, raw)
    return _now(work, raw)


@mutation(
    does=Permission.VOTE, refuses=(PersonNotVerified, ComparisonOver, AlreadyJoined), result="JoinComparisonResult"
)
def join_comparison(work: Work, input: JoinComparisonInput) -> ComparisonSheet:  # noqa: A002  # the API's word
    """Take part: nine sets and one question of price are dealt to you. Asking again shows the same."""
    raw = raw_id(input.comparison_id, "Comparison")
    service.join_comparison(work, raw, model.Segment(input.region, input.owner, input.model))
    return _sheet(work, raw)


@mutation(
    does=Permission.VOTE,
    refuses=(PersonNotVerified, NotJoined, OutsideDesign, AlreadyAnswered, ComparisonOver),
    result="AnswerSetResult",
)
def answer_set(work: Work, input: AnswerSetInput) -> ComparisonSheet:  # noqa: A002  # the API's word
    """Name the best and the worst of one of your sets. The same answer again changes nothing."""
    raw = raw_id(input.comparison_id, "Comparison")
    chosen = (raw_id(input.best, "Proposal"), raw_id(input.worst, "Proposal"))
    service.answer_set(work, raw, number=input.set, best=chosen[0], worst=chosen[1])
    return _sheet(work, raw)


@mutation(
    does=Permission.VOTE,
    refuses=(PersonNotVerified, NotJoined, AlreadyAnswered, ComparisonOver),
    result="AnswerPriceResult",
)
def answer_price(work: Work, input: AnswerPriceInput) -> ComparisonSheet:  # noqa: A002  # the API's word
    """Say whether you would take one proposal at one price. The same answer again changes nothing."""
    raw = raw_id(input.comparison_id, "Comparison")
    service.answer_price(work, raw, took=input.would_take)
    return _sheet(work, raw)
