"""What the server is made of, filled by the composition root with plain values.

Free of the GraphQL library: the worker and the commands are made of the same, and start without loading it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import anyio.to_thread
from anyio import CapacityLimiter

from kernel.group import Group
from kernel.money_by_hand import AccountHold
from kernel.outward import Network
from kernel.payments import LostUse
from kernel.work import Work, Works

ResultT = TypeVar("ResultT")
THREADS_DEFAULT: Final = 8
FOLLOWERS_DEFAULT: Final = 5_000

PaymentUse = Callable[[Work, Any], object]


@dataclass(frozen=True, slots=True)
class Limits:
    """The ceilings of one document."""

    body_bytes: int = 131_072
    tokens: int = 3_000
    depth: int = 14
    introspection_depth: int = 20
    aliases: int = 30
    directives: int = 30
    root_fields: int = 10
    root_mutations: int = 5
    fields: int = 400
    cost: int = 60_000
    variables_depth: int = 12


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the doors need.

    `pre_order_door` gathers pre-orders for one commit; `providers` are the payment providers by name;
    `payment_uses` names the use case that a received payment goes to, by its purpose, and `lost_uses` that of one
    whose money is lost; `account_holds` keep still what is moved by hand, by the account's kind; `quote_desk` signs
    quotes and knows pools and promises; `outlook` knows free weeks and take rates; `identity` is the sign-in service.
    `brand_hosts` gives a host name its brand; a request may also name its brand in `X-Muster-Brand`; else it is
    `default_brand`. `metrics_token` opens /metrics; without one it is open in the demo alone. `strict` lets a bug of
    ours fail loudly (tests). `at_close` is called when the server stops, after the last answer.
    """

    works: Works
    default_brand: str
    brand_hosts: Mapping[str, str] = field(default_factory=dict)
    pre_order_door: Group[Any, Any] | None = None
    providers: Mapping[str, Any] = field(default_factory=dict)
    payment_uses: Mapping[str, PaymentUse] = field(default_factory=dict)
    lost_uses: Mapping[str, LostUse] = field(default_factory=dict)
    account_holds: Mapping[str, AccountHold] = field(default_factory=dict)
    quote_desk: Any = None
    outlook: Any = None
    identity: Any = None
    personal_data: Sequence[Any] = ()
    trusted_documents: Sequence[str] = ()
    trusted_documents_only: bool = False
    demo: bool = False
    public_url: str = ""
    webhook_networks: tuple[Network, ...] = ()
    metrics_token: str = ""
    strict: bool = False
    threads: int = THREADS_DEFAULT
    followers_max: int = FOLLOWERS_DEFAULT
    limits: Limits = DEFAULT_LIMITS
    is_migrated: Callable[[], bool] | None = None
    advance_demo_time: Callable[[Work, timedelta], datetime] | None = None
    at_close: Sequence[Callable[[], object]] = ()
    zones: dict[str, ZoneInfo] = field(default_factory=dict)


class Threads:
    """The threads on which rooms run: as many at once as there are database connections."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._limiter: CapacityLimiter | None = None

    async def run(self, function: Callable[..., ResultT], *arguments: Any, **named: Any) -> ResultT:
        """Run a plain function on a thread: the one hop from async to ordinary Python."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(self._threads)
        return await anyio.to_thread.run_sync(partial(function, *arguments, **named), limiter=self._limiter)
