"""An LLM with several endpoints: which is asked, when the next one is, and what is told of it."""

import asyncio
from contextlib import suppress
from time import perf_counter
from typing import Any

import pytest

from dragoman.authz.check import Actor
from dragoman.domain.errors import (
    ConnectTimeout,
    DragomanError,
    EgressRefused,
    Internal,
    Malformed,
    NotCallable,
    Unavailable,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from dragoman.domain.llm import Sampling
from dragoman.domain.ports import Deadlines, Headers
from dragoman.domain.url import Endpoint
from dragoman.domain.usage import Usage
from dragoman.gateway import relay
from dragoman.gateway.directory import Directory
from dragoman.gateway.relay import Relay
from tests.fakes.held import FakeHeldSecrets
from tests.fakes.upstream import FakeAnswer, FakeExchange, FakeUpstream, sent_lines
from tests.gateway.test_directory import platform_llm, stranger
from tests.registry.installation import Installation, a_configuration, a_draft

ENDPOINTS = (("one.example", "eu-west-1"), ("two.example", "us-east-1"), ("three.example", None))
CALL = b'{"model":"my-llm","messages":[]}'
DEADLINES = Deadlines(connect_s=5, first_byte_s=6, idle_s=7, total_s=8)


def answering(status: int, *pieces: bytes | BaseException, retry_after: int = 0) -> FakeExchange:
    headers = [(b"retry-after", b"%d" % retry_after)] if retry_after else []
    return FakeExchange(status, headers, pieces)


class Caller:
    """Somebody whose LLM has several endpoints, and a relay of an installation in a region."""

    def __init__(self, installation: Installation, who: Actor, region: str | None) -> None:
        self.upstream = FakeUpstream(b"{}")
        self.usage = Usage("req_0", 0.0)
        self._who = who
        self._relay = Relay(
            directory=Directory(
                store=installation.store,
                vault=installation.vault,
                held=FakeHeldSecrets(),
                clock=installation.clock,
            ),
            upstream=self.upstream,
            deadlines=DEADLINES,
            clock=installation.clock,
            installation=b"dragoman-test",
            region=region,
        )

    @classmethod
    async def make(
        cls,
        installation: Installation,
        *,
        region: str | None = None,
        endpoints: tuple[tuple[str, str | None], ...] = ENDPOINTS,
        **members: Any,
    ) -> "Caller":
        who = await installation.acting()
        made = tuple(Endpoint.parse(f"https://{host}/v1/chat", where) for host, where in endpoints)
        configuration = a_configuration(endpoints=made, **members)
        await installation.llms.create(who, a_draft(configuration, "sk-credential-4f1d7c"))
        return cls(installation, who, region)

    def is_now(self, who: Actor) -> None:
        """Go on as somebody else, with the same relay."""
        self._who = who

    async def call(self, headers: Headers | None = None) -> FakeAnswer:
        self.usage, answer = Usage("req_1", perf_counter()), FakeAnswer()
        self.usage.organization_id = self._who.organization_id
        await self._relay.chat(
            self.usage, self._who, self._relay.asked(headers or []), CALL, answer
        )
        return answer

    async def path(self, headers: Headers | None = None) -> str:
        """Call, and say which way it went, also if it failed."""
        with suppress(DragomanError):
            await self.call(headers)
        return ", ".join(self.usage.path or [])

    def let(self, host: str, *outcomes: FakeExchange | BaseException) -> None:
        self.upstream.outcomes[f"{host}.example"] = list(outcomes)


@pytest.fixture
async def caller(installation: Installation) -> Caller:
    return await Caller.make(installation)


def region(name: bytes) -> Headers:
    return [(b"x-dragoman-region", name)]


@pytest.mark.parametrize(
    ("own", "asked", "first"),
    [
        (None, [], "eu-west-1"),
        ("us-east-1", [], "us-east-1"),
        ("nowhere", [], "eu-west-1"),
        (None, region(b"us-east-1"), "us-east-1"),
        ("us-east-1", region(b"eu-west-1"), "eu-west-1"),
        ("us-east-1", region(b"nowhere"), "us-east-1"),
    ],
)
async def test_the_region_that_is_asked_for_comes_first_else_our_own(
    installation: Installation, own: str | None, asked: Headers, first: str
) -> None:
    caller = await Caller.make(installation, region=own)
    assert await caller.path(asked) == f"{first}=200"


async def test_the_others_follow_in_their_order(installation: Installation) -> None:
    caller = await Caller.make(installation, region="us-east-1")
    for host in ("one", "two"):
        caller.let(host, UpstreamUnreachable("no"))
    assert await caller.path() == "us-east-1=connect, eu-west-1=connect, 3=200"


@pytest.mark.parametrize("odd", [b"", b"eu west", b"eu,us", b"x" * 65, b"eu\xc3\xa9", b'"eu"'])
async def test_a_region_that_is_none_is_refused(caller: Caller, odd: bytes) -> None:
    with pytest.raises(Malformed):
        await caller.call(region(odd))
    with pytest.raises(Malformed):
        await caller.call(region(b"eu") + region(b"us"))
    assert caller.upstream.requests == []


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (UpstreamUnreachable("no"), "connect"),
        (ConnectTimeout("late"), "connect"),
        (EgressRefused("closed"), "egress"),
        (Unavailable("full"), "busy"),
        (answering(429), "429"),
        (answering(503), "503"),
        (answering(529), "529"),
    ],
)
async def test_what_certainly_was_not_done_is_asked_of_the_next(
    caller: Caller, outcome: FakeExchange | BaseException, word: str
) -> None:
    caller.let("one", outcome)
    assert await caller.path() == f"eu-west-1={word}, us-east-1=200"
    assert caller.usage.attempts == 2
    assert caller.usage.endpoint == "us-east-1"


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (UpstreamTimeout("first byte"), "timeout"),
        (UpstreamBroken("reset"), "broken"),
        *((answering(status), str(status)) for status in (302, 400, 401, 403, 404, 408, 413, 422)),
        *((answering(status), str(status)) for status in (500, 502, 504)),
        (FakeExchange(200, [(b"content-encoding", b"gzip")], [b"x"]), "200"),
    ],
)
async def test_what_may_have_been_done_is_not_asked_again(
    caller: Caller, outcome: FakeExchange | BaseException, word: str
) -> None:
    caller.let("one", outcome)
    assert await caller.path() == f"eu-west-1={word}"
    assert len(caller.upstream.requests) == 1


