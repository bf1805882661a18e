"""What a store promises of lists of LLMs: filters, labels, search, pages."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.domain.labels import Operator, Requirement, parse_selector
from dragoman.domain.llm import LLM, ProtocolName, Provider
from dragoman.domain.page import LLM_FILTERS, LLMQuery
from dragoman.domain.ports import Store
from tests.fakes.llms import is_asked_for
from tests.storage.samples import SCOPE, named_llm

SHARED = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def add(store: Store, *added: LLM) -> None:
    async with store.writing() as work:
        for llm in added:
            await work.llms.add(llm)


async def asked(store: Store, **query: Any) -> list[str]:
    """Give the ids that a query finds; the count has to agree."""
    async with store.reading() as view:
        page = await view.llms.page(SCOPE, LLMQuery(limit=100, counted=True, **query))
    assert page.total == len(page.items)
    assert page.next is None
    return [llm.id for llm in page.items]


# --- Filters -----------------------------------------------------------------------------------


def flagged(llm: LLM, **members: Any) -> LLM:
    return msgspec.structs.replace(llm, **members)


PLAIN = named_llm("a", "plain", provider=Provider.VLLM)
DIFFERENT: dict[str, tuple[LLM, str | bool]] = {
    "display_name": (named_llm("b", "other", provider=Provider.VLLM), "other"),
    "provider": (named_llm("b", "plain", provider=Provider.OLLAMA), "ollama"),
    "protocol": (named_llm("b", "plain", protocol=ProtocolName.CUSTOM), "custom"),
    "model": (named_llm("b", "plain", model="huge"), "huge"),
    "owner_id": (flagged(named_llm("b", "plain"), owner_id="colleague"), "colleague"),
    "enabled": (named_llm("b", "plain", enabled=False), False),
    "is_default": (flagged(named_llm("b", "plain"), is_default=True), True),
    "zero_data_retention": (flagged(named_llm("b", "plain"), zero_data_retention=True), True),
}
HELD_BY_PLAIN: dict[str, str | bool] = {
    "display_name": "plain",
    "provider": "vllm",
    "protocol": "openai",
    "model": "tiny",
    "owner_id": "principal",
    "enabled": True,
    "is_default": False,
    "zero_data_retention": False,
}


@pytest.mark.parametrize("name", LLM_FILTERS)
async def test_each_filter_finds_what_has_its_value(store: Store, name: str) -> None:
    other, value = DIFFERENT[name]
    await add(store, PLAIN, other)
    assert await asked(store, equal={name: value}) == ["b"]
    assert await asked(store, equal={name: HELD_BY_PLAIN[name]}) == ["a"]
    if isinstance(value, str):
        assert await asked(store, equal={name: value[:-1]}) == []
        assert await asked(store, equal={name: "%"}) == []


async def test_a_name_that_nobody_gave_equals_no_value(store: Store) -> None:
    await add(store, named_llm("a", "plain"))
    for value in ("", "None", "null"):
        assert await asked(store, equal={"provider": value}) == []


PROVIDED = [
    named_llm("a", "plain"),
    named_llm("b", "plain", provider=Provider.VLLM),
    named_llm("c", "plain", provider=Provider.OLLAMA),
]


@pytest.mark.parametrize(
    ("providers", "found"),
    [
        ((), {"a", "b", "c"}),
        ((None,), {"a"}),
        ((Provider.VLLM,), {"b"}),
        ((Provider.VLLM, None), {"a", "b"}),
        ((Provider.VLLM, Provider.OLLAMA), {"b", "c"}),
        ((Provider.OPENAI,), set()),
    ],
)
async def test_several_providers_may_be_asked_for_and_the_one_that_nobody_named(
    store: Store, providers: tuple[Provider | None, ...], found: set[str]
) -> None:
    await add(store, *PROVIDED)
    assert set(await asked(store, providers=providers)) == found
    assert await asked(store, providers=providers, equal={"provider": "ollama"}) == sorted(
        found & {"c"}
    )


small = st.sampled_from(["", "a", "b", "Ab"])
few_labels = st.dictionaries(st.sampled_from("kl"), st.sampled_from(["", "x", "y"]))
few_llms = st.lists(
    st.builds(
        named_llm,
        st.just("-"),
        small,
        description=st.none() | small,
        model=small,
        provider=st.none() | st.sampled_from([Provider.VLLM, Provider.OLLAMA]),
        enabled=st.booleans(),
        labels=few_labels,
    ),
    max_size=6,
).map(lambda found: [flagged(llm, id=f"llm-{at}") for at, llm in enumerate(found)])
requirements = st.builds(
    Requirement,
    st.sampled_from("kl"),
    st.sampled_from([Operator.IN, Operator.NOT_IN]),
    st.lists(st.sampled_from(["", "x", "y"]), min_size=1, max_size=2).map(tuple),
) | st.builds(
    Requirement, st.sampled_from("kl"), st.sampled_from([Operator.EXISTS, Operator.ABSENT])
)
queries = st.builds(
    LLMQuery,
    search=st.none() | small,
    equal=st.fixed_dictionaries(
        {},
        optional={
            "display_name": small,
            "model": small,
            "provider": st.sampled_from(["vllm", "ollama"]),
            "enabled": st.booleans(),
            "is_default": st.booleans(),
        },
    ),
    providers=st.lists(st.sampled_from([Provider.VLLM, Provider.OPENAI, None]), max_size=2).map(
        tuple
    ),
    labels=st.lists(requirements, max_size=2).map(tuple),
    limit=st.integers(1, 7),
    offset=st.integers(0, 3),
    counted=st.just(value=True),
)


@SHARED
@given(made=few_llms, query=queries)
async def test_all_conditions_have_to_hold(store: Store, made: list[LLM], query: LLMQuery) -> None:
    async with store.writing(keep=False) as work:
        for llm in made:
            await work.llms.add(llm)
        page = await work.llms.page(SCOPE, query)
    expected = [llm for llm in reversed(made) if is_asked_for(llm, query)]
    part = expected[query.offset : query.offset + query.limit]
    assert [llm.id for llm in page.items] == [llm.id for llm in part]
    assert page.total == len(expected)
    assert (page.next is None) == (query.offset + query.limit >= len(expected))


# --- Labels ------------------------------------------------------------------------------------

LABELLED = {
    "none": {},
    "prod": {"env": "prod", "team": "a"},
    "test": {"env": "test", "team": "b"},
    "empty": {"env": ""},
}


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("env=prod", {"prod"}),
        ("env==prod", {"prod"}),
        ("env=", {"empty"}),
        ("env!=prod", {"none", "test", "empty"}),
        ("env in (prod, test)", {"prod", "test"}),
        ("env notin (prod, test)", {"none", "empty"}),
        ("env", {"prod", "test", "empty"}),
        ("!env", {"none"}),
        ("env, team", {"prod", "test"}),
        ("env, !team", {"empty"}),
        ("env=prod, env=test", set()),
        ("env!=prod, env!=test, env", {"empty"}),
        ("team=a, env=prod", {"prod"}),
        ("team=a, env=test", set()),
        ("Env=prod", set()),
        ("env=PROD", set()),
        ("env=pro%", set()),
        ("prod", set()),
    ],
)
async def test_a_selector_finds_what_meets_all_its_conditions(
    store: Store, selector: str, found: set[str]
) -> None:
    await add(store, *(named_llm(name, "x", labels=held) for name, held in LABELLED.items()))
    assert set(await asked(store, labels=parse_selector(selector))) == found


async def test_labels_are_those_of_the_last_change(store: Store) -> None:
    await add(store, named_llm("llm", "x", labels={"env": "prod", "old": "1"}))
    async with store.writing() as work:
        await work.llms.replace(named_llm("llm", "x", labels={"env": "test"}))
    assert await asked(store, labels=parse_selector("env=prod")) == []
    assert await asked(store, labels=parse_selector("old")) == []
    assert await asked(store, labels=parse_selector("env=test")) == ["llm"]


# --- Search ------------------------------------------------------------------------------------

SEARCHED = {
    "100%": {},
    "a_b": {"model": "some-model"},
    "axb": {"description": "Hidden in a description"},
    "back\\slash": {},
    "bang!": {},
    "Größe": {},
    "İstanbul": {},
}


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("%", {"100%"}),
        ("_", {"a_b"}),
        ("a_b", {"a_b"}),
        ("a%b", set()),
        ("!", {"bang!"}),
        ("!%", set()),
        ("\\", {"back\\slash"}),
        ("\\%", set()),
        ("GRÖSSE", {"Größe"}),
        ("größe", {"Größe"}),
        ("İ", {"İstanbul"}),
        ("AXB", {"axb"}),
        ("hidden in a description", {"axb"}),
        ("Some-Model", {"a_b"}),
        ("'; DROP TABLE llms; --", set()),
        ("", set(SEARCHED)),
    ],
)
async def test_a_search_takes_every_character_as_itself_and_no_case(
    store: Store, search: str, names: set[str]
) -> None:
    await add(store, *(named_llm(name, name, **more) for name, more in SEARCHED.items()))
    assert set(await asked(store, search=search)) == names


async def test_a_search_finds_nothing_across_two_members(store: Store) -> None:
    await add(store, named_llm("llm", "one", description="two", model="three"))
    for across in ("onetwo", "one two", "twothree"):
        assert await asked(store, search=across) == []


# --- Pages -------------------------------------------------------------------------------------


@SHARED
@given(
    times=st.lists(st.integers(0, 3), min_size=1, max_size=8),
    size=st.integers(1, 4),
    gone=st.sets(st.integers(0, 7)),
)
async def test_pages_repeat_and_skip_nothing_while_llms_come_and_go(
    store: Store, times: list[int], size: int, gone: set[int]
) -> None:
    """Every LLM that is there the whole time is found once; no other one more often."""
    made = [flagged(named_llm(f"{at}", "x"), created_at_ms=time) for at, time in enumerate(times)]
    found: list[str] = []
    async with store.writing(keep=False) as work:
        for llm in made:
            await work.llms.add(llm)
        after = None
        for turn in range(20):
            page = await work.llms.page(SCOPE, LLMQuery(limit=size, after=after))
            found += [llm.id for llm in page.items]
            after = page.next
            if after is None:
                break
            new = flagged(named_llm(f"new-{turn}", "x"), created_at_ms=turn % 5)
            await work.llms.add(new)
            if turn in gone and turn < len(made):
                await work.llms.remove(made[turn])
    assert after is None
    assert len(found) == len(set(found))
    stayed = {llm.id for at, llm in enumerate(made) if at not in gone}
    assert stayed <= set(found)


async def test_an_offset_counts_from_the_newest_and_the_count_is_of_the_whole(
    store: Store,
) -> None:
    await add(store, *(flagged(named_llm(f"{at}", "x"), created_at_ms=at // 2) for at in range(7)))
    found: list[str] = []
    async with store.reading() as view:
        for offset in range(0, 9, 3):
            query = LLMQuery(offset=offset, limit=3, counted=True)
            page = await view.llms.page(SCOPE, query)
            assert page.total == 7
            found += [llm.id for llm in page.items]
        assert (await view.llms.page(SCOPE, LLMQuery())).total is None
    assert found == ["6", "5", "4", "3", "2", "1", "0"]
