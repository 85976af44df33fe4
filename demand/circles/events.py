"""What happened in circles; who is in one stays out of the news."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.events import Event, event


@event("demand.circle_founded")
@dataclass(frozen=True, slots=True)
class CircleFounded(Event):
    """There is a new circle."""

    circle_id: str


@event("demand.circle_offered")
@dataclass(frozen=True, slots=True)
class CircleOffered(Event):
    """The maker offers a pool to a circle."""

    circle_id: str
    offer_id: str


@event("demand.circle_messaged")
@dataclass(frozen=True, slots=True)
class CircleMessaged(Event):
    """The maker wrote to the members of a circle who agreed to that."""

    circle_id: str
    message_id: str


@event("demand.circle_closed")
@dataclass(frozen=True, slots=True)
class CircleShut(Event):
    """An operator closed a circle."""

    circle_id: str


@event("demand.test_drive_asked")
@dataclass(frozen=True, slots=True)
class DriveRequested(Event):
    """A member asks a host for a test drive."""

    drive_id: str


@event("demand.test_drive_answered")
@dataclass(frozen=True, slots=True)
class DriveReplied(Event):
    """A host said yes or no to a test drive."""

    drive_id: str


@event("demand.owner_answered")
@dataclass(frozen=True, slots=True)
class OwnerAnswered(Event):
    """An owner answered a question."""

    answer_id: str
