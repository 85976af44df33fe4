"""What the notices of pools and of places in them say, in Chinese and in English."""

from kernel.notices import register_notice

register_notice(
    "deposit_in",
    "意向金已收到",
    "您的意向金{amount}已收到，您已在拼单池中占得一席，目前共{members}人。冻结前可随时免费退出。",
    "Your deposit is in",
    "Your deposit of {amount} is in and you have a place in the pool, which has {members:member|members} now. "
    "You may leave free of charge until it freezes.",
    may_mute=True,
)
register_notice(
    "deposit_in_frozen",
    "意向金已收到",
    "您的意向金{amount}已收到，您已在拼单池中占得一席，目前共{members}人。该拼单池已冻结，将于{deadline}结算，此前不能退出，价格只会下降。",
    "Your deposit is in",
    "Your deposit of {amount} is in and you have a place in the pool, which has {members:member|members} now. The pool "
    "is frozen and clears on {deadline}: nobody leaves any more, and the price can only fall.",
    may_mute=True,
)
register_notice(
    "member_uncleared",
    "分期未获批，名额已取消",
    "拼单池冻结时，您的分期尚未获批或车牌指标尚未确认，您也未选择全款，名额因此取消，意向金将全额退还。",
    "Your place is gone: no approved finance",
    "When the pool froze your finance was not approved, or your plate quota not confirmed, and you had not chosen "
    "cash. Your place is gone, and your deposit goes back in full.",
)
register_notice(
    "pool_freeze_near",
    "拼单池即将冻结",
    "您的拼单池将于{freeze_at}冻结，目前共{members}人。此前您可以免费退出、更换选配或门店；若选择分期，请在此之前获得审批并确认车牌指标（如所在城市要求），或改为全款；冻结后不能退出，价格只会下降。",
    "Your pool freezes soon",
    "Your pool freezes on {freeze_at}, with {members:member|members} now. Until then you may leave for nothing, and "
    "change the car or the store. By instalments you need approved finance, and a plate quota where your city asks for "
    "one, by then, or choose cash. Afterwards nobody leaves, and the price can only fall.",
    may_mute=True,
)
register_notice(
    "pool_frozen",
    "拼单池已冻结",
    "您的拼单池已冻结，共{members}人，将于{deadline}结算。此后不能退出，价格只会下降。",
    "Your pool is frozen",
    "Your pool is frozen with {members:member|members} and clears on {deadline}. Nobody leaves any more; the "
    "price can only fall.",
    may_mute=True,
)
register_notice(
    "order_locked",
    "锁单成功",
    "拼单成功！您的车价已锁定为{price}，不会再上涨。意向金已转为定金，我们将通知您排产日期。",
    "Your order is locked",
    "Your pool has tipped. Your car's price is locked at {price} and will not rise. The deposit is "
    "earnest money now; the build date follows.",
)
register_notice(
    "pool_failed",
    "拼单未成",
    "拼单池未达成。我们将按您事先的选择处理：退款、转入下一池或放宽车型级别。",
    "Your pool did not tip",
    "The pool did not clear: too few agreed to its first tier. We now do what you chose beforehand: refund, the next "
    "pool, or the wider class.",
)
register_notice(
    "pool_cancelled",
    "拼单池已取消",
    "厂家取消了拼单池，意向金将全额退还。",
    "Your pool was cancelled",
    "The maker took the pool back; your deposit is returned in full.",
)
register_notice(
    "pre_order_rolled",
    "已转入下一池",
    "您的预订已保留原时间顺序，转入或等待下一个拼单池。此前为其他拼单池给出的交期不再作为合同交期，新交期在成团或排产时确定；若计划晚于您接受的日期，车身开工前可免费退出。",
    "Your pre-order goes on",
    "Your pre-order keeps its original time and joins, or waits for, the next pool. A date that was given for another"
    " pool is not the contract's: that comes when the pool tips or with your car's week. If the car is planned later"
    " than the date you accepted, you may leave free until its body is begun.",
)
register_notice(
    "costlier_terms",
    "下一池的条款较高",
    "您的{model}（所选配置版本）的下一个拼单池条款高于您原来的条款。如愿加入，请在{deadline}前取得新报价并确认；否则意向金将全额退还。",
    "The next pool costs more",
    "The next pool of your {model} in its trim has costlier terms than the one you joined. To go on, get a new quote "
    "and accept it by {deadline}; else your deposit is returned in full.",
)
register_notice(
    "costlier_terms_any_trim",
    "下一池（不限配置版本）的条款较高",
    "您的{model}的下一个不限配置版本的拼单池条款高于您原来的条款。如愿加入，请在{deadline}前取得新报价并确认；否则意向金将全额退还。",
    "The next pool of every trim costs more",
    "The next pool of every trim for your {model} has costlier terms than the one you joined. To go on, get a new "
    "quote and accept it by {deadline}; else your deposit is returned in full.",
)
register_notice(
    "pre_order_begins_anew",
    "已转入下一池",
    "拼单池已成团，但名额有限，您未在其中。您的预订将以新的时间转入或等待下一个拼单池，合同交期在下一池成团或排产时确定；若计划晚于您接受的日期，车身开工前可免费退出。冻结前您也可以随时退出并退款。",
    "Your pre-order goes on",
    "Your pool has tipped without you: others were earlier, or its price lay above your cap. Your pre-order joins, or "
    "waits for, the next pool with a new time. The contract's date comes when that pool tips or with your car's week."
    " If the car is planned later than the date you accepted, you may leave free until its body is begun. Until a pool"
    " freezes you may also withdraw and get your deposit back.",
)
register_notice(
    "member_removed",
    "意向金未能收取，名额已取消",
    "支付机构最终拒绝了您的意向金扣款，或您的银行已将该款项退回给您，您的名额因此取消，我们未持有您的款项。"
    "如仍想购车，请换一种支付方式重新预订。",
    "Your deposit is not here",
    "The payment provider declined your deposit for good, or your bank has taken it back for you, so your place is "
    "gone and we hold none of your money. To order all the same, please pre-order again with another way to pay.",
)
register_notice(
    "member_removed_for_fraud",
    "您的名额已被取消",
    "平台认定存在欺诈行为，您的名额已被取消并记录在案，意向金将原路退还。如有异议，请联系客服。",
    "You were taken out of the pool",
    "The platform holds a fraud to be proven, so your place is gone; that is on the record. Your deposit goes back the "
    "way it came. If you disagree, please write to our service.",
)
