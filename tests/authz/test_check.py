"""Who is acting, how far an action of theirs reaches, and what nobody may do."""

import itertools

import msgspec
import pytest

from dragoman.authz.check import Actor, actor, both, require, scope
from dragoman.authz.policy import ROLES, Action, Reach
from dragoman.domain.errors import Forbidden, Unauthenticated
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.llm import LLM, Configuration, ProtocolName
from dragoman.domain.principal import ApiKey, Principal, Role, Scope
from dragoman.domain.url import Endpoint

CHANGES = (Action.UPDATE, Action.DELETE)
PAIRS = list(itertools.product(Role, Role))


def acting(
    role: Role, principal: str = "ada", organization: str = "org-1", expires: int | None = None
) -> Actor:
    return actor(
        ApiKey(
            f"key-of-{principal}", organization, principal, "key", b"", 0, expires_at_ms=expires
        ),
        Principal(principal, organization, principal, role, 0),
    )


def llm(owner: str = "ada", organization: str = "org-1") -> LLM:
    return LLM(
        id="llm-1",
        organization_id=organization,
        owner_id=owner,
        configuration=Configuration(
            display_name="my-llm",
            protocol=ProtocolName.OPENAI,
            endpoints=(Endpoint.parse("https://a.example/v1"),),
            model="tiny",
        ),
        created_at_ms=0,
        created_by=owner,
    )


def may_change(who: Actor, action: Action, target: LLM) -> bool:
    try:
        require(who, action, target)
    except Forbidden:
        return False
    return True


def may(who: Actor, action: Action) -> bool:
    try:
        scope(who, action)
    except Forbidden:
        return False
    return True


class TestActor:
    @pytest.mark.parametrize("role", Role)
    def test_a_key_acts_as_its_principal_with_the_rights_of_its_role(self, role: Role) -> None:
        assert acting(role, expires=7) == Actor(
            organization_id="org-1",
            principal_id="ada",
            key_id="key-of-ada",
            permissions=ROLES[role],
            expires_at_ms=7,
        )

    def test_the_farther_reach_counts(self) -> None:
        who = msgspec.structs.replace(
            acting(Role.EDITOR), permissions=frozenset({"llm:update:own", "llm:update:any"})
        )
        assert who.reach(Action.UPDATE) is Reach.ANY

    def test_what_is_not_held_reaches_nothing(self) -> None:
        assert acting(Role.CALLER).reach(Action.READ) is None
        assert acting(Role.EDITOR).reach(Action.UPDATE) is Reach.OWN


class TestScope:
    def test_any_reaches_the_whole_organization(self) -> None:
        assert scope(acting(Role.VIEWER), Action.READ) == Scope("org-1", None)

    def test_own_reaches_what_the_principal_owns(self) -> None:
        assert scope(acting(Role.EDITOR), Action.UPDATE) == Scope("org-1", "ada")

    @pytest.mark.parametrize("role", Role)
    @pytest.mark.parametrize("action", Action)
    def test_no_scope_reaches_beyond_the_actors_organization(
        self, role: Role, action: Action
    ) -> None:
        who = acting(role, organization="org-2")
        if may(who, action):
            assert scope(who, action).organization_id == "org-2"

    def test_what_may_not_be_done_at_all_has_no_scope(self) -> None:
        with pytest.raises(Forbidden, match=r"^This API key may not read LLMs\.$") as refused:
            scope(acting(Role.CALLER), Action.READ)
        assert refused.value.permission == "llm:read:own"


class TestRequire:
    @pytest.mark.parametrize("action", CHANGES)
    def test_an_admin_may_change_what_others_own(self, action: Action) -> None:
        require(acting(Role.ADMIN), action, llm(owner="bob"))

    @pytest.mark.parametrize("action", CHANGES)
    def test_an_editor_may_change_what_is_their_own(self, action: Action) -> None:
        require(acting(Role.EDITOR), action, llm(owner="ada"))

    def test_an_editor_may_not_change_what_others_own(self) -> None:
        with pytest.raises(Forbidden, match="may update only LLMs of its own") as refused:
            require(acting(Role.EDITOR), Action.UPDATE, llm(owner="bob"))
        assert refused.value.permission == "llm:update:any"

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.CALLER])
    @pytest.mark.parametrize("action", CHANGES)
    def test_who_only_reads_or_calls_changes_nothing(self, role: Role, action: Action) -> None:
        assert not may_change(acting(role), action, llm(owner="ada"))

    @pytest.mark.parametrize("role", Role)
    @pytest.mark.parametrize("action", CHANGES)
    @pytest.mark.parametrize("organization", ["org-1", PLATFORM_ORGANIZATION_ID])
    def test_nobody_changes_an_llm_of_the_platform(
        self, role: Role, action: Action, organization: str
    ) -> None:
        who = acting(role, organization=organization)
        target = llm(owner="ada", organization=PLATFORM_ORGANIZATION_ID)
        with pytest.raises(Forbidden, match=f"nobody may {action} it here"):
            require(who, action, target)


