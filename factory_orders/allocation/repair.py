"""Mends an optimal allocation after cars, costs or places changed: only what the old prices do not bear out moves.

Under prices every car has a place of its own choice and every place a number of cars that is worth its price. What does
not agree any more is a car without a place, or a place with too many or too few. All of them look for the cheapest way
to where a car is wanted at once (Dijkstra on what the prices leave of the costs), the prices follow, everybody who then
has a way that costs nothing takes it, and so on (the primal-dual method). The end is as optimal as if all had been
computed anew, and is proven the same way; where too much has changed for that to pay, all is computed anew.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np

from factory_orders.allocation.flow import NO_STEP, allocate, proven
from factory_orders.allocation.model import Allocation, AllocationProblem, Indices, Whole
from factory_orders.line.compiled import kernel

ROUNDS_MAX: Final = 300
"""After so many rounds computing all anew is the quicker way."""
FAR: Final = NO_STEP // 2
"""Farther than any way is long."""
PLACES_MAX: Final = 4_000
"""With more places the table of moves between two of them takes more memory than is worth it."""
Flags: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int8]]
Table: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.int64]]
Carriers: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.int32]]
Chains: TypeAlias = tuple[Indices, Indices, Indices]
"""The cars of each place: the first one, and behind and before each car the next one; -1 is none."""
Rows: TypeAlias = tuple[Table, Carriers, Flags]
"""What moving one car from a place to each other costs at least, which car that is, and whether the row still holds."""
Search: TypeAlias = tuple[Whole, Flags, Indices, Indices, Indices]
"""By node: how far it is, 1 for seen and 2 for settled, the node and the car it was reached by; and all seen ones."""


def mend(problem: AllocationProblem, place: Indices, prices: Whole) -> Allocation:
    """Return the optimal allocation of a changed problem, from the places before (-1: none yet) and the old prices.

    Asserts that every car has a place, as `allocate` does.
    """
    ways, steps = problem.ways, problem.steps
    place, labels = place.astype(np.int32), np.concatenate((-prices, [0])).astype(np.int64)
    taken = np.zeros(steps.places, np.int64)
    _release(ways.first, ways.place, ways.cost, place, prices)
    np.add.at(taken, place[place >= 0], 1)
    seats = np.clip(taken, *_worth(problem, prices))
    before = np.concatenate(([0], np.cumsum(steps.width)))
    upto = before[1:] - np.repeat(before[steps.first[:-1]], np.diff(steps.first))
    parts = (ways.first, ways.place, ways.cost), (steps.first, upto, steps.cost)
    if steps.places > PLACES_MAX or not _settle(*parts, place, taken, seats, labels, ROUNDS_MAX):
        return allocate(problem)
    return proven(problem, place, labels[-1] - labels[:-1])


def _worth(problem: AllocationProblem, prices: Whole) -> tuple[Whole, Whole]:
    """Return between which numbers of cars each place is indifferent at its price."""
    steps = problem.steps
    of_place = np.repeat(np.arange(steps.places), np.diff(steps.first))
    least, most = np.zeros(steps.places, np.int64), np.zeros(steps.places, np.int64)
    np.add.at(least, of_place, np.where(steps.cost < prices[of_place], steps.width, 0))
    np.add.at(most, of_place, np.where(steps.cost <= prices[of_place], steps.width, 0))
    return least, most


@kernel
def _release(first: Whole, to: Indices, cost: Whole, place: Indices, prices: Whole) -> None:
    """Take cars from places that are not their cheapest way any more."""
    for car in range(len(place)):
        least, own = NO_STEP, NO_STEP
        for way in range(first[car], first[car + 1]):
            paid = cost[way] + prices[to[way]]
            least = min(least, paid)
            if to[way] == place[car]:
                own = min(own, paid)
        if own > least:
            place[car] = -1


@kernel
def _settle(
    ways: tuple[Whole, Indices, Whole],
    steps: tuple[Whole, Whole, Whole],
    place: Indices,
    taken: Whole,
    seats: Whole,
    labels: Whole,
    rounds_max: int,
) -> bool:
    """Lead everything that does not agree to where it is wanted; False where that takes too many rounds.

    `seats` is how many cars each place pays for, `taken` how many it has. The node behind the places is the end.
    """
    places, cars = len(seats), len(place)
    chains = _chains(place, places)
    table, carriers = np.zeros((places, places), np.int64), np.zeros((places, places), np.int32)
    rows = (table, carriers, np.zeros(places, np.int8))
    nodes = places + 1
    reached, state = np.zeros(nodes, np.int64), np.zeros(nodes, np.int8)
    parent, carried, touched = np.zeros(nodes, np.int32), np.zeros(nodes, np.int32), np.zeros(nodes, np.int32)
    search = (reached, state, parent, carried, touched)
    sources = np.flatnonzero(place < 0)
    for _ in range(rounds_max):
        state[:] = 0
        open_ones = 0
        for source in sources:
            if place[source] < 0:
                open_ones += not _follow(
                    int(source) - cars, ways, steps, place, taken, seats, labels, chains, rows, search
                )
        for node in range(nodes):
            while _surplus(node, taken, seats, cars) > 0:
                if not _follow(node, ways, steps, place, taken, seats, labels, chains, rows, search):
                    open_ones += 1
                    break
        if not open_ones:
            return True
        if not _look_round(sources, ways, steps, place, taken, seats, labels, chains, rows, search):
            return False
    return False


@kernel
def _surplus(node: int, taken: Whole, seats: Whole, cars: int) -> int:
    """Return how many cars a place has beyond its seats; at the end, how many seats there are beyond the cars."""
    return int(seats.sum() - cars if node == len(seats) else taken[node] - seats[node])


@kernel
def _begin(
    source: int,
    cars: int,
    ways: tuple[Whole, Indices, Whole],
    labels: Whole,
    search: Search,
    number: int,
    beyond: int,
) -> int:
    """Put the nodes where a source stands into the search: a car (below 0) at what each way costs beyond its least."""
    first, to, cost = ways
    if source >= 0:
        return _reach(source, 0, -1, -1, search, number)
    car = source + cars
    least = NO_STEP
    for way in range(first[car], first[car + 1]):
        least = min(least, cost[way] - labels[to[way]])
    for way in range(first[car], first[car + 1]):
        distance = cost[way] - labels[to[way]] - least
        if distance <= beyond:
            number = _reach(to[way], distance, -1, car, search, number)
    return number


@kernel
def _follow(
    source: int,
    ways: tuple[Whole, Indices, Whole],
    steps: tuple[Whole, Whole, Whole],
    place: Indices,
    taken: Whole,
    seats: Whole,
    labels: Whole,
    chains: Chains,
    rows: Rows,
    search: Search,
) -> bool:
    """Take a way from a source that costs nothing, if there is one; what leads nowhere stays marked for this round."""
    _, state, parent, carried, touched = search
    places = len(seats)
    end, at = -1, 0
    number = _begin(source, len(place), ways, labels, search, 0, 0)
    while at < number:
        node = touched[at]
        at += 1
        if _surplus(node, taken, seats, len(place)) < 0:
            end = node
            break
        state[node] = 2
        number = _spread(node, ways, steps, seats, labels, chains, rows, search, number)
    for one in range(number):
        # Unseen again are those that were not looked at, and all of them where the search ended well.
        if end >= 0 or state[touched[one]] == 1:
            state[touched[one]] = 0
    if end >= 0:
        _carry(end, places, place, taken, seats, chains, rows[2], parent, carried)
    return end >= 0


@kernel
def _look_round(
    sources: Whole,
    ways: tuple[Whole, Indices, Whole],
    steps: tuple[Whole, Whole, Whole],
    place: Indices,
    taken: Whole,
    seats: Whole,
    labels: Whole,
    chains: Chains,
    rows: Rows,
    search: Search,
) -> bool:
    """Find how far every place is from the nearest source, and let the prices follow; False where no one is wanted."""
    reached, state, _, _, _ = search
    cars, places, number, wanting = len(place), len(seats), 0, 0
    state[:], reached[:] = 0, FAR
    for source in sources:
        if place[source] < 0:
            number = _begin(int(source) - cars, cars, ways, labels, search, number, NO_STEP)
    for node in range(places + 1):
        if _surplus(node, taken, seats, cars) > 0:
            number = _reach(node, 0, -1, -1, search, number)
        wanting += _surplus(node, taken, seats, cars) < 0
    farthest, found, nearest = np.int64(0), 0, 0
    # Those farther than the last place that wants a car are as far as it, as far as prices are concerned.
    while found < wanting:
        nearest = _nearest(nearest, ways, steps, seats, labels, chains, rows, search)
        if nearest < 0:
            break
        state[nearest] = 2
        farthest = reached[nearest]
        found += _surplus(nearest, taken, seats, cars) < 0
    for node in range(places + 1):
        labels[node] += reached[node] if state[node] == 2 else farthest
    return found > 0


@kernel
def _nearest(
    node: int,
    ways: tuple[Whole, Indices, Whole],
    steps: tuple[Whole, Whole, Whole],
    seats: Whole,
    labels: Whole,
    chains: Chains,
    rows: Rows,
    search: Search,
) -> int:
    """Go on from the node settled last, if one is, and return the nearest that is not settled; -1 where none is known.

    One walk over all nodes does both, in the order in which they lie in memory; the kernel lives in it.
    """
    reached, state = search[0], search[1]
    places = len(seats)
    if state[node] == 2 and node == places:
        for one in range(places):
            if seats[one] > 0:
                back = labels[node] + reached[node] - _step(one, seats[one] - 1, steps) - labels[one]
                reached[one] = min(reached[one], back) if state[one] != 2 else reached[one]
    nearest, least = -1, FAR
    if state[node] == 2 and node < places:
        _refresh(node, ways, chains, rows)
        moves, base = rows[0][node], reached[node] + labels[node]
        more = _step(node, seats[node], steps)
        if more < NO_STEP and state[places] != 2:
            reached[places] = min(reached[places], base + more - labels[places])
        for one in range(places):
            if state[one] != 2:
                distance = min(base + moves[one] - labels[one], reached[one])
                reached[one] = distance
                if distance < least:
                    nearest, least = one, distance
        one = places
        if state[one] != 2 and reached[one] < least:
            nearest = one
        return nearest
    for one in range(places + 1):
        if state[one] != 2 and reached[one] < least:
            nearest, least = one, reached[one]
    return nearest


@kernel
def _chains(place: Indices, places: int) -> Chains:
    """Link the cars of each place."""
    head = np.full(places, -1, np.int32)
    after, before = np.full(len(place), -1, np.int32), np.full(len(place), -1, np.int32)
    for car in range(len(place)):
        if place[car] >= 0:
            _link(car, place[car], (head, after, before))
    return head, after, before


@kernel
def _link(car: int, at: int, chains: Chains) -> None:
    head, after, before = chains
    after[car], before[car] = head[at], -1
    if head[at] >= 0:
        before[head[at]] = car
    head[at] = car


@kernel
def _unlink(car: int, at: int, chains: Chains) -> None:
    head, after, before = chains
    if before[car] >= 0:
        after[before[car]] = after[car]
    else:
        head[at] = after[car]
    if after[car] >= 0:
        before[after[car]] = before[car]


@kernel
def _reach(node: int, distance: int, from_node: int, car: int, search: Search, number: int) -> int:
    """Note a way to a node where it is the nearest so far; returns how many nodes are known."""
    reached, state, parent, carried, touched = search
    if state[node] == 0:
        touched[number] = node
        number += 1
    elif state[node] == 2 or reached[node] <= distance:
        return number
    state[node] = 1
    reached[node], parent[node], carried[node] = distance, from_node, car
    return number


@kernel
def _step(one: int, seat: int, steps: tuple[Whole, Whole, Whole]) -> int:
    """Return what a place's seat costs, counted from 0; NO_STEP behind the last."""
    step_first, step_upto, step_cost = steps
    low, high = step_first[one], step_first[one + 1]
    while low < high:
        middle = (low + high) // 2
        if step_upto[middle] > seat:
            high = middle
        else:
            low = middle + 1
    return step_cost[low] if low < step_first[one + 1] else NO_STEP


