"""Where facts come from: the options that `why`, `audit` and `collect` share."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from viftrail.errors import NoSource, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from viftrail.facts.ovsdb.remote import Tls
    from viftrail.facts.source import Source

F = TypeVar("F", bound=Callable[..., Any])

NB_PORT, SB_PORT = 6641, 6642
_LOCAL = {
    "nb": ("/run/ovn/ovnnb_db.sock", "/var/run/ovn/ovnnb_db.sock"),
    "sb": ("/run/ovn/ovnsb_db.sock", "/var/run/ovn/ovnsb_db.sock"),
}
_SCHEMES = ("tcp:", "ssl:", "unix:")


@dataclass(frozen=True)
class Origin:
    """What the operator named. Empty means not named."""

    lab: str = ""
    bundle: str = ""
    nb: str = ""
    sb: str = ""
    private_key: str = ""
    certificate: str = ""
    ca_cert: str = ""
    ssh: bool = False
    ssh_config: str = ""
    become: bool = False
    central: tuple[str, ...] = ()
    timeout: float = 5.0


def origin_options(function: F) -> F:
    """Add the options; the command gets them as one `Origin` named ``origin``."""
    options = [
        click.option(
            "--lab",
            is_flag=False,
            flag_value="lab",
            default="",
            metavar="[NAME]",
            help="A running lab (default: the only one, else 'lab').",
        ),
        click.option("--bundle", default="", metavar="FILE", help="A bundle made by collect."),
        click.option(
            "--nb",
            default="",
            metavar="DB",
            help="Northbound: tcp:, ssl: or unix: remotes with commas between, or a "
            "database file. [env: OVN_NB_DB]",
        ),
        click.option("--sb", default="", metavar="DB", help="Southbound alike. [env: OVN_SB_DB]"),
        click.option("-p", "--private-key", default="", metavar="FILE", help="Key for ssl:."),
        click.option(
            "-c", "--certificate", default="", metavar="FILE", help="Certificate for ssl:."
        ),
        click.option(
            "-C",
            "--ca-cert",
            default="",
            metavar="FILE",
            help="CA that signed the server's certificate.",
        ),
        click.option(
            "--ssh", is_flag=True, help="Look at hosts by ssh, by their chassis hostname."
        ),
        click.option("--ssh-config", default="", metavar="FILE", help="As ssh -F."),
        click.option("--become", is_flag=True, help="Run the probe there through sudo -n."),
        click.option(
            "--central",
            multiple=True,
            metavar="HOST",
            help="A host that runs ovn-northd; may be repeated.",
        ),
        click.option(
            "--timeout",
            default=5.0,
            show_default=True,
            type=click.FloatRange(0.1, 600),
            help="Seconds for one database answer.",
        ),
    ]

    def command(**arguments: Any) -> Any:
        names = Origin.__dataclass_fields__
        origin = Origin(**{name: arguments.pop(name) for name in names})
        return function(origin=origin, **arguments)

    command.__name__ = function.__name__
    command.__doc__ = function.__doc__
    command.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    decorated: Any = command
    for option in reversed(options):
        decorated = option(decorated)
    result: F = decorated
    return result


@contextmanager
def open_source(origin: Origin) -> Iterator[Source]:
    """The source that the operator means; closed at the end.

    Raises:
        NoSource: none was named, and none is plain.
        ViftrailError: it cannot be opened.
    """
    named = [name for name in ("bundle", "lab", "nb") if getattr(origin, name)]
    if origin.bundle and (origin.lab or origin.nb or origin.sb):
        raise UsageError("--bundle goes without --lab, --nb and --sb.", "Name one source.")
    if origin.lab and (origin.nb or origin.sb):
        raise UsageError("--lab goes without --nb and --sb.", "Name one source.")
    if origin.bundle:
        from viftrail.facts import bundle
        from viftrail.facts.stored import StoredSource

        facts, manifest = bundle.read(Path(origin.bundle))
        yield StoredSource(facts, manifest.time)
        return
    lab = origin.lab or ("" if named or origin.sb else _only_lab())
    if lab:
        from viftrail.lab.source import open_lab

        live = open_lab(lab, timeout=origin.timeout)
        try:
            yield live
        finally:
            live.close()
        return
    nb, sb = _database(origin.nb, "nb"), _database(origin.sb, "sb")
    if _is_file(nb) or _is_file(sb):
        from viftrail.facts.stored import from_files

        yield from_files(Path(nb) if nb else None, Path(sb) if sb else None)
        return
    if not nb and not sb:
        raise NoSource(
            "There is nothing to look at: no lab is up, and no database was named.",
            "Give --nb and --sb (or set OVN_NB_DB and OVN_SB_DB), --bundle FILE, "
            "or try `viftrail lab up`.",
        )
    live = _live(origin, nb, sb)
    try:
        yield live
    finally:
        live.close()


def _only_lab() -> str:
    """The lab that is meant when nothing is named: the one this node is in, or the only one."""
    inside = os.environ.get("VIFTRAIL_LAB", "")
    if inside:
        return inside
    if os.environ.get("OVN_NB_DB") or os.environ.get("OVN_SB_DB"):
        return ""
    from viftrail.lab.folder import living

    found = living()
    if len(found) > 1:
        raise NoSource(
            f"{len(found)} labs are up: {', '.join(found)}.", "Say which with --lab NAME."
        )
    return found[0] if found else ""


def _database(named: str, which: str) -> str:
    """As named, as the environment says, or the local socket."""
    value = named or os.environ.get(f"OVN_{which.upper()}_DB", "")
    if value:
        return value
    return next((f"unix:{path}" for path in _LOCAL[which] if Path(path).exists()), "")


def _is_file(value: str) -> bool:
    return bool(value) and not value.startswith(_SCHEMES)


def _tls(origin: Origin) -> Tls | None:
    """The three files of ssl:, which only make sense together.

    Raises:
        UsageError: some are named and some are not.
    """
    files = (origin.private_key, origin.certificate, origin.ca_cert)
    if not any(files):
        return None
    if not all(files):
        raise UsageError(
            "ssl: needs all of --private-key, --certificate and --ca-cert.",
            "Name the files that ovn-nbctl is given on this cloud.",
        )
    from viftrail.facts.ovsdb.remote import Tls

    return Tls(*map(Path, files))


def _live(origin: Origin, nb: str, sb: str) -> Any:
    from viftrail.errors import Unreachable
    from viftrail.facts.carrier import Carrier, Local, Ssh
    from viftrail.facts.facts import Gap
    from viftrail.facts.inquiry import NORTHBOUND
    from viftrail.facts.live import LiveSource, this_host
    from viftrail.facts.ovsdb.client import Client
    from viftrail.facts.ovsdb.remote import parse_remotes

    tls = _tls(origin)
    remotes = {
        "nb": parse_remotes(nb, NB_PORT) if nb else (),
        "sb": parse_remotes(sb, SB_PORT) if sb else (),
    }
    here = this_host()

    def connect(database: str) -> Client:
        which = "nb" if database == NORTHBOUND else "sb"
        if not remotes[which]:
            raise Unreachable(f"No address of {database} was named.", f"Give --{which}.")
        return Client.connect(remotes[which], database=database, tls=tls, timeout=origin.timeout)

    def carriers(host: str) -> Carrier | Gap:
        if host in here:
            return Local()
        if origin.ssh:
            return Ssh(host, config=origin.ssh_config, become=origin.become)
        return Gap(
            f"host {host}",
            "It is not this host, and no way to it was given.",
            "Add --ssh to look at it by ssh.",
        )

    central = origin.central or (here[:1] if nb.startswith("unix:") else ())
    return LiveSource(connect, carriers, central=central)
