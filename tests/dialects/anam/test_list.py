"""`GET /v1/llms`: pages, order and search."""

from typing import Any

import httpx2
import pytest

from tests.dialects.anam.answers import problems, shown
from tests.dialects.anam.tenants import LLMS, Tenant, an_llm


def _register(client: httpx2.Client, count: int) -> list[dict[str, Any]]:
    bodies = (an_llm(displayName=f"number {number}") for number in range(count))
    return [shown(client.post(LLMS, json=body), 201) for body in bodies]


def _names(answer: httpx2.Response) -> list[str]:
    return [llm["displayName"] for llm in shown(answer)["data"]]


def test_an_organization_without_llms_has_one_empty_page(admin: httpx2.Client, llms: str) -> None:
    assert shown(admin.get(llms)) == {
        "data": [],
        "meta": {
            "total": 0,
            "lastPage": 1,
            "currentPage": 1,
            "perPage": 10,
            "prev": None,
            "next": None,
        },
    }


def test_the_first_ten_are_shown_whole_and_newest_first(admin: httpx2.Client, llms: str) -> None:
    registered = _register(admin, 11)
    newest_first = sorted(registered, key=lambda llm: (llm["createdAt"], llm["id"]), reverse=True)

    page = shown(admin.get(llms))

    assert page["data"] == newest_first[:10]
    assert page["meta"] == {
        "total": 11,
        "lastPage": 2,
        "currentPage": 1,
        "perPage": 10,
        "prev": None,
        "next": 2,
    }


def test_every_page_says_where_it_stands_and_together_they_are_the_whole(
    admin: httpx2.Client,
) -> None:
    registered = _register(admin, 7)
    pages = [
        shown(admin.get(LLMS, params={"page": number, "perPage": 3})) for number in range(1, 6)
    ]

    shown_ids = [llm["id"] for page in pages for llm in page["data"]]
    assert [len(page["data"]) for page in pages] == [3, 3, 1, 0, 0]
    assert sorted(shown_ids) == sorted(llm["id"] for llm in registered)
    assert [(page["meta"]["prev"], page["meta"]["next"]) for page in pages] == [
        (None, 2),
        (1, 3),
        (2, None),
        (3, None),
        (3, None),
    ]
    for number, page in enumerate(pages, start=1):
        assert page["meta"]["currentPage"] == number
        assert page["meta"]["perPage"] == 3
        assert page["meta"]["total"] == 7
        assert page["meta"]["lastPage"] == 3


def test_a_last_page_that_is_full_has_no_next(admin: httpx2.Client) -> None:
    _register(admin, 4)
    meta = shown(admin.get(LLMS, params={"page": 2, "perPage": 2}))["meta"]
    assert (meta["lastPage"], meta["prev"], meta["next"]) == (2, 1, None)


def test_a_page_holds_up_to_a_hundred(admin: httpx2.Client) -> None:
    _register(admin, 12)
    page = shown(admin.get(LLMS, params={"perPage": 100}))
    assert len(page["data"]) == 12
    assert page["meta"]["perPage"] == 100


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("page=0", "greater_than_equal"),
        ("page=-1", "greater_than_equal"),
        ("page=10000001", "less_than_equal"),
        ("page=99999999999999999999999999", "less_than_equal"),
        ("page=one", "int_parsing"),
        ("page=1.5", "int_parsing"),
        ("page=1_0", "int_parsing"),
        ("page=", "int_parsing"),
        ("page=0x1", "int_parsing"),
        ("perPage=0", "greater_than_equal"),
        ("perPage=101", "less_than_equal"),
        ("perPage=ten", "int_parsing"),
        ("includeDefaults=maybe", "bool_parsing"),
        ("includeDefaults=", "bool_parsing"),
        ("search=" + "s" * 256, "string_too_long"),
        ("search=a%00b", "value_error"),
    ],
)
def test_a_parameter_that_is_out_of_range_is_named(
    admin: httpx2.Client, llms: str, query: str, code: str
) -> None:
    assert problems(admin.get(f"{llms}?{query}")) == [(query.partition("=")[0], code)]


