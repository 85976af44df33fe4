"""What the benchmarks ask of processes also holds for one that has just ended."""

import subprocess
import sys

import psutil

from benchmarks.processes import command_of


def test_a_process_that_ended_since_it_was_listed_has_no_command_line() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    listed = psutil.Process(child.pid)
    assert "input()" in command_of(listed)

    child.communicate(b"\n")

    assert command_of(listed) == ""
