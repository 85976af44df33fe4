"""Asking the API in tests: a caller with a pass, and a count of the SQL statements a request takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event

from kernel.actor import Actor
from kernel.work import Work
from tests.graph.client import Http


@dataclass(slots=True)
class Passes:
    """Stands where sign-in stands: a token is a pass for the actor it was handed out for."""

    actors: dict[str, Actor] = field(default_factory=dict)

    def hand_out(self, actor: Actor) -> str:
        """Return a token by which this actor is known."""
        token = f"pass-{len(self.actors)}"
        self.actors[token] = actor
        return token

    def actors_of(self, _work: Work, tokens: Sequence[str]) -> dict[str, Actor]:
        """Return the actors of tokens."""
        return {token: self.actors[token] for token in tokens if token in self.actors}


def ask(
    http: Http,
    document: str,
    variables: Mapping[str, Any] | None = None,
    *,
    token: str | None = None,
    locale: str = "en",
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Send one operation and return the whole answer."""
    sent = {"accept-language": locale, **(headers or {})}
    if token is not None:
        sent["authorization"] = f"Bearer {token}"
    answer = http.post("/graphql", json={"query": document, "variables": dict(variables or {})}, headers=sent)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def data(http: Http, document: str, variables: Mapping[str, Any] | None = None, **how: Any) -> dict[str, Any]:
    """Send one operation that is to succeed and return its data."""
    answer = ask(http, document, variables, **how)
    assert "errors" not in answer, answer["errors"]
    found: dict[str, Any] = answer["data"]
    return found


def code(answer: Mapping[str, Any]) -> str:
    """Return the code of the one error of an answer that did not run."""
    assert "data" not in answer, answer
    (error,) = answer["errors"]
    assert "path" not in error
    found: str = error["extensions"]["code"]
    return found


@contextmanager
def counted_statements(engine: Engine) -> Iterator[list[str]]:
    """Collect the statements that run inside, without the begin and end of transactions."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
