"""What demand refuses; what a quote may be refused for comes from the configurator, what money may, from payments.

Refusal
  PersonNotVerified     only a verified person orders and votes
  TermsUnsound          no pool may have these terms
  TierBelowCost         a tier would sell the thinnest-margin car of the class below cost
  PoolAlreadyOpen       the class has an open pool
  NoOpenPool            no pool of that class takes members
  PoolClosed            the pool takes nobody and lets nobody change any more
  PoolFull              every place is taken
  PoolFrozen            nobody leaves or weakens an offer in a frozen pool
  FreezeNotAccepted     the pool is frozen, and joining it takes one more consent
  FinanceNotApproved    a frozen pool takes cash, or finance that is approved
  DepositAboveCeiling   the deposit would be more than a fifth of the price
  DepositBound          a deposit that a place stands on is not moved by hand
  WrongClass            the car does not belong to the pool's class
  NothingToGoBy         no pool was open for a whole day yet, so none can be simulated
  TooFewWeeks           too few released weeks for a forecast
  AlreadyInPool         the person holds a place in this pool
  CapTooLow             the cap lies below every tier
  CapNotRaised          a cap only rises
  PreOrderClosed        the pre-order is in a state that does not allow this
  PreOrderOpen          an account with a pre-order under way is not erased
  VotesSpent            the quarter's votes are spent
  AlreadyVoted          the person has voted for this proposal
  NotVoted              there is no vote to take back
  ProposalClosed        the proposal takes no votes any more
  NotComparable         a proposal cannot be compared now
  ComparisonOver        the comparison takes no answers any more
  NotJoined             nothing was dealt to the person in this comparison
  AlreadyJoined         the person takes part, and stands elsewhere in the market
  OutsideDesign         the answer is to a set, or names proposals, that were not dealt to the person
  AlreadyAnswered       the person has answered this set otherwise
  NotCompared           a proposal without a released take rate has no threshold to publish
  NeverPays             a price below the unit cost pays no tooling
  AlreadyBacked         the person backs this proposal
  BackingClosed         the backing is in a state that does not allow this
  BackingOpen           an account whose backing holds money is not erased
  CeilingAbovePrice     a commitment is dearer than the price that was published
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kernel.errors import Refusal
from kernel.money import BasisPoints, Money


@dataclass(unsafe_hash=True)
class PersonNotVerified(Refusal):
    """The account has no verified person behind it."""

    code = "PERSON_NOT_VERIFIED"
    en = "Verify who you are first; one person has one place in a pool and one vote."
    zh = "请先完成实名认证；每人在每个拼单池仅一个名额、每个提案仅一票。"


@dataclass(unsafe_hash=True)
class TermsUnsound(Refusal):
    """No pool may have these terms."""

    code = "TERMS_UNSOUND"
    en = "A pool cannot have these terms: {reason}."
    zh = "拼单池条款不成立：{reason}。"
    reason: str


@dataclass(unsafe_hash=True)
class TierBelowCost(Refusal):
    """The thinnest-margin legal car of the class would be sold below cost at this tier."""

    code = "TIER_BELOW_COST"
    en = "At {discount_bp} off, {model} would lose {loss}. Give less off, or change its prices."
    zh = "优惠{discount_bp}时，{model}将亏损{loss}。请降低优惠或调整价格。"
    discount_bp: BasisPoints
    model: str
    loss: Money


@dataclass(unsafe_hash=True)
class PoolAlreadyOpen(Refusal):
    """One pool of a class is open at a time."""

    code = "POOL_ALREADY_OPEN"
    en = "The class {class_key} has an open pool. Schedule the next one for after its deadline."
    zh = "{class_key}已有开放中的拼单池，请将下一个安排在其截止之后。"
    class_key: str


@dataclass(unsafe_hash=True)
class FreezeNotAccepted(Refusal):
    """Whoever joins a frozen pool must have agreed that nobody leaves it."""

    code = "FREEZE_NOT_ACCEPTED"
    en = (
        "This pool is frozen: whoever joins stays until it clears on {deadline}. Agree to that (acceptsFrozen) to join."
    )
    zh = "该拼单池已冻结，加入后至{deadline}结算前不能退出。如同意，请确认接受冻结后再加入。"
    deadline: datetime


@dataclass(unsafe_hash=True)
class FinanceNotApproved(Refusal):
    """A frozen pool takes who pays cash, or has approved finance, and a plate quota where the city asks for one."""

    code = "FINANCE_NOT_APPROVED"
    en = "This frozen pool takes who pays cash, or has finance and plate quota. Pay cash, or confirm the plate first."
    zh = "该拼单池已冻结，仅接受全款，或已获批分期并确认车牌指标的用户。请选择全款，或先确认车牌指标。"


@dataclass(unsafe_hash=True)
class DepositAboveCeiling(Refusal):
    """Earnest money is at most a fifth of the price (law)."""

    code = "DEPOSIT_ABOVE_CEILING"
    en = "The deposit of {deposit} would be more than a fifth of this car's price, which the law does not allow."
    zh = "意向金{deposit}将超过该车价格的五分之一，法律不允许，请选择其他选配。"
    deposit: Money


@dataclass(unsafe_hash=True)
class DepositBound(Refusal):
    """A deposit that a place, or a wait for one, stands on cannot be moved by hand."""

    code = "DEPOSIT_BOUND"
    en = "This deposit belongs to a pre-order that is {state}. End the pre-order first; then the money can be moved."
    zh = "该意向金属于状态为{state}的预订单，请先终止预订单，再调整资金。"
    state: str


@dataclass(unsafe_hash=True)
class NoOpenPool(Refusal):
    """No pool of the car's class takes members now."""

    code = "NO_OPEN_POOL"
    en = "No pool takes your car now. Look at the pools that a small change of it would reach."
    zh = "您的车目前没有可加入的拼单池，可查看稍作改动即可加入的拼单池。"
    class_key: str


