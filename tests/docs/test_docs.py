"""What the documents promise: valid documents of the API, blocks that run, commands and settings that exist."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Final

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, OperationType, build_schema, parse, validate
from typer.main import get_command

import dev
from graph.limits import check_shape
from graph.sdl import print_sdl
from graph.services import DEFAULT_LIMITS
from kernel import db
from kernel.clock import FixedClock
from kernel.errors import Refusal
from kernel.ids import SeededIds
from kernel.work import Works
from muster import (
    cli,
    cli_cars,
    cli_catalogue,
    cli_data,
    cli_demand,
    cli_demo,
    cli_line,
    cli_parts,
    cli_plan,
    cli_plant,
    cli_pool,
    cli_record,
    cli_stock,
    cli_store,
)
from muster.logs import set_up_logs
from muster.settings import Mail, Secrets, Settings
from tests.conftest import MONDAY_MORNING
from tests.docs.guides import (
    DOCUMENTS,
    ELLIPSIS,
    GUIDES,
    ROOT,
    Block,
    Remark,
    blocks_of,
    differences,
    filled,
    read_guide,
)
from tests.docs.story import Story
from tests.journeys.town import add_town, open_house
from tests.support.databases import copy_sqlite

CONSOLE_SECONDS_MAX: Final = 60
BESIDE_THE_SETTINGS: Final = {"MUSTER_DATA", "MUSTER_TEST_POSTGRES", "MUSTER_PROVE"}
COMMAND: Final = re.compile(
    r"(?:`|\$ |^)(muster|python3 dev\.py|python -m muster) ([a-z][a-z-]*)(?: ([a-z]+))?", re.MULTILINE
)


def named(path: Path) -> str:
    """Name a document in a test's id."""
    return str(path.relative_to(ROOT))


# --- the API ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(print_sdl())


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_graphql_block_is_valid_and_within_the_limits(path: Path, schema: GraphQLSchema) -> None:
    faults = []
    for block in blocks_of(path, "graphql"):
        document = parse(block.text)
        faults += [f"line {block.line}: {error.message}" for error in validate(schema, document)]
        check_shape(document, DEFAULT_LIMITS)

    assert faults == []


@pytest.fixture
def story(sqlite_template: Path, tmp_path: Path) -> Iterator[Story]:
    """Return the demo brand with its people, before anything has happened."""
    set_up_logs("ERROR")
    url = copy_sqlite(sqlite_template, tmp_path / "guide.db")
    clock = FixedClock(MONDAY_MORNING)
    engine = db.open_engine(url)
    works = Works(engine, clock=clock, ids=SeededIds(11))
    with open_house(works, clock, url) as house:
        yield Story(add_town(house, "qilan"))
    engine.dispose()


@pytest.mark.parametrize(
    "path", [one for one in GUIDES if any(block.runs for block in blocks_of(one, "graphql"))], ids=named
)
def test_a_guide_can_be_followed_from_its_first_line_to_its_last(path: Path, story: Story) -> None:
    for piece in read_guide(path):
        if isinstance(piece, Remark):
            story.tell(piece.what)
        elif piece.language == "graphql" and piece.runs:
            ask_as_told(story, piece)


def ask_as_told(story: Story, block: Block) -> None:
    """Run a block as whom it names, and hold the answer shown against the real one."""
    story.note({})
    shown = list(block.json)
    (operation,) = (one for one in parse(block.text).definitions if isinstance(one, OperationDefinitionNode))
    variables = filled(shown.pop(0), story.answers) if operation.variable_definitions else {}
    caller = story.caller(block.word("as", "guest"))
    asked = caller.first_state if operation.operation is OperationType.SUBSCRIPTION else caller.answer
    answer = asked(block.text, **variables)

    assert "errors" not in answer or "errors" in (shown or [{}])[0], f"line {block.line}: {answer['errors']}"
    for told in shown[:1]:
        assert differences(told, answer) == [], f"line {block.line}: {answer}"
    if not shown:
        refused = [one for one in answer["data"].values() if isinstance(one, dict) and {"code", "message"} <= set(one)]
        assert refused == [], f"line {block.line}"
    story.house.work_off()
    story.note(answer.get("data") or {})


def known_codes(schema: GraphQLSchema) -> set[str]:
    """Return every word in capitals that the API says or takes: codes of refusals and limits, enums, options."""
    codes = {one.code for one in every_refusal(Refusal)}
    enums = {value for kind in schema.type_map.values() for value in getattr(kind, "values", {})}
    limits = {
        found for path in (ROOT / "graph").glob("*.py") for found in re.findall(r'"([A-Z_]+)"', path.read_text("utf-8"))
    }
    options = (ROOT / "muster" / "demo" / "qilan" / "catalogue" / "options.csv").read_text(encoding="utf-8")
    return codes | enums | limits | {line.partition(",")[0] for line in options.splitlines()}


