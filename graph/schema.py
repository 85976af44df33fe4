"""The whole schema, put together from the nouns; building it fails on a field or an argument that nobody declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from graph.access import AccessMap, read_access
from graph.live import Watched
from graph.refusals import RefusalShown
from graph.scalars import SCALARS
from graph.types import account, brand, catalogue, nodes, notices, quotes

QUERIES: Final[dict[str, Any]] = {
    "node": nodes.node,
    "viewer": account.viewer,
    "me": account.me,
    "my_sessions": account.my_sessions,
    "brand": brand.brand,
    "stores": brand.stores,
    "store": brand.store,
    "plants": brand.plants,
    "models": catalogue.models,
    "model": catalogue.model,
    "catalogue_versions": catalogue.catalogue_versions,
    "rules": catalogue.rules,
    "configure": catalogue.configure,
    "quote": quotes.quote,
    "quote_key": quotes.quote_key,
    "verify_quote": quotes.verify_quote,
    "recompute_quote": quotes.recompute_quote,
    "my_quotes": quotes.my_quotes,
    "my_notices": notices.my_notices,
    "unread_notices": notices.unread_notices,
    "my_configurations": quotes.my_configurations,
}
MUTATIONS: Final[dict[str, Any]] = {
    "sign_up": account.sign_up,
    "confirm_email": account.confirm_email,
    "sign_in": account.sign_in,
    "sign_out": account.sign_out,
    "sign_out_everywhere": account.sign_out_everywhere,
    "end_session": account.end_session,
    "change_account": account.change_account,
    "request_recovery": account.request_recovery,
    "recover": account.recover,
    "change_password": account.change_password,
    "verify_person": account.verify_person,
    "mark_notices_read": notices.mark_notices_read,
    "issue_quote": quotes.issue_quote,
    "save_configuration": quotes.save_configuration,
    "migrate_configuration": quotes.migrate_configuration,
}
SUBSCRIPTIONS: Final[dict[str, Any]] = {}
WATCHED: Final[dict[str, Watched]] = {}


@dataclass(frozen=True, slots=True)
class Api:
    """The schema as it runs, what it declares, and its text."""

    schema: GraphQLSchema
    access: AccessMap
    sdl: str
    watched: Mapping[str, Watched]


@lru_cache(maxsize=1)
def build_api() -> Api:
    """Build the schema and check that every field and argument is declared."""
    made = strawberry.Schema(
        query=_root("Query", QUERIES, "Everything that can be read."),
        mutation=_root("Mutation", MUTATIONS, "Everything that can be done; each answers its result or a refusal."),
        subscription=_root("Subscription", SUBSCRIPTIONS, "What can be followed as it changes."),
        types=[RefusalShown],
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    schema = made._schema
    return Api(schema, read_access(schema), made.as_str() + "\n", WATCHED)


def _root(name: str, fields: dict[str, Any], description: str) -> Any:
    if not fields:
        return None
    return strawberry.type(type(name, (), dict(fields)), description=description)
