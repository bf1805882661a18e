"""The commands by the modules that hold them, imported when they are wanted.

Together they import most of Dragoman, and each of them needs a part of it.
"""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

NAMES = (
    "serve",
    "doctor",
    "migrate",
    "move",
    "llm",
    "audit",
    "key",
    "org",
    "grant",
    "platform",
    "kek",
)
"""In the order in which help lists them; each is a module here, which calls it `app`."""


class Commands(TyperGroup):
    """Everything that can stand after `dragoman`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = _Imported()


class _Imported(MutableMapping[str, Any]):
    """Commands by name."""

    def __init__(self) -> None:
        self._commands: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._commands:
            if name not in NAMES:
                raise KeyError(name)
            module = import_module(f"dragoman.cli.{name}")
            self._commands[name] = typer.main.get_command(module.app)
            self._commands[name].name = name
        return self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)

    def __setitem__(self, name: str, command: Any) -> None:
        raise TypeError("commands are modules of this package")

    def __delitem__(self, name: str) -> None:
        raise TypeError("commands are modules of this package")
