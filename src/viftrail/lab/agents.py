"""What ``systemctl`` knows beside OVN and OVS: OpenStack's agents on a compute, and a guest's network.

Their processes do not run here. What a start of them does is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.lab import hypervisor
from viftrail.lab.daemon import ServiceManager, Unit

if TYPE_CHECKING:
    from viftrail.lab.cloud import Cloud
    from viftrail.lab.guest import Guest
    from viftrail.lab.node import Chassis


def of_compute(cloud: Cloud, node: Chassis) -> dict[str, Unit]:
    """The units of Nova and Neutron on a compute, by name."""

    def plug_all_again() -> None:
        for vm in cloud.vms.values():
            if vm.host == node.name:
                hypervisor.connect(node, vm)

    def provision_metadata() -> None:
        for service in cloud.metadata_services_on(node.name):
            # It leaves a network alone whose port has no address (_get_provision_params).
            if cloud.neutron.metadata_has_address(service.network.metadata_port):
                service.plug()

    units = (
        Unit("nova-compute", "OpenStack Compute", action=plug_all_again),
        Unit("neutron-ovn-metadata-agent", "Neutron OVN metadata agent", action=provision_metadata),
    )
    return {unit.name: unit for unit in units}


def of_guest(guest: Guest) -> ServiceManager:
    """The units inside a VM."""
    name = "systemd-networkd"
    unit = Unit(name, "Network Configuration", action=guest.ask_for_lease)
    return ServiceManager(guest.name, {name: unit})
