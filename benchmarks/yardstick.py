"""How fast this machine is at this moment: CPU time of a fixed piece of plain Python, printed beside every table.

Machines differ, and a shared one differs from hour to hour, by a factor of three and more. What a figure costs in
yardsticks says more about the code than what it costs in milliseconds.
"""

from __future__ import annotations

import json
import time
from statistics import median
from typing import Final

RUNS: Final = 9
ROWS: Final = 1_000


def yardstick_ms() -> float:
    """Return the CPU milliseconds of one yardstick, the median of nine: a thousand small rows made, sorted, and
    written as JSON and read back by the standard library."""
    _one_yardstick()
    return median(_one_yardstick() for _ in range(RUNS))


def _one_yardstick() -> float:
    started = time.process_time()
    rows = [
        {"id": f"row-{number}", "minor": number * 7919 % 10_007, "seen": [number, -number]} for number in range(ROWS)
    ]
    rows.sort(key=lambda row: (row["minor"], row["id"]))
    again = json.loads(json.dumps(rows))
    assert again == rows
    return 1000 * (time.process_time() - started)


def pace_line() -> str:
    """Return the sentence for the head of a benchmark's output."""
    return f"This machine takes {yardstick_ms():.2f} ms of CPU for one yardstick."
