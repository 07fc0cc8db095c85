"""S7 and S8: the integration bridge, taken away from under the VMs or from ovn-controller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.lab import hypervisor
from viftrail.lab.design import INTEGRATION_BRIDGE
from viftrail.lab.machine import wait_until
from viftrail.lab.provoke.registry import ALL_PATHS, Victim, provocation

if TYPE_CHECKING:
    from viftrail.lab.node import Chassis
    from viftrail.lab.provoke.registry import Undo

#: A bridge that nobody plugs anything into.
_OTHER_BRIDGE = "br-other"


@provocation(
    "controller-no-openflow",
    "br-int of the VM's host speaks no OpenFlow 1.5 any more, then the VM was plugged anew",
    ALL_PATHS,
)
def silence(victim: Victim) -> Undo:
    """As after somebody wanted to read the flows with an old tool."""
    host = victim.host
    victim.guest.halt()
    hypervisor.unplug(host, victim.vm)
    victim.cloud.controller.run("ovn-nbctl", "--wait=hv", "--timeout=5", "sync", check=False)
    host.run(
        *("ovs-vsctl", "--timeout=5", "set", "Bridge", INTEGRATION_BRIDGE),
        "protocols=OpenFlow10,OpenFlow13",
    )
    victim.cloud.reboot(victim.name, patience=0)

    def undo() -> None:
        host.vsctl("clear", "Bridge", INTEGRATION_BRIDGE, "protocols")
        victim.retry()

    return undo


@provocation(
    "controller-wrong-bridge",
    "ovn-bridge on the VM's host names another bridge than the one with the VMs' ports",
    ALL_PATHS,
)
def divert(victim: Victim) -> Undo:
    """ovn-controller makes the other bridge by itself."""
    host = victim.host
    host.vsctl("set", "Open_vSwitch", ".", f"external_ids:ovn-bridge={_OTHER_BRIDGE}")
    wait_until(lambda: _OTHER_BRIDGE in host.vsctl("list-br"), 5.0, pause=0.05)
    victim.ask_for_lease()

    def undo() -> None:
        host.restore_settings()
        host.vsctl("--if-exists", "del-br", _OTHER_BRIDGE)
        victim.retry()

    return undo


@provocation(
    "br-int-recreated",
    "br-int of the VM's host was deleted, and came back of another datapath_type and without ports",
    ALL_PATHS,
)
def make_anew(victim: Victim) -> Undo:
    """As when a package was purged, and ovn-bridge-datapath-type with the rest of the settings."""
    host, cloud = victim.host, victim.cloud
    ports = _plugged(host)
    host.vsctl(
        *("remove", "Open_vSwitch", ".", "external_ids", "ovn-bridge-datapath-type"),
        *("--", "del-br", INTEGRATION_BRIDGE),
    )
    wait_until(lambda: INTEGRATION_BRIDGE in host.vsctl("list-br"), 5.0, pause=0.05)
    victim.ask_for_lease()

    def undo() -> None:
        host.restore_settings()
        for port, keys in ports.items():
            if host.has_link(port):
                host.vsctl(
                    *("--may-exist", "add-port", INTEGRATION_BRIDGE, port),
                    *("--", "set", "Interface", port, *keys),
                )
        for name, vm in cloud.vms.items():
            if vm.host == host.name:
                hypervisor.connect(host, vm)
                Victim(cloud, name).retry()

    return undo


def _plugged(host: Chassis) -> dict[str, list[str]]:
    """What carries an iface-id in br-int, the metadata port too, and which one."""
    found: dict[str, list[str]] = {}
    for port in host.vsctl("list-ports", INTEGRATION_BRIDGE).split():
        iface_id = host.vsctl("--if-exists", "get", "Interface", port, "external_ids:iface-id")
        if iface_id.strip():
            found[port] = [f"external_ids:iface-id={iface_id.strip()}"]
    return found
