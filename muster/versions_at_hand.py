"""Two versions side by side, wherever they come from: what differs by name, and which cars only one of them allows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from configurator.catalogue_files import UVL
from configurator.catalogue_report import Change, diff_catalogues
from configurator.expressions import format_expression
from configurator.model import Context
from configurator.publish_report import Progress
from configurator.report_subject import Subject, subject_of_catalogue
from configurator.uvl import read_uvl_file
from configurator.version_difference import BackendMaker, CarDifference, VersionPair
from muster.rules_at_hand import PUBLISHED, catalogue_at, check_whose, known_regions, stop, subject_at

STAGE: Final = "comparing cars"


@dataclass(frozen=True, slots=True)
class TwoVersions:
    """An older and a newer version, and what differs between them by name."""

    old: Subject
    new: Subject
    changes: tuple[Change, ...]

    def cars(self, make_backend: BackendMaker, told: Progress) -> list[CarDifference]:
        """Compare cars on the newer version's first day, once for each set of rules that is in force somewhere."""
        places = self._places()
        pair = VersionPair(self.old, self.new, make_backend)
        found = []
        for done, place in enumerate(places):
            told(STAGE, done, len(places))
            found.append(pair.compare(place))
        told(STAGE, len(places), len(places))
        return found

    @property
    def names(self) -> list[str]:
        """Return the features that a buyer knows by name, those of the newer version first."""
        return list(dict.fromkeys([*self.new.named, *self.old.named]))

    def _places(self) -> list[Context]:
        day: date = self.new.contexts[0].day
        regions = sorted({*known_regions(self.old), *known_regions(self.new)})
        places: dict[tuple[tuple[int, ...], ...], Context] = {}
        for region in ("", *regions):
            place = Context(region, day)
            in_force = [
                (book.active(place), tuple(one.literal for one in book.withdrawals(place)))
                for book in (self.old.book, self.new.book)
            ]
            places.setdefault(tuple(part for both in in_force for part in both), place)
        return list(places.values())


def two_versions(old: str, new: str, brand: str) -> TwoVersions:
    """Take both up; a catalogue compares with a catalogue, a bare file with a bare file.

    Refuses a folder of another brand beside what is published (CatalogueOfOtherBrand).
    """
    for where in (old, new):
        if where != PUBLISHED and not Path(where).exists():
            stop(f"there is nothing at {where}; give a folder, a file, or `{PUBLISHED}`.")
    if _is_catalogue(old) != _is_catalogue(new):
        stop("a bare file has no prices and no texts: compare it with another one, and a folder with a folder.")
    if _is_catalogue(old):
        before, after = catalogue_at(old, brand), catalogue_at(new, brand)
        if PUBLISHED in (old, new):
            check_whose(after if old == PUBLISHED else before, brand)
        changes = diff_catalogues(before, after).changes()
        return TwoVersions(subject_of_catalogue(before, file=UVL), subject_of_catalogue(after, file=UVL), changes)
    first, second = Path(old), Path(new)
    older, newer = subject_at(first), subject_at(second)
    names = _only_in("feature", Counter(older.book.features), Counter(newer.book.features))
    rules = _only_in("rule", _rules(first, older), _rules(second, newer))
    return TwoVersions(older, newer, (*names, *rules))


def _is_catalogue(where: str) -> bool:
    return where == PUBLISHED or Path(where).is_dir()


def _only_in(thing: str, before: Counter[str], after: Counter[str]) -> list[Change]:
    """Return what only one of the two has; what stands several times counts as often."""
    gone, new = before - after, after - before
    return [Change(thing, name, "gone", "") for name in gone.elements()] + [
        Change(thing, name, "", "new") for name in new.elements()
    ]


def _rules(path: Path, subject: Subject) -> Counter[str]:
    """Return the rules of a bare file by what they say."""
    if path.suffix == ".uvl":
        model = read_uvl_file(path).model
        assert model is not None, "a subject was made of it"
        return Counter(format_expression(one.expression) for one in model.constraints)
    features = subject.book.features
    return Counter(
        " | ".join(("" if literal > 0 else "!") + features[abs(literal) - 1] for literal in sorted(clause, key=abs))
        for rule in subject.book.rules
        for clause in rule.clauses
    )
