"""What every document that crosses the border has in common."""

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """A frozen value with named fields; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
