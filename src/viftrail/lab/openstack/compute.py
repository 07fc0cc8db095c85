"""What a compute runs beside OVN: libvirtd, nova-compute and Neutron's metadata agent."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

from viftrail.lab.daemon import Daemon, Unit
from viftrail.lab.openstack import settings
from viftrail.lab.openstack.kit import LIBVIRT

if TYPE_CHECKING:
    from viftrail.lab.node import Chassis
    from viftrail.lab.openstack.kit import Kit
    from viftrail.lab.openstack.site import Site

_PATIENCE: Final = 90.0
_LABS: Final = Path("/run/viftrail")


class Hypervisor:
    """Nova's side of one compute."""

    def __init__(self, node: Chassis, kit: Kit, site: Site) -> None:
        """Write the configuration and define the daemons; nothing runs yet."""
        self.node = node
        self._kit = kit
        self.state = node.folder / "openstack"
        self.instances = self.state / "instances"
        self._configure(site)
        log = node.log_dir
        self.libvirtd = Daemon(
            name="libvirtd",
            machine=node,
            argv=("env", f"PATH={self.state}/bin:{node.environment['PATH']}", "libvirtd"),
            output=log / "libvirtd.out",
            ready="",
            answers=lambda: (self.state / "run/libvirt/libvirt-sock").is_socket(),
        )
        self.nova = Daemon(
            name="nova-compute",
            machine=node,
            argv=(
                kit.program("nova-compute"),
                f"--config-file={site.config('nova')}/nova.conf",
                f"--config-file={self.state}/nova-compute.conf",
            ),
            output=log / "nova-compute.out",
            ready="",
            grace=10.0,
            workers=True,
            answers=lambda: True,
        )
        self.metadata = Daemon(
            name="neutron-ovn-metadata-agent",
            machine=node,
            argv=(
                kit.program("neutron-ovn-metadata-agent"),
                f"--config-file={self.state}/metadata-agent.ini",
            ),
            output=log / "neutron-ovn-metadata-agent.out",
            ready="",
            grace=10.0,
            workers=True,
            answers=lambda: True,
        )
        for unit in (
            Unit("libvirtd", "Virtualization daemon", (self.libvirtd,)),
            Unit("nova-compute", "OpenStack Compute", (self.nova,)),
            Unit("neutron-ovn-metadata-agent", "Neutron OVN metadata agent", (self.metadata,)),
        ):
            node.services.units[unit.name] = unit

    def _configure(self, site: Site) -> None:
        node, state = self.node, self.state
        for folder in ("instances", "lock", "bin", "neutron/lock"):
            (state / folder).mkdir(parents=True)
        self._wrap_emulator()
        self._cover()
        etc = state / "etc/libvirt"
        identity = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{node.name}.{node.folder}"))
        (etc / "qemu.conf").write_text(settings.QEMU)
        (etc / "libvirtd.conf").write_text(settings.libvirtd(identity, node.log_dir))
        address = str(node.design.management_ip)
        (state / "nova-compute.conf").write_text(
            settings.nova_compute(node.name, address, state, node.log_dir)
        )
        agent = state / "metadata-agent.ini"
        agent.write_text(
            settings.metadata_agent(site, node.name, state / "neutron", node.log_dir, agent)
        )

    def _wrap_emulator(self) -> None:
        """Marks each guest as this lab's: libvirt gives it an environment of its own."""
        mark = f"VIFTRAIL_LAB_ID={self.node.environment['VIFTRAIL_LAB_ID']}"
        wrapper = self.state / "bin/qemu-system-x86_64"
        wrapper.write_text(f'#!/bin/sh\nexport {mark}\nexec /usr/bin/qemu-system-x86_64 "$@"\n')
        wrapper.chmod(0o755)

    def _cover(self) -> None:
        """Gives the node folders of its own where libvirt, OVS and `ip netns` have fixed ones."""
        node, run = self.node, self.state / "run"
        for folder in ("libvirt", "openvswitch", "ovn", "netns", "lock", "viftrail"):
            (run / folder).mkdir(parents=True)
        node.cover(run / "openvswitch", node.run_dir)
        node.cover(run / "ovn", node.run_dir)
        node.cover(run / "viftrail", _LABS)
        node.cover(Path("/run"), run)
        # Debian's libvirt wants its users even where its guests are root's (virQEMUDriverConfigNew).
        for name, line in (
            ("passwd", "libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin"),
            ("group", "libvirt-qemu:x:64055:\nkvm:x:64056:\nlibvirt:x:64057:"),
        ):
            own = self.state / name
            own.write_text(f"{Path('/etc', name).read_text().rstrip()}\n{line}\n")
            node.cover(Path("/etc", name), own)
        for path in LIBVIRT:
            own = self.state / path.lstrip("/")
            own.mkdir(parents=True)
            node.cover(Path(path), own)

    def start(self) -> None:
        """Start libvirtd first, as nova-compute looks for it."""
        self.node.vsctl("set-manager", settings.MANAGER)
        self.libvirtd.spawn()
        self.libvirtd.wait_ready(_PATIENCE)
        self.nova.spawn()
        self.metadata.spawn()

    def console(self, server_id: str) -> str:
        """What a guest printed on its serial console."""
        try:
            return (self.instances / server_id / "console.log").read_text(errors="replace")
        except OSError:
            return ""
