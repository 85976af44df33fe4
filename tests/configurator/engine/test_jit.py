"""No user waits for numba: what serves loads every kernel beforehand, and kernels are named where that looks."""

from __future__ import annotations

import fcntl
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from configurator.engine import jit

ENGINE = Path(jit.__file__).parent


def test_every_module_with_kernels_is_warmed() -> None:
    with_kernels = {
        f"configurator.engine.{path.stem}"
        for path in ENGINE.glob("*.py")
        if re.search(r"^@kernel\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert with_kernels == {*jit.ANSWERING, *jit.COMPILING}


def test_what_kernels_take_from_other_files_decides_as_well_what_code_is_theirs() -> None:
    sources = jit.sources()
    of_kernels = [ENGINE / f"{name.rpartition('.')[2]}.py" for name in (*jit.ANSWERING, *jit.COMPILING)]

    imported = re.compile(r"^from configurator\.engine(?:\.(\w+))? import (\w+)", re.MULTILINE)

    for path in of_kernels:
        taken = imported.findall(path.read_text(encoding="utf-8"))
        assert taken
        assert {ENGINE / f"{module or name}.py" for module, name in taken} < set(sources)
    assert set(of_kernels) < set(sources)


def test_of_processes_that_want_a_kernel_one_compiles_it(monkeypatch: pytest.MonkeyPatch) -> None:
    locked: list[bool] = []

    def compiler(_signature: str, **_options: bool) -> Callable[[Callable[[], int]], Callable[[], int]]:
        with Path(__file__).open(encoding="utf-8") as other:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
                locked.append(False)
            except BlockingIOError:
                locked.append(True)
        return lambda function: function

    monkeypatch.setattr(jit, "COMPILED", True)
    monkeypatch.setattr(jit, "_bound", None)
    monkeypatch.setitem(sys.modules, "numba", SimpleNamespace(njit=compiler, config=SimpleNamespace(CACHE_DIR="")))

    @jit.kernel("int64()")
    def seven() -> int:
        return 7

    assert seven() == 7
    assert locked == [True]
    with Path(__file__).open(encoding="utf-8") as after:
        fcntl.flock(after, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_after_warming_nothing_is_compiled_any_more() -> None:
    ask = (
        "import sys\n"
        "from configurator.engine import jit\n"
        "print(jit.warm())\n"
        "from configurator.engine import kernels, passes\n"
        "print(all(one.signatures and not one._can_compile\n"
        "    for module in (kernels, passes) for one in vars(module).values() if hasattr(one, 'signatures')))\n"
        "print('configurator.engine.search_kernel' in sys.modules)\n"
    )

    answer = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True, timeout=120)

    assert answer.stdout.split() == [str(jit.COMPILED), "True", "False"]
