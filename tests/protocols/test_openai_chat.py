"""A request is edited, not rebuilt: what is not named here stays as the caller wrote it."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.domain.llm import (
    Configuration,
    ProtocolName,
    ReasoningEffort,
    ReasoningFormat,
    Sampling,
)
from dragoman.domain.url import Endpoint, parse_origin
from dragoman.gateway.body import read_members
from dragoman.protocols.openai_chat import SPOKEN_BY, edited

OPENAI = "https://api.openai.com/v1/chat/completions"
GROQ = "https://api.groq.com/openai/v1/chat/completions"
OWN = "http://127.0.0.1:8000/v1/chat/completions"

CALL = b'{"model":"my-llm","messages":[]}'

names = st.text(st.characters(codec="utf-8"), max_size=4).filter(lambda name: name != "model")
texts = st.text(st.characters(codec="utf-8"))
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=6
)


def configured(url: str = OWN, **members: Any) -> Configuration:
    members = {"protocol": ProtocolName.OPENAI, "display_name": "my-llm"} | members
    return Configuration(endpoints=(Endpoint.parse(url),), model="tiny", **members)


def sent(body: bytes, llm: Configuration) -> bytes:
    return edited(read_members(body), llm, parse_origin(llm.endpoints[0].url).host)


FULL = configured(
    GROQ,
    protocol=ProtocolName.GROQ_OPENAI,
    sampling=Sampling(temperature=0.5, max_tokens=100),
    reasoning_effort=ReasoningEffort.LOW,
    reasoning_format=ReasoningFormat.PARSED,
)


class TestWhatStays:
    @pytest.mark.parametrize(
        "member",
        [
            b'"temperature":1.0',
            b'"temperature":1.00',
            b'"temperature":1e0',
            b'"temperature":-0.0',
            b'"seed":12345678901234567890123',
            b'"seed":1e999',
            b'"user":"\\u0041\\/\\ud83d\\ude00"',
            b'"user":"\xc3\xbc"',
            b'"logit_bias":{"2":1,"10":-1,"1":0}',
            b'"tools":[{"a":1,"a":2}]',
            b'"metadata":{"model":"other","max_tokens":1}',
            b'"stop":[ "x" ,\n"y" ]',
            b'"stream_options":null',
            b'"temperature ":1',
            b'"MODEL":"other"',
        ],
        ids=ascii,
    )
    def test_other_members_are_sent_byte_for_byte(self, member: bytes) -> None:
        body = b'{"model":"my-llm",' + member + b',"messages":[]}'
        assert sent(body, configured()) == body.replace(b'"my-llm"', b'"tiny"')

    def test_their_order_stays(self) -> None:
        body = b'{"z":1,"model":"my-llm","a":2,"messages":[],"m":3}'
        assert sent(body, configured()) == b'{"z":1,"model":"tiny","a":2,"messages":[],"m":3}'

    @given(members=st.dictionaries(names, values, max_size=4), escaped=st.booleans())
    def test_whatever_they_are(self, members: dict[str, Any], *, escaped: bool) -> None:
        raw = {name: json.dumps(value, ensure_ascii=escaped) for name, value in members.items()}
        inside = "".join(f" {json.dumps(name)} : {text} ," for name, text in raw.items())
        written = sent(f'{{{inside} "model" : "my-llm" }}'.encode(), configured())
        found = {name: bytes(value).decode() for name, value in read_members(written).items()}
        assert list(found.items()) == [*raw.items(), ("model", '"tiny"')]

    def test_what_the_caller_sent_is_not_changed_in_place(self) -> None:
        members = read_members(CALL)
        edited(members, FULL, "api.groq.com")
        assert list(members) == ["model", "messages"]
        assert bytes(members["model"]) == b'"my-llm"'


class TestModel:
    @pytest.mark.parametrize("model", ["tiny", "org/model:latest", 'a"b\\c', "\u00fc", "\n"])
    def test_the_upstreams_name_stands_in_place_of_the_callers(self, model: str) -> None:
        llm = msgspec.structs.replace(configured(), model=model)
        assert json.loads(sent(CALL, llm)) == {"model": model, "messages": []}


class TestDefaults:
    def test_an_llm_without_defaults_adds_nothing(self) -> None:
        assert sent(CALL, configured()) == b'{"model":"tiny","messages":[]}'

    def test_what_the_caller_left_out_is_filled_in_behind_what_they_sent(self) -> None:
        assert sent(CALL, FULL) == (
            b'{"model":"tiny","messages":[],"temperature":0.5,"max_completion_tokens":100,'
            b'"reasoning_effort":"low","reasoning_format":"parsed"}'
        )

    @pytest.mark.parametrize(
        ("member", "filled"),
        [
            (b'"temperature":2', {"max_completion_tokens", "reasoning_effort", "reasoning_format"}),
            (b'"max_tokens":7', {"temperature", "reasoning_effort", "reasoning_format"}),
            (b'"max_completion_tokens":7', {"temperature", "reasoning_effort", "reasoning_format"}),
            (
                b'"reasoning_effort":"high"',
                {"temperature", "max_completion_tokens", "reasoning_format"},
            ),
            (
                b'"reasoning_format":"raw"',
                {"temperature", "max_completion_tokens", "reasoning_effort"},
            ),
            (
                b'"include_reasoning":false',
                {"temperature", "max_completion_tokens", "reasoning_effort"},
            ),
        ],
        ids=lambda value: value.decode() if isinstance(value, bytes) else "",
    )
    @pytest.mark.parametrize("null", [False, True], ids=["a value", "null"])
    def test_what_the_caller_sent_counts_also_if_it_is_null(
        self, member: bytes, filled: set[str], *, null: bool
    ) -> None:
        name, _, value = member.partition(b":")
        value = b"null" if null else value
        body = b'{"model":"my-llm",' + name + b":" + value + b"}"
        written = read_members(sent(body, FULL))
        assert written.keys() == {"model", json.loads(name)} | filled
        assert bytes(written[json.loads(name)]) == value

    @pytest.mark.parametrize("temperature", [0.0, 0.3, 1.0, 2.0])
    def test_a_temperature_is_filled_in_even_if_it_is_zero(self, temperature: float) -> None:
        written = json.loads(sent(CALL, configured(sampling=Sampling(temperature=temperature))))
        assert written["temperature"] == temperature

    @pytest.mark.parametrize(
        ("url", "spelling"),
        [
            (OPENAI, "max_completion_tokens"),
            (GROQ, "max_completion_tokens"),
            ("https://API.OpenAI.com:443/v1/chat/completions", "max_completion_tokens"),
            (OWN, "max_tokens"),
            ("https://api.openai.com.example/v1/chat/completions", "max_tokens"),
            ("https://a.example/api.openai.com/v1/chat/completions", "max_tokens"),
        ],
    )
    def test_a_token_limit_is_spelled_as_its_server_knows_it(self, url: str, spelling: str) -> None:
        written = json.loads(sent(CALL, configured(url, sampling=Sampling(max_tokens=100))))
        assert written == {"model": "tiny", "messages": [], spelling: 100}


SAMPLED = {
    "temperature": (Sampling(temperature=0), "temperature", 0),
    "top_p": (Sampling(top_p=0), "top_p", 0),
    "top_k": (Sampling(top_k=40), "top_k", 40),
    "frequency_penalty": (Sampling(frequency_penalty=-0.5), "frequency_penalty", -0.5),
    "presence_penalty": (Sampling(presence_penalty=0.5), "presence_penalty", 0.5),
    "stop_sequences": (Sampling(stop_sequences=("a", "b")), "stop", ["a", "b"]),
    "max_tokens": (Sampling(max_tokens=7), "max_tokens", 7),
}


class TestSampling:
    def test_no_default_is_forgotten(self) -> None:
        assert SAMPLED.keys() == set(Sampling.__struct_fields__)

    @pytest.mark.parametrize(("sampling", "member", "value"), SAMPLED.values(), ids=SAMPLED)
    def test_each_default_is_sent_alone_and_in_the_formats_word(
        self, sampling: Sampling, member: str, value: object
    ) -> None:
        written = json.loads(sent(CALL, configured(sampling=sampling)))
        assert written == {"model": "tiny", "messages": [], member: value}

    @pytest.mark.parametrize("theirs", [b"null", b"1", b"[]", b'"x"'])
    @pytest.mark.parametrize("name", SAMPLED)
    def test_each_is_left_out_where_the_caller_sends_it_whatever_it_is(
        self, name: str, theirs: bytes
    ) -> None:
        sampling, member, _ = SAMPLED[name]
        body = b'{"model":"my-llm","%b":%b}' % (member.encode(), theirs)
        written = sent(body, configured(sampling=sampling))
        assert written == b'{"model":"tiny","%b":%b}' % (member.encode(), theirs)

    @given(
        sampled=st.sets(st.sampled_from(sorted(SAMPLED))),
        taken=st.sets(st.sampled_from(sorted(SAMPLED))),
    )
    def test_the_caller_takes_away_only_what_they_send(
        self, sampled: set[str], taken: set[str]
    ) -> None:
        defaults = {name: getattr(SAMPLED[name][0], name) for name in sampled}
        theirs = {SAMPLED[name][1]: "theirs" for name in taken}
        body = json.dumps({"model": "my-llm"} | theirs).encode()
        written = json.loads(sent(body, configured(sampling=Sampling(**defaults))))
        ours = {SAMPLED[name][1]: SAMPLED[name][2] for name in sampled - taken}
        assert written == {"model": "tiny"} | theirs | ours


class TestReasoning:
    @pytest.mark.parametrize("effort", ["low", "medium", "high"])
    def test_an_effort_is_filled_in(self, effort: str) -> None:
        llm = configured(reasoning_effort=ReasoningEffort(effort))
        assert json.loads(sent(CALL, llm))["reasoning_effort"] == effort

    def test_the_effort_default_is_left_to_the_model(self) -> None:
        llm = configured(reasoning_effort=ReasoningEffort.DEFAULT)
        assert sent(CALL, llm) == b'{"model":"tiny","messages":[]}'

    @pytest.mark.parametrize("style", ["parsed", "raw", "hidden"])
    def test_a_format_is_filled_in_where_groqs_format_is_spoken(self, style: str) -> None:
        llm = configured(protocol=ProtocolName.GROQ_OPENAI, reasoning_format=ReasoningFormat(style))
        assert json.loads(sent(CALL, llm))["reasoning_format"] == style

    @pytest.mark.parametrize("protocol", [ProtocolName.OPENAI, ProtocolName.CUSTOM])
    def test_no_other_server_gets_it(self, protocol: ProtocolName) -> None:
        llm = configured(GROQ, protocol=protocol, reasoning_format=ReasoningFormat.RAW)
        assert sent(CALL, llm) == b'{"model":"tiny","messages":[]}'


def test_who_speaks_this_format() -> None:
    assert {"openai", "custom", "groq_openai"} == SPOKEN_BY
