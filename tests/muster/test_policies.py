"""Whatever a brand's administrator may set, the brand works: every number has two ends, and a quote still comes."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import muster.wiring  # noqa: F401  # every room writes its numbers down when it is imported
from configurator.quote_service import QuoteDesk, QuoteRequest, issue_quote
from factory_orders.pools_service import Promises
from kernel import policy
from kernel.actor import Actor, Role
from kernel.clock import FixedClock
from kernel.errors import InvalidInput, Refusal
from kernel.ids import AccountId
from kernel.work import Works
from tests.configurator.small_brand import BRAND, DESK, EAST_STORE, PLAIN_CAR, consumer, open_small_brand

ADMIN: Final = Actor(BRAND, frozenset({Role.BRAND_ADMIN}), AccountId("e" * 32))
SECTIONS: Final = {name: cls for name, cls in policy.sections().items() if not name.startswith("test_")}
NUMBERS: Final = [
    (name, field.name)
    for name, cls in sorted(SECTIONS.items())
    for field in fields(cls)
    if type(getattr(cls(), field.name)) is int
]
VERSION_0: Final = Path(__file__).with_name("version_0.json")
"""The defaults as contracts are pinned to them; whoever adds a name writes it here, and nobody changes one."""
number = st.one_of(st.integers(-2, 40), st.sampled_from([90, 365, 4_000, 10_000, 10**6, 10**8, 10**10, 10**15]))
change = st.dictionaries(st.sampled_from(NUMBERS), number, min_size=1, max_size=4)


@pytest.fixture
def brand(works: Works) -> Works:
    """Open the small brand."""
    open_small_brand(works)
    return works


def try_policy(works: Works, values: dict[tuple[str, str], Any]) -> bool:
    """Set these values; returns whether that was accepted."""
    changes: dict[str, dict[str, Any]] = {}
    for (section, name), value in values.items():
        changes.setdefault(section, {})[name] = value
    try:
        with works.change(ADMIN) as work:
            newest = policy.current(work).version
            policy.change_policy(work, base_version=newest, changes=changes, reason="a try")
    except InvalidInput:
        return False
    return True


def quotes(works: Works) -> bool:
    """Issue a quote with a promise; returns whether it came, or was refused with a reason."""
    desk = QuoteDesk(DESK.key, promises=Promises())
    try:
        with works.change(consumer()) as work:
            return bool(issue_quote(work, desk, QuoteRequest("A1", PLAIN_CAR, EAST_STORE)).quote.total_minor)
    except Refusal:
        return True


@pytest.mark.parametrize(("section", "name"), NUMBERS)
def test_every_number_has_two_ends(section: str, name: str) -> None:
    cls = SECTIONS[section]

    for value in (-1, 10**15):
        with pytest.raises(AssertionError, match=f"{name} lies between"):
            replace(cls(), **{name: value})


def test_a_number_beyond_its_ends_is_refused_with_both_in_the_readers_language(brand: Works) -> None:
    changes = {"handover": {"appointments_per_hour": 0}}

    with pytest.raises(InvalidInput) as refused, brand.change(ADMIN) as work:
        policy.change_policy(work, base_version=0, changes=changes, reason="a try")

    assert refused.value.text("en") == "handover: appointments_per_hour lies between 1 and 50"
    assert refused.value.text("zh-CN") == "交车：appointments_per_hour须在1与50之间"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=change)
def test_any_policy_that_is_accepted_still_quotes(
    brand: Works, clock: FixedClock, values: dict[tuple[str, str], int]
) -> None:
    clock.advance(timedelta(seconds=1))

    accepted = try_policy(brand, values)

    assert not accepted or quotes(brand)


def test_what_the_reviewers_of_a_policy_missed_is_refused(brand: Works) -> None:
    tried = [
        try_policy(brand, {one: value})
        for one, value in (
            (("late_credits", "per_day_minor"), -1),
            (("plant", "clock_ahead_seconds"), 10**15),
            (("promise", "pre_delivery_days"), 10**9),
            (("pools", "tiers"), [[60, 0], [10**9, 100]]),
            (("capacity", "option_limits"), [["GOLD", -1]]),
        )
    ]

    assert tried == [False] * 5
    assert quotes(brand)


def test_a_release_changes_no_number_that_contracts_of_version_0_stand_on() -> None:
    written = json.loads(VERSION_0.read_text(encoding="utf-8"))

    shipped = {name: {one.name: getattr(cls(), one.name) for one in fields(cls)} for name, cls in SECTIONS.items()}

    assert json.loads(json.dumps(shipped)) == written
