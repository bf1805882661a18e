"""The setting of the operator's proxy: read exactly, and never shown."""

from base64 import b64decode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.domain.egress_proxy import EgressProxy, parse_egress_proxy

PASSWORD = "pw-proxy-4f1d7c"


@pytest.mark.parametrize(
    ("url", "host", "port", "credential"),
    [
        ("http://proxy.internal:3128", "proxy.internal", 3128, None),
        ("http://proxy.internal:3128/", "proxy.internal", 3128, None),
        ("HTTP://Proxy.Internal:80", "proxy.internal", 80, None),
        ("http://10.0.0.1:65535", "10.0.0.1", 65535, None),
        ("http://[fd00::1]:8080", "fd00::1", 8080, None),
        ("http://ada:secret@proxy.internal:3128", "proxy.internal", 3128, b"ada:secret"),
        ("http://ada@proxy.internal:3128", "proxy.internal", 3128, b"ada:"),
        ("http://a%40b:c%3Ad%2Fe%25@p:1", "p", 1, b"a@b:c:d/e%"),
        ("http://ada:caf%C3%A9@p:1", "p", 1, "ada:café".encode()),
    ],
)
def test_it_is_read(url: str, host: str, port: int, credential: bytes | None) -> None:
    proxy = parse_egress_proxy(url)
    assert (proxy.host, proxy.port) == (host, port)
    if credential is None:
        assert proxy.authorization is None
    else:
        kind, _, encoded = (proxy.authorization or b"").partition(b" ")
        assert (kind, b64decode(encoded)) == (b"Basic", credential)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "proxy.internal:3128",
        "https://ada:{}@proxy.internal:3128",
        "socks5://ada:{}@proxy.internal:1080",
        "http://ada:{}@proxy.internal",
        "http://ada:{}@proxy.internal:",
        "http://ada:{}@proxy.internal:0",
        "http://ada:{}@proxy.internal:65536",
        "http://ada:{}@proxy.internal:3128/path",
        "http://ada:{}@proxy.internal:3128?query",
        "http://ada:{}@proxy.internal:3128#fragment",
        "http://ada:{}@@proxy.internal:3128",
        "http://ada:{}/@proxy.internal:3128",
        "http://ada:x:{}@proxy.internal:3128",
        "http://ada:{}@:3128",
        "http://ada:{}@proxy internal:3128",
        "http://ada:{}@[fd00::g]:3128",
        "http://ada:{}@" + "a" * 64 + ":3128",
        "http://ada:{}@proxy.internal:3128\n",
        "http://ada%3Ax:{}@proxy.internal:3128",
        "http://ada:{}%0D%0Ax@proxy.internal:3128",
        "http://ada%00:{}@proxy.internal:3128",
        "http://ada:{}%FF@proxy.internal:3128",
    ],
)
def test_what_is_none_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(ValueError, match=r"http://|colon|UTF-8") as refused:
        parse_egress_proxy(url.format(PASSWORD))
    assert PASSWORD not in str(refused.value)
    assert refused.value.__cause__ is None


@given(user=st.text(), password=st.text())
def test_every_user_and_password_can_be_written(user: str, password: str) -> None:
    url = f"http://{quote(user, safe='')}:{quote(password, safe='')}@proxy.internal:3128"
    if ":" in user or not (user + password).isprintable():
        with pytest.raises(ValueError, match=r"colon|control"):
            parse_egress_proxy(url)
        return
    authorization = parse_egress_proxy(url).authorization or b""
    assert b64decode(authorization.removeprefix(b"Basic ")) == f"{user}:{password}".encode()


def test_it_is_shown_without_its_password() -> None:
    proxy = parse_egress_proxy(f"http://ada:{PASSWORD}@proxy.internal:3128")
    shown = "EgressProxy(host='proxy.internal', port=3128, authorization=Ellipsis)"
    assert repr(proxy) == str(proxy) == shown
    assert "None" in repr(EgressProxy("proxy.internal", 3128))
