"""Which members of a circle are told what: only those who agreed to it, and nobody learns who they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from demand.events import CircleMessaged, CircleOffered
from demand.queries import message_to_tell, offer_to_tell
from kernel.notices import Fact, NewNotice, notify_many
from kernel.outbox import Letter, Subscription
from kernel.work import Work


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
