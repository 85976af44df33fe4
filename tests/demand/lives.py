"""Lives of pools and of proposals, drawn from a seed and played step by step; a step that died is played again.

What became of it is told without ids, so that a life with a crash, or on the other database, can be held against it.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select

from configurator.model import Tier
from demand.pools.model import FailureChoice
from demand.pools.placing import PreOrderRequest
from demand.pools.tables import early_bonuses, pool_changes, pools, pre_order_changes, pre_orders
from demand.service import (
    TIMERS,
    cast_vote,
    change_car,
    decline_proposal,
    merge_proposals,
    publish_proposal,
    raise_cap,
    remove_member,
    revoke_vote,
    submit_proposal,
    withdraw,
)
from demand.votes.tables import held_votes, proposal_changes, proposals, votes
from kernel import db, news
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.errors import Refusal
from kernel.ids import AccountId, SeededIds
from kernel.ledger import ledger_transfers
from kernel.payments import Payment
from kernel.timers import fire_due
from kernel.work import Work
from tests.configurator.small_brand import BRAND, PLAIN_CAR, PLANNER
from tests.conftest import MONDAY_MORNING
from tests.demand.pool_room import PoolRoom, make_pool_room, placed, unsound
from tests.support.crashes import Boundary, CrashingWorks, PowerCut

OPERATOR: Final = Actor(BRAND, frozenset({Role.OPERATOR}), AccountId("f" * 32))
PERSONS: Final = range(1, 10)
CAPS: Final = (9_400_000, 9_500_000, 9_800_000, 9_999_900, 10_000_000, 12_000_000)
CARS: Final = (PLAIN_CAR, ("BLUE", *PLAIN_CAR[1:]))
Step = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Story:
    """What a kind of life is made of: the steps, drawn from a seed before they are played, and what became of it."""

    steps: Callable[[Life, random.Random], list[Step]]
    tell: Callable[[Life], dict[str, Any]]


@dataclass(slots=True)
class Life:
    """A room in which a life is played, and what its steps remember: as callers do, who ask again after a crash."""

    room: PoolRoom
    works: CrashingWorks
    requests: dict[int, list[PreOrderRequest]] = field(default_factory=dict)
    unpaid: dict[int, Payment] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    quotes: dict[int, dict[str, str]] = field(default_factory=dict)
    crashes: int = 0

    def play(self, steps: list[Step]) -> None:
        """Play the steps; one in which the power went is played again by the next process."""
        for step in steps:
            try:
                step()
            except PowerCut:
                self.crashes += 1
                step()


def open_life(url: str) -> Life:
    """Open a room on an empty database; its own founding is none of the commits that are counted."""
    clock = FixedClock(MONDAY_MORNING)
    works = CrashingWorks(db.open_engine(url), clock=clock, ids=SeededIds(7))
    life = Life(make_pool_room(works, clock), works)
    works.commits = 0
    return life


def play_life(url: str, seed: int, story: Story, boundary: Boundary | None = None) -> tuple[dict[str, Any], int, int]:
    """Play a life to its end on an empty database; return what became of it, its commits, and how often it died."""
    life = open_life(url)
    try:
        steps = story.steps(life, random.Random(seed))
        life.works.commits, life.works.boundary = 0, boundary
        life.play(steps)
        life.works.boundary = None
        return story.tell(life), life.works.commits, life.crashes
    finally:
        life.works.engine.dispose()


# --- the life of pools -----------------------------------------------------------------------------------------------


def pool_steps(life: Life, chance: random.Random) -> list[Step]:
    """Draw a life of pools: joins, payments, departures, higher caps, other cars, frauds, hours; then all ends."""
    steps: list[Step] = [lambda: _open(life)]
    for number in range(14):
        steps += _pool_step(life, chance, number)
    steps += [advance(life, 24 * 12), lambda: fire(life), life.room.settle]
    # What a process had in hand when it died is leased for a while: the next one takes it up after that.
    return [*steps, advance(life, 24), life.room.settle, advance(life, 24), life.room.settle]


def _pool_step(life: Life, chance: random.Random, number: int) -> list[Step]:
    name = chance.choice(PERSONS)
    cap = chance.choice(CAPS)
    match chance.choice(("join", "join", "join", "pay", "leave", "raise", "change", "fraud", "hours", "hours")):
        case "join":
            names = chance.sample(PERSONS, chance.randint(1, 4))
            choice, funded = chance.choice(list(FailureChoice)), chance.random() < 0.8
            frozen = chance.random() < 0.7
            return [
                lambda: _ask(life, number, names, cap, choice, funded=funded, frozen=frozen),
                lambda: _join(life, number),
            ]
        case "pay":
            return [lambda: _pay(life, number)]
        case "leave":
            return [lambda: _each(life, name, withdraw)]
        case "raise":
            return [lambda: _each(life, name, lambda work, one: raise_cap(work, one, price_cap_minor=cap))]
        case "change":
            options = chance.choice(CARS)
            return [lambda: _ask_again(life, number, name, options), lambda: _change(life, number, name, cap)]
        case "fraud":
            return [lambda: _each(life, name, lambda work, one: remove_member(work, one, case="F-1"), by=OPERATOR)]
        case _:
            hours = chance.choice((1, 24, 49, 72, 130))
            return [advance(life, hours), lambda: fire(life), life.room.settle, lambda: _open(life)]


def _open(life: Life) -> None:
    with contextlib.suppress(Refusal):
        life.room.open(capacity=4, tiers=(Tier(2, 0), Tier(3, 200), Tier(4, 500)), days=5)


def _ask(
    life: Life, number: int, names: list[int], cap: int, choice: FailureChoice, *, funded: bool, frozen: bool
) -> None:
    room = life.room
    life.requests[number] = [
        room.request(
            room.buyer(one),
            cap=cap,
            choice=choice,
            funded=funded,
            accepts_frozen=frozen,
            key=f"key-{number:03}-{one:03}",
        )
        for one in names
    ]


def _join(life: Life, number: int) -> None:
    """Place the pre-orders, and remember the payments that are waited for; asked again it answers the same."""
    for outcome in life.room.place(*life.requests[number]):
        if not isinstance(outcome, Refusal) and placed(outcome).state == "acknowledged":
            (payment,) = life.room.payments_of(outcome.pre_order_id)
            life.unpaid[len(life.unpaid)] = payment


def _pay(life: Life, number: int) -> None:
    if life.unpaid:
        payment = life.unpaid[number % len(life.unpaid)]
        life.room.hear(life.room.pay(payment, reference=f"ref-{payment.id}"))


def _mine(life: Life, name: int) -> list[str]:
    with life.works.read(system(BRAND)) as work:
        found = select(pre_orders.c.id).where(pre_orders.c.account_id == f"{name:032x}")
        return list(work.connection.execute(found.order_by(pre_orders.c.placed_at, pre_orders.c.id)).scalars())


def _each(life: Life, name: int, act: Callable[[Any, str], object], *, by: Actor | None = None) -> None:
    for one in _mine(life, name):
        with contextlib.suppress(Refusal), life.works.change(by or life.room.buyer(name)) as work:
            act(work, one)


def _ask_again(life: Life, number: int, name: int, options: tuple[str, ...]) -> None:
    """Get a quote of another car for each of somebody's pre-orders; whoever asks again has them in hand."""
    life.quotes[number] = {one: life.room.quote(life.room.buyer(name), options=options) for one in _mine(life, name)}


