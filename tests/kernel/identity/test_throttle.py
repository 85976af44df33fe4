"""The pauses between attempts: exact, growing, ending."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.identity.throttle import (
    ATTEMPTS_KEPT_MAX,
    LIMITS,
    Limit,
    Throttle,
    network_of,
    wait_seconds,
    with_attempt,
    without_attempt,
)

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
LIMIT = Limit(3, timedelta(minutes=10), timedelta(seconds=10), timedelta(seconds=60))


def test_each_pause_is_twice_the_one_before_up_to_the_longest() -> None:
    moments: tuple[datetime, ...] = ()
    now, waited = NOW, []

    for _ in range(8):
        wait = wait_seconds(moments, LIMIT, now)
        waited.append(wait)
        now += timedelta(seconds=wait)
        moments = with_attempt(moments, LIMIT, now)

    assert waited == [0, 0, 0, 10, 20, 40, 60, 60]


def test_what_left_the_window_counts_no_more() -> None:
    moments = (NOW,) * 3

    assert wait_seconds(moments, LIMIT, NOW) == 10
    assert wait_seconds(moments, LIMIT, NOW + LIMIT.window) == 0


def test_a_forgiven_attempt_was_never_made() -> None:
    moments = (NOW, NOW + timedelta(seconds=1))

    assert without_attempt(moments, NOW) == (NOW + timedelta(seconds=1),)
    assert without_attempt(moments, NOW + timedelta(days=1)) == moments


@given(
    st.sampled_from(list(Throttle)),
    st.lists(st.integers(0, 100_000), max_size=150),
)
def test_who_waits_as_told_is_heard_and_nobody_waits_for_ever(kind: Throttle, gaps: list[int]) -> None:
    limit, now = LIMITS[kind], NOW
    moments: tuple[datetime, ...] = ()
    for gap in gaps:
        now += timedelta(milliseconds=gap)
        wait = wait_seconds(moments, limit, now)
        assert 0 <= wait <= limit.pause_max.total_seconds()
        assert wait_seconds(moments, limit, now + timedelta(seconds=wait)) == 0
        if wait == 0:
            moments = with_attempt(moments, limit, now)
    assert len(moments) <= ATTEMPTS_KEPT_MAX


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", "unknown"),
        ("no address", "unknown"),
    ],
)
def test_a_network_address_is_what_one_customer_has(address: str, network: str) -> None:
    assert network_of(address) == network
