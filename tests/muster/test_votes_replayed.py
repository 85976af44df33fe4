"""`muster verify` on votes, backers, promises and comparisons: what was recorded fits, and each forgery is found though
every hash was made anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from demand.compare.design import sets_of
from demand.service import (
    close_proposal,
    commit_to_proposal,
    decline_proposal,
    merge_proposals,
    publish_proposal,
    revoke_vote,
    submit_proposal,
)
from demand.votes.service import cast_vote
from graph.identifiers import chain_of
from kernel import db
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.ids import SeededIds
from kernel.work import Work, Works
from muster.verification import Verdict, export_chain, verify_document
from tests.configurator.small_brand import BRAND, PLAIN_CAR, PLANNER
from tests.conftest import MONDAY_MORNING
from tests.demand.backing.backing_room import OPTION, BackingRoom, open_backing_room, open_to_backers, release
from tests.demand.compare.studies import PRICE_MINOR, Study, open_study, person, wish
from tests.demand.pool_room import PoolRoom, make_pool_room
from tests.muster.test_verification import rehash, run
from tests.support.databases import copy_sqlite

Document = dict[str, Any]
Told = dict[str, Any]
Forge = Callable[[list[Told]], list[Told]]


@pytest.fixture
def room(works: Works, clock: FixedClock) -> PoolRoom:
    return make_pool_room(works, clock)


@pytest.fixture(scope="module")
def exported(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Document]:
    """Export once what every forgery starts from: a proposal's whole way, its duplicate's, a comparison's."""
    engine = db.open_engine(copy_sqlite(sqlite_template, tmp_path_factory.mktemp("exported") / "muster.db"))
    clock = FixedClock(MONDAY_MORNING)
    room = make_pool_room(Works(engine, clock=clock, ids=SeededIds(1)), clock)
    place, duplicate = converted(room)
    study = answered(room)
    study.close()
    chains = {
        "proposal": f"proposal:{place.proposal_id}",
        "duplicate": f"proposal:{duplicate}",
        "comparison": f"comparison:{study.id}",
    }
    documents = {name: export(room.works, chain) for name, chain in chains.items()}
    engine.dispose()
    return documents


def export(works: Works, chain: str) -> Document:
    with works.read(system(BRAND)) as work:
        document: Document = orjson.loads(orjson.dumps(export_chain(work, chain)))
        return document


def plan(works: Works, decide: Callable[[Work], object]) -> None:
    with works.change(PLANNER) as work:
        decide(work)


def converted(room: PoolRoom) -> tuple[BackingRoom, str]:
    """Lead a proposal with two votes, one of them moved to it by a merge, from its draft to the end of its window.

    Of three backers one ordered, one withdrew and one let the time pass. Returns its duplicate, too.
    """
    study = _voted_study(room)
    duplicate = wish(room.works, "The same again")
    with room.works.change(person(3)) as work:
        cast_vote(work, duplicate)
    release(study, parts_per_million=990)
    place = open_to_backers(room, study)
    plan(room.works, lambda work: merge_proposals(work, duplicate, into=place.proposal_id))
    place.room.open(days=90, capacity=30)
    for number in (11, 12, 13):
        place.back(number)
    gone = place.back(14)
    place.withdraw(14, gone.head.id)
    place.work_off()
    day = room.clock.now().date() + timedelta(days=60)
    plan(
        room.works,
        lambda work: commit_to_proposal(work, place.proposal_id, available_by=day, ceiling_minor=PRICE_MINOR),
    )
    place.publish()
    quote = room.quote(person(11), options=(*PLAIN_CAR, OPTION))
    room.place(room.request(person(11), quote_id=quote))
    place.work_off()
    place.pass_days(31)
    return place, duplicate


def _voted_study(room: PoolRoom) -> Study:
    """Open a comparison whose first proposal has a vote, after another vote was taken back."""
    proposal_ids = tuple(wish(room.works, f"Wish {number:02}") for number in range(12))
    for number in (1, 2):
        with room.works.change(person(number)) as work:
            cast_vote(work, proposal_ids[0])
    with room.works.change(person(2)) as work:
        revoke_vote(work, proposal_ids[0])
    return open_study(room.works, proposal_ids)


