"""Releases cubes once a day: what changed enough is shown anew, a week's regions once, when it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeAlias

from configurator.implied_service import tied_options
from configurator.model import Ties, VersionId
from demand.cubes.events import CubesReleased
from demand.cubes.intake_store import lock_book
from demand.cubes.model import Audience, Counts, CubeName, PublishedCell, TableKey, next_quarter_monday
from demand.cubes.moving import burnt_by, grown
from demand.cubes.policy import CubePolicy
from demand.cubes.publishing import audiences, publish
from demand.cubes.release_store import (
    Move,
    forget_sayings,
    insert_move,
    insert_release,
    load_menus,
    load_move,
    load_sayings,
    load_table,
    newest_release,
    open_tables,
    read_move,
    save_table,
)
from demand.cubes.rules_told import ties_that_matter
from demand.cubes.setting_out import Snapshot, set_out
from kernel import outbox, policy, registry
from kernel.actor import Permission
from kernel.errors import Conflict
from kernel.reasons import because
from kernel.work import Work

Cells: TypeAlias = Mapping[Audience, Sequence[PublishedCell]]
WEEK: Final = timedelta(days=7)
DAY: Final = timedelta(days=1)
NEWS_WAITS_MAX: Final = timedelta(days=2)
"""How long a week's last release waits for news that has not been delivered."""
OPEN_FOR: Final[Mapping[str, timedelta]] = {
    CubeName.TAKE_RATES: WEEK,
    CubeName.CAPS: 13 * WEEK,
    CubeName.FUNNEL: 104 * WEEK,
}
"""How long after its Monday a table may be released anew; then comes its last release, and then none.

Cancellations are those of a quarter, and stay open until the first Monday of the next one.
"""


@dataclass(slots=True)
class _Release:
    """One release in the making."""

    work: Work
    number: int
    rules: CubePolicy
    cells: int = 0

    def cells_of(self, snapshot: Snapshot, *, final: bool, take: Snapshot | None = None) -> Cells:
        """Return who is shown what; dealers and suppliers get a table once, with its last release."""
        return {audience: publish(snapshot, rules, take) for audience, rules in audiences(self.rules, final=final)}

    def write(self, move: Move, cells: Cells, *, final: bool) -> int:
        """Write a move and its cells, and return its serial."""
        self.cells += sum(map(len, cells.values()))
        return insert_move(self.work, self.number, move, cells, final=final)

    def publish(self, snapshot: Snapshot, *, final: bool, take: Snapshot | None = None) -> int:
        """Write a move of which the next one asks no more than its counts."""
        cells = self.cells_of(snapshot, final=final, take=take)
        return self.write(Move(snapshot, frozenset()), cells, final=final)


def release_cubes(work: Work) -> int:
    """Release the cubes and return the release's number; the worker does so once a day.

    A table that too few persons changed behind stays as it was released (DOMAIN section 6.3).
    """
    work.actor.require(Permission.SYSTEM)
    rules = policy.current(work).section(CubePolicy)
    lock_book(work)
    release = _Release(work, newest_release(work) + 1, rules)
    row = {
        "brand_id": work.actor.brand_id,
        "number": release.number,
        "k": rules.k,
        "trade_k": rules.trade_k,
        "rounding": rules.rounding,
        "released_at": work.now,
    }
    if not insert_release(work, row):
        raise Conflict("cube", because("RELEASED_JUST_NOW"))
    tables = open_tables(work)
    for key in sorted(tables):
        match key.cube:
            case CubeName.TAKE_RATES:
                pairs = key._replace(cube=str(CubeName.PAIRS))
                _release_take_rates(release, key, tables[key], pairs, tables.get(pairs))
            case CubeName.CAPS:
                _release_caps(release, key, tables[key])
            case CubeName.FUNNEL | CubeName.CANCELLATIONS:
                _release_grown(release, key, tables[key])
            case _:
                assert key.cube == CubeName.PAIRS, key.cube
    work.record(CubesReleased(work.actor.brand_id, release.number, release.cells))
    return release.number


