"""How an endpoint's URL is taken apart, judged and compared."""

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dragoman.domain.url import (
    KNOWN_SUFFIXES,
    Endpoint,
    ascii_host,
    origin,
    parse_origin,
    request_target,
    split,
    url_problem,
)

PIECES = ("http", "https", ":", "//", "/", "?", "#", "@", "[", "]", "::1", "a", "A.b", "%", "\\")
url_like = st.lists(st.sampled_from([*PIECES, *KNOWN_SUFFIXES]), max_size=12).map("".join)
anything = st.text() | url_like

AUTHORITIES = ("example.com", "example.com:8080", "127.0.0.1", "[2001:db8::1]:8443", "münchen.de")
segments = st.text("abcXYZ019-._~%:", max_size=8)
paths = st.lists(segments, max_size=4).map(lambda parts: "".join(f"/{part}" for part in parts))
queries = st.text("abc=&/?%", min_size=1, max_size=8).map(lambda text: f"?{text}") | st.just("")
valid_urls = st.builds(
    lambda scheme, authority, path, suffix, query: f"{scheme}://{authority}{path}{suffix}{query}",
    st.sampled_from(["http", "https", "HTTPS"]),
    st.sampled_from(AUTHORITIES),
    paths,
    st.sampled_from(["", "/", *KNOWN_SUFFIXES]),
    queries,
)

SPLITS = {
    "a known suffix": ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
    "the older completions": ("https://api.openai.com/v1/completions", "https://api.openai.com/v1"),
    "responses": ("https://api.openai.com/v1/responses", "https://api.openai.com/v1"),
    "embeddings": ("https://api.openai.com/v1/embeddings", "https://api.openai.com/v1"),
    "messages": ("https://api.anthropic.com/v1/messages", "https://api.anthropic.com/v1"),
    "realtime": ("wss://api.openai.com/v1/realtime", "wss://api.openai.com/v1"),
    "a suffix right behind the host": ("https://a.example/chat/completions", "https://a.example"),
    "a suffix and a slash": ("https://a.example/v1/messages/", "https://a.example/v1"),
    "a suffix and a query": ("https://a.example/v1/messages?beta=true", "https://a.example/v1"),
    "a query with slashes": ("https://a.example/v1/messages?to=/x/y", "https://a.example/v1"),
    "a query that ends with a suffix": (
        "https://a.example/v1/x?y=/messages",
        "https://a.example/v1",
    ),
    "a suffix in the middle": ("https://a.example/messages/v1", "https://a.example/messages"),
    "a segment that ends like a suffix": ("https://a.example/v1/xmessages", "https://a.example/v1"),
    "a host that is named like a suffix": ("https://chat/completions", "https://chat"),
    "no known suffix": ("https://a.example/v1/models/m:stream", "https://a.example/v1/models"),
    "one segment": ("https://a.example/v1", "https://a.example"),
    "a root": ("https://a.example/", "https://a.example"),
    "slashes only": ("https://a.example//", "https://a.example"),
    "a slash at the end": ("https://a.example/v1/x/", "https://a.example/v1"),
    "no path": ("https://a.example", "https://a.example"),
    "no path but a query": ("https://a.example?key=/a/b", "https://a.example"),
    "a port": ("http://127.0.0.1:8000/v1/chat/completions", "http://127.0.0.1:8000/v1"),
    "IPv6": ("http://[::1]:8000/v1/chat/completions", "http://[::1]:8000/v1"),
    "IPv6 without a path": ("http://[2001:db8::1]", "http://[2001:db8::1]"),
}

ACCEPTABLE = [
    "https://api.openai.com/v1/chat/completions",
    "http://127.0.0.1:8000/v1",
    "http://localhost",
    "HTTPS://API.EXAMPLE/",
    "https://a.example:443/v1?api-version=2026-11-01&x=%20",
    "http://[::1]:8000/v1/messages",
    "https://münchen.example/v1",
    "https://a.example:65535/",
    "https://a.example:/v1",
    "https://a_b.example./v1",
    "https://[::ffff:203.0.113.7]/v1",
]

SPACES = "must not contain spaces or control characters"
SCHEME = "must begin with https:// or http://"
USER = "must not contain a user name or password; send the secret in its own member"
FRAGMENT = "must not contain a fragment (#…)"
HOST = "must name a host"
PORT = "must not name port 0"
ASCII = "must be ASCII after the host; percent-encode what is not"
NO_URL = "is not a URL"

