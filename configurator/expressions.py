"""Boolean expressions over features as UVL writes them: `A & !B => C | D`, read, written and evaluated.

Precedence falls from `!` over `&`, `|`, `=>` to `<=>`, as in the official grammar; `requires` and `excludes` are
accepted between two operands for people who prefer words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never


@dataclass(frozen=True, slots=True)
class Feature:
    """True in a car that has the feature."""

    name: str


@dataclass(frozen=True, slots=True)
class Not:
    """True where the operand is false."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class And:
    """True where all operands are."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True where at least one operand is."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Implies:
    """False only where the left is true and the right is false."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Iff:
    """True where both sides agree."""

    left: Expression
    right: Expression


Expression: TypeAlias = Feature | Not | And | Or | Implies | Iff

DEPTH_MAX: Final = 60
TOKENS_MAX: Final = 20_000


class ExpressionFault(Exception):
    """The text is no expression; `reason` says why and where."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<quoted>"[^"\n]*")
      | (?P<operator><=>|=>|[!&|()])
      | (?P<name>[^\s!&|()<>=,{}\[\]"]+)
      | (?P<other>\S)
    )""",
    re.VERBOSE,
)
_NOT_BOOLEAN: Final = frozenset("<>=+-*/,[]{}")


def _tokens(text: str) -> list[str]:
    """Split a text; a quoted name comes back with its first quote, so no name is mistaken for an operator."""
    tokens: list[str] = []
    for match in _TOKEN.finditer(text):
        if (other := match["other"]) is not None:
            if other in _NOT_BOOLEAN:
                raise ExpressionFault(f"'{other}' is not part of a Boolean expression; only ! & | => <=> and ( ) are")
            raise ExpressionFault(f"unexpected character '{other}'")
        tokens.append(match["operator"] or (match["quoted"] or '"' + match["name"] + '"')[:-1])
        if len(tokens) > TOKENS_MAX:
            raise ExpressionFault(f"longer than {TOKENS_MAX} words")
    return tokens


class _Reader:
    """Recursive descent over the tokens, one method a level of precedence; its depth has a ceiling."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def whole(self) -> Expression:
        expression = self._iff()
        if self._at < len(self._tokens):
            raise ExpressionFault(f"unexpected '{_shown(self._tokens[self._at])}'; is an operator missing before it?")
        return expression

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, *operators: str) -> str:
        token = self._peek()
        if token not in operators:
            return ""
        self._at += 1
        return token

    def _iff(self) -> Expression:
        left = self._implies()
        links = 0
        while self._take("<=>"):
            links = self._counted(links)
            left = Iff(left, self._implies())
        return left

    def _implies(self) -> Expression:
        left = self._or()
        links = 0
        while operator := self._take("=>", '"requires', '"excludes'):
            links = self._counted(links)
            right = self._or()
            left = Not(And((left, right))) if operator == '"excludes' else Implies(left, right)
        return left

    def _or(self) -> Expression:
        operands = self._series("|", self._and)
        return operands[0] if len(operands) == 1 else Or(operands)

    def _and(self) -> Expression:
        operands = self._series("&", self._unary)
        return operands[0] if len(operands) == 1 else And(operands)

    def _series(self, operator: str, operand: Callable[[], Expression]) -> tuple[Expression, ...]:
        operands = [operand()]
        while self._take(operator):
            operands.append(operand())
        return tuple(operands)

    def _unary(self) -> Expression:
        token = self._peek()
        self._at += 1
        match token:
            case "!":
                return self._deeper(lambda: Not(self._unary()))
            case "(":
                return self._deeper(self._parenthesis)
            case "":
                raise ExpressionFault("ends too early; an operand is missing")
            case _ if token.startswith('"') and len(token) > 1:
                return Feature(token[1:])
            case _:
                raise ExpressionFault(f"a feature is missing before '{_shown(token)}'")

    def _counted(self, links: int) -> int:
        if links >= DEPTH_MAX:
            raise ExpressionFault(f"a chain of more than {DEPTH_MAX} arrows")
        return links + 1

    def _deeper(self, inner: Callable[[], Expression]) -> Expression:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise ExpressionFault(f"nested deeper than {DEPTH_MAX}")
        result = inner()
        self._depth -= 1
        return result

    def _parenthesis(self) -> Expression:
        expression = self._iff()
        if not self._take(")"):
            raise ExpressionFault("a closing parenthesis is missing")
        return expression


def _shown(token: str) -> str:
    return token.removeprefix('"')


def parse_expression(text: str) -> Expression:
    """Read an expression; raises `ExpressionFault` with the reason."""
    tokens = _tokens(text)
    if not tokens:
        raise ExpressionFault("is empty")
    return _Reader(tokens).whole()


_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def quoted_name(name: str) -> str:
    """Write a feature's name as UVL wants it: plain where it may, else in quotes."""
    return name if _PLAIN_NAME.match(name) and name not in ("requires", "excludes") else f'"{name}"'


def format_expression(expression: Expression) -> str:
    """Write an expression so that reading it again gives an equal one; nested operands stand in parentheses."""
    match expression:
        case Feature(name):
            return quoted_name(name)
        case Not(operand):
            return "!" + _enclosed(operand)
        case And(operands):
            return " & ".join(_enclosed(operand) for operand in operands)
        case Or(operands):
            return " | ".join(_enclosed(operand) for operand in operands)
        case Implies(left, right):
            return f"{_enclosed(left)} => {_enclosed(right)}"
        case Iff(left, right):
            return f"{_enclosed(left)} <=> {_enclosed(right)}"
        case _:
            assert_never(expression)


def _enclosed(expression: Expression) -> str:
    text = format_expression(expression)
    return text if isinstance(expression, Feature | Not) else f"({text})"


def holds(expression: Expression, features: Container[str]) -> bool:
    """Say whether an expression is true in a car that has exactly these features."""
    match expression:
        case Feature(name):
            return name in features
        case Not(operand):
            return not holds(operand, features)
        case And(operands):
            return all(holds(operand, features) for operand in operands)
        case Or(operands):
            return any(holds(operand, features) for operand in operands)
        case Implies(left, right):
            return not holds(left, features) or holds(right, features)
        case Iff(left, right):
            return holds(left, features) == holds(right, features)
        case _:
            assert_never(expression)


def feature_names(expression: Expression) -> Iterator[str]:
    """Yield the features an expression speaks of, repeats included, from left to right."""
    match expression:
        case Feature(name):
            yield name
        case Not(operand):
            yield from feature_names(operand)
        case And(operands) | Or(operands):
            for operand in operands:
                yield from feature_names(operand)
        case Implies(left, right) | Iff(left, right):
            yield from feature_names(left)
            yield from feature_names(right)
        case _:
            assert_never(expression)
