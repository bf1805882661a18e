"""The endpoints of one LLM, as one call tries them, within one deadline for all of them."""

from msgspec import structs

from dragoman.domain.errors import (
    ConnectTimeout,
    DragomanError,
    EgressRefused,
    ProxyFailed,
    Unavailable,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from dragoman.domain.ports import Deadlines
from dragoman.domain.usage import Usage
from dragoman.gateway.cooldown import Cooldowns, Key
from dragoman.gateway.target import ReadyEndpoint, Target

ENDPOINT_ERRORS = (UpstreamError, EgressRefused, ProxyFailed, Unavailable)
"""Failures that say something about one endpoint, and nothing about the next."""

NOTHING_SENT = (UpstreamUnreachable, ConnectTimeout, EgressRefused, ProxyFailed, Unavailable)
"""Failures before any of the request was sent. (`Unavailable` is also what ends exchanges when a
process shuts down; then nothing goes out any more, and trying again sends nothing either.)"""

TOO_MANY_REQUESTS = 429
DECLINED = frozenset({TOO_MANY_REQUESTS, 503, 529})
"""Statuses by which a server says that it did not begin: over a rate limit (429), or overloaded
(503, and 529 of Anthropic). Not 502 and 504: there a gateway speaks for a server that it has asked,
and what that one did is not known. Not 500: work that failed half-way may have been done, and paid
for. A completion is not sent twice on a guess."""

LEAST_S = 0.01
"""With less time left than this, no attempt is begun [s]; timers of the loop count milliseconds."""

WORDS: dict[type[DragomanError], str] = {
    EgressRefused: "egress",
    ProxyFailed: "proxy",
    Unavailable: "busy",
    UpstreamUnreachable: "connect",
    ConnectTimeout: "connect",
    UpstreamTimeout: "timeout",
}
"""What a caller sees of an attempt that had no answer; of all others that it was `broken`."""


def in_order(
    endpoints: tuple[ReadyEndpoint, ...], asked: str | None, own: str | None
) -> list[ReadyEndpoint]:
    """Put those of the region that is asked for first, else those of our own; keep the order."""
    regions = {endpoint.region for endpoint in endpoints}
    region = asked if asked and asked in regions else own
    if not region or region not in regions:
        return list(endpoints)
    return sorted(endpoints, key=lambda endpoint: endpoint.region != region)


class Attempts:
    """Which endpoint is tried next, what came of it, and whether another one may be tried.

    With only one endpoint there is nothing to choose, and nothing is remembered.
    """

    __slots__ = (
        "_cooldowns",
        "_deadlines",
        "_ends_at",
        "_key",
        "_left",
        "_probe",
        "_rate_limit",
        "_status",
        "_target",
        "_usage",
    )

    def __init__(
        self,
        target: Target,
        deadlines: Deadlines,
        usage: Usage,
        cooldowns: Cooldowns,
        regions: tuple[str | None, str | None],
    ) -> None:
        """`regions` are the one that the caller asks for, and our own."""
        self._target = target
        self._deadlines = deadlines
        self._usage = usage
        self._cooldowns = cooldowns
        self._left: list[ReadyEndpoint] = []
        self._key: Key | None = None
        self._probe = 0
        self._status = 0
        self._rate_limit: UpstreamRefused | None = None
        self._ends_at = usage.began_at
        if len(target.endpoints) > 1:
            self._left = in_order(target.endpoints, *regions)
            usage.path = []

    def next(self, now: float) -> tuple[ReadyEndpoint, Deadlines]:
        """Give the endpoint to try, and the time that it may take; one is left."""
        usage = self._usage
        endpoint, deadlines = self._target.endpoints[0], self._deadlines
        if self._left:
            keys = [self._key_of(endpoint) for endpoint in self._left]
            index, self._probe = self._cooldowns.choose(keys, now)
            endpoint, self._key = self._left.pop(index), keys[index]
            if not usage.attempts:
                self._ends_at = now + deadlines.total_s
            else:
                deadlines = structs.replace(deadlines, total_s=self._ends_at - now)
        self._status = 0
        usage.attempts += 1
        usage.endpoint = endpoint.label
        usage.asked_at = now
        return endpoint, deadlines

    def answered(self, status: int, now: float) -> None:
        """Take note of the head of an answer."""
        self._status = status
        self._usage.upstream_answered(now)
        self._note(status)

    def worked(self) -> None:
        """Take note that the answer is one to pass on."""
        if self._key is not None:
            self._cooldowns.worked(self._key)
            self._probe = 0

    def failed(self, error: DragomanError, now: float) -> None:
        """Take note of a failure; raises what the caller is told unless another may be tried.

        That is the last failure, or a rate limit if there was one: it says when to come again.
        """
        self._usage.upstream_answered(now)
        if not self._status:
            self._note(
                next((WORDS[kind] for kind in type(error).__mro__ if kind in WORDS), "broken")
            )
        self._remember(error, now)
        if not self._is_safe(error):
            raise error
        if self._status == TOO_MANY_REQUESTS and isinstance(error, UpstreamRefused):
            self._rate_limit = error
        if not self._left or now >= self._ends_at - LEAST_S:
            raise self._rate_limit or error

    def close(self) -> None:
        """End: a probe that came to nothing, because its caller went away, is given up."""
        if self._key is not None and self._probe:
            self._cooldowns.let_go(self._key, self._probe)

    def _is_safe(self, error: DragomanError) -> bool:
        """Tell whether the request may be sent again: nothing has been done for it so far."""
        if self._status:
            return self._status in DECLINED
        return isinstance(error, NOTHING_SENT)

    def _remember(self, error: DragomanError, now: float) -> None:
        if self._key is None:
            return
        is_well = 400 <= self._status < 500 and self._status != TOO_MANY_REQUESTS  # noqa: PLR2004
        if is_well:
            self._cooldowns.worked(self._key)
        else:
            asked_s = error.retry_after_s if isinstance(error, UpstreamRefused) else None
            self._cooldowns.failed(self._key, self._probe, now, asked_s or 0)
        self._probe = 0

    def _note(self, word: str | int) -> None:
        if self._usage.path is not None:
            self._usage.path.append(f"{self._usage.endpoint}={word}")

    def _key_of(self, endpoint: ReadyEndpoint) -> Key:
        return (self._usage.organization_id, self._target.llm.id, endpoint.url)
