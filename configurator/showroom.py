"""A catalogue with its engine, at one place and day: what every question of configuring is put to."""

from __future__ import annotations

from dataclasses import dataclass

from configurator.catalogue import Catalogue
from configurator.model import Context
from configurator.solver import Engine


@dataclass(frozen=True, slots=True)
class Showroom:
    """A catalogue with its engine, at one place and day."""

    catalogue: Catalogue
    engine: Engine
    context: Context
