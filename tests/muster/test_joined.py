"""What is written in one turn of the event loop leaves in one call, in order, and is not lost at the end."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from muster.joined import JoinedWrites


class Line:
    """A transport that keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def write(self, data: bytes) -> None:
        self.told.append(data)

    def close(self) -> None:
        self.told.append("close")

    def abort(self) -> None:
        self.told.append("abort")

    def get_extra_info(self, name: str) -> str:
        return f"about {name}"


def talk(line: Line, *parts: bytes, end: str = "") -> JoinedWrites:
    async def run() -> JoinedWrites:
        joined = JoinedWrites(cast("asyncio.Transport", line), asyncio.get_running_loop())
        for part in parts:
            joined.write(part)
        if end:
            getattr(joined, end)()
        await asyncio.sleep(0)
        return joined

    return asyncio.run(run())


def test_a_head_and_its_body_leave_together_and_the_next_answer_apart() -> None:
    line = Line()

    async def run() -> None:
        joined = JoinedWrites(cast("asyncio.Transport", line), asyncio.get_running_loop())
        joined.write(b"head ")
        joined.write(b"body")
        await asyncio.sleep(0)
        joined.write(b"next")
        await asyncio.sleep(0)

    asyncio.run(run())

    assert line.told == [b"head body", b"next"]


def test_what_was_written_leaves_before_the_close_and_not_after_an_abort() -> None:
    closed, aborted = Line(), Line()

    talk(closed, b"last ", b"words", end="close")
    talk(aborted, b"lost", end="abort")

    assert closed.told == [b"last words", "close"]
    assert aborted.told == ["abort"]


def test_everything_else_is_the_transports_own() -> None:
    assert talk(Line()).get_extra_info("peername") == "about peername"
