"""Opening a connection: resolve, judge every address, connect to one that passed."""

import asyncio
import errno
import os
import socket
import ssl
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from dragoman.domain.errors import EgressRefused, Unavailable, UpstreamTimeout, UpstreamUnreachable
from dragoman.domain.url import Origin
from dragoman.upstream.egress import EgressPolicy
from dragoman.upstream.resolve import Resolve

_OUT_OF_SOCKETS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

_KEEPALIVE_S = 60
"""A model may think for minutes, and NATs forget a connection that is silent for longer than
some five of them; a probe each minute also finds a machine that has vanished."""

_UNREAD_BYTES = 192 * 1024
"""Of an answer that its caller takes slowly the kernel would keep megabytes. From an upstream that
is 0.1 s away, this still lets through some 2 MB in a second [bytes]."""


class Connector:
    """Opens connections to origins, and only to addresses that the policy lets through."""

    def __init__(self, policy: EgressPolicy, tls: ssl.SSLContext, resolve: Resolve) -> None:
        self._policy = policy
        self._tls = tls
        self._resolve = resolve

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
        `EgressRefused`, `UpstreamUnreachable`, `UpstreamTimeout`, `Unavailable`.
        """
        try:
            async with asyncio.timeout_at(deadline):
                addresses = await self._addresses(origin, plain_credential=plain_credential)
                await self._first_of(addresses, origin, protocol, deadline)
        except TimeoutError:
            raise UpstreamTimeout(
                f"There was no connection to {origin} within {limit_s:g} s (connect)."
            ) from None
        except OSError as error:
            if error.errno in _OUT_OF_SOCKETS:
                raise Unavailable("This process has no room for another connection.") from None
            raise UpstreamUnreachable(f"{origin} cannot be reached: {_reason(error)}.") from None

    async def _addresses(self, origin: Origin, *, plain_credential: bool) -> list[str]:
        """Resolve the host, and keep of its addresses those that may be called."""
        try:
            found = await self._resolve(origin.host)
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, socket.gaierror) else "not a host name"
            raise UpstreamUnreachable(
                f"{origin} cannot be reached: its host does not resolve ({reason})."
            ) from None
        refusals = {
            text: self._policy.address_refusal(
                ip_address(text), plain_http_with_credential=plain_credential
            )
            for text in found
        }
        allowed = [text for text, refusal in refusals.items() if refusal is None]
        if not allowed:
            raise EgressRefused(f"{origin} is not called: {next(iter(refusals.values()))}")
        return allowed

    async def _first_of(
        self, addresses: list[str], origin: Origin, protocol: asyncio.Protocol, deadline: float
    ) -> None:
        """Connect to the first address that answers; each gets its share of the time left."""
        loop = asyncio.get_running_loop()
        failure = OSError(errno.EADDRNOTAVAIL, "no address")
        for index, address in enumerate(addresses):
            share_s = (deadline - loop.time()) / (len(addresses) - index)
            try:
                async with asyncio.timeout(share_s):
                    return await self._connect(address, origin, protocol)
            except ssl.SSLError:
                raise  # somebody answered, and is not who was meant
            except OSError as error:
                failure = error
        raise failure

    async def _connect(self, address: str, origin: Origin, protocol: asyncio.Protocol) -> None:
        # An address in place of a name is connected to as it is, without a second look-up.
        encrypted = origin.scheme == "https"
        transport, _ = await asyncio.get_running_loop().create_connection(
            lambda: protocol,
            address,
            origin.port,
            ssl=self._tls if encrypted else None,
            server_hostname=origin.host.rstrip(".") if encrypted else None,
        )
        sock = transport.get_extra_info("socket")
        with suppress(OSError, AttributeError):  # not every system has all options
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UNREAD_BYTES)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_S)


def tls_context(ca_bundle: Path | None) -> ssl.SSLContext:
    """Make the context for all upstreams: verified, with an operator's own CAs beside the public.

    Raises OSError (`ssl.SSLError` included) if the bundle cannot be read.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_bundle is not None:
        context.load_verify_locations(ca_bundle)
    return context


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate was not accepted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason})"
    if error.errno is not None:
        return os.strerror(error.errno)
    return "the connection was lost while it was being set up"
