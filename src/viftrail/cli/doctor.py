"""`viftrail doctor`."""

from __future__ import annotations

import os
import socket
from concurrent.futures import Future
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING

import click

from viftrail import __version__
from viftrail.cli import hosts
from viftrail.cli.access import remotes_of, ways_of
from viftrail.cli.origin import Origin, check_no_ways, lab_of, openstack_of, origin_options
from viftrail.cli.output import deliver, format_option, output_option
from viftrail.errors import NoSource, UsageError, ViftrailError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viftrail.facts.access import Way
    from viftrail.facts.checkup import Checkup, Cloud, Database, Listed, Seen
    from viftrail.facts.live import LiveSource
    from viftrail.facts.ovsdb.client import Client
    from viftrail.facts.ovsdb.remote import Remote
    from viftrail.facts.ways.fleet import Fleet


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@origin_options
@click.option(
    "--host",
    "wanted",
    multiple=True,
    metavar="NAME",
    help="Visit this host too, as `why` would; may be repeated.",
)
@click.option("--all-hosts", is_flag=True, help="Visit every host that Southbound lists.")
@format_option(("text", "json"), "How to print it.")
@output_option
@click.pass_context
def doctor(
    ctx: click.Context,
    origin: Origin,
    *,
    wanted: tuple[str, ...],
    all_hosts: bool,
    format_: str,
    output: str,
) -> None:
    """Say what is found here, what can be reached, and how to grant the rest.

    It only reads, and visits no other host unless that is named. Without
    options it looks for what the other commands would look for.

    Exit status: 0 both databases answer, and all else that was named; 1
    one of them does not, is not known, or has lost its cluster; 2 no
    database is known here.
    """
    if origin.bundle or origin.saved or any(map(os.path.isfile, (origin.nb, origin.sb))):
        raise UsageError(
            "doctor looks at what is live; a bundle, a folder and database files need no access.",
            "Leave --bundle and --from out, and name addresses with --nb and --sb.",
        )
    hosts.check(origin)
    from viftrail.facts import checkup as facts
    from viftrail.facts.grant import needs
    from viftrail.report import checkup as report

    found = _look(origin, wanted, all_hosts=all_hosts)
    missing = needs(found)
    render = report.as_json if format_ == "json" else report.as_text
    deliver(render(found, missing), output)
    hosts.check_ledger()
    ctx.exit(2 if facts.nothing(found.databases) else 1 if facts.failed(found) else 0)


def _look(origin: Origin, wanted: tuple[str, ...], *, all_hosts: bool) -> Checkup:
    """Everything at once; each part has a time-out of its own."""
    from viftrail.facts import checkup as facts
    from viftrail.facts.parallel import aside

    lab = lab_of(origin)
    if lab:
        check_no_ways(origin, lab)
    here: Future[Seen] | None = None if lab else aside(partial(_here, origin))
    cloud: Future[Cloud | None] = aside(partial(_cloud, origin))
    inventory: Future[Fleet | ViftrailError | None] = aside(partial(_fleet, origin))
    asked = _lab_databases(origin, lab) if lab else _databases(origin)
    databases, known = [each for each, _ in asked], [name for _, names in asked for name in names]
    fleet = inventory.result()
    all_ = known if all_hosts else []
    visited, left = _visit(origin, lab, fleet, wanted, all_) if (*wanted, *all_) else ((), "")
    return facts.Checkup(
        tool=f"viftrail {__version__}",
        time=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        lab=lab,
        here=here.result() if here else None,
        databases=tuple(databases),
        chassis=tuple(known),
        hosts=visited,
        left_out=left,
        inventory=_listed(origin, fleet, known),
        openstack=cloud.result(),
    )


def _databases(origin: Origin) -> list[tuple[Database, tuple[str, ...]]]:
    from viftrail.facts import checkup as facts
    from viftrail.facts.ovsdb.client import Client
    from viftrail.facts.parallel import side_by_side

    def one(item: tuple[str, Way]) -> tuple[Database, tuple[str, ...]]:
        which, way = item

        def connect(remotes: Sequence[Remote]) -> Client:
            return Client.connect(
                remotes,
                database=facts.NAMES[which],
                tls=way.tls,
                timeout=origin.timeout,
                settle=True,
            )

        found, hosts = facts.reach(which, way, lambda: connect(remotes_of(which, way)))
        if found.reached:
            found = facts.polled(found, remotes_of(which, way), lambda each: connect([each]))
        return found, hosts

    return side_by_side(one, ways_of(origin).items())


