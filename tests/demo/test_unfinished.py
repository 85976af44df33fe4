"""A demo whose seeding was interrupted is not taken for a whole one, and one that cannot be told is not begun."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from muster.demo import seed
from muster.demo.unfinished import is_unfinished
from muster.opening import open_works
from muster.settings import SettingError
from tests.demo.test_seed import AS_OF, settings_for
from tests.muster.test_commands import muster
from tests.support.site import mark_migrated


class Impatient(Console):
    """Somebody at a terminal who ends the seeding once its first pool comes."""

    def print(self, *objects: Any, **_: Any) -> None:
        if "pool 1" in str(objects[0]):
            raise KeyboardInterrupt


def test_a_demo_that_was_interrupted_is_not_taken_for_a_whole_one(sqlite_url: str) -> None:
    works = open_works(settings_for(sqlite_url))
    mark_migrated(works.engine)
    with pytest.raises(KeyboardInterrupt):
        seed.seed(settings_for(sqlite_url), as_of=AS_OF, show=Impatient())

    again = muster("seed", environment={"MUSTER_DEMO": "1", "MUSTER_DATABASE_URL": sqlite_url})

    assert (seed.is_seeded(works), is_unfinished(works)) == (True, True)
    assert again.returncode == 2
    assert "interrupted" in again.stderr
    assert "begin anew" in again.stderr
    works.engine.dispose()


def test_a_story_that_would_begin_before_there_is_a_catalogue_is_refused_and_adds_nothing(sqlite_url: str) -> None:
    works = open_works(settings_for(sqlite_url))
    first = AS_OF.replace(month=4, day=2)

    with pytest.raises(SettingError, match=r"from 2026-01-01 on.*2025-12-31.*days that are missing: 1"):
        seed.seed(settings_for(sqlite_url), as_of=first - timedelta(days=1))

    assert not seed.is_seeded(works)
    works.engine.dispose()
