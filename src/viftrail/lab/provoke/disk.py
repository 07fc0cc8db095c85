"""S0: database servers whose disk is full."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING, Final

from viftrail.lab.machine import wait_until
from viftrail.lab.provoke.registry import provocation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from viftrail.lab.daemon import Daemon
    from viftrail.lab.node import Node
    from viftrail.lab.provoke.registry import Undo, Victim

_SIZE: Final = "1m"
_FILLER: Final = "core.1847"


@provocation(
    "infra-controller-disk-full",
    "a core dump has filled the file system of the databases",
    (),
    needs_vm=False,
    freezes=True,
    by_hand=True,
)
def fill_controller(victim: Victim) -> Undo:
    """Both databases can be read, and take no change."""
    controller, chassis = victim.cloud.controller, victim.cloud.chassis
    status = ("ovn-appctl", "-t", "ovn-controller", "connection-status")

    def all_back() -> bool:
        """The servers were away for a moment, which is not what this is about."""
        return all(node.run(*status, check=False).strip() == "connected" for node in chassis)

    undo = _small_disk(controller, controller.databases)
    wait_until(all_back, 12.0, pause=0.1)

    def mend() -> None:
        undo()
        wait_until(all_back, 12.0, pause=0.1)

    return mend


@provocation(
    "infra-network-node-disk-full",
    "a core dump has filled the file system of the gateway's conf.db",
    (),
    needs_vm=False,
    freezes=True,
    by_hand=True,
)
def fill_gateway(victim: Victim) -> Undo:
    """Its flows stay; ovn-controller can make no port there."""
    gateway = next(node for node in victim.cloud.chassis if node.design.role == "network")
    return _small_disk(gateway, (gateway.ovsdb,))


def _small_disk(node: Node, servers: Sequence[Daemon]) -> Undo:
    """Puts the node's databases on a file system of their own, and fills that."""
    folder = node.db_dir
    aside = folder.with_name("db.moved")
    with _stopped(servers):
        shutil.copytree(folder, aside)
        node.run("mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder))
        _copy(node, aside, folder)
    # To the last byte, and so with an error.
    node.run("dd", "if=/dev/zero", f"of={folder}/{_FILLER}", "bs=4096", check=False)

    def undo() -> None:
        node.run("rm", "-f", f"{folder}/{_FILLER}")
        with _stopped(servers):
            _copy(node, folder, aside)
            node.run("umount", str(folder))
            shutil.copytree(aside, folder, dirs_exist_ok=True)
            shutil.rmtree(aside)

    return undo


@contextlib.contextmanager
def _stopped(servers: Sequence[Daemon]) -> Iterator[None]:
    for server in servers:
        server.stop()
    try:
        yield
    finally:
        for server in servers:
            server.start()


def _copy(node: Node, source: Path, target: Path) -> None:
    """Seen from inside the node, where the small file system is."""
    node.run("sh", "-c", 'cp -a "$0"/*.db "$1"', str(source), str(target))
