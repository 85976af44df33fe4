"""No user waits for numba: what serves loads every kernel beforehand, and kernels are named where that looks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from configurator.engine import jit

ENGINE = Path(jit.__file__).parent


def test_every_module_with_kernels_is_warmed() -> None:
    with_kernels = {
        f"configurator.engine.{path.stem}"
        for path in ENGINE.glob("*.py")
        if re.search(r"^@kernel\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert with_kernels == {*jit.ANSWERING, *jit.COMPILING}


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
