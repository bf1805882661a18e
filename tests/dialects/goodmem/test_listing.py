"""Lists without pages: whole, bounded, and written while they are read."""

import asyncio
from typing import Any

import httpx2
import msgspec
import pytest
from msgspec.structs import replace

from dragoman.dialects.goodmem.listing import MAX_LLMS, PAGE_SIZE, Listing
from dragoman.domain.errors import CallerError, Unavailable
from dragoman.domain.llm import LLM
from dragoman.domain.page import Cursor, Page
from dragoman.storage.unit_of_work import SqlStore
from tests.dialects.anam.tenants import Tenant, with_store
from tests.dialects.goodmem import stored
from tests.dialects.goodmem.registrations import LLMS, client, created, error, shown

CURSOR = Cursor(1, "x")


class Pages:
    """A list of as many pages of one LLM each."""

    def __init__(self, count: int, total: int | None = None, breaks_at: int | None = None) -> None:
        self._left = count
        self._total = total
        self._breaks_at = breaks_at
        self.sent: list[Any] = []

    async def read(self, after: Cursor | None) -> Page[LLM]:
        self._left -= 1
        if self._left == self._breaks_at:
            raise Unavailable("The database is gone.")
        total = self._total if after is None else None
        return Page((stored.an_llm(),), total, CURSOR if self._left else None)

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def answer(self) -> bytes:
        listing = await Listing.begin(self.read, lambda _: b"{}")
        await listing({}, self.never, self.send)
        return b"".join(message.get("body", b"") for message in self.sent)

    async def never(self) -> Any:
        raise AssertionError("a list reads no body")


@pytest.mark.parametrize(("count", "body"), [(1, b'{"llms":[{}]}'), (3, b'{"llms":[{},{},{}]}')])
def test_pages_are_joined_to_one_list(count: int, body: bytes) -> None:
    pages = Pages(count, total=count)
    assert asyncio.run(pages.answer()) == body
    assert len(pages.sent) == count + 1


def test_a_list_that_is_one_page_says_how_long_it_is() -> None:
    for count, is_said in ((1, True), (2, False)):
        pages = Pages(count)
        body = asyncio.run(pages.answer())
        headers = dict(pages.sent[0]["headers"])
        assert (headers.get(b"content-length") == b"%d" % len(body)) == is_said


def test_a_list_that_is_too_long_is_refused_with_the_filters_that_make_it_shorter() -> None:
    assert asyncio.run(Pages(1, total=MAX_LLMS).answer())
    pages = Pages(1, total=MAX_LLMS + 1)
    with pytest.raises(CallerError, match="ownerId, providerType or label"):
        asyncio.run(pages.answer())
    assert pages.sent == []


def test_a_list_that_breaks_is_not_ended_as_if_it_were_whole() -> None:
    pages = Pages(3, breaks_at=0)
    with pytest.raises(Unavailable):
        asyncio.run(pages.answer())
    assert all(message["more_body"] for message in pages.sent[1:])


# --- Over HTTP -----------------------------------------------------------------------------------


def listed(http: httpx2.Client, path: str = LLMS, **params: str) -> list[str]:
    answer = shown(http.get(path, params=params))
    assert list(answer) == ["llms"]
    return [llm["llmId"] for llm in answer["llms"]]


def test_a_list_is_empty_at_first_and_then_newest_first(admin: httpx2.Client, llms: str) -> None:
    assert shown(admin.get(llms)) == {"llms": []}
    made = [created(admin, modelIdentifier=f"m{number}") for number in range(3)]
    assert shown(admin.get(llms)) == {"llms": made[::-1]}


def test_more_than_a_page_is_listed_whole_and_each_once(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    pattern = created(admin)
    count = 2 * PAGE_SIZE + 50

    async def add(store: SqlStore) -> None:
        async with store.writing() as work:
            for number in range(count):
                llm = replace(
                    stored.an_llm(),
                    id=f"01a00000-0000-7000-8000-{number:012}",
                    organization_id=tenant.organization_id,
                    owner_id=pattern["ownerId"],
                    created_at_ms=stored.NOON_MS + number // 3,
                )
                await work.llms.add(llm)

    with_store(tenant.dragoman, add)
    found = listed(admin)
    assert len(found) == len(set(found)) == count + 1
    answer = admin.get(LLMS)
    assert answer.headers["transfer-encoding"] == "chunked"
    times = [llm["createdAt"] for llm in msgspec.json.decode(answer.content)["llms"]]
    assert times == sorted(times, reverse=True)


def test_filters_have_all_to_hold_in_every_spelling(tenant: Tenant, admin: httpx2.Client) -> None:
    prod = {"env": "prod", "team": "ai"}
    one = created(admin, modelIdentifier="one", labels=prod)["llmId"]
    two = created(admin, modelIdentifier="two", labels={"env": "prod"}, providerType="VLLM")
    two_id, owner_id = two["llmId"], two["ownerId"]
    assert listed(admin, **{"label.env": "prod"}) == [two_id, one]
    assert listed(admin, **{"label[env]": "prod", "label.team": "ai"}) == [one]
    assert listed(admin, **{"label[env]": "prod", "providerType": "VLLM"}) == [two_id]
    assert listed(admin, provider_type="vllm") == [two_id]
    assert listed(admin, providerType="OLLAMA") == []
    for spelling in ("ownerId", "owner_id"):
        assert listed(admin, **{spelling: owner_id}) == [two_id, one]
        assert listed(admin, **{spelling: tenant.organization_id}) == []


def test_llms_of_no_provider_are_found_by_what_they_are_shown_as(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    anams = {
        "displayName": "Anam's",
        "llmFormat": "anthropic",
        "modelName": "claude",
        "urls": [{"url": "https://api.anthropic.com/v1/messages"}],
        "secret": "",
    }
    other = shown(admin.post("/anam/v1/llms", json=anams), 201)["id"]
    dashscope = created(admin, providerType="DASHSCOPE")["llmId"]
    assert listed(admin, providerType="CUSTOM_OPENAI_COMPATIBLE") == [other]
    admin.headers["user-agent"] = "OpenAPI-Generator/1.5.6/python"
    assert listed(admin, providerType="CUSTOM_OPENAI_COMPATIBLE") == [dashscope, other]
    assert {llm["providerType"] for llm in shown(admin.get(LLMS))["llms"]} == {
        "CUSTOM_OPENAI_COMPATIBLE"
    }


def test_a_filter_that_cannot_be_read_is_refused(admin: httpx2.Client, llms: str) -> None:
    for query in ("ownerId=x", "providerType=AZURE", "label=env", "owner_id=a&ownerId=b"):
        error(admin.get(f"{llms}?{query}"), 400, "INVALID_ARGUMENT")


def test_whose_llms_are_listed_depends_on_the_permission(tenant: Tenant) -> None:
    own = tenant.another_key("editor", "llm:list:own", "llm:create:own")
    with (
        client(tenant.dragoman, tenant.keys["admin"]) as admin,
        client(tenant.dragoman, own) as lister,
    ):
        theirs = created(admin)
        mine = created(lister)
        assert listed(lister) == [mine["llmId"]]
        assert listed(lister, ownerId=theirs["ownerId"]) == [mine["llmId"]]
        assert listed(lister, ownerId=mine["ownerId"]) == [mine["llmId"]]
        assert listed(admin, ownerId=mine["ownerId"]) == [mine["llmId"]]
        assert listed(admin) == [mine["llmId"], theirs["llmId"]]
