"""Which cars the demo's files allow, asked of a SAT solver by an encoding apart from the product's own engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final

from pysat.card import CardEnc, EncType
from pysat.examples.rc2 import RC2Stratified
from pysat.formula import WCNF
from pysat.solvers import Solver

from tests.demo.plain_files import read_constraints, read_groups, read_rows

Clause = list[int]
LONG_AGO: Final = date(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when a model is ordered."""

    model: str
    region: str
    day: date


@dataclass(frozen=True)
class Brand:
    """The files of one catalogue folder; constraints are read in the few shapes that the demo uses."""

    folder: Path

    @cached_property
    def models(self) -> dict[str, dict[str, str]]:
        return {row["model"]: row for row in read_rows(self.folder / "models.csv")}

    @cached_property
    def category_of(self) -> dict[str, str]:
        return {row["option"]: row["category"] for row in read_rows(self.folder / "options.csv")}

    @cached_property
    def rules(self) -> dict[str, dict[str, str]]:
        return {row["rule"]: row for row in read_rows(self.folder / "rules.csv")}

    @cached_property
    def constraints(self) -> dict[str, str]:
        return read_constraints(self.folder / "options.uvl")

    @cached_property
    def price_rules(self) -> list[tuple[list[str], int]]:
        rows = read_rows(self.folder / "price_rules.csv")
        return [([name.strip() for name in row["when"].split("&")], int(row["amount_yuan"])) for row in rows]

    @cached_property
    def variables(self) -> dict[str, int]:
        names = [name for group in read_groups(self.folder / "options.uvl") for name in (group.parent, *group.members)]
        return {name: number for number, name in enumerate(dict.fromkeys(names), start=1)}

    @cached_property
    def tree(self) -> list[Clause]:
        """Return the clauses of the groups; every parent here is in every car."""
        clauses: list[Clause] = []
        top = len(self.variables)
        for group in read_groups(self.folder / "options.uvl"):
            low, high = group.bounds
            members = [self.variables[member] for member in group.members]
            clauses.append([self.variables[group.parent]])
            for bound in (CardEnc.atleast, CardEnc.atmost):
                limit = low if bound == CardEnc.atleast else high
                encoded = bound(members, limit, top_id=top, encoding=EncType.seqcounter)
                top = max(top, encoded.nv)
                clauses += encoded.clauses
        return clauses

    @property
    def regions(self) -> list[str]:
        return sorted({row["region"] for row in read_rows(self.folder.parent / "network" / "regions.csv")})

    @property
    def days(self) -> list[date]:
        """Return the first day and every day on which some rule begins or has just ended."""
        firsts = {date.fromisoformat(row["first_day"]) for row in self.rules.values() if row["first_day"]}
        lasts = {date.fromisoformat(row["last_day"]) for row in self.rules.values() if row["last_day"]}
        return sorted({LONG_AGO} | firsts | {last + timedelta(days=1) for last in lasts})

    @property
    def places(self) -> list[Place]:
        return [Place(model, region, day) for model in self.models for region in self.regions for day in self.days]

    def in_force(self, rule: str, place: Place) -> bool:
        """Say whether a rule's row counts for a model's plant, in a region, on a day."""
        row, plant = self.rules[rule], self.models[place.model]["plant"]
        return (
            place.region in (row["regions"].split(";") if row["regions"] else [place.region])
            and plant in (row["plants"].split(";") if row["plants"] else [plant])
            and (not row["first_day"] or date.fromisoformat(row["first_day"]) <= place.day)
            and (not row["last_day"] or place.day <= date.fromisoformat(row["last_day"]))
        )

    def clauses_at(self, place: Place, *, without: str = "") -> list[Clause]:
        """Return the clauses of all cars of a model at a place, leaving out one rule if asked."""
        clauses = [*self.tree, [self.variables[place.model]]]
        for rule, constraint in self.constraints.items():
            if rule != without and self.in_force(rule, place):
                clauses += self.clauses_of(constraint)
        return clauses

    def clauses_of(self, constraint: str) -> list[Clause]:
        """Encode `A | B => C | !D`, `A => !B & !C`, or a disjunction of literals."""
        left, arrow, right = constraint.partition("=>")
        if not arrow:
            return [self._literals(left, "|")]
        bodies = [[literal] for literal in self._literals(right, "&")] if "&" in right else [self._literals(right, "|")]
        return [[-head, *body] for head in self._literals(left, "|") for body in bodies]

    def _literals(self, text: str, operator: str) -> Clause:
        words = [word.strip() for word in text.split(operator)]
        return [-self.variables[word[1:]] if word[0] == "!" else self.variables[word] for word in words]

    def possible_options(self, place: Place) -> set[str]:
        """Return the options that some car of the model at the place has; empty where there is no such car."""
        possible: set[str] = set()
        with Solver("glucose4", bootstrap_with=self.clauses_at(place)) as solver:
            for option in self.category_of:
                if option not in possible and solver.solve(assumptions=[self.variables[option]]):
                    chosen = set(solver.get_model())
                    possible |= {name for name in self.category_of if self.variables[name] in chosen}
        return possible

    def forced_options(self, place: Place) -> list[str]:
        """Return the options that no car of the model at the place can do without."""
        with Solver("glucose4", bootstrap_with=self.clauses_at(place)) as solver:
            return [name for name in self.category_of if not solver.solve(assumptions=[-self.variables[name]])]

    def amount(self, model: str, option: str, column: str) -> int:
        """Return a price or a cost in yuan; the row of the model goes before the one of all models."""
        rows = {row["model"]: row for row in self._prices[option]}
        return int((rows.get(model) or rows["*"])[column])

    @cached_property
    def _prices(self) -> dict[str, list[dict[str, str]]]:
        prices: dict[str, list[dict[str, str]]] = {}
        for row in read_rows(self.folder / "prices.csv"):
            prices.setdefault(row["option"], []).append(row)
        return prices

    def highest(self, place: Place, worth: dict[str, int], rule_worth: Sequence[int]) -> int:
        """Return the largest sum of option and price-rule worths over the cars at a place (weighted MaxSAT)."""
        formula = WCNF()
        formula.extend(self.clauses_at(place))
        terms = [(self.variables[option], value) for option, value in worth.items() if value]
        top = max(abs(literal) for clause in formula.hard for literal in clause)
        for (names, _), value in zip(self.price_rules, rule_worth, strict=True):
            top += 1
            literals = [self.variables[name] for name in names]
            formula.extend([[-top, literal] for literal in literals] + [[top, *(-literal for literal in literals)]])
            terms.append((top, value))
        for variable, value in terms:
            formula.append([variable if value > 0 else -variable], weight=abs(value))
        with RC2Stratified(formula, solver="g4", adapt=True, exhaust=True, minz=True) as search:
            chosen = set(search.compute())
        return sum(value for variable, value in terms if variable in chosen)

    def price_range(self, place: Place) -> tuple[int, int]:
        """Return the cheapest and the dearest car of a model at a place, in yuan."""
        base = int(self.models[place.model]["base_price_yuan"])
        worth = {option: self.amount(place.model, option, "price_yuan") for option in self.category_of}
        amounts = [amount for _, amount in self.price_rules]
        negated = {option: -value for option, value in worth.items()}
        cheapest = base - self.highest(place, negated, [-amount for amount in amounts])
        return cheapest, base + self.highest(place, worth, amounts)

    def thinnest_margin(self, place: Place, *, discount_percent: int) -> int:
        """Return the least of price · (1 − discount) − cost over the cars at a place, in hundredths of a yuan."""
        kept, model = 100 - discount_percent, self.models[place.model]
        base = int(model["base_price_yuan"]) * kept - int(model["cost_yuan"]) * 100
        loss = {
            option: self.amount(place.model, option, "cost_yuan") * 100
            - self.amount(place.model, option, "price_yuan") * kept
            for option in self.category_of
        }
        return base - self.highest(place, loss, [-amount * kept for _, amount in self.price_rules])
