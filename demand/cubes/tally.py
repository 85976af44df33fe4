"""From what people said to counts: what one voice adds to which block, one change at a time or from all rows at once.

The two ways must come to the same numbers; a test says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from math import ceil

from demand.cubes.model import (
    BETWEEN,
    DISCOUNT_MAX,
    EVERYBODY,
    LADDER,
    NOBODY,
    ORDERED,
    STEP_BITS,
    BlockKey,
    Count,
    Counts,
    CubeName,
    Menu,
    Offering,
    Step,
    TableKey,
    Voice,
)


@dataclass(slots=True)
class Deltas:
    """What changes in the blocks: by block and code, how many more or fewer."""

    blocks: dict[BlockKey, Counts] = field(default_factory=dict)

    def add(self, block: BlockKey, codes: Iterable[str], *, verified: bool, times: int = 1) -> None:
        """Count somebody `times` more (−1: less) under each of some codes."""
        counts = self.blocks.setdefault(block, {})
        one = Count(times, times if verified else 0)
        for code in map(str, codes):
            counts[code] = counts.get(code, NOBODY).plus(one)

    def replace(self, voices: Iterable[tuple[Voice | None, Voice | None]], menus: Mapping[Offering, Menu]) -> None:
        """Take voices of persons' weeks away and put others in their places, (before, after) each.

        Many choose the same car: what they say alike is counted at once.
        """
        said: dict[tuple[Offering, tuple[str, ...], bool, bool], tuple[Voice, int]] = {}
        for pair in voices:
            for voice, more in zip(pair, (-1, 1), strict=True):
                if voice is not None:
                    words = (voice.offering, voice.options, voice.ordered, voice.verified)
                    said[words] = (voice, said.get(words, (voice, 0))[1] + more)
        for voice, times in said.values():
            if times:
                menu = menus[voice.offering]
                block = take_block(voice.offering)
                self.add(block, codes_of(voice, menu), verified=voice.verified, times=times)
                self.add(pair_block(voice.offering), pairs_of(voice, menu), verified=voice.verified, times=times)


def take_block(offering: Offering) -> BlockKey:
    """Return the block of take rates that an offering's voices count in."""
    table = TableKey(CubeName.TAKE_RATES, offering.week, offering.model, offering.version_id)
    return BlockKey(table, offering.region)


def pair_block(offering: Offering) -> BlockKey:
    """Return the block of pairs that an offering's voices count in: all regions together."""
    return BlockKey(TableKey(CubeName.PAIRS, offering.week, offering.model, offering.version_id))


def codes_of(voice: Voice, menu: Menu) -> tuple[str, ...]:
    """Return what a voice counts under: everybody, its options that could be had, and whether it is a pre-order."""
    offered = {option for options in menu.values() for option in options}
    chosen = tuple(option for option in voice.options if option in offered)
    return (EVERYBODY, *chosen, *((ORDERED,) if voice.ordered else ()))


def pairs_of(voice: Voice, menu: Menu) -> list[str]:
    """Return the pairs of options of different categories that a voice has, each in the order of their codes."""
    category_of = {option: category for category, options in menu.items() for option in options}
    chosen = sorted(option for option in voice.options if option in category_of)
    return [
        f"{first}{BETWEEN}{second}"
        for first, second in combinations(chosen, 2)
        if category_of[first] != category_of[second]
    ]


# --- the other cubes -------------------------------------------------------------------------------------------------


def steps_with(steps: int, new: Step) -> int:
    """Return the bits of all steps that somebody has made who makes this one; the ladder is climbed whole."""
    made = steps | STEP_BITS[Step.SEEN] | STEP_BITS[new]
    if new in LADDER:
        for lower in LADDER[: LADDER.index(new)]:
            made |= STEP_BITS[lower]
    return made


def steps_in(bits: int) -> tuple[Step, ...]:
    """Return the steps that bits stand for."""
    return tuple(step for step, bit in STEP_BITS.items() if bits & bit)


def funnel_block(seen_in: date) -> BlockKey:
    """Return the block of those who were first seen in a week."""
    return BlockKey(TableKey(CubeName.FUNNEL, seen_in))


def caps_block(week: date, model: str) -> BlockKey:
    """Return the block of the price caps of a week's pre-orders of a model."""
    return BlockKey(TableKey(CubeName.CAPS, week, model))


def cancellations_block(quarter: date) -> BlockKey:
    """Return the block of the cancellations of a quarter, which stands under its first Monday: all models together."""
    return BlockKey(TableKey(CubeName.CANCELLATIONS, quarter))


def discount_waited_for(*, price_minor: int, cap_minor: int) -> int:
    """Return the smallest discount in whole percent at which a car of this price costs no more than the cap."""
    missing = max(0, price_minor - cap_minor)
    return min(DISCOUNT_MAX, ceil(100 * missing / price_minor))
