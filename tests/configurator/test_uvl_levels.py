"""UVL beyond the Boolean level: attributes, feature cardinality, typed features, imports, each against brute force."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configurator.rules import compile_feature_model
from configurator.uvl import read_uvl, read_uvl_file
from tests.configurator.enumeration import cars_of, cars_of_text

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
PRICED = """\
features
    Car {{price {root}}}
        optional
            A {{price {a}, engine {{power {p}}}, colour 'red'}}
            B {{price {b}, sporty true}}
            C {{weight {c}, colour 'blue'}}
constraints
    {rule}
"""

RULES: dict[str, Callable[[frozenset[str], dict[str, Fraction]], bool]] = {
    "sum(price) <= 10": lambda car, v: sum(v[f] for f in ("root", "a", "b") if f in car) <= 10,
    "A.price + B.price < C.weight * 2": lambda car, v: at(car, v, "a") + at(car, v, "b") < 2 * at(car, v, "c"),
    "A.engine.power / B.price > 1": lambda car, v: bool(at(car, v, "b")) and power(car, v) / at(car, v, "b") > 1,
    "avg(price) >= 3": lambda car, v: (
        sum(v[f] for f in ("root", "a", "b") if f in car) >= 3 * sum(f in car for f in ("root", "a", "b"))
    ),
    "avg(weight) != 2": lambda car, v: "c" in car and v["c"] != 2,
    "sum(Car, weight) - A.price == 0": lambda car, v: at(car, v, "c") == at(car, v, "a"),
    "A.colour == C.colour": lambda car, v: "a" not in car and "c" not in car,
    "A.colour != 'red' | C": lambda car, v: "a" not in car or "c" in car,
    "len(C.colour) > 3 => B.sporty": lambda car, v: "c" not in car or "b" in car,
    "ceil(C.weight / 2) > floor(A.price / 3)": lambda car, v: -(-at(car, v, "c") // 2) > at(car, v, "a") // 3,
    "A + B + C >= 2": lambda car, v: len(car) >= 3,
}


def at(car: frozenset[str], values: dict[str, Fraction], name: str) -> Fraction:
    return values[name] if name in car else Fraction()


def power(car: frozenset[str], values: dict[str, Fraction]) -> Fraction:
    return values["p"] if "a" in car else Fraction()


@given(
    st.sampled_from(sorted(RULES)),
    st.fixed_dictionaries({name: st.integers(-4, 9) for name in ("root", "a", "b", "c", "p")}),
)
def test_attributes_count_their_value_in_a_car_that_has_the_feature_else_nothing(
    rule: str, written: dict[str, int]
) -> None:
    values = {name: Fraction(value) for name, value in written.items()}

    cars = cars_of_text(PRICED.format(**written, rule=rule))

    every = [
        frozenset(("root", *(n for n, on in zip("abc", bits, strict=True) if on))) for bits in product((0, 1), repeat=3)
    ]
    expected = sorted(sorted(car) for car in every if RULES[rule](car, values))
    assert sorted(sorted("root" if name == "Car" else name.lower() for name in car) for car in cars) == expected


def test_a_constraint_in_braces_holds_in_the_cars_that_have_the_feature() -> None:
    tree = (
        "features\n    Car\n        optional\n"
        "            A {constraint B}\n            B {constraints [!C, A => !C]}\n            C\n"
    )

    cars = cars_of_text(tree)

    assert sorted(map(sorted, cars)) == [["A", "B", "Car"], ["B", "Car"], ["C", "Car"], ["Car"]]
    reading = read_uvl(tree)
    assert reading.model is not None
    assert [(one.rule, one.line) for one in reading.model.constraints] == [("L4", 4), ("L5", 5), ("L5_2", 5)]


# --- feature cardinality ---------------------------------------------------------------------------------------------

WHEELED = """\
features
    Car
        {group}
            Wheel cardinality [{low}..{high}] {{price 3}}
                optional
                    Rim {{price 2}}
                    Nut
        optional
            Lamp
constraints
    {rule}
