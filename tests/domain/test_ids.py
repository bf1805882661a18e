"""Identifiers sort by time and never repeat by accident."""

from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID, uuid7

times_ms = st.integers(0, 2**48 - 1)
entropies = st.binary(min_size=10, max_size=10)

IGNORED_BITS = 6
"""Of the 80 bits of entropy, version and variant take the place of these."""


def test_the_example_of_rfc_9562() -> None:
    # Appendix A.6: Tuesday, February 22, 2022 2:22:22.00 PM GMT-05:00
    made = uuid7(0x017F22E279B0, bytes.fromhex("0cc318c4dc0c0c07398f"))
    assert made == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@given(times_ms, entropies)
def test_an_id_is_a_version_7_uuid_in_its_canonical_text(unix_ms: int, entropy: bytes) -> None:
    made = uuid7(unix_ms, entropy)
    assert UUID(made).version == 7
    assert UUID(made).variant == RFC_4122
    assert made == str(UUID(made))


@given(times_ms, entropies)
def test_an_id_tells_when_it_was_made(unix_ms: int, entropy: bytes) -> None:
    assert UUID(uuid7(unix_ms, entropy)).int >> 80 == unix_ms


@given(times_ms, times_ms, entropies, entropies)
def test_ids_sort_as_text_by_the_time_they_were_made(
    one_ms: int, other_ms: int, one: bytes, other: bytes
) -> None:
    if one_ms < other_ms:
        assert uuid7(one_ms, one) < uuid7(other_ms, other)


@given(times_ms, entropies)
def test_each_random_bit_but_six_tells_two_ids_of_one_moment_apart(
    unix_ms: int, entropy: bytes
) -> None:
    number = int.from_bytes(entropy, "big")
    flipped = [(number ^ 1 << bit).to_bytes(10, "big") for bit in range(80)]
    made = {uuid7(unix_ms, other) for other in flipped} - {uuid7(unix_ms, entropy)}
    assert len(made) == 80 - IGNORED_BITS


@given(times_ms, entropies)
def test_no_id_is_the_platforms(unix_ms: int, entropy: bytes) -> None:
    assert uuid7(unix_ms, entropy) != PLATFORM_ORGANIZATION_ID
    assert UUID(PLATFORM_ORGANIZATION_ID).version != 7
