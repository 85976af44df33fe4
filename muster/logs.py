"""Structured logs: one JSON line an entry on standard error, with the request's id, without personal data."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import orjson
import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import ExcInfo

# Whatever a caller hands over by mistake, these never reach a log.
_PRIVATE: Final = frozenset(
    {"email", "name", "password", "token", "id_number", "phone", "address", "body", "variables"}
)


def _without_personal_data(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in _PRIVATE & entry.keys():
        entry[key] = "…"
    return entry


class _FirstLines(ExceptionDictTransformer):
    """Renders exceptions with their type, their frames and the first line of what they say.

    A database tells the row that was in the way from the second line on (DETAIL, parameters): what people told us.
    """

    def __call__(self, exc_info: ExcInfo) -> list[dict[str, Any]]:
        return _first_lines(super().__call__(exc_info))


def _first_lines(stacks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for stack in stacks:
        stack["exc_value"] = stack["exc_value"].partition("\n")[0]
        stack["exc_notes"] = [note.partition("\n")[0] for note in stack.get("exc_notes", [])]
        for grouped in stack.get("exceptions", []):
            _first_lines(grouped)
    return stacks


def set_up_logs(level: str) -> None:
    """Configure structlog and the standard library's logging alike; called once per process."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_personal_data,
        # Never with the local variables: they hold what people told us.
        structlog.processors.ExceptionRenderer(_FirstLines(show_locals=False)),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.JSONRenderer(serializer=lambda value, **_: orjson.dumps(value, default=str).decode()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(
                    serializer=lambda value, **_: orjson.dumps(value, default=str).decode()
                ),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("alembic").setLevel(logging.WARNING)
