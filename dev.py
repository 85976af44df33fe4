#!/usr/bin/env python3
"""Every command of this repository, on nothing but the standard library: it makes .venv, then hands over to it.

Nothing is installed outside .venv, and nothing goes in whose hash is not in requirements.lock or extras.lock.
Any Python 3 from 3.6 on reads this file as far as the line that says which ones Muster needs.
"""

import sys

PYTHONS = ((3, 11), (3, 14))
if not PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
    sys.stderr.write("dev.py: Muster needs Python {}.{} to {}.{}".format(*PYTHONS[0] + PYTHONS[1]))
    sys.stderr.write(", this is {}.{}: try python3.12 dev.py\n".format(*sys.version_info[:2]))
    sys.exit(2)

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import time
import tomllib
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

HELP = """\
Muster: python3 dev.py WORD

To see it
  run             make .venv, migrate, seed the demo brand, serve on 127.0.0.1, print addresses and sign-ins
  demo            play the whole journey, from a wish to the handover, and show each step

To work on it
  test            everything: the checks below, then all tests on SQLite and on a real PostgreSQL
  test ARGS       only pytest with these arguments:  dev.py test tests/kernel -k money
  check           format, lint, strict types, import contracts, the committed GraphQL schema
  prove ARGS      what is too long for `test`: full fuzz counts, hundreds of kills
  bench NAME      run benchmarks/NAME.py and print its table
  schema          write graph/schema.graphql from the code
  extras          add what is optional: a faster compiler of circuits, what benchmarks compare with (docs/decisions/014)
  lock            pin the ranges of pyproject.toml anew into both lock files (--upgrade for newer versions)

Any other word goes to Muster's own command line in .venv:  dev.py migrate,  dev.py worker --help,  dev.py --version
Tests take MUSTER_TEST_POSTGRES=postgresql://... to use a server of yours, =off to leave PostgreSQL out.
"""

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
PYTHON = BIN / "python"
LOCK = ROOT / "requirements.lock"
EXTRAS = ROOT / "extras.lock"
STAMP = VENV / "muster.stamp"
EXTRAS_STAMP = VENV / "extras.stamp"
SCHEMA = ROOT / "graph" / "schema.graphql"
CHECKS_FAILED = "MUSTER_TEST_CHECKS_FAILED"
TEST_PROCESSES_MAX = 8  # each has a PostgreSQL of its own


def say(text: str) -> None:
    """Tell the person something, apart from what commands print."""
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


def stop(text: str) -> int:
    """Say what is wrong in one line and return the exit code for it."""
    say(text)
    return 2


# --- the environment -------------------------------------------------------------------------------------------------


def fingerprint() -> str:
    """Return what the environment must have been made from: the lock's hash and this Python's version."""
    version = ".".join(map(str, sys.version_info[:2]))
    return f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()} python{version}\n"


def stamped(stamp: Path = STAMP) -> str:
    """Return what .venv was made from, or nothing where it is missing or half made."""
    try:
        return stamp.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def environment() -> dict[str, str]:
    """Return the environment variables under which everything in .venv runs."""
    path = os.pathsep.join((str(BIN), os.environ.get("PATH", os.defpath)))
    # Some images forbid bytecode to stay small: every process would then compile all of Muster again, for a second.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    # As pip does, uv then trusts whom this machine trusts, a company's own authority too.
    return {"UV_SYSTEM_CERTS": "1", **inherited, "VIRTUAL_ENV": str(VENV), "PATH": path}


def make_ready() -> None:
    """Make .venv where it is missing or older than the lock; of several at once, one makes and the others wait."""
    if stamped() == fingerprint():
        return
    with Path(__file__).open(encoding="utf-8") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if stamped() == fingerprint():
            return
        started = time.monotonic()
        say("filling .venv from requirements.lock, only this time ...")
        base = str(getattr(sys, "_base_executable", sys.executable))
        if stamped().split()[1:] != fingerprint().split()[1:]:
            shutil.rmtree(VENV, ignore_errors=True)
            run_or_raise(base, "-m", "venv", "--without-pip", VENV)
        install(base)
        STAMP.write_text(fingerprint(), encoding="utf-8")
        say(f"ready after {time.monotonic() - started:.0f} s")


def install(base: str) -> None:
    """Bring .venv to the pins: by uv, which is itself one of them; by pip where uv cannot reach the packages."""
    uv = shutil.which("uv", path=environment()["PATH"])
    if uv is None:
        uv = str(BIN / "uv")
        uv_pin = VENV / "uv.lock"
        uv_pin.write_text(pin_of("uv"), encoding="utf-8")
        run_or_raise(*find_pip(base), "install", "--quiet", "--require-hashes", "-r", uv_pin)
    target = ("--quiet", "--python", PYTHON, "--compile-bytecode", "--require-hashes")
    try:
        run_or_raise(uv, "pip", "sync", *target, LOCK)
    except subprocess.CalledProcessError:
        say("uv could not install; pip tries with its own settings, which takes longer ...")
        run_or_raise(*find_pip(base), "install", "--quiet", "--require-hashes", "-r", LOCK)


