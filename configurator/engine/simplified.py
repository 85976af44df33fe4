"""A formula made smaller before it is searched: decided variables are taken out, equal ones become one.

What is left is numbered anew, those variables first that stand for a feature. The cars stay the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

from configurator.engine.formula import Clause, Formula


@dataclass(frozen=True)
class Simplified:
    """A smaller formula with the way back: `image[v]` is the literal that variable v became, 0 where it is decided.

    Variables 1..shown are those that stand for at least one feature.
    """

    variable_count: int
    shown: int
    clauses: tuple[Clause, ...]
    image: tuple[int, ...]
    always: frozenset[int]
    """The literals of the formula that are true in every car."""
    feature_count: int

    def translated(self, literals: Iterable[int]) -> list[int] | None:
        """Return the literals in the smaller formula, decided ones left out; None where no car has them all."""
        found: dict[int, None] = {}
        for literal in literals:
            image = self.image[abs(literal)]
            if image:
                found[image if literal > 0 else -image] = None
            elif literal not in self.always:
                return None
        return list(found) if not any(-literal in found for literal in found) else None

    def image_of(self, literal: int) -> int:
        """Return the literal of the smaller formula that stands for one, 0 where it is decided."""
        return self.image[literal] if literal > 0 else -self.image[-literal]

    def smaller_car(self, car: int) -> int:
        """Return a car of the formula (a bit set over its variables) as a bit set over those of the smaller one."""
        if not self.variable_count:
            return 0
        signs = format(car, f"0{len(self.image)}b")[::-1]
        return int("".join(self._pick(signs))[::-1], 2) << 1

    @cached_property
    def _pick(self) -> Callable[[str], Iterable[str]]:
        """Return what picks from a text by variable the places of those variables that stay, in their new order."""
        places = {image: variable for variable, image in enumerate(self.image) if image > 0}
        return itemgetter(*(places[number] for number in range(1, self.variable_count + 1)))

    @cached_property
    def _members(self) -> tuple[tuple[int, int], ...]:
        """Return by variable the bit sets of the features that have its value, and of those that have the opposite."""
        same, opposite = [0] * (self.variable_count + 1), [0] * (self.variable_count + 1)
        for feature in range(1, self.feature_count + 1):
            image = self.image[feature]
            if image > 0:
                same[image] |= 1 << feature
            elif image < 0:
                opposite[-image] |= 1 << feature
        return tuple(zip(same, opposite, strict=True))

    @cached_property
    def features_always(self) -> int:
        """Return the bit set of the features that every car has."""
        return sum(1 << literal for literal in self.always if 0 < literal <= self.feature_count)

    @cached_property
    def features_never(self) -> int:
        """Return the bit set of the features that no car has."""
        return sum(1 << -literal for literal in self.always if 0 < -literal <= self.feature_count)

    def features(self, true: int, false: int) -> int:
        """Return the bit set of the features that have, or can have, a car where these variables are true, or false.

        Decided features are left out.
        """
        found = 0
        members = self._members
        for variable in bits(true):
            found |= members[variable][0]
        for variable in bits(false):
            found |= members[variable][1]
        return found


def bits(number: int) -> list[int]:
    """Return the places of the bits that are set, ascending."""
    text = bin(number)[:1:-1]
    found = []
    place = text.find("1")
    while place >= 0:
        found.append(place)
        place = text.find("1", place + 1)
    return found


def simplify(formula: Formula, always: frozenset[int]) -> Simplified | None:
    """Make the formula smaller; None where its clauses of two literals make a variable equal to its own opposite.

    `always` holds literals that are true in every car, and is closed under propagation.
    """
    left = [
        tuple(literal for literal in clause if -literal not in always)
        for clause in formula.clauses
        if not any(literal in always for literal in clause)
    ]
    equal = _equal_literals(left, formula.variable_count)
    if equal is None:
        return None
    image = _numbered(formula, always, equal)
    clauses: dict[Clause, None] = {}
    for clause in left:
        renamed = {image[abs(literal)] if literal > 0 else -image[abs(literal)] for literal in clause}
        if not any(-literal in renamed for literal in renamed):
            clauses[tuple(sorted(renamed))] = None
    shown = max((abs(image[v]) for v in range(1, formula.feature_count + 1)), default=0)
    count = max(map(abs, image), default=0)
    return Simplified(count, shown, tuple(clauses), tuple(image), always, formula.feature_count)


def propagated(clauses: Sequence[Clause]) -> frozenset[int] | None:
    """Return what follows from the clauses of one literal, step by step; None where they contradict each other."""
    users: dict[int, list[int]] = {}
    for number, clause in enumerate(clauses):
        for literal in clause:
            users.setdefault(-literal, []).append(number)
    true: set[int] = set()
    todo = [number for number, clause in enumerate(clauses) if len(set(clause)) < 2]
    while todo:
        clause = clauses[todo.pop()]
        if not true.isdisjoint(clause):
            continue
        left = {literal for literal in clause if -literal not in true}
        if not left:
            return None
        if len(left) == 1:
            true |= left
            todo += users.get(left.pop(), ())
    return frozenset(true)


def _numbered(formula: Formula, always: frozenset[int], equal: Sequence[int]) -> list[int]:
    """Give the first variable of each class the next number, the others its literal."""
    image = [0] * (formula.variable_count + 1)
    count = 0
    for variable in range(1, formula.variable_count + 1):
        if variable in always or -variable in always:
            continue
        first = equal[variable]
        if abs(first) == variable:
            count += 1
            image[variable] = count
        else:
            image[variable] = image[abs(first)] if first > 0 else -image[abs(first)]
    return image


def _equal_literals(clauses: Iterable[Clause], variable_count: int) -> list[int] | None:
    """Return for each variable the literal of the lowest variable that it must equal by clauses of two literals.

    None where one must equal its own opposite, so that no car is left.
    The classes are the strongly connected components of the implications (Aspvall, Plass and Tarjan, 1979).
    """
    implied: dict[int, list[int]] = {}
    for clause in clauses:
        if len(clause) == 2:
            one, other = clause
            implied.setdefault(-one, []).append(other)
            implied.setdefault(-other, []).append(one)
    equal = list(range(variable_count + 1))
    for component in _components(implied):
        first = min(component, key=abs)
        for literal in component:
            if literal == -first:
                return None
            equal[abs(literal)] = first if literal > 0 else -first
    return equal


def _components(implied: dict[int, list[int]]) -> list[list[int]]:
    """Return the strongly connected components of more than one node (Tarjan, without recursion)."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    found: list[list[int]] = []
    for root in implied:
        if root in order:
            continue
        work = [(root, 0)]
        while work:
            node, place = work.pop()
            if place == 0:
                order[node] = low[node] = len(order)
                stack.append(node)
                on_stack.add(node)
            successors = implied.get(node, ())
            if place:
                low[node] = min(low[node], low[successors[place - 1]])
            while place < len(successors):
                successor = successors[place]
                place += 1
                if successor not in order:
                    work += [(node, place), (successor, 0)]
                    break
                if successor in on_stack:
                    low[node] = min(low[node], order[successor])
            else:
                if low[node] == order[node]:
                    component = _popped(stack, on_stack, node)
                    if len(component) > 1:
                        found.append(component)
    return found


def _popped(stack: list[int], on_stack: set[int], node: int) -> list[int]:
    component = []
    while True:
        component.append(stack.pop())
        on_stack.discard(component[-1])
        if component[-1] == node:
            return component
