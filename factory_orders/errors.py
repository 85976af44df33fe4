"""What factory_orders refuses.

Refusal
  CapacityShort            the plant cannot take that many cars in those weeks: the earliest week that fits
  CapacityTaken            a week cannot have fewer places than are taken
  PlanTooLarge             a book of orders is too large to be planned while somebody waits
  PromiseUnavailable       no open pool can promise this car now
  PromiseLater             the car would come later now than the quote says
  PlantEventOutOfOrder     the build order is at another stage: which ones may come now
  PlantEventGap            a report of the car before this one has not come
  PlantEventAltered        an event id came again with another content
  PlantFileBroken          a plant's file is not what its format says: line and reason
  HookSignatureInvalid     a message to a plant's door is not signed with its secret, or too old
  PlantEventFromFuture     the plant's clock is ahead of ours
  CallOffEnded             the call-off was received or withdrawn
  VinInvalid               not a VIN of ISO 3779: length, letters or check digit
  VehicleNotNew            a car that is not new cannot be sold as new
  ShipmentOutOfOrder       the shipment is at another leg
  OdometerBackwards        the odometer shows less than before
  ConditionKnown           this hand-over, or a later one, has been looked at
  ConditionCheckMissing    the car is looked over before it changes hands
  DamageCaseClosed         the damage case is closed
  DamageNotTold            marks were found on the way: the store says what they cost
  HandoverNotPossible      the car is not there, or the handover is at another step
  AppointmentUnavailable   the store cannot receive anybody then
  HoursTaken               people have booked hours that are to be closed
  DisclosureNotAccepted    the buyer has to agree to what happened to the car first
  InspectionMissing        no balance before the buyer has inspected the car
  BalanceOpen              the receivable is not zero
  StockCarHeld             somebody else holds the stock car
  StockQuoteDead           the quote of a stock car is not live any more
  StockHoldOver            the hold of a stock car has ended: hold it anew
  InvoiceMissing           no signature before the vehicle invoice is issued
  PaperNotPossible         the car is not at the store, or not paid where its invoice is asked for
  ChecklistIncomplete      points of the check list are missing
  OrderNotCancellable      the order is past the point of leaving
  WaitOfferOver            an offer for a long wait was answered otherwise, or its time is over
  RepairOfferEnded         the repaired car cannot be taken any more
  OrderOpen                an order is under way, so the account cannot be erased
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from kernel.errors import Refusal
from kernel.money import Money
from kernel.reasons import write


@dataclass(unsafe_hash=True)
class CapacityShort(Refusal):
    """The plant has not enough of `resource` (slots or an option's code); `earliest_week` fits, None within a year."""

    code = "CAPACITY_SHORT"
    en = "The plant lacks {missing} of {resource} in these weeks. The earliest first week that fits: {earliest_week}."
    zh = "该工厂在所选周内{resource}不足，缺{missing}。最早可行的起始周：{earliest_week}。"
    resource: str
    missing: int
    earliest_week: date | None


@dataclass(unsafe_hash=True)
class CapacityTaken(Refusal):
    """Pools and orders have `taken` places of this week's resource already; fewer it cannot have."""

    code = "CAPACITY_TAKEN"
    en = "In the week of {week} {taken:is|are} taken of {resource}. Give at least that many, or move orders first."
    zh = "{week}当周{resource}已占用{taken}，产能不能低于该数，请先调整订单。"
    resource: str
    week: date
    taken: int


@dataclass(unsafe_hash=True)
class PlanTooLarge(Refusal):
    """A book of `orders` cannot be planned within the time that a request may take."""

    code = "PLAN_TOO_LARGE"
    en = (
        "{orders:order takes|orders take} too long to plan here. Ask `muster plan` on the command line; "
        "nothing was changed."
    )
    zh = "{orders}个订单的排产试算耗时过长，请改用命令行试算；未做任何更改。"
    orders: int


@dataclass(unsafe_hash=True)
class PromiseUnavailable(Refusal):
    """No pool of this car's class is open, or no week of its plant has room for the car."""

    code = "PROMISE_UNAVAILABLE"
    en = "No date can be held for this car now. Ask for a new quote, or choose a pool that is open."
    zh = "目前无法为该车保留交期，请重新获取报价，或选择开放中的拼单池。"


@dataclass(unsafe_hash=True)
class PromiseLater(Refusal):
    """Others were quicker: the quote says `quoted`, what can be held now is `offered`; nothing is held."""

    code = "PROMISE_LATER"
    en = "The quote promises {quoted}; now it would be {offered}. Ask for a new quote to take that date."
    zh = "报价承诺的日期为{quoted}，目前最早为{offered}。如可接受，请重新获取报价。"
    quoted: date
    offered: date


@dataclass(unsafe_hash=True)
class PlantEventOutOfOrder(Refusal):
    """A build order goes through its stages one after the other; `expected` may come now."""

    code = "PLANT_EVENT_OUT_OF_ORDER"
    en = "The build order is at {stage}; {reported} cannot follow. Report one of: {expected}."
    zh = "该生产订单当前为{stage}，不能上报{reported}。可上报：{expected}。"
    stage: str
    reported: str
    expected: tuple[str, ...]


@dataclass(unsafe_hash=True)
class PlantEventGap(Refusal):
    """A car's reports count from 1; report number `expected` has to come before this one."""

    code = "PLANT_EVENT_GAP"
    en = "This is report {reported} on the car, and report {expected} has not come. Send that one first."
    zh = "这是该车的第{reported}条上报，第{expected}条尚未收到，请先上报第{expected}条。"
    expected: int
    reported: int


@dataclass(unsafe_hash=True)
class PlantEventAltered(Refusal):
    """An event id names one event; the same id came with another content."""

    code = "PLANT_EVENT_ALTERED"
    en = "Event {event_id} was received before with another content. Give a new event a new id."
    zh = "事件{event_id}此前已以不同内容上报，新事件请使用新编号。"
    event_id: str


@dataclass(unsafe_hash=True)
class PlantEventFromFuture(Refusal):
    """The event's time lies ahead of now by more than the tolerance, or before the stage that came before it."""

    code = "PLANT_EVENT_TIME"
    en = "The event's time {occurred_at} must lie between {not_before} and {not_after}. Check the plant's clock."
    zh = "事件时间{occurred_at}须在{not_before}与{not_after}之间，请检查工厂时钟。"
    occurred_at: datetime
    not_before: datetime
    not_after: datetime


@dataclass(unsafe_hash=True)
class PlantFileBroken(Refusal):
    """A plant's file cannot be read; `line` counts from 1, 0 is the file as a whole; `reason` is in English."""

    code = "PLANT_FILE_BROKEN"
    is_broken_input = True
    en = "Line {line}: {reason}. Nothing of the file was taken."
    zh = "第{line}行：{reason}。该文件未被采用。"
    line: int
    reason: str


@dataclass(unsafe_hash=True)
class HookSignatureInvalid(Refusal):
    """The signature, the time or the hook does not fit; nothing more is said of which."""

    code = "HOOK_SIGNATURE_INVALID"
    en = "This message is not signed with the hook's secret, or it is older than five minutes."
    zh = "该消息未使用该通道的密钥签名，或已超过五分钟。"


@dataclass(unsafe_hash=True)
class CallOffEnded(Refusal):
    """A call-off that was received or withdrawn stays as it is; `state` says which."""

    code = "CALL_OFF_ENDED"
    en = "This call-off is {state}. What is missing is called off anew; look at the list of call-offs."
    zh = "该要货单当前为{state}。如有缺口会另行要货，请查看要货单列表。"
    state: str


@dataclass(unsafe_hash=True)
class VinInvalid(Refusal):
    """This is no vehicle identification number of ISO 3779 with the check digit of GB 16735."""

    code = "VIN_INVALID"
    en = "{vin} is not a valid VIN: {reason}. Read it again from the car."
    zh = "{vin}不是有效的车架号：{reason}。请对照车辆重新输入。"
    vin: str
    reason: str


@dataclass(unsafe_hash=True)
class VehicleNotNew(Refusal):
    """A car below `new_disclosed` enters no new-car allocation or invoice."""

    code = "VEHICLE_NOT_NEW"
    en = "This car is {newness} and cannot be sold as new. Allocate another car or build it again."
    zh = "该车状态为{newness}，不能按新车销售，请另行配车或重新生产。"
    newness: str


@dataclass(unsafe_hash=True)
class ShipmentOutOfOrder(Refusal):
    """A shipment goes leg by leg; `expected` may come now."""

    code = "SHIPMENT_OUT_OF_ORDER"
    en = "The shipment is {state}; {reported} cannot follow. Possible now: {expected}."
    zh = "该运输单当前为{state}，不能变更为{reported}。当前可行：{expected}。"
    state: str
    reported: str
    expected: tuple[str, ...]


@dataclass(unsafe_hash=True)
class OdometerBackwards(Refusal):
    """An odometer never runs backwards: it showed `last_km` before, and `read_km` was read now."""

    code = "ODOMETER_BACKWARDS"
    en = "The odometer showed {last_km} km before; {read_km} km cannot follow. Read it again, and report the car if so."
    zh = "该车里程表此前为{last_km}公里，不能变为{read_km}公里。请重新读取；如确实如此，请上报该车。"
    last_km: int
    read_km: int


@dataclass(unsafe_hash=True)
class ConditionKnown(Refusal):
    """What was seen at a hand-over is not changed afterwards, nor told after a later one."""

    code = "CONDITION_KNOWN"
    en = "The car's condition as {hand_over} or later was told already. Report what is new at the next hand-over."
    zh = "该车在{hand_over}或之后已完成检查，新发现请在下一次交接时上报。"
    hand_over: str


@dataclass(unsafe_hash=True)
class ConditionCheckMissing(Refusal):
    """The brand wants every car looked over as it changes hands."""

    code = "CONDITION_CHECK_MISSING"
    en = "Report the car's condition as {hand_over} first: odometer, photos, marks."
    zh = "请先上报{hand_over}时的车况：里程、照片、瑕疵。"
    hand_over: str


@dataclass(unsafe_hash=True)
class DamageNotTold(Refusal):
    """Marks were found on a car's way, and what their repair costs nobody has said: `cases` are not closed yet."""

    code = "DAMAGE_NOT_TOLD"
    en = "Damage was found on this car's way ({cases} not closed). Report it with `damage`: what it is and the repair."
    zh = "该车途中发现损伤（未结案{cases}起）。请填写损伤说明与维修费用。"
    cases: int


@dataclass(unsafe_hash=True)
class DamageCaseClosed(Refusal):
    """A closed damage case stays as it is."""

    code = "DAMAGE_CASE_CLOSED"
    en = "This damage case is closed. What is new opens another one at the next hand-over."
    zh = "该车损案件已结案；新的车损会在下一次交接时另行立案。"


@dataclass(unsafe_hash=True)
class HandoverNotPossible(Refusal):
    """The order or the handover is at another step; `state` says where."""

    code = "HANDOVER_NOT_POSSIBLE"
    en = "This is not possible while the handover stands at {state}. It needs: {needs}."
    zh = "当前状态为{state}，无法执行；需要：{needs}。"
    state: str
    needs: str


@dataclass(unsafe_hash=True)
class AppointmentUnavailable(Refusal):
    """The store receives on full hours while it is open, a few people an hour; `next_free` can be had."""

    code = "APPOINTMENT_UNAVAILABLE"
    en = "The store cannot receive you then ({reason}). The next free time is {next_free}."
    zh = "门店该时段无法接待（{reason}），下一个可预约时间为{next_free}。"
    reason: str
    next_free: datetime | None


@dataclass(unsafe_hash=True)
class HoursTaken(Refusal):
    """People have booked `hour` by places that it would not have any more; they are asked to move first."""

    code = "HOURS_TAKEN"
    en = (
        "{booked:handover is|handovers are} booked at {hour}, beyond these places. Ask the buyers to move, or "
        "keep the hour."
    )
    zh = "{hour}已有{booked}个交车预约，超出拟设名额。请先与客户改期，或保留该时段。"
    hour: datetime
    booked: int


@dataclass(unsafe_hash=True)
class DisclosureNotAccepted(Refusal):
    """Something happened to the car before delivery; the buyer agrees in writing or the car is not handed over."""

    code = "DISCLOSURE_NOT_ACCEPTED"
    en = "Read and accept what happened to this car first ({open_disclosures:point|points}), or reject the handover."
    zh = "请先阅读并同意该车的披露事项（共{open_disclosures}项），或拒绝交车。"
    open_disclosures: int


@dataclass(unsafe_hash=True)
class InspectionMissing(Refusal):
    """No balance is taken before a VIN exists and the buyer has inspected the car (DOMAIN section 4.9)."""

    code = "INSPECTION_MISSING"
    en = "The balance is asked for only after you have inspected the car at the store."
    zh = "须在门店完成验车后方可收取尾款。"


@dataclass(unsafe_hash=True)
class BalanceOpen(Refusal):
    """The car is handed over when nothing is owed."""

    code = "BALANCE_OPEN"
    en = "{due} is still open. Pay it before you sign."
    zh = "尚有{due}未付，请付清后签收。"
    due: Money


@dataclass(unsafe_hash=True)
class StockCarHeld(Refusal):
    """Somebody holds this car while they order."""

    code = "STOCK_CAR_HELD"
    en = "Somebody else is ordering this car. Try again in half an hour, or take another one."
    zh = "该车正被他人下单占用，请半小时后再试，或选择其他现车。"


@dataclass(unsafe_hash=True)
class StockQuoteDead(Refusal):
    """The quote is `state`: expired, its price has changed, or the car is gone."""

    code = "STOCK_QUOTE_DEAD"
    en = "This quote is not live any more: {state}. Ask for a new one, or look for another car."
    zh = "该现车报价已失效：{state}。请重新获取报价，或选择其他现车。"
    state: str


@dataclass(unsafe_hash=True)
class StockHoldOver(Refusal):
    """The hold ran out, or was given back; no money was taken."""

    code = "STOCK_HOLD_OVER"
    en = "This hold has ended. Hold the car anew, if it is still there; no money was taken."
    zh = "该保留已结束。如现车仍在库，请重新保留；未产生扣款。"


@dataclass(unsafe_hash=True)
class InvoiceMissing(Refusal):
    """A car without its vehicle invoice cannot be registered, so nobody signs for it."""

    code = "INVOICE_MISSING"
    en = "The vehicle invoice is not issued yet. It comes by itself after the payment; sign when it is there."
    zh = "机动车销售发票尚未开具。付款后会自动开具，请在开具后签收。"


@dataclass(unsafe_hash=True)
class PaperNotPossible(Refusal):
    """Insurance and plate are asked for once the car stands at the store; the invoice comes once the car is paid."""

    code = "PAPER_NOT_POSSIBLE"
    en = "Insurance and plate can be asked for while the car stands at the store; the invoice once it is paid."
    zh = "保险和牌照须在车辆到店后申请；发票在付清车款后开具。"


@dataclass(unsafe_hash=True)
class ChecklistIncomplete(Refusal):
    """Every point of the brand's check list is answered once, and no other."""

    code = "CHECKLIST_INCOMPLETE"
    en = "The check list does not fit. Missing: {missing}; not on the list: {unknown}; told twice: {twice}."
    zh = "验车清单不符。缺少：{missing}；不在清单内：{unknown}；重复：{twice}。"
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    twice: tuple[str, ...] = ()


_WHILE_BEGUN: Final = (
    "Its car is begun; until it is paid, the buyer may still leave once it comes very late.",
    "车辆已开始生产；付清尾款前如严重逾期，购车人仍可解除订单。",
)
_AFTER_LEAVING: Final[Mapping[str, tuple[str, str]]] = {
    "cancelled": ("Nothing more is kept for it.", "无需再次取消，不再扣款。"),
    "delivered": ("Ask the store about a return.", "退车事宜请咨询门店。"),
    "balance_paid": ("Sign for the car, or do not take it.", "请签收车辆，或拒绝接收。"),
}


@dataclass(unsafe_hash=True)
class OrderNotCancellable(Refusal):
    """The order has ended or its car is begun; `state` says where it is."""

    code = "ORDER_NOT_CANCELLABLE"
    en = "This order is at {state} and cannot be cancelled any more. {advice}"
    zh = "该订单当前为{state}，已无法取消。{advice}"
    state: str

    def text(self, locale: str = "en", zone: ZoneInfo | None = None) -> str:  # no moment stands in it
        """Return the sentence, and what one may do at this state."""
        chinese = locale.startswith("zh")
        advice = _AFTER_LEAVING.get(self.state, _WHILE_BEGUN)[chinese]
        return (self.zh if chinese else self.en).format(state=write(self.state, chinese=chinese), advice=advice)


@dataclass(unsafe_hash=True)
class WaitOfferOver(Refusal):
    """The offer is `state` already, or its order has ended; the order stands as it is."""

    code = "WAIT_OFFER_OVER"
    en = "This offer is over ({state}). Your order stands as it is."
    zh = "该久候方案已结束（{state}），您的订单保持不变。"
    state: str


@dataclass(unsafe_hash=True)
class RepairOfferEnded(Refusal):
    """There is no offer (`none`), it was answered or its time is over, or the other car is `begun`."""

    code = "REPAIR_OFFER_ENDED"
    en = "The repaired car cannot be taken or declined now: {state}. Look at your order to see what is built."
    zh = "当前无法接受或拒绝该修复车：{state}。请在订单中查看生产进度。"
    state: str


@dataclass(unsafe_hash=True)
class OrderOpen(Refusal):
    """An order is under way, so the account cannot be erased."""

    code = "ORDER_OPEN"
    en = "You have an order under way ({state}). Cancel it or wait for its handover."
    zh = "您有进行中的订单（{state}），请先取消或等待交车。"
    state: str
