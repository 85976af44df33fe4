"""A number in an English sentence fits its noun: `1 car`, never `1 cars`; every refusal, reason and notice is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, get_type_hints

import muster.wiring as _wiring  # noqa: F401 - every room's refusals and notices are known
from factory_orders.errors import AppointmentUnavailable
from kernel.notices import registered_notices
from kernel.reasons import REASONS, because
from kernel.words import Count
from tests.kernel.test_reasons import ROOMS, every_refusal

COUNTED: Final = re.compile(r"\{\w+:[^{}|]*\|([^{}]*)\}")
BARE: Final = re.compile(r"\{(\w+)\}((?: [a-z-]+){1,3})")


def english() -> Iterator[tuple[str, str]]:
    """Yield every English sentence that people are told, with where it stands; of a refusal with its numbers alone."""
    for cls in every_refusal():
        if cls.__module__.startswith((*ROOMS, "muster")):
            words = {name for name, hint in get_type_hints(cls).items() if hint is not int}
            yield cls.__name__, re.sub(rf"{{({'|'.join(words)})}}", "", cls.en)
    yield from ((code, en) for code, (en, _) in REASONS.items())
    for kind, text in registered_notices().items():
        yield from ((kind, one) for one in (text.en_subject, text.en_body))


def test_a_noun_that_is_counted_anywhere_is_counted_with_its_singular_everywhere() -> None:
    told = dict.fromkeys(english())
    plurals = {many.split()[-1] for _, one in told for many in COUNTED.findall(one) if many.endswith("s")}

    left = [(where, bare[0]) for where, one in told for bare in BARE.finditer(one) if plurals & set(bare[2].split())]

    assert {"cars", "days", "weeks", "characters", "options"} <= plurals
    assert left == []


def test_a_store_that_receives_nobody_says_of_which_hour_once() -> None:
    for code in ("HOURS_CLOSED", "HOUR_FULL"):
        text = AppointmentUnavailable(because(code), None).text("zh-CN")

        assert text.count("该时段") == 1, text


def test_one_of_a_thing_is_told_in_the_singular() -> None:
    assert [f"{Count(number):car|cars}" for number in (0, 1, 2, 1_000)] == ["0 cars", "1 car", "2 cars", "1,000 cars"]
