"""What the demo's people wish for over the weeks: sixty-four proposals with their votes, and one comparison.

Three wishes go the whole way: voted for, compared, backed with money, promised, and options of the second catalogue.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from configurator.catalogue import Catalogue
from configurator.catalogue_files import read_catalogue
from configurator.service import publish_catalogue
from demand.backing.policy import BackingPolicy
from demand.compare.design import ITEMS
from demand.model import MarketSegment, Segment
from demand.queries import own_sheet
from demand.service import (
    BackRequest,
    ComparisonPlan,
    SheetAnswer,
    answer_sheet,
    back_proposal,
    cast_votes,
    close_comparison,
    commit_to_proposal,
    decline_proposal,
    join_comparison,
    merge_proposals,
    open_backing,
    open_comparison,
    publish_proposal,
    submit_proposal,
)
from kernel import registry
from kernel.actor import Actor, system
from kernel.errors import Refusal
from kernel.money import Money
from kernel.work import Work
from muster.demo.activity import Stage
from muster.demo.crowd import authorise

WISHES_FILE: Final = Path(__file__).parent / "qilan" / "wishes.csv"
CATALOGUE: Final = Path(__file__).parent / "qilan" / "catalogue"
PROMISED: Final = {"可拆宠物隔栏": "CA_PET_GUARD", "车载冰箱": "CA_FRIDGE", "露营模式": "SW_CAMP_MODE"}
"""The wishes that are kept, and the option of the second catalogue that each became."""
WITHHELD: Final = frozenset(PROMISED.values())
DECLINED: Final = {
    "可变焦大灯": "现有大灯供应商到2027年底才有此模组，届时再议。",
    "备胎可选": "电池包占了备胎的位置，改用补胎液和全国救援。",
}
MERGED: Final = {"物理音量键": "实体音量旋钮", "前备箱灯": "更亮的迎宾灯", "轮胎压力提醒更准": "冬季电池预热"}
VOTES_EACH: Final = (1, 4)
ANSWERERS: Final = 240
"""Twenty for the price of each wish: ten who would pay it and ten who would not make a take rate public."""
BACKERS_EACH: Final = 36
PRICE_MINOR: Final = 180_000
TOOLING_MINOR: Final = 12_000_000
UNIT_COST_MINOR: Final = 90_000
MARKET_PERSONS: Final = 40_000
NEXT_LABEL: Final = "2026.2"


@dataclass(frozen=True, slots=True)
class Wish:
    """A wish in its author's words, and how many of a hundred like it."""

    title: str
    text: str
    liked_percent: int


@dataclass(slots=True)
class Board:
    """Proposals as they stand: ids by title, which take votes now, and the comparison once there is one."""

    wishes: Sequence[Wish]
    ids: dict[str, str] = field(default_factory=dict)
    open: list[Wish] = field(default_factory=list)
    comparison_id: str = ""


def read_wishes() -> list[Wish]:
    """Read the wishes in the order in which people come up with them."""
    with WISHES_FILE.open(encoding="utf-8", newline="") as file:
        return [Wish(row["title"], row["text"], int(row["liked_percent"])) for row in csv.DictReader(file)]


def withhold(catalogue: Catalogue, *, until: date) -> Catalogue:
    """Return a catalogue in which nobody can have the promised options before a day."""
    options = tuple(replace(one, first_day=until) if one.code in WITHHELD else one for one in catalogue.options)
    return replace(catalogue, options=options)


# --- proposals and votes ---------------------------------------------------------------------------------------------


def propose(stage: Stage, board: Board, people: Sequence[Actor], count: int) -> None:
    """Let people write down the next wishes, and the planner open them to votes."""
    with stage.works.change(system(stage.brand.id)) as work:
        for wish in board.wishes[len(board.ids) : len(board.ids) + count]:
            author = work.acting(stage.chance.choice(people))
            board.ids[wish.title] = submit_proposal(author, title=wish.title, text=wish.text).head.id
            publish_proposal(work, board.ids[wish.title])
            board.open.append(wish)


def vote(stage: Stage, board: Board, people: Sequence[Actor]) -> None:
    """Let each of these people give a few votes to what they like, newer wishes as well as older ones."""
    wanted = []
    for person in people:
        most = stage.chance.randint(*VOTES_EACH)
        liked = [wish for wish in board.open if stage.chance.random() * 100 < wish.liked_percent]
        stage.chance.shuffle(liked)
        liked = liked or [stage.chance.choice(board.open)]
        wanted += [(person, board.ids[wish.title]) for wish in liked[:most]]
    with stage.works.change(system(stage.brand.id)) as work:
        outcomes = cast_votes(work, wanted)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert not refused, refused[0]


