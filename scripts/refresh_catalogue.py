"""Takes what is known of models anew from models.dev, and says what changed.

Entries of src/dragoman/catalogue/catalogue.json with another source are kept by hand: they stay
as they are, and it is said where models.dev sees one of their models differently.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import msgspec

from dragoman.catalogue.catalogue import Catalogue, Entry, Family, Source
from dragoman.catalogue.words import words
from dragoman.domain.llm import Capability, Modality
from scripts import models_dev

DATA = Path(__file__).parent.parent / "src/dragoman/catalogue/catalogue.json"
SNAPSHOT = "models.dev"
SNAPSHOT_LICENCE = "MIT"
TIMEOUT_S = 60

_MOVING = re.compile(r"-(latest|preview)$")
_DATE = re.compile(r"[-@](\d{8}|\d{4}-\d\d-\d\d|\d\d-\d{4}|\d\d-\d\d|\d{4})$")
_SIZE = re.compile(r"\d+(\.\d+)?(x\d+)?[bm]")
_NO_LLM = re.compile("embed|rerank")

NOTHING = Family(name="", capabilities={}, modalities=(), max_context_length=None)


def refreshed(before: Catalogue, models: Mapping[str, models_dev.Model], date: str) -> Catalogue:
    """Put what models.dev says in the place of what it said before."""
    made = _with(before, _kept(before), before.sources)
    for name, model in sorted(models.items(), key=lambda item: (len(words(item[0])), item[0])):
        if not _is_llm(name, model) or kept_as(before, name) is not None:
            continue
        nearest = made.family_of(name) or NOTHING
        own_name = _own_name(name, made)
        entry = _entry(own_name, _stated(model), nearest)
        if nearest is NOTHING or _facts(entry) != _facts(nearest):
            made = _with(made, {**made.models, own_name: entry}, made.sources)
    if made.models == before.models:
        return before
    sources = {name: each for name, each in before.sources.items() if name != SNAPSHOT}
    sources[SNAPSHOT] = Source(url=models_dev.URL, date=date, licence=SNAPSHOT_LICENCE)
    return _with(made, made.models, sources)


def kept_as(catalogue: Catalogue, name: str) -> str | None:
    """Find the entry kept by hand that is of this very model."""
    by_words = {words(each): each for each in _kept(catalogue)}
    return by_words.get(words(name)) or by_words.get(words(_MOVING.sub("", name)))


def changes(before: Catalogue, after: Catalogue) -> Iterator[str]:
    """Say what came, went and changed, a line for each model."""
    for name in sorted(before.models.keys() | after.models.keys()):
        old, new = before.models.get(name), after.models.get(name)
        if old is None:
            yield f"+ {name}: {_shown(new)}"
        elif new is None:
            yield f"- {name}"
        elif old != new:
            yield f"~ {name}: {_shown(old)} -> {_shown(new)}"


def disagreements(catalogue: Catalogue, models: Mapping[str, models_dev.Model]) -> Iterator[str]:
    """Say where models.dev states something else than an entry kept by hand."""
    for name, model in sorted(models.items()):
        kept = kept_as(catalogue, name) if _is_llm(name, model) else None
        if kept is None:
            continue
        ours, theirs = catalogue.models[kept], _stated(model)
        lengths = ours.max_context_length, theirs.max_context_length
        kinds = ", ".join(ours.modalities), ", ".join(theirs.modalities)
        facts = [("max_context_length", lengths), ("modalities", kinds)]
        for flag, value in ours.capabilities.items():
            facts.append((flag, (value, theirs.capabilities.get(flag))))
        for what, (here, there) in facts:
            if here not in {None, "", there} and there not in {None, ""}:
                yield f"? {kept}: {what} is {here} here, {there} there"


def written(catalogue: Catalogue) -> str:
    """Write the data file: one line for each source and model, in alphabetical order."""
    members = msgspec.to_builtins(catalogue)
    sections = [f'"before_names": {json.dumps(sorted(catalogue.before_names))}']
    for section in ("models", "sources"):
        lines = [
            f"{json.dumps(name)}: {json.dumps(each, sort_keys=True)}"
            for name, each in sorted(members[section].items())
        ]
        sections.append(f'"{section}": {{\n' + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(sections) + "\n}\n"


def _kept(catalogue: Catalogue) -> dict[str, Entry]:
    return {name: each for name, each in catalogue.models.items() if each.source != SNAPSHOT}


def _with(catalogue: Catalogue, models: dict[str, Entry], sources: dict[str, Source]) -> Catalogue:
    return Catalogue(sources=sources, before_names=catalogue.before_names, models=models)


def _is_llm(name: str, model: models_dev.Model) -> bool:
    """Tell whether a model reads and writes text."""
    kinds = model.modalities
    return "text" in kinds.input and "text" in kinds.output and not _NO_LLM.search(name.lower())


def _stated(model: models_dev.Model) -> Entry:
    flags = {
        Capability.TOOL_CALLING: model.tool_call,
        Capability.SAMPLING_PARAMETERS: model.temperature,
    }
    return Entry(
        source=SNAPSHOT,
        capabilities={flag: value for flag, value in flags.items() if value is not None},
        modalities=tuple(kind for kind in Modality if kind in model.modalities.input),
        max_context_length=model.limit.context or None,
    )


def _entry(name: str, stated: Entry, nearest: Family) -> Entry:
    """Complete what is stated of a model with what is known by the beginning of its name."""
    family = nearest.name or _family_name(name)
    return Entry(
        source=SNAPSHOT,
        family=None if family == name else family,
        capabilities={**nearest.capabilities, **stated.capabilities},
        modalities=stated.modalities or nearest.modalities,
        max_context_length=stated.max_context_length or nearest.max_context_length,
    )


def _facts(known: Entry | Family) -> tuple[object, ...]:
    return known.capabilities, known.modalities, known.max_context_length


def _own_name(name: str, made: Catalogue) -> str:
    """Leave out a date, so that the next one is of the same model; not where that is taken."""
    undated = _undated(name)
    return name if words(undated) in {words(each) for each in made.models} else undated


def _undated(name: str) -> str:
    shorter = _DATE.sub("", _MOVING.sub("", name))
    return name if shorter == name else _undated(shorter)


def _family_name(name: str) -> str:
    """Take a name up to its version: `gpt-5` of `gpt-5-nano`; all of it where there is none."""
    undated = _undated(name)
    whole = words(undated)
    for end in range(1, len(undated) + 1):
        part = words(undated[:end])
        if part and part == whole[: len(part)] and part[-1][0].isdigit():
            is_size = _SIZE.fullmatch(part[-1])
            return undated[: end - len(part[-1])].rstrip("-_ ") if is_size else undated[:end]
    return undated


def _shown(entry: Entry | None) -> str:
    members = msgspec.to_builtins(entry)
    del members["source"]
    return json.dumps(members, sort_keys=True)


def _read(origin: Path | None) -> dict[str, models_dev.Model]:
    if origin is None:
        return models_dev.published(_fetched())
    if (origin / "providers").is_dir():
        return models_dev.checked_out(origin)
    return models_dev.published(origin.read_bytes())


def _fetched() -> bytes:
    try:
        answer = httpx2.get(models_dev.URL, timeout=TIMEOUT_S, follow_redirects=True)
        return answer.raise_for_status().content
    except httpx2.HTTPError as error:
        raise SystemExit(
            f"{models_dev.URL}: {error}. A copy of it can be given with --from."
        ) from None


def main(arguments: list[str] | None = None) -> int:
    """Write the data file anew, or with --check only say what would change."""
    parser = argparse.ArgumentParser(prog="scripts/refresh-catalogue", description=__doc__)
    parser.add_argument(
        "--from",
        dest="origin",
        type=Path,
        metavar="PATH",
        help=f"an api.json or a checkout of models.dev; else {models_dev.URL} is asked",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 on changes")
    parser.add_argument("--data", type=Path, default=DATA, help="the file to refresh")
    today = datetime.now(UTC).date().isoformat()
    parser.add_argument("--date", default=today, help="the day of what is read; else today")
    options = parser.parse_args(arguments)
    before = msgspec.json.decode(options.data.read_bytes(), type=Catalogue)
    models = _read(options.origin)
    after = refreshed(before, models, options.date)
    for line in (*disagreements(before, models), *changes(before, after)):
        print(line)
    is_same = written(after) == options.data.read_text()
    if is_same or options.check:
        return int(not is_same)
    options.data.write_text(written(after))
    return 0


if __name__ == "__main__":
    sys.exit(main())
