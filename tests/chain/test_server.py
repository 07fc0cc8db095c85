"""What is said of a database server: its state, its file's disk, its endpoints."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import healthy
from viftrail.chain.cloud import Cloud
from viftrail.chain.server import disk_of, endpoints, file_of, owner_of, server_state
from viftrail.facts.host import Disk, Failure, Host
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND


def controller(**fields: object) -> Host:
    return msgspec.structs.replace(healthy().hosts["controller"], **fields)


def test_its_state() -> None:
    assert server_state(controller(), NORTHBOUND) == "running"
    assert server_state(controller(processes={}), NORTHBOUND) == ""
    slow = Failure("OVN_Southbound at /run/ovn/ovnsb_db.sock", "no answer within 2 s")
    assert server_state(controller(errors=(slow,)), SOUTHBOUND) == "hung"
    assert server_state(controller(errors=(slow,)), NORTHBOUND) == "running"


def test_the_disk_is_the_nearest_above_the_file() -> None:
    path = file_of(controller(), "ovnnb_db")
    assert path.endswith("/ovnnb_db.db")
    root, near = Disk("/", 2, 1), Disk(path.rpartition("/")[0], 2, 0)
    assert disk_of(controller(disks=(root, near)), path) == near
    assert disk_of(controller(disks=(root,)), path) == root
    assert disk_of(controller(disks=()), path) is None


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("tcp:192.0.2.10:6642", (("tcp", "192.0.2.10", 6642),)),
        ("ssl:[::1]:6642,tcp:a:1", (("ssl", "::1", 6642), ("tcp", "a", 1))),
        ("unix:/run/ovn/ovnsb_db.sock", ()),
        ("", ()),
    ],
)
def test_endpoints(remote: str, expected: tuple[tuple[str, str, int], ...]) -> None:
    assert endpoints(remote) == expected


def test_whose_an_address_is() -> None:
    found = owner_of(Cloud(healthy()), "192.0.2.10")
    assert found
    assert found[0] == "controller"
    assert owner_of(Cloud(healthy()), "192.0.2.99") is None
