"""The ``show`` commands give the rows that they name, and no more is concluded from them."""

from __future__ import annotations

from tests.samples import folder
from viftrail.facts.northbound import NAT, LogicalRouterPort, LogicalSwitch, LogicalSwitchPort
from viftrail.facts.saved import show
from viftrail.facts.saved.folder import open_folder
from viftrail.facts.southbound import Chassis, Encap, PortBinding
from viftrail.verdict import State
from viftrail.why import why

TEXTS = folder() / "s3-two-hosts" / "ovs"
PORT = "b04f753a-0370-4a54-b713-1a37c9a8b45b"


def test_bridges_ports_and_interfaces() -> None:
    found = show.switch((TEXTS / "cmp1-vsctl-show.txt").read_text())
    assert list(found) == ["br-int", "br-phys", "br-ex"]
    assert found["br-int"]["tapb04f753a-03"] == ["tapb04f753a-03"]
    assert len(found["br-ex"]) == 3


def test_what_northbound_shows() -> None:
    rows = show.north((TEXTS / "ovn-nbctl-show.txt").read_text(), {PORT: "its-uuid"})
    switches = [row for row in rows[LogicalSwitch] if isinstance(row, LogicalSwitch)]
    assert "its-uuid" in switches[0].ports
    port = next(row for row in rows[LogicalSwitchPort] if row.uuid == f"port {PORT}")
    assert isinstance(port, LogicalSwitchPort)
    assert port.addresses == ("fa:16:3e:f4:52:45 192.168.10.159",)
    leg = rows[LogicalRouterPort][1]
    assert isinstance(leg, LogicalRouterPort)
    assert (leg.networks, len(leg.gateway_chassis)) == (("198.51.100.82/24",), 2)
    assert [row.external_ip for row in rows[NAT] if isinstance(row, NAT)] == [
        "198.51.100.71",
        "198.51.100.82",
    ]


def test_what_southbound_shows() -> None:
    rows = show.south((TEXTS / "ovn-sbctl-show.txt").read_text())
    assert {row.hostname for row in rows[Chassis] if isinstance(row, Chassis)} == {"cmp1", "cmp2"}
    assert {row.ip for row in rows[Encap] if isinstance(row, Encap)} == {"10.99.1.11", "10.99.1.12"}
    claimed = {row.logical_port: row for row in rows[PortBinding] if isinstance(row, PortBinding)}
    assert claimed[PORT].chassis == "chassis cmp1"


def test_an_overview_accuses_nobody() -> None:
    """What a healthy cloud's overviews do not show is not missing."""
    verdict = why(open_folder(TEXTS), PORT)
    assert verdict.verdict.state is State.UNKNOWN
    assert not verdict.causes
    gaps = " ".join(f"{gap.place}: {gap.why} {gap.how}" for gap in verdict.unknown)
    assert "Nothing is known of NB_Global, DHCP_Options" in gaps
    assert "`ovn-nbctl list TABLE`" in gaps


def test_nonsense_shows_nothing() -> None:
    assert show.switch("Bridge\n Port x\n") == {}
    assert not any(show.north("switch\nrouter x\n", {}).values())
    assert not any(show.south("Chassis\n").values())