"""


def wheels(low: int, high: int) -> list[tuple[tuple[bool, bool], ...]]:
    """Return every row of clones, each with or without Rim and Nut."""
    kinds = [(rim, nut) for rim in (False, True) for nut in (False, True)]
    return [row for count in range(low, high + 1) for row in product(kinds, repeat=count)]


Car = tuple[tuple[tuple[bool, bool], ...], bool]
CLONE_RULES: dict[str, Callable[[Car], bool]] = {
    "Car": lambda car: True,
    "Rim => Nut": lambda car: all(nut or not rim for rim, nut in car[0]),
    "Wheel => Rim | Nut": lambda car: all(rim or nut for rim, nut in car[0]),
    "Lamp => Rim": lambda car: not car[1] or any(rim for rim, _ in car[0]),
    "Lamp <=> Wheel": lambda car: car[1] == bool(car[0]),
    "sum(price) <= 8 | Lamp": lambda car: car[1] or 3 * len(car[0]) + 2 * sum(rim for rim, _ in car[0]) <= 8,
    "Rim + Lamp >= Nut": lambda car: sum(rim for rim, _ in car[0]) + car[1] >= sum(nut for _, nut in car[0]),
}


@given(
    st.sampled_from(sorted(CLONE_RULES)),
    st.tuples(st.integers(0, 2), st.integers(1, 3)).filter(lambda pair: pair[0] <= pair[1]),
    st.sampled_from(("mandatory", "optional")),
)
def test_clones_are_counted_each_with_choices_of_its_own(rule: str, bounds: tuple[int, int], group: str) -> None:
    low, high = bounds

    cars = cars_of_text(WHEELED.format(group=group, low=low, high=high, rule=rule))

    rows = wheels(low if group == "mandatory" else max(low, 1), high)
    if (group == "optional" and low > 0) or (() not in rows and group == "optional"):
        rows.append(())
    expected = [car for car in product(rows, (False, True)) if CLONE_RULES[rule](car)]
    assert sorted(map(as_row, cars)) == sorted(expected)
    assert all(("Rim" in car) == any(name.endswith("].Rim") for name in car) for car in cars)


def as_row(car: frozenset[str]) -> Car:
    row = []
    number = 1
    while f"Wheel[{number}]" in car:
        row.append((f"Wheel[{number}].Rim" in car, f"Wheel[{number}].Nut" in car))
        number += 1
    return tuple(row), "Lamp" in car


def test_clones_within_clones_have_choices_of_their_own() -> None:
    text = """\
features
    Car
        mandatory
            Axle cardinality [1..2]
                mandatory
                    Wheel cardinality [1..2]
                        optional
                            Rim {price 1, constraint Cap}
                            Cap
constraints
    Axle => Rim
    sum(price) <= 2
"""

    cars = cars_of_text(text)

    wheel = [(False, False), (False, True), (True, True)]
    axles = [row for count in (1, 2) for row in product(wheel, repeat=count) if any(rim for rim, _ in row)]
    expected = [
        pair
        for count in (1, 2)
        for pair in product(axles, repeat=count)
        if sum(rim for axle in pair for rim, _ in axle) <= 2
    ]
    assert len(cars) == len(set(cars)) == len(expected)


def test_a_name_that_a_clone_would_take_is_refused() -> None:
    text = 'features\n    Car\n        optional\n            A cardinality [1..2]\n            "A[1]"\n'

    assert [fault.reason for fault in read_uvl(text).faults] == [
        "a feature has the name of one that a cardinality or a value adds; rename it"
    ]


def test_cardinalities_that_make_too_many_features_are_refused_by_line() -> None:
    text = "features\n    Car\n"
    for depth, name in enumerate("ABCDE"):
        text += f"{'        ' * depth}        optional\n{'        ' * depth}            {name} cardinality [0..40]\n"

    assert [(fault.line, fault.reason) for fault in read_uvl(text).faults] == [
        (4, "feature cardinalities make more than 200000 features")
    ]


# --- typed features --------------------------------------------------------------------------------------------------

OPERATORS = ("==", "!=", "<", "<=", ">", ">=")
TYPED = """\
features
    Car
        optional
            {value_type} Value
            Lamp
constraints
    {rules}
