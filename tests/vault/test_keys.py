"""A keyring file is read back as it was written, and a damaged one is refused."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.vault.keys import HEADER, Keyring, KeyringError, key_id

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
OLD_LINE, NEW_LINE = f"{key_id(OLD)} {OLD.hex()}", f"{key_id(NEW)} {NEW.hex()}"

keys = st.binary(min_size=32, max_size=32)

DAMAGED = {
    "an id alone": key_id(NEW),
    "a key alone": NEW.hex(),
    "a key that is too short": NEW_LINE[:-2],
    "a key that lost a digit": NEW_LINE[:-1],
    "a key that is too long": f"{NEW_LINE}00",
    "a key that is no hexadecimal": f"{NEW_LINE[:-1]}g",
    "full-width digits": f"{NEW_LINE[:-1]}\uff11",
    "another separator": NEW_LINE.replace(" ", ":"),
    "a comment at the end": f"{NEW_LINE} # new",
    "a comment that is none": f"- {NEW_LINE}",
    "base64": f"{key_id(NEW)} ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=",
    "YAML": f"active: {key_id(NEW)}",
}

MISMATCHED = {
    "another key's id": f"{key_id(OLD)} {NEW.hex()}",
    "one digit of the key changed": f"{NEW_LINE[:-1]}e",
    "one digit of the id changed": "kek_0" + NEW_LINE[5:],
    "an id in upper case": f"{key_id(NEW).upper()} {NEW.hex()}",
    "a text that is no id": f"x {NEW.hex()}",
}


@given(st.lists(keys, min_size=1, max_size=4, unique=True))
def test_what_is_written_is_read_back(written: list[bytes]) -> None:
    keyring = Keyring({key_id(key): key for key in written})
    again = Keyring.parse(keyring.to_text())
    assert again.active_id == keyring.active_id == key_id(written[0])
    assert again.ids == keyring.ids
    assert [again.get(key_id(key)) for key in written] == written
    assert again.to_text() == keyring.to_text()


def test_the_file_says_what_it_is_and_has_one_key_a_line() -> None:
    keyring = Keyring({key_id(OLD): OLD, key_id(NEW): NEW})
    assert keyring.to_text() == f"{HEADER}{OLD_LINE}\n{NEW_LINE}\n"
    assert HEADER.startswith("# ")


def test_comments_and_empty_lines_and_foreign_line_ends_do_not_matter() -> None:
    keyring = Keyring.parse(f"# made today\r\n\r\n  {NEW_LINE}  \r\n\n# {OLD_LINE}\n")
    assert keyring.ids == {key_id(NEW)}


class TestReading:
    def test_a_keyring_is_read_from_its_file(self, tmp_path: Path) -> None:
        path = tmp_path / "kek"
        path.write_text(Keyring.parse(NEW_LINE).to_text())
        assert Keyring.read(path).ids == {key_id(NEW)}

    @pytest.mark.parametrize(
        "damaged",
        [b"", b"\0" * 64, NEW_LINE.encode("utf-16"), b"\xef\xbb\xbf" + NEW_LINE.encode(), b"\xff"],
        ids=ascii,
    )
    def test_a_file_that_is_damaged_is_refused(self, tmp_path: Path, damaged: bytes) -> None:
        path = tmp_path / "kek"
        path.write_bytes(damaged)
        with pytest.raises(KeyringError, match=r"restore .* from a backup"):
            Keyring.read(path)

    def test_a_file_that_is_missing_is_not_taken_for_an_empty_one(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            Keyring.read(tmp_path / "kek")


def test_the_first_key_seals_and_all_open() -> None:
    before = Keyring.parse(OLD_LINE)
    added = Keyring.parse(f"{OLD_LINE}\n{NEW_LINE}")
    promoted = Keyring.parse(f"{NEW_LINE}\n{OLD_LINE}")
    assert before.active_id == added.active_id == key_id(OLD)
    assert promoted.active_id == key_id(NEW)
    assert added.ids == promoted.ids == {key_id(OLD), key_id(NEW)}
    assert promoted.get(key_id(OLD)) == OLD
    assert before.get(key_id(NEW)) is None


def test_a_key_that_stands_twice_counts_once() -> None:
    assert Keyring.parse(f"{NEW_LINE}\n{OLD_LINE}\n{NEW_LINE}").active_id == key_id(NEW)


@pytest.mark.parametrize("line", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_line_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(KeyringError, match=r"^line 2 of the keyring file is not an id and 64 hex"):
        Keyring.parse(f"{OLD_LINE}\n{line}\n")


@pytest.mark.parametrize("line", MISMATCHED.values(), ids=MISMATCHED)
def test_a_key_that_is_not_the_one_its_id_names_is_refused(line: str) -> None:
    with pytest.raises(KeyringError, match=r"^line 2 of .* the key is not the one its id names"):
        Keyring.parse(f"{OLD_LINE}\n{line}\n")


@pytest.mark.parametrize("text", ["", "\n\n", HEADER, "# kek_0 00\n"], ids=repr)
def test_a_file_without_a_key_is_refused(text: str) -> None:
    with pytest.raises(KeyringError, match="holds no key; restore it from a backup"):
        Keyring.parse(text)


@pytest.mark.parametrize("line", [*DAMAGED.values(), *MISMATCHED.values()])
def test_no_message_quotes_a_key(line: str) -> None:
    with pytest.raises(KeyringError) as refused:
        Keyring.parse(line)
    assert NEW.hex()[:8] not in str(refused.value)


@given(keys, st.integers(0, 255))
def test_an_id_tells_keys_apart_and_nothing_about_them(key: bytes, bit: int) -> None:
    other = (int.from_bytes(key, "big") ^ 1 << bit).to_bytes(32, "big")
    assert key_id(key) != key_id(other)
    assert key_id(key).removeprefix("kek_") not in {key.hex(), hashlib.sha256(key).hexdigest()[:16]}


def test_an_id_never_changes_its_meaning() -> None:
    assert key_id(OLD) == "kek_fe32f6a8f6730979"


def test_generated_keys_are_fresh() -> None:
    generated = [Keyring.generate() for _ in range(3)]
    assert len({keyring.active_id for keyring in generated}) == 3
    for keyring in generated:
        key = keyring.get(keyring.active_id)
        assert key is not None
        assert len(key) == 32
        assert key_id(key) == keyring.active_id


def test_a_keyring_shows_ids_and_no_keys() -> None:
    assert repr(Keyring.parse(f"{OLD_LINE}\n{NEW_LINE}")) == (
        f"Keyring({key_id(OLD)}, {key_id(NEW)})"
    )


def test_a_keyring_does_not_change_with_what_it_was_made_of() -> None:
    made_of = {key_id(OLD): OLD}
    keyring = Keyring(made_of)
    made_of.clear()
    assert keyring.get(key_id(OLD)) == OLD
