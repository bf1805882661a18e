"""YAML as a configuration file needs it: nothing in it means two things, or is larger than it is.

Texts, numbers, true, false and null are told apart as in YAML 1.2's core schema and JSON: `no`,
`010` and `2024-10-21` are texts. Anchors, aliases, merges, tags and a key that stands twice are
refused. What is wrong is told by line and column and never quoted: it may be a secret.
"""

import math
import re
from typing import Any

import yaml

from dragoman.domain.errors import Malformed

MAX_SIZE_BYTES = 1024 * 1024
MAX_DEPTH = 64

_SURROGATE = re.compile("[\ud800-\udfff]")


def loads(data: bytes) -> Any:
    """Read one document. Raises Malformed."""
    if len(data) > MAX_SIZE_BYTES:
        raise Malformed(f"The file is larger than {MAX_SIZE_BYTES // 1024} KiB.")
    try:
        return _Loader(data.decode("utf-8-sig")).get_single_data()
    except UnicodeDecodeError:
        raise Malformed("The file is not text in UTF-8.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _refused(mark, "this is not valid YAML; look at indentation and quotes") from None
    except yaml.YAMLError:  # of the reader: it knows no line
        raise Malformed("The file holds a character that YAML does not allow.") from None


class _Loader(yaml.SafeLoader):
    """Makes dictionaries, lists, texts, numbers, booleans and nulls; nothing else."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # yaml's own way to be told

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose what comes next, if it is plain data."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise _refused(event.start_mark, "anchors and aliases are not taken; write it out")
        if getattr(event, "tag", None) is not None:
            raise _refused(event.start_mark, "tags are not taken")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _refused(event.start_mark, f"this is nested deeper than {MAX_DEPTH} levels")
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002  # as it is overridden
        """Make a dictionary whose keys are texts, each there once."""
        seen = set()
        for key, _ in node.value:
            if key.tag != TEXT:
                raise _refused(key.start_mark, "a key has to be a text")
            if key.value in seen:
                raise _refused(key.start_mark, "this key stands here twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def text(self, node: yaml.ScalarNode) -> str:
        """Make a text that can be stored."""
        if "\0" in node.value or _SURROGATE.search(node.value):
            raise _refused(node.start_mark, "this text holds a character that cannot be stored")
        return str(node.value)

    def number(self, node: yaml.ScalarNode) -> float:
        """Make a number that JSON has too."""
        value = float(node.value)
        if math.isinf(value):
            raise _refused(node.start_mark, "this number is too large")
        return value


TEXT = "tag:yaml.org,2002:str"

for _name, _pattern, _first in (
    ("null", r"(?:~|null|Null|NULL|)", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)", list("tTfF")),
    # More digits than any number here needs; Python refuses to read thousands of them.
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,399})", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?",
        list("-+.0123456789"),
    ),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(rf"{_pattern}\Z", re.ASCII), _first
    )
_Loader.add_constructor(TEXT, _Loader.text)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.number)


def _refused(mark: yaml.Mark | None, why: str) -> Malformed:
    place = f"Line {mark.line + 1}, column {mark.column + 1}: " if mark else "The file: "
    return Malformed(f"{place}{why}.")
