"""The GraphQL door over HTTP: reads a request, refuses what is too much, runs the rest, answers with bytes.

POST with JSON for everything; GET for queries only, so that nothing changes by following a link.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
import structlog
from graphql import ExecutionResult, GraphQLError
from graphql.language import OperationType
from starlette.types import Receive, Scope, Send

from graph import http
from graph.context import Request
from graph.documents import Documents, Prepared, Refused
from graph.execution import read_variables, run
from graph.kept_answers import Answer, KeptAnswers, Stamps
from graph.limits import check_cost, check_variables, limit_error
from graph.metrics import Metrics
from graph.schema import Api
from graph.services import Services, Threads
from graph.sessions import Caller, Sessions
from kernel.actor import GRANTS, Actor, Role
from kernel.errors import Forbidden, NotSignedIn

log = structlog.get_logger(__name__)
COOKIE_SECONDS: Final = 30 * 24 * 3600
_QUERY_LENGTH_MAX: Final = 16_384


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, still raw."""

    query: str | None
    document_hash: str | None
    variables: dict[str, Any]
    operation_name: str | None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer on its way out."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Endpoint:
    """The GraphQL door: one object per process."""

    def __init__(self, api: Api, services: Services, *, threads: Threads, sessions: Sessions, metrics: Metrics) -> None:
        self.api = api
        self.services = services
        self.threads = threads
        self.sessions = sessions
        self.metrics = metrics
        self.documents = Documents(api.schema, api.access, services.limits)
        self.kept = KeptAnswers()
        self.stamps = Stamps(services.works, threads)
        for text in services.trusted_documents:
            self.documents.trust(text)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        headers = http.read_headers(scope)
        modern = http.GRAPHQL_JSON in headers.get(b"accept", b"")
        try:
            reply = await self._answer(scope, receive, headers)
        except Refused as refused:
            reply = Reply(400 if modern else 200, _errors_body(refused.errors))
        except http.BodyTooLarge:
            text = f"Send at most {self.services.limits.body_bytes} bytes."
            reply = Reply(413, _errors_body([limit_error("BODY_TOO_LARGE", text)]))
        await _send(send, reply, http.GRAPHQL_JSON if modern else http.JSON)

    async def _answer(self, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes]) -> Reply:
        match scope["method"]:
            case "POST":
                kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
                if kind != http.JSON:
                    return Reply(415, _errors_body([limit_error("BAD_REQUEST", "Send application/json.")]))
                body = await http.read_body(receive, headers, self.services.limits.body_bytes)
                asked = read_asked(_parse_json(body))
            case "GET":
                asked = read_asked(_from_query_string(scope["query_string"]))
            case _:
                bad = limit_error("BAD_REQUEST", "Use POST, or GET for a query.")
                return Reply(405, _errors_body([bad]), ((b"allow", b"GET, POST"),))
        prepared = self.find_document(asked)
        if scope["method"] == "GET" and prepared.kind is not OperationType.QUERY:
            bad = limit_error("BAD_REQUEST", "Only queries are answered to GET; send a change by POST.")
            return Reply(405, _errors_body([bad]), ((b"allow", b"POST"),))
        if prepared.kind is OperationType.SUBSCRIPTION:
            raise Refused(limit_error("BAD_REQUEST", "Follow a subscription over a WebSocket (graphql-transport-ws)."))
        caller = await self.sessions.caller(headers, address=_address(scope))
        if caller.by_cookie and not http.is_same_origin(headers, self.services.public_url):
            return Reply(403, _errors_body([limit_error("FOREIGN_ORIGIN", "This page may not act for you.")]))
        return await self._run(prepared, asked, caller, scope, headers)

    def find_document(self, asked: Asked) -> Prepared:
        """Return the document a request means; refuses an unknown hash, and where only trusted ones run, all else."""
        if asked.query is None:
            prepared = self.documents.by_hash(asked.document_hash or "")
        else:
            prepared = self.documents.prepare(asked.query)
        if self.services.trusted_documents_only and not prepared.trusted:
            raise Refused(limit_error("UNTRUSTED_DOCUMENT", "This server answers registered documents only."))
        if asked.operation_name and asked.operation_name != prepared.name:
            raise Refused(limit_error("OPERATION_RESOLUTION_FAILURE", "The document has no operation of this name."))
        return prepared

    async def _run(
        self, prepared: Prepared, asked: Asked, caller: Caller, scope: Scope, headers: Mapping[bytes, bytes]
    ) -> Reply:
        started = time.perf_counter()
        key = await self._key(prepared, asked, caller.actor)
        if key is not None and (kept := self.kept.find(key)) is not None:
            self._count(prepared, "kept", started)
            return _kept_reply(kept, headers, scope["method"])
        request = Request(
            services=self.services,
            threads=self.threads,
            actor=caller.actor,
            request_id=scope["state"]["request_id"],
            address=caller.address,
            token=caller.token,
        )
        result = await self.execute(prepared, asked, request)
        body = orjson.dumps(self.formatted(result, request))
        self._count(prepared, "error" if result.errors else "ok", started)
        if key is not None and not result.errors:
            return _kept_reply(self.kept.keep(key, body), headers, scope["method"])
        return Reply(200, body, ((b"cache-control", b"no-store"), *self._own_headers(request)))

    async def execute(
        self, prepared: Prepared, asked: Asked, request: Request, root_value: Any = None
    ) -> ExecutionResult:
        """Check variables, cost and permissions, then run; raises Refused where nothing ran."""
        variables = self.check(prepared, asked.variables, request.actor)
        return await run(self.api.schema, prepared, variables=variables, context=request, root_value=root_value)

    def check(self, prepared: Prepared, raw: dict[str, Any], actor: Actor) -> Any:
        """Return the coerced variables of a request that may run; raises Refused."""
        self._check_values(raw)
        try:
            variables = read_variables(self.api.schema, prepared, raw)
            total = prepared.cost.total(variables.coerced) if prepared.cost_depends else prepared.cost_total
            check_cost(total, self.services.limits)
        except GraphQLError as error:
            raise Refused(error) from None
        check_permissions(prepared, actor)
        return variables

    def _check_values(self, raw: dict[str, Any]) -> None:
        try:
            check_variables(raw, self.services.limits)
        except GraphQLError as error:
            raise Refused(error) from None

    async def _key(self, prepared: Prepared, asked: Asked, actor: Actor) -> tuple[str, ...] | None:
        """Return the key an answer is kept under, or None where it is not the same for everybody."""
        kept_by = prepared.kept_by
        guest = GRANTS[Role.GUEST]
        if kept_by is None or not all(root.needs_below <= guest for root in prepared.roots):
            return None
        # Before they are written into the key: what is nested without end cannot be.
        self._check_values(asked.variables)
        check_permissions(prepared, actor)
        stamp = await self.stamps.stamp(kept_by, actor.brand_id)
        # By their hash: whatever a caller sends takes no more room than what is asked for.
        variables = hash_of(asked.variables) if asked.variables else ""
        return (prepared.text_hash, variables, stamp, actor.brand_id, actor.locale)

    def formatted(self, result: ExecutionResult, request: Request) -> dict[str, Any]:
        """Return a result in JSON terms, with whatever went wrong on our side masked and logged."""
        if not result.errors:
            return {"data": result.data}
        return {"data": result.data, "errors": [self._shown(error, request) for error in result.errors]}

    def _shown(self, error: GraphQLError, request: Request) -> dict[str, Any]:
        original = error.original_error
        if original is None or isinstance(original, GraphQLError):
            shown = dict(error.formatted)
            shown.setdefault("extensions", {"code": "BAD_USER_INPUT"})
            return shown
        log.error("internal_error", request_id=request.request_id, path=error.path, exc_info=original)
        if self.services.strict:
            raise original
        extensions = {"code": "INTERNAL_SERVER_ERROR", "requestId": request.request_id}
        message = f"Internal error; when you report it, give this request id: {request.request_id}"
        return {"message": message, "path": error.path, "extensions": extensions}

    def _own_headers(self, request: Request) -> list[tuple[bytes, bytes]]:
        """Return what an answer carries besides its body: a cookie, and when to come back where it says so."""
        headers = self._cookie_headers(request)
        if request.retry_after_seconds is not None:
            headers.append((b"retry-after", str(request.retry_after_seconds).encode()))
        return headers

    def _cookie_headers(self, request: Request) -> list[tuple[bytes, bytes]]:
        for token in request.old_tokens:
            self.sessions.forget(token)
        if request.new_token is None and not request.signed_out:
            return []
        cookie = http.session_cookie(
            request.new_token or "",
            name=self.sessions.cookie,
            secure=not self.services.demo,
            max_age_seconds=COOKIE_SECONDS if request.new_token else 0,
        )
        return [(b"set-cookie", cookie)]

    def _count(self, prepared: Prepared, outcome: str, started: float) -> None:
        operation = prepared.roots[0].name
        self.metrics.operations.labels(operation, outcome).inc()
        self.metrics.operation_seconds.labels(operation).observe(time.perf_counter() - started)


