"""Rules about the source itself: some things are done in one place only.

Each rule is tried on planted source too: on what it must find, and on what it must let pass.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace

SOURCE = Path(__file__).parents[1] / "src"
MODULES = {
    path.relative_to(SOURCE).as_posix(): path.read_text() for path in sorted(SOURCE.rglob("*.py"))
}
MAX_LINES = 400


class Rule(Struct, frozen=True):
    """What may be done in some places only.

    A name stands with its module, as `os.environ`, and means what is below it too; one that
    begins with a dot is an attribute of anything.
    """

    places: tuple[str, ...]
    """Modules, or folders with a slash at the end."""
    uses: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    """Names that may be imported and stand in annotations anywhere."""

    def breaches(self, module: str, source: str) -> list[str]:
        """List what a module does that it may not."""
        if any(is_inside(module, place) for place in self.places):
            return []
        tree = ast.parse(source)
        meanings = imported(tree)
        found = [(name, self.uses) for name in (*meanings.values(), *used(tree, meanings))]
        found += [(name, self.calls) for name in called(tree, meanings)]
        return [name for name, barred in found if any(is_below(name, bar) for bar in barred)]


RULES = {
    "a secret is revealed": Rule(
        places=("dragoman/gateway/credentials.py", "dragoman/vault/"),
        uses=(".reveal",),
    ),
    "a scope is made": Rule(
        places=("dragoman/authz/",),
        calls=("dragoman.domain.principal.Scope",),
    ),
    "the environment is read": Rule(
        places=("dragoman/settings/reading.py",),
        uses=("os.environ", "os.environb", "os.getenv", "os.getenvb"),
    ),
    "the clock is read": Rule(
        places=("dragoman/app/clock.py",),
        uses=(
            "time.time",
            "time.time_ns",
            "time.clock_gettime",
            "time.gmtime",
            "time.localtime",
            "time.strftime",
            "time.ctime",
            "datetime.datetime.now",
            "datetime.datetime.utcnow",
            "datetime.datetime.today",
            "datetime.date.today",
        ),
    ),
    "a socket is opened": Rule(
        places=("dragoman/upstream/", "dragoman/cli/serve.py", "dragoman/cli/client.py"),
        uses=(
            ".create_connection",
            ".open_connection",
            ".create_unix_connection",
            ".open_unix_connection",
            ".create_datagram_endpoint",
            ".sock_connect",
            "aiohttp",
            "ftplib",
            "http.client",
            "httpx",
            "httpx2",
            "requests",
            "smtplib",
            "urllib.request",
            "urllib3",
            "websockets",
        ),
        calls=("socket.socket", "socket.create_connection", "socket.create_server"),
    ),
}

FORBIDDEN = [
    ("a secret is revealed", "text = target.secret.reveal()"),
    ("a secret is revealed", "texts = map(Secret.reveal, secrets)"),
    ("a secret is revealed", "open_it = secrets[0].reveal"),
    ("a secret is revealed", "def f(find): return find().reveal()"),
    ("a scope is made", "from dragoman.domain.principal import Scope\nScope('org', None)"),
    ("a scope is made", "from dragoman.domain.principal import Scope as S\nx = [S('org', None)]"),
    ("a scope is made", "from dragoman.domain import principal\nprincipal.Scope('org', None)"),
    ("a scope is made", "import dragoman.domain.principal as p\np.Scope('org', None)"),
    ("a scope is made", "import dragoman.domain.principal\ndragoman.domain.principal.Scope(1, 2)"),
    ("the environment is read", "import os\nhome = os.environ['HOME']"),
    ("the environment is read", "import os\nhome = os.environ.get('HOME')"),
    ("the environment is read", "import os\nhome = os.getenv('HOME')"),
    ("the environment is read", "import os as system\nhome = system.getenv('HOME')"),
    ("the environment is read", "from os import environ"),
    (
        "the environment is read",
        "def f():\n    from os import getenv as get\n    return get('HOME')",
    ),
    ("the clock is read", "import time\nnow = time.time()"),
    ("the clock is read", "import time\nnow = time.time_ns() // 1000"),
    ("the clock is read", "from time import time as now"),
    ("the clock is read", "import time\nfield(default_factory=time.time)"),
    ("the clock is read", "from datetime import datetime\nnow = datetime.now(UTC)"),
    ("the clock is read", "import datetime\nnow = datetime.datetime.utcnow()"),
    ("the clock is read", "import datetime as dt\nnow = dt.date.today()"),
    ("a socket is opened", "import socket\ns = socket.socket()"),
    ("a socket is opened", "from socket import socket\ns = socket()"),
    ("a socket is opened", "import socket\ns = socket.create_connection(('a.example', 80))"),
    ("a socket is opened", "import asyncio\nasyncio.open_connection('a.example', 80)"),
    ("a socket is opened", "loop.create_connection(Protocol, 'a.example', 80)"),
    ("a socket is opened", "import httpx"),
    ("a socket is opened", "import httpx as client"),
    ("a socket is opened", "from aiohttp import ClientSession"),
    ("a socket is opened", "def f():\n    import requests"),
    ("a socket is opened", "import urllib.request"),
    ("a socket is opened", "from urllib import request"),
    ("a socket is opened", "from urllib.request import urlopen"),
    ("a socket is opened", "import http.client"),
]

ALLOWED = [
    ("a secret is revealed", "def reveal(): ...\nreveal()"),
    ("a secret is revealed", "text = '.reveal()'  # secret.reveal()"),
    (
        "a scope is made",
        "from dragoman.domain.principal import Scope\ndef f(s: Scope) -> Scope: ...",
    ),
    ("a scope is made", "from dragoman.dialect.record import Scope\nScope({})"),
    ("a scope is made", "from dragoman.authz.check import scope\nscope(who, action)"),
    ("the environment is read", "import os\nos.fork()"),
    ("the environment is read", "from dragoman.settings import load\nenviron = load()"),
    ("the clock is read", "import time\ntime.monotonic(); time.perf_counter(); time.sleep(1)"),
    ("the clock is read", "from datetime import UTC, datetime\ndatetime.fromtimestamp(0, UTC)"),
    ("the clock is read", "loop.time()"),
    ("the clock is read", "def f(clock): return clock.now_ms()"),
    ("a socket is opened", "import socket\ndef f(listener: socket.socket): listener.close()"),
    ("a socket is opened", "import socket\nsocket.getaddrinfo('a.example', 80)"),
    ("a socket is opened", "from urllib.parse import urlsplit\nurlsplit('https://a.example')"),
    ("a socket is opened", "import httptools, http"),
    ("a socket is opened", "from fastapi import requests"),
]


def imported(tree: ast.Module) -> dict[str, str]:
    """Find what each imported name means."""
    meanings = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                meanings[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                meanings[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return meanings


def used(tree: ast.Module, meanings: dict[str, str]) -> Iterator[str]:
    """Find every attribute that is used, written as if nothing were renamed at import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield dotted(node, meanings)


