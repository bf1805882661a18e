"""What is known of a model, found by its identifier."""

from collections.abc import Mapping
from functools import cache, cached_property
from importlib import resources
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from dragoman.catalogue.words import words
from dragoman.domain.llm import Capability, Modality


class Family(Struct, frozen=True, kw_only=True):
    """What is known of a model by its family; what is not known is left out."""

    name: str
    capabilities: Mapping[Capability, bool]
    modalities: tuple[Modality, ...]
    max_context_length: int | None
    """[tokens]."""


class Source(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where what entries say can be looked up, or was copied from."""

    url: str
    date: str
    """The day on which its entries were last gone over, as 2026-11-21."""
    licence: str | None = None
    """Of what was copied; a fact that is only stated here needs none."""


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What one source says of all models whose name begins with the words of this one."""

    source: str
    family: str | None = None
    """The name to show; its own where it is left out."""
    capabilities: dict[Capability, bool] = {}
    modalities: tuple[Modality, ...] = ()
    max_context_length: Annotated[int, Meta(ge=1)] | None = None


class Catalogue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """Everything that is known, as the data file has it."""

    sources: dict[str, Source]
    before_names: tuple[str, ...]
    """What stands before a model's name without being of it: makers, regions, `ft`."""
    models: dict[str, Entry]

    def family_of(self, model: str) -> Family | None:
        """Find what is known of a model: of its own name, else of the longest beginning of it.

        Looks at what follows the last slash, in any case and with any separators.
        """
        name = words(model.rstrip("/").rpartition("/")[2])
        longest: tuple[str, ...] = ()
        for start in range(len(name)):
            last = min(len(name), start + self._most_words)
            for end in range(last, start + len(longest), -1):
                if name[start:end] in self._by_words:
                    longest = name[start:end]
                    break
            if name[start] not in self._before:
                break
        return self._by_words.get(longest)

    @cached_property
    def _before(self) -> frozenset[str]:
        return frozenset(word for name in self.before_names for word in words(name))

    @cached_property
    def _most_words(self) -> int:
        return max(map(len, self._by_words), default=0)

    @cached_property
    def _by_words(self) -> dict[tuple[str, ...], Family]:
        return {words(name): _family(name, entry) for name, entry in self.models.items()}


def family_of(model: str) -> Family | None:
    """Find what is known of a model; None where its family is unknown."""
    return shipped().family_of(model)


@cache
def shipped() -> Catalogue:
    """Read the data file, when it is first asked for."""
    data = resources.files(__package__).joinpath("catalogue.json").read_bytes()
    return msgspec.json.decode(data, type=Catalogue)


def _family(name: str, entry: Entry) -> Family:
    return Family(
        name=entry.family or name,
        capabilities=entry.capabilities,
        modalities=entry.modalities,
        max_context_length=entry.max_context_length,
    )
