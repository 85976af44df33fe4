"""What a release shows of a table: a pure function of the table's counts, so that a log replays it.

Why cells are hidden as they are stands in docs/decisions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from functools import lru_cache
from itertools import combinations
from typing import Final

from demand.cubes.model import (
    ALL_REGIONS,
    EVERYBODY,
    LADDER,
    NOBODY,
    Audience,
    CellKey,
    Count,
    Counts,
    CubeName,
    PublishedCell,
    Step,
    pair_code,
    round_count,
)
from demand.cubes.pairs_told import blocks_told_of_regions
from demand.cubes.policy import CubePolicy
from demand.cubes.rules_told import PairTies, RegionTies, TotalTies
from demand.cubes.setting_out import KIND_CATEGORY, Rules, Snapshot, TakeTable, set_out
from demand.cubes.suppression import (
    MARGIN,
    Edge,
    Grid,
    Node,
    is_large,
    is_safe,
    protect,
    protect_partition,
    sum_counts,
)

NOTHING_CHOSEN: Final = "\x00none"
OTHER_REGIONS: Final = "\x00rest"
KEPT_MAX: Final = 8


def shown_everywhere(table: TakeTable, snapshot: Snapshot, rules: Rules) -> frozenset[str]:
    """Return the options whose total over all regions is shown.

    Those that can be had everywhere are decided first and alone, so that what an earlier release showed of the same
    counts stays; the others come with the last release of a table, where the rest that they leave may be known.
    """
    everywhere = frozenset(table.people)
    large = {
        option
        for option in table.category_of
        if option not in snapshot.burnt and _total_is_large(table, option, k=rules.k)
    }
    common = {option for option in large if table.regions_of[option] == everywhere}
    ties = TotalTies(table, snapshot.ties, k=rules.k)
    shown = _kept_beside(table, ties, common, frozenset(), k=rules.k)
    return shown | _kept_beside(table, ties, large - common, shown, k=rules.k) if rules.final else shown


def _kept_beside(
    table: TakeTable, ties: TotalTies, wanted: Set[str], shown: frozenset[str], *, k: int
) -> frozenset[str]:
    """Return those of the options whose totals may be shown beside others that are: nothing left of a whole, or of an
    whole and of options that exclude each other, is about a few."""
    wanted = set(wanted)
    while True:
        kept: set[str] = set()
        for category, options in table.options_of.items():
            if category in table.exclusive:
                parts = {option: table.total(option) for option in options}
                base = table.everybody.minus(sum_counts(parts[one] for one in shown & set(options)))
                kept |= protect_partition(parts, base, wanted & set(options), k=k)
            else:
                kept |= wanted & set(options)
        hidden = ties.hidden(shown | kept, may_hide=kept)
        if hidden is None:
            return frozenset(kept)
        wanted = kept - {hidden}


def _total_is_large(table: TakeTable, option: str, *, k: int) -> bool:
    """Say whether an option's total may be thought of: it must not tell how many people small regions have, either."""
    among, total = table.among(option), table.total(option)
    hidden = table.people.keys() - table.shown_regions
    part_of_hidden = hidden & table.regions_of[option]
    elsewhere = table.everybody.minus(among)
    return (
        is_large(total, among.minus(total), k=k)
        and is_safe(elsewhere, among, k=k)
        and part_of_hidden in (set(), hidden)
    )


@lru_cache(maxsize=KEPT_MAX)
def _decided(snapshot: Snapshot, rules: Rules) -> tuple[TakeTable, frozenset[str]]:
    """Set take rates out and decide which totals are shown; kept, since the table's pairs ask the same again."""
    table = set_out(snapshot, k=rules.k)
    many = table.everybody.known >= rules.k
    return table, shown_everywhere(table, snapshot, rules) if many else frozenset()


def publish_take_rates(snapshot: Snapshot, rules: Rules) -> list[PublishedCell]:
    """Return the cells of take rates that may be shown together; by region only with a table's last release."""
    table, totals = _decided(snapshot, rules)
    if table.everybody.known < rules.k:
        return []
    cells = [_cell(snapshot, rules, EVERYBODY, ALL_REGIONS, table.everybody, table.everybody)]
    cells += [
        _cell(snapshot, rules, option, ALL_REGIONS, table.total(option), table.among(option))
        for option in sorted(totals)
    ]
    if rules.final:
        for region in sorted(table.shown_regions):
            cells.append(_cell(snapshot, rules, EVERYBODY, region, table.people[region], table.people[region]))
        for option, region in _regional_cells(table, snapshot, totals, k=rules.k):
            cells.append(_cell(snapshot, rules, option, region, table.chosen[option, region], table.people[region]))
    return cells


