"""Between GoodMem's LLM objects and the domain. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from dragoman.dialects.goodmem import credentials, endpoints, schema, shown
from dragoman.dialects.goodmem.values import (
    MAX_STOP_SEQUENCE_LENGTH,
    MAX_STOP_SEQUENCES,
    DashScopeApiDialect,
    ProviderType,
)
from dragoman.domain.errors import Invalid, Problem
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
from dragoman.registry.asked import Draft, Unique
from dragoman.registry.inference import Inference, inferred

CAPABILITIES: Mapping[str, Capability] = MappingProxyType(
    {
        "supports_chat": Capability.CHAT,
        "supports_completion": Capability.COMPLETION,
        "supports_function_calling": Capability.TOOL_CALLING,
        "supports_system_messages": Capability.SYSTEM_MESSAGES,
        "supports_streaming": Capability.STREAMING,
        "supports_sampling_parameters": Capability.SAMPLING_PARAMETERS,
    }
)

PROTOCOLS: Mapping[DashScopeApiDialect | None, ProtocolName] = MappingProxyType(
    {
        None: ProtocolName.OPENAI,
        "OPENAI_COMPATIBLE": ProtocolName.OPENAI,
        "LLM_NATIVE_TEXT": ProtocolName.DASHSCOPE_TEXT,
        "LLM_NATIVE_MULTIMODAL": ProtocolName.DASHSCOPE_MULTIMODAL,
    }
)
"""What the servers speak; other providers than DASHSCOPE have no choice."""

SHOWN_DIALECTS: Mapping[ProtocolName, DashScopeApiDialect] = MappingProxyType(
    {
        ProtocolName.OPENAI: "OPENAI_COMPATIBLE",
        ProtocolName.CUSTOM: "OPENAI_COMPATIBLE",
        ProtocolName.DASHSCOPE_TEXT: "LLM_NATIVE_TEXT",
        ProtocolName.DASHSCOPE_MULTIMODAL: "LLM_NATIVE_MULTIMODAL",
    }
)

NEAREST: ProviderType = "CUSTOM_OPENAI_COMPATIBLE"
"""How a provider is shown that nobody named, or that the client cannot read."""

UNIQUE = frozenset({Unique.CONNECTION})


def draft(body: schema.LlmCreate) -> tuple[Draft, tuple[Inference, ...]]:
    """Read a new LLM, and infer what it leaves open. Raises Invalid for too many stop sequences."""
    protocol = PROTOCOLS[body.dashscope_api_dialect]
    configuration = Configuration(
        display_name=body.display_name,
        description=body.description,
        provider=Provider(body.provider_type.lower()),
        protocol=protocol,
        endpoints=(endpoints.read(body.endpoint_url, body.api_path),),
        model=body.model_identifier,
        sampling=limited(sampling(body.default_sampling_params)),
        capabilities=capabilities(body.capabilities, {}),
        modalities=modalities(body.supported_modalities),
        max_context_length=body.max_context_length,
        labels=body.labels or {},
        client_config=body.client_config,
        version=body.version,
        monitoring_endpoint=body.monitoring_endpoint,
    )
    configuration, inferences = inferred(configuration)
    asked = body.credentials
    return (
        Draft(
            configuration=configuration,
            credential=None if asked is None else credentials.asked(asked, protocol),
            llm_id=_id(body.llm_id),
            owner_id=_id(body.owner_id),
            unique=UNIQUE,
        ),
        inferences,
    )


def _id(text: str | None) -> str | None:
    """Write an id in the one way in which it is stored; what is none stays what it is."""
    return None if text is None else text.lower()


def capabilities(
    body: schema.Capabilities | None, before: Mapping[Capability, Known]
) -> dict[Capability, Known]:
    """Read what is said of capabilities; what is said as it is known already stays as it is."""
    found = dict(before)
    for name, capability in CAPABILITIES.items():
        said = getattr(body, name, None)
        stored = before.get(capability)
        if said is not None and (stored is None or stored.supported != said):
            found[capability] = Known(said, Provenance.DECLARED)
    return found


def modalities(body: list[Any] | None) -> tuple[Modality, ...]:
    """Read a set of modalities."""
    return tuple(dict.fromkeys(Modality(name.lower()) for name in body or ()))


def sampling(body: schema.Sampling | None) -> Sampling:
    """Read sampling defaults, as a whole."""
    if body is None:
        return Sampling()
    said = {name: getattr(body, name) for name in schema.Sampling.model_fields}
    return Sampling(**said | {"stop_sequences": tuple(body.stop_sequences or ())})


def limited(found: Sampling) -> Sampling:
    """Check GoodMem's own limits on stop sequences. Raises Invalid."""
    stops = found.stop_sequences
    if len(stops) > MAX_STOP_SEQUENCES or any(
        len(text) > MAX_STOP_SEQUENCE_LENGTH for text in stops
    ):
        message = (
            f"must be at most {MAX_STOP_SEQUENCES} of at most {MAX_STOP_SEQUENCE_LENGTH} characters"
        )
        raise Invalid(Problem(("sampling", "stop_sequences"), message, "too_big"))
    return found


