"""What owners do in circles: they host test drives and answer questions; nothing is told of them but the model."""

from __future__ import annotations

from datetime import datetime

import strawberry

from demand import queries, service
from demand.circles.errors import (
    AlreadyHosting,
    AnsweredByYou,
    CircleClosed,
    DriveAnswered,
    DriveAsked,
    NotAnOwner,
    NotInCircle,
    TooManyQuestions,
)
from demand.errors import PersonNotVerified
from demand.model import DriveState
from graph.access import field, input_type, object_type
from graph.identifiers import raw_id, read_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.pages import Connection, show_page
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.work import Work

strawberry.enum(DriveState, name="TestDriveState", description="What became of a test drive that was asked for.")


@object_type(reads=Permission.PUBLIC_READ)
class CircleHost:
    """An owner who lets other members drive the car; `isMine` where that is you."""

    id: strawberry.ID
    model: str
    text: str
    since: datetime
    is_mine: bool


@object_type(reads=Permission.PUBLIC_READ)
class CircleAnswer:
    """What an owner of a model says."""

    id: strawberry.ID
    model: str
    text: str
    at: datetime
    is_mine: bool


@object_type(reads=Permission.PUBLIC_READ)
class CircleQuestion:
    """What a member asks the owners, and their answers, oldest first."""

    id: strawberry.ID
    text: str
    asked_at: datetime
    is_mine: bool
    answers: list[CircleAnswer] = field(at_most=20)


@object_type(reads=Permission.VOTE)
class TestDrive:
    """A test drive that somebody asks a host for. Both read each other's words, and nobody else does."""

    id: strawberry.ID
    circle_id: strawberry.ID
    model: str
    text: str
    asked_at: datetime
    state: DriveState
    answer: str
    is_host: bool


@object_type(reads=Permission.VOTE)
class WordsSent:
    """It is said; `id` is what was asked, offered or answered."""

    id: strawberry.ID


@object_type(reads=Permission.PUBLIC_READ)
class WordsRemoved:
    """What was said is shown to nobody any more."""

    id: strawberry.ID


@input_type(takes=Permission.VOTE)
class SayInCircleInput:
    """A circle of yours, and your words."""

    circle_id: strawberry.ID
    text: str


@input_type(takes=Permission.VOTE)
class AskForTestDriveInput:
    """A host, and your words on when and where."""

    host_id: strawberry.ID
    text: str


@input_type(takes=Permission.VOTE)
class AnswerTestDriveInput:
    """A test drive that you are asked for, whether you agree, and your words on when and where, or why not."""

    test_drive_id: strawberry.ID
    agrees: bool
    text: str


@input_type(takes=Permission.VOTE)
class AnswerAsOwnerInput:
    """A question, and what you say as an owner."""

    question_id: strawberry.ID
    text: str


@input_type(takes=Permission.VOTE)
class RemoveFromCircleInput:
    """A question or an answer of yours."""

    id: strawberry.ID


@input_type(takes=Permission.ACCOUNT_DISABLE)
class TakeDownFromCircleInput:
    """A question, an answer or a host's offer."""

    id: strawberry.ID


def load_hosts(work: Work, circle_ids: list[str]) -> dict[str, list[CircleHost]]:
    """Return the hosts in the circles that the reader is in."""
    return {
        key: [
            CircleHost(
                id=write_id("CircleHost", one.id),
                model=one.model,
                text=one.text,
                since=one.since,
                is_mine=one.is_mine,
            )
            for one in own
        ]
        for key, own in queries.hosts_of(work, circle_ids).items()
    }


def load_questions(work: Work, circle_ids: list[str]) -> dict[str, list[CircleQuestion]]:
    """Return the questions in the circles that the reader is in."""
    return {
        key: [
            CircleQuestion(
                id=write_id("CircleQuestion", one.id),
                text=one.text,
                asked_at=one.asked_at,
                is_mine=one.is_mine,
                answers=[
                    CircleAnswer(
                        id=write_id("CircleAnswer", said.id),
                        model=said.model,
                        text=said.text,
                        at=said.at,
                        is_mine=said.is_mine,
                    )
                    for said in one.answers
                ],
            )
            for one in own
        ]
        for key, own in queries.questions_of(work, circle_ids).items()
    }