def _regional_cells(table: TakeTable, snapshot: Snapshot, totals: frozenset[str], *, k: int) -> list[Edge]:
    """Return the (option, region) cells that may be shown together beside the totals, a category after the other."""
    hidden: set[str] = set()
    categories = list(table.options_of)
    shown = {one: _shown_in_regions(table, snapshot, one, totals, hidden, k=k) for one in categories}
    ties = RegionTies(table, snapshot.ties, snapshot.ties_in, totals, k=k)
    while (option := ties.hidden({option for edges in shown.values() for option, _ in edges})) is not None:
        hidden.add(option)
        category = table.category_of[option]
        shown[category] = _shown_in_regions(table, snapshot, category, totals, hidden, k=k)
    return [edge for category in categories for edge in sorted(shown[category])]


def _shown_in_regions(
    table: TakeTable, snapshot: Snapshot, category: str, totals: frozenset[str], hidden: Set[str], *, k: int
) -> set[Edge]:
    """Return the (option, region) cells of a category that may be shown beside the totals, without those hidden."""
    options = [one for one in table.options_of[category] if one not in snapshot.burnt]
    hidden_regions = sorted(table.people.keys() - table.shown_regions)
    columns = {region: [region] for region in sorted(table.shown_regions)}
    if hidden_regions:
        columns[OTHER_REGIONS] = hidden_regions
    grid = _region_grid(table, table.options_of[category], columns, exclusive=category in table.exclusive)
    shown: set[Edge] = {(option, MARGIN) for option in totals if table.category_of[option] == category}
    shown |= {
        (option, region)
        for option in options
        for region in table.regions_of[option] & table.shown_regions
        if option not in hidden
        and is_large(table.chosen[option, region], table.people[region].minus(table.chosen[option, region]), k=k)
    }
    return {edge for edge in protect(grid, shown, k=k) if edge[1] != MARGIN}


def _region_grid(
    table: TakeTable, options: Sequence[str], columns: Mapping[str, Sequence[str]], *, exclusive: bool
) -> Grid:
    """Set up options × regions; whoever chose nothing of an exclusive category is a row of its own."""
    cells: dict[Edge, Count] = {}
    among: dict[Edge, Count] = {}
    base: dict[Node, Count] = {("column", MARGIN): table.everybody}
    for column, regions in columns.items():
        base["column", column] = sum_counts(table.people[region] for region in regions)
        for option in options:
            having = [region for region in regions if region in table.regions_of[option]]
            if having:
                cells[option, column] = sum_counts(table.chosen[option, region] for region in having)
                among[option, column] = sum_counts(table.people[region] for region in having)
    for option in options:
        cells[option, MARGIN] = table.total(option)
        among[option, MARGIN] = table.among(option)
    if exclusive:
        nothing = {
            column: base["column", column].minus(
                sum_counts(count for (_, where), count in cells.items() if where == column)
            )
            for column in (*columns, MARGIN)
        }
        if any(count.all for count in nothing.values()):
            cells |= {(NOTHING_CHOSEN, column): count for column, count in nothing.items()}
            among |= {(NOTHING_CHOSEN, column): base["column", column] for column in nothing}
    return Grid(cells, base, among, columns_add_up=exclusive)


def _cell(snapshot: Snapshot, rules: Rules, option: str, region: str, chosen: Count, offered: Count) -> PublishedCell:
    key = CellKey(option, region, snapshot.table.week, snapshot.table.model)
    everybody = round_count(offered.all, to=rules.rounding)
    shown = min(round_count(chosen.all, to=rules.rounding), everybody)
    return PublishedCell(key, shown, everybody, shown, everybody)


# --- pairs -----------------------------------------------------------------------------------------------------------


