"""Names are taken apart alike, however a server spells them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.catalogue.words import words

ALIKE = [
    ("gpt-5-nano", ("gpt", "5", "nano"), "as its maker writes it"),
    ("GPT-5_Nano", ("gpt", "5", "nano"), "case and separators do not matter"),
    ("gpt 5:nano", ("gpt", "5", "nano"), "likewise"),
    ("llama3.1:8b", ("llama", "3.1", "8b"), "Ollama writes the version to the name"),
    ("Llama-3.1-8B", ("llama", "3.1", "8b"), "Meta does not"),
    ("llama-3_1-8b", ("llama", "3.1", "8b"), "a file's name may have no point"),
    ("llama-v3p1-8b", ("llama", "3.1", "8b"), "Fireworks has none either"),
    ("claude-3-5-sonnet", ("claude", "3.5", "sonnet"), "a version may have a hyphen"),
    ("claude-3.5-sonnet", ("claude", "3.5", "sonnet"), "or a point"),
    ("claude-opus-4-20250514", ("claude", "opus", "4", "20250514"), "a date is no version"),
    ("qwen3-8b", ("qwen", "3", "8b"), "a size is no version"),
    ("qwen3-0.6b", ("qwen", "3", "0.6b"), "not with a point either"),
    ("gpt-4-32k", ("gpt", "4", "32k"), "nor is a context length"),
    ("llama3:8", ("llama", "3", "8"), "a tag is not the rest of a version"),
    ("mistral-7b-v0.3", ("mistral", "7b", "0.3"), "what follows a v is a word of its own"),
    ("gpt-4o", ("gpt", "4o"), "a letter after a version belongs to it"),
    ("o3", ("o", "3"), "a letter before it does not"),
    ("", (), "nothing has no words"),
    ("/-:", (), "and separators are none"),
]


@pytest.mark.parametrize(("name", "expected"), [case[:2] for case in ALIKE], ids=lambda each: each)
def test_a_name_is_taken_apart(name: str, expected: tuple[str, ...]) -> None:
    assert words(name) == expected


@given(st.text())
def test_any_text_has_words(text: str) -> None:
    assert all(words(text))


@given(st.from_regex(r"[a-z]{1,5}(-[a-z0-9.]{1,5}){0,4}", fullmatch=True))
def test_case_and_underscores_change_nothing(name: str) -> None:
    assert words(name.upper()) == words(name) == words(name.replace("-", "_"))
