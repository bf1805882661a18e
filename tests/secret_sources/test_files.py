"""`file:///path`: regular files below one folder, through links that stay inside of it."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from dragoman.domain.errors import CredentialUnusable
from dragoman.secret_sources import remembered
from dragoman.secret_sources.files import FRESH_FOR_MS, MAX_FILE_BYTES, FileSecrets
from tests.registry.installation import SetClock

SECRET = "sk-canary-4f1d7c"
GRACE_MS = 60_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder of secrets, and something beside it."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "key").write_text(SECRET)
    made = tmp_path / "secrets"
    made.mkdir()
    return made


@pytest.fixture
def source(folder: Path, clock: SetClock) -> FileSecrets:
    closed = [folder / "kek", folder / "data"]
    return FileSecrets(folder, closed=closed, clock=clock, grace_ms=GRACE_MS)


async def lent(source: FileSecrets, path: Path | str) -> str | None:
    given = await source.fetch(f"file://{path}")
    return given.secret.reveal() if given else None


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"sk-one", "sk-one"),
        (b"sk-one\n", "sk-one"),
        (b"sk-one\r\n", "sk-one"),
        (b"sk-one\n\n", "sk-one\n"),
        (b"sk-one\r", "sk-one\r"),
        (b" sk one ", " sk one "),
        ("sk-ä".encode(), "sk-ä"),
        (b"x" * MAX_FILE_BYTES, "x" * MAX_FILE_BYTES),
        (b"x" * (MAX_FILE_BYTES + 1), None),
        (b"sk-\xff", None),
        (b"", None),
        (b"\n", None),
        (b"\r\n", None),
    ],
)
async def test_a_file_is_lent_without_the_line_break_at_its_end(
    source: FileSecrets, folder: Path, content: bytes, text: str | None
) -> None:
    (folder / "key").write_bytes(content)
    assert await lent(source, folder / "key") == text


async def test_a_file_in_a_folder_below_is_lent(source: FileSecrets, folder: Path) -> None:
    (folder / "team" / "a").mkdir(parents=True)
    (folder / "team" / "a" / "key").write_text(SECRET)
    assert await lent(source, folder / "team" / "a" / "key") == SECRET


def mounted(folder: Path, version: str, text: str) -> None:
    """Mount a secret as the kubelet does: a link to a link to a folder, turned at once."""
    (folder / version).mkdir()
    (folder / version / "key").write_text(text)
    (folder / "..data_tmp").symlink_to(version)
    (folder / "..data_tmp").replace(folder / "..data")
    if not (folder / "key").is_symlink():
        (folder / "key").symlink_to("..data/key")


async def test_a_mounted_kubernetes_secret_is_lent_and_its_successor_too(
    source: FileSecrets, folder: Path, clock: SetClock
) -> None:
    mounted(folder, "..2026_11_21_10_00", "sk-first\n")
    assert await lent(source, folder / "key") == "sk-first"
    mounted(folder, "..2026_11_21_11_00", "sk-second\n")
    assert await lent(source, folder / "key") == "sk-first"
    clock.time_ms += FRESH_FOR_MS
    assert await lent(source, folder / "key") == "sk-second"


async def test_a_secret_that_is_replaced_while_it_is_read_is_read_again(
    source: FileSecrets, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted(folder, "..1", "sk-first")
    content = source._content

    def replaced_in_between(path: str) -> bytes:
        monkeypatch.undo()
        mounted(folder, "..2", "sk-second")
        (folder / "..1" / "key").unlink()
        return content(path)

    monkeypatch.setattr(source, "_content", replaced_in_between)
    assert await lent(source, folder / "key") == "sk-second"


async def test_the_folder_itself_may_be_a_link(tmp_path: Path, clock: SetClock) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "key").write_text(SECRET)
    (tmp_path / "link").symlink_to("real")
    source = FileSecrets(tmp_path / "link", closed=[], clock=clock, grace_ms=GRACE_MS)
    assert await lent(source, tmp_path / "link" / "key") == SECRET
    assert await lent(source, tmp_path / "real" / "key") == SECRET


# --- What is not lent ------------------------------------------------------------------------


async def test_nothing_outside_of_the_folder_is_lent(source: FileSecrets, folder: Path) -> None:
    outside = folder.parent / "outside"
    (folder / "file").symlink_to(outside / "key")
    (folder / "relative").symlink_to("../outside/key")
    (folder / "folder").symlink_to(outside)
    (folder / "twice").symlink_to("file")
    (folder.parent / "secrets2").mkdir()
    (folder.parent / "secrets2" / "key").write_text(SECRET)
    (folder / "inside").write_text(SECRET)
    for path in (
        outside / "key",
        folder / "file",
        folder / "relative",
        folder / "folder" / "key",
        folder / "twice",
        folder.parent / "secrets2" / "key",
        f"{folder}/../outside/key",
        f"{folder}/../secrets/inside",
        f"{folder}/./inside",
        f"{folder}/..",
        folder,
        "/etc/hostname",
        "/proc/self/environ",
    ):
        assert await lent(source, path) is None, path


async def test_only_regular_files_are_lent_and_nothing_waits_for_a_pipe(
    source: FileSecrets, folder: Path
) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "sub").mkdir()
    (folder / "loop").symlink_to("loop")
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "plain").write_text(SECRET)
    try:
        async with asyncio.timeout(5):
            for name in ("pipe", "sub", "loop", "zero", "missing", "plain/below", "x" * 300):
                assert await lent(source, folder / name) is None, name
    finally:
        os.close(os.open(folder / "pipe", os.O_RDWR))  # whoever waits for it waits no more


async def test_what_the_server_itself_needs_is_not_lent_by_any_name(
    source: FileSecrets, folder: Path
) -> None:
    (folder / "kek").write_text(SECRET)
    (folder / "data").mkdir()
    (folder / "data" / "admin.key").write_text(SECRET)
    (folder / "link").symlink_to("kek")
    (folder / "hard").hardlink_to(folder / "kek")
    (folder / "to-data").symlink_to("data")
    for name in ("kek", "data/admin.key", "link", "hard", "to-data/admin.key"):
        assert await lent(source, folder / name) is None, name
    (folder / "kek2").write_text("sk-other")
    assert await lent(source, folder / "kek2") == "sk-other"


# --- A file system that fails ----------------------------------------------------------------


async def test_a_file_that_cannot_be_read_is_told_without_its_path_and_lent_on(
    source: FileSecrets, folder: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "key").write_text(SECRET)
    assert await lent(source, folder / "key") == SECRET

    def denied(_: str) -> bytes:
        raise PermissionError(13, "Permission denied", str(folder / "key"))

    monkeypatch.setattr(source, "_content", denied)
    clock.time_ms += FRESH_FOR_MS
    assert await lent(source, folder / "key") == SECRET
    with pytest.raises(CredentialUnusable) as refused:
        await lent(source, folder / "other")
    assert str(refused.value) == (
        "The file of the LLM's credential cannot be read: Permission denied."
    )


async def test_a_file_that_is_gone_is_not_lent_on(
    source: FileSecrets, folder: Path, clock: SetClock
) -> None:
    (folder / "key").write_text(SECRET)
    assert await lent(source, folder / "key") == SECRET
    (folder / "key").unlink()
    clock.time_ms += FRESH_FOR_MS
    assert await lent(source, folder / "key") is None


async def test_a_file_system_that_hangs_is_not_waited_for(
    source: FileSecrets, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hanging(_: str) -> bytes:
        time.sleep(0.2)
        return b"late"

    monkeypatch.setattr(remembered, "DEADLINE_S", 0.02)
    monkeypatch.setattr(source, "_content", hanging)
    with pytest.raises(CredentialUnusable, match="took too long"):
        await lent(source, folder / "key")
