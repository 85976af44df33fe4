"""The benchmark of a comparison's statistics runs, and says how it went."""

from __future__ import annotations

import pytest

from benchmarks.preference import main


def test_the_quick_run_finds_the_tastes_it_drew_within_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick"]) == 0

    told = capsys.readouterr().out
    assert "500 persons x 100 draws" in told
    assert int(told.split(" of 12 true utilities")[0].splitlines()[-1]) >= 9
