"""The function written for a selection gives what a call for each field would give, in the order of the selection."""

from dataclasses import dataclass

import pytest

from graph.plain_objects import PlainField, reader_factory


@dataclass(frozen=True)
class Price:
    minor: object
    text: object


def refuse(value: object) -> object:
    raise AssertionError(f"{value!r} is of the common type; its reader is not needed")


def test_values_of_the_common_type_go_in_as_they_are_in_the_order_of_the_selection() -> None:
    read = reader_factory((PlainField("words", "text", str), PlainField("minor", "minor", int)))(refuse, refuse)

    answer = read(Price(7, "¥0.07"))

    assert list(answer.items()) == [("words", "¥0.07"), ("minor", 7)]


def test_a_value_of_another_type_goes_through_its_reader() -> None:
    read = reader_factory((PlainField("minor", "minor", int), PlainField("text", "text", None)))(repr, str)

    assert read(Price(True, 5)) == {"minor": "True", "text": "5"}


def test_a_value_that_was_read_before_is_looked_up_in_the_fields_table() -> None:
    names: dict[object, object] = {"grey": "GREY"}
    fields = (PlainField("minor", "minor", int), PlainField("colour", "text", None, is_named=True))
    known, new = (reader_factory(fields)(refuse, reader, names) for reader in (refuse, repr))

    assert known(Price(7, "grey")) == {"minor": 7, "colour": "GREY"}
    assert new(Price(7, "red")) == {"minor": 7, "colour": "'red'"}


def test_a_constant_is_asked_of_the_object_itself() -> None:
    read = reader_factory((PlainField("__typename", None, None),))(type)

    assert read(Price(1, "")) == {"__typename": Price}


def test_an_attribute_that_is_no_name_is_a_fault_of_ours_and_stops_at_once() -> None:
    with pytest.raises(AssertionError):
        reader_factory((PlainField("a", "a) or exit(", None),))


def test_a_missing_object_is_left_to_the_long_way() -> None:
    read = reader_factory((PlainField("minor", "minor", int),))(refuse)

    with pytest.raises(AttributeError):
        read(None)
