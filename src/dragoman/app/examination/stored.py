"""What the database holds: the installation's own row, secrets, LLMs, keys, organizations."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime

from msgspec import Struct

from dragoman.app.examination.finding import Finding, count, ok, problem, some, warning
from dragoman.domain.deployment import Deployment
from dragoman.domain.errors import CredentialUnusable
from dragoman.domain.llm import LLM, ProtocolName
from dragoman.domain.ports import Clock
from dragoman.domain.url import parse_origin, url_problem
from dragoman.protocols import openai_chat
from dragoman.registry.secrets import Secrets
from dragoman.settings import Settings
from dragoman.storage.survey import Survey
from dragoman.upstream.address import named_by
from dragoman.upstream.egress import EgressPolicy, parse_networks
from dragoman.vault.digests import Digests
from dragoman.vault.envelope import Vault
from dragoman.vault.keys import Keyring, KeyringError

MS_PER_DAY = 24 * 60 * 60 * 1000
FUTURE_MS = 60_000
"""Clocks of two machines may differ by so much [ms]."""
EXPIRES_SOON_DAYS = 14

Progress = Callable[[int, int], None]
"""Hears how many of how many LLMs have been looked at."""


class Opened(Struct, frozen=True):
    """What checks of the stored look at."""

    settings: Settings
    survey: Survey
    clock: Clock
    progress: Progress
    keyring: Keyring | None
    deployment: Deployment | None


def key_file(settings: Settings) -> tuple[Keyring | None, Finding]:
    """Read the key file."""
    path = settings.kek_path
    try:
        keyring = Keyring.read(path)
    except FileNotFoundError:
        return None, problem(
            "key file",
            f"There is no key file {path}, and without it no stored credential opens. Restore it "
            "from your copy, or name it in DRAGOMAN_KEK_FILE.",
        )
    except (KeyringError, OSError) as error:
        return None, problem("key file", f"The key file cannot be used: {error}.")
    return keyring, ok("key file", f"{path} can be read; keep a copy of it in another place.")


async def keys_complete(opened: Opened) -> AsyncIterator[Finding]:
    """Look whether every key that something was sealed under is there."""
    if opened.keyring is None:
        return
    missing = await opened.survey.kek_ids() - opened.keyring.ids
    if missing:
        yield problem(
            "key file",
            f"The key file lacks {some(sorted(missing))}, which stored credentials were sealed "
            "under. Add it from your copy of the file.",
        )


async def deployment(opened: Opened) -> AsyncIterator[Finding]:
    """Look at the row that makes a database an installation."""
    row = opened.deployment
    if row is None or row.digest_key is None:
        yield problem(
            "installation",
            "The database does not say which installation it is; 'dragoman serve' completes it.",
        )
        return
    if opened.keyring is None:
        return
    try:
        Digests(Vault(opened.keyring, row.id), row.digest_key)
    except CredentialUnusable:
        yield problem(
            "installation",
            "The installation's own key does not open: database and key file do not belong "
            "together. Name the right key file in DRAGOMAN_KEK_FILE, or restore both from one "
            "backup.",
        )
    else:
        yield ok("installation", f"This is the installation {row.id}.")


async def llms(opened: Opened) -> AsyncIterator[Finding]:
    """Look at every LLM once: whether its secrets open, and whether it could be called."""
    policy = EgressPolicy(parse_networks(",".join(opened.settings.egress_allow)))
    secrets = None
    if opened.keyring is not None and opened.deployment is not None:
        secrets = Secrets(Vault(opened.keyring, opened.deployment.id))
    total = await opened.survey.count_llms()
    unopened, foreign, refused, insecure = [], [], [], []
    looked_at = 0
    async for llm in opened.survey.all_llms():
        told = f"{llm.id} ('{llm.configuration.display_name}')"
        if secrets is not None and not secrets.all_open(llm):
            unopened.append(told)
        if llm.configuration.protocol not in openai_chat.SPOKEN_BY | {ProtocolName.NONE}:
            foreign.append(told)
        if any(_refusals(llm, policy)):
            refused.append(told)
        elif _goes_in_plain(llm, opened.settings):
            insecure.append(told)
        looked_at += 1
        opened.progress(looked_at, total)
    if secrets is not None:
        yield _secrets_finding(total, unopened)
    for found in _callable_findings(foreign, refused, insecure):
        yield found
    if not (foreign or refused or insecure):
        yield ok("llms", f"Nothing stands in the way of calling {count(total, 'LLM')}.")


def _secrets_finding(total: int, unopened: list[str]) -> Finding:
    if unopened:
        return problem(
            "secrets",
            f"The stored secrets of {len(unopened)} of {count(total, 'LLM')} do not open: "
            f"{some(unopened)}. Restore the key file that they were sealed under, or register "
            "these secrets again.",
        )
    return ok("secrets", f"Every stored secret of {count(total, 'LLM')} opens.")


def _callable_findings(
    foreign: list[str], refused: list[str], insecure: list[str]
) -> Iterator[Finding]:
    if foreign:
        yield warning(
            "llms",
            f"This version cannot call the protocol of {count(len(foreign), 'LLM')}: "
            f"{some(foreign)}. What is registered stays; a later version may call it.",
        )
    if refused:
        yield warning(
            "llms",
            f"DRAGOMAN_EGRESS_ALLOW does not open the URLs of {count(len(refused), 'LLM')}: "
            f"{some(refused)}. List their networks there, or register other URLs.",
        )
    if insecure:
        yield warning(
            "llms",
            "A credential is sent over plain http only to networks in DRAGOMAN_EGRESS_ALLOW, which "
            f"lists none; so calls of {count(len(insecure), 'LLM')} are refused: "
            f"{some(insecure)}. Use https, or list their networks.",
        )


async def clock(opened: Opened) -> AsyncIterator[Finding]:
    """Look whether something has happened that has yet to happen."""
    newest_ms = await opened.survey.newest_audit_ms()
    ahead_ms = (newest_ms or 0) - opened.clock.now_ms()
    if ahead_ms > FUTURE_MS:
        yield warning(
            "clock",
            f"The newest entry of the audit trail is {ahead_ms // 1000} s ahead of this machine's "
            "clock, which is wrong or was; set it by NTP.",
        )
    else:
        yield ok("clock", "The clock is not behind the audit trail.")


async def expiring_keys(opened: Opened) -> AsyncIterator[Finding]:
    """Look for API keys that end soon."""
    now_ms = opened.clock.now_ms()
    soon = await opened.survey.keys_ending(now_ms, now_ms + EXPIRES_SOON_DAYS * MS_PER_DAY)
    if soon:
        told = some(
            f"'{name}' of '{organization}' on {datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}"
            for name, organization, at_ms in soon
        )
        yield warning(
            "api keys",
            f"{count(len(soon), 'API key')} will end within {EXPIRES_SOON_DAYS} days: {told}. Make "
            "others with 'dragoman key create'.",
        )
    else:
        yield ok("api keys", f"No API key ends within {EXPIRES_SOON_DAYS} days.")


async def administrators(opened: Opened) -> AsyncIterator[Finding]:
    """Look for organizations that nobody can administer through the API."""
    names = await opened.survey.organizations_without_admin(opened.clock.now_ms())
    if names:
        yield warning(
            "organizations",
            f"Nobody has an admin API key of {count(len(names), 'organization')}: {some(names)}. "
            "Make one with 'dragoman key create --role admin --org … --name …'.",
        )
    else:
        yield ok("organizations", "Every organization has an admin API key.")


def _refusals(llm: LLM, policy: EgressPolicy) -> Iterator[str]:
    carries = llm.credential is not None or bool(llm.headers)
    for endpoint in llm.configuration.endpoints:
        reason = url_problem(endpoint.url) or policy.url_refusal(
            endpoint.url, carries_credential=carries
        )
        if reason is not None:
            yield reason


def _goes_in_plain(llm: LLM, settings: Settings) -> bool:
    """Tell whether a secret would go over plain http to a host that nothing can have opened."""
    if settings.egress_allow or (llm.credential is None and not llm.headers):
        return False
    origins = [parse_origin(endpoint.url) for endpoint in llm.configuration.endpoints]
    return any(origin.scheme == "http" and not named_by(origin.host) for origin in origins)
