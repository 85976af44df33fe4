"""Lives of wishes from the comparison on: backed, answered or not, in the catalogue, ordered; and all the worker does.

As in `lives`, steps are drawn from a seed, one in which the power went is played again, and what became of it all is
told without ids and times.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select

from configurator.model import Tier
from configurator.service import publish_catalogue
from demand.backing.service import BackRequest, back_proposal, lose_backing, open_backing, withdraw_backing
from demand.backing.tables import backing_changes, backings, commitments
from demand.compare.audit_service import CHECKS as COMPARISONS
from demand.compare.model import ClosedComparison, Interval, ItemOutcome, OpenComparison, ReleasedComparison
from demand.compare.queries import lock_comparison, own_sheet
from demand.compare.service import ComparisonPlan, answer_sheet, close_comparison, join_comparison, open_comparison
from demand.compare.store import insert_outcomes, save_comparison
from demand.compare.tables import comparisons
from demand.pools.placing import PreOrderRequest
from demand.pools.tables import pre_orders
from demand.service import (
    BACKING_PURPOSE,
    DEPOSIT_PURPOSE,
    SUBSCRIPTIONS,
    SheetAnswer,
    analyse_closed,
    close_proposal,
    commit_to_proposal,
    decline_proposal,
    fund_backing,
    fund_pre_order,
    lose_deposit,
)
from demand.votes.tables import proposals
from kernel import outbox, payments, record
from kernel.actor import Actor, system
from kernel.errors import Refusal
from kernel.ids import BrandId
from kernel.payments.tables import payments as payment_rows
from kernel.sandbox import SignedMessage, sandbox_entries
from kernel.work import Work
from tests.configurator.small_brand import BRAND, PLAIN_CAR, PLANNER, small_catalogue
from tests.demand.backing.backing_room import DRAWS, OPTION, TOOLING_MINOR, UNIT_COST_MINOR
from tests.demand.compare.studies import EAST, MARKET, PRICE_MINOR, person, wish
from tests.demand.lives import Life, Step, Story, advance, balances, fire, kinds_told
from tests.demand.pool_room import unsound

PERSONS: Final = range(1, 8)
PRICES: Final = (PRICE_MINOR - 100, PRICE_MINOR, PRICE_MINOR, PRICE_MINOR, PRICE_MINOR + 100)
LOSSES: Final = {DEPOSIT_PURPOSE: lose_deposit, BACKING_PURPOSE: lose_backing}


@dataclass(slots=True)
class Wishes:
    """What the steps of a life remember: as callers do, who ask again after a crash."""

    life: Life
    titles: dict[str, str]
    backed: dict[int, BackRequest] = field(default_factory=dict)
    ordered: dict[int, PreOrderRequest] = field(default_factory=dict)
    callbacks: dict[int, SignedMessage] = field(default_factory=dict)

    def change(self, actor: Actor, act: Callable[[Work], object]) -> None:
        with contextlib.suppress(Refusal), self.life.works.change(actor) as work:
            act(work)

    def ids(self) -> list[str]:
        """Return the ids of the wishes in the order of their titles."""
        return sorted(self.titles, key=lambda one: self.titles[one])


def wish_steps(life: Life, chance: random.Random) -> list[Step]:
    """Draw a life: a comparison that nobody answers, one that is released, backers, the maker's answer, and orders."""
    ids = [wish(life.works, f"Wish {number:02}") for number in range(12)]
    own = Wishes(life, {one: f"Wish {number:02}" for number, one in enumerate(ids)})
    life.room.open(capacity=30, tiers=(Tier(20, 0),), days=300)
    steps = [lambda: _compare(own, "Nobody's"), advance(life, 24 * 60), *_worked(own), lambda: _compare(own, "Ours")]
    steps += [_sheet(own, name) for name in PERSONS[:3]]
    steps += [lambda: _release(own), _open(own, 0), _open(own, 1), *_worked(own)]
    for number in range(14):
        steps += _backing_step(own, chance, number)
    steps += [_answer(own, chance), *_worked(own)]
    for number in range(14, 18):
        steps += _backing_step(own, chance, number)
    steps += _version(own, number=1, price_minor=chance.choice(PRICES), days=chance.choice((1, 1, 40)))
    for number in range(18, 26):
        steps += _order_step(own, chance, number)
    if chance.random() < 0.6:
        is_there = chance.random() < 0.6
        steps += _version(own, number=2, price_minor=chance.choice(PRICES), days=1, fulfils=is_there)
    for _ in range(3):
        steps += [advance(life, 24 * 25), *_worked(own)]
    return steps


def _worked(own: Wishes) -> list[Step]:
    """Let the worker do all there is, three times: what it had in hand when it died is leased for a while."""

    def work_off() -> None:
        analyse_closed(own.life.works)
        while outbox.deliver(own.life.works, SUBSCRIPTIONS):
            pass
        fire(own.life)
        payments.capture_due(own.life.works, own.life.room.providers, LOSSES)
        payments.carry_out_refunds(own.life.works, own.life.room.providers)

    return [work_off, advance(own.life, 2), work_off, advance(own.life, 2), work_off]


