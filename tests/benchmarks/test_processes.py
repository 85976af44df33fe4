"""What the benchmarks ask of processes also holds for one that has just ended."""

import subprocess
import sys

import psutil

from benchmarks.processes import command_of

WAITS = "print('ready', flush=True); input()"


def test_a_process_that_ended_since_it_was_listed_has_no_command_line() -> None:
    with subprocess.Popen([sys.executable, "-c", WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        # Linux shows no command line while a program is being loaded, so the child first says that it runs.
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        listed = psutil.Process(child.pid)
        assert "input()" in command_of(listed)

        child.communicate(b"\n")

        assert command_of(listed) == ""
