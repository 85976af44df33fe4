"""What `muster catalogue check` and `diff` tell a person: counts, faults, and what differs between two versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from configurator.catalogue import CarModel, Catalogue, Condition, Option, OptionPrice, Rule, RuleKind
from configurator.catalogue_files import inspect_folder
from configurator.catalogue_json import content_hash
from configurator.expressions import format_expression
from configurator.faults import Fault
from configurator.part_gaps import part_gaps
from configurator.parts_model import PartUse
from kernel.money import Money, format_money

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Report:
    """What a check of a folder found; it can be published when there are no faults."""

    folder: str
    faults: tuple[Fault, ...]
    brand: str = ""
    label: str = ""
    content_hash: str = ""
    counts: tuple[tuple[str, int], ...] = ()
    part_gaps: tuple[Fault, ...] = ()
    """What the part list lacks; it can be published all the same."""

    def lines(self) -> list[str]:
        """Return the report as lines for a terminal."""
        if self.faults:
            found = f"{len(self.faults)} faults" if len(self.faults) > 1 else "1 fault"
            return [f"{self.folder}: {found}", *(f"  {fault}" for fault in self.faults)]
        counted = ", ".join(f"{count} {name}" for name, count in self.counts)
        head = [f"{self.folder}: {self.brand} {self.label} is sound: {counted}", f"  content {self.content_hash}"]
        return [*head, *(f"  part list: {gap}" for gap in self.part_gaps)]


def check_folder(folder: Path) -> Report:
    """Read and check a catalogue folder as publishing would, without publishing."""
    catalogue, faults = inspect_folder(folder)
    return Report(str(folder), faults) if catalogue is None or faults else report_of(folder, catalogue)


def report_of(folder: Path, catalogue: Catalogue) -> Report:
    """Report on a catalogue that was read from a folder and found sound."""
    about = (catalogue.brand, catalogue.label, content_hash(catalogue), _counts(catalogue))
    return Report(str(folder), (), *about, part_gaps(folder, catalogue))


def _counts(catalogue: Catalogue) -> tuple[tuple[str, int], ...]:
    kinds = [(kind.value, sum(rule.kind is kind for rule in catalogue.rules)) for kind in RuleKind]
    return (
        ("models", len(catalogue.models)),
        ("options", len(catalogue.options)),
        ("rules", len(catalogue.rules) + len(catalogue.price_rules)),
        *kinds,
        ("price", len(catalogue.price_rules)),
        ("parts", len({part.part for part in catalogue.parts})),
    )


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: what kind of thing, which one, how it was and how it is (empty: it was or is not there)."""

    thing: str
    code: str
    before: str
    after: str

    def line(self) -> str:
        """Return the change as a line: `+` came, `-` went, `~` changed."""
        if not self.before:
            return f"+ {self.thing} {self.code}: {self.after}"
        if not self.after:
            return f"- {self.thing} {self.code}: {self.before}"
        return f"~ {self.thing} {self.code}: {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True)
class CatalogueDiff:
    """What differs between two catalogues, by kind of thing."""

    models: tuple[Change, ...]
    options: tuple[Change, ...]
    rules: tuple[Change, ...]
    prices: tuple[Change, ...]
    price_rules: tuple[Change, ...]
    parts: tuple[Change, ...]

    def changes(self) -> tuple[Change, ...]:
        """Return all changes, models first, parts last."""
        return self.models + self.options + self.rules + self.prices + self.price_rules + self.parts

    def lines(self) -> list[str]:
        """Return the difference as lines for a terminal."""
        return [change.line() for change in self.changes()] or ["nothing differs"]


def diff_catalogues(old: Catalogue, new: Catalogue) -> CatalogueDiff:
    """Compare two catalogues by what they mean; order and layout of the files do not count."""
    return CatalogueDiff(
        models=_compared("model", old.models, new.models, lambda model: model.code, _model_in_words),
        options=_compared("option", old.options, new.options, lambda option: option.code, _option_in_words),
        rules=_compared("rule", _all_rules(old), _all_rules(new), lambda pair: pair[0], lambda pair: pair[1]),
        prices=_compared(
            "price", old.prices, new.prices, lambda price: f"{price.option} ({price.model})", _price_in_words
        ),
        price_rules=_compared(
            "price rule",
            old.price_rules,
            new.price_rules,
            lambda rule: rule.code,
            lambda rule: f"{_yuan(rule.amount_minor)} if {format_expression(rule.when)} ({rule.text.en})",
        ),
        parts=_compared(
            "part",
            old.parts,
            new.parts,
            lambda part: f"{part.feature} {part.part} {part.first_day or ''}".strip(),
            lambda part: f"{part.quantity} from {part.supplier}, {part.lead_time_days} days{_window(part)}",
        ),
    )


def _compared(
    thing: str,
    old: Iterable[Item],
    new: Iterable[Item],
    code: Callable[[Item], str],
    words: Callable[[Item], str],
) -> tuple[Change, ...]:
    before: Mapping[str, str] = {code(item): words(item) for item in old}
    after: Mapping[str, str] = {code(item): words(item) for item in new}
    return tuple(
        Change(thing, name, before.get(name, ""), after.get(name, ""))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    )


def _all_rules(catalogue: Catalogue) -> list[tuple[str, str]]:
    """Return the rules of the table and the bare groups of the tree, all of a parent together, in words."""
    groups: dict[str, list[str]] = {}
    for group in catalogue.groups:
        words = f"{group.kind.value} {group.low}..{group.high} of {', '.join(group.members)}"
        groups.setdefault(f"group {group.parent}", []).append(words)
    below = [(parent, "; ".join(sorted(several))) for parent, several in groups.items()]
    return [*((rule.code, _rule_in_words(rule)) for rule in catalogue.rules), *below]


def _rule_in_words(rule: Rule) -> str:
    meaning = "group" if rule.expression is None else format_expression(rule.expression)
    condition = rule.condition
    where = [*condition.regions, *condition.plants]
    return (
        f"{meaning}{' in ' + ', '.join(where) if where else ''}{_window(condition)} ({rule.text.en} / {rule.text.zh})"
    )


def _window(dated: Condition | Option | PartUse) -> str:
    first, last = dated.first_day, dated.last_day
    return (f" from {first}" if first else "") + (f" until {last}" if last else "")


def _model_in_words(model: CarModel) -> str:
    place = f"{model.platform} at {model.plant}, {model.energy.value}"
    return (
        f"{model.name.en} / {model.name.zh}, {place}, {_yuan(model.base_price_minor)} (cost {_yuan(model.cost_minor)})"
    )


def _option_in_words(option: Option) -> str:
    flags = [name for name in ("long_lead", "constrained") if getattr(option, name)]
    flags += [f"fulfils {option.fulfils_proposal}"] if option.fulfils_proposal else []
    words = [
        f"{option.name.en} / {option.name.zh}",
        option.category,
        *flags,
        option.description.en,
        option.description.zh,
    ]
    return ", ".join(word for word in words if word) + _window(option)


def _price_in_words(price: OptionPrice) -> str:
    return f"{_yuan(price.price_minor)} (cost {_yuan(price.cost_minor)})"


def _yuan(minor: int) -> str:
    return format_money(Money(minor))
