"""curl, as far as our examples use it: a URL, -H, -d, and $VARIABLES in a shell's quotes.

What an example uses beyond that is an error here, so that no example goes unchecked.
"""

import re
import shlex
from collections.abc import Mapping
from typing import NamedTuple

import httpx2

_SEGMENT = re.compile(
    r"""(?P<single>'[^']*')|(?P<double>"(?:\\.|[^"\\])*")|(?P<break>\\\n)|(?P<bare>\\.|[^'"\\]+)""",
    re.DOTALL,
)
_VARIABLE = re.compile(r"\$(\w+)")
_NOT_UNDERSTOOD = re.compile(r"[`|;<>&]|\$[^\w]")


class Request(NamedTuple):
    """What a curl command sends."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes | None

    def send(self) -> httpx2.Response:
        """Send it, and give the answer."""
        return httpx2.request(
            self.method, self.url, headers=self.headers, content=self.content, timeout=30
        )


def parsed(command: str, variables: Mapping[str, str]) -> Request:
    """Read one curl command as a shell and curl would; raises ValueError, KeyError."""
    name, *words = shlex.split(_expanded(command, variables))
    if name != "curl":
        raise ValueError(f"{name} is not curl")
    urls: list[str] = []
    headers: dict[str, str] = {}
    content = None
    words.reverse()
    while words:
        word = words.pop()
        if word in {"-H", "--header"}:
            header, _, value = words.pop().partition(":")
            headers[header.strip().lower()] = value.strip()
        elif word in {"-d", "--data"}:
            content = words.pop().encode()
        elif word.startswith("-"):
            raise ValueError(f"curl's option {word} is not understood here")
        else:
            urls.append(word)
    (url,) = urls
    if content is not None:
        headers.setdefault("content-type", "application/x-www-form-urlencoded")
    return Request("GET" if content is None else "POST", url, headers, content)


def _expanded(command: str, variables: Mapping[str, str]) -> str:
    """Put the values of variables where a shell would: everywhere but in single quotes."""
    text = ""
    at = 0
    while at < len(command):
        segment = _SEGMENT.match(command, at)
        if segment is None:
            raise ValueError(f"a quote does not end: {command[at:]}")
        at = segment.end()
        if segment["double"]:
            text += _VARIABLE.sub(lambda found: _escaped(variables[found[1]]), segment[0])
        elif segment["bare"]:
            if _NOT_UNDERSTOOD.search(segment[0]):
                raise ValueError(f"this is not understood here: {segment[0]}")
            text += _VARIABLE.sub(lambda found: shlex.quote(variables[found[1]]), segment[0])
        elif segment["single"]:
            text += segment[0]
    return text


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
