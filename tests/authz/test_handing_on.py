"""What an API key holds of its principal's permissions, and what its holder may hand on."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.authz.check import (
    OPERATOR,
    Actor,
    actor,
    administered,
    both,
    operator,
    permit,
    require,
    within,
)
from dragoman.authz.policy import PERMISSIONS, Action, Administration, role_permissions
from dragoman.domain.errors import Forbidden, NotFound
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.principal import ApiKey, Principal, Role
from tests.authz.test_check import llm

subsets = st.none() | st.sets(st.sampled_from(PERMISSIONS)).map(lambda held: tuple(sorted(held)))
organizations = st.sampled_from(["org-1", PLATFORM_ORGANIZATION_ID])


def acting(
    role: Role = Role.ADMIN,
    permissions: tuple[str, ...] | None = None,
    organization: str = "org-1",
    principal: str = "ada",
) -> Actor:
    """Make the actor of a key that holds these permissions; None: all of its role."""
    key = ApiKey(f"key-of-{principal}", organization, principal, "key", b"", 0, permissions)
    return actor(key, Principal(principal, organization, principal, role, 0))


def can_hand_on(
    who: Actor, permissions: frozenset[str], organization: str = "org-1", to: str | None = None
) -> bool:
    try:
        within(who, organization, permissions, to)
    except Forbidden:
        return False
    return True


class TestKeys:
    @given(role=st.sampled_from(Role), permissions=subsets, organization=organizations)
    def test_a_key_holds_what_both_its_role_and_its_list_allow(
        self, role: Role, permissions: tuple[str, ...] | None, organization: str
    ) -> None:
        held = acting(role, permissions, organization).permissions
        whole = role_permissions(role, organization)
        assert held == (whole if permissions is None else whole & set(permissions))

    def test_a_key_with_an_empty_list_holds_nothing(self) -> None:
        assert acting(permissions=()).permissions == frozenset()

    @given(first=subsets, second=subsets, role=st.sampled_from(Role))
    def test_two_keys_of_one_principal_hold_what_both_do(
        self, first: tuple[str, ...] | None, second: tuple[str, ...] | None, role: Role
    ) -> None:
        one, other = acting(role, first), acting(role, second)
        assert both(one, other).permissions == one.permissions & other.permissions

    def test_two_principals_administer_together_only_by_the_keys_of_two_admins(self) -> None:
        """What they administer has no owner, but two credentials are no reason for more."""
        ada, bob = acting(), acting(principal="bob")
        assert Administration.ORGANIZATION not in both(ada, bob).permissions


class TestWithin:
    @given(role=st.sampled_from(Role), held=subsets, given_on=subsets)
    def test_nobody_hands_on_to_somebody_new_what_they_do_not_hold(
        self, role: Role, held: tuple[str, ...] | None, given_on: tuple[str, ...] | None
    ) -> None:
        who = acting(role, held)
        handed_on = frozenset(given_on or ())
        assert can_hand_on(who, handed_on) == (handed_on <= who.permissions)
        assert can_hand_on(who, handed_on, to="ada") == (handed_on <= who.permissions)

    @given(held=subsets, given_on=subsets)
    def test_to_somebody_else_nobody_hands_on_what_they_cannot_do_to_their_llms(
        self, held: tuple[str, ...] | None, given_on: tuple[str, ...] | None
    ) -> None:
        who, handed_on = acting(permissions=held), frozenset(given_on or ())
        if can_hand_on(who, handed_on, to="bob"):
            bob = acting(Role.ADMIN, tuple(handed_on), principal="bob")
            for action in Action:
                for owner in ("ada", "bob", "eve"):
                    if allows(bob, action, owner):
                        assert owner == "bob" or allows(who, action, owner), (action, owner)
                if allows(bob, action, "bob"):
                    assert allows(who, action, "bob"), action

    def test_whoever_holds_own_alone_cannot_become_somebody_elses_own(self) -> None:
        who = acting(permissions=("llm:update:own", "organization:administer"))
        assert can_hand_on(who, frozenset({"llm:update:own"}))
        assert not can_hand_on(who, frozenset({"llm:update:own"}), to="bob")

    def test_the_refusal_names_what_is_missing(self) -> None:
        who = acting(permissions=("organization:administer",))
        with pytest.raises(Forbidden, match="llm:list:any, llm:use:any") as refused:
            within(who, "org-1", frozenset({"llm:use:any", "llm:list:any"}))
        assert refused.value.permission == "llm:list:any"


def allows(who: Actor, action: Action, owner: str) -> bool:
    try:
        require(who, action, llm(owner))
    except Forbidden:
        return False
    return True


class TestAdministered:
    def test_an_administrators_own_organization_is_meant_where_none_is_named(self) -> None:
        assert administered(acting(), None) == "org-1"
        assert administered(acting(), "org-1") == "org-1"

    @pytest.mark.parametrize("named", [None, "org-1", "org-2", PLATFORM_ORGANIZATION_ID])
    def test_whoever_administers_nothing_is_refused_everywhere_alike(
        self, named: str | None
    ) -> None:
        for who in (acting(Role.EDITOR), acting(permissions=("llm:read:any",))):
            with pytest.raises(Forbidden) as refused:
                administered(who, named)
            assert refused.value.permission == "organization:administer"

    def test_another_organization_is_not_there(self) -> None:
        for other in ("org-2", PLATFORM_ORGANIZATION_ID, ""):
            with pytest.raises(NotFound, match="no organization with this id"):
                administered(acting(), other)

    def test_an_operators_key_reaches_every_organization(self) -> None:
        who = acting(organization=PLATFORM_ORGANIZATION_ID)
        assert administered(who, "org-1") == "org-1"
        assert administered(who, None) == PLATFORM_ORGANIZATION_ID

    def test_an_operators_key_without_the_permission_to_operate_does_not(self) -> None:
        who = acting(
            permissions=("organization:administer",), organization=PLATFORM_ORGANIZATION_ID
        )
        with pytest.raises(NotFound):
            administered(who, "org-1")

    @given(role=st.sampled_from(Role), permissions=subsets)
    def test_no_key_of_a_tenant_operates_the_platform(
        self, role: Role, permissions: tuple[str, ...] | None
    ) -> None:
        with pytest.raises(Forbidden):
            permit(acting(role, permissions), Administration.PLATFORM)


class TestOperator:
    def test_whoever_has_the_data_directory_may_do_everything(self) -> None:
        who = operator()
        assert who.permissions == set(PERMISSIONS)
        assert (who.principal_id, who.key_id, who.expires_at_ms) == (OPERATOR, None, None)
        assert administered(who, "org-1") == "org-1"
        for role in Role:
            for organization in ("org-1", PLATFORM_ORGANIZATION_ID):
                within(who, organization, role_permissions(role, organization), "ada")

    def test_but_no_llm_of_the_platform_is_changed_this_way(self) -> None:
        with pytest.raises(Forbidden):
            require(operator(), Action.UPDATE, llm("ada", PLATFORM_ORGANIZATION_ID))

    def test_an_actor_remembers_the_request_that_they_act_through(self) -> None:
        who = msgspec.structs.replace(operator(), request_id="req_1")
        assert who.request_id == "req_1"
