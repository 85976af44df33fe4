CREATE TABLE allocation_requests (
	brand_id VARCHAR(32) NOT NULL, 
	asked_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_allocation_requests PRIMARY KEY (brand_id)
)
-- next
CREATE TABLE allocation_rounds (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	made_at VARCHAR(27) NOT NULL, 
	policy_version INTEGER NOT NULL, 
	cars INTEGER NOT NULL, 
	moved INTEGER NOT NULL, 
	waiting INTEGER NOT NULL, 
	cost_minor BIGINT NOT NULL, 
	bound_minor BIGINT NOT NULL, 
	CONSTRAINT pk_allocation_rounds PRIMARY KEY (id), 
	CONSTRAINT ck_allocation_rounds_counted CHECK (cars >= 0 AND moved >= 0 AND waiting >= 0 AND moved + waiting <= cars), 
	CONSTRAINT ck_allocation_rounds_proven_optimal CHECK (cost_minor = bound_minor)
)
-- next
CREATE TABLE brands (
	id VARCHAR(32) NOT NULL, 
	code VARCHAR(40) NOT NULL, 
	name TEXT NOT NULL, 
	wmi VARCHAR(3) NOT NULL, 
	timezone VARCHAR(40) NOT NULL, 
	calendar VARCHAR(10) NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_brands PRIMARY KEY (id), 
	CONSTRAINT uq_brands_code UNIQUE (code)
)
-- next
CREATE TABLE demo_clock (
	id INTEGER NOT NULL, 
	offset_seconds BIGINT NOT NULL, 
	CONSTRAINT pk_demo_clock PRIMARY KEY (id), 
	CONSTRAINT ck_demo_clock_one_row CHECK (id = 1), 
	CONSTRAINT ck_demo_clock_forward_only CHECK (offset_seconds >= 0)
)
-- next
CREATE TABLE demo_unfinished (
	id INTEGER NOT NULL, 
	began_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_demo_unfinished PRIMARY KEY (id), 
	CONSTRAINT ck_demo_unfinished_one_row CHECK (id = 1)
)
-- next
CREATE TABLE early_rounds (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	made_at VARCHAR(27) NOT NULL, 
	cars INTEGER NOT NULL, 
	orders INTEGER NOT NULL, 
	offered INTEGER NOT NULL, 
	saved_minor BIGINT NOT NULL, 
	saved_at_most_minor BIGINT NOT NULL, 
	CONSTRAINT pk_early_rounds PRIMARY KEY (id), 
	CONSTRAINT ck_early_rounds_counted CHECK (offered >= 0 AND offered <= cars AND offered <= orders), 
	CONSTRAINT ck_early_rounds_proven_optimal CHECK (saved_minor = saved_at_most_minor)
)
-- next
CREATE TABLE forecast_runs (
	brand_id VARCHAR(32) NOT NULL, 
	release INTEGER NOT NULL, 
	series INTEGER NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_forecast_runs PRIMARY KEY (brand_id, release)
)
-- next
CREATE TABLE forecast_scores (
	brand_id VARCHAR(32) NOT NULL, 
	release INTEGER NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	option VARCHAR(80) NOT NULL, 
	scored INTEGER NOT NULL, 
	loss FLOAT NOT NULL, 
	coverage FLOAT NOT NULL, 
	skill_on_last FLOAT NOT NULL, 
	skill_on_average FLOAT NOT NULL, 
	CONSTRAINT pk_forecast_scores PRIMARY KEY (brand_id, release, model, option), 
	CONSTRAINT ck_forecast_scores_score_sound CHECK (scored > 0 AND coverage BETWEEN 0 AND 1)
)
-- next
CREATE TABLE forecast_weeks (
	brand_id VARCHAR(32) NOT NULL, 
	release INTEGER NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	option VARCHAR(80) NOT NULL, 
	week DATE NOT NULL, 
	p10 FLOAT NOT NULL, 
	p50 FLOAT NOT NULL, 
	p90 FLOAT NOT NULL, 
	CONSTRAINT pk_forecast_weeks PRIMARY KEY (brand_id, release, model, option, week), 
	CONSTRAINT ck_forecast_weeks_quantiles_in_order CHECK (0 <= p10 AND p10 <= p50 AND p50 <= p90)
)
-- next
CREATE TABLE idempotency_keys (
	account_id VARCHAR(32) NOT NULL, 
	"key" VARCHAR(80) NOT NULL, 
	token VARCHAR(32) NOT NULL, 
	request_hash VARCHAR(64) NOT NULL, 
	outcome TEXT, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_idempotency_keys PRIMARY KEY (account_id, "key"), 
	CONSTRAINT uq_idempotency_keys_token UNIQUE (token)
)
-- next
CREATE TABLE ledger_transfers (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	debit_account VARCHAR(80) NOT NULL, 
	credit_account VARCHAR(80) NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	reference VARCHAR(80) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_ledger_transfers PRIMARY KEY (id), 
	CONSTRAINT ck_ledger_transfers_amount_positive CHECK (amount_minor > 0), 
	CONSTRAINT ck_ledger_transfers_two_accounts CHECK (debit_account <> credit_account)
)
-- next
CREATE TABLE money_by_hand (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	debit_account VARCHAR(80) NOT NULL, 
	credit_account VARCHAR(80) NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	reason VARCHAR(400) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	proposed_by VARCHAR(32) NOT NULL, 
	proposed_at VARCHAR(27) NOT NULL, 
	decided_by VARCHAR(32), 
	decided_at VARCHAR(27), 
	CONSTRAINT pk_money_by_hand PRIMARY KEY (id), 
	CONSTRAINT ck_money_by_hand_amount_positive CHECK (amount_minor > 0), 
	CONSTRAINT ck_money_by_hand_two_accounts CHECK (debit_account <> credit_account), 
	CONSTRAINT ck_money_by_hand_state_known CHECK (state IN ('proposed', 'approved', 'declined')), 
	CONSTRAINT ck_money_by_hand_two_operators CHECK (decided_by <> proposed_by OR state <> 'approved'), 
	CONSTRAINT ck_money_by_hand_decided_by_somebody CHECK ((state = 'proposed') = (decided_by IS NULL))
)
-- next
CREATE TABLE notice_preferences (
	brand_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(80) NOT NULL, 
	channel VARCHAR(10) NOT NULL, 
	wanted BOOLEAN NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_notice_preferences PRIMARY KEY (brand_id, account_id, kind, channel)
)
-- next
CREATE TABLE notices (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	event_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(80) NOT NULL, 
	facts TEXT NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	due_at VARCHAR(27), 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	last_error VARCHAR(80), 
	sent_at VARCHAR(27), 
	read_at VARCHAR(27), 
	in_inbox BOOLEAN NOT NULL, 
	CONSTRAINT pk_notices PRIMARY KEY (id), 
	CONSTRAINT uq_notices_event_id_account_id_kind UNIQUE (event_id, account_id, kind)
)
-- next
CREATE TABLE outbox (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(80) NOT NULL, 
	payload TEXT NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	due_at VARCHAR(27), 
	last_error VARCHAR(200), 
	CONSTRAINT pk_outbox PRIMARY KEY (id)
)
-- next
CREATE TABLE payments (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	purpose VARCHAR(40) NOT NULL, 
	subject_id VARCHAR(32) NOT NULL, 
	provider VARCHAR(40) NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	state VARCHAR(12) NOT NULL, 
	provider_reference VARCHAR(120), 
	instrument VARCHAR(64), 
	created_at VARCHAR(27) NOT NULL, 
	expires_at VARCHAR(27) NOT NULL, 
	received_at VARCHAR(27), 
	captured_at VARCHAR(27), 
	capture_due_at VARCHAR(27), 
	capture_attempts INTEGER DEFAULT '0' NOT NULL, 
	declined_at VARCHAR(27), 
	declined_why VARCHAR(80), 
	charged_back_at VARCHAR(27), 
	CONSTRAINT pk_payments PRIMARY KEY (id), 
	CONSTRAINT ck_payments_amount_positive CHECK (amount_minor > 0), 
	CONSTRAINT ck_payments_state_known CHECK (state IN ('pending', 'received', 'failed', 'refunding', 'refunded', 'declined', 'charged_back')), 
	CONSTRAINT ck_payments_money_has_reference CHECK ((state IN ('received', 'refunding', 'refunded', 'declined', 'charged_back')) = (provider_reference IS NOT NULL)), 
	CONSTRAINT ck_payments_declined_has_moment CHECK ((state = 'declined') = (declined_at IS NOT NULL)), 
	CONSTRAINT ck_payments_declined_never_came CHECK (declined_at IS NULL OR captured_at IS NULL), 
	CONSTRAINT ck_payments_charged_back_has_moment CHECK ((state = 'charged_back') = (charged_back_at IS NOT NULL)), 
	CONSTRAINT ck_payments_charged_back_had_come CHECK (charged_back_at IS NULL OR captured_at IS NOT NULL), 
	CONSTRAINT ck_payments_money_has_moment CHECK ((provider_reference IS NULL) = (received_at IS NULL)), 
	CONSTRAINT ck_payments_money_has_provider CHECK (provider_reference IS NULL OR provider <> '')
)
-- next
CREATE TABLE policy_versions (
	brand_id VARCHAR(32) NOT NULL, 
	version INTEGER NOT NULL, 
	settings TEXT NOT NULL, 
	reason VARCHAR(400) NOT NULL, 
	made_by VARCHAR(32), 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_policy_versions PRIMARY KEY (brand_id, version), 
	CONSTRAINT uq_policy_versions_brand_id_at UNIQUE (brand_id, at)
)
-- next
CREATE TABLE reconciliation_runs (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	provider VARCHAR(40) NOT NULL, 
	since VARCHAR(27) NOT NULL, 
	until VARCHAR(27) NOT NULL, 
	matched INTEGER NOT NULL, 
	in_flight INTEGER NOT NULL, 
	differences INTEGER NOT NULL, 
	report TEXT NOT NULL, 
	made_by VARCHAR(32), 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_reconciliation_runs PRIMARY KEY (id)
)
-- next
CREATE TABLE record_days (
	brand_id VARCHAR(32) NOT NULL, 
	day DATE NOT NULL, 
	chains INTEGER NOT NULL, 
	root VARCHAR(64) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_record_days PRIMARY KEY (brand_id, day)
)
-- next
CREATE TABLE record_entries (
	chain VARCHAR(80) NOT NULL, 
	sequence INTEGER NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(80) NOT NULL, 
	body TEXT NOT NULL, 
	previous_hash VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_record_entries PRIMARY KEY (chain, sequence), 
	CONSTRAINT ck_record_entries_sequence_positive CHECK (sequence > 0)
)
-- next
CREATE TABLE record_heads (
	chain VARCHAR(80) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	sequence INTEGER NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_record_heads PRIMARY KEY (chain)
)
-- next
CREATE TABLE record_salts (
	person_id VARCHAR(32) NOT NULL, 
	scope VARCHAR(80) NOT NULL, 
	salt VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_record_salts PRIMARY KEY (person_id, scope)
)
-- next
CREATE TABLE sandbox_entries (
	"key" VARCHAR(140) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	provider_reference VARCHAR(120) NOT NULL, 
	refund_id VARCHAR(32), 
	amount_minor BIGINT NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_sandbox_entries PRIMARY KEY ("key"), 
	CONSTRAINT ck_sandbox_entries_kind_known CHECK (kind IN ('capture', 'refund', 'chargeback')), 
	CONSTRAINT ck_sandbox_entries_refund_has_id CHECK ((kind = 'refund') = (refund_id IS NOT NULL))
)
-- next
CREATE TABLE swap_rounds (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	made_at VARCHAR(27) NOT NULL, 
	orders INTEGER NOT NULL, 
	swapped INTEGER NOT NULL, 
	saved_minor BIGINT NOT NULL, 
	saved_at_most_minor BIGINT NOT NULL, 
	CONSTRAINT pk_swap_rounds PRIMARY KEY (id), 
	CONSTRAINT ck_swap_rounds_worth_it CHECK (swapped BETWEEN 2 AND orders AND saved_minor > 0), 
	CONSTRAINT ck_swap_rounds_proven_optimal CHECK (saved_minor = saved_at_most_minor)
)
-- next
CREATE TABLE throttles (
	"key" VARCHAR(64) NOT NULL, 
	attempts TEXT NOT NULL, 
	changed_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_throttles PRIMARY KEY ("key")
)
-- next
CREATE TABLE timers (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(80) NOT NULL, 
	"key" VARCHAR(80) NOT NULL, 
	payload TEXT, 
	due_at VARCHAR(27), 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	last_error VARCHAR(200), 
	CONSTRAINT pk_timers PRIMARY KEY (id), 
	CONSTRAINT uq_timers_kind_key UNIQUE (kind, "key")
)
-- next
CREATE TABLE car_owners (
	order_id VARCHAR(32) NOT NULL, 
	vin VARCHAR(17) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	since VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_car_owners PRIMARY KEY (order_id), 
	CONSTRAINT fk_car_owners_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE catalogue_versions (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	label VARCHAR(80) NOT NULL, 
	effective_from DATE NOT NULL, 
	content_hash VARCHAR(64) NOT NULL, 
	document TEXT NOT NULL, 
	published_at VARCHAR(27) NOT NULL, 
	published_by VARCHAR(32), 
	CONSTRAINT pk_catalogue_versions PRIMARY KEY (id), 
	CONSTRAINT uq_catalogue_versions_brand_id_number UNIQUE (brand_id, number), 
	CONSTRAINT ck_catalogue_versions_number_positive CHECK (number > 0), 
	CONSTRAINT fk_catalogue_versions_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE circles (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	subject VARCHAR(80) NOT NULL, 
	title VARCHAR(80) NOT NULL, 
	text VARCHAR(2000) NOT NULL, 
	access VARCHAR(8) NOT NULL, 
	founded_by VARCHAR(32), 
	founded_at VARCHAR(27) NOT NULL, 
	closed_at VARCHAR(27), 
	closed_reason VARCHAR(200), 
	CONSTRAINT pk_circles PRIMARY KEY (id), 
	CONSTRAINT ck_circles_kind_known CHECK (kind IN ('model', 'city', 'interest')), 
	CONSTRAINT ck_circles_access_known CHECK (access IN ('open', 'invited')), 
	CONSTRAINT ck_circles_closed_with_reason CHECK ((closed_at IS NULL) = (closed_reason IS NULL)), 
	CONSTRAINT fk_circles_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE comparisons (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	title VARCHAR(80) NOT NULL, 
	policy_version INTEGER NOT NULL, 
	price_steps_percent TEXT NOT NULL, 
	opened_at VARCHAR(27) NOT NULL, 
	closes_at VARCHAR(27) NOT NULL, 
	dealt INTEGER NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	state_at VARCHAR(27) NOT NULL, 
	persons INTEGER, 
	effective INTEGER, 
	CONSTRAINT pk_comparisons PRIMARY KEY (id), 
	CONSTRAINT ck_comparisons_state_known CHECK (state IN ('open', 'closed', 'released', 'unanswered')), 
	CONSTRAINT ck_comparisons_released_with_outcome CHECK ((state = 'released') = (persons IS NOT NULL AND effective IS NOT NULL)), 
	CONSTRAINT ck_comparisons_open_for_a_time CHECK (closes_at > opened_at), 
	CONSTRAINT fk_comparisons_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE cube_blocks (
	brand_id VARCHAR(32) NOT NULL, 
	cube VARCHAR(16) NOT NULL, 
	week DATE NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	version_id VARCHAR(32) NOT NULL, 
	region VARCHAR(40) NOT NULL, 
	counts TEXT NOT NULL, 
	CONSTRAINT pk_cube_blocks PRIMARY KEY (brand_id, cube, week, model, version_id, region), 
	CONSTRAINT fk_cube_blocks_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE cube_books (
	brand_id VARCHAR(32) NOT NULL, 
	options INTEGER NOT NULL, 
	offerings INTEGER NOT NULL, 
	CONSTRAINT pk_cube_books PRIMARY KEY (brand_id), 
	CONSTRAINT fk_cube_books_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE cube_changes (
	brand_id VARCHAR(32) NOT NULL, 
	cube VARCHAR(16) NOT NULL, 
	week DATE NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	version_id VARCHAR(32) NOT NULL, 
	person VARCHAR(32) NOT NULL, 
	verified BOOLEAN NOT NULL, 
	"before" VARCHAR(80) NOT NULL, 
	"after" VARCHAR(80) NOT NULL, 
	CONSTRAINT pk_cube_changes PRIMARY KEY (brand_id, cube, week, model, version_id, person), 
	CONSTRAINT fk_cube_changes_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE cube_moves (
	serial INTEGER NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	release INTEGER NOT NULL, 
	cube VARCHAR(16) NOT NULL, 
	week DATE NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	version_id VARCHAR(32) NOT NULL, 
	final BOOLEAN NOT NULL, 
	counts TEXT NOT NULL, 
	CONSTRAINT pk_cube_moves PRIMARY KEY (serial), 
	CONSTRAINT uq_cube_moves_brand_id_release_cube_week_model_version_id UNIQUE (brand_id, release, cube, week, model, version_id), 
	CONSTRAINT fk_cube_moves_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE cube_offerings (
	brand_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	version_id VARCHAR(32) NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	region VARCHAR(40) NOT NULL, 
	week DATE NOT NULL, 
	options TEXT NOT NULL, 
	CONSTRAINT pk_cube_offerings PRIMARY KEY (brand_id, number), 
	CONSTRAINT uq_cube_offerings_brand_id_week_model_version_id_region UNIQUE (brand_id, week, model, version_id, region), 
	CONSTRAINT fk_cube_offerings_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE cube_options (
	brand_id VARCHAR(32) NOT NULL, 
	code VARCHAR(80) NOT NULL, 
	bit INTEGER NOT NULL, 
	CONSTRAINT pk_cube_options PRIMARY KEY (brand_id, code), 
	CONSTRAINT uq_cube_options_brand_id_bit UNIQUE (brand_id, bit), 
	CONSTRAINT fk_cube_options_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE cube_releases (
	brand_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	k INTEGER NOT NULL, 
	trade_k INTEGER NOT NULL, 
	rounding INTEGER NOT NULL, 
	released_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_cube_releases PRIMARY KEY (brand_id, number), 
	CONSTRAINT ck_cube_releases_number_counts CHECK (number >= 1), 
	CONSTRAINT ck_cube_releases_k_is_ten_or_more CHECK (k >= 10 AND trade_k >= 20 AND trade_k >= k), 
	CONSTRAINT fk_cube_releases_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE demand_cancellations (
	brand_id VARCHAR(32) NOT NULL, 
	week DATE NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	person VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_demand_cancellations PRIMARY KEY (brand_id, week, model, kind, person), 
	CONSTRAINT fk_demand_cancellations_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE demand_caps (
	brand_id VARCHAR(32) NOT NULL, 
	week DATE NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	person VARCHAR(32) NOT NULL, 
	discount INTEGER NOT NULL, 
	CONSTRAINT pk_demand_caps PRIMARY KEY (brand_id, week, model, person), 
	CONSTRAINT ck_demand_caps_discount_is_percent CHECK (discount BETWEEN 0 AND 100), 
	CONSTRAINT fk_demand_caps_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE demand_journeys (
	brand_id VARCHAR(32) NOT NULL, 
	person VARCHAR(32) NOT NULL, 
	seen_in DATE NOT NULL, 
	steps INTEGER NOT NULL, 
	CONSTRAINT pk_demand_journeys PRIMARY KEY (brand_id, person), 
	CONSTRAINT fk_demand_journeys_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE demand_voices (
	brand_id VARCHAR(32) NOT NULL, 
	week DATE NOT NULL, 
	person VARCHAR(32) NOT NULL, 
	verified BOOLEAN NOT NULL, 
	ordered BOOLEAN NOT NULL, 
	offering INTEGER NOT NULL, 
	choice BLOB NOT NULL, 
	CONSTRAINT pk_demand_voices PRIMARY KEY (brand_id, week, person), 
	CONSTRAINT fk_demand_voices_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
 WITHOUT ROWID
-- next
CREATE TABLE outbox_seen (
	event_id VARCHAR(32) NOT NULL, 
	subscriber VARCHAR(80) NOT NULL, 
	CONSTRAINT pk_outbox_seen PRIMARY KEY (event_id, subscriber), 
	CONSTRAINT fk_outbox_seen_event_id FOREIGN KEY(event_id) REFERENCES outbox (id)
)
-- next
CREATE TABLE payment_callbacks (
	provider VARCHAR(40) NOT NULL, 
	message_id VARCHAR(120) NOT NULL, 
	payment_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(12) NOT NULL, 
	provider_reference VARCHAR(120) NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	outcome VARCHAR(12) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_payment_callbacks PRIMARY KEY (provider, message_id), 
	CONSTRAINT fk_payment_callbacks_payment_id FOREIGN KEY(payment_id) REFERENCES payments (id)
)
-- next
CREATE TABLE persons (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	identity_hash VARCHAR(64), 
	verified_at VARCHAR(27) NOT NULL, 
	erased_at VARCHAR(27), 
	CONSTRAINT pk_persons PRIMARY KEY (id), 
	CONSTRAINT uq_persons_brand_id_identity_hash UNIQUE (brand_id, identity_hash), 
	CONSTRAINT ck_persons_erased_has_no_hash CHECK ((identity_hash IS NULL) = (erased_at IS NOT NULL)), 
	CONSTRAINT fk_persons_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE plants (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	code VARCHAR(40) NOT NULL, 
	name TEXT NOT NULL, 
	city TEXT NOT NULL, 
	latitude FLOAT NOT NULL, 
	longitude FLOAT NOT NULL, 
	weekly_capacity INTEGER NOT NULL, 
	CONSTRAINT pk_plants PRIMARY KEY (id), 
	CONSTRAINT uq_plants_brand_id_code UNIQUE (brand_id, code), 
	CONSTRAINT ck_plants_capacity_positive CHECK (weekly_capacity > 0), 
	CONSTRAINT fk_plants_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE pools (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	level VARCHAR(2) NOT NULL, 
	class_key VARCHAR(300) NOT NULL, 
	plant_code VARCHAR(40) NOT NULL, 
	minimum INTEGER NOT NULL, 
	capacity INTEGER NOT NULL, 
	member_limit INTEGER NOT NULL, 
	tiers TEXT NOT NULL, 
	deposit_minor BIGINT NOT NULL, 
	freeze_hours INTEGER NOT NULL, 
	policy_version INTEGER NOT NULL, 
	opens_at VARCHAR(27) NOT NULL, 
	freeze_at VARCHAR(27) NOT NULL, 
	deadline VARCHAR(27) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	state_at VARCHAR(27) NOT NULL, 
	members INTEGER NOT NULL, 
	reaching_minimum INTEGER NOT NULL, 
	reaching TEXT NOT NULL, 
	joined BIGINT NOT NULL, 
	cleared INTEGER, 
	discount_bp INTEGER, 
	CONSTRAINT pk_pools PRIMARY KEY (id), 
	CONSTRAINT ck_pools_state_known CHECK (state IN ('scheduled', 'open', 'frozen', 'locked', 'failed', 'rolled', 'cancelled')), 
	CONSTRAINT ck_pools_members_within_limit CHECK (members BETWEEN 0 AND member_limit), 
	CONSTRAINT ck_pools_reaching_within_members CHECK (reaching_minimum BETWEEN 0 AND members), 
	CONSTRAINT ck_pools_low_caps_within_capacity CHECK (members - reaching_minimum <= capacity), 
	CONSTRAINT ck_pools_cleared_within_capacity CHECK (cleared BETWEEN minimum AND capacity), 
	CONSTRAINT ck_pools_locked_is_cleared CHECK ((state = 'locked') = (cleared IS NOT NULL) AND (cleared IS NULL) = (discount_bp IS NULL)), 
	CONSTRAINT ck_pools_terms_sound CHECK (minimum >= 1 AND minimum <= capacity AND capacity <= member_limit), 
	CONSTRAINT ck_pools_freeze_before_deadline CHECK (freeze_at <= deadline), 
	CONSTRAINT fk_pools_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE proposals (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	title VARCHAR(200) NOT NULL, 
	text VARCHAR(4000) NOT NULL, 
	locale VARCHAR(8) NOT NULL, 
	submitted_at VARCHAR(27) NOT NULL, 
	state VARCHAR(12) NOT NULL, 
	state_at VARCHAR(27) NOT NULL, 
	reason VARCHAR(400), 
	merged_into VARCHAR(32), 
	CONSTRAINT pk_proposals PRIMARY KEY (id), 
	CONSTRAINT ck_proposals_state_known CHECK (state IN ('draft', 'signal', 'compare', 'backing', 'committed', 'in_catalogue', 'converted', 'merged', 'declined', 'expired')), 
	CONSTRAINT ck_proposals_state_complete CHECK ((state = 'merged') = (merged_into IS NOT NULL) AND (state = 'declined') = (reason IS NOT NULL)), 
	CONSTRAINT ck_proposals_merged_elsewhere CHECK (merged_into IS NULL OR merged_into <> id), 
	CONSTRAINT fk_proposals_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_proposals_merged_into FOREIGN KEY(merged_into) REFERENCES proposals (id)
)
-- next
CREATE TABLE refunds (
	payment_id VARCHAR(32) NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	reason VARCHAR(40) NOT NULL, 
	requested_at VARCHAR(27) NOT NULL, 
	due_at VARCHAR(27), 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	last_error VARCHAR(80), 
	refunded_at VARCHAR(27), 
	voided_at VARCHAR(27), 
	CONSTRAINT pk_refunds PRIMARY KEY (payment_id), 
	CONSTRAINT ck_refunds_amount_positive CHECK (amount_minor > 0), 
	CONSTRAINT ck_refunds_due_until_refunded_or_void CHECK ((due_at IS NULL) = (refunded_at IS NOT NULL OR voided_at IS NOT NULL)), 
	CONSTRAINT ck_refunds_refunded_or_void CHECK (refunded_at IS NULL OR voided_at IS NULL), 
	CONSTRAINT fk_refunds_payment_id FOREIGN KEY(payment_id) REFERENCES payments (id)
)
-- next
CREATE TABLE regions (
	brand_id VARCHAR(32) NOT NULL, 
	code VARCHAR(40) NOT NULL, 
	name TEXT NOT NULL, 
	CONSTRAINT pk_regions PRIMARY KEY (brand_id, code), 
	CONSTRAINT fk_regions_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE stores (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	code VARCHAR(40) NOT NULL, 
	name TEXT NOT NULL, 
	city TEXT NOT NULL, 
	region VARCHAR(40) NOT NULL, 
	latitude FLOAT NOT NULL, 
	longitude FLOAT NOT NULL, 
	plate_quota BOOLEAN NOT NULL, 
	service_fee_minor BIGINT NOT NULL, 
	closed_at VARCHAR(27), 
	CONSTRAINT pk_stores PRIMARY KEY (id), 
	CONSTRAINT uq_stores_brand_id_code UNIQUE (brand_id, code), 
	CONSTRAINT fk_stores_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE accounts (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	email VARCHAR(254), 
	email_key VARCHAR(254), 
	name VARCHAR(80) NOT NULL, 
	locale VARCHAR(10) NOT NULL, 
	password_hash VARCHAR(200), 
	state VARCHAR(10) NOT NULL, 
	person_id VARCHAR(32), 
	confirmed_at VARCHAR(27), 
	created_at VARCHAR(27) NOT NULL, 
	changed_at VARCHAR(27) NOT NULL, 
	erased_at VARCHAR(27), 
	CONSTRAINT pk_accounts PRIMARY KEY (id), 
	CONSTRAINT uq_accounts_brand_id_email_key UNIQUE (brand_id, email_key), 
	CONSTRAINT ck_accounts_state_known CHECK (state IN ('active', 'disabled', 'erased')), 
	CONSTRAINT ck_accounts_address_has_key CHECK ((email IS NULL) = (email_key IS NULL)), 
	CONSTRAINT ck_accounts_erased_has_no_address CHECK ((state = 'erased') = (email IS NULL)), 
	CONSTRAINT ck_accounts_erased_has_moment CHECK ((state = 'erased') = (erased_at IS NOT NULL)), 
	CONSTRAINT ck_accounts_erased_is_empty CHECK (state <> 'erased' OR (password_hash IS NULL AND name = '' AND person_id IS NULL)), 
	CONSTRAINT fk_accounts_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_accounts_person_id FOREIGN KEY(person_id) REFERENCES persons (id)
)
-- next
CREATE TABLE backing_terms (
	proposal_id VARCHAR(32) NOT NULL, 
	comparison_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	tooling_minor BIGINT NOT NULL, 
	price_minor BIGINT NOT NULL, 
	unit_cost_minor BIGINT NOT NULL, 
	threshold BIGINT NOT NULL, 
	deposit_minor BIGINT NOT NULL, 
	policy_version INTEGER NOT NULL, 
	opened_at VARCHAR(27) NOT NULL, 
	triggered_at VARCHAR(27), 
	answer_due_at VARCHAR(27), 
	shown_bound BIGINT, 
	shown_backers INTEGER, 
	shown_serial BIGINT DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_backing_terms PRIMARY KEY (proposal_id), 
	CONSTRAINT ck_backing_terms_sold_above_cost CHECK (unit_cost_minor >= 0 AND price_minor > unit_cost_minor), 
	CONSTRAINT ck_backing_terms_threshold_positive CHECK (tooling_minor > 0 AND threshold > 0), 
	CONSTRAINT ck_backing_terms_answer_due_once_triggered CHECK ((triggered_at IS NULL) = (answer_due_at IS NULL)), 
	CONSTRAINT fk_backing_terms_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposals (id), 
	CONSTRAINT fk_backing_terms_comparison_id FOREIGN KEY(comparison_id) REFERENCES comparisons (id)
)
-- next
CREATE TABLE backings (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	proposal_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	price_cap_minor BIGINT NOT NULL, 
	deposit_minor BIGINT NOT NULL, 
	payment_id VARCHAR(32) NOT NULL, 
	placed_at VARCHAR(27) NOT NULL, 
	state VARCHAR(14) NOT NULL, 
	state_at VARCHAR(27) NOT NULL, 
	payable_until VARCHAR(27), 
	pre_order_id VARCHAR(32), 
	CONSTRAINT pk_backings PRIMARY KEY (id), 
	CONSTRAINT ck_backings_state_known CHECK (state IN ('acknowledged', 'held', 'converted', 'withdrawn', 'expired_unpaid', 'refunded', 'lapsed', 'declined')), 
	CONSTRAINT ck_backings_amounts_positive CHECK (price_cap_minor > 0 AND deposit_minor > 0), 
	CONSTRAINT ck_backings_converted_by_an_order CHECK ((state = 'converted') = (pre_order_id IS NOT NULL)), 
	CONSTRAINT ck_backings_waits_for_a_time CHECK (state <> 'acknowledged' OR payable_until IS NOT NULL), 
	CONSTRAINT fk_backings_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_backings_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposals (id), 
	CONSTRAINT fk_backings_payment_id FOREIGN KEY(payment_id) REFERENCES payments (id)
)
-- next
CREATE TABLE batch_plans (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	plant_id VARCHAR(32) NOT NULL, 
	made_at VARCHAR(27) NOT NULL, 
	orders INTEGER NOT NULL, 
	batches INTEGER NOT NULL, 
	waiting INTEGER NOT NULL, 
	too_long INTEGER NOT NULL, 
	cost_minor BIGINT NOT NULL, 
	bound_minor BIGINT NOT NULL, 
	exact BOOLEAN NOT NULL, 
	CONSTRAINT pk_batch_plans PRIMARY KEY (id), 
	CONSTRAINT ck_batch_plans_counted_up CHECK (orders > 0 AND batches >= 0 AND waiting BETWEEN 0 AND orders), 
	CONSTRAINT ck_batch_plans_nothing_costs_less_than_the_bound CHECK (bound_minor BETWEEN 0 AND cost_minor), 
	CONSTRAINT fk_batch_plans_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE batches (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	plant_id VARCHAR(32) NOT NULL, 
	pool_id VARCHAR(32) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	size INTEGER NOT NULL, 
	size_min INTEGER NOT NULL, 
	size_max INTEGER NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_batches PRIMARY KEY (id), 
	CONSTRAINT ck_batches_state_known CHECK (state IN ('proposed', 'accepted', 'released', 'building', 'complete')), 
	CONSTRAINT ck_batches_within_plant_limits CHECK (size BETWEEN size_min AND size_max), 
	CONSTRAINT fk_batches_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE call_offs (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	plant_id VARCHAR(32) NOT NULL, 
	supplier VARCHAR(80) NOT NULL, 
	part VARCHAR(80) NOT NULL, 
	week DATE NOT NULL, 
	call_off_by DATE NOT NULL, 
	quantity INTEGER NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	made_at VARCHAR(27) NOT NULL, 
	arrives_on DATE, 
	answered_at VARCHAR(27), 
	ended_at VARCHAR(27), 
	received INTEGER, 
	CONSTRAINT pk_call_offs PRIMARY KEY (id), 
	CONSTRAINT ck_call_offs_state_known CHECK (state IN ('open', 'confirmed', 'received', 'withdrawn')), 
	CONSTRAINT ck_call_offs_in_time CHECK (quantity > 0 AND call_off_by <= week), 
	CONSTRAINT ck_call_offs_confirmed_for_a_day CHECK (state <> 'confirmed' OR arrives_on IS NOT NULL), 
	CONSTRAINT ck_call_offs_received_so_many CHECK ((state = 'received') = (received IS NOT NULL)), 
	CONSTRAINT ck_call_offs_ended_when_it_ends CHECK ((state IN ('received', 'withdrawn')) = (ended_at IS NOT NULL)), 
	CONSTRAINT ck_call_offs_received_not_negative CHECK (received >= 0), 
	CONSTRAINT fk_call_offs_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE capacity_weeks (
	plant_id VARCHAR(32) NOT NULL, 
	week DATE NOT NULL, 
	resource VARCHAR(80) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	capacity INTEGER NOT NULL, 
	reserved INTEGER DEFAULT '0' NOT NULL, 
	used INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_capacity_weeks PRIMARY KEY (plant_id, week, resource), 
	CONSTRAINT ck_capacity_weeks_counted_up CHECK (reserved >= 0 AND used >= 0), 
	CONSTRAINT ck_capacity_weeks_within_capacity CHECK (reserved + used <= capacity), 
	CONSTRAINT fk_capacity_weeks_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE circle_counted (
	circle_id VARCHAR(32) NOT NULL, 
	figure VARCHAR(12) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_circle_counted PRIMARY KEY (circle_id, figure, person_id), 
	CONSTRAINT fk_circle_counted_circle_id FOREIGN KEY(circle_id) REFERENCES circles (id)
)
-- next
CREATE TABLE circle_figures (
	circle_id VARCHAR(32) NOT NULL, 
	figure VARCHAR(12) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	shown INTEGER, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_circle_figures PRIMARY KEY (circle_id, figure), 
	CONSTRAINT ck_circle_figures_shown_of_many CHECK (shown IS NULL OR shown >= 10), 
	CONSTRAINT fk_circle_figures_circle_id FOREIGN KEY(circle_id) REFERENCES circles (id), 
	CONSTRAINT fk_circle_figures_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE circle_hosts (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	circle_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	text VARCHAR(400) NOT NULL, 
	since VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_circle_hosts PRIMARY KEY (id), 
	CONSTRAINT uq_circle_hosts_circle_id_person_id UNIQUE (circle_id, person_id), 
	CONSTRAINT fk_circle_hosts_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_circle_hosts_circle_id FOREIGN KEY(circle_id) REFERENCES circles (id)
)
-- next
CREATE TABLE circle_invitations (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	circle_id VARCHAR(32) NOT NULL, 
	code_hash VARCHAR(64) NOT NULL, 
	made_by VARCHAR(32), 
	uses INTEGER NOT NULL, 
	uses_max INTEGER NOT NULL, 
	expires_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_circle_invitations PRIMARY KEY (id), 
	CONSTRAINT ck_circle_invitations_uses_within_max CHECK (uses BETWEEN 0 AND uses_max), 
	CONSTRAINT fk_circle_invitations_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_circle_invitations_circle_id FOREIGN KEY(circle_id) REFERENCES circles (id), 
	CONSTRAINT uq_circle_invitations_code_hash UNIQUE (code_hash)
)
-- next
CREATE TABLE circle_members (
	circle_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	invitation_id VARCHAR(32), 
	joined_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_circle_members PRIMARY KEY (circle_id, person_id), 
	CONSTRAINT fk_circle_members_circle_id FOREIGN KEY(circle_id) REFERENCES circles (id), 
	CONSTRAINT fk_circle_members_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE circle_messages (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	circle_id VARCHAR(32) NOT NULL, 
	text VARCHAR(1000) NOT NULL, 
	sent_by VARCHAR(32) NOT NULL, 
	sent_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_circle_messages PRIMARY KEY (id), 
	CONSTRAINT fk_circle_messages_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_circle_messages_circle_id FOREIGN KEY(circle_id) REFERENCES circles (id)
)
-- next
CREATE TABLE circle_offers (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	circle_id VARCHAR(32) NOT NULL, 
	pool_id VARCHAR(32) NOT NULL, 
	text VARCHAR(1000) NOT NULL, 
	made_by VARCHAR(32) NOT NULL, 
	made_at VARCHAR(27) NOT NULL, 
	ends_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_circle_offers PRIMARY KEY (id), 
	CONSTRAINT uq_circle_offers_circle_id_pool_id UNIQUE (circle_id, pool_id), 
	CONSTRAINT ck_circle_offers_ends_later CHECK (made_at < ends_at), 
	CONSTRAINT fk_circle_offers_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_circle_offers_circle_id FOREIGN KEY(circle_id) REFERENCES circles (id), 
	CONSTRAINT fk_circle_offers_pool_id FOREIGN KEY(pool_id) REFERENCES pools (id)
)
-- next
CREATE TABLE circle_proposals (
	proposal_id VARCHAR(32) NOT NULL, 
	circle_id VARCHAR(32) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_circle_proposals PRIMARY KEY (proposal_id), 
	CONSTRAINT fk_circle_proposals_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposals (id), 
	CONSTRAINT fk_circle_proposals_circle_id FOREIGN KEY(circle_id) REFERENCES circles (id)
)
-- next
CREATE TABLE circle_questions (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	circle_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32), 
	account_id VARCHAR(32), 
	text VARCHAR(1000) NOT NULL, 
	asked_at VARCHAR(27) NOT NULL, 
	removed_at VARCHAR(27), 
	CONSTRAINT pk_circle_questions PRIMARY KEY (id), 
	CONSTRAINT fk_circle_questions_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_circle_questions_circle_id FOREIGN KEY(circle_id) REFERENCES circles (id)
)
-- next
CREATE TABLE commitments (
	proposal_id VARCHAR(32) NOT NULL, 
	available_by DATE NOT NULL, 
	ceiling_minor BIGINT NOT NULL, 
	made_at VARCHAR(27) NOT NULL, 
	outcome VARCHAR(8) NOT NULL, 
	why VARCHAR(40), 
	settled_at VARCHAR(27), 
	option VARCHAR(80), 
	version_id VARCHAR(32), 
	window_opens_at VARCHAR(27), 
	window_ends_at VARCHAR(27), 
	CONSTRAINT pk_commitments PRIMARY KEY (proposal_id), 
	CONSTRAINT ck_commitments_ceiling_positive CHECK (ceiling_minor > 0), 
	CONSTRAINT ck_commitments_outcome_known CHECK (outcome IN ('pending', 'kept', 'broken')), 
	CONSTRAINT ck_commitments_broken_for_a_reason CHECK ((outcome = 'broken') = (why IS NOT NULL)), 
	CONSTRAINT ck_commitments_settled_at_a_moment CHECK ((outcome = 'pending') = (settled_at IS NULL)), 
	CONSTRAINT ck_commitments_window_whole CHECK ((option IS NULL) = (window_ends_at IS NULL) AND (option IS NULL) = (window_opens_at IS NULL)), 
	CONSTRAINT fk_commitments_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposals (id)
)
-- next
CREATE TABLE compared_items (
	comparison_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	proposal_id VARCHAR(32) NOT NULL, 
	planned_price_minor BIGINT NOT NULL, 
	CONSTRAINT pk_compared_items PRIMARY KEY (comparison_id, number), 
	CONSTRAINT uq_compared_items_comparison_id_proposal_id UNIQUE (comparison_id, proposal_id), 
	CONSTRAINT ck_compared_items_twelve_items CHECK (number BETWEEN 0 AND 11), 
	CONSTRAINT ck_compared_items_price_positive CHECK (planned_price_minor > 0), 
	CONSTRAINT fk_compared_items_comparison_id FOREIGN KEY(comparison_id) REFERENCES comparisons (id), 
	CONSTRAINT fk_compared_items_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposals (id)
)
-- next
CREATE TABLE comparison_participants (
	id VARCHAR(32) NOT NULL, 
	comparison_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	price_item INTEGER NOT NULL, 
	price_step INTEGER NOT NULL, 
	region VARCHAR(40) NOT NULL, 
	owner BOOLEAN NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	dealt_at VARCHAR(27) NOT NULL, 
	completed_at VARCHAR(27), 
	left_at VARCHAR(27), 
	CONSTRAINT pk_comparison_participants PRIMARY KEY (id), 
	CONSTRAINT uq_comparison_participants_comparison_id_person_id UNIQUE (comparison_id, person_id), 
	CONSTRAINT uq_comparison_participants_comparison_id_number UNIQUE (comparison_id, number), 
	CONSTRAINT fk_comparison_participants_comparison_id FOREIGN KEY(comparison_id) REFERENCES comparisons (id)
)
-- next
CREATE TABLE configurations (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	name VARCHAR(80) NOT NULL, 
	version_id VARCHAR(32) NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	options TEXT NOT NULL, 
	region VARCHAR(40) NOT NULL, 
	saved_at VARCHAR(27) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	state_at VARCHAR(27) NOT NULL, 
	newer_version_id VARCHAR(32), 
	broken_by TEXT, 
	moved_to VARCHAR(32), 
	CONSTRAINT pk_configurations PRIMARY KEY (id), 
	CONSTRAINT ck_configurations_state_known CHECK (state IN ('saved', 'stale', 'migrated', 'deleted')), 
	CONSTRAINT ck_configurations_state_complete CHECK ((state = 'stale') = (newer_version_id IS NOT NULL) AND (state = 'migrated') = (moved_to IS NOT NULL)), 
	CONSTRAINT fk_configurations_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_configurations_version_id FOREIGN KEY(version_id) REFERENCES catalogue_versions (id), 
	CONSTRAINT fk_configurations_newer_version_id FOREIGN KEY(newer_version_id) REFERENCES catalogue_versions (id), 
	CONSTRAINT fk_configurations_moved_to FOREIGN KEY(moved_to) REFERENCES configurations (id)
)
-- next
CREATE TABLE cube_cells (
	move BIGINT NOT NULL, 
	audience VARCHAR(5) NOT NULL, 
	first VARCHAR(80) NOT NULL, 
	second VARCHAR(80) NOT NULL, 
	region VARCHAR(40) NOT NULL, 
	chosen INTEGER NOT NULL, 
	first_chosen INTEGER NOT NULL, 
	second_chosen INTEGER NOT NULL, 
	offered INTEGER NOT NULL, 
	CONSTRAINT pk_cube_cells PRIMARY KEY (move, audience, first, second, region), 
	CONSTRAINT ck_cube_cells_counts_sound CHECK (chosen BETWEEN 0 AND first_chosen AND chosen <= second_chosen AND first_chosen <= offered AND second_chosen <= offered AND offered > 0), 
	CONSTRAINT ck_cube_cells_audience_known CHECK (audience IN ('maker', 'trade')), 
	CONSTRAINT fk_cube_cells_move FOREIGN KEY(move) REFERENCES cube_moves (serial)
)
-- next
CREATE TABLE cube_tables (
	brand_id VARCHAR(32) NOT NULL, 
	cube VARCHAR(16) NOT NULL, 
	week DATE NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	version_id VARCHAR(32) NOT NULL, 
	move BIGINT, 
	closed BOOLEAN NOT NULL, 
	CONSTRAINT pk_cube_tables PRIMARY KEY (brand_id, cube, week, model, version_id), 
	CONSTRAINT fk_cube_tables_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_cube_tables_move FOREIGN KEY(move) REFERENCES cube_moves (serial)
)
-- next
CREATE TABLE fairness_lines (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	round_id VARCHAR(32) NOT NULL, 
	store_id VARCHAR(32) NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	owed_before INTEGER NOT NULL, 
	entitled INTEGER NOT NULL, 
	received INTEGER NOT NULL, 
	owed_after INTEGER NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_fairness_lines PRIMARY KEY (id), 
	CONSTRAINT uq_fairness_lines_round_id_store_id_model UNIQUE (round_id, store_id, model), 
	CONSTRAINT ck_fairness_lines_adds_up CHECK (owed_after = owed_before + entitled - received * 1000), 
	CONSTRAINT fk_fairness_lines_round_id FOREIGN KEY(round_id) REFERENCES allocation_rounds (id), 
	CONSTRAINT fk_fairness_lines_store_id FOREIGN KEY(store_id) REFERENCES stores (id)
)
-- next
CREATE TABLE fulfilments (
	proposal_id VARCHAR(32) NOT NULL, 
	option VARCHAR(80) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	version_id VARCHAR(32) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_fulfilments PRIMARY KEY (proposal_id, option), 
	CONSTRAINT fk_fulfilments_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposals (id), 
	CONSTRAINT fk_fulfilments_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE item_outcomes (
	comparison_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	utility INTEGER NOT NULL, 
	utility_low INTEGER NOT NULL, 
	utility_high INTEGER NOT NULL, 
	share INTEGER NOT NULL, 
	share_low INTEGER NOT NULL, 
	share_high INTEGER NOT NULL, 
	take_rate INTEGER, 
	take_rate_low INTEGER, 
	take_rate_high INTEGER, 
	CONSTRAINT pk_item_outcomes PRIMARY KEY (comparison_id, number), 
	CONSTRAINT ck_item_outcomes_utility_in_interval CHECK (utility_low <= utility AND utility <= utility_high), 
	CONSTRAINT ck_item_outcomes_share_in_interval CHECK (share_low <= share AND share <= share_high), 
	CONSTRAINT ck_item_outcomes_take_rate_in_interval CHECK (take_rate_low <= take_rate AND take_rate <= take_rate_high), 
	CONSTRAINT fk_item_outcomes_comparison_id FOREIGN KEY(comparison_id) REFERENCES comparisons (id)
)
-- next
CREATE TABLE line_days (
	plant_id VARCHAR(32) NOT NULL, 
	day DATE NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	cars INTEGER NOT NULL, 
	run_violations INTEGER NOT NULL, 
	ratio_violations INTEGER NOT NULL, 
	paint_changes INTEGER NOT NULL, 
	sequenced_at VARCHAR(27) NOT NULL, 
	policy_version INTEGER NOT NULL, 
	excess INTEGER, 
	excess_bound INTEGER, 
	paint_changes_bound INTEGER, 
	CONSTRAINT pk_line_days PRIMARY KEY (plant_id, day), 
	CONSTRAINT ck_line_days_no_order_beats_the_bound CHECK (excess IS NULL OR excess_bound BETWEEN 0 AND excess), 
	CONSTRAINT ck_line_days_nor_in_paint CHECK (paint_changes_bound IS NULL OR paint_changes_bound BETWEEN 0 AND paint_changes), 
	CONSTRAINT fk_line_days_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE machines (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	label VARCHAR(80) NOT NULL, 
	role VARCHAR(20) NOT NULL, 
	plant_id VARCHAR(32), 
	party_code VARCHAR(40), 
	created_by VARCHAR(32), 
	created_at VARCHAR(27) NOT NULL, 
	revoked_by VARCHAR(32), 
	revoked_at VARCHAR(27), 
	CONSTRAINT pk_machines PRIMARY KEY (id), 
	CONSTRAINT uq_machines_brand_id_label UNIQUE (brand_id, label), 
	CONSTRAINT ck_machines_role_known CHECK (role IN ('plant', 'supplier', 'carrier')), 
	CONSTRAINT ck_machines_plant_is_bound CHECK ((role = 'plant') = (plant_id IS NOT NULL)), 
	CONSTRAINT ck_machines_party_is_bound CHECK ((role = 'plant') = (party_code IS NULL)), 
	CONSTRAINT fk_machines_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_machines_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE market_segments (
	comparison_id VARCHAR(32) NOT NULL, 
	region VARCHAR(40) NOT NULL, 
	owner BOOLEAN NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	persons INTEGER NOT NULL, 
	CONSTRAINT pk_market_segments PRIMARY KEY (comparison_id, region, owner, model), 
	CONSTRAINT ck_market_segments_somebody_in_it CHECK (persons > 0), 
	CONSTRAINT fk_market_segments_comparison_id FOREIGN KEY(comparison_id) REFERENCES comparisons (id)
)
-- next
CREATE TABLE orders (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	pool_id VARCHAR(32) NOT NULL, 
	place INTEGER NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32), 
	quote_id VARCHAR(32) NOT NULL, 
	store_id VARCHAR(32) NOT NULL, 
	plant_id VARCHAR(32) NOT NULL, 
	class_l1 VARCHAR(400) NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	options TEXT NOT NULL, 
	catalogue_version_id VARCHAR(32) NOT NULL, 
	policy_version INTEGER NOT NULL, 
	price_minor BIGINT NOT NULL, 
	guaranteed_other_minor BIGINT NOT NULL, 
	third_party_minor BIGINT NOT NULL, 
	promised_by DATE, 
	expected_on DATE, 
	agreed_minor BIGINT DEFAULT '0' NOT NULL, 
	fees_minor BIGINT DEFAULT '0' NOT NULL, 
	locked_at VARCHAR(27) NOT NULL, 
	origin VARCHAR(10) DEFAULT 'pool' NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	vin VARCHAR(17), 
	arrived_at VARCHAR(27), 
	ended_at VARCHAR(27), 
	reason VARCHAR(80), 
	CONSTRAINT pk_orders PRIMARY KEY (id), 
	CONSTRAINT ck_orders_state_known CHECK (state IN ('scheduled', 'built', 'in_transit', 'at_store', 'delivered', 'cancelled', 'stocked')), 
	CONSTRAINT ck_orders_origin_known CHECK (origin IN ('pool', 'stock', 'store')), 
	CONSTRAINT ck_orders_car_before_it_moves CHECK (vin IS NOT NULL OR state IN ('scheduled', 'cancelled')), 
	CONSTRAINT ck_orders_ended_when_it_ends CHECK ((ended_at IS NOT NULL) = (state IN ('delivered', 'cancelled', 'stocked'))), 
	CONSTRAINT ck_orders_for_stock_alone CHECK (origin <> 'store' OR state IN ('scheduled', 'cancelled', 'stocked')), 
	CONSTRAINT ck_orders_stocked_for_a_store CHECK (state <> 'stocked' OR origin = 'store'), 
	CONSTRAINT ck_orders_price_positive CHECK (price_minor > 0 AND guaranteed_other_minor >= 0), 
	CONSTRAINT ck_orders_agreed_price_positive CHECK (price_minor + agreed_minor > 0 AND fees_minor >= 0), 
	CONSTRAINT fk_orders_store_id FOREIGN KEY(store_id) REFERENCES stores (id), 
	CONSTRAINT fk_orders_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE part_moves (
	id VARCHAR(32) NOT NULL, 
	plant_id VARCHAR(32) NOT NULL, 
	part VARCHAR(80) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	quantity INTEGER NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	reference VARCHAR(32) NOT NULL, 
	by_account_id VARCHAR(32), 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_part_moves PRIMARY KEY (id), 
	CONSTRAINT ck_part_moves_kind_known CHECK (kind IN ('counted', 'received', 'used', 'exchanged', 'returned')), 
	CONSTRAINT ck_part_moves_returned_to_stock CHECK (kind <> 'returned' OR quantity > 0), 
	CONSTRAINT fk_part_moves_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE part_stocks (
	plant_id VARCHAR(32) NOT NULL, 
	part VARCHAR(80) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	on_hand INTEGER NOT NULL, 
	CONSTRAINT pk_part_stocks PRIMARY KEY (plant_id, part), 
	CONSTRAINT ck_part_stocks_not_negative CHECK (on_hand >= 0), 
	CONSTRAINT fk_part_stocks_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE plant_hooks (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	plant_id VARCHAR(32) NOT NULL, 
	url VARCHAR(400) NOT NULL, 
	generation INTEGER NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	overlap_until VARCHAR(27), 
	revoked_at VARCHAR(27), 
	failures INTEGER NOT NULL, 
	resume_at VARCHAR(27), 
	last_status VARCHAR(20), 
	CONSTRAINT pk_plant_hooks PRIMARY KEY (id), 
	CONSTRAINT ck_plant_hooks_generation_from_one CHECK (generation > 0), 
	CONSTRAINT fk_plant_hooks_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE pool_changes (
	serial INTEGER NOT NULL, 
	pool_id VARCHAR(32) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	reason VARCHAR(200) NOT NULL, 
	"by" VARCHAR(32), 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_pool_changes PRIMARY KEY (serial), 
	CONSTRAINT fk_pool_changes_pool_id FOREIGN KEY(pool_id) REFERENCES pools (id)
)
-- next
CREATE TABLE pool_clearings (
	pool_id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	members INTEGER NOT NULL, 
	reached TEXT NOT NULL, 
	root VARCHAR(64) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_pool_clearings PRIMARY KEY (pool_id), 
	CONSTRAINT fk_pool_clearings_pool_id FOREIGN KEY(pool_id) REFERENCES pools (id), 
	CONSTRAINT fk_pool_clearings_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id)
)
-- next
CREATE TABLE pool_plans (
	pool_id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	plant_id VARCHAR(32) NOT NULL, 
	class_key VARCHAR(400) NOT NULL, 
	places INTEGER NOT NULL, 
	first_week DATE NOT NULL, 
	deadline VARCHAR(27) NOT NULL, 
	closed_at VARCHAR(27), 
	CONSTRAINT pk_pool_plans PRIMARY KEY (pool_id), 
	CONSTRAINT fk_pool_plans_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE pool_reservations (
	pool_id VARCHAR(32) NOT NULL, 
	week DATE NOT NULL, 
	resource VARCHAR(80) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	plant_id VARCHAR(32) NOT NULL, 
	held INTEGER NOT NULL, 
	promised INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_pool_reservations PRIMARY KEY (pool_id, week, resource), 
	CONSTRAINT ck_pool_reservations_held_not_negative CHECK (held >= 0), 
	CONSTRAINT ck_pool_reservations_promised_within_held CHECK (promised BETWEEN 0 AND held), 
	CONSTRAINT fk_pool_reservations_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE promise_calibrations (
	id VARCHAR(32) NOT NULL, 
	plant_id VARCHAR(32) NOT NULL, 
	last_day DATE NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	first_day DATE NOT NULL, 
	promises INTEGER NOT NULL, 
	kept_p50 INTEGER NOT NULL, 
	kept_p90 INTEGER NOT NULL, 
	released_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_promise_calibrations PRIMARY KEY (id), 
	CONSTRAINT uq_promise_calibrations_plant_id_last_day UNIQUE (plant_id, last_day), 
	CONSTRAINT ck_promise_calibrations_in_order CHECK (first_day < last_day), 
	CONSTRAINT ck_promise_calibrations_rounded CHECK (promises >= 10 AND promises % 5 = 0 AND kept_p50 % 5 = 0 AND kept_p90 % 5 = 0), 
	CONSTRAINT ck_promise_calibrations_nested CHECK (0 <= kept_p50 AND kept_p50 <= kept_p90 AND kept_p90 <= promises), 
	CONSTRAINT fk_promise_calibrations_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE promise_margins (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	plant_id VARCHAR(32) NOT NULL, 
	p50_days INTEGER NOT NULL, 
	p90_days INTEGER NOT NULL, 
	observations INTEGER NOT NULL, 
	released_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_promise_margins PRIMARY KEY (id), 
	CONSTRAINT uq_promise_margins_plant_id_released_at UNIQUE (plant_id, released_at), 
	CONSTRAINT ck_promise_margins_learned_from_ten CHECK (p50_days < p90_days AND observations >= 10), 
	CONSTRAINT fk_promise_margins_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE proposal_changes (
	serial INTEGER NOT NULL, 
	proposal_id VARCHAR(32) NOT NULL, 
	state VARCHAR(12) NOT NULL, 
	"by" VARCHAR(32), 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_proposal_changes PRIMARY KEY (serial), 
	CONSTRAINT fk_proposal_changes_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposals (id)
)
-- next
CREATE TABLE stock_orders (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	store_id VARCHAR(32) NOT NULL, 
	plant_id VARCHAR(32) NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	options TEXT NOT NULL, 
	catalogue_version_id VARCHAR(32) NOT NULL, 
	cars INTEGER NOT NULL, 
	price_minor BIGINT NOT NULL, 
	number INTEGER NOT NULL, 
	had INTEGER NOT NULL, 
	most INTEGER NOT NULL, 
	ordered_by VARCHAR(32), 
	ordered_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_stock_orders PRIMARY KEY (id), 
	CONSTRAINT uq_stock_orders_store_id_model_number UNIQUE (store_id, model, number), 
	CONSTRAINT ck_stock_orders_counted_up CHECK (cars BETWEEN 1 AND 20 AND number > 0 AND price_minor > 0), 
	CONSTRAINT ck_stock_orders_light CHECK (had >= 0 AND had + cars <= most), 
	CONSTRAINT fk_stock_orders_store_id FOREIGN KEY(store_id) REFERENCES stores (id), 
	CONSTRAINT fk_stock_orders_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE stock_plans (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	store_id VARCHAR(32) NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	weekly_milli INTEGER NOT NULL, 
	by_account_id VARCHAR(32), 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_stock_plans PRIMARY KEY (id), 
	CONSTRAINT ck_stock_plans_light CHECK (weekly_milli BETWEEN 0 AND 10000), 
	CONSTRAINT fk_stock_plans_store_id FOREIGN KEY(store_id) REFERENCES stores (id)
)
-- next
CREATE TABLE store_hours (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	store_id VARCHAR(32) NOT NULL, 
	begins_at VARCHAR(27) NOT NULL, 
	ends_at VARCHAR(27) NOT NULL, 
	places INTEGER NOT NULL, 
	by_account_id VARCHAR(32), 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_store_hours PRIMARY KEY (id), 
	CONSTRAINT ck_store_hours_in_order CHECK (begins_at < ends_at), 
	CONSTRAINT ck_store_hours_places_known CHECK (places BETWEEN 0 AND 50), 
	CONSTRAINT fk_store_hours_store_id FOREIGN KEY(store_id) REFERENCES stores (id)
)
-- next
CREATE TABLE store_visitors (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	store_id VARCHAR(32) NOT NULL, 
	week DATE NOT NULL, 
	visitors INTEGER NOT NULL, 
	by_account_id VARCHAR(32), 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_store_visitors PRIMARY KEY (id), 
	CONSTRAINT ck_store_visitors_counted CHECK (visitors BETWEEN 0 AND 100000), 
	CONSTRAINT fk_store_visitors_store_id FOREIGN KEY(store_id) REFERENCES stores (id)
)
-- next
CREATE TABLE take_draws (
	comparison_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	parts_per_million TEXT NOT NULL, 
	CONSTRAINT pk_take_draws PRIMARY KEY (comparison_id, number, model), 
	CONSTRAINT fk_take_draws_comparison_id FOREIGN KEY(comparison_id) REFERENCES comparisons (id)
)
-- next
CREATE TABLE vin_serials (
	brand_id VARCHAR(32) NOT NULL, 
	plant_id VARCHAR(32) NOT NULL, 
	year INTEGER NOT NULL, 
	last INTEGER NOT NULL, 
	CONSTRAINT pk_vin_serials PRIMARY KEY (brand_id, plant_id, year), 
	CONSTRAINT ck_vin_serials_six_places CHECK (last BETWEEN 1 AND 999999), 
	CONSTRAINT fk_vin_serials_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE votes (
	id VARCHAR(32) NOT NULL, 
	proposal_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	quarter VARCHAR(7) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_votes PRIMARY KEY (id), 
	CONSTRAINT ck_votes_kind_known CHECK (kind IN ('cast', 'revoked', 'moved', 'taken_over')), 
	CONSTRAINT fk_votes_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposals (id)
)
-- next
CREATE TABLE week_plans (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	plant_id VARCHAR(32) NOT NULL, 
	made_at VARCHAR(27) NOT NULL, 
	orders INTEGER NOT NULL, 
	without_week INTEGER NOT NULL, 
	moved INTEGER NOT NULL, 
	cost_minor BIGINT NOT NULL, 
	bound_minor BIGINT NOT NULL, 
	now_minor BIGINT, 
	"conflict" TEXT, 
	CONSTRAINT pk_week_plans PRIMARY KEY (id), 
	CONSTRAINT ck_week_plans_counted_up CHECK (orders > 0 AND without_week BETWEEN 0 AND orders AND moved >= 0), 
	CONSTRAINT ck_week_plans_nothing_costs_less_than_the_bound CHECK (bound_minor >= 0 AND bound_minor <= cost_minor), 
	CONSTRAINT ck_week_plans_nor_do_the_weeks_in_force CHECK (now_minor IS NULL OR now_minor >= bound_minor), 
	CONSTRAINT fk_week_plans_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE week_plans_due (
	plant_id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	asked_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_week_plans_due PRIMARY KEY (plant_id), 
	CONSTRAINT fk_week_plans_due_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE backing_changes (
	serial INTEGER NOT NULL, 
	backing_id VARCHAR(32) NOT NULL, 
	state VARCHAR(14) NOT NULL, 
	reason VARCHAR(40) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_backing_changes PRIMARY KEY (serial), 
	CONSTRAINT fk_backing_changes_backing_id FOREIGN KEY(backing_id) REFERENCES backings (id)
)
-- next
CREATE TABLE batch_orders (
	order_id VARCHAR(32) NOT NULL, 
	batch_id VARCHAR(32) NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_batch_orders PRIMARY KEY (order_id), 
	CONSTRAINT uq_batch_orders_batch_id_position UNIQUE (batch_id, position), 
	CONSTRAINT fk_batch_orders_order_id FOREIGN KEY(order_id) REFERENCES orders (id), 
	CONSTRAINT fk_batch_orders_batch_id FOREIGN KEY(batch_id) REFERENCES batches (id)
)
-- next
CREATE TABLE build_orders (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	order_id VARCHAR(32) NOT NULL, 
	batch_id VARCHAR(32) NOT NULL, 
	plant_id VARCHAR(32) NOT NULL, 
	week DATE NOT NULL, 
	day DATE NOT NULL, 
	position INTEGER, 
	model VARCHAR(80) NOT NULL, 
	options TEXT NOT NULL, 
	catalogue_version_id VARCHAR(32) NOT NULL, 
	stage VARCHAR(20) NOT NULL, 
	moved_at VARCHAR(27) NOT NULL, 
	events INTEGER DEFAULT '0' NOT NULL, 
	released_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_build_orders PRIMARY KEY (id), 
	CONSTRAINT ck_build_orders_stage_known CHECK (stage IN ('queued', 'parts_ready', 'body', 'paint', 'assembly', 'rework', 'passed', 'scrapped', 'withdrawn')), 
	CONSTRAINT ck_build_orders_position_from_one CHECK (position > 0), 
	CONSTRAINT uq_build_orders_plant_id_day_position UNIQUE (plant_id, day, position), 
	CONSTRAINT fk_build_orders_order_id FOREIGN KEY(order_id) REFERENCES orders (id), 
	CONSTRAINT fk_build_orders_batch_id FOREIGN KEY(batch_id) REFERENCES batches (id), 
	CONSTRAINT fk_build_orders_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE circle_answers (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	question_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32), 
	account_id VARCHAR(32), 
	model VARCHAR(80) NOT NULL, 
	text VARCHAR(1000) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	removed_at VARCHAR(27), 
	CONSTRAINT pk_circle_answers PRIMARY KEY (id), 
	CONSTRAINT uq_circle_answers_question_id_person_id UNIQUE (question_id, person_id), 
	CONSTRAINT fk_circle_answers_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_circle_answers_question_id FOREIGN KEY(question_id) REFERENCES circle_questions (id)
)
-- next
CREATE TABLE circle_drives (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	host_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	text VARCHAR(400) NOT NULL, 
	asked_at VARCHAR(27) NOT NULL, 
	state VARCHAR(8) NOT NULL, 
	answer VARCHAR(400) NOT NULL, 
	answered_at VARCHAR(27), 
	CONSTRAINT pk_circle_drives PRIMARY KEY (id), 
	CONSTRAINT uq_circle_drives_host_id_person_id UNIQUE (host_id, person_id), 
	CONSTRAINT ck_circle_drives_state_known CHECK (state IN ('asked', 'agreed', 'declined', 'gone')), 
	CONSTRAINT ck_circle_drives_answered_with_time CHECK ((state = 'asked') = (answered_at IS NULL)), 
	CONSTRAINT fk_circle_drives_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_circle_drives_host_id FOREIGN KEY(host_id) REFERENCES circle_hosts (id)
)
-- next
CREATE TABLE comparison_answers (
	participant_id VARCHAR(32) NOT NULL, 
	set_number INTEGER NOT NULL, 
	best INTEGER NOT NULL, 
	worst INTEGER NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_comparison_answers PRIMARY KEY (participant_id, set_number), 
	CONSTRAINT ck_comparison_answers_nine_sets CHECK (set_number BETWEEN 0 AND 8), 
	CONSTRAINT ck_comparison_answers_two_items CHECK (best <> worst AND best BETWEEN 0 AND 11 AND worst BETWEEN 0 AND 11), 
	CONSTRAINT fk_comparison_answers_participant_id FOREIGN KEY(participant_id) REFERENCES comparison_participants (id)
)
-- next
CREATE TABLE configuration_changes (
	serial INTEGER NOT NULL, 
	configuration_id VARCHAR(32) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	reason VARCHAR(400) NOT NULL, 
	"by" VARCHAR(32), 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_configuration_changes PRIMARY KEY (serial), 
	CONSTRAINT fk_configuration_changes_configuration_id FOREIGN KEY(configuration_id) REFERENCES configurations (id)
)
-- next
CREATE TABLE consent_entries (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	purpose VARCHAR(40) NOT NULL, 
	given BOOLEAN NOT NULL, 
	text_version VARCHAR(40) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_consent_entries PRIMARY KEY (id), 
	CONSTRAINT ck_consent_entries_text_named CHECK (text_version <> ''), 
	CONSTRAINT fk_consent_entries_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_consent_entries_account_id FOREIGN KEY(account_id) REFERENCES accounts (id)
)
-- next
CREATE TABLE held_votes (
	proposal_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	quarter VARCHAR(7) NOT NULL, 
	budget_place INTEGER NOT NULL, 
	vote_id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_held_votes PRIMARY KEY (proposal_id, person_id), 
	CONSTRAINT ck_held_votes_budget_place_counts CHECK (budget_place >= 1), 
	CONSTRAINT fk_held_votes_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposals (id), 
	CONSTRAINT fk_held_votes_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_held_votes_vote_id FOREIGN KEY(vote_id) REFERENCES votes (id)
)
-- next
CREATE TABLE invitations (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	email VARCHAR(254), 
	role VARCHAR(20) NOT NULL, 
	store_id VARCHAR(32), 
	locale VARCHAR(10) NOT NULL, 
	invited_by VARCHAR(32), 
	created_at VARCHAR(27) NOT NULL, 
	expires_at VARCHAR(27) NOT NULL, 
	accepted_by VARCHAR(32), 
	accepted_at VARCHAR(27), 
	revoked_at VARCHAR(27), 
	CONSTRAINT pk_invitations PRIMARY KEY (id), 
	CONSTRAINT ck_invitations_role_known CHECK (role IN ('dealer', 'planner', 'brand_admin', 'auditor')), 
	CONSTRAINT ck_invitations_dealer_has_store CHECK ((role = 'dealer') = (store_id IS NOT NULL)), 
	CONSTRAINT ck_invitations_settled_once CHECK (accepted_at IS NULL OR revoked_at IS NULL), 
	CONSTRAINT ck_invitations_settled_has_no_address CHECK ((accepted_at IS NULL AND revoked_at IS NULL) OR email IS NULL), 
	CONSTRAINT fk_invitations_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_invitations_store_id FOREIGN KEY(store_id) REFERENCES stores (id), 
	CONSTRAINT fk_invitations_accepted_by FOREIGN KEY(accepted_by) REFERENCES accounts (id)
)
-- next
CREATE TABLE late_credits (
	order_id VARCHAR(32) NOT NULL, 
	day DATE NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_late_credits PRIMARY KEY (order_id, day), 
	CONSTRAINT ck_late_credits_amount_positive CHECK (amount_minor > 0), 
	CONSTRAINT fk_late_credits_order_id FOREIGN KEY(order_id) REFERENCES orders (id)
)
-- next
CREATE TABLE machine_keys (
	id VARCHAR(32) NOT NULL, 
	machine_id VARCHAR(32) NOT NULL, 
	key_hash VARCHAR(64) NOT NULL, 
	made_by VARCHAR(32), 
	made_at VARCHAR(27) NOT NULL, 
	expires_at VARCHAR(27), 
	CONSTRAINT pk_machine_keys PRIMARY KEY (id), 
	CONSTRAINT fk_machine_keys_machine_id FOREIGN KEY(machine_id) REFERENCES machines (id), 
	CONSTRAINT uq_machine_keys_key_hash UNIQUE (key_hash)
)
-- next
CREATE TABLE one_time_tokens (
	id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	purpose VARCHAR(20) NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	expires_at VARCHAR(27) NOT NULL, 
	used_at VARCHAR(27), 
	CONSTRAINT pk_one_time_tokens PRIMARY KEY (id), 
	CONSTRAINT ck_one_time_tokens_purpose_known CHECK (purpose IN ('confirmation', 'recovery')), 
	CONSTRAINT fk_one_time_tokens_account_id FOREIGN KEY(account_id) REFERENCES accounts (id)
)
-- next
CREATE TABLE order_agreements (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	order_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	stage VARCHAR(20) NOT NULL, 
	options_before TEXT NOT NULL, 
	options_after TEXT NOT NULL, 
	price_delta_minor BIGINT NOT NULL, 
	fee_minor BIGINT NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_order_agreements PRIMARY KEY (id), 
	CONSTRAINT uq_order_agreements_order_id_number UNIQUE (order_id, number), 
	CONSTRAINT ck_order_agreements_kind_known CHECK (kind IN ('amendment', 'reduction', 'reduction_ended')), 
	CONSTRAINT ck_order_agreements_counted_up CHECK (number >= 1 AND fee_minor >= 0), 
	CONSTRAINT fk_order_agreements_order_id FOREIGN KEY(order_id) REFERENCES orders (id)
)
-- next
CREATE TABLE order_rebuilds (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	order_id VARCHAR(32) NOT NULL, 
	vin VARCHAR(17), 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_order_rebuilds PRIMARY KEY (id), 
	CONSTRAINT fk_order_rebuilds_order_id FOREIGN KEY(order_id) REFERENCES orders (id)
)
-- next
CREATE TABLE price_answers (
	participant_id VARCHAR(32) NOT NULL, 
	took BOOLEAN NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_price_answers PRIMARY KEY (participant_id), 
	CONSTRAINT fk_price_answers_participant_id FOREIGN KEY(participant_id) REFERENCES comparison_participants (id)
)
-- next
CREATE TABLE promise_outcomes (
	order_id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	plant_id VARCHAR(32) NOT NULL, 
	expected_on DATE NOT NULL, 
	promised_by DATE NOT NULL, 
	planned_on DATE NOT NULL, 
	dated_at VARCHAR(27), 
	ready_on DATE, 
	CONSTRAINT pk_promise_outcomes PRIMARY KEY (order_id), 
	CONSTRAINT ck_promise_outcomes_in_order CHECK (expected_on <= promised_by), 
	CONSTRAINT fk_promise_outcomes_order_id FOREIGN KEY(order_id) REFERENCES orders (id), 
	CONSTRAINT fk_promise_outcomes_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE quotes (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32), 
	configuration_id VARCHAR(32), 
	version_id VARCHAR(32) NOT NULL, 
	policy_version INTEGER NOT NULL, 
	store_id VARCHAR(32) NOT NULL, 
	vehicle_price_minor BIGINT NOT NULL, 
	total_minor BIGINT NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	options TEXT NOT NULL, 
	region VARCHAR(40) NOT NULL, 
	class_key VARCHAR(300) NOT NULL, 
	document TEXT NOT NULL, 
	key_id VARCHAR(16) NOT NULL, 
	signature VARCHAR(100) NOT NULL, 
	issued_at VARCHAR(27) NOT NULL, 
	expires_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_quotes PRIMARY KEY (id), 
	CONSTRAINT ck_quotes_prices_positive CHECK (vehicle_price_minor > 0 AND total_minor > 0), 
	CONSTRAINT ck_quotes_expires_later CHECK (expires_at > issued_at), 
	CONSTRAINT fk_quotes_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_quotes_configuration_id FOREIGN KEY(configuration_id) REFERENCES configurations (id), 
	CONSTRAINT fk_quotes_version_id FOREIGN KEY(version_id) REFERENCES catalogue_versions (id), 
	CONSTRAINT fk_quotes_store_id FOREIGN KEY(store_id) REFERENCES stores (id)
)
-- next
CREATE TABLE role_grants (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	role VARCHAR(20) NOT NULL, 
	store_id VARCHAR(32), 
	granted_by VARCHAR(32), 
	granted_at VARCHAR(27) NOT NULL, 
	revoked_by VARCHAR(32), 
	revoked_at VARCHAR(27), 
	CONSTRAINT pk_role_grants PRIMARY KEY (id), 
	CONSTRAINT ck_role_grants_role_known CHECK (role IN ('consumer', 'dealer', 'planner', 'brand_admin', 'operator', 'auditor')), 
	CONSTRAINT ck_role_grants_dealer_has_store CHECK ((role = 'dealer') = (store_id IS NOT NULL)), 
	CONSTRAINT ck_role_grants_revoked_has_moment CHECK (revoked_at IS NOT NULL OR revoked_by IS NULL), 
	CONSTRAINT fk_role_grants_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_role_grants_account_id FOREIGN KEY(account_id) REFERENCES accounts (id), 
	CONSTRAINT fk_role_grants_store_id FOREIGN KEY(store_id) REFERENCES stores (id)
)
-- next
CREATE TABLE sessions (
	id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	device VARCHAR(80) NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	seen_at VARCHAR(27) NOT NULL, 
	expires_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_sessions PRIMARY KEY (id), 
	CONSTRAINT fk_sessions_account_id FOREIGN KEY(account_id) REFERENCES accounts (id), 
	CONSTRAINT uq_sessions_token_hash UNIQUE (token_hash)
)
-- next
CREATE TABLE store_changes (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	order_id VARCHAR(32) NOT NULL, 
	from_store_id VARCHAR(32) NOT NULL, 
	to_store_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_store_changes PRIMARY KEY (id), 
	CONSTRAINT ck_store_changes_another_store CHECK (from_store_id <> to_store_id), 
	CONSTRAINT fk_store_changes_order_id FOREIGN KEY(order_id) REFERENCES orders (id), 
	CONSTRAINT fk_store_changes_from_store_id FOREIGN KEY(from_store_id) REFERENCES stores (id), 
	CONSTRAINT fk_store_changes_to_store_id FOREIGN KEY(to_store_id) REFERENCES stores (id)
)
-- next
CREATE TABLE wait_offers (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	order_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	made_at VARCHAR(27) NOT NULL, 
	answer_by VARCHAR(27) NOT NULL, 
	built_on DATE, 
	waits_days INTEGER NOT NULL, 
	credit_minor BIGINT NOT NULL, 
	answered_at VARCHAR(27), 
	credited_at VARCHAR(27), 
	CONSTRAINT pk_wait_offers PRIMARY KEY (id), 
	CONSTRAINT ck_wait_offers_state_known CHECK (state IN ('open', 'accepted', 'declined', 'expired')), 
	CONSTRAINT ck_wait_offers_worth_waiting CHECK (waits_days > 0 AND credit_minor >= 0), 
	CONSTRAINT ck_wait_offers_answered_when_it_is CHECK ((answered_at IS NOT NULL) = (state IN ('accepted', 'declined'))), 
	CONSTRAINT ck_wait_offers_credited_to_who_stayed CHECK (credited_at IS NULL OR state = 'accepted'), 
	CONSTRAINT uq_wait_offers_order_id UNIQUE (order_id), 
	CONSTRAINT fk_wait_offers_order_id FOREIGN KEY(order_id) REFERENCES orders (id)
)
-- next
CREATE TABLE week_plan_worths (
	plan_id VARCHAR(32) NOT NULL, 
	position INTEGER NOT NULL, 
	week DATE NOT NULL, 
	resource VARCHAR(80) NOT NULL, 
	worth_minor BIGINT NOT NULL, 
	CONSTRAINT pk_week_plan_worths PRIMARY KEY (plan_id, position), 
	CONSTRAINT ck_week_plan_worths_worth_something CHECK (worth_minor > 0), 
	CONSTRAINT fk_week_plan_worths_plan_id FOREIGN KEY(plan_id) REFERENCES week_plans (id)
)
-- next
CREATE TABLE car_swaps (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	round_id VARCHAR(32) NOT NULL, 
	order_id VARCHAR(32) NOT NULL, 
	from_build_order_id VARCHAR(32) NOT NULL, 
	to_build_order_id VARCHAR(32) NOT NULL, 
	days_late_before INTEGER NOT NULL, 
	days_late_after INTEGER NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_car_swaps PRIMARY KEY (id), 
	CONSTRAINT uq_car_swaps_round_id_order_id UNIQUE (round_id, order_id), 
	CONSTRAINT uq_car_swaps_round_id_from_build_order_id UNIQUE (round_id, from_build_order_id), 
	CONSTRAINT uq_car_swaps_round_id_to_build_order_id UNIQUE (round_id, to_build_order_id), 
	CONSTRAINT ck_car_swaps_another_car CHECK (from_build_order_id <> to_build_order_id), 
	CONSTRAINT ck_car_swaps_nobody_later CHECK (days_late_after BETWEEN 0 AND days_late_before), 
	CONSTRAINT fk_car_swaps_round_id FOREIGN KEY(round_id) REFERENCES swap_rounds (id), 
	CONSTRAINT fk_car_swaps_order_id FOREIGN KEY(order_id) REFERENCES orders (id), 
	CONSTRAINT fk_car_swaps_from_build_order_id FOREIGN KEY(from_build_order_id) REFERENCES build_orders (id), 
	CONSTRAINT fk_car_swaps_to_build_order_id FOREIGN KEY(to_build_order_id) REFERENCES build_orders (id)
)
-- next
CREATE TABLE part_takings (
	build_order_id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_part_takings PRIMARY KEY (build_order_id), 
	CONSTRAINT fk_part_takings_build_order_id FOREIGN KEY(build_order_id) REFERENCES build_orders (id)
)
-- next
CREATE TABLE plant_events (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	plant_id VARCHAR(32) NOT NULL, 
	event_id VARCHAR(80) NOT NULL, 
	build_order_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	stage VARCHAR(20) NOT NULL, 
	occurred_at VARCHAR(27) NOT NULL, 
	received_at VARCHAR(27) NOT NULL, 
	repair_minor BIGINT NOT NULL, 
	CONSTRAINT pk_plant_events PRIMARY KEY (id), 
	CONSTRAINT uq_plant_events_plant_id_event_id UNIQUE (plant_id, event_id), 
	CONSTRAINT uq_plant_events_build_order_id_number UNIQUE (build_order_id, number), 
	CONSTRAINT fk_plant_events_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id), 
	CONSTRAINT fk_plant_events_build_order_id FOREIGN KEY(build_order_id) REFERENCES build_orders (id)
)
-- next
CREATE TABLE plant_messages (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	hook_id VARCHAR(32) NOT NULL, 
	event_id VARCHAR(32) NOT NULL, 
	build_order_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	body TEXT NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	state VARCHAR(12) NOT NULL, 
	attempts INTEGER NOT NULL, 
	due_at VARCHAR(27), 
	last_status VARCHAR(20), 
	delivered_at VARCHAR(27), 
	CONSTRAINT pk_plant_messages PRIMARY KEY (id), 
	CONSTRAINT ck_plant_messages_state_known CHECK (state IN ('waiting', 'delivered', 'given_up')), 
	CONSTRAINT ck_plant_messages_waiting_is_due CHECK ((state = 'waiting') = (due_at IS NOT NULL)), 
	CONSTRAINT ck_plant_messages_delivered_then CHECK ((state = 'delivered') = (delivered_at IS NOT NULL)), 
	CONSTRAINT uq_plant_messages_hook_id_event_id_build_order_id UNIQUE (hook_id, event_id, build_order_id), 
	CONSTRAINT fk_plant_messages_hook_id FOREIGN KEY(hook_id) REFERENCES plant_hooks (id), 
	CONSTRAINT fk_plant_messages_build_order_id FOREIGN KEY(build_order_id) REFERENCES build_orders (id)
)
-- next
CREATE TABLE pre_orders (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	quote_id VARCHAR(32) NOT NULL, 
	version_id VARCHAR(32) NOT NULL, 
	policy_version INTEGER NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	options TEXT NOT NULL, 
	class_l1 VARCHAR(300) NOT NULL, 
	class_l2 VARCHAR(300) NOT NULL, 
	plant_code VARCHAR(40) NOT NULL, 
	store_id VARCHAR(32) NOT NULL, 
	region VARCHAR(40) NOT NULL, 
	vehicle_price_minor BIGINT NOT NULL, 
	price_cap_minor BIGINT NOT NULL, 
	method VARCHAR(12) NOT NULL, 
	failure_choice VARCHAR(8) NOT NULL, 
	deposit_minor BIGINT NOT NULL, 
	placed_at VARCHAR(27) NOT NULL, 
	accepts_wider_class BOOLEAN NOT NULL, 
	accepts_frozen BOOLEAN NOT NULL, 
	finance_approved_at VARCHAR(27), 
	plate_confirmed_at VARCHAR(27), 
	rolls INTEGER NOT NULL, 
	pool_id VARCHAR(32) NOT NULL, 
	payment_id VARCHAR(32) NOT NULL, 
	payable_until VARCHAR(27), 
	funded_at VARCHAR(27), 
	place_number BIGINT, 
	state VARCHAR(16) NOT NULL, 
	state_at VARCHAR(27) NOT NULL, 
	price_minor BIGINT, 
	refund_by VARCHAR(27), 
	CONSTRAINT pk_pre_orders PRIMARY KEY (id), 
	CONSTRAINT ck_pre_orders_state_known CHECK (state IN ('acknowledged', 'pooled', 'rolled_over', 'locked', 'expired_unpaid', 'withdrawn', 'refunded', 'removed')), 
	CONSTRAINT ck_pre_orders_a_place_is_funded CHECK (state NOT IN ('pooled', 'rolled_over', 'locked') OR funded_at IS NOT NULL), 
	CONSTRAINT ck_pre_orders_locked_has_price CHECK ((state = 'locked') = (price_minor IS NOT NULL)), 
	CONSTRAINT ck_pre_orders_price_within_cap CHECK (price_minor IS NULL OR price_minor <= price_cap_minor), 
	CONSTRAINT ck_pre_orders_price_within_quote CHECK (price_minor IS NULL OR price_minor <= vehicle_price_minor), 
	CONSTRAINT ck_pre_orders_earnest_within_ceiling CHECK (price_minor IS NULL OR deposit_minor * 5 <= price_minor), 
	CONSTRAINT ck_pre_orders_amounts_positive CHECK (vehicle_price_minor > 0 AND price_cap_minor > 0 AND deposit_minor > 0), 
	CONSTRAINT uq_pre_orders_pool_id_place_number UNIQUE (pool_id, place_number), 
	CONSTRAINT fk_pre_orders_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT uq_pre_orders_quote_id UNIQUE (quote_id), 
	CONSTRAINT fk_pre_orders_quote_id FOREIGN KEY(quote_id) REFERENCES quotes (id), 
	CONSTRAINT fk_pre_orders_store_id FOREIGN KEY(store_id) REFERENCES stores (id), 
	CONSTRAINT fk_pre_orders_pool_id FOREIGN KEY(pool_id) REFERENCES pools (id), 
	CONSTRAINT fk_pre_orders_payment_id FOREIGN KEY(payment_id) REFERENCES payments (id)
)
-- next
CREATE TABLE promise_holds (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32), 
	quote_id VARCHAR(32) NOT NULL, 
	pre_order_id VARCHAR(32), 
	pool_id VARCHAR(32) NOT NULL, 
	plant_id VARCHAR(32) NOT NULL, 
	week DATE NOT NULL, 
	from_held TEXT NOT NULL, 
	from_free TEXT NOT NULL, 
	p50 DATE NOT NULL, 
	p90 DATE NOT NULL, 
	dated_at VARCHAR(27) NOT NULL, 
	held_at VARCHAR(27) NOT NULL, 
	expires_at VARCHAR(27) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	ended_at VARCHAR(27), 
	reason VARCHAR(40), 
	CONSTRAINT pk_promise_holds PRIMARY KEY (id), 
	CONSTRAINT ck_promise_holds_state_known CHECK (state IN ('held', 'kept', 'ended')), 
	CONSTRAINT ck_promise_holds_ended_when_it_ends CHECK ((state = 'ended') = (ended_at IS NOT NULL)), 
	CONSTRAINT ck_promise_holds_kept_for_a_member CHECK (state <> 'kept' OR pre_order_id IS NOT NULL), 
	CONSTRAINT ck_promise_holds_in_order CHECK (p50 <= p90 AND held_at < expires_at), 
	CONSTRAINT fk_promise_holds_quote_id FOREIGN KEY(quote_id) REFERENCES quotes (id), 
	CONSTRAINT fk_promise_holds_pool_id FOREIGN KEY(pool_id) REFERENCES pool_plans (pool_id), 
	CONSTRAINT fk_promise_holds_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id)
)
-- next
CREATE TABLE quote_endings (
	quote_id VARCHAR(32) NOT NULL, 
	ending VARCHAR(12) NOT NULL, 
	reference VARCHAR(32), 
	"by" VARCHAR(32), 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_quote_endings PRIMARY KEY (quote_id), 
	CONSTRAINT ck_quote_endings_ending_known CHECK (ending IN ('accepted', 'superseded')), 
	CONSTRAINT fk_quote_endings_quote_id FOREIGN KEY(quote_id) REFERENCES quotes (id)
)
-- next
CREATE TABLE swap_offers (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	order_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	days_sooner INTEGER NOT NULL, 
	offered_at VARCHAR(27) NOT NULL, 
	answer_by VARCHAR(27) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	answered_at VARCHAR(27), 
	build_order_id VARCHAR(32) NOT NULL, 
	with_build_order_id VARCHAR(32) NOT NULL, 
	stage VARCHAR(20) NOT NULL, 
	passed_on DATE, 
	CONSTRAINT pk_swap_offers PRIMARY KEY (id), 
	CONSTRAINT ck_swap_offers_another_car CHECK (build_order_id <> with_build_order_id), 
	CONSTRAINT ck_swap_offers_state_known CHECK (state IN ('open', 'accepted', 'declined', 'lapsed')), 
	CONSTRAINT ck_swap_offers_answered_when_it_is CHECK ((state = 'open') = (answered_at IS NULL)), 
	CONSTRAINT ck_swap_offers_time_to_answer CHECK (offered_at < answer_by), 
	CONSTRAINT ck_swap_offers_worth_an_answer CHECK (days_sooner > 0), 
	CONSTRAINT fk_swap_offers_order_id FOREIGN KEY(order_id) REFERENCES orders (id), 
	CONSTRAINT fk_swap_offers_build_order_id FOREIGN KEY(build_order_id) REFERENCES build_orders (id), 
	CONSTRAINT fk_swap_offers_with_build_order_id FOREIGN KEY(with_build_order_id) REFERENCES build_orders (id)
)
-- next
CREATE TABLE vehicles (
	vin VARCHAR(17) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	plant_id VARCHAR(32) NOT NULL, 
	build_order_id VARCHAR(32) NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	options TEXT NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	newness INTEGER NOT NULL, 
	identified_at VARCHAR(27) NOT NULL, 
	built_at VARCHAR(27), 
	delivered_at VARCHAR(27), 
	consented_for VARCHAR(32), 
	CONSTRAINT pk_vehicles PRIMARY KEY (vin), 
	CONSTRAINT ck_vehicles_seventeen_places CHECK (length(vin) = 17), 
	CONSTRAINT ck_vehicles_state_known CHECK (state IN ('planned', 'built', 'allocated', 'delivered', 'gone')), 
	CONSTRAINT ck_vehicles_newness_known CHECK (newness BETWEEN 0 AND 6), 
	CONSTRAINT ck_vehicles_sold_as_new CHECK (state NOT IN ('allocated', 'delivered') OR newness <= 1 OR (newness = 2 AND consented_for IS NOT NULL)), 
	CONSTRAINT fk_vehicles_plant_id FOREIGN KEY(plant_id) REFERENCES plants (id), 
	CONSTRAINT uq_vehicles_build_order_id UNIQUE (build_order_id), 
	CONSTRAINT fk_vehicles_build_order_id FOREIGN KEY(build_order_id) REFERENCES build_orders (id), 
	CONSTRAINT fk_vehicles_consented_for FOREIGN KEY(consented_for) REFERENCES orders (id)
)
-- next
CREATE TABLE allocations (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	vin VARCHAR(17) NOT NULL, 
	order_id VARCHAR(32) NOT NULL, 
	made_at VARCHAR(27) NOT NULL, 
	ended_at VARCHAR(27), 
	reason VARCHAR(80), 
	CONSTRAINT pk_allocations PRIMARY KEY (id), 
	CONSTRAINT uq_allocations_vin_order_id_made_at UNIQUE (vin, order_id, made_at), 
	CONSTRAINT fk_allocations_vin FOREIGN KEY(vin) REFERENCES vehicles (vin), 
	CONSTRAINT fk_allocations_order_id FOREIGN KEY(order_id) REFERENCES orders (id)
)
-- next
CREATE TABLE early_bonuses (
	brand_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	year INTEGER NOT NULL, 
	pool_id VARCHAR(32) NOT NULL, 
	pre_order_id VARCHAR(32) NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_early_bonuses PRIMARY KEY (brand_id, person_id, year), 
	CONSTRAINT fk_early_bonuses_pool_id FOREIGN KEY(pool_id) REFERENCES pools (id), 
	CONSTRAINT fk_early_bonuses_pre_order_id FOREIGN KEY(pre_order_id) REFERENCES pre_orders (id)
)
-- next
CREATE TABLE early_offers (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	order_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	days_sooner INTEGER NOT NULL, 
	offered_at VARCHAR(27) NOT NULL, 
	answer_by VARCHAR(27) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	answered_at VARCHAR(27), 
	round_id VARCHAR(32) NOT NULL, 
	vin VARCHAR(17) NOT NULL, 
	from_order_id VARCHAR(32), 
	CONSTRAINT pk_early_offers PRIMARY KEY (id), 
	CONSTRAINT ck_early_offers_taken_from_whom CHECK (from_order_id IS NULL OR state = 'accepted'), 
	CONSTRAINT ck_early_offers_state_known CHECK (state IN ('open', 'accepted', 'declined', 'lapsed')), 
	CONSTRAINT ck_early_offers_answered_when_it_is CHECK ((state = 'open') = (answered_at IS NULL)), 
	CONSTRAINT ck_early_offers_time_to_answer CHECK (offered_at < answer_by), 
	CONSTRAINT ck_early_offers_worth_an_answer CHECK (days_sooner > 0), 
	CONSTRAINT fk_early_offers_order_id FOREIGN KEY(order_id) REFERENCES orders (id), 
	CONSTRAINT fk_early_offers_round_id FOREIGN KEY(round_id) REFERENCES early_rounds (id), 
	CONSTRAINT fk_early_offers_vin FOREIGN KEY(vin) REFERENCES vehicles (vin), 
	CONSTRAINT fk_early_offers_from_order_id FOREIGN KEY(from_order_id) REFERENCES orders (id)
)
-- next
CREATE TABLE handovers (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	order_id VARCHAR(32) NOT NULL, 
	vin VARCHAR(17) NOT NULL, 
	store_id VARCHAR(32) NOT NULL, 
	appointment_at VARCHAR(27) NOT NULL, 
	place INTEGER NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	checklist TEXT NOT NULL, 
	balance_payment_id VARCHAR(32), 
	booked_at VARCHAR(27) NOT NULL, 
	inspected_at VARCHAR(27), 
	ended_at VARCHAR(27), 
	reason VARCHAR(400), 
	CONSTRAINT pk_handovers PRIMARY KEY (id), 
	CONSTRAINT ck_handovers_state_known CHECK (state IN ('booked', 'inspected', 'balance_paid', 'signed', 'rejected')), 
	CONSTRAINT ck_handovers_inspected_first CHECK (state IN ('booked', 'rejected') OR inspected_at IS NOT NULL), 
	CONSTRAINT ck_handovers_no_balance_before_inspection CHECK (balance_payment_id IS NULL OR inspected_at IS NOT NULL), 
	CONSTRAINT ck_handovers_ended_when_it_ends CHECK ((ended_at IS NOT NULL) = (state IN ('signed', 'rejected'))), 
	CONSTRAINT fk_handovers_order_id FOREIGN KEY(order_id) REFERENCES orders (id), 
	CONSTRAINT fk_handovers_vin FOREIGN KEY(vin) REFERENCES vehicles (vin), 
	CONSTRAINT fk_handovers_store_id FOREIGN KEY(store_id) REFERENCES stores (id)
)
-- next
CREATE TABLE papers (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	order_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	vin VARCHAR(17) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	newness VARCHAR(20) DEFAULT 'new' NOT NULL, 
	provider VARCHAR(40) NOT NULL, 
	state VARCHAR(12) NOT NULL, 
	requested_at VARCHAR(27) NOT NULL, 
	number VARCHAR(80), 
	reason VARCHAR(80), 
	answered_at VARCHAR(27), 
	voided_at VARCHAR(27), 
	due_at VARCHAR(27), 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_papers PRIMARY KEY (id), 
	CONSTRAINT ck_papers_kind_known CHECK (kind IN ('vehicle_invoice', 'insurance', 'plate')), 
	CONSTRAINT ck_papers_state_known CHECK (state IN ('requested', 'issued', 'refused', 'void_wanted', 'voided')), 
	CONSTRAINT ck_papers_issued_has_number CHECK ((state <> 'issued' OR number IS NOT NULL) AND (state NOT IN ('requested', 'refused') OR number IS NULL)), 
	CONSTRAINT ck_papers_asked_while_it_waits CHECK ((state IN ('requested', 'void_wanted')) = (due_at IS NOT NULL)), 
	CONSTRAINT ck_papers_refused_has_reason CHECK ((state = 'refused') = (reason IS NOT NULL)), 
	CONSTRAINT ck_papers_answered_when_it_is CHECK ((state = 'requested') = (answered_at IS NULL)), 
	CONSTRAINT ck_papers_voided_when_it_is CHECK ((state = 'voided') = (voided_at IS NOT NULL)), 
	CONSTRAINT fk_papers_order_id FOREIGN KEY(order_id) REFERENCES orders (id), 
	CONSTRAINT fk_papers_vin FOREIGN KEY(vin) REFERENCES vehicles (vin)
)
-- next
CREATE TABLE pre_order_changes (
	serial INTEGER NOT NULL, 
	pre_order_id VARCHAR(32) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	reason VARCHAR(40) NOT NULL, 
	asked_by_pool_id VARCHAR(32), 
	"by" VARCHAR(32), 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_pre_order_changes PRIMARY KEY (serial), 
	CONSTRAINT ck_pre_order_changes_a_question_names_its_pool CHECK ((reason = 'terms_offered') = (asked_by_pool_id IS NOT NULL)), 
	CONSTRAINT fk_pre_order_changes_pre_order_id FOREIGN KEY(pre_order_id) REFERENCES pre_orders (id), 
	CONSTRAINT fk_pre_order_changes_asked_by_pool_id FOREIGN KEY(asked_by_pool_id) REFERENCES pools (id)
)
-- next
CREATE TABLE proposal_cars (
	proposal_id VARCHAR(32) NOT NULL, 
	vin VARCHAR(17) NOT NULL, 
	option VARCHAR(80) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	pre_order_id VARCHAR(32), 
	version_id VARCHAR(32) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_proposal_cars PRIMARY KEY (proposal_id, vin, option), 
	CONSTRAINT fk_proposal_cars_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposals (id), 
	CONSTRAINT fk_proposal_cars_brand_id FOREIGN KEY(brand_id) REFERENCES brands (id), 
	CONSTRAINT fk_proposal_cars_pre_order_id FOREIGN KEY(pre_order_id) REFERENCES pre_orders (id)
)
-- next
CREATE TABLE repair_offers (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	order_id VARCHAR(32) NOT NULL, 
	vin VARCHAR(17) NOT NULL, 
	repair_minor BIGINT NOT NULL, 
	reduction_minor BIGINT NOT NULL, 
	offered_at VARCHAR(27) NOT NULL, 
	answer_by VARCHAR(27) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	answered_at VARCHAR(27), 
	CONSTRAINT pk_repair_offers PRIMARY KEY (id), 
	CONSTRAINT ck_repair_offers_state_known CHECK (state IN ('open', 'accepted', 'declined', 'lapsed')), 
	CONSTRAINT ck_repair_offers_answered_when_it_is CHECK ((state = 'open') = (answered_at IS NULL)), 
	CONSTRAINT ck_repair_offers_time_to_answer CHECK (offered_at < answer_by), 
	CONSTRAINT ck_repair_offers_worth_an_answer CHECK (reduction_minor > 0), 
	CONSTRAINT fk_repair_offers_order_id FOREIGN KEY(order_id) REFERENCES orders (id), 
	CONSTRAINT fk_repair_offers_vin FOREIGN KEY(vin) REFERENCES vehicles (vin)
)
-- next
CREATE TABLE shipments (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	vin VARCHAR(17) NOT NULL, 
	order_id VARCHAR(32), 
	store_id VARCHAR(32) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	carrier_account_id VARCHAR(32), 
	planned_at VARCHAR(27) NOT NULL, 
	loaded_at VARCHAR(27), 
	arrived_at VARCHAR(27), 
	inspected_at VARCHAR(27), 
	CONSTRAINT pk_shipments PRIMARY KEY (id), 
	CONSTRAINT ck_shipments_state_known CHECK (state IN ('planned', 'loaded', 'in_transit', 'arrived', 'inspected', 'damaged', 'lost')), 
	CONSTRAINT uq_shipments_vin_order_id UNIQUE (vin, order_id), 
	CONSTRAINT fk_shipments_vin FOREIGN KEY(vin) REFERENCES vehicles (vin), 
	CONSTRAINT fk_shipments_order_id FOREIGN KEY(order_id) REFERENCES orders (id), 
	CONSTRAINT fk_shipments_store_id FOREIGN KEY(store_id) REFERENCES stores (id)
)
-- next
CREATE TABLE stock_prices (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	store_id VARCHAR(32) NOT NULL, 
	vin VARCHAR(17) NOT NULL, 
	price_minor BIGINT NOT NULL, 
	told INTEGER NOT NULL, 
	by_account_id VARCHAR(32), 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_stock_prices PRIMARY KEY (id), 
	CONSTRAINT ck_stock_prices_price_positive CHECK (price_minor > 0), 
	CONSTRAINT fk_stock_prices_store_id FOREIGN KEY(store_id) REFERENCES stores (id), 
	CONSTRAINT fk_stock_prices_vin FOREIGN KEY(vin) REFERENCES vehicles (vin)
)
-- next
CREATE TABLE stock_quotes (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	store_id VARCHAR(32) NOT NULL, 
	vin VARCHAR(17) NOT NULL, 
	price_minor BIGINT NOT NULL, 
	total_minor BIGINT NOT NULL, 
	told INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	key_id VARCHAR(40) NOT NULL, 
	signature VARCHAR(120) NOT NULL, 
	issued_at VARCHAR(27) NOT NULL, 
	expires_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_stock_quotes PRIMARY KEY (id), 
	CONSTRAINT ck_stock_quotes_sound CHECK (price_minor > 0 AND issued_at < expires_at), 
	CONSTRAINT fk_stock_quotes_store_id FOREIGN KEY(store_id) REFERENCES stores (id), 
	CONSTRAINT fk_stock_quotes_vin FOREIGN KEY(vin) REFERENCES vehicles (vin)
)
-- next
CREATE TABLE store_shares (
	order_id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	store_id VARCHAR(32) NOT NULL, 
	vin VARCHAR(17) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	sold_minor BIGINT NOT NULL, 
	maker_minor BIGINT NOT NULL, 
	share_minor BIGINT NOT NULL, 
	policy_version INTEGER NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_store_shares PRIMARY KEY (order_id), 
	CONSTRAINT ck_store_shares_kind_known CHECK (kind IN ('fee', 'stock')), 
	CONSTRAINT ck_store_shares_adds_up CHECK (share_minor = sold_minor - maker_minor), 
	CONSTRAINT ck_store_shares_fee_is_the_stores CHECK (kind <> 'fee' OR maker_minor = 0), 
	CONSTRAINT fk_store_shares_order_id FOREIGN KEY(order_id) REFERENCES orders (id), 
	CONSTRAINT fk_store_shares_store_id FOREIGN KEY(store_id) REFERENCES stores (id), 
	CONSTRAINT fk_store_shares_vin FOREIGN KEY(vin) REFERENCES vehicles (vin)
)
-- next
CREATE TABLE condition_checks (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	shipment_id VARCHAR(32) NOT NULL, 
	vin VARCHAR(17) NOT NULL, 
	at_hand_over VARCHAR(12) NOT NULL, 
	odometer_km INTEGER NOT NULL, 
	photos TEXT NOT NULL, 
	marks TEXT NOT NULL, 
	by_account_id VARCHAR(32), 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_condition_checks PRIMARY KEY (id), 
	CONSTRAINT ck_condition_checks_hand_over_known CHECK (at_hand_over IN ('loaded', 'arrived', 'inspected')), 
	CONSTRAINT ck_condition_checks_odometer_not_negative CHECK (odometer_km >= 0), 
	CONSTRAINT uq_condition_checks_shipment_id_at_hand_over UNIQUE (shipment_id, at_hand_over), 
	CONSTRAINT fk_condition_checks_shipment_id FOREIGN KEY(shipment_id) REFERENCES shipments (id), 
	CONSTRAINT fk_condition_checks_vin FOREIGN KEY(vin) REFERENCES vehicles (vin)
)
-- next
CREATE TABLE order_balances (
	handover_id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	order_id VARCHAR(32) NOT NULL, 
	day DATE NOT NULL, 
	policy_version INTEGER NOT NULL, 
	vehicle_minor BIGINT NOT NULL, 
	guaranteed_other_minor BIGINT NOT NULL, 
	third_party_minor BIGINT NOT NULL, 
	earnest_minor BIGINT NOT NULL, 
	late_credit_minor BIGINT NOT NULL, 
	agreed_minor BIGINT DEFAULT '0' NOT NULL, 
	requested_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_order_balances PRIMARY KEY (handover_id), 
	CONSTRAINT fk_order_balances_handover_id FOREIGN KEY(handover_id) REFERENCES handovers (id), 
	CONSTRAINT fk_order_balances_order_id FOREIGN KEY(order_id) REFERENCES orders (id)
)
-- next
CREATE TABLE shipment_events (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	shipment_id VARCHAR(32) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	by_account_id VARCHAR(32), 
	detail VARCHAR(400), 
	occurred_at VARCHAR(27) NOT NULL, 
	received_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_shipment_events PRIMARY KEY (id), 
	CONSTRAINT uq_shipment_events_shipment_id_state UNIQUE (shipment_id, state), 
	CONSTRAINT fk_shipment_events_shipment_id FOREIGN KEY(shipment_id) REFERENCES shipments (id)
)
-- next
CREATE TABLE stock_holds (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	vin VARCHAR(17) NOT NULL, 
	quote_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32), 
	held_at VARCHAR(27) NOT NULL, 
	expires_at VARCHAR(27) NOT NULL, 
	ended_at VARCHAR(27), 
	reason VARCHAR(20), 
	CONSTRAINT pk_stock_holds PRIMARY KEY (id), 
	CONSTRAINT ck_stock_holds_in_order CHECK (held_at < expires_at), 
	CONSTRAINT ck_stock_holds_ended_for_a_reason CHECK ((ended_at IS NULL) = (reason IS NULL)), 
	CONSTRAINT fk_stock_holds_vin FOREIGN KEY(vin) REFERENCES vehicles (vin), 
	CONSTRAINT fk_stock_holds_quote_id FOREIGN KEY(quote_id) REFERENCES stock_quotes (id)
)
-- next
CREATE TABLE stock_moves (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	round_id VARCHAR(32) NOT NULL, 
	vin VARCHAR(17) NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	from_store_id VARCHAR(32), 
	store_id VARCHAR(32) NOT NULL, 
	distance_km INTEGER NOT NULL, 
	transport_minor BIGINT NOT NULL, 
	days_late INTEGER NOT NULL, 
	is_first BOOLEAN NOT NULL, 
	worth_minor BIGINT NOT NULL, 
	saved_minor BIGINT NOT NULL, 
	next_store_id VARCHAR(32), 
	next_minor BIGINT NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	offered_at VARCHAR(27) NOT NULL, 
	answer_by VARCHAR(27) NOT NULL, 
	answered_at VARCHAR(27), 
	shipment_id VARCHAR(32), 
	reason VARCHAR(20), 
	CONSTRAINT pk_stock_moves PRIMARY KEY (id), 
	CONSTRAINT uq_stock_moves_round_id_vin UNIQUE (round_id, vin), 
	CONSTRAINT ck_stock_moves_state_known CHECK (state IN ('offered', 'accepted', 'refused', 'lapsed')), 
	CONSTRAINT ck_stock_moves_answered_when_it_is CHECK ((state = 'offered') = (answered_at IS NULL)), 
	CONSTRAINT ck_stock_moves_accepted_goes CHECK ((state = 'accepted') = (shipment_id IS NOT NULL)), 
	CONSTRAINT ck_stock_moves_somewhere_else CHECK (from_store_id IS NULL OR from_store_id <> store_id), 
	CONSTRAINT ck_stock_moves_first_cars_come_from_plants CHECK (days_late >= 0 AND (from_store_id IS NULL OR NOT is_first)), 
	CONSTRAINT fk_stock_moves_round_id FOREIGN KEY(round_id) REFERENCES allocation_rounds (id), 
	CONSTRAINT fk_stock_moves_vin FOREIGN KEY(vin) REFERENCES vehicles (vin), 
	CONSTRAINT fk_stock_moves_from_store_id FOREIGN KEY(from_store_id) REFERENCES stores (id), 
	CONSTRAINT fk_stock_moves_store_id FOREIGN KEY(store_id) REFERENCES stores (id), 
	CONSTRAINT fk_stock_moves_next_store_id FOREIGN KEY(next_store_id) REFERENCES stores (id), 
	CONSTRAINT fk_stock_moves_shipment_id FOREIGN KEY(shipment_id) REFERENCES shipments (id)
)
-- next
CREATE TABLE vehicle_disclosures (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	vin VARCHAR(17) NOT NULL, 
	number INTEGER NOT NULL, 
	reason VARCHAR(40) NOT NULL, 
	detail VARCHAR(400) NOT NULL, 
	repair_minor BIGINT NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	accepted_by VARCHAR(32), 
	accepted_at VARCHAR(27), 
	shipment_id VARCHAR(32), 
	CONSTRAINT pk_vehicle_disclosures PRIMARY KEY (id), 
	CONSTRAINT ck_vehicle_disclosures_damaged_on_a_way CHECK ((reason = 'transport_damage') = (shipment_id IS NOT NULL)), 
	CONSTRAINT ck_vehicle_disclosures_reason_known CHECK (reason IN ('rework', 'transport_damage', 'rejected_handover', 'display', 'demo')), 
	CONSTRAINT ck_vehicle_disclosures_repair_not_negative CHECK (repair_minor >= 0), 
	CONSTRAINT ck_vehicle_disclosures_numbered_from_one CHECK (number >= 1), 
	CONSTRAINT uq_vehicle_disclosures_vin_number UNIQUE (vin, number), 
	CONSTRAINT fk_vehicle_disclosures_vin FOREIGN KEY(vin) REFERENCES vehicles (vin), 
	CONSTRAINT fk_vehicle_disclosures_shipment_id FOREIGN KEY(shipment_id) REFERENCES shipments (id)
)
-- next
CREATE TABLE damage_cases (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	vin VARCHAR(17) NOT NULL, 
	shipment_id VARCHAR(32) NOT NULL, 
	check_id VARCHAR(32) NOT NULL, 
	party VARCHAR(10) NOT NULL, 
	marks TEXT NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	opened_at VARCHAR(27) NOT NULL, 
	answered_at VARCHAR(27), 
	closed_at VARCHAR(27), 
	borne_by VARCHAR(10), 
	repair_minor BIGINT, 
	CONSTRAINT pk_damage_cases PRIMARY KEY (id), 
	CONSTRAINT ck_damage_cases_state_known CHECK (state IN ('open', 'accepted', 'disputed', 'closed')), 
	CONSTRAINT ck_damage_cases_party_known CHECK (party IN ('plant', 'carrier') AND (borne_by IS NULL OR borne_by IN ('plant', 'carrier'))), 
	CONSTRAINT ck_damage_cases_closed_when_it_is CHECK ((state = 'closed') = (closed_at IS NOT NULL)), 
	CONSTRAINT ck_damage_cases_closed_with_a_sum CHECK ((state = 'closed') = (repair_minor IS NOT NULL) AND (state = 'closed') = (borne_by IS NOT NULL)), 
	CONSTRAINT fk_damage_cases_vin FOREIGN KEY(vin) REFERENCES vehicles (vin), 
	CONSTRAINT fk_damage_cases_shipment_id FOREIGN KEY(shipment_id) REFERENCES shipments (id), 
	CONSTRAINT uq_damage_cases_check_id UNIQUE (check_id), 
	CONSTRAINT fk_damage_cases_check_id FOREIGN KEY(check_id) REFERENCES condition_checks (id)
)
-- next
CREATE TABLE stock_purchases (
	id VARCHAR(32) NOT NULL, 
	brand_id VARCHAR(32) NOT NULL, 
	store_id VARCHAR(32) NOT NULL, 
	vin VARCHAR(17) NOT NULL, 
	quote_id VARCHAR(32) NOT NULL, 
	hold_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32), 
	deposit_minor BIGINT NOT NULL, 
	policy_version INTEGER NOT NULL, 
	contract TEXT NOT NULL, 
	key_id VARCHAR(40) NOT NULL, 
	signature VARCHAR(120) NOT NULL, 
	payment_id VARCHAR(32) NOT NULL, 
	placed_at VARCHAR(27) NOT NULL, 
	payable_until VARCHAR(27) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	ended_at VARCHAR(27), 
	reason VARCHAR(20), 
	CONSTRAINT pk_stock_purchases PRIMARY KEY (id), 
	CONSTRAINT ck_stock_purchases_state_known CHECK (state IN ('open', 'bought', 'dropped')), 
	CONSTRAINT ck_stock_purchases_deposit_positive CHECK (deposit_minor > 0), 
	CONSTRAINT ck_stock_purchases_ended_when_it_is CHECK ((state = 'open') = (ended_at IS NULL)), 
	CONSTRAINT ck_stock_purchases_dropped_for_a_reason CHECK ((state = 'dropped') = (reason IS NOT NULL)), 
	CONSTRAINT fk_stock_purchases_store_id FOREIGN KEY(store_id) REFERENCES stores (id), 
	CONSTRAINT fk_stock_purchases_vin FOREIGN KEY(vin) REFERENCES vehicles (vin), 
	CONSTRAINT fk_stock_purchases_quote_id FOREIGN KEY(quote_id) REFERENCES stock_quotes (id), 
	CONSTRAINT uq_stock_purchases_hold_id UNIQUE (hold_id), 
	CONSTRAINT fk_stock_purchases_hold_id FOREIGN KEY(hold_id) REFERENCES stock_holds (id)
)
-- next
CREATE TRIGGER allocation_rounds_no_delete BEFORE DELETE ON allocation_rounds BEGIN SELECT RAISE(ABORT, 'rows of allocation_rounds are never changed'); END
-- next
CREATE TRIGGER allocation_rounds_no_update BEFORE UPDATE ON allocation_rounds BEGIN SELECT RAISE(ABORT, 'rows of allocation_rounds are never changed'); END
-- next
CREATE TRIGGER allocations_for_a_buyer BEFORE INSERT ON allocations WHEN EXISTS (SELECT 1 FROM orders WHERE orders.id = NEW.order_id AND orders.origin = 'store') BEGIN SELECT RAISE(ABORT, 'a car that was ordered for stock is bound to no order'); END
-- next
CREATE TRIGGER allocations_held_for_nobody_else BEFORE INSERT ON allocations WHEN EXISTS (SELECT 1 FROM stock_holds WHERE stock_holds.vin = NEW.vin AND stock_holds.ended_at IS NULL) BEGIN SELECT RAISE(ABORT, 'a stock car that is held is bound to no order'); END
-- next
CREATE TRIGGER backing_changes_no_delete BEFORE DELETE ON backing_changes BEGIN SELECT RAISE(ABORT, 'rows of backing_changes are never changed'); END
-- next
CREATE TRIGGER backing_changes_no_update BEFORE UPDATE ON backing_changes BEGIN SELECT RAISE(ABORT, 'rows of backing_changes are never changed'); END
-- next
CREATE TRIGGER batch_plans_no_delete BEFORE DELETE ON batch_plans BEGIN SELECT RAISE(ABORT, 'rows of batch_plans are never changed'); END
-- next
CREATE TRIGGER batch_plans_no_update BEFORE UPDATE ON batch_plans BEGIN SELECT RAISE(ABORT, 'rows of batch_plans are never changed'); END
-- next
CREATE TRIGGER call_offs_end_is_final BEFORE UPDATE ON call_offs WHEN OLD.state IN ('received', 'withdrawn') BEGIN SELECT RAISE(ABORT, 'a call-off that was received or withdrawn stays as it is'); END
-- next
CREATE TRIGGER car_swaps_no_delete BEFORE DELETE ON car_swaps BEGIN SELECT RAISE(ABORT, 'rows of car_swaps are never changed'); END
-- next
CREATE TRIGGER car_swaps_no_update BEFORE UPDATE ON car_swaps BEGIN SELECT RAISE(ABORT, 'rows of car_swaps are never changed'); END
-- next
CREATE TRIGGER catalogue_versions_no_delete BEFORE DELETE ON catalogue_versions BEGIN SELECT RAISE(ABORT, 'rows of catalogue_versions are never changed'); END
-- next
CREATE TRIGGER catalogue_versions_no_update BEFORE UPDATE ON catalogue_versions BEGIN SELECT RAISE(ABORT, 'rows of catalogue_versions are never changed'); END
-- next
CREATE TRIGGER circle_messages_no_delete BEFORE DELETE ON circle_messages BEGIN SELECT RAISE(ABORT, 'rows of circle_messages are never changed'); END
-- next
CREATE TRIGGER circle_messages_no_update BEFORE UPDATE ON circle_messages BEGIN SELECT RAISE(ABORT, 'rows of circle_messages are never changed'); END
-- next
CREATE TRIGGER circle_offers_no_delete BEFORE DELETE ON circle_offers BEGIN SELECT RAISE(ABORT, 'rows of circle_offers are never changed'); END
-- next
CREATE TRIGGER circle_offers_no_update BEFORE UPDATE ON circle_offers BEGIN SELECT RAISE(ABORT, 'rows of circle_offers are never changed'); END
-- next
CREATE TRIGGER circle_proposals_no_delete BEFORE DELETE ON circle_proposals BEGIN SELECT RAISE(ABORT, 'rows of circle_proposals are never changed'); END
-- next
CREATE TRIGGER circle_proposals_no_update BEFORE UPDATE ON circle_proposals BEGIN SELECT RAISE(ABORT, 'rows of circle_proposals are never changed'); END
-- next
CREATE TRIGGER compared_items_no_delete BEFORE DELETE ON compared_items BEGIN SELECT RAISE(ABORT, 'rows of compared_items are never changed'); END
-- next
CREATE TRIGGER compared_items_no_update BEFORE UPDATE ON compared_items BEGIN SELECT RAISE(ABORT, 'rows of compared_items are never changed'); END
-- next
CREATE TRIGGER comparison_answers_no_delete BEFORE DELETE ON comparison_answers BEGIN SELECT RAISE(ABORT, 'rows of comparison_answers are never changed'); END
-- next
CREATE TRIGGER comparison_answers_no_update BEFORE UPDATE ON comparison_answers BEGIN SELECT RAISE(ABORT, 'rows of comparison_answers are never changed'); END
-- next
CREATE TRIGGER condition_checks_no_delete BEFORE DELETE ON condition_checks BEGIN SELECT RAISE(ABORT, 'rows of condition_checks are never changed'); END
-- next
CREATE TRIGGER condition_checks_no_update BEFORE UPDATE ON condition_checks BEGIN SELECT RAISE(ABORT, 'rows of condition_checks are never changed'); END
-- next
CREATE TRIGGER condition_checks_odometer_forward BEFORE INSERT ON condition_checks WHEN EXISTS (SELECT 1 FROM condition_checks AS earlier WHERE earlier.vin = NEW.vin AND earlier.odometer_km > NEW.odometer_km) BEGIN SELECT RAISE(ABORT, 'an odometer never runs backwards'); END
-- next
CREATE TRIGGER configuration_changes_no_delete BEFORE DELETE ON configuration_changes BEGIN SELECT RAISE(ABORT, 'rows of configuration_changes are never changed'); END
-- next
CREATE TRIGGER configuration_changes_no_update BEFORE UPDATE ON configuration_changes BEGIN SELECT RAISE(ABORT, 'rows of configuration_changes are never changed'); END
-- next
CREATE TRIGGER consent_entries_no_delete BEFORE DELETE ON consent_entries BEGIN SELECT RAISE(ABORT, 'rows of consent_entries are never changed'); END
-- next
CREATE TRIGGER consent_entries_no_update BEFORE UPDATE ON consent_entries BEGIN SELECT RAISE(ABORT, 'rows of consent_entries are never changed'); END
-- next
CREATE TRIGGER cube_cells_no_delete BEFORE DELETE ON cube_cells BEGIN SELECT RAISE(ABORT, 'rows of cube_cells are never changed'); END
-- next
CREATE TRIGGER cube_cells_no_update BEFORE UPDATE ON cube_cells BEGIN SELECT RAISE(ABORT, 'rows of cube_cells are never changed'); END
-- next
CREATE TRIGGER cube_moves_no_delete BEFORE DELETE ON cube_moves BEGIN SELECT RAISE(ABORT, 'rows of cube_moves are never changed'); END
-- next
CREATE TRIGGER cube_moves_no_update BEFORE UPDATE ON cube_moves BEGIN SELECT RAISE(ABORT, 'rows of cube_moves are never changed'); END
-- next
CREATE TRIGGER cube_releases_no_delete BEFORE DELETE ON cube_releases BEGIN SELECT RAISE(ABORT, 'rows of cube_releases are never changed'); END
-- next
CREATE TRIGGER cube_releases_no_update BEFORE UPDATE ON cube_releases BEGIN SELECT RAISE(ABORT, 'rows of cube_releases are never changed'); END
-- next
CREATE TRIGGER damage_cases_closed_is_final BEFORE UPDATE ON damage_cases WHEN OLD.state = 'closed' BEGIN SELECT RAISE(ABORT, 'a closed damage case stays as it is'); END
-- next
CREATE TRIGGER early_bonuses_no_delete BEFORE DELETE ON early_bonuses BEGIN SELECT RAISE(ABORT, 'rows of early_bonuses are never changed'); END
-- next
CREATE TRIGGER early_bonuses_no_update BEFORE UPDATE ON early_bonuses BEGIN SELECT RAISE(ABORT, 'rows of early_bonuses are never changed'); END
-- next
CREATE TRIGGER early_offers_answer_is_final BEFORE UPDATE ON early_offers WHEN OLD.state <> 'open' BEGIN SELECT RAISE(ABORT, 'an answer to an offer of a car that is there stays'); END
-- next
CREATE TRIGGER early_rounds_no_delete BEFORE DELETE ON early_rounds BEGIN SELECT RAISE(ABORT, 'rows of early_rounds are never changed'); END
-- next
CREATE TRIGGER early_rounds_no_update BEFORE UPDATE ON early_rounds BEGIN SELECT RAISE(ABORT, 'rows of early_rounds are never changed'); END
-- next
CREATE TRIGGER fairness_lines_no_delete BEFORE DELETE ON fairness_lines BEGIN SELECT RAISE(ABORT, 'rows of fairness_lines are never changed'); END
-- next
CREATE TRIGGER fairness_lines_no_update BEFORE UPDATE ON fairness_lines BEGIN SELECT RAISE(ABORT, 'rows of fairness_lines are never changed'); END
-- next
CREATE TRIGGER forecast_runs_no_delete BEFORE DELETE ON forecast_runs BEGIN SELECT RAISE(ABORT, 'rows of forecast_runs are never changed'); END
-- next
CREATE TRIGGER forecast_runs_no_update BEFORE UPDATE ON forecast_runs BEGIN SELECT RAISE(ABORT, 'rows of forecast_runs are never changed'); END
-- next
CREATE TRIGGER forecast_scores_no_delete BEFORE DELETE ON forecast_scores BEGIN SELECT RAISE(ABORT, 'rows of forecast_scores are never changed'); END
-- next
CREATE TRIGGER forecast_scores_no_update BEFORE UPDATE ON forecast_scores BEGIN SELECT RAISE(ABORT, 'rows of forecast_scores are never changed'); END
-- next
CREATE TRIGGER forecast_weeks_no_delete BEFORE DELETE ON forecast_weeks BEGIN SELECT RAISE(ABORT, 'rows of forecast_weeks are never changed'); END
-- next
CREATE TRIGGER forecast_weeks_no_update BEFORE UPDATE ON forecast_weeks BEGIN SELECT RAISE(ABORT, 'rows of forecast_weeks are never changed'); END
-- next
CREATE TRIGGER fulfilments_no_delete BEFORE DELETE ON fulfilments BEGIN SELECT RAISE(ABORT, 'rows of fulfilments are never changed'); END
-- next
CREATE TRIGGER fulfilments_no_update BEFORE UPDATE ON fulfilments BEGIN SELECT RAISE(ABORT, 'rows of fulfilments are never changed'); END
-- next
CREATE TRIGGER handovers_hour_has_the_place BEFORE INSERT ON handovers WHEN NEW.place > COALESCE((SELECT store_hours.places FROM store_hours WHERE store_hours.store_id = NEW.store_id AND store_hours.begins_at <= NEW.appointment_at AND store_hours.ends_at > NEW.appointment_at ORDER BY store_hours.id DESC LIMIT 1), 50) BEGIN SELECT RAISE(ABORT, 'a store receives no more people than it gave the hour places'); END
-- next
CREATE TRIGGER handovers_invoice_before_signing BEFORE UPDATE ON handovers WHEN NEW.state = 'signed' AND NOT EXISTS (SELECT 1 FROM papers WHERE papers.order_id = NEW.order_id AND papers.vin = NEW.vin AND papers.kind = 'vehicle_invoice' AND papers.state = 'issued') BEGIN SELECT RAISE(ABORT, 'no handover is signed without the vehicle invoice'); END
-- next
CREATE TRIGGER handovers_moved_to_a_place BEFORE UPDATE ON handovers WHEN NEW.appointment_at <> OLD.appointment_at AND NEW.place > COALESCE((SELECT store_hours.places FROM store_hours WHERE store_hours.store_id = NEW.store_id AND store_hours.begins_at <= NEW.appointment_at AND store_hours.ends_at > NEW.appointment_at ORDER BY store_hours.id DESC LIMIT 1), 50) BEGIN SELECT RAISE(ABORT, 'a store receives no more people than it gave the hour places'); END
-- next
CREATE TRIGGER item_outcomes_no_delete BEFORE DELETE ON item_outcomes BEGIN SELECT RAISE(ABORT, 'rows of item_outcomes are never changed'); END
-- next
CREATE TRIGGER item_outcomes_no_update BEFORE UPDATE ON item_outcomes BEGIN SELECT RAISE(ABORT, 'rows of item_outcomes are never changed'); END
-- next
CREATE TRIGGER late_credits_no_delete BEFORE DELETE ON late_credits BEGIN SELECT RAISE(ABORT, 'rows of late_credits are never changed'); END
-- next
CREATE TRIGGER late_credits_no_update BEFORE UPDATE ON late_credits BEGIN SELECT RAISE(ABORT, 'rows of late_credits are never changed'); END
-- next
CREATE TRIGGER ledger_transfers_never_overdrawn BEFORE INSERT ON ledger_transfers WHEN (NEW.debit_account LIKE 'backing:%' OR NEW.debit_account LIKE 'deposit:%' OR NEW.debit_account LIKE 'earnest:%' OR NEW.debit_account LIKE 'late:%' OR NEW.debit_account LIKE 'payable:%' OR NEW.debit_account LIKE 'refund:%' OR NEW.debit_account LIKE 'stock_deposit:%') AND NEW.amount_minor > COALESCE((SELECT SUM(amount_minor) FROM ledger_transfers WHERE credit_account = NEW.debit_account), 0) - COALESCE((SELECT SUM(amount_minor) FROM ledger_transfers WHERE debit_account = NEW.debit_account), 0) BEGIN SELECT RAISE(ABORT, 'an account that holds money of others never falls below zero'); END
-- next
CREATE TRIGGER ledger_transfers_no_delete BEFORE DELETE ON ledger_transfers BEGIN SELECT RAISE(ABORT, 'rows of ledger_transfers are never changed'); END
-- next
CREATE TRIGGER ledger_transfers_no_update BEFORE UPDATE ON ledger_transfers BEGIN SELECT RAISE(ABORT, 'rows of ledger_transfers are never changed'); END
-- next
CREATE TRIGGER market_segments_no_delete BEFORE DELETE ON market_segments BEGIN SELECT RAISE(ABORT, 'rows of market_segments are never changed'); END
-- next
CREATE TRIGGER market_segments_no_update BEFORE UPDATE ON market_segments BEGIN SELECT RAISE(ABORT, 'rows of market_segments are never changed'); END
-- next
CREATE TRIGGER money_by_hand_decided_once BEFORE UPDATE ON money_by_hand WHEN (OLD.state <> 'proposed' OR NEW.amount_minor <> OLD.amount_minor OR NEW.currency <> OLD.currency OR NEW.debit_account <> OLD.debit_account OR NEW.credit_account <> OLD.credit_account OR NEW.proposed_by <> OLD.proposed_by) AND TRUE BEGIN SELECT RAISE(ABORT, 'a movement is approved as it was proposed, and decided once'); END
-- next
CREATE TRIGGER order_agreements_no_delete BEFORE DELETE ON order_agreements BEGIN SELECT RAISE(ABORT, 'rows of order_agreements are never changed'); END
-- next
CREATE TRIGGER order_agreements_no_update BEFORE UPDATE ON order_agreements BEGIN SELECT RAISE(ABORT, 'rows of order_agreements are never changed'); END
-- next
CREATE TRIGGER order_balances_asks_what_was_locked BEFORE INSERT ON order_balances WHEN EXISTS (SELECT 1 FROM orders WHERE orders.id = NEW.order_id AND (NEW.vehicle_minor > orders.price_minor OR NEW.guaranteed_other_minor > orders.guaranteed_other_minor OR NEW.agreed_minor <> orders.agreed_minor + orders.fees_minor)) BEGIN SELECT RAISE(ABORT, 'nobody is asked for more than what was locked and agreed on since'); END
-- next
CREATE TRIGGER order_rebuilds_no_delete BEFORE DELETE ON order_rebuilds BEGIN SELECT RAISE(ABORT, 'rows of order_rebuilds are never changed'); END
-- next
CREATE TRIGGER order_rebuilds_no_update BEFORE UPDATE ON order_rebuilds BEGIN SELECT RAISE(ABORT, 'rows of order_rebuilds are never changed'); END
-- next
CREATE TRIGGER orders_changed_by_agreement BEFORE UPDATE ON orders WHEN (NEW.agreed_minor <> OLD.agreed_minor OR NEW.fees_minor <> OLD.fees_minor) AND (NEW.agreed_minor <> (SELECT COALESCE(SUM(price_delta_minor), 0) FROM order_agreements WHERE order_agreements.order_id = NEW.id) OR NEW.fees_minor <> (SELECT COALESCE(SUM(fee_minor), 0) FROM order_agreements WHERE order_agreements.order_id = NEW.id)) BEGIN SELECT RAISE(ABORT, 'after the lock a price changes by what its buyer agreed to'); END
-- next
CREATE TRIGGER orders_end_is_final BEFORE UPDATE ON orders WHEN OLD.state IN ('delivered', 'cancelled', 'stocked') AND NEW.state <> OLD.state BEGIN SELECT RAISE(ABORT, 'a delivered, cancelled or stocked order stays as it is'); END
-- next
CREATE TRIGGER orders_price_never_rises BEFORE UPDATE ON orders WHEN NEW.price_minor > OLD.price_minor OR NEW.guaranteed_other_minor > OLD.guaranteed_other_minor BEGIN SELECT RAISE(ABORT, 'a locked price never rises'); END
-- next
CREATE TRIGGER orders_stock_car_was_bought BEFORE INSERT ON orders WHEN NEW.origin = 'stock' AND NOT EXISTS (SELECT 1 FROM stock_purchases WHERE stock_purchases.id = NEW.id AND stock_purchases.state = 'bought') BEGIN SELECT RAISE(ABORT, 'an order of a stock car is that of a purchase whose deposit came'); END
-- next
CREATE TRIGGER orders_stock_was_ordered BEFORE INSERT ON orders WHEN NEW.origin = 'store' AND NOT EXISTS (SELECT 1 FROM stock_orders WHERE stock_orders.id = NEW.pool_id AND stock_orders.store_id = NEW.store_id AND NEW.place BETWEEN 1 AND stock_orders.cars) BEGIN SELECT RAISE(ABORT, 'a car for stock is one of a stock order'); END
-- next
CREATE TRIGGER orders_store_by_consent BEFORE UPDATE ON orders WHEN NEW.store_id <> OLD.store_id AND NOT EXISTS (SELECT 1 FROM store_changes WHERE store_changes.order_id = NEW.id AND store_changes.from_store_id = OLD.store_id AND store_changes.to_store_id = NEW.store_id) BEGIN SELECT RAISE(ABORT, 'a car goes to another store only by the word of its buyer'); END
-- next
CREATE TRIGGER part_moves_no_delete BEFORE DELETE ON part_moves BEGIN SELECT RAISE(ABORT, 'rows of part_moves are never changed'); END
-- next
CREATE TRIGGER part_moves_no_update BEFORE UPDATE ON part_moves BEGIN SELECT RAISE(ABORT, 'rows of part_moves are never changed'); END
-- next
CREATE TRIGGER part_takings_no_delete BEFORE DELETE ON part_takings BEGIN SELECT RAISE(ABORT, 'rows of part_takings are never changed'); END
-- next
CREATE TRIGGER part_takings_no_update BEFORE UPDATE ON part_takings BEGIN SELECT RAISE(ABORT, 'rows of part_takings are never changed'); END
-- next
CREATE TRIGGER payment_callbacks_no_delete BEFORE DELETE ON payment_callbacks BEGIN SELECT RAISE(ABORT, 'rows of payment_callbacks are never changed'); END
-- next
CREATE TRIGGER payment_callbacks_no_update BEFORE UPDATE ON payment_callbacks BEGIN SELECT RAISE(ABORT, 'rows of payment_callbacks are never changed'); END
-- next
CREATE TRIGGER payments_stays_what_it_is BEFORE UPDATE ON payments WHEN (NEW.amount_minor <> OLD.amount_minor OR NEW.currency <> OLD.currency OR NEW.purpose <> OLD.purpose OR NEW.subject_id <> OLD.subject_id OR NEW.account_id <> OLD.account_id OR NEW.brand_id <> OLD.brand_id OR (OLD.state IN ('declined', 'charged_back') AND NEW.state <> OLD.state) OR (OLD.received_at IS NOT NULL AND NEW.received_at IS NULL)) AND TRUE BEGIN SELECT RAISE(ABORT, 'what a payment is for never changes, and lost money stays lost'); END
-- next
CREATE TRIGGER plant_events_no_delete BEFORE DELETE ON plant_events BEGIN SELECT RAISE(ABORT, 'rows of plant_events are never changed'); END
-- next
CREATE TRIGGER plant_events_no_update BEFORE UPDATE ON plant_events BEGIN SELECT RAISE(ABORT, 'rows of plant_events are never changed'); END
-- next
CREATE TRIGGER policy_versions_no_delete BEFORE DELETE ON policy_versions BEGIN SELECT RAISE(ABORT, 'rows of policy_versions are never changed'); END
-- next
CREATE TRIGGER policy_versions_no_update BEFORE UPDATE ON policy_versions BEGIN SELECT RAISE(ABORT, 'rows of policy_versions are never changed'); END
-- next
CREATE TRIGGER pool_changes_no_delete BEFORE DELETE ON pool_changes BEGIN SELECT RAISE(ABORT, 'rows of pool_changes are never changed'); END
-- next
CREATE TRIGGER pool_changes_no_update BEFORE UPDATE ON pool_changes BEGIN SELECT RAISE(ABORT, 'rows of pool_changes are never changed'); END
-- next
CREATE TRIGGER pool_clearings_no_delete BEFORE DELETE ON pool_clearings BEGIN SELECT RAISE(ABORT, 'rows of pool_clearings are never changed'); END
-- next
CREATE TRIGGER pool_clearings_no_update BEFORE UPDATE ON pool_clearings BEGIN SELECT RAISE(ABORT, 'rows of pool_clearings are never changed'); END
-- next
CREATE TRIGGER pre_order_changes_no_delete BEFORE DELETE ON pre_order_changes BEGIN SELECT RAISE(ABORT, 'rows of pre_order_changes are never changed'); END
-- next
CREATE TRIGGER pre_order_changes_no_update BEFORE UPDATE ON pre_order_changes BEGIN SELECT RAISE(ABORT, 'rows of pre_order_changes are never changed'); END
-- next
CREATE TRIGGER pre_orders_price_never_rises BEFORE UPDATE ON pre_orders WHEN NEW.price_minor IS NOT NULL AND OLD.price_minor IS NOT NULL AND NEW.price_minor > OLD.price_minor BEGIN SELECT RAISE(ABORT, 'a locked price never rises'); END
-- next
CREATE TRIGGER pre_orders_stays_while_frozen BEFORE UPDATE ON pre_orders WHEN OLD.state = 'pooled' AND (NEW.state = 'withdrawn' OR (NEW.state = 'pooled' AND (NEW.pool_id <> OLD.pool_id OR NEW.price_cap_minor < OLD.price_cap_minor OR NEW.price_cap_minor - OLD.price_cap_minor < NEW.vehicle_price_minor - OLD.vehicle_price_minor))) AND EXISTS (SELECT 1 FROM pools WHERE pools.id = OLD.pool_id AND pools.state = 'frozen') BEGIN SELECT RAISE(ABORT, 'nobody leaves a frozen pool or weakens an offer in it'); END
-- next
CREATE TRIGGER price_answers_no_delete BEFORE DELETE ON price_answers BEGIN SELECT RAISE(ABORT, 'rows of price_answers are never changed'); END
-- next
CREATE TRIGGER price_answers_no_update BEFORE UPDATE ON price_answers BEGIN SELECT RAISE(ABORT, 'rows of price_answers are never changed'); END
-- next
CREATE TRIGGER promise_calibrations_no_delete BEFORE DELETE ON promise_calibrations BEGIN SELECT RAISE(ABORT, 'rows of promise_calibrations are never changed'); END
-- next
CREATE TRIGGER promise_calibrations_no_update BEFORE UPDATE ON promise_calibrations BEGIN SELECT RAISE(ABORT, 'rows of promise_calibrations are never changed'); END
-- next
CREATE TRIGGER promise_holds_end_is_final BEFORE UPDATE ON promise_holds WHEN OLD.state = 'ended' AND NEW.state <> 'ended' BEGIN SELECT RAISE(ABORT, 'a hold that has ended stays so'); END
-- next
CREATE TRIGGER promise_margins_no_delete BEFORE DELETE ON promise_margins BEGIN SELECT RAISE(ABORT, 'rows of promise_margins are never changed'); END
-- next
CREATE TRIGGER promise_margins_no_update BEFORE UPDATE ON promise_margins BEGIN SELECT RAISE(ABORT, 'rows of promise_margins are never changed'); END
-- next
CREATE TRIGGER proposal_cars_no_delete BEFORE DELETE ON proposal_cars BEGIN SELECT RAISE(ABORT, 'rows of proposal_cars are never changed'); END
-- next
CREATE TRIGGER proposal_cars_no_update BEFORE UPDATE ON proposal_cars BEGIN SELECT RAISE(ABORT, 'rows of proposal_cars are never changed'); END
-- next
CREATE TRIGGER proposal_changes_no_delete BEFORE DELETE ON proposal_changes BEGIN SELECT RAISE(ABORT, 'rows of proposal_changes are never changed'); END
-- next
CREATE TRIGGER proposal_changes_no_update BEFORE UPDATE ON proposal_changes BEGIN SELECT RAISE(ABORT, 'rows of proposal_changes are never changed'); END
-- next
CREATE TRIGGER quote_endings_no_delete BEFORE DELETE ON quote_endings BEGIN SELECT RAISE(ABORT, 'rows of quote_endings are never changed'); END
-- next
CREATE TRIGGER quote_endings_no_update BEFORE UPDATE ON quote_endings BEGIN SELECT RAISE(ABORT, 'rows of quote_endings are never changed'); END
-- next
CREATE TRIGGER quotes_no_delete BEFORE DELETE ON quotes BEGIN SELECT RAISE(ABORT, 'rows of quotes are never changed'); END
-- next
CREATE TRIGGER quotes_no_update BEFORE UPDATE ON quotes BEGIN SELECT RAISE(ABORT, 'rows of quotes are never changed'); END
-- next
CREATE TRIGGER record_days_no_delete BEFORE DELETE ON record_days BEGIN SELECT RAISE(ABORT, 'rows of record_days are never changed'); END
-- next
CREATE TRIGGER record_days_no_update BEFORE UPDATE ON record_days BEGIN SELECT RAISE(ABORT, 'rows of record_days are never changed'); END
-- next
CREATE TRIGGER record_entries_no_delete BEFORE DELETE ON record_entries BEGIN SELECT RAISE(ABORT, 'rows of record_entries are never changed'); END
-- next
CREATE TRIGGER record_entries_no_update BEFORE UPDATE ON record_entries BEGIN SELECT RAISE(ABORT, 'rows of record_entries are never changed'); END
-- next
CREATE TRIGGER refunds_done_once BEFORE UPDATE ON refunds WHEN (NEW.amount_minor <> OLD.amount_minor OR (OLD.refunded_at IS NOT NULL AND NEW.refunded_at IS NULL)) AND TRUE BEGIN SELECT RAISE(ABORT, 'a refund keeps its amount, and what was sent back stays so'); END
-- next
CREATE TRIGGER refunds_within_payment BEFORE INSERT ON refunds WHEN NEW.amount_minor > (SELECT payments.amount_minor FROM payments WHERE payments.id = NEW.payment_id) BEGIN SELECT RAISE(ABORT, 'no more goes back than came'); END
-- next
CREATE TRIGGER repair_offers_answer_is_final BEFORE UPDATE ON repair_offers WHEN OLD.state <> 'open' BEGIN SELECT RAISE(ABORT, 'an answer to an offer of a repaired car stays'); END
-- next
CREATE TRIGGER shipment_events_no_delete BEFORE DELETE ON shipment_events BEGIN SELECT RAISE(ABORT, 'rows of shipment_events are never changed'); END
-- next
CREATE TRIGGER shipment_events_no_update BEFORE UPDATE ON shipment_events BEGIN SELECT RAISE(ABORT, 'rows of shipment_events are never changed'); END
-- next
CREATE TRIGGER shipments_not_while_offered BEFORE INSERT ON shipments WHEN NEW.order_id IS NULL AND EXISTS (SELECT 1 FROM early_offers WHERE early_offers.vin = NEW.vin AND early_offers.state = 'open') BEGIN SELECT RAISE(ABORT, 'a car that is offered to a waiting buyer is not moved for stock'); END
-- next
CREATE TRIGGER shipments_stock_car_is_free BEFORE INSERT ON shipments WHEN NEW.order_id IS NULL AND (EXISTS (SELECT 1 FROM allocations WHERE allocations.vin = NEW.vin AND allocations.ended_at IS NULL) OR EXISTS (SELECT 1 FROM stock_holds WHERE stock_holds.vin = NEW.vin AND stock_holds.ended_at IS NULL)) BEGIN SELECT RAISE(ABORT, 'a car that somebody holds or has ordered is not moved to another store'); END
-- next
CREATE TRIGGER stock_holds_end_is_final BEFORE UPDATE ON stock_holds WHEN OLD.ended_at IS NOT NULL AND NEW.ended_at IS NULL BEGIN SELECT RAISE(ABORT, 'a hold that has ended stays so'); END
-- next
CREATE TRIGGER stock_holds_not_while_offered BEFORE INSERT ON stock_holds WHEN EXISTS (SELECT 1 FROM early_offers WHERE early_offers.vin = NEW.vin AND early_offers.state = 'open') BEGIN SELECT RAISE(ABORT, 'a car that is offered to a waiting buyer is held by nobody'); END
-- next
CREATE TRIGGER stock_moves_answer_is_final BEFORE UPDATE ON stock_moves WHEN OLD.state <> 'offered' AND NEW.state <> OLD.state BEGIN SELECT RAISE(ABORT, 'an answered move stays answered'); END
-- next
CREATE TRIGGER stock_orders_no_delete BEFORE DELETE ON stock_orders BEGIN SELECT RAISE(ABORT, 'rows of stock_orders are never changed'); END
-- next
CREATE TRIGGER stock_orders_no_update BEFORE UPDATE ON stock_orders BEGIN SELECT RAISE(ABORT, 'rows of stock_orders are never changed'); END
-- next
CREATE TRIGGER stock_plans_no_delete BEFORE DELETE ON stock_plans BEGIN SELECT RAISE(ABORT, 'rows of stock_plans are never changed'); END
-- next
CREATE TRIGGER stock_plans_no_update BEFORE UPDATE ON stock_plans BEGIN SELECT RAISE(ABORT, 'rows of stock_plans are never changed'); END
-- next
CREATE TRIGGER stock_prices_no_delete BEFORE DELETE ON stock_prices BEGIN SELECT RAISE(ABORT, 'rows of stock_prices are never changed'); END
-- next
CREATE TRIGGER stock_prices_no_update BEFORE UPDATE ON stock_prices BEGIN SELECT RAISE(ABORT, 'rows of stock_prices are never changed'); END
-- next
CREATE TRIGGER stock_purchases_end_is_final BEFORE UPDATE ON stock_purchases WHEN OLD.state <> 'open' AND NEW.state <> OLD.state BEGIN SELECT RAISE(ABORT, 'a purchase that was made or dropped stays so'); END
-- next
CREATE TRIGGER stock_quotes_no_delete BEFORE DELETE ON stock_quotes BEGIN SELECT RAISE(ABORT, 'rows of stock_quotes are never changed'); END
-- next
CREATE TRIGGER stock_quotes_no_update BEFORE UPDATE ON stock_quotes BEGIN SELECT RAISE(ABORT, 'rows of stock_quotes are never changed'); END
-- next
CREATE TRIGGER store_changes_no_delete BEFORE DELETE ON store_changes BEGIN SELECT RAISE(ABORT, 'rows of store_changes are never changed'); END
-- next
CREATE TRIGGER store_changes_no_update BEFORE UPDATE ON store_changes BEGIN SELECT RAISE(ABORT, 'rows of store_changes are never changed'); END
-- next
CREATE TRIGGER store_hours_no_delete BEFORE DELETE ON store_hours BEGIN SELECT RAISE(ABORT, 'rows of store_hours are never changed'); END
-- next
CREATE TRIGGER store_hours_no_update BEFORE UPDATE ON store_hours BEGIN SELECT RAISE(ABORT, 'rows of store_hours are never changed'); END
-- next
CREATE TRIGGER store_shares_no_delete BEFORE DELETE ON store_shares BEGIN SELECT RAISE(ABORT, 'rows of store_shares are never changed'); END
-- next
CREATE TRIGGER store_shares_no_update BEFORE UPDATE ON store_shares BEGIN SELECT RAISE(ABORT, 'rows of store_shares are never changed'); END
-- next
CREATE TRIGGER store_visitors_no_delete BEFORE DELETE ON store_visitors BEGIN SELECT RAISE(ABORT, 'rows of store_visitors are never changed'); END
-- next
CREATE TRIGGER store_visitors_no_update BEFORE UPDATE ON store_visitors BEGIN SELECT RAISE(ABORT, 'rows of store_visitors are never changed'); END
-- next
CREATE TRIGGER swap_offers_answer_is_final BEFORE UPDATE ON swap_offers WHEN OLD.state <> 'open' BEGIN SELECT RAISE(ABORT, 'an answer to an offer of a swap stays'); END
-- next
CREATE TRIGGER swap_rounds_no_delete BEFORE DELETE ON swap_rounds BEGIN SELECT RAISE(ABORT, 'rows of swap_rounds are never changed'); END
-- next
CREATE TRIGGER swap_rounds_no_update BEFORE UPDATE ON swap_rounds BEGIN SELECT RAISE(ABORT, 'rows of swap_rounds are never changed'); END
-- next
CREATE TRIGGER take_draws_no_delete BEFORE DELETE ON take_draws BEGIN SELECT RAISE(ABORT, 'rows of take_draws are never changed'); END
-- next
CREATE TRIGGER take_draws_no_update BEFORE UPDATE ON take_draws BEGIN SELECT RAISE(ABORT, 'rows of take_draws are never changed'); END
-- next
CREATE TRIGGER vehicles_delivered_as_told BEFORE UPDATE ON vehicles WHEN NEW.state = 'delivered' AND OLD.state <> 'delivered' AND EXISTS (SELECT 1 FROM vehicle_disclosures WHERE vehicle_disclosures.vin = NEW.vin AND vehicle_disclosures.accepted_at IS NULL) BEGIN SELECT RAISE(ABORT, 'what happened to a car is accepted before it is delivered'); END
-- next
CREATE TRIGGER vehicles_newness_descends BEFORE UPDATE ON vehicles WHEN NEW.newness < OLD.newness BEGIN SELECT RAISE(ABORT, 'newness only descends'); END
-- next
CREATE TRIGGER votes_no_delete BEFORE DELETE ON votes BEGIN SELECT RAISE(ABORT, 'rows of votes are never changed'); END
-- next
CREATE TRIGGER votes_no_update BEFORE UPDATE ON votes BEGIN SELECT RAISE(ABORT, 'rows of votes are never changed'); END
-- next
CREATE TRIGGER wait_offers_answer_is_final BEFORE UPDATE ON wait_offers WHEN OLD.state <> 'open' AND (NEW.state <> OLD.state OR NEW.credit_minor <> OLD.credit_minor) BEGIN SELECT RAISE(ABORT, 'an offer that was answered stays as it is'); END
-- next
CREATE TRIGGER wait_offers_credited_once BEFORE UPDATE ON wait_offers WHEN OLD.credited_at IS NOT NULL AND (NEW.credited_at IS NULL OR NEW.credited_at <> OLD.credited_at) BEGIN SELECT RAISE(ABORT, 'an offer is credited once'); END
-- next
CREATE TRIGGER week_plans_stays BEFORE UPDATE ON week_plans WHEN TRUE BEGIN SELECT RAISE(ABORT, 'a plan that was made stays as it is'); END
-- next
CREATE INDEX ix_accounts_person_id ON accounts (person_id)
-- next
CREATE INDEX ix_allocation_rounds_brand ON allocation_rounds (brand_id, id)
-- next
CREATE INDEX ix_backing_changes_backing_id ON backing_changes (backing_id)
-- next
CREATE INDEX ix_backings_account_id ON backings (account_id, id)
-- next
CREATE INDEX ix_backings_person_id ON backings (person_id)
-- next
CREATE INDEX ix_backings_proposal_id_state ON backings (proposal_id, state)
-- next
CREATE INDEX ix_batch_plans_plant ON batch_plans (plant_id, id)
-- next
CREATE INDEX ix_batches_brand ON batches (brand_id, id)
-- next
CREATE INDEX ix_build_orders_batch ON build_orders (batch_id)
-- next
CREATE INDEX ix_build_orders_open ON build_orders (plant_id, day, position) WHERE stage NOT IN ('passed', 'withdrawn')
-- next
CREATE INDEX ix_build_orders_plant ON build_orders (plant_id, day, id)
-- next
CREATE INDEX ix_call_offs_late ON call_offs (plant_id, part) WHERE state = 'confirmed' AND arrives_on > week
-- next
CREATE INDEX ix_call_offs_plant ON call_offs (plant_id, state, part)
-- next
CREATE INDEX ix_call_offs_supplier ON call_offs (brand_id, supplier, id)
-- next
CREATE INDEX ix_car_owners_account_id ON car_owners (account_id)
-- next
CREATE INDEX ix_car_owners_person_id ON car_owners (person_id)
-- next
CREATE INDEX ix_car_owners_vin ON car_owners (vin)
-- next
CREATE INDEX ix_car_swaps_brand ON car_swaps (brand_id, id)
-- next
CREATE INDEX ix_car_swaps_order ON car_swaps (order_id)
-- next
CREATE INDEX ix_circle_answers_account_id ON circle_answers (account_id)
-- next
CREATE INDEX ix_circle_counted_person_id ON circle_counted (person_id)
-- next
CREATE INDEX ix_circle_drives_account_id ON circle_drives (account_id)
-- next
CREATE INDEX ix_circle_drives_person_id ON circle_drives (person_id)
-- next
CREATE INDEX ix_circle_hosts_account_id ON circle_hosts (account_id)
-- next
CREATE INDEX ix_circle_hosts_person_id ON circle_hosts (person_id)
-- next
CREATE INDEX ix_circle_members_account_id ON circle_members (account_id)
-- next
CREATE INDEX ix_circle_members_person_id ON circle_members (person_id)
-- next
CREATE INDEX ix_circle_messages_circle_id ON circle_messages (circle_id)
-- next
CREATE INDEX ix_circle_proposals_circle_id ON circle_proposals (circle_id)
-- next
CREATE INDEX ix_circle_questions_account_id ON circle_questions (account_id)
-- next
CREATE INDEX ix_circle_questions_circle_id ON circle_questions (circle_id, id)
-- next
CREATE INDEX ix_circle_questions_person_id ON circle_questions (person_id, asked_at)
-- next
CREATE INDEX ix_circles_brand_id ON circles (brand_id, id)
-- next
CREATE INDEX ix_circles_founded_by ON circles (founded_by)
-- next
CREATE INDEX ix_compared_items_proposal_id ON compared_items (proposal_id)
-- next
CREATE INDEX ix_comparison_participants_person_id ON comparison_participants (person_id)
-- next
CREATE INDEX ix_comparisons_brand_id_id ON comparisons (brand_id, id)
-- next
CREATE INDEX ix_comparisons_state ON comparisons (state)
-- next
CREATE INDEX ix_condition_checks_vin ON condition_checks (vin, odometer_km)
-- next
CREATE INDEX ix_configuration_changes_configuration_id ON configuration_changes (configuration_id)
-- next
CREATE INDEX ix_configurations_account_id_configurations_id ON configurations (account_id, id)
-- next
CREATE INDEX ix_consent_entries_account_id_purpose ON consent_entries (account_id, purpose, id)
-- next
CREATE INDEX ix_cube_changes_person ON cube_changes (person)
-- next
CREATE INDEX ix_damage_cases_brand ON damage_cases (brand_id, state, id)
-- next
CREATE INDEX ix_demand_cancellations_person ON demand_cancellations (person)
-- next
CREATE INDEX ix_demand_caps_person ON demand_caps (person)
-- next
CREATE INDEX ix_demand_voices_person ON demand_voices (person)
-- next
CREATE INDEX ix_early_offers_account ON early_offers (brand_id, account_id, id)
-- next
CREATE INDEX ix_early_offers_from_order ON early_offers (from_order_id)
-- next
CREATE INDEX ix_early_rounds_brand ON early_rounds (brand_id, id)
-- next
CREATE INDEX ix_fairness_lines_brand ON fairness_lines (brand_id, id)
-- next
CREATE INDEX ix_fulfilments_brand_id_option ON fulfilments (brand_id, option)
-- next
CREATE INDEX ix_handovers_order ON handovers (order_id)
-- next
CREATE INDEX ix_handovers_store ON handovers (store_id, appointment_at)
-- next
CREATE INDEX ix_invitations_brand_id ON invitations (brand_id)
-- next
CREATE INDEX ix_ledger_transfers_credit_account ON ledger_transfers (credit_account, amount_minor)
-- next
CREATE INDEX ix_ledger_transfers_debit_account ON ledger_transfers (debit_account, amount_minor)
-- next
CREATE INDEX ix_machine_keys_machine_id ON machine_keys (machine_id)
-- next
CREATE INDEX ix_money_by_hand_brand_id ON money_by_hand (brand_id, id)
-- next
CREATE INDEX ix_notices_account_id ON notices (account_id, id)
-- next
CREATE INDEX ix_notices_due_at ON notices (due_at)
-- next
CREATE INDEX ix_one_time_tokens_account_id ON one_time_tokens (account_id)
-- next
CREATE INDEX ix_one_time_tokens_expires_at ON one_time_tokens (expires_at)
-- next
CREATE INDEX ix_order_balances_order ON order_balances (order_id)
-- next
CREATE INDEX ix_order_rebuilds_order ON order_rebuilds (order_id)
-- next
CREATE INDEX ix_orders_account ON orders (brand_id, account_id, id)
-- next
CREATE INDEX ix_orders_plant_state ON orders (plant_id, state)
-- next
CREATE INDEX ix_orders_store ON orders (store_id, state, id)
-- next
CREATE INDEX ix_outbox_due_at ON outbox (due_at, id)
-- next
CREATE INDEX ix_papers_due ON papers (due_at, id)
-- next
CREATE INDEX ix_papers_order ON papers (order_id)
-- next
CREATE INDEX ix_part_moves_reference ON part_moves (reference, part)
-- next
CREATE INDEX ix_payment_callbacks_charged_back ON payment_callbacks (provider, provider_reference) WHERE kind = 'charged_back'
-- next
CREATE INDEX ix_payment_callbacks_payment_id ON payment_callbacks (payment_id)
-- next
CREATE INDEX ix_payments_account_id ON payments (account_id)
-- next
CREATE INDEX ix_payments_provider_received_at ON payments (provider, received_at)
-- next
CREATE INDEX ix_payments_subject_id ON payments (subject_id)
-- next
CREATE INDEX ix_payments_to_capture ON payments (id) WHERE received_at IS NOT NULL AND captured_at IS NULL AND declined_at IS NULL
-- next
CREATE INDEX ix_plant_hooks_plant ON plant_hooks (plant_id)
-- next
CREATE INDEX ix_plant_messages_due ON plant_messages (due_at)
-- next
CREATE INDEX ix_plant_messages_order ON plant_messages (hook_id, build_order_id, event_id)
-- next
CREATE INDEX ix_pool_changes_pool_id ON pool_changes (pool_id)
-- next
CREATE INDEX ix_pool_plans_class ON pool_plans (brand_id, class_key)
-- next
CREATE INDEX ix_pools_brand_id_id ON pools (brand_id, id)
-- next
CREATE INDEX ix_pools_class_key ON pools (brand_id, class_key, state)
-- next
CREATE INDEX ix_pre_order_changes_pre_order_id ON pre_order_changes (pre_order_id)
-- next
CREATE INDEX ix_pre_orders_account_id ON pre_orders (account_id, id)
-- next
CREATE INDEX ix_pre_orders_pool_id_state ON pre_orders (pool_id, state, funded_at, place_number)
-- next
CREATE INDEX ix_pre_orders_waiting ON pre_orders (brand_id, class_l1) WHERE state = 'rolled_over'
-- next
CREATE INDEX ix_promise_holds_pool ON promise_holds (pool_id, state)
-- next
CREATE INDEX ix_promise_holds_pre_order ON promise_holds (pre_order_id)
-- next
CREATE INDEX ix_promise_outcomes_due ON promise_outcomes (brand_id, plant_id, promised_by)
-- next
CREATE INDEX ix_proposal_cars_vin ON proposal_cars (vin)
-- next
CREATE INDEX ix_proposal_changes_proposal_id ON proposal_changes (proposal_id)
-- next
CREATE INDEX ix_proposals_brand_id_id ON proposals (brand_id, id)
-- next
CREATE INDEX ix_quotes_account_id_quotes_id ON quotes (account_id, id)
-- next
CREATE INDEX ix_reconciliation_runs_brand_id ON reconciliation_runs (brand_id, id)
-- next
CREATE INDEX ix_record_entries_brand_id_at ON record_entries (brand_id, at)
-- next
CREATE INDEX ix_refunds_due_at ON refunds (due_at)
-- next
CREATE INDEX ix_repair_offers_vin ON repair_offers (vin)
-- next
CREATE INDEX ix_role_grants_account_id ON role_grants (account_id)
-- next
CREATE INDEX ix_role_grants_brand_id_role ON role_grants (brand_id, role)
-- next
CREATE INDEX ix_sandbox_entries_brand_id_at ON sandbox_entries (brand_id, at)
-- next
CREATE INDEX ix_sessions_account_id ON sessions (account_id)
-- next
CREATE INDEX ix_sessions_expires_at ON sessions (expires_at)
-- next
CREATE INDEX ix_shipments_brand_state ON shipments (brand_id, state, id)
-- next
CREATE INDEX ix_shipments_order ON shipments (order_id)
-- next
CREATE INDEX ix_stock_moves_store ON stock_moves (store_id, id)
-- next
CREATE INDEX ix_stock_orders_brand ON stock_orders (brand_id, id)
-- next
CREATE INDEX ix_stock_plans_store ON stock_plans (brand_id, store_id, model, id)
-- next
CREATE INDEX ix_stock_prices_vin ON stock_prices (vin, id)
-- next
CREATE INDEX ix_stock_purchases_account ON stock_purchases (brand_id, account_id, id)
-- next
CREATE INDEX ix_store_changes_order ON store_changes (order_id, id)
-- next
CREATE INDEX ix_store_hours_store ON store_hours (store_id, ends_at)
-- next
CREATE INDEX ix_store_shares_store ON store_shares (brand_id, store_id, order_id)
-- next
CREATE INDEX ix_store_visitors_brand ON store_visitors (brand_id, id)
-- next
CREATE INDEX ix_store_visitors_store ON store_visitors (brand_id, store_id, id)
-- next
CREATE INDEX ix_store_visitors_week ON store_visitors (brand_id, week)
-- next
CREATE INDEX ix_swap_offers_account ON swap_offers (brand_id, account_id, id)
-- next
CREATE INDEX ix_swap_offers_build_order ON swap_offers (build_order_id)
-- next
CREATE INDEX ix_swap_offers_with ON swap_offers (with_build_order_id)
-- next
CREATE INDEX ix_swap_rounds_brand ON swap_rounds (brand_id, id)
-- next
CREATE INDEX ix_throttles_changed_at ON throttles (changed_at)
-- next
CREATE INDEX ix_timers_due_at ON timers (due_at, id)
-- next
CREATE INDEX ix_vehicles_brand ON vehicles (brand_id, vin)
-- next
CREATE INDEX ix_votes_person_id ON votes (person_id)
-- next
CREATE INDEX ix_votes_proposal_id ON votes (proposal_id)
-- next
CREATE INDEX ix_wait_offers_account ON wait_offers (brand_id, account_id, id)
-- next
CREATE INDEX ix_week_plans_plant ON week_plans (plant_id, id)
-- next
CREATE UNIQUE INDEX uq_allocations_active_order ON allocations (order_id) WHERE ended_at IS NULL
-- next
CREATE UNIQUE INDEX uq_allocations_active_vin ON allocations (vin) WHERE ended_at IS NULL
-- next
CREATE UNIQUE INDEX uq_backings_one_each ON backings (proposal_id, person_id) WHERE state IN ('acknowledged', 'held', 'converted', 'lapsed')
-- next
CREATE UNIQUE INDEX uq_build_orders_order ON build_orders (order_id) WHERE stage <> 'withdrawn'
-- next
CREATE UNIQUE INDEX uq_early_offers_once ON early_offers (order_id, vin)
-- next
CREATE UNIQUE INDEX uq_early_offers_order_id ON early_offers (order_id) WHERE state = 'open'
-- next
CREATE UNIQUE INDEX uq_early_offers_vin ON early_offers (vin) WHERE state = 'open'
-- next
CREATE UNIQUE INDEX uq_handovers_open_order ON handovers (order_id) WHERE state NOT IN ('signed', 'rejected')
-- next
CREATE UNIQUE INDEX uq_handovers_place ON handovers (store_id, appointment_at, place) WHERE state NOT IN ('signed', 'rejected')
-- next
CREATE UNIQUE INDEX uq_held_votes_budget ON held_votes (brand_id, person_id, quarter, budget_place)
-- next
CREATE UNIQUE INDEX uq_ledger_transfers_kind_reference ON ledger_transfers (kind, reference)
-- next
CREATE UNIQUE INDEX uq_orders_pool_place ON orders (pool_id, place)
-- next
CREATE UNIQUE INDEX uq_papers_live ON papers (order_id, vin, kind) WHERE state IN ('requested', 'issued')
-- next
CREATE UNIQUE INDEX uq_papers_number ON papers (provider, kind, number)
-- next
CREATE UNIQUE INDEX uq_part_moves_once ON part_moves (kind, reference, part) WHERE kind <> 'exchanged'
-- next
CREATE UNIQUE INDEX uq_payments_provider_provider_reference ON payments (provider, provider_reference) WHERE provider_reference IS NOT NULL
-- next
CREATE UNIQUE INDEX uq_pools_open_class ON pools (brand_id, class_key) WHERE state = 'open'
-- next
CREATE UNIQUE INDEX uq_pre_order_changes_asked_once ON pre_order_changes (pre_order_id, asked_by_pool_id) WHERE asked_by_pool_id IS NOT NULL
-- next
CREATE UNIQUE INDEX uq_pre_orders_one_place ON pre_orders (person_id, pool_id) WHERE state IN ('pooled', 'locked')
-- next
CREATE UNIQUE INDEX uq_promise_holds_account ON promise_holds (brand_id, account_id) WHERE state = 'held'
-- next
CREATE UNIQUE INDEX uq_promise_holds_quote ON promise_holds (quote_id) WHERE state <> 'ended'
-- next
CREATE UNIQUE INDEX uq_repair_offers_order_id ON repair_offers (order_id) WHERE state = 'open'
-- next
CREATE UNIQUE INDEX uq_role_grants_account_id_role ON role_grants (account_id, role) WHERE revoked_at IS NULL
-- next
CREATE UNIQUE INDEX uq_shipments_under_way ON shipments (vin) WHERE state IN ('planned', 'loaded', 'in_transit', 'arrived')
-- next
CREATE UNIQUE INDEX uq_stock_holds_account ON stock_holds (brand_id, account_id) WHERE ended_at IS NULL
-- next
CREATE UNIQUE INDEX uq_stock_holds_vin ON stock_holds (vin) WHERE ended_at IS NULL
-- next
CREATE UNIQUE INDEX uq_stock_moves_offered ON stock_moves (vin) WHERE state = 'offered'
-- next
CREATE UNIQUE INDEX uq_stock_purchases_open ON stock_purchases (vin) WHERE state = 'open'
-- next
CREATE UNIQUE INDEX uq_swap_offers_once ON swap_offers (order_id, with_build_order_id)
-- next
CREATE UNIQUE INDEX uq_swap_offers_order_id ON swap_offers (order_id) WHERE state = 'open'
-- next
CREATE UNIQUE INDEX uq_swap_offers_with_build_order_id ON swap_offers (with_build_order_id) WHERE state = 'open'
