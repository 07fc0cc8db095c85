"""What a lab is made of: the plain one, and what some faults need on top of it. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from viftrail.errors import UsageError

MAX_COMPUTES: Final = 20
MAX_GATEWAYS: Final = 4


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """The size and the parts of a lab.

    ``computes`` carry VMs, ``gateways`` the router's way out; more than one of them watch
    each other by BFD. ``dvr`` translates floating IPs where the VM runs, as Neutron does with
    ``enable_distributed_floating_ip``: every compute is on the provider network then.
    ``ha_groups`` schedules gateways by HA_Chassis_Group, as Neutron 29 does. ``vlan`` adds a
    provider network of type VLAN with a VM directly on it on each of the first two computes, all
    of which are on the provider's wire then. ``ipv6`` gives the tenant network a second subnet:
    addresses by router advertisement, options by DHCPv6 (``dhcpv6-stateless``). ``cluster`` has
    both databases served by three members of a RAFT cluster each, on three controllers. With
    ``ssl`` everybody speaks TLS to them, by certificates of the lab's own authority. ``openstack``
    runs a real OpenStack, whose Neutron owns the ports; its computes are all on the provider's wire.
    """

    computes: int = 2
    gateways: int = 1
    dvr: bool = False
    ha_groups: bool = False
    vlan: bool = False
    ipv6: bool = False
    cluster: bool = False
    ssl: bool = False
    openstack: bool = False

    def check(self) -> None:
        """Whether such a lab can be made.

        Raises:
            UsageError: a number is out of range.
        """
        if not 1 <= self.computes <= MAX_COMPUTES:
            raise UsageError(f"A lab has 1 to {MAX_COMPUTES} computes, not {self.computes}.")
        if not 1 <= self.gateways <= MAX_GATEWAYS:
            raise UsageError(f"A lab has 1 to {MAX_GATEWAYS} gateways, not {self.gateways}.")
        others = ("dvr", "ha_groups", "vlan", "ipv6", "cluster", "ssl")
        if self.openstack and any(getattr(self, name) for name in others):
            raise UsageError(
                "An OpenStack lab is made as Neutron makes it, from --computes and --gateways.",
                "Leave the other options out.",
            )

    def covers(self, other: Shape) -> bool:
        """Whether whatever works in a lab of the other shape works in this one."""
        return all(getattr(self, name) >= getattr(other, name) for name in self.__struct_fields__)

    @property
    def options(self) -> tuple[str, ...]:
        """The arguments of ``lab up`` that make it."""
        plain = Shape()
        words: list[str] = []
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value == getattr(plain, name):
                continue
            option = "--" + name.replace("_", "-")
            words += [option] if value is True else [option, str(value)]
        return tuple(words)
