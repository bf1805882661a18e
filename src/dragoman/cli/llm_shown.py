"""LLMs as a person reads them: a row of a list, a card."""

from typing import Any
from urllib.parse import urlsplit

from dragoman.cli.failures import one_line

Shown = dict[str, Any]

TITLES = ("Name", "Protocol", "Model", "Host", "Enabled", "Owner", "Updated")


def row(llm: Shown, own_id: str | None) -> tuple[str, ...]:
    """Write an LLM as a line of a list; `own_id` is who reads it."""
    return (
        one_line(str(llm.get("display_name"))),
        str(llm.get("protocol")),
        one_line(str(llm.get("model"))),
        host(llm),
        "yes" if llm.get("enabled") else "no",
        owner(llm, own_id),
        moment(llm.get("updated_at") or llm.get("created_at")),
    )


def host(llm: Shown) -> str:
    """Tell where it is called first."""
    endpoints = llm.get("endpoints") or []
    try:
        return one_line(urlsplit(endpoints[0]["url"]).netloc) if endpoints else "none"
    except (ValueError, KeyError, TypeError):
        return "unknown"


def owner(llm: Shown, own_id: str | None) -> str:
    """Tell whose it is: the operator's, the reader's, or another principal's."""
    if llm.get("is_platform"):
        return "platform"
    owner_id = one_line(str(llm.get("owner_id")))
    return "me" if owner_id == own_id else owner_id


def moment(text: Any) -> str:
    """Shorten a time to its minute: 2026-11-21T10:00:00.000Z is 2026-11-21 10:00."""
    return one_line(text).replace("T", " ")[:16] if isinstance(text, str) else ""


def summary(llm: Shown) -> str:
    """Name one LLM such that a person knows which one is meant."""
    name, id_ = one_line(str(llm.get("display_name"))), one_line(str(llm.get("id")))
    return f"'{name}' ({id_})"


def card(llm: Shown) -> str:
    """Write all that is set, one line each; lists and objects are indented below."""
    lines: list[tuple[str, str]] = []
    for name, value in _arranged(llm).items():
        lines += _lines(name, value)
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {text}".rstrip() for name, text in lines)


def _arranged(llm: Shown) -> Shown:
    """Put first what a reader looks for, and the secret's place in words."""
    shown = {name: llm[name] for name in ("display_name", "id") if name in llm} | llm
    shown["endpoints"] = [_endpoint(each) for each in llm.get("endpoints") or []]
    shown["credential"] = _credential(llm.get("credential"))
    provenance = llm.get("capability_provenance") or {}
    shown["capabilities"] = {
        name: f"{'yes' if has else 'no'} ({provenance.get(name, 'declared')})"
        for name, has in (llm.get("capabilities") or {}).items()
    }
    shown.pop("capability_provenance", None)
    for name in ("created", "updated"):
        at, by = shown.pop(f"{name}_at", None), shown.pop(f"{name}_by", None)
        shown[name] = f"{moment(at)} UTC by {by}" if at else None
    return shown


def _endpoint(endpoint: Shown) -> str:
    region = endpoint.get("region")
    return f"{endpoint.get('url')} (region {region})" if region else str(endpoint.get("url"))


def _credential(credential: Shown | None) -> str:
    if not credential:
        return "none"
    prefix = credential.get("prefix")
    behind = f" behind '{prefix}'" if prefix else ""
    return f"{_source(credential)}, sent as {one_line(str(credential.get('header')))}{behind}"


def _source(credential: Shown) -> str:
    match credential.get("kind"):
        case "secret_reference":
            return f"the operator's {one_line(str(credential.get('reference')))}"
        case "google_adc":
            return "a token of the operator's Google credentials"
        case _:
            return "a stored secret"


def _lines(name: str, value: Any) -> list[tuple[str, str]]:
    """Write a member; what is not set has no line."""
    if value in (None, "", [], {}):
        return []
    match value:
        case bool():
            return [(name, "yes" if value else "no")]
        case dict():
            inner = [_lines(f"  {one_line(str(key))}", each) for key, each in value.items()]
            found = [line for lines in inner for line in lines]
            return [(name, ""), *found] if found else []
        case list() if all(isinstance(each, str) for each in value):
            first, *rest = [one_line(each) for each in value]
            return [(name, first), *(("", each) for each in rest)]
        case _:
            return [(name, one_line(str(value)))]