@kernel
def _spread(
    node: int,
    ways: tuple[Whole, Indices, Whole],
    steps: tuple[Whole, Whole, Whole],
    seats: Whole,
    labels: Whole,
    chains: Chains,
    rows: Rows,
    search: Search,
    number: int,
) -> int:
    """Go on from a node: by each of its cars to their other places, by one seat more to the end, or back from there.

    Only what costs nothing is gone.
    """
    reached, state = search[0], search[1]
    places, base = len(seats), reached[node] + labels[node]
    if node == places:
        for one in range(places):
            if seats[one] > 0:
                distance = base - _step(one, seats[one] - 1, steps) - labels[one]
                if distance == 0:
                    number = _reach(one, distance, node, -1, search, number)
        return number
    more = _step(node, seats[node], steps)
    if more < NO_STEP and base + more == labels[places]:
        number = _reach(places, 0, node, -1, search, number)
    _refresh(node, ways, chains, rows)
    moves, cars = rows[0][node], rows[1][node]
    for one in range(places):
        distance = base + moves[one] - labels[one]
        if distance == 0 and state[one] != 2:
            number = _reach(one, distance, node, cars[one], search, number)
    return number


@kernel
def _refresh(node: int, ways: tuple[Whole, Indices, Whole], chains: Chains, rows: Rows) -> None:
    """Find for a place whose cars have changed which of them moves to each other place at the least cost."""
    first, to, cost = ways
    head, after, _ = chains
    table, carriers, holds = rows
    if holds[node]:
        return
    moves, cars = table[node], carriers[node]
    moves[:] = 2 * NO_STEP
    car = head[node]
    while car >= 0:
        paid = NO_STEP
        for way in range(first[car], first[car + 1]):
            if to[way] == node and cost[way] < paid:
                paid = cost[way]
        for way in range(first[car], first[car + 1]):
            if cost[way] - paid < moves[to[way]]:
                moves[to[way]], cars[to[way]] = cost[way] - paid, car
        car = after[car]
    holds[node] = 1


@kernel
def _carry(
    end: int,
    places: int,
    place: Indices,
    taken: Whole,
    seats: Whole,
    chains: Chains,
    holds: Flags,
    parent: Indices,
    carried: Indices,
) -> None:
    """Move everything along the way that was found."""
    node = end
    while True:
        origin, car = parent[node], carried[node]
        if car >= 0:
            if origin >= 0:
                _unlink(car, origin, chains)
                taken[origin], holds[origin] = taken[origin] - 1, 0
            _link(car, node, chains)
            place[car] = node
            taken[node], holds[node] = taken[node] + 1, 0
        elif node == places and origin >= 0:
            seats[origin] += 1
        elif origin == places:
            seats[node] -= 1
        if origin < 0:
            return
        node = origin
