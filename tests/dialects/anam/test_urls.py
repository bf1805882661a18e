"""Which URLs can be saved, on a server whose operator has opened no network."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.dialects.anam.answers import problems, shown
from tests.dialects.anam.tenants import LLMS, OPENAI_URL, Tenant, an_llm
from tests.running import RunningDragoman

SCHEME = "must begin with https:// or http://"
USERINFO = "must not contain a user name or password; send the secret in its own member"
FRAGMENT = "must not contain a fragment (#…)"
SPACES = "must not contain spaces or control characters"
HOST = "must name a host"
NO_URL = "is not a URL"
ASCII = "must be ASCII after the host; percent-encode what is not"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDragoman]:
    """Run a server that may call public addresses only."""
    data_dir = tmp_path_factory.mktemp("closed") / "data"
    with RunningDragoman.start(data_dir, workers=2, egress_allow="") as running:
        yield running


@pytest.fixture
def admin(closed: RunningDragoman) -> Iterator[httpx2.Client]:
    """Give the admin of an organization on that server."""
    with Tenant(closed) as tenant:
        yield tenant.client("admin")


def _refusal(answer: httpx2.Response, path: str = "urls.0.url") -> str:
    assert problems(answer) == [(path, "invalid_url")]
    message: str = answer.json()["details"][0]["message"]
    return message


NOT_A_URL = [
    ("", SCHEME),
    ("api.openai.com/v1", SCHEME),
    ("//api.openai.com/v1", SCHEME),
    ("/v1/chat/completions", SCHEME),
    ("ftp://api.openai.com/", SCHEME),
    ("file:///etc/passwd", SCHEME),
    ("gopher://api.openai.com/", SCHEME),
    ("javascript:alert(1)", SCHEME),
    ("ws://api.openai.com/", SCHEME),
    ("https://user:sk-planted@api.openai.com/", USERINFO),
    ("https://user@api.openai.com/", USERINFO),
    ("https://@api.openai.com/", USERINFO),
    ("https://api.openai.com\\@evil.example/", USERINFO),
    ("https://api.openai.com/#sk-planted", FRAGMENT),
    ("https://api.openai.com/#", FRAGMENT),
    ("https://api.openai.com/a b", SPACES),
    (" https://api.openai.com/", SPACES),
    ("https://api.openai.com/\n", SPACES),
    ("https://api.openai.com/\r\nx-evil: 1", SPACES),
    ("https://api.\topenai.com/", SPACES),
    ("https://api.openai.com/\x7f", SPACES),
    ("https://", HOST),
    ("https:///v1", HOST),
    ("https://:443/v1", HOST),
    ("https:api.openai.com", HOST),
    ("https://api\N{IDEOGRAPHIC SPACE}openai.com/", HOST),
    ("https://api..openai.com/", HOST),
    ("https://./", HOST),
    ("https://%31%32%37.0.0.1/", HOST),
    ("https://10.0.0.1%00.example/", HOST),
    ("https://api.op<enai>.com/", HOST),
    ("https://" + "a" * 64 + ".example/", HOST),
    ("https://[::1/", NO_URL),
    ("https://api.openai.com:99999/", NO_URL),
    ("https://api.openai.com:https/", NO_URL),
    ("https://api.openai.com:0/", "must not name port 0"),
    ("https://api.openai.com/é", ASCII),
    ("https://api.openai.com/?q=é", ASCII),
]


@pytest.mark.parametrize(("url", "message"), NOT_A_URL)
def test_what_is_not_a_plain_url_is_refused(admin: httpx2.Client, url: str, message: str) -> None:
    answer = admin.post(LLMS, json=an_llm(urls=[{"url": url}]))
    assert _refusal(answer) == message
    assert "sk-planted" not in answer.text


LOOPBACK = "127.0.0.1 is a loopback address (RFC 1122)"
METADATA = "169.254.169.254 is the metadata address of AWS, Azure, Google Cloud and others"

CLOSED = [
    ("127.0.0.1", LOOPBACK),
    ("127.0.0.1:8000", LOOPBACK),
    ("127.0.0.1.", LOOPBACK),
    ("127.1", LOOPBACK),
    ("2130706433", LOOPBACK),
    ("0x7f000001", LOOPBACK),
    ("0x7F.1", LOOPBACK),
    ("0177.0.0.1", LOOPBACK),
    ("\N{FULLWIDTH DIGIT ONE}27.0.0.1", LOOPBACK),
    ("\N{CIRCLED DIGIT ONE}27.0.0.1", LOOPBACK),
    ("127\N{IDEOGRAPHIC FULL STOP}0.0.1", LOOPBACK),
    ("localhost", LOOPBACK),
    ("LOCALHOST.", LOOPBACK),
    ("vllm.localhost", LOOPBACK),
    ("[::1]", "::1 is a loopback address (RFC 4291)"),
    ("[0:0:0:0:0:0:0:1]", "::1 is a loopback address (RFC 4291)"),
    ("[::]", ":: is the unspecified address (RFC 4291)"),
    ("0", "0.0.0.0 is an address of this very machine (RFC 791)"),
    ("10.0.0.1", "10.0.0.1 is a private address (RFC 1918)"),
    ("172.16.0.1", "172.16.0.1 is a private address (RFC 1918)"),
    ("192.168.0.1", "192.168.0.1 is a private address (RFC 1918)"),
    ("100.64.0.1", "100.64.0.1 is a carrier's or VPN's shared address (RFC 6598)"),
    ("[::ffff:10.0.0.1]", "10.0.0.1 is a private address (RFC 1918)"),
    ("[::ffff:a00:1]", "10.0.0.1 is a private address (RFC 1918)"),
    ("[64:ff9b::10.0.0.1]", "64:ff9b::a00:1 leads to 10.0.0.1, which is a private address"),
    ("[2002:a00:1::]", "2002:a00:1:: is a 6to4 address (RFC 3056)"),
    ("[fd00::1]", "fd00::1 is a unique-local address (RFC 4193)"),
    ("[fe80::1%25eth0]", "fe80::1 is a link-local address (RFC 4291)"),
    ("169.254.169.254", METADATA),
    ("2852039166", METADATA),
    ("0xA9FEA9FE", METADATA),
    ("[::ffff:169.254.169.254]", METADATA),
    ("metadata.google.internal", METADATA),
    ("METADATA.google.internal.", METADATA),
    ("168.63.129.16", "168.63.129.16 is the host address of Azure"),
    ("[fd00:ec2::254]", "fd00:ec2::254 is the metadata address of AWS"),
]


@pytest.mark.parametrize(("host", "message"), CLOSED)
@pytest.mark.parametrize("secret", ["", "sk-test-secret"], ids=["no secret", "secret"])
def test_an_address_that_is_not_public_is_refused_however_it_is_spelled(
    admin: httpx2.Client, host: str, message: str, secret: str
) -> None:
    body = an_llm(urls=[{"url": f"https://{host}/v1/chat/completions"}], secret=secret)
    refusal = _refusal(admin.post(LLMS, json=body))
    assert refusal.startswith(message)
    assert "DRAGOMAN_EGRESS_ALLOW" in refusal


def test_each_refused_url_is_named_by_its_place_in_the_list(admin: httpx2.Client) -> None:
    urls = [{"url": OPENAI_URL}, {"url": "http://10.0.0.1/"}, {"url": "x"}]
    assert problems(admin.post(LLMS, json=an_llm(urls=urls))) == [
        ("urls.1.url", "invalid_url"),
        ("urls.2.url", "invalid_url"),
    ]


@pytest.mark.parametrize("url", ["", "ftp://api.openai.com/"])
def test_a_refused_url_in_the_member_url_is_named_by_that_member(
    admin: httpx2.Client, url: str
) -> None:
    body = an_llm(url=url)
    del body["urls"]
    assert _refusal(admin.post(LLMS, json=body), path="url") == SCHEME


@pytest.mark.parametrize("change", [{"url": "http://10.0.0.1/"}, {"url": "https://localhost/"}])
def test_an_update_is_judged_like_a_create_and_changes_nothing_when_refused(
    admin: httpx2.Client, change: dict[str, Any]
) -> None:
    stored = shown(admin.post(LLMS, json=an_llm()), 201)
    path = f"{LLMS}/{stored['id']}"
    for body in (
        {"urls": [change]},
        {"urls": [change], "secret": "sk-sent-again"},
        {"urls": [change], "description": "changed"},
    ):
        _refusal(admin.put(path, json=body))
    assert shown(admin.get(path)) == stored


def test_plain_http_to_a_public_address_is_refused_only_where_a_secret_would_be_sent(
    admin: httpx2.Client,
) -> None:
    plain = [{"url": "http://8.8.8.8/v1/chat/completions"}]
    secure = [{"url": "https://8.8.8.8/v1/chat/completions"}]

    assert _refusal(admin.post(LLMS, json=an_llm(urls=plain))) == (
        "A credential is sent over plain http only to an address that is listed in "
        "DRAGOMAN_EGRESS_ALLOW. Use https, or add 8.8.8.8/32 there."
    )
    shown(admin.post(LLMS, json=an_llm(urls=secure)), 201)

    without_secret = shown(admin.post(LLMS, json=an_llm(urls=plain, secret="")), 201)
    _refusal(admin.put(f"{LLMS}/{without_secret['id']}", json={"secret": "sk-late"}))
    both = {"secret": "sk-late", "urls": secure}
    shown(admin.put(f"{LLMS}/{without_secret['id']}", json=both))


@pytest.mark.parametrize(
    "url",
    [
        "http://vllm.internal:8000/v1/chat/completions",
        "http://ollama:11434/v1/chat/completions",
        "https://llm.corp.example/v1/chat/completions",
        "https://with_underscore.example/",
        "https://bücher.example/v1",
        "https://xn--bcher-kva.example./v1",
        "https://[2606:4700::1111]/v1",
        "HTTPS://API.OPENAI.COM/v1",
        "https://api.openai.com",
        "https://api.openai.com/v1/a%20b;c=d?e=f&g=%23",
        "https://api.openai.com/v1//chat/completions/",
    ],
)
def test_a_host_name_is_not_looked_up_and_a_url_is_shown_as_it_was_written(
    admin: httpx2.Client, url: str
) -> None:
    created = shown(admin.post(LLMS, json=an_llm(urls=[{"url": url}])), 201)
    assert shown(admin.get(f"{LLMS}/{created['id']}"))["urls"] == [{"url": url}]


def test_an_address_that_the_operator_listed_can_be_saved_with_a_secret_and_plain_http(
    tenant: Tenant,
) -> None:
    for url in ("http://127.0.0.1:8000/v1", "http://localhost:8000/v1", "http://[::1]:8000/v1"):
        shown(tenant.client().post(LLMS, json=an_llm(urls=[{"url": url}])), 201)


def test_a_metadata_address_stays_closed_beside_what_the_operator_listed(tenant: Tenant) -> None:
    answer = tenant.client().post(LLMS, json=an_llm(urls=[{"url": "http://169.254.169.254/"}]))
    assert _refusal(answer).startswith(METADATA)
