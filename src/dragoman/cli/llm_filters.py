"""Which LLMs `dragoman llm list` shows."""

from dataclasses import dataclass
from typing import Annotated

import typer

from dragoman.domain.llm import ProtocolName, Provider

ME = "me"


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What must hold for an LLM to be listed; None asks nothing."""

    protocol: Annotated[ProtocolName | None, typer.Option(help="Only of this protocol.")] = None
    provider: Annotated[Provider | None, typer.Option(help="Only of this provider.")] = None
    model: Annotated[str | None, typer.Option(help="Only of this model.")] = None
    name: Annotated[str | None, typer.Option(help="Only of this name.")] = None
    enabled: Annotated[
        bool | None, typer.Option("--enabled/--disabled", help="Only those that may be called.")
    ] = None
    label: Annotated[
        str | None, typer.Option(help="Only with such labels: 'env=prod, tier!=test, !old'.")
    ] = None
    search: Annotated[str | None, typer.Option(help="Only with this text in them.")] = None
    owner: Annotated[str | None, typer.Option(help="Only of this principal: its id, or 'me'.")] = (
        None
    )
    platform: Annotated[
        bool, typer.Option("--platform/--no-platform", help="Also those of the operator.")
    ] = True

    def query(self, own_id: str | None) -> list[tuple[str, str]]:
        """Write the filters for the server; `own_id` is who asks."""
        texts = {
            "protocol": self.protocol and self.protocol.value,
            "provider": self.provider and self.provider.value,
            "model": self.model,
            "display_name": self.name,
            "enabled": None if self.enabled is None else str(self.enabled).lower(),
            "labels": self.label,
            "search": self.search,
            "owner_id": own_id if self.owner == ME else self.owner,
            "include_platform": None if self.platform else "false",
        }
        return [(name, text) for name, text in texts.items() if text is not None]
