"""How LLMs are read and shown."""

from typing import Any, get_args

import pytest

from dragoman.dialects.goodmem import mapping, schema, values
from dragoman.dialects.goodmem.inferences import statuses
from dragoman.domain.credential import (
    Credential,
    GoogleAdc,
    Held,
    Placement,
    Sealed,
    SecretReference,
)
from dragoman.domain.errors import Invalid
from dragoman.domain.llm import Capability, Known, Modality, ProtocolName, Provenance, Provider
from dragoman.protocols.placement import BEARER
from dragoman.registry.asked import Unique
from tests.dialects.goodmem import registrations, stored

DECLARED, INFERRED = Provenance.DECLARED, Provenance.INFERRED
SIX = frozenset(mapping.CAPABILITIES.values())


def read(**members: Any) -> Any:
    body = schema.LlmCreate.model_validate(registrations.an_llm(**members))
    return mapping.draft(body)[0]


def said(**members: Any) -> list[str]:
    body = schema.LlmCreate.model_validate(registrations.an_llm(**members))
    return [status.message for status in statuses(mapping.draft(body)[1])]


def shown(**members: Any) -> Any:
    return mapping.written(stored.an_llm(**members)).model_dump(by_alias=True, exclude_unset=True)


# --- Names ---------------------------------------------------------------------------------------


def test_every_provider_and_modality_has_a_name_on_the_wire() -> None:
    assert set(mapping.SHOWN_PROVIDERS) == set(Provider)
    assert {Provider(name.lower()) for name in get_args(values.ProviderType)} == set(Provider)
    assert {Modality(name.lower()) for name in get_args(values.Modality)} == set(Modality)
    assert set(get_args(values.DashScopeApiDialect)) == set(mapping.PROTOCOLS) - {None}


@pytest.mark.parametrize("name", get_args(values.ProviderType))
def test_a_provider_is_shown_by_the_name_that_it_was_sent_by(name: str) -> None:
    provider = read(providerType=name).configuration.provider
    assert shown(provider=provider)["providerType"] == name


# --- What is read --------------------------------------------------------------------------------


def test_what_is_left_out_has_its_default() -> None:
    draft = read(modelIdentifier="my-finetune", credentials=None)
    found = draft.configuration
    assert (found.provider, found.protocol) == (Provider.OPENAI, ProtocolName.OPENAI)
    assert found.endpoints[0].url == "https://api.openai.com/v1/chat/completions"
    assert (found.labels, found.client_config, found.description) == ({}, None, None)
    assert (found.modalities, found.max_context_length) == ((Modality.TEXT,), None)
    assert draft.credential is None
    assert draft.unique == {Unique.CONNECTION}
    assert (draft.llm_id, draft.owner_id) == (None, None)


NULLABLE = [
    *("description", "apiPath", "supportedModalities", "credentials", "labels", "version"),
    *("monitoringEndpoint", "capabilities", "defaultSamplingParams", "maxContextLength"),
    *("clientConfig", "ownerId", "llmId", "dashscopeApiDialect"),
]


@pytest.mark.parametrize("member", NULLABLE)
def test_null_in_a_new_llm_is_as_good_as_nothing(member: str) -> None:
    body = registrations.an_llm(credentials=None)
    with_null = schema.LlmCreate.model_validate(body | {member: None})
    assert mapping.draft(with_null) == mapping.draft(schema.LlmCreate.model_validate(body))


def test_server_owned_and_unknown_members_are_not_read() -> None:
    plain = read(credentials=None)
    extra = {"isDefault": True, "createdAt": 1, "createdById": "x", "statuses": [], "foo": {}}
    assert read(credentials=None, **extra) == plain


def test_ids_are_read_in_any_case() -> None:
    draft = read(llmId=registrations.SOME_ID.upper(), ownerId=registrations.SOME_ID.upper())
    assert (draft.llm_id, draft.owner_id) == (registrations.SOME_ID, registrations.SOME_ID)


@pytest.mark.parametrize(
    ("dialect", "protocol"),
    [
        (None, ProtocolName.OPENAI),
        ("OPENAI_COMPATIBLE", ProtocolName.OPENAI),
        ("LLM_NATIVE_TEXT", ProtocolName.DASHSCOPE_TEXT),
        ("LLM_NATIVE_MULTIMODAL", ProtocolName.DASHSCOPE_MULTIMODAL),
    ],
)
def test_dashscopes_dialect_is_a_protocol(dialect: str | None, protocol: ProtocolName) -> None:
    members = {"providerType": "DASHSCOPE", "dashscopeApiDialect": dialect}
    assert read(**members).configuration.protocol is protocol
    said = shown(provider=Provider.DASHSCOPE, protocol=protocol)["dashscopeApiDialect"]
    assert said == (dialect or "OPENAI_COMPATIBLE")


