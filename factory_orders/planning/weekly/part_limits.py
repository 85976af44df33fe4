"""For how many cars that have their weeks each part has come by each week: what is there, and what suppliers named.

Cars without a week need no such limit: theirs begins with the day on which all their parts can be there. From the day
on which a part can be called off and come, there is enough of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import Final

from factory_orders.parts.model import PartSupply
from factory_orders.planning.slotting import WEEK
from factory_orders.planning.weekly.model import PART, Shortfall

PARTS_MAX: Final = 30
"""So many parts limit a plan at most, those of which most cars lack: the search has no room for more."""


@dataclass(frozen=True, slots=True)
class PartLimit:
    """One part's limit: the weeks of the cars that take it, for how many cars it comes, and when it can be called off.

    A car takes `quantity` of it: where cars take different numbers, the largest of them. `postponed` is by how many
    days all of it would come later.
    """

    part: str
    supply: PartSupply
    quantity: int
    opens: date
    weeks: Sequence[date]
    postponed: int

    def by_week(self, weeks: Sequence[date]) -> tuple[int, ...]:
        """Return for how many cars it has come by each week; behind the day on which it opens for all of them."""
        later = timedelta(days=self.postponed)
        cars = []
        for week in weeks:
            come = sum(one.quantity for one in self.supply.coming if one.on + later <= week)
            enough = len(self.weeks) if week >= self.opens else 0
            cars.append(max(self.supply.on_hand + come, 0) // self.quantity + enough)
        return tuple(accumulate(cars, max))

    def lacking(self, weeks: Sequence[date]) -> list[Shortfall]:
        """Return the weeks by which more cars need it than it has come for."""
        of_week = Counter(self.weeks)
        needed = accumulate(of_week[week] for week in weeks)
        return [
            Shortfall(week, PART + self.part, taken, come)
            for week, taken, come in zip(weeks, needed, self.by_week(weeks), strict=True)
            if taken > come and of_week[week]
        ]


@dataclass(frozen=True, slots=True)
class TakenParts:
    """A car that has its week, by its order: the parts that it takes, and how many of each."""

    order_id: str
    week: date
    parts: Mapping[str, int]


def part_limits(
    cars: Sequence[TakenParts],
    supplies: Mapping[str, PartSupply],
    weeks: Sequence[date],
    *,
    opens: Mapping[str, date],
    late_weeks: Mapping[str, int],
) -> list[PartLimit]:
    """Return the parts that limit these weeks: those that come too late for a car, or would come later than they do.

    `opens` has by part the day by which it comes if it is called off today, as things are.
    """
    quantity: dict[str, int] = {}
    of_part: dict[str, list[date]] = {}
    for car in cars:
        for part, number in car.parts.items():
            if part in supplies:
                quantity[part] = max(number, quantity.get(part, 0))
                of_part.setdefault(part, []).append(car.week)
    found = []
    for part, taken in sorted(of_part.items()):
        later = late_weeks.get(part, 0) * WEEK
        limit = PartLimit(part, supplies[part], quantity[part], opens[part] + later, taken, later.days)
        if later or limit.lacking(weeks):
            found.append(limit)
    found.sort(key=lambda one: -max((lack.taken - lack.capacity for lack in one.lacking(weeks)), default=0))
    return found[:PARTS_MAX]
