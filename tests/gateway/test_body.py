"""A caller's body is taken apart at its top level, and read no further than it is acted on."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.domain.errors import Invalid, Malformed
from dragoman.gateway.body import MAX_DEPTH, read_members, read_text

TRAPS = [
    "[",
    "]",
    "{",
    "}",
    '"',
    "\\",
    '\\"',
    '"}',
    "[{" * 70,
    "]" * 70,
    "\\\\",
    "\u00fc",
    "\n",
    "",
]

texts = st.text(st.characters(codec="utf-8")) | st.lists(st.sampled_from(TRAPS)).map("".join)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=6
)
names = st.sampled_from(["model", "mode", "Model", "", "a", "\u00fc", '"', "\\", "/", "\n"])
raws = st.sampled_from(
    [
        "null",
        "1.0",
        "-0",
        "1e999",
        "9" * 400,
        '""',
        '"\u00fc\\u00fc\\/"',
        '"{\\"model\\": 1, \\"model\\": 2}"',
        "[ 1 ,2]",
        '{"model" : 1,"model": 2}',
        '[[{"a": "]}"}]]',
    ]
)
gaps = st.sampled_from(["", "", " ", "\n", "\r\n\t"])


def spellings(name: str) -> list[str]:
    """Write a name in some of the many ways in which JSON can."""
    plain = [json.dumps(character, ensure_ascii=False)[1:-1] for character in name]
    escaped = [f"\\u{ord(character):04x}" for character in name]
    return [
        f'"{"".join(written)}"'
        for written in (
            plain,
            escaped,
            [character.upper().replace("U", "u", 1) for character in escaped],
            plain[:-1] + escaped[-1:],
            escaped[:1] + plain[1:],
        )
    ]


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, list[tuple[str, str]]]:
    """Write an object, compact or not; give it with each member's name and raw value."""
    members = draw(st.lists(st.tuples(names, raws), max_size=5))
    gap = draw(gaps)
    simple = draw(st.booleans())
    inside = []
    for name, raw in members:
        written = spellings(name)[0] if simple else draw(st.sampled_from(spellings(name)))
        inside.append(f"{gap}{written}{gap}:{gap}{raw}{gap}")
    return f"{gap}{{{','.join(inside) or gap}}}{gap}", members


def depth_of(value: Any) -> int:
    """Measure how deep a value is nested, by the definition."""
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


def refused(body: bytes) -> Malformed:
    with pytest.raises(Malformed) as error:
        read_members(body)
    return error.value


def raw_members(body: bytes) -> dict[str, bytes]:
    return {name: bytes(raw) for name, raw in read_members(body).items()}


