"""S8: faults of the VM's device and its place in br-int."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import NAME_LENGTH, Cloud, Plug, Port
from viftrail.chain.plug import diverted, emptied, own_link
from viftrail.chain.quoting import atom, db, q
from viftrail.chain.vif import usable
from viftrail.facts.host import Host
from viftrail.facts.northbound import LogicalSwitchPort
from viftrail.facts.vswitch import Interface
from viftrail.faults.fault import Case, Fault
from viftrail.faults.guest import known_on, look_whether_on
from viftrail.faults.step import NO_UNDO, installed, on_host, plug_again, reboot
from viftrail.verdict import Certainty, Evidence, Risk, Stage


def _hosted(cloud: Cloud) -> Iterator[tuple[Port, str, Host]]:
    """Ports whose host was looked at and whose conf.db could be read."""
    for port, host in cloud.ports_seen():
        if host.vswitch:
            yield port, cloud.host_of(port), host


def _plugs_here(cloud: Cloud, port: Port, name: str) -> list[Plug]:
    return [plug for plug in cloud.plugs.get(port.id, ()) if plug.host == name]


def _own_interface(cloud: Cloud, host: Host, port: Port) -> Interface | None:
    """An Interface that is plainly meant for the port: by its name or its attached MAC.

    MACs are unique in one network only: what carries another port's id is that port's, and so is
    what may carry one's that was not read.
    """
    rows, owned = cloud.nb[LogicalSwitchPort], cloud.owner
    table = host.conf[Interface]
    for name in port.device_names():
        if found := table.one("name", name):
            return found
    if port.mac:
        for row in table:
            carried = row.external_ids.get("iface-id", "")
            if row.external_ids.get("attached-mac", "").lower() == port.mac and (
                not carried or (rows.absent("name", carried) and not owned.port(carried))
            ):
                return row
    return None


def _plug_keys(port: Port) -> str:
    """The external_ids that os-vif gives a port's Interface."""
    keys = {"iface-id": db(port.id), "iface-status": "active", "attached-mac": q(atom(port.mac))}
    if port.owned and port.owned.server_id:
        keys["vm-uuid"] = db(port.owned.server_id)
    return " ".join(f"external_ids:{key}={value}" for key, value in keys.items())


def _not_in_bridge(cloud: Cloud) -> Iterator[Case]:
    for port, name, host in _hosted(cloud):
        plugs = _plugs_here(cloud, port, name)
        bridge = host.integration_bridge
        if any(plug.bridge == bridge for plug in plugs):
            continue
        if diverted(host) or port in emptied(cloud, name):
            continue  # the bridge is at fault, not this plug
        elsewhere = plugs[0] if plugs else None
        device = elsewhere.interface.name if elsewhere else ""
        if elsewhere is None:
            link = own_link(host, port)
            if link is None or _own_interface(cloud, host, port):
                continue
            device = link.ifname
        seen = f"in {elsewhere.bridge or 'no bridge'}" if elsewhere else "in no bridge"
        remove = f"--if-exists del-port {q(device)} -- " if elsewhere else ""
        yield Case(
            subject=subject.port(port.id),
            summary=f"{device} of {port.label} exists on {name} but is {seen}, not in {bridge}",
            evidence=(
                Evidence(
                    where=name,
                    what=f"device {device}",
                    seen="exists",
                    expected="exists",
                    command=f"ip link show {q(device)}",
                ),
                Evidence(
                    where=name,
                    what=f"bridge of {device}",
                    seen=seen.removeprefix("in "),
                    expected=bridge,
                    command=f"ovs-vsctl iface-to-br {q(device)}",
                ),
            ),
            steps=on_host(
                name,
                f"ovs-vsctl {remove}--may-exist add-port {q(bridge)} {q(device)} "
                f"-- set Interface {q(device)} {_plug_keys(port)}",
                undo=f"ovs-vsctl del-port {q(bridge)} {q(device)}"
                + (
                    f" && {plug_again(elsewhere.bridge, elsewhere.interface)}"
                    if elsewhere and elsewhere.bridge
                    else ""
                ),
                verify=installed(device),
            ),
        )