"""


@given(
    st.sampled_from(("Integer", "Real")),
    st.lists(
        st.tuples(st.sampled_from(("==", "!=", "<", "<=", ">", ">=")), st.integers(-2, 2)), min_size=1, max_size=3
    ),
)
def test_values_between_two_constants_are_one_class_and_each_class_is_a_car(
    value_type: str, asked: list[tuple[str, int]]
) -> None:
    compare: dict[str, Callable[[Fraction, int], bool]] = {
        "==": lambda x, y: x == y,
        "!=": lambda x, y: x != y,
        "<": lambda x, y: x < y,
        "<=": lambda x, y: x <= y,
        ">": lambda x, y: x > y,
        ">=": lambda x, y: x >= y,
    }
    rules = "\n    ".join(f"Lamp => Value {operator} {constant}" for operator, constant in asked)

    cars = cars_of_text(TYPED.format(value_type=value_type, rules=rules))

    def meets(value: Fraction) -> bool:
        return all(compare[operator](value, constant) for operator, constant in asked)

    constants = {constant for _, constant in asked}
    step = 2 if value_type == "Integer" else 4
    values = [Fraction(number, step // 2) for number in range(-5 * step // 2, 5 * step // 2 + 1)]
    classes = {(value in constants, sum(value >= c for c in constants), meets(value)) for value in values}
    absent = 1 + meets(Fraction())
    assert len(cars) == len(set(cars)) == len(classes) + sum(met for *_, met in classes) + absent


def test_texts_are_told_apart_as_far_as_rules_ask() -> None:
    rules = "Value == 'red' => Lamp\n    len(Value) > 3 => !Lamp\n    Value != 'green'"

    cars = cars_of_text(TYPED.format(value_type="String", rules=rules))

    assert sorted(map(sorted, cars)) == [
        ["Car"],
        ["Car", "Lamp"],
        ["Car", "Lamp", "Value", "Value = 'red'"],
        ["Car", "Lamp", "Value", "another Value of length < 3"],
        ["Car", "Lamp", "Value", "another Value of length = 3"],
        ["Car", "Value", "another Value of length < 3"],
        ["Car", "Value", "another Value of length = 3"],
        ["Car", "Value", "another Value of length > 3"],
    ]


def test_a_value_that_no_rule_asks_about_is_only_there_or_not() -> None:
    assert len(cars_of_text(TYPED.format(value_type="Real", rules="Car"))) == 4


# --- imports ---------------------------------------------------------------------------------------------------------


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "options.uvl"


MAIN = """\
imports
    parts.wheels as w
features
    Car
        mandatory
            w.Wheels
        optional
            Real Speed
constraints
    Speed > 200 => w.Big
    sum(price) <= 9
"""
NO_GROUP = "stands right below the feature 'Wheels'; a group line such as `optional` is missing"
WHEELS = """\
features
    Wheels
        alternative
            Small {price 1}
            Big {price 9}
constraints
    // R7 always small
    sum(price) < 9
