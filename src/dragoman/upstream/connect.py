"""Opening a connection: resolve, judge every address, connect to one that passed."""

import asyncio
import errno
import os
import ssl
from pathlib import Path
from socket import gaierror

from dragoman.domain.egress_proxy import SETTING as PROXY_SETTING
from dragoman.domain.egress_proxy import EgressProxy
from dragoman.domain.errors import (
    ConnectTimeout,
    DragomanError,
    ProxyFailed,
    Stage,
    Unavailable,
    UpstreamUnreachable,
)
from dragoman.domain.url import Origin
from dragoman.upstream.dial import Line, dial
from dragoman.upstream.egress import EgressPolicy
from dragoman.upstream.resolve import Resolve
from dragoman.upstream.route import addresses_past_proxy, callable_addresses
from dragoman.upstream.tunnel import dig

_OUT_OF_SOCKETS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

_UNDER_WAY = {
    Stage.DNS: "the look-up of its host's name took too long",
    Stage.PROXY: f"the proxy of {PROXY_SETTING} took too long",
    Stage.CONNECT: "its address did not answer",
    Stage.TLS: "TLS was not agreed on",
}


class Connector:
    """Opens connections to origins, and only to addresses that the policy lets through.

    With a proxy, addresses that the operator has listed are called straight, and all others
    through it.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        tls: ssl.SSLContext,
        resolve: Resolve,
        proxy: EgressProxy | None = None,
    ) -> None:
        self._policy = policy
        self._tls = tls
        self._resolve = resolve
        self._proxy = proxy

    async def open(
        self,
        origin: Origin,
        protocol: asyncio.Protocol,
        *,
        plain_credential: bool,
        deadline: float,
        limit_s: float,
    ) -> None:
        """Connect a protocol to an origin by a deadline [loop time], which is `limit_s` away.

        `plain_credential` says that a credential will go over it in the clear. Raises
        `EgressRefused`, `ProxyFailed`, `UpstreamUnreachable`, `ConnectTimeout`, `Unavailable`.
        """
        opening = _Opening(origin, protocol, deadline, self._tls)
        try:
            async with asyncio.timeout_at(deadline):
                await self._open(opening, plain_credential=plain_credential)
        except TimeoutError:
            if opening.stage is Stage.PROXY and not opening.proxy_answered:
                raise ProxyFailed(
                    f"The proxy of {PROXY_SETTING} did not answer within {limit_s:g} s (connect)."
                ) from None
            raise ConnectTimeout(
                f"There was no connection to {origin} within {limit_s:g} s (connect): "
                f"{_UNDER_WAY[opening.stage]}.",
                stage=opening.stage,
            ) from None
        except OSError as error:
            raise _failure(error, opening) from None

    async def _open(self, opening: "_Opening", *, plain_credential: bool) -> None:
        origin, proxy = opening.origin, self._proxy
        try:
            found = await self._resolve(origin.host)
        except (gaierror, UnicodeError) as error:
            if proxy is None:
                raise _unresolved(origin, error) from None
            found = []  # the proxy may know the name
        judge = callable_addresses if proxy is None else addresses_past_proxy
        straight = judge(self._policy, origin, found, plain_credential=plain_credential)
        if proxy is None or straight:
            await opening.first_of(straight, origin.port)
        else:
            opening.stage = Stage.PROXY
            await opening.first_of(await self._resolve(proxy.host), proxy.port, proxy)


class _Opening:
    """One connection being made, and how far it has come, for whoever has to say why it failed."""

    def __init__(
        self, origin: Origin, protocol: asyncio.Protocol, deadline: float, tls: ssl.SSLContext
    ) -> None:
        self.origin = origin
        self.stage = Stage.DNS
        self.proxy_answered = False
        """Whether it was reached: if it is silent after that, it may be waiting for the origin."""
        self._protocol = protocol
        self._deadline = deadline
        self._tls = tls

    async def first_of(
        self, addresses: list[str], port: int, proxy: EgressProxy | None = None
    ) -> None:
        """Connect to the first address that answers; each gets its share of the time left."""
        loop = asyncio.get_running_loop()
        failure = OSError(errno.EADDRNOTAVAIL, "no address")
        for index, address in enumerate(addresses):
            share_s = (self._deadline - loop.time()) / (len(addresses) - index)
            try:
                async with asyncio.timeout(share_s):
                    return await self._through(address, port, proxy)
            except ssl.SSLError:
                raise  # somebody answered, and is not who was meant
            except OSError as error:
                failure = error
        raise failure

    async def _through(self, address: str, port: int, proxy: EgressProxy | None) -> None:
        self.stage = Stage.CONNECT if proxy is None else Stage.PROXY
        line = await dial(address, port)
        try:
            if proxy is not None:
                self.proxy_answered = True
                await dig(line, proxy, self.origin)
            self._protocol.connection_made(await self._speaking(line))
        except BaseException:
            line.transport.abort()
            raise

    async def _speaking(self, line: Line) -> asyncio.BaseTransport:
        """Begin to speak: TLS with the host that was configured, whoever sits in between."""
        if line.has_ended or line.received:
            raise OSError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        if self.origin.scheme != "https":
            line.transport.set_protocol(self._protocol)
            return line.transport
        self.stage = Stage.TLS
        encrypted = await asyncio.get_running_loop().start_tls(
            line.transport,
            self._protocol,
            self._tls,
            server_hostname=self.origin.host.rstrip("."),
        )
        if encrypted is None:
            raise OSError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        return encrypted


def tls_context(ca_bundle: Path | None) -> ssl.SSLContext:
    """Make the context for all upstreams: verified, with an operator's own CAs beside the public.

    Raises OSError (`ssl.SSLError` included) if the bundle cannot be read.
    """
    # Not `create_default_context`: it lets SSLKEYLOGFILE name a file, and whoever reads that file
    # reads every credential.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    context.set_alpn_protocols(["http/1.1"])
    if ca_bundle is not None:
        context.load_verify_locations(ca_bundle)
    return context


def _unresolved(origin: Origin, error: gaierror | UnicodeError) -> UpstreamUnreachable:
    reason = error.strerror if isinstance(error, gaierror) else "not a host name"
    return UpstreamUnreachable(
        f"{origin} cannot be reached: its host does not resolve ({reason}).", stage=Stage.DNS
    )


def _failure(error: OSError, opening: _Opening) -> DragomanError:
    if error.errno in _OUT_OF_SOCKETS:
        return Unavailable("This process has no room for another connection.")
    if opening.stage is Stage.PROXY:
        return ProxyFailed(f"The proxy of {PROXY_SETTING} cannot be reached: {_reason(error)}.")
    return UpstreamUnreachable(
        f"{opening.origin} cannot be reached: {_reason(error)}.", stage=opening.stage
    )


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate was not accepted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason})"
    if isinstance(error, gaierror):
        return f"its host does not resolve ({error.strerror})"
    if error.errno is not None:
        return os.strerror(error.errno)
    return "the connection was lost while it was being set up"
