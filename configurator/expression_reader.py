"""Reads expressions as UVL writes them, by recursive descent with ceilings, and says what is wrong with a text.

Precedence falls from `* /` over `+ -`, the comparisons, `!`, `&`, `|`, `=>` to `<=>`, as in the official grammar;
`requires` and `excludes` are accepted between two operands for people who prefer words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Final

from configurator.expressions import (
    COMPARED,
    MINUS_ONE,
    Aggregate,
    And,
    Comparison,
    Expression,
    ExpressionFault,
    Feature,
    Iff,
    Implies,
    Not,
    Number,
    Numeric,
    Or,
    Product,
    Quotient,
    Rounded,
    Sum,
    Words,
    height,
)

DEPTH_MAX: Final = 50
TOKENS_MAX: Final = 20_000
DIGITS_MAX: Final = 18
HEIGHT_MAX: Final = 150
"""So many operators may stand one inside the other: whatever walks an expression takes some frames for each."""
OWN_TOKENS_MAX: Final = 4_000_000
OWN_DIGITS_MAX: Final = 80
"""What a reader wrote out (sums over all features, with their attributes' digits) is longer than what people write."""

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?![^\s!&|()<>=,{}\[\]"+*/-]))
      | (?P<name>[^\s!&|()<>=,{}\[\]"'+*/.-][^\s!&|()<>=,{}\[\]"+*/-]*(?!["\w.]))
      | (?P<operator><=>|=>|==|!=|<=|>=|[!&|()<>+*/,-])
      | (?P<quoted>(?:"[^"\n]*"|[^\s!&|()<>=,{}\[\]"'+*/.-]+)(?:\.(?:"[^"\n]*"|[^\s!&|()<>=,{}\[\]"+*/.-]+))*)
      | (?P<text>'[^'\n]*')
      | (?P<other>\S)
    )""",
    re.VERBOSE,
)
_COMPARED: Final = frozenset(COMPARED)
_GOES_ON: Final = _COMPARED | frozenset("+-*/")
_AGGREGATES: Final = frozenset(('"sum', '"avg', '"len'))
_ROUNDED: Final = {'"floor': False, '"ceil': True}
_NUMERIC: Final = (Number, Sum, Product, Quotient, Rounded, Words, Aggregate)


def parse_expression(text: str) -> Expression:
    """Read an expression; raises `ExpressionFault` with the reason."""
    return _parsed(text, TOKENS_MAX, DIGITS_MAX)


def parse_own_expression(text: str) -> Expression:
    """Read an expression that `format_expression` wrote; raises `ExpressionFault` where it is nested too deep."""
    return _parsed(text, OWN_TOKENS_MAX, OWN_DIGITS_MAX)


def _parsed(text: str, tokens_max: int, digits_max: int) -> Expression:
    tokens = _tokens(text, tokens_max)
    if not tokens:
        raise ExpressionFault("is empty")
    expression = _Reader(tokens, digits_max).whole()
    if height(expression) > HEIGHT_MAX:
        raise ExpressionFault(f"nested deeper than {HEIGHT_MAX} operators")
    return expression


def _tokens(text: str, tokens_max: int) -> list[str]:
    """Split a text: a name begins with `"`, a number with `#`, a text with `'`, so none is mistaken for an operator."""
    tokens: list[str] = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        piece = match[kind] if kind else ""
        if kind == "name":
            tokens.append('"' + piece)
        elif kind == "operator":
            tokens.append(piece)
        elif kind == "quoted":
            tokens.append('"' + piece.replace('"', ""))
        elif kind == "number":
            tokens.append("#" + piece)
        elif kind == "text":
            tokens.append(piece[:-1])
        else:
            raise ExpressionFault(f"unexpected character '{piece}'")
        if len(tokens) > tokens_max:
            raise ExpressionFault(f"longer than {tokens_max} words")
    return tokens


class _Reader:
    """Recursive descent over the tokens, one method a level of precedence; its depth has a ceiling."""

    def __init__(self, tokens: list[str], digits_max: int) -> None:
        self._tokens = tokens
        self._digits_max = digits_max
        self._at = 0
        self._depth = 0

    def whole(self) -> Expression:
        expression = _boolean(self._iff())
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

    def _iff(self) -> Expression | Numeric:
        left = self._implies()
        links = 0
        while self._take("<=>"):
            links = self._counted(links)
            left = Iff(_boolean(left), _boolean(self._implies()))
        return left

    def _implies(self) -> Expression | Numeric:
        left = self._or()
        links = 0
        while operator := self._take("=>", '"requires', '"excludes'):
            links = self._counted(links)
            first, second = _boolean(left), _boolean(self._or())
            left = Not(And((first, second))) if operator == '"excludes' else Implies(first, second)
        return left

    def _or(self) -> Expression | Numeric:
        operands = self._series("|", self._and)
        return operands[0] if len(operands) == 1 else Or(tuple(map(_boolean, operands)))

    def _and(self) -> Expression | Numeric:
        operands = self._series("&", self._unary)
        return operands[0] if len(operands) == 1 else And(tuple(map(_boolean, operands)))

    def _series(self, operator: str, operand: Callable[[], Expression | Numeric]) -> list[Expression | Numeric]:
        operands = [operand()]
        while self._take(operator):
            operands.append(operand())
        return operands

    def _unary(self) -> Expression | Numeric:
        if self._take("!"):
            return self._deeper(lambda: Not(_boolean(self._unary())))
        operand = self._operand()
        if self._peek() not in _GOES_ON:
            return operand
        left = self._sum(operand)
        if (operator := self._take(*_COMPARED)) == "":
            return left
        return Comparison(operator, left, self._sum(self._operand()))

    def _sum(self, first: Expression | Numeric) -> Numeric:
        """Read what is added to `first`; differences become sums with -1 as a factor."""
        operands = [self._product(first)]
        while operator := self._take("+", "-"):
            following = self._product(self._operand())
            operands.append(following if operator == "+" else _negative(following))
        return operands[0] if len(operands) == 1 else Sum(tuple(operands))

    def _product(self, first: Expression | Numeric) -> Numeric:
        left = _number(first)
        links = 0
        while operator := self._take("*", "/"):
            links = self._counted(links)
            right = _number(self._operand())
            left = Product(left, right) if operator == "*" else Quotient(left, right)
        return left

    def _operand(self) -> Expression | Numeric:
        token = self._peek()
        self._at += 1
        match token[:1]:
            case '"' if len(token) > 1:
                return self._call(token) if self._peek() == "(" else Feature(token[1:])
            case "(":
                return self._deeper(self._parenthesis)
            case "#":
                return _read_number(token[1:], self._digits_max)
            case "'":
                return Words(token[1:])
            case "-":
                return self._deeper(lambda: _negative(_number(self._operand())))
            case "":
                raise ExpressionFault("ends too early; an operand is missing")
            case _:
                raise ExpressionFault(f"a feature is missing before '{_shown(token)}'")

    def _call(self, token: str) -> Numeric:
        """Read what a function is asked about; the opening parenthesis comes next."""
        if token in _ROUNDED:
            self._at += 1
            return Rounded(_number(self._deeper(self._parenthesis)), _ROUNDED[token])
        if token not in _AGGREGATES:
            raise ExpressionFault(f"unexpected '(' after '{_shown(token)}'; functions are sum, avg, len, floor, ceil")
        self._at += 1
        arguments = [self._argument()]
        while self._take(","):
            arguments.append(self._argument())
        if not self._take(")"):
            raise ExpressionFault("a closing parenthesis is missing")
        if len(arguments) > (1 if token == '"len' else 2):
            raise ExpressionFault(f"{_shown(token)} is asked about too much")
        return Aggregate(token[1:], tuple(arguments))

    def _argument(self) -> str:
        token = self._peek()
        if not token.startswith('"'):
            raise ExpressionFault("a function needs the name of an attribute")
        self._at += 1
        return token[1:]

    def _counted(self, links: int) -> int:
        if links >= DEPTH_MAX:
            raise ExpressionFault(f"a chain of more than {DEPTH_MAX} arrows")
        return links + 1

    def _deeper(self, inner: Callable[[], Expression | Numeric]) -> Expression | Numeric:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise ExpressionFault(f"nested deeper than {DEPTH_MAX}")
        result = inner()
        self._depth -= 1
        return result

    def _parenthesis(self) -> Expression | Numeric:
        expression = self._iff()
        if not self._take(")"):
            raise ExpressionFault("a closing parenthesis is missing")
        return expression


def _boolean(read: Expression | Numeric) -> Expression:
    if isinstance(read, _NUMERIC):
        raise ExpressionFault("a number stands where true or false is needed; compare it with something")
    return read


def _number(read: Expression | Numeric) -> Numeric:
    if isinstance(read, Feature | Number | Sum | Product | Quotient | Rounded | Words | Aggregate):
        return read
    raise ExpressionFault("true or false stands where a number is needed")


def _negative(numeric: Numeric) -> Numeric:
    return Number(-numeric.value) if isinstance(numeric, Number) else Product(MINUS_ONE, numeric)


def _read_number(text: str, digits_max: int) -> Number:
    if len(text) > digits_max:
        raise ExpressionFault(f"a number of more than {digits_max} digits")
    return Number(Fraction(text if not text.startswith(".") else f"0{text}"))


def _shown(token: str) -> str:
    return token[1:] if token[:1] in ('"', "#", "'") and len(token) > 1 else token