def publish_pairs(take: Snapshot, pairs: Counts, rules: Rules) -> list[PublishedCell]:
    """Return the pairs of options of different categories that may be shown beside the options' totals.

    Both could be had in the same regions, and each of the four groups (both, either, neither) is large.
    """
    table, totals = _decided(take, rules)
    if table.everybody.known < rules.k:
        return []
    shown: dict[tuple[str, str], set[Edge]] = {}
    hidden: set[str] = set()
    told_of_regions = blocks_told_of_regions(table, take.ties_in, pairs, k=rules.k)
    for both in combinations([one for one in table.options_of if one != KIND_CATEGORY], 2):
        if both in told_of_regions:
            continue
        shown[both] = _shown_pairs(table, pairs, totals, both, hidden, k=rules.k)
    ties = PairTies(table, take.ties, pairs, k=rules.k)
    while (pair := ties.hidden(set().union(*shown.values()))) is not None:
        hidden.add(pair_code(*pair))
        first, second = sorted(table.category_of[option] for option in pair)
        shown[first, second] = _shown_pairs(table, pairs, totals, (first, second), hidden, k=rules.k)
    return [_pair_cell(table, take, pairs, pair, rules) for own in shown.values() for pair in sorted(own)]


def _shown_pairs(
    table: TakeTable, pairs: Counts, totals: frozenset[str], categories: tuple[str, str], hidden: Set[str], *, k: int
) -> set[Edge]:
    """Return the pairs of two categories' options that may be shown beside their totals, without those hidden."""
    rows, columns = (table.options_of[category] for category in categories)
    counted = {(row, column): pairs.get(pair_code(row, column), NOBODY) for row in rows for column in columns}
    large = {
        (row, column)
        for row, column in counted
        if row in totals
        and column in totals
        and pair_code(row, column) not in hidden
        and table.regions_of[row] == table.regions_of[column]
        and _four_are_large(table, row, column, counted[row, column], k=k)
    }
    if not large:
        return set()
    margins = {(row, MARGIN) for row in rows if row in totals} | {
        (MARGIN, column) for column in columns if column in totals
    }
    safe = protect(_pair_grid(table, categories, counted), large | margins, k=k)
    return {pair for pair in safe if MARGIN not in pair}


def _pair_cell(table: TakeTable, take: Snapshot, pairs: Counts, pair: Edge, rules: Rules) -> PublishedCell:
    first, second = sorted(pair)
    of_first, of_second = (
        _cell(take, rules, one, ALL_REGIONS, table.total(one), table.among(one)) for one in (first, second)
    )
    both = round_count(pairs[pair_code(first, second)].all, to=rules.rounding)
    key = CellKey(first, ALL_REGIONS, take.table.week, take.table.model, second)
    shown = min(both, of_first.chosen, of_second.chosen)
    return PublishedCell(key, shown, of_first.offered, of_first.chosen, of_second.chosen)


def _four_are_large(table: TakeTable, row: str, column: str, both: Count, *, k: int) -> bool:
    of_row, of_column, among = table.total(row), table.total(column), table.among(row)
    neither = among.minus(of_row).minus(of_column).plus(both)
    return min(both.known, of_row.known - both.known, of_column.known - both.known, neither.known) >= k


def _pair_grid(table: TakeTable, categories: tuple[str, str], counted: Mapping[Edge, Count]) -> Grid:
    """Set up options × options; the margins are the options' totals."""
    rows, columns = (table.options_of[category] for category in categories)
    cells = dict(counted)
    base: dict[Node, Count] = {("row", MARGIN): table.everybody, ("column", MARGIN): table.everybody}
    columns_add_up, rows_add_up = (category in table.exclusive for category in categories)
    for row in rows:
        cells[row, MARGIN] = base["row", row] = table.total(row)
        if rows_add_up:
            cells[row, NOTHING_CHOSEN] = base["row", row].minus(sum_counts(counted[row, one] for one in columns))
    for column in columns:
        cells[MARGIN, column] = base["column", column] = table.total(column)
        if columns_add_up:
            cells[NOTHING_CHOSEN, column] = base["column", column].minus(
                sum_counts(counted[one, column] for one in rows)
            )
    if rows_add_up and columns_add_up:
        _add_those_without(cells, base, rows, columns, table.everybody)
    else:
        cells = {
            edge: count
            for edge, count in cells.items()
            if (rows_add_up or edge[1] != MARGIN) and (columns_add_up or edge[0] != MARGIN)
        }
        base |= {("row", NOTHING_CHOSEN): table.everybody, ("column", NOTHING_CHOSEN): table.everybody}
    return Grid(cells, base, rows_add_up=rows_add_up, columns_add_up=columns_add_up)


