"""What a test needs and this machine lacks: a skip for people, a failure where CI must see all."""

import os
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it in CI: there a real component that is missing hides a hole."""
    if os.environ.get("CI") or os.environ.get("CODEX_ORCHESTRATOR_TESTS"):
        pytest.fail(f"CI must have it: {reason}")
    pytest.skip(reason)
