"""Why a value or a moment does not fit: every reason that a refusal carries, by code, in English and in Chinese.

`because` makes one. Words that stand alone in a refusal (what is not found, a state) have their Chinese in `WORDS`.
No message in Chinese holds an English word but names and codes, and a test reads them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from kernel.money import BasisPoints, Money, format_money, format_share
from kernel.words import ENGLISH, WORDS, ApiName, Count


class Reason(str):
    """A reason's English sentence, which also knows its `code` and its Chinese: made by `because` alone."""

    __slots__ = ("code", "zh")
    code: str
    zh: str


def because(code: str, **facts: object) -> Reason:
    """Return the reason of a code with its facts filled in."""
    en, zh = REASONS[code]
    reason = Reason(en.format(**{name: write(value, chinese=False) for name, value in facts.items()}))
    reason.code = code
    reason.zh = zh.format(**{name: write(value, chinese=True) for name, value in facts.items()})
    return reason


def write(value: object, *, chinese: bool, zone: ZoneInfo | None = None) -> object:
    """Return a fact as a sentence holds it: money, shares, days written out, moments in a zone, words in the language.

    An English sentence names the zone's distance from UTC, as notices do.
    """
    match value:
        case None:
            return "无" if chinese else "none"
        case Reason():
            return value.zh if chinese else str(value)
        case Money() | BasisPoints():
            return format_money(value) if isinstance(value, Money) else format_share(value, chinese=chinese)
        case datetime() if zone is not None:
            local = value.astimezone(zone)
            return f"{local:%Y-%m-%d %H:%M}" if chinese else f"{local:%Y-%m-%d %H:%M} (UTC{local.isoformat()[-6:]})"
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M %Z")
        case date():
            return value.isoformat()
        case tuple() | list():
            separator = "、" if chinese else ", "
            return separator.join(str(write(one, chinese=chinese, zone=zone)) for one in value) or write(
                None, chinese=chinese
            )
        case ApiName() if chinese:
            return WORDS.get(value.lower(), value)
        case str() if chinese:
            return WORDS.get(value, value)
        case str():
            return ENGLISH.get(value, value)
        case int() if not chinese and not isinstance(value, bool):
            return Count(value)
        case _:
            return value


