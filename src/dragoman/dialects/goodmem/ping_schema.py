"""GoodMem's ping on the wire: spellings (snake_case here is camelCase there), types, enums.

Source: the models of its published clients, goodmem 0.1.43 and goodmem-client 1.5.14 (PyPI,
2026-11). Null, zero and an empty text mean the default.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from dragoman.dialects.goodmem.values import WHOLE, Asked, Flag, Labels, Shown, or_text, whole
from dragoman.domain.labels import MAX_LABELS

MAX_INT32 = 2**31 - 1

TargetType = Literal["TARGET_TYPE_UNSPECIFIED", "EMBEDDER", "RERANKER", "LLM", "DECISION_MODEL"]
PayloadType = Literal["PAYLOAD_TYPE_UNSPECIFIED", "TEXT", "JSON", "BINARY"]
Count = Annotated[
    int,
    Field(ge=0, le=MAX_INT32),
    BeforeValidator(whole),
    or_text({"type": "integer", "minimum": 0, "maximum": MAX_INT32}, pattern=f"^{WHOLE}$"),
]
PingLabels = Annotated[Labels, Field(max_length=MAX_LABELS)]


class PingOnce(Asked):
    """One probe; `payload` and `payloadSizeBytes` exclude each other."""

    target_id: str = Field(json_schema_extra={"format": "uuid"})
    target_type_hint: TargetType | None = None
    payload_type: PayloadType | None = None
    payload: str | None = Field(default=None, description="What the model is told.")
    payload_size_bytes: Count | None = Field(
        default=None, description="How long a made-up text is that the model is told."
    )
    timeout_ms: Count | None = Field(default=None, description="By default 5000, at most 60000.")


class PingStream(PingOnce):
    """Several probes."""

    count: Count | None = Field(default=None, description="By default 4, at most 100.")
    interval_ms: Count | None = Field(default=None, description="By default 1000; 100 to 60000.")
    max_in_flight: Count | None = Field(default=None, description="By default 1, at most 8.")
    jitter: Flag | None = None
    labels: PingLabels | None = Field(default=None, description="Taken, and not used.")


class PingEndpoint(Shown):
    """What was probed."""

    target_type: TargetType
    target_id: str
    resolved_endpoint: str
    provider: str
    model_identifier: str


class PingTiming(Shown):
    """Four moments, in order. The server's two are when the head of its answer came."""

    client_send_time_unix_nanos: int
    server_received_time_unix_nanos: int
    server_send_time_unix_nanos: int
    client_receive_time_unix_nanos: int


class PingResult(Shown):
    """What came of one probe."""

    endpoint: PingEndpoint
    seq: int
    bytes_sent: int
    bytes_received: int
    ok: bool
    http_status: int = Field(description="0 where there was no answer.")
    error_message: str | None = Field(
        default=None, description="Begins with the stage that failed, and a colon."
    )
    rtt_ms: float
    timing: PingTiming
    metadata: dict[str, str] | None = None


class PingSummary(Shown):
    """What came of all probes; round trips are those of the good answers."""

    endpoint: PingEndpoint
    requests: int
    responses: int
    ok: int
    timeouts: int
    errors: int
    rtt_min_ms: float
    rtt_avg_ms: float
    rtt_p50_ms: float
    rtt_p90_ms: float
    rtt_p99_ms: float
    rtt_max_ms: float
    requests_per_second: float
    bytes_per_second: float
    applied_limits: dict[str, str] | None = None


class PingNotice(Shown):
    """Something else to know."""

    code: str
    message: str
    details: dict[str, str] | None = None


class PingEvent(Shown):
    """One event of a stream: exactly one member."""

    result: PingResult | None = None
    summary: PingSummary | None = None
    notice: PingNotice | None = None
