"""The limit of descriptors is raised where that is allowed, and kept where it is not."""

import resource

import pytest

from dragoman.app import descriptor_limit


@pytest.mark.parametrize("refusal", [ValueError("not allowed"), OSError("not by this system")])
def test_a_system_that_does_not_let_us_keeps_its_limit(
    monkeypatch: pytest.MonkeyPatch, refusal: Exception
) -> None:
    asked: list[tuple[int, int]] = []

    def refuse(_: int, limits: tuple[int, int]) -> None:
        asked.append(limits)
        raise refusal

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 4096))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    descriptor_limit.raise_limit()
    assert asked == [(4096, 4096)]
    assert descriptor_limit.limit() == 256
