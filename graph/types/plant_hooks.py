"""Where a plant's system listens: signed messages of what it is to build; a secret is told once, when it is made."""

from __future__ import annotations

from datetime import datetime, timedelta

import strawberry

from factory_orders import model, queries, service
from factory_orders.model import MessageState
from graph.access import input_type, object_type
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.account import identity_of
from graph.types.pages import Connection, show_page
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.work import Work

HOURS_MAX = 10_000
strawberry.enum(MessageState, name="PlantMessageState", description="Where a message to a plant stands.")


@object_type(reads=Permission.STAFF_MANAGE)
class PlantHook:
    """An address of a plant's system, what waits for it and how the last attempt ended (a status, or a word)."""

    id: strawberry.ID
    plant_id: strawberry.ID
    url: str
    waiting: int
    given_up: int
    failures: int
    last_status: str | None
    resume_at: datetime | None
    overlap_until: datetime | None
    created_at: datetime
    revoked_at: datetime | None


@object_type(reads=Permission.STAFF_MANAGE)
class PlantHookSecret:
    """A hook's secret, told once: both sides sign with it as the Standard Webhooks specification says."""

    hook_id: strawberry.ID
    secret: str


@object_type(reads=Permission.STAFF_MANAGE)
class PlantMessage:
    """One message; its id goes with it as `webhook-id`, however often it is sent."""

    id: str
    kind: str
    build_order_id: strawberry.ID
    state: MessageState
    attempts: int
    last_status: str | None
    created_at: datetime
    due_at: datetime | None
    delivered_at: datetime | None


@object_type(reads=Permission.STAFF_MANAGE)
class PlantHookRevoked:
    """Nothing is sent there any more."""

    hook_id: strawberry.ID
    revoked_at: datetime


@object_type(reads=Permission.STAFF_MANAGE)
class PlantHookReplayed:
    """How many messages are sent once more."""

    messages: int


@input_type(takes=Permission.STAFF_MANAGE)
class AddPlantHookInput:
    """A plant, and the https address where its system listens."""

    plant_id: strawberry.ID
    url: str


@input_type(takes=Permission.STAFF_MANAGE)
class RotatePlantHookSecretInput:
    """A hook; messages carry the signature of the secret before as well for `overlapHours`."""

    hook_id: strawberry.ID
    overlap_hours: int = 24


@input_type(takes=Permission.STAFF_MANAGE)
class PlantHookInput:
    """A hook."""

    hook_id: strawberry.ID


@input_type(takes=Permission.STAFF_MANAGE)
class ReplayPlantHookInput:
    """A hook, and since when its messages are sent once more."""

    hook_id: strawberry.ID
    since: datetime


def _show(one: queries.HookView) -> PlantHook:
    hook = one.hook
    return PlantHook(
        id=write_id("PlantHook", hook.id),
        plant_id=write_id("Plant", hook.plant_id),
        url=hook.url,
        waiting=one.waiting,
        given_up=one.given_up,
        failures=hook.failures,
        last_status=hook.last_status,
        resume_at=hook.resume_at,
        overlap_until=hook.overlap_until,
        created_at=hook.created_at,
        revoked_at=hook.revoked_at,
    )


def _show_message(one: model.HookMessage) -> PlantMessage:
    return PlantMessage(
        id=one.id,
        kind=one.kind,
        build_order_id=write_id("BuildOrder", one.build_order_id),
        state=one.state,
        attempts=one.attempts,
        last_status=one.last_status,
        created_at=one.created_at,
        due_at=one.due_at,
        delivered_at=one.delivered_at,
    )


def _show_secret(one: service.HookSecret) -> PlantHookSecret:
    return PlantHookSecret(hook_id=write_id("PlantHook", one.hook.id), secret=one.secret)


@query(reads=Permission.STAFF_MANAGE, at_most=100)
def plant_hooks(work: Work) -> list[PlantHook]:
    """The hooks of the brand's plants, newest first."""
    return [_show(one) for one in queries.list_hooks(work)]


@query(reads=Permission.STAFF_MANAGE)
def plant_messages(
    work: Work, hook_id: strawberry.ID, first: int, after: Cursor | None = None
) -> Connection[PlantMessage]:
    """The messages of a hook, newest first."""
    found = queries.messages_of_hook(work, raw_id(hook_id, "PlantHook"), page_request(first, after))
    return show_page(found, _show_message)


@mutation(does=Permission.STAFF_MANAGE, result="AddPlantHookResult")
def add_plant_hook(work: Work, request: Request, input: AddPlantHookInput) -> PlantHookSecret:  # noqa: A002  # the API's word
    """Let a plant's system hear at an address what it is to build."""
    made = service.add_hook(
        work,
        identity_of(request).settings.identity_key,
        plant_id=raw_id(input.plant_id, "Plant"),
        url=input.url,
        allowed=request.services.webhook_networks,
    )
    return _show_secret(made)


@mutation(does=Permission.STAFF_MANAGE, result="RotatePlantHookSecretResult")
def rotate_plant_hook_secret(
    work: Work,
    request: Request,
    input: RotatePlantHookSecretInput,  # noqa: A002  # the API's word
) -> PlantHookSecret:
    """Make a hook's next secret."""
    hours = max(-1, min(input.overlap_hours, HOURS_MAX))
    made = service.rotate_secret(
        work,
        identity_of(request).settings.identity_key,
        raw_id(input.hook_id, "PlantHook"),
        overlap=timedelta(hours=hours),
    )
    return _show_secret(made)


@mutation(does=Permission.STAFF_MANAGE, result="RevokePlantHookResult")
def revoke_plant_hook(work: Work, input: PlantHookInput) -> PlantHookRevoked:  # noqa: A002  # the API's word
    """Send nothing to a hook any more."""
    hook = service.revoke_hook(work, raw_id(input.hook_id, "PlantHook"))
    assert hook.revoked_at is not None
    return PlantHookRevoked(hook_id=write_id("PlantHook", hook.id), revoked_at=hook.revoked_at)


@mutation(does=Permission.STAFF_MANAGE, result="ReplayPlantHookResult")
def replay_plant_hook(work: Work, input: ReplayPlantHookInput) -> PlantHookReplayed:  # noqa: A002  # the API's word
    """Send a hook's messages since a moment, and all that were given up, once more, in their order."""
    raw = raw_id(input.hook_id, "PlantHook")
    return PlantHookReplayed(messages=service.replay_hook(work, raw, since=input.since))
