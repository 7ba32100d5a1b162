"""The GitHub of these tests: a server on loopback that remembers, and judges what it is sent."""

from collections.abc import Iterator

import pytest

from support.github_description import DescriptionMissingError, load_description
from support.github_server import Contract, GitHubServer
from support.missing import missing


@pytest.fixture(scope="session")
def github_contract() -> Contract:
    try:
        return Contract(load_description())
    except DescriptionMissingError as error:
        missing(f"GitHub's API description is not to be had: {error}")


@pytest.fixture
def github(github_contract) -> Iterator[GitHubServer]:
    with GitHubServer(github_contract) as server:
        yield server
    assert server.problems == []
