"""The parts of one serving process, joined to each other."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from dragoman.app import secret_sources
from dragoman.app.clock import SystemClock
from dragoman.app.front import Front, Readiness
from dragoman.app.memories import Memories
from dragoman.app.usage_log import LoggedUsage
from dragoman.dialect.bodies import Bodies
from dragoman.dialects.anam.routes import dialect as anam
from dragoman.dialects.dragoman.routes import dialect as dragoman
from dragoman.dialects.dragoman.services import Services
from dragoman.dialects.goodmem.routes import dialect as goodmem
from dragoman.dialects.openai.errors import render
from dragoman.dialects.openai.routes import dialect as openai
from dragoman.domain.egress_proxy import parse_egress_proxy
from dragoman.domain.errors import Unavailable
from dragoman.domain.ports import Clock, Deadlines, Upstream
from dragoman.domain.principal import Role
from dragoman.gateway.directory import Directory
from dragoman.gateway.probe import Prober
from dragoman.gateway.relay import Relay
from dragoman.gateway.trace import TraceHosts
from dragoman.registry.authentication import Authenticator
from dragoman.registry.credential_state import CredentialStates
from dragoman.registry.identity import Identities
from dragoman.registry.keys import Keys
from dragoman.registry.llms import LLMs
from dragoman.registry.organizations import Organizations
from dragoman.registry.page_tokens import PageTokens
from dragoman.registry.principals import Principals
from dragoman.registry.trail import Trail
from dragoman.settings import Settings
from dragoman.storage.change_feed import SqlChangeFeed
from dragoman.storage.database import Database
from dragoman.storage.engines import locate, open_database
from dragoman.storage.unit_of_work import SqlStore
from dragoman.upstream.answer import AnswerLimits
from dragoman.upstream.egress import EgressPolicy, parse_networks
from dragoman.upstream.pool import HttpPool
from dragoman.vault.digests import Digests
from dragoman.vault.envelope import Vault
from dragoman.vault.held import HeldSecrets
from dragoman.vault.keys import Keyring


class Parts(NamedTuple):
    """What a serving process works with."""

    front: Front
    pool: HttpPool


@asynccontextmanager
async def serving(
    settings: Settings, keyring: Keyring, *, upstream_connections: int
) -> AsyncIterator[Parts]:
    """Open everything a serving process needs, and close it again.

    `bootstrap.prepare` has run: the database and the key file are there. There are at most
    `upstream_connections` to all upstreams together.
    """
    database = open_database(locate(settings))
    change_feed = SqlChangeFeed(database, settings.stale_max_s)
    memories = Memories()
    store, clock = SqlStore(database, memories), SystemClock()
    deployment_id, vault, digests = await _opened(store, keyring)
    installation = f"dragoman-{hashlib.sha256(deployment_id.encode()).hexdigest()[:16]}".encode()
    readers = settings.credential_readers
    authenticator = Authenticator(store=store, clock=clock, credential_readers=readers)
    trace_hosts = TraceHosts(settings.trace_hosts)
    sources = secret_sources.opened(settings, store, clock)
    held = sources.held
    directory = Directory(store=store, vault=vault, held=held, clock=clock, trace_hosts=trace_hosts)
    memories.add(authenticator, held, directory)
    policy = EgressPolicy(parse_networks(",".join(settings.egress_allow)))
    pool = _pool(settings, policy, upstream_connections)
    llms = LLMs(store=store, vault=vault, digests=digests, clock=clock, policy=policy)
    prober = Prober(directory=directory, upstream=pool, clock=clock, installation=installation)
    services = _services(store, clock, llms=llms, held=held, digests=digests, readers=readers)
    usage_log = LoggedUsage(clock)
    calls = openai(
        relay=_relay(settings, directory, pool, clock, installation),
        directory=directory,
        authenticator=authenticator,
        change_feed=change_feed,
        usage_log=usage_log,
        max_body_bytes=settings.call_body_max_bytes,
    )
    bodies = Bodies(settings.control_body_max_bytes)
    registry = (
        anam(llms, authenticator, bodies),
        goodmem(llms, prober, authenticator, bodies),
        dragoman(services, authenticator, bodies),
    )
    front = Front([*registry, calls], readiness=_readiness(database, change_feed), fallback=render)
    following = asyncio.create_task(change_feed.follow(memories))
    try:
        yield Parts(front, pool)
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        await pool.close()
        await sources.close()
        await database.close()
        usage_log.write()


def _pool(settings: Settings, policy: EgressPolicy, connections: int) -> HttpPool:
    return HttpPool(
        policy=policy,
        connections=connections,
        connections_per_origin=settings.upstream_connections,
        ca_bundle=Path(settings.ca_bundle) if settings.ca_bundle else None,
        limits=AnswerLimits(
            answer=settings.upstream_answer_max_bytes, line=settings.upstream_line_max_bytes
        ),
        proxy=parse_egress_proxy(settings.egress_proxy) if settings.egress_proxy else None,
    )


def _relay(
    settings: Settings,
    directory: Directory,
    upstream: Upstream,
    clock: Clock,
    installation: bytes,
) -> Relay:
    return Relay(
        directory=directory,
        upstream=upstream,
        deadlines=_deadlines(settings),
        clock=clock,
        installation=installation,
        region=settings.region,
    )


def _readiness(database: Database, change_feed: SqlChangeFeed) -> Readiness:
    async def readiness() -> tuple[bool, dict[str, str]]:
        # Calls are served from memory while the database is away, but not for ever.
        try:
            await database.ping()
        except Unavailable:
            return not change_feed.is_stale, {"database": "unreachable"}
        return True, {"database": "ok"}

    return readiness


def _services(
    store: SqlStore,
    clock: Clock,
    *,
    llms: LLMs,
    held: HeldSecrets,
    digests: Digests,
    readers: Collection[Role],
) -> Services:
    return Services(
        llms=llms,
        credential_states=CredentialStates(held),
        organizations=Organizations(store=store, clock=clock),
        principals=Principals(store=store, clock=clock, credential_readers=readers),
        keys=Keys(store=store, clock=clock, credential_readers=readers),
        trail=Trail(store=store),
        identities=Identities(store=store),
        page_tokens=PageTokens(digests),
        clock=clock,
    )


async def _opened(store: SqlStore, keyring: Keyring) -> tuple[str, Vault, Digests]:
    """Read what `bootstrap.prepare` has made, and open it: the installation's id and its keys."""
    async with store.reading() as work:
        deployment = await work.deployment.get()
    if deployment is None or deployment.digest_key is None:
        raise RuntimeError("the database was not prepared")
    vault = Vault(keyring, deployment.id)
    return deployment.id, vault, Digests(vault, deployment.digest_key)


def _deadlines(settings: Settings) -> Deadlines:
    return Deadlines(
        connect_s=settings.upstream_connect_s,
        first_byte_s=settings.upstream_first_byte_s,
        idle_s=settings.upstream_idle_s,
        total_s=settings.upstream_total_s,
    )
