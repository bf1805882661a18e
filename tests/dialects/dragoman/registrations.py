"""LLMs as they are registered, and strategies for all that can be."""

from typing import Any

from hypothesis import strategies as st

from dragoman.domain.llm import (
    Capability,
    Modality,
    ProtocolName,
    Provider,
    ReasoningEffort,
    ReasoningFormat,
)
from tests.dialects.anam.tenants import OPENAI_URL

READ_ONLY = frozenset(
    {
        "id",
        "organization_id",
        "owner_id",
        "capability_provenance",
        "is_default",
        "is_platform",
        "zero_data_retention",
        "revision",
        "created_at",
        "created_by",
        "updated_at",
        "updated_by",
    }
)


def an_llm(**members: Any) -> dict[str, Any]:
    """Write the body that registers an LLM at OpenAI, but for the given members."""
    return {
        "display_name": "my-llm",
        "protocol": "openai",
        "endpoints": [{"url": OPENAI_URL}],
        "model": "gpt-4o",
    } | members


def a_credential(kind: str = "api_key", **members: Any) -> dict[str, Any]:
    """Write a credential as it is shown: a bearer's API key, but for the given members."""
    return {
        "kind": kind,
        "reference": None,
        "hints": None,
        "scopes": None,
        "quota_project_id": None,
        "header": "Authorization",
        "prefix": "Bearer ",
        "labels": {},
    } | members


def writable(llm: dict[str, Any]) -> dict[str, Any]:
    """Give what of a shown LLM can be sent back: masked headers cannot."""
    return {name: value for name, value in llm.items() if name not in READ_ONLY | {"headers"}}


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
names = texts.filter(lambda text: text.strip() != "")
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, json_values, max_size=3)
words = st.text("abcdefgh-_./", min_size=1, max_size=8)
SCHEMES = ("https", "HTTP")
HOSTS = ("api.example.com", "API.example.com:8443", "bücher.example")
bases = st.builds(
    "{}://{}{}".format,
    st.sampled_from(SCHEMES),
    st.sampled_from(HOSTS),
    st.sampled_from(["", "/", "//", "/v1", "/a/b/", "/%7e;x=1"]),
)
paths = st.sampled_from(["/", "/chat/completions", "/x?a=b", "?x=/chat/completions"])
endpoints = st.fixed_dictionaries(
    {"url": st.builds("{}{}".format, bases, paths)}, optional={"region": st.none() | texts}
) | st.fixed_dictionaries(
    {"base_url": bases, "path": paths}, optional={"region": st.none() | texts}
)


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def _group(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return _maybe(st.fixed_dictionaries({}, optional=members))


positive = st.integers(1, 2**31 - 1) | st.sampled_from([1.0, 100.0])
seconds = st.floats(0.001, 86_400)
required: dict[str, st.SearchStrategy[Any]] = {
    "display_name": names,
    "protocol": st.sampled_from(list(ProtocolName)),
    "endpoints": st.lists(endpoints, min_size=1, max_size=3),
    "model": names,
}
optional: dict[str, st.SearchStrategy[Any]] = {
    "description": _maybe(texts),
    "provider": _maybe(st.sampled_from(list(Provider))),
    "deployment_name": _maybe(texts),
    "api_version": _maybe(texts),
    "sampling": _group(
        temperature=_maybe(st.floats(0, 2) | st.integers(0, 2)),
        max_tokens=_maybe(positive),
        top_p=_maybe(st.floats(0, 1)),
        top_k=_maybe(positive),
        frequency_penalty=_maybe(st.floats(-2, 2)),
        presence_penalty=_maybe(st.floats(-2, 2)),
        stop_sequences=_maybe(st.lists(texts, max_size=3)),
    ),
    "reasoning": _group(
        effort=_maybe(st.sampled_from(list(ReasoningEffort))),
        format=_maybe(st.sampled_from(list(ReasoningFormat))),
    ),
    "capabilities": _maybe(
        st.dictionaries(st.sampled_from(list(Capability)), _maybe(st.booleans()))
    ),
    "modalities": _maybe(st.lists(st.sampled_from(list(Modality)), unique=True)),
    "max_context_length": _maybe(positive),
    "labels": _maybe(st.dictionaries(words, _maybe(texts), max_size=4)),
    "tags": _maybe(st.lists(texts, max_size=3)),
    "metadata": _maybe(objects),
    "client_config": _maybe(objects),
    "version": _maybe(texts),
    "monitoring_endpoint": _maybe(texts),
    "timeouts": _group(
        connect_s=_maybe(seconds),
        first_byte_s=_maybe(seconds),
        idle_s=_maybe(seconds),
        total_s=_maybe(seconds),
    ),
    "enabled": st.booleans(),
}
_texts_by_name = _maybe(st.dictionaries(words, _maybe(texts), max_size=3))
_of_any_kind: dict[str, st.SearchStrategy[Any]] = {
    "header": _maybe(st.sampled_from(["Authorization", "authorization", "x-key"])),
    "prefix": _maybe(st.sampled_from(["", "Bearer ", "Token "])),
    "labels": _texts_by_name,
}
REFERENCES = ("env://LAW_KEY", "vault://kv/law/one#key")
"""What has to be granted to whoever registers what these strategies make."""
credentials = _maybe(
    st.fixed_dictionaries(
        {"secret": st.just("sk-law")}, optional=_of_any_kind | {"kind": st.just("api_key")}
    )
    | st.fixed_dictionaries(
        {"reference": st.sampled_from(REFERENCES)},
        optional=_of_any_kind | {"kind": st.just("secret_reference"), "hints": _texts_by_name},
    )
)
headers = _maybe(st.dictionaries(st.sampled_from(["X-Title", "x-two"]), st.just("value")))
configurations = st.fixed_dictionaries(required, optional=optional)
secretive = st.fixed_dictionaries(
    required, optional=optional | {"credential": credentials, "headers": headers}
)
changes = st.fixed_dictionaries({}, optional=required | optional)
