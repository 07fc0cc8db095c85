"""S8: what is behind the plug: the guest's end of the link, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.plug import own_link
from viftrail.chain.quoting import db, q
from viftrail.facts.vswitch import Interface
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import NOTHING_CHANGED, on_host, reboot
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step


def known_on(cloud: Cloud, port: Port) -> bool:
    """Whoever runs the VM says that it runs: a device that it lacks is lost, and not let go."""
    server = cloud.server_of(port)
    if cloud.owner.kind == "lab":
        return port.owned is not None
    return server is not None and server.vm_state == "active"


def look_whether_on(cloud: Cloud, port: Port) -> tuple[Step, ...]:
    """Where nobody says whether the VM is meant to run, its host is asked first."""
    if known_on(cloud, port):
        return ()
    command = f"virsh domstate {q(_domain(cloud, port))}"
    return on_host(cloud.host_of(port), command, undo=NOTHING_CHANGED, verify=command)


def _domain(cloud: Cloud, port: Port) -> str:
    """What virsh knows the VM by: its name there or the server's id."""
    server = cloud.server_of(port)
    owned = port.owned.server_id if port.owned else ""
    return (server.domain if server else "") or owned or port.server or "DOMAIN"


def _link_down(cloud: Cloud) -> Iterator[Case]:
    for port, host in cloud.ports_seen():
        name = cloud.host_of(port)
        link = cloud.device_of(port)
        if link is None or not link.up or link.carrier or cloud.is_off(port):
            continue
        guest = host.guest(port.id)
        asked = guest is not None and not guest.up
        yield Case(
            subject=subject.port(port.id),
            summary=f"{link.ifname} of {port.label} is up on {name} and has no carrier: the guest's "
            "end of the link is down",
            evidence=(
                Evidence(
                    where=name,
                    what=f"device {link.ifname}",
                    seen="up, no carrier",
                    expected="up, with carrier",
                    command=f"ip link show {q(link.ifname)}",
                ),
                *(
                    (
                        Evidence(
                            where=port.label,
                            what="the guest's NIC",
                            seen="down",
                            expected="up",
                            command="ip link show eth0",
                        ),
                    )
                    if asked
                    else ()
                ),
            ),
            steps=_raise(cloud, port, name, link.ifname),
            # Whoever knows nothing of the VM cannot tell a guest that is off on purpose.
            certainty=Certainty.PROVEN if asked or known_on(cloud, port) else Certainty.LIKELY,
            note="A VM that is shut off or paused at its boot menu looks the same, and so does one "
            "whose process has closed the tap: `virsh domstate` and `virsh domif-getlink` tell.",
        )


def _raise(cloud: Cloud, port: Port, host: str, device: str) -> tuple[Step, ...]:
    if cloud.owner.kind == "lab":
        return (
            Step(
                command="ip link set dev eth0 up",
                where=port.label,
                risk=Risk.SAFE,
                undo="ip link set dev eth0 down",
                verify="ip link show eth0",
                tenant="the guest's NIC comes up; it asks for its lease again",
            ),
        )
    domain = _domain(cloud, port)
    return on_host(
        host,
        f"virsh domif-setlink {q(domain)} {q(device)} up",
        undo=f"virsh domif-setlink {q(domain)} {q(device)} down",
        verify=f"ip link show {q(device)}",
    )


def _nothing(cloud: Cloud) -> Iterator[Case]:
    for port, host in cloud.ports_seen():
        name = cloud.host_of(port)
        if not host.vswitch or not host.links or port.row is None or cloud.plugs.get(port.id):
            continue
        if cloud.is_off(port):
            continue
        if own_link(host, port) or any(
            host.conf[Interface].find("name", device) for device in port.device_names()
        ):
            continue
        if port.mac and any(
            row.external_ids.get("attached-mac", "").lower() == port.mac
            for row in host.conf[Interface]
        ):
            continue  # it is plugged, under another name
        wanted = port.requested_chassis
        chassis = cloud.chassis_named(name)
        if wanted and wanted not in (name, *(chassis.names if chassis else ())):
            continue  # it is promised to another host, which may be where it runs
        yield Case(
            subject=subject.port(port.id),
            summary=f"{port.label} is meant to run on {name}, where it has neither a device nor a "
            f"port in {host.integration_bridge}: the VM is off, or its NIC was taken away whole",
            evidence=(
                Evidence(
                    where=name,
                    what=f"Interface external_ids:iface-id={port.id}",
                    seen="none on any host that was looked at",
                    expected=f"one, in {host.integration_bridge}",
                    command="ovs-vsctl --columns=name find Interface "
                    f"external_ids:iface-id={db(port.id)}",
                ),
                Evidence(
                    where=name,
                    what="device " + " or ".join(port.device_names()[:2]),
                    seen="no such device",
                    expected="one",
                    command=f"ip link show {q(port.device_names()[0])}",
                ),
            ),
            steps=(*look_whether_on(cloud, port), *reboot(cloud, port)),
            certainty=Certainty.PROVEN if known_on(cloud, port) else Certainty.LIKELY,
            note="If the VM is shut off, this is as it should be: start it. If it runs, nova-compute "
            "cannot put back a device that is gone; detaching and attaching the port spares the "
            "reboot.",
        )


FAULTS = (
    Fault(
        id="vif-guest-link-or-mac",
        stage=Stage.VIF,
        title="The guest's end of the link is down",
        what="The tap is in br-int and up, and nobody answers at its other end: the guest set its "
        "NIC down, libvirt's link state is down, or the VM's process has closed the tap.",
        shows="No traffic either way and no lease; every row of OVN stays green, and claimed.",
        decisive="The tap is administratively up and has no carrier.",
        remedy="Set the link up where it was set down: in the guest, or with `virsh domif-setlink`.",
        risk=Risk.SAFE,
        references=("virsh(1), domif-setlink", "ovs-vswitchd.conf.db(5), Interface link_state"),
        unlike={
            "vif-tap-down": "there the host's own end is administratively down",
            "vif-netdev-missing": "there the device is gone",
            "portsec-mac-mismatch": "there the guest sends, from a MAC that is not its port's",
        },
        find=_link_down,
    ),
    Fault(
        id="vif-plug-missing",
        stage=Stage.VIF,
        title="The VM has neither a device nor a port in br-int",
        what="On the host where the VM is meant to run there is no tap and no Interface for its port, "
        "nor on any other: the VM is off, its start failed, or both were deleted.",
        shows="The port is not claimed, the VM has no NIC. Nothing is logged but the release. Other "
        "VMs' ARP entries for it stay INCOMPLETE where NB_Global.options:ignore_lsp_down is false.",
        decisive="No Interface of any host carries the port's id, and the host has no device that "
        "is called after the port.",
        remedy="Start the VM; one that runs gets its NIC back by detaching and attaching the port, "
        "or by a hard reboot. A restart of nova-compute makes no device.",
        risk=Risk.DISRUPTIVE,
        references=("os-vif: vif_plug_ovs/ovs.py", "nova: virt/libvirt/driver.py _hard_reboot"),
        unlike={
            "vif-not-in-br-int": "there the device exists",
            "vif-netdev-missing": "there the Interface is left",
            "br-int-recreated": "there the devices of the whole host are left",
        },
        find=_nothing,
    ),
)
