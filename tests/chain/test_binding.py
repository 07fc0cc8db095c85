"""S3: a port's binding as Neutron has it, and what became of the port of a failed build."""

from __future__ import annotations

import pytest

from tests.openstack import BINDING, BLANK, PLUG, PORT, cloud_of, port, server, tried, up
from viftrail.chain.binding import examine
from viftrail.chain.cloud import Cloud
from viftrail.chain.trail import trail_of, trail_of_server
from viftrail.facts.openstack import NeutronPort
from viftrail.verdict import Finding


def of_port(row: NeutronPort) -> Finding:
    lsp, binding = up()
    cloud = cloud_of(server(host="cmp1"), ports=(row,), northbound=(lsp,), bindings=(binding,))
    return examine(cloud, trail_of(cloud, cloud.ports[PORT], "vm"))


def of_server(cloud: Cloud) -> Finding:
    return examine(cloud, trail_of_server(cloud, (cloud.openstack.servers or ())[0], "vm"))


def test_a_port_that_is_bound_is_ok_and_says_where() -> None:
    found = of_port(port())
    assert (found.state.value, found.summary) == ("ok", "bound to cmp1")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (port(vif_type="binding_failed"), "could not bind"),
        (port(vif_type="unbound", host_id=""), "bound to no host"),
        (port(admin_state_up=False), "administratively down"),
    ],
)
def test_a_port_that_is_not_bound_or_down_is_broken(row: NeutronPort, says: str) -> None:
    found = of_port(row)
    assert found.state.value == "broken"
    assert says in found.summary
    assert found.evidence[0].command.startswith(f"openstack port show {PORT} -c ")


def test_what_only_admins_see_is_not_held_against_the_port() -> None:
    found = of_port(port(vif_type="", host_id=""))
    assert found.state.value == "unknown"
    assert "needs admin" in found.summary


def test_down_alone_is_no_failure_of_the_binding() -> None:
    found = of_port(port(status="DOWN"))
    assert found.state.value == "ok"
    assert "Neutron calls it DOWN" in found.summary


def test_the_port_of_a_failed_build_is_gone_and_its_refusal_is_not() -> None:
    refused = of_server(cloud_of(server(BINDING), actions=(tried("cmp2"),)))
    assert refused.state.value == "broken"
    assert f"refused to bind port {PORT} on cmp2" in refused.summary
    for message, says in (
        (PLUG, "deleted with the failed build"),
        (BLANK, "never given to a host"),
    ):
        found = of_server(cloud_of(server(message)))
        assert found.state.value == "n/a"
        assert says in found.summary
    assert of_server(cloud_of(server(PLUG), ports=None)).state.value == "unknown"
