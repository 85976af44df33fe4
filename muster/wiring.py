"""Who answers whom: the one place where rooms are joined to each other, to providers and to the database.

A room asks upwards through its ports, filled here; news goes from room to room by the table in `subscriptions`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import demand.service
import factory_orders.service
from configurator.configuration_service import TIMERS as CONFIGURATION_TIMERS
from configurator.configuration_service import export_person, forget_person, mark_all_stale
from configurator.events import CataloguePublished
from configurator.impact_service import HeldCar, KeptCar
from configurator.model import PoolingClass, PoolOffer, VersionId
from configurator.quote_service import QuoteDesk
from configurator.signing import QuoteKey
from configurator.step_service import Outlook
from demand.pools.queries import pool_offer
from demand.queries import open_cars, recent_take_rates
from demand.service import (
    BACKING_PURPOSE,
    DEPOSIT_PURPOSE,
    DemandData,
    Ended,
    NewOwner,
    NumberedCar,
    fund_backing,
    fund_pre_order,
    hold_backing,
    hold_deposit,
    lose_backing,
    lose_deposit,
    note_cancelled,
    note_cars,
    note_delivered,
    note_owners,
)
from factory_orders import pools_service
from factory_orders.events import (
    OrderCancelled,
    VehicleDelivered,
    VehicleIdentified,
)
from factory_orders.papers.ports import PaperProvider
from factory_orders.planning.weekly.service import plan_due_books
from factory_orders.pools_service import FreeWeeks, Promises
from factory_orders.queries import orders_by_id
from factory_orders.service import (
    BALANCE_PURPOSE,
    STOCK_DEPOSIT_PURPOSE,
    TOLD_TO_PLANTS,
    hold_stock_deposit,
    lose_balance,
    lose_stock_deposit,
    receive_balance,
    receive_stock_deposit,
    send_messages,
    tell_plants,
)
from graph.identifiers import write_id
from graph.services import Services
from kernel.actor import system
from kernel.errors import Refusal
from kernel.identity.erasure_service import IdentityData
from kernel.identity.model import IdentitySettings
from kernel.identity.persons import SandboxPersonVerifier
from kernel.identity.service import Identity
from kernel.ids import AccountId
from kernel.kept import KeptNotices, KeptPayments, KeptPreferences
from kernel.mail import ConsoleChannel, SmtpChannel
from kernel.notice_sending import send_due
from kernel.notices import Channel
from kernel.outbox import Letter, Subscription
from kernel.outward import post, read_networks
from kernel.owed import OwedMoney
from kernel.payments import LostUse, PaymentProvider, capture_due, carry_out_refunds
from kernel.personal import PersonalData
from kernel.sandbox import Sandbox
from kernel.soundness import Check
from kernel.work import Work, Works
from muster.audit import CHECKS
from muster.daily import morning_timers
from muster.demo.clock import DemoClock
from muster.documents_at_hand import trusted_documents
from muster.doors import pre_order_door
from muster.migrate import is_current
from muster.opening import open_works
from muster.settings import Settings
from muster.telling import TELLERS, IdentityAddresses, WithAddress, WithoutTokens, WithTokens
from muster.worker import Chores

LOST_USES: Final[dict[str, LostUse]] = {
    DEPOSIT_PURPOSE: lose_deposit,
    BACKING_PURPOSE: lose_backing,
    BALANCE_PURPOSE: lose_balance,
    STOCK_DEPOSIT_PURPOSE: lose_stock_deposit,
}
"""Who acts where money is lost (declined for good, or charged back), by the payment's purpose."""
CONNECTIONS_APART: Final = 2
"""The door of pre-orders holds a connection of its own, and the demo's clock is read while another one is held: were
all taken by threads that wait for the database's writer, the writer could wait for the clock and nobody would go on."""


PAPER_PROVIDERS: Final[Mapping[str, PaperProvider]] = {}
"""Who issues real invoices, insurances and plates, by the name in the policy; the sandbox needs no worker."""
OPEN_CARS_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Runtime:
    """One process's parts: what opens changes, who signs people in, who takes money, what the worker does."""

    settings: Settings
    works: Works
    identity: Identity
    sandbox: Sandbox
    desk: QuoteDesk
    chores: Chores
    checks: tuple[Check, ...]

    @property
    def providers(self) -> dict[str, PaymentProvider]:
        """Return the payment providers by name."""
        return {self.sandbox.name: self.sandbox}