def _iface_id(cloud: Cloud) -> Iterator[tuple[Port, str, Interface, str]]:
    """Ports whose own Interface is in br-int under another id, or none."""
    for port, name, host in _hosted(cloud):
        if cloud.plugs.get(port.id):
            continue
        row = _own_interface(cloud, host, port)
        if row and host.bridge_of.get(row.name) == host.integration_bridge:
            yield port, name, row, row.external_ids.get("iface-id", "")


def _iface_case(port: Port, host: str, row: Interface, carried: str, because: str) -> Case:
    undo = (
        f"ovs-vsctl set Interface {q(row.name)} external_ids:iface-id={db(carried)}"
        if carried
        else f"ovs-vsctl remove Interface {q(row.name)} external_ids iface-id"
    )
    return Case(
        subject=subject.port(port.id),
        summary=f"{row.name} of {port.label} is in br-int of {host}, {because}, "
        "so ovn-controller does not know whose it is",
        evidence=(
            Evidence(
                where=host,
                what=f"Interface {row.name} external_ids:iface-id",
                seen=carried or "not set",
                expected=port.id,
                command=f"ovs-vsctl get Interface {q(row.name)} external_ids",
            ),
        ),
        steps=on_host(
            host,
            f"ovs-vsctl set Interface {q(row.name)} external_ids:iface-id={db(port.id)}",
            undo=undo,
            verify=installed(row.name),
        ),
    )


def _iface_id_missing(cloud: Cloud) -> Iterator[Case]:
    for port, host, row, carried in _iface_id(cloud):
        if not carried:
            yield _iface_case(port, host, row, carried, "but carries no iface-id")


def _iface_id_wrong(cloud: Cloud) -> Iterator[Case]:
    for port, host, row, carried in _iface_id(cloud):
        if carried:
            known = cloud.nb[LogicalSwitchPort].find("name", carried)
            whose = "another port's iface-id" if known else "an iface-id that is not this port's"
            yield _iface_case(port, host, row, carried, f"with {whose}")


def _plugged(cloud: Cloud) -> Iterator[tuple[Port, str, Host, Plug]]:
    """The plugs of VMs that a device should be behind; of several, what works is the plug."""
    for port, name, host in _hosted(cloud):
        plugs = [p for p in _plugs_here(cloud, port, name) if p.bridge == host.integration_bridge]
        working = [plug for plug in plugs if usable(host, plug) and _device_is_there(host, plug)]
        for plug in working or plugs:
            if plug.interface.type == "":
                yield port, name, host, plug


def _device_is_there(host: Host, plug: Plug) -> bool:
    return not host.links or plug.interface.name in host.link_by_name


def _device_missing(cloud: Cloud) -> Iterator[Case]:
    for port, name, host, plug in _plugged(cloud):
        row = plug.interface
        gone = bool(host.links) and row.name not in host.link_by_name
        refused = row.ofport == -1 and "No such device" in (row.error or "")
        if (not gone and not refused) or cloud.is_off(port):
            continue
        yield Case(
            subject=subject.port(port.id),
            summary=f"{row.name} of {port.label} is configured in br-int of {name}, but the device "
            "itself does not exist: the VM has lost its NIC, or is not running",
            evidence=(
                Evidence(
                    where=name,
                    what=f"device {row.name}",
                    seen="no such device" if gone else "exists by now",
                    expected="exists, held open by the VM",
                    command=f"ip link show {q(row.name)}",
                ),
                Evidence(
                    where=name,
                    what=f"Interface {row.name} ofport, error, link_state",
                    seen=f"{row.ofport}, {row.error or 'none'}, {row.link_state or 'none'}",
                    expected="a positive number, none, up",
                    command=f"ovs-vsctl list Interface {q(row.name)}",
                ),
            ),
            steps=(*look_whether_on(cloud, port), *reboot(cloud, port)),
            certainty=Certainty.PROVEN if known_on(cloud, port) else Certainty.LIKELY,
            note="Do this only if the VM is meant to run: a VM that is shut off has no device, "
            "and that is right.",
        )