class TestMembers:
    @given(bodies())
    def test_every_member_comes_out_as_it_went_in_unless_a_name_stands_twice(
        self, written: tuple[str, list[tuple[str, str]]]
    ) -> None:
        body, members = written
        if len({name for name, _ in members}) < len(members):
            assert refused(body.encode()).code == "duplicate_member"
        else:
            expected = [(name, raw.encode()) for name, raw in members]
            assert list(raw_members(body.encode()).items()) == expected

    @pytest.mark.parametrize(
        "body",
        [
            b'{"model":"a","model":"b"}',
            b'{"model":"a","model":"a"}',
            b'{"model": "a", "model": "b"}',
            b'{\n  "model": "a",\n  "stream": true,\n  "model": "b"\n}',
            b'{"model":"a","mod\\u0065l":"b"}',
            b'{"mod\\u0065l":"a","model":"b"}',
            b'{"\\u006d\\u006F\\u0064\\u0065\\u006c":"a","mod\\u0065l":"b"}',
            b'{"a\\/b":1,"a/b":2}',
            b'{"a\\nb":1,"a\\u000ab":2}',
            b'{"\\u00fc":1,"\xc3\xbc":2}',
            b'{"\\ud83d\\ude00":1,"\xf0\x9f\x98\x80":2}',
            b'{"":1,"":2}',
            b'{"a":1,"b":2,"c":3,"a":4}',
            b'{"a":1,"a":2, "padded":3}',
            b'{"a":' + b"9" * 5000 + b', "a":1}',
            b'{"a":1e999, "a":1}',
        ],
        ids=ascii,
    )
    def test_a_name_that_stands_twice_is_refused(self, body: bytes) -> None:
        assert refused(body).code == "duplicate_member"

    @pytest.mark.parametrize(
        "body",
        [
            b'{"model":"a","Model":"b"}',
            b'{"model":"a","x":{"model":"b"}}',
            b'{"x":{"model":"a","model":"b"}}',
            b'{ "x": [{"a": 1, "a": 2}] }',
            b'{"model":"a","model ":"b"}',
            b'{"model":"\\"model\\":1,\\"model\\":2"}',
            b'{ "a" : "\\u0000" , "b\\u0000" : 1 }',
        ],
        ids=ascii,
    )
    def test_what_only_looks_like_it_passes(self, body: bytes) -> None:
        assert read_members(body).keys() == json.loads(body).keys()

    def test_values_stay_as_they_came(self) -> None:
        body = b'{"a":1.0,"b": 1e999 ,"c":{"x" : [ 1 ]},"d":"\\u0041\\/","e":123456789012345678901}'
        assert raw_members(body) == {
            "a": b"1.0",
            "b": b"1e999",
            "c": b'{"x" : [ 1 ]}',
            "d": b'"\\u0041\\/"',
            "e": b"123456789012345678901",
        }

    @pytest.mark.parametrize("body", [b"{}", b" {} ", b"{\n}"])
    def test_an_empty_object_has_no_members(self, body: bytes) -> None:
        assert read_members(body) == {}


class TestNotAnObject:
    @pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"', b"true", b'[{"model": "a"}]'])
    def test_another_kind_of_json_is_refused(self, body: bytes) -> None:
        error = refused(body)
        assert (error.code, error.message) == ("invalid_json", "The body must be a JSON object.")

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b" ",
            b"{",
            b'{"a"',
            b'{"a":',
            b'{"a":1',
            b'{"a":1,}',
            b'{"a":1}}',
            b'{"a":1} x',
            b'{"a":1}\0',
            b"{'a':1}",
            b"{a:1}",
            b'{"a":01}',
            b'{"a":NaN}',
            b'{"a":Infinity }',
            b'{"a":tru }',
            b'{"a":[1,]}',
            b'{"a":[1 2]}',
            b'{"a":{"b":1,}}',
            b'{"a":{]}',
            b'{"a":"x\ny"}',
            b'{ "a" : "x\ty" }',
            b'{ "a" : "\\x" }',
            b'{ "a" : "\\u12" }',
            b'{ "a" : "\\ud800" }',
            b'{ "\\udc00" : 1 }',
            b"\xef\xbb\xbf{}",
            '{"a": 1}'.encode("utf-16"),
            '{"a": 1}'.encode("utf-16-le"),
            '{"a": 1}'.encode("utf-32-be"),
        ],
        ids=ascii,
    )
    def test_what_is_not_json_is_refused(self, body: bytes) -> None:
        assert refused(body).code == "invalid_json"

    @pytest.mark.parametrize(
        "body",
        [
            b'{"a":"\xff"}',
            b'{"a":"\xc3"}',
            b'{"a":"\xc0\xaf"}',
            b'{"a":"\xed\xa0\x80"}',
            b'{"\xff":1}',
            b'{"a":1}\xff',
            b'{"x":{"y":["\xf4\x90\x80\x80"]}}',
        ],
        ids=ascii,
    )
    def test_what_is_not_utf_8_is_refused_wherever_it_stands(self, body: bytes) -> None:
        error = refused(body)
        assert (error.code, error.message) == ("invalid_json", "The body is not valid UTF-8.")

    @given(st.binary() | bodies().map(lambda written: written[0].encode()), st.integers(0, 999))
    def test_nothing_but_malformed_comes_out(self, body: bytes, place: int) -> None:
        place %= len(body) + 1
        for cut in (body, body[:place], body[:place] + b"\\" + body[place:]):
            try:
                members = read_members(cut)
            except Malformed:
                continue
            assert members.keys() == json.loads(cut).keys()

    def test_no_message_quotes_the_body(self) -> None:
        for body in (b'{"k":sk-plain}', b'{"sk-plain":1,"sk-plain":2}', b'{"k":"sk-plain\xff"}'):
            assert "sk-plain" not in str(refused(body))


