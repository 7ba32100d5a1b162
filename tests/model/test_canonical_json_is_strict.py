"""JSON is read strictly and written in one way only."""

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from codex_orchestrator.model.canonical import (
    MAX_INTEGER,
    CanonicalError,
    canonical_bytes,
    load_strict,
    sha256_hex,
)

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(values)
def test_what_is_written_reads_back_as_the_same_value(value: object) -> None:
    try:
        data = canonical_bytes(value)  # type: ignore[arg-type]
    except CanonicalError:
        return
    assert load_strict(data) == value


@given(values | st.integers() | st.lists(st.floats() | values | st.text()))
def test_the_fast_way_of_writing_gives_the_bytes_of_rfc_8785(value: object) -> None:
    try:
        expected = rfc8785.dumps(value)  # type: ignore[arg-type]
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        with pytest.raises(CanonicalError):
            canonical_bytes(value)  # type: ignore[arg-type]
    else:
        assert canonical_bytes(value) == expected  # type: ignore[arg-type]


@given(st.dictionaries(st.text(max_size=5), st.integers(0, 9), max_size=6))
def test_the_order_of_keys_does_not_change_the_bytes(value: dict[str, int]) -> None:
    backwards = dict(reversed(list(value.items())))
    assert canonical_bytes(value) == canonical_bytes(backwards)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"a": 1, "a": 2}', "duplicate key 'a'"),
        (b"NaN", "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"9007199254740992", "beyond"),
        (b"1" * 5000, "beyond"),
        (b"1e999", "beyond"),
        (b'{"a": [-1.5e400]}', "beyond"),
        (rb'"\ud800"', "surrogate"),
        (rb'{"\udc00": 1}', "surrogate"),
        (b'"\xff"', "not UTF-8"),
        (b"[" * 100 + b"]" * 100, "nested deeper"),
        (b"{", "line 1"),
        (b"", "line 1"),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(CanonicalError, match=words):
        load_strict(data)


def test_brackets_inside_text_do_not_count_as_nesting() -> None:
    text = '[{"' * 50
    assert load_strict(json.dumps([text]).encode()) == [text]


def test_the_hash_is_that_of_the_bytes() -> None:
    assert sha256_hex(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
