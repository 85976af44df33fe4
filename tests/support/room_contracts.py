"""The import contracts that a room's shape asks for: what a module may import follows from the name it bears.

They are contract types of import-linter, set up in pyproject.toml beside its own. Why: docs/decisions/001.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

# From the top down; what bears no such name is a pure part.
RANKS: Final = {"service": 5, "queries": 4, "store": 4, "tables": 3, "ports": 2, "errors": 2, "model": 1, "events": 0}
PURE: Final = 2
DOORS: Final = frozenset({"service", "queries", "model", "events", "errors"})


def room_of(module: str) -> str:
    """Return the top package."""
    return module.partition(".")[0]


def part_of(module: str) -> str:
    """Return the kind of a room's module: `demand.pools.service` and `demand.pool_service` are both a service."""
    for word in module.split(".")[1:]:
        kind = word.rpartition("_")[2]
        if word in RANKS or (kind in RANKS and kind != "tables"):
            return kind
    return "pure"


class RoomContract(Contract):
    """One of the rules below, over every import that starts in one of `modules` or, for doors, leads into one."""

    modules = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Look at every direct import once."""
        rooms = frozenset(str(room) for room in self.modules)  # type: ignore[attr-defined]  # a field is its value here
        broken = [
            (importer, imported, graph.get_import_details(importer=importer, imported=imported))
            for importer, imported in imports(graph)
            if not self.allows(importer, imported, rooms)
        ]
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def allows(self, importer: str, imported: str, rooms: frozenset[str]) -> bool:
        """Say whether one module may import another."""
        raise AssertionError("each rule says for itself")

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each forbidden import with its lines."""
        for importer, imported, details in check.metadata["broken"]:
            lines = ", ".join(str(detail["line_number"]) for detail in details)
            output.print_error(f"{importer} must not import {imported} (line {lines})", bold=False)


def imports(graph: ImportGraph) -> Iterator[tuple[str, str]]:
    """Yield every direct import, in order."""
    for importer in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            yield importer, imported


class RoomOrderContract(RoomContract):
    """Inside a room: service > queries | store > tables > ports and pure parts > model > events.

    A refusal may name any value of the room, and whatever decides may raise it.
    """

    def allows(self, importer: str, imported: str, rooms: frozenset[str]) -> bool:
        """Look down, or sideways among pure parts and between sub-rooms."""
        room = room_of(importer)
        if room not in rooms or room_of(imported) != room or room in (importer, imported):
            return True
        above, below = part_of(importer), part_of(imported)
        rank_above, rank_below = RANKS.get(above, PURE), RANKS.get(below, PURE)
        apart = importer.rpartition(".")[0] != imported.rpartition(".")[0]
        sideways = rank_above == rank_below and (rank_above == PURE or (above == below and apart))
        raises = above == "model" and below == "errors"
        return rank_above > rank_below or sideways or raises


class RoomDoorsContract(RoomContract):
    """From another room one imports its service, queries, model, events or errors; only `muster` sees behind them."""

    def allows(self, importer: str, imported: str, rooms: frozenset[str]) -> bool:
        """Let the room itself in, the composition root, and whoever takes a door."""
        room = room_of(imported)
        if room not in rooms or imported == room or room_of(importer) in (room, "muster"):
            return True
        return part_of(imported) in DOORS


class PurePartsContract(RoomContract):
    """Whatever decides or computes knows no SQL, no web and no open transaction; model and events no chance either."""

    without_storage: Final = frozenset(
        {"sqlalchemy", "strawberry", "starlette", "alembic", "psycopg", "sqlite3", "kernel.db", "kernel.work"}
    )
    without_chance: Final = frozenset({"random", "secrets", "time", "uuid", "kernel.clock", "os", "socket"})

    def allows(self, importer: str, imported: str, rooms: frozenset[str]) -> bool:
        """Look at modules below the tables; a port may speak of the transaction that it is used in."""
        part = part_of(importer)
        if room_of(importer) not in rooms or RANKS.get(part, PURE) > PURE:
            return True
        if imported in self.without_storage:
            return part == "ports" and imported == "kernel.work"
        return part not in ("model", "events", "errors") or imported not in self.without_chance
