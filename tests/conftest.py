from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.synthetic import Served, served_cloud


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    if shutil.which("ovsdb-server") is None:
        pytest.skip("needs the Debian package openvswitch-switch")
    with served_cloud() as cloud:
        yield cloud
