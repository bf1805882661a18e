"""What can go wrong, told by whose fault it is.

    DragomanError
    ├── CallerError                 the request is at fault
    │   ├── Malformed               not readable at all (JSON, encoding, framing)
    │   ├── Invalid                 readable, but one or more members are not acceptable
    │   ├── Unauthenticated         no credential, or one that does not verify
    │   ├── Forbidden               known, but not allowed
    │   ├── NotFound                nothing there that this caller may see
    │   ├── MethodNotAllowed        the path exists, the method does not
    │   ├── Conflict                something is there already that excludes it
    │   ├── PreconditionFailed      what is there is not in the state that this needs
    │   ├── TooManyAtOnce           so many of these are under way for this caller already
    │   ├── TooLarge                over a size limit
    │   ├── UnsupportedMediaType    a body that is not JSON
    │   └── NotCallable             the LLM is registered, but cannot be called like this
    ├── UpstreamError               the LLM's server is at fault
    │   ├── UpstreamUnreachable     no connection
    │   ├── UpstreamTimeout         a deadline passed
    │   │   └── ConnectTimeout      … before there was a connection: nothing was sent
    │   ├── UpstreamBroken          an answer that is not HTTP, or that was cut short
    │   └── UpstreamRefused         an answer that is an error
    └── OperatorError               this installation is at fault
        ├── EgressRefused           the address is not one this installation may call
        ├── ProxyFailed             the operator's proxy cannot be used
        ├── CredentialUnusable      a stored credential does not open
        ├── Unavailable             out of a resource for now; trying again may help
        └── Internal                a fault of ours

A message is a sentence for the person who can act on it. It never repeats rejected input,
because a secret may sit in the wrong member.
"""

from enum import StrEnum
from typing import NamedTuple

MAX_PROBLEMS = 100
"""Nobody reads more at once, and a body may have one in each of its thousands of members."""


class Problem(NamedTuple):
    """One member that is not acceptable."""

    path: tuple[str | int, ...]
    """Where it stands, from the outermost member inwards."""
    message: str
    code: str


class DragomanError(Exception):
    """A failure that a dialect can render."""

    code = "internal"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class CallerError(DragomanError):
    """The request is at fault; sending it again unchanged will not help."""

    code = "bad_request"


class Malformed(CallerError):
    """The request cannot be read."""

    code = "malformed"


class Invalid(CallerError):
    """The request can be read, but not accepted; `problems` names the members at fault."""

    code = "invalid"

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems[:MAX_PROBLEMS]
        super().__init__("; ".join(f"{dotted(p.path)}: {p.message}" for p in self.problems))


class Unauthenticated(CallerError):
    """There is no credential, or it does not verify."""

    code = "unauthenticated"


class Forbidden(CallerError):
    """The caller is known and may not do this; `permission` names what is missing."""

    code = "forbidden"

    def __init__(self, message: str, *, permission: str | None = None) -> None:
        super().__init__(message)
        self.permission = permission


class NotFound(CallerError):
    """There is nothing here that this caller may see."""

    code = "not_found"


class MethodNotAllowed(CallerError):
    """The path exists; `allowed` lists the methods that it takes."""

    code = "method_not_allowed"

    def __init__(self, message: str, *, allowed: str) -> None:
        super().__init__(message)
        self.allowed = allowed


class Conflict(CallerError):
    """Something is there already that excludes this; the code says what (`name_taken`, …)."""

    code = "conflict"


class PreconditionFailed(CallerError):
    """What is there is not in the state that this needs: it was changed, or is switched off."""

    code = "precondition_failed"


class TooManyAtOnce(CallerError):
    """So many of these are under way for this caller already; one more may be asked for later."""

    code = "too_many_at_once"


class TooLarge(CallerError):
    """The request is over a size limit."""

    code = "too_large"


class UnsupportedMediaType(CallerError):
    """The body is not JSON."""

    code = "unsupported_media_type"


class NotCallable(CallerError):
    """The LLM is registered, but it cannot be called like this (disabled, protocol, name)."""

    code = "not_callable"


class Stage(StrEnum):
    """What was under way when a connection could not be made."""

    DNS = "dns"
    PROXY = "proxy"
    """Reaching the operator's proxy, and being let through by it."""
    CONNECT = "connect"
    TLS = "tls"


class UpstreamError(DragomanError):
    """The LLM's server is at fault, or cannot be reached.

    `stage` says how far the connection had come, where there was none yet.
    """

    code = "upstream_error"

    def __init__(
        self, message: str, *, code: str | None = None, stage: Stage | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.stage = stage


class UpstreamUnreachable(UpstreamError):
    """No connection could be made: DNS, the operator's proxy, TCP or TLS."""

    code = "upstream_unreachable"


class UpstreamTimeout(UpstreamError):
    """A deadline passed while waiting for the upstream."""

    code = "upstream_timeout"


class ConnectTimeout(UpstreamTimeout):
    """A deadline passed before there was a connection, so that nothing was sent."""

    code = "upstream_connect_timeout"


class UpstreamBroken(UpstreamError):
    """The upstream's answer was not HTTP, or ended before it was complete."""

    code = "upstream_broken"


class UpstreamRefused(UpstreamError):
    """The upstream answered with an error; `status` is what that means to the caller [HTTP]."""

    code = "upstream_refused"

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        param: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.status = status
        self.param = param
        self.retry_after_s = retry_after_s


class OperatorError(DragomanError):
    """This installation is at fault; the caller can only report it."""

    code = "operator_error"


class EgressRefused(OperatorError):
    """The address is not one that this installation may call; the message names the setting."""

    code = "egress_refused"


class ProxyFailed(OperatorError):
    """The operator's proxy cannot be used; the message names the setting."""

    code = "proxy_failed"
    stage = Stage.PROXY


class CredentialUnusable(OperatorError):
    """A stored credential does not open: a key is missing, or the row was tampered with."""

    code = "credential_unusable"


class Unavailable(OperatorError):
    """Out of a resource for now (a lock, the disk, connections); trying again may help."""

    code = "unavailable"


class Internal(OperatorError):
    """A fault of ours; the log has the details, the answer does not."""

    code = "internal"


def dotted(path: tuple[str | int, ...]) -> str:
    """Write a path as people read it: `urls.0.url`."""
    return ".".join(str(step) for step in path)
