"""Refusals in Chinese are Chinese: no reason, kind or state is left in English, and moments are the brand's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path
from types import UnionType
from typing import Any, Final, Union, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import CheckConstraint

import muster.wiring as _wiring  # noqa: F401 - every room's refusals are known
from demand.errors import PoolFrozen, PreOrderClosed, ProposalClosed
from factory_orders.deliveries.model import ShipmentState, check_leg
from factory_orders.early_cars.tables import EARLY
from factory_orders.errors import CapacityShort, ShipmentOutOfOrder
from factory_orders.exchanges.tables import SWAP
from factory_orders.store_closing.errors import StoreHasCars
from kernel.actor import Permission
from kernel.db import metadata
from kernel.errors import Forbidden, InvalidInput, NotFound, Refusal
from kernel.money import Money
from kernel.reasons import REASONS, Reason, because
from kernel.words import ENGLISH as OWN_ENGLISH
from kernel.words import PERMISSIONS, WORDS

ROOT: Final = Path(__file__).resolve().parents[2]
ROOMS: Final = ("kernel", "graph", "configurator", "demand", "factory_orders")
CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")
ENGLISH: Final = re.compile(r"[A-Za-z]{2,}")
CODES: Final = {"JSON", "CODE"}
"""Names that are the same in both languages, and the code that stands for whatever code a fact would be."""
FIELD: Final = re.compile(r"\{(\w+)(?::[^}]*)?\}")
# Whose words come from both languages' fields, or are told at the command line alone, in English.
BY_PAIRS: Final = frozenset({"reason", "reason_zh", "rules_en", "rules_zh"})
WITH_REASONS: Final = {
    "InvalidInput": 1,
    "Conflict": 1,
    "VinInvalid": 1,
    "TermsUnsound": 0,
    "VersionTaken": 0,
    "OutsideDesign": 0,
    "HandoverNotPossible": 1,
    "AppointmentUnavailable": 0,
    "AnswerTooHard": 0,
}
"""Refusals that carry a reason, and at which place it is handed over."""
WORD_FACTS: Final = {"kind", "state", "stage", "ending", "newness"}
"""Facts of refusals that are a word of `WORDS`, and columns whose words are told so."""
STATES_ALLOWED: Final = re.compile(r"\b(?:state|stage|ending|newness)\b\s*(?:=|<>|(?:NOT )?IN)\s*(\([^)]*\)|'[^']*')")


def every_refusal(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    for one in kind.__subclasses__():
        yield one
        yield from every_refusal(one)


def calls(names: set[str]) -> Iterator[tuple[str, str, ast.Call]]:
    """Yield where a refusal is made in a room, which one, and the call."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node.func.id, node


