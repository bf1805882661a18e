"""What nobody declared is inferred from the model, and said; what was declared stays."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dragoman.domain.llm import Capability, Configuration, Known, Modality, ProtocolName, Provenance
from dragoman.domain.url import Endpoint
from dragoman.registry.inference import INFERRED, RULED_OUT, Inference, inferred

ASKED = Configuration(
    display_name="Nano",
    protocol=ProtocolName.OPENAI,
    endpoints=(Endpoint("https://api.openai.com/v1", "/chat/completions"),),
    model="gpt-5-nano",
)
TEXT, IMAGE = Modality.TEXT, Modality.IMAGE
CHAT, COMPLETION, TOOLS, SYSTEM, STREAMING, SAMPLING = INFERRED

NOT_SUPPORTED = [
    ("gpt-5-nano", {SAMPLING}, "it thinks, and chooses its tokens by itself"),
    ("gpt-5-chat-latest", {TOOLS}, "the one of its family that does not think"),
    ("o1-mini", {SAMPLING, SYSTEM, TOOLS}, "the first ones that did had little else"),
    ("gpt-4o", set(), "everything"),
    ("gpt-3.5-turbo-instruct", {CHAT, TOOLS, SYSTEM}, "it goes on with a text"),
    ("claude-opus-4-6", set(), "everything"),
    ("claude-opus-4-7", {SAMPLING}, "the first of its line without"),
    ("gemma-2-9b-it", {SYSTEM}, "there are turns of user and model only"),
    ("llama2:7b", {TOOLS}, "older than tools"),
    ("text-embedding-3-large", set(INFERRED), "it answers with vectors"),
    ("my-finetune", set(), "unknown: nothing is known to be missing"),
]

MODALITIES = [
    ("gpt-5-nano", (TEXT, IMAGE)),
    ("gemini-2.5-flash", tuple(Modality)),
    ("llama3.1:8b", (TEXT,)),
    ("my-finetune", (TEXT,)),
]

CONTEXT_LENGTHS = [("gpt-5-nano", 400_000), ("llama3.1:8b", 131_072), ("my-finetune", None)]

KNOWN_MODELS = ["gpt-5-nano", "o1-mini", "llama3.1:8b", "gemma2"]
MODELS = st.sampled_from(KNOWN_MODELS) | st.text(max_size=30)
CONFIGURATIONS = st.builds(
    lambda **members: replace(ASKED, **members),
    model=MODELS,
    protocol=st.sampled_from(ProtocolName),
    capabilities=st.dictionaries(
        st.sampled_from(Capability),
        st.builds(Known, st.booleans(), st.sampled_from(Provenance)),
    ),
    modalities=st.lists(st.sampled_from(Modality), unique=True).map(tuple),
    max_context_length=st.none() | st.integers(1, 10_000_000),
)


def supported(configuration: Configuration) -> set[Capability]:
    return {flag for flag, known in configuration.capabilities.items() if known.supported}


def declared(configuration: Configuration) -> dict[Capability, Known]:
    return {
        flag: known
        for flag, known in configuration.capabilities.items()
        if known.provenance is not Provenance.INFERRED
    }


@pytest.mark.parametrize(("model", "missing"), [case[:2] for case in NOT_SUPPORTED])
def test_a_model_is_taken_to_support_all_but_what_its_family_does_not(
    model: str, missing: set[Capability]
) -> None:
    filled, _ = inferred(replace(ASKED, model=model))
    assert supported(filled) == set(INFERRED) - missing


@pytest.mark.parametrize(("model", "modalities"), MODALITIES)
def test_modalities_are_the_familys_and_else_text(
    model: str, modalities: tuple[Modality, ...]
) -> None:
    assert inferred(replace(ASKED, model=model))[0].modalities == modalities


@pytest.mark.parametrize(("model", "length"), CONTEXT_LENGTHS)
def test_the_context_length_is_the_familys_and_else_stays_open(
    model: str, length: int | None
) -> None:
    assert inferred(replace(ASKED, model=model))[0].max_context_length == length


def test_everything_that_was_inferred_is_said_once() -> None:
    assert inferred(ASKED)[1] == (
        Inference("chat", value=True, family="gpt-5"),
        Inference("completion", value=True, family="gpt-5"),
        Inference("tool_calling", value=True, family="gpt-5"),
        Inference("system_messages", value=True, family="gpt-5"),
        Inference("streaming", value=True, family="gpt-5"),
        Inference("sampling_parameters", value=False, family="gpt-5"),
        Inference("modalities", value=(TEXT, IMAGE), family="gpt-5"),
        Inference("max_context_length", value=400_000, family="gpt-5"),
    )


def test_of_an_unknown_model_it_is_said_that_its_family_is_unknown() -> None:
    _, inferences = inferred(replace(ASKED, model="my-finetune"))
    assert {inference.family for inference in inferences} == {None}
    assert [inference.what for inference in inferences] == [*INFERRED, "modalities"]


def test_only_what_is_missing_is_inferred() -> None:
    own = {SAMPLING: Known(supported=True, provenance=Provenance.DECLARED)}
    asked = replace(ASKED, capabilities=own, modalities=(TEXT,), max_context_length=1000)
    filled, inferences = inferred(asked)
    assert filled.capabilities[SAMPLING] == own[SAMPLING]
    assert (filled.modalities, filled.max_context_length) == ((TEXT,), 1000)
    assert [inference.what for inference in inferences] == list(INFERRED[:-1])


@pytest.mark.parametrize(("protocol", "ruled_out"), RULED_OUT.items())
@pytest.mark.parametrize("model", ["gpt-4o", "my-finetune"])
def test_what_a_protocol_rules_out_is_not_supported_whatever_the_model_can(
    protocol: ProtocolName, ruled_out: frozenset[Capability], model: str
) -> None:
    filled, _ = inferred(replace(ASKED, model=model, protocol=protocol))
    assert supported(filled) == set(INFERRED) - ruled_out


class TestOnAnUpdate:
    def test_nothing_happens_while_the_model_stays(self) -> None:
        edited = replace(ASKED, display_name="Other")
        assert inferred(edited, before=ASKED) == (edited, ())

    def test_what_was_inferred_follows_the_new_model(self) -> None:
        before, _ = inferred(ASKED)
        edited = replace(before, model="llama2:7b")
        after, inferences = inferred(edited, before=before)
        assert supported(after) == set(INFERRED) - {TOOLS}
        assert (after.modalities, after.max_context_length) == ((TEXT,), 4096)
        assert {inference.family for inference in inferences} == {"llama-2"}

    def test_what_was_known_of_the_old_model_goes_where_the_new_one_is_unknown(
        self,
    ) -> None:
        before, _ = inferred(ASKED)
        after, _ = inferred(replace(before, model="my-finetune"), before=before)
        assert (after.modalities, after.max_context_length) == ((TEXT,), None)

    def test_what_was_declared_stays(self) -> None:
        own = {SAMPLING: Known(supported=False, provenance=Provenance.DECLARED)}
        asked = replace(ASKED, capabilities=own, modalities=(IMAGE,), max_context_length=1000)
        before, _ = inferred(asked)
        after, _ = inferred(replace(before, model="gpt-4o"), before=before)
        assert declared(after) == own
        assert (after.modalities, after.max_context_length) == ((IMAGE,), 1000)

    def test_what_comes_with_the_new_model_stays(self) -> None:
        before, _ = inferred(ASKED)
        without_tools = {TOOLS: Known(supported=False, provenance=Provenance.DECLARED)}
        flags = before.capabilities | without_tools
        edited = replace(before, model="gpt-4o", capabilities=flags, max_context_length=1000)
        after, inferences = inferred(edited, before=before)
        assert supported(after) == set(INFERRED) - {TOOLS}
        assert after.max_context_length == 1000
        assert "tool_calling" not in {inference.what for inference in inferences}

    def test_what_the_new_protocol_rules_out_is_inferred_anew(self) -> None:
        before, _ = inferred(replace(ASKED, model="gpt-4o"))
        after, _ = inferred(replace(before, protocol=ProtocolName.ANTHROPIC), before=before)
        assert supported(after) == set(INFERRED) - {COMPLETION}


@given(CONFIGURATIONS)
def test_afterwards_nothing_is_left_to_infer(asked: Configuration) -> None:
    filled, _ = inferred(asked)
    assert inferred(filled) == (filled, ())
    assert filled.capabilities.keys() >= set(INFERRED)
    assert filled.modalities


@given(CONFIGURATIONS, CONFIGURATIONS)
def test_nothing_else_changes_and_nothing_declared(
    stored: Configuration, asked: Configuration
) -> None:
    for filled, inferences in (inferred(asked), inferred(asked, before=stored)):
        assert declared(filled) == declared(asked)
        silent: dict[str, Any] = {"capabilities": {}, "modalities": (), "max_context_length": None}
        assert replace(filled, **silent) == replace(asked, **silent)
        said = [inference.what for inference in inferences]
        assert len(set(said)) == len(said)


@given(CONFIGURATIONS, MODELS)
def test_an_update_of_what_was_inferred_comes_to_the_same_as_a_new_one(
    asked: Configuration, model: str
) -> None:
    asked = replace(asked, capabilities=declared(asked), modalities=(), max_context_length=None)
    before, _ = inferred(asked)
    after, _ = inferred(replace(before, model=model), before=before)
    assert after == inferred(replace(asked, model=model))[0]
