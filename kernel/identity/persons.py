"""Who stands behind an account: resident ID numbers (GB 11643-1999), checked by a provider, kept as a hash only."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Protocol

from kernel.errors import InvalidInput
from kernel.identity.errors import IdNumberInvalid, TooYoung
from kernel.identity.tokens import keyed_hash
from kernel.ids import BrandId
from kernel.reasons import because

AGE_YEARS_MIN: Final = 18
NAME_LENGTH_MAX: Final = 60
OLDEST_BIRTH: Final = date(1900, 1, 1)
# Province-level codes of GB/T 2260; 91 begins the numbers of foreigners with permanent residence.
# fmt: off
REGIONS: Final = frozenset({
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43",
    "44", "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81", "82", "83", "91",
})
# fmt: on
# No place has these: numbers invented for demos and tests begin with them.
INVENTED_REGIONS: Final = frozenset({"99"})
_FORM: Final = re.compile(r"[1-9][0-9]{16}[0-9X]")


@dataclass(frozen=True, slots=True)
class PersonClaim:
    """Who somebody says they are."""

    id_number: str = field(repr=False)
    name: str = field(repr=False)


class PersonVerifier(Protocol):
    """Asks whoever knows whether a claim is true. Returns the ID number as it is registered; refuses a false one."""

    def verify(self, claim: PersonClaim, *, today: date) -> str: ...


class SandboxPersonVerifier:
    """Believes every claim whose ID number has the right form and belongs to somebody of age; asks nobody."""

    def verify(self, claim: PersonClaim, *, today: date) -> str:
        """Return the number in its standard form; refuses IdNumberInvalid and TooYoung."""
        number = read_id_number(claim.id_number, today=today, regions=REGIONS | INVENTED_REGIONS)
        if age_years(birth_date(number), today) < AGE_YEARS_MIN:
            raise TooYoung(AGE_YEARS_MIN)
        return number


def read_person_name(text: str) -> str:
    """Return a name in one line; refuses what is nobody's: nothing, too long, not printable (InvalidInput)."""
    name = " ".join(text.split())
    if not name or len(name) > NAME_LENGTH_MAX or not name.isprintable():
        raise InvalidInput("name", because("LENGTH", most=NAME_LENGTH_MAX))
    return name


def read_id_number(text: str, *, today: date, regions: frozenset[str] = REGIONS) -> str:
    """Return an ID number in its standard form; refuses a wrong length, region, date of birth or check digit."""
    number = text.strip().upper()
    if not _FORM.fullmatch(number):
        raise IdNumberInvalid("17 digits and a digit or X", "应为17位数字加1位数字或X")
    if number[:2] not in regions:
        raise IdNumberInvalid("its region", "地区码")
    try:
        born = birth_date(number)
    except ValueError:
        raise IdNumberInvalid("its date of birth", "出生日期") from None
    if not OLDEST_BIRTH <= born <= today:
        raise IdNumberInvalid("its date of birth", "出生日期")
    if check_digit(number[:17]) != number[17]:
        raise IdNumberInvalid("its check digit", "校验码")
    return number


def birth_date(number: str) -> date:
    """Return the date at places 7 to 14; raises ValueError where there is none."""
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def check_digit(first_17: str) -> str:
    """Return place 18 by ISO 7064 MOD 11-2: the weighted sum of all 18 places leaves 1 when divided by 11."""
    remainder = 0
    for digit in first_17:
        remainder = (remainder + int(digit)) * 2 % 11
    return "0123456789X"[(12 - remainder) % 11]


def age_years(born: date, today: date) -> int:
    """Return full years; who was born on 29 February is a year older on 1 March."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def person_hash(identity_key: bytes, brand_id: BrandId, id_number: str) -> str:
    """Return what is kept of an ID number: HMAC-SHA256 under the installation's secret, another one for each brand."""
    return keyed_hash(identity_key, "person", brand_id, id_number)