REFUSED = [
    ("", SCHEME),
    ("api.openai.com/v1", SCHEME),
    ("//api.openai.com/v1", SCHEME),
    ("ftp://a.example/", SCHEME),
    ("file:///etc/passwd", SCHEME),
    ("ws://a.example/", SCHEME),
    ("javascript:alert(1)", SCHEME),
    (" https://a.example/", SPACES),
    ("https://a.example/v1 ", SPACES),
    ("https://a.example/a b", SPACES),
    ("https://a.example/\r\nx-header: 1", SPACES),
    ("https://a.example/\tv1", SPACES),
    ("https://a.\x00example/", SPACES),
    ("https://a.example/\x7f", SPACES),
    ("https://user@a.example/", USER),
    ("https://user:sk-secret@a.example/", USER),
    ("https://@a.example/", USER),
    ("https://a.example/v1#top", FRAGMENT),
    ("https://", HOST),
    ("https:///v1", HOST),
    ("https:a.example/v1", HOST),
    ("https://a..example/", HOST),
    ("https://.example/", HOST),
    ("https://*.example/", HOST),
    ("https://<a>/", HOST),
    ("https://a;b/", HOST),
    ("https://" + "a" * 64 + ".example/", HOST),
    ("https://" + "a." * 127 + "a/", HOST),
    ("https://:443/", HOST),
    ("https://a.example\uff0fb/", HOST),
    ("https://\u00ad/", HOST),
    ("https://ex\u2028ample/", HOST),
    ("https://a.example:0/", PORT),
    ("https://a.example:65536/", NO_URL),
    ("https://a.example:http/", NO_URL),
    ("https://a.example:-1/", NO_URL),
    ("https://a.example:+1/", NO_URL),
    ("https://[::1/", NO_URL),
    ("https://[not-an-address]/", NO_URL),
    ("https://[1:2]/", NO_URL),
    ("https://[::1]]/", NO_URL),
    ("https://[::1%eth0]/", NO_URL),
    ("https://a.example\\b.example/", NO_URL),
    ("https://a.example:000443/", NO_URL),
    ("https://a.example:\uff14\uff14\uff13/", NO_URL),
    ("https://a.example/ü", ASCII),
    ("https://a.example/?q=ü", ASCII),
    ("https://a.example/\udc80", ASCII),
]

SAME_ORIGIN = {
    "paths do not count": ("https://a.example/v1/messages", "https://a.example/"),
    "queries do not count": ("https://a.example?key=1", "https://a.example"),
    "schemes in upper case": ("HTTPS://a.example/", "https://a.example/"),
    "hosts in upper case": ("https://API.Example/", "https://api.example/"),
    "the default port of https": ("https://a.example:443/", "https://a.example/"),
    "the default port of http": ("http://a.example:80/", "http://a.example/"),
    "a port with zeros before it": ("http://a.example:08000/", "http://a.example:8000/"),
    "a port that is left empty": ("http://a.example:/", "http://a.example/"),
    "an internationalized host": ("https://münchen.example/", "https://xn--mnchen-3ya.example/"),
    "one in upper case": ("https://MÜNCHEN.example/", "https://xn--MNCHEN-3YA.example/"),
    "full-width letters": ("https://\uff41.example/", "https://a.example/"),
    "an ideographic full stop": ("https://a\u3002example/", "https://a.example/"),
    "IPv6 at length": ("http://[2001:db8:0:0::0a]/", "http://[2001:db8::a]/"),
    "hexadecimal in upper case": ("http://[2001:DB8::A]/", "http://[2001:db8::a]/"),
}

OTHER_ORIGIN = {
    "another scheme": ("http://a.example:8000/", "https://a.example:8000/"),
    "another host": ("https://a.example/", "https://b.example/"),
    "a subdomain": ("https://a.example/", "https://x.a.example/"),
    "another port": ("https://a.example/", "https://a.example:8443/"),
    "the other scheme's port": ("https://a.example/", "https://a.example:80/"),
    "a dot at the end": ("https://a.example/", "https://a.example./"),
}


class TestSplit:
    @given(anything)
    def test_what_is_split_joins_to_the_same_text(self, url: str) -> None:
        base_url, path = split(url)
        assert base_url + path == url
        assert Endpoint.parse(url).url == url

    @given(anything)
    def test_the_path_is_empty_or_begins_like_one(self, url: str) -> None:
        base_url, path = split(url)
        assert path == "" or path[0] in "/?"
        assert "?" not in base_url

    @given(valid_urls, st.none() | st.text())
    def test_splitting_again_changes_nothing(self, url: str, region: str | None) -> None:
        endpoint = Endpoint.parse(url, region)
        assert Endpoint.parse(endpoint.url, region) == endpoint
        assert endpoint.region == region

    @given(valid_urls)
    def test_the_base_is_a_url_of_the_same_origin(self, url: str) -> None:
        base_url, _ = split(url)
        assert url_problem(base_url) is None
        assert origin(base_url) == origin(url)

    @pytest.mark.parametrize(("url", "base_url"), SPLITS.values(), ids=SPLITS)
    def test_where_a_url_is_split(self, url: str, base_url: str) -> None:
        assert split(url) == (base_url, url.removeprefix(base_url))

    def test_no_suffix_hides_a_longer_one_that_ends_with_it(self) -> None:
        for index, suffix in enumerate(KNOWN_SUFFIXES):
            assert not any(longer.endswith(suffix) for longer in KNOWN_SUFFIXES[index + 1 :])