class OpenPools:
    """Answers the configurator's port: the pool a car of a class would join now."""

    def open_pool(self, work: Work, cls: PoolingClass, *, wider: bool) -> PoolOffer | None:
        """Return the terms of the pool, or None where none of the class takes members."""
        return pool_offer(work, cls, wider=wider)


class ReleasedTakeRates:
    """Answers the configurator's port: what share of buyers choose an option."""

    def take_rates(self, work: Work) -> Mapping[str, float] | None:
        """Return take rates from released counts; whoever completes a car sees the car and none of these."""
        return recent_take_rates(work.acting(system(work.actor.brand_id)))


class OpenPreOrders:
    """Answers the configurator's port: the cars of pre-orders that are under way."""

    def open_cars(self, work: Work) -> Iterator[HeldCar]:
        """Yield each car with the person behind it, read in batches."""
        after = ""
        while batch := open_cars(work, after_id=after, limit=OPEN_CARS_AT_ONCE):
            for one in batch:
                car = KeptCar(one.pre_order_id, one.model, one.options, one.region, one.vehicle_price_minor)
                yield HeldCar(car, one.person_id)
            after = batch[-1].pre_order_id


class ConfiguratorData:
    """The configurator's part of what is kept of people."""

    name: Final = "configurator"

    def export(self, work: Work, account_id: AccountId) -> Any:
        """Return kept cars and quotes."""
        return export_person(work.acting(system(work.actor.brand_id)), account_id)

    def blocks_erasure(self, work: Work, account_id: AccountId) -> Refusal | None:
        """Block nothing: a quote binds the brand, not the person."""
        return None

    def erase(self, work: Work, account_id: AccountId) -> None:
        """Take the person's own words away."""
        forget_person(work.acting(system(work.actor.brand_id)), account_id)


def personal_data(runtime: Runtime) -> tuple[PersonalData, ...]:
    """Return every room's part of what is kept of people; identity is first, so it is erased last."""
    return (
        IdentityData(runtime.identity.settings),
        OwedMoney(),
        KeptNotices(),
        KeptPreferences(),
        KeptPayments(),
        ConfiguratorData(),
        DemandData(),
        factory_orders.service.OrderData(),
    )


def mark_stale_configurations(work: Work, letters: Sequence[Letter]) -> None:
    """Look through the kept cars after a new catalogue version."""
    for letter in letters:
        assert isinstance(letter.event, CataloguePublished)
        mark_all_stale(work, VersionId(letter.event.version_id))


def note_wished_cars(work: Work, letters: Sequence[Letter]) -> None:
    """Tell demand which cars have their numbers, so that a wish leads to its cars and a car to its wishes."""
    numbered = [letter.event for letter in letters if isinstance(letter.event, VehicleIdentified)]
    # What was ordered may have been changed after the lock: these are the options that the car was built with.
    note_cars(work, [NumberedCar(one.vin, one.order_id, one.catalogue_version_id, one.options) for one in numbered])


def count_endings(work: Work, letters: Sequence[Letter]) -> None:
    """Tell demand which orders were delivered and which ended before, so that its cubes count them."""
    delivered: dict[str, VehicleDelivered] = {}
    cancelled = []
    for letter in letters:
        match letter.event:
            case VehicleDelivered(order_id=order_id) as event:
                delivered[order_id] = event
            case OrderCancelled(order_id=order_id, by=by):
                cancelled.append(Ended(order_id, letter.at, f"order_{by}"))
            case other:
                raise AssertionError(f"{other.kind} ends no order")
    note_delivered(work, {order_id: event.delivered_at for order_id, event in delivered.items()})
    note_owners(work, _new_owners(work, delivered))
    note_cancelled(work, cancelled)


def _new_owners(work: Work, delivered: Mapping[str, VehicleDelivered]) -> list[NewOwner]:
    """Return who has got a car, also one from stock; whoever was erased meanwhile is nobody."""
    owners = []
    for order_id, order in orders_by_id(work, list(delivered)).items():
        terms, event = order.terms, delivered[order_id]
        if terms.person_id is not None:
            owners.append(
                NewOwner(order_id, event.vin, terms.account_id, terms.person_id, terms.model, event.delivered_at)
            )
    return owners