def check_permissions(prepared: Prepared, actor: Actor) -> None:
    """Refuse a document with a field that this actor may not read; a mutation itself answers with a typed refusal."""
    granted = actor.permissions
    for root in prepared.roots:
        if prepared.kind is OperationType.MUTATION and root.needs not in granted:
            continue
        missing = root.needs_below - granted
        if missing:
            wanted = ", ".join(sorted(missing))
            refusal = NotSignedIn() if actor.account_id is None else Forbidden(wanted)
            extensions = {"code": refusal.code, "field": root.name, "permissions": sorted(missing)}
            raise Refused(GraphQLError(refusal.text(actor.locale), extensions=extensions))


def read_asked(payload: Any) -> Asked:
    """Read a request's JSON; refuses batches and everything that is no request."""
    if isinstance(payload, list):
        raise Refused(limit_error("NO_BATCHES", "Send one operation in a request."))
    if not isinstance(payload, dict):
        raise Refused(limit_error("BAD_REQUEST", "Send a JSON object with `query` and `variables`."))
    extensions = payload.get("extensions")
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    given_hash = persisted.get("sha256Hash") if isinstance(persisted, dict) else payload.get("documentId")
    query, variables, name = payload.get("query"), payload.get("variables"), payload.get("operationName")
    if not isinstance(query, str | None) or not isinstance(given_hash, str | None) or not (query or given_hash):
        raise Refused(limit_error("BAD_REQUEST", "`query` is missing: a GraphQL document, or `documentId`."))
    if not isinstance(variables, dict | None):
        raise Refused(limit_error("BAD_REQUEST", "`variables` is an object."))
    if not isinstance(name, str | None):
        raise Refused(limit_error("BAD_REQUEST", "`operationName` is a text."))
    document_hash = given_hash.removeprefix("sha256:") if given_hash is not None else None
    return Asked(query or None, document_hash, variables or {}, name)


