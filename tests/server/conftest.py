"""The server as it is shipped, with two workers, for every test that needs no settings."""

from collections.abc import Iterator

import pytest

from tests.running import RunningDragoman


@pytest.fixture(scope="package")
def dragoman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDragoman]:
    data_dir = tmp_path_factory.mktemp("dragoman") / "data"
    with RunningDragoman.start(data_dir, workers=2) as dragoman:
        yield dragoman
        assert "request_failed" not in dragoman.log
        assert "Traceback" not in dragoman.log
        assert "traceback" not in dragoman.log
