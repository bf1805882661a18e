"""Two URLs are one where they reach the same place, however they were written; else they are two.

The other side is written here as what a URL consists of, and not as a text.
"""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.domain.url import DEFAULT_PORTS, canonical_url, url_problem

LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
HOSTS = st.lists(LABELS, min_size=1, max_size=3).map(".".join) | st.sampled_from(
    ["[::1]", "[2001:db8::7]", "127.0.0.1"]
)
SEGMENTS = st.from_regex(r"[A-Za-z0-9._~-]{1,6}", fullmatch=True)


class Place(NamedTuple):
    """What decides where a request goes."""

    scheme: str
    host: str
    port: int
    segments: tuple[str, ...]
    query: str | None


places = st.builds(
    Place,
    st.sampled_from(["http", "https"]),
    HOSTS,
    st.sampled_from([80, 443, 8000, 11434]),
    st.lists(SEGMENTS, max_size=3).map(tuple),
    st.none() | st.from_regex(r"[a-z]=[A-Za-z0-9]{1,3}", fullmatch=True),
)


@st.composite
def written(draw: st.DrawFn, place: Place) -> str:
    """Write a place in one of the ways in which it can be."""
    scheme = draw(st.sampled_from([place.scheme, place.scheme.upper()]))
    host = draw(st.sampled_from([place.host, place.host.upper(), place.host.title()]))
    is_default = DEFAULT_PORTS[place.scheme] == place.port
    ports = [f":{place.port}", "", ":"] if is_default else [f":{place.port}"]
    path = "".join(f"/{segment}" for segment in place.segments) + "/" * draw(st.integers(0, 2))
    query = "" if place.query is None else f"?{place.query}"
    return f"{scheme}://{host}{draw(st.sampled_from(ports))}{path}{query}"


@given(st.data(), places)
def test_the_same_place_is_the_same_url(data: st.DataObject, place: Place) -> None:
    one, other = data.draw(written(place)), data.draw(written(place))
    assert url_problem(one) is None
    assert canonical_url(one) == canonical_url(other)


@given(st.data(), places, places)
def test_two_places_are_two_urls(data: st.DataObject, place: Place, other: Place) -> None:
    is_one = canonical_url(data.draw(written(place))) == canonical_url(data.draw(written(other)))
    assert is_one is (place == other)


any_hosts = st.from_regex(r"[a-zA-Z0-9]{1,8}(\.[a-zA-Z0-9]{1,8}){0,2}", fullmatch=True)
any_paths = st.lists(st.from_regex(r"[a-zA-Z0-9%.~_-]{0,4}", fullmatch=True), max_size=3)
any_queries = st.none() | st.from_regex(r"[a-zA-Z0-9=&/?:@-]{0,8}", fullmatch=True)
any_urls = st.builds(
    lambda scheme, host, port, path, query: (
        f"{scheme}://{host}{port}{''.join(f'/{part}' for part in path)}"
        f"{'' if query is None else f'?{query}'}"
    ),
    st.sampled_from(["http", "https", "HTTP", "Https"]),
    any_hosts | st.sampled_from(["[::1]", "[2001:DB8::0:1]", "bücher.example", "a.example."]),
    st.sampled_from(["", ":", ":80", ":443", ":8080"]),
    any_paths,
    any_queries,
).filter(lambda url: url_problem(url) is None)


@given(url=any_urls)
def test_doing_it_twice_changes_nothing(url: str) -> None:
    once = canonical_url(url)
    assert url_problem(once) is None
    assert canonical_url(once) == once


DIFFERENT = {
    "the path's case": ("https://a.example/V1", "https://a.example/v1"),
    "the query": ("https://a.example/v1?a=1", "https://a.example/v1?a=2"),
    "an empty query": ("https://a.example/v1?", "https://a.example/v1"),
    "the scheme": ("https://a.example/v1", "http://a.example/v1"),
    "a port that is another scheme's": ("https://a.example:80/v1", "https://a.example/v1"),
    "percent-encoding": ("https://a.example/a%2Fb", "https://a.example/a/b"),
    "a dot at the host's end": ("https://a.example./v1", "https://a.example/v1"),
}


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_what_may_mean_something_to_the_server_makes_two_urls(one: str, other: str) -> None:
    assert canonical_url(one) != canonical_url(other)


SAME = {
    "an international name": ("https://Bücher.example/v1", "https://xn--bcher-kva.example/v1"),
    "an address of version 6": ("https://[2001:DB8:0::7]/v1", "https://[2001:db8::7]/v1"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_names_and_addresses_are_compared_by_what_they_are(one: str, other: str) -> None:
    assert canonical_url(one) == canonical_url(other)
