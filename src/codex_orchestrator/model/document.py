"""The base of all documents that are read or written."""

import json
from collections.abc import Sequence
from typing import NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, ValidationError


class Document(BaseModel):
    """A frozen value with named fields; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def file_bytes(self, schema: str) -> bytes:
        """Return a part of a record as the JSON file of a schema, for people to read."""
        fields = {"schema": schema, **self.model_dump(mode="json")}
        return json.dumps(fields, indent=2, ensure_ascii=False).encode() + b"\n"


class FieldProblem(NamedTuple):
    """What is wrong with one field.

    `path` is its path from the top; `kind` is pydantic's error type.
    """

    path: tuple[str, ...]
    message: str
    kind: str

    @property
    def field(self) -> str:
        """The dotted path of the field; "" for the whole document."""
        return ".".join(self.path)

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.path else self.message


def problems_of(error: ValidationError) -> tuple[FieldProblem, ...]:
    """Return what is wrong with a document, in order, without the wrong values."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return tuple(
        FieldProblem(
            tuple(map(str, problem["loc"])),
            problem["msg"].removeprefix("Value error, "),
            problem["type"],
        )
        for problem in found
    )


def document_at(top: type[Document], path: Sequence[str]) -> type[Document]:
    """Return the kind of document that a path of field names and positions leads into."""
    for name in path:
        if field := top.model_fields.get(name):
            kinds = (field.annotation, *get_args(field.annotation))
            top = next((k for k in kinds if isinstance(k, type) and issubclass(k, Document)), top)
    return top
