"""Vehicle identification numbers: the structure of ISO 3779 with the check digit of GB 16735 (49 CFR 565 has the same).

Places 1-3 maker (WMI), 4-8 the car, 9 check digit, 10 model year, 11 plant, 12-17 serial. I, O and Q do not occur.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from factory_orders.errors import VinInvalid
from kernel.reasons import because

ALPHABET: Final = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
YEAR_CODES: Final = "ABCDEFGHJKLMNPRSTVWXY123456789"
FIRST_YEAR: Final = 1980
PLANT_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"
WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
VALUES: Final = {
    **{str(digit): digit for digit in range(10)},
    **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
    **dict(zip("JKLMN", range(1, 6), strict=True)),
    "P": 7,
    "R": 9,
    **dict(zip("STUVWXYZ", range(2, 10), strict=True)),
}
SERIAL_MAX: Final = 999_999
LENGTH: Final = 17


@dataclass(frozen=True, slots=True)
class Vin:
    """The parts of a number: `model_year` is the latest one that the code can mean up to 30 years on from 1980 + n."""

    text: str

    @property
    def wmi(self) -> str:
        return self.text[:3]

    @property
    def descriptor(self) -> str:
        return self.text[3:8]

    @property
    def check(self) -> str:
        return self.text[8]

    @property
    def year_code(self) -> str:
        return self.text[9]

    @property
    def plant_letter(self) -> str:
        return self.text[10]

    @property
    def serial(self) -> str:
        return self.text[11:]


def check_digit(text: str) -> str:
    """Return the check digit of 17 places (place 9 counts nothing): the weighted sum modulo 11, 10 written X."""
    remainder = sum(VALUES[sign] * weight for sign, weight in zip(text, WEIGHTS, strict=True)) % 11
    return "X" if remainder == 10 else str(remainder)


def year_code(year: int) -> str:
    """Return the code of a model year; codes come again after 30 years."""
    assert year >= FIRST_YEAR
    return YEAR_CODES[(year - FIRST_YEAR) % len(YEAR_CODES)]


def plant_letter(index: int) -> str:
    """Return the letter of a brand's plant, counted in the order in which its plants were added."""
    assert 0 <= index < len(PLANT_LETTERS), "a brand has at most 23 plants"
    return PLANT_LETTERS[index]


def descriptor(model: str, powertrain: str) -> str:
    """Return places 4-8: up to three signs of the model, two that stand for the powertrain, unused places 0."""
    signs = "".join(sign for sign in model.upper() if sign in ALPHABET)[:3].ljust(3, "0")
    number = sum(
        ALPHABET.index(sign) * (index + 1) for index, sign in enumerate(powertrain.upper()) if sign in ALPHABET
    )
    high, low = divmod(number % len(ALPHABET) ** 2, len(ALPHABET))
    return signs + ALPHABET[high] + ALPHABET[low]


def make_vin(*, wmi: str, described: str, year: int, plant: str, serial: int) -> Vin:
    """Compose a number with its check digit."""
    assert 1 <= serial <= SERIAL_MAX, "a plant builds fewer than a million cars of a brand a year"
    open_text = f"{wmi}{described}0{year_code(year)}{plant}{serial:06d}"
    assert len(open_text) == LENGTH and all(sign in ALPHABET for sign in open_text), open_text
    return Vin(f"{open_text[:8]}{check_digit(open_text)}{open_text[9:]}")


def read_vin(text: str) -> Vin:
    """Read a number as a person types it (spaces and small letters are fine), or refuse (VinInvalid)."""
    plain = "".join(text.split()).upper()
    if len(plain) != LENGTH:
        raise VinInvalid(text[:40], because("VIN_LENGTH", places=len(plain), wanted=LENGTH))
    foreign = sorted({sign for sign in plain if sign not in ALPHABET})
    if foreign:
        raise VinInvalid(text[:40], because("VIN_LETTERS", letters=tuple(foreign)))
    if plain[9] not in YEAR_CODES:
        raise VinInvalid(text[:40], because("VIN_YEAR", letter=plain[9]))
    if check_digit(plain) != plain[8]:
        raise VinInvalid(text[:40], because("VIN_DIGIT"))
    return Vin(plain)


def require_same_car(text: str, vin: str) -> None:
    """Refuse a number that is none, and another car's (VinInvalid)."""
    if read_vin(text).text != vin:
        raise VinInvalid(text[:40], because("VIN_OTHER"))
