"""S7 and S8: ovn-controller and the integration bridge do not come together."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.controller import controller_state
from viftrail.chain.daemon import RUNNING
from viftrail.chain.plug import (
    carriers,
    diverted,
    emptied,
    own_link,
    usual_datapath,
    wrong_datapath,
)
from viftrail.chain.quoting import db, q
from viftrail.chain.switch import OPENFLOW, speaks
from viftrail.facts.host import Host
from viftrail.facts.southbound import Chassis
from viftrail.facts.vswitch import Bridge, Port
from viftrail.faults.fault import Case, Fault
from viftrail.faults.metadata import AGENT
from viftrail.faults.step import on_host
from viftrail.verdict import Evidence, Risk, Stage, Step


def _mute(cloud: Cloud) -> Iterator[Case]:
    for name, host in cloud.hosts.items():
        bridge = host.conf[Bridge].one("name", host.integration_bridge)
        if bridge is None or speaks(host) or not host.settings.get("ovn-remote"):
            continue
        spoken = ",".join(sorted(bridge.protocols))
        yield Case(
            subject=subject.host(name),
            summary=f"{bridge.name} on {name} does not speak {OPENFLOW}, so ovn-controller cannot "
            "change a flow or answer DHCP: what is installed works, nothing new does",
            evidence=(
                Evidence(
                    where=name,
                    what=f"Bridge {bridge.name} protocols",
                    seen=spoken,
                    expected=f"empty, or {OPENFLOW} among them",
                    command=f"ovs-vsctl get Bridge {q(bridge.name)} protocols",
                ),
            ),
            steps=on_host(
                name,
                f"ovs-vsctl clear Bridge {q(bridge.name)} protocols",
                undo=f"ovs-vsctl set Bridge {q(bridge.name)} protocols={q(spoken)}",
                verify=f"ovs-vsctl get Bridge {q(bridge.name)} protocols",
            ),
        )


def _wrong(cloud: Cloud) -> Iterator[Case]:
    for name, host in cloud.hosts.items():
        right, own = diverted(host), host.integration_bridge
        if not right or controller_state(host) != RUNNING:
            continue
        plugs = carriers(host, right)
        yield Case(
            subject=subject.host(name),
            summary=f"ovn-controller on {name} fills {own}, but the VMs' ports are in {right}",
            evidence=(
                Evidence(
                    where=name,
                    what="Open_vSwitch.external_ids:ovn-bridge",
                    seen=own,
                    expected=right,
                    command="ovs-vsctl get Open_vSwitch . external_ids:ovn-bridge",
                ),
                Evidence(
                    where=name,
                    what=f"ports with an iface-id in {own}",
                    seen=f"none; {right} has {len(plugs)}, such as {plugs[0].name}",
                    expected="all of the host",
                    command=f"ovs-vsctl list-ports {q(own)}; ovs-vsctl list-ports {q(right)}",
                ),
            ),
            steps=on_host(
                name,
                f"ovs-vsctl set Open_vSwitch . external_ids:ovn-bridge={db(right)}"
                # Its tunnel ports would keep those that belong into the right one from working.
                + (f" -- --if-exists del-br {q(own)}" if _only_tunnels(host, own) else ""),
                undo=f"ovs-vsctl set Open_vSwitch . external_ids:ovn-bridge={db(own)}",
                verify="ovs-vsctl get Open_vSwitch . external_ids:ovn-bridge",
            ),
            note=""
            if _only_tunnels(host, own)
            else f"{own} has ports that are not ovn-controller's: delete its tunnel ports by hand, "
            "or they keep those of the right bridge from being made.",
        )


def _only_tunnels(host: Host, bridge: str) -> bool:
    """Nothing is in the bridge but what ovn-controller put there."""
    ports = host.conf[Port].by("uuid")
    return all(
        port.name == bridge or "ovn-chassis-id" in port.external_ids
        for row in host.conf[Bridge].find("name", bridge)
        for uuid in row.ports
        for port in ports.get(uuid, ())
    )


def _anew(cloud: Cloud) -> Iterator[Case]:
    for name, host in cloud.hosts.items():
        bridge = host.integration_bridge
        ports = emptied(cloud, name) if cloud.sb[Chassis].find("hostname", name) else ()
        if not ports:
            continue
        devices = sorted(link.ifname for port in ports if (link := own_link(host, port)))
        yield Case(
            subject=subject.host(name),
            summary=f"{bridge} on {name} was deleted and made anew: the devices of its VMs are "
            "there, and no port of the bridge is theirs",
            evidence=(
                Evidence(
                    where=name,
                    what=f"ports of {bridge} with an iface-id",
                    seen="none",
                    expected=", ".join(devices),
                    command=f"ovs-vsctl list-ports {q(bridge)}",
                ),
                Evidence(
                    where=name,
                    what="devices of VMs in no bridge",
                    seen=", ".join(devices),
                    expected="none",
                    command="ip -brief link",
                ),
                *_datapath_evidence(cloud, name),
            ),
            steps=(
                *_datapath_step(cloud, name),
                *on_host(
                    name,
                    "systemctl restart nova-compute",
                    undo=f"ovs-vsctl del-port {q(bridge)} {q(devices[0])}   # and so each of them",
                    verify=f"ovs-vsctl list-ports {q(bridge)}",
                ),
                *(_metadata_step(name, bridge) if cloud.metadata_ports else ()),
            ),
            victims=frozenset(subject.port(port.id) for port in ports),
            note="Nova before 24 (Xena) does not plug again at its start: there add each port by "
            "hand, or reboot its server hard.",
        )


def _metadata_step(name: str, bridge: str) -> tuple[Step, ...]:
    """The metadata service's ports went with the bridge too."""
    return on_host(
        name,
        f"systemctl restart {AGENT}",
        undo=f"systemctl stop {AGENT}",
        verify=f"ovs-vsctl list-ports {q(bridge)}",
    )