def called(tree: ast.Module, meanings: dict[str, str]) -> Iterator[str]:
    """Find everything that is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield dotted(node.func, meanings)


def dotted(node: ast.expr, meanings: dict[str, str]) -> str:
    """Write a name with its module; what is no name has none."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value, meanings)}.{node.attr}"
    return meanings.get(node.id, node.id) if isinstance(node, ast.Name) else ""


def is_inside(module: str, place: str) -> bool:
    """Tell whether a module is a place, or stands below it."""
    return module == place or (place.endswith("/") and module.startswith(place))


def is_below(name: str, bar: str) -> bool:
    """Tell whether a name is what is barred, or something of it."""
    return name.endswith(bar) if bar.startswith(".") else f"{name}.".startswith(f"{bar}.")


@pytest.mark.parametrize("rule", RULES)
def test_it_is_done_in_its_place_only(rule: str) -> None:
    breaches = {module: RULES[rule].breaches(module, text) for module, text in MODULES.items()}
    assert {module: found for module, found in breaches.items() if found} == {}


@pytest.mark.parametrize(
    ("rule", "place"), [(name, place) for name, rule in RULES.items() for place in rule.places]
)
def test_it_is_done_in_each_of_its_places(rule: str, place: str) -> None:
    everywhere = replace(RULES[rule], places=())
    inside = {module: text for module, text in MODULES.items() if is_inside(module, place)}
    assert any(everywhere.breaches(module, text) for module, text in inside.items())


@pytest.mark.parametrize(("rule", "planted"), FORBIDDEN)
def test_a_rule_finds_what_breaks_it(rule: str, planted: str) -> None:
    assert RULES[rule].breaches("dragoman/registry/llms.py", planted)
    for place in RULES[rule].places:
        assert not RULES[rule].breaches(place, planted)


@pytest.mark.parametrize(("rule", "planted"), ALLOWED)
def test_a_rule_lets_pass_what_only_looks_like_it(rule: str, planted: str) -> None:
    assert RULES[rule].breaches("dragoman/registry/llms.py", planted) == []


@pytest.mark.parametrize(
    "module",
    [
        "dragoman/gateway/credentials.py",
        "dragoman/vault/secret.py",
    ],
)
def test_a_place_may_be_a_module_or_a_folder(module: str) -> None:
    assert not RULES["a secret is revealed"].breaches(module, "secret.reveal()")


@pytest.mark.parametrize(
    "module",
    [
        "dragoman/vault.py",
        "dragoman/vaults/secret.py",
        "dragoman/gateway/credentials/other.py",
        "other/dragoman/vault/secret.py",
    ],
)
def test_a_place_is_not_whatever_is_named_like_it(module: str) -> None:
    assert RULES["a secret is revealed"].breaches(module, "secret.reveal()")


def test_no_file_is_too_long_to_read() -> None:
    lengths = {module: text.count("\n") for module, text in MODULES.items()}
    assert {module: n for module, n in lengths.items() if n > MAX_LINES} == {}


def test_the_source_is_where_it_is_looked_for() -> None:
    assert "dragoman/settings/fields.py" in MODULES
    assert len(MODULES) > 50
