"""Which hosts are told the trace of a call, and what passes for one."""

import pytest

from dragoman.gateway.trace import TraceHosts, trace_lines

PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("patterns", "host", "is_trusted"),
    [
        ([], "a.example", False),
        (["a.example"], "a.example", True),
        (["a.example"], "b.a.example", False),
        (["a.example"], "xa.example", False),
        (["*.a.example"], "b.a.example", True),
        (["*.a.example"], "c.b.a.example", True),
        (["*.a.example"], "a.example", False),
        (["*.a.example"], "xa.example", False),
        (["*"], "a.example", True),
        (["*"], "10.0.0.1", True),
    ],
)
def test_hosts_are_trusted_as_they_are_named(
    patterns: list[str], host: str, *, is_trusted: bool
) -> None:
    assert TraceHosts(patterns).trusts(host) is is_trusted


@pytest.mark.parametrize(
    "parent",
    [
        b"",
        PARENT[:-1],
        PARENT + b"-extra",
        PARENT.upper(),
        PARENT.replace(b"-", b"_"),
        b"ff" + PARENT[2:],
        PARENT.replace(b"4bf92f3577b34da6a3ce929d0e0e4736", b"0" * 32),
        PARENT.replace(b"00f067aa0ba902b7", b"0" * 16),
        b"00-4bf92f3577b34da6a3ce929d0e0e47-3600f067aa0ba902b7-01",
        PARENT[:-2] + b"\r\n",
    ],
)
def test_what_is_no_parent_is_not_passed_and_no_state_without_it(parent: bytes) -> None:
    assert trace_lines([parent], [b"a=1"]) == []


def test_two_parents_are_none() -> None:
    assert trace_lines([PARENT, PARENT], []) == []
    assert trace_lines([], [b"a=1"]) == []


@pytest.mark.parametrize(
    "state",
    [b"congo=t61rcWkgMzE", b"rojo=00f067aa0ba902b7,congo=t6", b"a=1, b=2,,", b"t@sys=a b", b"0a=1"],
)
def test_a_state_goes_with_its_parent(state: bytes) -> None:
    assert trace_lines([PARENT], [state]) == [(b"traceparent", PARENT), (b"tracestate", state)]


def test_a_state_in_several_lines_is_one() -> None:
    assert trace_lines([PARENT], [b"a=1", b"b=2"])[1] == (b"tracestate", b"a=1,b=2")


@pytest.mark.parametrize(
    "state",
    [
        b"a",
        b"a=",
        b"=1",
        b"A=1",
        b"-a=1",
        b"a=1=2",
        b"a=\xff",
        b"a=\t",
        b"a b=1",
        b"a=" + b"x" * 511,
        b",".join([b"a=1"] * 33),
    ],
)
def test_an_odd_state_is_left_out_alone(state: bytes) -> None:
    assert trace_lines([PARENT], [state]) == [(b"traceparent", PARENT)]
