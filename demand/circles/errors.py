"""Refusals of circles.

Refusal
  AlreadyInCircle      one verified person is in a circle once
  NotInCircle          only members propose, invite and leave
  CircleClosed         the circle was closed and takes nothing any more
  InvitationNeeded     the circle is joined by invitation only
  InvitationSpent      the invitation is over, used up, or of another circle
  CirclesFull          the person founded, or is in, as many circles as the brand allows
  MessageTooSoon       the maker has written to this circle just now
  AlreadyOffered       the circle has this pool's offer
  NotAnOwner           only who has got a car of the brand hosts a test drive or answers as an owner
  AlreadyHosting       the person hosts test drives in this circle already
  DriveAsked           the person asked this host already, or is the host
  DriveAnswered        the host has said otherwise
  TooManyQuestions     the person has asked as much today as the brand allows
  AnsweredByYou        one owner answers a question once
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kernel.errors import Refusal


@dataclass(unsafe_hash=True)
class AlreadyInCircle(Refusal):
    """One verified person is in a circle once, under whatever account."""

    code = "ALREADY_IN_CIRCLE"
    en = "You are in this circle already."
    zh = "您已在该圈子中。"


@dataclass(unsafe_hash=True)
class NotInCircle(Refusal):
    """This is for members."""

    code = "NOT_IN_CIRCLE"
    en = "You are not in this circle. Join it first."
    zh = "您不在该圈子中，请先加入。"


@dataclass(unsafe_hash=True)
class CircleClosed(Refusal):
    """The circle was closed."""

    code = "CIRCLE_CLOSED"
    en = "This circle was closed and takes nothing any more."
    zh = "该圈子已关闭，无法再进行此操作。"


@dataclass(unsafe_hash=True)
class InvitationNeeded(Refusal):
    """The circle is joined by invitation only."""

    code = "INVITATION_NEEDED"
    en = "This circle is joined by invitation. Ask one of its members for a code."
    zh = "该圈子仅限受邀加入，请向成员索取邀请码。"


@dataclass(unsafe_hash=True)
class InvitationSpent(Refusal):
    """The invitation does not open this circle, or not any more."""

    code = "INVITATION_SPENT"
    en = "This invitation is over, used up, or of another circle. Ask for a new one."
    zh = "该邀请码已过期、已用完或不属于该圈子，请索取新的邀请码。"


@dataclass(unsafe_hash=True)
class CirclesFull(Refusal):
    """As many circles as the brand allows."""

    code = "CIRCLES_FULL"
    en = "You have {most:circle|circles}, which is as many as one may have. Leave one first."
    zh = "您的圈子已达上限（{most}个），请先退出一个。"
    most: int


@dataclass(unsafe_hash=True)
class MessageTooSoon(Refusal):
    """A maker writes to a circle now and then, not every day."""

    code = "MESSAGE_TOO_SOON"
    en = "You have written to this circle lately. You may write again from {again_at} on."
    zh = "您近期已向该圈子发送过消息，请在{again_at}之后再发送。"
    again_at: datetime


@dataclass(unsafe_hash=True)
class AlreadyOffered(Refusal):
    """One pool is offered to a circle once."""

    code = "ALREADY_OFFERED"
    en = "This pool is offered to the circle already."
    zh = "该拼单池已向该圈子推荐过。"


@dataclass(unsafe_hash=True)
class NotAnOwner(Refusal):
    """Whoever speaks as an owner has got a car of the brand."""

    code = "NOT_AN_OWNER"
    en = "This is for owners: it opens to you when your car has been handed over."
    zh = "该功能仅对车主开放，您提车后即可使用。"


@dataclass(unsafe_hash=True)
class AlreadyHosting(Refusal):
    """One offer a circle and host."""

    code = "ALREADY_HOSTING"
    en = "You host test drives in this circle already. Stop first to offer something else."
    zh = "您已在该圈子提供试驾，如需修改请先停止。"


@dataclass(unsafe_hash=True)
class DriveAsked(Refusal):
    """One question a host and person, and none to oneself."""

    code = "DRIVE_ASKED"
    en = "You have asked this host already, or are the host."
    zh = "您已向该车主申请过试驾，或您就是该车主。"


@dataclass(unsafe_hash=True)
class DriveAnswered(Refusal):
    """What a host has said stays said."""

    code = "DRIVE_ANSWERED"
    en = "You have answered this already, and otherwise."
    zh = "您已作出不同的答复。"


@dataclass(unsafe_hash=True)
class TooManyQuestions(Refusal):
    """As many questions a day as the brand allows."""

    code = "TOO_MANY_QUESTIONS"
    en = "You may ask {most:question|questions} a day. Ask again tomorrow."
    zh = "每天最多可提问{most}次，请明天再试。"
    most: int


@dataclass(unsafe_hash=True)
class AnsweredByYou(Refusal):
    """One owner answers a question once."""

    code = "ANSWERED_BY_YOU"
    en = "You have answered this question already."
    zh = "您已回答过该问题。"