@dataclass(unsafe_hash=True)
class PoolClosed(Refusal):
    """The pool takes nobody and lets nobody change any more; `state` says why."""

    code = "POOL_CLOSED"
    en = "This pool is closed ({state}). Choose another pool."
    zh = "该拼单池已关闭（{state}），请选择其他拼单池。"
    state: str


@dataclass(unsafe_hash=True)
class PoolFull(Refusal):
    """Every place that this offer could take is taken; `advice` says what helps, which a higher cap not always does.

    `other_pool_id` is a pool of the car's class, or of every trim of it, that would take the offer; null without one.
    """

    code = "POOL_FULL"
    en = "All places for such an offer are taken ({places} in all). To be in, {advice}."
    zh = "该类报价的{places}个名额已满，{advice}。"
    places: int
    advice: str
    other_pool_id: str | None = None


@dataclass(unsafe_hash=True)
class PoolFrozen(Refusal):
    """Nobody leaves or weakens an offer between the freeze and the deadline."""

    code = "POOL_FROZEN"
    en = "The pool is frozen until it clears at {deadline}: nobody can leave or lower an offer."
    zh = "拼单池已冻结，将于{deadline}成交，期间不可退出或降低出价。"
    deadline: datetime


@dataclass(unsafe_hash=True)
class NothingToGoBy(Refusal):
    """No pool was open for a whole day yet, so there is no demand to simulate from."""

    code = "NOTHING_TO_GO_BY"
    en = "No pool of this brand was open for a whole day yet, so nothing says how many would join: use judgement."
    zh = "该品牌尚无开放满一天的拼单池，无从推算参与人数，请凭经验开放。"


@dataclass(unsafe_hash=True)
class TooFewWeeks(Refusal):
    """A series has too few released weeks to say how it moves."""

    code = "TOO_FEW_WEEKS"
    en = (
        "A forecast needs {weeks_needed:released week|released weeks}; so far it has {weeks_released}. Come back later."
    )
    zh = "预测至少需要{weeks_needed}周已发布数据，目前仅有{weeks_released}周，请稍后再来。"
    weeks_released: int
    weeks_needed: int