def wire(settings: Settings, *, works: Works | None = None) -> Runtime:
    """Join the rooms for one process; `works` where the database is open already."""
    works = works or open_works(settings)
    identity_settings = IdentitySettings(identity_key=settings.secrets.identity)
    sandbox = Sandbox(works.engine, settings.secrets.payments, clock=works.clock)
    return Runtime(
        settings=settings,
        works=works,
        identity=Identity(works, identity_settings, SandboxPersonVerifier()),
        sandbox=sandbox,
        desk=QuoteDesk(QuoteKey.from_seed(settings.secrets.quote), pools=OpenPools(), promises=Promises()),
        chores=Chores(
            subscriptions=(
                Subscription("configurator.stale", frozenset({CataloguePublished.kind}), mark_stale_configurations),
                *demand.service.SUBSCRIPTIONS,
                *pools_service.SUBSCRIPTIONS,
                *factory_orders.service.SUBSCRIPTIONS,
                Subscription("demand.cars", frozenset({VehicleIdentified.kind}), note_wished_cars),
                Subscription("demand.endings", frozenset({VehicleDelivered.kind, OrderCancelled.kind}), count_endings),
                Subscription(
                    "factory_orders.hooks",
                    frozenset(TOLD_TO_PLANTS),
                    partial(tell_plants, write_id=write_id),
                ),
                *TELLERS,
            ),
            timers={
                **CONFIGURATION_TIMERS,
                **demand.service.TIMERS,
                **factory_orders.service.TIMERS,
                **morning_timers(identity_settings),
            },
            loops=(
                partial(capture_due, providers={sandbox.name: sandbox}, uses=LOST_USES),
                partial(factory_orders.service.ask_providers, providers=PAPER_PROVIDERS),
                factory_orders.service.share_out_wanted,
                partial(carry_out_refunds, providers={sandbox.name: sandbox}),
                demand.service.analyse_closed,
                demand.service.forecast_released,
                plan_due_books,
                partial(
                    send_messages,
                    key=settings.secrets.identity,
                    send=partial(post, allowed=read_networks(settings.webhook_networks)),
                ),
                partial(send_due, channels=[_channel(settings)], addresses=IdentityAddresses()),
            ),
        ),
        checks=CHECKS,
    )


def _channel(settings: Settings) -> Channel:
    """Return the way notices leave: SMTP where a mail server is set, else the worker's console."""
    mail = settings.mail
    if not mail.host:
        console = WithAddress(ConsoleChannel(sys.stderr), settings.address)
        # Outside the demo a log that others read must hold no token.
        return WithTokens(console, settings.secrets.identity) if settings.demo else WithoutTokens(console)
    smtp = SmtpChannel(
        host=mail.host,
        port=mail.port,
        sender=mail.sender,
        username=mail.username,
        password=mail.password,
        starttls=mail.starttls,
    )
    return WithTokens(WithAddress(smtp, settings.address), settings.secrets.identity)


def services(runtime: Runtime, *, watch_groups: Callable[[int], None] | None = None) -> Services:
    """Return what the doors of a server process need; `watch_groups` is told how many pre-orders share a commit."""
    settings, works = runtime.settings, runtime.works
    door = pre_order_door(works, runtime.providers, watch=watch_groups, queue_max=settings.queue_max)
    return Services(
        works=works,
        default_brand=settings.brand,
        pre_order_door=door,
        payment_uses={
            DEPOSIT_PURPOSE: fund_pre_order,
            BACKING_PURPOSE: fund_backing,
            BALANCE_PURPOSE: receive_balance,
            STOCK_DEPOSIT_PURPOSE: receive_stock_deposit,
        },
        lost_uses=LOST_USES,
        account_holds={
            DEPOSIT_PURPOSE: hold_deposit,
            BACKING_PURPOSE: hold_backing,
            STOCK_DEPOSIT_PURPOSE: hold_stock_deposit,
        },
        providers=runtime.providers,
        quote_desk=runtime.desk,
        outlook=Outlook(weeks=FreeWeeks(), take_rates=ReleasedTakeRates()),
        identity=runtime.identity,
        personal_data=personal_data(runtime),
        trusted_documents=trusted_documents(settings),
        trusted_documents_only=bool(settings.trusted_documents),
        demo=settings.demo,
        public_url=settings.address,
        metrics_token=settings.metrics_token,
        webhook_networks=read_networks(settings.webhook_networks),
        threads=settings.connections_max - CONNECTIONS_APART,
        followers_max=settings.followers_max,
        is_migrated=partial(is_current, works.engine),
        advance_demo_time=works.clock.advance if isinstance(works.clock, DemoClock) else None,
        at_close=(door.close, runtime.identity.close),
    )
