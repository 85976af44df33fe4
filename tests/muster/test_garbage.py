"""How seldom a process looks for rings of dead values."""

from __future__ import annotations

import gc

from muster.garbage import THRESHOLDS, collecting_rarely


def test_after_a_large_piece_of_work_garbage_is_looked_for_as_before() -> None:
    before = gc.get_threshold()

    with collecting_rarely():
        during = gc.get_threshold()

    assert (during, gc.get_threshold()) == (THRESHOLDS, before)
    assert before != THRESHOLDS
