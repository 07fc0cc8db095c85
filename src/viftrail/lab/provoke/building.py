"""S0 and S2: a host was found, and the build there fails, or seems to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.errors import LabError
from viftrail.lab.machine import wait_until
from viftrail.lab.openstack.settings import MANAGER, SERVICE_DOWN_TIME
from viftrail.lab.provoke.asking import (
    HOST,
    OPENSTACK,
    asking,
    compute_services,
    name_chassis,
    neutron,
    node_of_request,
    only_ask,
)
from viftrail.lab.provoke.registry import Request, provocation

if TYPE_CHECKING:
    from viftrail.lab.node import Chassis
    from viftrail.lab.provoke.registry import Undo, Victim

_FULL = "full1"


@asking(
    "build-vif-plug-timeout",
    "ovn-controller was not running while a server was built, and runs again",
    Request(host=HOST),
    asks_itself=True,
)
def miss_the_plug(victim: Victim) -> Undo:
    """Nothing is broken any more, but the build that gave up; no log tells what it gave up for."""
    cloud = victim.openstack
    controller = node_of_request(cloud).controller
    controller.kill()
    try:
        cloud.ask_for(Request(host=HOST), patience=0)
    finally:
        controller.start()

    return only_ask(victim)


@asking(
    "build-plug-timeout-masked",
    "nova-compute does not insist on the plug, which ovn-controller missed while a server was built",
    Request(host=HOST),
    asks_itself=True,
)
def mask_the_timeout(victim: Victim) -> Undo:
    """vif_plugging_is_fatal=false, as guides advise where builds time out."""
    cloud = victim.openstack
    controller, compute = node_of_request(cloud).controller, cloud.hypervisors[HOST]
    file = compute.state / "nova-compute.conf"
    right = file.read_text()

    def heard() -> str:
        rows = compute_services(cloud)
        return next(row["updated_at"] for row in rows if row["host"] == HOST)

    def configure(text: str) -> None:
        compute.nova.kill()
        file.write_text(text)
        last = heard()
        compute.nova.spawn()
        wait_until(lambda: heard() != last, 2.0 * SERVICE_DOWN_TIME + 10.0, 1.0)

    configure(right.replace("[DEFAULT]\n", "[DEFAULT]\nvif_plugging_is_fatal = false\n", 1))
    controller.kill()
    try:
        cloud.ask_for(Request(host=HOST), patience=0)
    finally:
        controller.start()

    def undo() -> None:
        cloud.withdraw(Request.name)
        configure(right)

    return undo


@asking(
    "build-event-lost",
    "Neutron cannot tell Nova of ports that are up: its password for Nova is wrong",
    Request(),
    by_hand=True,
)
def lose_events(victim: Victim) -> Undo:
    """As after the password of the service user was changed in one place only."""
    cloud = victim.openstack
    file = cloud.services.site.config("neutron") / "neutron.conf"
    right = file.read_text()
    before, section, after = right.partition("[nova]\n")
    file.write_text(before + section + after.replace("password = secret", "password = old", 1))
    cloud.order_service("controller", "restart", "neutron-server")

    def undo() -> None:
        if file.read_text() != right:
            file.write_text(right)
        cloud.order_service("controller", "restart", "neutron-server")
        cloud.withdraw(Request.name)

    return undo


@asking(
    "build-port-binding-failed",
    "the host's chassis had another name while a server was built, and has its own again",
    Request(host=HOST),
    asks_itself=True,
)
def refuse_for_a_while(victim: Victim) -> Undo:
    """The build failed of it, and what it failed of is not to be seen any more."""
    cloud = victim.openstack
    node = node_of_request(cloud)
    name_chassis(node, f"{HOST}.example.org")
    try:
        cloud.ask_for(Request(host=HOST))
    finally:
        name_chassis(node, HOST)

    return only_ask(victim)


@asking(
    "build-no-fixed-ip",
    "a server is asked for on a network whose last address is taken",
    Request(network=_FULL),
    by_hand=True,
)
def exhaust_addresses(victim: Victim) -> Undo:
    """Its allocation pool has one address, which its own metadata port takes, or a port does."""
    cloud = victim.openstack
    network = neutron(cloud, "POST", "/networks", {"network": {"name": _FULL}})["network"]["id"]
    subnet = {
        "network_id": network,
        "ip_version": 4,
        "cidr": "10.9.9.0/24",
        "allocation_pools": [{"start": "10.9.9.10", "end": "10.9.9.11"}],
    }
    neutron(cloud, "POST", "/subnets", {"subnet": subnet})
    port = cloud.order("port", network=_FULL)["id"]

    def undo() -> None:
        cloud.withdraw(Request.name)
        neutron(cloud, "DELETE", f"/ports/{port}")
        neutron(cloud, "DELETE", f"/networks/{network}")

    return undo


@asking(
    "build-osvif-plug-failed",
    "conf.db listens nowhere on TCP on the host where a server is built",
    Request(host=HOST),
)
def forget_the_manager(victim: Victim) -> Undo:
    """As when conf.db was made anew: os-vif asks at a TCP port, and gives up."""
    cloud = victim.openstack
    node = node_of_request(cloud)
    node.vsctl("del-manager")

    def undo() -> None:
        node.vsctl("set-manager", MANAGER)
        cloud.withdraw(Request.name)

    return undo


@asking(
    "build-libvirt-tap-failed",
    "a device with the name of the new server's tap is there already",
    Request(host=HOST),
    asks_itself=True,
)
def occupy_the_tap(victim: Victim) -> Undo:
    """Left behind by a guest that was not cleaned up after."""
    cloud = victim.openstack
    port = cloud.order("port")["id"]
    tap = f"tap{port[:11]}"
    node = node_of_request(cloud)
    node.ip(f"link add {tap} type bridge", f"link set {tap} up")
    cloud.ask_for(Request(host=HOST, port=port))

    def undo() -> None:
        node.ip(f"link delete {tap}", check=False)
        cloud.withdraw(Request.name)
        path = f"/ports/{port}"
        cloud.order("call", service="network", method="DELETE", path=path)

    return undo


@asking(
    "infra-compute-disk-full",
    "the file system of the instances is full on the host where a server is built",
    Request(host=HOST),
)
def fill_instances(victim: Victim) -> Undo:
    """Full of files rather than of bytes, which Placement never hears of."""
    cloud = victim.openstack
    node, folder = node_of_request(cloud), cloud.hypervisors[HOST].instances
    disk = ("mount", "-t", "tmpfs", "-o", "size=8g,nr_inodes=16", "tmpfs", str(folder))
    node.run(*disk)
    fill = f"cd {folder} && i=0; while touch leftover.$i 2>/dev/null; do i=$((i + 1)); done"
    node.run("sh", "-c", fill)

    def undo() -> None:
        cloud.withdraw(Request.name)
        if not wait_until(lambda: _unmounted(node, str(folder)), 20.0, 1.0):
            raise LabError(f"{folder} is still in use.")

    return undo


def _unmounted(node: Chassis, folder: str) -> bool:
    node.run("umount", folder, check=False)
    return folder not in node.run("cat", "/proc/self/mounts")


@provocation(
    "infra-rabbitmq-down",
    "RabbitMQ is not running",
    (),
    needs_vm=False,
    needs=OPENSTACK,
    freezes=True,
    sufferer="vm2",
)
def stop_the_broker(victim: Victim) -> Undo:
    """What runs works on; after a while Nova takes all its services for dead."""
    cloud = victim.openstack
    cloud.order_service("controller", "stop", "rabbitmq-server")
    wait_until(lambda: False, 2.0 * SERVICE_DOWN_TIME, 1.0)

    def undo() -> None:
        cloud.order_service("controller", "start", "rabbitmq-server")

    return undo


@provocation(
    "event-unexpected-vif-plugged",
    "vm2 was rebooted hard: Nova logs an event that nobody waits for",
    (),
    needs_vm=False,
    decoy=True,
    needs=OPENSTACK,
    sufferer="vm2",
)
def reboot_hard(victim: Victim) -> Undo:
    """Normal, and frightening to read."""
    cloud = victim.openstack
    cloud.reboot("vm2")
    return lambda: None
