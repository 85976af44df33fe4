"""A catalogue as JSON and back, and its content hash, so that any old version can be loaded and recomputed."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any, Final

from configurator.catalogue import (
    CarModel,
    Catalogue,
    Category,
    Condition,
    Energy,
    Option,
    OptionPrice,
    PriceRule,
    Rule,
    RuleKind,
)
from configurator.expression_reader import parse_own_expression
from configurator.expressions import format_expression
from configurator.feature_tree import GroupKind, TreeGroup
from configurator.model import Text
from configurator.parts_model import PartUse

FORMAT: Final = "muster.catalogue/1"


def canonical_bytes(document: Any) -> bytes:
    """Write a JSON value in the one way that is hashed and signed: sorted keys, no spaces, UTF-8."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def content_hash(catalogue: Catalogue) -> str:
    """Return SHA-256 (64 hex digits) over the canonical form; line numbers and file layout do not count."""
    return hashlib.sha256(canonical_bytes(encode_catalogue(catalogue))).hexdigest()


def encode_catalogue(catalogue: Catalogue) -> dict[str, Any]:
    """Return the catalogue as JSON values; line numbers are left out."""
    definitions = [format_expression(expression) for expression in catalogue.definitions]
    return {
        "format": FORMAT,
        "brand": catalogue.brand,
        "label": catalogue.label,
        "effective_from": catalogue.effective_from.isoformat(),
        "currency": catalogue.currency,
        "changes": _text(catalogue.changes),
        "features": list(catalogue.features),
        "groups": [_group(group) for group in catalogue.groups],
        "models": [_model(model) for model in catalogue.models],
        "categories": [
            {"code": category.code, "position": category.position, "name": _text(category.name)}
            for category in catalogue.categories
        ],
        "options": [_option(option) for option in catalogue.options],
        "prices": [[price.model, price.option, price.price_minor, price.cost_minor] for price in catalogue.prices],
        "rules": [_rule(rule) for rule in catalogue.rules],
        "price_rules": [_price_rule(rule) for rule in catalogue.price_rules],
        "parts": [_part(part) for part in catalogue.parts],
        **({"definitions": definitions} if definitions else {}),
    }


def decode_catalogue(document: dict[str, Any]) -> Catalogue:
    """Return the catalogue that `encode_catalogue` wrote; trusts its input, which is our own."""
    assert document["format"] == FORMAT, document["format"]
    return Catalogue(
        brand=document["brand"],
        label=document["label"],
        effective_from=date.fromisoformat(document["effective_from"]),
        currency=document["currency"],
        changes=_read_text(document["changes"]),
        features=tuple(document["features"]),
        groups=tuple(_read_group(group) for group in document["groups"]),
        models=tuple(_read_model(model) for model in document["models"]),
        categories=tuple(
            Category(category["code"], category["position"], _read_text(category["name"]))
            for category in document["categories"]
        ),
        options=tuple(_read_option(option) for option in document["options"]),
        prices=tuple(OptionPrice(*price) for price in document["prices"]),
        rules=tuple(_read_rule(rule) for rule in document["rules"]),
        price_rules=tuple(_read_price_rule(rule) for rule in document["price_rules"]),
        parts=tuple(_read_part(part) for part in document["parts"]),
        definitions=tuple(parse_own_expression(text) for text in document.get("definitions", ())),
    )


def _text(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _read_text(stored: dict[str, str]) -> Text:
    return Text(stored["zh"], stored["en"])


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _read_day(stored: str | None) -> date | None:
    return None if stored is None else date.fromisoformat(stored)


def _group(group: TreeGroup) -> dict[str, Any]:
    members = list(group.members)
    return {"parent": group.parent, "kind": group.kind.value, "low": group.low, "high": group.high, "members": members}


def _read_group(stored: dict[str, Any]) -> TreeGroup:
    members = tuple(stored["members"])
    return TreeGroup(stored["parent"], GroupKind(stored["kind"]), stored["low"], stored["high"], members, 0)


def _model(model: CarModel) -> dict[str, Any]:
    return {
        "code": model.code,
        "platform": model.platform,
        "plant": model.plant,
        "energy": model.energy.value,
        "base_price_minor": model.base_price_minor,
        "cost_minor": model.cost_minor,
        "name": _text(model.name),
    }


def _read_model(stored: dict[str, Any]) -> CarModel:
    return CarModel(**(stored | {"energy": Energy(stored["energy"]), "name": _read_text(stored["name"])}))


def _option(option: Option) -> dict[str, Any]:
    return {
        "code": option.code,
        "category": option.category,
        "long_lead": option.long_lead,
        "constrained": option.constrained,
        "first_day": _day(option.first_day),
        "last_day": _day(option.last_day),
        "fulfils_proposal": option.fulfils_proposal,
        "name": _text(option.name),
        "description": _text(option.description),
    }


def _read_option(stored: dict[str, Any]) -> Option:
    days = {name: _read_day(stored[name]) for name in ("first_day", "last_day")}
    texts = {name: _read_text(stored[name]) for name in ("name", "description")}
    return Option(**(stored | days | texts))


def _rule(rule: Rule) -> dict[str, Any]:
    condition = rule.condition
    return {
        "code": rule.code,
        "kind": rule.kind.value,
        "expression": None if rule.expression is None else format_expression(rule.expression),
        "regions": list(condition.regions),
        "plants": list(condition.plants),
        "first_day": _day(condition.first_day),
        "last_day": _day(condition.last_day),
        "text": _text(rule.text),
    }


def _read_rule(stored: dict[str, Any]) -> Rule:
    text = stored["expression"]
    condition = Condition(
        tuple(stored["regions"]),
        tuple(stored["plants"]),
        _read_day(stored["first_day"]),
        _read_day(stored["last_day"]),
    )
    expression = None if text is None else parse_own_expression(text)
    return Rule(stored["code"], RuleKind(stored["kind"]), expression, condition, _read_text(stored["text"]))


def _price_rule(rule: PriceRule) -> dict[str, Any]:
    when = format_expression(rule.when)
    return {"code": rule.code, "when": when, "amount_minor": rule.amount_minor, "text": _text(rule.text)}


def _read_price_rule(stored: dict[str, Any]) -> PriceRule:
    when = parse_own_expression(stored["when"])
    return PriceRule(stored["code"], when, stored["amount_minor"], _read_text(stored["text"]))


def _part(part: PartUse) -> dict[str, Any]:
    return {
        "feature": part.feature,
        "part": part.part,
        "quantity": part.quantity,
        "supplier": part.supplier,
        "lead_time_days": part.lead_time_days,
        "first_day": _day(part.first_day),
        "last_day": _day(part.last_day),
    }


def _read_part(stored: dict[str, Any]) -> PartUse:
    return PartUse(**(stored | {name: _read_day(stored[name]) for name in ("first_day", "last_day")}))
