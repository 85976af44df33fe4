"""`muster verify`: an export is replayed offline, and a lie in it is found, whatever the liar put right."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from demand.queries import clearings_of, own_proof
from kernel import record
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import InvalidInput, NotFound
from kernel.work import Works
from muster.verification import export_chain, read_document, verify_document
from tests.configurator.small_brand import BRAND, GUEST
from tests.demand.pool_room import PoolRoom, make_pool_room

Document = dict[str, Any]


@pytest.fixture
def room(works: Works, clock: FixedClock) -> PoolRoom:
    return make_pool_room(works, clock)


def documents(room: PoolRoom) -> tuple[Document, Document, Document]:
    """Lock a pool of three; return its chain, its published clearing, the first member's proof."""
    pool_id = room.open()
    first, *_ = room.join(1, 2, 3)
    room.pass_time(days=21)
    with room.works.read(system(BRAND)) as work:
        chain = export_chain(work, f"pool:{pool_id}")
    with room.works.read(GUEST) as work:
        clearing = clearings_of(work, [pool_id])[pool_id].document()
    with room.works.read(room.buyer(1)) as work:
        proof = own_proof(work, first.pre_order_id)
    assert proof is not None
    return chain, clearing, proof.document()


def test_what_was_recorded_is_verified_by_itself_and_against_what_was_published(room: PoolRoom) -> None:
    chain, clearing, proof = documents(room)

    for document in (chain, clearing, proof):
        out_of_a_file = orjson.loads(orjson.dumps(document))
        assert verify_document(out_of_a_file).faults == ()
        assert verify_document(out_of_a_file, against=clearing).faults == ()


def rehash(chain: Document) -> Document:
    """Put every hash of a chain right again, as a liar would."""
    previous, told = record.GENESIS, []
    for one in chain["entries"]:
        found = record.entry_hash(
            chain=chain["chain"],
            sequence=one["sequence"],
            kind=one["kind"],
            body=one["body"],
            previous_hash=previous,
            at=datetime.fromisoformat(one["at"]),
        )
        told.append({**one, "previous_hash": previous, "hash": found})
        previous = found
    return {**chain, "entries": told}


def test_a_changed_entry_breaks_the_chain_and_put_right_it_breaks_the_rules(room: PoolRoom) -> None:
    chain, clearing, _ = documents(room)
    last = chain["entries"][-1]
    changed = {**last, "body": last["body"] | {"discount_bp": 500}}
    lie = {**chain, "entries": [*chain["entries"][:-1], changed]}

    assert any("hashes" in fault for fault in verify_document(lie).faults)
    smooth = rehash(lie)
    assert not any("hashes" in fault for fault in verify_document(smooth).faults)
    assert verify_document(smooth).faults != ()
    assert any("published" in fault for fault in verify_document(smooth, against=clearing).faults)


@pytest.mark.parametrize(
    ("name", "value"), [("root", "0" * 64), ("cleared", 2), ("discount_bp", 100), ("pool", "f" * 32)]
)
def test_a_proof_that_does_not_agree_with_what_was_published_is_found(room: PoolRoom, name: str, value: Any) -> None:
    _, clearing, proof = documents(room)

    verdict = verify_document(proof, against=clearing | {name: value})

    assert not verdict.is_sound


def test_a_proof_with_another_price_is_none(room: PoolRoom) -> None:
    _, _, proof = documents(room)

    assert verify_document(proof | {"price_minor": proof["price_minor"] - 100}).faults != ()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: {**document, "format": "something/9"},
        lambda document: {},
        lambda document: {"format": document["format"]},
        lambda document: {**document, "entries": [{"sequence": 1}]},
        lambda document: {**document, "entries": "none"},
    ],
)
def test_what_is_no_export_is_refused_by_name(room: PoolRoom, spoil: Callable[[Document], Document]) -> None:
    chain, _, _ = documents(room)

    with pytest.raises(InvalidInput):
        verify_document(spoil(chain))


def test_a_chain_that_is_not_there_or_anothers_cannot_be_exported(room: PoolRoom) -> None:
    chain, _, _ = documents(room)

    for brand, name in ((BRAND, "pool:none"), (BRAND.__class__("9" * 32), chain["chain"])):
        with pytest.raises(NotFound), room.works.read(system(brand)) as work:
            export_chain(work, name)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "muster", *words], capture_output=True, text=True, check=False)


def test_the_command_verifies_files_without_a_database_or_settings(room: PoolRoom, tmp_path: Path) -> None:
    chain, clearing, proof = documents(room)
    paths = {name: tmp_path / f"{name}.json" for name in ("chain", "clearing", "proof", "lie", "text")}
    for name, document in (
        ("chain", chain),
        ("clearing", clearing),
        ("proof", proof),
        ("lie", proof | {"root": "0" * 64}),
    ):
        paths[name].write_bytes(orjson.dumps(document))
    paths["text"].write_text("no JSON", encoding="utf-8")

    told = {name: run("verify", str(path), "--against", str(paths["clearing"])) for name, path in paths.items()}

    assert [told[name].returncode for name in ("chain", "clearing", "proof")] == [0, 0, 0]
    assert "replayed: 3 members clear at 0 basis points off" in told["chain"].stdout
    assert (told["lie"].returncode, told["text"].returncode) == (1, 2)
    assert "not under this root" in told["lie"].stdout
    assert "no JSON" in told["text"].stderr
    assert read_document(paths["proof"]) == proof