def _device_down(cloud: Cloud) -> Iterator[Case]:
    for port, name, host, plug in _plugged(cloud):
        link = host.link_by_name.get(plug.interface.name)
        if link is None or link.up or plug.interface.name.startswith("qvo"):
            continue
        yield Case(
            subject=subject.port(port.id),
            summary=f"{link.ifname} of {port.label} is administratively down on {name}",
            evidence=(
                Evidence(
                    where=name,
                    what=f"device {link.ifname}",
                    seen="down",
                    expected="up",
                    command=f"ip link show {q(link.ifname)}",
                ),
                Evidence(
                    where=name,
                    what=f"Interface external_ids:iface-id={port.id}",
                    seen=f"{link.ifname} in {plug.bridge}",
                    expected="the same: the plug itself is right",
                    command=f"ovs-vsctl iface-to-br {q(link.ifname)}",
                ),
            ),
            steps=on_host(
                name,
                f"ip link set {q(link.ifname)} up",
                undo=f"ip link set {q(link.ifname)} down",
                verify=f"ovs-vsctl get Interface {q(link.ifname)} link_state",
            ),
        )


def _hybrid_leg(cloud: Cloud) -> Iterator[Case]:
    for port, name, host, plug in _plugged(cloud):
        if not plug.interface.name.startswith("qvo"):
            continue
        short = port.id[:NAME_LENGTH]
        bridge, mends, evidence = "qbr" + short, [], []
        for device in ("qvb" + short, "tap" + short):
            link = host.link_by_name.get(device)
            if link is not None and link.master != bridge:
                mends.append(f"ip link set {q(device)} master {q(bridge)}")
                evidence.append(
                    _leg(name, device, f"in {link.master or 'no bridge'}", f"in {bridge}")
                )
        for device in (bridge, "qvb" + short, "qvo" + short, "tap" + short):
            link = host.link_by_name.get(device)
            if link is not None and not link.up:
                mends.append(f"ip link set {q(device)} up")
                evidence.append(_leg(name, device, "down", "up"))
        if mends:
            yield Case(
                subject=subject.port(port.id),
                summary=f"the hybrid plug of {port.label} on {name} is interrupted between "
                f"{'tap' + short} and {plug.interface.name}; OVN itself sees nothing wrong",
                evidence=tuple(evidence),
                steps=on_host(
                    name,
                    " && ".join(mends),
                    undo=NO_UNDO,
                    verify=f"bridge link show | grep {q(bridge)}",
                ),
            )


def _leg(host: str, device: str, seen: str, expected: str) -> Evidence:
    return Evidence(
        where=host,
        what=f"device {device}",
        seen=seen,
        expected=expected,
        command=f"ip link show {q(device)}",
    )


