"""Lets people gather in pools one after another; who joins, leaves and is in, the core's own functions decide.

`demand.pools.joining.join` and `leave`, `demand.pools.clearing.clear` and the shipped policy are called as the service
calls them; only the database, the money and the messages are left out.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from configurator.model import Tier
from demand.errors import PoolFull
from demand.pools.clearing import Cleared, clear
from demand.pools.joining import join, leave
from demand.pools.model import (
    ClassLevel,
    FrozenPool,
    JoinablePool,
    Offer,
    OpenPool,
    PoolHead,
    PoolId,
    PoolTerms,
    check_terms,
)
from demand.pools.policy import PoolPolicy
from kernel.errors import Refusal


@dataclass(slots=True)
class Person:
    """Somebody who wants one car: `at` the wish, `until` patience ends; `since` decides who is earlier in a pool."""

    number: int
    at: datetime
    until: datetime
    offer: Offer
    goes_on: bool
    since: datetime
    rolls: int = 0


@dataclass(slots=True)
class Run:
    """What came of the pools of one class: purchases by person's number, and of the pools that had members."""

    bought: dict[int, tuple[int, datetime]] = field(default_factory=dict)
    ended: int = 0
    locked: int = 0
    members: int = 0
    members_of_locked: int = 0


def terms_for(rules: PoolPolicy, *, expected: float) -> PoolTerms:
    """Return the policy's terms with places for whom a planner expects in a pool's days, at least for the last tier."""
    tiers = tuple(Tier(*row) for row in rules.tiers)
    capacity = max(tiers[-1].members, round(expected))
    terms = PoolTerms(rules.minimum, capacity, 2 * capacity, tiers, rules.deposit_minor, rules.freeze_hours)
    check_terms(terms)
    return terms


def gather(people: Sequence[Person], terms: PoolTerms, rules: PoolPolicy, *, begins: datetime, ends: datetime) -> Run:
    """Play the pools of one class until the last one that opens before `ends`; `people` are in the order of `at`."""
    run, place, waiting = Run(), 0, list[Person]()
    days = timedelta(days=rules.open_days)
    opens = begins
    while opens < ends and (waiting or place < len(people)):
        if not waiting and people[place].at >= opens + days:
            opens += days
            continue
        series = _Series(_opened(terms, opens, rules), rules)
        series.welcome(waiting, now=opens)
        while place < len(people) and people[place].at < series.pool.head.deadline:
            series.come(people[place])
            place += 1
        waiting = series.end(run)
        opens = series.pool.head.deadline
    return run


def _opened(terms: PoolTerms, opens: datetime, rules: PoolPolicy) -> OpenPool:
    deadline = opens + timedelta(days=rules.open_days)
    freeze_at = deadline - timedelta(hours=rules.freeze_hours)
    none = (0,) * len(terms.tiers)
    return OpenPool(
        PoolHead(
            PoolId("pool"), "brand", ClassLevel.L1, "class", "plant", terms, 1, opens, freeze_at, deadline, 0, none
        )
    )


class _Series:
    """One pool while it takes members."""

    def __init__(self, pool: JoinablePool, rules: PoolPolicy) -> None:
        """Begin empty."""
        self.pool, self.rules = pool, rules
        self.members: dict[int, Person] = {}
        self.outside: list[Person] = []
        self.ends_of_patience: list[tuple[datetime, int]] = []

    def welcome(self, waiting: Iterable[Person], *, now: datetime) -> None:
        """Take in who waited, the earliest first, unless patience ended meanwhile."""
        for person in sorted(waiting, key=lambda one: (one.since, one.number)):
            if person.until > now:
                self._join(person, now=now)

    def come(self, person: Person) -> None:
        """Somebody comes; before that leave all whose patience has ended."""
        self._let_go(person.at)
        self._join(person, now=person.at)

    def _join(self, person: Person, *, now: datetime) -> None:
        outcome = join(self.pool, person.offer, now=now)
        if isinstance(outcome, PoolFull):
            self.outside.append(person)
        elif not isinstance(outcome, Refusal):
            self.pool = outcome
            self.members[person.number] = person
            heapq.heappush(self.ends_of_patience, (person.until, person.number))

    def _let_go(self, now: datetime) -> None:
        """Let members leave whose patience has ended; a frozen pool keeps them."""
        while self.ends_of_patience and self.ends_of_patience[0][0] <= now:
            until, number = heapq.heappop(self.ends_of_patience)
            outcome = leave(self.pool, self.members[number].offer, now=until)
            if not isinstance(outcome, Refusal):
                self.pool = outcome
                del self.members[number]

    def end(self, run: Run) -> list[Person]:
        """Clear at the deadline, count it, and return who waits for the next pool."""
        now = self.pool.head.deadline
        if not isinstance(self.pool, FrozenPool):
            self._let_go(now)
        members = sorted(self.members.values(), key=lambda one: (one.since, one.number))
        assert len(members) == self.pool.head.members, "the core counts as we do"
        if not members:
            return self.outside
        run.ended += 1
        run.members += len(members)
        outcome = clear([one.offer for one in members], self.pool.head.terms)
        if not isinstance(outcome, Cleared):
            return self.outside + [one for one in members if self._rolls(one)]
        run.locked += 1
        run.members_of_locked += len(members)
        inside = set(outcome.members)
        for position, price_minor in zip(outcome.members, outcome.prices_minor, strict=True):
            run.bought[members[position].number] = (price_minor, now)
        rest = [one for position, one in enumerate(members) if position not in inside and one.goes_on]
        for one in rest:
            one.since = now
        return self.outside + rest

    def _rolls(self, person: Person) -> bool:
        """Out of a failed pool one keeps one's time, as often as the policy lets one roll."""
        if not person.goes_on or person.rolls >= self.rules.rolls_max:
            return False
        person.rolls += 1
        return True
