"""Use cases of owners in circles: host a test drive, answer who asks for one, answer questions (DOMAIN 6.11).

An owner is whoever has got a car of the brand; nothing else is told of them but the model. Both sides of a test drive
read each other's words, and nobody else does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from demand.circles.errors import DriveAnswered, DriveAsked, NotAnOwner, TooManyQuestions
from demand.circles.events import DriveReplied, DriveRequested, OwnerAnswered
from demand.circles.model import MESSAGE_LENGTH_MAX, WORDS_LENGTH_MAX, DriveState
from demand.circles.owners.store import (
    asked_since,
    circle_of_question,
    delete_host,
    find_host,
    insert_answer,
    insert_drive,
    insert_host,
    insert_owners,
    insert_question,
    lock_drive,
    model_owned,
    remove_host,
    remove_words,
    save_drive,
)
from demand.circles.policy import CirclePolicy
from demand.circles.service import acting_person, check_text, open_circle, require_member
from kernel import db, policy
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.identity.queries import hold_own_account
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class NewOwner:
    """A person who has got a car, pre-ordered or from stock."""

    order_id: str
    vin: str
    account_id: str
    person_id: str
    model: str
    since: datetime


def note_owners(work: Work, owners: Sequence[NewOwner]) -> None:
    """Note who has got a car."""
    work.actor.require(Permission.SYSTEM)
    insert_owners(work, [asdict(one) | {"brand_id": work.actor.brand_id} for one in owners])


def _owner(work: Work, person_id: str) -> str:
    """Return the model that a person owns, or refuse."""
    model = model_owned(work, person_id)
    if model is None:
        raise NotAnOwner
    return model


def host_test_drives(work: Work, circle_id: str, *, text: str) -> str:
    """Offer the members of a circle to drive one's car, and return the offer's id; for members who own one."""
    person_id = acting_person(work)
    hold_own_account(work)
    circle = open_circle(work, circle_id)
    require_member(work, circle, person_id)
    words = check_text("text", text, least=1, most=WORDS_LENGTH_MAX)
    return insert_host(work, circle.id, person_id=person_id, model=_owner(work, person_id), text=words)


def stop_hosting(work: Work, circle_id: str) -> None:
    """Take one's offer back, and with it what was asked of it; nothing is said where there is none."""
    person_id = acting_person(work)
    delete_host(work, circle_id, person_id)


def ask_for_test_drive(work: Work, host_id: str, *, text: str) -> str:
    """Ask a host for a test drive, with one's own words on when and where; the host is told."""
    person_id = acting_person(work)
    hold_own_account(work)
    circle = open_circle(work, find_host(work, host_id).circle_id)
    require_member(work, circle, person_id)
    host = find_host(work, host_id, locked=True)
    if host.person_id == person_id:
        raise DriveAsked
    words = check_text("text", text, least=1, most=WORDS_LENGTH_MAX)
    drive_id = insert_drive(work, host.id, person_id=person_id, text=words)
    work.record(DriveRequested(circle.brand_id, drive_id))
    return drive_id


def answer_test_drive(work: Work, drive_id: str, *, agrees: bool, text: str) -> None:
    """Say yes or no to who asked, with words on when and where; the same again changes nothing."""
    person_id = acting_person(work)
    drive = lock_drive(work, drive_id, host=person_id)
    words = check_text("text", text, least=1, most=WORDS_LENGTH_MAX)
    state = DriveState.AGREED if agrees else DriveState.DECLINED
    if (drive.state, drive.answer) == (state.value, words):
        return
    if drive.state != DriveState.ASKED:
        raise DriveAnswered
    save_drive(work, drive_id, state=state.value, answer=words)
    work.record(DriveReplied(work.actor.brand_id, drive_id))


def ask_owners(work: Work, circle_id: str, *, text: str) -> str:
    """Ask the owners in a circle and return the question's id; members read it, without a name."""
    person_id = acting_person(work)
    hold_own_account(work)
    circle = open_circle(work, circle_id)
    require_member(work, circle, person_id)
    words = check_text("text", text, least=1, most=MESSAGE_LENGTH_MAX)
    most = policy.current(work).section(CirclePolicy).questions_a_day
    # The circle's lock is no turn: the same person may ask in another circle at the same moment.
    db.take_turns(work.connection, f"questions:{person_id}")
    if asked_since(work, person_id, work.now - timedelta(days=1)) >= most:
        raise TooManyQuestions(most)
    return insert_question(work, circle.id, person_id=person_id, text=words)


def answer_as_owner(work: Work, question_id: str, *, text: str) -> str:
    """Answer a question as an owner, once; who asked is told. Members read the model beside it, and no name."""
    person_id = acting_person(work)
    hold_own_account(work)
    circle = open_circle(work, circle_of_question(work, question_id))
    require_member(work, circle, person_id)
    model = _owner(work, person_id)
    words = check_text("text", text, least=1, most=MESSAGE_LENGTH_MAX)
    answer_id = insert_answer(work, question_id, person_id=person_id, model=model, text=words)
    work.record(OwnerAnswered(circle.brand_id, answer_id))
    return answer_id


def remove_own_words(work: Work, words_id: str) -> None:
    """Remove a question or an answer of one's own. Refuses NotFound."""
    if not remove_words(work, words_id, author=acting_person(work)):
        raise NotFound("words")


def take_down_words(work: Work, words_id: str) -> None:
    """Remove a question, an answer or a host's offer, whoever's it is; for operators. Refuses NotFound."""
    work.actor.require(Permission.ACCOUNT_DISABLE)
    if not remove_words(work, words_id, author=None) and not remove_host(work, words_id):
        raise NotFound("words")
