"""What the owner wants."""

from __future__ import annotations

from tests.cloud import healthy, vm


def test_a_port_is_found_by_its_id_and_not_by_another_name() -> None:
    owner = healthy().owner
    port = owner.port(vm(healthy()))
    assert port is not None
    assert port.server == "vm1"
    assert owner.port("vm1") is None
    assert owner.port("") is None
