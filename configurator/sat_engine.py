"""The engine over incremental SAT alone: for checks before a catalogue is published, and for tests."""

from __future__ import annotations

from configurator.engine.answers import Answers
from configurator.engine.known_cars import CARS_MAX
from configurator.engine.sat_backend import SatBackend
from configurator.rules import RuleBook


class SatEngine(Answers):
    """Answers over a SAT backend of its own."""

    def __init__(self, book: RuleBook, *, branches_max: int | None = None, cars_max: int = CARS_MAX) -> None:
        self._own = SatBackend(book.formula, cars_max=cars_max)
        self._own.search_at_most(branches=branches_max)
        super().__init__(book, self._own)

    def close(self) -> None:
        """Give the solvers' memory back."""
        super().close()
        self._own.close()
