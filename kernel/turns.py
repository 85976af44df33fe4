"""Acts on one thing after the other, so that one that fails keeps none behind it waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog

log = structlog.get_logger(__name__)
Thing = TypeVar("Thing")


def act_on_each(things: Iterable[Thing], act: Callable[[Thing], int]) -> int:
    """Act on each of some things, and return the sum of what was done.

    An error is logged, and the last one raised once all have had their turn: whoever asked knows that something is left
    to do. Without that the first of a list that cannot be done would be all that a worker ever comes to.
    """
    done, failed = 0, None
    for one in things:
        try:
            done += act(one)
        except Exception as error:
            log.exception("turn_failed")
            failed = error
    if failed is not None:
        raise failed
    return done
