"""Who is told what: every change that concerns a person becomes a notice to them, once, in their language.

One-time tokens are derived when a message leaves; neither the outbox nor the notices hold one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from kernel.identity.events import (
    ConfirmationRequested,
    PasswordChanged,
    RecoveryRequested,
    SignUpRepeated,
    StaffInvited,
)
from kernel.identity.model import TokenPurpose
from kernel.identity.queries import contacts, invited_contact
from kernel.identity.tokens import one_time_token
from kernel.notices import Address, Channel, Message, NewNotice, notify_many, register_notice
from kernel.outbox import Letter, Subscription
from kernel.work import Work

TOKEN_PLACE: Final = re.compile(r"⟦(confirmation|recovery|invitation):([0-9a-f]{32})⟧")

register_notice(
    "confirm_address",
    "确认您的邮箱",
    "请用以下口令和您的密码完成注册，两天内有效：\n{token}",
    "Confirm your address",
    "Finish signing up with this token and your password; it is good for two days:\n{token}",
)
register_notice(
    "sign_up_repeated",
    "您已有账户",
    "有人用您的邮箱再次注册。如果是您本人，请直接登录或找回密码；如果不是，无需处理。",
    "You have an account already",
    "Somebody signed up with your address again. If it was you, sign in or recover your password; if not, do nothing.",
)
register_notice(
    "recover_password",
    "重设密码",
    "请用以下口令设置新密码，30分钟内有效。如非本人操作，请忽略。\n{token}",
    "Set a new password",
    "Set a new password with this token within 30 minutes. If you did not ask for it, do nothing.\n{token}",
)
register_notice(
    "password_changed",
    "密码已修改",
    "您的密码已修改，其他设备已退出登录。如非本人操作，请立即找回密码。",
    "Your password was changed",
    "Your password was changed and other devices were signed out. If it was not you, recover it at once.",
)
register_notice(
    "staff_invited",
    "加入员工团队的邀请",
    "请用以下口令加入，七天内有效：\n{token}",
    "You are invited to the staff",
    "Join with this token within seven days:\n{token}",
)


@dataclass(frozen=True, slots=True)
class IdentityAddresses:
    """Where accounts are reached; an invitation's id stands for who is invited."""

    def lookup(self, work: Work, account_id: str) -> Address | None:
        """Return the address and language, or None for one that is gone."""
        found = next(iter(contacts(work, [account_id]).values()), None) or invited_contact(work, account_id)
        return Address(found.email, found.locale) if found is not None else None


@dataclass(frozen=True, slots=True)
class WithTokens:
    """A channel that writes one-time tokens into messages as they leave."""

    channel: Channel
    identity_key: bytes

    @property
    def name(self) -> str:
        """Return the inner channel's name."""
        return self.channel.name

    def reaches(self, address: Address) -> bool:
        """Ask the inner channel."""
        return self.channel.reaches(address)

    def send(self, messages: Sequence[Message]) -> Mapping[str, str]:
        """Send with tokens filled in."""
        return self.channel.send([replace(one, body=TOKEN_PLACE.sub(self._token, one.body)) for one in messages])

    def _token(self, found: re.Match[str]) -> str:
        return one_time_token(self.identity_key, TokenPurpose(found[1]), found[2])


def _place(purpose: TokenPurpose, token_id: str) -> dict[str, str]:
    return {"token": f"⟦{purpose.value}:{token_id}⟧"}


def tell_of_accounts(work: Work, letters: Sequence[Letter]) -> None:
    """Tell owners of accounts what happened to them."""
    new: list[NewNotice] = []
    for letter in letters:
        match letter.event:
            case ConfirmationRequested(account_id=account_id, token_id=token_id):
                place = _place(TokenPurpose.CONFIRMATION, token_id)
                new.append(NewNotice(account_id, "confirm_address", place, letter.event_id))
            case RecoveryRequested(account_id=account_id, token_id=token_id):
                place = _place(TokenPurpose.RECOVERY, token_id)
                new.append(NewNotice(account_id, "recover_password", place, letter.event_id))
            case StaffInvited(invitation_id=invitation_id):
                place = _place(TokenPurpose.INVITATION, invitation_id)
                new.append(NewNotice(invitation_id, "staff_invited", place, letter.event_id))
            case SignUpRepeated(account_id=account_id):
                new.append(NewNotice(account_id, "sign_up_repeated", {}, letter.event_id))
            case PasswordChanged(account_id=account_id):
                new.append(NewNotice(account_id, "password_changed", {}, letter.event_id))
            case other:
                raise AssertionError(f"nobody is told of {other.kind}")
    notify_many(work, new)


TELLERS: Final = (
    Subscription(
        "telling.accounts",
        frozenset(
            cls.kind
            for cls in (ConfirmationRequested, RecoveryRequested, StaffInvited, SignUpRepeated, PasswordChanged)
        ),
        tell_of_accounts,
    ),
)
