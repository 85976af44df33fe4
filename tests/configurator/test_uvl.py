"""The UVL reader: what it reads, and every fault with its line."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configurator.expression_reader import parse_expression
from configurator.expressions import (
    MINUS_ONE,
    And,
    Comparison,
    Expression,
    ExpressionFault,
    Feature,
    Iff,
    Implies,
    Not,
    Number,
    Or,
    Product,
    Sum,
    format_expression,
)
from configurator.feature_tree import GroupKind, TreeGroup
from configurator.model import Context
from configurator.rules import compile_feature_model
from configurator.sat_engine import SatEngine
from configurator.solver import Clash, Step
from configurator.uvl import read_uvl, read_uvl_file
from tests.configurator.test_solver import EAST, expressions

TWO = Number(Fraction(2))
A, B, C, D = (Feature(name) for name in "ABCD")

WHOLE = """\
namespace Car   // a comment
include
    Boolean.group-cardinality
/* a block
   comment */
features
    Car {abstract, maker 'Fir', weight 1200, tags ["a", "b"]}
        mandatory
            Paint
                alternative
                    Red
                    "Deep // blue {1}"
        optional
            Boolean Hook {price 2000}
        [1..2]
            X
            Y
            Z
        [2]
            V
            W
        [1..*]
            T
            U

constraints
    // R017 the hook keeps the red away
    Hook => !Red

    // a comment that is no rule id
    X & (Y |
        Z)
