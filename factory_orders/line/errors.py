"""What the line refuses.

Refusal
  InstanceBroken           an instance file is not what its format says: file, line and reason
  PaintRunImpossible       no order keeps the longest paint run
  LineDayFixed             no car of a day may change its place
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kernel.errors import Refusal


@dataclass(unsafe_hash=True)
class InstanceBroken(Refusal):
    """An instance file cannot be read; `line` counts from 1, 0 is the file as a whole; `reason` is in English."""

    code = "LINE_INSTANCE_BROKEN"
    en = "{file}:{line}: {reason}"
    zh = "{file}第{line}行：{reason}"
    file: str
    line: int
    reason: str


@dataclass(unsafe_hash=True)
class PaintRunImpossible(Refusal):
    """`cars` of one paint cannot be kept in runs of `run_max` by `others` cars of other paints, the tail counted."""

    code = "LINE_PAINT_RUN_IMPOSSIBLE"
    en = (
        "{cars:car|cars} in paint {paint} cannot stand in runs of at most {run_max} with only "
        "{others:other car|other cars} between them. Allow runs of {run_needed}, or move cars of this paint to "
        "another day."
    )
    zh = (
        "{paint}颜色有{cars}辆车，其他颜色只有{others}辆，无法保证同色连续不超过{run_max}辆。"
        "请将上限放宽到{run_needed}，或将部分车辆移到其他日期。"
    )
    paint: str
    cars: int
    others: int
    run_max: int
    run_needed: int


@dataclass(unsafe_hash=True)
class LineDayFixed(Refusal):
    """Of a day's `cars` the first `frozen` keep their places, and of the rest no two could change theirs."""

    code = "LINE_DAY_FIXED"
    en = (
        "Of {cars:car|cars} on {day}, {frozen:keeps its place|keep their places} and no two are left to change. "
        "Nothing can be mended."
    )
    zh = "{day}共{cars}辆车，其中{frozen}辆位置已固定，没有可以互换的车辆，无法再调整。"
    day: date
    cars: int
    frozen: int
