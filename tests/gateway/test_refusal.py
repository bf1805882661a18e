"""What an upstream's error answer means to the caller, and what of it they may read."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.domain.credential import Credential, Placement, Sealed
from dragoman.domain.errors import UpstreamRefused
from dragoman.domain.llm import LLM, Configuration, ProtocolName
from dragoman.domain.ports import Headers
from dragoman.domain.url import Endpoint
from dragoman.gateway.credentials import hidden
from dragoman.gateway.refusal import MAX_MESSAGE_LENGTH, refusal
from dragoman.gateway.target import ReadyEndpoint, SecretLines, Target
from dragoman.gateway.trace import NOWHERE
from dragoman.vault.secret import Secret

PLAIN = "sk-plain-4f1d7c"
EXTRA = "xh-extra-90b2e1"
ENDPOINT = Endpoint.parse("https://a.example/v1/chat/completions")

TARGET = Target(
    llm=LLM(
        id="llm-1",
        organization_id="org-1",
        owner_id="ada",
        configuration=Configuration(
            display_name="my-llm",
            protocol=ProtocolName.OPENAI,
            endpoints=(ENDPOINT,),
            model="tiny",
        ),
        credential=Credential(Placement("Authorization", "Bearer "), 1, Sealed("", b"", b"")),
        created_at_ms=0,
        created_by="ada",
    ),
    endpoints=(ReadyEndpoint.made(ENDPOINT, 1, NOWHERE),),
    secret_lines=SecretLines([]),
    secret=Secret(PLAIN),
    headers=(("x-extra", Secret(EXTRA)),),
    hidden=hidden(Secret(PLAIN), (("x-extra", Secret(EXTRA)),)),
)

STATUSES = {
    400: 400,
    401: 502,
    402: 502,
    403: 502,
    404: 502,
    405: 502,
    408: 504,
    409: 502,
    410: 502,
    413: 413,
    415: 502,
    418: 502,
    422: 422,
    429: 429,
    451: 502,
    499: 502,
    500: 502,
    501: 502,
    502: 502,
    503: 503,
    504: 504,
    529: 503,
    599: 502,
}

REFUSED = "The upstream refused the stored credential of this LLM"
OVERLONG = {"error": {"message": "No.", "code": "context_length_exceeded", "param": "messages"}}
SHAPES = [b"%b", b'"%b"', b'{"error":%b}', b'{"error":"%b"}', b'{"error":{"message":"%b"}}']


def refused(
    body: object, *, status: int = 400, headers: Headers | None = None, target: Target = TARGET
) -> UpstreamRefused:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return refusal(status, headers or [], raw, target)


class TestStatus:
    @pytest.mark.parametrize(("theirs", "ours"), STATUSES.items())
    def test_what_an_upstreams_status_means_to_the_caller(self, theirs: int, ours: int) -> None:
        assert refused(b"", status=theirs).status == ours

    @pytest.mark.parametrize("theirs", range(400, 600))
    def test_no_caller_is_told_that_their_own_credential_or_path_is_wrong(
        self, theirs: int
    ) -> None:
        assert refused(b"", status=theirs).status not in {401, 403, 404}

    @pytest.mark.parametrize(
        ("status", "message"),
        [
            (401, f"{REFUSED}. Register its secret again."),
            (
                403,
                "The upstream does not allow the stored credential of this LLM to make this call.",
            ),
            (404, "The upstream does not know this LLM's URL or model. Check its registration."),
            (500, "The upstream answered with status 500."),
        ],
    )
    def test_a_message_begins_with_what_it_means(self, status: int, message: str) -> None:
        assert refused(b"", status=status).message == message
        said = refused({"error": {"message": "No."}}, status=status)
        assert said.message == f"{message} It said: No."


class TestWords:
    @pytest.mark.parametrize(
        "body",
        [
            {"error": {"message": "Too long.", "type": "x", "code": None}},
            {"error": "Too long."},
            {"message": "Too long.", "object": "error"},
            {"detail": "Too long."},
            {"error": None, "detail": "Too long."},
        ],
        ids=json.dumps,
    )
    def test_an_upstreams_words_are_found_wherever_servers_put_them(self, body: Any) -> None:
        assert refused(body).message == (
            "The upstream answered with status 400. It said: Too long."
        )

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html>Bad Request</html>",
            b"Too long.",
            b'{"error": {"message": "Too',
            b"null",
            b"[]",
            b'["Too long."]',
            b'[{"error": {"message": "Too long."}}]',
            b"{}",
            b'{"error": {}}',
            b'{"error": 7}',
            b'{"error": ["Too long."]}',
            b'{"error": {"message": null}}',
            b'{"error": {"message": {"text": "Too long."}}}',
            b'{"error": {"message": ["Too long."]}}',
            b'{"error": ""}',
            b'{"detail": [{"loc": ["body"], "msg": "Too long."}]}',
            b'{"error": {"message": "\\ud800"}}',
            b'{"error": {"message": 1e999}}',
            b'{"error": {"message": ' + b"9" * 5000 + b"}}",
            b'{"error": {"message": ' + b"[" * 60_000,
            b'{"x": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
            b"\0" * 100,
        ],
        ids=lambda body: ascii(body)[:50],
    )
    def test_an_odd_body_says_nothing_and_does_no_harm(self, body: bytes) -> None:
        error = refused(body)
        assert (error.status, error.message) == (400, "The upstream answered with status 400.")
        assert (error.code, error.param, error.retry_after_s) == ("upstream_refused", None, None)

    def test_only_the_beginning_of_a_huge_message_is_passed_on(self) -> None:
        error = refused({"error": {"message": "x" * 60_000}})
        assert MAX_MESSAGE_LENGTH == 2000
        assert error.message == f"The upstream answered with status 400. It said: {'x' * 2000}"

    @pytest.mark.parametrize(
        "body",
        [
            b'{"error": {"message": "Trop de requ\xeates."}}',
            b'{"error": "Trop de requ\xeates."}',
            b'{"error": {"code": "\xff"}}',
            b'{"error": {"param": "\xc3"}}',
            b'{"detail": [{"msg": "\xff"}]}',
        ],
        ids=ascii,
    )
    def test_an_answer_that_is_not_utf_8_is_an_upstreams_error_too(self, body: bytes) -> None:
        error = refused(body, status=429)
        assert error.status == 429
        assert error.message.startswith("The upstream answered with status 429.")

    @given(st.binary(), st.sampled_from(SHAPES), st.integers(400, 599))
    def test_no_body_does_harm(self, piece: bytes, shape: bytes, status: int) -> None:
        error = refused(shape % piece, status=status)
        assert error.status in {400, 413, 422, 429, 502, 503, 504}


class TestCodeAndParam:
    @pytest.mark.parametrize("status", [400, 413, 422, 429])
    def test_where_the_caller_is_at_fault_they_read_the_upstreams_code(self, status: int) -> None:
        error = refused(OVERLONG, status=status)
        assert (error.code, error.param) == ("context_length_exceeded", "messages")

    @pytest.mark.parametrize("status", [401, 403, 404, 408, 500, 503])
    def test_elsewhere_they_read_ours(self, status: int) -> None:
        assert refused(OVERLONG, status=status).code == "upstream_refused"

    @pytest.mark.parametrize("odd", [None, 7, "", ["x"], {"x": 1}, True])
    def test_a_code_that_is_no_text_is_ours(self, odd: Any) -> None:
        error = refused({"error": {"message": "No.", "code": odd}})
        assert error.code == "upstream_refused"

    @pytest.mark.parametrize("odd", [None, 7, ["x"], {"x": 1}, True])
    def test_a_param_that_is_no_text_is_none(self, odd: Any) -> None:
        assert refused({"error": {"message": "No.", "param": odd}}).param is None


class TestScrubbing:
    @pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 503])
    @pytest.mark.parametrize(
        "body",
        [
            {"error": {"message": f"Incorrect API key provided: {PLAIN}."}},
            {"error": {"message": f"Bearer {PLAIN}{PLAIN} and {PLAIN}"}},
            {"error": {"message": "x", "code": f"bad_{PLAIN}", "param": f"key={PLAIN}"}},
            {"error": f"Incorrect API key provided: {PLAIN}"},
            {"message": PLAIN},
            {"detail": PLAIN},
        ],
        ids=lambda body: json.dumps(body)[:40],
    )
    def test_a_secret_that_an_upstream_quotes_is_not_passed_on(
        self, status: int, body: Any
    ) -> None:
        error = refused(body, status=status)
        told = f"{error.message} {error.code} {error.param} {error!r} {error.args}"
        assert PLAIN not in told

    def test_a_mask_stands_in_its_place(self) -> None:
        error = refused({"error": {"message": f"Bad {PLAIN}!", "code": PLAIN, "param": PLAIN}})
        assert error.message.endswith("It said: Bad ****!")
        assert (error.code, error.param) == ("****", "****")

    def test_json_escapes_do_not_hide_it(self) -> None:
        escaped = "".join(f"\\u{ord(character):04x}" for character in PLAIN).encode()
        error = refused(b'{"error": {"message": "Bad ' + escaped + b'"}}')
        assert error.message.endswith("It said: Bad ****")

    def test_it_does_not_survive_where_a_long_message_is_cut(self) -> None:
        message = "x" * (MAX_MESSAGE_LENGTH - 5) + PLAIN
        assert "sk-" not in refused({"error": {"message": message}}).message

    def test_an_llm_without_a_credential_has_nothing_to_scrub(self) -> None:
        target = msgspec.structs.replace(TARGET, secret=None)
        error = refused({"error": {"message": PLAIN, "param": "model"}}, target=target)
        assert error.message.endswith(f"It said: {PLAIN}")
        assert error.param == "model"


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            (b"0", 0),
            (b"7", 7),
            (b"007", 7),
            (b"3600", 3600),
            (b"3601", 3600),
            (b"999999", 3600),
            (b"-7", None),
            (b"+7", None),
            (b"7.5", None),
            (b"", None),
            (b" 7", None),
            (b"7, 8", None),
            (b"1e3", None),
            (b"\xb2", None),
            (b"9" * 5000, 3600),
            (b"Fri, 20 Nov 2026 10:00:00 GMT", None),
        ],
        ids=lambda value: ascii(value)[:20],
    )
    def test_only_a_sane_number_of_seconds_is_passed_on(
        self, value: bytes, seconds: int | None
    ) -> None:
        error = refused(b"", status=429, headers=[(b"date", b"7"), (b"retry-after", value)])
        assert error.retry_after_s == seconds

    def test_without_the_header_there_is_none(self) -> None:
        assert refused(b"", status=429, headers=[(b"x-retry-after", b"7")]).retry_after_s is None