# --- what was recorded fits ------------------------------------------------------------------------------------------


def test_a_proposals_whole_way_is_replayed_with_its_votes_backers_answer_and_promise(room: PoolRoom) -> None:
    place, duplicate = converted(room)

    verdict = verify_document(export(room.works, f"proposal:{place.proposal_id}"))

    assert verdict.faults == ()
    assert verdict.says[1:] == (
        "replayed: converted, 2 votes, 3 backers, 1 ordered",
        "threshold: 100 cars at ¥4,000.00; answer: yes",
        f"promise: by {(room.clock.now() + timedelta(days=29)).date()} for at most ¥4,000.00, kept",
    )
    merged = verify_document(export(room.works, f"proposal:{duplicate}"))
    assert (merged.faults, merged.says[2]) == ((), f"merged into: {place.proposal_id}")


def test_a_broken_promise_is_told_with_its_reason(room: PoolRoom) -> None:
    place = open_backing_room(room)
    day = room.clock.now().date() + timedelta(days=3)
    plan(room.works, lambda work: commit_to_proposal(work, place.proposal_id, available_by=day, ceiling_minor=1_000))
    place.pass_days(5)
    plan(room.works, lambda work: decline_proposal(work, place.proposal_id, reason="No."))

    verdict = verify_document(export(room.works, f"proposal:{place.proposal_id}"))

    assert verdict.faults == ()
    assert verdict.says[-1] == f"promise: by {day} for at most ¥10.00, broken (late)"


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (lambda work, one: decline_proposal(work, one, reason="No."), "declined"),
        (close_proposal, "expired"),
        (publish_proposal, "signal"),
    ],
)
def test_a_draft_that_ends_at_once_fits(room: PoolRoom, end: Callable[[Work, str], object], state: str) -> None:
    with room.works.change(person(1)) as work:
        draft = submit_proposal(work, title="A hook", text="").head.id
    plan(room.works, lambda work: end(work, draft))

    verdict = verify_document(export(room.works, f"proposal:{draft}"))

    assert (verdict.faults, verdict.says[1]) == ((), f"replayed: {state}, 0 votes, 0 backers, 0 ordered")


def test_a_comparison_is_replayed_with_its_sheets(room: PoolRoom) -> None:
    study = answered(room)
    study.close()
    study.work_out()

    verdict = verify_document(export(room.works, f"comparison:{study.id}"))

    assert (verdict.faults, verdict.says[1]) == ((), "replayed: unanswered, 2 whole sheets")


def test_an_id_of_the_api_names_a_comparisons_chain() -> None:
    from graph.identifiers import write_id

    assert chain_of(write_id("Comparison", "0" * 32)) == f"comparison:{'0' * 32}"


# --- forgeries -------------------------------------------------------------------------------------------------------


def answered(room: PoolRoom) -> Study:
    study = open_study(room.works)
    for number in (50, 51):
        study.fill_in(number)
    return study


def kind(entries: list[Told], wanted: str) -> int:
    return next(place for place, one in enumerate(entries) if one["kind"] == wanted)


def add(before: str, what: str, **body: Any) -> Forge:
    """Enter something before the first entry of a kind, at its time; the kind "" is the end."""

    def forge(entries: list[Told]) -> list[Told]:
        place = kind(entries, before) if before else len(entries)
        known = entries[min(place, len(entries) - 1)]
        return [*entries[:place], {**known, "kind": what, "body": body}, *entries[place:]]

    return forge


def again(what: str, *, before: str = "", **changes: Any) -> Forge:
    """Enter the first entry of a kind a second time, right behind itself or before another, with changes."""

    def forge(entries: list[Told]) -> list[Told]:
        found = entries[kind(entries, what)]
        place = kind(entries, before) if before else kind(entries, what) + 1
        return [*entries[:place], {**found, "body": found["body"] | changes}, *entries[place:]]

    return forge


def without(what: str) -> Forge:
    return lambda entries: [one for place, one in enumerate(entries) if place != kind(entries, what)]


def change(what: str, **changes: Any) -> Forge:
    """Change the first entry of a kind."""

    def forge(entries: list[Told]) -> list[Told]:
        place = kind(entries, what)
        found = entries[place]
        return [*entries[:place], {**found, "body": found["body"] | changes}, *entries[place + 1 :]]

    return forge


