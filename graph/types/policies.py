"""The numbers a brand may change, in versions: what is in force, and how an administrator writes the next one."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

import orjson

from graph.access import field, input_type, object_type
from graph.operations import mutation, query
from kernel import policy
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.reasons import because
from kernel.work import Work


@object_type(reads=Permission.POLICY_READ)
class PolicyValue:
    """One number or text, as JSON; `isDefault` where the brand has not set it."""

    name: str
    json: str
    is_default: bool


@object_type(reads=Permission.POLICY_READ)
class PolicySection:
    """What one part of the system goes by."""

    name: str
    values: list[PolicyValue] = field(at_most=30)


@object_type(reads=Permission.POLICY_READ)
class PolicyVersion:
    """All values under one number; quotes, pools and contracts pin the one they were made under."""

    version: int
    reason: str
    at: datetime | None
    sections: list[PolicySection] = field(at_most=15)


@input_type(takes=Permission.POLICY_MANAGE)
class PolicyValueInput:
    """One value in JSON, such as `21` or `[[60, 0], [120, 200]]`."""

    name: str
    json: str


@input_type(takes=Permission.POLICY_MANAGE)
class ChangePolicyInput:
    """Values of one section that change, on top of `baseVersion`, which must be the newest."""

    base_version: int
    section: str
    values: list[PolicyValueInput]
    reason: str


@query(reads=Permission.POLICY_READ)
def current_policy(work: Work) -> PolicyVersion:
    """The policy in force."""
    return _show(policy.current(work))


@mutation(does=Permission.POLICY_MANAGE, result="ChangePolicyResult")
def change_policy(work: Work, input: ChangePolicyInput) -> PolicyVersion:  # noqa: A002  # the API's word
    """Write the next version of the policy."""
    changes = {one.name: _read(one) for one in input.values}
    made = policy.change_policy(
        work, base_version=input.base_version, changes={input.section: changes}, reason=input.reason
    )
    return _show(made)


def _read(value: PolicyValueInput) -> Any:
    try:
        return orjson.loads(value.json)
    except orjson.JSONDecodeError:
        raise InvalidInput(value.name, because("JSON")) from None


def _show(version: policy.PolicyVersion) -> PolicyVersion:
    return PolicyVersion(
        version=version.version,
        reason=version.reason,
        at=version.at,
        sections=[_show_section(version, name, cls) for name, cls in sorted(policy.sections().items())],
    )


def _show_section(version: policy.PolicyVersion, name: str, cls: type[Any]) -> PolicySection:
    values = version.section(cls)
    stored = version.values.get(name, {})
    return PolicySection(
        name=name,
        values=[
            PolicyValue(
                name=one.name,
                json=orjson.dumps(getattr(values, one.name)).decode(),
                is_default=one.name not in stored,
            )
            for one in fields(cls)
        ],
    )
