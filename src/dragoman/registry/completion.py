"""What an older version did not store, and only a process that has the keys can add."""

import secrets as chance

import msgspec

from dragoman.domain.deployment import Deployment
from dragoman.domain.errors import CredentialUnusable
from dragoman.domain.llm import LLM
from dragoman.domain.ports import WriteWork
from dragoman.registry.secrets import Secrets
from dragoman.vault.digests import Digests, new_digest_key
from dragoman.vault.envelope import Vault
from dragoman.vault.secret import Secret

LLMS_AT_ONCE = 200


async def complete(work: WriteWork, vault: Vault, deployment: Deployment) -> None:
    """Add the digest key of an installation and the connection keys of its LLMs.

    Does nothing where they are there. Raises CredentialUnusable where the digest key is.
    """
    if deployment.digest_key is not None:
        return
    sealed = new_digest_key(vault)
    await work.deployment.replace(msgspec.structs.replace(deployment, digest_key=sealed))
    digests, secrets = Digests(vault, sealed), Secrets(vault)
    while llms := await work.llms.unfingerprinted(limit=LLMS_AT_ONCE):
        for llm in llms:
            key = digests.connection(llm, _opened(secrets, llm))
            await work.llms.replace(msgspec.structs.replace(llm, connection_key=key))


def _opened(secrets: Secrets, llm: LLM) -> Secret | None:
    """Open an LLM's credential. One that does not open is like no other, and hinders no start."""
    try:
        return secrets.opened(llm)
    except CredentialUnusable:
        return Secret(chance.token_hex())
