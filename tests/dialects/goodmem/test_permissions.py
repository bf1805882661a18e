"""Who may do what, by the names that GoodMem has for it."""

from pathlib import Path

import httpx2
import pytest

from dragoman.authz.policy import ROLES, Action, Reach, permission
from dragoman.dialects import goodmem
from dragoman.dialects.goodmem.errors import permission_name
from tests.dialects.anam.tenants import Tenant
from tests.dialects.goodmem.registrations import (
    LLMS,
    SOME_ID,
    an_llm,
    client,
    created,
    error,
    invalid,
    shown,
)

README = Path(goodmem.__file__).with_name("README.md")


def matrix() -> str:
    """Print which role holds which permission."""
    rows = [f"| permission | {' | '.join(ROLES)} |", f"|---|{'---|' * len(ROLES)}"]
    for action in Action:
        for reach in Reach:
            held = permission(action, reach)
            cells = ("yes" if held in permissions else "-" for permissions in ROLES.values())
            rows.append(f"| `{permission_name(held)}` | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def test_the_printed_matrix_is_the_policy() -> None:
    """A difference is a change of policy: look at it, then write it into the file."""
    assert matrix() in README.read_text()


MISSING = {
    ("viewer", "POST", LLMS): "CREATE_LLM_OWN",
    ("viewer", "PUT", f"{LLMS}/{SOME_ID}"): "UPDATE_LLM_OWN",
    ("viewer", "DELETE", f"{LLMS}/{SOME_ID}"): "DELETE_LLM_OWN",
    ("viewer", "POST", "/goodmem/v1/ping:once"): "PING_LLM_OWN",
    ("caller", "GET", f"{LLMS}/{SOME_ID}"): "READ_LLM_OWN",
}


@pytest.mark.parametrize(("role", "method", "path"), MISSING)
def test_a_refusal_names_what_is_missing_before_the_members_are_judged(
    tenant: Tenant, role: str, method: str, path: str
) -> None:
    with client(tenant.dragoman, tenant.keys[role]) as http:
        said = error(http.request(method, path, json={"x": 1}), 403, "PERMISSION_DENIED")
    assert said.endswith(f"What is missing is {MISSING[role, method, path]}.")


def test_who_may_list_nothing_is_told_so(tenant: Tenant) -> None:
    key = tenant.another_key("editor", "llm:create:own")
    with client(tenant.dragoman, key) as http:
        said = error(http.get(LLMS), 403, "PERMISSION_DENIED")
    assert said.endswith("LIST_LLM_OWN.")


def test_what_others_own_is_changed_by_those_who_may_change_any(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    path = f"{LLMS}/{created(admin)['llmId']}"
    with client(tenant.dragoman, tenant.keys["editor"]) as editor:
        shown(editor.get(path))
        said = error(editor.put(path, json={"displayName": "x"}), 403, "PERMISSION_DENIED")
        assert said.endswith("UPDATE_LLM_ANY.")
        assert error(editor.delete(path), 403, "PERMISSION_DENIED").endswith("DELETE_LLM_ANY.")
        own = f"{LLMS}/{created(editor)['llmId']}"
    shown(admin.put(own, json={"displayName": "x"}))


def test_an_owner_other_than_the_caller_needs_the_right_to_create_for_any(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    editors = tenant.keys["editor"].principal.id
    admins = tenant.keys["admin"].principal.id
    llm = created(admin, ownerId=editors)
    assert (llm["ownerId"], llm["createdById"]) == (editors, admins)
    with client(tenant.dragoman, tenant.keys["editor"]) as editor:
        assert created(editor, ownerId=editors, modelIdentifier="m")["ownerId"] == editors
        for owner in (admins, SOME_ID):
            said = error(editor.post(LLMS, json=an_llm(ownerId=owner)), 403, "PERMISSION_DENIED")
            assert said.endswith("What is missing is CREATE_LLM_ANY.")
    assert invalid(admin.post(LLMS, json=an_llm(ownerId=SOME_ID))) == ["ownerId"]


def _all_but_the_request(answer: httpx2.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name not in {"date", "x-request-id"}
    }
    return answer.status_code, headers, answer.content


@pytest.mark.parametrize("role", ["admin", "editor", "viewer", "caller"])
@pytest.mark.parametrize(
    ("method", "query"),
    [("GET", ""), ("GET", "?includeCredentials=true"), ("PUT", ""), ("DELETE", "")],
)
def test_another_organizations_llm_is_not_there_just_like_one_that_never_was(
    tenant: Tenant, role: str, method: str, query: str
) -> None:
    with (
        Tenant(tenant.dragoman) as other,
        client(tenant.dragoman, other.keys["admin"]) as stranger,
        client(tenant.dragoman, tenant.keys[role]) as http,
    ):
        theirs = created(stranger)
        body = {"endpointUrl": "https://evil.example"}
        foreign = http.request(method, f"{LLMS}/{theirs['llmId']}{query}", json=body)
        unknown = http.request(method, f"{LLMS}/{SOME_ID}{query}", json=body)
        assert foreign.status_code in {403, 404}
        assert _all_but_the_request(foreign) == _all_but_the_request(unknown)
        assert shown(stranger.get(LLMS)) == {"llms": [theirs]}