def _lab_databases(origin: Origin, lab: str) -> list[tuple[Database, tuple[str, ...]]]:
    from viftrail.facts import checkup as facts
    from viftrail.facts.access import Way
    from viftrail.facts.parallel import side_by_side
    from viftrail.lab.source import open_lab

    way = Way(f"lab {lab}", "its keeper")

    def one(which: str) -> tuple[Database, tuple[str, ...]]:
        def connect() -> Client:
            return open_lab(lab, timeout=origin.timeout).client(facts.NAMES[which])

        return facts.reach(which, way, connect)

    return side_by_side(one, facts.NAMES)


def _here(origin: Origin) -> Seen:
    """This host, content with what this user may see of it."""
    from viftrail.facts import checkup as facts
    from viftrail.facts.facts import Gap
    from viftrail.facts.ways.carrier import glance

    name = socket.gethostname()
    try:
        return facts.seen(name, glance(name, hosts.local(origin), 0.0))
    except ViftrailError as error:
        return facts.seen(name, Gap(name, error.what, error.do))


def _cloud(origin: Origin) -> Cloud | None:
    """OpenStack, where credentials are named."""
    api = openstack_of(origin)
    if api is None:
        return None
    from viftrail.facts import checkup as facts
    from viftrail.facts.facts import Gap
    from viftrail.facts.openstack import OpenStack

    name = origin.os_cloud or os.environ.get("OS_CLOUD") or os.environ.get("OS_AUTH_URL", "")
    try:
        return facts.cloud(name, api.read(()))
    except ViftrailError as error:
        return facts.cloud(name, (OpenStack(), [Gap("credentials", error.what, error.do)]))


def _fleet(origin: Origin) -> Fleet | ViftrailError | None:
    """The inventory that was named, or why it cannot be read."""
    try:
        return hosts.fleet(origin)
    except ViftrailError as error:
        return error


def _listed(
    origin: Origin, fleet: Fleet | ViftrailError | None, chassis: Sequence[str]
) -> Listed | None:
    """What the inventory has of the chassis."""
    from viftrail.facts.checkup import Listed
    from viftrail.facts.ways.fleet import InventoryHost

    if fleet is None:
        return None
    if isinstance(fleet, ViftrailError):
        return Listed(name=origin.inventory, why=fleet.what, do=fleet.do)
    known = sum(isinstance(fleet.way(name), InventoryHost) for name in chassis)
    return Listed(name=origin.inventory, hosts=len(fleet.entries), chassis=known)


def _visit(
    origin: Origin,
    lab: str,
    fleet: Fleet | ViftrailError | None,
    wanted: Sequence[str],
    known: Sequence[str],
) -> tuple[tuple[Seen, ...], str]:
    """The hosts, by the ways that `why` would take; and which of the known ones --limit leaves out.

    Whoever is wanted by name is looked at in any case.
    """
    from viftrail.facts import checkup as facts
    from viftrail.facts.facts import Gap

    names, left = list(dict.fromkeys((*wanted, *known))), ""
    try:
        if isinstance(fleet, ViftrailError):
            raise fleet
        source = _hosts_of(origin, lab, fleet)
        out = [name for name in source.left_out(known) if name not in wanted]
        left = " ".join(gap.why for gap in fleet.left_out(out)) if fleet else ""
        names = [name for name in names if name not in out]
        answers = source.look(names, 0.0)
    except ViftrailError as error:
        answers = {name: Gap(name, error.what, error.do) for name in names}
    return tuple(facts.seen(name, answers[name]) for name in names), left


def _hosts_of(origin: Origin, lab: str, fleet: Fleet | None) -> LiveSource:
    """What looks at hosts: no database is asked for that, and so none need be known."""
    if lab:
        from viftrail.lab.source import open_lab

        return open_lab(lab, timeout=origin.timeout)
    from viftrail.facts.live import LiveSource, this_host

    def connect(database: str) -> Client:
        raise NoSource(f"{database} is not asked for hosts.", "Name it with --nb or --sb.")

    return LiveSource(connect, hosts.ways(origin, this_host(), fleet), fleet=fleet)