# --- comparing -------------------------------------------------------------------------------------------------------


def _compare(own: Wishes, title: str) -> None:
    plan = ComparisonPlan(title, dict.fromkeys(own.ids(), PRICE_MINOR), MARKET)
    if not _comparison(own, title):
        own.change(PLANNER, lambda work: open_comparison(work, plan))


def _comparison(own: Wishes, title: str = "Ours") -> str:
    with own.life.works.read(system(BRAND)) as work:
        found = work.connection.execute(select(comparisons.c.id).where(comparisons.c.title == title))
        return str(found.scalar_one_or_none() or "")


def _sheet(own: Wishes, name: int) -> Step:
    def step() -> None:
        comparison_id = _comparison(own)
        own.change(person(name), lambda work: join_comparison(work, comparison_id, EAST))
        with own.life.works.read(person(name)) as work:
            sheet = own_sheet(work, comparison_id)
        assert sheet is not None
        answers = [SheetAnswer(one.number + 1, one.proposal_ids[0], one.proposal_ids[-1]) for one in sheet.sets]
        own.change(person(name), lambda work: answer_sheet(work, comparison_id, answers, took=True))

    return step


def _release(own: Wishes) -> None:
    """Close the comparison, and release it as one in which ninety-nine of a hundred wanted are sure."""
    comparison_id = _comparison(own)

    def release(work: Work) -> None:
        closed = lock_comparison(work, comparison_id)
        if isinstance(closed, ClosedComparison):
            save_comparison(work, ReleasedComparison(closed.head, work.now, 500, 400))
            any_share, rate = Interval(833, 800, 850), Interval(99, 0, 10_000)
            outcomes = [ItemOutcome(number, Interval(0, -5, 5), any_share, rate) for number in range(12)]
            draws = {number: {model: [990] * DRAWS for model in ("A1", "B2")} for number in range(12)}
            insert_outcomes(work, comparison_id, outcomes, draws)

    with own.life.works.read(system(BRAND)) as work:
        is_open = isinstance(lock_comparison(work, comparison_id), OpenComparison)
    if is_open:
        own.change(PLANNER, lambda work: close_comparison(work, comparison_id))
    own.change(system(BRAND), release)


# --- backing ---------------------------------------------------------------------------------------------------------


def _open(own: Wishes, place: int) -> Step:
    def opened(work: Work) -> None:
        open_backing(
            work,
            own.ids()[place],
            comparison_id=_comparison(own),
            tooling_minor=TOOLING_MINOR,
            unit_cost_minor=UNIT_COST_MINOR,
        )

    return lambda: own.change(PLANNER, opened)


def _backing_step(own: Wishes, chance: random.Random, number: int) -> list[Step]:
    name, cap, place = chance.choice(PERSONS), chance.choice(PRICES), chance.choice((0, 0, 1))
    match chance.choice(("back",) * 6 + ("pay", "pay", "leave", "bank", "close", "days")):
        case "back":
            funded = chance.random() < 0.7

            def ask() -> None:
                token = own.life.room.token(person(name), amount_yuan=200) if funded else None
                own.backed[number] = BackRequest(f"wish-{number:04}", own.ids()[place], "A1", cap, token)

            return [ask, lambda: own.change(person(name), lambda work: _back(own, work, number)), *_worked(own)[:1]]
        case "pay":
            return [lambda: _call_back(own, number, "asked"), lambda: _hear(own, number)]
        case "leave":
            return [lambda: _leave(own, name)]
        case "bank":
            return [lambda: _call_back(own, number, "received"), lambda: _hear(own, number), *_worked(own)[:1]]
        case "close":
            return [lambda: own.change(PLANNER, lambda work: close_proposal(work, own.ids()[1]))]
        case _:
            return [advance(own.life, chance.choice((1, 24 * 2))), *_worked(own)]


def _back(own: Wishes, work: Work, number: int) -> None:
    back_proposal(work, own.life.room.providers, own.backed[number])


def _leave(own: Wishes, name: int) -> None:
    with own.life.works.read(system(BRAND)) as work:
        mine = select(backings.c.id).where(backings.c.account_id == f"{name:032x}").order_by(backings.c.id)
        found = list(work.connection.execute(mine).scalars())
    for one in found:
        own.change(person(name), lambda work, one=one: withdraw_backing(work, one))  # type: ignore[misc]


def _call_back(own: Wishes, number: int, state: str) -> None:
    """Let the provider tell of some backing's money: that it came, or that the bank took it back."""
    with own.life.works.read(system(BRAND)) as work:
        table = payment_rows.c
        wanted = select(payment_rows).where(table.purpose == BACKING_PURPOSE, table.state == state)
        if state == "received":
            captured = "capture:" + table.provider_reference
            wanted = wanted.where(sandbox_entries.c.key == captured)
        rows = work.connection.execute(wanted.order_by(table.created_at, table.id)).mappings().all()
    if not rows:
        return
    (payment,) = own.life.room.payments_of(rows[number % len(rows)]["subject_id"])
    if state == "received":
        assert payment.provider_reference is not None
        sandbox, reference = own.life.room.sandbox, payment.provider_reference
        own.callbacks[number] = sandbox.charge_back(payment_id=payment.id, reference=reference, wallet="wallet")
    else:
        own.callbacks[number] = own.life.room.pay(payment, reference=f"ref-{payment.id}", amount_yuan=200)