def _datapath_evidence(cloud: Cloud, name: str) -> Iterator[Evidence]:
    if wrong_datapath(cloud, name):
        host = cloud.hosts[name]
        row = host.conf[Bridge].one("name", host.integration_bridge)
        yield Evidence(
            where=name,
            what=f"Bridge {host.integration_bridge} datapath_type",
            seen=(row.datapath_type if row else "") or "system",
            expected=usual_datapath(cloud, name),
            command=f"ovs-vsctl get Bridge {q(host.integration_bridge)} datapath_type",
        )


def _datapath_step(cloud: Cloud, name: str) -> tuple[Step, ...]:
    if not wrong_datapath(cloud, name):
        return ()
    host, wanted = cloud.hosts[name], usual_datapath(cloud, name)
    bridge = host.integration_bridge
    row = host.conf[Bridge].one("name", bridge)
    seen = (row and row.datapath_type) or "system"
    undo = f"ovs-vsctl set Bridge {q(bridge)} datapath_type={db(seen)}"
    configured = host.settings.get("ovn-bridge-datapath-type")
    # ovn-controller puts its own idea of the type back, so it is told first.
    key = f"set Open_vSwitch . external_ids:ovn-bridge-datapath-type={db(wanted)} -- "
    return on_host(
        name,
        f"ovs-vsctl {'' if configured else key}set Bridge {q(bridge)} datapath_type={db(wanted)}",
        undo=undo
        + (
            ""
            if configured
            else " && ovs-vsctl remove Open_vSwitch . external_ids ovn-bridge-datapath-type"
        ),
        verify=f"ovs-vsctl get Bridge {q(bridge)} datapath_type",
        risk=Risk.BLINKS,
    )


FAULTS = (
    Fault(
        id="controller-no-openflow",
        stage=Stage.CONTROLLER,
        title="ovn-controller cannot speak OpenFlow with br-int",
        what="Bridge.protocols of br-int lists versions, and OpenFlow15, which ovn-controller speaks, "
        "is not among them: set by hand so that another tool could read the flows.",
        shows="Rows change and flows do not. What was installed goes on working; DHCP is not "
        "answered, and a port plugged since gets no flows. ovn-controller logs `version "
        "negotiation failed`.",
        decisive="Bridge.protocols is not empty and lacks OpenFlow15.",
        remedy="Clear the column: all versions are spoken then. ovn-controller connects at once.",
        risk=Risk.SAFE,
        references=("ovs-vswitchd.conf.db(5), Bridge protocols", "ovn: controller/ofctrl.c"),
        unlike={
            "vswitchd-dead": "there nobody answers OpenFlow in any version",
            "controller-flow-lag": "there ovn-controller itself is paused or busy",
        },
        find=_mute,
        on_path_freezes=True,
    ),
    Fault(
        id="controller-wrong-bridge",
        stage=Stage.CONTROLLER,
        title="ovn-controller fills another bridge than the VMs' ports are in",
        what="ovn-bridge names a bridge without any VM's port; ovn-controller makes it if it is not "
        "there, and releases every port of the host.",
        shows="All VMs of the host lose their claim (`Releasing lport …`). Flows left in the old "
        "bridge may carry old traffic for a while.",
        decisive="No Interface in the bridge that ovn-bridge names carries an iface-id, and those of "
        "the host are in another one.",
        remedy="Set ovn-bridge to the bridge with the ports; ovn-controller follows at once.",
        risk=Risk.SAFE,
        references=("ovn-controller(8), ovn-bridge", "ovn: controller/ovn-controller.c get_br_int"),
        unlike={
            "vif-not-in-br-int": "there one VM's device is in the wrong place, not all",
            "br-int-recreated": "there the devices are in no bridge at all",
        },
        find=_wrong,
    ),
    Fault(
        id="br-int-recreated",
        stage=Stage.VIF,
        title="br-int was deleted and made anew",
        what="br-int was deleted (`ovs-vsctl del-br`, a purged package, an emptied conf.db). "
        "ovn-controller makes it again, with its own tunnel ports only, and of the datapath_type "
        "that ovn-bridge-datapath-type says.",
        shows="Every port of the host is released at once. The taps are still there, in no bridge.",
        decisive="No Interface in br-int carries an iface-id, while the devices of the host's VMs "
        "exist and are in no bridge; datapath_type may be another than before.",
        remedy="Put datapath_type right, then have nova-compute plug all VMs of the host again: its "
        "restart does that and touches no guest.",
        risk=Risk.BLINKS,
        references=(
            "ovn: controller/ovn-controller.c create_br_int",
            "nova: compute/manager.py _init_instance",
        ),
        unlike={
            "vif-not-in-br-int": "there other ports of the host are in br-int",
            "flows-wiped": "there the ports are in br-int and the flows are gone",
            "controller-wrong-bridge": "there the ports are in another bridge",
        },
        find=_anew,
        # A bridge without ports has next to no flows.
        shows_at=frozenset({Stage.CONTROLLER}),
    ),
)
