"""What happened to cars on their way, as other rooms may hear it."""

from __future__ import annotations

from dataclasses import dataclass

from demand.backing.events import ConcernedAccount
from kernel.events import Event, event


@event("factory_orders.condition_checked")
@dataclass(frozen=True, slots=True)
class ConditionChecked(Event):
    """A car was looked over as it changed hands."""

    vin: str
    shipment_id: str
    at_hand_over: str
    new_marks: int


@event("factory_orders.damage_case_moved")
@dataclass(frozen=True, slots=True)
class DamageCaseMoved(Event):
    """A damage case was opened, answered or closed; `planners` are told where they have something to do."""

    case_id: str
    vin: str
    state: str
    planners: tuple[ConcernedAccount, ...] = ()