def every_refusal(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    """Yield a refusal and all that are one of its kind."""
    yield kind
    for one in kind.__subclasses__():
        yield from every_refusal(one)


@pytest.mark.parametrize("path", GUIDES, ids=named)
def test_every_code_in_a_guide_is_one_that_the_api_says(path: Path, schema: GraphQLSchema) -> None:
    told = set(re.findall(r"`([A-Z][A-Z0-9_]{3,})`", path.read_text(encoding="utf-8")))
    words = {"POST", "SIGTERM", "DEBUG", "INFO", "WARNING", "ERROR"} | {
        word for word in told if word.startswith("MUSTER_")
    }

    assert sorted(told - known_codes(schema) - words) == []


# --- the command line ------------------------------------------------------------------------------------------------


def command_words() -> dict[str, set[str]]:
    """Return every word of the command line with the words that may follow it."""
    if not any(group.name == "catalogue" for group in cli.app.registered_groups):
        cli.app.add_typer(cli_catalogue.app, name="catalogue")
        cli_demand.add_to(cli.app)
        cli.app.add_typer(cli_line.app, name="line")
        cli.app.add_typer(cli_plant.app, name="plant")
        cli.app.add_typer(cli_pool.app, name="pool")
        cli_parts.add_to(cli.app)
        cli_plan.add_to(cli.app)
        cli_data.add_to(cli.app)
        cli_demo.add_to(cli.app)
        cli_record.add_to(cli.app)
        cli_stock.add_to(cli.app)
        cli_cars.add_to(cli.app)
        cli_store.add_to(cli.app)
    command = get_command(cli.app)
    return {name: set(getattr(one, "commands", {})) for name, one in getattr(command, "commands", {}).items()}


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_command_in_a_document_exists(path: Path) -> None:
    words = command_words()
    own = {*dev.WORDS, "help"}
    text = path.read_text(encoding="utf-8")

    found = set(COMMAND.findall(text))
    unknown = []
    for program, first, second in found:
        known = first in words or (program == "python3 dev.py" and first in own)
        followed = not words.get(first) or not second or second in words[first]
        if not (known and followed):
            unknown.append(f"{program} {first} {second}".strip())

    assert unknown == []


def settings_known() -> set[str]:
    """Return the name of every setting in the environment."""
    groups = (("SECRET_", Secrets), ("MAIL_", Mail), ("", Settings))
    names = {f"MUSTER_{group}{one.name.upper()}" for group, kind in groups for one in fields(kind)}
    return names - {"MUSTER_SECRETS", "MUSTER_MAIL"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_setting_in_a_document_exists(path: Path) -> None:
    told = set(re.findall(r"MUSTER_[A-Z]+(?:_[A-Z]+)*", path.read_text(encoding="utf-8")))

    assert sorted(told - settings_known() - BESIDE_THE_SETTINGS) == []


def test_the_operators_guide_names_every_setting() -> None:
    text = (ROOT / "docs" / "guides" / "operator.md").read_text(encoding="utf-8")

    assert sorted(name for name in settings_known() if name not in text) == []


CONSOLES: Final = [path for path in DOCUMENTS if any(block.runs for block in blocks_of(path, "console"))]


@pytest.mark.parametrize("path", CONSOLES, ids=named)
def test_commands_print_what_a_guide_shows_one_after_the_other(path: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
    url = f"sqlite:///{tmp_path / 'guide.db'}"
    environment |= {"MUSTER_DEMO": "1", "MUSTER_DATABASE_URL": url, "COLUMNS": "200"}
    texts = [block.text.replace("/backup/", f"{tmp_path}/") for block in blocks_of(path, "console") if block.runs]
    for command, shown, exit_code in commands_of("".join(texts)):
        done = subprocess.run(
            [sys.executable, "-m", "muster", *shlex.split(command)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=CONSOLE_SECONDS_MAX,
            check=False,
        )

        printed = [" ".join(line.split()) for line in (done.stdout + done.stderr).splitlines()]
        assert done.returncode == exit_code, f"{command}: {done.stdout}{done.stderr}"
        assert [line for line in shown if not any(fits(line, real) for real in printed)] == [], f"{command}: {printed}"


def commands_of(text: str) -> Iterator[tuple[str, list[str], int]]:
    """Yield each command with the lines shown after it and its exit code (`echo $?` shows one that is not 0)."""
    for part in re.split(r"^\$ (?!echo)", text, flags=re.MULTILINE)[1:]:
        command, *lines = part.splitlines()
        exit_code = 0
        if "$ echo $?" in lines:
            place = lines.index("$ echo $?")
            exit_code = int(lines[place + 1])
            del lines[place : place + 2]
        told = [" ".join(line.split()) for line in lines if line.strip() not in ("", ELLIPSIS)]
        yield re.sub(r"^(muster|python3 dev\.py) ", "", command.partition("  #")[0]), told, exit_code


def fits(told: str, real: str) -> bool:
    """Say whether a line is what was told; `…` stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, told.split(ELLIPSIS))), real) is not None


# --- the whole -------------------------------------------------------------------------------------------------------


def test_an_answer_of_another_shape_is_noticed() -> None:
    got = {"data": {"pool": {"state": "open", "members": 3, "tiers": [{"members": 60}], "next": None}}}

    assert (
        differences({"data": {"pool": {"state": "locked", "members": 60, "tiers": ["…"], "next": {"a": 1}}}}, got) == []
    )
    assert differences({"data": {"pool": {"size": 3}}}, got) == [".data.pool.size is not answered"]
    assert differences({"data": {"pool": {"members": "3"}}}, got) == [".data.pool.members is 3, not '3'"]
    assert differences({"data": {"pool": {"tiers": [{"limit": 1}]}}}, got) == [
        ".data.pool.tiers[].limit is not answered"
    ]


def test_a_line_fits_only_what_it_tells() -> None:
    assert fits("… rows of … tables", "20 rows of 69 tables")
    assert not fits("20 rows", "20 rows of 69 tables")
    assert list(commands_of("$ muster audit\nNot sound: see above.\n$ echo $?\n1\n")) == [
        ("audit", ["Not sound: see above."], 1)
    ]


def test_the_index_names_every_guide() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")

    assert [one.name for one in GUIDES if f"(guides/{one.name})" not in index] == []


def test_decisions_are_numbered_without_a_gap() -> None:
    pages = sorted(one.name for one in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))

    assert [name[:3] for name in pages] == [f"{number:03d}" for number in range(1, len(pages) + 1)]
