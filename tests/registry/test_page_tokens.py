"""Page tokens: what we wrote for this list is read again, and nothing else is."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.domain.errors import Invalid
from dragoman.domain.page import Cursor
from dragoman.registry.page_tokens import PageTokens
from dragoman.vault.digests import Digests, new_digest_key
from dragoman.vault.envelope import Vault
from dragoman.vault.keys import Keyring

VAULT = Vault(Keyring.generate(), "deployment")
TOKENS = PageTokens(Digests(VAULT, new_digest_key(VAULT)))

cursors = st.builds(Cursor, st.integers(-(2**63), 2**63 - 1), st.text(max_size=40))
lists = st.binary(max_size=20)


def written(cursor: Cursor, about: bytes = b"llms") -> str:
    token = TOKENS.write(cursor, about)
    assert token is not None
    return token


def is_refused(token: str, about: bytes = b"llms") -> bool:
    try:
        TOKENS.read(token, about)
    except Invalid as refused:
        [problem] = refused.problems
        return (problem.path, problem.code) == (("page_token",), "invalid_page_token")
    return False


@given(cursor=cursors, about=lists)
def test_any_token_is_read_again_and_can_stand_in_a_query(cursor: Cursor, about: bytes) -> None:
    token = written(cursor, about)
    assert TOKENS.read(token, about) == cursor
    assert set(token) <= set(base64.urlsafe_b64encode(bytes(range(256))).decode()) | set("-_")
    assert "=" not in token


def test_the_last_page_has_none() -> None:
    assert TOKENS.write(None, b"llms") is None


@given(cursor=cursors, about=lists, other=lists)
def test_a_token_of_another_list_is_refused(cursor: Cursor, about: bytes, other: bytes) -> None:
    assert is_refused(written(cursor, about), other) == (about != other)


@given(cursor=cursors, length=st.integers(0, 200))
def test_a_token_that_was_cut_is_refused(cursor: Cursor, length: int) -> None:
    token = written(cursor)
    assert is_refused(token[:length]) == (length < len(token))


@given(cursor=cursors, at=st.integers(0, 200), character=st.characters(codec="utf-8"))
def test_a_token_that_was_changed_is_refused(cursor: Cursor, at: int, character: str) -> None:
    token = written(cursor)
    at %= len(token) + 1
    for changed in (
        token[:at] + character + token[at:],
        token[:at] + character + token[at + 1 :],
        token + character,
    ):
        assert is_refused(changed) == (changed != token)


@given(token=st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_whatever_is_made_up_is_refused(token: str) -> None:
    assert is_refused(token)


@pytest.mark.parametrize("spelling", ["{}=", "{}==", " {}", "{}\n", "{}!", "-{}"])
def test_a_token_has_one_spelling(spelling: str) -> None:
    token = written(Cursor(7, "01a00000-0000-7000-8000-000000000000"))
    assert is_refused(spelling.format(token))


def test_a_token_of_another_installation_is_refused() -> None:
    other = PageTokens(Digests(VAULT, new_digest_key(VAULT)))
    token = other.write(Cursor(1, "x"), b"llms")
    assert token is not None
    assert is_refused(token)


def test_what_is_refused_is_not_repeated() -> None:
    with pytest.raises(Invalid) as refused:
        TOKENS.read("sk-planted", b"llms")
    assert "sk-planted" not in refused.value.message
