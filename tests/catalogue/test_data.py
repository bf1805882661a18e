"""The data file is in order, and says where it is from."""

import json
import re
from datetime import date
from importlib import resources
from itertools import pairwise

import pytest

from dragoman.catalogue.catalogue import Entry, shipped
from dragoman.catalogue.words import words
from dragoman.domain.llm import Modality
from scripts.refresh_catalogue import SNAPSHOT, SNAPSHOT_LICENCE, written

FOLDER = resources.files("dragoman.catalogue")
TEXT = FOLDER.joinpath("catalogue.json").read_text()
MAX_BYTES = 300_000
LONGEST_CONTEXT = 20_000_000


def test_the_file_is_as_the_refresh_writes_it() -> None:
    assert written(shipped()) == TEXT


def test_it_stays_small_enough_to_be_read_at_a_start() -> None:
    assert len(TEXT) < MAX_BYTES


@pytest.mark.parametrize("section", ["models", "sources"])
def test_entries_are_in_alphabetical_order_and_none_is_written_twice(section: str) -> None:
    pairs = dict(json.loads(TEXT, object_pairs_hook=list))[section]
    assert all(before < after for (before, _), (after, _) in pairwise(pairs))


def test_no_two_names_are_the_same_words() -> None:
    assert len({words(name) for name in shipped().models}) == len(shipped().models)


def test_every_entry_has_a_source_and_every_source_an_entry() -> None:
    assert {entry.source for entry in shipped().models.values()} == set(shipped().sources)


def test_every_source_has_an_address_and_a_day() -> None:
    for source in shipped().sources.values():
        assert re.fullmatch(r"https://\S+", source.url)
        assert date.fromisoformat(source.date) >= date(2026, 7, 1)


def test_what_was_copied_is_named_in_the_notice() -> None:
    notice = FOLDER.joinpath("NOTICE").read_text()
    copied = {name for name, each in shipped().sources.items() if each.licence}
    assert copied <= {SNAPSHOT}
    assert SNAPSHOT in notice
    assert f"{SNAPSHOT_LICENCE} License" in notice


@pytest.mark.parametrize(("name", "entry"), shipped().models.items())
def test_what_an_entry_says_is_possible(name: str, entry: Entry) -> None:
    assert entry.max_context_length is None or 512 <= entry.max_context_length <= LONGEST_CONTEXT
    assert entry.modalities == tuple(kind for kind in Modality if kind in entry.modalities)
    assert entry.family != name
    assert words(name)
