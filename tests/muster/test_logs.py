"""What a log says of a mistake: enough to find it, nothing of what people told us."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from typing import Any, Final

import orjson
import pytest
import structlog
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from kernel.actor import system
from kernel.ids import BrandId
from kernel.timers import timers
from kernel.work import Works
from muster.logs import set_up_logs

BRAND: Final = BrandId("a" * 32)
PRIVATE: Final = "li.wei@example.org"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Write logs to where the test reads them; afterwards everything is as it was."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    root.handlers[:] = []
    set_up_logs("ERROR")
    yield stream
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


def row_in_the_way(works: Works) -> IntegrityError:
    """Return what the database says where a second timer has the key of the first."""
    with works.read(system(BRAND)) as work:
        first, second = (
            {"id": work.new_id(), "brand_id": BRAND, "kind": "k", "key": PRIVATE, "due_at": work.now} for _ in range(2)
        )
    with pytest.raises(IntegrityError) as refused, works.change(system(BRAND)) as work:
        work.connection.execute(insert(timers).values([first, second]))
    return refused.value


@pytest.mark.parametrize("grouped", [False, True])
def test_a_row_in_the_way_is_logged_without_its_values(works: Works, written: io.StringIO, grouped: bool) -> None:
    error: Exception = row_in_the_way(works)
    # SQLite names the columns alone; PostgreSQL tells the values too.
    assert (PRIVATE in str(error)) == (works.engine.dialect.name == "postgresql")

    structlog.get_logger().error("timer_failed", exc_info=ExceptionGroup("several", [error]) if grouped else error)
    logging.getLogger("elsewhere").error("failed", exc_info=error)

    lines: list[dict[str, Any]] = [orjson.loads(line) for line in written.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["timer_failed", "failed"]
    assert lines[1]["exception"][0]["exc_type"] == "IntegrityError"
    assert "onstraint" in lines[1]["exception"][0]["exc_value"]
    assert PRIVATE not in str(lines)
