"""What came of a probe, and of several."""

from collections.abc import Sequence
from enum import StrEnum
from math import ceil

from msgspec import Struct

from dragoman.domain.llm import LLM

NS_PER_S = 1_000_000_000


class ProbeStage(StrEnum):
    """Where on the way a probe failed, in the order of the way."""

    CREDENTIAL = "credential"
    """The stored credential does not open, or whoever holds it does not lend it."""
    DNS = "dns"
    EGRESS = "egress"
    """The address is not one that this installation may call."""
    PROXY = "proxy"
    CONNECT = "connect"
    TLS = "tls"
    AUTH = "auth"
    """The upstream does not take the stored credential."""
    MODEL = "model"
    """The upstream does not know the URL or the model."""
    ANSWER = "answer"
    """There was another error for an answer, half of one, or none in time."""


class ProbeFailure(Struct, frozen=True):
    """Why a probe failed."""

    stage: ProbeStage
    message: str
    """A sentence without secrets."""
    is_timeout: bool = False


class Probed(Struct, frozen=True, kw_only=True):
    """What came of one probe. Times are the gateway's, read from one clock [ns since 1970]."""

    seq: int
    """Its number within the ping, from 1."""
    llm: LLM
    url: str
    """The endpoint that was probed."""
    bytes_sent: int
    """Size of the request's body; 0 where nothing was sent."""
    bytes_received: int
    """How much of the answer's body came."""
    status: int
    """The upstream's [HTTP]; 0 where there was no answer."""
    began_ns: int
    answered_ns: int
    """When the head of the answer was there; where none came, when that was clear."""
    ended_ns: int
    failure: ProbeFailure | None = None
    """None where the LLM has answered in time."""
    notes: dict[str, str] = {}
    """What else is known: of the answer, and what the upstream says about the request."""

    @property
    def ok(self) -> bool:
        """Whether the LLM has answered in time."""
        return self.failure is None

    @property
    def rtt_ns(self) -> int:
        """From the beginning to the last byte of the answer, or to the failure [ns]."""
        return self.ended_ns - self.began_ns


class Summary(Struct, frozen=True, kw_only=True):
    """What came of several probes. Round trips are those of the probes that were answered well."""

    llm: LLM
    """As it was probed last."""
    url: str
    probes: int
    ok: int
    timeouts: int
    errors: int
    min_ns: float
    avg_ns: float
    p50_ns: float
    p90_ns: float
    p99_ns: float
    max_ns: float
    probes_per_s: float
    bytes_per_s: float
    """In both directions together."""


def summarized(llm: LLM, probed: Sequence[Probed]) -> Summary:
    """Sum up the probes of one ping; with none of them it is of this LLM.

    Percentiles are the nearest ranks: values that were measured. Without a good answer all round
    trips are 0.
    """
    good = [each for each in probed if each.ok]
    timeouts = sum(each.failure is not None and each.failure.is_timeout for each in probed)
    trips = sorted(each.rtt_ns for each in good) or [0]
    began_ns = min((each.began_ns for each in probed), default=0)
    ended_ns = max((each.ended_ns for each in probed), default=0)
    took_s = max(ended_ns - began_ns, 1) / NS_PER_S
    llm = max(probed, key=lambda each: each.seq).llm if probed else llm
    return Summary(
        llm=llm,
        url=llm.configuration.endpoints[0].url,
        probes=len(probed),
        ok=len(good),
        timeouts=timeouts,
        errors=len(probed) - len(good) - timeouts,
        min_ns=trips[0],
        avg_ns=sum(trips) / len(trips),
        p50_ns=_percentile(trips, 50),
        p90_ns=_percentile(trips, 90),
        p99_ns=_percentile(trips, 99),
        max_ns=trips[-1],
        probes_per_s=len(probed) / took_s,
        bytes_per_s=sum(each.bytes_sent + each.bytes_received for each in probed) / took_s,
    )


def _percentile(ascending: Sequence[int], percent: int) -> int:
    return ascending[ceil(len(ascending) * percent / 100) - 1]
