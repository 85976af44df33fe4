"""A publish report as lines for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from configurator.engine.choosing import EngineChoice, Outcome, Why
from configurator.model import Text
from configurator.publish_report import Because, BoundOption, IdleRule, NotCounted, PublishReport, RulesNotFound
from configurator.report_subject import RuleFacts
from kernel.digits import written


def report_lines(report: PublishReport) -> list[str]:
    """Return what a person reads: what is wrong first, then what is idle, then how many cars there are."""
    lines = [
        f"contradiction: no car can be built{_where(one.context.region)}; "
        f"these rules exclude each other: {_named(one.rules) or 'the tree itself'}"
        for one in report.contradictions
    ]
    lines += _bound("dead: no car has", report.dead)
    lines += _bound("always on: every car has", report.always_on)
    lines += _bound("falsely optional: not free to choose is", report.falsely_optional)
    lines += _idle("never fires", report.never_fires)
    lines += _idle("redundant", report.redundant)
    if report.not_looked_at:
        missing = f"{report.not_looked_at:,} of {len(report.subject.rules):,} rules"
        lines.append(f"not looked at: whether {missing} are without effect; the time was over (--rule-seconds)")
    for one in report.counts:
        cars = one.cars.reason if isinstance(one.cars, NotCounted) else in_words(one.cars)
        lines.append(f"{one.model or 'all'}{_where(one.context.region)}: {cars}")
    return lines


def report_json(report: PublishReport) -> dict[str, Any]:
    """Return the same as JSON values."""

    def bound(some: Sequence[BoundOption]) -> list[dict[str, Any]]:
        return [{"option": one.option, **_because_json("because", one.because)} for one in some]

    def idle(some: Sequence[IdleRule]) -> list[dict[str, Any]]:
        return [{"rule": _rule(one.rule), **_because_json("because", one.because)} for one in some]

    return {
        "backend": report.backend.value,
        "contradictions": [
            {
                "region": one.context.region,
                "day": one.context.day.isoformat(),
                **_because_json("rules", one.rules),
            }
            for one in report.contradictions
        ],
        "dead": bound(report.dead),
        "alwaysOn": bound(report.always_on),
        "falselyOptional": bound(report.falsely_optional),
        "neverFires": idle(report.never_fires),
        "redundant": idle(report.redundant),
        "rulesNotLookedAt": report.not_looked_at,
        "counts": [
            {
                "model": one.model,
                "region": one.context.region,
                "cars": None if isinstance(one.cars, NotCounted) else written(one.cars),
                "notCounted": one.cars.reason if isinstance(one.cars, NotCounted) else None,
            }
            for one in report.counts
        ],
    }


def rule_in_words(rule: RuleFacts, locale: str = "en") -> str:
    """Return a rule with its place and, where it has one, its sentence."""
    place = f" ({rule.file}:{rule.line})" if rule.line else ""
    words = rule.text.in_locale(locale)
    return f"{rule.code}{place}" + (f" {words}" if words else "")


CAN_BE_BUILT: Final = Text("这样的车可以生产。", "Such a car can be built.")
CANNOT_BE_BUILT: Final = Text(
    "这样的车无法生产。排除它的最少规则如下。", "Such a car cannot be built. The fewest rules that forbid it:"
)
RULES_NOT_FOUND: Final = Text(
    "这样的车无法生产。在搜索限度内未能找出排除它的规则。",
    "Such a car cannot be built. Which rules forbid it was not found within the bounds of a search.",
)
TREE_ALONE: Final = Text("特征树本身", "the tree of features itself")


def verdict_lines(forbidding: Sequence[RuleFacts] | None, locale: str, *, found: bool) -> list[str]:
    """Say whether a car can be built, and if not, by which rules; without any it is the tree, None: not found."""
    if found:
        return [CAN_BE_BUILT.in_locale(locale)]
    if forbidding is None:
        return [RULES_NOT_FOUND.in_locale(locale)]
    rules = [rule_in_words(rule, locale) for rule in forbidding] or [TREE_ALONE.in_locale(locale)]
    return [CANNOT_BE_BUILT.in_locale(locale), *(f"  {rule}" for rule in rules)]


def in_words(cars: int) -> str:
    """Return a number of cars as people write it."""
    return f"{written(cars, grouped=True)} {'car' if cars == 1 else 'cars'}"


def choice_line(choice: EngineChoice) -> str:
    """Return which engine answered and what was tried for it."""
    words = {outcome: text.format(megabytes=choice.allowance.megabytes) for outcome, text in _OUTCOMES.items()}
    tried = ", ".join(f"{one.compiler} {words[one.outcome]} after {one.seconds:.1f} s" for one in choice.attempts)
    return f"answered by {choice.backend.value}: {_WHYS[choice.why]}" + (f" ({tried})" if tried else "")


def choice_json(choice: EngineChoice) -> dict[str, Any]:
    """Return the same as JSON values."""
    return {
        "backend": choice.backend.value,
        "why": choice.why.value,
        "attempts": [
            {"compiler": one.compiler, "outcome": one.outcome.value, "seconds": one.seconds} for one in choice.attempts
        ],
    }


_OUTCOMES: Final = {
    Outcome.COMPILED: "was done",
    Outcome.OUT_OF_TIME: "was out of time",
    Outcome.OUT_OF_MEMORY: "needed more than {megabytes:,} MB",
    Outcome.TOO_LARGE: "made too large a circuit",
    Outcome.BROKE_DOWN: "broke down",
}
_WHYS: Final = {
    Why.CIRCUIT_FITS: "the rules are compiled",
    Why.NO_CIRCUIT_FITS: "no compiler was done within its time and memory",
    Why.BROKE_DOWN: "the circuit could not be used",
    Why.NOT_READY: "the circuit is not ready yet",
    Why.NO_KERNELS: "there is nothing here that walks a circuit",
    Why.SWITCHED_OFF: "compiling was switched off",
}


def _where(region: str) -> str:
    return f" in {region}" if region else ""


def _named(rules: Because) -> str:
    if isinstance(rules, RulesNotFound):
        return rules.reason
    return ", ".join(f"{rule.code} ({rule.file}:{rule.line})" if rule.line else rule.code for rule in rules)


def _bound(words: str, options: Sequence[BoundOption]) -> list[str]:
    return [f"{words} {one.option}" + (f"; {_named(one.because)}" if one.because else "") for one in options]


def _idle(words: str, rules: Sequence[IdleRule]) -> list[str]:
    return [
        f"{words}: {_named((one.rule,))}" + (f", because of {_named(one.because)}" if one.because else "")
        for one in rules
    ]


def _because_json(name: str, because: Because) -> dict[str, Any]:
    """Return the rules behind something under a name; where they were not found, null and beside it why."""
    if isinstance(because, RulesNotFound):
        return {name: None, "notFound": because.reason}
    return {name: rules_json(because)}


def rules_json(rules: Sequence[RuleFacts]) -> list[dict[str, Any]]:
    """Return rules as JSON values, with their places and sentences."""
    return [_rule(rule) for rule in rules]


def _rule(rule: RuleFacts) -> dict[str, Any]:
    return {"code": rule.code, "file": rule.file, "line": rule.line, "zh": rule.text.zh, "en": rule.text.en}