@pytest.mark.parametrize("fault", [Unavailable("closing"), UpstreamBroken("cut")])
async def test_nothing_is_asked_again_once_an_answer_has_begun(
    caller: Caller, fault: DragomanError
) -> None:
    caller.let("one", answering(200, b"half", fault))
    with pytest.raises(type(fault)):
        await caller.call()
    assert caller.usage.path == ["eu-west-1=200"]


async def test_a_fault_of_ours_is_not_tried_elsewhere(caller: Caller) -> None:
    caller.let("one", Internal("a bug"))
    with pytest.raises(Internal):
        await caller.call()
    assert len(caller.upstream.requests) == 1


class Stalling(FakeExchange):
    """An answer whose body does not end after its pieces."""

    async def read(self) -> bytes:
        """Give the next piece; after the last one, wait for ever."""
        piece = await super().read()
        if not piece:
            await asyncio.Event().wait()
        return piece


async def test_an_error_whose_body_stalls_does_not_keep_the_next_from_being_asked(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "ERROR_BODY_S", 0.05)
    caller.let("one", Stalling(503, [], [b'{"error":']))
    async with asyncio.timeout(5):
        assert await caller.path() == "eu-west-1=503, us-east-1=200"


async def test_what_is_there_of_an_error_is_told_though_the_rest_stalls(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "ERROR_BODY_S", 0.05)
    caller.let("one", Stalling(400, [], [b'{"error":{"message":"Too many messages."}}']))
    async with asyncio.timeout(5):
        with pytest.raises(UpstreamRefused, match="Too many messages"):
            await caller.call()


async def test_when_all_fail_the_last_failure_is_told(caller: Caller) -> None:
    caller.let("one", UpstreamUnreachable("first"))
    caller.let("two", answering(503))
    caller.let("three", UpstreamUnreachable("third"))
    with pytest.raises(UpstreamUnreachable, match="third"):
        await caller.call()
    assert caller.usage.path == ["eu-west-1=connect", "us-east-1=503", "3=connect"]


async def test_when_all_fail_a_rate_limit_is_told_with_its_time(caller: Caller) -> None:
    caller.let("one", answering(429, retry_after=7))
    caller.let("two", UpstreamUnreachable("no"))
    caller.let("three", answering(503, retry_after=1))
    with pytest.raises(UpstreamRefused) as refused:
        await caller.call()
    assert (refused.value.status, refused.value.retry_after_s) == (429, 7)


async def test_a_refusal_of_the_request_stands_before_a_rate_limit_elsewhere(
    caller: Caller,
) -> None:
    caller.let("one", answering(429))
    caller.let("two", answering(400))
    with pytest.raises(UpstreamRefused) as refused:
        await caller.call()
    assert refused.value.status == 400


async def test_one_deadline_holds_for_all_attempts(caller: Caller) -> None:
    for host in ("one", "two"):
        caller.let(host, UpstreamUnreachable("no"))
    await caller.call()
    first, second, third = [request.deadlines for request in caller.upstream.requests]
    assert first == DEADLINES
    assert third.total_s < second.total_s < first.total_s
    assert (third.connect_s, third.first_byte_s, third.idle_s) == (5, 6, 7)


