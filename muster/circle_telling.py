"""Which members of a circle are told what: only those who agreed to it, and nobody learns who they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from demand.events import CircleMessaged, CircleOffered
from demand.queries import message_to_tell, offer_to_tell
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


TELLER: Final = Subscription("telling.circles", frozenset({CircleOffered.kind, CircleMessaged.kind}), tell_of_circles)
