"""What the tests of showroom share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from configurator import service, step_service
from configurator.catalogue import Catalogue
from configurator.configuring import Wishes
from configurator.model import (
    Choice,
    VersionId,
)
from configurator.step_service import ConfigureAnswer, ConfigureRequest
from kernel.actor import Actor
from kernel.work import Work, Works
from tests.configurator.small_brand import (
    GUEST,
    PLANNER,
)


def publish(works: Works, catalogue: Catalogue, actor: Actor = PLANNER) -> VersionId:
    with works.change(actor) as work:
        return service.publish_catalogue(work, catalogue)


def configure(
    works: Works, *options: str, model: str = "A1", region: str = "east", explain: tuple[str, ...] = ()
) -> ConfigureAnswer:
    choices = tuple(Choice(option.removeprefix("-"), not option.startswith("-")) for option in options)
    with works.read(GUEST) as work:
        return step_service.configure(work, ConfigureRequest(model, choices, region, Wishes(explain)))


@contextmanager
def counting(work: Work) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(*arguments: object) -> None:
        if arguments[2] != "BEGIN":
            statements.append(str(arguments[2]))

    event.listen(work.connection, "before_cursor_execute", note)
    yield statements
    event.remove(work.connection, "before_cursor_execute", note)
