"""The engine's answers from a compiled circuit: sessions that are only their decisions, on shared workspaces.

A workspace is brought to a session's decisions when it is asked, by undoing and deciding only what differs; the one
that served a session last is taken first. So a session costs some hundred bytes, and threads share a backend.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np

from configurator.engine import circuit as at
from configurator.engine import kernels, passes
from configurator.engine import workspace as of
from configurator.engine.backend import BackendKind, Bounds, Car, Delta, Domains, Weights
from configurator.engine.circuit import Circuit
from configurator.engine.counting import count_cars
from configurator.engine.reduction import ALWAYS, NEVER
from configurator.engine.weighing import CodeWeights, Scales
from configurator.engine.workspace import new_workspace

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORKSPACES_KEPT_MAX: Final = 8
NOTHING: Final = Delta()


class Workspace:
    """A kernel's workspace with the buffers around it."""

    def __init__(self, circuit: Circuit, *, many: int | None = None) -> None:
        self.work = new_workspace(circuit, many=many)
        self.codes = np.zeros(circuit.size(at.CLASSES) + 1, dtype=np.int32)
        self.out = np.zeros(circuit.size(at.FEATURES) + 1, dtype=np.int32)
        self.decided: tuple[int, ...] | None = ()
        """The literals that the workspace stands for; None while that is not known."""
        kernels.prepare(circuit.block, self.work)


class Pan:
    """What a pass over weights fills: by part (nodes, then groups), by node and by code."""

    def __init__(self, circuit: Circuit) -> None:
        nodes, parts = circuit.size(at.NODES), circuit.size(at.NODES) + circuit.size(at.GROUPS)
        self.weights, self.ties = np.empty(parts, dtype=np.int64), np.empty(parts, dtype=np.int64)
        self.choice, self.reached = np.empty(nodes, dtype=np.int32), np.empty(nodes, dtype=np.int8)
        self.chosen = np.empty(2 * circuit.size(at.CLASSES), dtype=np.int8)

    def weigh(self, circuit: Circuit, workspace: Workspace, scale: CodeWeights) -> int:
        """Fill by part and node, and return the least weight."""
        passes.weigh(circuit.block, workspace.work, scale.weights, scale.ties, self.weights, self.ties, self.choice)
        return int(self.weights[0]) + scale.base


