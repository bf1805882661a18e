"""What the tests of pings stand on: a prober with a pool, LLMs to probe, and a listener."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from socket import EAI_NONAME, gaierror
from typing import Any

from dragoman.authz.check import Actor, Verified
from dragoman.domain.llm import LLM
from dragoman.domain.ports import Upstream, UpstreamRequest
from dragoman.gateway.directory import Directory
from dragoman.gateway.probe import Ended, Prober
from dragoman.gateway.probe_plan import Limit, Plan
from dragoman.gateway.probe_result import Probed, Summary
from dragoman.upstream.egress import EgressPolicy, parse_networks
from dragoman.upstream.pool import HttpPool
from dragoman.vault.envelope import Vault
from dragoman.vault.secret import Secret
from tests.fakes.held import FakeHeldSecrets
from tests.fakes.upstream import FakeExchange, FakeUpstream
from tests.registry.installation import Installation, a_configuration, a_draft
from tests.upstream.calling import in_use

SECRET = "sk-credential-4f1d7c"
EXTRA = "xh-extra-90b2e1"
CHAT = "/v1/chat/completions"
COMPLETION = b'{"object":"chat.completion","choices":[{"index":0}]}'

Event = Limit | Probed | Ended | Summary


@asynccontextmanager
async def a_pool(**options: Any) -> AsyncIterator[HttpPool]:
    """Make a pool that may call loopback."""
    defaults = {"policy": EgressPolicy(parse_networks("127.0.0.0/8"))}
    pool = HttpPool(**(defaults | {"connections": 64, "connections_per_origin": 64} | options))
    try:
        yield pool
    finally:
        await pool.close()


def a_directory(
    installation: Installation, held: FakeHeldSecrets | None = None, vault: Vault | None = None
) -> Directory:
    return Directory(
        store=installation.store,
        vault=vault or installation.vault,
        held=held or FakeHeldSecrets(),
        clock=installation.clock,
    )


def a_prober(
    installation: Installation,
    upstream: Upstream,
    directory: Directory | None = None,
    **options: Any,
) -> Prober:
    return Prober(
        directory=directory or a_directory(installation),
        upstream=upstream,
        clock=installation.clock,
        installation=b"dragoman-test",
        **options,
    )


async def an_llm(installation: Installation, who: Actor, *urls: str, **members: Any) -> LLM:
    """Register an LLM with a credential, and a header that is one too."""
    draft = a_draft(a_configuration(*urls, **members), SECRET, headers={"x-team": Secret(EXTRA)})
    return await installation.llms.create(who, draft)


def a_plan(llm: LLM, **members: Any) -> Plan:
    """Ask for probes that take no longer than a test may."""
    return Plan(llm_id=llm.id, **({"timeout_ms": 20_000, "interval_ms": 1} | members))


async def probe(
    installation: Installation, url: str, timeout_ms: int = 20_000, **options: Any
) -> Probed:
    """Probe an LLM at a URL with a pool of these options; no connection is left in use."""
    who = await installation.acting()
    llm = await an_llm(installation, who, url)
    async with a_pool(**options) as pool:
        prober = a_prober(installation, pool)
        probed = await prober.once(who, a_plan(llm, timeout_ms=timeout_ms))
        assert in_use(pool) == 0
    return probed


def standing(who: Actor) -> Verified:
    """Verify somebody whose credential stays good."""

    async def again() -> Actor:
        return who

    return again


class SlowUpstream(FakeUpstream):
    """An upstream whose answers take a while; it counts how many are being waited for."""

    def __init__(self, takes_s: float) -> None:
        super().__init__(COMPLETION)
        self.most_at_once = 0
        self.begun_at: list[float] = []
        self._takes_s = takes_s
        self._waiting = 0

    @asynccontextmanager
    async def exchange(self, request: UpstreamRequest) -> AsyncIterator[FakeExchange]:
        self.begun_at.append(time.perf_counter())
        self._waiting += 1
        self.most_at_once = max(self.most_at_once, self._waiting)
        try:
            await asyncio.sleep(self._takes_s)
        finally:
            self._waiting -= 1
        async with super().exchange(request) as exchange:
            yield exchange


class Heard:
    """A listener that keeps what it is told, and may do something at each event."""

    def __init__(self, then: Callable[[Event], object] = lambda _: None) -> None:
        self.has_begun = False
        self.events: list[Event] = []
        self._then = then

    async def begin(self) -> None:
        assert not self.has_begun
        self.has_begun = True

    async def tell(self, event: Event) -> None:
        assert self.has_begun
        self.events.append(event)
        result = self._then(event)
        if asyncio.iscoroutine(result):
            await result

    @property
    def probed(self) -> list[Probed]:
        return [event for event in self.events if isinstance(event, Probed)]


async def unknown_to_dns(_: str) -> list[str]:
    """Resolve nothing."""
    raise gaierror(EAI_NONAME, "Name or service not known")
