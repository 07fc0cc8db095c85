"""Fixtures of the lab's tests, and the reason to skip them where no lab can be."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from .harness import Cli, assert_nothing_left

_PROGRAMS = ("ovn-northd", "ovn-controller", "ovs-vswitchd", "ovsdb-tool", "busybox", "ip")


def _missing() -> str | None:
    """Why no lab can be brought up here, if none can."""
    if os.geteuid() != 0:
        return "needs root, to make network namespaces"
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    absent = [program for program in _PROGRAMS if not shutil.which(program, path=path)]
    if absent:
        return f"needs {', '.join(absent)}: the Debian packages ovn-central ovn-host busybox-static"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = _missing()
    if reason:
        for item in items:
            if item.get_closest_marker("lab"):
                item.add_marker(pytest.mark.skip(reason=f"the lab {reason}"))


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest) -> Iterator[Cli]:
    """A lab for the tests of one module."""
    name = f"t-{request.module.__name__.rpartition('_')[2]}-{os.getpid()}"
    cli = Cli(name)
    cli("up")
    yield cli
    cli("down")
    assert_nothing_left(name)
