"""Hears what people do and keeps the internal cubes up to date with it: the worker's subscribers.

Every letter reaches a subscriber once (the outbox has seen to it), and rows and counts move in the same change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Final

from sqlalchemy import select

from configurator.events import ConfigurationSaved
from configurator.model import VersionId
from configurator.queries import list_models
from demand.cubes.intake_store import (
    Book,
    Change,
    KeptOffering,
    add_options,
    apply_deltas,
    insert_cancellations,
    keep_offerings,
    load_caps,
    load_journeys,
    load_voices,
    lock_book,
    note_changes,
    offerings_of_weeks,
    save_caps,
    save_journeys,
    save_voices,
)
from demand.cubes.model import Menu, Offering, Step, TableKey, Voice, quarter_monday
from demand.cubes.tally import (
    Deltas,
    cancellations_block,
    caps_block,
    discount_waited_for,
    funnel_block,
    steps_in,
    steps_with,
    take_block,
)
from demand.pools.events import (
    DepositsHeld,
    MemberRemoved,
    MemberUncleared,
    PreOrderChanged,
    PreOrderExpired,
    PreOrderLocked,
    PreOrderWithdrawn,
    PriceCapRaised,
)
from demand.pools.model import PreOrder
from demand.pools.queries import pre_orders_seen
from demand.votes.events import VoteCast
from demand.votes.tables import votes
from kernel import db, registry
from kernel.actor import Permission
from kernel.identity.queries import persons_of
from kernel.ids import AccountId
from kernel.outbox import Letter, Subscription
from kernel.work import Work

CHOICE_HASH_BYTES: Final = 16


def on_configurations_saved(work: Work, letters: Sequence[Letter]) -> None:
    """Hear kept configurations: those of verified people are a step of theirs as well."""
    brand = registry.own_brand(work)
    news = [(letter.at, letter.event) for letter in letters if isinstance(letter.event, ConfigurationSaved)]
    persons = persons_of(work, [saved.account_id for _, saved in news])
    voices = []
    for at, saved in news:
        person_id = persons.get(AccountId(saved.account_id))
        offering = Offering(saved.version_id, saved.region, saved.model, registry.week_of(brand, at))
        voices.append(
            Voice(
                person_id or saved.account_id,
                person_id is not None,
                ordered=False,
                offering=offering,
                options=tuple(sorted(saved.options)),
            )
        )
    _hear(work, voices)
    _go_on(
        work,
        [(voice.person, at, Step.CONFIGURED) for voice, (at, _) in zip(voices, news, strict=True) if voice.verified],
    )


def on_pre_orders(work: Work, letters: Sequence[Letter]) -> None:
    """Hear funded and changed pre-orders: a voice, a step, and the discount that is waited for."""
    at_of: dict[str, datetime] = {}
    only_cap: set[str] = set()
    for letter in letters:
        match letter.event:
            case DepositsHeld(deposits=deposits):
                at_of |= {one.pre_order_id: letter.at for one in deposits}
            case PreOrderChanged(pre_order_id=pre_order_id):
                at_of[pre_order_id] = letter.at
                only_cap.discard(pre_order_id)
            case PriceCapRaised(pre_order_id=pre_order_id) if pre_order_id not in at_of:
                only_cap.add(pre_order_id)
                at_of[pre_order_id] = letter.at
            case _:
                pass
    found = pre_orders_seen(work, list(at_of))
    placed = [(at_of[one_id], one) for one_id, one in found.items() if one_id not in only_cap]
    placed.sort(key=lambda pair: (pair[0], pair[1].head.id))
    brand = registry.own_brand(work)
    _hear(
        work,
        [
            _voice_of(one, Offering(one.head.version_id, one.head.region, one.head.model, registry.week_of(brand, at)))
            for at, one in placed
        ],
    )
    _go_on(work, [(one.head.person_id, at, Step.PRE_ORDERED) for at, one in placed])
    _wait(work, list(found.values()))


def _voice_of(pre_order: PreOrder, offering: Offering) -> Voice:
    head = pre_order.head
    return Voice(head.person_id, verified=True, ordered=True, offering=offering, options=tuple(sorted(head.options)))


def on_votes(work: Work, letters: Sequence[Letter]) -> None:
    """Hear that people voted. The news does not say who; the votes of that moment do, and stay where they are."""
    moments = {(letter.event.proposal_id, letter.at) for letter in letters if isinstance(letter.event, VoteCast)}
    if not moments:
        return
    table = votes.c
    found = select(table.proposal_id, table.person_id, table.at).where(
        table.kind == "cast",
        db.among(table.proposal_id, {proposal_id for proposal_id, _ in moments}),
        table.at.between(min(at for _, at in moments), max(at for _, at in moments)),
    )
    cast = [row for row in work.connection.execute(found) if (row.proposal_id, row.at) in moments]
    _go_on(work, [(row.person_id, row.at, Step.VOTED) for row in cast])


def on_locked(work: Work, letters: Sequence[Letter]) -> None:
    """Hear that pre-orders became orders."""
    at_of = {letter.event.pre_order_id: letter.at for letter in letters if isinstance(letter.event, PreOrderLocked)}
    found = pre_orders_seen(work, list(at_of))
    _go_on(work, [(one.head.person_id, at_of[one_id], Step.LOCKED) for one_id, one in found.items()])


def on_left(work: Work, letters: Sequence[Letter]) -> None:
    """Hear that members left, were removed, never paid, or had no finance at the freeze."""
    left = []
    for letter in letters:
        match letter.event:
            case PreOrderWithdrawn(pre_order_id=pre_order_id):
                left.append(Ended(pre_order_id, letter.at, "withdrawn"))
            case PreOrderExpired(pre_order_id=pre_order_id):
                left.append(Ended(pre_order_id, letter.at, "unpaid"))
            case MemberRemoved(pre_order_id=pre_order_id):
                left.append(Ended(pre_order_id, letter.at, "removed"))
            case MemberUncleared(pre_order_id=pre_order_id):
                left.append(Ended(pre_order_id, letter.at, "uncleared"))
            case _:
                pass
    note_cancelled(work, left)


@dataclass(frozen=True, slots=True)
class Ended:
    """A pre-order, or the order that it became (they share an id), that ended early; `kind` is a stable word."""

    pre_order_id: str
    at: datetime
    kind: str


def note_cancelled(work: Work, ended: Sequence[Ended]) -> None:
    """Count who cancelled: a person once in a calendar quarter and kind, as days are counted where the brand is.

    A week of a model has too few of a kind to be told of at any time.
    """
    work.actor.require(Permission.SYSTEM)
    brand = registry.own_brand(work)
    found = pre_orders_seen(work, [one.pre_order_id for one in ended])
    rows = [
        (quarter_monday(one.at.astimezone(brand.zone).date()), one.kind, found[one.pre_order_id].head.person_id)
        for one in ended
        if one.pre_order_id in found
    ]
    if not rows:
        return
    lock_book(work)
    deltas = Deltas()
    for quarter, kind, _ in insert_cancellations(work, rows):
        deltas.add(cancellations_block(quarter), (kind,), verified=True)
    apply_deltas(work, deltas)


def note_delivered(work: Work, delivered: Mapping[str, datetime]) -> None:
    """Count who has the car, by the order's id and when."""
    work.actor.require(Permission.SYSTEM)
    found = pre_orders_seen(work, list(delivered))
    _go_on(work, [(one.head.person_id, delivered[one_id], Step.DELIVERED) for one_id, one in found.items()])


