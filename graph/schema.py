"""The whole schema, put together from the nouns; building it fails on a field or an argument that nobody declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from graph.access import AccessMap, read_access
from graph.live import Watched
from graph.refusals import RefusalShown
from graph.scalars import SCALARS
from graph.straight import straighten
from graph.types import (
    account,
    backings,
    books,
    brand,
    cancellations,
    catalogue,
    charts,
    comparisons,
    completing,
    configurations,
    configuring,
    deliveries,
    demand_cube,
    demo,
    digest,
    followed,
    forecasts,
    lineage,
    nearest_pools,
    nodes,
    notices,
    orders,
    parts,
    payments,
    plant,
    plant_hooks,
    policies,
    pools,
    pre_orders,
    privacy,
    promises,
    proposals,
    quotes,
    staff,
    vehicles,
)

QUERIES: Final[dict[str, Any]] = {
    "node": nodes.node,
    "viewer": account.viewer,
    "me": account.me,
    "my_sessions": account.my_sessions,
    "brand": brand.brand,
    "stores": brand.stores,
    "store": brand.store,
    "pools": pools.pools,
    "pool": pools.pool,
    "nearest_pools": nearest_pools.nearest_pools,
    "proposals": proposals.proposals,
    "proposal": proposals.proposal,
    "my_votes": proposals.my_votes,
    "comparisons": comparisons.comparisons,
    "comparison": comparisons.comparison,
    "my_comparison": comparisons.my_comparison,
    "my_backings": backings.my_backings,
    "lineage": lineage.lineage,
    "proposal_cars": lineage.proposal_cars,
    "cancellations": demand_cube.cancellations,
    "demand_charts": charts.demand_charts,
    "demand_forecast": forecasts.demand_forecast,
    "expected_parts": forecasts.expected_parts,
    "demand_funnel": demand_cube.demand_funnel,
    "forecast_scores": forecasts.forecast_scores,
    "planners_digest": digest.planners_digest,
    "option_pairs": demand_cube.option_pairs,
    "region_weeks": demand_cube.region_weeks,
    "take_rates": demand_cube.take_rates,
    "trade_take_rates": demand_cube.trade_take_rates,
    "willingness_to_pay": demand_cube.willingness_to_pay,
    "my_pre_orders": pre_orders.my_pre_orders,
    "pre_order": pre_orders.pre_order,
    "plants": brand.plants,
    "models": catalogue.models,
    "model": catalogue.model,
    "catalogue_versions": catalogue.catalogue_versions,
    "rules": catalogue.rules,
    "configure": configuring.configure,
    "explain": configuring.explain,
    "repair": configuring.repair,
    "count": configuring.count,
    "complete": completing.complete,
    "compare": completing.compare,
    "quote": quotes.quote,
    "quote_key": quotes.quote_key,
    "verify_quote": quotes.verify_quote,
    "recompute_quote": quotes.recompute_quote,
    "my_quotes": quotes.my_quotes,
    "clearing_proof": pre_orders.clearing_proof,
    "my_notices": notices.my_notices,
    "unread_notices": notices.unread_notices,
    "notice_preferences": notices.notice_preferences,
    "order": orders.order,
    "preview_cancellation": cancellations.preview_cancellation,
    "passport": vehicles.passport,
    "part_shortages": parts.part_shortages,
    "call_offs": parts.call_offs,
    "supplier_call_offs": parts.supplier_call_offs,
    "my_promise_hold": promises.my_promise_hold,
    "promise_calibrations": promises.promise_calibrations,
    "store_deliveries": deliveries.store_deliveries,
    "carrier_shipments": deliveries.carrier_shipments,
    "plant_build_orders": plant.plant_build_orders,
    "build_orders": plant.build_orders,
    "plant_hooks": plant_hooks.plant_hooks,
    "plant_messages": plant_hooks.plant_messages,
    "batches": plant.batches,
    "capacity_weeks": plant.capacity_weeks,
    "line_days": plant.line_days,
    "my_consents": privacy.my_consents,
    "my_data": privacy.my_data,
    "staff": staff.staff,
    "invitations": staff.invitations,
    "machines": staff.machines,
    "current_policy": policies.current_policy,
    "movements": books.movements,
    "audited_movements": books.audited_movements,
    "ledger_balances": books.ledger_balances,
    "record_chain": books.record_chain,
    "record_day": books.record_day,
    "my_configurations": configurations.my_configurations,
    "configuration_repair": configurations.configuration_repair,
}
MUTATIONS: Final[dict[str, Any]] = {
    "sign_up": account.sign_up,
    "confirm_email": account.confirm_email,
    "sign_in": account.sign_in,
    "sign_out": account.sign_out,
    "sign_out_everywhere": account.sign_out_everywhere,
    "end_session": account.end_session,
    "change_account": account.change_account,
    "request_recovery": account.request_recovery,
    "recover": account.recover,
    "change_password": account.change_password,
    "verify_person": account.verify_person,
    "mark_notices_read": notices.mark_notices_read,
    "set_notice_preference": notices.set_notice_preference,
    "set_consent": privacy.set_consent,
    "erase_my_account": privacy.erase_my_account,
    "invite_staff": staff.invite_staff,
    "revoke_invitation": staff.revoke_invitation,
    "accept_invitation": staff.accept_invitation,
    "grant_role": staff.grant_role,
    "revoke_role": staff.revoke_role,
    "add_machine": staff.add_machine,
    "rotate_machine_key": staff.rotate_machine_key,
    "revoke_machine": staff.revoke_machine,
    "disable_account": staff.disable_account,
    "enable_account": staff.enable_account,
    "change_policy": policies.change_policy,
    "propose_movement": books.propose_movement,
    "approve_movement": books.approve_movement,
    "decline_movement": books.decline_movement,
    "reconcile_payments": books.reconcile_payments,
    "submit_proposal": proposals.submit_proposal,
    "cast_vote": proposals.cast_vote,
    "revoke_vote": proposals.revoke_vote,
    "publish_proposal": proposals.publish_proposal,
    "decline_proposal": proposals.decline_proposal,
    "close_proposal": proposals.close_proposal,
    "merge_proposals": proposals.merge_proposals,
    "open_comparison": comparisons.open_comparison,
    "close_comparison": comparisons.close_comparison,
    "join_comparison": comparisons.join_comparison,
    "answer_set": comparisons.answer_set,
    "answer_price": comparisons.answer_price,
    "open_backing": backings.open_backing,
    "back_proposal": backings.back_proposal,
    "withdraw_backing": backings.withdraw_backing,
    "commit_to_proposal": backings.commit_to_proposal,
    "open_pool": pools.open_pool,
    "cancel_pool": pools.cancel_pool,
    "advance_demo_time": demo.advance_demo_time,
    "place_pre_order": pre_orders.place_pre_order,
    "withdraw_pre_order": pre_orders.withdraw_pre_order,
    "raise_price_cap": pre_orders.raise_price_cap,
    "change_car": pre_orders.change_car,
    "remove_member": pre_orders.remove_member,
    "authorise_in_sandbox": payments.authorise_in_sandbox,
    "pay_in_sandbox": payments.pay_in_sandbox,
    "book_handover": orders.book_handover,
    "rebook_handover": orders.rebook_handover,
    "accept_disclosures": orders.accept_disclosures,
    "request_balance": orders.request_balance,
    "renew_balance": orders.renew_balance,
    "pay_balance": orders.pay_balance,
    "sign_handover": orders.sign_handover,
    "reject_handover": orders.reject_handover,
    "cancel_order": cancellations.cancel_order,
    "cancel_order_by_maker": cancellations.cancel_order_by_maker,
    "call_off_parts": parts.call_off_parts,
    "answer_call_off": parts.answer_call_off,
    "receive_call_off": parts.receive_call_off,
    "count_part": parts.count_part,
    "hold_promise": promises.hold_promise,
    "release_promise": promises.release_promise,
    "inspect_arrival": deliveries.inspect_arrival,
    "inspect_handover": deliveries.inspect_handover,
    "report_shipment": deliveries.report_shipment,
    "report_build": plant.report_build,
    "schedule_batch": plant.schedule_batch,
    "change_capacity": plant.change_capacity,
    "add_plant_hook": plant_hooks.add_plant_hook,
    "rotate_plant_hook_secret": plant_hooks.rotate_plant_hook_secret,
    "revoke_plant_hook": plant_hooks.revoke_plant_hook,
    "replay_plant_hook": plant_hooks.replay_plant_hook,
    "issue_quote": quotes.issue_quote,
    "save_configuration": configurations.save_configuration,
    "migrate_configuration": configurations.migrate_configuration,
    "rename_configuration": configurations.rename_configuration,
    "delete_configuration": configurations.delete_configuration,
}
SUBSCRIPTIONS: Final[dict[str, Any]] = {
    "pool_progress": followed.pool_progress,
    "my_order": followed.my_order,
}


@dataclass(frozen=True, slots=True)
class Api:
    """The schema as it runs, what it declares, and its text."""

    schema: GraphQLSchema
    access: AccessMap
    sdl: str
    watched: Mapping[str, Watched]


@lru_cache(maxsize=1)
def build_api() -> Api:
    """Build the schema and check that every field and argument is declared."""
    made = strawberry.Schema(
        query=_root("Query", QUERIES, "Everything that can be read."),
        mutation=_root("Mutation", MUTATIONS, "Everything that can be done; each answers its result or a refusal."),
        subscription=_root("Subscription", SUBSCRIPTIONS, "What can be followed as it changes."),
        types=[RefusalShown],
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    schema = made._schema
    straighten(schema, made.config, made.schema_converter.scalar_registry)
    return Api(schema, read_access(schema), made.as_str() + "\n", followed.WATCHED)


def _root(name: str, fields: dict[str, Any], description: str) -> Any:
    if not fields:
        return None
    return strawberry.type(type(name, (), dict(fields)), description=description)
