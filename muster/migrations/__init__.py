"""The history of the database's shape, one step a file; see `muster/migrate.py`."""
