"""``viftrail lab``: a real OVN cloud in network namespaces, to break and to mend."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from viftrail.cli.score import score
from viftrail.errors import UsageError

if TYPE_CHECKING:
    from viftrail.lab.client import Lab
    from viftrail.lab.ping import Pings
    from viftrail.lab.status import Status

_name = click.option("--name", default="lab", show_default=True, metavar="NAME", help="Which lab.")
_format = click.option(
    "-f",
    "--format",
    "output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print it.",
)


def _find(name: str) -> Lab:
    from viftrail.lab.client import Lab, require_root

    require_root()
    return Lab.find(name)


def _print_json(value: object) -> None:
    import msgspec

    click.echo(json.dumps(msgspec.to_builtins(value), indent=2))


@click.group("lab", short_help="Bring up a real OVN cloud, break it, mend it.")
def lab() -> None:
    """A real multi-chassis OVN cloud in network namespaces of this machine.

    Every node runs its own Open vSwitch and ovn-controller, the tunnels are
    geneve, the topology is Neutron's. Needs root, and the Debian packages
    ovn-central, ovn-host and busybox-static.
    """


lab.add_command(score)


@lab.command()
@_name
@click.option("--computes", default=2, show_default=True, metavar="N", help="1 to 20.")
@click.option("--gateways", default=1, show_default=True, metavar="N", help="1 to 4, in HA.")
@click.option("--dvr", is_flag=True, help="Translate floating IPs where the VM runs.")
@click.option("--ha-groups", is_flag=True, help="Schedule gateways as Neutron 29 does.")
@click.option("--vlan", is_flag=True, help="A provider VLAN with VMs directly on it: vm4, vm5.")
@click.option("--ipv6", is_flag=True, help="A second, IPv6 subnet in the tenant network.")
@click.option("--openstack", is_flag=True, help="Run a real OpenStack: `lab prepare` first.")
@click.option("--cluster", is_flag=True, help="Both databases in RAFT clusters of three.")
@click.option("--ssl", is_flag=True, help="The databases are spoken to by TLS.")
@click.option("--no-vms", is_flag=True, help="Boot no VM.")
@click.option("-v", "--verbose", is_flag=True, help="Print each step as it begins.")
def up(
    name: str,
    computes: int,
    gateways: int,
    *,
    dvr: bool,
    ha_groups: bool,
    vlan: bool,
    ipv6: bool,
    openstack: bool,
    cluster: bool,
    ssl: bool,
    no_vms: bool,
    verbose: bool,
) -> None:
    """Bring a lab up and boot vm1 to vm3."""
    from viftrail.lab.client import Lab
    from viftrail.lab.shape import Shape

    began = time.monotonic()

    def progress(step: str) -> None:
        if verbose:
            click.echo(f"{time.monotonic() - began:6.2f} s  {step}")
            sys.stdout.flush()

    shape = Shape(
        computes=computes,
        gateways=gateways,
        dvr=dvr,
        ha_groups=ha_groups,
        vlan=vlan,
        ipv6=ipv6,
        openstack=openstack,
        cluster=cluster,
        ssl=ssl,
    )
    found = Lab.up(name, shape, boot_vms=not no_vms, progress=progress)
    status = found.status()
    click.echo(
        f"Lab {name!r} is up after {time.monotonic() - began:.1f} s: "
        f"{sum(node.role != 'external' for node in status.nodes)} nodes, {len(status.vms)} VMs."
    )


@lab.command()
def prepare() -> None:
    """Install what `lab up --openstack` needs, once: packages, OpenStack, a guest image."""
    from viftrail.lab.client import require_root
    from viftrail.lab.openstack.kit import Kit

    require_root()
    began = time.monotonic()

    def progress(step: str) -> None:
        click.echo(f"{time.monotonic() - began:6.1f} s  {step}")
        sys.stdout.flush()

    kit = Kit()
    kit.prepare(progress)
    click.echo(f"An OpenStack lab can be brought up; its parts are in {kit.folder}.")


@lab.command()
@_name
@click.option("--all", "everything", is_flag=True, help="All labs of this machine.")
def down(name: str, *, everything: bool) -> None:
    """Take a lab down; nothing is left of it."""
    from viftrail.lab.client import Lab, labs, require_root

    require_root()
    if everything:
        for each in labs():
            Lab(each).down()
            click.echo(f"Lab {each!r} is down.")
        return
    Lab.find(name).down()
    click.echo(f"Lab {name!r} is down.")


@lab.command("list")
def list_labs() -> None:
    """List the labs that are up."""
    from viftrail.lab.client import labs

    for each in labs():
        click.echo(each)


@lab.command()
@_name
@_format
def status(name: str, output: str) -> None:
    """Show what the lab consists of, as its owner wants it."""
    lab = _find(name)
    lab.refresh()
    found = lab.status()
    if output == "json":
        _print_json(found)
    else:
        _print_status(found)


@lab.command()
@click.argument("vm")
@_name
@click.option("--host", metavar="NODE", help="Which compute; else the least loaded.")
@click.option("--hybrid", is_flag=True, help="Plug as ML2/OVS did: tap, qbr, qvb, qvo.")
@click.option("--floating-ip", is_flag=True, help="Give it a floating IP.")
@click.option("--qemu", is_flag=True, help="A guest with a kernel of its own, emulated.")
@click.option("--vlan", is_flag=True, help="Directly on the provider's VLAN.")
def boot(
    vm: str,
    name: str,
    host: str | None,
    *,
    hybrid: bool,
    floating_ip: bool,
    qemu: bool,
    vlan: bool,
) -> None:
    """Make a VM and start it.

    A VM is a network namespace, unless --qemu: then QEMU boots Debian's cloud
    kernel on its tap, in some seconds and 200 MB. That takes the package
    qemu-system-x86, and `viftrail lab fetch-kernel` once.
    """
    options = {"hybrid": hybrid, "floating_ip": floating_ip, "qemu": qemu, "direct": vlan}
    click.echo(_find(name).order("boot", vm=vm, host=host, **options))


@lab.command("fetch-kernel")
def fetch_kernel() -> None:
    """Download the kernel that QEMU guests boot; nothing is installed."""
    from viftrail.lab import image

    click.echo(f"{image.fetch()} is in {image.STORE}.")


@lab.command()
@click.argument("vm")
@_name
def console(vm: str, name: str) -> None:
    """Print what a QEMU guest has said on its console."""
    for each in _find(name).status().vms:
        if each.name == vm and each.console:
            click.echo(Path(each.console).read_text(errors="replace"), nl=False)
            return
    raise UsageError(f"Lab {name!r} has no QEMU guest {vm!r}.", "Boot one: lab boot VM --qemu.")


@lab.command()
@click.argument("vm")
@_name
def delete(vm: str, name: str) -> None:
    """Delete a VM and its port."""
    click.echo(_find(name).order("delete", vm=vm))


@lab.command()
@click.argument("vm")
@_name
def reboot(vm: str, name: str) -> None:
    """Reboot a VM hard: its network card is made and plugged anew."""
    click.echo(_find(name).order("reboot", vm=vm))


@lab.command("break")
@click.argument("fault", metavar="FAULT_ID")
@_name
@click.option("--vm", default="vm1", show_default=True, metavar="VM", help="The victim.")
def break_it(fault: str, name: str, vm: str) -> None:
    """Provoke a fault of the catalogue for real."""
    click.echo(_find(name).order("break", fault=fault, vm=vm))


@lab.command()
@_name
def mend(name: str) -> None:
    """Undo everything that was provoked."""
    click.echo(_find(name).order("mend"))


@lab.command("exec", context_settings={"ignore_unknown_options": True})
@_name
@click.argument("node", metavar="NODE_OR_VM")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_in(name: str, node: str, command: tuple[str, ...]) -> None:
    """Run a command in a node or VM, as in: lab exec compute1 -- ovs-vsctl show."""
    from viftrail.lab.enter import become

    become(_find(name).node(node), command)


@lab.command()
@_name
@_format
@click.option("--vm", metavar="VM", help="Only this VM's paths.")
@click.option(
    "--size",
    metavar="BYTES",
    type=click.IntRange(0, 65507),
    default=0,
    help="Payload of each ICMP echo request, sent as `ping -M do -s BYTES` does.",
)
def ping(name: str, output: str, vm: str | None, size: int) -> None:
    """Prove with packets which paths work; exit 1 if one does not."""
    from viftrail.lab.ping import ping as ping_all

    lab = _find(name)
    lab.refresh()
    pings = ping_all(lab, vm, size)
    if output == "json":
        _print_json(pings)
    else:
        _print_pings(pings)
    click.get_current_context().exit(0 if pings.ok else 1)


@lab.command()
@click.argument(
    "folder", metavar="DIR", type=click.Path(path_type=Path, exists=False, file_okay=False)
)
@click.option("--ports", required=True, type=int, metavar="N", help="VM ports, 1 to 300000.")
@click.option("--plant", default=0, show_default=True, metavar="K", help="Faults to plant.")
@click.option("--seed", default=0, show_default=True, metavar="S", help="Another cloud.")
@click.option("--without-northd", is_flag=True, help="Compute Southbound instead of ovn-northd.")
@click.option("--ha-groups", is_flag=True, help="Schedule gateways as Neutron 29 does.")
@click.option("--flows", is_flag=True, help="With --without-northd: logical flows all the same.")
@click.option("-v", "--verbose", is_flag=True, help="Print each step as it begins.")
def synth(
    folder: Path,
    ports: int,
    plant: int,
    seed: int,
    *,
    without_northd: bool,
    ha_groups: bool,
    flows: bool,
    verbose: bool,
) -> None:
    """Write the databases of a large cloud to DIR, with faults that are known.

    DIR gets ovnnb_db.db, ovnsb_db.db, owner.json (what Neutron wants) and
    key.json (the faults). A real ovn-northd builds the Southbound database,
    unless --without-northd; no root is needed. The same arguments make the
    same cloud.
    """
    from viftrail.lab.synth.build import Order, synthesize

    # Ended so, it takes its processes and files along, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    began = time.monotonic()

    def progress(step: str) -> None:
        if verbose:
            click.echo(f"{time.monotonic() - began:6.2f} s  {step}")
            sys.stdout.flush()

    order = Order(
        ports=ports,
        plant=plant,
        seed=seed,
        northd=not without_northd,
        ha_groups=ha_groups,
        flows=flows,
    )
    made = synthesize(order, folder, progress)
    click.echo(
        f"{folder}: {made.ports} ports in {made.networks} networks, {made.routers} routers, "
        f"{made.floating_ips} floating IPs, {made.chassis} chassis, {made.planted} faults; "
        f"{time.monotonic() - began:.1f} s."
    )


def _print_pings(pings: Pings) -> None:
    for path in pings.paths:
        mark = "ok  " if path.ok else "FAIL"
        click.echo(f"{mark} {path.path:16} {path.source:>9} -> {path.target:14} {path.detail}")


def _print_table(titles: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    cells = [titles, *(tuple("-" if cell is None else str(cell) for cell in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo(text.rstrip())
    click.echo()


def _print_status(status: Status) -> None:
    _print_table(
        ("NODE", "ROLE", "MANAGEMENT", "TUNNEL", "CHASSIS"),
        [(n.name, n.role, n.mgmt_ip, n.tunnel_ip, n.chassis) for n in status.nodes],
    )
    _print_table(
        ("VM", "HOST", "PORT", "MAC", "IP", "LEASE", "FLOATING IP"),
        [(v.name, v.host, v.port_id, v.mac, v.ip, v.lease, v.floating_ip) for v in status.vms],
    )
    for network in status.networks:
        click.echo(
            f"network {network.name} {network.cidr}, gateway {network.gateway} "
            f"({network.router or f'VLAN {network.vlan}'}), mtu {network.mtu}"
            + (f"; {network.cidr6}, {network.mode6}" if network.cidr6 else "")
        )
    provider = status.provider
    click.echo(
        f"provider {provider.network} {provider.cidr} on {provider.physnet}:{provider.bridge} "
        f"of {provider.node}; external host {status.external.ip}"
    )
    if status.broken:
        click.echo(f"broken: {', '.join(status.broken)}")
