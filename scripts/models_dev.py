"""Reads models.dev: what it publishes (api.json), or a checkout of its repository.

The format is described in the README of github.com/anomalyco/models.dev (2026-07).
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from dragoman.catalogue.words import words

URL = "https://models.dev/api.json"

PROVIDERS = (
    *("openai", "anthropic", "google", "xai", "mistral", "deepseek", "cohere", "alibaba"),
    *("moonshotai", "zai", "minimax", "llama", "perplexity", "xiaomi", "stepfun", "upstage"),
    *("groq", "togetherai", "fireworks-ai", "deepinfra", "huggingface", "ollama-cloud"),
)
"""Whom to believe about a model of one name: makers first, then those who serve open weights.

Resellers are left out: they repeat the makers, and have names such as `auto` and `free`.
"""

Models = Mapping[str, Mapping[str, Any]]


class Modalities(Struct, frozen=True):
    """Kinds of content; there are more of them than the registry has words for."""

    input: tuple[str, ...] = ()
    output: tuple[str, ...] = ()


class Limit(Struct, frozen=True):
    """Sizes [tokens]; 0 where nobody knows."""

    context: int = 0


class Model(Struct, frozen=True):
    """What models.dev says of one model at one provider, as far as it is of use here."""

    tool_call: bool | None = None
    temperature: bool | None = None
    modalities: Modalities = Modalities()
    limit: Limit = Limit()


def published(text: bytes) -> dict[str, Model]:
    """Read an api.json."""
    return _believed({name: each["models"] for name, each in msgspec.json.decode(text).items()})


def checked_out(folder: Path) -> dict[str, Model]:
    """Read a checkout."""
    return _believed({name: dict(_provider(folder, name)) for name in PROVIDERS})


def _believed(providers: Mapping[str, Models]) -> dict[str, Model]:
    """Take each name once, in its first spelling; what stands before a slash is no part of it."""
    found: dict[tuple[str, ...], tuple[str, Model]] = {}
    for provider in PROVIDERS:
        for identifier, members in sorted(providers.get(provider, {}).items()):
            name = identifier.rpartition("/")[2].partition(":")[0]
            found.setdefault(words(name), (name, msgspec.convert(members, Model)))
    return dict(found.values())


def _provider(folder: Path, provider: str) -> Iterator[tuple[str, dict[str, Any]]]:
    models = folder / "providers" / provider / "models"
    for path in models.rglob("*.toml"):
        identifier = path.relative_to(models).as_posix().removesuffix(".toml")
        yield identifier, _inherited(folder, tomllib.loads(path.read_text()))


def _inherited(folder: Path, members: dict[str, Any]) -> dict[str, Any]:
    """Add what a provider's model takes over from the description of the model itself."""
    if "base_model" not in members:
        return members
    base = tomllib.loads((folder / "models" / f"{members['base_model']}.toml").read_text())
    merged = base | members
    for path in members.get("base_model_omit", ()):
        *tables, last = path.split(".")
        table = merged
        for name in tables:
            table = table.get(name, {})
        table.pop(last, None)
    return merged
