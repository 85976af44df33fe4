"""The demo's own: time that can be moved forward. Outside the demo there is none of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from graph.access import input_type, object_type
from graph.context import Request
from graph.operations import mutation
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.work import Work


@object_type(reads=Permission.DEMO_TIME)
class DemoTime:
    """What the demo's clocks say now."""

    now: datetime


@input_type(takes=Permission.DEMO_TIME)
class AdvanceDemoTimeInput:
    """How many hours are to pass at once, up to 2,880; 0 asks for the time."""

    hours: int


@mutation(does=Permission.DEMO_TIME, result="AdvanceDemoTimeResult")
def advance_demo_time(work: Work, request: Request, input: AdvanceDemoTimeInput) -> DemoTime:  # noqa: A002
    """Let hours pass in the demo: deadlines come, plants build. Only a demo's operator can."""
    advance = request.services.advance_demo_time
    if advance is None:
        raise NotFound("demo clock")
    return DemoTime(now=advance(work, timedelta(hours=input.hours)))
