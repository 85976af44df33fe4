"""A GraphQL client of a few lines on the standard library: what the demo speaks to a server with, as anyone could."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

TIMEOUT_SECONDS: Final = 30


class Unanswered(Exception):
    """The server could not be reached, or answered with something that is not an answer."""


class Refused(Exception):
    """The API refused what the story needs; the text is the refusal's own."""

    def __init__(self, name: str, refusal: dict[str, Any]) -> None:
        super().__init__(f"{name}: {refusal.get('code')} – {refusal.get('message')}")
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Client:
    """One person (or machine) at the API: the server's address, the brand and the bearer token."""

    address: str
    brand: str
    token: str | None = None
    locale: str = "en"

    def signed_in(self, token: str) -> Client:
        """Return the same client as somebody."""
        return replace(self, token=token)

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """Run one operation and return its data; raises Unanswered on anything but a clean answer."""
        answer = self._post(orjson.dumps({"query": document, "variables": variables}))
        if answer.get("errors"):
            raise Unanswered(f"{answer['errors'][0].get('message')} in {document.split('(', maxsplit=1)[0].strip()}")
        data: dict[str, Any] = answer["data"]
        return data

    def do(self, document: str, **variables: Any) -> dict[str, Any]:
        """Run a mutation of one root field and return what it made; raises Refused when it was refused."""
        ((name, result),) = self.ask(document, **variables).items()
        if "code" in result and "message" in result:
            raise Refused(name, result)
        made: dict[str, Any] = result
        return made

    def _post(self, body: bytes) -> dict[str, Any]:
        headers = {
            "Content-Type": "application/json",
            "Accept-Language": self.locale,
            "X-Muster-Brand": self.brand,
        } | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        if not self.address.startswith(("http://", "https://")):
            raise Unanswered(f"{self.address} is no address of a server: write http://… or https://…")
        try:
            request = urllib.request.Request(f"{self.address}/graphql", body, headers)  # noqa: S310 - http(s) alone
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - as above
                answer = orjson.loads(response.read())
        except urllib.error.HTTPError as error:
            answer = _body_of(error)
        except orjson.JSONDecodeError:
            raise Unanswered(f"{self.address} answers, but not as Muster does") from None
        except (OSError, http.client.HTTPException, ValueError) as error:  # A port that is no number is a ValueError.
            raise Unanswered(f"{self.address} does not answer: {error}") from None
        if not isinstance(answer, dict) or not {"data", "errors"} & answer.keys():
            raise Unanswered(f"{self.address} answers, but not as Muster does")
        return answer


def _body_of(error: urllib.error.HTTPError) -> Any:
    """Read the answer out of an HTTP error: GraphQL says in its body what was wrong."""
    try:
        return orjson.loads(error.read())
    except orjson.JSONDecodeError:
        raise Unanswered(f"status {error.code} {error.reason}") from None
