"""Tallies a brand's facts with pandas for a release. Only the worker imports this module: pandas is heavy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import pandas as pd

from demand.cubes.model import ALL_REGIONS, CellKey, Offering, Tally

Block: TypeAlias = tuple[str, date, str]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a release is made from: configurations, and options by category for each version, place, model and week.

    Columns: serial, person, verified (a bool), version_id, region, model, week, options (a list).
    """

    rows: Sequence[Mapping[str, object]]
    offerings: Mapping[Offering, Mapping[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Unrounded tallies of every cell, each option's category, and the serial up to which each block now counts."""

    tallies: dict[CellKey, Tally]
    category_of: dict[str, str]
    blocks: dict[Block, int]


def draw(facts: Facts, *, released: Mapping[Block, int], k: int) -> Drawn:
    """Tally every block (region × week × category) up to the facts it may be released with.

    A block moves on to the newest facts only if behind each of its cells that would change at least k persons
    changed; else it stays where it was. Every figure of a release is a sum of blocks, so no difference between two
    releases is about fewer than k persons (DOMAIN section 6.3).
    """
    drawn = Drawn({}, {}, {})
    frame = pd.DataFrame(
        list(facts.rows),
        columns=["serial", "person", "verified", "version_id", "region", "model", "week", "options"],
    )
    for region, week in sorted(set(zip(frame["region"], frame["week"], strict=True))):
        group = frame[(frame["region"] == region) & (frame["week"] == week)].sort_values("serial")
        _draw_group(drawn, facts, group, region, week, released, k)
    return drawn


def _draw_group(
    drawn: Drawn,
    facts: Facts,
    group: pd.DataFrame,
    region: str,
    week: date,
    released: Mapping[Block, int],
    k: int,
) -> None:
    newest = int(group["serial"].max())
    offered = _offered(facts, group, region, week)
    snapshots: dict[int, pd.DataFrame] = {}
    for category, models_of in sorted(offered.items()):
        block = (region, week, category)
        before = released.get(block, 0)
        serial = newest if _may_move(group[group["serial"] > before], models_of, k) else before
        drawn.blocks[block] = serial
        if serial not in snapshots:
            snapshots[serial] = _snapshot(group, serial)
        for option, models in sorted(models_of.items()):
            drawn.category_of[option] = category
            tally = _tally(snapshots[serial], option, models)
            if tally.offered:
                drawn.tallies[CellKey(option, region, week)] = tally
                drawn.tallies.setdefault(CellKey(option, ALL_REGIONS, week), Tally()).add(tally)


def _offered(facts: Facts, group: pd.DataFrame, region: str, week: date) -> dict[str, dict[str, frozenset[object]]]:
    """Return by category and option the (version, model) pairs in which the option could be had there that week."""
    found: dict[str, dict[str, set[object]]] = {}
    for version_id, model in sorted(set(zip(group["version_id"], group["model"], strict=True))):
        for category, options in facts.offerings.get((version_id, region, model, week), {}).items():
            for option in options:
                found.setdefault(category, {}).setdefault(option, set()).add((version_id, model))
    return {
        category: {option: frozenset(pairs) for option, pairs in options.items()} for category, options in found.items()
    }


def _may_move(new: pd.DataFrame, models_of: Mapping[str, frozenset[object]], k: int) -> bool:
    """Say whether at least k verified persons changed behind each cell that changed at all, and some cell changed."""
    changed = [_of_models(new, models) for models in set(models_of.values())]
    persons = [int(rows.loc[rows["verified"], "person"].nunique()) for rows in changed if len(rows)]
    return bool(persons) and min(persons) >= k


def _of_models(frame: pd.DataFrame, models: frozenset[object]) -> pd.DataFrame:
    pairs = zip(frame["version_id"], frame["model"], strict=True)
    return frame.loc[pd.Series([pair in models for pair in pairs], index=frame.index, dtype=bool)]


def _snapshot(group: pd.DataFrame, serial: int) -> pd.DataFrame:
    """Return the facts up to a serial, of each person the last configuration of a model: nobody counts twice."""
    return group[group["serial"] <= serial].drop_duplicates(["person", "model"], keep="last")


def _tally(snapshot: pd.DataFrame, option: str, models: frozenset[object]) -> Tally:
    rows = _of_models(snapshot, models)
    has = pd.Series([option in options for options in rows["options"]], index=rows.index, dtype=bool)
    known = rows["verified"].astype(bool)
    return Tally(len(rows), int(has.sum()), set(rows.loc[has & known, "person"]), set(rows.loc[~has & known, "person"]))
