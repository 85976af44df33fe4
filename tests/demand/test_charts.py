"""Charts: what is drawn is what was published, it is well-formed and hostile names stay words, gaps stay gaps."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from demand.charts.charting import Words, chart_take_rates, chart_willingness
from demand.charts.drawing import draw_bars, draw_lines
from demand.charts.model import Bar, BarChart, Line, LineChart
from demand.cubes.model import EVERYBODY, ORDERED, CellKey, PublishedCell
from demand.queries import demand_charts
from demand.service import forecast_released
from kernel.actor import Actor, Role
from kernel.errors import Forbidden, InvalidInput
from kernel.ids import AccountId
from kernel.work import Works
from muster.demand_report import report_page, write_report
from tests.configurator.small_brand import BRAND, PLANNER, open_small_brand
from tests.demand.released_room import MONDAY, publish

SVG: Final = "{http://www.w3.org/2000/svg}"
WORDS: Final = Words("en", {"RED": "Red <b>&"})


def of(svg: str, kind: str) -> list[ET.Element]:
    return ET.fromstring(svg).findall(SVG + kind)


def test_a_bar_is_as_long_as_its_share_of_the_scale() -> None:
    bars = (Bar("half", 50, None, None, "50"), Bar("all", 100, None, None, "100"), Bar("none", 0, None, None, "0"))

    drawn = of(draw_bars(BarChart("t", "d", bars, 100)), "rect")[1:]

    widths = [float(one.attrib["width"]) for one in drawn]
    assert widths == [widths[1] / 2, widths[1], 0]


def test_a_gap_parts_a_line_and_its_band() -> None:
    line = Line("x", (1, 2, None, 4), ((0, 2), (1, 3), None, (3, 5)))

    svg = draw_lines(LineChart("t", "d", ("a", "b", "c", "d"), (line,)))

    filled = [one for one in of(svg, "path") if one.attrib.get("fill-opacity") == "0.2"]
    assert len(filled) == 2
    assert len(of(svg, "circle")) == 3


_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"))
_VALUES = st.none() | st.floats(0, 1e6)


@example("", [5e-324])
@given(_WORDS, st.lists(_VALUES, min_size=1, max_size=12))
def test_whatever_is_drawn_is_well_formed_and_stays_inside(words: str, values: list[float | None]) -> None:
    marks = tuple(words for _ in values)
    svg = draw_lines(LineChart(words, words, marks, (Line(words, tuple(values)),)))

    root = ET.fromstring(svg)
    height = float(root.attrib["height"])
    assert root.findtext(SVG + "title") == words
    assert all(0 <= float(one.attrib["cy"]) <= height for one in root.findall(SVG + "circle"))
    assert len(root.findall(SVG + "circle")) == sum(value is not None for value in values)


def cell(option: str, chosen: int, week: date = MONDAY) -> PublishedCell:
    return PublishedCell(CellKey(option, "*", week, "A1"), chosen, 100)


def test_take_rates_are_those_of_the_newest_week_the_highest_first() -> None:
    older = cell("BLUE", 90, MONDAY - timedelta(weeks=1))

    found = chart_take_rates(WORDS, "A1", [older, cell("BLUE", 20), cell("RED", 60), cell(EVERYBODY, 100)])

    assert found is not None
    assert found.rows == (("Red <b>&", "60% (50%–69%)"), ("BLUE", "20% (13%–29%)"))
    assert "Red &lt;b&gt;&amp;" in found.svg
    assert "<b>" not in found.svg


def test_an_option_of_two_catalogue_versions_is_one_bar() -> None:
    found = chart_take_rates(WORDS, "A1", [cell("BLUE", 20), cell("BLUE", 60)])

    assert found is not None
    assert found.rows == (("BLUE", "40% (33%–47%)"),)


def test_where_nothing_is_released_nothing_is_drawn() -> None:
    assert chart_take_rates(WORDS, "A1", [cell(EVERYBODY, 100)]) is None
    assert chart_willingness(WORDS, "A1", []) is None


def test_planners_get_the_charts_of_a_release_in_their_language(works: Works, tmp_path: Path) -> None:
    open_small_brand(works)
    publish(works, {EVERYBODY: [80] * 10, ORDERED: [40] * 10, "RED": [60] * 10})
    forecast_released(works)

    with works.read(PLANNER.speaking("en")) as work:
        english = demand_charts(work, models=["A1"])
    with works.read(PLANNER.speaking("zh-CN")) as work:
        chinese = demand_charts(work)

    assert [one.code for one in english] == ["people", "take_rates", "forecast"]
    assert [one.code for one in chinese] == ["people", "take_rates", "forecast"]
    assert english[0].title == "A1: demand by week"
    assert english[0].rows[-1] == ("11-16", "80", "40")
    assert (english[0].columns[0], english[2].columns[0], chinese[0].columns[0]) == ("week of", "week of", "周")
    assert len(english[2].rows) == 18
    assert chinese[2].title == "A1 预订量预测"
    paths = write_report(tmp_path / "report", english, locale="en", title="Fir & Co")
    assert [path.name for path in paths] == ["index.html", "A1-people.svg", "A1-take_rates.svg", "A1-forecast.svg"]
    page = paths[0].read_text(encoding="utf-8")
    assert page.count("<svg") == page.count("<table>") == 3
    assert "Fir &amp; Co" in page
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page


def test_before_the_first_release_there_is_no_report(works: Works, tmp_path: Path) -> None:
    open_small_brand(works)

    with works.read(PLANNER) as work:
        charts = demand_charts(work)
    with pytest.raises(InvalidInput):
        write_report(tmp_path / "report", charts, locale="en", title="Fir")

    assert charts == []
    assert not (tmp_path / "report").exists()
    assert "<svg" not in report_page(charts, locale="en", title="Fir")


def test_only_who_may_read_demand_sees_charts(works: Works) -> None:
    open_small_brand(works)
    dealer = Actor(BRAND, frozenset({Role.DEALER}), AccountId("2" * 32))

    with pytest.raises(Forbidden), works.read(dealer) as work:
        demand_charts(work)
