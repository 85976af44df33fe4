"""Which weeks a pool reserves and which week each order gets: first fit in order of time, never beyond what is free."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from factory_orders.planning.model import Placement, SlotRequest, WeekRoom

WEEK = timedelta(days=7)


def spread(free: Sequence[int], need: int) -> tuple[int, ...] | None:
    """Split `need` over consecutive weeks: an even share first, what is left as early as possible; None if it lacks."""
    if need > sum(free):
        return None
    share = -(-need // max(len(free), 1))
    taken = [0] * len(free)
    for limit in (share, need):
        for index, room in enumerate(free):
            more = min(room, limit, need) - taken[index]
            more = max(0, min(more, need - sum(taken)))
            taken[index] += more
    return tuple(taken)


def spread_resources(
    weeks: Sequence[WeekRoom], needs: Mapping[str, int]
) -> dict[str, tuple[int, ...]] | tuple[str, int]:
    """Split every resource's need over the weeks, or name the resource that lacks most and by how much."""
    found: dict[str, tuple[int, ...]] = {}
    short: list[tuple[int, str]] = []
    for resource, need in needs.items():
        free = [week.free.get(resource, 0) for week in weeks]
        split = spread(free, need)
        if split is None:
            short.append((need - sum(free), resource))
        else:
            found[resource] = split
    if short:
        missing, resource = max(short)
        return resource, missing
    return found


def earliest_window(weeks: Sequence[WeekRoom], needs: Mapping[str, int], *, length: int) -> date | None:
    """Return the first week from which a window of `length` weeks has room for the needs."""
    for start in range(len(weeks) - length + 1):
        if isinstance(spread_resources(weeks[start : start + length], needs), dict):
            return weeks[start].week
    return None


def slot_orders(requests: Sequence[SlotRequest], weeks: Sequence[WeekRoom]) -> tuple[list[Placement], list[str]]:
    """Give each order, in the given order, its first week with room for all it needs; the others are named.

    What the pool held goes first, then what is free. Nobody of the same needs overtakes another: first fit.
    """
    free = {week.week: dict(week.free) for week in weeks}
    held = {week.week: dict(week.held) for week in weeks}
    placed: list[Placement] = []
    unplaced: list[str] = []
    for request in requests:
        week = _first_week(request, weeks, free, held)
        if week is None:
            unplaced.append(request.order_id)
            continue
        from_held = frozenset(resource for resource in request.resources if held[week].get(resource, 0) > 0)
        for resource in request.resources:
            pot = held if resource in from_held else free
            pot[week][resource] -= 1
        placed.append(Placement(request.order_id, week, request.resources, from_held))
    return placed, unplaced


def _first_week(
    request: SlotRequest,
    weeks: Sequence[WeekRoom],
    free: Mapping[date, Mapping[str, int]],
    held: Mapping[date, Mapping[str, int]],
) -> date | None:
    for week in weeks:
        if week.week >= request.ready_week and all(
            free[week.week].get(resource, 0) + held[week.week].get(resource, 0) > 0 for resource in request.resources
        ):
            return week.week
    return None


def level_days(count: int, days: Sequence[date], loads: Mapping[date, int]) -> list[date]:
    """Give `count` further cars their days, in order, so that the days of the week end up as even as possible."""
    assert days, "a week with cars has a working day"
    after = {day: loads.get(day, 0) for day in days}
    more = dict.fromkeys(days, 0)
    for _ in range(count):
        day = min(days, key=lambda one: (after[one], one))
        after[day] += 1
        more[day] += 1
    return [day for day in days for _ in range(more[day])]


def level_cars(
    cars: Sequence[frozenset[str]], days: Sequence[date], loads: Mapping[date, int], taken: Mapping[date, Counter[str]]
) -> list[date]:
    """Give further cars their days: as many as `level_days` says, and each option spread over them as evenly as may be.

    `cars` are constrained options in the cars' order, `taken` what each day has of them already. Cars with the same
    options keep their order.
    """
    left = Counter(level_days(len(cars), days, loads))
    has = {day: Counter(taken.get(day, {})) for day in days}
    kinds: dict[frozenset[str], list[int]] = {}
    for number, options in enumerate(cars):
        kinds.setdefault(options, []).append(number)
    found = dict.fromkeys(range(len(cars)), days[0])
    # Those with most options first: who has none fits anywhere.
    for options, numbers in sorted(kinds.items(), key=lambda kind: (-len(kind[0]), sorted(kind[0]))):
        chosen = []
        for _ in numbers:
            open_days = (day for day in days if left[day])
            day = min(open_days, key=lambda one: (sum(has[one][option] for option in options), -left[one], one))
            left[day] -= 1
            has[day].update(options)
            chosen.append(day)
        found.update(zip(numbers, sorted(chosen), strict=True))
    return [found[number] for number in range(len(cars))]
