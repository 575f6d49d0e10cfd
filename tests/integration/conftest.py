"""One running platform a module of tests; everything it started is gone afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.platform import Platform, started
from tests.integration.telephones import Telephones


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The sample city, up and running on free ports."""
    running = Platform(Path(tmp_path_factory.mktemp("platform")))
    with started(running):
        yield running


@pytest.fixture
async def ringing(telephones: Telephones) -> AsyncIterator[Telephones]:
    """The telephones of a module that has a fixture of this name, ringing."""
    async with telephones:
        yield telephones