def _is_over(work: Work, key: TableKey) -> bool:
    """Say whether a table gets its last release: its time is over, and what was told of it has been heard."""
    brand = registry.own_brand(work)
    end = next_quarter_monday(key.week) if key.cube == CubeName.CANCELLATIONS else key.week + OPEN_FOR[key.cube]
    if registry.week_of(brand, work.now) < end:
        return False
    waiting = outbox.oldest_due(work)
    heard = waiting is None or registry.week_of(brand, waiting) >= end
    return heard or registry.week_of(brand, work.now - NEWS_WAITS_MAX) >= end


def _release_take_rates(
    release: _Release, key: TableKey, last: int | None, pairs_key: TableKey, pairs_last: int | None
) -> None:
    """Move a table of take rates on with its pairs, if enough people changed or its week is over."""
    work = release.work
    menus = load_menus(work, key)
    before = None if last is None else read_move(key, load_move(work, last), menus)
    now = Snapshot(key, load_table(work, key), menus, frozenset() if before is None else before.snapshot.burnt)
    shown_before = frozenset() if before is None else before.shown
    burnt = burnt_by(now, load_sayings(work, key), shown_before=shown_before, k=release.rules.k)
    final = _is_over(work, key)
    if burnt is None and not final:
        return
    if burnt is None and (before is None or pairs_last is None):
        _close_untold(work, key, pairs_key)
        return
    if burnt is not None:
        snapshot, pairs = replace(now, burnt=burnt), dict(load_table(work, pairs_key))
    else:
        assert before is not None and pairs_last is not None
        snapshot, pairs = before.snapshot, dict(_told(work, pairs_key, pairs_last))
    snapshot = _with_ties(work, snapshot, k=release.rules.k)
    cells = release.cells_of(snapshot, final=final)
    shown = shown_before | {cell.key.option for cell in cells[Audience.MAKER]}
    serial = release.write(Move(snapshot, shown), cells, final=final)
    save_table(work, key, serial, closed=final)
    serial = release.publish(Snapshot(pairs_key, pairs, {}), final=final, take=snapshot)
    save_table(work, pairs_key, serial, closed=final)
    forget_sayings(work, key)


def _with_ties(work: Work, snapshot: Snapshot, *, k: int) -> Snapshot:
    """Note what the rules say of two options, everywhere and in each region: a move's log keeps what matters."""
    key, table = snapshot.table, set_out(snapshot, k=k)

    def ties_at(*regions: str) -> Ties:
        places = [(region, day) for region in regions for day in (key.week, key.week + WEEK - DAY)]
        return ties_that_matter(table, tied_options(work, VersionId(key.version_id), model=key.model, places=places))

    everywhere = ties_at(*snapshot.menus)
    by_region = {region: ties_at(region) - everywhere for region in snapshot.menus}
    return replace(snapshot, ties=everywhere, ties_in={region: own for region, own in by_region.items() if own})


def _close_untold(work: Work, *keys: TableKey) -> None:
    """Close tables of which nothing was ever told, and never will be."""
    for key in keys:
        save_table(work, key, None, closed=True)
        forget_sayings(work, key)


def _release_caps(release: _Release, key: TableKey, last: int | None) -> None:
    """Move the caps of a week on, if enough people changed theirs or the time is over."""
    work = release.work
    changed = [one for one in load_sayings(work, key) if one.before != one.after]
    final = _is_over(work, key)
    moves = len(changed) >= release.rules.k
    if not moves and not final:
        return
    if not moves and last is None:
        _close_untold(work, key)
        return
    blocks = load_table(work, key) if moves else _told(work, key, last)
    serial = release.publish(Snapshot(key, blocks, {}), final=final)
    save_table(work, key, serial, closed=final)
    forget_sayings(work, key)


def _release_grown(release: _Release, key: TableKey, last: int | None) -> None:
    """Move those counts of a table on that only grow, each when enough people more are behind it."""
    work = release.work
    before = _told(work, key, last).get("", {})
    now = grown(before, load_table(work, key).get("", {}), k=release.rules.k)
    final = _is_over(work, key)
    if now == before and not final:
        return
    if not now:
        _close_untold(work, key)
        return
    serial = release.publish(Snapshot(key, {"": now}, {}), final=final)
    save_table(work, key, serial, closed=final)


def _told(work: Work, key: TableKey, last: int | None) -> Mapping[str, Counts]:
    """Return the counts of a table's last move."""
    return {} if last is None else read_move(key, load_move(work, last), {}).snapshot.blocks
