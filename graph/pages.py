"""The few pages the API has itself: a plain start page that says what is here, and the explorer's three files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from importlib.resources import files
from typing import Final

from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, Response

from graph import http

EXPLORER_FILES: Final = {
    "explorer.html": "text/html; charset=utf-8",
    "explorer.css": "text/css; charset=utf-8",
    "explorer.js": "text/javascript; charset=utf-8",
}
LINKS: Final = ("/explorer", "/schema.graphql", "/graphql", "/health", "/ready", "/metrics")


@dataclass(frozen=True, slots=True)
class _Words:
    title: str
    lead: str
    links: tuple[str, ...]
    other: str
    other_name: str


_WORDS: Final = {
    "en": _Words(
        title="Muster",
        lead="Cars that are built because people asked for them: configure, get an all-in price, pre-order, "
        "gather in a pool, and follow your car from the plant to the handover. This server speaks GraphQL.",
        links=(
            "API explorer: try everything, with documentation beside it; works without the internet",
            "the schema as text",
            "the GraphQL address: POST JSON with query and variables",
            "is this process alive",
            "can it serve: database reachable and migrated",
            "numbers for Prometheus",
        ),
        other="zh-CN",
        other_name="中文",
    ),
    "zh-CN": _Words(
        title="Muster",
        lead="先有需求，后有造车：选配、获取落地价、预订、拼单，"
        "并从工厂到交车全程跟踪您的爱车。本服务器提供 GraphQL 接口。",
        links=(
            "接口浏览器：附带文档，可试用全部接口，无需联网",
            "接口模式文本",
            "GraphQL 地址：以 POST 发送包含 query 与 variables 的 JSON",
            "进程是否存活",
            "能否提供服务：数据库可达且已迁移",
            "供 Prometheus 采集的指标",
        ),
        other="en",
        other_name="English",
    ),
}


@lru_cache(maxsize=8)
def explorer_file(name: str) -> tuple[bytes, str]:
    """Return a file of the explorer and its tag."""
    body = files("graph.explorer").joinpath(name).read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


async def show_explorer(request: HttpRequest) -> Response:
    """Serve the explorer's page, or one of its files."""
    name = request.path_params.get("name", "explorer.html")
    if name not in EXPLORER_FILES:
        return Response("There is no such page.", status_code=404, media_type="text/plain")
    body, tag = explorer_file(name)
    headers = {"etag": tag, "cache-control": "no-cache"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=EXPLORER_FILES[name])


async def show_start(request: HttpRequest) -> Response:
    """Serve the start page in the reader's language; `?lang=` chooses another."""
    wanted = request.query_params.get("lang", "")
    locale = wanted if wanted in _WORDS else http.choose_locale(request.headers.get("accept-language", ""))
    words = _WORDS[locale]
    items = "".join(
        f'<li><a href="{link}">{link}</a> {escape(text)}</li>' for link, text in zip(LINKS, words.links, strict=True)
    )
    page = (
        f'<!doctype html><html lang="{locale}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{words.title}</title><link rel="stylesheet" href="/explorer/explorer.css"></head><body>'
        f'<header><h1>{words.title}</h1><nav><a href="/?lang={words.other}" lang="{words.other}" '
        f'hreflang="{words.other}">{words.other_name}</a></nav></header>'
        f'<main class="start"><div><p>{escape(words.lead)}</p><ul>{items}</ul></div></main></body></html>'
    )
    return HTMLResponse(page, headers={"vary": "accept-language", "cache-control": "no-cache"})