# --- what is kept ----------------------------------------------------------------------------------------------------


def _hear(work: Work, voices: Sequence[Voice]) -> None:
    """Let voices count, each in the place of the person's earlier one of the week unless that outweighs it."""
    if not voices:
        return
    book = lock_book(work)
    kept = _keep_offerings(work, book, {voice.offering for voice in voices})
    add_options(work, book, (option for voice in voices for option in voice.options))
    by_number = {one.number: one.offering for one in kept.values()}
    before = load_voices(work, book, by_number, dict.fromkeys((v.offering.week, v.person) for v in voices))
    after = dict(before)
    for voice in voices:
        place = voice.offering.week, voice.person
        if place not in after or voice.outweighs(after[place]):
            after[place] = voice
    changed = {place: voice for place, voice in after.items() if before.get(place) != voice}
    deltas, menus = Deltas(), {offering: one.menu for offering, one in kept.items()}
    changes: list[Change] = []
    for place, voice in changed.items():
        changes += _changes_between(book, before.get(place), voice)
    deltas.replace(((before.get(place), voice) for place, voice in changed.items()), menus)
    save_voices(work, book, kept, changed.values(), before.values())
    note_changes(work, changes)
    apply_deltas(work, deltas)


def _changes_between(book: Book, before: Voice | None, after: Voice) -> list[Change]:
    """Return what a voice that takes another's place changes in the tables of both."""
    tables = {take_block(voice.offering).table for voice in (before, after) if voice is not None}
    return [
        Change(table, after.person, after.verified, write_saying(book, before, table), write_saying(book, after, table))
        for table in sorted(tables)
    ]


