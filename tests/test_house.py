"""What the front door promises: the lock, the commands in the documents, links that lead somewhere, a tidy server."""

from __future__ import annotations

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Final

import psycopg
import pytest

import dev
from tests.docs.test_docs import command_words
from tests.support.databases import empty_postgres, postgres_database

ROOT: Final = Path(__file__).resolve().parents[1]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS: Final = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("requirements.lock", "extras.lock")}
DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SERVE_UNTIL_KILLED: Final = """
import time
from tests.support.postgres import postgres_server
with postgres_server() as address:
    print(address, flush=True)
    time.sleep(60)
"""


def pins_of(name: str) -> list[str]:
    return [line for line in LOCKS[name].splitlines() if not line.startswith((" ", "#"))]


def names_of(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower() for requirement in requirements}


@cache
def muster_knows(word: str) -> bool:
    done = subprocess.run([sys.executable, "-m", "muster", word, "--help"], cwd=ROOT, capture_output=True, check=False)
    return done.returncode == 0


def test_the_lock_pins_every_direct_dependency() -> None:
    wanted = names_of(PROJECT["project"]["dependencies"]) | names_of(PROJECT["dependency-groups"]["dev"])

    assert wanted - names_of(pins_of("requirements.lock")) == set()


def test_what_is_optional_is_pinned_apart_so_that_run_never_installs_it() -> None:
    extras = PROJECT["project"]["optional-dependencies"].values()
    optional = [*chain.from_iterable(extras), *PROJECT["dependency-groups"]["bench"]]

    assert names_of(optional) <= names_of(pins_of("extras.lock"))
    assert names_of(pins_of("extras.lock")) & names_of(pins_of("requirements.lock")) == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_is_exact_and_has_hashes(lock: str) -> None:
    pieces = re.split(r"^(?=\S)", LOCKS[lock], flags=re.MULTILINE)[1:]

    assert [piece.splitlines()[0] for piece in pieces if "==" not in piece or "--hash=sha256:" not in piece] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_names_no_host_and_no_path(lock: str) -> None:
    assert re.findall(r"://|--find-links|--index|(?<![=\w])/|#.*", LOCKS[lock]) == []


def test_dev_and_the_project_agree_on_the_pythons() -> None:
    lowest, highest = dev.PYTHONS

    assert PROJECT["project"]["requires-python"] == f">={lowest[0]}.{lowest[1]},<{highest[0]}.{highest[1] + 1}"


def test_an_old_python_reads_dev_far_enough_to_say_which_ones_muster_needs() -> None:
    source = (ROOT / "dev.py").read_text(encoding="utf-8")

    tree = ast.parse(source, feature_version=(3, 6))

    before = tree.body[: next(at for at, one in enumerate(tree.body) if isinstance(one, ast.If)) + 1]
    imported = [one for one in before if isinstance(one, ast.Import | ast.ImportFrom)]
    assert [name.name for one in imported for name in one.names] == ["sys"]
    assert "from __future__ import annotations" not in source


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.8", "3.9", "3.10"])
def test_an_old_python_that_is_here_ends_with_one_line_and_two(version: str) -> None:
    old = shutil.which(f"python{version}") or ""
    if not old or subprocess.run([old, "--version"], capture_output=True, check=False).returncode:
        return  # The form of the file is held by the test above, on every machine.

    done = subprocess.run([old, "dev.py", "run"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr == f"dev.py: Muster needs Python 3.11 to 3.14, this is {version}: try python3.12 dev.py\n"


def test_dev_refuses_a_word_that_is_none_before_it_fills_anything() -> None:
    assert dev.main(["bogus"]) == 2


def test_dev_knows_the_words_of_musters_command_line() -> None:
    assert set(command_words()) == dev.MUSTER_WORDS


def test_dev_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(["--version"]) == 0
    assert capsys.readouterr().out == f"Muster {PROJECT['project']['version']}\n"


def test_every_word_of_dev_is_explained() -> None:
    explained = set(re.findall(r"^  ([a-z]+) ", dev.HELP, flags=re.MULTILINE))

    assert set(dev.WORDS) | {"run", "demo"} == explained


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_commands_in_the_documents_exist(document: Path) -> None:
    words = set(re.findall(r"python3 dev\.py ([a-z]+)", document.read_text(encoding="utf-8")))

    assert [word for word in sorted(words - {*dev.WORDS, "help"}) if not muster_knows(word)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_links_in_the_documents_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8"))

    assert [link for link in links if "://" not in link and not (document.parent / link).exists()] == []


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")

    assert [path.name for path in sorted(folder.glob("0*.md")) if f"]({path.name})" not in index] == []


@pytest.mark.prove
def test_a_fresh_clone_is_made_ready_once_by_several_commands_at_once(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    base = str(getattr(sys, "_base_executable", sys.executable))
    variables = {**os.environ, "MUSTER_DEMO": "1"}

    command = [base, "dev.py", "migrate"]
    runs = [subprocess.Popen(command, cwd=clone, env=variables, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    told = [run.communicate(timeout=1200)[1] for run in runs]

    assert [run.returncode for run in runs] == [0, 0, 0]
    assert sum("ready after" in one for one in told) == 1


@pytest.mark.postgres
def test_the_postgres_of_a_killed_run_ends_and_leaves_nothing() -> None:
    command = [sys.executable, "-c", SERVE_UNTIL_KILLED]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        address = run.stdout.readline().strip()
        home = Path(address.partition("host=")[2])
        psycopg.connect(address).close()

        os.kill(run.pid, signal.SIGKILL)

    deadline = time.monotonic() + 20
    while home.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not home.exists()


@pytest.mark.postgres
def test_an_emptied_postgres_has_no_row_and_counts_from_one(postgres: str) -> None:
    with postgres_database(postgres, f"muster_emptied_{os.getpid()}") as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE above (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")
            connection.execute("CREATE TABLE below (above_id bigint REFERENCES above)")
            connection.execute("INSERT INTO above DEFAULT VALUES")
            connection.execute("INSERT INTO below SELECT id FROM above")

        empty_postgres(url)

        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT * FROM above UNION ALL SELECT * FROM below").fetchall() == []
            assert connection.execute("INSERT INTO above DEFAULT VALUES RETURNING id").fetchone() == (1,)
