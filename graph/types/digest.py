"""The planners' digest: what changed, which vote is close, which pool will miss."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from demand import queries
from graph.access import field, object_type
from graph.identifiers import write_id
from graph.operations import query
from kernel.actor import Permission
from kernel.work import Work


@object_type(reads=Permission.DEMAND_READ)
class TakeRateChange:
    """A take rate that moved by more than chance explains: the intervals of the two weeks do not meet."""

    model: str
    option: str
    before: float
    after: float


@object_type(reads=Permission.DEMAND_READ)
class PeopleChange:
    """How many spoke for a model in the week and in the one before."""

    model: str
    before: int
    after: int


@object_type(reads=Permission.DEMAND_READ)
class CloseVote:
    """A proposal near its threshold, or one that waits for the maker's answer until `answerDueAt`."""

    proposal_id: strawberry.ID
    title: str
    bound: int
    threshold: int
    answer_due_at: datetime | None


@object_type(reads=Permission.DEMAND_READ)
class PoolAtRisk:
    """A pool that will probably miss its minimum: `chance` is that it still reaches it, at the pace so far."""

    pool_id: strawberry.ID
    class_key: str
    members: int
    needed: int
    deadline: datetime
    chance: float


@object_type(reads=Permission.DEMAND_READ)
class PlannersDigest:
    """What there is to tell of the last week that is over; `release` is 0 before the first."""

    release: int
    week: date
    rates: list[TakeRateChange] = field(at_most=50)
    people: list[PeopleChange] = field(at_most=20)
    votes: list[CloseVote] = field(at_most=20)
    pools: list[PoolAtRisk] = field(at_most=20)


@query(reads=Permission.DEMAND_READ)
def planners_digest(work: Work) -> PlannersDigest:
    """What planners are told by mail, as of now."""
    found = queries.planners_digest(work)
    return PlannersDigest(
        release=found.release,
        week=found.week,
        rates=[
            TakeRateChange(model=one.model, option=one.option, before=one.before, after=one.after)
            for one in found.rates
        ],
        people=[PeopleChange(model=one.model, before=one.before, after=one.after) for one in found.people],
        votes=[
            CloseVote(
                proposal_id=write_id("Proposal", one.proposal_id),
                title=one.title,
                bound=one.bound,
                threshold=one.threshold,
                answer_due_at=one.answer_due_at,
            )
            for one in found.votes
        ],
        pools=[
            PoolAtRisk(
                pool_id=write_id("Pool", one.pool_id),
                class_key=one.class_key,
                members=one.members,
                needed=one.needed,
                deadline=one.deadline,
                chance=one.chance,
            )
            for one in found.pools
        ],
    )
