"""What an update makes of an LLM; nothing of what it does not say, or says as it is shown."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import ValidationError

from dragoman.dialects.goodmem import mapping
from dragoman.dialects.goodmem.schema import LlmUpdate
from dragoman.dialects.goodmem.update import editing
from dragoman.domain.credential import Credential, GoogleAdc, Placement, Sealed
from dragoman.domain.errors import Invalid
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
from dragoman.protocols.placement import placement
from dragoman.registry.asked import KEPT, AskedCredential, Edit, Unique
from dragoman.registry.inference import inferred
from dragoman.registry.llms import changed_members
from tests.dialects.goodmem import registrations, stored

YES = Known(supported=True, provenance=Provenance.DECLARED)
NO = Known(supported=False, provenance=Provenance.DECLARED)
GUESSED = Known(supported=True, provenance=Provenance.INFERRED)

FULL = stored.an_llm(
    description="one",
    version="1",
    monitoring_endpoint="https://m.example",
    model="my-finetune",
    labels={"a": "1", "b": "2"},
    capabilities={Capability.CHAT: GUESSED, Capability.STRUCTURED_OUTPUTS: YES},
    modalities=(Modality.TEXT, Modality.IMAGE),
    sampling=Sampling(temperature=0.5, top_k=4),
    max_context_length=1000,
    client_config={"a": {"b": 1}},
    tags=("kept",),
    metadata={"kept": True},
)


def edited(llm: LLM, **members: Any) -> Edit:
    return editing(LlmUpdate.model_validate(members))(llm)


def updated(llm: LLM, **members: Any) -> Configuration:
    return edited(llm, **members).change(llm.configuration)


def changes(llm: LLM, **members: Any) -> dict[str, Any]:
    """Give what an update makes another value of."""
    after = updated(llm, **members)
    return {name: getattr(after, name) for name in changed_members(llm.configuration, after)}


CHANGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"displayName": "two"}, {"display_name": "two"}),
    ({"description": "two"}, {"description": "two"}),
    ({"description": None}, {"description": None}),
    ({"version": None}, {"version": None}),
    ({"monitoringEndpoint": None}, {"monitoring_endpoint": None}),
    ({"maxContextLength": 2000}, {"max_context_length": 2000}),
    ({"clientConfig": {"c": 1}}, {"client_config": {"c": 1}}),
    ({"clientConfig": {}}, {"client_config": {}}),
    ({"supportedModalities": ["AUDIO"]}, {"modalities": (Modality.AUDIO,)}),
    ({"defaultSamplingParams": {"topP": 0.1}}, {"sampling": Sampling(top_p=0.1)}),
    ({"defaultSamplingParams": {}}, {"sampling": Sampling()}),
    ({"replaceLabels": {"c": "3"}}, {"labels": {"c": "3"}}),
    ({"replaceLabels": {}}, {"labels": {}}),
    ({"mergeLabels": {"b": "3", "c": "4"}}, {"labels": {"a": "1", "b": "3", "c": "4"}}),
    (
        {"capabilities": {"supportsChat": False, "supportsStreaming": True}},
        {"capabilities": FULL.configuration.capabilities | {Capability.CHAT: NO, "streaming": YES}},
    ),
]


@pytest.mark.parametrize(("body", "expected"), CHANGES, ids=[str(body) for body, _ in CHANGES])
def test_an_update_changes_what_it_names_and_nothing_else(
    body: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert changes(FULL, **body) == expected


NO_CHANGES: list[dict[str, Any]] = [
    {},
    *(
        {name: None}
        for name in (
            *("displayName", "endpointUrl", "apiPath", "modelIdentifier", "supportedModalities"),
            *("credentials", "capabilities", "defaultSamplingParams", "maxContextLength"),
            *("clientConfig", "replaceLabels", "mergeLabels", "providerType"),
        )
    ),
    {"supportedModalities": []},
    {"supportedModalities": ["IMAGE", "TEXT"]},
    {"mergeLabels": {}},
    {"replaceLabels": {"b": "2", "a": "1"}, "mergeLabels": None},
    {"capabilities": {"supportsChat": True}},
    {"capabilities": {"supportsChat": None}},
    {"defaultSamplingParams": {"temperature": "0.5", "topK": "4", "maxTokens": None}},
    {"providerType": "OPENAI"},
    {"endpointUrl": "https://a.example/v1", "apiPath": ""},
    {"labels": {"z": "1"}, "llmId": "x", "ownerId": "y", "createdAt": 0, "unheard-of": 1},
]


@pytest.mark.parametrize("body", NO_CHANGES, ids=str)
def test_what_is_null_or_says_what_is_there_changes_nothing(body: dict[str, Any]) -> None:
    assert changes(FULL, **body) == {}
    assert edited(FULL, **body).credential is KEPT


def test_every_update_claims_its_connection() -> None:
    assert edited(FULL).unique == {Unique.CONNECTION}


def test_labels_are_replaced_or_merged_but_not_both() -> None:
    with pytest.raises(ValidationError, match="mergeLabels"):
        edited(FULL, replaceLabels={}, mergeLabels={})


@pytest.mark.parametrize("name", ["VLLM", "CUSTOM_OPENAI_COMPATIBLE", "DASHSCOPE"])
def test_another_provider_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        edited(FULL, providerType=name)
    assert [problem.path for problem in refused.value.problems] == [("provider",)]


def test_a_provider_equals_what_the_client_is_shown() -> None:
    dashscope = stored.an_llm(provider=Provider.DASHSCOPE)
    body = LlmUpdate.model_validate({"providerType": "CUSTOM_OPENAI_COMPATIBLE"})
    editing(body, for_old_client=True)(dashscope)
    with pytest.raises(Invalid):
        editing(body)(dashscope)
    assert changes(stored.an_llm(provider=None), providerType="CUSTOM_OPENAI_COMPATIBLE") == {}


# --- DashScope -----------------------------------------------------------------------------------

NATIVE = {"dashscopeApiDialect": "LLM_NATIVE_TEXT"}


def test_dashscopes_dialect_changes_the_protocol() -> None:
    llm = stored.an_llm(provider=Provider.DASHSCOPE)
    assert changes(llm, **NATIVE)["protocol"] is ProtocolName.DASHSCOPE_TEXT
    assert changes(llm, dashscopeApiDialect="OPENAI_COMPATIBLE") == {}


def test_a_dialect_that_is_shown_as_the_nearest_stays_what_it_is() -> None:
    llm = stored.an_llm(provider=Provider.DASHSCOPE, protocol=ProtocolName.CUSTOM)
    assert changes(llm, dashscopeApiDialect="OPENAI_COMPATIBLE") == {}


def test_other_providers_have_no_dialect() -> None:
    with pytest.raises(Invalid) as refused:
        edited(FULL, **NATIVE)
    assert [problem.path for problem in refused.value.problems] == [("protocol",)]


# --- Another model -------------------------------------------------------------------------------

NANO = stored.an_llm(inferred(stored.an_llm(model="gpt-5-nano").configuration)[0])
OTHER = inferred(stored.an_llm(model="my-finetune").configuration)[0]


def test_what_was_inferred_follows_the_model_and_what_was_declared_stays() -> None:
    assert updated(NANO, modelIdentifier="my-finetune") == OTHER
    declared = updated(NANO, capabilities={"supportsSamplingParameters": True})
    after = updated(replace(NANO, configuration=declared), modelIdentifier="my-finetune")
    assert after.capabilities[Capability.SAMPLING_PARAMETERS] == YES


def test_what_is_shown_does_not_keep_what_was_inferred_from_following() -> None:
    body = mapping.written(NANO).model_dump(by_alias=True, exclude_unset=True)
    assert updated(NANO, **body | {"modelIdentifier": "my-finetune"}) == OTHER


def test_what_the_same_update_says_stands() -> None:
    length = NANO.configuration.max_context_length
    other = replace(NANO, configuration=replace(NANO.configuration, max_context_length=7))
    after = updated(other, modelIdentifier="my-finetune", maxContextLength=length)
    assert after.max_context_length == length


# --- Credentials ---------------------------------------------------------------------------------


def credential_of(llm: LLM, **members: Any) -> AskedCredential:
    found = edited(llm, **members).credential
    assert isinstance(found, AskedCredential)
    return found


@pytest.mark.parametrize("protocol", [ProtocolName.OPENAI, ProtocolName.ANTHROPIC, "gemini"])
def test_a_credential_goes_where_the_wire_format_wants_it_unless_it_says_more(
    protocol: ProtocolName,
) -> None:
    llm = stored.an_llm(protocol=ProtocolName(protocol))
    brought = credential_of(llm, credentials=registrations.credentials())
    assert brought.placement == placement(ProtocolName(protocol))
    named = registrations.credentials(headerName="Authorization")
    assert credential_of(llm, credentials=named).placement == Placement("Authorization", "Bearer ")


def test_credentials_are_replaced_as_a_whole() -> None:
    sealed = Sealed("kek", b"dek", b"secret")
    llm = stored.with_credential(
        FULL, Credential(Placement("X", "p "), 1, sealed, labels={"a": "b"})
    )
    brought = credential_of(llm, credentials=registrations.credentials())
    assert (brought.placement, brought.labels) == (Placement("Authorization", "Bearer "), {})
    google = {"kind": "CREDENTIAL_KIND_GCP_ADC", "gcpAdc": {}}
    assert credential_of(llm, credentials=google).held == GoogleAdc()


# --- Laws ----------------------------------------------------------------------------------------


@given(configuration=stored.configurations, for_old_client=st.booleans())
@settings(max_examples=300)
def test_what_is_shown_can_be_sent_back_and_changes_nothing(
    *, configuration: Configuration, for_old_client: bool
) -> None:
    llm = stored.an_llm(configuration)
    shown = mapping.written(llm, for_old_client=for_old_client)
    body = LlmUpdate.model_validate_json(shown.model_dump_json(by_alias=True, exclude_unset=True))
    edit = editing(body, for_old_client=for_old_client)(llm)
    assert changed_members(configuration, edit.change(configuration)) == ()
    assert edit.credential is KEPT


labels = st.dictionaries(st.sampled_from("abcd"), stored.texts, max_size=3)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "displayName": st.none() | stored.names,
        "description": st.none() | stored.texts,
        "endpointUrl": st.none() | st.sampled_from(["https://a.example/v1", "https://z.example/"]),
        "apiPath": st.none() | st.sampled_from(["", "/x", "y"]),
        "modelIdentifier": st.none() | st.sampled_from(["gpt-5-nano", "my-finetune"]),
        "supportedModalities": st.none() | st.lists(st.sampled_from(["TEXT", "AUDIO"])),
        "maxContextLength": st.none() | st.integers(1, 99),
        "capabilities": st.none()
        | st.dictionaries(st.sampled_from(["supportsChat", "supportsStreaming"]), st.booleans()),
        "defaultSamplingParams": st.none()
        | st.fixed_dictionaries({}, optional={"topP": st.floats(0, 1), "topK": st.just("3")}),
    },
)
bodies |= st.builds(dict.__or__, bodies, st.fixed_dictionaries({"mergeLabels": labels}))
bodies |= st.builds(dict.__or__, bodies, st.fixed_dictionaries({"replaceLabels": labels}))


def once_more(configuration: Configuration, body: dict[str, Any]) -> Configuration:
    try:
        return updated(stored.an_llm(configuration), **body)
    except (Invalid, ValidationError):
        return configuration


INFERRED_MEMBERS = {
    "capabilities": "capabilities",
    "supportedModalities": "modalities",
    "maxContextLength": "max_context_length",
}


@given(configuration=stored.configurations, body=bodies)
@settings(max_examples=300)
@example(
    configuration=stored.an_llm(model="m", modalities=(Modality.TEXT,)).configuration,
    body={"modelIdentifier": "gpt-5-nano", "supportedModalities": ["TEXT"]},
)
def test_an_update_twice_is_the_update_once(
    configuration: Configuration, body: dict[str, Any]
) -> None:
    once = once_more(configuration, body)
    twice = once_more(once, body)
    # What it says of a new model as it was shown of the old one is no change the first time.
    is_new = once.model != configuration.model
    followed = {ours for theirs, ours in INFERRED_MEMBERS.items() if is_new and body.get(theirs)}
    assert set(changed_members(once, twice)) <= followed
    assert changed_members(twice, once_more(twice, body)) == ()


@given(configuration=stored.configurations, body=bodies)
@settings(max_examples=200)
def test_what_this_dialect_cannot_say_is_kept(
    configuration: Configuration, body: dict[str, Any]
) -> None:
    after = once_more(configuration, body)
    kept = ("provider", "deployment_name", "tags", "metadata", "timeouts", "enabled")
    assert not set(kept) & set(changed_members(configuration, after))
    assert after.endpoints[1:] == configuration.endpoints[1:]
    others = {Capability.STRUCTURED_OUTPUTS, Capability.ROLE_ALTERNATION}
    for capability in others & configuration.capabilities.keys():
        known = configuration.capabilities[capability]
        follows = known.provenance is Provenance.INFERRED and after.model != configuration.model
        assert follows or after.capabilities[capability] == known
