"""Where the public instances lie that benchmarks and some tests measure with; nothing of them is in the project."""

from __future__ import annotations

import os
from pathlib import Path


def public_data() -> Path | None:
    """Return the folder that MUSTER_DATA names, else `shared/data` beside the repository; None where there is none."""
    named = os.environ.get("MUSTER_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    return folder if folder.is_dir() else None
