"""The names of `typing` that the hook's modules use, without importing `typing`.

Loading it, and its way of making classes, would take a sixth of the hook's time (decision 0027).
Type checkers see `typing` itself. The hook's modules import from here, all others from `typing`.
"""

__all__ = ["IO", "TYPE_CHECKING", "Any", "NamedTuple", "Self", "TextIO"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, NamedTuple, Self, TextIO
else:
    from operator import itemgetter

    IO = list
    Any = Self = TextIO = object

    class _RecordType(type):
        """Makes a property of every annotated name in a class, in their order."""

        def __new__(cls, name, bases, space):
            # Since Python 3.14 a class body has a function that returns them (PEP 749).
            annotate = space.get("__annotate_func__", lambda _form: {})
            fields = tuple(space.get("__annotations__") or annotate(1))
            defaults = {field: space[field] for field in fields if field in space}
            space |= {field: property(itemgetter(at)) for at, field in enumerate(fields)}
            space |= {"__slots__": (), "__match_args__": fields}
            return type.__new__(
                cls, name, bases, space | {"_fields": fields, "_defaults": defaults}
            )

    class NamedTuple(tuple, metaclass=_RecordType):  # noqa: SLOT001 - the metaclass does
        """As `typing.NamedTuple`: what a class that inherits from it can do is the same."""

        def __new__(cls, *values, **named):
            """Return a record; TypeError when a field is missing, unknown or given twice."""
            missing = cls._fields[len(values) :]
            if missing:
                given = cls._defaults | named
                if not given.keys() >= set(missing):
                    wanted = [field for field in missing if field not in given]
                    raise TypeError(f"{cls.__name__} needs {', '.join(wanted)}")
                values += tuple([given[field] for field in missing])
            if len(values) != len(cls._fields) or not named.keys() <= set(missing):
                raise TypeError(f"{cls.__name__} takes {', '.join(cls._fields)}, each once")
            return tuple.__new__(cls, values)

        @classmethod
        def _make(cls, values):
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"{cls.__name__} has {len(cls._fields)} fields, not {len(made)}")
            return made

        def _replace(self, **changes):
            return type(self)(**(self._asdict() | changes))

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self):
            pairs = ", ".join(f"{field}={value!r}" for field, value in self._asdict().items())
            return f"{type(self).__name__}({pairs})"

        def __getnewargs__(self):
            return tuple(self)
