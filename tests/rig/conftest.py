"""What the tests inside the rig share: the world, its name server, and servers as shipped."""

import shutil
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
import trustme

from dragoman.upstream.ranges import METADATA
from tests.rig import zone
from tests.rig.name_server import NameServer
from tests.rig.world import PROXY, World, redirecting
from tests.running import RunningDragoman, registration
from tests.secret_sources.google_server import MetadataEndpoint, TokenEndpoint

EVERYTHING = ",".join(["0.0.0.0/0", "::/0", *map(str, METADATA)])
CONNECT_S = "2"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
ELSEWHERE = "9.9.9.9"
"""Where the environment's proxies would be: an address that everybody may call."""

URLS = [
    *(
        f"https://{host}/v1/chat/completions"
        for host in [*zone.ZONE, *zone.CLOSED_HOSTS, *zone.WITH_A_DOT]
    ),
    *(f"http://{host}/v1/chat/completions" for host in ("plain.test", "loopback.test")),
    f"https://mixed.test:{zone.PRIVATE_PORT}/v1/chat/completions",
    *(f"https://{host}/v1/chat/completions" for host in (zone.PUBLIC_V4, f"[{zone.PUBLIC_V6}]")),
    f"https://{zone.LINK_LOCAL}/v1/chat/completions",
    *(f"https://{host}/v1/chat/completions" for host in zone.UNKNOWN),
]


class Caller:
    """Calls what is registered, on one running server, and says what came of it."""

    def __init__(self, dragoman: RunningDragoman, ids: dict[str, str]) -> None:
        self.dragoman = dragoman
        self.ids = ids
        self.client = dragoman.client()

    def call(self, host: str, scheme: str = "https", *, credential: bool = True) -> httpx2.Response:
        """Call the LLM at a host."""
        kind = "" if credential else "without a credential: "
        model = self.ids[f"{kind}{scheme}://{host}/v1/chat/completions"]
        body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
        return self.client.post("/v1/chat/completions", json=body)


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def everybody(ca: trustme.CA) -> World:
    certified = [name for name in zone.PUBLIC_ZONE if not name.startswith("other-")]
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = ca.issue_cert(
        *certified,
        zone.PUBLIC_V4,
        zone.PUBLIC_V6,
        zone.LINK_LOCAL,
        zone.CLOUD,
        "cloud.test",
        "unknown.test",
    )
    certificate.configure_cert(tls)
    answers = {
        "redirect.test": redirecting,
        "metadata.google.internal": MetadataEndpoint().answer,
        "oauth2.googleapis.com": TokenEndpoint().answer,
    }
    return World(tls, [(zone.PRIVATE, zone.PRIVATE_PORT), (zone.PROXY, PROXY)], answers)


@pytest.fixture
def world(everybody: World) -> World:
    """Give the world, with nothing noted yet."""
    everybody.visits()
    return everybody


@pytest.fixture(scope="session")
def name_server() -> NameServer:
    return NameServer(zone.ZONE)


@pytest.fixture(scope="session")
def registered(
    tmp_path_factory: pytest.TempPathFactory, everybody: World, name_server: NameServer
) -> tuple[Path, dict[str, str]]:
    """Register every LLM, at a time at which the operator has opened everything."""
    data_dir = tmp_path_factory.mktemp("registered") / "data"
    ids: dict[str, str] = {}
    opened = RunningDragoman.start(data_dir, egress_allow=EVERYTHING)
    with opened as dragoman, dragoman.client() as client:
        for url in URLS:
            ids[url] = _id(client.post("/v1/llms", json=registration(url)))
            if url.startswith("http:"):
                without = registration(url, secret="")
                ids[f"without a credential: {url}"] = _id(client.post("/v1/llms", json=without))
    return data_dir, ids


def _id(answer: httpx2.Response) -> str:
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.fixture(scope="session")
def start(
    registered: tuple[Path, dict[str, str]],
    tmp_path_factory: pytest.TempPathFactory,
    ca: trustme.CA,
) -> Iterator[Callable[..., Caller]]:
    """Start the server as shipped, with two workers, on a copy of what is registered."""
    data_dir, ids = registered
    bundle = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(bundle))
    callers: list[Caller] = []

    def start(
        *,
        egress_allow: str | None = None,
        egress_proxy: str | None = None,
        google_credentials: str | None = None,
    ) -> Caller:
        copy = tmp_path_factory.mktemp("server") / "data"
        shutil.copytree(data_dir, copy)
        with pytest.MonkeyPatch.context() as patch:
            for name in PROXIES:
                patch.setenv(name, f"http://{ELSEWHERE}:80")
            server = RunningDragoman.start(
                copy,
                workers=2,
                ca_bundle=str(bundle),
                upstream_connect_s=CONNECT_S,
                egress_allow=egress_allow,
                egress_proxy=egress_proxy,
                google_credentials=google_credentials,
            )
        callers.append(Caller(server, ids))
        return callers[-1]

    yield start
    for caller in callers:
        caller.client.close()
        caller.dragoman.stop()


@pytest.fixture(scope="session")
def default(start: Callable[..., Caller]) -> Caller:
    """Run a server without any exception to the default policy."""
    return start()