class TestTwoCredentials:
    def test_they_act_as_the_first_ones_principal(self) -> None:
        together = both(acting(Role.ADMIN, "ada"), acting(Role.VIEWER, "bob"))
        assert (together.principal_id, together.key_id) == ("ada", "key-of-ada")
        assert together.organization_id == "org-1"

    @pytest.mark.parametrize(("first", "second"), PAIRS)
    def test_of_one_principal_they_may_do_what_each_may_do_alone(
        self, first: Role, second: Role
    ) -> None:
        one, other = acting(first, "ada"), acting(second, "ada")
        together = both(one, other)
        for action in Action:
            assert may(together, action) is (may(one, action) and may(other, action)), action
        for action, owner in itertools.product(CHANGES, ("ada", "bob")):
            each = all(may_change(who, action, llm(owner)) for who in (one, other))
            assert may_change(together, action, llm(owner)) is each, (action, owner)

    @pytest.mark.parametrize(("first", "second"), PAIRS)
    def test_of_two_principals_they_may_do_nothing_that_one_of_them_may_not(
        self, first: Role, second: Role
    ) -> None:
        one, other = acting(first, "ada"), acting(second, "bob")
        together = both(one, other)
        for action in Action:
            assert not may(together, action) or (may(one, action) and may(other, action)), action
        for action, owner in itertools.product(CHANGES, ("ada", "bob", "eve")):
            if may_change(together, action, llm(owner)):
                assert may_change(one, action, llm(owner)), (action, owner)
                assert may_change(other, action, llm(owner)), (action, owner)

    @pytest.mark.parametrize(("first", "second"), PAIRS)
    def test_of_two_principals_they_keep_what_both_may_do_to_any_llm(
        self, first: Role, second: Role
    ) -> None:
        together = both(acting(first, "ada"), acting(second, "bob"))
        for action in Action:
            on_any = {acting(role).reach(action) for role in (first, second)} == {Reach.ANY}
            assert together.reach(action) is (Reach.ANY if on_any else None), action

    def test_two_editors_may_change_neither_ones_llms(self) -> None:
        together = both(acting(Role.EDITOR, "ada"), acting(Role.EDITOR, "bob"))
        assert not may(together, Action.CREATE)
        for owner in ("ada", "bob"):
            assert not may_change(together, Action.UPDATE, llm(owner))

    def test_an_admins_and_an_editors_key_of_one_principal_may_change_what_they_own(self) -> None:
        together = both(acting(Role.ADMIN), acting(Role.EDITOR))
        assert scope(together, Action.UPDATE) == Scope("org-1", "ada")
        assert may_change(together, Action.UPDATE, llm("ada"))
        assert not may_change(together, Action.UPDATE, llm("bob"))

    @pytest.mark.parametrize(("first", "second"), PAIRS)
    def test_they_never_see_more_than_either(self, first: Role, second: Role) -> None:
        together = both(acting(first), acting(second))
        assert together.permissions <= ROLES[first]
        assert together.permissions <= ROLES[second]

    @pytest.mark.parametrize(("first", "second"), PAIRS)
    def test_of_two_organizations_they_are_refused(self, first: Role, second: Role) -> None:
        with pytest.raises(Unauthenticated, match="belong to two organizations"):
            both(acting(first, organization="org-1"), acting(second, organization="org-2"))

    @pytest.mark.parametrize(
        ("first", "second", "together"),
        [(None, None, None), (5, None, 5), (None, 5, 5), (5, 9, 5), (9, 5, 5), (0, 5, 0)],
    )
    def test_they_end_when_the_first_of_them_ends(
        self, first: int | None, second: int | None, together: int | None
    ) -> None:
        one, other = acting(Role.ADMIN, expires=first), acting(Role.ADMIN, expires=second)
        assert both(one, other).expires_at_ms == together
