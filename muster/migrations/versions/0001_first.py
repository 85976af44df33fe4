"""The first shape of the database, as SQL for either kind beside this file (`muster ddl` wrote it)."""

from pathlib import Path

from alembic import op
from sqlalchemy import inspect, text

from muster.migrate import read_statements

revision = "0001"
down_revision = None
_HERE = Path(__file__).parent


def upgrade() -> None:
    """Make every table, index and trigger."""
    connection = op.get_bind()
    for statement in read_statements(_HERE / f"0001_first.{connection.dialect.name}.sql"):
        connection.exec_driver_sql(statement.replace("%", "%%") if connection.dialect.name != "sqlite" else statement)


def downgrade() -> None:
    """Drop everything; the data goes with it."""
    connection = op.get_bind()
    names = [name for name in inspect(connection).get_table_names() if name != "alembic_version"]
    quote = connection.dialect.identifier_preparer.quote
    if connection.dialect.name == "postgresql":
        for name in names:
            connection.execute(text(f"DROP TABLE {quote(name)} CASCADE"))
        for function in connection.execute(
            text(
                "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
                " WHERE n.nspname = current_schema() AND p.prorettype = 'trigger'::regtype"
            )
        ).scalars():
            connection.execute(text(f"DROP FUNCTION {quote(function)}() CASCADE"))
    else:
        for name in names:
            connection.execute(text(f"DROP TABLE {quote(name)}"))
