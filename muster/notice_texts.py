"""What each notice says, in Chinese and in English: who it is about, what happened, what to do now."""

import muster.pool_texts as _pools  # noqa: F401 - notices of pools have their words there
from kernel.notices import register_notice

register_notice(
    "confirm_address",
    "确认您的邮箱",
    "请用以下口令和您的密码完成注册，两天内有效：\n{token}",
    "Confirm your address",
    "Finish signing up with this token and your password; it is good for two days:\n{token}",
)
register_notice(
    "sign_up_repeated",
    "您已有账户",
    "有人用您的邮箱再次注册。如果是您本人，请直接登录或找回密码；如果不是，无需处理。",
    "You have an account already",
    "Somebody signed up with your address again. If it was you, sign in or recover your password; if not, do nothing.",
)
register_notice(
    "recover_password",
    "重设密码",
    "请用以下口令设置新密码，30分钟内有效。如非本人操作，请忽略。\n{token}",
    "Set a new password",
    "Set a new password with this token within 30 minutes. If you did not ask for it, do nothing.\n{token}",
)
register_notice(
    "password_changed",
    "密码已修改",
    "您的密码已修改，其他设备已退出登录。如非本人操作，请立即找回密码。",
    "Your password was changed",
    "Your password was changed and other devices were signed out. If it was not you, recover it at once.",
)
register_notice(
    "staff_invited",
    "加入员工团队的邀请",
    "请用以下口令加入，七天内有效：\n{token}",
    "You are invited to the staff",
    "Join with this token within seven days:\n{token}",
)
register_notice(
    "configuration_broken",
    "您保存的选配需要更新",
    "自{day}起的新车型目录不再支持您保存的{model}选配。最小改动涉及{changes}项，差价{difference}；您可以一键采用，也可以另行选择。",
    "A car you keep has to change",
    "From {day} on the catalogue does not allow the {model} that you keep. The smallest change takes "
    "{changes:option|options}, with a price difference of {difference}. Take it over as it is, or choose otherwise.",
    may_mute=True,
)
register_notice(
    "configuration_gone",
    "您保存的选配已不可选",
    "自{day}起的新车型目录不再支持您保存的{model}选配，也没有相近的替代。请重新选配。",
    "A car you keep is no longer offered",
    "From {day} on the catalogue does not allow the {model} that you keep, and no car is near it. Please choose anew.",
    may_mute=True,
)
register_notice(
    "order_cancelled_unpaid",
    "定金未能收取，订单已取消",
    "支付机构最终拒绝了您的定金扣款，或您的银行已将该款项退回给您，订单因此取消。我们未持有您的定金，也不收取任何费用。",
    "Your order is cancelled: its earnest money is not here",
    "The payment provider declined your earnest money for good, or your bank has taken it back for you, so your order "
    "is cancelled. We hold none of it, and nothing is owed.",
)
register_notice(
    "balance_reminder",
    "您的车仍在等您",
    "您的车已到店多日，尚未付清尾款。请于{last_day}前预约交车并支付；逾期视为违约，定金不予退还，车辆将转为库存。",
    "Your car is still waiting for you",
    "Your car has been at the store for some time and is not paid. Please book your handover and pay by {last_day}; "
    "after that it is a default: the earnest money is kept, and the car becomes stock.",
)
register_notice(
    "order_rescinded",
    "您已因延期解除订单",
    "您的车延期过久，您已解除订单。定金双倍返还：已记入的延期补偿计入其中，此外您还将收到{returned}。",
    "You left for the delay",
    "Your car came too late, and you have ended your order. You get your earnest money twice: late credits that "
    "you have are a part of it, and beside them you get {returned}.",
)
register_notice(
    "order_defaulted",
    "订单因未付尾款已终止",
    "尾款逾期未付，订单已终止，定金{forfeit}按约定不予退还。",
    "Your order has ended in a default",
    "The balance was not paid in time after the second notice, so your order has ended. As agreed beforehand the "
    "earnest money of {forfeit} is kept.",
)
register_notice(
    "earnest_missing",
    "定金未能收取",
    "支付机构最终拒绝了您的定金扣款，或您的银行已将该款项退回给您。您的车已开始生产，订单继续有效，全部车款将在交车时支付。",
    "Your earnest money is not here",
    "The payment provider declined your earnest money for good, or your bank has taken it back for you. Your car is "
    "being built, so your order stands, and the whole price is due at the handover.",
)
register_notice(
    "earnest_owed",
    "定金需要补付",
    "支付机构最终拒绝了您的定金扣款，或您的银行已将该款项退回给您，而该定金已抵作车款，因此仍应补付。请联系客服。",
    "Your earnest money is owed",
    "The payment provider declined your earnest money for good, or your bank has taken it back for you; it had been "
    "set off against the price already, so it is owed. Please write to our service.",
)
register_notice(
    "balance_declined",
    "尾款扣款失败",
    "支付机构最终拒绝了您的尾款{amount}，或您的银行已将该款项退回给您，请换一种支付方式重新支付。",
    "Your balance is not here",
    "The payment provider declined your balance of {amount} for good, or your bank has taken it back for you. Please "
    "pay it again another way.",
)
register_notice(
    "balance_owed",
    "尾款需要补付",
    "您的车已交付，但支付机构最终拒绝了尾款{amount}，或您的银行已将该款项退回给您，因此仍应补付。请联系客服。",
    "Your balance is owed",
    "Your car is handed over, but the payment provider declined the balance of {amount} for good, or your bank has "
    "taken it back for you, so it is owed. Please write to our service.",
)
register_notice(
    "pre_order_expired",
    "预订已失效",
    "未在时限内收到意向金，预订已失效；迟到的款项会自动退还。",
    "Your pre-order has expired",
    "No deposit came in time, so the pre-order has expired; money that comes late goes back by itself.",
)
register_notice(
    "deposit_refund",
    "意向金退款中",
    "您的意向金{amount}正在退还，最迟{refund_by}到账。",
    "Your deposit is on its way back",
    "Your deposit of {amount} is on its way back, there by {refund_by} at the latest.",
)
register_notice(
    "early_bonus",
    "早鸟奖励",
    "感谢您早早加入：{amount}已记入您的账户。",
    "A bonus for joining early",
    "Thank you for joining early: {amount} is credited to you.",
    may_mute=True,
)
register_notice(
    "order_scheduled",
    "已排产",
    "您的车已排产，预计{expected}到店，承诺不晚于{promised}。",
    "Your car has its week",
    "Your car is scheduled: expected at the store on {expected}, promised by {promised}.",
    may_mute=True,
)
register_notice(
    "order_scheduled_late",
    "已排产，晚于承诺",
    "您的车已排产，预计{expected}到店，晚于我们承诺的{promised}，非常抱歉。自承诺日起，每晚一天都会按合同约定（以其上限为限）自动向您补偿，无需申请。",
    "Your car has its week, later than promised",
    "Your car is scheduled: expected at the store on {expected}. We promised {promised} and are sorry to be late. For"
    " each day after that you are credited by itself, up to the limit of your terms; you need not ask.",
)
register_notice(
    "vehicle_built",
    "车辆已下线",
    "您的车已下线，车架号{vin}。",
    "Your car is built",
    "Your car has left the line. Its VIN is {vin}.",
    may_mute=True,
)
register_notice(
    "invoice_issued",
    "机动车销售发票已开具",
    "您的机动车销售发票已开具，号码{number}，现在可以签收车辆。",
    "Your vehicle invoice is issued",
    "Your vehicle invoice is issued under number {number}. You can sign for the car now.",
)
register_notice(
    "insurance_issued",
    "保险已生效",
    "您的车辆保险已办妥，保单号{number}。",
    "Your car is insured",
    "Your car is insured under policy {number}.",
)
register_notice(
    "plate_issued",
    "牌照已核发",
    "您的车辆牌照已核发：{number}。",
    "Your number plate is there",
    "Your car has its number plate: {number}.",
)
register_notice(
    "paper_refused",
    "证照未能办理",
    "您的车辆有一份证照未能办理，请在订单中查看原因，并向门店咨询。",
    "A paper of your car was refused",
    "A paper of your car was refused. See the reason at your order, and ask the store.",
)
register_notice(
    "vehicle_disclosed",
    "车辆情况告知",
    "您的车（{vin}）在交付前有需要告知您的情况，请查看并确认后再交车。",
    "Something to tell you about your car",
    "Something happened to your car ({vin}) before delivery. Please read it and agree before the handover.",
)
register_notice(
    "built_again",
    "为您重新生产",
    "原定车辆已无法按新车交付，我们将于{week}当周为您重新生产一辆。新车焊装开工前，您可随时免费退出，定金全额退还。",
    "Your car is built again",
    "The car meant for you cannot be handed over as new, so another one is built for you in the week of {week}. Until "
    "its body is begun you may leave free, with all your money.",
)
register_notice(
    "vehicle_arrived",
    "车辆已到店",
    "您的车（{vin}）已到店，请预约交车时间。",
    "Your car is at the store",
    "Your car ({vin}) is at the store. Please book your handover.",
)
register_notice(
    "handover_booked",
    "交车已预约",
    "交车时间：{appointment}。请携带身份证件。",
    "Your handover is booked",
    "Your handover is on {appointment}. Please bring your ID.",
)
register_notice(
    "balance_requested",
    "请支付尾款",
    "您已验车，请支付尾款{amount}。",
    "The balance is due",
    "You have inspected the car. Please pay the balance of {amount}.",
)
register_notice(
    "vehicle_delivered",
    "提车愉快",
    "您的车（{vin}）已交付，祝您一路顺风！",
    "The car is yours",
    "Your car ({vin}) is handed over. Have a good drive!",
)
register_notice(
    "late_credit",
    "延期补偿",
    "因延期{days}天，已为您记入补偿{amount}，交车时自动抵扣。",
    "A credit for the delay",
    "Your car is {days:day|days} late, so {amount} is credited; it comes off the balance by itself.",
)
register_notice(
    "handover_rejected",
    "您未接收车辆",
    "您在交车时未接收车辆，订单继续有效；本次交车时支付的款项将原路退还。问题处理后请重新预约交车。",
    "You did not take the car",
    "You did not take the car at the handover. Your order stands, and what you paid at this handover goes back the way "
    "it came. Please book another appointment once the store has seen to it.",
)
register_notice(
    "order_cancelled",
    "订单已取消",
    "您的订单已取消：按约定扣除定金{forfeit}，其余{returned}将原路退还。",
    "Your order is cancelled",
    "Your order is cancelled. As agreed beforehand {forfeit} of the earnest money is kept; {returned} goes back the "
    "way it came.",
)
register_notice(
    "order_cancelled_by_maker",
    "厂家取消了您的订单",
    "很抱歉，厂家取消了您的订单。依法双倍返还定金，您共将收到{returned}。",
    "The maker has cancelled your order",
    "We are sorry: the maker has cancelled your order. By law you get your earnest money twice, {returned} in all.",
)
register_notice(
    "backing_in",
    "已收到您的支持金",
    "您为“{title}”支付的支持金{amount}已收到，可随时撤回退还。",
    "Your backing is in",
    "Your backing of {amount} for “{title}” is in. You may take it back at any time.",
    may_mute=True,
)
register_notice(
    "backing_refund",
    "支持金退款中",
    "您的支持金{amount}正在退还，最迟{refund_by}到账。",
    "Your backing is on its way back",
    "Your backing of {amount} is on its way back, there by {refund_by} at the latest.",
)
register_notice(
    "answer_wanted",
    "有提案等待答复",
    "“{title}”已达到公布的门槛，请在{due}前答复：给出日期和价格上限，或说明理由后婉拒。",
    "A proposal waits for your answer",
    "“{title}” has reached its published threshold. Answer by {due}: yes with day and ceiling, or no with a reason.",
)
register_notice(
    "answer_reminder",
    "提案答复即将到期",
    "“{title}”的答复期限为{due}，逾期将公开显示。",
    "An answer is due soon",
    "“{title}” waits for your answer until {due}. After that everybody sees that it is overdue.",
)
register_notice(
    "answer_overdue",
    "提案答复已逾期",
    "“{title}”尚未答复，逾期状态已公开。请尽快答复。",
    "An answer is overdue",
    "“{title}” has had no answer in time, and everybody sees that. Please answer it now.",
)
register_notice(
    "proposal_committed",
    "厂家已答应您支持的提案",
    "厂家承诺：“{title}”将于{day}前上市，价格不超过{ceiling}。",
    "The maker said yes",
    "The maker promises “{title}” by {day}, for at most {ceiling}.",
    may_mute=True,
)
register_notice(
    "promise_broken",
    "厂家未兑现承诺",
    "很抱歉，关于“{title}”的承诺未能兑现，此记录已公开。您可随时撤回支持金。",
    "A promise was not kept",
    "We are sorry: the promise for “{title}” was not kept, which everybody can see. You may take your money back.",
    may_mute=True,
)
register_notice(
    "proposal_in_catalogue",
    "您支持的选装已上市",
    "“{title}”已可选购，{ends}前下单价格不超过{ceiling}。下单后支持金将退还。",
    "What you backed can be ordered",
    "“{title}” can be ordered now: until {ends} for at most {ceiling}. Your backing goes back once you have ordered.",
)
register_notice(
    "planners_digest",
    "需求摘要：{week}当周",
    "变化（发声人数、选装率；两周区间不重叠）：\n{changes}\n\n"
    "接近门槛或等待答复的提案（下界 / 门槛）：\n{votes}\n\n"
    "可能不成团的拼单池（成员 + 尚缺，截止日，按目前速度达成的可能）：\n{pools}",
    "Demand in the week of {week}",
    "What changed (persons who spoke; take rates whose intervals of two weeks do not meet):\n{changes}\n\n"
    "Proposals close to their threshold, or that wait for your answer (bound / threshold):\n{votes}\n\n"
    "Pools that will probably miss (members + still needed, last day, chance at the pace so far):\n{pools}",
    may_mute=True,
)