def write_saying(book: Book, voice: Voice | None, table: TableKey) -> str:
    """Write what a voice says in a table: the region first, so that one can tell whom an option's cells are about.

    The choice is told by its hash, as long for a catalogue of thousands of options as for one of ten.
    """
    if voice is None or take_block(voice.offering).table != table:
        return ""
    choice = blake2b(book.choice_of(voice.options), digest_size=CHOICE_HASH_BYTES).hexdigest()
    return f"{voice.offering.region}:{choice}:{'o' if voice.ordered else 'c'}"


def _keep_offerings(work: Work, book: Book, wanted: set[Offering]) -> dict[Offering, KeptOffering]:
    """Return what could be had in the weeks of some offerings; what is new is asked of the catalogue and kept."""
    kept = offerings_of_weeks(work, {offering.week for offering in wanted})
    new: dict[Offering, Menu] = {}
    for one in sorted(wanted - kept.keys(), key=str):
        new[one] = {}
        for view in list_models(work, region=one.region, version_id=VersionId(one.version_id)):
            if view.code == one.model:
                new[one] = {
                    category.code: tuple(option.code for option in category.options) for category in view.categories
                }
    return kept | keep_offerings(work, book, new) if new else kept


def _go_on(work: Work, steps: Iterable[tuple[str, datetime, Step]]) -> None:
    """Let verified people make steps; each counts once, in the week in which the person was first seen."""
    brand = registry.own_brand(work)
    made = sorted(steps, key=lambda one: one[1])
    if not made:
        return
    lock_book(work)
    before = load_journeys(work, {person for person, _, _ in made})
    after, deltas = dict(before), Deltas()
    for person, at, step in made:
        seen_in, bits = after.get(person, (registry.week_of(brand, at), 0))
        now = steps_with(bits, step)
        deltas.add(funnel_block(seen_in), steps_in(now & ~bits), verified=True)
        after[person] = (seen_in, now)
    save_journeys(work, before, {person: one for person, one in after.items() if before.get(person) != one})
    apply_deltas(work, deltas)


def _wait(work: Work, pre_orders: Sequence[PreOrder]) -> None:
    """Keep the discounts that members wait for, in the week in which each placed the pre-order."""
    if not pre_orders:
        return
    brand = registry.own_brand(work)
    lock_book(work)
    heads = sorted((one.head for one in pre_orders), key=lambda head: head.id)
    after = {
        (registry.week_of(brand, head.placed_at), head.model, head.person_id): discount_waited_for(
            price_minor=head.offer.vehicle_price_minor, cap_minor=head.offer.price_cap_minor
        )
        for head in heads
    }
    before = load_caps(work, dict.fromkeys((week, person) for week, _, person in after))
    deltas, changes = Deltas(), []
    new = {place: discount for place, discount in after.items() if before.get(place) != discount}
    for (week, model, person), discount in new.items():
        block = caps_block(week, model)
        was = before.get((week, model, person))
        if was is not None:
            deltas.add(block, (str(was),), verified=True, times=-1)
        deltas.add(block, (str(discount),), verified=True)
        changes.append(Change(block.table, person, True, "" if was is None else str(was), str(discount)))
    save_caps(work, before, new)
    note_changes(work, changes)
    apply_deltas(work, deltas)


SUBSCRIPTIONS: Final = (
    Subscription("demand.facts_of_configurations", frozenset({ConfigurationSaved.kind}), on_configurations_saved),
    Subscription(
        "demand.facts_of_pre_orders",
        frozenset({DepositsHeld.kind, PreOrderChanged.kind, PriceCapRaised.kind}),
        on_pre_orders,
    ),
    Subscription("demand.facts_of_votes", frozenset({VoteCast.kind}), on_votes),
    Subscription("demand.facts_of_locks", frozenset({PreOrderLocked.kind}), on_locked),
    Subscription(
        "demand.facts_of_leaving",
        frozenset({PreOrderWithdrawn.kind, PreOrderExpired.kind, MemberRemoved.kind, MemberUncleared.kind}),
        on_left,
    ),
)
"""What the worker hands news to."""
