"""What every test shares: one event loop kind, and no network but loopback."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import socket_allow_hosts

from tests.postgres import PostgresServer

# A law holds or not; how fast a busy machine finds out is no part of it.
settings.register_profile("law", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("law")

# Whatever started us may have us ignore Ctrl+C, and what we start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Run asynchronous tests on the loop that the server runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(autouse=True)
def only_loopback() -> None:
    """Refuse connections to anywhere but this machine."""
    socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Run a PostgreSQL server, one for each process that tests; stopped by nobody else."""
    with PostgresServer.start() as server:
        yield server