FAULTS = (
    Fault(
        id="vif-not-in-br-int",
        stage=Stage.VIF,
        title="The VM's device is not in br-int",
        what="The tap exists, but it is a port of no bridge or of a wrong one: somebody deleted the "
        "OVS port, conf.db was made anew, or the VM was started by hand.",
        shows="The VM is isolated. ovn-controller released the port: Port_Binding.chassis is empty.",
        decisive="The device is in the kernel's list, and no Interface in br-int carries the "
        "port's id.",
        remedy="Add the port again with the external_ids that os-vif gives it; on Nova 24 and newer "
        "a restart of nova-compute does the same for all VMs of the host. The guest is not touched.",
        risk=Risk.SAFE,
        references=("os-vif: vif_plug_ovs/ovs.py", "nova: compute/manager.py _init_instance"),
        unlike={
            "vif-iface-id-missing": "there the device is in br-int, without its id",
            "event-unexpected-vif-plugged": "a tap directly in br-int, without qvb and qvo, is the "
            "healthy shape under OVN",
        },
        find=_not_in_bridge,
    ),
    Fault(
        id="vif-iface-id-missing",
        stage=Stage.VIF,
        title="The VM's Interface carries no iface-id",
        what="The device is in br-int, but external_ids:iface-id is gone. That key is all that ties an "
        "Interface to a logical port.",
        shows="The port is released (`Releasing lport …`), the VM is isolated, attached-mac is "
        "still there.",
        decisive="An Interface named after the port, or with its attached-mac, without iface-id.",
        remedy="Set the key. The port is claimed at once.",
        risk=Risk.SAFE,
        references=("ovn-controller(8)", "ovn: controller/binding.c"),
        unlike={"vif-not-in-br-int": "there the device is not in br-int at all"},
        find=_iface_id_missing,
    ),
    Fault(
        id="vif-iface-id-wrong",
        stage=Stage.VIF,
        title="The VM's Interface carries another iface-id",
        what="The device is in br-int under an id that is not this port's, for instance that of a port "
        "that was deleted and made again with the same MAC.",
        shows="The VM is isolated. Nothing is logged; the Interface itself looks healthy.",
        decisive="An Interface named after the port whose iface-id is another id, or one with its "
        "attached-mac whose iface-id is no port's: MACs are unique in one network only.",
        remedy="Set the key to the port's id. The port is claimed at once.",
        risk=Risk.SAFE,
        references=("ovn: controller/binding.c", "ovn-appctl debug/dump-local-bindings"),
        unlike={"vif-iface-id-missing": "there the key is absent"},
        find=_iface_id_wrong,
    ),
    Fault(
        id="vif-netdev-missing",
        stage=Stage.VIF,
        title="The VM's device does not exist",
        what="The Interface is configured, but the kernel has no such device: it was deleted under a "
        "running VM, or the VM's process is gone.",
        shows="ofport is -1 with `No such device`, or, when the device vanished later, a stale "
        "positive ofport with link_state down. Port_Binding.up may remain true.",
        decisive="The device is not in the kernel's list, while an Interface with the port's "
        "iface-id is in br-int.",
        remedy="Give the running VM its NIC again: detach and attach the port, or a hard reboot.",
        risk=Risk.DISRUPTIVE,
        references=("ovs: vswitchd/bridge.c iface_do_create", "ovs-vswitchd.conf.db(5), Interface"),
        unlike={
            "vswitchd-dead": "there ofport is empty, not -1",
            "a VM that is shut off": "its Interface stays and its device goes; nothing is wrong",
        },
        find=_device_missing,
    ),
    Fault(
        id="vif-tap-down",
        stage=Stage.VIF,
        title="The VM's tap is down",
        what="The tap is in br-int with the right id, but somebody set it down.",
        shows="No traffic either way. OVN's databases stay green: Port_Binding.up remains true and "
        "nothing is logged.",
        decisive="The device's UP flag is missing; Interface.admin_state is down.",
        remedy="Set it up.",
        risk=Risk.SAFE,
        references=("ovs-vswitchd.conf.db(5), Interface admin_state",),
        unlike={"vif-guest-link-or-mac": "there the tap is up and the guest's own NIC is not"},
        find=_device_down,
    ),
    Fault(
        id="vif-hybrid-leg-broken",
        stage=Stage.VIF,
        title="The hybrid plug is interrupted",
        what="A port that was bound under ML2/OVS with iptables_hybrid keeps its qbr bridge and "
        "qvb/qvo pair until it is bound anew, by detaching and attaching it. That is no fault: the "
        "plug works under OVN as well. Here one leg of it is out of the bridge or down.",
        shows="The VM is dead, every row of OVN is green: qvo is in br-int with the right iface-id.",
        decisive="The tap or qvb has no `master qbr…`, or one of the devices is down. That the pair is "
        "there, `ovs_hybrid_plug=true` in binding:vif_details, and os-vif's `VIFBridge(` accuse nobody.",
        remedy="Put the leg back.",
        risk=Risk.SAFE,
        references=("os-vif: vif_plug_ovs/ovs.py _plug_bridge", "neutron: db_migration.py"),
        unlike={"vif-tap-down": "there the tap itself is in br-int"},
        find=_hybrid_leg,
    ),
)
