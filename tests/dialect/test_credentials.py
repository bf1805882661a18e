"""Where a request carries its API keys, and what is none."""

import pytest

from dragoman.dialect.credentials import MAX_KEYS, api_keys
from dragoman.domain.errors import Unauthenticated
from dragoman.domain.ports import Headers

FOUND: dict[str, tuple[Headers, list[str]]] = {
    "nothing": ([], []),
    "other headers": ([(b"host", b"a.example"), (b"cookie", b"key=1")], []),
    "a bearer": ([(b"authorization", b"Bearer one")], ["one"]),
    "a bearer in lower case": ([(b"authorization", b"bearer one")], ["one"]),
    "a bearer in upper case": ([(b"authorization", b"BEARER one")], ["one"]),
    "a bearer with white space around": ([(b"authorization", b"Bearer  one ")], ["one"]),
    "a key of its own header": ([(b"x-api-key", b"one")], ["one"]),
    "one with white space around": ([(b"x-api-key", b" one ")], ["one"]),
    "both, in order": ([(b"x-api-key", b"one"), (b"authorization", b"Bearer two")], ["one", "two"]),
    "the same one twice": (
        [(b"x-api-key", b"one"), (b"authorization", b"Bearer one")],
        ["one"] * 2,
    ),
    "no ASCII": ([(b"x-api-key", b"sk-\xff")], ["sk-\xff"]),
    "a bearer without a key": ([(b"authorization", b"Bearer")], [""]),
    "an empty header": ([(b"x-api-key", b"")], [""]),
    "the headers of other vendors": ([(b"api-key", b"x"), (b"x-goog-api-key", b"y")], []),
}


@pytest.mark.parametrize(("headers", "keys"), FOUND.values(), ids=FOUND)
def test_where_keys_stand(headers: Headers, keys: list[str]) -> None:
    assert api_keys(headers) == keys


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"Basic b25lOnR3bw==",
        b"Digest one",
        b"one",
        b"Bearer:one",
        b"Bearer\tone",
        b" Bearer one",
    ],
)
def test_another_scheme_is_refused_with_the_next_step(value: bytes) -> None:
    with pytest.raises(Unauthenticated) as refused:
        api_keys([(b"authorization", value)])
    assert refused.value.message == "Use 'Authorization: Bearer <key>' or 'x-api-key: <key>'."


def test_another_scheme_is_refused_beside_a_key_too() -> None:
    with pytest.raises(Unauthenticated):
        api_keys([(b"x-api-key", b"one"), (b"authorization", b"Basic b25l")])


def test_two_keys_are_all_that_a_request_can_mean() -> None:
    assert MAX_KEYS == 2
    lines: Headers = [(b"x-api-key", b"one"), (b"x-api-key", b"two")]
    assert api_keys(lines) == ["one", "two"]
    with pytest.raises(Unauthenticated, match="too many credentials"):
        api_keys([*lines, (b"authorization", b"Bearer three")])


def test_no_message_quotes_a_credential() -> None:
    lines: Headers = [(b"x-api-key", b"sk-plain-4f1d7c")] * 3
    for headers in (lines, [(b"authorization", b"Basic sk-plain-4f1d7c")]):
        with pytest.raises(Unauthenticated) as refused:
            api_keys(headers)
        assert "sk-plain" not in str(refused.value)
