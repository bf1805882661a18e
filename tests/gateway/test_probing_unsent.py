"""A probe that fails before anything is sent: which stage it was."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import trustme

from dragoman.domain.egress_proxy import parse_egress_proxy
from dragoman.domain.errors import Unavailable
from dragoman.gateway.probe_result import Probed, ProbeFailure, ProbeStage, Summary
from dragoman.upstream.egress import EgressPolicy
from dragoman.vault.envelope import Vault
from dragoman.vault.keys import Keyring
from tests.fakes.held import FakeHeldSecrets
from tests.fakes.upstream import FakeUpstream
from tests.gateway.probing import (
    CHAT,
    COMPLETION,
    SECRET,
    Event,
    Heard,
    a_directory,
    a_plan,
    a_pool,
    a_prober,
    an_llm,
    probe,
    standing,
    unknown_to_dns,
)
from tests.registry.installation import DEPLOYMENT_ID, Installation, a_draft, borrowing
from tests.scripted_upstream import (
    serving,
)
from tests.upstream.calling import certified, dead_address, eventually

FREE_PORT = 9
"""Nobody listens there: it is the port of a service that throws everything away."""


async def test_a_credential_that_does_not_open(installation: Installation) -> None:
    who, upstream = await installation.acting(), FakeUpstream(COMPLETION)
    llm = await an_llm(installation, who)
    without_keys = a_directory(installation, vault=Vault(Keyring.generate(), DEPLOYMENT_ID))
    probed = await a_prober(installation, upstream, without_keys).once(who, a_plan(llm))
    assert failed_before_sending(probed) is ProbeStage.CREDENTIAL
    assert (probed.llm, probed.url) == (llm, "https://one.example/v1")
    assert upstream.requests == []


async def test_a_credential_that_is_not_lent_for_a_while(installation: Installation) -> None:
    who, upstream, held = await installation.acting(), FakeUpstream(COMPLETION), FakeHeldSecrets()
    await installation.granted("env://KEY", "https://one.example")
    draft = a_draft(credential=borrowing("env://KEY"))
    llm = await installation.llms.create(who, draft)

    def lend(event: Event) -> None:
        if isinstance(event, Probed) and event.seq == 2:
            held.secrets["env://KEY"] = SECRET

    heard = Heard(lend)
    prober = a_prober(installation, upstream, a_directory(installation, held))
    await prober.series(who, standing(who), a_plan(llm, count=3, interval_ms=50), heard)
    first, second, third = heard.probed
    for failed in (first, second):
        assert failed_before_sending(failed) is ProbeStage.CREDENTIAL
        assert failed.failure == ProbeFailure(ProbeStage.CREDENTIAL, "There is no such secret.")
    assert third.ok
    assert len(upstream.requests) == 1
    assert isinstance(heard.events[-1], Summary)
    assert (heard.events[-1].ok, heard.events[-1].errors) == (1, 2)


async def test_a_name_that_does_not_resolve(installation: Installation) -> None:
    probed = await probe(
        installation, f"https://nowhere.test:{FREE_PORT}{CHAT}", resolve=unknown_to_dns
    )
    assert failed_before_sending(probed) is ProbeStage.DNS


async def test_a_port_that_nobody_listens_on(installation: Installation) -> None:
    async with serving() as upstream:
        url = upstream.url
    probed = await probe(installation, url + CHAT)
    assert failed_before_sending(probed) is ProbeStage.CONNECT
    assert "Connection refused" in str(probed.failure)


async def test_an_address_that_swallows_everything(installation: Installation) -> None:
    async with serving() as upstream:
        port = upstream.port
    with dead_address("127.0.0.2", port):
        probed = await probe(installation, f"http://127.0.0.2:{port}{CHAT}", 200)
    assert failed_before_sending(probed) is ProbeStage.CONNECT
    assert probed.failure is not None
    assert probed.failure.is_timeout


async def test_a_certificate_of_somebody_else(installation: Installation, tmp_path: Path) -> None:
    ca, bundle = trustme.CA(), tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(bundle))
    async with serving(tls=certified(ca, "other.test")) as upstream:
        probed = await probe(installation, upstream.url + CHAT, ca_bundle=bundle)
        assert upstream.requests == []
    assert failed_before_sending(probed) is ProbeStage.TLS


async def test_an_address_that_is_closed(installation: Installation) -> None:
    async with serving() as upstream:
        probed = await probe(installation, upstream.url + CHAT, policy=EgressPolicy())
        assert upstream.peers == []
    assert failed_before_sending(probed) is ProbeStage.EGRESS
    assert "DRAGOMAN_EGRESS_ALLOW" in str(probed.failure)


async def test_a_proxy_that_is_not_there(installation: Installation) -> None:
    async with serving() as proxy:
        url = f"http://someone:{SECRET}@127.0.0.1:{proxy.port}"
    options: dict[str, Any] = {"policy": EgressPolicy(), "proxy": parse_egress_proxy(url)}
    probed = await probe(installation, f"https://8.8.8.8{CHAT}", **options)
    assert failed_before_sending(probed) is ProbeStage.PROXY


async def test_no_connection_that_is_free_is_no_failure_of_the_llm(
    installation: Installation,
) -> None:
    who = await installation.acting()
    async with a_pool(connections_per_origin=1) as pool, serving() as upstream:
        llm = await an_llm(installation, who, upstream.url + CHAT)
        prober = a_prober(installation, pool)
        slow = a_plan(llm, timeout_ms=400)
        first = asyncio.create_task(prober.once(who, slow))
        await eventually(lambda: upstream.peers)
        with pytest.raises(Unavailable, match="were in use"):
            await prober.once(who, a_plan(llm, timeout_ms=100))
        await first


def failed_before_sending(probed: Probed) -> ProbeStage:
    """Give the stage of a failure before anything was sent."""
    assert probed.failure is not None
    assert SECRET not in repr(probed)
    assert (probed.status, probed.bytes_sent, probed.bytes_received) == (0, 0, 0)
    assert probed.began_ns <= probed.answered_ns == probed.ended_ns
    return probed.failure.stage
