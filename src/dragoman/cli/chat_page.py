"""Where an answer is written: a terminal, where thoughts are dim, or a file or pipe."""

import re
import sys

import typer

from dragoman.settings import calling

DIM, NORMAL = "\x1b[2m", "\x1b[0m"

_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a terminal would take as a command; tabs and ends of lines are none."""


class Page:
    """One answer as it grows. A pipe gets the text alone, as the model wrote it."""

    def __init__(self) -> None:
        self.text = ""
        """What was said so far, without thoughts."""
        self._is_terminal = sys.stdout.isatty()
        self._has_colors = calling().colors
        self._is_thinking = False
        self._is_open = False
        """Whether the last line has no end yet."""

    def think(self, text: str) -> None:
        """Show a thought, where a person reads along."""
        if self._is_terminal:
            self._is_thinking = True
            self._show(f"{DIM}{_safe(text)}{NORMAL}" if self._has_colors else _safe(text), text)

    def say(self, text: str) -> None:
        """Show some of the answer at once."""
        if self._is_thinking:
            self._show("\n\n" if self._is_open else "\n", "\n")
            self._is_thinking = False
        self.text += text
        self._show(_safe(text) if self._is_terminal else text, text)

    def end(self, note: str | None = None) -> None:
        """End the last line; a note goes to stderr."""
        if self._is_open:
            self._show("\n", "\n")
        if note:
            typer.echo(note, err=True)

    def _show(self, shown: str, text: str) -> None:
        # Noted before, so that Ctrl+C right after it finds the line open.
        self._is_open = not text.endswith("\n")
        stream = sys.stdout
        encoding = stream.encoding or "utf-8"
        stream.write(shown.encode(encoding, "replace").decode(encoding))
        stream.flush()


def _safe(text: str) -> str:
    """Take out of a model's text what would move the cursor or worse."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)
