"""How a command acts: on the database of the settings, for one brand, as somebody with one role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from muster.terminal import settings

if TYPE_CHECKING:
    from kernel.actor import Role
    from kernel.registry import Brand
    from kernel.work import Work, Works


@contextmanager
def at_brand(code: str) -> Iterator[tuple[Works, Brand]]:
    """Open the database and find a brand by its code, that of the settings where none is given; closes it afterwards.

    Refuses NotFound for a brand that is not there.
    """
    from kernel import registry
    from kernel.actor import system
    from kernel.ids import BrandId
    from muster.opening import open_works

    chosen = settings()
    works = open_works(chosen)
    try:
        with works.read(system(BrandId("platform"))) as work:
            brand = registry.brand_by_code(work, code or chosen.brand)
        yield works, brand
    finally:
        works.engine.dispose()


@contextmanager
def reading(code: str, role: Role, *, locale: str = "en") -> Iterator[Work]:
    """Read as somebody with a role in a brand would. Refuses NotFound for a brand that is not there."""
    from kernel.actor import Actor

    with at_brand(code) as (works, brand), works.read(Actor(brand.id, frozenset({role}), locale=locale)) as work:
        yield work


@contextmanager
def changing(code: str, role: Role) -> Iterator[Work]:
    """Open a change as somebody with a role in a brand; it commits at the end. Refuses as `reading` does."""
    from kernel.actor import Actor

    with at_brand(code) as (works, brand), works.change(Actor(brand.id, frozenset({role}), locale="en")) as work:
        yield work
