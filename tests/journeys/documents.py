"""GraphQL documents of the journeys that the demo's own journey does not ask; those it asks are taken from there."""

from typing import Final

REFUSED: Final = "... on Refusal { __typename code message }"
PRE_ORDER: Final = """... on PreOrder { id state placedAt fundedAt payableUntil refundBy rolls priceCap { minor }
  lockedPrice { minor } pool { id members } payments { id state amount { minor } } }"""


def mutation(name: str, kind: str, shown: str) -> str:
    """Return a mutation of one input object, showing a part of its result or its refusal."""
    return f"mutation Do($input: {kind}!) {{ {name}(input: $input) {{ __typename {shown} {REFUSED} }} }}"


# --- people ----------------------------------------------------------------------------------------------------------

SIGN_UP: Final = mutation("signUp", "SignUpInput", "... on MailSent { to }")
CONFIRM: Final = mutation("confirmEmail", "ConfirmEmailInput", "... on Session { token }")
VERIFY: Final = mutation("verifyPerson", "VerifyPersonInput", "... on PersonVerified { session { token } }")
VIEWER: Final = "{ viewer { isSignedIn isVerifiedPerson roles storeId locale } }"
NOTICES: Final = "{ myNotices(first: 50) { nodes { kind subject body } } }"
INVITE: Final = mutation("inviteStaff", "InviteStaffInput", "... on Invitation { id acceptedAt }")
ACCEPT: Final = mutation("acceptInvitation", "AcceptInvitationInput", "... on Session { token }")
STAFF: Final = "{ staff(first: 50) { nodes { accountId email grants { role storeId } } } }"
ADD_MACHINE: Final = mutation("addMachine", "AddMachineInput", "... on MachineKey { key }")

# --- cars, quotes, pools ---------------------------------------------------------------------------------------------

CHEAPEST: Final = """query Cheapest($input: ConfigureInput!) { configure(input: $input) { __typename
  ... on ConfigurationStep { cheapest { options price { minor } } standings { option state } } """ + (REFUSED + " } }")
QUOTE: Final = mutation(
    "issueQuote",
    "IssueQuoteInput",
    """... on Quote { id poolId total { minor } vehiclePrice { minor } guaranteedTotal { minor } expiresAt
    lines { kind code amount { minor } guaranteed } tiers { members vehiclePrice { minor } total { minor } }
    poolingClass { key wideKey } promise { p50 p90 } document signature keyId }""",
)
PLACE: Final = mutation("placePreOrder", "PlacePreOrderInput", PRE_ORDER)
MINE: Final = (
    f"query Mine($id: ID!) {{ preOrder(id: $id) {{ ...Shown }} }} fragment Shown on PreOrder {{ {PRE_ORDER} }}"
)
MY_PRE_ORDERS: Final = "{ myPreOrders(first: 50) { nodes { id state } } }"
WITHDRAW: Final = mutation("withdrawPreOrder", "PreOrderInput", PRE_ORDER)
RAISE_CAP: Final = mutation("raisePriceCap", "RaiseCapInput", PRE_ORDER)
OPEN_POOL: Final = mutation("openPool", "OpenPoolInput", "... on Pool { id state members freezeAt deadline }")
CANCEL_POOL: Final = mutation("cancelPool", "PoolActionInput", "... on Pool { id state }")
POOL: Final = """query Pool($id: ID!) { pool(id: $id) {
  state members needed placesLeft discountBasisPoints freezeAt deadline } }"""
AUTHORISE: Final = mutation("authoriseInSandbox", "AuthoriseInSandboxInput", "... on SandboxAuthorisation { token }")

# --- the order -------------------------------------------------------------------------------------------------------

ORDER: Final = """query Order($id: ID!) { preOrder(id: $id) { state lockedPrice { minor }
  timeline { concerns state }
  order { id code state buildWeek promisedBy vin price { minor }
    handovers { id state balance { vehicle { minor } guaranteedOther { minor } thirdParty { minor } earnest { minor }
      lateCredit { minor } due { minor } } } } } }"""
DELIVERIES: Final = """{ storeDeliveries(first: 50) { nodes { id code vin state shipmentId handoverId } } }"""
PASSPORT: Final = """query Passport($vin: String!) { passport(vin: $vin) { __typename
  ... on Passport { newness verified entries { kind newness } } """ + (REFUSED + " } }")
PLAN: Final = """{ batches(first: 5) { nodes { id state size } } pools(first: 5) { nodes { id members } } }"""

# --- money by hand, proposals ----------------------------------------------------------------------------------------

PROPOSE_MOVEMENT: Final = mutation("proposeMovement", "ProposeMovementInput", "... on Movement { id state }")
APPROVE_MOVEMENT: Final = mutation("approveMovement", "MovementInput", "... on Movement { id state }")
SHOWN_PROPOSAL: Final = "... on Proposal { id state votes voted }"
SUBMIT: Final = mutation("submitProposal", "SubmitProposalInput", SHOWN_PROPOSAL)
PUBLISH: Final = mutation("publishProposal", "ProposalInput", SHOWN_PROPOSAL)
VOTE: Final = mutation("castVote", "VoteInput", SHOWN_PROPOSAL)
REVOKE: Final = mutation("revokeVote", "VoteInput", SHOWN_PROPOSAL)
MY_VOTES: Final = "{ myVotes { votes left } }"
SHOWN_SHEET: Final = (
    "... on ComparisonSheet { sets { number proposalIds best worst } priceProposalId price { minor } wouldTake"
    " completedAt }"
)
OPEN_COMPARISON: Final = mutation("openComparison", "OpenComparisonInput", "... on Comparison { id state regions }")
CLOSE_COMPARISON: Final = mutation("closeComparison", "ComparisonInput", "... on Comparison { id state }")
JOIN_COMPARISON: Final = mutation("joinComparison", "JoinComparisonInput", SHOWN_SHEET)
ANSWER_SET: Final = mutation("answerSet", "AnswerSetInput", SHOWN_SHEET)
ANSWER_PRICE: Final = mutation("answerPrice", "AnswerPriceInput", SHOWN_SHEET)
COMPARISON: Final = (
    "query($id: ID!) { comparison(id: $id) { state persons effectiveSampleSize"
    " items { proposal { title state } share { value low high } } } }"
)
SHOWN_BACKED: Final = """... on Proposal { id state code backing { threshold price { minor } deposit { minor }
  lowerBound backers triggeredAt answerDueAt answerOverdue }
  commitment { availableBy priceCeiling { minor } outcome why } }"""
SHOWN_BACKING: Final = "... on Backing { id state priceCap { minor } deposit { minor } payments { state } }"
OPEN_BACKING: Final = mutation("openBacking", "OpenBackingInput", SHOWN_BACKED)
COMMIT: Final = mutation("commitToProposal", "CommitInput", SHOWN_BACKED)
DECLINE: Final = mutation("declineProposal", "DeclineProposalInput", SHOWN_BACKED)
BACK: Final = mutation("backProposal", "BackProposalInput", SHOWN_BACKING)
WITHDRAW_BACKING: Final = mutation("withdrawBacking", "BackingInput", SHOWN_BACKING)
MY_BACKINGS: Final = "{ myBackings(first: 10) { nodes { id state proposal { title state } payments { state } } } }"
BACKED: Final = "query($id: ID!) { proposal(id: $id) { " + SHOWN_BACKED.removeprefix("... on Proposal {") + " }"