async def test_after_the_deadline_nothing_more_is_tried(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await Caller.make(installation)
    late = iter([0.0, DEADLINES.total_s + 1])
    monkeypatch.setattr("dragoman.gateway.relay.perf_counter", lambda: next(late))
    caller.let("one", UpstreamUnreachable("slowly"))
    with pytest.raises(UpstreamUnreachable, match="slowly"):
        await caller.call()


async def test_one_that_failed_comes_last_for_a_while(caller: Caller) -> None:
    caller.let("one", answering(500))
    assert await caller.path() == "eu-west-1=500"
    assert await caller.path() == "us-east-1=200"
    caller.let("two", UpstreamUnreachable("no"))
    caller.let("three", UpstreamUnreachable("no"))
    assert await caller.path() == "us-east-1=connect, 3=connect, eu-west-1=200"
    assert await caller.path() == "eu-west-1=200"


async def test_what_one_organization_meets_says_nothing_to_another(
    installation: Installation,
) -> None:
    endpoints = tuple(Endpoint.parse(f"https://{host}/v1", where) for host, where in ENDPOINTS)
    await platform_llm(installation, "my-llm", endpoints=endpoints)
    caller = Caller(installation, await installation.acting(), None)
    caller.let("one", UpstreamUnreachable("no"))
    assert await caller.path() == "eu-west-1=connect, us-east-1=200"
    assert await caller.path() == "us-east-1=200"
    caller.is_now(await stranger(installation))
    assert await caller.path() == "eu-west-1=200"


@pytest.mark.parametrize("status", [400, 401, 404, 422])
async def test_a_refused_request_says_nothing_against_its_endpoint(
    caller: Caller, status: int
) -> None:
    caller.let("one", answering(status))
    assert await caller.path() == f"eu-west-1={status}"
    assert await caller.path() == "eu-west-1=200"


async def test_an_answer_that_breaks_off_counts_as_a_failure(caller: Caller) -> None:
    caller.let("one", answering(200, b"half", UpstreamBroken("cut")))
    await caller.path()
    assert await caller.path() == "us-east-1=200"


async def test_a_call_that_is_given_up_while_it_probes_leaves_the_next_to_probe(
    caller: Caller,
) -> None:
    caller.let("one", UpstreamUnreachable("no"), asyncio.CancelledError())
    await caller.path()
    await asyncio.sleep(1.05)  # its cooldown
    with pytest.raises(asyncio.CancelledError):
        await caller.call()
    assert await caller.path() == "eu-west-1=200"


async def test_a_single_endpoint_is_asked_every_time_and_not_spoken_of(
    installation: Installation,
) -> None:
    caller = await Caller.make(installation, endpoints=(("one.example", "eu-west-1"),))
    caller.let("one", UpstreamUnreachable("no"), answering(503))
    for error in (UpstreamUnreachable, UpstreamRefused):
        with pytest.raises(error):
            await caller.call()
    assert (await caller.call()).status == 200
    assert caller.usage.path is None
    assert (caller.usage.attempts, caller.usage.endpoint) == (1, "eu-west-1")


async def test_a_region_of_any_text_can_stand_in_a_header(installation: Installation) -> None:
    odd = "Zürich, 2\r\nx-evil: 1" + "x" * 200
    caller = await Caller.make(installation, endpoints=(("one.example", odd), ENDPOINTS[1]))
    assert await caller.path() == f"Z_rich__2__x-evil__1{'x' * 44}=200"


async def test_the_credential_goes_to_each_endpoint_and_the_loop_mark_too(caller: Caller) -> None:
    caller.let("one", UpstreamUnreachable("no"))
    await caller.call()
    for request in caller.upstream.requests:
        sent = dict(sent_lines(request))
        assert sent[b"authorization"] == b"Bearer sk-credential-4f1d7c"
        assert sent[b"cdn-loop"] == b"dragoman-test"
    with pytest.raises(NotCallable):
        await caller.call([(b"cdn-loop", b"dragoman-test")])


async def test_the_body_is_written_for_the_host_that_gets_it(installation: Installation) -> None:
    hosts = (("api.openai.com", None), ("vllm.example", None))
    caller = await Caller.make(installation, endpoints=hosts, sampling=Sampling(max_tokens=5))
    caller.upstream.outcomes["api.openai.com"] = [UpstreamUnreachable("no")]
    await caller.call()
    first, second = [request.body for request in caller.upstream.requests]
    assert b'"max_completion_tokens":5' in first
    assert b'"max_tokens":5' in second