def _hear(own: Wishes, number: int) -> None:
    message = own.callbacks.get(number)
    if message is None:
        return
    with own.life.works.change(system(BrandId("platform"))) as work:
        heard = payments.receive_callback(work, own.life.room.sandbox, message.headers, message.body)
        mine = work.acting(system(BRAND))
        if heard.outcome == "received":
            funded = fund_backing if heard.payment.purpose == BACKING_PURPOSE else fund_pre_order
            funded(mine, heard.payment)
        elif heard.outcome == "charged_back":
            payments.settle_lost(mine, LOSSES, heard.payment, heard.missing)


# --- the maker and the orders ----------------------------------------------------------------------------------------


def _answer(own: Wishes, chance: random.Random) -> Step:
    days, ceiling = chance.choice((20, 20, 60)), chance.choice((PRICE_MINOR, PRICE_MINOR, PRICE_MINOR - 100))
    if chance.random() < 0.15:
        return lambda: own.change(PLANNER, lambda work: decline_proposal(work, own.ids()[0], reason="not now"))

    def yes() -> None:
        day = own.life.room.clock.now().date() + timedelta(days=days)
        own.change(
            PLANNER,
            lambda work: commit_to_proposal(work, own.ids()[0], available_by=day, ceiling_minor=ceiling),
        )

    return yes


def _version(own: Wishes, *, number: int, price_minor: int, days: int, fulfils: bool = True) -> list[Step]:
    """Publish a catalogue that fulfils the first wish, or no more, after some days."""

    def publish(work: Work) -> None:
        catalogue = small_catalogue()
        options = tuple(
            replace(one, fulfils_proposal=own.ids()[0] if fulfils else "") if one.code == OPTION else one
            for one in catalogue.options
        )
        prices = tuple(
            replace(one, price_minor=price_minor, cost_minor=min(one.cost_minor, price_minor))
            if one.option == OPTION
            else one
            for one in catalogue.prices
        )
        version = replace(catalogue, label=f"version {number}", options=options, prices=prices)
        publish_catalogue(work, version, effective_from=own.life.room.clock.now().date())

    return [advance(own.life, 24 * days), lambda: own.change(PLANNER, publish), *_worked(own)]


def _order_step(own: Wishes, chance: random.Random, number: int) -> list[Step]:
    name = chance.choice(PERSONS)
    if chance.random() < 0.3:
        return [advance(own.life, chance.choice((1, 24, 24 * 9))), *_worked(own)]
    options = (*PLAIN_CAR, OPTION) if chance.random() < 0.7 else PLAIN_CAR
    funded = chance.random() < 0.8

    def ask() -> None:
        quote_id = own.life.room.quote(person(name), options=options)
        own.ordered[number] = own.life.room.request(
            person(name), quote_id=quote_id, funded=funded, key=f"order-{number:03}"
        )

    return [ask, lambda: own.life.room.place(own.ordered[number]), *_worked(own)[: chance.choice((0, 1))]]


# --- what became of it -----------------------------------------------------------------------------------------------


def tell_wishes(life: Life) -> dict[str, Any]:
    """Say what became of wishes, backers, promises, money and news, by titles and persons, without an id."""
    with life.works.read(system(BRAND)) as work:
        run = work.connection.execute
        rows = list(run(select(proposals.c.id, proposals.c.title, proposals.c.state)))
        titles = {row.id: row.title for row in rows}
        own = {row["id"]: row for row in run(select(backings)).mappings()}
        orders = {row.id: row.account_id for row in run(select(pre_orders.c.id, pre_orders.c.account_id))}
        told = {
            "proposals": sorted((row.title, row.state) for row in rows),
            "comparisons": sorted((row.title, row.state) for row in run(select(comparisons))),
            "backings": sorted(
                (titles[row["proposal_id"]], row["person_id"], row["state"], row["price_cap_minor"])
                for row in own.values()
            ),
            "changes": sorted(
                Counter(
                    (own[row.backing_id]["person_id"], row.state, row.reason) for row in run(select(backing_changes))
                ).items()
            ),
            "promises": sorted(
                (titles[row.proposal_id], row.outcome, row.why or "") for row in run(select(commitments))
            ),
            "pre_orders": sorted((row.account_id, row.state) for row in run(select(pre_orders))),
            "chains": {
                title: [entry.kind for entry in record.walk(work, f"proposal:{one}")] for one, title in titles.items()
            },
            "money": balances(work, {one: row["person_id"] for one, row in own.items()} | orders),
            "news": sorted(Counter(kinds_told(work, "demand.")).items()),
        }
        # What the comparison showed was given here and not worked out from its sheets.
        return told | {"unsound": unsound(work, but=COMPARISONS)}


WISHES: Final = Story(wish_steps, tell_wishes)
