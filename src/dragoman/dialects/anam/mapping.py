"""Between Anam's LLM objects and the domain. Pure."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, get_args

import msgspec
from pydantic.alias_generators import to_camel

from dragoman.dialect.times import write_time
from dragoman.dialects.anam.schema import (
    Format,
    Llm,
    LlmCreate,
    LlmInput,
    LlmPage,
    LlmUpdate,
    LlmUrl,
    PageMeta,
)
from dragoman.domain.errors import Invalid, Problem
from dragoman.domain.llm import (
    LLM,
    Configuration,
    ProtocolName,
    ReasoningEffort,
    ReasoningFormat,
    Sampling,
)
from dragoman.domain.page import Page
from dragoman.domain.url import Endpoint
from dragoman.registry.asked import KEPT, AskedCredential, Change, Draft, Edit, Kept
from dragoman.vault.secret import Secret

DOMAIN_NAMES = {
    "llm_format": "protocol",
    "model_name": "model",
    "display_tags": "tags",
}
"""Members that the domain calls otherwise; all others have the same name on both sides."""

WIRE_NAMES = {ours: to_camel(theirs) for theirs, ours in DOMAIN_NAMES.items()} | {
    "endpoints": "urls"
}

SAMPLING = frozenset({"temperature", "max_tokens"})
"""Members that the domain keeps together."""

SHOWN_FORMATS: dict[ProtocolName, Format] = {
    **{ProtocolName(name): name for name in get_args(Format)},
    ProtocolName.OPENAI_RESPONSES: "custom",
    ProtocolName.VERTEX_AI: "gemini",
    ProtocolName.DASHSCOPE_TEXT: "custom",
    ProtocolName.DASHSCOPE_MULTIMODAL: "custom",
}
"""How protocols are shown: what Anam's enum lacks, as the nearest that its clients can parse."""

READERS: dict[str, Callable[[Any], Any]] = {
    "protocol": ProtocolName,
    "reasoning_effort": lambda value: value and ReasoningEffort(value),
    "reasoning_format": lambda value: value and ReasoningFormat(value),
    "tags": lambda value: tuple(value or ()),
    "metadata": lambda value: value or {},
}
"""How values become the domain's, where they are not the same; null clears what may be empty."""


def draft(body: LlmCreate) -> Draft:
    """Read a new LLM. Raises Invalid where it has the URLs twice."""
    return Draft(configuration=Configuration(**_members(body)), credential=_new_credential(body))


def edit(body: LlmUpdate) -> Edit:
    """Read an update. Raises Invalid for an empty secret."""
    return Edit(change=_change(body), credential=_changed_credential(body))


def _change(body: LlmUpdate) -> Change:
    """Read what an update makes of a stored configuration; Invalid where it has the URLs twice."""

    def apply(current: Configuration) -> Configuration:
        members = _members(body, current)
        if members.get("protocol") == SHOWN_FORMATS[current.protocol]:
            del members["protocol"]
        return msgspec.structs.replace(current, **members)

    return apply


def _new_credential(body: LlmCreate) -> AskedCredential | None:
    """Read a new LLM's secret; an empty one means that the server wants no credential."""
    return AskedCredential(Secret(body.secret)) if body.secret else None


def _changed_credential(body: LlmUpdate) -> AskedCredential | Kept:
    """Read an update's secret. Raises Invalid for an empty one."""
    if "secret" not in body.model_fields_set:
        return KEPT
    if not body.secret:
        raise Invalid(
            Problem(("secret",), "must not be empty; leave it out to keep the secret", "too_small")
        )
    return AskedCredential(Secret(body.secret))