class CircuitBackend:
    """Answers from a circuit; may be shared by threads, each of which works on a workspace of its own meanwhile."""

    kind = BackendKind.CIRCUIT

    def __init__(self, circuit: Circuit, *, many: int | None = None) -> None:
        self.circuit = circuit
        self._many = many
        self.block = circuit.block
        self._codes: list[int] = circuit.section(at.CODE_OF).tolist()
        self._scales = Scales(self._codes, circuit.size(at.CLASSES))
        self._free: list[Workspace] = []
        self._lock = threading.Lock()

    def open(self, literals: Sequence[int]) -> CircuitSession | None:
        """Begin a session with these decisions; None where no car meets them."""
        decisions = tuple(dict.fromkeys(literals))
        with self.standing_at(decisions) as workspace:
            return None if workspace is None else CircuitSession(self, decisions)

    def has_car(self, literals: Sequence[int]) -> bool:
        """Say whether some car meets the literals."""
        with self.standing_at(tuple(literals)) as workspace:
            return workspace is not None

    def domains(self, literals: Sequence[int]) -> Domains | None:
        """Tell where all features stand; None where no car meets the literals."""
        with self.standing_at(tuple(literals)) as workspace:
            if workspace is None:
                return None
            size = (self.circuit.size(at.FEATURES) >> 3) + 1
            can, cannot = np.empty(size, dtype=np.uint8), np.empty(size, dtype=np.uint8)
            passes.domains(self.block, workspace.work, can, cannot)
        return Domains(int.from_bytes(can.tobytes(), "little"), int.from_bytes(cannot.tobytes(), "little"))

    def minimal_choices(
        self, literals: Sequence[int], wanted: Sequence[int], *, context: Sequence[int] = ()
    ) -> tuple[int, ...] | None:
        """Find literals that together with the context exclude `wanted`, none of them superfluous; None if none do.

        The result is empty where the context alone excludes it.
        """
        always = (*context, *wanted)
        with self.standing_at(always) as workspace:
            if workspace is None:
                return ()
            asked: dict[int, int] = {}  # of literals that are always equal the first is enough
            for literal in literals:
                code = self.code_of(literal)
                if code == NEVER:
                    return (literal,)
                if code != ALWAYS:
                    asked.setdefault(code, literal)
            codes = np.fromiter(asked, np.int32, len(asked))
            places = np.empty(len(codes) + 1, dtype=np.int32)
            found = kernels.cause(self.block, workspace.work, codes, len(codes), places)
            if found < 0:
                return None
            named = list(asked.values())
            return tuple(named[place] for place in sorted(places[:found].tolist()))

    def lightest(self, literals: Sequence[int], weights: Weights) -> Car | None:
        """Find the car of the least weight, proven; None where no car meets the literals."""
        scale = self._scales.weights(weights)
        with self.standing_at(tuple(literals)) as workspace:
            if workspace is None:
                return None
            pan = Pan(self.circuit)
            weight = pan.weigh(self.circuit, workspace, scale)
            passes.take(self.block, workspace.work, scale.weights, scale.ties, pan.choice, pan.reached, pan.chosen)
        return Car(self._features(pan.chosen), weight)

    def bounds(self, literals: Sequence[int], weights: Weights) -> Bounds | None:
        """Find the least weight with and without each open feature, proven."""
        scale = self._scales.weights(weights)
        with self.standing_at(tuple(literals)) as workspace:
            if workspace is None:
                return None
            pan = Pan(self.circuit)
            least = pan.weigh(self.circuit, workspace, scale)
            bounds = np.empty(2 * self.circuit.size(at.CLASSES), dtype=np.int64)
            passes.bound(
                self.block, workspace.work, scale.weights, scale.ties, pan.weights, np.empty_like(pan.weights), bounds
            )
            flags = workspace.work[workspace.work[of.FLAGS] :].view(np.int8)
            closed = flags[self.circuit.size(at.BRANCHES) :].copy()
        codes = self.circuit.section(at.CODE_OF)[: self.circuit.size(at.FEATURES) + 1]
        features = np.nonzero(codes >= 0)[0]
        features = features[features > 0]
        features = features[(closed[codes[features]] == 0) & (closed[codes[features] ^ 1] == 0)]
        present, absent = bounds[codes[features]] + scale.base, bounds[codes[features] ^ 1] + scale.base
        names = features.tolist()
        return Bounds(
            least,
            dict(zip(names, present.tolist(), strict=True)),
            dict(zip(names, absent.tolist(), strict=True)),
        )

    def soonest(self, literals: Sequence[int], weeks: Mapping[int, int]) -> int:
        """Return the set of weeks (bit w for week w) in which some car that meets the literals can be built."""
        by_code, shared = self._scales.weeks(weeks)
        with self.standing_at(tuple(literals)) as workspace:
            if workspace is None:
                return 0
            by_part = np.empty(self.circuit.size(at.NODES) + self.circuit.size(at.GROUPS), dtype=np.uint64)
            return shared & int(passes.share_weeks(self.block, workspace.work, by_code, by_part))

    def count(self, literals: Sequence[int]) -> int:
        """Count the cars that meet the literals, exactly."""
        with self.standing_at(tuple(literals)) as workspace:
            return 0 if workspace is None else count_cars(self.circuit, workspace.work).total

    def sample(self, literals: Sequence[int], *, number: int, seed: int) -> tuple[int, ...]:
        """Draw cars uniformly and independently (bit sets over the features); none where no car meets the literals."""
        with self.standing_at(tuple(literals)) as workspace:
            if workspace is None:
                return ()
            counts = count_cars(self.circuit, workspace.work)
        chance = random.Random(seed)
        chosen = np.empty(2 * self.circuit.size(at.CLASSES), dtype=np.int8)
        cars = []
        for _ in range(number):
            counts.draw(chance, chosen)
            cars.append(self._features(chosen))
        return tuple(cars)

    def _features(self, chosen: NDArray[np.int8]) -> int:
        features = np.empty((self.circuit.size(at.FEATURES) >> 3) + 1, dtype=np.uint8)
        passes.show(self.block, chosen, features)
        return int.from_bytes(features.tobytes(), "little")

    def code_of(self, literal: int) -> int:
        """Return the code of a literal, ALWAYS or NEVER; what was taken out is a mistake of the caller (KeyError)."""
        code = self._codes[abs(literal)]
        if code >= 0:
            return code if literal > 0 else code ^ 1
        if code in (ALWAYS, NEVER):
            return code if literal > 0 else ALWAYS + NEVER - code
        raise KeyError(f"variable {abs(literal)} was taken out of the circuit")

    @contextmanager
    def standing_at(self, decisions: tuple[int, ...]) -> Iterator[Workspace | None]:
        """Lend a workspace that stands at these decisions; None where no car meets them."""
        workspace = self.take(decisions)
        try:
            yield workspace
        finally:
            if workspace is not None:
                self.give(workspace)

    def take(self, decisions: tuple[int, ...]) -> Workspace | None:
        """Take a workspace and bring it to these decisions; None where no car meets them."""
        if not self.circuit.has_cars:
            return None
        with self._lock:
            for index in range(len(self._free) - 1, -1, -1):
                if self._free[index].decided == decisions:
                    return self._free.pop(index)
            workspace = self._free.pop(self._nearest(decisions)) if self._free else None
        if workspace is None:
            workspace = Workspace(self.circuit, many=self._many)
        if workspace.decided == decisions or self._bring(workspace, decisions):
            return workspace
        self.give(workspace)
        return None

    def give(self, workspace: Workspace) -> None:
        """Give a workspace back."""
        with self._lock:
            if len(self._free) < WORKSPACES_KEPT_MAX:
                self._free.append(workspace)

    def _nearest(self, decisions: tuple[int, ...]) -> int:
        """Return the place of the free workspace that shares most of its first decisions."""
        return max(range(len(self._free)), key=lambda index: _shared_beginning(self._free[index].decided, decisions))

    def _bring(self, workspace: Workspace, decisions: tuple[int, ...]) -> bool:
        codes = []
        for literal in decisions:
            code = self.code_of(literal)
            if code == NEVER:
                return False
            if code != ALWAYS:
                codes.append(code)
        distinct = dict.fromkeys(codes)
        if any(code ^ 1 in distinct for code in distinct):
            return False
        workspace.codes[: len(distinct)] = list(distinct)
        workspace.decided = None
        if kernels.bring(self.block, workspace.work, workspace.codes, len(distinct)) >= 0:
            return False
        workspace.decided = decisions
        return True


