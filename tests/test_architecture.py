"""The shape of the house: the import contracts hold, and each of them bites when a bad import is planted."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

import grimp
import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
LINT: Final = Path(sys.executable).with_name("lint-imports")
FUNCTION_LINES_MAX: Final = 70
FILE_LINES_MAX: Final = 450
NOT_ROOMS: Final = {"tests", "benchmarks", "docs", "var", "build"}
SERVER_MODULES: Final = ("graph.app", "muster.serving")
HEAVY: Final = {"pandas", "numpy", "scipy", "highspy", "ortools", "numba"}
WALK: Final = """
import sys
from pathlib import Path
import graph.app, muster.serving
from configurator.catalogue_files import read_catalogue
from configurator.engine.artefact import Blueprint
from configurator.rules import compile_catalogue
from muster.circuits import engines_of, open_workshop
from muster.settings import read_settings

workshop = open_workshop(read_settings({"MUSTER_DEMO": "1", "MUSTER_CIRCUITS_FOLDER": sys.argv[1]}))
book = compile_catalogue(read_catalogue(Path("muster/demo/qilan/catalogue")))
workshop.made(Blueprint(book.formula, book.weighed))
workshop.get_ready()
engine = engines_of(workshop)(book)
print(engine.kind.value, *sys.modules, sep="\\n")
"""
NO_NAMES: Final = {"utils", "util", "helpers", "helper", "manager", "managers", "misc", "common"}


def configuration() -> dict[str, object]:
    linter: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]
    return linter


def top_packages() -> list[str]:
    return sorted(path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name not in NOT_ROOMS)


def sources() -> Iterator[Path]:
    for package in top_packages():
        yield from sorted((ROOT / package).rglob("*.py"))


def lint_imports(root: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    only = [word for contract in contracts for word in ("--contract", contract)]
    return subprocess.run(
        [LINT, "--no-cache", "--no-logo", *only], cwd=root, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of every module and of the contracts."""
    copy = tmp_path_factory.mktemp("house")
    for package in (*top_packages(), "tests/support"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "*.db"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def lint_with(tree: Path, planted: Mapping[str, str], *contracts: str) -> subprocess.CompletedProcess[str]:
    """Add the planted lines to the copy, lint it, and put it back as it was; a new folder is a sub-room."""
    before = {path: (tree / path).read_text(encoding="utf-8") if (tree / path).exists() else None for path in planted}
    fresh = sorted({(tree / path).parent for path in planted if not (tree / path).parent.exists()})
    for folder in fresh:
        folder.mkdir()
        (folder / "__init__.py").write_text("", encoding="utf-8")
    for path, line in planted.items():
        (tree / path).write_text(f"{before[path] or ''}\n{line}\n", encoding="utf-8")
    try:
        return lint_imports(tree, *contracts)
    finally:
        for path, text in before.items():
            (tree / path).unlink() if text is None else (tree / path).write_text(text, encoding="utf-8")
        for folder in fresh:
            shutil.rmtree(folder)


PLANTED: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "the ground imports a room": ("one-way", {"kernel/planted.py": "import demand"}),
    "a lower room imports a higher one": (
        "one-way",
        {"demand/planted.py": "import factory_orders.planted.service", "factory_orders/planted/service.py": ""},
    ),
    "GraphQL imports the composition root": ("one-way", {"graph/planted.py": "import muster"}),
    "a model imports tables": (
        "order",
        {"demand/planted/model.py": "import demand.planted.tables", "demand/planted/tables.py": ""},
    ),
    "events import the model": (
        "order",
        {"demand/planted/events.py": "import demand.planted.model", "demand/planted/model.py": ""},
    ),
    "events import a refusal": (
        "order",
        {"demand/planted/events.py": "import demand.planted.errors", "demand/planted/errors.py": ""},
    ),
    "a store imports the service": (
        "order",
        {"demand/planted/store.py": "import demand.planted.service", "demand/planted/service.py": ""},
    ),
    "queries import a store": (
        "order",
        {"demand/planted/queries.py": "import demand.planted.store", "demand/planted/store.py": ""},
    ),
    "a pure part imports the store": (
        "order",
        {"demand/planted/clearing.py": "from demand.planted import store", "demand/planted/store.py": ""},
    ),
    "another room's tables": (
        "doors",
        {"factory_orders/planted.py": "import demand.planted.tables", "demand/planted/tables.py": ""},
    ),
    "another room's pure part": (
        "doors",
        {"factory_orders/planted.py": "import demand.planted.clearing", "demand/planted/clearing.py": ""},
    ),
    "GraphQL imports a store": (
        "doors",
        {"graph/planted.py": "import demand.planted.store", "demand/planted/store.py": ""},
    ),
    "a pure part imports SQLAlchemy": ("pure", {"demand/planted.py": "import sqlalchemy"}),
    "a pure part opens a transaction": ("pure", {"demand/planted.py": "from kernel.work import Work"}),
    "a model rolls dice": ("pure", {"demand/planted/model.py": "import random"}),
    "an event reads the clock": ("pure", {"demand/planted/events.py": "from kernel.clock import Clock"}),
    "money imports SQLAlchemy": ("ground", {"kernel/money.py": "import sqlalchemy"}),
    "a service imports Starlette": ("no-web", {"demand/planted/service.py": "import starlette"}),
    "a room reaches Strawberry through the ground": (
        "no-web",
        {"kernel/planted.py": "import strawberry", "demand/planted/service.py": "import kernel.planted"},
    ),
    "a resolver writes SQL": ("graph-asks", {"graph/planted.py": "from sqlalchemy import select"}),
}
ALLOWED: Final[dict[str, dict[str, str]]] = {
    "a service takes another room's doors": {
        "factory_orders/planted/service.py": "from demand.planted import model, queries, service",
        "demand/planted/service.py": "",
        "demand/planted/queries.py": "",
        "demand/planted/model.py": "",
    },
    "a port speaks of the change it is used in": {"demand/planted/ports.py": "from kernel.work import Work"},
    "the whole room from the top down": {
        "demand/planted/service.py": "import demand.planted.store, demand.planted.queries, demand.planted.ports",
        "demand/planted/store.py": "import demand.planted.tables, demand.planted.model",
        "demand/planted/queries.py": "import demand.planted.tables, demand.planted.clearing",
        "demand/planted/tables.py": "import kernel.db, demand.planted.model",
        "demand/planted/ports.py": "import demand.planted.model",
        "demand/planted/clearing.py": "import demand.planted.model, demand.planted.errors",
        "demand/planted/model.py": "import demand.planted.events, demand.planted.errors",
        "demand/planted/events.py": "import kernel.events",
        "demand/planted/errors.py": "import kernel.errors, demand.planted.clearing",
    },
}


