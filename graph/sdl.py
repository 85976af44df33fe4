"""The schema as text: committed as graph/schema.graphql, and no change to it may break who uses it without warning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from graphql import GraphQLSchema, build_schema, find_breaking_changes

from graph.schema import build_api

COMMITTED: Final = Path(__file__).with_name("schema.graphql")


def print_sdl() -> str:
    """Return the schema's text as it is built now."""
    return build_api().sdl


def breaking_changes(old_sdl: str, new_sdl: str) -> Sequence[str]:
    """Return what the new schema breaks for users of the old one, except what the old one had marked as deprecated.

    A deprecated field, argument, input field or enum value may go; a type may go with the last of its uses.
    """
    old, new = build_schema(old_sdl), build_schema(new_sdl)
    return [
        f"{change.type.name}: {change.description}"
        for change in find_breaking_changes(old, new)
        if not _was_deprecated(old, change.description)
    ]


def _was_deprecated(schema: GraphQLSchema, description: str) -> bool:
    words = description.rstrip(".").split()
    return any(_is_deprecated(schema, word) for word in words if "." in word)


def _is_deprecated(schema: GraphQLSchema, path: str) -> bool:
    kind, _, member = path.partition(".")
    found: Any = schema.type_map.get(kind)
    members = {**getattr(found, "fields", {}), **getattr(found, "values", {})}
    one = members.get(member.partition("(")[0])
    return one is not None and one.deprecation_reason is not None


def main() -> None:
    """Write the committed file anew."""
    COMMITTED.write_text(print_sdl(), encoding="utf-8")


if __name__ == "__main__":
    main()
