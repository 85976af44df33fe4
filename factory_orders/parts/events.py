"""What happened to parts, as other rooms may hear it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from demand.backing.events import ConcernedAccount
from kernel.events import Event, event


@event("factory_orders.parts_called_off")
@dataclass(frozen=True, slots=True)
class PartsCalledOff(Event):
    """A plant's suppliers were asked for parts, or told that some are not needed."""

    plant_id: str
    made: int
    withdrawn: int


@event("factory_orders.call_off_answered")
@dataclass(frozen=True, slots=True)
class CallOffAnswered(Event):
    """A supplier named the day; `late` where the cars of the week would wait for it, and then planners are told."""

    call_off_id: str
    plant_id: str
    part: str
    supplier: str
    week: date
    arrives_on: date
    late: bool
    planners: tuple[ConcernedAccount, ...] = ()


@event("factory_orders.call_off_received")
@dataclass(frozen=True, slots=True)
class CallOffReceived(Event):
    """A plant has what it called off, or so many of it."""

    call_off_id: str
    plant_id: str
    received: int
