"""S4 to S6: the servers of both databases, and ovn-northd between them."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from viftrail.lab import hypervisor
from viftrail.lab.design import NB_PORT, SB_PORT
from viftrail.lab.machine import wait_until
from viftrail.lab.node import SCHEMAS
from viftrail.lab.ovsdb import SOUTHBOUND
from viftrail.lab.provoke.registry import ALL_PATHS, provocation
from viftrail.lab.shape import Shape

if TYPE_CHECKING:
    from viftrail.lab.daemon import Daemon
    from viftrail.lab.node import Controller
    from viftrail.lab.provoke.registry import Undo, Victim

_NB, _SB = 0, 1
_INTRUDER = "router-of-somebody"
_CONTROL = ("ovn-appctl", "-t", "ovn-controller")


def unplug(victim: Victim) -> None:
    """Takes the VM's card away and waits until nobody claims its port any more."""
    victim.guest.halt()
    hypervisor.unplug(victim.host, victim.vm)
    where = [["logical_port", "==", victim.vm.port_id]]
    with victim.cloud.controller.open(SOUTHBOUND) as southbound:

        def unbound() -> bool:
            return all(
                row["chassis"] == [] for row in southbound.select("Port_Binding", where, "chassis")
            )

        wait_until(unbound, 3.0)


def await_cut_off(victim: Victim, within: float = 3.0) -> None:
    """Waits until ovn-controller on its host has no connection to Southbound."""

    def cut_off() -> bool:
        return "not connected" in victim.host.run(*_CONTROL, "connection-status", check=False)

    wait_until(cut_off, within, pause=0.05)


def await_connected(victim: Victim) -> None:
    """ovn-controller rests for up to eight seconds before it tries anew."""

    def connected() -> bool:
        answer = victim.host.run(*_CONTROL, "connection-status", check=False)
        return answer.strip() == "connected"

    wait_until(connected, 12.0, pause=0.05)


@provocation(
    "nb-server-down",
    "the server of Northbound was killed",
    (),
    needs_vm=False,
    freezes=True,
)
def kill_northbound(victim: Victim) -> Undo:
    """As a crash or the OOM killer does."""
    server = victim.cloud.controller.databases[_NB]
    server.kill()
    return server.start


@provocation(
    "sb-server-down",
    "the server of Southbound was killed, and the VM was plugged anew",
    ALL_PATHS,
)
def kill_southbound(victim: Victim) -> Undo:
    """As a crash or the OOM killer does."""
    server = victim.cloud.controller.databases[_SB]
    unplug(victim)
    server.kill()
    await_cut_off(victim)
    victim.reboot()

    def undo() -> None:
        server.start()
        victim.retry()

    return undo


@provocation(
    "sb-raft-no-quorum",
    "two of the three servers of Southbound were killed, and the VM was plugged anew",
    ALL_PATHS,
    needs=Shape(cluster=True),
)
def lose_majority(victim: Victim) -> Undo:
    """The third looks for a leader, and is let go by all its clients."""
    servers = [each.databases[_SB] for each in victim.cloud.controllers[1:]]
    unplug(victim)
    for server in servers:
        server.kill()
    # A follower takes its leader for alive until two election times are over.
    wait_until(lambda: not victim.cloud.controller.serves(SOUTHBOUND), 30.0, pause=0.1)
    await_cut_off(victim, within=30.0)
    victim.reboot()

    def undo() -> None:
        for server in servers:
            server.start()
        for controller in victim.cloud.controllers:
            controller.wait_served()
        await_connected(victim)
        victim.retry()

    return undo


@provocation(
    "sb-stale-or-single-endpoint",
    "the VM's host was told of one member of Southbound only, which was killed; the VM was plugged anew",
    ALL_PATHS,
    needs=Shape(cluster=True),
)
def tell_of_one(victim: Victim) -> Undo:
    """As a deployment that was written before there was a cluster."""
    host, member = victim.host, victim.cloud.controllers[-1]
    server = member.databases[_SB]
    remote = f"{host.central.scheme}:{member.design.management_ip}:{SB_PORT}"
    unplug(victim)
    host.vsctl("set", "Open_vSwitch", ".", f"external_ids:ovn-remote={remote}")
    server.kill()
    await_cut_off(victim, within=5.0)
    victim.reboot()

    def undo() -> None:
        server.start()
        host.restore_settings()
        await_connected(victim)
        victim.retry()

    return undo


