"""Loads and saves what is kept of a line's days: how good their orders are, by the policy they were counted with."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import date

from sqlalchemy import ColumnElement, select

from factory_orders.planning.model import LineDayFigures
from factory_orders.planning.tables import line_days
from kernel.work import Work


def line_day(work: Work, plant_id: str, day: date) -> LineDayFigures | None:
    """Return what is kept of a day; None where no car stands on it."""
    columns = (line_days.c[field.name] for field in fields(LineDayFigures))
    row = work.connection.execute(select(*columns).where(_key(plant_id, day))).first()
    return None if row is None else LineDayFigures(*row)


def write_line_day(work: Work, figures: LineDayFigures, *, policy_version: int) -> None:
    """Keep how good a day's line order is, and how good one could be at most."""
    forget_line_day(work, figures.plant_id, figures.day)
    own = {"brand_id": work.actor.brand_id, "policy_version": policy_version, "sequenced_at": work.now}
    work.connection.execute(line_days.insert().values(**asdict(figures), **own))


def forget_line_day(work: Work, plant_id: str, day: date) -> None:
    """Drop what is kept of a day on which no car stands any more."""
    work.connection.execute(line_days.delete().where(_key(plant_id, day)))


def _key(plant_id: str, day: date) -> ColumnElement[bool]:
    return (line_days.c.plant_id == plant_id) & (line_days.c.day == day)
