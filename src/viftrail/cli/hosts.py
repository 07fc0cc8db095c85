"""The ways to hosts that the operator named: ssh, or an inventory of Ansible."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import click

from viftrail.errors import FileUnreadable, UsageError

if TYPE_CHECKING:
    from viftrail.cli.origin import Origin
    from viftrail.facts.facts import Gap
    from viftrail.facts.ways.carrier import Carrier, Local
    from viftrail.facts.ways.fleet import Fleet

_FEW = 3
"""Hosts for which nobody has to be told how far it is."""


def check(origin: Origin) -> None:
    """Complain of what ssh or Ansible would complain of for every host.

    Raises:
        UsageError: options exclude each other, or one has no effect.
        FileUnreadable: the file is not there.
    """
    if origin.inventory and origin.ssh:
        raise UsageError("--inventory goes without --ssh.", "Name one way to the hosts.")
    if origin.inventory and (origin.bundle or origin.saved or origin.lab):
        named = "--bundle" if origin.bundle else "--from" if origin.saved else "--lab"
        raise UsageError(
            f"--inventory goes without {named}, which has its own hosts.",
            "Name the databases with --nb and --sb.",
        )
    if origin.limit and not origin.inventory:
        raise UsageError("--limit is for --inventory, which was not given.", "Add --inventory.")
    if origin.ssh_config and not origin.ssh:
        raise UsageError("--ssh-config is for --ssh, which was not given.", "Add --ssh.")
    if origin.become and not origin.ssh and not origin.inventory:
        raise UsageError("--become is for --ssh and --inventory.", "Add --ssh or --inventory.")
    if origin.ssh_config not in ("", "none") and not os.access(origin.ssh_config, os.R_OK):
        raise FileUnreadable(
            f"The ssh configuration {origin.ssh_config} cannot be read.", "Check --ssh-config."
        )


def check_ledger() -> None:
    """Say that commands could not be noted; what was found is as good without that."""
    from viftrail.facts.ways import ledger

    if ledger.problem():
        click.echo(f"viftrail: {ledger.problem()}", err=True)


def fleet(origin: Origin) -> Fleet | None:
    """The hosts of the inventory, if one was named.

    Raises:
        ViftrailError: it cannot be read, or there is no Ansible.
    """
    if not origin.inventory:
        return None
    from viftrail.facts.ways.fleet import open_fleet

    return open_fleet(origin.inventory, origin.limit, become=origin.become, tell=_tell)


def _tell(asked: int, answered: int, lost: int) -> None:
    """How far a look at many hosts is, in one line that is written over."""
    if asked <= _FEW or not sys.stderr.isatty():
        return
    done = answered + lost == asked
    text = f"{answered + lost} of {asked} hosts" + (f", {lost} not to be had" if lost else "")
    click.echo("\r\x1b[K" + ("" if done else text), nl=False, err=True)


def local(origin: Origin) -> Local:
    """The way to this very host: as root where --ssh goes to the others as root."""
    from viftrail.facts.ways.carrier import Local

    return Local(become=origin.ssh and origin.become and os.geteuid() != 0)


def ways(
    origin: Origin, here: Collection[str], fleet: Fleet | None
) -> Callable[[str], Carrier | Gap]:
    """What leads to a host by its chassis' hostname; ``here`` are the names of this host."""
    from viftrail.facts.facts import Gap
    from viftrail.facts.owner import ADMIN_SHELL
    from viftrail.facts.ways.carrier import Ssh

    def way(host: str) -> Carrier | Gap:
        # The inventory first: it may say how to become root on this very host.
        listed = fleet.way(host) if fleet and host != ADMIN_SHELL else None
        if listed:
            return listed
        if host in here:
            return local(origin)
        if fleet and host != ADMIN_SHELL:
            return fleet.strange(host)
        if origin.ssh and host != ADMIN_SHELL:
            return Ssh(host, config=origin.ssh_config, become=origin.become)
        return Gap(
            f"host {host}",
            "It is not this host, and no way to it was given.",
            "Add --ssh to look at it by ssh, or --inventory to look at it by Ansible.",
        )

    return way