def forged(document: Document, forge: Forge) -> Verdict:
    """Forge a chain and make all its numbers and hashes anew; they fit then."""
    entries = forge([dict(one) for one in document["entries"]])
    numbered = [{**one, "sequence": number} for number, one in enumerate(entries, start=1)]
    verdict = verify_document(rehash({**document, "entries": numbered}))
    assert not any("hashes" in fault for fault in verdict.faults)
    return verdict


OF_A_PROPOSAL: Final[dict[str, tuple[Forge, str]]] = {
    "a voter counts twice": (again("vote.cast"), "gives a person a second vote"),
    "a vote is taken back that nobody gave": (
        add("proposal.compared", "vote.revoked", voter="nobody"),
        "takes back a vote that nobody holds",
    ),
    "a vote is taken back twice": (again("vote.revoked"), "takes back a vote that nobody holds"),
    "a vote is cast after the comparison began": (
        add("proposal.backing_opened", "vote.cast", voter="late"),
        "is vote.cast while it is compare",
    ),
    "a vote is cast before there is anything to vote on": (
        add("proposal.published", "vote.cast", voter="early"),
        "is vote.cast while it is draft",
    ),
    "a vote is cast at the end": (add("", "vote.cast", voter="late"), "is vote.cast while it is converted"),
    "a merge is taken over twice": (again("votes.taken_over"), "gives a person a second vote"),
    "an entry is of no kind": (add("proposal.compared", "proposal.bribed"), "is of no kind that a proposal has"),
    "an entry lacks what it tells": (add("proposal.compared", "vote.cast"), "cannot be read"),
    "it is never compared": (without("proposal.compared"), "is proposal.backing_opened while it is signal"),
    "it is compared again after its terms": (
        again("proposal.compared", before="proposal.committed"),
        "is proposal.compared while it is backing",
    ),
    "a backer counts twice": (again("backing.held"), "takes a person's money a second time"),
    "a backer comes after the answer": (
        again("backing.held", before="proposal.in_catalogue", backer="late"),
        "is backing.held while it is committed",
    ),
    "somebody goes who never came": (
        again("backing.withdrawn", backer="nobody"),
        "lets somebody go who does not back it",
    ),
    "somebody orders who never came": (
        again("backing.converted", backer="nobody"),
        "lets somebody go who does not back it",
    ),
    "the threshold is moved afterwards": (again("proposal.backing_opened"), "is proposal.backing_opened while it is"),
    "the ceiling is above the published price": (
        change("proposal.committed", ceiling_minor=900_000),
        "promises another price",
    ),
    "a dearer option keeps its promise": (
        change("proposal.in_catalogue", price_minor=PRICE_MINOR + 100),
        "has a promise kept that is above_ceiling",
    ),
    "a late option keeps its promise": (
        change("proposal.in_catalogue", first_day="2031-01-01"),
        "has a promise kept that is late",
    ),
    "a kept promise is called broken": (
        add("proposal.in_catalogue", "proposal.promise_broken", why="late"),
        "has a promise late that is kept",
    ),
    "a promise is broken for no reason": (
        add("proposal.converted", "proposal.promise_broken", why="spite"),
        "for no known reason",
    ),
    "an answer is late that nobody asked for": (
        add("proposal.committed", "proposal.answer_overdue"),
        "calls an answer late that is not due",
    ),
    "an answer is asked for below the threshold": (
        add("proposal.committed", "proposal.answer_wanted", threshold=1, due_at="2031-01-01T00:00:00+00:00"),
        "is asked for at 1, published was",
    ),
    "a no after a yes breaks nothing": (
        add("proposal.in_catalogue", "proposal.declined"),
        "says no after a yes and breaks no promise",
    ),
    "the time to order is cut short": (
        change("proposal.in_catalogue", window_ends_at="2031-01-01T00:00:00+00:00"),
        "ends the time to order before it is over",
    ),
}


@pytest.mark.parametrize("what", OF_A_PROPOSAL)
def test_a_forged_proposal_is_found(exported: dict[str, Document], what: str) -> None:
    forge, fault = OF_A_PROPOSAL[what]

    found = forged(exported["proposal"], forge).faults

    assert any(fault in one for one in found), found


