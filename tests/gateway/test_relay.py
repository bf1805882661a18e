"""One call: what is sent besides the body, how long it may take, and what does not come back."""

import asyncio
import threading
from time import perf_counter
from typing import Any

import pytest

from dragoman.authz.check import Actor
from dragoman.domain.errors import Malformed, UpstreamRefused
from dragoman.domain.llm import Sampling, Timeouts
from dragoman.domain.ports import Deadlines, Headers
from dragoman.domain.usage import Usage
from dragoman.gateway.directory import Directory
from dragoman.gateway.relay import LARGE_BODY_BYTES, Relay
from dragoman.vault.secret import Secret
from tests.fakes.held import FakeHeldSecrets
from tests.fakes.upstream import FakeAnswer, FakeUpstream, sent_lines
from tests.registry.installation import Installation, a_configuration, a_draft

DEADLINES = Deadlines(connect_s=1, first_byte_s=2, idle_s=3, total_s=4)
SECRET, EXTRA = "sk-credential-4f1d7c", "xh-extra-90b2e1"
HEADERS = {"x-team": Secret(EXTRA), "x-other": Secret("xh-other-11aa22")}
CALL = b'{"model":"my-llm","messages":[]}'


def relaying(installation: Installation, upstream: FakeUpstream) -> Relay:
    directory = Directory(
        store=installation.store,
        vault=installation.vault,
        held=FakeHeldSecrets(),
        clock=installation.clock,
    )
    return Relay(
        directory=directory,
        upstream=upstream,
        deadlines=DEADLINES,
        clock=installation.clock,
        installation=b"dragoman-test",
    )


async def called(
    installation: Installation,
    who: Actor,
    upstream: FakeUpstream,
    body: bytes = CALL,
    headers: Headers | None = None,
) -> FakeAnswer:
    """Call the LLM of this name."""
    relay, answer = relaying(installation, upstream), FakeAnswer()
    await relay.chat(Usage("req_1", perf_counter()), who, relay.asked(headers or []), body, answer)
    return answer


async def registered(
    installation: Installation, secret: str | None = SECRET, **asked: Any
) -> Actor:
    """Register an LLM, as somebody who then calls it."""
    who = await installation.acting()
    headers = asked.pop("headers", HEADERS)
    draft = a_draft(a_configuration(**asked), secret, headers=headers)
    await installation.llms.create(who, draft)
    return who


class Slow(bytes):
    """A body that is read for as long as a test wants, with a mistake at its end."""

    began: threading.Event
    may_end: threading.Event

    def isascii(self) -> bool:
        """Answer the first question that a reader asks."""
        self.began.set()
        self.may_end.wait(20)
        return True

    @classmethod
    def make(cls) -> "Slow":
        body = cls(b"x" * (LARGE_BODY_BYTES + 1))
        body.began, body.may_end = threading.Event(), threading.Event()
        return body


async def test_a_large_body_keeps_its_place_until_it_is_read_though_its_caller_has_gone(
    installation: Installation,
) -> None:
    relay = relaying(installation, FakeUpstream(b"{}"))
    who = await registered(installation)
    bodies = [Slow.make() for _ in range(2)]
    calls = [
        asyncio.create_task(
            relay.chat(Usage("req_1", 0.0), who, relay.asked([]), body, FakeAnswer())
        )
        for body in bodies
    ]
    try:
        assert await asyncio.to_thread(bodies[0].began.wait, 20)
        calls[0].cancel()
        await asyncio.wait([calls[0]])
        assert not await asyncio.to_thread(bodies[1].began.wait, 0.1)
        bodies[0].may_end.set()
        assert await asyncio.to_thread(bodies[1].began.wait, 20)
    finally:
        for body in bodies:
            body.may_end.set()
    with pytest.raises(Malformed):
        await calls[1]


async def test_extra_headers_go_with_every_call_beside_the_credential(
    installation: Installation,
) -> None:
    who, upstream = await registered(installation), FakeUpstream(b"{}")
    answer = await called(installation, who, upstream)
    [request] = upstream.requests
    sent = dict(sent_lines(request))
    assert len(sent) == len(sent_lines(request))
    assert sent[b"x-team"] == EXTRA.encode()
    assert sent[b"x-other"] == b"xh-other-11aa22"
    assert sent[b"authorization"] == b"Bearer " + SECRET.encode()
    assert request.carries_credential
    assert (answer.status, answer.body, answer.is_whole) == (200, b"{}", True)


