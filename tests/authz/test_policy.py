"""The table of roles is the one that is printed in tests/matrices/roles.txt.

A change of policy is a change of that file: `python -m tests.authz.test_policy` writes it anew.
"""

from pathlib import Path

import pytest

from dragoman.authz.policy import (
    ON_ANY,
    OPERATORS,
    PERMISSIONS,
    ROLES,
    Action,
    Administration,
    Reach,
    permission,
    role_permissions,
)
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.principal import Role

MATRIX = Path(__file__).parents[1] / "matrices" / "roles.txt"


def matrix() -> str:
    """Print which role holds which permission; an operator is an admin of the platform."""
    columns = {role.value: ROLES[role] for role in Role} | {"operator": OPERATORS[Role.ADMIN]}
    rows = [["", *columns]]
    rows += [
        [name, *("yes" if name in held else "-" for held in columns.values())]
        for name in PERMISSIONS
    ]
    return "".join(
        f"{row[0]:<25}" + "".join(f"{c:<10}" for c in row[1:]).rstrip() + "\n" for row in rows
    )


def test_the_table_is_the_printed_matrix() -> None:
    assert matrix() == MATRIX.read_text()


def test_every_role_has_a_row() -> None:
    assert ROLES.keys() == set(Role)


@pytest.mark.parametrize("role", Role)
def test_a_role_holds_only_permissions_that_exist(role: Role) -> None:
    known = {permission(action, reach) for action in Action for reach in Reach}
    known |= set(Administration)
    assert set(PERMISSIONS) == known
    assert ROLES[role] <= known
    assert role_permissions(role, PLATFORM_ORGANIZATION_ID) <= known


def test_a_permission_is_named_by_noun_action_and_reach() -> None:
    assert permission(Action.UPDATE, Reach.OWN) == "llm:update:own"
    assert permission(Action.USE, Reach.ANY) == "llm:use:any"


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER, Role.CALLER])
def test_only_an_admin_changes_what_others_own(role: Role) -> None:
    for action in (Action.CREATE, Action.UPDATE, Action.DELETE):
        assert permission(action, Reach.ANY) in ROLES[Role.ADMIN]
        assert permission(action, Reach.ANY) not in ROLES[role]


def test_a_caller_cannot_read_registrations_and_a_viewer_cannot_call() -> None:
    assert not {"llm:read:own", "llm:read:any"} & ROLES[Role.CALLER]
    assert not {"llm:use:own", "llm:use:any"} & ROLES[Role.VIEWER]


@pytest.mark.parametrize("role", Role)
def test_whoever_may_do_it_to_any_llm_may_do_it_to_their_own(role: Role) -> None:
    for action in Action:
        if permission(action, Reach.ANY) in ROLES[role]:
            assert permission(action, Reach.OWN) in ROLES[role]


def test_what_does_not_depend_on_owners_is_what_reaches_any() -> None:
    assert {permission(action, Reach.ANY) for action in Action} == ON_ANY


def test_the_table_cannot_be_changed_while_it_serves() -> None:
    with pytest.raises(TypeError):
        ROLES[Role.CALLER] = ROLES[Role.ADMIN]  # type: ignore[index]


def test_only_an_admin_administers_and_only_the_platforms_operates() -> None:
    administering = {role for role in Role if Administration.ORGANIZATION in ROLES[role]}
    assert administering == {Role.ADMIN}
    assert not [role for role in Role if Administration.PLATFORM in ROLES[role]]
    assert OPERATORS.keys() == {Role.ADMIN}


@pytest.mark.parametrize("role", Role)
def test_the_organization_says_which_table_counts(role: Role) -> None:
    assert role_permissions(role, "org-1") == ROLES[role]
    platform = role_permissions(role, PLATFORM_ORGANIZATION_ID)
    assert platform == OPERATORS.get(role, frozenset())


@pytest.mark.parametrize("role", Role)
def test_only_the_operators_setting_lets_a_role_see_credentials(role: Role) -> None:
    seeing = {permission(Action.READ_CREDENTIALS, reach) for reach in Reach}
    others = set(Role) - {role}
    assert not seeing & role_permissions(role, "org-1", others)
    assert role_permissions(role, "org-1", {role}) == ROLES[role] | seeing
    platform = role_permissions(role, PLATFORM_ORGANIZATION_ID, set(Role))
    assert platform == OPERATORS.get(role, frozenset())


def test_an_operator_neither_changes_nor_calls_llms() -> None:
    changing = (Action.CREATE, Action.UPDATE, Action.DELETE, Action.USE, Action.PING)
    barred = {permission(action, reach) for action in changing for reach in Reach}
    assert not barred & OPERATORS[Role.ADMIN]


if __name__ == "__main__":
    MATRIX.write_text(matrix())
