"""Relay's shapes: a node with an opaque id, and a page of a list with cursors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

import strawberry

from graph.access import field, object_type
from graph.scalars import Cursor
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.paging import Page
from kernel.reasons import because

NodeT = TypeVar("NodeT")
RowT = TypeVar("RowT")


@object_type(reads=Permission.PUBLIC_READ, interface=True)
class Node:
    """A thing that can be asked for again by its id."""

    id: strawberry.ID


@object_type(reads=Permission.PUBLIC_READ)
class PageInfo:
    """Whether more follows, and where to go on."""

    has_next_page: bool
    end_cursor: Cursor | None = None


@object_type(reads=Permission.PUBLIC_READ)
class Edge(Generic[NodeT]):
    """One item of a page."""

    cursor: Cursor
    node: NodeT


@object_type(reads=Permission.PUBLIC_READ)
class Connection(Generic[NodeT]):
    """A page of a list."""

    edges: list[Edge[NodeT]] = field(at_most=1)
    nodes: list[NodeT] = field(at_most=1)
    page_info: PageInfo


def show_page(page: Page[RowT], show: Callable[[RowT], NodeT]) -> Connection[NodeT]:
    """Return a page of rows as a connection of what `show` makes of each."""
    nodes = [show(item) for item in page.items]
    return Connection(
        edges=[Edge(cursor=Cursor(cursor), node=node) for cursor, node in zip(page.cursors, nodes, strict=True)],
        nodes=nodes,
        page_info=PageInfo(has_next_page=page.has_next, end_cursor=Cursor(page.cursors[-1]) if page.cursors else None),
    )


def known_words(name: str, given: Sequence[str] | None, known: Iterable[str]) -> tuple[str, ...]:
    """Return the words that a list is narrowed to, each once; refuses one that there is not, with those there are."""
    words, listed = dict.fromkeys(given or ()), tuple(known)
    if not words.keys() <= set(listed):
        raise InvalidInput(name, because("ONE_OF", known=", ".join(listed)))
    return tuple(words)