def sentences(node: ast.expr) -> Iterator[str]:
    """Yield what is written out in an expression and holds a space: a sentence rather than a code."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "because":
        return
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and " " in one.value.strip():
            yield one.value


def test_every_reason_is_written_in_both_languages_over_the_same_facts() -> None:
    for code, (en, zh) in REASONS.items():
        assert set(FIELD.findall(zh)) <= set(FIELD.findall(en)), code
        assert ENGLISH.search(FIELD.sub("", zh).replace("JSON", "")) is None, code
        assert CHINESE.search(zh) or zh in ("{states}", "{state}"), code


def test_every_word_has_its_chinese() -> None:
    assert [word for word, zh in WORDS.items() if ENGLISH.search(zh) or not zh] == []


def test_no_refusal_is_handed_a_reason_in_one_language() -> None:
    left = [
        (where, text)
        for where, name, call in calls(set(WITH_REASONS))
        if len(call.args) > WITH_REASONS[name]
        for text in sentences(call.args[WITH_REASONS[name]])
    ]

    assert left == []


def test_whatever_is_said_to_be_missing_changed_or_over_has_its_chinese() -> None:
    places = {
        cls.__name__: [place for place, one in enumerate(fields(cls)) if one.name in WORD_FACTS]
        for cls in every_refusal()
        if cls.__module__.startswith(ROOMS)
    }
    told = [(where, call.args[place]) for where, name, call in calls(set(places)) for place in places[name]
            if place < len(call.args)]  # fmt: skip
    words = {(where, str(one.value)) for where, one in told if isinstance(one, ast.Constant)}

    # Offers of other cars name what is not found by their kind.
    words |= {("", one.called) for one in (EARLY, SWAP)}

    assert len(words) > 100
    assert sorted(one for one in words if one[1] not in WORDS) == []


def test_every_state_that_is_stored_has_its_chinese() -> None:
    allowed = {
        (table.name, word)
        for table in metadata.tables.values()
        for rule in table.constraints
        if isinstance(rule, CheckConstraint)
        for states in STATES_ALLOWED.findall(str(rule.sqltext))
        for word in re.findall("'([^']*)'", states)
    }

    assert ("orders", "stocked") in allowed
    assert sorted(one for one in allowed if one[1] not in WORDS) == []


def example(name: str, hint: Any) -> Any:
    """Return a fact of a type; where it is a text, a code."""
    if get_origin(hint) in (Union, UnionType):
        return None
    if get_origin(hint) is tuple:
        return ()
    known = {int: 3, float: 3.0, bool: True, Money: Money(500), datetime: datetime(2026, 11, 30, 4, tzinfo=UTC)}
    return known.get(hint, date(2026, 11, 30) if hint is date else "CODE")


def test_no_message_in_chinese_holds_an_english_word() -> None:
    found = {}
    for cls in every_refusal():
        if not cls.__module__.startswith(ROOMS):
            continue
        hints = get_type_hints(cls)
        made = cls(*(example(one.name, hints[one.name]) for one in fields(cls)))
        words = set(ENGLISH.findall(made.text("zh-CN", ZoneInfo("Asia/Shanghai")))) - CODES
        if words:
            found[cls.__name__] = words

    assert found == {}


@pytest.mark.parametrize(
    ("refusal", "chinese"),
    [
        (NotFound("build order"), "找不到该生产订单，请检查编号。"),
        (InvalidInput("name", because("LENGTH", most=40)), "name：请填写1至40个字符"),
        (
            CapacityShort("slot", 12, None),
            "该工厂在所选周内产能名额不足，缺12。最早可行的起始周：无。",
        ),
    ],
)
def test_facts_are_written_in_the_readers_language(refusal: Refusal, chinese: str) -> None:
    assert refusal.text("zh-CN") == chinese


def test_a_moment_is_told_by_the_clock_of_the_brand() -> None:
    refusal = PoolFrozen(datetime(2026, 11, 30, 4, tzinfo=UTC))

    assert "2026-11-30 12:00成交" in refusal.text("zh-CN", ZoneInfo("Asia/Shanghai"))
    assert "clears at 2026-11-30 12:00 (UTC+08:00):" in refusal.text("en", ZoneInfo("Asia/Shanghai"))
    assert "clears at 2026-11-30 04:00 UTC" in refusal.text("en")


@pytest.mark.parametrize(
    ("refusal", "english"),
    [
        (NotFound("pre_order"), "There is no such pre-order. Check the id."),
        (PreOrderClosed("expired_unpaid"), "This pre-order is expired without payment; that is not possible any more."),
        (StoreHasCars(1), "1 car of a buyer stands at this store. "),
        (StoreHasCars(2), "2 cars of buyers stand at this store. "),
        (InvalidInput("name", because("LENGTH", most=40)), "name: give 1 to 40 characters"),
        (InvalidInput("day", because("DAYS_MOST", most=1)), "day: give at most 1 day"),
    ],
)
def test_an_english_sentence_has_no_inner_names_and_counts_as_people_do(refusal: Refusal, english: str) -> None:
    assert refusal.text().startswith(english)


def test_every_word_of_the_code_that_is_none_in_english_has_its_own() -> None:
    assert sorted(word for word in WORDS if "_" in word and word not in OWN_ENGLISH) == []


def test_what_a_permission_allows_is_said_in_words_in_both_languages() -> None:
    assert set(PERMISSIONS) == set(Permission)
    assert [code for code, (_, zh) in PERMISSIONS.items() if ENGLISH.search(zh) or not CHINESE.search(zh)] == []
    assert Forbidden("vote, preorder").text() == (
        "Your roles do not allow you to vote on proposals, or to place pre-orders. Ask your brand administrator."
    )


def test_a_reason_is_its_english_sentence_and_knows_its_code() -> None:
    reason = because("OPENING_HOURS", opens=9, closes=18)

    assert reason == "the store is open from 9 to 18"
    assert (reason.code, reason.zh) == ("OPENING_HOURS", "门店营业时间为9点至18点")
    assert isinstance(reason, Reason)


def test_a_state_that_is_no_english_word_is_told_in_words() -> None:
    told = [ProposalClosed(state).text() for state in ("compare", "signal", "declined")]

    assert [one.split(";")[0] for one in told] == [
        "This proposal is being compared",
        "This proposal is open to votes",
        "This proposal is declined",
    ]


def test_a_state_is_a_word_in_a_sentence_and_the_apis_own_beside_it() -> None:
    with pytest.raises(ShipmentOutOfOrder) as refused:
        check_leg(ShipmentState.PLANNED, ShipmentState.INSPECTED)

    assert refused.value.text("zh-CN") == "该运输单当前为计划中，不能变更为已验车。当前可行：已装车。"
    assert refused.value.text("en") == "The shipment is PLANNED; INSPECTED cannot follow. Possible now: LOADED."
    assert refused.value.facts() == {"state": "PLANNED", "reported": "INSPECTED", "expected": ("LOADED",)}
