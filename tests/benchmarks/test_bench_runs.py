"""The benchmark of the API runs from end to end on the smallest of servers; what it measures is no matter here."""

import asyncio
import math

import pytest

from benchmarks.api import POSTGRES, SQLITE, Part, Plan, Row, run_benchmark, table_of
from benchmarks.load import LOOPBACK
from benchmarks.measuring import AnswersFailed, Measured, Meters, measure, median_of
from benchmarks.operations import Operation

SMALLEST = Plan(
    databases=(SQLITE,),
    processes=(1,),
    callers=(1, 2),
    runs=1,
    seconds=0.05,
    pre_orders={1: 3, 2: 5},
    seconds_in_all=600,
)


def measured(*, per_second: float = 1.0, server_ms: float = 1.0) -> Measured:
    return Measured(per_second, 1.0, 2.0, server_ms, 0.5, 0.1)


def test_the_smallest_run_measures_every_operation_and_finds_every_pre_order() -> None:
    (part,) = run_benchmark(SMALLEST, say=lambda _: None)

    assert part.left_out == 0
    assert [(row.operation.name, row.callers) for row in part.rows][:4] == [
        ("place a pre-order", 1),
        ("place a pre-order", 2),
        ("list of 10 cars, fresh", 1),
        ("list of 10 cars, fresh", 2),
    ]
    assert all(row.measured.per_second > 0 for row in part.rows)
    assert part.acknowledged == part.stored == 8
    statements = {row.operation.name: row.statements for row in part.rows}
    # The version in force is asked for once a second at most; ten cars take no more than one.
    assert {statements["list of 10 cars, fresh"], statements["one car in full, fresh"]} <= {"0", "1"}
    assert statements["list of 10 cars, kept bytes"] == "0"
    assert not math.isnan(part.pss_at_end_mb)
    assert "| place a pre-order | 2 |" in table_of([part])


def test_the_table_says_what_was_reached_and_what_was_missed() -> None:
    place = Operation("place", iter([]), b"", 4.0, is_scarce=True)
    rows = (
        Row(place, 16, measured(server_ms=3.5), "19", 0.0, 2.0),
        Row(place, 16, measured(server_ms=3.6), "19", 0.0, 2.0),
        Row(place, 64, measured(per_second=599.0), "19", 0.0, 2.0),
    )

    lines = table_of([Part(POSTGRES, 1, rows, 90, 221, 8, 8, 0)]).splitlines()

    assert "| ≤ 4 ms: reached |" in lines[5]
    assert "| ≤ 4 ms: **missed** |" in lines[6]
    assert "| ≥ 600/s: **missed** |" in lines[7]
    assert "(≤ 220: **missed**)" in lines[9]
    assert (
        "reached" not in table_of([Part(SQLITE, 1, rows, 90, 100, 8, 8, 0)]).partition("Memory")[0].split("load |")[1]
    )


def test_the_median_is_taken_of_each_figure_alone() -> None:
    middle = median_of([measured(per_second=1, server_ms=9), measured(per_second=3, server_ms=7), measured()])

    assert (middle.per_second, middle.server_ms) == (1, 7)


def test_a_wrong_answer_stops_the_benchmark() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nerror")
        await writer.drain()
        writer.close()

    async def serve_and_measure() -> None:
        async with await asyncio.start_server(answer, LOOPBACK, 0) as server:
            port = server.sockets[0].getsockname()[1]
            asked = Operation("anything", iter([b"GET / HTTP/1.1\r\n\r\n"]), b"{")
            meters = Meters(lambda: 0.0, lambda: 0.0, lambda: 0.0)
            await asyncio.to_thread(measure, port, asked, meters, callers=1, seconds=5, requests_max=1)

    with pytest.raises(AnswersFailed, match="anything: 1 of 1 failed: error"):
        asyncio.run(serve_and_measure())