@dataclass(unsafe_hash=True)
class WrongClass(Refusal):
    """The quoted car does not belong to the pool's class."""

    code = "WRONG_CLASS"
    en = (
        "Your car and this pool differ in the plant, the powertrain, the trim, or an option with a long lead time. "
        "Join your car's pool, or change the configuration."
    )
    zh = "您的车与该拼单池的工厂、动力、版本或长周期选装不同，请加入对应拼单池或调整选配。"
    own: str
    pool: str


@dataclass(unsafe_hash=True)
class AlreadyInPool(Refusal):
    """The person holds a place in the pool `pool_id` with the pre-order `pre_order_id`, of this or another account."""

    code = "ALREADY_IN_POOL"
    en = "You hold a place in this pool already: one person, one place. Raise its cap, or withdraw it first."
    zh = "您在该拼单池已有名额，每人限一个。可提高上限，或先退出。"
    pool_id: str
    pre_order_id: str


@dataclass(unsafe_hash=True)
class CapTooLow(Refusal):
    """The cap lies below the price at the last tier, so the offer could never clear."""

    code = "CAP_TOO_LOW"
    en = "{cap} is below every tier. Offer at least {lowest}."
    zh = "{cap}低于所有档位价格，请至少出价{lowest}。"
    cap: Money
    lowest: Money

    @staticmethod
    def of(cap_minor: int, lowest_minor: int) -> CapTooLow:
        """Make it from minor units."""
        return CapTooLow(Money(cap_minor), Money(lowest_minor))


@dataclass(unsafe_hash=True)
class CapNotRaised(Refusal):
    """A cap only rises."""

    code = "CAP_NOT_RAISED"
    en = "Your cap is {cap}; {wanted} is not above it. A cap can only rise."
    zh = "您的价格上限为{cap}，{wanted}未高于该值；价格上限只能提高。"
    wanted: Money
    cap: Money

    @staticmethod
    def of(wanted_minor: int, cap_minor: int) -> CapNotRaised:
        """Make it from minor units."""
        return CapNotRaised(Money(wanted_minor), Money(cap_minor))


@dataclass(unsafe_hash=True)
class PreOrderClosed(Refusal):
    """The pre-order's state does not allow this."""

    code = "PRE_ORDER_CLOSED"
    en = "This pre-order is {state}; that is not possible any more."
    zh = "该预订单状态为{state}，无法再进行此操作。"
    state: str


@dataclass(unsafe_hash=True)
class PreOrderOpen(Refusal):
    """A pre-order is under way, so the account cannot be erased."""

    code = "PRE_ORDER_OPEN"
    en = "You have a pre-order under way ({state}). Withdraw it or wait until it has ended."
    zh = "您有进行中的预订单（{state}），请先退出或等待其结束。"
    state: str


@dataclass(unsafe_hash=True)
class VotesSpent(Refusal):
    """The quarter's votes are spent."""

    code = "VOTES_SPENT"
    en = (
        "Your {votes:vote of this quarter is|votes of this quarter are} given. Take one back, or wait until "
        "{renewed_at}."
    )
    zh = "您本季度的{votes}票已用完，可撤回一票，或等到{renewed_at}。"
    votes: int
    renewed_at: datetime


@dataclass(unsafe_hash=True)
class AlreadyVoted(Refusal):
    """One verified person, one vote per proposal."""

    code = "ALREADY_VOTED"
    en = "You have voted for this proposal: one person, one vote."
    zh = "您已为该提案投票，每人一票。"


@dataclass(unsafe_hash=True)
class NotVoted(Refusal):
    """There is no vote to take back."""

    code = "NOT_VOTED"
    en = "You have no vote on this proposal to take back."
    zh = "您在该提案上没有可撤回的投票。"


@dataclass(unsafe_hash=True)
class ProposalClosed(Refusal):
    """The proposal is in a state that takes no votes or no such decision."""

    code = "PROPOSAL_CLOSED"
    en = "This proposal is {state}; that is not possible any more."
    zh = "该提案状态为{state}，无法再进行此操作。"
    state: str


@dataclass(unsafe_hash=True)
class NotComparable(Refusal):
    """A proposal is in a state, or in another comparison, that keeps it from being compared."""

    code = "NOT_COMPARABLE"
    en = "“{title}” cannot be compared now ({why}). Choose another proposal."
    zh = "“{title}”目前不能参与对比（{why}），请选择其他提案。"
    title: str
    why: str


