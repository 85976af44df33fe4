"""What the demo's people wish for: proposals with votes, one declined with a reason, one merged into its twin."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from demand.service import cast_votes, decline_proposal, merge_proposals, publish_proposal, submit_proposal
from kernel.actor import Actor, system
from kernel.errors import Refusal
from kernel.registry import Brand
from kernel.work import Works

VOTES_EACH_MAX: Final = 3
# Title, what is wished for; the share of voters who like it, in percent.
WISHES: Final = (
    ("宠物后排包", "可拆洗的后排垫、固定环和随车水碗。", 62),
    ("6.6千瓦对外放电", "露营时给烤盘和投影供电。", 55),
    ("后排独立空调", "三排和二排各自控温。", 41),
    ("实体音量旋钮", "不看屏幕也能调音量。", 71),
    ("浅色车顶隔热膜", "南方夏天车内更凉快。", 33),
    ("哑光竹青", "竹青色的哑光版本。", 27),
    ("记忆泊车两组", "家和公司各记一条路线。", 36),
    ("方向盘加热标配", "北方冬天的手需要它。", 44),
    ("可变焦大灯", "乡间无路灯的夜路。", 18),
    ("车载冰箱15升", "长途带娃。", 38),
    ("降噪玻璃单选", "不想为它买整套包。", 30),
    ("物理音量键", "请把音量旋钮还给我们。", 12),
)
DECLINED: Final = (8, "现有大灯供应商到2027年底才有此模组，届时再议。")
MERGED: Final = (11, 3)


def wish(works: Works, brand: Brand, people: Sequence[Actor], chance: random.Random) -> None:
    """Let people write down their wishes, the planner open them to votes, and everybody vote a little."""
    with works.change(system(brand.id)) as work:
        proposal_ids = []
        for number, (title, text, _) in enumerate(WISHES):
            draft = submit_proposal(work.acting(people[number % len(people)]), title=title, text=text)
            proposal_ids.append(draft.head.id)
            publish_proposal(work, draft.head.id)
        wanted: list[tuple[Actor, str]] = []
        for person in people:
            liked = [index for index, (_, _, percent) in enumerate(WISHES) if chance.random() * 100 < percent]
            chance.shuffle(liked)
            wanted += [(person, proposal_ids[index]) for index in liked[:VOTES_EACH_MAX]]
        refused = [outcome for outcome in cast_votes(work, wanted) if isinstance(outcome, Refusal)]
        assert not refused, refused[0]
        decline_proposal(work, proposal_ids[DECLINED[0]], reason=DECLINED[1])
        merge_proposals(work, proposal_ids[MERGED[0]], into=proposal_ids[MERGED[1]])
