from collections.abc import Iterator
from pathlib import Path

import pytest

from support.memory import memory_folder
from support.s3_server import s3_server


@pytest.fixture
def repo() -> Iterator[Path]:
    with memory_folder() as folder:
        (folder / ".git").mkdir()
        yield folder


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    with s3_server() as address:
        yield address
