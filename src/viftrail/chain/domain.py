"""S8: the NIC that libvirt gave the VM, held against the plug in Open vSwitch."""

from __future__ import annotations

from dataclasses import dataclass

from viftrail.chain.checks import Checks
from viftrail.chain.cloud import Cloud, Plug, Port
from viftrail.chain.quoting import q
from viftrail.facts.host import Card, Domain
from viftrail.verdict import Evidence

QBR = "qbr"
"""How the Linux bridge of a hybrid plug is called (nova: network/model.py, NIC_NAME_LEN)."""


@dataclass(frozen=True)
class Fitting:
    """A running VM of libvirt's, the NIC in it that is the port's, and the port's plug there."""

    host: str
    domain: Domain
    card: Card | None
    plug: Plug | None

    @property
    def hybrid(self) -> bool:
        """Its NIC is in a Linux bridge, from which a pair leads to br-int."""
        return bool(self.card and self.card.bridge.startswith(QBR))

    @property
    def fits(self) -> bool:
        """The VM's device is the one that carries the port, or the pair of its bridge does."""
        if self.card is None:
            return False
        if self.plug is None:
            return True  # that nothing is plugged is told by Open vSwitch
        carrier = self.plug.interface.name
        if self.hybrid:
            return carrier == "qvo" + self.card.bridge.removeprefix(QBR)
        return carrier == self.card.device or not self.card.device

    @property
    def evidence(self) -> Evidence:
        """What libvirt has."""
        wanted = self.plug.interface.name if self.plug else "one"
        return Evidence(
            where=self.host,
            what=f"libvirt's NIC of {self.domain.name} with the port's MAC",
            seen="none"
            if self.card is None
            else self.card.device + (f" in {self.card.bridge}" if self.card.bridge else ""),
            expected=f"{wanted}, which carries the port's id" if self.plug else wanted,
            command=f"virsh domiflist {q(self.domain.name)}",
        )


def fitting_of(cloud: Cloud, port: Port) -> Fitting | None:
    """How libvirt and Open vSwitch agree about a port; None where libvirt's side is not known."""
    name = cloud.host_of(port)
    host = cloud.hosts.get(name)
    server = port.server_id
    domain = host.domain(server) if host and server else None
    if domain is None or not port.mac:
        return None
    plugs = [plug for plug in cloud.plugs.get(port.id, ()) if plug.host == name]
    return Fitting(
        host=name,
        domain=domain,
        card=next((card for card in domain.cards if card.mac == port.mac), None),
        plug=plugs[0] if len(plugs) == 1 else None,
    )


def check_domain(checks: Checks, cloud: Cloud, port: Port) -> None:
    """Record whether libvirt's NIC is the device that carries the port."""
    fitting = fitting_of(cloud, port)
    if fitting is not None:
        checks.check(
            fitting.fits,
            fitting.evidence,
            good="libvirt's NIC is that device",
            bad=f"libvirt gave {fitting.domain.name} another device, or none",
        )
