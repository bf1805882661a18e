"""What Anthropic's own SDK takes for a request, an answer and an event of its API."""

from collections.abc import Iterable, Mapping
from typing import Any

from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from pydantic import ConfigDict, TypeAdapter, with_config

REQUEST = TypeAdapter(with_config(ConfigDict(extra="forbid"))(MessageCreateParamsNonStreaming))
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
ANSWER = TypeAdapter(Message)

NO_LONGER = frozenset({"temperature", "top_p", "top_k"})
"""What the SDK's version of the API has no more, and the one before has."""


def check_request(body: Mapping[str, Any]) -> None:
    """Raise ValidationError unless the SDK could have sent this."""
    known = {name: value for name, value in body.items() if name not in NO_LONGER}
    _read_through(REQUEST.validate_python(known))


def _read_through(value: Any) -> None:
    """Have what is validated only when it is read be read."""
    if isinstance(value, Mapping):
        for each in value.values():
            _read_through(each)
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for each in value:
            _read_through(each)
