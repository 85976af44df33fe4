"""What a person wants to be told, by kind of notice and by the way it comes; what matters most cannot be muted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from kernel import db
from kernel.actor import Permission
from kernel.errors import InvalidInput, Refusal
from kernel.notices import Way, notice_preferences, registered_notices
from kernel.reasons import because
from kernel.work import Work

_PLACE: Final = re.compile(r"\{\w+\}")


@dataclass(unsafe_hash=True)
class NoticeEssential(Refusal):
    """A notice about money, a contract or the account itself is always sent."""

    code = "NOTICE_ESSENTIAL"
    en = "“{title}” is always sent: money, your contract or your account hangs on it."
    zh = "“{title}”关系到款项、合同或账户安全，不能关闭。"
    title: str


@dataclass(frozen=True, slots=True)
class NoticePreference:
    """Whether a kind of notice comes on one way; `title` is its subject in the reader's language."""

    kind: str
    title: str
    way: Way
    wanted: bool
    may_mute: bool


def own_preferences(work: Work) -> list[NoticePreference]:
    """Return every kind of notice and way with what the actor wants, in one statement; what may be muted first."""
    work.actor.require(Permission.ACCOUNT_OWN)
    table = notice_preferences.c
    found = select(table.kind, table.channel).where(
        table.brand_id == work.actor.brand_id,
        table.account_id == work.actor.signed_in(),
        table.wanted.is_(False),
    )
    muted = {(row.kind, row.channel) for row in work.connection.execute(found)}
    kinds = sorted(registered_notices(), key=lambda kind: (not registered_notices()[kind].may_mute, kind))
    return [_preference(work, kind, way, wanted=(kind, way.value) not in muted) for kind in kinds for way in Way]


def set_preference(work: Work, kind: str, way: Way, *, wanted: bool) -> NoticePreference:
    """Want a kind of notice on a way, or not; it holds for what happens from now on.

    Refuses a kind that does not exist (InvalidInput), and one that may not be muted (NoticeEssential).
    """
    work.actor.require(Permission.ACCOUNT_OWN)
    account_id = work.actor.signed_in()
    text = registered_notices().get(kind)
    if text is None:
        raise InvalidInput("kind", because("NOTICE_KIND"))
    changed = _preference(work, kind, way, wanted=wanted)
    if not text.may_mute:
        if wanted:
            return changed
        raise NoticeEssential(changed.title)
    insert = (sqlite if db.is_sqlite(work.connection) else postgresql).insert(notice_preferences)
    key = {"brand_id": work.actor.brand_id, "account_id": account_id, "kind": kind, "channel": way.value}
    now = {"wanted": wanted, "at": work.now}
    # Of two requests at once the one that ends last is what holds, as both were told that theirs does.
    work.connection.execute(insert.values(key | now).on_conflict_do_update(index_elements=list(key), set_=now))
    return changed


def _preference(work: Work, kind: str, way: Way, *, wanted: bool) -> NoticePreference:
    text = registered_notices()[kind]
    subject = text.zh_subject if work.actor.locale.startswith("zh") else text.en_subject
    title = _PLACE.sub("…", subject)  # no notice of it was written yet
    return NoticePreference(kind, title, way, wanted, text.may_mute)
