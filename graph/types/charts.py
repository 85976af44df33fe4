"""Released demand drawn: each chart as SVG, with the numbers it was drawn from."""

from __future__ import annotations

from demand import queries
from graph.access import field, object_type
from graph.operations import query
from kernel.actor import Permission
from kernel.work import Work

COLUMNS_MAX = 8
ROWS_MAX = 40


@object_type(reads=Permission.DEMAND_READ)
class DemandChartRow:
    """A line of the table beside a chart, in the order of its columns."""

    cells: list[str] = field(at_most=COLUMNS_MAX)


@object_type(reads=Permission.DEMAND_READ)
class DemandChart:
    """A chart in the reader's language: `code` is what it shows; `model` is empty where it is of all models."""

    code: str
    model: str
    title: str
    description: str
    svg: str
    columns: list[str] = field(at_most=COLUMNS_MAX)
    rows: list[DemandChartRow] = field(at_most=ROWS_MAX)


@query(reads=Permission.DEMAND_READ)
def demand_charts(work: Work, models: list[str] | None = None) -> list[DemandChart]:
    """The charts of the newest release for some models, else for all; none before the first release."""
    return [
        DemandChart(
            code=one.code,
            model=one.model,
            title=one.title,
            description=one.description,
            svg=one.svg,
            columns=list(one.columns),
            rows=[DemandChartRow(cells=list(row)) for row in one.rows],
        )
        for one in queries.demand_charts(work, models=models or [])
    ]
