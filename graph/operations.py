"""How a plain function becomes a query or a mutation: input to values, one hop to a thread, one call, result to type.

A resolver takes `work` and/or `request` where it wants them, and `asked`, the names of the fields that the document
asks for below it; everything else in its signature is an argument.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, get_type_hints
from zoneinfo import ZoneInfo

import strawberry
import structlog
from graphql import FieldNode, FragmentSpreadNode, GraphQLError
from strawberry.types import Info

from graph.access import ACCESS_KEY, LIST_SIZE_ASSUMED, Access
from graph.context import Request
from graph.refusals import GENERAL, refusal_facts, result_union, show_refusal, tells_a_moment
from graph.straight import STRAIGHT
from kernel.actor import Permission
from kernel.errors import Forbidden, NotSignedIn, Refusal
from kernel.work import NotAtHand

log = structlog.get_logger(__name__)
_OURS: Final = frozenset({"work", "request", "asked"})
ASKED_MAX: Final = 256
Declared = Callable[[Callable[..., Any]], Any]


def query(
    *,
    reads: Permission,
    kept_by: str | None = None,
    refuses: Sequence[type[Refusal]] = (),
    result: str | None = None,
    at_most: int = LIST_SIZE_ASSUMED,
    recalls: bool = False,
) -> Declared:
    """Declare a read. With `result` it answers a union of its value and its refusals, like a mutation; else a refusal
    becomes an error with its code. One that `recalls` is answered on the spot where memory suffices."""

    def declare(function: Callable[..., Any]) -> Any:
        union = None if result is None else result_union(result, _result_type(function), refuses)
        access = Access(reads, kept_by=kept_by, at_most=at_most)
        runner = _run_recalled if recalls else _run_read
        return _make_field(function, access, union, runner, allowed=(*refuses, *GENERAL))

    return declare


def mutation(*, does: Permission, refuses: Sequence[type[Refusal]] = (), result: str) -> Declared:
    """Declare a change that answers a union, named `result`, of its value and its typed refusals."""

    def declare(function: Callable[..., Any]) -> Any:
        union = result_union(result, _result_type(function), refuses)
        return _make_field(function, Access(does), union, _run_change, allowed=(*refuses, *GENERAL))

    return declare


def _result_type(function: Callable[..., Any]) -> Any:
    return get_type_hints(function, include_extras=True)["return"]


async def _run_read(request: Request, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    return await request.read(lambda work: function(work=work, **arguments))


async def _run_recalled(request: Request, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Answer from memory, which saves the hop to a thread and the connection; else like any other read."""
    try:
        return function(work=request.services.works.recall(request.actor), **arguments)
    except NotAtHand:
        return await _run_read(request, function, arguments)


async def _run_change(request: Request, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    return await request.change(lambda work: function(work=work, **arguments))


def _make_field(
    function: Callable[..., Any],
    access: Access,
    union: Any,
    runner: Callable[..., Any],
    *,
    allowed: tuple[type[Refusal], ...],
) -> Any:
    parameters = inspect.signature(function).parameters
    wants_request = "request" in parameters
    wants_asked = "asked" in parameters
    awaits = inspect.iscoroutinefunction(function)
    wants_work = "work" in parameters
    assert awaits or wants_work or wants_request, f"{function.__name__} would block the event loop"
    is_change = runner is _run_change

    async def resolve(info: Info, **arguments: Any) -> Any:
        request: Request = info.context
        if is_change:
            # What was loaded before a change may not be true after it; changes of one document come one by one.
            request.loaders.clear()
        if is_change and not request.may(access.needs):
            refusal = NotSignedIn() if request.actor.account_id is None else Forbidden(access.needs.value)
            return show_refusal(refusal, request.locale)
        if wants_request:
            arguments["request"] = request
        if wants_asked:
            arguments["asked"] = asked_below(info)
        try:
            if awaits:
                return await function(**arguments)
            if wants_work:
                return await runner(request, function, arguments)
            return await request.threads.run(function, **arguments)
        except Refusal as refusal:
            request.retry_after_seconds = getattr(refusal, "retry_after_seconds", None)
            zone = await request.brand_zone() if tells_a_moment(refusal) else None
            if union is None:
                raise _as_error(refusal, request.locale, zone) from None
            if not isinstance(refusal, allowed):
                log.error("undeclared_refusal", operation=function.__name__, refusal=type(refusal).__name__)
                raise
            return show_refusal(refusal, request.locale, zone)

    _sign(resolve, function, union)
    setattr(resolve, STRAIGHT, True)
    return strawberry.field(resolver=resolve, description=inspect.getdoc(function), metadata={ACCESS_KEY: access})


_asked: OrderedDict[int, tuple[FieldNode, frozenset[str]]] = OrderedDict()


def asked_below(info: Info) -> frozenset[str]:
    """Return the GraphQL names of all fields below this one, so that what nobody reads need not be computed.

    A document that is kept is read once: its nodes are found again by their identity.
    """
    raw = info._raw_info
    if len(raw.field_nodes) > 1:
        return _names_below(raw)
    (node,) = raw.field_nodes
    known = _asked.get(id(node))
    if known is None or known[0] is not node:
        known = _asked[id(node)] = (node, _names_below(raw))
        if len(_asked) > ASKED_MAX:
            _asked.popitem(last=False)
    return known[1]


def _names_below(raw: Any) -> frozenset[str]:
    found: set[str] = set()
    seen: set[str] = set()
    stack: list[Any] = [node.selection_set for node in raw.field_nodes]
    while stack:
        selections = stack.pop()
        for selection in selections.selections if selections is not None else ():
            if isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                if name not in seen:
                    seen.add(name)
                    stack.append(raw.fragments[name].selection_set)
                continue
            if isinstance(selection, FieldNode):
                found.add(selection.name.value)
            stack.append(getattr(selection, "selection_set", None))
    return frozenset(found)


def _as_error(refusal: Refusal, locale: str, zone: ZoneInfo | None) -> GraphQLError:
    extensions = {"code": "BAD_USER_INPUT", "refusal": refusal.code, "facts": refusal_facts(refusal)}
    return GraphQLError(refusal.text(locale, zone), extensions=extensions)


def _sign(resolve: Any, function: Callable[..., Any], union: Any) -> None:
    """Give the resolver the signature of the function it stands for, without what we fill in ourselves."""
    hints = get_type_hints(function, include_extras=True)
    returns = hints.pop("return") if union is None else union
    kept = [
        one.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, one in inspect.signature(function).parameters.items()
        if name not in _OURS
    ]
    info = inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Info)
    resolve.__signature__ = inspect.Signature([info, *kept], return_annotation=returns)
    resolve.__annotations__ = {one.name: one.annotation for one in [info, *kept]} | {"return": returns}
    resolve.__name__ = function.__name__
    resolve.__module__ = function.__module__
