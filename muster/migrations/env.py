"""Alembic's entry: runs the steps on the connection it is handed, in one transaction where the database can.

The steps are SQL of their own; no table of the code is imported, so that a migration starts at once.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
