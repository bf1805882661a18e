"""`dragoman llm ping`: whether an LLM answers, by the way that calls go; and if not, why."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from dragoman.cli.client import media_type
from dragoman.cli.connection import Connection
from dragoman.cli.failures import Failure
from dragoman.cli.llm_found import NameOrId, found
from dragoman.cli.output import print_line
from dragoman.cli.ping_shown import shown_as_they_come
from dragoman.cli.refusals import not_dragoman

PING = "/goodmem/v1/ping:stream"
LINES = "application/x-ndjson"
PATIENCE_S = 30.0
"""How long the server may take beside its upstream [s]."""

Event = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Probes:
    """What is said about the probes."""

    count: Annotated[int, typer.Option(min=1, max=100, help="How many probes.")] = 4
    interval: Annotated[
        float, typer.Option(min=0.1, max=60, help="From one probe to the next, at least [s].")
    ] = 1.0


@dataclass(frozen=True, kw_only=True)
class Probing(Connection):
    """Which server is asked, and how long each of its probes may take."""

    timeout: Annotated[
        float, typer.Option(min=0.1, max=60, help="How long a probe may take [s].")
    ] = 5.0


def ping(
    name_or_id: NameOrId,
    *,
    probes: Probes,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each event as a line of JSON.")
    ] = False,
    connection: Probing,
) -> None:
    """Try whether an LLM answers: chat completions of one token, by the way that calls go.

    On a terminal a table shows how far each probe came; in a pipe each is a line. Status 1 if one
    of them failed. The LLM's provider may charge for them.
    """
    patience_s = connection.timeout + probes.interval + PATIENCE_S
    with connection.open(timeout_s=patience_s) as server:
        body = {
            "targetId": found(server, name_or_id)["id"],
            "count": probes.count,
            "intervalMs": round(probes.interval * 1000),
            "timeoutMs": round(connection.timeout * 1000),
        }
        with server.streamed(PING, body) as response:
            if media_type(response) != LINES:
                raise not_dragoman(server.url, response.status_code, media_type(response))
            events = _until_summary(response.iter_lines())
            summary = _printed(events) if as_json else shown_as_they_come(events)
    if summary.get("ok") != probes.count:
        raise typer.Exit(1)


def _until_summary(lines: Iterator[str]) -> Iterator[Event]:
    """Read the events; raises Failure where they end before the summary."""
    for line in lines:
        event = _read(line)
        yield event
        if "summary" in event:
            return
    raise Failure("The ping broke off: the connection ended before its summary. Try again.")


def _read(line: str) -> Event:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        event = None
    members = event.values() if isinstance(event, dict) else ()
    if not isinstance(event, dict) or not all(isinstance(member, dict) for member in members):
        raise Failure("The ping broke off in the middle of an event. Try again.")
    return event


def _printed(events: Iterator[Event]) -> Event:
    """Print events for programs; gives the summary."""
    summary: Event = {}
    for event in events:
        print_line(json.dumps(event, ensure_ascii=False))
        summary = event.get("summary", {})
    return summary
