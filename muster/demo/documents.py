"""The GraphQL documents of the demo's journey: what each of its people asks of the API."""

from typing import Final

REFUSED: Final = "... on Refusal { code message }"

SIGN_IN: Final = f"""mutation SignIn($input: SignInInput!) {{
  signIn(input: $input) {{ ... on Session {{ token }} {REFUSED} }} }}"""

SHOWROOM: Final = """query Showroom($region: String!) {
  brand { name }
  models(first: 10, region: $region) { nodes { code name fromPrice { text } } }
  stores(first: 100, region: $region) { nodes { id code name } }
  pools(first: 50, states: ["open"]) { nodes { id classKey members minimum capacity deadline
    tiers { members discountBasisPoints } } } }"""

CONFIGURE: Final = f"""query Configure($input: ConfigureInput!) {{
  configure(input: $input) {{
    ... on ConfigurationStep {{ isComplete price {{ text }} cheapest {{ options price {{ text }} }}
      standings {{ option state }}
      explanations {{ option because rules {{ text }} repairs {{ giveUp }} }} }}
    {REFUSED} }} }}"""

ISSUE_QUOTE: Final = f"""mutation Quote($input: IssueQuoteInput!) {{
  issueQuote(input: $input) {{
    ... on Quote {{ id poolId total {{ text }} vehiclePrice {{ minor text }} priceNow {{ text }} expiresAt
      lines {{ text amount {{ text }} guaranteed }}
      tiers {{ members discountBasisPoints vehiclePrice {{ text }} total {{ text }} }}
      promise {{ p50 p90 conditional }} document signature keyId store {{ name }} }}
    {REFUSED} }} }}"""

VERIFY_QUOTE: Final = """query Verify($input: QuoteDocumentInput!) { verifyQuote(input: $input) { isGenuine } }"""

AUTHORISE: Final = f"""mutation Authorise($input: AuthoriseInSandboxInput!) {{
  authoriseInSandbox(input: $input) {{ ... on SandboxAuthorisation {{ token }} {REFUSED} }} }}"""

PLACE: Final = f"""mutation Place($input: PlacePreOrderInput!) {{
  placePreOrder(input: $input) {{
    ... on PreOrder {{ id state deposit {{ text }} priceCap {{ text }}
      pool {{ id members minimum needed deadline freezeAt }} }}
    {REFUSED} }} }}"""

MY_ORDER: Final = """query MyOrder($id: ID!) {
  preOrder(id: $id) { state lockedPrice { text } timeline { at state }
    order { id code state buildWeek promisedBy vin
      stages { stage at } shipments { state }
      handovers { id state appointmentAt balance { due { minor text } earnest { text } thirdParty { text } } } } } }"""

POOL: Final = "query Pool($id: ID!) { pool(id: $id) { state members discountBasisPoints freezeAt deadline } }"

ADVANCE: Final = f"""mutation Advance($input: AdvanceDemoTimeInput!) {{
  advanceDemoTime(input: $input) {{ ... on DemoTime {{ now }} {REFUSED} }} }}"""

LEDGER: Final = """query Ledger($accounts: [String!]!) {
  ledgerBalances(accounts: $accounts) { account booked balance { minor text } } }"""

BATCHES: Final = """query Batches { batches(first: 5) { nodes { state size scheduled passed firstWeek lastWeek } } }"""

MACHINES: Final = "query Machines { machines { id label role revokedAt } }"

ROTATE_KEY: Final = f"""mutation Rotate($input: RotateMachineKeyInput!) {{
  rotateMachineKey(input: $input) {{ ... on MachineKey {{ key }} {REFUSED} }} }}"""

BUILD_ORDERS: Final = """query BuildOrders($after: Cursor) {
  plantBuildOrders(first: 100, after: $after) { nodes { id plantId day stage movedAt }
    pageInfo { hasNextPage endCursor } } }"""

REPORT_BUILD: Final = f"""mutation Report($input: ReportBuildInput!) {{
  reportBuild(input: $input) {{ ... on BuildReported {{ vin repeated }} {REFUSED}
    ... on PlantEventFromFuture {{ notAfter }} }} }}"""

CARRIER_SHIPMENTS: Final = """query Shipments($after: Cursor) {
  carrierShipments(first: 100, after: $after) { nodes { id vin state } pageInfo { hasNextPage endCursor } } }"""

REPORT_SHIPMENT: Final = f"""mutation Ship($input: ReportShipmentInput!) {{
  reportShipment(input: $input) {{ ... on Shipment {{ state }} {REFUSED} }} }}"""

DELIVERIES: Final = """query Deliveries($after: Cursor) {
  storeDeliveries(first: 100, after: $after) { nodes { code vin state shipmentId handoverId }
    pageInfo { hasNextPage endCursor } } }"""

INSPECT_ARRIVAL: Final = f"""mutation Receive($input: InspectArrivalInput!) {{
  inspectArrival(input: $input) {{ ... on Shipment {{ state }} {REFUSED} }} }}"""

BOOK: Final = f"""mutation Book($input: BookHandoverInput!) {{
  bookHandover(input: $input) {{ ... on Handover {{ id appointmentAt }} {REFUSED}
    ... on AppointmentUnavailable {{ nextFree }} }} }}"""

INSPECT_HANDOVER: Final = f"""mutation Inspect($input: InspectHandoverInput!) {{
  inspectHandover(input: $input) {{ __typename {REFUSED} }} }}"""

ACCEPT_DISCLOSURES: Final = f"""mutation Accept($input: OrderInput!) {{
  acceptDisclosures(input: $input) {{ __typename {REFUSED} }} }}"""

REQUEST_BALANCE: Final = f"""mutation Balance($input: HandoverInput!) {{
  requestBalance(input: $input) {{ ... on Payment {{ amount {{ minor text }} }} {REFUSED} }} }}"""

PAY_BALANCE: Final = f"""mutation Pay($input: PayBalanceInput!) {{
  payBalance(input: $input) {{ ... on Handover {{ state }} {REFUSED} }} }}"""

SIGN: Final = f"""mutation Sign($input: HandoverInput!) {{
  signHandover(input: $input) {{ ... on Handover {{ state }} {REFUSED} }} }}"""

PASSPORT: Final = f"""query Passport($vin: String!) {{
  passport(vin: $vin) {{ ... on Passport {{ newness verified entries {{ kind at }} }} {REFUSED} }} }}"""

NOTICES: Final = "query Notices { myNotices(first: 20) { nodes { subject at } } }"