def tidy(stage: Stage, board: Board) -> None:
    """Let the planner merge duplicates and say no, with a reason, where it is no."""
    with stage.works.change(system(stage.brand.id)) as work:
        for title, into in MERGED.items():
            if _takes_votes(board, title) and into in board.ids:
                merge_proposals(work, board.ids[title], into=board.ids[into])
                _close(board, title)
        for title, reason in DECLINED.items():
            if _takes_votes(board, title):
                decline_proposal(work, board.ids[title], reason=reason)
                _close(board, title)


def _takes_votes(board: Board, title: str) -> bool:
    return any(wish.title == title for wish in board.open)


def _close(board: Board, title: str) -> None:
    board.open = [wish for wish in board.open if wish.title != title]


# --- the way of a promise --------------------------------------------------------------------------------------------


def compare(stage: Stage, board: Board, people: Sequence[Actor]) -> None:
    """Compare the first twelve wishes; what the promised ones cost is asked, and enough people would pay it."""
    compared = board.open[:ITEMS]
    for wish in compared:
        _close(board, wish.title)
    regions = [region.code for region in _regions(stage)]
    market = tuple(
        MarketSegment(Segment(region, owner=False, model=model), MARKET_PERSONS)
        for region in regions
        for model in ("L5", "S6", "M7")
    )
    with stage.works.change(system(stage.brand.id)) as work:
        prices = {board.ids[wish.title]: PRICE_MINOR for wish in compared}
        board.comparison_id = open_comparison(work, ComparisonPlan("春季对比", prices, market)).head.id
    liking = {board.ids[wish.title]: wish.liked_percent for wish in compared}
    asked: Counter[int] = Counter()
    for start in range(0, len(people), 50):
        with stage.works.change(system(stage.brand.id)) as work:
            for person in people[start : start + 50]:
                segment = stage.chance.choice(market).segment
                _answer(stage, work.acting(person), board.comparison_id, segment, liking, asked)


def _regions(stage: Stage) -> list[registry.Region]:
    with stage.works.read(system(stage.brand.id)) as work:
        return registry.list_regions(work)


def _answer(
    stage: Stage, work: Work, comparison_id: str, segment: Segment, liking: dict[str, int], asked: Counter[int]
) -> None:
    """Answer a whole sheet: the better a wish is liked, the more often it comes first; every other one would pay."""
    dealt = join_comparison(work, comparison_id, segment)
    sheet = own_sheet(work, comparison_id)
    assert sheet is not None
    answers = []
    for one in sheet.sets:
        ranked = sorted(one.proposal_ids, key=lambda proposal_id: liking[proposal_id] + stage.chance.gauss(0, 20))
        answers.append(SheetAnswer(one.number + 1, best=ranked[-1], worst=ranked[0]))
    answer_sheet(work, comparison_id, answers, took=asked[dealt.price_item] % 2 == 0)
    asked[dealt.price_item] += 1


def end_comparison(stage: Stage, board: Board) -> None:
    """End the comparison; the worker works it out and releases what it says."""
    with stage.works.change(system(stage.brand.id)) as work:
        close_comparison(work, board.comparison_id)


def back(stage: Stage, board: Board, people: Sequence[Actor]) -> None:
    """Publish the thresholds of the promised wishes, and let people put money behind them."""
    with stage.works.change(system(stage.brand.id)) as work:
        for title in PROMISED:
            open_backing(
                work,
                board.ids[title],
                comparison_id=board.comparison_id,
                tooling_minor=TOOLING_MINOR,
                unit_cost_minor=UNIT_COST_MINOR,
            )
        for number, person in enumerate(people):
            title = list(PROMISED)[number % len(PROMISED)]
            _back(stage, work.acting(person), board.ids[title])


def _back(stage: Stage, work: Work, proposal_id: str) -> None:
    amount = Money(BackingPolicy().deposit_minor)
    token = authorise(work, stage.runtime, amount, reference=f"backing-{work.actor.account_id}")
    request = BackRequest(f"back-{work.actor.account_id}", proposal_id, "L5", PRICE_MINOR, token)
    back_proposal(work, stage.runtime.providers, request)


def promise(stage: Stage, board: Board) -> None:
    """Say yes to what was asked for: in the catalogue within two months, for no more than was asked about."""
    with stage.works.change(system(stage.brand.id)) as work:
        day = work.now.astimezone(stage.brand.zone).date() + timedelta(days=60)
        for title in PROMISED:
            commit_to_proposal(work, board.ids[title], available_by=day, ceiling_minor=PRICE_MINOR)


def publish_promised(stage: Stage, board: Board) -> None:
    """Publish the second catalogue, in which the promised options name the wishes that they fulfil."""
    catalogue = read_catalogue(CATALOGUE)
    wishes = {option: board.ids[title] for title, option in PROMISED.items()}
    options = tuple(replace(one, fulfils_proposal=wishes.get(one.code, "")) for one in catalogue.options)
    with stage.works.change(system(stage.brand.id)) as work:
        today = work.now.astimezone(stage.brand.zone).date()
        publish_catalogue(work, replace(catalogue, label=NEXT_LABEL, options=options), effective_from=today)
