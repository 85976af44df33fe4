"""`python -m muster.migrations.freeze`: write the first step's SQL from the code; for use until the first release."""

from pathlib import Path

from muster.migrate import ddl, write_statements

if __name__ == "__main__":
    for dialect in ("sqlite", "postgresql"):
        write_statements(Path(__file__).parent / "versions" / f"0001_first.{dialect}.sql", ddl(dialect))
