"""What is secret about an LLM: sealed when it comes, sealed again when its use gets narrower."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

import msgspec

from dragoman.domain.credential import Credential, ExtraHeader, Held, Placement, Sealed
from dragoman.domain.errors import CredentialUnusable, Invalid, Problem
from dragoman.domain.llm import LLM
from dragoman.protocols.placement import placement
from dragoman.registry.asked import KEPT, AskedCredential, Draft, Edit
from dragoman.vault.envelope import Vault, binding, header_binding
from dragoman.vault.secret import Secret

T = TypeVar("T")


class Secrets:
    """Gives LLMs their sealed credential and headers."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def of_new(self, llm: LLM, draft: Draft) -> LLM:
        """Seal what a new LLM comes with. Raises Invalid where a credential has no secret."""
        return _sent_once(
            msgspec.structs.replace(
                llm,
                credential=self._new_credential(llm, draft.credential),
                headers=tuple(
                    self._sealed_header(llm, name, 1, value)
                    for name, value in sorted(_by_name(draft.headers).items())
                ),
            )
        )

    def of_changed(self, current: LLM, proposed: LLM, edit: Edit) -> LLM:
        """Seal what an update brings, and bind again what it keeps.

        Raises Invalid (`secret_required`) where something stored would be sent elsewhere.
        """
        return _sent_once(
            msgspec.structs.replace(
                proposed,
                credential=self._next_credential(current, proposed, edit),
                headers=tuple(self._next_headers(current, proposed, _by_name(edit.headers))),
            )
        )

    def opened(self, llm: LLM) -> Secret | None:
        """Open an LLM's credential, if it is sealed here. Raises CredentialUnusable."""
        stored = llm.credential
        if stored is None or stored.sealed is None:
            return None
        return self._vault.open(stored.sealed, binding(llm, stored.placement, stored.generation))

    def opened_header(self, llm: LLM, header: ExtraHeader) -> Secret:
        """Open the value of one of an LLM's headers. Raises CredentialUnusable."""
        return self._vault.open(header.sealed, header_binding(llm, header.name, header.generation))

    def all_open(self, llm: LLM) -> bool:
        """Tell whether everything that is secret about an LLM opens."""
        try:
            self.opened(llm)
            for header in llm.headers:
                self.opened_header(llm, header)
        except CredentialUnusable:
            return False
        return True

    def _new_credential(self, llm: LLM, asked: AskedCredential | None) -> Credential | None:
        if asked is None:
            return None
        place = asked.placement or placement(llm.configuration.protocol, asked.held)
        if asked.held is None and asked.secret is None:
            raise Invalid(
                Problem(("secret",), "is missing; a credential consists of it", "secret_required")
            )
        return self._brought(llm, asked, Credential(place, 1, labels=asked.labels or {}))

    def _next_credential(self, current: LLM, proposed: LLM, edit: Edit) -> Credential | None:
        stored, asked = current.credential, edit.credential
        if asked is None:
            return None
        if stored is None:
            return None if asked is KEPT else self._new_credential(proposed, asked)
        asked = AskedCredential() if asked is KEPT else asked
        is_another = _brings_another(asked, stored)
        held = asked.held if is_another else stored.held
        place = asked.placement or _next_placement(current, proposed, stored, held)
        labels = stored.labels if asked.labels is None else asked.labels
        kept = msgspec.structs.replace(stored, placement=place, labels=labels)
        if is_another:
            following = msgspec.structs.replace(kept, generation=stored.generation + 1)
            return self._brought(proposed, asked, following)
        if stored.sealed is None:
            return kept  # where it may go, its grant says
        old = binding(current, stored.placement, stored.generation)
        new = binding(proposed, place, stored.generation)
        sealed = stored.sealed if old == new else self._vault.rebind(stored.sealed, old, new)
        return msgspec.structs.replace(kept, sealed=sealed)

    def _brought(self, llm: LLM, asked: AskedCredential, credential: Credential) -> Credential:
        """Give a credential the secret that a request brings, or the name of the one it means."""
        sealed: Sealed | None = None
        if asked.secret is not None:
            bound = binding(llm, credential.placement, credential.generation)
            sealed = self._vault.seal(asked.secret, bound)
        return msgspec.structs.replace(credential, sealed=sealed, held=asked.held)

    def _next_headers(
        self, current: LLM, proposed: LLM, asked: Mapping[str, Secret | None]
    ) -> Iterator[ExtraHeader]:
        stored = {header.name: header for header in current.headers}
        for name in sorted(stored.keys() | asked.keys()):
            if name not in asked:
                yield self._rebound_header(current, proposed, stored[name])
            elif (value := asked[name]) is not None:
                generation = stored[name].generation if name in stored else 0
                yield self._sealed_header(proposed, name, generation + 1, value)

    def _rebound_header(self, current: LLM, proposed: LLM, header: ExtraHeader) -> ExtraHeader:
        old = header_binding(current, header.name, header.generation)
        new = header_binding(proposed, header.name, header.generation)
        if old == new:
            return header
        sealed = self._vault.rebind(header.sealed, old, new, ("headers", header.name))
        return msgspec.structs.replace(header, sealed=sealed)

    def _sealed_header(self, llm: LLM, name: str, generation: int, value: Secret) -> ExtraHeader:
        sealed = self._vault.seal(value, header_binding(llm, name, generation))
        return ExtraHeader(name, generation, sealed)


def _brings_another(asked: AskedCredential, stored: Credential) -> bool:
    return asked.secret is not None or (asked.held is not None and asked.held != stored.held)


def _sent_once(llm: LLM) -> LLM:
    """Refuse a credential and an extra header in one place: which counts is anybody's guess."""
    stored = llm.credential
    if stored and stored.placement.header.lower() in {header.name for header in llm.headers}:
        message = "is an extra header of this LLM too; take that one away, or name another one"
        raise Invalid(Problem(("credential", "header"), message, "duplicate"))
    return llm


def _by_name(headers: Mapping[str, T]) -> dict[str, T]:
    """Name each header in the one way in which it is stored: case means nothing there."""
    return {name.lower(): value for name, value in headers.items()}


def _next_placement(
    current: LLM, proposed: LLM, stored: Credential, held: Held | None
) -> Placement:
    """Let the credential stay where it is, unless that was decided by what changes now."""
    before = placement(current.configuration.protocol, stored.held)
    if stored.placement == before:
        return placement(proposed.configuration.protocol, held)
    return stored.placement
