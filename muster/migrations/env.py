"""Alembic's entry: runs the steps on the connection it is handed, in one transaction where the database can."""

from alembic import context

from muster.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
