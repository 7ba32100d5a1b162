"""The interface of delivery targets; `tests/github/` has the suite that each one passes."""

from typing import Protocol

from codex_orchestrator.model.delivery import Delivery
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.text.markdown import Markdown


class DeliveryTarget(Protocol):
    """A place where people read reviews."""

    def deliver(self, manifest: Manifest, text: Markdown) -> Delivery:
        """Put a run's review there, read it back, and say what readers got.

        The same review again changes nothing. A missing place is not an error: then
        nothing was posted, and the delivery has the reason and the fix.

        Raises:
            ServiceError: the service failed after its retries.
            NotCheckedError: the service refused us.
        """
