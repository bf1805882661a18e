"""What `llm create` and `llm update` say about an LLM in options, as members of a request."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from dragoman.cli.documents import Document, read_headers
from dragoman.domain.llm import ProtocolName, Provider

_WITH_REGION = re.compile(
    r"(?P<url>[a-z]+://[^/@]+/.*)@(?P<region>[a-z][a-z0-9_-]*)", re.IGNORECASE
)
_REGION_OF_HOST = re.compile(r"[a-z]+://[^/]*@[^/]*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Members:
    """The common members of an LLM; None and an empty list where nothing was said."""

    name: Annotated[str | None, typer.Option(help="What callers name it by.")] = None
    protocol: Annotated[
        ProtocolName | None, typer.Option(help="Wire format that its server speaks.")
    ] = None
    endpoint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL", help="What is called, or URL@region; again for further ones, in order."
        ),
    ] = None
    model: Annotated[str | None, typer.Option(help="The model's name there.")] = None
    provider: Annotated[Provider | None, typer.Option(help="Who runs the server.")] = None
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None
    deployment_name: Annotated[str | None, typer.Option(help="Azure's name for the model.")] = None
    api_version: Annotated[str | None, typer.Option(help="Azure's version of the API.")] = None
    temperature: Annotated[
        float | None, typer.Option(help="Temperature of calls that name none.")
    ] = None
    top_p: Annotated[float | None, typer.Option(help="Top-p of calls that name none.")] = None
    max_tokens: Annotated[
        int | None, typer.Option(help="Most tokens in an answer, for calls that name no limit.")
    ] = None
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="For lists to select by; repeatable."),
    ] = None
    tag: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="A word to show; repeatable.")
    ] = None
    header_file: Annotated[
        Path | None,
        typer.Option(help="File of further headers to send, one 'Name: value' per line."),
    ] = None
    enabled: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Whether it may be called.")
    ] = None

    def document(self) -> Document:
        """Write what was said as members of a request."""
        found: dict[str, Any] = {
            "display_name": self.name,
            "protocol": self.protocol and self.protocol.value,
            "endpoints": [_endpoint(text) for text in self.endpoint or ()] or None,
            "model": self.model,
            "provider": self.provider and self.provider.value,
            "description": self.description,
            "deployment_name": self.deployment_name,
            "api_version": self.api_version,
            "sampling": self._sampling() or None,
            "labels": dict(_label(text) for text in self.label or ()) or None,
            "tags": self.tag or None,
            "headers": self.header_file and read_headers(self.header_file),
            "enabled": self.enabled,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _sampling(self) -> Document:
        found = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
        }
        return {name: value for name, value in found.items() if value is not None}


OPTION_OF = {
    "display_name": "--name",
    "protocol": "--protocol",
    "endpoints": "--endpoint",
    "model": "--model",
}
"""What no LLM is without."""


def missing(document: Document) -> list[str]:
    """List the options that a new LLM still needs."""
    return [option for member, option in OPTION_OF.items() if member not in document]


def cleared(members: list[str], said: Document) -> Document:
    """Write what is to be emptied; a dot leads into a member, as in sampling.temperature."""
    document: Document = {}
    for member in members:
        outer, _, inner = member.partition(".")
        if outer in OPTION_OF or outer == "enabled":
            raise typer.BadParameter(f"'{outer}' cannot be empty; give it another value instead.")
        if inner:
            document.setdefault(outer, {})[inner] = None
        else:
            document[outer] = None
        if outer in said and (not inner or inner in (said[outer] or {})):
            raise typer.BadParameter(f"Either set '{member}' or clear it.")
    return document


def _endpoint(text: str) -> Document:
    """Take the region off a URL. An @ in the path of a URL stays unless a word follows it."""
    if found := _WITH_REGION.fullmatch(text):
        return {"url": found["url"], "region": found["region"]}
    if _REGION_OF_HOST.fullmatch(text):
        raise typer.BadParameter(
            "Before @region a URL needs its path, if only a slash; user names are not taken."
        )
    return {"url": text}


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise typer.BadParameter("A label is written as key=value.")
    return key, value