def _change(life: Life, number: int, name: int, cap: int) -> None:
    for one, quote_id in life.quotes[number].items():
        with contextlib.suppress(Refusal), life.works.change(life.room.buyer(name)) as work:
            change_car(work, one, quote_id=quote_id, price_cap_minor=cap)


def advance(life: Life, hours: int) -> Step:
    """Time passes whether the process lives or not."""
    return lambda: life.room.clock.advance(timedelta(hours=hours))


def fire(life: Life) -> None:
    """Fire what is due."""
    while fire_due(life.works, TIMERS):
        pass


def tell_pools(life: Life) -> dict[str, Any]:
    """Say what became of pools, pre-orders, money and news, by persons and in order, without an id."""
    with life.works.read(system(BRAND)) as work:
        run = work.connection.execute
        numbers = {
            row.id: number
            for number, row in enumerate(
                run(select(pools.c.id, pools.c.opens_at).order_by(pools.c.opens_at, pools.c.id))
            )
        }
        orders = {row["id"]: row for row in run(select(pre_orders)).mappings()}
        owners = {one: row["account_id"] for one, row in orders.items()}
        told = {
            "pools": sorted(
                (numbers[row.id], row.state, row.members, row.cleared, row.discount_bp, list(row.reaching))
                for row in run(select(pools))
            ),
            "pre_orders": sorted(
                (
                    row["account_id"],
                    row["placed_at"],
                    numbers[row["pool_id"]],
                    row["state"],
                    row["funded_at"] or MONDAY_MORNING,
                    row["price_minor"] or 0,
                    row["price_cap_minor"],
                    row["rolls"],
                    tuple(row["options"]),
                )
                for row in orders.values()
            ),
            "changes": sorted(
                Counter(
                    (owners[row.pre_order_id], row.state, row.reason) for row in run(select(pre_order_changes))
                ).items()
            ),
            "pool_changes": sorted(
                Counter((numbers[row.pool_id], row.state, row.reason) for row in run(select(pool_changes))).items()
            ),
            "bonuses": sorted((row.person_id, row.amount_minor) for row in run(select(early_bonuses))),
            "money": balances(work, owners),
            "news": sorted(Counter(kinds_told(work, "demand.p")).items()),
        }
        return told | {"unsound": unsound(work)}


