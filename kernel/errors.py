"""The tree of refusals: what a caller asked for and may not have, with a stable code, the facts and what to do.

    Refusal
      InvalidInput            a value that no rule could accept: its field and why
      NotSignedIn             an actor is needed
      Forbidden               the actor's roles do not allow it
      NotFound                no such thing, or none that this actor may know of
      Conflict                the state changed in between: read again
      IdempotencyMismatch     the same key with another body
      TooBusy                 the door's queue is full: try again in N seconds

Each room adds its own leaves in its `errors` part. A refusal changes nothing. Everything else that is raised is a bug.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from kernel.reasons import write
from kernel.words import PERMISSIONS

LOCALES: Final = ("zh-CN", "en")
DEFAULT_LOCALE: Final = "zh-CN"


@dataclass(unsafe_hash=True)
class Refusal(Exception):
    """A rule said no. Subclasses are dataclasses: their fields are the facts, `en` and `zh` the texts.

    A text is a `str.format` template over the facts; it says what is wrong and what to do. They are not frozen
    because contextlib writes a traceback to what is raised.
    """

    code: ClassVar[str] = "REFUSED"
    en: ClassVar[str] = "This is not possible."
    zh: ClassVar[str] = "无法执行此操作。"
    is_broken_input: ClassVar[bool] = False
    """Whether no rule said no, but what was given is not what could be taken: the command line's exit code 2."""

    def facts(self) -> dict[str, object]:
        """Return the facts by field name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def text(self, locale: str = "en", zone: ZoneInfo | None = None) -> str:
        """Return the sentence for a person in `zh-CN` or `en`; moments in a zone, or in UTC and then with its name."""
        chinese = locale.startswith("zh")
        template = self.zh if chinese else self.en
        return template.format(**{name: write(one, chinese=chinese, zone=zone) for name, one in self.facts().items()})

    def __str__(self) -> str:
        return f"{self.code}: {self.text('en')}"


@dataclass(unsafe_hash=True)
class InvalidInput(Refusal):
    """A value that no rule could accept; `reason` says why, see `kernel/reasons.py`."""

    code = "INVALID_INPUT"
    is_broken_input = True
    en = "{field}: {reason}"
    zh = "{field}：{reason}"
    field: str
    reason: str


@dataclass(unsafe_hash=True)
class NotSignedIn(Refusal):
    """Somebody must be signed in for this."""

    code = "NOT_SIGNED_IN"
    en = "Please sign in first."
    zh = "请先登录。"


@dataclass(unsafe_hash=True)
class Forbidden(Refusal):
    """The actor's roles do not allow this; `permission` names what is missing, by code, several with commas."""

    code = "FORBIDDEN"
    en = "Your roles do not allow you to {may}. Ask your brand administrator."
    zh = "您的角色没有以下权限：{may}。请联系品牌管理员。"
    permission: str

    def text(self, locale: str = "en", zone: ZoneInfo | None = None) -> str:  # no moment stands in it
        """Return the sentence with what is not allowed in words."""
        chinese = locale.startswith("zh")
        told = [PERMISSIONS.get(one, (one, one))[chinese] for one in self.permission.split(", ")]
        return (self.zh if chinese else self.en).format(may=("、" if chinese else ", or to ").join(told))


@dataclass(unsafe_hash=True)
class NotFound(Refusal):
    """There is no such thing, or none this actor may know of: both look the same."""

    code = "NOT_FOUND"
    en = "There is no such {kind}. Check the id."
    zh = "找不到该{kind}，请检查编号。"
    kind: str


@dataclass(unsafe_hash=True)
class Conflict(Refusal):
    """Somebody else changed it in between."""

    code = "CONFLICT"
    en = "This {kind} has changed in the meantime ({reason}). Read it again and repeat."
    zh = "该{kind}已发生变化（{reason}），请刷新后重试。"
    kind: str
    reason: str


@dataclass(unsafe_hash=True)
class IdempotencyMismatch(Refusal):
    """An idempotency key came back with another body."""

    code = "IDEMPOTENCY_MISMATCH"
    en = "This idempotency key was used for another request. Take a new key for a new request."
    zh = "该幂等键已用于另一请求，新请求请使用新的幂等键。"


@dataclass(unsafe_hash=True)
class TooBusy(Refusal):
    """More came in than can be decided now; nothing was done."""

    code = "TOO_BUSY"
    en = "Many people are here right now. Try again in {retry_after_seconds} s; nothing was charged."
    zh = "当前访问人数过多，请在{retry_after_seconds}秒后重试，未产生任何扣款。"
    retry_after_seconds: int
