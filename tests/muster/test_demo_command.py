"""`muster demo --server` and `plant simulate` against what is no demo at its beginning: one line, exit code 2."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.muster.test_commands import muster

NOTHING = {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
SHOWROOM = {"brand": {"name": "Qilan"}, "models": NOTHING, "pools": NOTHING, "stores": NOTHING}
NO_POOL = {"configure": {"code": "NO_OPEN_POOL", "message": "No pool of this class takes members now."}}


@contextmanager
def answering(*answers: Any) -> Iterator[str]:
    """Serve these answers, one a request and the last one again and again; yields the address."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answer = left.pop(0) if len(left) > 1 else left[0]
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://127.0.0.1:1", "http://127.0.0.1:1 does not answer: "),
        ("http://127.0.0.1:port", "http://127.0.0.1:port does not answer: "),
        ("127.0.0.1:8000", "127.0.0.1:8000 is no address of a server: write http://… or https://…"),
        ("file:///etc", "file:///etc is no address of a server: write http://… or https://…"),
    ],
)
@pytest.mark.parametrize("words", [("demo",), ("plant", "simulate")])
def test_a_server_that_cannot_be_reached_is_one_line(words: tuple[str, ...], address: str, says: str) -> None:
    done = muster(*words, "--server", address)

    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"muster: {says}")


@pytest.mark.parametrize("answer", [b"<html>It works!</html>", [], {"detail": "Not here"}])
def test_a_server_of_something_else_is_one_line(answer: Any) -> None:
    with answering(answer) as address:
        done = muster("demo", "--server", address)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"muster: {address} answers, but not as Muster does\n"


def test_a_demo_whose_pools_are_over_says_in_one_line_what_to_do() -> None:
    with answering({"data": SHOWROOM}, {"data": NO_POOL}) as address:
        done = muster("demo", "--server", address)

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "muster: configure: NO_OPEN_POOL – No pool of this class takes members now. The journey needs"
    )
    assert "delete var/muster.db" in line