def written(llm: LLM, *, for_old_client: bool = False, with_credentials: bool = False) -> shown.Llm:
    """Show an LLM, to a client of the older kind in what it can read."""
    stored = llm.configuration
    address = endpoints.shown(stored.endpoints)
    provider = shown_provider(stored.provider, for_old_client=for_old_client)
    sometimes: dict[str, Any] = {}
    if provider == "DASHSCOPE" and stored.protocol in SHOWN_DIALECTS:
        sometimes["dashscope_api_dialect"] = SHOWN_DIALECTS[stored.protocol]
    if with_credentials and llm.credential is not None:
        sometimes["credentials"] = credentials.written(llm.credential)
    return shown.Llm(
        llm_id=llm.id,
        display_name=stored.display_name,
        description=stored.description,
        provider_type=provider,
        endpoint_url=address.endpoint_url,
        api_path=address.api_path,
        model_identifier=stored.model,
        supported_modalities=shown_modalities(stored.modalities),
        labels=stored.labels,
        version=stored.version,
        monitoring_endpoint=stored.monitoring_endpoint,
        capabilities=_capabilities(stored.capabilities),
        default_sampling_params=_sampling(stored.sampling),
        max_context_length=stored.max_context_length,
        client_config=_client_config(stored.client_config, for_old_client=for_old_client),
        owner_id=llm.owner_id,
        created_at=llm.created_at_ms,
        updated_at=llm.created_at_ms if llm.updated_at_ms is None else llm.updated_at_ms,
        created_by_id=llm.created_by,
        updated_by_id=llm.created_by if llm.updated_by is None else llm.updated_by,
        **sometimes,
    )


def shown_provider(provider: Provider | None, *, for_old_client: bool) -> ProviderType:
    """Show a provider. One value that it does not know fails an older client's whole list."""
    if provider is None or (for_old_client and provider is Provider.DASHSCOPE):
        return NEAREST
    return SHOWN_PROVIDERS[provider]


SHOWN_PROVIDERS: Mapping[Provider, ProviderType] = MappingProxyType(
    {
        Provider.OPENAI: "OPENAI",
        Provider.LITELLM_PROXY: "LITELLM_PROXY",
        Provider.OPEN_ROUTER: "OPEN_ROUTER",
        Provider.VLLM: "VLLM",
        Provider.OLLAMA: "OLLAMA",
        Provider.LLAMA_CPP: "LLAMA_CPP",
        Provider.DASHSCOPE: "DASHSCOPE",
        Provider.CUSTOM_OPENAI_COMPATIBLE: "CUSTOM_OPENAI_COMPATIBLE",
    }
)


def providers_shown_as(
    shown_as: ProviderType, *, for_old_client: bool
) -> tuple[Provider | None, ...]:
    """Find which providers a client means by what it is shown; None is one that nobody named."""
    return tuple(
        each
        for each in (*Provider, None)
        if shown_provider(each, for_old_client=for_old_client) == shown_as
    )


SHOWN_MODALITIES: Mapping[Modality, Any] = MappingProxyType(
    {each: each.value.upper() for each in Modality}
)


def shown_modalities(stored: tuple[Modality, ...]) -> list[Any]:
    """Show what a model takes: text, where nobody said."""
    return [SHOWN_MODALITIES[each] for each in stored or (Modality.TEXT,)]


def _capabilities(stored: Mapping[Capability, Known]) -> shown.Capabilities:
    return shown.Capabilities.model_validate(
        {
            name: stored[capability].supported
            for name, capability in CAPABILITIES.items()
            if capability in stored
        }
    )


def _sampling(stored: Sampling) -> shown.Sampling | None:
    if stored == Sampling():
        return None
    said = {name: getattr(stored, name) for name in shown.Sampling.model_fields}
    return shown.Sampling.model_validate(
        said | {"stop_sequences": list(stored.stop_sequences) or None}
    )


def _client_config(stored: dict[str, Any] | None, *, for_old_client: bool) -> dict[str, Any] | None:
    """Show it; an older client reads objects of objects only, and fails on everything else."""
    if for_old_client and not all(isinstance(each, dict) for each in (stored or {}).values()):
        return None
    return stored
