"""Plans of plants' books with what one more unit would have been worth, and the plants whose book is to be planned."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Index, Integer, String, Table

from kernel.db import Id, Instant, Json, Minor, metadata
from kernel.immutable import guard

week_plans = Table(
    "week_plans",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("plant_id", Id, ForeignKey("plants.id"), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("orders", Integer, nullable=False),
    Column("without_week", Integer, nullable=False),
    Column("moved", Integer, nullable=False),
    Column("cost_minor", Minor, nullable=False),
    Column("bound_minor", Minor, nullable=False),
    Column("now_minor", Minor),
    Column("conflict", Json),
    CheckConstraint("orders > 0 AND without_week BETWEEN 0 AND orders AND moved >= 0", name="counted_up"),
    CheckConstraint("bound_minor >= 0 AND bound_minor <= cost_minor", name="nothing_costs_less_than_the_bound"),
    CheckConstraint("now_minor IS NULL OR now_minor >= bound_minor", name="nor_do_the_weeks_in_force"),
)
guard(week_plans, "stays", before="UPDATE", when="TRUE", rule="a plan that was made stays as it is")
Index("ix_week_plans_plant", week_plans.c.plant_id, week_plans.c.id)

week_plan_worths = Table(
    "week_plan_worths",
    metadata,
    Column("plan_id", Id, ForeignKey("week_plans.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("week", Date, nullable=False),
    Column("resource", String(80), nullable=False),
    Column("worth_minor", Minor, nullable=False),
    CheckConstraint("worth_minor > 0", name="worth_something"),
)

# A plant whose orders or weeks have changed since its book was planned; the worker takes the row away once it is.
week_plans_due = Table(
    "week_plans_due",
    metadata,
    Column("plant_id", Id, ForeignKey("plants.id"), primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("asked_at", Instant, nullable=False),
)