@dataclass(unsafe_hash=True)
class ComparisonOver(Refusal):
    """The comparison takes no answers any more."""

    code = "COMPARISON_OVER"
    en = "This comparison is {state} and takes no answers any more. Its outcome is public once it is released."
    zh = "该对比问卷不再接受作答（{state}）；结果发布后将公开。"
    state: str


@dataclass(unsafe_hash=True)
class NotJoined(Refusal):
    """Nothing was dealt to the person in this comparison."""

    code = "NOT_JOINED"
    en = "You do not take part in this comparison yet. Join it first; then your sets are dealt to you."
    zh = "您尚未参加该对比问卷，请先参加，系统将为您分配题组。"


@dataclass(unsafe_hash=True)
class AlreadyJoined(Refusal):
    """The person takes part already and said then where they stand; that is not changed afterwards."""

    code = "ALREADY_JOINED"
    en = "You take part already, from {region} and looking at {model}. What you said when you joined stays."
    zh = "您已参加该问卷（地区：{region}，车型：{model}），参加时填写的信息不可更改。"
    region: str
    model: str


@dataclass(unsafe_hash=True)
class OutsideDesign(Refusal):
    """The answer is not one to a set that was dealt to the person."""

    code = "OUTSIDE_DESIGN"
    en = "This does not answer a set that was dealt to you: {reason}."
    zh = "该答案不属于分配给您的题组：{reason}。"
    reason: str


@dataclass(unsafe_hash=True)
class AlreadyAnswered(Refusal):
    """The person has answered this otherwise; answers are not changed."""

    code = "ALREADY_ANSWERED"
    en = "You have answered this already; an answer is not changed. Go on with the next one."
    zh = "您已回答此题，答案不可更改，请继续下一题。"


@dataclass(unsafe_hash=True)
class NotCompared(Refusal):
    """The proposal has no take rate that was released, so no bound could ever reach a threshold."""

    code = "NOT_COMPARED"
    en = "This proposal has no released take rate in that comparison. Compare it first, with enough persons."
    zh = "该提案在此对比问卷中没有已发布的选装率，请先组织足够人数的对比。"


@dataclass(unsafe_hash=True)
class NeverPays(Refusal):
    """The tooling never pays at this price."""

    code = "NEVER_PAYS"
    en = "At {price} and a unit cost of {unit_cost} the tooling never pays. Lower the cost, or compare a higher price."
    zh = "按售价{price}和单位成本{unit_cost}，模具投入永远无法收回，请降低成本或以更高价格重新对比。"
    price: Money
    unit_cost: Money


@dataclass(unsafe_hash=True)
class AlreadyBacked(Refusal):
    """One verified person, one backing of a proposal, under this or another account."""

    code = "ALREADY_BACKED"
    en = "You back this proposal already: one person, one backing. Withdraw it first to name another cap."
    zh = "您已支持该提案，每人限一份；如需更改价格上限，请先撤回。"


@dataclass(unsafe_hash=True)
class BackingClosed(Refusal):
    """The backing's state does not allow this."""

    code = "BACKING_CLOSED"
    en = "This backing is {state}; that is not possible any more."
    zh = "该支持状态为{state}，无法再进行此操作。"
    state: str


@dataclass(unsafe_hash=True)
class BackingOpen(Refusal):
    """A backing is under way, so the account cannot be erased."""

    code = "BACKING_OPEN"
    en = "You back a proposal with money ({state}). Withdraw it first; the money goes back."
    zh = "您有进行中的提案支持（{state}），请先撤回，款项将退还。"
    state: str


@dataclass(unsafe_hash=True)
class CeilingAbovePrice(Refusal):
    """A ceiling above the price that people were asked and backed at would not keep what was published."""

    code = "CEILING_ABOVE_PRICE"
    en = "{ceiling} is above the published price of {price}. Promise at most that."
    zh = "{ceiling}高于已公布的价格{price}，承诺价格不得超过该价格。"
    ceiling: Money
    price: Money