class TestProblem:
    @pytest.mark.parametrize("url", ACCEPTABLE)
    def test_these_can_be_registered(self, url: str) -> None:
        assert url_problem(url) is None

    @pytest.mark.parametrize(
        ("url", "problem"), REFUSED, ids=[ascii(url)[:50] for url, _ in REFUSED]
    )
    def test_these_cannot(self, url: str, problem: str) -> None:
        assert url_problem(url) == problem

    def test_an_empty_fragment_is_a_fragment(self) -> None:
        assert url_problem("https://a.example/v1#") == FRAGMENT

    @pytest.mark.parametrize("character", ["\u00a0", "\u2003", "\u3000", "\uff3c"], ids=ascii)
    def test_a_host_that_turns_into_one_with_a_space_or_backslash_is_refused(
        self, character: str
    ) -> None:
        assert url_problem(f"https://a{character}b.example/") is not None

    @pytest.mark.parametrize(
        "authority",
        ["api.openai.com[2001:db8::1]", "[2001:db8::1]api.openai.com", "[v1.api.openai.com]"],
    )
    def test_brackets_hold_an_ipv6_address_and_nothing_stands_beside_them(
        self, authority: str
    ) -> None:
        assert url_problem(f"https://{authority}/v1") is not None

    @given(anything)
    @example("http://\udfff")
    @example("http://xn--\u00fc/")
    def test_any_text_gets_an_answer(self, text: str) -> None:
        problem = url_problem(text)
        assert problem is None or problem.startswith(("must ", "is not "))

    @given(anything.map(lambda text: f"https://{text}/"))
    def test_an_acceptable_url_has_an_origin_and_a_target(self, url: str) -> None:
        if url_problem(url) is None:
            found = parse_origin(url)
            assert found.scheme == "https"
            assert found.host.isascii()
            assert 1 <= found.port <= 65535
            assert request_target(url).startswith("/")

    @given(url_like.map(lambda text: f"https://{text}"))
    @example("https://a.example:8443\\@b.example/")
    @example("https://a.example?@b.example/")
    @example("https://a.example:443:8443/")
    def test_of_an_acceptable_url_another_parser_reads_the_same_host(self, url: str) -> None:
        if url_problem(url) is None:
            found, read = parse_origin(url), urlsplit(url)
            assert (read.hostname, read.port or 443) == (found.host, found.port)
            assert read.username is None

    @pytest.mark.parametrize("url", [url for url, problem in REFUSED if "secret" in url])
    def test_a_problem_never_quotes_the_url(self, url: str) -> None:
        assert "sk-secret" not in str(url_problem(url))


class TestOrigin:
    @pytest.mark.parametrize(("one", "other"), SAME_ORIGIN.values(), ids=SAME_ORIGIN)
    def test_two_spellings_of_one_origin_are_equal(self, one: str, other: str) -> None:
        assert origin(one) == origin(other)

    @pytest.mark.parametrize(("one", "other"), OTHER_ORIGIN.values(), ids=OTHER_ORIGIN)
    def test_two_origins_are_never_equal(self, one: str, other: str) -> None:
        assert origin(one) != origin(other)

    def test_an_origin_is_written_with_its_port(self) -> None:
        assert origin("https://a.example/v1") == "https://a.example:443"
        assert origin("http://a.example/v1") == "http://a.example:80"
        assert origin("http://[::1]:8000/v1") == "http://[::1]:8000"

    def test_an_origin_is_the_same_text_under_every_python(self) -> None:
        # Python 3.13 began to write mapped addresses in another way; credentials are bound to
        # this text, and would not open any more.
        assert origin("https://[::ffff:203.0.113.7]/v1") == "https://[::ffff:cb00:7107]:443"

    def test_a_host_has_no_brackets(self) -> None:
        assert parse_origin("http://[::1]:8000/v1") == ("http", "::1", 8000)

    @given(valid_urls)
    def test_an_origin_is_a_url_of_itself(self, url: str) -> None:
        assert origin(origin(url)) == origin(url)

    @given(st.text().filter(lambda host: not host.startswith("[")))
    @example("MÜNCHEN.Example")
    def test_the_ascii_form_of_a_name_is_final(self, host: str) -> None:
        form = ascii_host(host)
        if form is not None:
            assert form.isascii()
            assert form == form.lower()
            assert ascii_host(form) == form


class TestRequestTarget:
    @pytest.mark.parametrize(
        ("url", "target"),
        [
            ("https://a.example", "/"),
            ("https://a.example/", "/"),
            ("https://a.example//", "//"),
            ("https://a.example?x=1", "/?x=1"),
            ("https://a.example/v1/Chat?X=%20&y=/a?b", "/v1/Chat?X=%20&y=/a?b"),
            ("https://a.example/a;b=c/../d/./e", "/a;b=c/../d/./e"),
            ("http://[::1]:8000/v1", "/v1"),
        ],
    )
    def test_path_and_query_are_sent_as_they_were_written(self, url: str, target: str) -> None:
        assert request_target(url) == target

    def test_a_query_that_is_empty_is_sent_too(self) -> None:
        assert request_target("https://a.example/v1?") == "/v1?"

    @given(valid_urls)
    def test_nothing_of_path_and_query_is_lost(self, url: str) -> None:
        rest = url.partition("://")[2]
        authority = rest.partition("?")[0].partition("/")[0]
        written = rest.removeprefix(authority)
        assert request_target(url) == (written if written.startswith("/") else f"/{written}")
