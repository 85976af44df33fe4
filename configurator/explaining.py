"""Why an option is forced or excluded, in words; and what to give up for it, with what that costs and when it comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from configurator.catalogue import MODEL_GROUP, Catalogue
from configurator.completing import OptionWeeks, cheapest_car, soonest_week
from configurator.errors import OptionExcluded, OptionUnknown
from configurator.model import Choice, Text
from configurator.rules import group_codes, window_rules
from configurator.showroom import Showroom
from configurator.solver import Choices, Reason, Step

REPAIRS_MAX: Final = 3
REPAIRS_RANKED_MAX: Final = 12
"""So many of the smallest repairs are priced and dated before they are ranked."""
DAYS_IN_WEEK: Final = 7
Rank: TypeAlias = tuple[int, ...]


class RepairOrder(StrEnum):
    """What repairs are ranked by: fewest choices, price, date, or how dear the choices are (those made first most)."""

    COUNT = "count"
    PRICE = "price"
    DATE = "date"
    PREFERENCE = "preference"


@dataclass(frozen=True, slots=True)
class RuleInWords:
    """A rule's code and its sentence."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class RepairOffer:
    """Choices to give up for an option, what the cheapest completion then costs more (or, negative, less), and by how
    many days the soonest car comes later (None where no weeks are known)."""

    give_up: tuple[str, ...]
    price_difference_minor: int
    days_difference: int | None = None