@provocation(
    "raft-member-apart",
    "one of the three servers of Southbound was killed",
    (),
    needs_vm=False,
    needs=Shape(cluster=True),
)
def lose_member(victim: Victim) -> Undo:
    """The others elect a leader if it was that, and serve on."""
    server = victim.cloud.controllers[-1].databases[_SB]
    server.kill()
    return server.start


@provocation(
    "sb-listener-gone",
    "Southbound has lost its connections, and the VM was plugged anew",
    ALL_PATHS,
)
def close_southbound(victim: Victim) -> Undo:
    """The server itself, and northd on its unix socket, go on."""
    controller = victim.cloud.controller
    unplug(victim)
    controller.run("ovn-sbctl", "del-connection")
    await_cut_off(victim)
    victim.reboot()

    def undo() -> None:
        controller.run("ovn-sbctl", "set-connection", controller.listener(SB_PORT))
        victim.retry()

    return undo


@provocation(
    "nb-unreachable-from-neutron",
    "Northbound has lost its connections",
    (),
    needs_vm=False,
    freezes=True,
)
def close_northbound(victim: Victim) -> Undo:
    """The server itself, and northd on its unix socket, go on."""
    controller = victim.cloud.controller
    controller.run("ovn-nbctl", "del-connection")

    def undo() -> None:
        controller.run("ovn-nbctl", "set-connection", controller.listener(NB_PORT))

    return undo


@provocation(
    "northd-no-active",
    "ovn-northd hangs and keeps its lock; then the VM was deleted and made anew",
    ALL_PATHS,
    renews=True,
)
def hang_northd(victim: Victim) -> Undo:
    """A process that is stopped loses no lock: its connection is as good as ever."""
    northd = victim.cloud.controller.northd
    northd.signal(signal.SIGSTOP)
    victim.boot_anew()

    def undo() -> None:
        northd.signal(signal.SIGCONT)
        northd.start()
        victim.retry()

    return undo


@provocation(
    "northd-wrong-endpoints",
    "ovn-northd was started by hand on an old pair of databases; then the VM was made anew",
    ALL_PATHS,
    renews=True,
)
def mislead_northd(victim: Victim) -> Undo:
    """As with the central of an all-in-one installation that was moved and never removed."""
    controller = victim.cloud.controller
    old = _old_pair(controller)
    northd = controller.northd
    northd.stop()
    northd.process = controller.start(
        tuple(
            argument.replace("nb_db.sock", "nb_db.old.sock").replace("sb_db.sock", "sb_db.old.sock")
            for argument in northd.argv
        )
    )
    northd.wait_ready()
    victim.boot_anew()

    def undo() -> None:
        northd.stop()
        northd.start()
        for server in old:
            server.kill()
        victim.retry()

    return undo


def _old_pair(controller: Controller) -> tuple[Daemon, ...]:
    """Two servers of empty databases, as they were before the first network was made."""
    servers = []
    for side, schema in (("nb", "ovn-nb"), ("sb", "ovn-sb")):
        file = controller.db_dir / f"ovn{side}_db.old.db"
        file.unlink(missing_ok=True)
        controller.run("ovsdb-tool", "create", str(file), f"{SCHEMAS}/{schema}.ovsschema")
        socket = f"{controller.run_dir}/ovn{side}_db.old.sock"
        server = controller.daemon(
            f"ovsdb-server-{side}-old",
            f"--remote=punix:{socket}",
            str(file),
            program="ovsdb-server",
            ready=socket,
            leave=False,
        )
        server.start()
        servers.append(server)
    return tuple(servers)


@provocation(
    "northd-bad-config-skipped",
    "a router has got a port that is called like the VM's",
    ALL_PATHS,
)
def take_name(victim: Victim) -> Undo:
    """Which of the two northd takes hangs on their datapaths' UUIDs: tried until it is this one."""
    controller, name = victim.cloud.controller, victim.vm.port_id

    def take() -> bool:
        controller.run("ovn-nbctl", "--if-exists", "lr-del", _INTRUDER)
        controller.run(
            *("ovn-nbctl", "--wait=sb", "lr-add", _INTRUDER, "--", "lrp-add", _INTRUDER, name),
            *("fa:16:3e:00:00:99", "10.99.0.1/24"),
        )
        find = ("ovn-sbctl", "--bare", "--columns=type", "find", "Port_Binding")
        return "patch" in controller.run(*find, f"logical_port={name}")

    wait_until(take, 10.0)
    victim.ask_for_lease()

    def undo() -> None:
        controller.nbctl("--if-exists", "lr-del", _INTRUDER)
        victim.retry()

    return undo
