"""An API key's text: its shape, its checksum and its digest."""

import hashlib
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.vault import api_key

KEY = "dgm_aaaqeayeaudaocajbifqydiob4ibceqtsvnkyqa"
"""Made of the bytes 0 to 19; a checksum that changes would end every key that is in use."""

generated = st.builds(api_key.generate)
characters = st.sampled_from(string.printable) | st.characters()


@given(generated)
def test_a_generated_key_is_well_formed(key: str) -> None:
    assert api_key.is_well_formed(key)


@given(generated)
def test_a_key_is_a_prefix_and_39_characters(key: str) -> None:
    assert re.fullmatch(r"dgm_[a-z2-7]{39}", key)


def test_generated_keys_are_fresh() -> None:
    random_parts = {api_key.generate()[4:36] for _ in range(100)}
    assert len(random_parts) == 100
    assert all(len(set(column)) > 10 for column in zip(*random_parts, strict=True))


def test_a_key_holds_at_least_128_random_bits() -> None:
    assert api_key.ENTROPY_SIZE_BYTES * 8 >= 128


def test_a_key_that_was_handed_out_stays_well_formed() -> None:
    assert api_key.is_well_formed(KEY)


@given(generated, st.integers(0, 42), characters)
def test_no_key_with_one_character_changed_is_well_formed(
    key: str, place: int, character: str
) -> None:
    changed = key[:place] + character + key[place + 1 :]
    assert api_key.is_well_formed(changed) is (changed == key)


@given(generated, st.integers(0, 41))
def test_no_key_with_two_neighbours_exchanged_is_well_formed(key: str, place: int) -> None:
    exchanged = key[:place] + key[place + 1] + key[place] + key[place + 2 :]
    assert api_key.is_well_formed(exchanged) is (exchanged == key)


@given(generated, st.integers(0, 43), characters)
def test_no_key_with_a_character_more_or_less_is_well_formed(
    key: str, place: int, character: str
) -> None:
    assert not api_key.is_well_formed(key[:place] + character + key[place:])
    assert not api_key.is_well_formed(key[: place % 43] + key[place % 43 + 1 :])


@given(st.text() | st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=39, max_size=39))
def test_a_text_by_chance_is_not_well_formed(text: str) -> None:
    assert not api_key.is_well_formed(text)
    assert not api_key.is_well_formed(f"dgm_{text}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dgm_",
        KEY.upper(),
        KEY.replace("dgm_", "DGM_"),
        KEY.replace("dgm_", "sk-_"),
        KEY.removeprefix("dgm_"),
        f"{KEY}\n",
        f" {KEY}",
        f"Bearer {KEY}",
        KEY.replace("a", "\u0430", 1),
        KEY.replace("4", "\u0664"),
        "dgm_" + "\0" * 39,
    ],
    ids=ascii,
)
def test_these_are_not_keys(text: str) -> None:
    assert not api_key.is_well_formed(text)


def test_the_digest_is_the_sha_256_of_the_whole_text() -> None:
    assert api_key.digest(KEY) == hashlib.sha256(KEY.encode()).digest()
    assert len(api_key.digest(KEY)) == 32


@given(generated, generated)
def test_two_keys_have_two_digests(one: str, other: str) -> None:
    assert (api_key.digest(one) == api_key.digest(other)) is (one == other)
