"""Plain pieces of HTTP: bounded bodies, languages, cookies, origins, and the headers that every answer carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import urlsplit

from starlette.types import Receive, Scope

from kernel.errors import DEFAULT_LOCALE

JSON: Final = b"application/json"
GRAPHQL_JSON: Final = b"application/graphql-response+json"
SAFE_COOKIE: Final = "__Host-muster"
DEMO_COOKIE: Final = "muster"
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS: Final = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
)


class BodyTooLarge(Exception):
    """More was sent than is read."""


def read_headers(scope: Scope) -> dict[bytes, bytes]:
    """Return the headers of a request; of one sent twice the last counts."""
    return dict(scope["headers"])


def text_header(headers: Mapping[bytes, bytes], name: bytes) -> str:
    """Return a header as text, or an empty one."""
    return headers.get(name, b"").decode("latin-1")


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], bytes_max: int) -> bytes:
    """Return the body, or raise BodyTooLarge before reading more than is allowed."""
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > bytes_max:
        raise BodyTooLarge
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        part = message.get("body", b"")
        size += len(part)
        if size > bytes_max:
            raise BodyTooLarge
        if part:
            parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def usable_request_id(given: str) -> str | None:
    """Return a caller's request id where it is safe to log."""
    return given if _REQUEST_ID.fullmatch(given) else None


def bearer_token(headers: Mapping[bytes, bytes]) -> str | None:
    """Return the token of `Authorization: Bearer`."""
    scheme, _, token = text_header(headers, b"authorization").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def cookie_token(headers: Mapping[bytes, bytes], name: str) -> str | None:
    """Return the session's token from its cookie."""
    raw = text_header(headers, b"cookie")
    if name not in raw:
        return None
    try:
        found = SimpleCookie(raw).get(name)
    except CookieError:
        return None
    return found.value or None if found is not None else None


def session_cookie(token: str, *, name: str, secure: bool, max_age_seconds: int) -> bytes:
    """Return the header that sets the session's cookie; an empty token takes it away."""
    parts = [f"{name}={token}", "Path=/", "HttpOnly", "SameSite=Lax", f"Max-Age={max_age_seconds}"]
    if secure:
        parts.append("Secure")
    return "; ".join(parts).encode("latin-1")


def is_same_origin(headers: Mapping[bytes, bytes], public_url: str) -> bool:
    """Say whether a request that a browser signed with a cookie comes from a page of ours."""
    origin = text_header(headers, b"origin")
    if origin:
        try:
            host = urlsplit(origin).netloc.lower() if "://" in origin else ""
        except ValueError:
            return False
        ours = {text_header(headers, b"host").lower(), urlsplit(public_url).netloc.lower()} - {""}
        return host in ours
    return text_header(headers, b"sec-fetch-site") in ("", "same-origin", "none")


def choose_locale(accept_language: str, default: str = DEFAULT_LOCALE) -> str:
    """Return the supported language a reader likes best; the default where none is named."""
    best, best_quality = default, 0.0
    for part in accept_language[:200].split(","):
        word, _, parameters = part.strip().partition(";")
        supported = _supported(word.strip().lower(), default)
        if supported is not None and (quality := _quality(parameters)) > best_quality:
            best, best_quality = supported, quality
    return best


def _supported(word: str, default: str) -> str | None:
    language = word.partition("-")[0]
    return {"zh": "zh-CN", "en": "en", "*": default}.get(language)


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
