"""`dragoman audit`: who did what, and when, as the server recorded it."""

import json
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from dragoman.app.clock import SystemClock
from dragoman.cli.client import Server, Unreachable
from dragoman.cli.connection import Connection
from dragoman.cli.failures import Failure, one_line
from dragoman.cli.grouped import examples, grouped
from dragoman.cli.llm_found import found
from dragoman.cli.moments import moment, written
from dragoman.cli.output import AsJson, print_json, print_line, print_list
from dragoman.domain.ids import is_id

TITLES = ("Time (UTC)", "Action", "Target", "Actor", "Members")
POLL_S = 1.0
OVERLAP_MS = 10_000
"""How far back each look goes: an entry may be stored a little after the time it bears [ms]."""
MAX_REMEMBERED = 10_000

Entry = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What must hold for an entry to be shown."""

    actor: Annotated[
        str | None, typer.Option(help="Only of this principal's id, or 'operator'.")
    ] = None
    llm: Annotated[str | None, typer.Option(help="Only about this LLM: name or id.")] = None
    action: Annotated[str | None, typer.Option(help="Only this action, as llm.update.")] = None
    since: Annotated[
        str | None, typer.Option(help="From then on: 2h, 7d, 2026-11-21, 2026-11-21T10:00Z.")
    ] = None
    until: Annotated[str | None, typer.Option(help="Up to then, written likewise.")] = None

    def query(self, server: Server, now_ms: int) -> list[tuple[str, str]]:
        """Write the filters for the server."""
        times = {
            name: moment(text, now_ms)
            for name, text in (("since", self.since), ("until", self.until))
            if text is not None
        }
        texts = {
            "actor_id": self.actor,
            "llm_id": self.llm and _llm_id(server, self.llm),
            "action": self.action,
        }
        return [*((name, text) for name, text in texts.items() if text), *times.items()]


def audit(
    filters: Filters,
    *,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Show what happens from now on, until Ctrl+C.")
    ] = False,
    as_json: AsJson = False,
    connection: Connection,
) -> None:
    """Show who did what to which LLM, principal or key, newest first.

    Entries name the members that changed, never their values. Times without a zone are UTC.
    With --follow the oldest comes first, one line each (with --json one object per line).
    """
    if follow and (limit is not None or filters.until is not None):
        raise typer.BadParameter("--follow has no end; leave --limit and --until out.")
    with connection.open() as server:
        now_ms = SystemClock().now_ms()
        query = filters.query(server, now_ms)
        if follow:
            for entry in _followed(server, query, now_ms):
                print_line(_json_line(entry) if as_json else "  ".join(_row(entry)))
            return
        entries = server.listed("/audit", query, limit)
        if as_json:
            print_json(list(entries))
        else:
            print_list(TITLES, (_row(entry) for entry in entries))


def _llm_id(server: Server, name_or_id: str) -> str:
    """Find an LLM's id; one that was deleted is known by its id only."""
    return name_or_id if is_id(name_or_id) else str(found(server, name_or_id)["id"])


def _followed(server: Server, query: list[tuple[str, str]], now_ms: int) -> Iterator[Entry]:
    """Give what was asked for and then each new entry once, for ever."""
    clock = SystemClock()
    begin = dict(query).get("since", written(now_ms))
    rest = [(name, text) for name, text in query if name != "since"]
    seen: OrderedDict[str, None] = OrderedDict()
    since = begin
    is_lost = False
    while True:
        asked_ms = clock.now_ms()
        try:
            entries = list(server.listed("/audit", [*rest, ("since", since)]))
        except Unreachable as unreachable:
            if not is_lost:
                typer.secho(f"{unreachable} Trying on.", fg="red", err=True)
            is_lost = True
        else:
            is_lost = False
            since = max(begin, written(asked_ms - OVERLAP_MS))
            for entry in reversed(entries):
                if (id_ := str(entry.get("id"))) not in seen:
                    seen[id_] = None
                    yield entry
            while len(seen) > max(MAX_REMEMBERED, len(entries)):
                seen.popitem(last=False)
        time.sleep(POLL_S)


def _json_line(entry: Entry) -> str:
    return json.dumps(entry, ensure_ascii=False)


def _row(entry: Entry) -> tuple[str, ...]:
    members = entry.get("members")
    if not isinstance(members, list):
        raise Failure("The server's entries have another shape than this command knows; update it.")
    at = str(entry.get("at")).replace("T", " ")[:19]
    named = (str(entry.get(name)) for name in ("action", "target_id", "actor_id"))
    return tuple(one_line(text) for text in (at, *named, ", ".join(map(str, members))))


app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command(
    epilog=examples(
        "dragoman audit --since 7d",
        "dragoman audit --llm my-llm --action llm.update",
        "dragoman audit --follow",
    )
)(grouped(audit))
