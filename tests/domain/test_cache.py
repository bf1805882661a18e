"""A cache is bounded, and forgets what was read before a change."""

from hypothesis import given
from hypothesis import strategies as st

from dragoman.domain.cache import Cache


def filled(limit: int, *keys: str) -> Cache[str, str]:
    cache: Cache[str, str] = Cache(limit)
    for key in keys:
        cache.put(key, key.upper(), cache.epoch)
    return cache


def test_what_was_put_in_can_be_had() -> None:
    assert filled(2, "a", "b").get("a") == "A"


def test_what_was_not_put_in_is_none() -> None:
    assert filled(2, "a").get("b") is None


def test_the_newer_value_of_a_key_counts() -> None:
    cache = filled(2, "a")
    cache.put("a", "newer", cache.epoch)
    assert cache.get("a") == "newer"
    assert len(cache) == 1


def test_up_to_its_limit_it_keeps_everything() -> None:
    cache = filled(3, "a", "b", "c")
    assert [cache.get(key) for key in "abc"] == ["A", "B", "C"]


def test_beyond_its_limit_the_first_one_in_leaves_first() -> None:
    cache = filled(3, "a", "b", "c", "d")
    assert [cache.get(key) for key in "abcd"] == [None, "B", "C", "D"]


@given(st.integers(1, 5), st.lists(st.text("abcdefgh", min_size=1, max_size=1)))
def test_it_is_never_larger_than_its_limit_and_has_the_last_one(
    limit: int, keys: list[str]
) -> None:
    cache = filled(limit, *keys)
    assert len(cache) <= limit
    assert not keys or cache.get(keys[-1]) == keys[-1].upper()


def test_clearing_forgets_everything() -> None:
    cache = filled(3, "a", "b")
    cache.clear()
    assert len(cache) == 0
    assert cache.get("a") is None


def test_what_was_read_before_a_change_and_arrives_after_it_is_not_kept() -> None:
    cache: Cache[str, str] = Cache(3)
    before = cache.epoch
    cache.clear()
    cache.put("a", "old", before)
    assert cache.get("a") is None


def test_not_even_where_a_newer_value_stands() -> None:
    cache: Cache[str, str] = Cache(3)
    before = cache.epoch
    cache.clear()
    cache.put("a", "new", cache.epoch)
    cache.put("a", "old", before)
    assert cache.get("a") == "new"


def test_what_is_read_after_a_change_is_kept() -> None:
    cache = filled(3, "a")
    cache.clear()
    cache.put("a", "new", cache.epoch)
    assert cache.get("a") == "new"


def test_each_change_counts_also_of_an_empty_cache() -> None:
    cache: Cache[str, str] = Cache(3)
    epochs = {cache.epoch}
    for _ in range(3):
        cache.clear()
        epochs.add(cache.epoch)
    assert len(epochs) == 4


def test_a_reader_that_was_handed_out_sees_every_change() -> None:
    cache = filled(3, "a")
    get = cache.get
    cache.clear()
    assert get("a") is None
    cache.put("b", "B", cache.epoch)
    assert get("b") == "B"
