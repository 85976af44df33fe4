"""The product's own reader finds the demo catalogues sound and counts the same as the plain count."""

from __future__ import annotations

from configurator.catalogue_files import read_catalogue
from tests.demo.plain_files import BOREALIS, QILAN


def test_the_products_reader_finds_no_fault_and_counts_the_same() -> None:
    qilan, borealis = read_catalogue(QILAN / "catalogue"), read_catalogue(BOREALIS / "catalogue")

    assert (len(qilan.models), len(qilan.options), len(qilan.rules) + len(qilan.price_rules)) == (3, 118, 164)
    assert (len(borealis.models), len(borealis.options), len(borealis.rules) + len(borealis.price_rules)) == (1, 12, 9)
