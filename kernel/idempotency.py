"""The same key brings the same answer: a key, the hash of its request and its outcome commit with the change itself.

Only successes are kept: a refusal may turn into a success later, and has changed nothing. Keys are kept for 30 days.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import orjson
from sqlalchemy import Column, String, Table, select, tuple_, update

from kernel import db
from kernel.db import Id, Instant, Json, metadata
from kernel.errors import IdempotencyMismatch, InvalidInput
from kernel.reasons import because
from kernel.work import Work

KEY_LENGTH_MAX = 80
KEPT_FOR: Final = timedelta(days=30)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("account_id", Id, primary_key=True),
    Column("key", String(KEY_LENGTH_MAX), primary_key=True),
    Column("token", Id, nullable=False, unique=True),
    Column("request_hash", String(64), nullable=False),
    Column("outcome", Json),
    Column("at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request under a key: `body` is what the caller asked for, in JSON terms, without the key."""

    account_id: str
    key: str
    body: Mapping[str, Any]

    @property
    def request_hash(self) -> str:
        """Return SHA-256 over the body with sorted keys."""
        return hashlib.sha256(orjson.dumps(self.body, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True, slots=True)
class Replay:
    """This request was carried out before; `outcome` is what was kept then."""

    outcome: Any


@dataclass(frozen=True, slots=True)
class Fresh:
    """This request is the first of its key and has the key now; finish it with `keep`."""

    request: Keyed
    token: str


def claim(work: Work, request: Keyed) -> Fresh | Replay:
    """Claim one key; refuses another body under a used key (IdempotencyMismatch)."""
    outcome = claim_many(work, [request])[0]
    if isinstance(outcome, IdempotencyMismatch | InvalidInput):
        raise outcome
    return outcome


def claim_many(
    work: Work, requests: Sequence[Keyed], outcomes_ahead: Sequence[Any] | None = None
) -> list[Fresh | Replay | IdempotencyMismatch | InvalidInput]:
    """Claim keys together, in sorted order so that two groups never wait for each other in a circle.

    Who knows what a request will lead to if it succeeds (the id of a new row) gives it as `outcomes_ahead`, one each:
    it is kept with the claim, and `keep` is not needed; a refused one's claim is given back with `release`.

    `requests` hold no two of the same account and key: the caller settles those first. Another process that holds a
    key is waited for; whoever commits first wins, the other gets the replay.
    """
    bad: dict[int, InvalidInput] = {}
    rows: list[dict[str, Any]] = []
    hashes = [request.request_hash for request in requests]
    tokens = work.new_ids(len(requests))
    for index, request in enumerate(requests):
        if not 8 <= len(request.key) <= KEY_LENGTH_MAX or not _is_plain(request.key):
            bad[index] = InvalidInput("idempotencyKey", because("LENGTH_KEY", most=KEY_LENGTH_MAX))
            continue
        rows.append(
            {
                "account_id": request.account_id,
                "key": request.key,
                "token": tokens[index],
                "request_hash": hashes[index],
                "outcome": outcomes_ahead[index] if outcomes_ahead is not None else None,
                "at": work.now,
            }
        )
    rows.sort(key=lambda row: (row["account_id"], row["key"]))
    won = db.insert_new(work.connection, idempotency_keys, rows, returning="token")
    lost = [request for index, request in enumerate(requests) if index not in bad and tokens[index] not in won]
    known = _known(work, lost)
    outcomes: list[Fresh | Replay | IdempotencyMismatch | InvalidInput] = []
    for index, request in enumerate(requests):
        if index in bad:
            outcomes.append(bad[index])
        elif tokens[index] in won:
            outcomes.append(Fresh(request, tokens[index]))
        else:
            request_hash, outcome = known[request.account_id, request.key]
            outcomes.append(Replay(outcome) if request_hash == hashes[index] else IdempotencyMismatch())
    return outcomes


def _is_plain(key: str) -> bool:
    """Keep out what a database cannot store, such as the zero character."""
    return key.isascii() and key.isprintable()


def _known(work: Work, requests: Sequence[Keyed]) -> dict[tuple[str, str], tuple[str, Any]]:
    if not requests:
        return {}
    table = idempotency_keys.c
    pairs = [(request.account_id, request.key) for request in requests]
    rows = work.connection.execute(
        select(table.account_id, table.key, table.request_hash, table.outcome).where(
            tuple_(table.account_id, table.key).in_(pairs)
        )
    )
    return {(row.account_id, row.key): (row.request_hash, row.outcome) for row in rows}


def keep(work: Work, fresh: Fresh, outcome: Any) -> None:
    """Keep what the request led to, in JSON terms: ids, rarely more."""
    work.connection.execute(
        update(idempotency_keys).where(idempotency_keys.c.token == fresh.token).values(outcome=outcome)
    )


def release(work: Work, fresh: Sequence[Fresh]) -> None:
    """Give keys back whose requests were refused, so that they may be tried again later."""
    if fresh:
        tokens = [claimed.token for claimed in fresh]
        work.connection.execute(idempotency_keys.delete().where(db.among(idempotency_keys.c.token, tokens)))


def sweep(work: Work, *, rows_max: int) -> int:
    """Delete keys that nobody comes back with any more, at most `rows_max`; returns how many went."""
    table = idempotency_keys.c
    over = work.now - KEPT_FOR
    old = select(table.token).where(table.at < over).limit(rows_max)
    gone = idempotency_keys.delete().where(table.token.in_(old.scalar_subquery()), table.at < over)
    return len(work.connection.execute(gone.returning(table.token)).all())
