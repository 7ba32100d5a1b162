"""What every catalog does; `tests/catalog/` holds the suite that each one passes."""

from typing import Protocol

from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.receipt import Receipt


class Catalog(Protocol):
    """Keeps the manifests of finished runs."""

    def push(self, manifest: Manifest, data: bytes) -> Receipt:
        """Store the canonical bytes under their hash; idempotent; other bytes are a conflict."""
