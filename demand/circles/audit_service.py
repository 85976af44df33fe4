"""What must never break in circles, derived anew from the rows."""

from __future__ import annotations

from typing import Final

from kernel.soundness import Check, rows_violating

_SMALL: Final = """
    SELECT circle_id, figure, shown FROM circle_figures
    WHERE brand_id = :brand_id AND shown IS NOT NULL AND shown < 10
"""
_OVERUSED: Final = """
    SELECT invitation.id, invitation.uses, COUNT(member.person_id) AS came FROM circle_invitations AS invitation
    JOIN circle_members AS member ON member.invitation_id = invitation.id
    WHERE invitation.brand_id = :brand_id
    GROUP BY invitation.id, invitation.uses, invitation.circle_id
    HAVING COUNT(member.person_id) > invitation.uses
        OR MIN(member.circle_id) <> invitation.circle_id OR MAX(member.circle_id) <> invitation.circle_id
"""
_UNINVITED: Final = """
    SELECT member.circle_id, COUNT(*) AS uninvited FROM circle_members AS member
    JOIN circles ON circles.id = member.circle_id
    WHERE circles.brand_id = :brand_id AND circles.access = 'invited' AND member.invitation_id IS NULL
        AND member.joined_at > circles.founded_at
    GROUP BY member.circle_id
"""

CHECKS: Final = (
    Check(
        "nothing is shown of a circle that speaks of fewer than ten persons",
        12,
        rows_violating(_SMALL, shape="{figure} of circle {circle_id} shows {shown}"),
    ),
    Check(
        "an invitation let in no more persons than it was used for, and into its circle alone",
        5,
        rows_violating(_OVERUSED, shape="invitation {id} was used {uses} times and let in {came}"),
    ),
    Check(
        "nobody but its founder is in an invited circle without an invitation",
        5,
        rows_violating(_UNINVITED, shape="{uninvited} persons of circle {circle_id} were not invited"),
    ),
)