def add_extras() -> bool:
    """Add the optional packages to .venv; where that cannot be, say so loudly and return False."""
    wanted = f"{hashlib.sha256(EXTRAS.read_bytes()).hexdigest()} {fingerprint()}"  # a sync takes them out again
    with Path(__file__).open(encoding="utf-8") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if stamped(EXTRAS_STAMP) == wanted:
            return True
        target = ("--quiet", "--python", PYTHON, "--no-deps", "--require-hashes", "-r", EXTRAS)
        try:
            run_or_raise(shutil.which("uv", path=environment()["PATH"]) or "uv", "pip", "install", *target)
        except (subprocess.CalledProcessError, FileNotFoundError):
            say("!!! the optional packages of extras.lock could not be installed: what needs them is left out !!!")
            return False
        EXTRAS_STAMP.write_text(wanted, encoding="utf-8")
    return True


def run_or_raise(*arguments: str | Path) -> None:
    """Run a command whose failure ends the whole."""
    subprocess.run(arguments, env=environment(), check=True)


def pin_of(name: str) -> str:
    """Return one package's lines of the lock, hashes included."""
    found = re.search(rf"^{re.escape(name)}==(?:.*\\\n)+.*\n", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, f"{name} is not in the lock"
    return found.group()


def find_pip(base: str) -> list[str]:
    """Return a pip that installs into .venv: the running Python's own, else the one bundled with it."""
    own = [base, "-m", "pip", "--disable-pip-version-check", "--python", str(PYTHON)]
    if subprocess.run([*own, "--version"], capture_output=True, check=False).returncode == 0:
        return own
    bundled = [str(PYTHON), "-m", "ensurepip"]
    if subprocess.run(bundled, capture_output=True, check=False).returncode:
        sys.exit(stop("this Python has neither pip nor ensurepip: install uv or your system's python3-venv package"))
    return [str(PYTHON), "-m", "pip", "--disable-pip-version-check"]


# --- the words -------------------------------------------------------------------------------------------------------


def hand_over(arguments: Sequence[str | Path]) -> int:
    """Become a command of .venv: its signals and its exit code are then the caller's."""
    os.execve(arguments[0], [str(argument) for argument in arguments], environment())


def muster(arguments: Sequence[str]) -> int:
    """Run Muster's own command line."""
    return hand_over([PYTHON, "-m", "muster", *arguments])


def passes(name: str, arguments: Sequence[str | Path], *, prints: Path | None = None) -> bool:
    """Run one check, show its output only where it fails, and tell how it went; it must print what `prints` holds."""
    started = time.monotonic()
    done = subprocess.run(arguments, env=environment(), capture_output=True, text=True, encoding="utf-8", check=False)
    stale = prints is not None and not (prints.exists() and prints.read_text(encoding="utf-8") == done.stdout)
    failed = done.returncode != 0 or stale
    say(f"{name:<18} {'FAILED' if failed else 'ok'} ({time.monotonic() - started:.1f} s)")
    if done.returncode:
        print(done.stdout, done.stderr, sep="", flush=True)
    elif stale and prints is not None:
        print(f"{prints.relative_to(ROOT)} is not what the code says; `python3 dev.py schema` writes it", flush=True)
    return not failed


def failed_checks() -> list[str]:
    """Run every check and return the names of those that failed."""
    results = {
        "format": passes("format", [BIN / "ruff", "format", "--check", "--quiet", "--diff", "."]),
        "lint": passes("lint", [BIN / "ruff", "check", "--quiet", "."]),
        "types": passes("types", [BIN / "mypy"]),
        "import contracts": passes("import contracts", [BIN / "lint-imports", "--no-cache", "--no-logo"]),
        "GraphQL schema": passes("GraphQL schema", [PYTHON, "-m", "muster", "schema"], prints=SCHEMA),
    }
    return [name for name, passed in results.items() if not passed]


def check(arguments: Sequence[str]) -> int:
    """Run the checks; ends with a non-zero code when one of them fails."""
    if arguments:
        return stop("check takes no arguments")
    failed = failed_checks()
    if failed:
        say("for format and lint there is: .venv/bin/ruff format . && .venv/bin/ruff check --fix .")
        return stop(f"failed: {', '.join(failed)}")
    return 0


def spread() -> list[str]:
    """Return the arguments that let pytest use every core this process may use; files stay together where they can."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ["-n", str(min(cores, TEST_PROCESSES_MAX)), "--dist", "worksteal"] if cores > 1 else []


def test(arguments: Sequence[str]) -> int:
    """Run everything, or only pytest with the given arguments; a failed check shows in pytest's summary as well."""
    if arguments:
        return hand_over([PYTHON, "-m", "pytest", *arguments])
    add_extras()
    failed = failed_checks()
    variables = {**environment(), CHECKS_FAILED: ", ".join(failed)}
    tests = subprocess.run([PYTHON, "-m", "pytest", *spread()], env=variables, check=False)
    return tests.returncode or int(bool(failed))


def prove(arguments: Sequence[str]) -> int:
    """Run the long proofs, and every law anew with ten times as many examples, which are others each time."""
    add_extras()
    os.environ["MUSTER_PROVE"] = "1"
    return hand_over([PYTHON, "-m", "pytest", "-m", "prove or hypothesis or sampled", *spread(), *arguments])


def bench(arguments: Sequence[str]) -> int:
    """Run one benchmark by name."""
    files = (ROOT / "benchmarks").glob("*.py")
    names = sorted(path.stem for path in files if "__main__" in path.read_text(encoding="utf-8"))
    if not arguments or arguments[0] not in names:
        return stop(f"bench takes one of: {', '.join(names) or 'none yet'}")
    add_extras()
    return hand_over([PYTHON, "-m", f"benchmarks.{arguments[0]}", *arguments[1:]])


def schema(arguments: Sequence[str]) -> int:
    """Write the committed GraphQL schema."""
    return muster(["schema", str(SCHEMA.relative_to(ROOT)), *arguments])


def extras(arguments: Sequence[str]) -> int:
    """Install the optional packages."""
    if arguments:
        return stop("extras takes no arguments")
    return 0 if add_extras() else 2


def lock(arguments: Sequence[str]) -> int:
    """Pin the ranges of pyproject.toml for every Python and system at once; the files name no host and no path."""
    ranges = project()
    extra = chain.from_iterable(ranges["project"]["optional-dependencies"].values())
    optional = [*extra, *ranges["dependency-groups"]["bench"]]
    codes = [
        pin(LOCK, ["pyproject.toml", "--group", "dev", *arguments], ""),
        pin(EXTRAS, ["-", "--constraint", str(LOCK), *arguments], "\n".join(optional)),
    ]
    if any("://" in file.read_text(encoding="utf-8") for file in (LOCK, EXTRAS)):
        return stop("a lock file names a host: pin a released version instead")
    return max(codes)


def project() -> dict[str, Any]:
    """Read pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pin(file: Path, arguments: Sequence[str], ranges: str) -> int:
    """Write one lock file, from pyproject.toml or from ranges on the standard input."""
    uv = shutil.which("uv", path=environment()["PATH"]) or "uv"
    quietly = ["--quiet", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    scope = ["--universal", "--python-version", "3.11", "--generate-hashes", "--output-file", str(file)]
    command = [uv, "pip", "compile", *scope, *quietly, *arguments]
    return subprocess.run(command, env=environment(), input=ranges, text=True, check=False).returncode


WORDS: dict[str, Callable[[Sequence[str]], int]] = {
    "bench": bench,
    "check": check,
    "extras": extras,
    "lock": lock,
    "prove": prove,
    "schema": schema,
    "test": test,
}
# Known here too, so that a word that does not exist is refused before .venv is filled.
MUSTER_WORDS = frozenset(
    (
        *("add-administrator", "add-brand", "audit", "backup", "cars", "catalogue", "ddl", "demand", "demo"),
        *(
            "export-passport",
            "export-record",
            "grant-operator",
            "line",
            "migrate",
            "parts",
            "plan",
            "plant",
            "pool",
            "promises",
        ),
        *("reconcile", "report", "restore", "revoke-operator", "run", "schema", "secrets", "seed", "serve", "settings"),
        *("stock", "store", "verify", "worker"),
    )
)


def main(arguments: Sequence[str]) -> int:
    """Do what the words say, in an environment that fits the lock."""
    if not arguments or arguments[0] in ("help", "-h", "--help"):
        print(HELP, end="")
        return 0
    os.chdir(ROOT)
    if arguments[0] == "--version":
        print(f"Muster {project()['project']['version']}")
        return 0
    if arguments[0] not in {*WORDS, *MUSTER_WORDS}:
        return stop(f"there is no word {arguments[0]!r}; `python3 dev.py help` lists them")
    if {"-h", "--help"} & {*arguments} and not stamped():
        say(f"the help of {arguments[0]} is in .venv, which the first word without --help makes; the words are:")
        print(HELP, end="")
        return 0
    try:
        make_ready()
    except subprocess.CalledProcessError as failure:
        return stop(f"the packages could not be installed: {Path(failure.cmd[0]).name} failed, see above")
    word, *rest = arguments
    return WORDS[word](rest) if word in WORDS else muster(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
