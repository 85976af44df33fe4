"""Released demand as a page that stands alone: every chart with the table of its numbers, and each chart as a file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from demand.model import Drawn
from kernel.errors import InvalidInput

STYLE: Final = (
    "body{font-family:sans-serif;max-width:760px;margin:24px auto;padding:0 12px;color:#222}"
    "svg{max-width:100%;height:auto}table{border-collapse:collapse;margin:8px 0 32px}"
    "td,th{border:1px solid #ccc;padding:2px 8px;text-align:right}td:first-child,th:first-child{text-align:left}"
)


def write_report(folder: Path, charts: Sequence[Drawn], *, locale: str, title: str) -> list[Path]:
    """Write `index.html` and an SVG a chart into a folder, and return the files; refuses where nothing is released."""
    if not charts:
        raise InvalidInput("brand", "nothing has been released yet")
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    page.write_text(report_page(charts, locale=locale, title=title), encoding="utf-8")
    paths = [page]
    for one in charts:
        path = folder / f"{'-'.join(part for part in (one.model, one.code) if part)}.svg"
        path.write_text(one.svg, encoding="utf-8")
        paths.append(path)
    return paths


def report_page(charts: Sequence[Drawn], *, locale: str, title: str) -> str:
    """Return the page."""
    sections = "".join(f"<section>{one.svg}{_table(one)}</section>\n" for one in charts)
    return (
        f'<!doctype html>\n<html lang="{escape(locale)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><h1>{escape(title)}</h1>\n{sections}</body></html>\n"
    )


def _table(chart: Drawn) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in chart.columns)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in chart.rows)
    caption = f"<caption>{escape(chart.description)}</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
