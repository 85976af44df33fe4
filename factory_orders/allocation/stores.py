"""Free cars (stock cars, those of cancelled orders) to the stores that want their kind: transport, lateness, fairness.

Every car either goes to a store that wants its kind or waits where it stands. The sum is as small as it can be, and the
result says so itself: its bound is counted from the prices alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from factory_orders.allocation.fairness import MILLE
from factory_orders.allocation.flow import allocate
from factory_orders.allocation.model import Allocation, AllocationProblem, Steps, Ways, steps_of, ways_of
from factory_orders.allocation.repair import mend


@dataclass(frozen=True, slots=True)
class FreeCar:
    """A new car without a buyer: what kind it is, where it stands (a plant or a store), and the day it can leave."""

    id: str
    kind: str
    stands_at: str
    ready: int


@dataclass(frozen=True, slots=True)
class StoreNeed:
    """A store wants up to `wanted` cars of a kind by a day; `owed` thousandths of one were carried on from before."""

    store_id: str
    kind: str
    wanted: int
    owed: int
    by: int


@dataclass(frozen=True, slots=True)
class AllocationCosts:
    """What an allocation is judged by, in fen; days are ordinals, roads in km.

    A car at a store that wants it is worth `worth`; a day late costs `late_day`; a car of difference between what a
    store gets and is owed costs `unfair` times its square.
    """

    worth: int = 2_000_000
    move: int = 30_000
    km: int = 300
    late_day: int = 10_000
    unfair: int = 50_000
    km_per_day: int = 450


@dataclass(frozen=True, slots=True)
class CarMove:
    """A car's store, what the way costs and how many days late it comes; `store_id` is None for one that waits."""

    car_id: str
    store_id: str | None
    transport_minor: int
    days_late: int


@dataclass(frozen=True, slots=True)
class StoreAllocation:
    """Where every car goes, what it costs against what nothing could cost less than, and the flow with its prices."""

    moves: tuple[CarMove, ...]
    cost_minor: int
    bound_minor: int
    flow: Allocation


class StorePlan:
    """One sharing out, kept so that changes can be mended: the cars, the needs, the roads and what all cost."""

    def __init__(
        self,
        cars: Sequence[FreeCar],
        needs: Sequence[StoreNeed],
        *,
        roads: Mapping[tuple[str, str], int],
        costs: AllocationCosts,
    ) -> None:
        """Take the roads' km by (where a car stands, store); what has no road is not gone."""
        self.cars, self.needs, self._roads, self._costs = tuple(cars), tuple(needs), roads, costs
        self._by_kind: dict[str, list[int]] = {}
        for number, need in enumerate(self.needs):
            self._by_kind.setdefault(need.kind, []).append(number)
        self.problem = AllocationProblem(self._ways(), self._steps())

    def allocate(self) -> StoreAllocation:
        """Return the allocation of least cost, with its proof."""
        return self._told(allocate(self.problem))

    def mend(self, before: StoreAllocation, plan: StorePlan) -> StoreAllocation:
        """Return the allocation of least cost from that of an earlier plan: only what the changes concern moves."""
        known = {(need.store_id, need.kind): number for number, need in enumerate(self.needs)}
        prices = np.zeros(len(self.needs) + 1, np.int64)
        place = np.full(len(self.cars), -1, np.int32)
        moved = {move.car_id: move for move in before.moves}
        for number, need in enumerate(plan.needs):
            if (need.store_id, need.kind) in known:
                prices[known[need.store_id, need.kind]] = before.flow.prices[number]
        for number, car in enumerate(self.cars):
            move = moved.get(car.id)
            if move is not None:
                at = -1 if move.store_id is None else known.get((move.store_id, car.kind), -1)
                place[number] = len(self.needs) if move.store_id is None else at
        return self._told(mend(self.problem, place, prices))

    def way(self, car: FreeCar, need: StoreNeed) -> CarMove | None:
        """Return what it means to send a car to a store; None where no road leads there."""
        km = self._roads.get((car.stands_at, need.store_id))
        if km is None:
            return None
        transport = self._costs.move + self._costs.km * km if car.stands_at != need.store_id else 0
        arrives = car.ready - (-km // self._costs.km_per_day)
        return CarMove(car.id, need.store_id, transport, max(0, arrives - need.by))

    def _ways(self) -> Ways:
        stays = (len(self.needs), 0)
        rows = []
        for car in self.cars:
            found = ((number, self.way(car, self.needs[number])) for number in self._by_kind.get(car.kind, ()))
            rows.append([(number, self._cost(move)) for number, move in found if move is not None] + [stays])
        return ways_of(rows)

    def _cost(self, move: CarMove) -> int:
        return move.transport_minor + move.days_late * self._costs.late_day

    def _steps(self) -> Steps:
        rows = [
            [
                (1, self._costs.unfair * (MILLE * (2 * number + 1) - 2 * need.owed) // MILLE - self._costs.worth)
                for number in range(need.wanted)
            ]
            for need in self.needs
        ]
        return steps_of([*rows, [(max(len(self.cars), 1), 0)]])

    def _told(self, flow: Allocation) -> StoreAllocation:
        moves = []
        for car, place in zip(self.cars, flow.place.tolist(), strict=True):
            move = self.way(car, self.needs[place]) if place < len(self.needs) else CarMove(car.id, None, 0, 0)
            assert move is not None, "a car goes only where a road leads"
            moves.append(move)
        return StoreAllocation(tuple(moves), flow.cost, flow.bound, flow)
