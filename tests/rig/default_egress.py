"""The default egress policy without exceptions, on the shipped server with two workers.

Runs inside the rig only: `scripts/rig`. Everything below was registered while it was allowed, so
what is refused is refused at use.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from dragoman.domain.grant import GOOGLE_ADC
from tests.borrowing import beside
from tests.rig import zone
from tests.rig.conftest import ELSEWHERE, PROXIES, Caller
from tests.rig.name_server import NameServer
from tests.rig.world import HTTP, HTTPS, PROXY, Visit, World
from tests.running import registration
from tests.secret_sources.google_server import key_file

SETTING = "DRAGOMAN_EGRESS_ALLOW"
CHAT = "/v1/chat/completions"


def reached(answer: httpx2.Response) -> None:
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "reached"


def refused(answer: httpx2.Response) -> str:
    """Make sure that a call was refused by the policy, and give what was said."""
    assert answer.status_code == 502, answer.text
    assert answer.headers["x-dragoman-fault"] == "operator"
    assert answer.json()["error"]["code"] == "egress_refused"
    said = str(answer.json()["error"]["message"])
    assert SETTING in said
    return said


def only(world: World) -> Visit:
    (visit,) = world.visits()
    return visit


# --- What is public --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("v4.test", zone.PUBLIC_V4),
        ("v6.test", zone.PUBLIC_V6),
        (zone.PUBLIC_V4, zone.PUBLIC_V4),
        (f"[{zone.PUBLIC_V6}]", zone.PUBLIC_V6),
    ],
)
def test_public_addresses_are_called_and_hear_the_configured_host(
    default: Caller, world: World, host: str, address: str
) -> None:
    reached(default.call(host))
    visit = only(world)
    assert visit.place == (address, HTTPS)
    assert visit.host == host
    assert visit.sni == (host if host.endswith(".test") else None)


def test_plain_http_is_spoken_without_a_credential(default: Caller, world: World) -> None:
    reached(default.call("plain.test", "http", credential=False))
    assert only(world).place == (zone.PUBLIC_V4, HTTP)


def test_plain_http_is_not_spoken_with_a_credential(default: Caller, world: World) -> None:
    assert "plain http" in refused(default.call("plain.test", "http"))
    assert world.visits() == []


def test_a_certificate_of_another_host_is_refused(default: Caller, world: World) -> None:
    answer = default.call("other-certificate.test")
    assert (answer.status_code, answer.headers["x-dragoman-fault"]) == (502, "upstream")
    assert "certificate was not accepted" in answer.json()["error"]["message"]
    visit = only(world)
    assert (visit.sni, visit.host) == ("other-certificate.test", "")


def test_the_environments_proxies_are_not_called(default: Caller, world: World) -> None:
    for pid in default.dragoman.worker_pids():
        environment = Path(f"/proc/{pid}/environ").read_text()
        assert all(f"{name}=http://{ELSEWHERE}" in environment for name in PROXIES)
    reached(default.call("v4.test"))
    reached(default.call("plain.test", "http", credential=False))
    assert {visit.address for visit in world.visits()} == {zone.PUBLIC_V4}


def test_a_redirect_to_metadata_is_not_followed(default: Caller, world: World) -> None:
    answer = default.call("redirect.test")
    assert answer.status_code == 502
    assert "redirect" in answer.json()["error"]["message"]
    assert only(world).address == zone.PUBLIC_V4


# --- What is closed --------------------------------------------------------------------------


@pytest.mark.parametrize("host", zone.CLOSED_HOSTS)
def test_closed_addresses_are_refused_and_hear_nothing(
    default: Caller, world: World, host: str
) -> None:
    refused(default.call(host))
    assert world.visits() == []


@pytest.mark.parametrize("host", zone.WITH_A_DOT)
def test_a_closed_address_with_a_final_dot_is_not_called_either(
    default: Caller, world: World, host: str
) -> None:
    answer = default.call(host)
    assert answer.status_code == 502
    assert "does not resolve" in answer.json()["error"]["message"]
    assert world.visits() == []


def test_a_closed_address_is_refused_over_plain_http_too(default: Caller, world: World) -> None:
    assert "loopback" in refused(default.call("loopback.test", "http", credential=False))
    assert world.visits() == []


def test_closed_addresses_cannot_be_registered_either(default: Caller) -> None:
    for host in (zone.CLOUD, "2852039166", "0xa9fea9fe", "[::ffff:a9fe:a9fe]", "localhost"):
        answer = default.client.post("/v1/llms", json=registration(f"https://{host}{CHAT}"))
        assert answer.status_code == 400, answer.text
        assert SETTING in answer.text


# --- What names lead to ----------------------------------------------------------------------


def test_of_mixed_answers_only_the_public_address_is_called(default: Caller, world: World) -> None:
    for _ in range(3):
        reached(default.call("mixed.test"))
    assert [visit.place for visit in world.visits()] == [(zone.OTHER_PUBLIC, HTTPS)] * 3


def test_of_mixed_answers_the_private_one_is_not_fallen_back_to(
    default: Caller, world: World
) -> None:
    # Behind this port there is somebody at the private address, and nobody at the public one.
    answer = default.call(f"mixed.test:{zone.PRIVATE_PORT}")
    assert (answer.status_code, answer.headers["x-dragoman-fault"]) == (502, "upstream")
    assert "Connection refused" in answer.json()["error"]["message"]
    assert world.visits() == []


def test_an_answer_that_needs_tcp_is_judged_in_full(default: Caller, world: World) -> None:
    reached(default.call("many.test"))
    assert only(world).place == (zone.OTHER_PUBLIC, HTTPS)


def test_a_name_that_rebinds_is_refused_and_each_connection_looks_up_once(
    default: Caller, world: World, name_server: NameServer
) -> None:
    def asked() -> list[int]:
        return sorted(kind for name, kind in name_server.queries if name == "rebinding.test")

    reached(default.call("rebinding.test"))
    assert asked() == [4, 6]
    for times in (2, 3, 4):
        assert zone.PRIVATE in refused(default.call("rebinding.test"))
        assert asked() == [4] * times + [6] * times
    assert only(world).address == zone.PUBLIC_V4


def test_a_name_without_an_address(default: Caller, world: World) -> None:
    answer = default.call("unknown.test")
    assert (answer.status_code, answer.headers["x-dragoman-fault"]) == (502, "upstream")
    assert "does not resolve" in answer.json()["error"]["message"]
    assert world.visits() == []


async def test_dead_name_servers_cost_only_those_who_call_by_such_names(default: Caller) -> None:
    over: list[str] = []

    async def call(client: httpx2.AsyncClient, host: str) -> httpx2.Response:
        body = {"model": default.ids[f"https://{host}{CHAT}"], "messages": []}
        answer = await client.post(CHAT, json=body)
        over.append(host)
        return answer

    async with httpx2.AsyncClient(
        base_url=default.dragoman.url,
        headers={"authorization": f"Bearer {default.dragoman.admin_key}"},
        limits=httpx2.Limits(max_connections=None),
        timeout=60,
    ) as client:
        dead = [asyncio.create_task(call(client, host)) for host in zone.DEAD_NAMES]
        await asyncio.sleep(0.5)  # until they are stuck
        for _ in range(4):
            reached(await call(client, "v4.test"))
        assert over == ["v4.test"] * 4
        for answer in await asyncio.gather(*dead):
            assert (answer.status_code, answer.headers["x-dragoman-fault"]) == (504, "upstream")
            assert "look-up of its host's name" in answer.json()["error"]["message"]


# --- What the operator lists -----------------------------------------------------------------


def test_a_network_does_not_open_the_metadata_address_inside(
    start: Callable[..., Caller], world: World
) -> None:
    listing = start(egress_allow="169.254.0.0/16")
    reached(listing.call(zone.LINK_LOCAL))
    assert only(world).place == (zone.LINK_LOCAL, HTTPS)
    for host in (
        zone.CLOUD,
        "cloud.test",
        "cloud-mapped.test",
        "2852039166",
        "[::ffff:169.254.169.254]",
    ):
        assert "169.254.169.254/32" in refused(listing.call(host))
    assert world.visits() == []


def test_the_metadata_address_opens_when_it_is_named_exactly(
    start: Callable[..., Caller], world: World
) -> None:
    listing = start(egress_allow="169.254.169.254/32")
    reached(listing.call("cloud.test"))
    reached(listing.call(zone.CLOUD))
    assert {visit.place for visit in world.visits()} == {(zone.CLOUD, HTTPS)}
    for host in (zone.LINK_LOCAL, "link-local.test", "private.test"):
        refused(listing.call(host))
    assert world.visits() == []


def test_through_the_operators_proxy_goes_what_is_public_and_nothing_that_is_closed(
    start: Callable[..., Caller], world: World
) -> None:
    proxied = start(egress_proxy=f"http://ada:pw-4f1d7c@{zone.PROXY}:{PROXY}")
    for host in ("v4.test", "unknown.test"):
        reached(proxied.call(host))
        visit = only(world)
        assert visit.place == (zone.PROXY, PROXY)
        assert visit.asked_of_proxy.startswith(f"CONNECT {host}:443 HTTP/1.1\r\n")
        assert (visit.sni, visit.host) == (host, host)
    for host, fault in (("status-407.test", "operator"), ("status-403.test", "upstream")):
        answer = proxied.call(host)
        assert (answer.status_code, answer.headers["x-dragoman-fault"]) == (502, fault)
        assert "DRAGOMAN_EGRESS_PROXY" in answer.json()["error"]["message"]
        assert only(world).place == (zone.PROXY, PROXY)
    for host in ("private.test", "mixed.test", zone.CLOUD, "cloud.test", "2852039166"):
        refused(proxied.call(host))
    refused(proxied.call("plain.test", "http"))
    assert world.visits() == []
    assert "pw-4f1d7c" not in proxied.dragoman.log + proxied.dragoman.output


# --- The operator's Google credentials -------------------------------------------------------

GOOGLES = f"https://eu-aiplatform.googleapis.com{CHAT}"


async def call_google(caller: Caller) -> httpx2.Response:
    """Register an LLM at Google that uses the operator's credentials, and call it."""
    async with beside(caller.dragoman) as operator:
        await operator.grant(GOOGLE_ADC)
        await operator.register(GOOGLES, GOOGLE_ADC, "google")
    return caller.client.post(CHAT, json={"model": "google", "messages": []})


