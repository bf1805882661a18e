"""The words that a model's name is made of, however a server spells it."""

import re
from itertools import pairwise

_WORD = re.compile(r"\d+(?:\.\d+)*[^\W_]*|[^\W\d_]+")
_POINT = re.compile(r"(?<=\d)p(?=\d)")
"""How names without points write a version: `v3p1`."""
_VERSION_MARK = re.compile(r"(?<![^\W_])v(?=\d)")
_NUMBER = re.compile(r"\d{1,2}")


def words(name: str) -> tuple[str, ...]:
    """Take a name apart: `Llama-3.1-8B`, `llama3.1:8b` and `llama-v3p1-8b` are the same words.

    A version is one word, so that a name of 5.1 does not begin with the name of 5.
    """
    text = _VERSION_MARK.sub(" ", _POINT.sub(".", name.lower()))
    found = list(_WORD.finditer(text))
    parts = [found[0].group()] if found else []
    for before, match in pairwise(found):
        between = text[before.end() : match.start()]
        if between in {"-", "_"} and _is_number(before) and _is_number(match):
            parts[-1] += f".{match.group()}"
        else:
            parts.append(match.group())
    return tuple(parts)


def _is_number(match: re.Match[str]) -> bool:
    """Tell whether a word may be half of a version, as a date and a size may not."""
    return _NUMBER.fullmatch(match.group()) is not None