Texts = Mapping[str, tuple[str, str]]
REASONS: Final[Texts] = {
    # lengths and counts
    "LENGTH": ("give 1 to {most:character|characters}", "请填写1至{most}个字符"),
    "LENGTH_MOST": ("give at most {most:character|characters}", "最多{most}个字符"),
    "LENGTH_PRINTABLE": ("give at most {most:printable character|printable characters}", "最多{most}个可显示字符"),
    "LENGTH_ONE_LINE": ("give at most {most:character|characters} on one line", "最多{most}个字符，且不换行"),
    "LENGTH_KEY": ("give 8 to {most} printable ASCII characters", "请填写8至{most}个可显示的半角字符"),
    "NO_ORDER_TAKES": ("no order of this plant takes {feature}", "该工厂没有订单选配{feature}"),
    "COUNT_MOST": ("give at most {most}", "最多{most}项"),
    "COUNT": ("give {least} to {most}", "请填写{least}至{most}"),
    "CHOSEN_AND_REFUSED": ("{options} is chosen and refused at once", "{options}同时被选择和拒绝"),
    "OLD_PASSWORD": ("this is not the present password", "与当前密码不符"),
    "PAGE_SIZE": ("ask for 1 to {most}", "每次可查询1至{most}条"),
    "ONE_SUBJECT": (
        "give the id of one thing: a pre-order, a backing or a stock purchase",
        "请填写一个编号：预订单、支持或现车订购",
    ),
    "OTHER_KIND": ("this is the id of a {kind}; give that of a {wanted}", "这是{kind}的编号，应为：{wanted}"),
    "CELLS": (
        "ask for 1 to {most:cell|cells} and name at most {options:option|options}",
        "每次可查询1至{most}格，最多指定{options}个选装项",
    ),
    "CHOICES": (
        "give at most {choices:choice|choices} and {explained:option|options} to explain",
        "最多{choices}项选择，最多解释{explained}个选装项",
    ),
    "CARS": ("name {least} to {most:car|cars}", "请指定{least}至{most}辆车"),
    "DRAWS": ("ask for 1 to {most:draw|draws}", "模拟次数为1至{most}"),
    "SEGMENTS": ("give 1 to {most:segment|different segments}", "请给出1至{most}个不同的细分人群"),
    "DAYS_MOST": ("give at most {most:day|days}", "最多{most}天"),
    "PERIOD": ("give a period of at most {most:day|days}, until after since", "时间段最长{most}天，且截止须晚于起始"),
    "FORWARD_HOURS": ("give 0 to {most:hour|hours}; time never goes back", "请填写0至{most}小时，时间不能倒退"),
    # forms
    "EMAIL_FORM": ("give an address such as name@example.com", "请填写有效的邮箱地址"),
    "ONE_OF": ("take one of {known}", "请选择其一：{known}"),
    "WHY": ("say why in 1 to {most:character|characters}", "请用1至{most}个字符说明原因"),
    "WHY_IMPERSONAL": (
        "say why in 1 to {most:character|characters}, without personal data",
        "请用1至{most}个字符说明原因，不得包含个人信息",
    ),
    "LABEL_MISSING": ("name the system", "请填写系统名称"),
    "TEXT_VERSION": ("name the text's version in 1 to {most:character|characters}", "请用1至{most}个字符注明文本版本"),
    "ACCOUNT_KIND": ("there is no such kind of account; there are {known}", "没有这种账户，现有：{known}"),
    "ACCOUNT_NEVER_BOOKED": (
        "nothing was ever booked on such an account, and it is nobody's; look the owner up",
        "该账户从未记过账，也不属于任何人，请核对账户所有者",
    ),
    "ACCOUNT_FORM": (
        "write an account as kind:owner, such as deposit:<pre-order>",
        "账户须写作“类别:所有者”",
    ),
    "NOTICE_KIND": (
        "there is no such kind of notice; take one that noticePreferences names",
        "没有这种通知，请从通知设置列表中选择",
    ),
    "SAME_ACCOUNT": ("take another account than the debit account", "贷方账户不能与借方账户相同"),
    "AMOUNT_ABOVE_ZERO": ("give an amount above zero", "金额须大于零"),
    "PRICE_ABOVE_ZERO": ("give a price above zero", "价格须大于零"),
    "CURRENCY": ("amounts are in CNY", "金额须为人民币"),
    "JSON": ("write the value as JSON", "取值格式有误，须为JSON"),
    "CURSOR": ("take a cursor from a page you were given", "请使用查询结果中返回的游标"),
    "URL": ("write an address without a user, a fragment or blanks", "请填写不含用户名、片段和空格的网址"),
    "URL_HTTPS": ("write an address that begins with {start}", "请填写加密网址，以{start}开头"),
    "URL_INSIDE": ("this address is not a public one", "该地址不是公网地址"),
    "HOOKS_MOST": ("a plant has at most {most}; revoke one first", "一个工厂最多{most}个，请先停用一个"),
    "MESSAGE_TYPE": ("this door takes messages of the type {kind}", "此接口只接收{kind}类型的消息"),
    "WHOLE_NUMBER": ("write a whole number", "请填写整数"),
    "MOMENT": ("write a time as 2026-11-27T12:00:00+08:00", "请按2026-11-27T12:00:00+08:00的格式填写时间"),
    "ZONE_MISSING": ("give a time with its zone", "时间须带时区"),
    "CASE_FORM": (
        "give the number of the case: 3 to 40 letters, digits, dots, dashes or slashes",
        "请填写案件编号：3至40个字母、数字、点、横线或斜线",
    ),
    # policies
    "POLICY_SECTION": ("there is no policy section {name}; there are {known}", "没有规则类别{name}，现有：{known}"),
    "POLICY_NAME": ("no such policy value; there are {known}", "没有该规则项，现有：{known}"),
    "POLICY_TYPE": ("expects {wanted}, as in {example}", "取值类型有误，例如：{example}"),
    "LIES_BETWEEN": ("{name} lies between {least} and {most}", "{name}须在{least}与{most}之间"),
    "ONE_LIES_BETWEEN": (
        "a number of {name} lies between {least} and {most}",
        "{name}中的数值须在{least}与{most}之间",
    ),
    "VALUES_CLASH": ("{detail}", "这些取值彼此不符"),
    # cars and classes
    "CLASS_KEY": ("take the key of a class from a quote or a pool", "请使用报价或拼单池中的车型级别编号"),
    "CLASS_TRIM": (
        "a pool of level L1 has one trim: add it, or open a pool of level L2",
        "L1级拼单池仅含一种配置版本：请补充版本，或开放L2级拼单池",
    ),
    "NEAR_KEY": ("take the classKey of a pool", "请使用拼单池的车型级别编号"),
    "NEAR_MODEL": ("no car of {model} belongs to that class", "{model}没有属于该级别的车"),
    # proposals, comparisons, backing
    "ITEMS": ("compare exactly {count:proposal|different proposals}", "须恰好对比{count}个不同的提案"),
    "ITEM_PRICES": ("give each a planned price above zero", "每个提案的计划价格须大于零"),
    "CLOSES_WITHIN": ("give a time to come, at most 90 days from now", "须为未来90天内的时间"),
    "INTO_ITSELF": ("name another proposal than the duplicate", "请选择另一提案，不能合并到自身"),
    "NO_REGION": ("there is no region {region}", "没有地区{region}"),
    "SEGMENT_EMPTY": ("a segment has somebody in it", "细分人群的人数须大于零"),
    "COMPARED_REGION": ("choose one of the comparison's regions", "请选择问卷包含的地区"),
    "COMPARED_MODEL": ("choose one of the comparison's models", "请选择问卷包含的车型"),
    "COMPARED_OWNER": (
        "the comparison asks only owners of such a car, or only others",
        "该问卷仅面向车主或仅面向非车主",
    ),
    "BACKED_MODEL": ("choose one of the models it was compared for", "请选择对比时包含的车型"),
    "TOOLING": ("give what the tooling and each unit cost", "请填写模具费用和单件成本"),
    "BACKING_CAP": ("give the most you would pay for it", "请填写您最多愿意支付的价格"),
    "DAY_WITHIN": ("give a day from today on, within {most:year|years}", "请填写今天起{most}年内的日期"),
    "NO_SUCH_SET": ("there is no such set", "没有该题组"),
    "SET_TWO": ("name two different proposals of the set", "请从题组中选择两个不同的提案"),
    # pools
    "CAR_CAP": (
        "give the most you would pay for the car with its options",
        "请填写您最多愿意为该车（含选装）支付的价格",
    ),
    "POOL_ONE_PLACE": ("a pool has at least one place", "拼单池至少有一个名额"),
    "WHY_CANCELLED": ("say in at most 200 characters why the pool is cancelled", "请用不超过200个字符说明取消原因"),
    "TIERS": ("give 1 to {most:tier|tiers}", "请给出1至{most}个档位"),
    "FIRST_TIER": (
        "the first tier starts at the minimum; with another minimum than the policy's give tiers as well",
        "首个档位须从最低人数开始；更改最低人数时请同时给出档位",
    ),
    "TIER_ABOVE_CAPACITY": (
        "a tier begins with {capacity:member|members} at most: more never clear",
        "档位的起始人数不得超过{capacity}人，超出产能的档位无法达到",
    ),
    "TIERS_RISE": ("tiers start at ever more members", "各档位的人数须递增"),
    "DISCOUNTS_RISE": ("a discount never falls with more members", "人数增加时优惠不得减少"),
    "DISCOUNT_BOUNDS": ("a discount lies between 0 and {most}", "优惠须在0至{most}之间"),
    "MINIMUM": ("the minimum lies between 1 and the capacity", "最低人数须在1与产能之间"),
    "MEMBER_LIMIT": ("the member limit is at most twice the capacity", "人数上限不得超过产能的两倍"),
    "EARNEST_CEILING": (
        "a deposit of {deposit} would be more than a fifth of what the class's cheapest car costs ({price}, less off)",
        "{deposit}的意向金将超过该级别最低车价（{price}，减去优惠）的五分之一",
    ),
    "DEPOSIT": ("a deposit is above zero", "意向金须大于零"),
    "NO_CAR_OF_CLASS": ("no car of this class can be built", "该级别没有可生产的车"),
    "POOL_TIMES": (
        "the pool opens before its freeze, and the freeze lies within a year",
        "开放时间须早于冻结时间，且冻结须在一年之内",
    ),
    "POOL_DAYS": ("the pool is open for 1 to {most:day|days}", "拼单池开放1至{most}天"),
    "ANOTHER_POOL": ("choose another pool", "请选择其他拼单池"),
    "OTHER_POOL": (
        "join the other pool that your car fits and that has places",
        "请加入适合您车型且仍有名额的另一拼单池",
    ),
    "WIDER_POOL": ("agree to a pool of every trim, which has places", "请同意加入不限配置级别且仍有名额的拼单池"),
    "CAP_OR_ANOTHER_POOL": (
        "raise your cap to {price} at least, or choose another pool",
        "请将价格上限提高至{price}及以上，或选择其他拼单池",
    ),
    "PAST_DEADLINE": ("past its deadline", "已过截止时间"),
    "ELSEWHERE": ("it has moved to another pool", "已转入另一拼单池"),
    # weeks and stages
    "PHOTOS": ("give 1 to {most:different photo|different photos}", "请提供1至{most}张不同的照片"),
    "PHOTO_HASH": (
        "a photo is named by its SHA-256 in 64 hexadecimal digits",
        "照片以其64位十六进制摘要标识",
    ),
    "DAY_FROM": ("give a day from {earliest} on, within {days:day|days}", "请填写{earliest}起{days}天内的日期"),
    "WEEK_MONDAY": (
        "a week goes by its Monday, and {day} is none; the week of that day is {monday}",
        "生产周以周一的日期表示，{day}不是周一，该日所在周为{monday}",
    ),
    "WEEK_PLANNED": (
        "weeks are planned from {first} to {last}; give one of these Mondays",
        "已排产的生产周为{first}至{last}，请填写其中的周一",
    ),
    "ROOM_OF": (
        "there is no {resource} in the week of {week}; it has room of these kinds: {known}",
        "{week}当周没有{resource}，现有：{known}",
    ),
    "MONDAY_FROM": ("give a Monday from {earliest} to {latest}", "请填写{earliest}至{latest}之间的某个周一"),
    "STAGE": ("a plant reports one of {stages}", "工厂可上报：{stages}"),
    "LEG": ("a carrier reports one of {legs}", "承运商可上报：{legs}"),
    "NAME_THE_STORE": ("say for which store", "请注明门店"),
    "QUOTE_OF_OTHER_STORE": (
        "the quote is for another store; get a new quote for the store that you want",
        "该报价属于另一门店，请为所选门店重新获取报价",
    ),
    "STORE_CLOSED": (
        "the store has closed; the car goes to the store that its buyer picks",
        "该门店已停业，请送往买家另选的门店",
    ),
    "LEG_TIME": (
        "give a time that is not in the future and not before the leg before",
        "时间不得晚于现在，也不得早于上一运输节点",
    ),
    "DAMAGE": ("describe the damage in 1 to {most:character|characters}", "请用1至{most}个字符描述损伤"),
    "REPAIR": ("a repair's cost is not negative", "维修费用不得为负"),
    "REPAIR_REWORK": ("a repair's cost comes with a rework and is not negative", "维修费用仅用于返工，且不得为负"),
    # appointments and handovers
    "FULL_HOUR": ("appointments begin on the full hour", "预约须为整点"),
    "DAYS_AHEAD": (
        "it lies in the past or more than {most:day|days} ahead",
        "时间已过，或在{most}天之后",
    ),
    "OPENING_HOURS": ("the store is open from {opens} to {closes}", "门店营业时间为{opens}点至{closes}点"),
    "HOURS_CLOSED": ("the store has closed that hour", "已关闭接待"),
    "STRETCH": (
        "a stretch of full hours that ends in the future, at most a year long",
        "须为整点起止、未结束且不超过一年的时段",
    ),
    "HOUR_FULL": ("that hour is full", "已约满"),
    "TAKEN_JUST_NOW": ("somebody else took it just now", "刚刚被他人预约"),
    "INSPECTION_NEEDED": ("the store's inspection of the car", "门店完成到店检查"),
    "END_NEEDED": (
        "the end of the appointment that is booked, or its move to another hour",
        "已约的交车先行结束，或改约其他时间",
    ),
    "AMEND_ENDED": ("the order has ended ({state})", "订单已结束（{state}）"),
    "TRY_OTHER_CHOICE": ("Try another choice", "请尝试其他选择"),
    "BUILT_AS_IT_IS": ("It is built as it stands now", "车辆将按现有选配生产"),
    "ORDER_ANEW": ("Configure the car that you want and order it anew", "请重新选配并下单"),
    "FIT_AFTERWARDS": ("Ask your store what can be fitted to the car afterwards", "可加装的项目请咨询门店"),
    "ORDER_STOCK_ANEW": ("Order another car for stock", "请另行订购现车"),
    "AMEND_SAME": ("it is the car that is ordered already", "与现有选配相同"),
    "AMEND_MOST": ("it was changed {most:time|times} already", "已更改{most}次"),
    "AMEND_CLASS": (
        "powertrain, trim and options with long lead times stay as the pool has them",
        "动力、版本和长周期选装须与拼单池一致",
    ),
    "AMEND_PARTS": (
        "its parts would come on {day}, the car is built on {built}",
        "所需零件最早{day}到货，而该车计划于{built}生产",
    ),
    "AMEND_NOT_THERE": (
        "the car's parts stand ready, and the plant does not have there what it would need besides",
        "该车物料已就绪，而工厂现无所需的其他零件",
    ),
    "AMEND_WEEK": ("the week of {week} has no room for {option}", "{week}当周的{option}产能已满"),
    "NOTHING_MORE": ("nothing more, the car is handed over", "无，车辆已交付"),
    "NOT_BEGUN": (
        "an appointment that has not begun; sign for the car, or reject it and book another appointment",
        "尚未开始的预约；请签收车辆，或拒收后重新预约",
    ),
    "BOOK_ANEW": (
        "another appointment for the order (bookHandover); one that is booked already can be moved",
        "为该订单重新预约；如已有新的预约，可对其改约",
    ),
    "CAR_NEEDED": ("the car at the store", "车辆到店"),
    "STATES_NEEDED": ("{states}", "{states}"),
    # VINs
    "VIN_LENGTH": ("it has {places:place|places} instead of {wanted}", "位数为{places}，应为{wanted}"),
    "VIN_LETTERS": ("{letters} cannot occur", "不得含有{letters}"),
    "VIN_YEAR": ("{letter} is no model year", "{letter}不是年款代码"),
    "VIN_DIGIT": ("the check digit does not fit", "校验位不符"),
    "VIN_OTHER": ("it is another car's", "这是另一辆车的车架号"),
    # what changed in between
    "LABEL_TAKEN": ("another one has this label", "该名称已被使用"),
    "JUST_SIGNED_UP": ("somebody signed up with this address just now", "该邮箱刚刚被注册"),
    "DAY_NOT_OVER": ("the day is not over", "当天尚未结束"),
    "DECIDED": ("it was {state}", "{state}"),
    "NEWEST_VERSION": ("version {version} is the newest", "最新版本为第{version}版"),
    "CHANGED_JUST_NOW": ("somebody else changed it just now", "刚刚被他人修改"),
    "PUBLISHED_JUST_NOW": ("somebody else published a version just now", "刚刚有他人发布新版本"),
    "RELEASED_JUST_NOW": ("another worker has just released it", "刚刚已发布"),
    "GOING_BACK": (
        "this money is on its way back to its payer; what is left can be moved once it has gone",
        "该款项正在原路退回，退回完成后方可调整余额",
    ),
    "BACKING_BOUND": (
        "this money stands behind a proposal; it can be moved once the backing has ended",
        "该款项正用于支持提案，支持结束后方可调整",
    ),
    "CAR_BOUND": (
        "this money is put down for a car that is bound; it can be moved once that order has ended",
        "该款项为已锁定现车的定金，订单结束后方可调整",
    ),
    "NO_MONEY": ("no money has come for it", "尚未收到款项"),
    "VOTING_ELSEWHERE": ("you are voting elsewhere at the same moment", "您正在同时投另一票"),
    "NOT_AT_PROVIDER": (
        "the order's deposit is not held at a provider, so it cannot go back by itself",
        "该订单的定金不在支付渠道，无法自动退回",
    ),
    "STANDS_AT": ("it is {state}", "目前为{state}"),
    "BOUND": ("the car or the order is bound already", "车辆或订单已绑定"),
    # catalogue versions
    "OTHER_CURRENCY": ("its currency is {theirs}, the brand's {ours}", "币种为{theirs}，品牌币种为{ours}"),
    "SAME_VERSION": ("it is the same as version {number}", "与第{number}版相同"),
    "EARLIER_VERSION": (
        "version {number} takes effect on {day}, so this one cannot take effect earlier",
        "第{number}版于{day}生效，本版不能更早生效",
    ),
    "VERSION_LABEL": (
        "version {number} has the label {label} already; write a new one at version in catalogue.toml",
        "第{number}版已使用名称{label}，请在目录文件中填写新的版本名称",
    ),
    "FIRST_DAY_OVER": (
        "its first day, {day}, is over; write {today} or later at effective_from, or give it with --effective-from",
        "生效日{day}已过，请在目录文件或命令参数中指定{today}或更晚的日期",
    ),
    "BOUNDS_TOO_HARD": ("price bounds of so many open options", "过多未选项的价格范围"),
    "CARS_TOO_HARD": ("whether there is such a car", "是否存在这样的车辆"),
    "LIGHTEST_TOO_HARD": ("the lightest car", "最优车辆"),
}
