"""What a provocation is, and the list of them that the modules beside this fill."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from viftrail.errors import LabError, UsageError
from viftrail.lab.shape import Shape

if TYPE_CHECKING:
    from viftrail.lab.cloud import Cloud
    from viftrail.lab.design import FloatingIp, Network, Vm
    from viftrail.lab.guest import Guest
    from viftrail.lab.node import Chassis
    from viftrail.lab.openstack.cloud import OpenStackCloud

#: Undoes a provocation; harmless if somebody has repaired the fault already.
Undo = Callable[[], None]


@dataclass(frozen=True)
class Victim:
    """A VM that is to suffer, and what a provocation needs of its surroundings.

    Known by its name only: between a provocation and its undoing the VM may
    have been deleted, and made again with another port.
    """

    cloud: Cloud
    name: str

    @property
    def vm(self) -> Vm:
        """What the owner wants of it."""
        return self.cloud.vm(self.name)

    @property
    def host(self) -> Chassis:
        """The node it runs on."""
        return self.cloud.host_of(self.vm)

    @property
    def guest(self) -> Guest:
        """Its inside.

        Raises:
            UsageError: nobody gets into a server of Nova's.
        """
        if self.name not in self.cloud.guests:
            raise UsageError(f"Nobody can get into {self.name}.", "Take a lab without --openstack.")
        return self.cloud.guests[self.name]

    @property
    def direct(self) -> bool:
        """Whether it is directly on the provider's VLAN network."""
        return self.exists and self.vm.direct

    @property
    def provider(self) -> Network:
        """The provider network that it is on, or else that its router leads to."""
        design = self.cloud.design
        return design.vlan if self.direct and design.vlan else design.provider

    @property
    def exists(self) -> bool:
        """Whether nobody has deleted it meanwhile."""
        return self.name in self.cloud.vms

    @property
    def openstack(self) -> OpenStackCloud:
        """The cloud, where a real OpenStack owns the ports.

        Raises:
            UsageError: the lab itself owns them.
        """
        from viftrail.lab.openstack.cloud import OpenStackCloud  # noqa: PLC0415 - it is our caller

        if not isinstance(self.cloud, OpenStackCloud):
            raise UsageError("That takes an OpenStack.", "Bring a lab up with --openstack.")
        return self.cloud

    def boot_anew(self, *, hybrid: bool = False) -> None:
        """Deletes it and boots it again as a new VM with a new port on the same host.

        Not where Nova would only fail to build it: there what somebody boots next is what suffers.
        """
        if self.cloud.design.shape.openstack:
            return
        old = self.vm
        self.cloud.delete(self.name)
        self.cloud.boot(
            self.name,
            old.host,
            hybrid=hybrid,
            floating_ip=old.floating_ip is not None,
            direct=old.direct,
            patience=0,
        )

    def reboot(self) -> None:
        """Reboots it hard if it still exists."""
        if self.exists:
            self.cloud.reboot(self.name, patience=0)

    def repair_port(self) -> None:
        """Has Neutron write its port again, if it still exists, and the guest try again."""
        if self.exists:
            self.cloud.neutron.ensure_port(self.vm)
            self.retry()

    def ask_for_lease(self) -> None:
        """Starts its DHCP client anew; that of Nova's servers asks for ever by itself."""
        if self.name in self.cloud.guests:
            self.guest.ask_for_lease()

    def retry(self) -> None:
        """Starts its DHCP client again if it has no address."""
        if self.name in self.cloud.guests and self.guest.lease is None:
            self.guest.ask_for_lease()

    def give_up_floating_ip(self) -> Undo:
        """Takes its floating IP away, where it has one; only then its router's SNAT matters to it."""
        if self.vm.floating_ip is None:
            return lambda: None
        self.cloud.give_floating_ip(self.name, wanted=False)

        def undo() -> None:
            if self.exists:
                self.cloud.give_floating_ip(self.name)

        return undo

    def floating_ip(self) -> FloatingIp:
        """Its floating IP.

        Raises:
            UsageError: it has none.
        """
        floating_ip = self.vm.floating_ip
        if floating_ip is None:
            raise UsageError(
                f"{self.name} has no floating IP.", "Boot a VM with --floating-ip, or take vm1."
            )
        return floating_ip

    def nbctl(self, *arguments: str) -> str:
        """Runs ovn-nbctl and waits until every chassis has followed."""
        return self.cloud.controller.nbctl(*arguments)

    def row(self, table: str, condition: str) -> str:
        """The UUID of a Northbound row."""
        return self.nbctl("--bare", "--columns=_uuid", "find", table, condition)

    def other_host(self) -> Chassis:
        """Some compute that it does not run on.

        Raises:
            LabError: the lab has one compute only.
        """
        for node in self.cloud.chassis:
            if node.design.role == "compute" and node.name != self.vm.host:
                return node
        raise LabError("That takes a second compute.", "Bring the lab up with --computes 2.")


