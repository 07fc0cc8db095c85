"""Nova's part: plugging VMs as os-vif and libvirt do, and unplugging them.

``vif_plug_ovs/ovs.py`` has two ways: the tap straight in br-int (everything
ML2/OVN ever plugs), and the hybrid tap-qbr-qvb-qvo of a port that was bound by
ML2/OVS before its cloud was migrated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.lab.design import INTEGRATION_BRIDGE
from viftrail.lab.guest import http_server
from viftrail.lab.machine import Machine
from viftrail.lab.node import environment

if TYPE_CHECKING:
    from viftrail.lab.design import Network, Vm
    from viftrail.lab.folder import Folder
    from viftrail.lab.guest import Guest
    from viftrail.lab.kernel import Namespaces
    from viftrail.lab.node import Chassis


def plug(node: Chassis, vm: Vm, guest: Guest, mtu: int) -> None:
    """Makes the VM's network card and connects it to br-int."""
    commands = guest.card(vm, mtu)
    if vm.hybrid:
        commands += [
            f"link add {vm.qbr} type bridge forward_delay 0 mcast_snooping 0",
            f"link add {vm.qvb} mtu {mtu} type veth peer name {vm.qvo} mtu {mtu}",
            f"link set {vm.qvb} master {vm.qbr} up",
            f"link set {vm.tap} master {vm.qbr} up",
            f"link set {vm.qvo} up",
            f"link set {vm.qbr} up",
        ]
    node.ip(*commands)
    guest.card_made()
    node.compute_checksums(vm.tap)
    connect(node, vm)


def connect(node: Chassis, vm: Vm) -> None:
    """Adds the port to br-int, or only what is missing of it, as os-vif does.

    This is all that a start of nova-compute does for a VM that runs: it does
    not make a tap that is gone, nor put a leg back into its qbr.
    """
    external_ids = {
        "iface-id": vm.port_id,
        "iface-status": "active",
        "attached-mac": vm.mac,
        "vm-uuid": vm.id,
    }
    node.vsctl(
        *("--may-exist", "add-port", INTEGRATION_BRIDGE, vm.ovs_port),
        *("--", "set", "Interface", vm.ovs_port),
        *(f'external_ids:{key}="{value}"' for key, value in external_ids.items()),
    )


def unplug(node: Chassis, vm: Vm) -> None:
    """Takes the port out of whatever bridge it is in and deletes its links."""
    node.vsctl("--if-exists", "del-port", vm.ovs_port, "--", "--if-exists", "del-port", vm.tap)
    links = [link for link in (vm.tap, vm.qvo, vm.qbr) if node.has_link(link)]
    node.ip(*(f"link delete {link}" for link in links))


class MetadataProxy(Machine):
    """The ovnmeta namespace of one network on one host, and its metadata port.

    A real agent runs haproxy in it; here any web server does.
    """

    def __init__(
        self, node: Chassis, network: Network, folder: Folder, home: Namespaces, token: str
    ) -> None:
        """Plugs the localport as ``neutron/agent/ovn/metadata/agent.py`` does."""
        name = f"ovnmeta-{network.id}"
        super().__init__(name, folder.hosts, home, environment(folder, token, name))
        outer, inner = (f"tap{network.id[:10]}{end}" for end in (0, 1))
        node.ip(
            f"link add {outer} type veth peer name {inner}"
            f" address {network.metadata_mac} netns {self.netns}",
            f"link set {outer} up",
        )
        self.ip(
            f"link set {inner} up",
            f"address add {network.metadata_ip}/{network.cidr.prefixlen} dev {inner}",
            f"address add 169.254.169.254/32 dev {inner}",
        )
        self.compute_checksums(inner)
        self._server = http_server(self, node.folder)
        self._server.spawn()
        self._node, self._port, self._link = node, network.metadata_port, outer
        self.network = network
        self.plug()

    def plug(self) -> None:
        """Puts its end into br-int, as the agent does whenever it starts."""
        self._node.vsctl(
            *("--may-exist", "add-port", INTEGRATION_BRIDGE, self._link),
            *("--", "set", "Interface", self._link, f'external_ids:iface-id="{self._port}"'),
        )

    def unplug(self) -> None:
        """Takes it out of br-int; the namespace stays."""
        self._node.vsctl("--if-exists", "del-port", self._link)
