"""Makes the digest when its day has come, as news for the brand's planners."""

from __future__ import annotations

from datetime import date
from typing import Final

from demand.digest.events import DigestMade, DigestReader
from demand.digest.model import Digest
from demand.digest.policy import DigestPolicy
from demand.digest.queries import planners_digest
from kernel import policy, registry
from kernel.actor import Role
from kernel.identity.queries import accounts_with_role
from kernel.work import Work

MONDAY_ORDINAL: Final = 1
"""The first of January of the year 1 was a Monday."""


def is_digest_day(day: date, *, every_days: int) -> bool:
    """Say whether a digest comes on a day: with 7 on Mondays, with 1 always."""
    return (day.toordinal() - MONDAY_ORDINAL) % every_days == 0


def make_digest(work: Work) -> bool:
    """Tell the planners what there is to tell, if today is the day; returns whether they were told."""
    day = work.now.astimezone(registry.own_brand(work).zone).date()
    if not is_digest_day(day, every_days=policy.current(work).section(DigestPolicy).every_days):
        return False
    planners = tuple(DigestReader(account_id) for account_id in accounts_with_role(work, Role.PLANNER))
    digest = planners_digest(work)
    if digest.is_empty or not planners:
        return False
    work.record(
        DigestMade(work.actor.brand_id, digest.week, _changes(digest), _votes(digest), _pools(digest), planners)
    )
    return True


def _changes(digest: Digest) -> tuple[str, ...]:
    people = [f"{one.model}: {one.before:,} → {one.after:,}" for one in digest.people]
    rates = [f"{one.model} {one.option}: {one.before:.0%} → {one.after:.0%}" for one in digest.rates]
    return tuple(people + rates)


def _votes(digest: Digest) -> tuple[str, ...]:
    return tuple(f"“{one.title}”: {one.bound:,} / {one.threshold:,}" for one in digest.votes)


def _pools(digest: Digest) -> tuple[str, ...]:
    return tuple(
        f"{one.class_key}: {one.members:,} + {one.needed:,}, {one.deadline:%Y-%m-%d}, {one.chance:.0%}"
        for one in digest.pools
    )
