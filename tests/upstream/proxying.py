"""A CONNECT proxy out of steps: it reads the CONNECT, lets through or not, and joins two ends."""

import asyncio
import socket
from collections.abc import Callable, Mapping
from typing import NoReturn

from dragoman.domain.egress_proxy import EgressProxy, parse_egress_proxy
from dragoman.upstream.pool import HttpPool
from dragoman.upstream.resolve import Resolve
from tests.scripted_upstream import Peer, Script, ScriptedUpstream, Step, read_head, send

CONSENT = b"HTTP/1.1 200 Connection established\r\n\r\n"
MakeProxied = Callable[..., HttpPool]
"""Makes a pool with the default policy and a scripted proxy, the only name that resolves."""

PASSWORD = "pw-proxy-4f1d7c"  # a planted secret


def joined_to(port: int) -> Step:
    """Carry bytes between the client and a port of this machine until one of them hangs up."""

    async def step(peer: Peer) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answers = asyncio.create_task(_carry_back(reader, peer))
        try:
            while True:
                while not peer.received:
                    await peer.news()
                writer.write(await peer.take(len(peer.received)))
                await writer.drain()
        finally:
            answers.cancel()
            writer.close()

    return step


async def _carry_back(reader: asyncio.StreamReader, peer: Peer) -> None:
    while piece := await reader.read(65536):
        peer.write(piece)
    peer.transport.close()


def proxying(port: int, *, consent: bytes = CONSENT) -> Script:
    """Let everybody through, to one port of this machine whatever was asked for."""
    return (read_head(), send(consent), joined_to(port))


def as_proxy(server: ScriptedUpstream, credential: str = "") -> EgressProxy:
    """Write a scripted server as the setting would, under a name."""
    return parse_egress_proxy(f"http://{credential}proxy.test:{server.port}")


def knowing(names: Mapping[str, list[str]]) -> Resolve:
    """Resolve these names and the proxy's, and addresses as they are; no name server knows more."""

    async def resolve(host: str) -> list[str]:
        found = {"proxy.test": ["127.0.0.1"], **names}.get(host)
        if found is not None:
            return found
        return _numbers(host)

    return resolve


def _numbers(host: str) -> list[str]:
    try:
        return [str(socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)[0][4][0])]
    except socket.gaierror:
        unknown(host)


def unknown(_: str) -> NoReturn:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
