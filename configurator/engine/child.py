"""Runs a compilation in a process of its own: it can be stopped at any moment, and what it took is given back.

Formula and circuit travel through files without a name, so nothing is left behind either; the child
ends with whoever started it.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from configurator.engine import jit
from configurator.engine.formula import Clause, Formula
from configurator.engine.machine_code import Image
from configurator.engine.nnf import Budget, CompilationFailed, Nnf, OutOfMemory

ROOT: Final = Path(__file__).resolve().parents[2]
LOOK_SECONDS: Final = 0.05
BEYOND_BUDGET: Final = 75
BEYOND_MEMORY: Final = 76
SIGNALS_BEYOND_TIME: Final = frozenset({signal.SIGXCPU})
SIGNALS_BEYOND_MEMORY: Final = frozenset({signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV})
"""How a process ends that gets no more memory: D4 aborts, and a system without any left kills."""
COMPLAINT_CHARACTERS: Final = 2_000
MEGABYTE: Final = 1 << 20
PARENT_DEATH_SIGNAL: Final = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""


def compile_in_child(
    compile_here: Callable[[Formula, Budget], Nnf | None], formula: Formula, budget: Budget
) -> Nnf | None:
    """Call a function of some module, named at its top, in a child; None where the time did not suffice.

    Raises OutOfMemory, and CompilationFailed.
    """
    seconds = max(1, round(budget.seconds - budget.seconds_used()))
    kernels = str(jit.found_in() or "")
    words = (compile_here.__module__, compile_here.__qualname__, str(seconds), str(budget.megabytes), kernels)
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    with TemporaryFile() as question, TemporaryFile() as answer, TemporaryFile() as complaint:
        question.write(_bytes_of_formula(formula))
        question.seek(0)
        command = [sys.executable, "-m", "configurator.engine.child", *words]
        variables = {**os.environ, "PYTHONPATH": path}
        with subprocess.Popen(command, stdin=question, stdout=answer, stderr=complaint, env=variables) as child:
            try:
                code = awaited(child, budget)
            finally:
                child.kill()
        if code is None or code == BEYOND_BUDGET or -code in SIGNALS_BEYOND_TIME:
            return None
        if code == BEYOND_MEMORY or -code in SIGNALS_BEYOND_MEMORY:
            raise OutOfMemory
        if code:
            complaint.seek(0)
            said = complaint.read().decode(errors="replace")[-COMPLAINT_CHARACTERS:]
            raise CompilationFailed(f"exit code {code}: {said}")
        answer.seek(0)
        return _nnf_of(answer)


def awaited(child: subprocess.Popen[bytes], budget: Budget) -> int | None:
    """Return the child's exit code; None once the clock is beyond the budget. Raises OutOfMemory."""
    while budget.seconds_used() < budget.seconds:
        if _resident_bytes(child.pid) >= budget.megabytes * MEGABYTE:
            raise OutOfMemory
        try:
            return child.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    return None


def _resident_bytes(pid: int) -> int:
    """Return what a process has in memory, where Linux tells; D4 reserves much more than it uses."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0


def _bytes_of_formula(formula: Formula) -> bytes:
    flat = [literal for clause in formula.clauses for literal in (*clause, 0)]
    return np.array([formula.feature_count, formula.variable_count, *flat], np.int32).tobytes()


def _formula_of(question: bytes) -> Formula:
    numbers: list[int] = np.frombuffer(question, np.int32).tolist()
    clauses: list[Clause] = []
    start = 2
    for place in range(2, len(numbers)):
        if numbers[place] == 0:
            clauses.append(tuple(numbers[start:place]))
            start = place + 1
    return Formula(numbers[0], numbers[1], tuple(clauses), ())


def _write_nnf(nnf: Nnf, answer: BinaryIO) -> None:
    np.savez(answer, allow_pickle=False, **_arrays(nnf))


def _arrays(nnf: Nnf) -> dict[str, NDArray[np.generic]]:
    return {
        "variable_count": np.array(nnf.variable_count),
        "kinds": nnf.kinds,
        "source": nnf.source,
        "target": nnf.target,
        "first_literal": nnf.first_literal,
        "literals": nnf.literals,
    }


def _nnf_of(answer: BinaryIO) -> Nnf:
    try:
        with np.load(answer, allow_pickle=False) as arrays:
            return Nnf(
                int(arrays["variable_count"]),
                arrays["kinds"],
                arrays["source"],
                arrays["target"],
                arrays["first_literal"],
                arrays["literals"],
            )
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise CompilationFailed("the child's answer is no circuit") from error


def _limit_myself(seconds: int) -> None:
    """End with the parent, and by the processor's clock in any case."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds + 1, seconds + 2))
    end_with_parent()


def end_with_parent() -> None:
    """Let this process end when the thread that started it does (on Linux), or its process."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
    else:
        threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(BEYOND_BUDGET)


def _main(module: str, function: str, seconds: str, megabytes: str, kernels: str) -> int:
    """Read a formula from the standard input and write its circuit to the standard output."""
    _limit_myself(int(seconds))
    if kernels:
        jit.bind(Image.read(Path(kernels)))  # whoever started this has looked whether it is the right one
    answering = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a compiler's own words go where complaints go
    formula = _formula_of(sys.stdin.buffer.read())
    compile_here = getattr(importlib.import_module(module), function)
    try:
        nnf = compile_here(formula, Budget(int(seconds), int(megabytes), time.process_time))
        if nnf is None:
            return BEYOND_BUDGET
        with answering:
            _write_nnf(nnf, answering)
    except (MemoryError, OutOfMemory):
        return BEYOND_MEMORY
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