class TestDepth:
    @given(
        levels=st.integers(MAX_DEPTH - 4, MAX_DEPTH + 3),
        between=st.lists(texts, max_size=4),
        value=values,
        escaped=st.booleans(),
    )
    def test_64_levels_pass_and_65_do_not_whatever_the_texts_in_them_look_like(
        self, levels: int, between: list[str], value: Any, *, escaped: bool
    ) -> None:
        for level in range(levels - 1):
            value = (
                [*between, value] if level % 2 else {text: text for text in between} | {"": value}
            )
        body = json.dumps({"a": value}, ensure_ascii=escaped).encode()
        if depth_of(json.loads(body)) > 64:
            assert refused(body).code == "too_deep"
        else:
            assert raw_members(body).keys() == {"a"}

    @pytest.mark.parametrize(
        ("opening", "inner", "closing"),
        [
            (b"[", b"", b"]"),
            (b"[", b'"]]]"', b"]"),
            (b'["\\"",', b"1", b"]"),
            (b'["\\\\",', b"1", b"]"),
            (b'["\\\\\\"",', b"1", b"]"),
            (b'["\\u005c",', b"1", b"]"),
            (b'{"]":', b"1", b"}"),
            (b'{"\\"]":', b"1", b"}"),
            (b'{"a\\\\":', b"1", b"}"),
        ],
        ids=ascii,
    )
    def test_the_limit_is_exact(self, opening: bytes, inner: bytes, closing: bytes) -> None:
        fits, too_deep = (
            b'{"a":' + opening * levels + inner + closing * levels + b"}" for levels in (63, 64)
        )
        assert raw_members(fits).keys() == {"a"}
        assert refused(too_deep).code == "too_deep"

    def test_brackets_side_by_side_are_no_levels(self) -> None:
        assert raw_members(b'{"a":[' + b"[[{}]]," * 10_000 + b"1]}").keys() == {"a"}

    @pytest.mark.parametrize("text", [b"[" * 1000, b"{[" * 1000, b"\\\\[" * 1000, b'\\"[' * 1000])
    def test_brackets_in_texts_are_no_levels(self, text: bytes) -> None:
        assert list(raw_members(b'{"a":"' + text + b'"}')) == ["a"]
        assert list(raw_members(b'{"' + text + b'":1}').values()) == [b"1"]

    @pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
    def test_100_000_brackets_are_refused(self, opening: bytes) -> None:
        assert refused(opening * 100_000).code == "too_deep"
        assert refused(b'{"a":' + opening * 100_000).code == "too_deep"


class TestText:
    @given(text=texts.filter(lambda text: text and "\0" not in text), escaped=st.booleans())
    def test_a_text_is_read(self, text: str, *, escaped: bool) -> None:
        body = json.dumps({"model": text}, ensure_ascii=escaped).encode()
        assert read_text(read_members(body), "model") == text

    @pytest.mark.parametrize("raw", [b"1", b"null", b"true", b'["a"]', b'{"a":1}', b"1e999"])
    def test_what_is_no_text_is_refused(self, raw: bytes) -> None:
        with pytest.raises(Invalid) as error:
            read_text({"model": msgspec.Raw(raw)}, "model")
        assert error.value.problems == ((("model",), "must be a string", "invalid_type"),)

    @pytest.mark.parametrize("raw", [None, b'""', b'"\\u0000"', b'"my\\u0000llm"'])
    def test_a_text_that_is_missing_empty_or_has_a_nul_is_refused(self, raw: bytes | None) -> None:
        members = {"other": msgspec.Raw(b'"x"')}
        if raw is not None:
            members["model"] = msgspec.Raw(raw)
        with pytest.raises(Invalid) as error:
            read_text(members, "model")
        assert error.value.problems == (
            (("model",), "must be a string that is not empty", "invalid_value"),
        )
