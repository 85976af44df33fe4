"""The kernel's tests look at logs, so each begins with structlog as it comes, whatever was set up before it."""

import pytest
import structlog


@pytest.fixture(autouse=True)
def logs_as_they_come() -> None:
    """Forget the levels that another room's tests have set."""
    structlog.reset_defaults()
