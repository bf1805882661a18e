"""Files that describe an LLM, JSON or YAML, and what `dragoman llm get --json` has printed."""

import json
import sys
from pathlib import Path
from typing import Any

from dragoman.cli.failures import Failure
from dragoman.cli.secret_input import STDIN, read_file

MASK = "****"
"""How the server shows what it does not tell."""

SET_BY_SERVER = frozenset(
    {
        "id",
        "organization_id",
        "owner_id",
        "capability_provenance",
        "is_default",
        "is_platform",
        "zero_data_retention",
        "revision",
        "created_at",
        "created_by",
        "updated_at",
        "updated_by",
    }
)

Document = dict[str, Any]


def read_document(path: Path) -> Document:
    """Read a file of members; what was printed by `llm get --json` becomes what may be sent.

    No message repeats what stands in the file: there may be a secret.
    """
    place = "standard input" if path == STDIN else str(path)
    content = sys.stdin.buffer.read() if path == STDIN else read_file(path)
    try:
        found = _parsed(content.decode("utf-8-sig"), place)
    except UnicodeDecodeError:
        raise Failure(f"{place} is not text in UTF-8.") from None
    except RecursionError:
        raise Failure(f"{place} is nested too deeply.") from None
    if not isinstance(found, dict):
        raise Failure(f"{place} must hold one object with the members of an LLM.")
    return as_asked(found)


def as_asked(found: Document) -> Document:
    """Leave out of a shown LLM what is not to be asked for; other documents stay as they are."""
    if "revision" not in found:
        return found
    asked = {name: value for name, value in found.items() if name not in SET_BY_SERVER}
    headers = asked.get("headers")
    if isinstance(headers, dict):
        asked["headers"] = {name: value for name, value in headers.items() if value != MASK}
    return asked


def merged(below: Document, above: Document) -> Document:
    """Put one document over another: objects member by member, anything else as a whole."""
    result = dict(below)
    for name, value in above.items():
        old = result.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            result[name] = merged(old, value)
        else:
            result[name] = value
    return result


def secrets_of(document: Document) -> list[str]:
    """List the texts of a document that no message may repeat."""
    found = []
    credential, headers = document.get("credential"), document.get("headers")
    if isinstance(credential, dict):
        found.append(credential.get("secret"))
    if isinstance(headers, dict):
        found += headers.values()
    return [text for text in found if isinstance(text, str)]


def read_headers(path: Path) -> dict[str, str]:
    """Read a file of extra headers, one `Name: value` per line; values may be secret."""
    try:
        lines = read_file(path).decode().splitlines()
    except UnicodeDecodeError:
        raise Failure(f"{path} is not text in UTF-8.") from None
    headers = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or not value.strip():
            raise Failure(f"Line {number} of {path} is no header; write 'Name: value'.")
        headers[name.strip()] = value.strip()
    return headers


def _parsed(text: str, place: str) -> Any:
    if text.lstrip().startswith(("{", "[")):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise Failure(
                f"{place} is no JSON: line {error.lineno}, column {error.colno}: {error.msg}."
            ) from None
    import yaml  # noqa: PLC0415  # most commands read no YAML

    try:
        found = yaml.safe_load(text)
        json.dumps(found)  # YAML knows dates and the like, which a request cannot carry
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f": line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise Failure(f"{place} is neither JSON nor YAML{where}.") from None
    except (TypeError, ValueError):
        raise Failure(f"{place} holds a date or another value that JSON lacks; quote it.") from None
    return found