def test_modalities_are_a_set() -> None:
    found = read(supportedModalities=["TEXT", "IMAGE", "TEXT"]).configuration.modalities
    assert found == (Modality.TEXT, Modality.IMAGE)


@pytest.mark.parametrize("stops", [["x"] * 11, ["x" * 101]])
def test_too_many_or_too_long_stop_sequences_are_refused(stops: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        read(defaultSamplingParams={"stopSequences": stops})
    assert refused.value.problems[0].path == ("sampling", "stop_sequences")


# --- What is inferred ----------------------------------------------------------------------------


def test_what_is_not_declared_is_inferred_and_told_one_by_one() -> None:
    assert said(modelIdentifier="gpt-5-nano", maxContextLength=9, supportedModalities=["TEXT"]) == [
        "supports_chat inferred as true from model family 'gpt-5'",
        "supports_completion inferred as true from model family 'gpt-5'",
        "supports_function_calling inferred as true from model family 'gpt-5'",
        "supports_system_messages inferred as true from model family 'gpt-5'",
        "supports_streaming inferred as true from model family 'gpt-5'",
        "supports_sampling_parameters inferred as false from model family 'gpt-5'",
    ]


def test_context_length_and_modalities_are_inferred_likewise() -> None:
    everything = dict.fromkeys(schema.Capabilities.model_json_schema()["properties"], True)
    assert said(modelIdentifier="gpt-5-nano", capabilities=everything) == [
        "supported_modalities inferred as TEXT, IMAGE from model family 'gpt-5'",
        "max_context_length inferred as 400000 from model family 'gpt-5'",
    ]


def test_an_unknown_family_is_said_to_be_unknown() -> None:
    told = said(modelIdentifier="my-finetune", capabilities={"supportsChat": False})
    assert told[0] == "supports_completion assumed to be true, for a model of unknown family"
    assert told[-1] == "supported_modalities assumed to be TEXT, for a model of unknown family"
    assert len(told) == 6


def test_what_is_declared_counts_as_declared() -> None:
    found = read(capabilities={"supportsChat": False, "supportsStreaming": None})
    capabilities = found.configuration.capabilities
    assert capabilities[Capability.CHAT] == Known(supported=False, provenance=DECLARED)
    assert capabilities[Capability.STREAMING] == Known(supported=True, provenance=INFERRED)
    assert capabilities.keys() == SIX


# --- Credentials ---------------------------------------------------------------------------------

PLACES = [
    ({}, BEARER),
    ({"headerName": None, "prefix": None}, BEARER),
    ({"headerName": "Authorization"}, BEARER),
    ({"headerName": "authorization"}, Placement("authorization", "Bearer ")),
    ({"prefix": "Token "}, Placement("Authorization", "Token ")),
    ({"prefix": ""}, Placement("Authorization", "")),
    ({"headerName": "X-Key"}, Placement("X-Key", "")),
    ({"headerName": "X-Key", "prefix": "Key "}, Placement("X-Key", "Key ")),
]


@pytest.mark.parametrize(("api_key", "place"), PLACES)
def test_an_api_key_goes_where_it_says_with_the_prefix_that_is_usual_there(
    api_key: dict[str, Any], place: Placement
) -> None:
    asked = read(credentials=registrations.credentials(**api_key)).credential
    assert asked.placement == place
    assert asked.secret.reveal() == "sk-one"


def test_a_reference_and_googles_credentials_are_the_operators() -> None:
    reference = {"uri": "env://KEY", "hints": {"a": "b"}}
    asked = read(credentials=registrations.credentials(secretRef=reference)).credential
    assert (asked.secret, asked.held) == (None, SecretReference("env://KEY", {"a": "b"}))
    google = {"scopes": ["one"], "quotaProjectId": "p"}
    body = {"kind": "CREDENTIAL_KIND_GCP_ADC", "gcpAdc": google, "labels": {"a": "b"}}
    asked = read(credentials=body).credential
    assert (asked.placement, asked.held) == (BEARER, GoogleAdc(("one",), "p"))
    assert asked.labels == {"a": "b"}
    assert read(credentials=body | {"gcpAdc": {}}).credential.held == GoogleAdc()


def test_an_unspecified_kind_is_no_credential() -> None:
    assert read(credentials={"kind": "CREDENTIAL_KIND_UNSPECIFIED"}).credential is None


SEALED = Sealed("kek", b"dek", b"secret")


@pytest.mark.parametrize(
    ("sealed", "held", "member", "said"),
    [
        (SEALED, None, "apiKey", {"inlineSecret": "****", "headerName": "X", "prefix": "p "}),
        (
            None,
            SecretReference("env://KEY"),
            "apiKey",
            {"secretRef": {"uri": "env://KEY", "hints": {}}, "headerName": "X", "prefix": "p "},
        ),
        (None, GoogleAdc(("one",)), "gcpAdc", {"scopes": ["one"], "quotaProjectId": None}),
    ],
)
def test_credentials_are_shown_without_their_secret_and_only_where_asked_for(
    sealed: Sealed | None, held: Held | None, member: str, said: dict[str, Any]
) -> None:
    credential = Credential(Placement("X", "p "), 1, sealed, held, {"a": "b"})
    llm = stored.with_credential(stored.an_llm(), credential)
    found = mapping.written(llm, with_credentials=True).model_dump(
        by_alias=True, exclude_unset=True
    )
    kind = {"apiKey": "CREDENTIAL_KIND_API_KEY", "gcpAdc": "CREDENTIAL_KIND_GCP_ADC"}[member]
    assert found["credentials"] == {"kind": kind, member: said, "labels": {"a": "b"}}
    assert "credentials" not in mapping.written(llm).model_dump(by_alias=True, exclude_unset=True)


# --- What is shown -------------------------------------------------------------------------------


def test_an_llm_of_another_dialect_is_shown_as_the_nearest_that_clients_can_read() -> None:
    found = shown(provider=None, protocol=ProtocolName.NONE, endpoints=())
    assert found == {
        "llmId": "01a00000-0000-7000-8000-000000000001",
        "displayName": "my-llm",
        "description": None,
        "providerType": "CUSTOM_OPENAI_COMPATIBLE",
        "endpointUrl": "",
        "apiPath": None,
        "modelIdentifier": "my-finetune",
        "supportedModalities": ["TEXT"],
        "labels": {},
        "version": None,
        "monitoringEndpoint": None,
        "capabilities": {},
        "defaultSamplingParams": None,
        "maxContextLength": None,
        "clientConfig": None,
        "ownerId": "01a00000-0000-7000-8000-000000000002",
        "createdAt": stored.NOON_MS,
        "updatedAt": stored.NOON_MS,
        "createdById": "01a00000-0000-7000-8000-000000000002",
        "updatedById": "01a00000-0000-7000-8000-000000000002",
    }


@pytest.mark.parametrize("protocol", ProtocolName)
def test_every_protocol_can_be_shown(protocol: ProtocolName) -> None:
    assert shown(provider=None, protocol=protocol)["providerType"] == "CUSTOM_OPENAI_COMPATIBLE"
    with_dialect = "dashscopeApiDialect" in shown(provider=Provider.DASHSCOPE, protocol=protocol)
    assert with_dialect == (protocol in mapping.SHOWN_DIALECTS)
    assert "dashscopeApiDialect" not in shown(provider=Provider.OPENAI, protocol=protocol)


def test_an_older_client_is_shown_what_it_can_read() -> None:
    llm = stored.an_llm(provider=Provider.DASHSCOPE, client_config={"a": {}, "b": 1})
    found = mapping.written(llm, for_old_client=True).model_dump(by_alias=True, exclude_unset=True)
    assert found["providerType"] == "CUSTOM_OPENAI_COMPATIBLE"
    assert "dashscopeApiDialect" not in found
    assert found["clientConfig"] is None
    objects = stored.an_llm(client_config={"a": {}})
    assert mapping.written(objects, for_old_client=True).client_config == {"a": {}}


@pytest.mark.parametrize("for_old_client", [False, True])
@pytest.mark.parametrize("provider", [*Provider, None])
def test_a_filter_finds_what_is_shown_as_it_says(
    provider: Provider | None,
    *,
    for_old_client: bool,
) -> None:
    name = mapping.shown_provider(provider, for_old_client=for_old_client)
    assert provider in mapping.providers_shown_as(name, for_old_client=for_old_client)
