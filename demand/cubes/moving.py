"""When a table moves on: only as far as k verified persons changed, so that no two releases tell of fewer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from demand.cubes.model import NOBODY, Counts
from demand.cubes.setting_out import Snapshot, set_out


@dataclass(frozen=True, slots=True)
class Saying:
    """What a verified person said in a table at its last release, and says now; empty for nothing."""

    before: str
    after: str

    @property
    def regions(self) -> frozenset[str]:
        """Return the regions whose counts this changes."""
        return frozenset(said.partition(":")[0] for said in (self.before, self.after) if said)


def burnt_by(
    snapshot: Snapshot, sayings: Sequence[Saying], *, shown_before: Iterable[str], k: int
) -> frozenset[str] | None:
    """Return the options that may not be shown any more if a table moves on, or None where it may not move.

    It moves when at least k verified persons changed. An option that cannot be had everywhere is about some of them
    only: where those are some, but fewer than k, and it was shown before, showing it again would tell of them.
    """
    changed = [saying for saying in sayings if saying.before != saying.after]
    if len(changed) < k:
        return None
    table = set_out(snapshot, k=k)
    burnt = set(snapshot.burnt)
    for option in shown_before:
        regions = table.regions_of.get(option, frozenset())
        if regions != frozenset(table.people):
            behind = sum(1 for saying in changed if saying.regions & regions)
            if 0 < behind < k:
                burnt.add(option)
    return frozenset(burnt)


def grown(before: Counts, now: Counts, *, k: int) -> Counts:
    """Return counts that only ever grow as they may be told now: each moves on when k persons more are behind it."""
    return {
        code: count if count.known - before.get(code, NOBODY).known >= k else before[code]
        for code, count in now.items()
        if code in before or count.known >= k
    }
