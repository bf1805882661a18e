"""A ping as a person reads it: how far each probe came, and the sum."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dragoman.cli.failures import one_line, sentence
from dragoman.cli.output import print_line

Event = dict[str, Any]

STAGES = ("credential", "dns", "egress", "proxy", "connect", "tls", "auth", "model", "answer")
"""What a probe comes through, in order."""

COLUMNS = {
    "Credential": ("credential",),
    "DNS": ("dns",),
    "Egress": ("egress",),
    "Connect": ("proxy", "connect"),
    "TLS": ("tls",),
    "Auth": ("auth",),
    "Model": ("model",),
    "Answer": ("answer",),
}
TITLES = ("Probe", *COLUMNS, "Status", "ms")
PASSED, FAILED, NOT_REACHED, UNUSED = "ok", "failed", "-", "none"


def shown_as_they_come(events: Iterator[Event]) -> Event:
    """Show a ping while it goes on, then what it says about failures; gives the summary."""
    summary: Event = {}
    said: dict[str, None] = {}
    with _page() as add:
        for event in events:
            if result := event.get("result"):
                add(result)
                if message := _message(result):
                    said[message] = None
            elif notice := event.get("notice"):
                said[sentence(str(notice.get("message")))] = None
            summary = event.get("summary", summary)
    for message in said:
        print_line(message)
    print_line(total(summary))
    return summary


@contextmanager
def _page() -> Iterator[Callable[[Event], None]]:
    """Give what shows one more probe: a row of a table on a terminal, else a line."""
    if not sys.stdout.isatty():
        yield lambda result: print_line(line(result))
        return
    from rich.console import Console  # noqa: PLC0415  # other commands start without it
    from rich.live import Live  # noqa: PLC0415  # likewise
    from rich.table import Table  # noqa: PLC0415  # likewise

    table = Table(*TITLES, box=None, pad_edge=False, collapse_padding=True)  # for 80 columns
    console = Console(markup=False, emoji=False, highlight=False)
    with Live(table, console=console, auto_refresh=False) as live:

        def add(result: Event) -> None:
            table.add_row(*row(result))
            live.refresh()

        yield add


def row(result: Event) -> tuple[str, ...]:
    """Write a probe as a line of the table: what it passed, where it failed, what took how long."""
    failed = None if result.get("ok") else _stage(result)
    came = {title: _came(stages, failed) for title, stages in COLUMNS.items()}
    if came["TLS"] == PASSED and _is_plain(result):
        came["TLS"] = UNUSED
    ends = _status(result), _ms(result.get("rttMs"))
    return (_number(result.get("seq")), *came.values(), *ends)


def _came(stages: tuple[str, ...], failed: str | None) -> str:
    """Tell what became of a probe in one column's stages."""
    if failed in stages:
        return FAILED
    is_passed = failed is None or STAGES.index(stages[-1]) < STAGES.index(failed)
    return PASSED if is_passed else NOT_REACHED


def _is_plain(result: Event) -> bool:
    endpoint = result.get("endpoint")
    url = endpoint.get("resolvedEndpoint") if isinstance(endpoint, dict) else None
    return isinstance(url, str) and url.lower().startswith("http:")


def line(result: Event) -> str:
    """Write a probe as a line of a pipe."""
    came = "ok" if result.get("ok") else f"failed at {_stage(result)}"
    number, status, took_ms = result.get("seq"), _status(result), _ms(result.get("rttMs"))
    return f"probe {_number(number)}: {came}, status {status}, {took_ms} ms"


def total(summary: Event) -> str:
    """Write the sum."""
    counted = (
        f"{_number(summary.get('requests'))} made, {_number(summary.get('ok'))} ok, "
        f"{_number(summary.get('timeouts'))} too late, {_number(summary.get('errors'))} failed"
    )
    if not summary.get("ok"):
        return f"{counted}."
    names = ("Min", "Avg", "P50", "P90", "P99", "Max")
    trips = ", ".join(f"{name.lower()} {_ms(summary.get(f'rtt{name}Ms'))}" for name in names)
    return f"{counted}; round trip in ms: {trips}."


def _stage(result: Event) -> str:
    metadata = result.get("metadata")
    stage = metadata.get("stage") if isinstance(metadata, dict) else None
    return stage if stage in STAGES else STAGES[-1]


def _message(result: Event) -> str | None:
    """Say why a probe failed, or what is odd about its answer."""
    if not result.get("ok"):
        return sentence(str(result.get("errorMessage") or "failed without a reason"))
    metadata = result.get("metadata")
    odd = metadata.get("answer") if isinstance(metadata, dict) else None
    return sentence(f"The answer is {odd}") if odd else None


def _status(result: Event) -> str:
    """Give the upstream's status, if it said one."""
    return _number(result.get("httpStatus")) if result.get("httpStatus") else NOT_REACHED


def _number(value: Any) -> str:
    return one_line(str(value))


def _ms(value: Any) -> str:
    return f"{value:.1f}" if isinstance(value, int | float) else NOT_REACHED
