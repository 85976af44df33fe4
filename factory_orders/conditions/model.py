"""Condition checks at each hand-over of a car, what is new since the one before, and damage cases by state."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from factory_orders.errors import OdometerBackwards
from kernel.errors import InvalidInput
from kernel.reasons import because

PHOTOS_MAX: Final = 24
MARKS_MAX: Final = 40
ODOMETER_MAX_KM: Final = 2_000_000
_HASH: Final = re.compile(r"[0-9a-f]{64}")


class HandOver(StrEnum):
    """The moments at which a car changes hands: the carrier takes it, brings it, the store takes it."""

    LOADED = "loaded"
    ARRIVED = "arrived"
    INSPECTED = "inspected"


class Place(StrEnum):
    """Where a mark is."""

    FRONT = "front"
    REAR = "rear"
    LEFT = "left"
    RIGHT = "right"
    ROOF = "roof"
    GLASS = "glass"
    WHEELS = "wheels"
    UNDERBODY = "underbody"
    INTERIOR = "interior"


class Flaw(StrEnum):
    """What a mark is."""

    SCRATCH = "scratch"
    DENT = "dent"
    CRACK = "crack"
    STAIN = "stain"
    MISSING = "missing"


PLACES_ZH: Final = {
    Place.FRONT: "车头",
    Place.REAR: "车尾",
    Place.LEFT: "左侧",
    Place.RIGHT: "右侧",
    Place.ROOF: "车顶",
    Place.GLASS: "玻璃",
    Place.WHEELS: "车轮",
    Place.UNDERBODY: "底盘",
    Place.INTERIOR: "内饰",
}
FLAWS_ZH: Final = {
    Flaw.SCRATCH: "划痕",
    Flaw.DENT: "凹陷",
    Flaw.CRACK: "裂纹",
    Flaw.STAIN: "污渍",
    Flaw.MISSING: "缺件",
}


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """One thing that is not as it should be, in fixed words: the record holds no free text."""

    place: Place
    flaw: Flaw

    @property
    def code(self) -> str:
        """Return the stable word."""
        return f"{self.place.value}:{self.flaw.value}"

    @property
    def in_words(self) -> str:
        """Return it for a person to read, in Chinese and in English: who will read a disclosure is not known yet."""
        return f"{PLACES_ZH[self.place]}{FLAWS_ZH[self.flaw]} ({self.flaw.value}, {self.place.value})"

    @staticmethod
    def from_code(code: str) -> Mark:
        """Read a stable word."""
        place, _, flaw = code.partition(":")
        return Mark(Place(place), Flaw(flaw))


@dataclass(frozen=True, slots=True)
class Condition:
    """What was seen: the odometer, the photos' SHA-256 in hexadecimal, and the marks, in order."""

    odometer_km: int
    photos: tuple[str, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class ConditionCheck:
    """A car's condition as one side saw it when the car changed hands."""

    id: str
    brand_id: str
    shipment_id: str
    vin: str
    at_hand_over: HandOver
    seen: Condition
    by_account_id: str | None
    at: datetime


class Party(StrEnum):
    """Who had the car in between, and answers for what is new."""

    PLANT = "plant"
    CARRIER = "carrier"


class CaseState(StrEnum):
    """A damage case's life; closed says what the repair costs and who bears it."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DISPUTED = "disputed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class DamageCase:
    """Marks that were not there when the car changed hands before."""

    id: str
    brand_id: str
    vin: str
    shipment_id: str
    check_id: str
    party: Party
    marks: tuple[Mark, ...]
    state: CaseState
    opened_at: datetime
    answered_at: datetime | None = None
    closed_at: datetime | None = None
    borne_by: str | None = None
    repair_minor: int | None = None


def read_condition(*, odometer_km: int, photos: Sequence[str], marks: Sequence[Mark]) -> Condition:
    """Read what was seen; refuses an odometer, photos or marks that make no sense (InvalidInput)."""
    if not 0 <= odometer_km <= ODOMETER_MAX_KM:
        raise InvalidInput("odometerKm", because("COUNT", least=0, most=ODOMETER_MAX_KM))
    hashes = tuple(photo.strip().lower() for photo in photos)
    if not 1 <= len(hashes) <= PHOTOS_MAX or len(set(hashes)) < len(hashes):
        raise InvalidInput("photos", because("PHOTOS", most=PHOTOS_MAX))
    if not all(_HASH.fullmatch(photo) for photo in hashes):
        raise InvalidInput("photos", because("PHOTO_HASH"))
    if len(marks) > MARKS_MAX:
        raise InvalidInput("marks", because("COUNT_MOST", most=MARKS_MAX))
    return Condition(odometer_km, hashes, tuple(sorted(set(marks))))


def check_odometer(seen: Condition, *, last_km: int) -> None:
    """Refuse an odometer that shows less than it did before (OdometerBackwards)."""
    if seen.odometer_km < last_km:
        raise OdometerBackwards(last_km, seen.odometer_km)


def new_marks(before: Sequence[Mark], seen: Condition) -> tuple[Mark, ...]:
    """Return the marks that were not there before."""
    return tuple(mark for mark in seen.marks if mark not in before)


def untold_minor(cases: Sequence[DamageCase], *, told_minor: int) -> int:
    """Return what a way's closed cases say the repair costs beyond what was told of that way."""
    return max(0, sum(case.repair_minor or 0 for case in cases) - told_minor)


def who_had_it(at_hand_over: HandOver) -> Party:
    """Return who had the car up to a hand-over: the plant until it is loaded, then the carrier."""
    return Party.PLANT if at_hand_over is HandOver.LOADED else Party.CARRIER
