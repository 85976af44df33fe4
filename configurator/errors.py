"""What the configurator refuses.

Refusal
  CatalogueFaulty           the files of a catalogue have faults: each with file, line and reason
  VersionNotInForce         no catalogue version is in force on that day
  CatalogueOfOtherBrand     the catalogue names another brand than the one it is held against
  VersionTaken              a version cannot be published so: its day lies before the newest one's
  ModelUnknown              no such model in this version
  RegionUnknown             the brand has no such region: which it has
  OptionUnknown             no such options in this version
  ChoicesClash              the choices themselves forbid each other
  OptionExcluded            the rules forbid the option: why, and the smallest repair
  ConfigurationIncomplete   choices are still open, so there is no car to price
  GoalNotOffered            nothing is known that such a completion could follow from
  AnswerTooHard             a proven answer would take longer than a request may
  PlaceNotServed            no logistics price to that region
  QuoteExpired              the quote's time has passed
  QuoteTaken                the quote was accepted or superseded before
  QuoteAltered              what was presented is not what was signed
  PriceMismatch             another price was expected than the quote says
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from configurator.faults import Fault
from kernel.errors import Refusal
from kernel.money import Money


@dataclass(unsafe_hash=True)
class CatalogueFaulty(Refusal):
    """The files cannot be published; `faults` holds every fault found, sorted by file and line."""

    code = "CATALOGUE_FAULTY"
    en = "The catalogue has faults; nothing was published. Mend them and check again: {faults}"
    zh = "车型目录有错误，未发布。请修正后重新检查：{faults}"
    faults: tuple[Fault, ...]


@dataclass(unsafe_hash=True)
class VersionNotInForce(Refusal):
    """The brand has no catalogue version in force on `day`, or not the version named."""

    code = "VERSION_NOT_IN_FORCE"
    en = "No such catalogue version is in force on {day}. Use the current one."
    zh = "{day}没有生效的该版本车型目录，请使用当前版本。"
    day: date


@dataclass(unsafe_hash=True)
class RegionUnknown(Refusal):
    """The brand has no such region; `regions` are those that it has."""

    code = "REGION_UNKNOWN"
    en = "This brand has no region {region}. Choose one of: {regions}; or leave it out for a look at every region."
    zh = "该品牌没有地区{region}，请选择：{regions}；或留空查看全部地区。"
    region: str
    regions: tuple[str, ...]


@dataclass(unsafe_hash=True)
class VersionTaken(Refusal):
    """Versions take effect in the order of their numbers; this one would not, or repeats the newest."""

    code = "VERSION_TAKEN"
    en = "This catalogue cannot be published: {reason}."
    zh = "无法发布该车型目录：{reason}。"
    reason: str


@dataclass(unsafe_hash=True)
class CatalogueOfOtherBrand(Refusal):
    """The catalogue is the brand's `theirs`; it was to be compared with, or published for, the brand `ours`."""

    code = "CATALOGUE_OF_OTHER_BRAND"
    en = "This catalogue belongs to the brand {theirs}, not to {ours}. Take one of {ours}, or name the brand {theirs}."
    zh = "该车型目录属于品牌{theirs}，而非{ours}。请使用{ours}的目录，或指定品牌{theirs}。"
    theirs: str
    ours: str


@dataclass(unsafe_hash=True)
class ModelUnknown(Refusal):
    """The catalogue version has no such model."""

    code = "MODEL_UNKNOWN"
    en = "There is no model “{model}” in this catalogue. Choose one of: {models}."
    zh = "车型目录中没有车型“{model}”，请从以下车型中选择：{models}。"
    model: str
    models: tuple[str, ...]


@dataclass(unsafe_hash=True)
class OptionUnknown(Refusal):
    """The catalogue version has no such options."""

    code = "OPTION_UNKNOWN"
    en = "This catalogue has no option {options}. Read the options of the model again."
    zh = "车型目录中没有选装项{options}，请重新读取该车型的选装项。"
    options: tuple[str, ...]


