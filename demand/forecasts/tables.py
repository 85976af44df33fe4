"""Forecasts as they were made from a release: they hold published counts' futures, and never change."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, Float, Integer, String, Table

from kernel.db import Id, Instant, metadata
from kernel.immutable import append_only

# A run from a release, also where no series was long enough: it is not made twice.
forecast_runs = Table(
    "forecast_runs",
    metadata,
    Column("brand_id", Id, primary_key=True),
    Column("release", Integer, primary_key=True),
    Column("series", Integer, nullable=False),
    Column("at", Instant, nullable=False),
)

forecast_weeks = Table(
    "forecast_weeks",
    metadata,
    Column("brand_id", Id, primary_key=True),
    Column("release", Integer, primary_key=True),
    Column("model", String(80), primary_key=True),
    Column("option", String(80), primary_key=True),
    Column("week", Date, primary_key=True),
    Column("p10", Float, nullable=False),
    Column("p50", Float, nullable=False),
    Column("p90", Float, nullable=False),
    CheckConstraint("0 <= p10 AND p10 <= p50 AND p50 <= p90", name="quantiles_in_order"),
)

forecast_scores = Table(
    "forecast_scores",
    metadata,
    Column("brand_id", Id, primary_key=True),
    Column("release", Integer, primary_key=True),
    Column("model", String(80), primary_key=True),
    Column("option", String(80), primary_key=True),
    Column("scored", Integer, nullable=False),
    Column("loss", Float, nullable=False),
    Column("coverage", Float, nullable=False),
    Column("skill_on_last", Float, nullable=False),
    Column("skill_on_average", Float, nullable=False),
    CheckConstraint("scored > 0 AND coverage BETWEEN 0 AND 1", name="score_sound"),
)

for _table in (forecast_runs, forecast_weeks, forecast_scores):
    append_only(_table)
