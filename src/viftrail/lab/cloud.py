"""The cloud: all machines of a lab, and the owner's orders to them.

This is Nova and Neutron in one object: it keeps what is wanted, and has it
written to the northbound database, plugged into hosts and started in guests.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shlex
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from viftrail import itself
from viftrail.errors import LabError, UsageError
from viftrail.lab import agents, hypervisor, image, inventory
from viftrail.lab.certificates import issue, make_authority
from viftrail.lab.design import POOL, Design, Vm
from viftrail.lab.fabric import Fabric, hosts_text, put_on_vlan
from viftrail.lab.guest import NamespaceGuest, http_server, write_scripts
from viftrail.lab.hypervisor import MetadataProxy
from viftrail.lab.kernel import Namespaces
from viftrail.lab.machine import run_all, wait_until
from viftrail.lab.neutron import Neutron
from viftrail.lab.node import Chassis, Controller, Node, make_empty_databases
from viftrail.lab.ovsdb import SOUTHBOUND
from viftrail.lab.qemu import QemuGuest

if TYPE_CHECKING:
    from collections.abc import Callable

    from viftrail.lab.folder import Folder
    from viftrail.lab.guest import Guest
    from viftrail.lab.provoke.registry import Undo
    from viftrail.lab.status import Status

#: Seconds: what a boot waits for its port, and then for its lease.
_PORT_UP_TIMEOUT: Final = 2.0
_LEASE_TIMEOUT: Final = 3.0
#: How many times as long an emulated kernel takes, on a computer with more to do.
_KERNEL_BOOTS: Final = 8

_VM_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


class Cloud:
    """A lab in the keeper's hands."""

    def __init__(self, design: Design, folder: Folder, token: str) -> None:
        """Takes the plan; :meth:`up` carries it out."""
        self.design = design
        self.folder = folder
        self.home = Namespaces.of_this_process()
        self.vms: dict[str, Vm] = {}
        self.guests: dict[str, Guest] = {}
        self.provoked: list[tuple[str, Undo]] = []
        self._token = token
        self._generations: dict[str, int] = {}
        self._metadata: dict[tuple[str, str], MetadataProxy] = {}

    # Up -----------------------------------------------------------------------

    def up(self, progress: Callable[[str], None], *, boot_vms: bool = True) -> None:
        """Brings up everything; calls ``progress`` with the name of each step begun."""
        progress("links")
        self.folder.hosts.write_text(hosts_text(self.design))
        write_programs(self.folder)
        write_scripts(self.folder)
        self._make_nodes()
        progress("databases")
        if self.design.shape.ssl:
            self.authority = make_authority(self.controller, self.folder.path, "authority")
            issue((*self.controllers, *self.chassis), self.authority)
        make_empty_databases(self.controllers, self.chassis)
        self._start_central()
        progress("switches")
        self._start_switches()
        if boot_vms:
            self._admit_first_vms()
        self.neutron.create_cloud(self.vms.values())
        for node in self.chassis:
            node.vswitchd.wait_ready()
            node.configure_links()
        progress("controllers")
        for node in self.chassis:
            node.controller.spawn()
        progress("guests")
        for vm in self.vms.values():
            self._plug(vm)
        self._wait_registered()
        self._wait_guests()
        if not wait_until(self.gateway_at_home, 10.0):
            raise LabError("No chassis took the router's gateway within 10 s.")
        progress("ready")

    def _start_central(self) -> None:
        for controller in self.controllers:
            for daemon in controller.databases:
                daemon.spawn()
        # Started here, waited for later: they need no more than these to begin with.
        for node in self.chassis:
            node.ovsdb.spawn()
        for controller in self.controllers:
            controller.wait_served()
        self.controller.listen()
        self.controller.northd.spawn()

    def _start_switches(self) -> None:
        for node in self.chassis:
            node.ovsdb.wait_ready()
        run_all([(node, node.first_setup()) for node in self.chassis])
        for node in self.chassis:
            node.vswitchd.spawn()

    def _wait_guests(self) -> None:
        """Starts the guests once their ports are up, and waits for their leases."""
        for node in self.chassis:
            node.announce_tunnel()
        if not self.neutron.wait_up(self.vms.values(), 10.0):
            raise LabError("The VMs' ports did not come up within 10 s.")
        for guest in self.guests.values():
            guest.boot()
        for guest in self.guests.values():
            if not guest.wait_lease(5.0):
                raise LabError(f"{guest.name} got no DHCP lease within 5 s.")
        if not wait_until(lambda: all(map(self._has_address6, self.guests)), 5.0):
            raise LabError("Not every guest got an IPv6 address within 5 s.")

    def _make_nodes(self) -> None:
        fabric = Fabric(self.folder, self.home, self._token)
        central = self.design.central
        nodes: list[Node] = []
        for plan in self.design.nodes:
            kind = Chassis if plan.is_chassis else Node
            if plan.role == "controller":
                kind = Controller
            nodes.append(kind(plan, self.folder, self.home, self._token, central))
        self.fabric = fabric
        self.nodes = {node.name: node for node in nodes}
        self.controllers = tuple(node for node in nodes if isinstance(node, Controller))
        self.controller = self.controllers[0]
        self.chassis = tuple(node for node in nodes if isinstance(node, Chassis))
        fabric.connect(tuple(nodes))
        for controller in self.controllers:
            controller.prepare()
        self.controller.prepare_northd()
        for node in self.chassis:
            node.prepare()
            if node.design.role == "compute":
                node.services.units |= agents.of_compute(self, node)
        self.neutron = Neutron(self.design, self.controller)
        external = self.nodes["external"]
        self._external_server = http_server(external, external.folder)
        self._external_server.spawn()
        if self.design.vlan:
            self._trunk = put_on_vlan(external, self.design.vlan)

    @property
    def metadata_services(self) -> tuple[MetadataProxy, ...]:
        """The tenant network's metadata service on each compute that has a VM of it."""
        tenant = self.design.network
        return tuple(each for each in self._metadata.values() if each.network is tenant)

    def metadata_services_on(self, host: str) -> tuple[MetadataProxy, ...]:
        """The metadata services of all networks on a compute."""
        return tuple(each for (name, _), each in self._metadata.items() if name == host)

    def metadata_for(self, vm: Vm) -> MetadataProxy | None:
        """The metadata service of a VM's network on its host, where it was made."""
        return self._metadata.get((vm.host, self.design.network_of(vm).id))

    def _admit_first_vms(self) -> None:
        hosts = self.design.compute_names
        vm = self._admit("vm1", hosts[0])
        self.vms["vm1"] = dataclasses.replace(vm, floating_ip=self.design.floating_ip(vm))
        self._admit("vm2", hosts[0])
        if len(hosts) > 1:
            self._admit("vm3", hosts[1])
        if self.design.vlan:
            for name, host in zip(("vm4", "vm5"), hosts, strict=False):
                self._admit(name, host, direct=True)

    def _wait_registered(self) -> None:
        """Waits until every daemon answers and every chassis is in the southbound database."""
        for daemon in (self.controller.northd, *(node.controller for node in self.chassis)):
            daemon.wait_ready()
        wanted = {node.design.system_id for node in self.chassis}
        with self.controller.open(SOUTHBOUND) as southbound:

            def registered() -> bool:
                return wanted <= {row["name"] for row in southbound.select("Chassis", [], "name")}

            if not wait_until(registered, 10.0):
                raise LabError("The chassis did not register within 10 s.")

    # VMs ----------------------------------------------------------------------

    def vm(self, name: str) -> Vm:
        """The VM of that name.

        Raises:
            UsageError: there is none.
        """
        try:
            return self.vms[name]
        except KeyError:
            raise UsageError(
                f"There is no VM {name!r} in lab {self.design.name!r}.",
                f"Its VMs: {', '.join(self.vms) or 'none'}.",
            ) from None

    def host_of(self, vm: Vm) -> Chassis:
        """The node a VM runs on."""
        return next(node for node in self.chassis if node.name == vm.host)

    def boot(
        self,
        name: str,
        host: str | None = None,
        *,
        hybrid: bool = False,
        qemu: bool = False,
        floating_ip: bool = False,
        direct: bool = False,
        patience: float = _LEASE_TIMEOUT,
    ) -> str:
        """Makes and starts a VM; says what came of it.

        ``patience`` is how many seconds to wait for the lease; a VM that gets
        none in time is booted all the same.
        """
        if name in self.vms:
            vm = self.vms[name]
            if host not in (None, vm.host):
                raise UsageError(
                    f"{name} runs on {vm.host} already.", f"Delete it first, or drop --host {host}."
                )
            return f"{name} runs on {vm.host} already."
        if not _VM_NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} cannot be the name of a VM.",
                "Use 1 to 32 of the characters a-z, 0-9 and '-', the first one no '-'.",
            )
        if name in self.nodes or name == self.fabric.name:
            raise UsageError(f"{name!r} is a node of the lab.", "Give the VM another name.")
        if host is None:
            host = min(self.design.compute_names, key=self._load)
        elif host not in self.design.compute_names:
            raise UsageError(
                f"{host!r} is no compute node.",
                f"There are: {', '.join(self.design.compute_names)}.",
            )
        self._check_kind(qemu=qemu, floating_ip=floating_ip, direct=direct)
        vm = self._admit(name, host, hybrid=hybrid, qemu=qemu, direct=direct)
        if floating_ip:
            vm = self.vms[name] = dataclasses.replace(vm, floating_ip=self.design.floating_ip(vm))
        try:
            self.neutron.ensure_port(vm)
            self._plug(vm)
        except LabError:
            self._forget(vm)
            raise
        return self._start_guest(vm, patience)

    def _check_kind(self, *, qemu: bool, floating_ip: bool, direct: bool) -> None:
        """Whether this lab can have such a VM."""
        if qemu:
            if self.design.network.subnet6:
                raise UsageError("A QEMU guest speaks IPv4 only.", "Boot it in a lab without IPv6.")
            image.check()
        if direct and self.design.vlan is None:
            raise UsageError(
                "This lab has no VLAN network.", "Bring one up with: viftrail lab up --vlan"
            )
        if direct and floating_ip:
            raise UsageError("A floating IP takes a router, which the VLAN network has not.")

    def _forget(self, vm: Vm) -> None:
        """Takes back what there is of a VM that could not be made."""
        del self.vms[vm.name]
        guest = self.guests.pop(vm.name, None)
        if guest is not None:
            guest.halt()
        with contextlib.suppress(LabError):
            hypervisor.unplug(self.host_of(vm), vm)
        with contextlib.suppress(LabError):
            self.neutron.delete_port(vm)
        if guest is not None:
            guest.close()

    def reboot(self, name: str, patience: float = _LEASE_TIMEOUT) -> str:
        """Reboots a VM hard, as Nova does: its card is unplugged, made anew and plugged."""
        vm = self.vm(name)
        self.guests[name].halt()
        hypervisor.unplug(self.host_of(vm), vm)
        self._plug(vm)
        return self._start_guest(vm, patience)

    def delete(self, name: str) -> str:
        """Takes a VM and its port away."""
        vm = self.vm(name)
        # First what may fail, so that a VM is there entirely or not at all.
        self.neutron.delete_port(vm)
        hypervisor.unplug(self.host_of(vm), vm)
        del self.vms[name]
        guest = self.guests.pop(name)
        guest.halt()
        guest.close()
        return f"{name} is deleted."

    def give_floating_ip(self, name: str, *, wanted: bool = True) -> None:
        """Gives a VM its floating IP, or takes it away."""
        vm = self.vm(name)
        fip = self.design.floating_ip(vm) if wanted else None
        self.vms[name] = dataclasses.replace(vm, floating_ip=fip)
        self.neutron.ensure_port(self.vms[name])

    def _load(self, host: str) -> int:
        return sum(vm.host == host for vm in self.vms.values())

    def _admit(
        self,
        name: str,
        host: str,
        *,
        hybrid: bool = False,
        qemu: bool = False,
        direct: bool = False,
    ) -> Vm:
        """Gives a new VM its identifiers and address."""
        taken = {vm.ip for vm in self.vms.values()}
        network = self.design.vlan if direct and self.design.vlan else self.design.network
        pool = [str(network.cidr[number]) for number in POOL]
        preferred = []
        if name.startswith("vm") and name[2:].isdigit() and 0 < int(name[2:]) <= len(pool):
            preferred = [pool[int(name[2:]) - 1]]
        free = [ip for ip in preferred + pool if ip not in taken]
        if not free:
            raise LabError("The subnet's allocation pool is used up.", "Delete a VM first.")
        generation = self._generations.get(name, -1) + 1
        self._generations[name] = generation
        vm = self.design.vm(
            name, host, free[0], generation, hybrid=hybrid, qemu=qemu, direct=direct
        )
        self.vms[name] = vm
        return vm

    def _plug(self, vm: Vm) -> None:
        node = self.host_of(vm)
        network = self.design.network_of(vm)
        if (vm.host, network.id) not in self._metadata:
            self._metadata[vm.host, network.id] = MetadataProxy(
                node, network, self.folder, self.home, self._token
            )
        if vm.name not in self.guests:
            self.guests[vm.name] = self._make_guest(vm)
        hypervisor.plug(node, vm, self.guests[vm.name], network.mtu)

    def _make_guest(self, vm: Vm) -> Guest:
        if vm.qemu:
            return QemuGuest(vm, self.host_of(vm), self.folder)
        guest = NamespaceGuest(vm.name, self.folder, self.home, self._token)
        if vm.ip6:
            guest.speak_ipv6()
        return guest

    def _start_guest(self, vm: Vm, patience: float) -> str:
        # Nova starts a guest when Neutron says that its port is up, or gives up waiting.
        try:
            up = self.neutron.wait_up([vm], min(patience, _PORT_UP_TIMEOUT))
        except LabError:  # no northbound database to ask: a guest starts all the same
            up = False
        guest = self.guests[vm.name]
        guest.boot()
        if vm.qemu:
            patience *= _KERNEL_BOOTS
        if patience and guest.wait_lease(patience if up else patience / 2):
            return f"{vm.name} runs on {vm.host} with {guest.lease}."
        return f"{vm.name} runs on {vm.host}; no lease yet."

    # The rest -----------------------------------------------------------------

    @property
    def broken(self) -> tuple[str, ...]:
        """The faults that are provoked now."""
        return tuple(fault for fault, _ in self.provoked)

    def remember(self, fault: str, undo: Undo) -> None:
        """Notes a provoked fault, and how to undo it."""
        self.provoked.append((fault, undo))

    def refresh(self) -> None:
        """Learns what its owner wants by now; here nobody but the lab itself is that."""

    def wait_healthy(self, timeout: float) -> bool:
        """Waits until every chassis has caught up and every VM has its port and address."""
        deadline = time.monotonic() + timeout
        caught_up = ("ovn-nbctl", f"--timeout={int(timeout)}", "--wait=hv", "sync")
        self.controller.run(*caught_up, timeout=timeout, check=False)

        def left() -> float:
            return max(0.0, deadline - time.monotonic())

        return (
            self.neutron.wait_up(self.vms.values(), left())
            and wait_until(lambda: not self.without_lease(), left())
            and wait_until(self.gateway_at_home, left())
        )

    def gateway_at_home(self) -> bool:
        """Whether the router's gateway is where it shall be: several agree on that by BFD first."""
        home = ["name", "==", str(self.design.gateways[0].system_id)]
        with self.controller.open(SOUTHBOUND) as southbound:
            bound = southbound.select(
                "Port_Binding", [["type", "==", "chassisredirect"]], "chassis"
            )
            chassis = southbound.select("Chassis", [home], "_uuid")
        return bool(bound and chassis) and bound[0]["chassis"] == chassis[0]["_uuid"]

    def without_lease(self) -> list[str]:
        """The VMs that have not got the addresses they should have."""
        return [
            name
            for name, guest in self.guests.items()
            if guest.lease != self.vms[name].ip or not self._has_address6(name)
        ]

    def _has_address6(self, name: str) -> bool:
        return not self.vms[name].ip6 or self.guests[name].address6 == self.vms[name].ip6

    def status(self) -> Status:
        """The owner's view."""
        return inventory.status_of(self)

    def order_service(self, node: str, verb: str, unit: str) -> tuple[int, str]:
        """Carries out ``systemctl`` on a node, or inside a VM."""
        if node in self.guests:
            return agents.of_guest(self.guests[node]).order(verb, unit)
        if node not in self.nodes:
            raise UsageError(f"There is no node {node!r}.", f"There are: {', '.join(self.nodes)}.")
        return self.nodes[node].services.order(verb, unit)


