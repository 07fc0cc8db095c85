"""One lab a module, and the reason to skip where none can be."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from viftrail.lab.client import Lab

from .site import Site

_PROGRAMS = ("ovn-northd", "ovn-controller", "ovs-vswitchd", "ovsdb-tool", "busybox", "ip")


def _missing() -> str:
    if os.geteuid() != 0:
        return "needs root, to make network namespaces"
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    absent = [program for program in _PROGRAMS if not shutil.which(program, path=path)]
    return f"needs {', '.join(absent)}" if absent else ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = _missing()
    for item in items:
        if reason and item.get_closest_marker("lab"):
            item.add_marker(pytest.mark.skip(reason=f"the lab {reason}"))


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A healthy lab, for the tests of one module."""
    module = request.module.__name__.rpartition("test_")[2].replace("_", "-")
    lab = Lab.up(f"live-{module[:10]}-{os.getpid()}")
    try:
        site = Site(lab)
        site.await_healthy()
        yield site
    finally:
        lab.down()
