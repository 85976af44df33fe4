"""Fresh databases with Muster's schema, cheaply: a copied file on SQLite, an emptied database on PostgreSQL."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from kernel import db
from tests.support.postgres import postgres_server

ROOT: Final = Path(__file__).resolve().parents[2]
ROOMS: Final = ("kernel", "configurator", "demand", "factory_orders", "ownership")


@dataclass(frozen=True, slots=True)
class Database:
    """One database with the whole schema and no row: its address for other processes, an engine for this one."""

    url: str
    engine: Engine


def make_schema(url: str) -> None:
    """Create every table of every room in an empty database."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if room == "kernel" or path.stem == "tables":
                importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    engine = db.open_engine(url)
    with engine.begin() as connection:
        db.metadata.create_all(connection)
    engine.dispose()


# --- SQLite ----------------------------------------------------------------------------------------------------------


def copy_sqlite(template: Path, target: Path) -> str:
    """Copy a closed SQLite file and return the copy's address."""
    shutil.copyfile(template, target)
    return f"sqlite:///{target}"


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


@contextmanager
def postgres_address() -> Iterator[str]:
    """Yield a maintenance address: the server named by MUSTER_TEST_POSTGRES, else one of our own."""
    given = os.environ.get("MUSTER_TEST_POSTGRES", "")
    if given:
        yield given
    else:
        with postgres_server() as address:
            yield address


@contextmanager
def postgres_database(address: str, name: str) -> Iterator[str]:
    """Make an empty database on that server, yield its address and drop it at the end."""
    identifier = sql.Identifier(name)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(identifier))
    try:
        yield make_url(address).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


def empty_postgres(url: str) -> None:
    """Delete every row and start every sequence anew; needs a superuser, as it passes by triggers and foreign keys."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.execute("SET session_replication_role = replica")
        connection.execute(EMPTY_TABLES)


EMPTY_TABLES: Final = """
DO $$
DECLARE item record; filled boolean;
BEGIN
    FOR item IN SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
                WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
        EXECUTE 'SELECT EXISTS (SELECT 1 FROM ' || item.name || ')' INTO filled;
        IF filled THEN EXECUTE 'DELETE FROM ' || item.name; END IF;
    END LOOP;
    FOR item IN SELECT format('%I.%I', schemaname, sequencename) AS name FROM pg_sequences
                WHERE schemaname = 'public' AND last_value IS NOT NULL LOOP
        EXECUTE 'ALTER SEQUENCE ' || item.name || ' RESTART';
    END LOOP;
END $$
"""
