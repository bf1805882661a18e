"""The sources of the operator's secrets, made from settings, each with a way out of its own."""

from pathlib import Path
from typing import NamedTuple

from dragoman.app.source_settings import METADATA
from dragoman.domain.egress_proxy import parse_egress_proxy
from dragoman.domain.ports import Clock, Store
from dragoman.domain.url import Origin, parse_origin
from dragoman.secret_sources import environment, files, google, vault_kv
from dragoman.secret_sources.asking import MAX_ANSWER_BYTES
from dragoman.secret_sources.environment import EnvironmentSecrets
from dragoman.secret_sources.files import FileSecrets
from dragoman.secret_sources.google import GoogleTokens, MetadataServer
from dragoman.secret_sources.service_account_file import read, token_endpoint
from dragoman.secret_sources.sources import SecretSources, Source
from dragoman.secret_sources.vault_kv import VaultKV, VaultToken
from dragoman.settings import Settings
from dragoman.upstream.answer import AnswerLimits
from dragoman.upstream.egress import EgressPolicy, parse_networks
from dragoman.upstream.pool import HttpPool
from dragoman.upstream.resolve import SystemResolver

CONNECTIONS = 4
"""To one server [connections]; each secret is asked for once at a time, and twice a minute."""

LOOK_UPS = 2
"""Of one server's name; there is just one, and every connection looks it up."""

LOOPBACK = "127.0.0.0/8, ::1/128"
INSIDE = f"{LOOPBACK}, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, fc00::/7"
"""Where a vault may be without being listed: a private network, over TLS. Nobody but the operator
says which server that is."""

METADATA_ADDRESSES = "169.254.169.254, fd20:ce::254"
"""Google's, which stay closed to every LLM (docs.cloud.google.com/compute/docs/metadata)."""


class OpenSources(NamedTuple):
    """What lends secrets, and the ways that it asks."""

    held: SecretSources
    pools: tuple[HttpPool, ...]

    async def close(self) -> None:
        """Close every connection."""
        for pool in self.pools:
            await pool.close()


def opened(settings: Settings, store: Store, clock: Clock) -> OpenSources:
    """Make the sources that the settings name. They fit (`source_settings.require_usable`)."""
    sources: dict[str, Source] = {environment.SCHEME: EnvironmentSecrets()}
    pools = []
    if settings.secret_files is not None:
        sources[files.SCHEME] = _files(settings, settings.secret_files, clock)
    if settings.vault_address is not None:
        vault, pool = vault_of(settings, settings.vault_address, clock)
        sources[vault_kv.SCHEME] = vault
        pools.append(pool)
    tokens = None
    if settings.google_credentials is not None:
        tokens, pool = google_of(settings, settings.google_credentials, clock)
        pools.append(pool)
    held = SecretSources(store=store, sources=sources, google=tokens)
    return OpenSources(held, tuple(pools))


def vault_of(settings: Settings, address: str, clock: Clock) -> tuple[VaultKV, HttpPool]:
    """Make the source that asks a vault."""
    origin = parse_origin(address)
    inside = INSIDE if origin.scheme == "https" else LOOPBACK
    pool = _pool(settings, origin, ",".join([inside, *settings.egress_allow]))
    file = settings.vault_token_file
    source = VaultKV(
        pool,
        address=address,
        token=VaultToken(settings.vault_token, Path(file) if file else None),
        namespace=settings.vault_namespace,
        clock=clock,
        grace_ms=_grace_ms(settings),
    )
    return source, pool


def google_of(settings: Settings, credentials: str, clock: Clock) -> tuple[GoogleTokens, HttpPool]:
    """Make the source of Google's access tokens. Raises ServiceAccountFileError."""
    if credentials == METADATA:
        pool = _pool(settings, google.METADATA, METADATA_ADDRESSES)
        return GoogleTokens(MetadataServer(pool), clock), pool
    # PyJWT takes a tenth of a second to import, and most installations have no use for it.
    from dragoman.secret_sources.service_account import (  # noqa: PLC0415
        ServiceAccountTokens,
    )

    file = Path(credentials)
    url = token_endpoint(read(file), settings.google_token_endpoint)
    pool = _pool(settings, parse_origin(url), ",".join(settings.egress_allow))
    return GoogleTokens(ServiceAccountTokens(pool, file, url, clock), clock), pool


def _files(settings: Settings, folder: str, clock: Clock) -> FileSecrets:
    return FileSecrets(
        Path(folder),
        closed=settings.private_paths,
        clock=clock,
        grace_ms=_grace_ms(settings),
    )


def _pool(settings: Settings, origin: Origin, networks: str) -> HttpPool:
    """Make a way to one origin, in networks that LLMs may not be called on."""
    return HttpPool(
        EgressPolicy(parse_networks(networks)),
        connections=CONNECTIONS,
        connections_per_origin=CONNECTIONS,
        only=frozenset({origin}),
        ca_bundle=Path(settings.ca_bundle) if settings.ca_bundle else None,
        limits=AnswerLimits(answer=MAX_ANSWER_BYTES, line=MAX_ANSWER_BYTES),
        proxy=parse_egress_proxy(settings.egress_proxy) if settings.egress_proxy else None,
        resolve=SystemResolver(LOOK_UPS),
    )


def _grace_ms(settings: Settings) -> int:
    return int(settings.stale_max_s * 1000)