def balances(work: Work, owners: Mapping[str, str]) -> list[tuple[str, int]]:
    """Return what is on accounts, those of one kind and owner together; `owners` by what an account is named for."""
    found: Counter[str] = Counter()
    for row in work.connection.execute(select(ledger_transfers)):
        for account, sign in ((row.debit_account, -1), (row.credit_account, 1)):
            kind, _, owner = account.partition(":")
            found[f"{kind}:{owners.get(owner, '') if kind != 'payable' else owner}"] += sign * row.amount_minor
    return sorted((name, amount) for name, amount in found.items() if amount)


def kinds_told(work: Work, start: str) -> list[str]:
    """Return the kinds of all news that begin so."""
    return [kind for kind in work.connection.execute(select(news.outbox.c.kind)).scalars() if kind.startswith(start)]


# --- the life of proposals -------------------------------------------------------------------------------------------

TITLES: Final = ("lamps", "roof", "hook", "heat")


def vote_steps(life: Life, chance: random.Random) -> list[Step]:
    """Draw a life of four proposals: votes cast and taken back, duplicates merged, one declined."""
    for title in TITLES:
        with life.works.change(life.room.buyer(1)) as work:
            life.titles[title] = submit_proposal(work, title=title, text="").head.id
    steps: list[Step] = [_vote_step(life, "publish", title, 1, "") for title in TITLES]
    for _ in range(50):
        does = chance.choice((*("cast",) * 12, *("revoke",) * 4, "merge", "decline", "quarter"))
        steps.append(_vote_step(life, does, chance.choice(TITLES), chance.choice(PERSONS), chance.choice(TITLES)))
    return steps


def _vote_step(life: Life, does: str, title: str, name: int, into: str) -> Step:
    ids, person = life.titles, life.room.buyer(name)
    acts: dict[str, tuple[Actor, Callable[[Any], object]]] = {
        "publish": (PLANNER, lambda work: publish_proposal(work, ids[title])),
        "cast": (person, lambda work: cast_vote(work, ids[title])),
        "revoke": (person, lambda work: revoke_vote(work, ids[title])),
        "merge": (PLANNER, lambda work: merge_proposals(work, ids[title], into=ids[into])),
        "decline": (PLANNER, lambda work: decline_proposal(work, ids[title], reason="not now")),
    }
    if does == "quarter":
        return advance(life, 24 * 40)

    def step() -> None:
        who, act = acts[does]
        with contextlib.suppress(Refusal), life.works.change(who) as work:
            act(work)

    return step


def tell_votes(life: Life) -> dict[str, Any]:
    """Say what became of proposals and votes, by titles and persons, without an id."""
    titles = {one: title for title, one in life.titles.items()}
    with life.works.read(system(BRAND)) as work:
        run = work.connection.execute
        told = {
            "proposals": sorted(
                (titles[row.id], row.state, titles.get(row.merged_into or "", "")) for row in run(select(proposals))
            ),
            "held": sorted(
                (titles[row.proposal_id], row.person_id, row.quarter, row.budget_place)
                for row in run(select(held_votes))
            ),
            "votes": sorted(
                Counter((titles[row.proposal_id], row.person_id, row.kind) for row in run(select(votes))).items()
            ),
            "changes": sorted(
                Counter((titles[row.proposal_id], row.state) for row in run(select(proposal_changes))).items()
            ),
            "news": sorted(Counter(kinds_told(work, "demand.")).items()),
        }
        return told | {"unsound": unsound(work)}


POOLS: Final = Story(pool_steps, tell_pools)
VOTES: Final = Story(vote_steps, tell_votes)
