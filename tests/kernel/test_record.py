"""The record: chains that replay, entries that nobody can change, a daily root, and persons who can be forgotten."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, text
from sqlalchemy.exc import DatabaseError

from kernel import record, registry
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import Conflict
from kernel.ids import BrandId
from kernel.merkle import is_under_root, leaf_hash, merkle_proof, merkle_root, node_hash
from kernel.record import GENESIS, Entry, NewEntry, record_entries
from kernel.registry import Brand
from kernel.work import Works

QILAN = Brand(BrandId("a" * 32), "qilan", {"en": "Qilan"}, "LQ9")
OTHER = Brand(BrandId("b" * 32), "borealis", {"en": "Borealis"}, "LB9")


def append(works: Works, chain: str, *bodies: dict[str, Any]) -> list[Entry]:
    with works.change(system(QILAN.id)) as work:
        return record.append_many(work, [NewEntry(chain, "joined", body) for body in bodies])


def chain_of(works: Works, chain: str) -> list[Entry]:
    with works.read(system(QILAN.id)) as work:
        return record.entries_of(work, chain)


def test_a_chain_starts_from_nothing_and_each_entry_covers_the_one_before(works: Works) -> None:
    append(works, "pool:1", {"n": 1}, {"n": 2})
    append(works, "pool:1", {"n": 3, "名": ["甲", True, None]})

    entries = chain_of(works, "pool:1")

    assert [entry.sequence for entry in entries] == [1, 2, 3]
    assert [entry.previous_hash for entry in entries] == [GENESIS, entries[0].hash, entries[1].hash]
    assert record.verify(entries) is None


def test_chains_grow_side_by_side(works: Works) -> None:
    with works.change(system(QILAN.id)) as work:
        new = [NewEntry("vin:2", "built", {}), NewEntry("vin:1", "built", {}), NewEntry("vin:2", "moved", {})]
        entries = record.append_many(work, new)

    assert [(entry.chain, entry.sequence) for entry in entries] == [("vin:2", 1), ("vin:1", 1), ("vin:2", 2)]
    assert record.verify(chain_of(works, "vin:2")) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda entries: [*entries[:1], replace(entries[1], body={"n": 99}), *entries[2:]],
        lambda entries: [*entries[:1], replace(entries[1], kind="left"), *entries[2:]],
        lambda entries: [*entries[:1], replace(entries[1], at=entries[1].at + timedelta(microseconds=1)), *entries[2:]],
        lambda entries: [*entries[:1], replace(entries[1], chain="pool:2"), *entries[2:]],
        lambda entries: [*entries[:1], *entries[2:]],
        lambda entries: [entries[0], entries[2], entries[1]],
    ],
)
def test_any_change_to_an_entry_shows_at_its_place(works: Works, spoil: object) -> None:
    append(works, "pool:1", {"n": 1}, {"n": 2}, {"n": 3})
    assert callable(spoil)

    assert record.verify(spoil(chain_of(works, "pool:1"))) == 2


@pytest.mark.parametrize("change", ["UPDATE record_entries SET kind = 'x'", "DELETE FROM record_entries"])
def test_the_database_refuses_to_change_an_entry(works: Works, change: str) -> None:
    append(works, "pool:1", {"n": 1})

    with pytest.raises(DatabaseError, match="never changed"), works.change(system(QILAN.id)) as work:
        work.connection.execute(text(change))

    assert len(chain_of(works, "pool:1")) == 1


def test_an_audit_finds_an_entry_that_was_slipped_in(works: Works) -> None:
    append(works, "pool:1", {"n": 1})
    append(works, "pool:2", {"n": 1})
    (last,) = chain_of(works, "pool:2")

    with works.change(system(QILAN.id)) as work:
        row = {"chain": "pool:2", "sequence": 2, "brand_id": QILAN.id, "kind": "joined", "body": {}, "at": work.now}
        work.connection.execute(insert(record_entries).values(**row, previous_hash=last.hash, hash="f" * 64))

    with works.read(system(QILAN.id)) as work:
        assert record.broken_chains(work) == {"pool:2": 2}


def test_an_audit_finds_nothing_where_nothing_is_wrong(works: Works) -> None:
    for number in range(5):
        append(works, f"pool:{number}", *[{"n": one} for one in range(number)])

    with works.read(system(QILAN.id)) as work:
        assert record.broken_chains(work) == {}


def test_another_brand_sees_no_entry_and_cannot_append(works: Works) -> None:
    append(works, "pool:1", {"n": 1})

    with works.read(system(OTHER.id)) as work:
        assert record.entries_of(work, "pool:1") == []
    with pytest.raises(AssertionError), works.change(system(OTHER.id)) as work:
        record.append(work, "pool:1", "joined", {})


def test_many_who_append_at_once_make_one_chain(works: Works) -> None:
    def run(number: int) -> None:
        for one in range(5):
            append(works, "pool:1", {"by": number, "n": one})

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    entries = chain_of(works, "pool:1")
    assert len(entries) == 20
    assert record.verify(entries) is None


@pytest.mark.parametrize(
    "body", [{"price": 1.5}, {"at": date(2026, 1, 1)}, {1: "x"}, {"text": "\x00"}, {"places": [{"a": [1, ("b", 0.5)]}]}]
)
def test_what_a_database_could_give_back_otherwise_is_not_recorded(works: Works, body: dict[str, object]) -> None:
    with pytest.raises(AssertionError):
        append(works, "pool:1", body)

    assert chain_of(works, "pool:1") == []


def test_a_part_of_a_chain_is_replayed_after_an_entry_that_is_known(works: Works) -> None:
    append(works, "pool:1", *({"n": number} for number in range(5)))
    entries = chain_of(works, "pool:1")

    assert record.verify(entries[2:], after=entries[1]) is None
    assert record.verify(entries[2:], after=entries[0]) == 2
    assert record.verify([entries[2], entries[4]], after=entries[1]) == 4
    assert record.verify([entries[2], replace(entries[3], body={"n": 9})], after=entries[1]) == 4
    assert record.verify([], after=entries[4]) is None


# --- the daily root ---


def test_a_day_is_sealed_once_with_all_chains_as_they_stood_at_its_end(works: Works, clock: FixedClock) -> None:
    with works.change(system(QILAN.id)) as work:
        registry.add_brand(work, QILAN, [])
    append(works, "pool:1", {"n": 1}, {"n": 2})
    append(works, "vin:1", {})
    heads = [chain_of(works, "pool:1")[-1], chain_of(works, "vin:1")[-1]]
    today = date(2026, 11, 23)
    clock.advance(timedelta(days=1))
    append(works, "pool:1", {"n": 3})

    with works.change(system(QILAN.id)) as work:
        sealed = record.seal_due(work, QILAN)
        again = record.seal_due(work, QILAN)
        root = record.day_root(work, QILAN, today)

    leaves = [f"{entry.chain}:{entry.sequence}:{entry.hash}".encode() for entry in heads]
    assert root == record.DayRoot(today, 2, merkle_root(leaves).hex())
    assert (sealed, again) == ([root], [])


def test_days_that_nobody_sealed_are_sealed_later_with_the_roots_they_had(works: Works, clock: FixedClock) -> None:
    today = date(2026, 11, 23)
    heads = []
    for _ in range(3):
        heads.append(append(works, "pool:1", {})[-1])
        clock.advance(timedelta(days=1))
    append(works, "pool:1", {"n": "today"})

    with works.change(system(QILAN.id)) as work:
        first = record.seal_due(work, QILAN, days_max=2)
        rest = record.seal_due(work, QILAN, days_max=2)
        others = record.seal_due(work, OTHER)

    roots = [merkle_root([f"pool:1:{one.sequence}:{one.hash}".encode()]).hex() for one in heads]
    days = [record.DayRoot(today + timedelta(days=number), 1, root) for number, root in enumerate(roots)]
    assert (first, rest) == (days[:2], days[2:])
    # A brand without a single entry begins with yesterday: there is nothing to seal before.
    assert [(one.day, one.chains) for one in others] == [(date(2026, 11, 25), 0)]


def test_a_day_that_is_not_over_is_not_sealed(works: Works, clock: FixedClock) -> None:
    today = date(2026, 11, 23)
    # Ten in the morning in Shanghai: fourteen hours are left, and half an hour of grace.
    clock.advance(timedelta(hours=14, minutes=29))

    with pytest.raises(Conflict), works.change(system(QILAN.id)) as work:
        record.seal_day(work, QILAN, today)
    clock.advance(timedelta(minutes=1))
    with works.change(system(QILAN.id)) as work:
        assert record.seal_day(work, QILAN, today).chains == 0


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40), st.data())
def test_a_proof_shows_exactly_its_leaf(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof, root = merkle_proof(leaves, index), merkle_root(leaves)

    assert is_under_root(leaves[index], index=index, size=len(leaves), proof=proof, root=root)
    assert not is_under_root(leaves[index] + b"x", index=index, size=len(leaves), proof=proof, root=root)


def test_a_root_is_that_of_rfc_6962() -> None:
    first, second, third = (leaf_hash(leaf) for leaf in (b"a", b"b", b"c"))

    assert merkle_root([b"a", b"b", b"c"]) == node_hash(node_hash(first, second), third)
    assert merkle_root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


# --- persons ---


def test_a_person_has_one_pseudonym_in_a_scope_and_another_elsewhere(works: Works) -> None:
    with works.change(system(QILAN.id)) as work:
        first = record.pseudonyms(work, "pool:1", ["p1", "p2"])
        again = record.pseudonyms(work, "pool:1", ["p2", "p1", "p1"])
        elsewhere = record.pseudonyms(work, "pool:2", ["p1"])

    assert first == again
    assert len({*first.values(), *elsewhere.values()}) == 3


def test_who_was_taken_for_new_keeps_the_pseudonym_that_they_have(works: Works) -> None:
    with works.change(system(QILAN.id)) as work:
        first = record.pseudonyms(work, "pool:1", ["p1", "p2"], are_new=True)

    with works.change(system(QILAN.id)) as work:
        more = record.pseudonyms(work, "pool:1", ["p3", "p2", "p1"], are_new=True)
        again = record.pseudonyms(work, "pool:1", ["p1", "p2", "p3"])

    assert more == again
    assert {name: more[name] for name in first} == first
    assert len(set(more.values())) == 3


def test_two_who_ask_at_once_are_told_the_same_pseudonym(works: Works) -> None:
    def ask(_number: int) -> str:
        with works.change(system(QILAN.id)) as work:
            return record.pseudonyms(work, "pool:1", ["p1"])["p1"]

    with ThreadPoolExecutor(3) as callers:
        assert len(set(callers.map(ask, range(3), timeout=60))) == 1


def test_a_forgotten_person_cannot_be_found_and_the_chain_still_verifies(works: Works) -> None:
    with works.change(system(QILAN.id)) as work:
        before = record.pseudonyms(work, "pool:1", ["p1"])["p1"]
        record.append(work, "pool:1", "joined", {"who": before})

    with works.change(system(QILAN.id)) as work:
        record.forget_person(work, "p1")
        after = record.pseudonyms(work, "pool:1", ["p1"])["p1"]

    assert after != before
    assert record.verify(chain_of(works, "pool:1")) is None
