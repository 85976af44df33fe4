"""How many attempts are heard: some are free, then each one waits twice as long as the one before.

Attempts count for a sliding window. A refused attempt is not counted, so nobody is locked out for good.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

ATTEMPTS_KEPT_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Limit:
    """`free` attempts within `window`; the next ones come at least `pause`, 2, 4 … times `pause` after the last."""

    free: int
    window: timedelta
    pause: timedelta
    pause_max: timedelta

    def __post_init__(self) -> None:
        assert 1 <= self.free < ATTEMPTS_KEPT_MAX
        assert self.pause <= self.pause_max


class Throttle(StrEnum):
    """What is counted, and for whom: an account (by its address, known or not) or a network address."""

    SIGN_IN_ACCOUNT = "sign_in_account"
    SIGN_IN_NETWORK = "sign_in_network"
    MAIL_ACCOUNT = "mail_account"
    MAIL_NETWORK = "mail_network"
    PERSON_ACCOUNT = "person_account"


def _minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


# Many people share a network address; few share an account.
LIMITS: Final[dict[Throttle, Limit]] = {
    Throttle.SIGN_IN_ACCOUNT: Limit(5, _minutes(30), timedelta(seconds=30), _minutes(15)),
    Throttle.SIGN_IN_NETWORK: Limit(40, _minutes(30), timedelta(seconds=5), _minutes(15)),
    Throttle.MAIL_ACCOUNT: Limit(3, _minutes(60), _minutes(10), _minutes(60)),
    Throttle.MAIL_NETWORK: Limit(20, _minutes(60), _minutes(1), _minutes(60)),
    Throttle.PERSON_ACCOUNT: Limit(5, timedelta(days=1), _minutes(60), timedelta(days=1)),
}


def recent(attempts: Sequence[datetime], limit: Limit, now: datetime) -> tuple[datetime, ...]:
    """Return the attempts that still count, oldest first."""
    kept = sorted(moment for moment in attempts if moment > now - limit.window)
    return tuple(kept[-ATTEMPTS_KEPT_MAX:])


def wait_seconds(attempts: Sequence[datetime], limit: Limit, now: datetime) -> int:
    """Return how long the next attempt has to wait, rounded up to whole seconds; 0 if it is heard at once."""
    counted = recent(attempts, limit, now)
    beyond = len(counted) - limit.free
    if beyond < 0:
        return 0
    pause = min(limit.pause * (1 << min(beyond, 30)), limit.pause_max)
    return max(0, math.ceil((counted[-1] + pause - now).total_seconds()))


def with_attempt(attempts: Sequence[datetime], limit: Limit, now: datetime) -> tuple[datetime, ...]:
    """Return the attempts with one more."""
    return recent((*attempts, now), limit, now)


def without_attempt(attempts: Sequence[datetime], moment: datetime) -> tuple[datetime, ...]:
    """Return the attempts without one made at that moment: it has turned out well."""
    kept = list(attempts)
    if moment in kept:
        kept.remove(moment)
    return tuple(kept)


def network_of(address: str) -> str:
    """Return what counts as one network address: an IPv4 address, or the /64 that one IPv6 customer is given."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.IPv6Network((parsed, 64), strict=False))
    return str(parsed)
