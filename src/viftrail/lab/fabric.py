"""The wires between the machines, and the host at the far end of the provider network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from viftrail import itself
from viftrail.errors import LabError
from viftrail.lab.daemon import Daemon
from viftrail.lab.design import BEYOND, MANAGEMENT, PROVIDER
from viftrail.lab.machine import Machine, wait_until
from viftrail.lab.node import environment

if TYPE_CHECKING:
    from viftrail.lab.design import Design, Network
    from viftrail.lab.folder import Folder
    from viftrail.lab.kernel import Namespaces
    from viftrail.lab.node import Node

#: The bridges, by the suffix that a node's port in them has.
_BRIDGES: Final = {"mgmt": "br-mgmt", "tun": "br-tun", "prov": "br-prov"}


def port_of(node: str, wire: str) -> str:
    """The fabric's port that leads to a node; ``wire`` is mgmt, tun or prov."""
    # A link's name has 15 letters at most.
    return f"{node.replace('controller', 'control')}-{wire}"


class Fabric(Machine):
    """The switches of the data centre: three Linux bridges in a machine of their own."""

    def __init__(self, folder: Folder, home: Namespaces, token: str) -> None:
        """Makes the bridges."""
        super().__init__("fabric", folder.hosts, home, environment(folder, token, "fabric"))
        self._folder = folder
        self.ip(
            *(
                command
                for bridge in _BRIDGES.values()
                for command in (
                    # Spanning tree's listening time would cost the first seconds.
                    f"link add {bridge} type bridge forward_delay 0 mcast_snooping 0",
                    f"link set {bridge} up",
                )
            )
        )

    def connect(self, nodes: tuple[Node, ...]) -> None:
        """Runs the cables: eth0 to management, eth1 to tunnels, eth2 to the provider."""
        commands = []
        for node in nodes:
            for wire, link in _cables(node):
                port = port_of(node.name, wire)
                commands += [
                    f"link add {port} type veth peer name {link} netns {node.netns}",
                    f"link set {port} master {_BRIDGES[wire]} up",
                ]
        self.ip(*commands)
        for node in nodes:
            links = [link for _, link in _cables(node)]
            subnet = PROVIDER if node.design.role == "external" else MANAGEMENT
            node.ip(
                *(f"link set {link} up" for link in links),
                f"address add {subnet[node.design.number]}/{subnet.prefixlen} dev eth0",
            )
            if node.design.role == "external":
                # It is the provider's router, and whatever is behind that.
                node.ip(f"address add {BEYOND}/32 dev eth0")
            for link in links:
                node.compute_checksums(link)


def put_on_vlan(external: Node, network: Network) -> Daemon:
    """Gives the external host the gateway's address on a provider VLAN; the daemon that carries it."""
    device = f"vlan{network.tag}"
    trunk = Daemon(
        name="trunk",
        machine=external,
        argv=(
            *itself.part("viftrail.lab.trunk"),
            *("eth0", str(network.tag), device),
        ),
        output=external.folder / "trunk.log",
        ready="",
    )
    trunk.spawn()
    if not wait_until(lambda: external.has_link(device), 5.0):
        raise LabError("The external host has no VLAN device.", f"See {trunk.output}.")
    external.ip(
        f"address add {network.gateway}/{network.cidr.prefixlen} dev {device}",
        f"link set {device} up",
    )
    return trunk


def _cables(node: Node) -> tuple[tuple[str, str], ...]:
    if node.design.role == "external":
        return (("prov", "eth0"),)
    if node.design.is_chassis:
        return (("mgmt", "eth0"), ("tun", "eth1"), ("prov", "eth2"))
    return (("mgmt", "eth0"),)


def hosts_text(design: Design) -> str:
    """What /etc/hosts says inside the lab."""
    lines = ["127.0.0.1 localhost"]
    for node in design.nodes:
        address = node.management_ip or design.provider.gateway
        lines.append(f"{address} {node.name}")
    return "\n".join(lines) + "\n"
