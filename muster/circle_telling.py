"""Which members of a circle are told what: only those who agreed to it, and nobody learns who they are.

What one member writes to another is read where it stands, never copied into a notice: whoever leaves, is erased or is
taken down takes it along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from demand.events import CircleMessaged, CircleOffered, DriveReplied, DriveRequested, OwnerAnswered
from demand.queries import answer_to_tell, drive_to_tell, message_to_tell, offer_to_tell
from kernel.notices import Fact, NewNotice, notify_many, register_notice
from kernel.outbox import Letter, Subscription
from kernel.work import Work

register_notice(
    "circle_offer",
    "圈子“{circle}”有新的拼单推荐",
    "厂家向圈子“{circle}”推荐了一个拼单池，{ends}截止：\n{text}",
    "An offer to your circle “{circle}”",
    "The maker offers a pool to the circle “{circle}”, until {ends}:\n{text}",
    may_mute=True,
)
register_notice(
    "circle_message",
    "厂家致圈子“{circle}”",
    "厂家写给圈子“{circle}”：\n{text}",
    "The maker to your circle “{circle}”",
    "The maker writes to the circle “{circle}”:\n{text}",
    may_mute=True,
)


register_notice(
    "test_drive_asked",
    "圈子“{circle}”有人申请试驾您的车",
    "圈子“{circle}”的一位成员申请试驾您的车。请在“我的试驾”中查看并答复。",
    "Somebody of your circle “{circle}” asks to drive your car",
    "A member of the circle “{circle}” asks to drive your car. Read it and answer among your test drives.",
)
register_notice(
    "test_drive_agreed",
    "您的试驾申请已获同意",
    "圈子“{circle}”的车主同意了您的试驾申请，答复请见“我的试驾”。",
    "Your test drive is agreed",
    "The owner in the circle “{circle}” agrees to your test drive; the answer is among your test drives.",
)
register_notice(
    "test_drive_declined",
    "您的试驾申请未获同意",
    "圈子“{circle}”的车主未同意您的试驾申请，答复请见“我的试驾”。",
    "Your test drive is declined",
    "The owner in the circle “{circle}” declines your test drive; the answer is among your test drives.",
)
register_notice(
    "owner_answered",
    "车主回答了您在圈子“{circle}”的提问",
    "一位车主回答了您的提问，请在圈子“{circle}”中查看。",
    "An owner answered you in the circle “{circle}”",
    "An owner answered your question; read it in the circle “{circle}”.",
    may_mute=True,
)


def tell_of_circles(work: Work, letters: Sequence[Letter]) -> None:
    """Tell the agreeing members of circles of the maker's offers and messages."""
    for letter in letters:
        match letter.event:
            case CircleOffered(offer_id=offer_id):
                told, kind = offer_to_tell(work, offer_id), "circle_offer"
            case CircleMessaged(message_id=message_id):
                told, kind = message_to_tell(work, message_id), "circle_message"
            case other:
                raise AssertionError(f"nobody is told of {other.kind}")
        facts: dict[str, Fact] = {"circle": told.title, "text": told.text}
        if told.ends_at is not None:
            facts["ends"] = told.ends_at
        notify_many(work, [NewNotice(one, kind, facts, letter.event_id) for one in told.account_ids])


def tell_of_owners(work: Work, letters: Sequence[Letter]) -> None:
    """Tell a host of who asks for a test drive, and who asked of what a host or an owner says."""
    for letter in letters:
        match letter.event:
            case DriveRequested(drive_id=drive_id):
                told, kind = drive_to_tell(work, drive_id, host=True), "test_drive_asked"
            case DriveReplied(drive_id=drive_id):
                told = drive_to_tell(work, drive_id, host=False)
                kind = "test_drive_agreed" if told is not None and told.agreed else "test_drive_declined"
            case OwnerAnswered(answer_id=answer_id):
                told, kind = answer_to_tell(work, answer_id), "owner_answered"
            case other:
                raise AssertionError(f"nobody is told of {other.kind}")
        if told is not None and told.account_id is not None:
            notify_many(work, [NewNotice(told.account_id, kind, {"circle": told.circle}, letter.event_id)])


TELLER: Final = Subscription("telling.circles", frozenset({CircleOffered.kind, CircleMessaged.kind}), tell_of_circles)
OWNERS_TELLER: Final = Subscription(
    "telling.owners", frozenset({DriveRequested.kind, DriveReplied.kind, OwnerAnswered.kind}), tell_of_owners
)