def test_a_merge_that_moves_other_votes_than_there_were_is_found(exported: dict[str, Document]) -> None:
    found = forged(exported["duplicate"], change("proposal.merged", votes=7)).faults

    assert found == ("entry 3 moves 7 votes; there were 1",)


def _sheet(change_it: Callable[[Told], Told]) -> Forge:
    def forge(entries: list[Told]) -> list[Told]:
        place = kind(entries, "comparison.answered")
        return [
            *entries[:place],
            {**entries[place], "body": change_it(dict(entries[place]["body"]))},
            *entries[place + 1 :],
        ]

    return forge


def _outside(sheet: Told) -> Told:
    shown = sets_of(sheet["version"])[0]
    stranger = next(item for item in range(12) if item not in shown)
    return {**sheet, "answers": [[shown[0], stranger], *sheet["answers"][1:]]}


OF_A_COMPARISON: Final[dict[str, tuple[Forge, str]]] = {
    "a person counts twice": (again("comparison.answered", number=7), "counts a person's sheet a second time"),
    "a number answers twice": (again("comparison.answered", person="other"), "which has another or is none"),
    "a sheet is of no number": (
        again("comparison.answered", person="other", number=-1),
        "which has another or is none",
    ),
    "a sheet is not what was dealt": (
        _sheet(lambda sheet: {**sheet, "version": (sheet["version"] + 1) % 44}),
        "answers what was not dealt",
    ),
    "the question of price is another": (
        _sheet(lambda sheet: {**sheet, "price": [(sheet["price"][0] + 1) % 12, *sheet["price"][1:]]}),
        "answers what was not dealt",
    ),
    "an answer names what the set does not show": (_sheet(_outside), "names what its sets do not show"),
    "best is worst": (
        _sheet(lambda sheet: {**sheet, "answers": [[sheet["answers"][0][0]] * 2, *sheet["answers"][1:]]}),
        "names what its sets do not show",
    ),
    "a sheet lacks an answer": (_sheet(lambda sheet: {**sheet, "answers": sheet["answers"][1:]}), "is no whole sheet"),
    "a sheet comes after the end": (
        lambda entries: [*entries, {**entries[1], "body": entries[1]["body"] | {"person": "late", "number": 9}}],
        "is comparison.answered while it is closed",
    ),
    "an entry is of no kind": (add("", "comparison.bought"), "is of no kind that a comparison has"),
    "eleven are compared": (
        lambda entries: [
            {**entries[0], "body": entries[0]["body"] | {"items": entries[0]["body"]["items"][:11]}},
            *entries[1:],
        ],
        "compares other than twelve proposals",
    ),
    "it speaks of more than answered": (
        add("", "comparison.released", persons=500, rounded_to=5, shares=[[833, 800, 850]] * 12),
        "speaks of 500 persons; 2 answered",
    ),
    "its shares are none": (
        add("", "comparison.released", persons=0, rounded_to=5, shares=[[833, 900, 850]] * 12),
        "gives shares that are none",
    ),
}


@pytest.mark.parametrize("what", OF_A_COMPARISON)
def test_a_forged_comparison_is_found(exported: dict[str, Document], what: str) -> None:
    forge, fault = OF_A_COMPARISON[what]

    found = forged(exported["comparison"], forge).faults

    assert any(fault in one for one in found), found


def test_the_command_says_what_became_of_a_proposal_and_finds_a_forgery(
    exported: dict[str, Document], tmp_path: Path
) -> None:
    whole = exported["proposal"]
    numbered = [{**one, "sequence": number} for number, one in enumerate(again("vote.cast")(whole["entries"]), start=1)]
    paths = {name: tmp_path / f"{name}.json" for name in ("honest", "forged")}
    paths["honest"].write_bytes(orjson.dumps(whole))
    paths["forged"].write_bytes(orjson.dumps(rehash({**whole, "entries": numbered})))

    honest, lie = (run("verify", str(paths[name])) for name in ("honest", "forged"))

    assert (honest.returncode, lie.returncode) == (0, 1)
    assert "replayed: converted, 2 votes, 3 backers, 1 ordered" in honest.stdout
    assert "gives a person a second vote" in lie.stdout