@dataclass(unsafe_hash=True)
class OptionExcluded(Refusal):
    """The rules forbid the option beside the other choices; `give_up` is the smallest repair (empty: none helps).

    `because` holds the own choices that cause it, the model among them; empty where place or day alone do. Each has
    its names beside its codes.
    """

    code = "OPTION_EXCLUDED"
    en = "{option} is not possible{because}. {rules_en}{give_up}"
    zh = "{option}{because}不可选。{rules_zh}{give_up}"
    option: str
    because: tuple[str, ...]
    rules_en: tuple[str, ...]
    rules_zh: tuple[str, ...]
    give_up: tuple[str, ...]
    option_name_en: str
    option_name_zh: str
    because_names_en: tuple[str, ...]
    because_names_zh: tuple[str, ...]
    give_up_names_en: tuple[str, ...]
    give_up_names_zh: tuple[str, ...]

    def text(self, locale: str = "en", zone: ZoneInfo | None = None) -> str:
        """Return the sentences; parts that have nothing to say are left out."""
        chinese = locale.startswith("zh")
        because = "、".join(self.because_names_zh) if chinese else ", ".join(self.because_names_en)
        give_up = "、".join(self.give_up_names_zh) if chinese else ", ".join(self.give_up_names_en)
        if chinese:
            advice = f"可放弃：{give_up}。" if give_up else "请改选其他选装项。"
            because = f"与{because}同选时" if because else "目前"
        else:
            advice = f" Give up: {give_up}." if give_up else " Choose another option."
            because = f" with {because}" if because else " here and now"
        return (self.zh if chinese else self.en).format(
            option=self.option_name_zh if chinese else self.option_name_en,
            because=because,
            rules_en=" ".join(self.rules_en),
            rules_zh="".join(self.rules_zh),
            give_up=advice,
        )


@dataclass(unsafe_hash=True)
class ConfigurationIncomplete(Refusal):
    """Not every choice is made; `categories` are those still open, with their names beside their codes."""

    code = "CONFIGURATION_INCOMPLETE"
    en = "Some choices are still open: {names_en}. Make them, or take the cheapest completion."
    zh = "尚有未完成的选择：{names_zh}。请完成选择，或采用最低价补全方案。"
    categories: tuple[str, ...]
    names_en: tuple[str, ...]
    names_zh: tuple[str, ...]


@dataclass(unsafe_hash=True)
class GoalNotOffered(Refusal):
    """A completion by `goal` needs what is not known: free weeks, or released take rates."""

    code = "GOAL_NOT_OFFERED"
    en = "There is no completion by this goal just now: {goal}. Take the cheapest one."
    zh = "暂不支持按此目标补全：{goal}。请采用最低价补全方案。"
    goal: str


@dataclass(unsafe_hash=True)
class AnswerTooHard(Refusal):
    """Proving `what` would take longer than a request may; nothing is answered rather than something unproven."""

    code = "ANSWER_TOO_HARD"
    en = "This takes too long to prove just now: {what}. Choose some more options and ask again."
    zh = "目前证明此项耗时过长：{what}。请再选择几项后重试。"
    what: str


@dataclass(unsafe_hash=True)
class QuoteExpired(Refusal):
    """The quote's time has passed."""

    code = "QUOTE_EXPIRED"
    en = "This quote was valid until {expires_at}. Ask for a new one."
    zh = "该报价有效期至{expires_at}，请重新获取报价。"
    expires_at: datetime


@dataclass(unsafe_hash=True)
class QuoteTaken(Refusal):
    """The quote was accepted or superseded before; `ending` says which."""

    code = "QUOTE_TAKEN"
    en = "This quote was {ending} before. Ask for a new one."
    zh = "该报价此前已处理（{ending}），请重新获取报价。"
    ending: str


@dataclass(unsafe_hash=True)
class QuoteAltered(Refusal):
    """What was presented is not what was signed."""

    code = "QUOTE_ALTERED"
    en = "This is not the quote that was signed. Use it unchanged, or ask for a new one."
    zh = "该报价与签名内容不一致，请使用原始报价或重新获取。"


@dataclass(unsafe_hash=True)
class PriceMismatch(Refusal):
    """Another price was expected than the quote says."""

    code = "PRICE_MISMATCH"
    en = "You expected {expected}, but the quote says {quoted}. Read the quote again."
    zh = "您预期的价格为{expected}，报价为{quoted}，请重新查看报价。"
    expected: Money
    quoted: Money
