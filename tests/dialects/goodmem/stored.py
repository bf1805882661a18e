"""LLMs as other dialects may have stored them: whatever a configuration can be."""

from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from dragoman.domain.credential import Credential
from dragoman.domain.llm import (
    LLM,
    Capability,
    Configuration,
    Known,
    Modality,
    ProtocolName,
    Provenance,
    Provider,
    Sampling,
)
from dragoman.domain.url import Endpoint

NOON_MS = 1_790_000_000_000

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
names = texts.filter(lambda text: text.strip() != "")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-2, 2) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
endpoints = st.builds(
    Endpoint,
    st.sampled_from(["https://a.example", "https://b.example/v1", "http://c.example:81/v1/"]),
    st.sampled_from(["", "/", "/chat/completions", "x/y", "/a?b=c", "?b"]),
    st.none() | st.just("eu"),
)
samplings = st.builds(
    Sampling,
    temperature=st.none() | st.floats(0, 2).map(abs),
    max_tokens=st.none() | st.integers(1, 2**31 - 1),
    top_p=st.none() | st.floats(0, 1).map(abs),
    top_k=st.none() | st.integers(1, 99),
    stop_sequences=st.lists(st.text(max_size=120), max_size=14).map(tuple),
)
configurations = st.builds(
    Configuration,
    display_name=names,
    description=st.none() | texts,
    provider=st.none() | st.sampled_from(Provider),
    protocol=st.sampled_from(ProtocolName),
    endpoints=st.lists(endpoints, max_size=3).map(tuple),
    model=st.sampled_from(["gpt-5-nano", "my-finetune", "llama3.1:8b"]) | names,
    sampling=samplings,
    capabilities=st.dictionaries(
        st.sampled_from(Capability),
        st.builds(Known, st.booleans(), st.sampled_from(Provenance)),
        max_size=8,
    ),
    modalities=st.lists(st.sampled_from(Modality), unique=True).map(tuple),
    max_context_length=st.none() | st.integers(1, 2**31 - 1),
    labels=st.dictionaries(st.sampled_from("abc"), texts, max_size=3),
    client_config=st.none() | st.dictionaries(texts, json_values, max_size=3),
    version=st.none() | texts,
    monitoring_endpoint=st.none() | texts,
)


def an_llm(configuration: Configuration | None = None, **members: Any) -> LLM:
    """Write an LLM that is stored; without a configuration it has only what it must."""
    if configuration is None:
        needed: dict[str, Any] = {
            "display_name": "my-llm",
            "provider": Provider.OPENAI,
            "protocol": ProtocolName.OPENAI,
            "endpoints": (Endpoint("https://a.example/v1", "/chat/completions"),),
            "model": "my-finetune",
        }
        configuration = Configuration(**needed | members)
    return LLM(
        id="01a00000-0000-7000-8000-000000000001",
        organization_id="01a00000-0000-7000-8000-0000000000ac",
        owner_id="01a00000-0000-7000-8000-000000000002",
        configuration=configuration,
        created_at_ms=NOON_MS,
        created_by="01a00000-0000-7000-8000-000000000002",
    )


def with_credential(llm: LLM, credential: Credential) -> LLM:
    """Give an LLM a credential."""
    return replace(llm, credential=credential)