async def test_extra_headers_alone_count_as_a_credential(installation: Installation) -> None:
    who, upstream = await registered(installation, secret=None), FakeUpstream(b"{}")
    await called(installation, who, upstream)
    assert upstream.requests[0].carries_credential


async def test_nothing_secret_is_nothing_carried(installation: Installation) -> None:
    who = await registered(installation, secret=None, headers={})
    upstream = FakeUpstream(b"{}")
    await called(installation, who, upstream)
    assert not upstream.requests[0].carries_credential


async def test_a_caller_neither_replaces_nor_adds_what_the_llm_sends(
    installation: Installation,
) -> None:
    who, upstream = await registered(installation), FakeUpstream(b"{}")
    theirs = [(b"x-team", b"mine"), (b"x-new", b"mine"), (b"authorization", b"Bearer mine")]
    await called(installation, who, upstream, headers=theirs)
    assert b"mine" not in [value for _, value in sent_lines(upstream.requests[0])]
    assert b"x-new" not in dict(sent_lines(upstream.requests[0]))


@pytest.mark.parametrize("quoted", [SECRET, EXTRA, "xh-other-11aa22"])
@pytest.mark.parametrize(
    "shape", ['{"error":{"message":"%s"}}', '{"error":"%s"}', '{"detail":"%s"}']
)
async def test_an_error_that_quotes_a_secret_is_scrubbed_also_across_pieces(
    installation: Installation, quoted: str, shape: str
) -> None:
    who = await registered(installation)
    body = (shape % f"what is {quoted}? {quoted}").encode()
    half = body.index(quoted.encode()) + 5
    upstream = FakeUpstream(body[:half], body[half:], status=400)
    with pytest.raises(UpstreamRefused) as refused:
        await called(installation, who, upstream)
    assert quoted not in refused.value.message
    assert "what is ****? ****" in refused.value.message


async def test_of_a_secret_that_contains_another_nothing_is_left(
    installation: Installation,
) -> None:
    who = await registered(installation, headers={"x-longer": Secret(f"{SECRET}-and-more")})
    upstream = FakeUpstream(b'{"error":"%b-and-more"}' % SECRET.encode(), status=400)
    with pytest.raises(UpstreamRefused) as refused:
        await called(installation, who, upstream)
    assert refused.value.message.endswith("It said: ****")


@pytest.mark.parametrize("quoted", [SECRET, EXTRA, "xh-other-11aa22"])
async def test_a_header_that_quotes_a_secret_does_not_come_back(
    installation: Installation, quoted: str
) -> None:
    who = await registered(installation)
    headers = [(b"x-ratelimit-quoted", b"is " + quoted.encode()), (b"openai-version", b"1")]
    headers += [(b"x-ratelimit-%b-left" % quoted.encode(), b"7"), (b"x-ratelimit-left", b"8")]
    answer = await called(installation, who, FakeUpstream(b"{}", headers=headers))
    assert answer.headers == [(b"openai-version", b"1"), (b"x-ratelimit-left", b"8")]


@pytest.mark.parametrize(
    ("timeouts", "deadlines"),
    [
        (Timeouts(), DEADLINES),
        (Timeouts(idle_s=30), Deadlines(connect_s=1, first_byte_s=2, idle_s=30, total_s=4)),
        (
            Timeouts(connect_s=0.5, first_byte_s=20, idle_s=30, total_s=600),
            Deadlines(connect_s=0.5, first_byte_s=20, idle_s=30, total_s=600),
        ),
    ],
)
async def test_an_llms_own_deadlines_stand_before_the_installations(
    installation: Installation, timeouts: Timeouts, deadlines: Deadlines
) -> None:
    who, upstream = await registered(installation, timeouts=timeouts), FakeUpstream(b"{}")
    await called(installation, who, upstream)
    assert upstream.requests[0].deadlines == deadlines


async def test_stored_defaults_are_sent_where_the_caller_leaves_them_out(
    installation: Installation,
) -> None:
    who = await registered(installation, sampling=Sampling(top_p=0.5, stop_sequences=("END",)))
    upstream = FakeUpstream(b"{}")
    await called(installation, who, upstream)
    await called(installation, who, upstream, CALL[:-1] + b',"stop":null,"top_p":1}')
    assert [request.body for request in upstream.requests] == [
        b'{"model":"tiny","messages":[],"top_p":0.5,"stop":["END"]}',
        b'{"model":"tiny","messages":[],"stop":null,"top_p":1}',
    ]