def _show_drive(one: queries.TestDrive) -> TestDrive:
    return TestDrive(
        id=write_id("TestDrive", one.id),
        circle_id=write_id("Circle", one.circle_id),
        model=one.model,
        text=one.text,
        asked_at=one.asked_at,
        state=DriveState(one.state),
        answer=one.answer,
        is_host=one.is_host,
    )


@query(reads=Permission.VOTE)
def my_test_drives(work: Work, first: int, after: Cursor | None = None) -> Connection[TestDrive]:
    """The test drives that you asked for, and those that you are asked for as a host, newest first."""
    return show_page(queries.own_test_drives(work, page_request(first, after)), _show_drive)


@mutation(
    does=Permission.VOTE,
    refuses=(PersonNotVerified, NotInCircle, CircleClosed, NotAnOwner, AlreadyHosting),
    result="HostTestDrivesResult",
)
def host_test_drives(work: Work, input: SayInCircleInput) -> WordsSent:  # noqa: A002  # the API's word
    """Offer the members of a circle of yours to drive your car."""
    made = service.host_test_drives(work, raw_id(input.circle_id, "Circle"), text=input.text)
    return WordsSent(id=write_id("CircleHost", made))


@mutation(
    does=Permission.VOTE,
    refuses=(PersonNotVerified, NotInCircle, CircleClosed, DriveAsked),
    result="AskForTestDriveResult",
)
def ask_for_test_drive(work: Work, input: AskForTestDriveInput) -> WordsSent:  # noqa: A002  # the API's word
    """Ask a host of a circle of yours for a test drive; the host is told."""
    made = service.ask_for_test_drive(work, raw_id(input.host_id, "CircleHost"), text=input.text)
    return WordsSent(id=write_id("TestDrive", made))


@mutation(does=Permission.VOTE, refuses=(PersonNotVerified, DriveAnswered), result="AnswerTestDriveResult")
def answer_test_drive(work: Work, input: AnswerTestDriveInput) -> WordsSent:  # noqa: A002  # the API's word
    """Say yes or no to who asks to drive your car; who asked is told."""
    raw = raw_id(input.test_drive_id, "TestDrive")
    service.answer_test_drive(work, raw, agrees=input.agrees, text=input.text)
    return WordsSent(id=input.test_drive_id)


@mutation(
    does=Permission.VOTE,
    refuses=(PersonNotVerified, NotInCircle, CircleClosed, TooManyQuestions),
    result="AskOwnersResult",
)
def ask_owners(work: Work, input: SayInCircleInput) -> WordsSent:  # noqa: A002  # the API's word
    """Ask the owners in a circle of yours; members read it, without your name."""
    made = service.ask_owners(work, raw_id(input.circle_id, "Circle"), text=input.text)
    return WordsSent(id=write_id("CircleQuestion", made))


@mutation(
    does=Permission.VOTE,
    refuses=(PersonNotVerified, NotInCircle, CircleClosed, NotAnOwner, AnsweredByYou),
    result="AnswerAsOwnerResult",
)
def answer_as_owner(work: Work, input: AnswerAsOwnerInput) -> WordsSent:  # noqa: A002  # the API's word
    """Answer a question in a circle of yours as an owner; who asked is told."""
    made = service.answer_as_owner(work, raw_id(input.question_id, "CircleQuestion"), text=input.text)
    return WordsSent(id=write_id("CircleAnswer", made))


@mutation(does=Permission.VOTE, refuses=(PersonNotVerified,), result="RemoveFromCircleResult")
def remove_from_circle(work: Work, input: RemoveFromCircleInput) -> WordsRemoved:  # noqa: A002  # the API's word
    """Remove a question or an answer of yours."""
    service.remove_own_words(work, _words(input.id))
    return WordsRemoved(id=input.id)


@mutation(does=Permission.ACCOUNT_DISABLE, refuses=(), result="TakeDownFromCircleResult")
def take_down_from_circle(work: Work, input: TakeDownFromCircleInput) -> WordsRemoved:  # noqa: A002  # the API's word
    """Remove a question, an answer or a host's offer that must go, whoever's it is."""
    service.take_down_words(work, _words(input.id, "CircleHost"))
    return WordsRemoved(id=input.id)


def _words(given: str, *more: str) -> str:
    found = read_id(given)
    return found[1] if found is not None and found[0] in ("CircleQuestion", "CircleAnswer", *more) else "none"
