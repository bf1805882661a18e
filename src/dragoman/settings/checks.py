"""What a setting's text must be. Of those that may hold a secret, no message quotes anything."""

import ipaddress
from collections.abc import Callable, Mapping

from dragoman.domain.egress_proxy import parse_egress_proxy
from dragoman.domain.principal import Role
from dragoman.domain.url import ascii_host, url_problem


class SettingsError(ValueError):
    """A setting that cannot be used; the message names the variable and what it takes."""


def _database_url(url: str) -> None:
    """Refuse what cannot be meant."""
    scheme, separator, rest = url.partition("://")
    if scheme not in {"postgresql", "postgres"} or not separator:
        raise SettingsError(
            "DRAGOMAN_DATABASE_URL: expected a URL that begins with postgresql:// or postgres://; "
            "leave the variable out to use SQLite in the data directory."
        )
    # Where a password's own '@' or '/' stands as it is, the rest would be taken for a host's name.
    before, at, after = rest.partition("@")
    if "@" in after or (at and any(end in before for end in "/?#")):
        raise SettingsError(
            "DRAGOMAN_DATABASE_URL: write special characters of the user and the password as "
            "%40 for '@', %2F for '/', %3F for '?' and %23 for '#'."
        )


def _egress_proxy(url: str) -> None:
    try:
        parse_egress_proxy(url)
    except ValueError as error:
        raise SettingsError(f"DRAGOMAN_EGRESS_PROXY: {error}.") from None


def networks(text: str) -> list[str]:
    """Read the networks that may be called. Raises SettingsError."""
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    for entry in entries:
        try:
            ipaddress.ip_network(entry)
        except ValueError:
            raise SettingsError(
                f"DRAGOMAN_EGRESS_ALLOW: '{entry}' is not a network; write networks such as "
                "127.0.0.0/8 or 10.1.2.3/32, separated by commas."
            ) from None
    return entries


def hosts(text: str) -> list[str]:
    """Read the hosts that are told of traces. Raises SettingsError."""
    entries = [entry.strip().lower() for entry in text.split(",") if entry.strip()]
    for entry in entries:
        if entry != "*" and ascii_host(entry.removeprefix("*.")) != entry.removeprefix("*."):
            raise SettingsError(
                f"DRAGOMAN_TRACE_HOSTS: '{entry}' is not a host; write names such as "
                "vllm.internal, *.internal for all below it, or * for all, separated by commas."
            )
    return entries


def roles(text: str) -> list[str]:
    """Read the roles that see credentials' descriptions. Raises SettingsError."""
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if not {*entries} <= {*Role}:
        raise SettingsError(
            f"DRAGOMAN_CREDENTIAL_READERS: expected roles, separated by commas: {', '.join(Role)}."
        )
    return entries


def _vault_address(url: str) -> None:
    problem = url_problem(url) or ("must not have a query (?…)" if "?" in url else None)
    if problem is not None:
        raise SettingsError(
            f"DRAGOMAN_VAULT_ADDRESS: {problem}; write it like https://vault.internal:8200."
        )


def _vault_token(token: str) -> None:
    if not is_header_word(token):
        raise SettingsError(
            "DRAGOMAN_VAULT_TOKEN: expected printable ASCII without spaces and line breaks."
        )


def _vault_namespace(name: str) -> None:
    if not is_header_word(name):
        raise SettingsError("DRAGOMAN_VAULT_NAMESPACE: expected a namespace such as team-a/llms.")


def _google_token_endpoint(url: str) -> None:
    problem = url_problem(url)
    if problem is None and not url.lower().startswith("https://"):
        problem = "must begin with https://"
    if problem is not None:
        raise SettingsError(f"DRAGOMAN_GOOGLE_TOKEN_ENDPOINT: {problem}.")


def is_header_word(text: str) -> bool:
    """Tell whether a text can stand in a header as one word."""
    return text != "" and text.isascii() and text.isprintable() and " " not in text


OF_ONE: Mapping[str, Callable[[str], None]] = {
    "database_url": _database_url,
    "egress_proxy": _egress_proxy,
    "vault_address": _vault_address,
    "vault_token": _vault_token,
    "vault_namespace": _vault_namespace,
    "google_token_endpoint": _google_token_endpoint,
}
"""Checks of settings of which the type does not say enough. Each raises SettingsError."""
