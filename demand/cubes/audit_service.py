"""The audit of cubes: counts are those of their rows, cells are large and rounded, releases are what the log gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import select

from demand.cubes.model import CubeName, TableKey
from demand.cubes.policy import CubePolicy
from demand.cubes.publishing import audiences, publish
from demand.cubes.release_store import (
    cell_row,
    cells_of_move,
    load_menus,
    moves_of_release,
    newest_release,
    read_move,
)
from demand.cubes.tables import cube_releases
from kernel.soundness import Check, rows_violating
from kernel.work import Work

RELEASES_MAX: Final = 60

# Counts are rounded, so at least k persons may be told as k less half a step, and the rest as k less a whole one.
_SMALL_CELLS: Final = """
    SELECT release, cube, week, first, second, region FROM (
        SELECT cube_moves.release, cube_moves.cube, cube_moves.week, cube_cells.first, cube_cells.second,
            cube_cells.region, cube_cells.chosen, cube_cells.offered, cube_releases.rounding,
            CASE WHEN cube_cells.audience = 'trade' THEN cube_releases.trade_k ELSE cube_releases.k END AS persons_min
        FROM cube_cells
        JOIN cube_moves ON cube_moves.serial = cube_cells.move
        JOIN cube_releases
            ON cube_releases.brand_id = cube_moves.brand_id AND cube_releases.number = cube_moves.release
        WHERE cube_moves.brand_id = :brand_id
    ) AS told
    WHERE chosen < persons_min - rounding / 2 OR chosen % rounding <> 0 OR offered % rounding <> 0 OR persons_min < 10
        OR (cube = 'take_rates' AND first <> '' AND offered - chosen < persons_min - rounding)
"""


def unlike_replay(work: Work, release: int) -> list[TableKey]:
    """Make a release anew from its log, and return the tables whose published cells are others than that gives."""
    row = work.connection.execute(
        select(cube_releases).where(cube_releases.c.brand_id == work.actor.brand_id, cube_releases.c.number == release)
    ).one()
    rules = CubePolicy(row.k, row.trade_k, row.rounding)
    unlike, take_rates = [], {}
    for move in moves_of_release(work, release):
        key = TableKey(move["cube"], move["week"], move["model"], move["version_id"])
        menus = load_menus(work, key) if key.cube == CubeName.TAKE_RATES else {}
        snapshot = read_move(key, move["counts"], menus).snapshot
        if key.cube == CubeName.TAKE_RATES:
            take_rates[key] = snapshot
        take = take_rates.get(key._replace(cube=str(CubeName.TAKE_RATES)))
        again = [
            cell_row(move["serial"], audience, cell)
            for audience, own in audiences(rules, final=move["final"])
            for cell in publish(snapshot, own, take)
        ]
        if _in_order(again) != _in_order(cells_of_move(work, move["serial"])):
            unlike.append(key)
    return unlike


def _in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row["audience"], row["first"], row["second"], row["region"]))


def _unlike_log(work: Work) -> Iterator[str]:
    newest = newest_release(work)
    for number in range(max(1, newest - RELEASES_MAX + 1), newest + 1):
        for key in unlike_replay(work, number):
            yield f"release {number}: {key.cube} of {key.model or 'all'}, week of {key.week}"


CHECKS: Final = (
    Check(
        "no published cell is about fewer than k persons, and every count is rounded",
        12,
        rows_violating(_SMALL_CELLS, shape="release {release}: {cube}, {first} in {region}, week of {week}"),
    ),
    Check("the latest releases are what their log gives", 12, _unlike_log),
)
