"""Identifiers as servers know them find the family of their model, or none."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.catalogue.catalogue import Catalogue, Entry, Family, family_of, shipped
from dragoman.domain.llm import Capability, Modality

FAMILIES = {
    "gpt-5-nano": "gpt-5",
    "gpt-5-nano-2025-08-07": "gpt-5",
    "openai/gpt-5-nano": "gpt-5",
    "GPT-5-NANO": "gpt-5",
    "gpt-5-chat-latest": "gpt-5",
    "gpt-5.1-codex-max": "gpt-5.1",
    "gpt-35-turbo-16k": "gpt-3.5",
    "gpt-4-turbo-2024-04-09": "gpt-4",
    "chatgpt-4o-latest": "gpt-4o",
    "ft:gpt-4o-mini-2024-07-18:acme::Bk3xY": "gpt-4o",
    "o1-mini-2024-09-12": "o1",
    "openai/gpt-oss-120b": "gpt-oss",
    "claude-sonnet-4-5-20250929": "claude-sonnet-4.5",
    "claude-opus-4-20250514": "claude-opus-4",
    "claude-3-5-sonnet@20241022": "claude-3.5",
    "anthropic/claude-3.5-sonnet:beta": "claude-3.5",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0": "claude-sonnet-4.5",
    "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-3-haiku-v1:0": "claude-3",
    "models/gemini-2.5-pro": "gemini-2.5",
    "publishers/google/models/gemini-2.5-flash-preview-05-20": "gemini-2.5",
    "google_gemma-3-12b-it-Q4_K_M.gguf": "gemma-3",
    "llama3": "llama-3",
    "llama3.1:8b": "llama-3.1",
    "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf": "llama-3.1",
    "/models/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf": "llama-3.1",
    "accounts/fireworks/models/llama-v3p1-8b-instruct": "llama-3.1",
    "hf.co/bartowski/Llama-3.2-3B-Instruct-GGUF:Q4_K_M": "llama-3.2",
    "meta-llama/llama-3.3-70b-instruct:free": "llama-3.3",
    "mistral.mistral-large-2407-v1:0": "mistral-large",
    "open-mistral-7b": "mistral-7b",
    "mistral:latest": "mistral",
    "Mixtral-8x7B-Instruct-v0.1": "mixtral",
    "deepseek-ai/DeepSeek-V3-0324": "deepseek-v3",
    "deepseek-r1:1.5b": "deepseek-r1",
    "Qwen_Qwen3-8B-Q4_K_M.gguf": "qwen3",
    "qwen3:0.6b": "qwen3",
    "qwen2.5-coder:7b": "qwen2.5",
    "amazon.nova-pro-v1:0": "nova-pro",
    "ai21.jamba-1-5-large-v1:0": "jamba-1.5",
    "moonshotai/Kimi-K2-Instruct-0905": "kimi-k2",
    "zai-org/GLM-4.6": "glm-4.6",
    "phi3:3.8b": "phi-3",
}

UNKNOWN = {
    "my-finetune": "a name of one's own",
    "gpt-5x": "a name does not end within a word",
    "gpt-50": "nor within a number",
    "gpt-5.9": "nor within a version",
    "gpt-5-9": "however it is written",
    "gpt": "a family's name is not known by its beginning",
    "notgpt-5": "nor by its end",
    "acme-gpt-5": "a word that is no maker's may mean another model",
    "gpt-5/adapter": "what stands after the last slash is the model's name",
    "openai": "a maker is no model",
    "": "nothing is no model",
    "///": "nor are slashes",
}

GIVEN = Catalogue(
    sources={},
    before_names=("acme",),
    models={
        "acme": Entry(source="s"),
        "acme-nova": Entry(source="s", family="nova"),
        "nova": Entry(source="s", family="other"),
        "nova-2": Entry(source="s"),
        "nova-2-mini": Entry(source="s", family="nova-2", max_context_length=8),
    },
)

CHOSEN = [
    ("nova-2-mini", "nova-2", 8, "the model itself"),
    ("nova-2-mini-2026-01-01", "nova-2", 8, "the model of another date"),
    ("nova-2-maxi", "nova-2", None, "the longest beginning that is known"),
    ("acme", "acme", None, "a maker's name may be a model's"),
    ("acme-nova-2-mini", "nova-2", 8, "more words are known without the maker's"),
    ("acme-nova-1", "nova", None, "and here with it"),
]


@pytest.mark.parametrize(("model", "family"), FAMILIES.items())
def test_an_identifier_finds_its_family(model: str, family: str) -> None:
    found = family_of(model)
    assert found is not None
    assert found.name == family


@pytest.mark.parametrize("model", UNKNOWN)
def test_an_unknown_model_has_no_family(model: str) -> None:
    assert family_of(model) is None


@pytest.mark.parametrize(("model", "family", "length"), [case[:3] for case in CHOSEN])
def test_the_most_that_is_known_of_a_name_decides(
    model: str, family: str, length: int | None
) -> None:
    found = GIVEN.family_of(model)
    assert found is not None
    assert (found.name, found.max_context_length) == (family, length)


def test_a_family_says_what_is_known_of_it_and_no_more() -> None:
    assert family_of("gpt-5-nano") == Family(
        name="gpt-5",
        capabilities={Capability.SAMPLING_PARAMETERS: False, Capability.TOOL_CALLING: True},
        modalities=(Modality.TEXT, Modality.IMAGE),
        max_context_length=400_000,
    )


@given(st.text(max_size=300))
def test_any_text_may_be_asked_for(text: str) -> None:
    found = family_of(text)
    assert found is None or found.name


@given(st.sampled_from(sorted(shipped().models)), st.data())
def test_a_known_model_is_known_in_any_dress(name: str, data: st.DataObject) -> None:
    prefix = data.draw(st.sampled_from(["", "openrouter/", "a/b/c/", "us.anthropic."]))
    suffix = data.draw(
        st.sampled_from(["", ":free", "@20250929", "-2025-09-29", "-Q4_K.gguf", "/"])
    )
    spelled = data.draw(st.sampled_from([name, name.upper(), name.replace("-", "_")]))
    assert family_of(f"{prefix}{spelled}{suffix}") == family_of(name)


def test_the_data_is_not_read_before_it_is_asked_for() -> None:
    program = (
        "from dragoman.catalogue import catalogue;"
        "print(catalogue.shipped.cache_info().currsize);"
        "catalogue.family_of('gpt-5');"
        "print(catalogue.shipped.cache_info().currsize)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ran.stdout.split() == [b"0", b"1"]
