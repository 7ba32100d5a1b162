"""Records of the hook behave as those of `typing`, and spare it."""

import copy
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_orchestrator.text.lean_typing import NamedTuple


class Lean(NamedTuple):
    """A record."""

    name: str
    line: int = 0
    parts: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.name}:{self.line}"


class Usual(typing.NamedTuple):
    """A record."""

    name: str
    line: int = 0
    parts: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.name}:{self.line}"


values = st.tuples(st.text(), st.integers(), st.tuples(st.text()))


@given(values, values)
def test_a_record_answers_as_that_of_typing(one: tuple, other: tuple) -> None:
    lean, usual = Lean(*one), Usual(*one)
    assert lean == usual == Lean._make(one) == one
    assert hash(lean) == hash(usual)
    assert (lean < Lean(*other)) == (usual < Usual(*other))
    assert lean._asdict() == usual._asdict()
    assert repr(lean) == repr(usual).replace("Usual", "Lean")
    assert (lean.name, lean.line, lean.parts, lean.place) == (*one, usual.place)
    assert lean._replace(line=other[1]) == usual._replace(line=other[1])
    assert type(lean._replace(line=1)) is Lean
    assert copy.copy(lean) == copy.deepcopy(lean) == lean


def test_fields_have_defaults_and_names() -> None:
    assert Lean("a") == Usual("a") == ("a", 0, ())
    assert Lean(line=2, name="a") == ("a", 2, ())
    assert Lean._fields == Usual._fields
    match Lean("a", 3):
        case Lean("a", line):
            assert line == 3


@pytest.mark.parametrize(
    ("given_values", "named"),
    [
        ((), {}),
        ((), {"line": 1}),
        (("a", 1, (), 4), {}),
        (("a",), {"name": "b"}),
        (("a", 1), {"line": 2}),
        (("a",), {"colour": "red"}),
        (("a", 1, ()), {"colour": "red"}),
    ],
)
@pytest.mark.parametrize("kind", [Lean, Usual])
def test_a_field_that_is_missing_unknown_or_given_twice_is_refused(
    kind: type, given_values: tuple, named: dict
) -> None:
    with pytest.raises(TypeError):
        kind(*given_values, **named)


@pytest.mark.parametrize("kind", [Lean, Usual])
def test_a_record_cannot_be_changed(kind: type) -> None:
    record = kind("a")
    with pytest.raises(AttributeError):
        record.name = "b"
    with pytest.raises(AttributeError):
        record.colour = "red"
    with pytest.raises(TypeError):
        kind._make(("a", 1))
    with pytest.raises((TypeError, ValueError)):
        record._replace(colour="red")
