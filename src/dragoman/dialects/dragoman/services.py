"""The use cases that the routes call."""

from msgspec import Struct

from dragoman.domain.ports import Clock
from dragoman.registry.credential_state import CredentialStates
from dragoman.registry.identity import Identities
from dragoman.registry.keys import Keys
from dragoman.registry.llms import LLMs
from dragoman.registry.organizations import Organizations
from dragoman.registry.page_tokens import PageTokens
from dragoman.registry.principals import Principals
from dragoman.registry.trail import Trail


class Services(Struct, frozen=True, kw_only=True):
    """Everything that this dialect needs of the registry."""

    llms: LLMs
    credential_states: CredentialStates
    organizations: Organizations
    principals: Principals
    keys: Keys
    trail: Trail
    identities: Identities
    page_tokens: PageTokens
    clock: Clock