@dataclass(frozen=True)
class Request:
    """A server that somebody asks Nova for while a fault is there."""

    host: str = ""
    flavor: str = "tiny"
    network: str = "net1"
    zone: str = ""
    port: str = ""
    group: str = ""
    name: str = "late1"


@dataclass(frozen=True)
class Provocation:
    """One fault (or decoy) and how it is brought about.

    ``run`` does it and gives back how to undo it. ``note`` says in a line what
    was done; ``breaks`` names paths of ``lab ping`` that fail for the victim,
    with ``size`` those that do so only for that much payload. What ``freezes`` breaks no path: all
    that there is works on, and nothing can be changed. ``by_hand`` is what no printed command can
    mend, as it is for the operator to choose. ``needs`` is the lab that it takes. What ``renews``
    makes the VM anew with another port, and with it mends whatever was wrong with the old one.
    ``breaks_direct`` are the paths of a victim that is directly on a provider network, where such
    a one can be. ``request`` is
    the server that suffers: it is asked for once the fault is there, unless the provocation
    ``asks_itself``, and again once it is mended. ``sufferer`` is the VM to ask about where it is
    not the one that was named. What ``flaps`` lets packets pass for seconds in between.
    ``also`` are other faults that are truly there then, which whoever they concern is told of.
    ``probe``: no row and no daemon shows it, only packets that are sent on purpose.
    """

    id: str
    run: Callable[[Victim], Undo]
    note: str
    breaks: tuple[str, ...]
    needs_vm: bool = True
    decoy: bool = False
    size: int = 0
    needs: Shape = field(default_factory=Shape)
    freezes: bool = False
    by_hand: bool = False
    renews: bool = False
    breaks_direct: tuple[str, ...] = ()
    request: Request | None = None
    asks_itself: bool = False
    sufferer: str = ""
    flaps: bool = False
    also: tuple[str, ...] = ()
    probe: bool = False

    @property
    def target(self) -> str:
        """What to ask `why` about; empty for the VM that was named."""
        return self.request.name if self.request else self.sufferer


_PLAIN = Shape()
_REGISTRY: dict[str, Provocation] = {}

#: All paths out of and into a VM.
ALL_PATHS = (
    "dhcp",
    "gateway",
    "same-host",
    "other-host",
    "external",
    "floating-ip-icmp",
    "floating-ip-tcp",
)
#: The paths that leave the lab's own network.
NORTH_SOUTH = ("external", "floating-ip-icmp", "floating-ip-tcp")

#: The paths by which a VM leaves its host that is directly on a provider network.
DIRECT = ("provider", "other-host")


def provocation(
    fault: str,
    note: str,
    breaks: tuple[str, ...],
    *,
    needs_vm: bool = True,
    decoy: bool = False,
    size: int = 0,
    needs: Shape = _PLAIN,
    freezes: bool = False,
    by_hand: bool = False,
    renews: bool = False,
    breaks_direct: tuple[str, ...] = (),
    request: Request | None = None,
    asks_itself: bool = False,
    sufferer: str = "",
    flaps: bool = False,
    also: tuple[str, ...] = (),
    probe: bool = False,
) -> Callable[[Callable[[Victim], Undo]], Callable[[Victim], Undo]]:
    """Enters a function into the registry under a fault's id."""

    def enter(function: Callable[[Victim], Undo]) -> Callable[[Victim], Undo]:
        _REGISTRY[fault] = Provocation(
            *(fault, function, note, breaks, needs_vm, decoy, size, needs, freezes, by_hand),
            *(renews, breaks_direct, request, asks_itself, sufferer, flaps, also, probe),
        )
        return function

    return enter


def all_provocations() -> dict[str, Provocation]:
    """Every provocation by its id, in the order of the chain."""
    return dict(_REGISTRY)
