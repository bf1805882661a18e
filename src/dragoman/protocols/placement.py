"""Which header of a wire format carries the credential."""

from collections.abc import Mapping
from types import MappingProxyType

from dragoman.domain.credential import GoogleAdc, Held, Placement
from dragoman.domain.llm import ProtocolName

BEARER = Placement("Authorization", "Bearer ")

_OTHERS: Mapping[ProtocolName, Placement] = MappingProxyType(
    {
        # learn.microsoft.com, Azure OpenAI REST API reference, "Authentication" (2026-11)
        ProtocolName.AZURE_OPENAI: Placement("api-key"),
        # ai.google.dev, Gemini API reference, "Authentication" (2026-11); never in the URL
        ProtocolName.GEMINI: Placement("x-goog-api-key"),
        # docs.anthropic.com, API overview, "Authentication" (2026-11)
        ProtocolName.ANTHROPIC: Placement("x-api-key"),
    }
)


def placement(protocol: ProtocolName, held: Held | None = None) -> Placement:
    """Give the header that this wire format's servers read the credential from.

    Access tokens are a bearer's whatever the format, also where API keys have another header
    (cloud.google.com/docs/authentication/rest, 2026-11).
    """
    return BEARER if isinstance(held, GoogleAdc) else _OTHERS.get(protocol, BEARER)
