"""One URL, written as a base and a path."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from dragoman.dialects.goodmem import endpoints
from dragoman.dialects.goodmem.schema import LlmUpdate
from dragoman.domain.url import Endpoint, url_problem

CHAT = "/chat/completions"

JOINED = [
    ("https://a.example/v1", None, "https://a.example/v1/chat/completions", CHAT),
    ("https://a.example/v1", "", "https://a.example/v1/chat/completions", CHAT),
    ("https://a.example/v1", "  ", "https://a.example/v1/chat/completions", CHAT),
    ("https://a.example/v1", CHAT, "https://a.example/v1/chat/completions", CHAT),
    ("https://a.example/v1/", CHAT, "https://a.example/v1/chat/completions", CHAT),
    ("https://a.example/v1/", "chat", "https://a.example/v1/chat", "/chat"),
    ("https://a.example/v1", "chat", "https://a.example/v1/chat", "/chat"),
    ("https://a.example", "/v1/chat", "https://a.example/v1/chat", "/v1/chat"),
    ("https://a.example", "/c?api-version=1", "https://a.example/c?api-version=1", None),
    ("https://a.example", ".evil.example/x", "https://a.example/.evil.example/x", None),
    ("https://a.example", "@evil.example/x", "https://a.example/@evil.example/x", None),
]


@pytest.mark.parametrize(("base", "path", "url", "shown_path"), JOINED)
def test_base_and_path_are_joined_by_one_slash_and_shown_as_they_were_written(
    base: str, path: str | None, url: str, shown_path: str | None
) -> None:
    endpoint = endpoints.read(base, path)
    assert endpoint.url == url
    assert endpoints.shown([endpoint]) == (base, shown_path or f"/{str(path).removeprefix('/')}")


SHOWN = [
    (Endpoint.parse("https://a.example/v1/chat/completions"), ("https://a.example/v1", CHAT)),
    (Endpoint.parse("https://a.example/v1/"), ("https://a.example", "/v1/")),
    (Endpoint.parse("https://a.example/"), ("https://a.example", "/")),
    (Endpoint.parse("https://a.example"), ("https://a.example", "/")),
    (Endpoint.parse("https://a.example?a=b"), ("https://a.example", "/?a=b")),
    (Endpoint("https://a.example/v1", "x"), ("https://a.example", "/v1x")),
    (Endpoint("https://a.example/x?a=/b", "/c"), ("https://a.example", "/x?a=/b/c")),
    (Endpoint("https://a.example/v1/", ""), ("https://a.example", "/v1/")),
]


@pytest.mark.parametrize(("endpoint", "address"), SHOWN)
def test_what_another_dialect_wrote_is_shown_as_a_base_and_a_path(
    endpoint: Endpoint, address: tuple[str, str]
) -> None:
    assert endpoints.shown([endpoint]) == address


def test_an_llm_without_endpoints_is_shown_with_an_empty_one() -> None:
    assert endpoints.shown([]) == ("", None)
    assert endpoints.changed([], "", None) == ()
    assert endpoints.changed([], "https://a.example", None) == (
        Endpoint("https://a.example", CHAT),
    )


TWO = (Endpoint("https://a.example/v1", CHAT, "eu"), Endpoint("https://b.example", "/x", "us"))
CHANGES = [
    (None, None, TWO[0]),
    ("https://a.example/v1", CHAT, TWO[0]),
    ("https://a.example/v1", None, TWO[0]),
    (None, "chat/completions", TWO[0]),
    (None, "", TWO[0]),
    ("https://c.example", None, Endpoint("https://c.example", CHAT, "eu")),
    (None, "/y", Endpoint("https://a.example/v1", "/y", "eu")),
    ("https://c.example/", "/y", Endpoint("https://c.example/", "y", "eu")),
]


@pytest.mark.parametrize(("base", "path", "first"), CHANGES)
def test_an_update_replaces_the_first_endpoint_and_keeps_the_others(
    base: str | None, path: str | None, first: Endpoint
) -> None:
    assert endpoints.changed(TWO, base, path) == (first, TWO[1])


bases = st.builds(
    "{}{}".format,
    st.sampled_from(["https://a.example", "http://b.example:81", "HTTPS://C.example"]),
    st.sampled_from(["", "/", "/v1", "/v1/", "//", "/a?b=c", "?q"]),
)
paths = st.sampled_from(["", "/", "x", "/x", CHAT, "/x/", "?a=b", "/x?a=/y"])


@given(base=bases, path=paths)
def test_what_is_shown_can_be_sent_back_and_changes_nothing(base: str, path: str) -> None:
    stored = (Endpoint(base, path, "eu"),)
    assume(url_problem(stored[0].url) is None)
    shown = endpoints.shown(stored)
    assert endpoints.changed(stored, *shown) == stored
    assert endpoints.changed(stored, shown.endpoint_url, None) == stored
    assert endpoints.changed(stored, None, shown.api_path) == stored
    assert LlmUpdate.model_validate({"endpointUrl": shown.endpoint_url}).endpoint_url is not None


@pytest.mark.parametrize(
    "url",
    [
        *("a.example", "ftp://a.example", "https:", "https://", "https:///v1", "//a.example"),
        *("https://a.example/?a=b", "https://a.example#x", "https://u:p@a.example"),
        *("https://a.example/ v1", "https://a.example:0", "https://[::1", "javascript:alert(1)"),
    ],
)
def test_a_base_that_is_no_address_by_itself_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        LlmUpdate.model_validate({"endpointUrl": url})
