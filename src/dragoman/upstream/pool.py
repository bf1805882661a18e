"""The way out for the whole process: one lane of connections per origin."""

import asyncio
from pathlib import Path

from dragoman.domain.egress_proxy import EgressProxy
from dragoman.domain.errors import EgressRefused, Unavailable
from dragoman.domain.ports import UpstreamRequest
from dragoman.domain.url import Origin
from dragoman.upstream.answer import AnswerLimits
from dragoman.upstream.connect import Connector, tls_context
from dragoman.upstream.egress import EgressPolicy
from dragoman.upstream.exchange import Exchange
from dragoman.upstream.lane import Lane, Load
from dragoman.upstream.resolve import Resolve, SystemResolver

IDLE_EXPIRY_S = 4.0
"""Servers on Node and on uvicorn hang up after 5 s of silence. A request that crosses with the
hanging up is lost, because a POST is not sent twice, so a connection does not get that old."""


class HttpPool:
    """Calls upstreams over HTTP/1.1; implements the port `Upstream`.

    `ca_bundle` adds an operator's certificate authorities to the system's. `proxy` is the
    operator's; proxies that the environment names are not looked at: they would decide where a
    credential goes. With `only`, it calls these origins and no other.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        *,
        connections: int,
        connections_per_origin: int,
        only: frozenset[Origin] | None = None,
        ca_bundle: Path | None = None,
        proxy: EgressProxy | None = None,
        idle_expiry_s: float = IDLE_EXPIRY_S,
        limits: AnswerLimits | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self._connector = Connector(
            policy, tls_context(ca_bundle), resolve or SystemResolver(), proxy
        )
        self._only = only
        self._connections = connections
        self._limit = connections_per_origin
        self._idle_expiry_s = idle_expiry_s
        self._limits = limits or AnswerLimits()
        self._lanes: dict[tuple[Origin, bool], Lane] = {}
        self._closed = False
        self._loop = asyncio.get_running_loop()

    def exchange(self, request: UpstreamRequest) -> Exchange:
        """Send a request; the block begins when the answer's head is there.

        Raises `EgressRefused`, `ProxyFailed`, `UpstreamUnreachable`, `UpstreamTimeout`,
        `UpstreamBroken`, and `Unavailable` when every connection to that origin is in use.
        """
        return Exchange(request, self._lane, self._limits, self._loop)

    @property
    def load(self) -> list[Load]:
        """How busy every lane is."""
        return [lane.load for lane in self._lanes.values()]

    async def close(self) -> None:
        """Close every connection; exchanges that are under way end with `Unavailable`."""
        self._closed = True
        for lane in self._lanes.values():
            lane.close(Unavailable("This process is shutting down."))
        self._lanes.clear()
        await asyncio.sleep(0)  # the loop closes what was aborted in its next round

    def _lane(self, request: UpstreamRequest) -> Lane:
        # Connections that may carry a credential in the clear are kept apart: the address of the
        # others was judged without that question.
        plain_credential = request.carries_credential and request.origin.scheme == "http"
        key = (request.origin, plain_credential)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._add_lane(key)
        return lane

    def _make_room(self) -> None:
        """Let one more connection be opened, in place of an idle one if it must be.

        Raises `Unavailable` where every connection of the whole pool is in use.
        """
        lanes = self._lanes.values()
        if sum(lane.places_taken for lane in lanes) < self._connections:
            return
        if not any(lane.close_idle() for lane in lanes):
            raise Unavailable("This process has no room for another connection.")

    def _add_lane(self, key: tuple[Origin, bool]) -> Lane:
        if self._closed:
            raise Unavailable("This process is shutting down.")
        origin, plain_credential = key
        if self._only is not None and origin not in self._only:
            raise EgressRefused(f"{origin} is not called from here: this way leads elsewhere.")
        self._lanes = {key: lane for key, lane in self._lanes.items() if not lane.unused}
        lane = self._lanes[key] = Lane(
            origin,
            plain_credential=plain_credential,
            connector=self._connector,
            limit=self._limit,
            make_room=self._make_room,
            idle_expiry_s=self._idle_expiry_s,
        )
        return lane
