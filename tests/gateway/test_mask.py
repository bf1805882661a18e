"""Secrets in what an upstream writes: covered wherever the bytes are cut, and nothing else is."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dragoman.gateway.credentials import hidden
from dragoman.gateway.mask import SHORTEST, Hidden, Mask
from dragoman.vault.secret import Secret

KEY = b"sk-abcabcab-1"
"""Its beginning comes again inside it."""
LONGER = b"sk-abcabcab-1-and-more"
OVERLAPPING = b"cab-1-and"
HIDDEN = Hidden([KEY, LONGER, OVERLAPPING])

near_misses = st.sampled_from(
    [KEY, LONGER, OVERLAPPING, KEY[:5], KEY[5:], LONGER[:-1], b"sk-", b"cab-1", b"abc", b"\n", b"x"]
)
texts = st.lists(near_misses | st.binary(max_size=3), max_size=12).map(b"".join)


def masked(data: bytes, secrets: Hidden) -> bytes:
    """Cover every byte that belongs to a secret, looking at the whole."""
    covered = bytearray(data)
    for text in secrets.texts:
        for at in range(len(data)):
            if data.startswith(text, at):
                covered[at : at + len(text)] = b"*" * len(text)
    return bytes(covered)


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


@given(data=texts, cuts=st.lists(st.integers(0, 200), max_size=8))
@example(data=b"xx" + LONGER, cuts=[5, 14, 15])
@example(data=b"sk-abcabcab-1-and-mo", cuts=[13, 16])
def test_wherever_it_is_cut_the_whole_is_masked(data: bytes, cuts: list[int]) -> None:
    mask = Mask(HIDDEN)
    passed = [mask.passed(piece) for piece in pieces_of(data, cuts)]
    assert b"".join(passed) + mask.rest() == masked(data, HIDDEN)


@given(data=texts)
@example(data=b"xx" + LONGER)
def test_a_body_that_is_all_there_is_masked_at_once(data: bytes) -> None:
    assert HIDDEN.covered(data) == masked(data, HIDDEN)


@given(data=texts, cuts=st.lists(st.integers(0, 200), max_size=8))
def test_what_waits_is_the_beginning_of_a_secret_and_never_more(
    data: bytes, cuts: list[int]
) -> None:
    mask, came, went = Mask(HIDDEN), b"", 0
    for piece in pieces_of(data, cuts):
        came += piece
        went += len(mask.passed(piece))
        waiting = came[went:]
        assert waiting == b"" or any(
            len(waiting) < len(text) and text.startswith(waiting) for text in HIDDEN.texts
        )


@given(
    texts=st.lists(st.text("ab", min_size=SHORTEST, max_size=12).map(str.encode), max_size=3),
    data=st.text("ab", max_size=60).map(str.encode),
    cuts=st.lists(st.integers(0, 60), max_size=8),
)
@example(texts=[b"a" * 8], data=b"b" + b"a" * 9 + b"b", cuts=[])
def test_secrets_of_few_letters_are_masked_too(
    texts: list[bytes], data: bytes, cuts: list[int]
) -> None:
    secrets = Hidden(texts)
    mask = Mask(secrets)
    passed = b"".join(mask.passed(piece) for piece in pieces_of(data, cuts))
    assert passed + mask.rest() == masked(data, secrets)


@given(st.lists(st.binary(min_size=1), max_size=5))
def test_without_a_secret_every_piece_passes_as_it_is(pieces: list[bytes]) -> None:
    mask = Mask(Hidden())
    assert [mask.passed(piece) for piece in pieces] == pieces
    assert mask.rest() == b""


@pytest.mark.parametrize("piece", [b'data: {"a": "sk"}\n\n', b"s\n", b'{"id": "sk-abc"}'])
def test_a_piece_that_ends_otherwise_than_a_secret_begins_waits_for_nothing(piece: bytes) -> None:
    mask = Mask(Hidden([KEY]))
    assert mask.passed(piece) is piece


def test_what_is_shorter_is_not_looked_for() -> None:
    assert Hidden([b"1234567"]).texts == ()
    assert Hidden([b"12345678"]).texts == (b"12345678",)


def test_what_is_hidden_is_not_shown_by_what_hides_it() -> None:
    assert "sk-" not in repr(HIDDEN) + str(HIDDEN)


@pytest.mark.parametrize(
    "spelled",
    [
        r'sk-"quoted"/<b>&',
        r"sk-\"quoted\"/<b>&",
        r"sk-\"quoted\"\/<b>&",
        r"sk-\"quoted\"/\u003cb\u003e\u0026",
    ],
)
def test_it_is_found_in_each_spelling_that_json_has_for_it(spelled: str) -> None:
    mask = Mask(hidden(Secret('sk-"quoted"/<b>&'), ()))
    data = f'{{"you sent": "{spelled}"}}'.encode()
    assert mask.passed(data) == data.replace(spelled.encode(), b"*" * len(spelled))


def test_an_extra_header_that_looks_like_a_key_is_covered_too() -> None:
    key = "xh-90b2e1c4d5e6f7a8b9"
    mask = Mask(hidden(None, (("x-api-token", Secret(key)),)))
    assert mask.passed(f"it is {key}\n".encode()) == b"it is " + b"*" * len(key) + b"\n"


@pytest.mark.parametrize(
    "value",
    [
        "2023-06-01",
        "assistants=v2",
        "https://app2.example/a/b",
        "My 2nd Program of this Year",
        "internationalization",
        "12345678901234567890",
    ],
)
def test_an_extra_header_of_ordinary_words_is_left_alone_in_bodies_only(value: str) -> None:
    secrets = hidden(None, (("x-extra", Secret(value)),))
    said = f'{{"content":"It was {value}."}}'.encode()
    assert Mask(secrets).passed(said) == said
    assert secrets.is_in(b"you sent " + value.encode())
