"""S3: Neutron's port and its binding."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

from viftrail.lab.openstack.settings import AGENT_DOWN_TIME
from viftrail.lab.provoke.asking import HOST, OPENSTACK, asking, node_of_request
from viftrail.lab.provoke.registry import Request, provocation

if TYPE_CHECKING:
    from viftrail.lab.node import Chassis
    from viftrail.lab.openstack.cloud import OpenStackCloud
    from viftrail.lab.provoke.registry import Undo, Victim


def _name_it(node: Chassis, hostname: str) -> None:
    node.vsctl("set", "Open_vSwitch", ".", f"external_ids:hostname={hostname}")


def _neutron(cloud: OpenStackCloud, method: str, path: str, body: object = None) -> Any:
    return cloud.order("call", service="network", method=method, path=path, body=body)


@asking(
    "bind-host-mismatch",
    "the chassis of a host registered by its full name, which Nova does not use",
    Request(host=HOST),
)
def use_full_name(victim: Victim) -> Undo:
    """What ``ovs-ctl`` records where `hostname -f` gives a domain."""
    cloud = victim.openstack
    node = node_of_request(cloud)
    _name_it(node, f"{HOST}.example.org")
    time.sleep(2.0)  # until Neutron has heard of it; nothing tells

    def undo() -> None:
        _name_it(node, HOST)
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
    agents = _neutron(cloud, "GET", f"/agents?host={HOST}&binary=ovn-controller")["agents"]
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
        _neutron(cloud, "PUT", f"/ports/{port}", body)

    _name_it(node, f"{HOST}.example.org")
    time.sleep(2.0)
    bind("")
    bind(HOST)
    _name_it(node, HOST)
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
        _neutron(cloud, "DELETE", f"/ports/{port}")

    return undo
