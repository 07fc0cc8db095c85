from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator

import pytest

from tests.synthetic import Served, served_cloud

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell starts background jobs deaf to Ctrl-C, and whatever they start is born so.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def state() -> Iterator[None]:
    """What viftrail and Ansible write down is not for the home of whoever runs the tests."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", folder)
        patch.setenv("ANSIBLE_HOME", f"{folder}/ansible")
        yield


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    if shutil.which("ovsdb-server") is None:
        pytest.skip("needs the Debian package openvswitch-switch")
    with served_cloud() as cloud:
        yield cloud