class CircuitSession:
    """A buyer's decisions; where they lead stands in a workspace of the backend."""

    __slots__ = ("_backend", "_decisions")

    def __init__(self, backend: CircuitBackend, decisions: tuple[int, ...]) -> None:
        self._backend = backend
        self._decisions = decisions

    @property
    def decisions(self) -> tuple[int, ...]:
        """Return the decided literals in their order, those of the context first."""
        return self._decisions

    def decide(self, literal: int) -> Delta | None:
        """Add a decision; None where no car is left, and then nothing has changed. A repeated one changes nothing."""
        if literal in self._decisions:
            return NOTHING
        backend = self._backend
        code = backend.code_of(literal)
        if code == NEVER:
            return None
        workspace = backend.take(self._decisions)
        assert workspace is not None, "a session always has a car"
        try:
            length = 0
            after = (*self._decisions, literal)
            if code != ALWAYS and not self._has_code(code):
                length = kernels.decide(backend.block, workspace.work, code, workspace.out)
            if length < 0:
                return None
            workspace.decided = self._decisions = after
            return Delta(closed=tuple(workspace.out[:length].tolist())) if length else NOTHING
        finally:
            backend.give(workspace)

    def withdraw(self, literal: int) -> Delta:
        """Take any earlier decision back, in whatever order they came; unknown ones are our own mistake."""
        assert literal in self._decisions, "only what was decided is withdrawn"
        backend = self._backend
        after = tuple(decision for decision in self._decisions if decision != literal)
        code = backend.code_of(literal)
        workspace = backend.take(self._decisions)
        assert workspace is not None, "a session always has a car"
        try:
            length = 0
            self._decisions = after
            if code != ALWAYS and not self._has_code(code):
                length = kernels.withdraw(backend.block, workspace.work, code, workspace.out)
            workspace.decided = after
            return Delta(opened=tuple(workspace.out[:length].tolist())) if length else NOTHING
        finally:
            backend.give(workspace)

    def domains(self) -> Domains:
        """Return where all features stand."""
        found = self._backend.domains(self._decisions)
        assert found is not None, "a session always has a car"
        return found

    def fork(self) -> CircuitSession:
        """Return a session that goes on from here on its own."""
        return CircuitSession(self._backend, self._decisions)

    def _has_code(self, code: int) -> bool:
        """Say whether a decision has the code: features that are always equal share one."""
        return any(self._backend.code_of(decision) == code for decision in self._decisions)


def _shared_beginning(left: tuple[int, ...] | None, right: tuple[int, ...]) -> int:
    if left is None:
        return 0
    for index, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return index
    return min(len(left), len(right))