def write_programs(folder: Folder) -> None:
    """Puts ``systemctl`` and ``viftrail`` where a node's PATH begins."""
    folder.programs.mkdir()
    for program, module in (("systemctl", "viftrail.lab.systemctl"), ("viftrail", "viftrail")):
        file = folder.programs / program
        # The interpreter and the package of the keeper: a node has no other installed.
        file.write_text(f'#!/bin/sh\nexec {shlex.join(itself.part(module))} "$@"\n')
        file.chmod(0o755)


def check_machine() -> None:
    """Looks whether this computer can carry a lab.

    Raises:
        LabError: a package or device is missing.
    """
    packages = {
        "ovn-northd": "ovn-central",
        "ovn-controller": "ovn-host",
        "ovs-vswitchd": "openvswitch-switch",
        "ovsdb-tool": "openvswitch-common",
        "ip": "iproute2",
        "busybox": "busybox-static",
    }
    search = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin"
    missing = sorted(
        {package for program, package in packages.items() if not shutil.which(program, path=search)}
    )
    if missing:
        raise LabError(
            "The lab needs Debian packages that are not installed here.",
            f"apt-get install --no-install-recommends {' '.join(missing)}",
        )
    if not Path("/dev/net/tun").exists():
        raise LabError(
            "There is no /dev/net/tun, which Open vSwitch's userspace datapath needs.",
            "Load the kernel module 'tun', or give the container that device.",
        )
