"""Writes releases and reads what the next one, or a replay, starts from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, delete, func, insert, or_, select, update

from configurator.model import Ties
from demand.cubes.model import Audience, Count, Counts, Menu, PublishedCell, TableKey
from demand.cubes.moving import Saying
from demand.cubes.rows import counts_from, table_row
from demand.cubes.setting_out import Snapshot
from demand.cubes.tables import (
    cube_blocks,
    cube_cells,
    cube_changes,
    cube_moves,
    cube_offerings,
    cube_releases,
    cube_tables,
)
from kernel import db
from kernel.work import Work

KEYS = ("cube", "week", "model", "version_id")


@dataclass(frozen=True, slots=True)
class Move:
    """A table as a release showed it: its snapshot, and every option that it or an earlier one showed."""

    snapshot: Snapshot
    shown: frozenset[str]


def newest_release(work: Work) -> int:
    """Return the number of the brand's newest release; 0 before the first."""
    found = select(func.coalesce(func.max(cube_releases.c.number), 0)).where(
        cube_releases.c.brand_id == work.actor.brand_id
    )
    return int(work.connection.execute(found).scalar_one())


def insert_release(work: Work, row: Mapping[str, Any]) -> bool:
    """Write a release; false where another worker wrote this number first."""
    return bool(db.insert_new(work.connection, cube_releases, [row], returning="number"))


def open_tables(work: Work) -> dict[TableKey, int | None]:
    """Return the tables that are not closed, with the serial of their last move, if any."""
    blocks, tables = cube_blocks.c, cube_tables.c
    same = and_(*(tables[name] == blocks[name] for name in ("brand_id", *KEYS)))
    found = (
        select(blocks.cube, blocks.week, blocks.model, blocks.version_id, tables.move)
        .select_from(cube_blocks.outerjoin(cube_tables, same))
        .where(blocks.brand_id == work.actor.brand_id, or_(tables.closed.is_(None), tables.closed.is_(False)))
        .distinct()
    )
    return {TableKey(row.cube, row.week, row.model, row.version_id): row.move for row in work.connection.execute(found)}


def load_table(work: Work, key: TableKey) -> dict[str, Counts]:
    """Return a table's counts now, by region."""
    table = cube_blocks.c
    found = select(table.region, table.counts).where(*_is_table(work, cube_blocks, key))
    return {row.region: counts_from(row.counts) for row in work.connection.execute(found)}


def _is_table(work: Work, table: Any, key: TableKey) -> list[Any]:
    return [table.c[name] == value for name, value in table_row(work.actor.brand_id, key).items()]


def load_menus(work: Work, key: TableKey) -> dict[str, Menu]:
    """Return what could be had in each region of a table of take rates."""
    table = cube_offerings.c
    found = select(table.region, table.options).where(
        table.brand_id == work.actor.brand_id,
        table.week == key.week,
        table.model == key.model,
        table.version_id == key.version_id,
    )
    return {
        row.region: {category: tuple(options) for category, options in row.options.items()}
        for row in work.connection.execute(found)
    }


def load_sayings(work: Work, key: TableKey) -> list[Saying]:
    """Return what verified persons said before and say now, of all who said something new since the last release."""
    table = cube_changes.c
    found = select(table.before, table.after).where(*_is_table(work, cube_changes, key), table.verified.is_(True))
    return [Saying(row.before, row.after) for row in work.connection.execute(found)]


def forget_sayings(work: Work, key: TableKey) -> None:
    """Begin anew after a release."""
    work.connection.execute(delete(cube_changes).where(*_is_table(work, cube_changes, key)))


def load_move(work: Work, serial: int) -> dict[str, Any]:
    """Return what a move was made from, as it was written."""
    found = select(cube_moves.c.counts).where(cube_moves.c.serial == serial)
    counts: dict[str, Any] = work.connection.execute(found).scalar_one()
    return counts


def read_move(key: TableKey, counts: Mapping[str, Any], menus: Mapping[str, Menu]) -> Move:
    """Read a move from its row."""
    blocks = {region: counts_from(block) for region, block in counts["blocks"].items()}
    ties, ties_in = _ties(counts.get("ties", ())), counts.get("ties_in", {})
    snapshot = Snapshot(
        key,
        blocks,
        menus,
        frozenset(counts["burnt"]),
        ties,
        {region: _ties(own) for region, own in ties_in.items()},
    )
    return Move(snapshot, frozenset(counts["shown"]))


def _ties(pairs: Iterable[Sequence[str]]) -> Ties:
    return frozenset((one, other) for one, other in pairs)


def insert_move(
    work: Work, release: int, move: Move, cells: Mapping[Audience, Sequence[PublishedCell]], *, final: bool
) -> int:
    """Write a move with its cells, and return its serial."""
    row = table_row(work.actor.brand_id, move.snapshot.table) | {
        "release": release,
        "final": final,
        "counts": {
            "blocks": {region: _plain(counts) for region, counts in move.snapshot.blocks.items()},
            "burnt": sorted(move.snapshot.burnt),
            "ties": sorted(move.snapshot.ties),
            "ties_in": {region: sorted(own) for region, own in sorted(move.snapshot.ties_in.items())},
            "shown": sorted(move.shown),
        },
    }
    serial = int(work.connection.execute(insert(cube_moves).values(**row).returning(cube_moves.c.serial)).scalar_one())
    rows = [cell_row(serial, audience, cell) for audience, own in cells.items() for cell in own]
    db.insert_many(work.connection, cube_cells, rows)
    return serial


def _plain(counts: Mapping[str, Count]) -> dict[str, list[int]]:
    return {code: list(count) for code, count in sorted(counts.items())}


def cell_row(move: int, audience: Audience, cell: PublishedCell) -> dict[str, Any]:
    """Return a cell as its row."""
    return {
        "move": move,
        "audience": str(audience),
        "first": cell.key.option,
        "second": cell.key.second,
        "region": cell.key.region,
        "chosen": cell.chosen,
        "first_chosen": cell.first_chosen,
        "second_chosen": cell.second_chosen,
        "offered": cell.offered,
    }


def save_table(work: Work, key: TableKey, move: int | None, *, closed: bool) -> None:
    """Write which move of a table is its newest, and whether there will be another."""
    new = table_row(work.actor.brand_id, key) | {"move": move, "closed": closed}
    if not db.insert_new(work.connection, cube_tables, [new], returning="week"):
        work.connection.execute(
            update(cube_tables).where(*_is_table(work, cube_tables, key)).values(move=move, closed=closed)
        )


def moves_of_release(work: Work, release: int) -> list[Any]:
    """Return a release's moves, take rates before the pairs that need them."""
    table = cube_moves.c
    found = (
        select(cube_moves)
        .where(table.brand_id == work.actor.brand_id, table.release == release)
        .order_by(table.cube.desc(), table.serial)
    )
    return list(work.connection.execute(found).mappings())


def cells_of_move(work: Work, serial: int) -> list[dict[str, Any]]:
    """Return the rows of a move's cells."""
    found = select(cube_cells).where(cube_cells.c.move == serial)
    return [dict(row) for row in work.connection.execute(found).mappings()]
