"""Lists in statements: any number of values in one parameter, the same rows on both databases, by the index."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Final, TypeAlias

import pytest
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Date,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    event,
    select,
    text,
)

from demand.pools.pre_order_store import places_of
from factory_orders.planning.tables import orders
from kernel import db
from kernel.actor import system
from kernel.ids import BrandId
from kernel.payments import capture_due, carry_out_refunds
from kernel.record import record_salts
from kernel.sandbox import Sandbox
from kernel.timers import fire_due
from kernel.work import Works
from tests.support.databases import ROOMS, ROOT, Database

MORE_THAN_PARAMETERS: Final = 65_536
"""PostgreSQL's protocol counts the parameters of a statement in 16 bits."""
things: Final = Table(
    "things",
    MetaData(),
    Column("name", String(4), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("day", Date, nullable=False),
)
ROWS: Final = [
    {"name": "a", "number": 1, "day": date(2026, 1, 1)},
    {"name": 'b"\\', "number": 2, "day": date(2026, 1, 2)},
    {"name": "{,}", "number": 3, "day": date(2026, 1, 3)},
]
Names: TypeAlias = Callable[[ColumnElement[bool]], list[str]]


@pytest.fixture
def names(database: Database) -> Iterator[Names]:
    with database.engine.begin() as connection:
        things.create(connection)
        db.insert_many(connection, things, ROWS)

        def found(condition: ColumnElement[bool]) -> list[str]:
            return list(connection.execute(select(things.c.name).where(condition).order_by(things.c.number)).scalars())

        yield found
        things.drop(connection)


def test_a_column_of_text_numbers_or_days_is_one_of_the_values(names: Names) -> None:
    assert names(db.among(things.c.name, ["a", "c"])) == ["a"]
    assert names(db.among(things.c.number, {3, 1})) == ["a", "{,}"]
    assert names(db.among(things.c.day, [date(2026, 1, 2)])) == ['b"\\']
    assert names(~db.among(things.c.name, ["a", "{,}"])) == ['b"\\']


def test_a_value_is_compared_as_a_whole_whatever_stands_in_it(names: Names) -> None:
    assert names(db.among(things.c.name, ['b"\\', "{,}"])) == ['b"\\', "{,}"]
    assert names(db.among(things.c.name, ["a and more than the column is long"])) == []


def test_no_row_is_one_of_no_values(names: Names) -> None:
    assert names(db.among(things.c.name, [])) == []


def test_a_single_text_is_no_list_of_its_characters() -> None:
    with pytest.raises(AssertionError):
        db.among(things.c.name, "abc")


def test_more_values_than_a_statement_has_parameters_are_one_list(names: Names) -> None:
    many = [f"none{number}" for number in range(MORE_THAN_PARAMETERS)]

    assert names(db.among(things.c.name, [*many, "a"])) == ["a"]
    assert names(db.among(things.c.number, range(3, MORE_THAN_PARAMETERS + 3))) == ["{,}"]


def test_the_statement_is_the_same_text_for_every_number_of_values_from_two_on(database: Database) -> None:
    texts = {
        str(select(things).where(db.among(things.c.name, [f"{one}" for one in range(count)])).compile(database.engine))
        for count in (0, 2, 3, 40)
    }

    assert len(texts) == 1


def test_one_thing_of_a_brand_is_found_by_its_key_and_not_among_all_of_the_brand(works: Works) -> None:
    wanted = select(orders).where(orders.c.brand_id == "b" * 32, db.among(orders.c.id, ["a" * 32]))

    with works.engine.begin() as connection:
        if not db.is_sqlite(connection):
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = explained(connection, wanted)

    assert "(id=?)" in plan or "(id)::text = 'aaa" in plan, plan


def test_a_list_is_looked_up_by_the_index(works: Works) -> None:
    wanted = select(record_salts.c.salt).where(db.among(record_salts.c.person_id, ["a" * 32, "b" * 32]))

    with works.engine.begin() as connection:
        if not db.is_sqlite(connection):
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = explained(connection, wanted)

    assert "USING INDEX" in plan or "Index Cond: ((person_id)::text = ANY" in plan, plan


def test_who_holds_a_place_is_looked_up_by_the_person_and_not_among_all_members(works: Works) -> None:
    sent: list[tuple[str, Any]] = []
    with works.read(system(BrandId("b" * 32))) as work:
        if not db.is_sqlite(work.connection):
            work.connection.execute(text("SET LOCAL enable_seqscan = off"))
        event.listen(work.connection, "before_cursor_execute", lambda *given: sent.append((given[2], given[3])))

        places_of(work, ["a" * 32, "c" * 32])

        statement, parameters = sent[-1]
        word = "EXPLAIN QUERY PLAN " if db.is_sqlite(work.connection) else "EXPLAIN "
        plan = str(work.connection.exec_driver_sql(word + statement, parameters).all())

    assert "uq_pre_orders_one_place" in plan, plan
    # An index alone, or a bitmap of it: which of the two depends on what stood in the table before.
    assert any(one in plan for one in ("(person_id=?)", "Index Cond: (person_id = ANY", "((person_id)::text = ANY")), (
        plan
    )


# Each of these is a handful of rows or a selection, not a list of values.
KNOWN_SHORT: Final = {
    "demand/audit_service.py: balances.c.account.in_(kinds)",
    "demand/circles/owners/store.py: drives.host_id.in_(in_circle)",
    "demand/circles/store.py: circles.c.id.in_(theirs)",
    "demand/compare/store.py: table.c.comparison_id.in_(still_open)",
    "factory_orders/agreements/audit_service.py: table.id.in_(amended)",
    "factory_orders/deliveries/shipment_store.py: table.id.in_(newest)",
    "factory_orders/exchanges/store.py: table.with_build_order_id.in_(own)",
    "factory_orders/footfall/queries.py: table.id.in_(newest)",
    "factory_orders/light_stock/queries.py: table.id.in_(newest.group_by(table.store_id, table.model))",
    "factory_orders/personal/service.py: handovers.c.order_id.in_(own)",
    "factory_orders/personal/service.py: orders.c.id.in_(own)",
    "kernel/idempotency.py: tuple_(table.account_id, table.key).in_(pairs)",
}


def test_no_statement_has_a_parameter_for_every_value_of_a_list_that_may_be_long() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {ast.unparse(call)}"
        for room in (*ROOMS, "graph", "muster")
        for path in sorted((ROOT / room).rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "in_"
        if not is_short(call.args[0])
    }

    assert found == KNOWN_SHORT


def is_short(values: ast.expr) -> bool:
    """Say whether it is written out, a constant of the module, or a selection."""
    match values:
        case ast.Tuple(elts) | ast.List(elts):
            return not any(isinstance(one, ast.Starred) for one in elts)
        case ast.Name(name) | ast.Attribute(attr=name):
            return name.isupper()
        case ast.Call():
            return ast.unparse(values).startswith(("select(", "bindparam(")) or "scalar_subquery" in ast.unparse(values)
        case _:
            return False


def explained(connection: Connection, statement: Select[Any]) -> str:
    """Return the plan of a statement as it is really sent."""
    word = "EXPLAIN QUERY PLAN " if db.is_sqlite(connection) else "EXPLAIN "

    def explain(_connection: Any, _cursor: Any, sent: str, parameters: Any, *_: Any) -> tuple[str, Any]:
        return word + sent, parameters

    event.listen(connection, "before_cursor_execute", explain, retval=True)
    rows = connection.execute(statement).all()
    event.remove(connection, "before_cursor_execute", explain)
    return "\n".join(" ".join(map(str, row)) for row in rows)


def test_who_asks_what_is_due_finds_it_by_its_time_and_not_by_what_all_rows_share(sqlite_url: str) -> None:
    works, seen = Works(db.open_engine(sqlite_url)), list[tuple[str, Any]]()
    providers = {"sandbox": Sandbox(works.engine, b"sixteen or longer")}

    @event.listens_for(works.engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    capture_due(works, providers, {})
    carry_out_refunds(works, providers)
    fire_due(works, {"one": lambda *_: None, "two": lambda *_: None})
    with works.engine.connect() as connection:
        asked = [one for one in seen if one[0].startswith("SELECT")]
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given).all() for text, given in asked]
    works.engine.dispose()

    found = [[row[3].partition(" (")[0] for row in plan if " USING INDEX " in row[3]] for plan in plans]
    assert found == [
        ["SCAN payments USING INDEX ix_payments_to_capture"],
        ["SEARCH refunds USING INDEX ix_refunds_due_at", "SEARCH payments USING INDEX sqlite_autoindex_payments_1"],
        ["SEARCH timers USING INDEX ix_timers_due_at"],
    ]
