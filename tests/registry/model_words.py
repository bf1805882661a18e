"""Between the model's words and the domain's: what is asked for, and what can be compared."""

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import strategies as st

from dragoman.domain.labels import parse_selector
from dragoman.domain.llm import LLM, Configuration
from dragoman.domain.url import Endpoint
from dragoman.registry.asked import Draft, Edit, Unique
from tests.registry.installation import a_configuration, a_draft, an_edit
from tests.registry.reference import PLATFORM, ROLES, RefLLM

NOTHING = "01a00000-0000-7000-8000-000000000000"
names = st.sampled_from(["a", "b", "c"])
labels = st.dictionaries(st.sampled_from(["env", "team"]), st.sampled_from(["x", "y"]))
hosts = st.sampled_from(["one.example", "two.example"])
secrets = st.sampled_from(["sk-one", "sk-two"])
members = {
    "name": names,
    "model": st.sampled_from(["tiny", "huge"]),
    "host": hosts,
    "labels": labels.map(lambda found: tuple(sorted(found.items()))),
    "enabled": st.sampled_from([True, True, False]),
}
drafts = st.fixed_dictionaries({**members, "secret": st.none() | secrets})
patches = st.fixed_dictionaries({}, optional={**members, "secret": secrets})
claims = st.sampled_from([set[str](), {"name"}, {"connection"}, {"name", "connection"}])
permissions = st.none() | st.frozensets(st.sampled_from(sorted(ROLES["admin"])), max_size=6)
changes = st.lists(st.tuples(patches, claims), min_size=2, max_size=5)
processes = st.sampled_from([0, 1])
picks = st.integers(0, 999)
"""Who acts, and on what: see `Registry.somebody` and `Registry.something`."""

FILTERS: dict[str, tuple[dict[str, Any], Callable[[RefLLM], bool]]] = {
    "all": ({}, lambda _: True),
    "own": ({"include_platform": False}, lambda llm: llm.organization != PLATFORM),
    "name": ({"equal": {"display_name": "a"}}, lambda llm: llm.name == "a"),
    "disabled": ({"equal": {"enabled": False}}, lambda llm: not llm.enabled),
    "label": ({"labels": parse_selector("env=x")}, lambda llm: ("env", "x") in llm.labels),
    "no label": ({"labels": parse_selector("!team")}, lambda llm: "team" not in dict(llm.labels)),
    "search": ({"search": "HUGE"}, lambda llm: llm.model == "huge"),
    "several": (
        {"equal": {"model": "tiny", "enabled": True}, "labels": parse_selector("env!=y")},
        lambda llm: llm.model == "tiny" and llm.enabled and ("env", "y") not in llm.labels,
    ),
}


def configured(asked: dict[str, Any], before: Configuration | None = None) -> Configuration:
    """Write what the reference calls members as the domain does."""
    found: dict[str, Any] = {}
    if "host" in asked:
        found["endpoints"] = (Endpoint.parse(f"https://{asked['host']}/v1/chat/completions"),)
    if "labels" in asked:
        found["labels"] = dict(asked["labels"])
    found |= {ours: asked[ours] for ours in ("model", "enabled") if ours in asked}
    found |= {"display_name": asked["name"]} if "name" in asked else {}
    return msgspec.structs.replace(before or a_configuration(), **found)


def seen(llm: LLM) -> tuple[object, ...]:
    """Give what can be compared of a real one."""
    it = llm.configuration
    host = it.endpoints[0].base_url.removeprefix("https://").removesuffix("/v1")
    told = (it.display_name, it.model, host, tuple(sorted(it.labels.items())), it.enabled)
    claimed = (llm.exclusive_key is not None, llm.exclusive_name)
    return llm.id, llm.owner_id, llm.revision, told, llm.credential is not None, claimed


def expected(llm: RefLLM) -> tuple[object, ...]:
    """Give the same of the reference's."""
    told = (llm.name, llm.model, llm.host, llm.labels, llm.enabled)
    claimed = (llm.holds_connection, llm.holds_name)
    return llm.id, llm.owner, llm.revision, told, llm.secret is not None, claimed


def called_as(llm: RefLLM) -> tuple[object, ...]:
    """Give what a call can tell of the LLM that it reaches."""
    return llm.id, llm.revision, llm.name, llm.model, llm.host, llm.secret


def draft_of(asked: dict[str, Any], llm_id: str, unique: set[str]) -> Draft:
    """Write a new LLM."""
    wanted = frozenset(Unique(name) for name in unique)
    return a_draft(configured(asked), asked["secret"], llm_id=llm_id, unique=wanted)


def edit_of(patch: dict[str, Any], unique: set[str]) -> Edit:
    """Write a change."""
    wanted = frozenset(Unique(name) for name in unique)
    return an_edit(lambda before: configured(patch, before), patch.get("secret"), unique=wanted)