def shown(llm: LLM) -> Llm:
    """Write an LLM as Anam's clients read it."""
    stored = llm.configuration
    reasoning: dict[str, Any] = {
        name: value
        for name in ("reasoning_effort", "reasoning_format")
        if (value := getattr(stored, name)) is not None
    }
    return Llm(
        id=llm.id,
        display_name=stored.display_name,
        description=stored.description,
        llm_format=SHOWN_FORMATS[stored.protocol],
        urls=[_shown_url(endpoint) for endpoint in stored.endpoints],
        model_name=stored.model,
        temperature=stored.sampling.temperature,
        max_tokens=stored.sampling.max_tokens,
        deployment_name=stored.deployment_name,
        api_version=stored.api_version,
        metadata=stored.metadata,
        display_tags=list(stored.tags),
        is_default=llm.is_default,
        is_global=llm.is_platform,
        is_zdr=llm.zero_data_retention,
        created_by_organization_id=None if llm.is_platform else llm.organization_id,
        created_at=write_time(llm.created_at_ms),
        updated_at=None if llm.updated_at_ms is None else write_time(llm.updated_at_ms),
        **reasoning,
    )


def shown_page(page: Page[LLM], number: int, per_page: int) -> LlmPage:
    """Write a page of a list; an empty list has one page."""
    total = page.total or 0
    last = max(1, -(-total // per_page))
    meta = PageMeta(
        total=total,
        last_page=last,
        current_page=number,
        per_page=per_page,
        prev=min(number - 1, last) if number > 1 else None,
        next=number + 1 if number < last else None,
    )
    return LlmPage(data=[shown(llm) for llm in page.items], meta=meta)


@contextmanager
def in_words_of(body: LlmInput) -> Iterator[None]:
    """Let problems that the block raises name the members as the request wrote them."""
    try:
        yield
    except Invalid as error:
        problems = (p._replace(path=_wire_path(p.path, body)) for p in error.problems)
        raise Invalid(*problems) from None


def _wire_path(path: tuple[str | int, ...], body: LlmInput) -> tuple[str | int, ...]:
    if path[0] == "endpoints" and "url" in body.model_fields_set:
        return ("url",)
    if path[0] == "credential":
        return ("secret",)  # all that there is of one here
    if path[0] == "sampling":
        path = path[1:]
    first = str(path[0])
    return (WIRE_NAMES.get(first, to_camel(first)), *path[1:])


def _members(body: LlmInput, current: Configuration | None = None) -> dict[str, Any]:
    """Collect what a request names, in the domain's names and values."""
    members: dict[str, Any] = {}
    sampled = {name: getattr(body, name) for name in body.model_fields_set & SAMPLING}
    if sampled:
        if sampled.get("temperature") is not None:
            sampled["temperature"] += 0.0  # there is one zero
        before = current.sampling if current else Sampling()
        members["sampling"] = msgspec.structs.replace(before, **sampled)
    known = current.endpoints if current else ()
    for name in body.model_fields_set - {"secret", "url", "urls"} - SAMPLING:
        ours = DOMAIN_NAMES.get(name, name)
        value = getattr(body, name)
        members[ours] = READERS[ours](value) if ours in READERS else value
    if {"url", "urls"} <= body.model_fields_set:
        raise Invalid(Problem(("url",), "send url or urls, not both", "conflict"))
    if "url" in body.model_fields_set:
        members["endpoints"] = (Endpoint.parse(body.url),)
    elif "urls" in body.model_fields_set:
        members["endpoints"] = tuple(_endpoint(url, known) for url in body.urls)
    return members


def _endpoint(url: LlmUrl, known: tuple[Endpoint, ...]) -> Endpoint:
    """Read an endpoint; one that is stored already stays as it is, however it was taken apart."""
    for endpoint in known:
        if (endpoint.url, endpoint.region) == (url.url, url.region):
            return endpoint
    return Endpoint.parse(url.url, url.region)


def _shown_url(endpoint: Endpoint) -> LlmUrl:
    if endpoint.region is None:
        return LlmUrl(url=endpoint.url)
    return LlmUrl(url=endpoint.url, region=endpoint.region)
