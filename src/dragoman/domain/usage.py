"""One call to an LLM, as it is accounted for: whose it was, what came of it, what it took."""

from enum import StrEnum

from msgspec import Struct

from dragoman.domain.chat_events import TokensUsed


class Outcome(StrEnum):
    """How a call ended."""

    COMPLETED = "completed"
    """The whole answer was passed on."""
    ABORTED = "aborted"
    """The caller went away before its end."""
    FAILED = "failed"
    """The upstream or this installation failed, before the answer began or within it."""
    REFUSED = "refused"
    """The request was not one that could be relayed."""


class Usage(Struct, gc=False):
    """What is known of one call; it is filled in while the call goes on.

    Times are of a clock that only runs forward [s].
    """

    request_id: str
    began_at: float
    organization_id: str = ""
    """Empty until the caller is known."""
    principal_id: str = ""
    key_id: str | None = None
    llm_id: str | None = None
    """None until it is known which LLM is meant."""
    endpoint: str | None = None
    """The endpoint that was tried last: its region, or its number where it has none."""
    attempts: int = 0
    """How many endpoints were asked."""
    path: list[str] | None = None
    """What each of them said, as `eu-west-1=429`; None where the LLM has only one endpoint."""
    is_stream: bool = False
    """Whether the answer is a stream of events."""
    status: int = 0
    """What the caller was told [HTTP]; 0 where nothing was said."""
    outcome: Outcome = Outcome.ABORTED
    """A call that ends without having come to any other end was given up by its caller."""
    error_code: str | None = None
    fault: str | None = None
    """Whose fault a failure was: caller, upstream or operator."""
    bytes_out: int = 0
    """How much of the LLM's answer was passed on [bytes]."""
    body_s: float = 0.0
    """How long the caller's body was waited for [s]."""
    upstream_s: float = 0.0
    """How long heads of answers were waited for [s]."""
    first_byte_s: float | None = None
    """How long it took until the answer's head was passed on [s]."""
    duration_s: float = 0.0
    tokens: TokensUsed | None = None
    """What the upstream says that it took; None where its answer was not read."""
    asked_at: float | None = None
    """Since when an upstream is waited for."""

    def upstream_answered(self, now: float) -> None:
        """End to wait for it; does nothing if that has ended already."""
        if self.asked_at is not None:
            self.upstream_s += now - self.asked_at
            self.asked_at = None

    def own_s(self, now: float) -> float:
        """Tell how much of the time until now was neither the caller's nor an upstream's [s]."""
        self.upstream_answered(now)
        return max(now - self.began_at - self.body_s - self.upstream_s, 0.0)