"""


def test_an_imported_tree_stands_where_its_root_does_and_brings_its_rules(tmp_path: Path) -> None:
    reading = read_uvl_file(write(tmp_path, {"options.uvl": MAIN, "parts/wheels.uvl": WHEELS}))

    assert reading.faults == ()
    assert reading.model is not None
    names = [feature.name for feature in reading.model.features]
    assert names == ["Car", "w.Wheels", "w.Small", "w.Big", "Speed", "Speed < 200", "Speed = 200", "Speed > 200"]
    rules = [(one.rule, one.line, one.file) for one in reading.model.constraints]
    assert rules == [("w.R7", 8, "parts/wheels.uvl"), ("L10", 10, ""), ("L11", 11, "")]
    groups = [(one.parent, one.line, one.file) for one in reading.model.groups]
    assert ("w.Wheels", 3, "parts/wheels.uvl") in groups
    assert {file for parent, _, file in groups if parent == "Car"} == {""}
    assert len(cars_of(compile_feature_model(reading.model))) == 3


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"options.uvl": MAIN}, ("options.uvl", 2, "'parts.wheels' is no file here; looked for parts/wheels.uvl")),
        (
            {"options.uvl": MAIN, "parts/wheels.uvl": WHEELS.replace("        alternative", "        alternatives")},
            (
                "parts/wheels.uvl",
                3,
                "stands right below the feature 'Wheels'; a group line such as `optional` is missing",
            ),
        ),
        (
            {"options.uvl": MAIN, "parts/wheels.uvl": WHEELS + "    Nought\n"},
            ("parts/wheels.uvl", 9, "rule L9: unknown feature 'Nought'; it stands nowhere under `features`"),
        ),
        (
            {"options.uvl": MAIN.replace("w.Wheels", "Tyres"), "parts/wheels.uvl": WHEELS},
            ("options.uvl", 2, "is imported, but its root 'w.Wheels' stands nowhere under `features`"),
        ),
        (
            {"options.uvl": MAIN, "parts/wheels.uvl": "imports\n    wheels\n" + WHEELS},
            ("parts/wheels.uvl", 2, "imports go in a circle: wheels.uvl -> wheels.uvl"),
        ),
        (
            {
                "options.uvl": MAIN,
                "parts/wheels.uvl": "imports\n    rims as r\n" + WHEELS,
                "parts/rims.uvl": "imports\n    bolts as b\n" + WHEELS,
                "parts/bolts.uvl": "imports\n    wheels as w\n" + WHEELS,
            },
            ("parts/bolts.uvl", 2, "imports go in a circle: wheels.uvl -> rims.uvl -> bolts.uvl -> wheels.uvl"),
        ),
        (
            {"options.uvl": MAIN.replace("parts.wheels as w", "../other as w")},
            ("options.uvl", 2, "an import is written `folder.file as name`, with names of letters, digits, _ and -"),
        ),
        (
            {
                "options.uvl": MAIN.replace("    parts", "    parts.wheels as w\n    parts"),
                "parts/wheels.uvl": WHEELS,
            },
            ("options.uvl", 3, "'w' is imported already; name it with `as`"),
        ),
    ],
)
def test_a_faulty_import_is_named_with_file_and_line(
    tmp_path: Path, files: dict[str, str], expected: tuple[str, int, str]
) -> None:
    reading = read_uvl_file(write(tmp_path, files))

    assert expected in [(fault.file, fault.line, fault.reason) for fault in reading.faults]


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "in", {"options.uvl": MAIN, "parts/keep.uvl": WHEELS})
    (tmp_path / "wheels.uvl").write_text(WHEELS, encoding="utf-8")
    (tmp_path / "in" / "parts" / "wheels.uvl").symlink_to(tmp_path / "wheels.uvl")

    reading = read_uvl_file(path)

    assert ("options.uvl", 2, "'parts.wheels' leads out of the folder") in [
        (fault.file, fault.line, fault.reason) for fault in reading.faults
    ]


# --- all of them together --------------------------------------------------------------------------------------------

PRICE = {"Rack": 40, "Basket": 25, "Lock": 30}
WEIGHT = {"Steel": 24, "Carbon": 11, "Motor": 32, "Rack": 7, "Basket": 9, "Lock": 5}


def test_the_example_of_the_guide_with_every_level_allows_exactly_the_bicycles_of_brute_force() -> None:
    # The rules ask `Gears > 0` and `Gears <= 11`, so cars differ by: none, below 0, 0, 1 to 10, 11, above.
    reading = read_uvl_file(EXAMPLES / "bicycle.uvl")
    assert reading.model is not None

    cars = cars_of(compile_feature_model(reading.model))

    expected = 0
    lamps = [row for count in (1, 2) for row in product(("Halogen", "Led"), repeat=count)]
    extras = [(), *((one,) for one in PRICE), ("Rack", "Basket"), ("Rack", "Lock"), ("Basket", "Lock")]
    gears = (None, -1, 0, 5, 11, 12)
    for frame, row, motor, number, more in product(("Steel", "Carbon"), lamps, (False, True), gears, extras):
        weight = 95 + WEIGHT[frame] + 2 * len(row) + motor * WEIGHT["Motor"] + sum(WEIGHT[one] for one in more)
        expected += (
            ("Basket" not in more or "Rack" in more)
            and not (frame == "Carbon" and motor)
            and (not motor or (number is not None and number > 0))
            and (number is None or number <= 11)
            and weight <= 160
            and (frame != "Carbon" or sum(PRICE[one] for one in more) <= 60)
        )
    assert len(cars) == expected
