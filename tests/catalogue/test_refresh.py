"""A refresh takes models.dev's part of the catalogue anew, and leaves the rest alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts import models_dev
from scripts.refresh_catalogue import main

BEFORE = """\
{
"before_names": ["acme"],
"models": {
"nova-1": {"capabilities": {"tool_calling": false}, "max_context_length": 1000, \
"modalities": ["text"], "source": "acme"},
"nova-2": {"source": "models.dev"},
"old": {"source": "models.dev"}
},
"sources": {
"acme": {"date": "2026-01-01", "url": "https://acme.example/models"},
"models.dev": {"date": "2026-01-01", "licence": "MIT", "url": "https://models.dev/api.json"}
}
}
"""

TEXT = {"input": ["text", "pdf"], "output": ["text"]}
SEEING = {"input": ["image", "text"], "output": ["text"]}
DRAWING = {"input": ["text"], "output": ["image"]}

PUBLISHED: dict[str, dict[str, Any]] = {
    "openai": {
        # kept by hand, where it says otherwise
        "nova-1": {"modalities": SEEING, "tool_call": True, "limit": {"context": 1001}},
        # the same under a name that moves
        "nova-1-latest": {"modalities": TEXT, "limit": {"context": 1002}},
        # another size of what is kept by hand
        "nova-1-mini": {"modalities": TEXT, "limit": {"context": 500}},
        # nothing that is not known by the beginning of its name
        "nova-1-nano": {"modalities": TEXT, "tool_call": False, "limit": {"context": 0}},
        # of a day, and of a later one that can do more
        "nova-2-2026-05-01": {"modalities": TEXT, "temperature": False},
        "nova-2-2026-06-01": {"modalities": TEXT, "temperature": True},
        # under a name that moves
        "nova-2-pro-latest": {"modalities": TEXT, "temperature": True},
        # only a size
        "nova-oss-20b": {"modalities": TEXT, "structured_output": True},
        # no LLMs
        "nova-embed": {"modalities": TEXT},
        "nova-image": {"modalities": DRAWING},
    },
    "groq": {
        # behind its maker's name
        "acme/Nova-3": {"modalities": SEEING, "tool_call": False, "limit": {"context": 3000}},
        # whoever comes first is believed
        "nova-2-pro-latest": {"modalities": TEXT, "temperature": False},
    },
    # nobody is believed who is not in the list
    "reseller": {"auto": {"modalities": TEXT}},
}

INHERITED = {
    "models/acme/nova-3.toml": {
        "modalities": TEXT,
        "tool_call": True,
        "temperature": True,
        "limit": {"context": 3000, "output": 5},
    },
    "providers/groq/models/acme/Nova-3.toml": {
        "base_model": "acme/nova-3",
        "base_model_omit": ["limit.output", "temperature", "nothing.there"],
        "modalities": SEEING,
        "tool_call": False,
    },
}
"""The same of Nova-3, as a checkout may have it."""

AFTER = """\
{
"before_names": ["acme"],
"models": {
"Nova-3": {"capabilities": {"tool_calling": false}, "max_context_length": 3000, \
"modalities": ["text", "image"], "source": "models.dev"},
"nova-1": {"capabilities": {"tool_calling": false}, "max_context_length": 1000, \
"modalities": ["text"], "source": "acme"},
"nova-1-mini": {"capabilities": {"tool_calling": false}, "family": "nova-1", \
"max_context_length": 500, "modalities": ["text"], "source": "models.dev"},
"nova-2": {"capabilities": {"sampling_parameters": false}, "modalities": ["text"], \
"source": "models.dev"},
"nova-2-2026-06-01": {"capabilities": {"sampling_parameters": true}, "family": "nova-2", \
"modalities": ["text"], "source": "models.dev"},
"nova-2-pro": {"capabilities": {"sampling_parameters": true}, "family": "nova-2", \
"modalities": ["text"], "source": "models.dev"},
"nova-oss-20b": {"family": "nova-oss", "modalities": ["text"], "source": "models.dev"}
},
"sources": {
"acme": {"date": "2026-01-01", "url": "https://acme.example/models"},
"models.dev": {"date": "2026-06-01", "licence": "MIT", "url": "https://models.dev/api.json"}
}
}
"""

SAID = """\
? nova-1: max_context_length is 1000 here, 1001 there
? nova-1: modalities is text here, text, image there
? nova-1: tool_calling is False here, True there
? nova-1: max_context_length is 1000 here, 1002 there
+ Nova-3: {"capabilities": {"tool_calling": false}, "max_context_length": 3000, \
"modalities": ["text", "image"]}
+ nova-1-mini: {"capabilities": {"tool_calling": false}, "family": "nova-1", \
"max_context_length": 500, "modalities": ["text"]}
~ nova-2: {} -> {"capabilities": {"sampling_parameters": false}, "modalities": ["text"]}
+ nova-2-2026-06-01: {"capabilities": {"sampling_parameters": true}, "family": "nova-2", \
"modalities": ["text"]}
+ nova-2-pro: {"capabilities": {"sampling_parameters": true}, "family": "nova-2", \
"modalities": ["text"]}
+ nova-oss-20b: {"family": "nova-oss", "modalities": ["text"]}
- old
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Write the catalogue of before."""
    path = tmp_path / "catalogue.json"
    path.write_text(BEFORE)
    return path


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Write what models.dev publishes."""
    path = tmp_path / "api.json"
    members = {name: {"id": name, "models": models} for name, models in PUBLISHED.items()}
    path.write_text(json.dumps(members))
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Write the same as a checkout of its repository."""
    files = {
        f"providers/{provider}/models/{identifier}.toml": members
        for provider, models in PUBLISHED.items()
        for identifier, members in models.items()
    }
    for name, members in (files | INHERITED).items():
        path = tmp_path / "checkout" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{key} = {toml(value)}\n" for key, value in members.items()))
    return tmp_path / "checkout"


def toml(value: Any) -> str:
    """Write a value as TOML, which has other tables than JSON and the same of everything else."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)


def refresh(data: Path, origin: Path, *more: str, date: str = "2026-06-01") -> int:
    return main(["--from", str(origin), "--data", str(data), "--date", date, *more])


@pytest.mark.parametrize("origin", ["published", "checkout"])
def test_the_file_is_made_anew(
    data: Path, origin: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refresh(data, request.getfixturevalue(origin)) == 0
    assert data.read_text() == AFTER
    assert capsys.readouterr().out == SAID


def test_a_second_refresh_changes_nothing_not_even_the_day(data: Path, published: Path) -> None:
    refresh(data, published)
    assert refresh(data, published, date="2026-07-01") == 0
    assert data.read_text() == AFTER


def test_a_check_writes_nothing_and_fails_where_something_would_change(
    data: Path, published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refresh(data, published, "--check") == 1
    assert data.read_text() == BEFORE
    assert capsys.readouterr().out == SAID
    refresh(data, published)
    assert refresh(data, published, "--check") == 0


def test_a_file_in_another_form_is_written_in_this_one(data: Path, published: Path) -> None:
    refresh(data, published)
    data.write_text(json.dumps(json.loads(data.read_text()), indent=2))
    assert refresh(data, published, "--check") == 1
    refresh(data, published)
    assert data.read_text() == AFTER


def test_each_provider_is_listed_once() -> None:
    assert len(set(models_dev.PROVIDERS)) == len(models_dev.PROVIDERS)
