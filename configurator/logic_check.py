"""Checks what a catalogue means: no contradiction, no option that no car can have, no option without a price."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from configurator.catalogue import Catalogue
from configurator.completing import heaviest
from configurator.definitions import TooManyHelpers
from configurator.engine.backend import WEIGHT_MAX
from configurator.errors import AnswerTooHard
from configurator.faults import Fault
from configurator.model import Context
from configurator.pricing import price_weights
from configurator.report_subject import TooManyContexts, distinct_contexts
from configurator.rules import compile_catalogue, group_codes
from configurator.sat_engine import SatEngine
from configurator.solver import Clash, Step

UVL: Final = "options.uvl"
NOT_FOUND: Final = "not found within the bounds of a search"


def logic_faults(catalogue: Catalogue) -> list[Fault]:
    """Return contradictions (with the fewest rules in conflict), dead options and missing prices."""
    try:
        book = compile_catalogue(catalogue)
        contexts = distinct_contexts(catalogue, book)
    except TooManyHelpers as trouble:
        return [Fault(UVL, 0, str(trouble))]
    except TooManyContexts as trouble:
        return [Fault("rules.csv", 0, str(trouble))]
    if (too_large := _sums_too_large(catalogue)) is not None:
        return [too_large]
    engine = SatEngine(book)
    root = catalogue.features[0]
    contradictions: dict[tuple[str, ...] | None, Fault] = {}
    possible: set[str] = set()
    for context in contexts:
        match engine.step({}, context):
            case Clash():
                rules = _fewest(engine, context, root)
                contradictions.setdefault(rules, _contradiction(catalogue, rules, context))
            case Step() as step:
                possible |= step.open | step.forced
    faults = list(contradictions.values())
    if not faults:
        named = [*(model.code for model in catalogue.models), *(option.code for option in catalogue.options)]
        faults = [_dead(catalogue, engine, contexts[0], name) for name in named if name not in possible]
        faults += _missing_prices(catalogue, engine, contexts)
    engine.close()
    return faults


def _sums_too_large(catalogue: Catalogue) -> Fault | None:
    """Name a model whose prices, weighed as a completion weighs them, no longer fit the engine's whole numbers."""
    for model in catalogue.models:
        prices = price_weights(catalogue, model=model.code)
        if heaviest(catalogue, prices) >= WEIGHT_MAX:
            return Fault("prices.csv", 0, f"the prices of '{model.code}' add up to more than can be reckoned with")
    return None


def _fewest(engine: SatEngine, context: Context, feature: str) -> tuple[str, ...] | None:
    """Return the fewest rules that keep a feature out; None where they were not found within the search's bounds."""
    try:
        return engine.smallest_conflict(context, feature=feature)
    except AnswerTooHard:
        return None


def _contradiction(catalogue: Catalogue, rules: tuple[str, ...] | None, context: Context) -> Fault:
    line, named = _places(catalogue, rules)
    where = f"on {context.day}" + (f" in {context.region}" if context.region else "")
    return Fault(UVL, line, f"contradiction: no car can be built {where}; these rules exclude each other: {named}")


def _dead(catalogue: Catalogue, engine: SatEngine, context: Context, name: str) -> Fault:
    line, named = _places(catalogue, _fewest(engine, context, name))
    return Fault(UVL, line, f"dead: no car can have '{name}', because of: {named or 'the tree itself'}")


def _places(catalogue: Catalogue, rules: tuple[str, ...] | None) -> tuple[int, str]:
    """Return the first rule's line and all the rules with their lines, as words."""
    if rules is None:
        return 0, NOT_FOUND
    lines = {rule.code: rule.line for rule in catalogue.rules if rule.line}
    codes = group_codes(catalogue.groups)
    lines |= {codes[id(group)]: group.line for group in catalogue.groups if id(group) in codes}
    known = [lines[rule] for rule in rules if lines.get(rule)]
    named = ", ".join(f"{rule} (line {lines[rule]})" if lines.get(rule) else rule for rule in rules)
    return (min(known) if known else 0), named


def _missing_prices(catalogue: Catalogue, engine: SatEngine, contexts: list[Context]) -> Iterator[Fault]:
    """Yield a fault for each option that a model can have and that has no price for it."""
    for model in catalogue.models:
        buildable: set[str] = set()
        for context in contexts:
            step = engine.step({model.code: True}, context)
            if isinstance(step, Step):
                buildable |= step.open | step.forced
        for option in catalogue.options:
            if option.code in buildable and catalogue.price_of(model=model.code, option=option.code) is None:
                yield Fault("prices.csv", 0, f"missing price of option '{option.code}' for model '{model.code}'")
