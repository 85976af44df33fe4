"""What the configurator refuses.

Refusal
  CatalogueFaulty           the files of a catalogue have faults: each with file, line and reason
  VersionNotInForce         no catalogue version is in force on that day
  VersionTaken              a version cannot be published so: its day lies before the newest one's
  ModelUnknown              no such model in this version
  OptionUnknown             no such options in this version
  ChoicesClash              the choices themselves forbid each other
  OptionExcluded            the rules forbid the option: why, and the smallest repair
  ConfigurationIncomplete   choices are still open, so there is no car to price
  PlaceNotServed            no logistics price to that region
  QuoteExpired              the quote's time has passed
  QuoteTaken                the quote was accepted or superseded before
  QuoteAltered              what was presented is not what was signed
  PriceMismatch             another price was expected than the quote says
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

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
class VersionTaken(Refusal):
    """Versions take effect in the order of their numbers; this one would not, or repeats the newest."""

    code = "VERSION_TAKEN"
    en = "This catalogue cannot be published: {reason}."
    zh = "无法发布该车型目录：{reason}。"
    reason: str


@dataclass(unsafe_hash=True)
class ModelUnknown(Refusal):
    """The catalogue version has no such model."""

    code = "MODEL_UNKNOWN"
    en = "There is no model {model} in this catalogue. Choose one of: {models}."
    zh = "车型目录中没有车型{model}，请从以下车型中选择：{models}。"
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
    """The rules forbid the option beside the other choices; `give_up` is the smallest repair (empty: none helps)."""

    code = "OPTION_EXCLUDED"
    en = "{option} is not possible with {because}. {rules_en} Give up: {give_up}."
    zh = "{option}与{because}不能同时选择。{rules_zh}可放弃：{give_up}。"
    option: str
    because: tuple[str, ...]
    rules_en: tuple[str, ...]
    rules_zh: tuple[str, ...]
    give_up: tuple[str, ...]


@dataclass(unsafe_hash=True)
class ConfigurationIncomplete(Refusal):
    """Not every choice is made; `categories` are those still open."""

    code = "CONFIGURATION_INCOMPLETE"
    en = "Some choices are still open: {categories}. Make them, or take the cheapest completion."
    zh = "尚有未完成的选择：{categories}。请完成选择，或采用最低价补全方案。"
    categories: tuple[str, ...]


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
