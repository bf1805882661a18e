"""Where the reading of lists and maps ends: each wrong value in one would be a problem to write."""

from typing import TypeVar

from pydantic_core import PydanticCustomError

MAX_LISTED = 1000
"""Where a list or map ends the reading; what may be in it is the registry's to say."""

Value = TypeVar("Value")


def ending(value: Value) -> Value:
    """Let a value pass that is no map without end; its values have not been read yet."""
    if isinstance(value, dict) and len(value) > MAX_LISTED:
        raise PydanticCustomError(
            "too_long", "must have at most {most} members", {"most": MAX_LISTED}
        )
    return value