async def test_googles_metadata_server_is_asked_where_the_operator_says_so_and_by_no_llm(
    start: Callable[..., Caller], world: World
) -> None:
    caller = start(google_credentials="metadata")
    reached(await call_google(caller))
    asked, called = world.visits()
    assert asked.place == (zone.CLOUD, HTTP)
    assert asked.host == "metadata.google.internal"
    assert called.place == (zone.PUBLIC_V4, HTTPS)
    assert called.authorization == "bearer ya29.c.machine-1" + "." * 20
    for host in (zone.CLOUD, "cloud.test", "metadata.google.internal"):
        refused(caller.call(host))
    assert world.visits() == []
    assert "ya29" not in caller.dragoman.log + caller.dragoman.output


async def test_a_service_account_gets_its_token_from_google(
    start: Callable[..., Caller], world: World, tmp_path: Path
) -> None:
    caller = start(google_credentials=str(key_file(tmp_path / "account.json")))
    reached(await call_google(caller))
    asked, called = world.visits()
    assert (asked.host, asked.place) == ("oauth2.googleapis.com", (zone.PUBLIC_V4, HTTPS))
    assert called.authorization.startswith("bearer ya29.canary-")
    assert "ya29" not in caller.dragoman.log + caller.dragoman.output


async def test_without_that_nobody_is_asked_for_googles_credentials(
    start: Callable[..., Caller], world: World
) -> None:
    answer = await call_google(start())
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "credential_unusable"
    assert world.visits() == []


async def test_googles_tokens_are_fetched_through_the_operators_proxy(
    start: Callable[..., Caller], world: World, tmp_path: Path
) -> None:
    caller = start(
        google_credentials=str(key_file(tmp_path / "account.json")),
        egress_proxy=f"http://{zone.PROXY}:{PROXY}",
    )
    reached(await call_google(caller))
    asked, called = world.visits()
    assert asked.place == called.place == (zone.PROXY, PROXY)
    assert asked.asked_of_proxy.startswith("CONNECT oauth2.googleapis.com:443 ")
    assert called.asked_of_proxy.startswith("CONNECT eu-aiplatform.googleapis.com:443 ")
