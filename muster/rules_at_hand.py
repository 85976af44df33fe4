"""What the catalogue commands are pointed at: a folder, a bare file, or the version that is in force."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from kernel.actor import Role
from muster.acting import reading
from muster.terminal import BROKEN, REFUSED, out

if TYPE_CHECKING:
    from configurator.catalogue import Catalogue
    from configurator.faults import Fault
    from configurator.model import Context
    from configurator.report_subject import RuleFacts, Subject
    from kernel.work import Works
    from muster.settings import Settings

PUBLISHED: Final = "published"


def subject_at(path: Path, *, as_json: bool = False) -> Subject:
    """Take rules up; faults end the command as refused, all of them named; another kind of file is a broken call."""
    from configurator.rule_files import is_readable_kind, take_up

    if not is_readable_kind(path):
        stop(f"{path} is neither a folder nor a .uvl, .dimacs or .cnf file.")
    subject, faults = take_up(path)
    if subject is None:
        stop_at_faults(path, faults, as_json=as_json)
    return subject


def stop_at_faults(path: Path, faults: Sequence[Fault], *, as_json: bool = False) -> NoReturn:
    """End the command as refused, with every fault."""
    if as_json:
        out.print_json(data={"path": str(path), "faults": faults_json(faults), "report": None})
    else:
        found = f"{len(faults)} faults" if len(faults) > 1 else "1 fault"
        for line in [f"{path}: {found}", *(f"  {fault}" for fault in faults)]:
            out.print(line, markup=False)
    sys.exit(REFUSED)


def catalogue_at(where: str, brand: str) -> Catalogue:
    """Read a folder, or take the version in force; faults raise CatalogueFaulty."""
    if where == PUBLISHED:
        return _published(brand)
    from configurator.catalogue_files import read_catalogue

    return read_catalogue(Path(where))


def faults_json(faults: Sequence[Fault]) -> list[dict[str, Any]]:
    """Return what is wrong where, as JSON values."""
    return [{"file": fault.file, "line": fault.line, "reason": fault.reason} for fault in faults]


@contextmanager
def database(chosen: Settings) -> Iterator[Works]:
    """Open the database of these settings, and close it again."""
    from muster.opening import open_works

    works = open_works(chosen)
    try:
        yield works
    finally:
        works.engine.dispose()


def check_whose(catalogue: Catalogue, brand: str) -> None:
    """Refuse a catalogue of another brand than the one in the database (CatalogueOfOtherBrand), before any work."""
    from configurator.service import check_whose as check

    with reading(brand, Role.SYSTEM) as work:
        check(work, catalogue)


def check_version(catalogue: Catalogue, brand: str) -> None:
    """Refuse what cannot be published as the brand's next version, before any work; see `configurator.service`."""
    from configurator.service import check_version as check

    with reading(brand, Role.SYSTEM) as work:
        check(work, catalogue)


def _published(brand: str) -> Catalogue:
    from configurator.queries import open_showroom

    with reading(brand, Role.SYSTEM) as work:
        version, _room = open_showroom(work, region="")
        return version.catalogue


def place_of(subject: Subject, path: Path, region: str, day: date | None) -> Context:
    """Return where and when is asked about: by default the first day, at no region in particular.

    A region is known where a rule speaks of it, or where the brand's table of regions beside the catalogue has it.
    """
    from configurator.model import Context

    if region and region not in known_regions(subject):
        known = sorted({*known_regions(subject), *_regions_of_brand(path)})
        if region not in known:
            stop(f"there is no region '{region}' here, but: {', '.join(known) or 'none'}")
    return Context(region, day or subject.contexts[0].day)


def _regions_of_brand(path: Path) -> tuple[str, ...]:
    """Return the regions of the brand whose catalogue stands at a path; none where that is no brand's folder."""
    from kernel.errors import InvalidInput
    from muster.brands import BrandFolder, read_regions

    folder = BrandFolder(path.resolve().parent)
    if folder.catalogue != path.resolve() or not folder.network.is_dir():
        return ()
    try:
        return tuple(region.code for region in read_regions(folder))
    except InvalidInput as trouble:
        stop(str(trouble))


def known_regions(subject: Subject) -> list[str]:
    """Return the regions that some rule speaks of."""
    return sorted({region for rule in subject.book.rules for region in rule.condition.regions})


def fewest_rules(subject: Subject, place: Context, wanted: Sequence[int]) -> tuple[bool, list[RuleFacts] | None]:
    """Say whether a car can be built, and if not, by which rules; None where those are not found within bounds."""
    from configurator.errors import AnswerTooHard
    from configurator.rule_probe import RuleProbe

    probe = RuleProbe(subject.book)
    active = subject.book.active(place)
    if probe.has_car(active, wanted):
        return True, []
    try:
        found = probe.smallest_conflict(active, wanted)
    except AnswerTooHard:
        return False, None
    return False, [subject.facts(subject.book.rules[position].code) for position in found]


def literals_of(subject: Subject, having: Sequence[str] | None, lacking: Sequence[str] | None) -> list[int]:
    """Turn names into literals; an unknown one, or one that is wanted and refused, ends the command."""
    variables = subject.book.variables
    return [
        variables[name] if wanted else -variables[name] for name, wanted in choices_of(subject, having, lacking).items()
    ]


def choices_of(subject: Subject, having: Sequence[str] | None, lacking: Sequence[str] | None) -> dict[str, bool]:
    """Turn names into choices; an unknown one, or one that is wanted and refused, ends the command."""
    _check_names(subject, [*(having or ()), *(lacking or ())])
    if both := sorted({*(having or ())} & {*(lacking or ())}):
        stop(f"'{both[0]}' cannot be there and be missing.")
    return {**dict.fromkeys(having or (), True), **dict.fromkeys(lacking or (), False)}


def _check_names(subject: Subject, names: Sequence[str]) -> None:
    from difflib import get_close_matches

    variables = subject.book.variables
    for name in names:
        if name not in variables:
            near = get_close_matches(name, variables, n=3)
            stop(f"unknown feature '{name}'" + (f"; did you mean {', '.join(near)}?" if near else ""))


def stop(why: str) -> NoReturn:
    """End the command as a broken call."""
    out.print(why, style="red", markup=False)
    sys.exit(BROKEN)
