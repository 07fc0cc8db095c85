"""S3: Neutron's port and its binding."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from viftrail.lab.design import INTEGRATION_BRIDGE
from viftrail.lab.openstack.settings import AGENT_DOWN_TIME
from viftrail.lab.provoke.asking import (
    HOST,
    OPENSTACK,
    asking,
    name_chassis,
    neutron,
    node_of_request,
)
from viftrail.lab.provoke.registry import Request, provocation

if TYPE_CHECKING:
    from viftrail.lab.openstack.cloud import OpenStackCloud
    from viftrail.lab.provoke.registry import Undo, Victim

_STRANGER = "tapstranger"


@asking(
    "bind-host-mismatch",
    "the chassis of a host registered by its full name, which Nova does not use",
    Request(host=HOST),
)
def use_full_name(victim: Victim) -> Undo:
    """What ``ovs-ctl`` records where `hostname -f` gives a domain."""
    cloud = victim.openstack
    node = node_of_request(cloud)
    name_chassis(node, f"{HOST}.example.org")

    def undo() -> None:
        name_chassis(node, HOST)
        cloud.withdraw(Request.name)

    return undo


@asking(
    "bind-dead-agent",
    "ovn-controller hangs on the host for so long that Neutron takes its agent for dead",
    Request(host=HOST),
    also=("controller-hung",),
)
def hang_the_agent(victim: Victim) -> Undo:
    """Neutron sees it only once it has asked all chassis for a sign of life twice."""
    cloud = victim.openstack
    controller = node_of_request(cloud).controller
    controller.signal(signal.SIGSTOP)
    end = time.monotonic() + 4.0 * AGENT_DOWN_TIME + 30.0
    while _alive(cloud) and time.monotonic() < end:
        time.sleep(3.0)

    def undo() -> None:
        controller.signal(signal.SIGCONT)
        cloud.withdraw(Request.name)

    return undo


def _alive(cloud: OpenStackCloud) -> bool:
    agents = neutron(cloud, "GET", f"/agents?host={HOST}&binary=ovn-controller")["agents"]
    return any(agent["alive"] for agent in agents)


@asking(
    "bind-physnet-missing-on-host",
    "the host does not map the physical network that a server is asked for on",
    Request(host=HOST, network="public"),
)
def unmap(victim: Victim) -> Undo:
    """Overlay networks work there all the same."""
    cloud = victim.openstack
    node = node_of_request(cloud)
    mapping = node.external_ids["ovn-bridge-mappings"]
    node.vsctl("remove", "Open_vSwitch", ".", "external_ids", "ovn-bridge-mappings")
    time.sleep(2.0)  # until Neutron has heard of it; nothing tells

    def undo() -> None:
        node.vsctl("set", "Open_vSwitch", ".", f"external_ids:ovn-bridge-mappings={mapping}")
        cloud.withdraw(Request.name)

    return undo


@provocation(
    "bind-failed-sticky",
    "vm2's port was bound anew while its chassis had another name, and the name is right again",
    (),
    needs_vm=False,
    needs=OPENSTACK,
    freezes=True,
    sufferer="vm2",
)
def bind_in_vain(victim: Victim) -> Undo:
    """Neutron tries again only when somebody changes the port."""
    cloud = victim.openstack
    port = cloud.vm("vm2").port_id
    node = node_of_request(cloud)

    def bind(host: str) -> None:
        body = {"port": {"binding:host_id": host}}
        neutron(cloud, "PUT", f"/ports/{port}", body)

    name_chassis(node, f"{HOST}.example.org")
    time.sleep(2.0)
    bind("")
    bind(HOST)
    name_chassis(node, HOST)
    time.sleep(2.0)

    def undo() -> None:
        bind("")
        bind(HOST)
        cloud.reboot("vm2")

    return undo


@provocation(
    "neutron-status-stale",
    "Neutron still has vm2's port as DOWN, though it has long been up",
    (),
    needs_vm=False,
    needs=OPENSTACK,
    freezes=True,
    sufferer="vm2",
)
def forget_status(victim: Victim) -> Undo:
    """As when the worker that had to note it died in between."""
    cloud = victim.openstack
    port = cloud.vm("vm2").port_id

    def write(status: str) -> None:
        cloud.sql("neutron", f"update ports set status = '{status}' where id = '{port}'")

    write("DOWN")
    return lambda: write("ACTIVE")


@asking(
    "bind-unbound-no-host",
    "a port was made, and no server was given it",
    Request(),
    by_hand=True,
    asks_itself=True,
)
def make_a_port(victim: Victim) -> Undo:
    """Its owner takes it for a broken one."""
    cloud = victim.openstack
    port = cloud.order("port", name="late1")["id"]

    def undo() -> None:
        neutron(cloud, "DELETE", f"/ports/{port}")

    return undo


@provocation(
    "vif-domain-mismatch",
    "a device that no VM has carries the id of the VM's port",
    ("gateway", "external"),
    needs=OPENSTACK,
    sufferer="vm1",
)
def carry_by_another(victim: Victim) -> Undo:
    """As when somebody put a port into br-int by hand, and took the wrong device."""
    host, vm = victim.host, victim.vm
    keys = (f'external_ids:iface-id="{vm.port_id}"', f'external_ids:attached-mac="{vm.mac}"')
    host.vsctl(
        *("remove", "Interface", vm.ovs_port, "external_ids", "iface-id", "--"),
        *("add-port", INTEGRATION_BRIDGE, _STRANGER, "--"),
        *("set", "Interface", _STRANGER, "type=internal", *keys),
    )
    host.ip(f"link set {_STRANGER} up")

    def undo() -> None:
        host.vsctl("--if-exists", "del-port", _STRANGER)
        victim.reboot()

    return undo