"""


NO_UPPER_BOUND = "a feature cardinality needs an upper bound, as in [0..5]"
UNKNOWN_FUNCTION = "rule L7: unexpected '(' after 'max'; functions are sum, avg, len, floor, ceil"
TEXTS_EQUAL = "rule L8: texts can only be equal (==) or not (!=)"
NO_LENGTH = "rule L8: 'C.c' has no length; len is asked about texts"
NEITHER = "rule L8: 'C.c' is neither true nor false; compare it with something"
BUYERS_VALUE = "rule L8: 'C' is a value that the buyer gives; it can only be compared with a constant"


def faults(text: str) -> list[tuple[int, str]]:
    return [(fault.line, fault.reason) for fault in read_uvl(text).faults]


def model_of(body: str) -> str:
    return f"features\n    Car\n        optional\n            A\n            B\n{body}"


@pytest.mark.parametrize("wrong", ["1e3", "3.", "+5", "1_000", "1.5.5", "0x10", "9" * 26, "red"])
def test_a_value_that_is_not_written_as_uvl_has_it_is_no_silent_text(wrong: str) -> None:
    ((line, reason),) = faults(model_of(f"            C {{a {wrong}}}\n"))

    assert line == 6
    assert reason.startswith(f"the attribute 'a' has no value of UVL: {wrong!r}; texts stand in quotes")


def test_a_whole_file_is_read() -> None:
    reading = read_uvl(WHOLE)

    assert reading.faults == ()
    assert reading.model is not None
    model = reading.model
    assert model.root == "Car"
    assert model.features[0].abstract
    assert model.features[0].attributes == (
        ("abstract", "true"),
        ("maker", "Fir"),
        ("weight", "1200"),
        ("tags", '["a", "b"]'),
    )
    assert [feature.name for feature in model.features][2:5] == ["Red", "Deep // blue {1}", "Hook"]
    assert model.groups == (
        TreeGroup("Car", GroupKind.MANDATORY, 1, 1, ("Paint",), 0),
        TreeGroup("Paint", GroupKind.ALTERNATIVE, 1, 1, ("Red", "Deep // blue {1}"), 0),
        TreeGroup("Car", GroupKind.OPTIONAL, 0, 1, ("Hook",), 0),
        TreeGroup("Car", GroupKind.CARDINALITY, 1, 2, ("X", "Y", "Z"), 0),
        TreeGroup("Car", GroupKind.CARDINALITY, 2, 2, ("V", "W"), 0),
        TreeGroup("Car", GroupKind.CARDINALITY, 1, 2, ("T", "U"), 0),
    )
    assert [(constraint.rule, constraint.line) for constraint in model.constraints] == [("R017", 28), ("L31", 31)]
    assert model.constraints[0].expression == Implies(Feature("Hook"), Not(Feature("Red")))


def test_a_group_whose_only_line_is_refused_is_not_called_empty_as_well() -> None:
    text = "features\n    Car\n        optional\n            two words\n"

    assert faults(text) == [(4, "is neither a feature nor a group: 'two words'")]


def test_a_group_that_would_need_a_counter_of_millions_is_refused_and_a_wide_choice_of_one_is_not() -> None:
    members = "".join(f"            F{number}\n" for number in range(2_000))

    for words in ("alternative", "or", "[0..2]", "[1990..*]"):
        assert faults(f"features\n    Car\n        {words}\n{members}") == []
    assert faults(f"features\n    Car\n        [500..1000]\n{members}") == [
        (3, "the group counts too far for 2,000 features; part it, or ask for fewer or for nearly all")
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (0, "has no features; a line `features` and a root below it are needed")),
        ("Car\n", (1, "stands in no section; `features` or `constraints` must come first")),
        (
            "imports\n    other\n" + model_of(""),
            (2, "imports need a file; a text alone has no folder to look in"),
        ),
        ("include\n    Everything\n" + model_of(""), (2, "unknown language level 'Everything'")),
        (model_of("            A\n"), (6, "duplicate feature 'A'; it stands on line 4 already")),
        (model_of("        optional\n"), (6, "the group has no features below it")),
        (model_of("        [3]\n            C\n"), (6, "the group asks for at least 3 of 1 features")),
        (model_of("        [2..1]\n            C\n"), (6, "the group `[2..1]` asks for more at least than at most")),
        (model_of("            optional\n"), (6, "the group `optional` must stand below a feature")),
        (
            model_of("          C\n"),
            (6, "is indented as no line above it is, so where it belongs is not clear"),
        ),
        (model_of("            two words\n"), (6, "is neither a feature nor a group: 'two words'")),
        (
            model_of("            C cardinality [1..*]\n"),
            (6, "a feature cardinality needs an upper bound, as in [0..5]"),
        ),
        (model_of("            C cardinality [3..2]\n"), (6, "the cardinality [3..2] allows nothing")),
        (model_of("            C cardinality [x]\n"), (6, "a cardinality is written [2..5], not [x]")),
        (model_of("            C cardinality [1..1001]\n"), (6, "a feature may stand at most 1000 times in a car")),
        ("features\n    Car cardinality [1..2]\n", (2, "the root stands in every car exactly once")),
        (
            model_of("            C-D\n"),
            (6, "the name C-D has signs that mean something else in rules; write it in quotes"),
        ),
        (
            model_of("            lib.Wheel\n"),
            (6, "'lib.Wheel' is no imported root; imports stand under `imports`, names with a dot in quotes"),
        ),
        (model_of("    Second\n"), (6, "is a second root; 'Car' is the first")),
        (model_of("            C {constraint A => }\n"), (6, "rule L6: ends too early; an operand is missing")),
        (model_of("            C {a 1, a 2}\n"), (6, "duplicate attribute 'a'")),
        (model_of("            C {= 3}\n"), (6, "attributes cannot be read from '= 3' on")),
        (model_of("            C {a\n"), (6, "a bracket is opened here and never closed")),
        (model_of("            C }\n"), (6, "a bracket is closed that was never opened")),
        (model_of("/* never closed\n"), (6, "a comment `/*` is never closed")),
        (model_of("\t\tor\n"), (6, "mixes tabs and spaces for indentation; use one of them in the whole file")),
        (model_of("constraints x\n"), (6, "nothing may follow the word `constraints` on its line")),
        (
            model_of("constraints\n    A => Unknown\n"),
            (7, "rule L7: unknown feature 'Unknown'; it stands nowhere under `features`"),
        ),
        (
            model_of("constraints\n    // R1\n    A\n    // R1\n    B\n"),
            (10, "duplicate rule R1; it stands on line 8 already"),
        ),
        (model_of("constraints\n    A =>\n"), (7, "rule L7: ends too early; an operand is missing")),
        (model_of("constraints\n    => A\n"), (7, "rule L7: a feature is missing before '=>'")),
        (model_of("constraints\n    A B\n"), (7, "rule L7: unexpected 'B'; is an operator missing before it?")),
        (
            model_of("            C {p 1}\n            D {p '2'}\nconstraints\n    sum(p) > 3\n"),
            (9, "rule L9: the attribute 'p' of 'D' is no number, of others it is one"),
        ),
        (model_of("            C {p 1}\nconstraints\n    C.p / 0 > 1\n"), (8, "rule L8: divides by 0")),
        (model_of("constraints\n    A.price > 3\n"), (7, "rule L7: feature 'A' has no attribute 'price'")),
        (model_of("constraints\n    sum(price) > 3\n"), (7, "rule L7: no feature has a number as attribute 'price'")),
        (model_of("constraints\n    max(A) > 3\n"), (7, UNKNOWN_FUNCTION)),
        (
            model_of("constraints\n    A + 3\n"),
            (7, "rule L7: a number stands where true or false is needed; compare it with something"),
        ),
        (model_of("constraints\n    (A & B) > 3\n"), (7, "rule L7: true or false stands where a number is needed")),
        (model_of("constraints\n    'x' == 'y'\n"), (7, "rule L7: compares two texts that never change")),
        (model_of("constraints\n    A > 'y'\n"), (7, "rule L7: the text 'y' stands where a number is needed")),
        (model_of("constraints\n    A > 1234567890123456789\n"), (7, "rule L7: a number of more than 18 digits")),
        (model_of("            C {c 'x'}\nconstraints\n    C.c > 'y'\n"), (8, TEXTS_EQUAL)),
        (model_of("            C {c 'x'}\nconstraints\n    C.c > 1\n"), (8, "rule L8: 'C.c' is no number")),
        (model_of("            C {c 1}\nconstraints\n    len(C.c) > 1\n"), (8, NO_LENGTH)),
        (model_of("            C {c 1}\nconstraints\n    C.c\n"), (8, NEITHER)),
        (model_of("            Integer C\nconstraints\n    C + 1 > 2\n"), (8, BUYERS_VALUE)),
        (model_of("            Integer C\nconstraints\n    C > A\n"), (8, BUYERS_VALUE)),
        (
            model_of("            String C\nconstraints\n    C < 'a'\n"),
            (8, "rule L8: 'C' is a text; it can only be equal (==) or not (!=) to a text"),
        ),
    ],
)
def test_a_fault_is_named_with_its_line(text: str, expected: tuple[int, str]) -> None:
    assert expected in faults(text)


def test_all_faults_are_named_and_not_only_the_first() -> None:
    text = model_of("            A\n            X-Y\nconstraints\n    A => \n    Q\n")

    assert [line for line, _ in faults(text)] == [6, 7, 9, 10]


def test_what_hangs_below_a_faulty_line_is_not_blamed_as_well() -> None:
    text = model_of("            X-Y\n                mandatory\n                    Y\n            Z\n")

    assert [line for line, _ in faults(text)] == [6]


@pytest.mark.parametrize("text", ["!" * 100_000 + "A", "(" * 100_000 + "A", "A" + " => A" * 9_000, "A & " * 90_000])
def test_an_expression_beyond_measure_is_refused_without_a_crash(text: str) -> None:
    with pytest.raises(ExpressionFault):
        parse_expression(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A | B & C", Or((A, And((B, C))))),
        ("A => B | C", Implies(A, Or((B, C)))),
        ("A <=> B => C", Iff(A, Implies(B, C))),
        ("!A & B", And((Not(A), B))),
        ("!(A & B)", Not(And((A, B)))),
        ("A => B => C", Implies(Implies(A, B), C)),
        ("A requires B", Implies(A, B)),
        ("A excludes B", Not(And((A, B)))),
        ('"A" | "B & C"', Or((A, Feature("B & C")))),
        ("!A + 2 * B <= C & D", And((Not(Comparison("<=", Sum((A, Product(TWO, B))), C)), D))),
        ("A - B * C == -2", Comparison("==", Sum((A, Product(MINUS_ONE, Product(B, C)))), Number(Fraction(-2)))),
    ],
)
def test_operators_bind_as_in_the_official_grammar(text: str, expected: Expression) -> None:
    assert parse_expression(text) == expected


@given(expressions(("A", "B c", "requires", "Deep // blue")))
def test_an_expression_that_is_written_reads_back_the_same(expression: Expression) -> None:
    assert parse_expression(format_expression(expression)) == expression


@given(st.text(alphabet="AB \t\n{}[]()\"'!&|=><./*,12#featursopinlm", max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    reading = read_uvl("features\n" + text)

    assert reading.model is not None or reading.faults


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "options.uvl"
    path.write_bytes(b"features\n    Car\n        optional\n            \xff\n")

    reading = read_uvl_file(path)

    assert [(fault.line, fault.reason) for fault in reading.faults] == [
        (4, "is not UTF-8 text; save the file as UTF-8")
    ]


def industrial_model(products: int) -> str:
    """Write a model of 2,500 features and 2,800 constraints, as large as the industrial ones."""
    lines = ["features", "\tRoot"]
    for product in range(products):
        lines += ["\t\toptional", f"\t\t\tP{product} {{note 'text // {product}'}}", "\t\t\t\talternative"]
        lines += [f"\t\t\t\t\tP{product}_{member}" for member in range(4)]
    lines.append("constraints")
    for product in range(products - 1):
        following = f"P{product + 1}"
        lines += [f"\tP{product}_{member} => {following}_{member} | !{following}" for member in range(4)]
    return "\n".join(lines)


def test_an_industrial_model_loads_and_answers_exactly() -> None:
    reading = read_uvl(industrial_model(500))

    assert reading.faults == ()
    assert reading.model is not None
    assert (len(reading.model.features), len(reading.model.constraints)) == (2501, 1996)
    engine = SatEngine(compile_feature_model(reading.model))
    context = Context("", EAST.day)
    step = engine.step({"P0_1": True, "P1": True, "P2": True}, context)
    assert isinstance(step, Step)
    assert {"P1_1", "P2_1", "P0", "Root"} <= step.forced
    assert {"P1_0", "P2_3"} <= step.excluded
    assert "P3" in step.open
    clash = engine.step({"P0_1": True, "P1_2": True}, context)
    assert isinstance(clash, Clash)
    assert dict(clash.reason.choices) == {"P0_1": True, "P1_2": True}
