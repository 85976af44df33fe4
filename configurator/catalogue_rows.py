"""Makes what each table of a catalogue folder holds from its rows; a wrong cell is noted by file and line."""

from __future__ import annotations

from configurator.arithmetic import check_size
from configurator.catalogue import CarModel, Category, Condition, Energy, Option, OptionPrice, PriceRule, Rule, RuleKind
from configurator.expression_reader import parse_expression
from configurator.expressions import ExpressionFault
from configurator.file_tables import Row
from configurator.model import Text
from configurator.parts_model import PartUse


def _name(row: Row) -> Text:
    return Text(row.required("zh"), row.required("en"))


def model_of(row: Row) -> CarModel:
    """Return a car model."""
    energy = row.required("energy")
    if energy not in tuple(Energy):
        row.fault(f"energy must be one of {', '.join(Energy)}, not {energy!r}")
        energy = Energy.BEV
    return CarModel(
        row.code("model"),
        row.code("platform"),
        row.code("plant"),
        Energy(energy),
        row.yuan("base_price_yuan"),
        row.yuan("cost_yuan"),
        _name(row),
    )


def category_of(row: Row) -> Category:
    """Return a category."""
    return Category(row.code("category"), row.whole("position"), _name(row))


def option_of(row: Row) -> Option:
    """Return an option."""
    first_day, last_day = row.days()
    return Option(
        row.code("option"),
        row.required("category"),
        row.flag("long_lead"),
        row.flag("constrained"),
        first_day,
        last_day,
        row.optional("fulfils_proposal"),
        _name(row),
        Text(row.optional("zh_text"), row.optional("en_text")),
    )


def price_of(row: Row) -> OptionPrice:
    """Return the price of an option."""
    price, cost = row.yuan("price_yuan", negative=True), row.yuan("cost_yuan", negative=True)
    return OptionPrice(row.required("model"), row.required("option"), price, cost)


def rule_of(row: Row) -> Rule:
    """Return a rule without its expression."""
    kind = row.required("kind")
    if kind not in tuple(RuleKind):
        row.fault(f"kind must be one of {', '.join(RuleKind)}, not {kind!r}")
        kind = RuleKind.REQUIRES
    first_day, last_day = row.days()
    condition = Condition(row.words("regions"), row.words("plants"), first_day, last_day)
    return Rule(row.code("rule"), RuleKind(kind), None, condition, _name(row))


def price_rule_of(row: Row) -> PriceRule | None:
    """Return a price rule; None where its condition cannot be read."""
    amount = row.yuan("amount_yuan", negative=True)
    code, text = row.code("rule"), _name(row)
    try:
        when = parse_expression(row.required("when"))
        check_size(when)
        return PriceRule(code, when, amount, text)
    except ExpressionFault as fault:
        row.fault(f"when: {fault.reason}")
        return None


def part_of(row: Row) -> PartUse:
    """Return the use of a part."""
    first_day, last_day = row.days()
    return PartUse(
        row.required("feature"),
        row.code("part"),
        row.whole("quantity", least=1),
        row.code("supplier"),
        row.whole("lead_time_days"),
        first_day,
        last_day,
    )
