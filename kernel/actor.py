"""Who acts: an account with roles, bound to a brand, a store or a plant. What is not granted here is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from kernel.errors import DEFAULT_LOCALE, Forbidden, NotFound, NotSignedIn
from kernel.ids import AccountId, BrandId, PersonId, PlantId, StoreId


class Role(StrEnum):
    """The people and machines of DOMAIN section 2."""

    GUEST = "guest"
    CONSUMER = "consumer"
    DEALER = "dealer"
    PLANNER = "planner"
    BRAND_ADMIN = "brand_admin"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    PLANT = "plant"
    SUPPLIER = "supplier"
    CARRIER = "carrier"
    SYSTEM = "system"


MACHINES: Final = frozenset({Role.PLANT, Role.SUPPLIER, Role.CARRIER})
MACHINE_LOCALE: Final = "en"
"""Who reads a machine's answers reads its logs: a system is answered in English unless it asks otherwise."""


class Permission(StrEnum):
    """One thing somebody may do; every field, argument and use case names one."""

    CATALOGUE_READ = "catalogue.read"
    CATALOGUE_PUBLISH = "catalogue.publish"
    CONFIGURE = "configure"
    QUOTE = "quote"
    OWN_READ = "own.read"
    OWN_WRITE = "own.write"
    ACCOUNT_OWN = "account.own"
    ACCOUNT_DISABLE = "account.disable"
    PREORDER = "preorder"
    VOTE = "vote"
    PUBLIC_READ = "public.read"
    POOL_MANAGE = "pool.manage"
    MEMBER_REMOVE = "member.remove"
    FINANCE_APPROVE = "finance.approve"
    DEMAND_READ = "demand.read"
    DEMAND_TRADE = "demand.trade"
    BATCH_MANAGE = "batch.manage"
    BATCH_READ = "batch.read"
    PLANT_REPORT = "plant.report"
    CALL_OFF_ANSWER = "call_off.answer"
    DELIVERY_READ = "delivery.read"
    DELIVERY_WRITE = "delivery.write"
    STOCK_READ = "stock.read"
    STOCK_ORDER = "stock.order"
    STORE_CLOSE = "store.close"
    CONDITION_READ = "condition.read"
    CONDITION_WRITE = "condition.write"
    STAFF_MANAGE = "staff.manage"
    POLICY_MANAGE = "policy.manage"
    POLICY_READ = "policy.read"
    MONEY_BY_HAND = "money.by_hand"
    RECONCILE = "reconcile"
    AUDIT_READ = "audit.read"
    SHIPMENT_WRITE = "shipment.write"
    DEMO_TIME = "demo.time"
    SYSTEM = "system"


_PUBLIC: Final = frozenset({Permission.CATALOGUE_READ, Permission.CONFIGURE, Permission.QUOTE, Permission.PUBLIC_READ})
# What every human has who is signed in: the own account with its password, sessions, consents and data.
_HUMAN: Final = _PUBLIC | {Permission.ACCOUNT_OWN, Permission.OWN_READ}
GRANTS: Final[dict[Role, frozenset[Permission]]] = {
    Role.GUEST: _PUBLIC,
    Role.CONSUMER: _HUMAN | {Permission.OWN_WRITE, Permission.PREORDER, Permission.VOTE},
    Role.DEALER: _HUMAN
    | {
        Permission.DELIVERY_READ,
        Permission.DELIVERY_WRITE,
        Permission.STOCK_READ,
        Permission.STOCK_ORDER,
        Permission.DEMAND_TRADE,
        Permission.CONDITION_READ,
        Permission.CONDITION_WRITE,
    },
    Role.PLANNER: _HUMAN
    | {
        Permission.CATALOGUE_PUBLISH,
        Permission.POOL_MANAGE,
        Permission.DEMAND_READ,
        Permission.DEMAND_TRADE,
        Permission.BATCH_MANAGE,
        Permission.BATCH_READ,
        Permission.STOCK_READ,
        Permission.STOCK_ORDER,
        Permission.CONDITION_READ,
        Permission.POLICY_READ,
    },
    Role.BRAND_ADMIN: _HUMAN | {Permission.STAFF_MANAGE, Permission.POLICY_MANAGE, Permission.POLICY_READ},
    Role.OPERATOR: _HUMAN
    | {
        Permission.ACCOUNT_DISABLE,
        Permission.MONEY_BY_HAND,
        Permission.RECONCILE,
        Permission.MEMBER_REMOVE,
        Permission.FINANCE_APPROVE,
        Permission.STORE_CLOSE,
        Permission.DEMO_TIME,
    },
    Role.AUDITOR: _HUMAN
    | {
        Permission.AUDIT_READ,
        Permission.POLICY_READ,
        Permission.DEMAND_READ,
        Permission.DEMAND_TRADE,
        Permission.BATCH_READ,
        Permission.STOCK_READ,
        Permission.CONDITION_READ,
    },
    Role.PLANT: frozenset({Permission.PUBLIC_READ, Permission.PLANT_REPORT}),
    Role.SUPPLIER: frozenset({Permission.PUBLIC_READ, Permission.DEMAND_TRADE, Permission.CALL_OFF_ANSWER}),
    Role.CARRIER: frozenset(
        {
            Permission.PUBLIC_READ,
            Permission.SHIPMENT_WRITE,
            Permission.CONDITION_READ,
            Permission.CONDITION_WRITE,
        }
    ),
    Role.SYSTEM: frozenset(Permission),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, for which brand; `person_id` is set once the person behind the account is verified."""

    brand_id: BrandId
    roles: frozenset[Role] = frozenset({Role.GUEST})
    account_id: AccountId | None = None
    person_id: PersonId | None = None
    store_id: StoreId | None = None
    plant_id: PlantId | None = None
    locale: str = DEFAULT_LOCALE

    @property
    def is_machine(self) -> bool:
        """Say whether it is a system's account, which no person signs in to."""
        return bool(self.roles & MACHINES)

    @property
    def permissions(self) -> frozenset[Permission]:
        """Everything the roles grant together."""
        return _granted(self.roles)

    def may(self, permission: Permission) -> bool:
        """Say whether any role grants it."""
        return any(permission in GRANTS[role] for role in self.roles)

    def require(self, permission: Permission) -> None:
        """Refuse with NotSignedIn (a guest) or Forbidden (everyone else) unless granted."""
        if not self.may(permission):
            raise NotSignedIn() if self.account_id is None else Forbidden(permission.value)

    def signed_in(self) -> AccountId:
        """Return the account, or refuse."""
        if self.account_id is None:
            raise NotSignedIn
        return self.account_id

    def own_store(self) -> StoreId:
        """Return the store a dealer is bound to; somebody without one sees none."""
        if self.store_id is None:
            raise NotFound("store")
        return self.store_id

    def own_plant(self) -> PlantId:
        """Return the plant a machine account is bound to."""
        if self.plant_id is None:
            raise NotFound("plant")
        return self.plant_id

    def speaking(self, locale: str) -> Actor:
        """Return the same actor reading another language."""
        return replace(self, locale=locale)


def _granted(roles: frozenset[Role]) -> frozenset[Permission]:
    granted: frozenset[Permission] = frozenset()
    for role in roles:
        granted |= GRANTS[role]
    return granted


def system(brand_id: BrandId) -> Actor:
    """Return the platform itself acting for one brand: the worker, timers, subscribers."""
    return Actor(brand_id=brand_id, roles=frozenset({Role.SYSTEM}))
