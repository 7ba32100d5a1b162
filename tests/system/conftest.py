"""Scenes for tests of the sandbox, one for root and one for an ordinary user."""

import os
from collections.abc import Iterator

import pytest

from support.contained import ORDINARY, can_be_ordinary
from support.sandbox_scene import Scene, make_scene

USERS = {"root": 0, "ordinary-user": ORDINARY}


@pytest.fixture(scope="session", params=USERS)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """A scene of each user that can be played here."""
    uid = USERS[request.param]
    if os.geteuid() != 0 and request.param == "ordinary-user":
        uid = os.geteuid()
    elif uid != os.geteuid() and not can_be_ordinary():
        pytest.skip("needs root, and a Python in /usr/bin that others can read")
    with make_scene(uid) as made:
        yield made
