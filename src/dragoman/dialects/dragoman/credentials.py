"""Between credentials on the wire and the domain. Pure."""

from collections.abc import Mapping
from typing import Any

from dragoman.dialects.dragoman import llm_shown
from dragoman.dialects.dragoman.llm_schema import MEMBERS_OF_KINDS
from dragoman.domain.credential import (
    Credential,
    CredentialKind,
    GoogleAdc,
    Held,
    Placement,
    SecretReference,
)
from dragoman.domain.errors import Invalid, Problem
from dragoman.domain.llm import ProtocolName
from dragoman.protocols.placement import placement as wire_placement
from dragoman.registry.asked import AskedCredential
from dragoman.vault.secret import Secret


def read(
    asked: Mapping[str, Any], stored: Credential | None, protocol: ProtocolName
) -> AskedCredential:
    """Read what is asked for, as a patch of what is stored; what belongs to a kind goes with it.

    Raises Invalid where it is of a kind that needs something which is neither there nor sent.
    """
    kind = _kind(asked, stored)
    held = _held(kind, asked, stored)
    secret = asked.get("secret")
    if kind is CredentialKind.API_KEY and secret is None and stored is not None and stored.held:
        raise Invalid(
            Problem(("secret",), "is missing; the operator's is not yours", "secret_required")
        )
    place = None
    if stored is None or {"header", "prefix"} & asked.keys():
        default = wire_placement(protocol, held)
        place = placed(asked, stored.placement if stored else default, default)
    labels = None
    if stored is None or "labels" in asked:
        labels = _patched(stored.labels if stored else {}, asked.get("labels"))
    return AskedCredential(None if secret is None else Secret(secret), place, held, labels)


def _kind(asked: Mapping[str, Any], stored: Credential | None) -> CredentialKind:
    """Say which kind is meant: the one that is said, else that of a member, else the stored one."""
    if asked.get("kind") is not None:
        return CredentialKind(asked["kind"])
    for name, kind in MEMBERS_OF_KINDS.items():
        if asked.get(name) is not None:
            return kind
    return stored.kind if stored else CredentialKind.API_KEY


def _held(kind: CredentialKind, asked: Mapping[str, Any], stored: Credential | None) -> Held | None:
    before = stored.held if stored and stored.kind is kind else None
    match kind:
        case CredentialKind.API_KEY:
            return None
        case CredentialKind.SECRET_REFERENCE:
            known = before if isinstance(before, SecretReference) else SecretReference("")
            uri = asked.get("reference", known.uri)
            if not uri:
                message = "is missing; write it as env://NAME, or send another kind"
                raise Invalid(Problem(("credential", "reference"), message, "missing"))
            hints = known.hints
            if "hints" in asked:
                hints = _patched(hints, asked["hints"])
            return SecretReference(uri, hints)
        case CredentialKind.GOOGLE_ADC:
            adc = before if isinstance(before, GoogleAdc) else GoogleAdc()
            scopes = asked.get("scopes", adc.scopes) or ()
            return GoogleAdc(tuple(scopes), asked.get("quota_project_id", adc.quota_project_id))


def _patched(before: Mapping[str, str], patch: Mapping[str, str | None] | None) -> dict[str, str]:
    """Merge texts into others: a null takes one away, and null as a whole all."""
    if patch is None:
        return {}
    merged = {**before, **patch}
    return {name: text for name, text in merged.items() if text is not None}


def placed(asked: Mapping[str, Any], present: Placement, default: Placement) -> Placement:
    """Say where a credential goes: what is not said stays, and null stands for the default.

    A header that is another one brings its own prefix along.
    """
    header = asked.get("header", present.header) or default.header
    if asked.get("prefix") is not None:
        return Placement(header, asked["prefix"])
    if "prefix" not in asked and header.lower() == present.header.lower():
        return Placement(header, present.prefix)
    if header.lower() == default.header.lower():
        return Placement(header, default.prefix)
    return Placement.named(header)


def shown(stored: Credential | None) -> llm_shown.Credential | None:
    """Write a credential, without its secret."""
    if stored is None:
        return None
    of_kind: dict[str, Any] = dict.fromkeys(MEMBERS_OF_KINDS.keys() - {"secret"})
    match stored.held:
        case SecretReference(uri=uri, hints=hints):
            of_kind |= {"reference": uri, "hints": dict(hints)}
        case GoogleAdc(scopes=scopes, quota_project_id=project):
            of_kind |= {"scopes": list(scopes), "quota_project_id": project}
        case None:
            pass
    place = stored.placement
    return llm_shown.Credential(
        kind=stored.kind,
        header=place.header,
        prefix=place.prefix,
        labels=dict(stored.labels),
        **of_kind,
    )