def test_all_parameters_that_are_out_of_range_are_named_at_once(admin: httpx2.Client) -> None:
    assert problems(admin.get(f"{LLMS}?page=0&perPage=101&includeDefaults=2")) == [
        ("page", "greater_than_equal"),
        ("perPage", "less_than_equal"),
        ("includeDefaults", "bool_parsing"),
    ]


def test_a_parameter_that_does_not_exist_is_ignored(admin: httpx2.Client) -> None:
    _register(admin, 1)
    assert _names(admin.get(f"{LLMS}?pageSize=0&sort=name&per_page=x")) == ["number 0"]


@pytest.fixture
def found(admin: httpx2.Client) -> httpx2.Client:
    """Register LLMs whose texts are easily taken for patterns."""
    for display_name, description, model in (
        ("100% sure", None, "m"),
        ("snake_case", "x", "m"),
        ("back\\slash", None, "m"),
        ("Straße", "École d'été", "m"),
        ("ΣΊΣΥΦΟΣ", None, "Llama-3.1:8B"),
    ):
        body = an_llm(displayName=display_name, description=description, modelName=model)
        shown(
            admin.post(LLMS, json=body | {"displayTags": ["tagged"], "deploymentName": "dep"}), 201
        )
    return admin


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("%", ["100% sure"]),
        ("_", ["snake_case"]),
        ("\\", ["back\\slash"]),
        ("\\_", []),
        ("0% S", ["100% sure"]),
        ("SNAKE", ["snake_case"]),
        ("straße", ["Straße"]),
        ("STRASSE", ["Straße"]),
        ("éCOLE", ["Straße"]),
        ("σίσυφος", ["ΣΊΣΥΦΟΣ"]),
        ("llama-3.1", ["ΣΊΣΥΦΟΣ"]),
        ("llama*", []),
        ("api.openai.com", []),
        ("tagged", []),
        ("dep", []),
        ("m", ["100% sure", "snake_case", "back\\slash", "Straße", "ΣΊΣΥΦΟΣ"]),
        ("", ["100% sure", "snake_case", "back\\slash", "Straße", "ΣΊΣΥΦΟΣ"]),
        ("nothing like it", []),
        ("\n", []),
        ("sure\nm", []),
    ],
)
def test_search_looks_for_a_literal_text_in_name_description_and_model_whatever_its_case(
    found: httpx2.Client, search: str, names: list[str]
) -> None:
    answer = found.get(LLMS, params={"search": search})
    assert sorted(_names(answer)) == sorted(names)
    assert shown(answer)["meta"]["total"] == len(names)


def test_search_finds_what_an_update_wrote_and_no_longer_what_it_replaced(
    admin: httpx2.Client, llms: str
) -> None:
    llm_id = shown(admin.post(llms, json=an_llm(displayName="before")), 201)["id"]
    shown(admin.put(f"{llms}/{llm_id}", json={"displayName": "after"}))
    assert _names(admin.get(llms, params={"search": "AFTER"})) == ["after"]
    assert _names(admin.get(llms, params={"search": "before"})) == []


def test_a_text_of_255_characters_can_be_searched_for(admin: httpx2.Client) -> None:
    shown(admin.post(LLMS, json=an_llm(displayName="%" * 255)), 201)
    assert _names(admin.get(LLMS, params={"search": "%" * 255})) == ["%" * 255]


def test_pages_go_on_within_a_search(admin: httpx2.Client) -> None:
    _register(admin, 5)
    shown(admin.post(LLMS, json=an_llm(displayName="another")), 201)
    answer = admin.get(LLMS, params={"search": "number", "page": 2, "perPage": 2})
    assert shown(answer)["meta"] == {
        "total": 5,
        "lastPage": 3,
        "currentPage": 2,
        "perPage": 2,
        "prev": 1,
        "next": 3,
    }


def test_another_organizations_llms_are_in_no_list(tenant: Tenant, admin: httpx2.Client) -> None:
    _register(admin, 2)
    with Tenant(tenant.dragoman) as other:
        assert shown(other.client().get(LLMS))["meta"]["total"] == 0
        assert shown(other.client().get(LLMS, params={"search": "number"}))["data"] == []
    with tenant.dragoman.client() as first_admin:
        assert "number 0" not in first_admin.get(LLMS, params={"perPage": 100}).text