def hash_of(variables: dict[str, Any]) -> str:
    """Return SHA-256 of variables, whatever their order."""
    return hashlib.sha256(orjson.dumps(variables, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _parse_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(limit_error("BAD_REQUEST", "The body is no valid JSON in UTF-8.")) from None


def _from_query_string(raw: bytes) -> dict[str, Any]:
    if len(raw) > _QUERY_LENGTH_MAX:
        raise http.BodyTooLarge
    try:
        found = {name: values[-1] for name, values in parse_qs(raw.decode("ascii"), errors="strict").items()}
    except ValueError:
        raise Refused(limit_error("BAD_REQUEST", "The address is no valid UTF-8.")) from None
    variables = _parse_json(found["variables"].encode()) if found.get("variables") else None
    return {**found, "variables": variables, "extensions": None}


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _errors_body(errors: Any) -> bytes:
    return orjson.dumps({"errors": [_with_code(error) for error in errors]})


def _with_code(error: GraphQLError) -> dict[str, Any]:
    shown = dict(error.formatted)
    shown.setdefault("extensions", {"code": "BAD_REQUEST"})
    # A document may hold half of a surrogate pair, which no JSON can; its error quotes it.
    shown["message"] = error.message.encode("utf-8", "replace").decode()
    return shown


def _kept_reply(answer: Answer, headers: Mapping[bytes, bytes], method: str) -> Reply:
    tags = ((b"etag", answer.tag.encode()), (b"cache-control", b"private, no-cache"), (b"vary", b"accept-language"))
    if method == "GET" and answer.tag.encode() in headers.get(b"if-none-match", b""):
        return Reply(304, b"", tags)
    return Reply(200, answer.body, tags)


async def _send(send: Send, reply: Reply, content_type: bytes) -> None:
    headers = [
        (b"content-type", content_type + b"; charset=utf-8"),
        (b"content-length", str(len(reply.body)).encode()),
        *reply.headers,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def raw_request(caller: Caller, services: Services, threads: Threads, request_id: str) -> Request:
    """Return the context of a request that did not come as one HTTP call: a socket's operation, a page's query."""
    return Request(
        services=services,
        threads=threads,
        actor=caller.actor,
        request_id=request_id,
        address=caller.address,
        token=caller.token,
    )
