"""Geneve packets of no network, to a socket of our own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from viftrail.probing import knock as script
from viftrail.probing.knock import IP_AND_UDP, packet


@pytest.mark.parametrize("size", [100, 1500])
def test_a_packet_is_geneve_of_the_wanted_size_and_of_no_network(size: int) -> None:
    """RFC 8926, section 3.4: version 0, no options, Ethernet, VNI 0."""
    made = packet(size)
    assert len(made) == size - IP_AND_UDP
    assert made[:8] == bytes.fromhex("0000655800000000")
    assert made[20:22] == b"\x88\xb5"


def test_it_tells_how_many_went_out() -> None:
    argv = [sys.executable, "-", "127.0.0.1", "127.0.0.1", "100", "3"]
    source = Path(script.__file__).read_bytes()
    done = subprocess.run(argv, input=source, capture_output=True, check=True)
    assert json.loads(done.stdout)["sent"] in range(4)  # nobody listens there, which it may be told


def test_an_address_that_is_not_the_hosts_is_told() -> None:
    argv = [sys.executable, "-", "192.0.2.1", "127.0.0.1", "100", "1"]
    source = Path(script.__file__).read_bytes()
    done = subprocess.run(argv, input=source, capture_output=True, check=True)
    assert json.loads(done.stdout)["sent"] == 0
