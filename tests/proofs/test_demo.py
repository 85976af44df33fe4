"""The journey that the README shows is played whole, at a server of its own: from the wish to the car's passport."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.support.databases import ROOT

SECONDS_MAX = 1_200


@pytest.mark.prove
def test_the_journey_of_the_readme_ends_with_a_car_that_is_paid_and_a_passport_that_verifies() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}

    done = subprocess.run(
        [sys.executable, "-m", "muster", "demo"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    steps = [int(number) for number in re.findall(r"^ ?(\d+)\. ", done.stdout, re.MULTILINE)]
    assert steps == list(range(1, 15))
    for told in (
        "anybody can verify it: genuine = True",
        "the same request again is the same pre-order: True",
        "pays, signs, and drives away",
        "new, chain verified = True",
    ):
        assert told in done.stdout
    assert re.search(r"ledger: earnest:\w+ stands at ¥0$", done.stdout, re.MULTILINE)
    assert re.search(r"ledger: receivable:\w+ stands at ¥0$", done.stdout, re.MULTILINE)
