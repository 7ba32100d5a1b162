"""The documents that the roles answer with, and what is wrong with an invalid one."""

from typing import Any

from agents import AgentOutputSchema
from agents.exceptions import ModelBehaviorError
from pydantic import ValidationError

from codex_orchestrator.model.document import Document, problems_of
from codex_orchestrator.text.shown import one_line

_MOST_PROBLEMS = 5


class AnswerSchema(AgentOutputSchema):
    """The schema of one role's answers. The SDK alone would not say why an answer is invalid."""

    def __init__(self, document: type[Document]) -> None:
        super().__init__(document)
        self._document = document

    def validate_json(self, json_str: str) -> Any:
        """Return the document that an answer holds.

        Raises:
            ModelBehaviorError: it is invalid; says where and why, without the answer itself.
        """
        try:
            return self._document.model_validate_json(json_str, strict=True)
        except ValidationError as error:
            problems = problems_of(error)[:_MOST_PROBLEMS]
        found = "; ".join(one_line(str(problem)) for problem in problems)
        raise ModelBehaviorError(f"not a valid {self._document.__name__}: {found}")