@dataclass(frozen=True, slots=True)
class RepairOffers:
    """Ranked repairs; `are_all` says that no other minimal repair exists."""

    offers: tuple[RepairOffer, ...]
    are_all: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an option is forced or excluded, and for an excluded one the smallest repairs, cheapest first per size."""

    option: str
    because: tuple[str, ...]
    rules: tuple[RuleInWords, ...]
    repairs: tuple[RepairOffer, ...]


def explain_option(
    room: Showroom, model: str, wanted: Choices, step: Step, option: str, *, weeks: OptionWeeks | None = None
) -> Explanation:
    """Explain one option after choices that have a car; an open or chosen one needs no explanation.

    With `weeks` each repair says by how many days the soonest car comes later.
    """
    if option not in room.catalogue.option_by_code:
        raise OptionUnknown((option,))
    if option in step.open or option in wanted:
        return Explanation(option, (), (), ())
    present = option in step.excluded
    reason = room.engine.explain(wanted, room.context, feature=option, present=present)
    assert reason is not None, "what is not open has a reason"
    repairs = find_repairs(room, model, wanted, Choice(option), weeks=weeks).offers if present else ()
    return Explanation(option, because(reason), rules_in_words(room.catalogue, reason.rules), repairs[:REPAIRS_MAX])


def find_repairs(
    room: Showroom,
    model: str,
    wanted: Choices,
    choice: Choice,
    *,
    order: RepairOrder = RepairOrder.COUNT,
    weeks: OptionWeeks | None = None,
) -> RepairOffers:
    """Return the smallest repairs that keep the model, ranked; an own choice about the option itself always goes."""
    before = cheapest_car(room, model, wanted)
    week_before = soonest_week(room, wanted, weeks) if weeks is not None else None
    found = room.engine.repairs(
        wanted,
        room.context,
        feature=choice.option,
        present=choice.wanted,
        limit=REPAIRS_RANKED_MAX,
        kept=frozenset((model,)),
    )
    offers = []
    for repair in found.found:
        left = {name: value for name, value in wanted.items() if name not in repair.given_up}
        left[choice.option] = choice.wanted
        car = cheapest_car(room, model, left)
        assert car is not None, "a repair leads to a car"
        days = None
        if weeks is not None and week_before is not None:
            week = soonest_week(room, left, weeks)
            days = None if week is None else (week - week_before) * DAYS_IN_WEEK
        difference = car.price_minor - (before.price_minor if before is not None else 0)
        offers.append(RepairOffer(repair.given_up, difference, days))
    places = {name: place for place, name in enumerate(wanted)}
    return RepairOffers(tuple(sorted(offers, key=lambda offer: _rank(offer, order, places))), found.are_all)


def _rank(offer: RepairOffer, order: RepairOrder, places: Mapping[str, int]) -> Rank:
    """Return what sorts offers: the order asked for, then count and price, then which choices go."""
    rest = (len(offer.give_up), offer.price_difference_minor, *sorted(places[name] for name in offer.give_up))
    match order:
        case RepairOrder.COUNT:
            return rest
        case RepairOrder.PRICE:
            return (offer.price_difference_minor, *rest)
        case RepairOrder.DATE:
            late = offer.days_difference
            return (late is None, late or 0, *rest)
        case RepairOrder.PREFERENCE:
            # Whichever gives up the dearest choice later in the list is better: compare the dearest first.
            dearest = sorted((len(places) - places[name] for name in offer.give_up), reverse=True)
            return (*dearest, 0, *rest)


def because(reason: Reason) -> tuple[str, ...]:
    """Return the choices of a reason as words: a refused option with a dash before it, the model by its code."""
    return tuple(name if value else f"-{name}" for name, value in reason.choices)


def first_excluded(room: Showroom, model: str, choices: Sequence[Choice]) -> OptionExcluded:
    """Find the first choice that those before it exclude, and say why and what to give up.

    Where the model itself cannot be had at that place or day, it is the first.
    """
    reason = room.engine.explain({}, room.context, feature=model, present=True)
    if reason is not None:
        return _excluded(room, model, reason, ())
    before: dict[str, bool] = {model: True}
    for choice in choices:
        reason = room.engine.explain(before, room.context, feature=choice.option, present=choice.wanted)
        if reason is not None:
            kept = frozenset((model,))
            repairs = room.engine.repairs(
                before, room.context, feature=choice.option, present=choice.wanted, limit=1, kept=kept
            )
            return _excluded(room, choice.option, reason, repairs.found[0].given_up if repairs.found else ())
        before = {name: value for name, value in before.items() if name != choice.option}
        before[choice.option] = choice.wanted
    raise AssertionError("choices that clash hold one that the others exclude")


def _excluded(room: Showroom, name: str, reason: Reason, give_up: tuple[str, ...]) -> OptionExcluded:
    rules = rules_in_words(room.catalogue, reason.rules)
    named = _name_of(room.catalogue, name)
    causes = [_choice_in_words(room.catalogue, code, wanted=wanted) for code, wanted in reason.choices]
    repair = [_name_of(room.catalogue, code) for code in give_up]
    return OptionExcluded(
        option=name,
        because=because(reason),
        rules_en=tuple(rule.en for rule in rules),
        rules_zh=tuple(rule.zh for rule in rules),
        give_up=give_up,
        option_name_en=named.en,
        option_name_zh=named.zh,
        because_names_en=tuple(one.en for one in causes),
        because_names_zh=tuple(one.zh for one in causes),
        give_up_names_en=tuple(one.en for one in repair),
        give_up_names_zh=tuple(one.zh for one in repair),
    )


def _name_of(catalogue: Catalogue, code: str) -> Text:
    """Return the name of an option or a model."""
    found = catalogue.option_by_code.get(code) or catalogue.model_by_code.get(code)
    return found.name if found is not None else Text(code, code)


def _choice_in_words(catalogue: Catalogue, code: str, *, wanted: bool) -> Text:
    name = _name_of(catalogue, code)
    return name if wanted else Text(f"不选{name.zh}", f"no {name.en}")


def rules_in_words(catalogue: Catalogue, codes: Sequence[str]) -> tuple[RuleInWords, ...]:
    """Return rules with their sentences; a group without a row and an option's window get plain ones."""
    generated = {rule.code: rule.text for option in catalogue.options for rule in window_rules(option)}
    names = group_codes(catalogue.groups)
    parents = {names[id(group)]: group.parent for group in catalogue.groups if id(group) in names}
    words = []
    for code in codes:
        if code in catalogue.rule_by_code:
            text = catalogue.rule_by_code[code].text
            words.append(RuleInWords(code, text.zh, text.en))
        elif code in generated:
            words.append(RuleInWords(code, generated[code].zh + "。", generated[code].en + "."))
        else:
            words.append(_group_in_words(catalogue, code, parents.get(code, code)))
    return tuple(words)


def _group_in_words(catalogue: Catalogue, code: str, parent: str) -> RuleInWords:
    if parent == MODEL_GROUP:
        return RuleInWords(code, "请选择一款车型。", "A car is of one model.")
    category = catalogue.category_by_code.get(parent)
    zh, en = (category.name.zh, category.name.en) if category else (parent, parent)
    return RuleInWords(code, f"{zh}的选择数量有限制。", f"Only so many of {en} go together.")
