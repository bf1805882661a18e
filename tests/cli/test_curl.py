"""The small curl reads commands as a shell and curl do."""

import pytest

from tests.cli.curl import Request, parsed

VARIABLES = {"KEY": 'dgm_"quoted"', "NAME": "two words"}


def test_a_command_is_read_across_lines_and_quotes() -> None:
    command = """curl http://127.0.0.1/v1/llms -H "Authorization: Bearer $KEY" \\
      -H 'X-Plain: $KEY' -d '{
        "secret": "'"$NAME"'"}'"""
    assert parsed(command, VARIABLES) == Request(
        "POST",
        "http://127.0.0.1/v1/llms",
        {
            "authorization": 'Bearer dgm_"quoted"',
            "x-plain": "$KEY",
            "content-type": "application/x-www-form-urlencoded",
        },
        b'{\n        "secret": "two words"}',
    )


def test_without_data_it_is_a_get() -> None:
    assert parsed("curl http://127.0.0.1/", {}) == Request("GET", "http://127.0.0.1/", {}, None)


@pytest.mark.parametrize(
    "command",
    [
        "wget http://127.0.0.1/",
        "curl --insecure http://127.0.0.1/",
        "curl http://127.0.0.1/ http://127.0.0.1/",
        "curl http://127.0.0.1/ | sh",
        "curl http://127.0.0.1/$(id)",
        "curl 'http://127.0.0.1/",
    ],
)
def test_what_it_does_not_understand_is_an_error(command: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parsed(command, {})


def test_a_variable_that_nobody_set_is_an_error() -> None:
    with pytest.raises(KeyError):
        parsed('curl "http://$HOST/"', {})
