"""Plans a book: first fit where it is proven to be the best there is, else prices and the search that they guide.

Who finds room in the first week in which the parts are there cannot be built sooner. Where that holds for everybody,
the plan is the optimum and no unit is worth anything; a brand's first years look like that: nothing heavy is loaded.
"""

from __future__ import annotations

from factory_orders.planning.weekly.model import BookOrder, WeekBook, WeekPlan, cost_in_week


def solve_book(book: WeekBook, *, seed: int = 1, weeks_only: bool = False) -> WeekPlan:
    """Return the plan of a book with its bound, and what one more unit saves unless somebody wants `weeks_only`.

    The same seed gives the same plan.
    """
    easy = plan_without_search(book)
    if easy is not None:
        return easy
    # numpy, the compiled kernels and HiGHS take a second to load: only where somebody has to wait for room.
    from factory_orders.planning.weekly.core import search_book

    return search_book(book, seed=seed, weeks_only=weeks_only)


def plan_without_search(book: WeekBook) -> WeekPlan | None:
    """Return the plan by first fit where everybody gets the own first week; None where that is not so."""
    weeks = first_fit(book)
    cost = 0
    for order, week in zip(book.orders, weeks, strict=True):
        if week != max(order.ready, 0):
            return None
        cost += cost_in_week(order, week, book.costs)
    return WeekPlan(tuple(weeks), cost, cost, (), None)


def first_fit(book: WeekBook) -> list[int | None]:
    """Return the first week with room for each order, in the book's order; None where no week has."""
    left = {name: list(row) for name, row in zip(book.resources, book.room, strict=True)}
    come = {name: list(row) for name, row in zip(book.parts, book.supply, strict=True)}
    found = []
    for order in book.orders:
        rows = [left[name] for name in order.needs if name in left]
        parts = [come[name] for name in order.parts if name in come]
        week = _first_week(order, rows, parts, len(book.weeks))
        if week is not None:
            for row in rows:
                row[week] -= 1
            for row in parts:  # What one week takes the later ones cannot take.
                row[week:] = [units - 1 for units in row[week:]]
        found.append(week)
    return found


def _first_week(order: BookOrder, rows: list[list[int]], parts: list[list[int]], weeks: int) -> int | None:
    for week in range(max(order.ready, 0), weeks):
        if all(row[week] > 0 for row in rows) and all(min(row[week:]) > 0 for row in parts):
            return week
    return None


def in_turn(book: WeekBook, weeks: tuple[int | None, ...]) -> list[int | None]:
    """Return the same weeks so that nobody with the same needs and parts is overtaken: the book's order is the turn."""
    kinds: dict[tuple[tuple[str, ...], tuple[str, ...], int], list[int]] = {}
    for number, order in enumerate(book.orders):
        kinds.setdefault((order.needs, order.parts, order.ready), []).append(number)
    found = list(weeks)
    for numbers in kinds.values():
        own = sorted((weeks[number] for number in numbers), key=lambda week: (week is None, week or 0))
        for number, week in zip(numbers, own, strict=True):
            found[number] = week
    return found
