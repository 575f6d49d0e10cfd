"""One running platform a module of tests; everything it started is gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.platform import Platform


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The sample city, up and running on free ports."""
    running = Platform(Path(tmp_path_factory.mktemp("platform")))
    try:
        running.up()
        yield running
    finally:
        running.down()
