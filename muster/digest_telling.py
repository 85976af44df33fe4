"""The planners' digest as a notice, which leaves by e-mail like every other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import muster.notice_texts as _texts  # noqa: F401 - every kind of notice has its words
from demand.digest.events import DigestMade
from kernel.notices import Fact, NewNotice, notify_many
from kernel.outbox import Letter, Subscription
from kernel.work import Work


def tell_planners(work: Work, letters: Sequence[Letter]) -> None:
    """Tell every planner of the brand, once."""
    for letter in letters:
        made = letter.event
        assert isinstance(made, DigestMade)
        facts: dict[str, Fact] = {
            "week": made.week,
            "changes": _lines(made.changes),
            "votes": _lines(made.votes),
            "pools": _lines(made.pools),
        }
        notify_many(
            work,
            [NewNotice(one.account_id, "planners_digest", facts, letter.event_id) for one in made.planners],
        )


def _lines(some: Sequence[str]) -> str:
    return "\n".join(some) or "–"


DIGEST_TELLER: Final = Subscription("telling.digest", frozenset({DigestMade.kind}), tell_planners)
