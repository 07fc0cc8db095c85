"""A lab whose owner is a real OpenStack."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any, Final

from viftrail.errors import LabError, UsageError
from viftrail.lab import cloud as plain
from viftrail.lab.design import PHYSNET, PROVIDER, TENANT, FloatingIp, Vm
from viftrail.lab.fabric import hosts_text
from viftrail.lab.guest import write_scripts
from viftrail.lab.machine import wait_until
from viftrail.lab.node import make_empty_databases
from viftrail.lab.openstack import image, view
from viftrail.lab.openstack.compute import Hypervisor
from viftrail.lab.openstack.controller import OpenStackServices
from viftrail.lab.openstack.kit import Kit
from viftrail.lab.openstack.settings import ZONE
from viftrail.lab.openstack.site import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from viftrail.lab.provoke.registry import Request
    from viftrail.lab.status import Status

_UP: Final = 120
"""Seconds for computes to be up and their agents to be heard of."""
_BOOT: Final = 150
"""Seconds for a build to end: one that fails takes the time-outs of every part."""
_LEASE: Final = 30.0
_FIRST_LEASE: Final = 90.0
"""Seconds for a guest to boot without KVM, on a machine that does other things too, and ask."""


class OpenStackCloud(plain.Cloud):
    """The machines and OVN of a lab, with Neutron and Nova as they really are."""

    services: OpenStackServices
    hypervisors: dict[str, Hypervisor]

    def up(self, progress: Callable[[str], None], *, boot_vms: bool = True) -> None:
        """Brings up everything; calls ``progress`` with the name of each step begun."""
        self.kit = Kit()
        self.kit.check()
        self.view: dict[str, Any] = {}
        progress("links")
        self.folder.hosts.write_text(hosts_text(self.design))
        plain.write_programs(self.folder)
        write_scripts(self.folder)
        self._make_nodes()
        progress("databases")
        self.services.begin()
        make_empty_databases(self.controllers, self.chassis)
        self._start_central()
        self._start_switches()
        for node in self.chassis:
            node.vswitchd.wait_ready()
            node.configure_links()
            node.controller.spawn()
        self.services.fill_databases()
        progress("services")
        self.services.start_apis()
        self._order("catalog", urls=self._catalog())
        self.services.start_workers()
        progress("computes")
        for hypervisor in self.hypervisors.values():
            hypervisor.start()
        self._wait_registered()
        self._order("furnish", **self._furniture())
        wanted = list(self.design.compute_names)
        self._order("computes", wanted=wanted, seconds=_UP, timeout=_UP + 30)
        self.services.discover_hosts()
        self._order("hosts", wanted=wanted, seconds=_UP, timeout=_UP + 30)
        # While it has no servers: a host that has some cannot change its zone.
        self._order("zone", name=ZONE, host=wanted[-1])
        if boot_vms:
            progress("servers")
            for number, host in enumerate(self.design.compute_names[:2], 1):
                self._create(f"vm{number}", host=host, floating=number == 1, seconds=_BOOT)
        self.refresh()
        for name in self.vms:
            if not self._wait_lease(name, _FIRST_LEASE):
                raise LabError(f"{name} got no DHCP lease within {_FIRST_LEASE:g} s.")
        progress("ready")

    def _make_nodes(self) -> None:
        super()._make_nodes()
        self.services = OpenStackServices(self.controller, self.kit)
        self._write_client()
        self.hypervisors = {
            node.name: Hypervisor(node, self.kit, self.services.site)
            for node in self.chassis
            if node.design.role == "compute"
        }

    def _write_client(self) -> None:
        """Puts ``openstack`` and ``nova-manage`` where a node's PATH begins."""
        site = self.services.site
        scripts = {
            "openstack": f"OS_CLIENT_CONFIG_FILE={self.services.clouds} OS_CLOUD=lab exec "
            f"{self.kit.program('openstack')}",
            "nova-manage": f"exec {self.kit.program('nova-manage')} "
            f"--config-file={site.config('nova')}/nova.conf",
        }
        for name, command in scripts.items():
            file = self.folder.programs / name
            file.write_text(f'#!/bin/sh\n{command} "$@"\n')
            file.chmod(0o755)

    def _catalog(self) -> dict[str, tuple[str, str, str]]:
        site = self.services.site
        return {
            "placement": ("placement", site.url("placement"), PASSWORD),
            "glance": ("image", site.url("glance"), PASSWORD),
            "neutron": ("network", site.url("neutron"), PASSWORD),
            "nova": ("compute", site.url("nova", "/v2.1"), PASSWORD),
        }

    def _furniture(self) -> dict[str, Any]:
        images = self.kit.images
        return {
            "kernel": str(images / image.KERNEL),
            "initrd": str(images / image.INITRD),
            "disk": str(images / image.DISK),
            "cidr": str(TENANT),
            "gateway": str(TENANT[1]),
            "public_cidr": str(PROVIDER),
            "public_gateway": str(PROVIDER[1]),
            "pool": [str(PROVIDER[100]), str(PROVIDER[199])],
            "physnet": PHYSNET,
        }

    def _order(self, order: str, timeout: float = 120.0, **arguments: object) -> Any:
        output = self.services.order(order, stdin=json.dumps(arguments), timeout=timeout)
        return json.loads(output.strip().splitlines()[-1])

    # Servers ------------------------------------------------------------------

    def refresh(self) -> None:
        """Asks Nova and Neutron anew what they want."""
        self.view = self._order("show")
        self.vms = {each["name"]: _vm(each) for each in self.view["servers"]}

    def _create(self, name: str, **arguments: object) -> Any:
        return self._order("boot", timeout=_BOOT + 60, name=name, **arguments)

    def boot(
        self,
        name: str,
        host: str | None = None,
        *,
        hybrid: bool = False,
        qemu: bool = False,
        floating_ip: bool = False,
        direct: bool = False,
        patience: float = _LEASE,
    ) -> str:
        """Has Nova make a server, and waits for its lease."""
        if hybrid or qemu or direct:
            raise UsageError(
                "Nova and Neutron decide themselves how a server and its port are made.",
                "Leave --hybrid, --qemu and --vlan out.",
            )
        if name in self.vms:
            return f"{name} runs on {self.vms[name].host} already."
        self._create(name, host=host or "", floating=floating_ip, seconds=_BOOT)
        self.refresh()
        vm = self.vm(name)
        if not vm.host:
            return f"{name} could not be built: `viftrail why {name}` says why."
        if patience and self._wait_lease(name, patience):
            return f"{name} runs on {vm.host} with {vm.ip}."
        return f"{name} runs on {vm.host}; no lease yet."

    def ask_for(self, request: Request, patience: float = _FIRST_LEASE) -> str:
        """Has somebody ask Nova for this server, whatever comes of it; then waits for its lease."""
        self.withdraw(request.name)
        fields = {field: value for field, value in dataclasses.asdict(request).items() if value}
        outcome = self._order("boot", timeout=_BOOT + 60, seconds=_BOOT, **fields)
        self.refresh()
        words = ""
        if outcome["status"] == "ACTIVE" and patience:
            leased = self._wait_lease(request.name, patience)
            words = f" with {self.lease_of(request.name)}" if leased else ", and no lease"
        return f"{request.name} was asked for: {outcome['status']}{words}."

    def withdraw(self, name: str) -> None:
        """Deletes a server that was asked for, if it is there."""
        self.refresh()
        if name in self.vms:
            self._order("delete", name=name)
            self.refresh()

    def wait_healthy(self, timeout: float) -> bool:
        """Waits until Nova's services are up, and each server has its lease."""
        self._order("hosts", wanted=list(self.design.compute_names), seconds=_UP)
        self.refresh()
        return wait_until(lambda: not self.without_lease(), max(timeout, _LEASE), 0.5)

    def order(self, order: str, **arguments: Any) -> Any:
        """An order of `orders`, for who provokes faults."""
        return self._order(order, **arguments)

    def sql(self, database: str, statement: str) -> str:
        """What MariaDB answers."""
        return self.services.sql(database, statement)

    def reboot(self, name: str, patience: float = _LEASE) -> str:
        """Has Nova reboot a server hard."""
        vm = self.vm(name)
        self._order("reboot", name=name)
        leased = bool(patience) and self._wait_lease(name, patience)
        return f"{name} runs on {vm.host}" + ("." if leased else "; no lease yet.")

    def delete(self, name: str) -> str:
        """Has Nova delete a server."""
        self.vm(name)
        self._order("delete", name=name)
        self.refresh()
        return f"{name} is deleted."

    def _wait_lease(self, name: str, patience: float) -> bool:
        return wait_until(lambda: bool(self.lease_of(name)), patience, 0.2)

    def lease_of(self, name: str) -> str:
        """The address that a guest said on its console that it got, since its last boot."""
        vm = self.vms[name]
        hypervisor = self.hypervisors.get(vm.host)
        lines = hypervisor.console(vm.id).splitlines() if hypervisor else []
        booted = max((at for at, line in enumerate(lines) if "GUEST booted" in line), default=0)
        leases = [line for line in lines[booted:] if "GUEST lease" in line]
        return leases[-1].split()[3].partition("/")[0] if leases else ""

    def without_lease(self) -> list[str]:
        """The servers that have not got the address they should have."""
        return [name for name, vm in self.vms.items() if vm.host and self.lease_of(name) != vm.ip]

    def status(self) -> Status:
        """The owner's view."""
        return view.status_of(self)


def _vm(server: dict[str, Any]) -> Vm:
    address = server["floating_ip"]
    return Vm(
        name=server["name"],
        id=server["id"],
        host=server["host"],
        port_id=server["port_id"],
        mac=server["mac"],
        ip=server["ip"],
        floating_ip=FloatingIp(server["floating_ip_id"], "", address, "") if address else None,
    )
