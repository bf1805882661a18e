"""Whether the server answers, and whether it is of this version."""

from collections.abc import AsyncIterator

from dragoman import __version__
from dragoman.app import presence
from dragoman.app.examination.finding import Finding, ok, problem, warning
from dragoman.domain.errors import DragomanError
from dragoman.domain.ports import Deadlines, UpstreamRequest
from dragoman.domain.url import parse_origin
from dragoman.settings import Settings
from dragoman.upstream.egress import EgressPolicy, parse_networks
from dragoman.upstream.pool import HttpPool

EVERYWHERE = parse_networks("0.0.0.0/0, ::/0")
"""The server is where it has said itself."""
PATIENCE = Deadlines(connect_s=3, first_byte_s=5, idle_s=5, total_s=10)
READY = 200


async def server(settings: Settings) -> AsyncIterator[Finding]:
    """Ask the server that runs on this data directory, if there is one."""
    running = presence.server(settings.data_path)
    if running is None:
        yield warning(
            "server", "No server runs on this data directory; start one with 'dragoman serve'."
        )
        return
    if not running.url:
        yield warning("server", "A server is starting; look again when it is ready.")
        return
    if running.version != __version__:
        yield warning(
            "server",
            f"The server on {running.url} is version {running.version}, and this is "
            f"{__version__}. Restart it, so that both are the same.",
        )
    answer = await _ask(running.url)
    if answer == READY:
        yield ok("server", f"The server on {running.url} is ready.")
    elif answer is None:
        yield problem("server", f"The server on {running.url} does not answer; look into its log.")
    else:
        yield problem(
            "server",
            f"The server on {running.url} is not ready (status {answer}); look into its log.",
        )


async def _ask(url: str) -> int | None:
    """Ask whether it is ready; gives the answer's status, None where there is no answer."""
    pool = HttpPool(EgressPolicy(EVERYWHERE), connections=1, connections_per_origin=1)
    request = UpstreamRequest(
        origin=parse_origin(url),
        target=b"/readyz",
        headers=[],
        body=b"",
        deadlines=PATIENCE,
        method=b"GET",
    )
    try:
        async with pool.exchange(request) as answer:
            while await answer.read():
                pass
            return answer.status
    except DragomanError:
        return None
    finally:
        await pool.close()