def test_the_import_contracts_hold() -> None:
    done = lint_imports(ROOT)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_room_is_under_the_contracts() -> None:
    assert configuration()["root_packages"] == sorted(
        top_packages(),
        key=["kernel", "configurator", "demand", "factory_orders", "ownership", "graph", "web", "muster"].index,
    )


def test_every_contract_has_a_violation_planted_below() -> None:
    contracts = configuration()["contracts"]
    assert isinstance(contracts, list)

    assert {contract["id"] for contract in contracts} == {contract for contract, _ in PLANTED.values()}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_import_breaks_its_contract(tree: Path, what: str) -> None:
    contract, planted = PLANTED[what]
    importer = next(iter(planted)).removesuffix(".py").replace("/", ".")

    done = lint_with(tree, planted, contract)

    assert done.returncode == 1, done.stdout + done.stderr
    assert importer in done.stdout


@pytest.mark.parametrize("what", ALLOWED)
def test_an_import_that_the_house_allows_breaks_nothing(tree: Path, what: str) -> None:
    done = lint_with(tree, ALLOWED[what])

    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    assert "planted" not in done.stdout


def test_no_two_modules_import_each_other_also_not_for_their_types_alone() -> None:
    graph = grimp.build_graph(*top_packages(), cache_dir=None)
    imports = TopologicalSorter({one: graph.find_modules_directly_imported_by(one) for one in graph.modules})

    try:
        imports.prepare()
    except CycleError as found:
        pytest.fail(" <- ".join(found.args[1]))


def test_no_function_is_longer_than_the_wall() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= FUNCTION_LINES_MAX
    ]

    assert long == []


def test_no_file_outgrows_one_noun() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}

    assert {name: length for name, length in lengths.items() if length > FILE_LINES_MAX} == {}


def test_no_module_is_named_after_nothing() -> None:
    assert [str(path) for path in sources() if path.stem in NO_NAMES or path.parent.name in NO_NAMES] == []


@pytest.mark.parametrize("module", SERVER_MODULES)
def test_a_server_process_stays_light(module: str) -> None:
    load = f"import sys, {module}; print(*sys.modules, sep='\\n')"

    done = subprocess.run([sys.executable, "-c", load], cwd=ROOT, capture_output=True, text=True, check=True)

    assert set(done.stdout.split()) & HEAVY == set()


def test_a_command_starts_without_the_graphql_library() -> None:
    load = "import sys, muster.cli, muster.wiring; print(*sys.modules, sep='\\n')"

    done = subprocess.run([sys.executable, "-c", load], cwd=ROOT, capture_output=True, text=True, check=True)

    assert set(done.stdout.split()) & {"graphql", "strawberry"} == set()


def test_a_server_that_walks_circuits_loads_numpy_and_nothing_else_that_is_heavy(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WALK, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )

    kind, *loaded = done.stdout.split()

    assert kind == "circuit"
    assert set(loaded) & HEAVY == {"numpy"}
