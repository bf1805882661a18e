"""Between LLMs on the wire and the domain. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dragoman.dialect.times import write_time
from dragoman.dialects.dragoman import credentials, llm_shown
from dragoman.dialects.dragoman import llm_schema as schema
from dragoman.domain.errors import Invalid, Problem
from dragoman.domain.llm import (
    LLM,
    Capability,
    Configuration,
    Known,
    Provenance,
    Sampling,
    Timeouts,
)
from dragoman.domain.url import Endpoint
from dragoman.registry.asked import Draft, Unique
from dragoman.vault.secret import MASK, Secret

SECRET_MEMBERS = frozenset({"credential", "headers"})
IDENTITY_MEMBERS = frozenset({"id", "owner_id"})

WIRE_PATHS: Mapping[str, tuple[str, ...]] = {
    "secret": ("credential", "secret"),
    "reasoning_effort": ("reasoning", "effort"),
    "reasoning_format": ("reasoning", "format"),
    "llm_id": ("id",),
}
"""What the domain calls otherwise; all other names are the same on both sides."""


def draft(body: schema.LlmCreate, unique: frozenset[Unique]) -> Draft:
    """Read a new LLM."""
    asked = body.model_dump(exclude_unset=True)
    named = asked.keys() - SECRET_MEMBERS - IDENTITY_MEMBERS
    configuration = Configuration(**members(asked, named, None))
    credential = asked.get("credential")
    return Draft(
        configuration=configuration,
        credential=None
        if credential is None
        else credentials.read(credential, None, configuration.protocol),
        headers={
            name: Secret(value)
            for name, value in (asked.get("headers") or {}).items()
            if value is not None
        },
        llm_id=body.id,
        owner_id=body.owner_id,
        unique=unique,
    )


def members(
    document: Mapping[str, Any], named: Iterable[str], before: Configuration | None
) -> dict[str, Any]:
    """Read the named members of a document as those of a configuration.

    What reads the same as `before` stays as it is, however it was written or came to be known.
    """
    found: dict[str, Any] = {}
    for name in named:
        read = _READERS.get(name)
        found |= {name: document[name]} if read is None else read(document[name], before)
    return found


def _endpoints(value: list[dict[str, Any]], before: Configuration | None) -> dict[str, Any]:
    known = before.endpoints if before else ()
    return {"endpoints": tuple(_endpoint(each, known) for each in value)}


def _endpoint(asked: dict[str, Any], known: tuple[Endpoint, ...]) -> Endpoint:
    region = asked.get("region")
    if asked.get("base_url") is not None:
        return Endpoint(asked["base_url"], asked["path"], region)
    for endpoint in known:
        if (endpoint.url, endpoint.region) == (asked["url"], region):
            return endpoint
    return Endpoint.parse(asked["url"], region)


def _sampling(value: dict[str, Any] | None, _: Configuration | None) -> dict[str, Any]:
    found = _present(value)
    stops = tuple(found.pop("stop_sequences", ()))
    return {"sampling": Sampling(**found, stop_sequences=stops)}


def _reasoning(value: dict[str, Any] | None, _: Configuration | None) -> dict[str, Any]:
    found = _present(value)
    return {"reasoning_effort": found.get("effort"), "reasoning_format": found.get("format")}


def _capabilities(value: dict[str, Any] | None, before: Configuration | None) -> dict[str, Any]:
    known = before.capabilities if before else {}
    found = {}
    for name, supported in _present(value).items():
        capability = Capability(name)
        stored = known.get(capability)
        is_same = stored is not None and stored.supported == supported
        found[capability] = stored if is_same else Known(supported, Provenance.DECLARED)
    return {"capabilities": found}


def _present(value: dict[str, Any] | None) -> dict[str, Any]:
    """Leave out what is null."""
    return {name: each for name, each in (value or {}).items() if each is not None}


_READERS: Mapping[str, Callable[[Any, Configuration | None], dict[str, Any]]] = {
    "endpoints": _endpoints,
    "sampling": _sampling,
    "reasoning": _reasoning,
    "capabilities": _capabilities,
    "modalities": lambda value, _: {"modalities": tuple(value or ())},
    "labels": lambda value, _: {"labels": _present(value)},
    "tags": lambda value, _: {"tags": tuple(value or ())},
    "metadata": lambda value, _: {"metadata": value or {}},
    "timeouts": lambda value, _: {"timeouts": Timeouts(**_present(value))},
}
"""How members become the domain's, where they are not the same; null empties."""


def shown(llm: LLM) -> llm_shown.Llm:
    """Write an LLM. Its secrets are masked."""
    stored = llm.configuration
    return llm_shown.Llm(
        id=llm.id,
        organization_id=llm.organization_id,
        owner_id=llm.owner_id,
        display_name=stored.display_name,
        description=stored.description,
        provider=stored.provider,
        protocol=stored.protocol,
        endpoints=[
            llm_shown.Endpoint(
                url=each.url, base_url=each.base_url, path=each.path, region=each.region
            )
            for each in stored.endpoints
        ],
        model=stored.model,
        deployment_name=stored.deployment_name,
        api_version=stored.api_version,
        credential=credentials.shown(llm.credential),
        headers={header.name: MASK for header in llm.headers},
        **_shown_groups(stored),
        modalities=list(stored.modalities),
        max_context_length=stored.max_context_length,
        labels=stored.labels,
        tags=list(stored.tags),
        metadata=stored.metadata,
        client_config=stored.client_config,
        version=stored.version,
        monitoring_endpoint=stored.monitoring_endpoint,
        enabled=stored.enabled,
        is_default=llm.is_default,
        is_platform=llm.is_platform,
        zero_data_retention=llm.zero_data_retention,
        revision=llm.revision,
        created_at=write_time(llm.created_at_ms),
        created_by=llm.created_by,
        updated_at=None if llm.updated_at_ms is None else write_time(llm.updated_at_ms),
        updated_by=llm.updated_by,
    )


def _shown_groups(stored: Configuration) -> dict[str, Any]:
    """Write what stands together."""
    sampling = {name: getattr(stored.sampling, name) for name in Sampling.__struct_fields__}
    timeouts = {name: getattr(stored.timeouts, name) for name in Timeouts.__struct_fields__}
    known = sorted(stored.capabilities.items())
    return {
        "sampling": llm_shown.Sampling(
            **sampling | {"stop_sequences": list(stored.sampling.stop_sequences)}
        ),
        "reasoning": llm_shown.Reasoning(
            effort=stored.reasoning_effort, format=stored.reasoning_format
        ),
        "capabilities": {name: each.supported for name, each in known},
        "capability_provenance": {name: each.provenance for name, each in known},
        "timeouts": llm_shown.Timeouts(**timeouts),
    }


@contextmanager
def in_words_of(body: schema.LlmInput) -> Iterator[None]:
    """Let problems that the block raises name the members as the request wrote them."""
    try:
        yield
    except Invalid as error:
        raise Invalid(*(_in_words(problem, body) for problem in error.problems)) from None


def _in_words(problem: Problem, body: schema.LlmInput) -> Problem:
    path = problem.path
    path = (*WIRE_PATHS.get(str(path[0]), path[:1]), *path[1:])
    match path:
        case ("credential", "held"):
            asked = getattr(body, "credential", None)
            names_it = asked is not None and asked.reference is not None
            path = ("credential", "reference") if names_it else ("credential",)
        case ("endpoints", int(index), "url"):
            endpoints = getattr(body, "endpoints", [])
            if index < len(endpoints) and endpoints[index].url is None:
                path = ("endpoints", index, "base_url")
    return problem._replace(path=path)