def _add_those_without(
    cells: dict[Edge, Count], base: dict[Node, Count], rows: Sequence[str], columns: Sequence[str], everybody: Count
) -> None:
    """Add the row and the column of those who chose nothing of a category, where there is anybody."""
    without_row = everybody.minus(sum_counts(base["row", row] for row in rows))
    without_column = everybody.minus(sum_counts(base["column", column] for column in columns))
    base["row", NOTHING_CHOSEN], base["column", NOTHING_CHOSEN] = without_row, without_column
    cells[NOTHING_CHOSEN, MARGIN], cells[MARGIN, NOTHING_CHOSEN] = without_row, without_column
    in_row = sum_counts(cells[NOTHING_CHOSEN, column] for column in columns)
    cells[NOTHING_CHOSEN, NOTHING_CHOSEN] = without_row.minus(in_row)
    if without_row.all == 0:
        for edge in [edge for edge in cells if edge[0] == NOTHING_CHOSEN]:
            del cells[edge]
    if without_column.all == 0:
        for edge in [edge for edge in cells if edge[1] == NOTHING_CHOSEN]:
            del cells[edge]


# --- funnel, caps, cancellations -------------------------------------------------------------------------------------


def publish_funnel(snapshot: Snapshot, rules: Rules) -> list[PublishedCell]:
    """Return the steps of those first seen in a week: on the ladder each step leaves nobody behind, or many."""
    counts = snapshot.blocks.get("", {})
    seen = counts.get(Step.SEEN, NOBODY)
    if seen.known < rules.k:
        return []
    shown = [Step.SEEN]
    voted = counts.get(Step.VOTED, NOBODY)
    if voted.known >= rules.k and is_safe(voted, seen.minus(voted), k=rules.k):
        shown.append(Step.VOTED)
    last = seen
    for step in LADDER:
        here = counts.get(step, NOBODY)
        if here.known >= rules.k and is_safe(last.minus(here), here, k=rules.k):
            shown.append(step)
            last = here
    return [_cell(snapshot, rules, step, ALL_REGIONS, counts[step], seen) for step in shown]


def publish_caps(snapshot: Snapshot, rules: Rules) -> list[PublishedCell]:
    """Return how many wait for how much discount: neighbouring percents are put together until many are in each.

    A cell's code is the highest percent in it; `offered` is the sum of what is shown: the curve follows.
    """
    counts = snapshot.blocks.get("", {})
    groups: list[tuple[int, Count]] = []
    gathered = NOBODY
    for percent in sorted(int(code) for code in counts):
        gathered = gathered.plus(counts[str(percent)])
        if gathered.known >= rules.k:
            groups.append((percent, gathered))
            gathered = NOBODY
    if not groups:
        return []
    if gathered != NOBODY:
        groups[-1] = (max(int(code) for code in counts), groups[-1][1].plus(gathered))
    rounded = [(percent, round_count(count.all, to=rules.rounding)) for percent, count in groups]
    total = sum(count for _, count in rounded)
    return [
        PublishedCell(
            CellKey(str(percent), ALL_REGIONS, snapshot.table.week, snapshot.table.model), count, total, count, total
        )
        for percent, count in rounded
    ]


def publish_cancellations(snapshot: Snapshot, rules: Rules) -> list[PublishedCell]:
    """Return how many cancelled in each way; ways that few took are not shown, and no total tells of them."""
    counts = snapshot.blocks.get("", {})
    shown = [code for code, count in sorted(counts.items()) if count.known >= rules.k]
    return [_cell(snapshot, rules, code, ALL_REGIONS, counts[code], counts[code]) for code in shown]


PUBLISHERS: Final = {
    CubeName.TAKE_RATES: publish_take_rates,
    CubeName.FUNNEL: publish_funnel,
    CubeName.CAPS: publish_caps,
    CubeName.CANCELLATIONS: publish_cancellations,
}
"""How each cube is published that needs nothing but its own counts; pairs need the take rates beside them."""


def audiences(rules: CubePolicy, *, final: bool) -> list[tuple[Audience, Rules]]:
    """Return who is shown a move, by which rules."""
    maker = [(Audience.MAKER, Rules(rules.k, rules.rounding, final))]
    return [*maker, (Audience.TRADE, Rules(rules.trade_k, rules.rounding, final))] if final else maker


def publish(snapshot: Snapshot, rules: Rules, take: Snapshot | None) -> list[PublishedCell]:
    """Return the cells of any table; `take` is the take rates beside a table of pairs."""
    if snapshot.table.cube == CubeName.PAIRS:
        assert take is not None
        return publish_pairs(take, snapshot.blocks.get("", {}), rules)
    return PUBLISHERS[CubeName(snapshot.table.cube)](snapshot, rules)
