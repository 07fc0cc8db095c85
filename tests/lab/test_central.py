"""Labs whose databases are clusters, and are spoken to by TLS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from viftrail.lab.design import SB_PORT, Design
from viftrail.lab.shape import Shape

from .harness import Cli, assert_nothing_left


def test_every_member_is_named_by_its_scheme() -> None:
    assert Design("a").central.remote(SB_PORT) == "tcp:192.0.2.10:6642"
    central = Design("a", Shape(cluster=True, ssl=True)).central
    assert central.clustered
    assert central.remote(SB_PORT) == "ssl:192.0.2.10:6642,ssl:192.0.2.2:6642,ssl:192.0.2.3:6642"


def asked(command: str, *arguments: str, lab: str) -> dict[str, Any]:
    argv = [sys.executable, "-m", "viftrail", command, *arguments, "--lab", lab, "-f", "json"]
    done = subprocess.run(argv, capture_output=True, timeout=60, check=False)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.lab
def test_a_cluster_by_tls_carries_packets_and_loses_its_majority() -> None:
    name = f"central-{os.getpid()}"
    cli = Cli(name)
    cli("up", "--cluster", "--ssl")
    try:
        cli("ping")
        assert asked("why", "vm1", lab=name)["verdict"]["state"] == "healthy"
        assert asked("audit", lab=name)["groups"] == []
        # A tool insists on the leader; it finds it from any node.
        for node in ("controller3", "compute1"):
            listener = cli("exec", node, "--", "ovn-sbctl", "--timeout=5", "get-connection").stdout
            assert "pssl:6642" in listener
        assert "vm9 runs on" in cli("boot", "vm9").stdout
        cli("break", "sb-raft-no-quorum")
        verdict = asked("why", "vm1", lab=name)
        assert verdict["verdict"]["cause"] == "sb-raft-no-quorum"
        assert any(each["place"] == "OVN_Southbound" for each in verdict["unknown"])
        cli("mend")
        assert asked("why", "vm1", lab=name)["verdict"]["state"] == "healthy"
    finally:
        cli("down")
    assert_nothing_left(name)
