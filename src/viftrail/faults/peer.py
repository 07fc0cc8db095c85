"""S10: hosts that nobody can make a tunnel to, as they are no chassis."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.mesh import is_overlay
from viftrail.chain.quoting import db
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.southbound import Chassis
from viftrail.faults.fault import Case, Fault
from viftrail.verdict import Certainty, Evidence, Risk, Stage


def _missing(cloud: Cloud) -> Iterator[Case]:
    chassis = cloud.sb[Chassis]
    for name, ports in cloud.ports_on.items() if len(chassis) else ():
        # Where somebody looked, what is wrong there is told by what was seen there.
        if not name or name in cloud.hosts or not chassis.absent("hostname", name):
            continue
        wanted = [port for port in ports if _tunnelled(cloud, port, name)]
        if not wanted or cloud.chassis_like(name):
            continue
        yield Case(
            subject=subject.host(name),
            summary=f"{name} has no Chassis row, so that no other host has a tunnel to it: its "
            f"{len(wanted)} ports, {wanted[0].label} among them, reach none of their network on other "
            "hosts",
            evidence=(
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Chassis hostname={name}",
                    seen="no such row",
                    expected="one row, with its Encap",
                    command=f"ovn-sbctl --columns=name,encaps find Chassis hostname={db(name)}",
                ),
            ),
            steps=(),
            certainty=Certainty.LIKELY,
            note=f"Look at {name} itself: whether ovn-controller runs, what its Open_vSwitch says "
            "(`ovs-vsctl get Open_vSwitch . external_ids`), and its log. It registers by itself once it "
            "is right there.",
        )


def _tunnelled(cloud: Cloud, port: Port, host: str) -> bool:
    """Its owner runs it on that host, OVN is to plug it there, and its network takes tunnels."""
    if port.owned is None or port.row is None or port.row.type:
        return False  # of a port for bare metal or SR-IOV some other host is the chassis
    switch = cloud.switch_of(port)
    here = port.owned.host == host == port.requested_chassis
    return here and switch is not None and is_overlay(cloud, switch)


FAULTS = (
    Fault(
        id="tunnel-peer-chassis-missing",
        stage=Stage.TUNNEL,
        title="A host with VMs is no chassis, and has no tunnels",
        what="ovn-controller makes a tunnel to every Chassis of Southbound. A host whose row is gone, "
        "or never came, is none: all the others have no tunnel port towards it.",
        shows="VMs on that host reach nobody on other hosts, and nobody reaches them; nothing new is "
        "plugged there.",
        decisive="The owner runs VMs on the host, and Southbound has no Chassis of that hostname, "
        "under no other spelling either.",
        remedy="Mend what keeps that host from registering; what it is shows only there.",
        risk=Risk.SAFE,
        references=("ovn: controller/encaps.c", "ovn-sb(5), Chassis"),
        unlike={
            "chassis-missing-graceful-stop": "there the host was looked at, and says why",
            "bind-host-mismatch": "there the host is registered, spelled otherwise",
            "tunnel-not-made": "there both are registered",
        },
        find=_missing,
        shows_at=frozenset({Stage.SOUTHBOUND, Stage.CONTROLLER}),
        yields_to=frozenset({Stage.PORT, Stage.NORTHBOUND, Stage.NORTHD, Stage.SOUTHBOUND}),
        unprovoked="in a lab every host can be looked at, and whatever keeps it from registering is "
        "told as that.",
    ),
)
