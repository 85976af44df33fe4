"""What identity refuses. No refusal carries an address, and none tells whether an address is known here.

Refusal
  SignInFailed              wrong address or password, or an address not confirmed yet: which one is not said
  SignInThrottled           too many attempts: when the next one is heard
  PasswordTooWeak           the password is too short, too common or contains the address
  TokenInvalid              a one-time token that is unknown, used or too old
  IdNumberInvalid           the ID number's form is wrong
  TooYoung                  the person is not of age
  AlreadyVerified           the account belongs to another person
  RoleNotGrantable          the role cannot be given this way
  RoleTaken                 the account has that role, or another store's
  LastAdministrator         a brand keeps at least one administrator
  TooManyKeys               a machine account has as many keys as it may
  AddressTaken              an account that the platform itself would make is there; nobody hears it through the API
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from kernel.errors import Refusal

_UNITS: Final = ((3_600, "小时", "h"), (60, "分钟", "min"), (1, "秒", "s"))


@dataclass(unsafe_hash=True)
class SignInFailed(Refusal):
    """Address and password do not go together, or the address is not confirmed."""

    code = "SIGN_IN_FAILED"
    en = "Address and password do not match, or the address is not confirmed yet. Check both, or recover your password."
    zh = "邮箱与密码不匹配，或邮箱尚未确认。请检查后重试，或找回密码。"


@dataclass(unsafe_hash=True)
class SignInThrottled(Refusal):
    """Too many attempts from this network address or on this account."""

    code = "SIGN_IN_THROTTLED"
    en = "There were too many attempts. Try again in {pause}."
    zh = "尝试次数过多，请在{pause}后重试。"
    retry_after_seconds: int

    def text(self, locale: str = "en", zone: ZoneInfo | None = None) -> str:
        """Return the sentence with the pause as people say it: seconds, and from two minutes on minutes or hours."""
        chinese = locale.startswith("zh")
        fitting = (one for one in _UNITS if self.retry_after_seconds >= 2 * one[0])
        size, unit_zh, unit_en = next(fitting, _UNITS[-1])
        number = math.ceil(self.retry_after_seconds / size)
        pause = f"{number}{unit_zh}" if chinese else f"{number} {unit_en}"
        return (self.zh if chinese else self.en).format(pause=pause)


@dataclass(unsafe_hash=True)
class PasswordTooWeak(Refusal):
    """The password would be guessed; `reason` says what is wrong."""

    code = "PASSWORD_TOO_WEAK"
    en = "Choose another password: {reason}."
    zh = "请更换密码：{reason_zh}。"
    reason: str
    reason_zh: str


@dataclass(unsafe_hash=True)
class TokenInvalid(Refusal):
    """A one-time token is unknown, used up or too old: all look the same."""

    code = "TOKEN_INVALID"
    en = "This link or token was used or is too old. Ask for a new one."
    zh = "该链接或口令已使用或已过期，请重新获取。"


@dataclass(unsafe_hash=True)
class IdNumberInvalid(Refusal):
    """The ID number cannot be one (GB 11643-1999)."""

    code = "ID_NUMBER_INVALID"
    en = "This is no resident ID number ({reason}). Check its 18 places."
    zh = "身份证号码无效（{reason_zh}），请核对18位号码。"
    reason: str
    reason_zh: str


@dataclass(unsafe_hash=True)
class TooYoung(Refusal):
    """Only people of age may pre-order and vote."""

    code = "TOO_YOUNG"
    en = "You have to be {age_years_min:year|years} old."
    zh = "须年满{age_years_min}周岁。"
    age_years_min: int


@dataclass(unsafe_hash=True)
class AlreadyVerified(Refusal):
    """An account stays with the person it was verified for."""

    code = "ALREADY_VERIFIED"
    en = "This account belongs to a verified person already. Another person needs an account of their own."
    zh = "该账户已完成实名认证，其他人请使用自己的账户。"


@dataclass(unsafe_hash=True)
class RoleNotGrantable(Refusal):
    """This role is given in another way, or needs or forbids a store."""

    code = "ROLE_NOT_GRANTABLE"
    en = "The role {role} cannot be given like this: {reason}."
    zh = "无法授予角色{role}：{reason_zh}。"
    role: str
    reason: str
    reason_zh: str


@dataclass(unsafe_hash=True)
class RoleTaken(Refusal):
    """The account has this role already, maybe for another store."""

    code = "ROLE_TAKEN"
    en = "This account has the role {role} already. Revoke it first to give it for another store."
    zh = "该账户已拥有角色{role}。如需更换门店，请先撤销。"
    role: str


@dataclass(unsafe_hash=True)
class LastAdministrator(Refusal):
    """A brand without an administrator could not be helped any more."""

    code = "LAST_ADMINISTRATOR"
    en = "This is the brand's last administrator. Make somebody else one first."
    zh = "这是该品牌最后一位管理员，请先指定其他管理员。"


@dataclass(unsafe_hash=True)
class TooManyKeys(Refusal):
    """Old keys have to end before new ones are made."""

    code = "TOO_MANY_KEYS"
    en = (
        "This machine account has {keys_max:key that still works|keys that still work}. Wait until one ends, "
        "or rotate without overlap."
    )
    zh = "该设备账户已有{keys_max}个有效密钥，请等待其失效，或不留重叠期直接轮换。"
    keys_max: int


@dataclass(unsafe_hash=True)
class AddressTaken(Refusal):
    """An account is made under an address that has one; only for set-up, since it tells whether an address is known."""

    code = "ADDRESS_TAKEN"
    en = "There is an account under this address already; nothing was changed. Take another address."
    zh = "该邮箱已有账户，未作更改。请使用其他邮箱。"
