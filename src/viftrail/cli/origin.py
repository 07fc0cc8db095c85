"""Where facts come from: the options that `why`, `audit` and `collect` share."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from viftrail.errors import FileUnreadable, NoSource, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from viftrail.facts.ovsdb.remote import Remote, Tls
    from viftrail.facts.owner import Owner
    from viftrail.facts.source import Source

F = TypeVar("F", bound=Callable[..., Any])

NB_PORT, SB_PORT = 6641, 6642
_LOCAL = {
    "nb": ("/run/ovn/ovnnb_db.sock", "/var/run/ovn/ovnnb_db.sock"),
    "sb": ("/run/ovn/ovnsb_db.sock", "/var/run/ovn/ovnsb_db.sock"),
}
_REMOTE = re.compile(r"\s*(p?(tcp|ssl|unix)):|\s*,", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"[^/\s]+:\d+")
_NAMES_A_CLOUD = ("OS_CLOUD", "OS_AUTH_URL")
_API_TIMEOUT = 10.0
"""Seconds for one answer of OpenStack, which asks databases of its own."""
ANY_LAB = "?"
"""What --lab without a name stands for; no lab can be called that."""


@dataclass(frozen=True)
class Origin:
    """What the operator named. Empty means not named."""

    lab: str = ""
    bundle: str = ""
    saved: tuple[str, ...] = ()
    nb: str = ""
    sb: str = ""
    owner: str = ""
    private_key: str = ""
    certificate: str = ""
    ca_cert: str = ""
    ssh: bool = False
    ssh_config: str = ""
    become: bool = False
    os_cloud: str = ""
    central: tuple[str, ...] = ()
    timeout: float = 5.0


def _filled(_: click.Context, param: click.Parameter, value: Any) -> Any:
    """Refuses an empty value: an unset shell variable must not mean another cloud."""
    several = (value,) if isinstance(value, str) else value
    if value is not None and not all(each.strip() for each in several):
        raise click.BadParameter("it is empty.", param=param)
    return value.strip() if isinstance(value, str) else value


def _seconds(_: click.Context, param: click.Parameter, value: float) -> float:
    """Refuses "nan", which is in every range."""
    if math.isnan(value):
        raise click.BadParameter("it is no number of seconds.", param=param)
    return value


def origin_options(function: F) -> F:
    """Add the options; the command gets them as one `Origin` named ``origin``."""
    options = [
        click.option(
            "--lab",
            is_flag=False,
            flag_value=ANY_LAB,
            callback=_filled,
            metavar="[NAME]",
            help="A running lab; without a name, the only one.",
        ),
        click.option(
            "--bundle", callback=_filled, metavar="FILE", help="A bundle made by collect."
        ),
        click.option(
            "--from",
            "saved",
            callback=_filled,
            multiple=True,
            metavar="PATH",
            help="What was saved: a sosreport or must-gather, packed or not, or a folder of database "
            "files, answers of OpenStack, logs; may be repeated.",
        ),
        click.option(
            "--nb",
            callback=_filled,
            metavar="DB",
            help="Northbound: tcp:, ssl: or unix: remotes with commas between, or a "
            "database file. [env: OVN_NB_DB]",
        ),
        click.option(
            "--sb", callback=_filled, metavar="DB", help="Southbound alike. [env: OVN_SB_DB]"
        ),
        click.option(
            "--owner",
            callback=_filled,
            metavar="FILE",
            help="With --nb and --sb: the ports as their owner wants them, as JSON.",
        ),
        click.option("-p", "--private-key", callback=_filled, metavar="FILE", help="Key for ssl:."),
        click.option(
            "-c", "--certificate", callback=_filled, metavar="FILE", help="Certificate for ssl:."
        ),
        click.option(
            "-C",
            "--ca-cert",
            callback=_filled,
            metavar="FILE",
            help="CA that signed the server's certificate.",
        ),
        click.option(
            "--ssh", is_flag=True, help="Look at hosts by ssh, by their chassis hostname."
        ),
        click.option("--ssh-config", callback=_filled, metavar="FILE", help="As ssh -F."),
        click.option("--become", is_flag=True, help="Run the probe there through sudo -n."),
        click.option(
            "--os-cloud",
            callback=_filled,
            metavar="NAME",
            help="The OpenStack that owns the ports, as clouds.yaml names it. [env: OS_CLOUD, OS_*]",
        ),
        click.option(
            "--central",
            callback=_filled,
            multiple=True,
            metavar="HOST",
            help="A host that runs ovn-northd; may be repeated.",
        ),
        click.option(
            "--timeout",
            default=5.0,
            show_default=True,
            callback=_seconds,
            type=click.FloatRange(0.1, 600),
            help="Seconds for one database answer.",
        ),
    ]

    def command(**arguments: Any) -> Any:
        named = {name: arguments.pop(name) for name in Origin.__dataclass_fields__}
        origin = Origin(**{name: value for name, value in named.items() if value is not None})
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
    if origin.bundle and (origin.lab or origin.nb or origin.sb):
        raise UsageError("--bundle goes without --lab, --nb and --sb.", "Name one source.")
    if origin.saved and (origin.bundle or origin.lab or origin.nb or origin.sb):
        raise UsageError("--from goes without --bundle, --lab, --nb and --sb.", "Name one source.")
    if origin.lab and (origin.nb or origin.sb):
        raise UsageError("--lab goes without --nb and --sb.", "Name one source.")
    _check_ssh(origin)
    if origin.bundle:
        _check_no_owner(origin, "a bundle")
        from viftrail.facts import bundle
        from viftrail.facts.stored import StoredSource

        facts, manifest = bundle.read(Path(origin.bundle))
        yield StoredSource(facts, manifest.time)
        return
    if origin.saved:
        from viftrail.facts.folder import open_saved

        saved = open_saved([Path(each) for each in origin.saved], _owner(origin))
        try:
            yield saved
        finally:
            saved.close()
        return
    lab = _lab(origin)
    if lab:
        _check_no_owner(origin, "a lab")
        from viftrail.lab.source import open_lab

        live = open_lab(lab, timeout=origin.timeout)
        try:
            yield live
        finally:
            live.close()
        return
    owner = _owner(origin)
    nb, sb = _database(origin, "nb"), _database(origin, "sb")
    files = [_is_file(value) for value in (nb, sb) if value]
    if any(files):
        from viftrail.facts.stored import from_files

        if not all(files):
            raise UsageError(
                f"One of {nb} and {sb} is a file and the other an address.",
                "Name both databases as files, or both as addresses.",
            )
        yield from_files(Path(nb) if nb else None, Path(sb) if sb else None, owner)
        return
    if not nb and not sb:
        raise NoSource(
            "There is nothing to look at: no lab is up, and no database was named.",
            "Give --nb and --sb (or set OVN_NB_DB and OVN_SB_DB), --bundle FILE, "
            "or try `viftrail lab up`.",
        )
    live = _live(origin, nb, sb, owner)
    try:
        yield live
    finally:
        live.close()


def _check_ssh(origin: Origin) -> None:
    """Complain of what ssh would complain of for every host.

    Raises:
        UsageError: an option has no effect.
        FileUnreadable: the file is not there.
    """
    for option, value in (("--ssh-config", origin.ssh_config), ("--become", origin.become)):
        if value and not origin.ssh:
            raise UsageError(f"{option} is for --ssh, which was not given.", "Add --ssh.")
    if origin.ssh_config not in ("", "none") and not os.access(origin.ssh_config, os.R_OK):
        raise FileUnreadable(
            f"The ssh configuration {origin.ssh_config} cannot be read.", "Check --ssh-config."
        )


def _lab(origin: Origin) -> str:
    """The name of the lab that is meant: as named, the one this node is in, or the only one."""
    if origin.lab not in ("", ANY_LAB):
        return origin.lab
    if not origin.lab and (origin.nb or origin.sb):
        return ""
    inside = os.environ.get("VIFTRAIL_LAB", "")
    if inside:
        return inside
    if not origin.lab and (os.environ.get("OVN_NB_DB") or os.environ.get("OVN_SB_DB")):
        return ""
    from viftrail.lab.folder import living

    found = living()
    if len(found) > 1:
        raise NoSource(
            f"{len(found)} labs are up: {', '.join(found)}.", "Say which with --lab NAME."
        )
    if origin.lab and not found:
        raise NoSource("No lab is up.", "Bring one up with `viftrail lab up`.")
    return found[0] if found else ""


def _database(origin: Origin, which: str) -> str:
    """As named, as the environment says, or the local socket.

    Where the other database is named, nothing is guessed: it may be of another cloud.
    """
    named = (origin.nb or origin.sb, origin.nb if which == "nb" else origin.sb)
    value = named[1] or os.environ.get(f"OVN_{which.upper()}_DB", "")
    if value or named[0]:
        return value
    return next((f"unix:{path}" for path in _LOCAL[which] if os.path.lexists(path)), "")


def _is_file(value: str) -> bool:
    """A database file rather than an address.

    Raises:
        UsageError: it is neither, but looks like an address without its kind.
    """
    if _REMOTE.match(value):
        return False
    if _HOST_AND_PORT.fullmatch(value) and not os.path.lexists(value):
        raise UsageError(f"{value!r} is no database address.", f"Write tcp:{value} or ssl:{value}.")
    return True


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


def _check_tls(tls: Tls | None) -> None:
    """Complain of TLS files before anybody is asked: they are the operator's, for both.

    Raises:
        ViftrailError: they are absent, cannot be read, or do not fit together.
    """
    if tls is None:
        raise UsageError(
            "An ssl: address needs TLS files, and none were given.",
            "Name them with --private-key, --certificate and --ca-cert.",
        )
    tls.context()


def _check_no_owner(origin: Origin, source: str) -> None:
    if origin.owner:
        raise UsageError(
            f"--owner was given, but {source} is looked at, which knows its owner's word itself.",
            "Leave --owner out, or name the databases with --nb and --sb.",
        )


def _owner(origin: Origin) -> Owner | None:
    if not origin.owner:
        return None
    from viftrail.facts import owner

    return owner.read(Path(origin.owner))


def _live(origin: Origin, nb: str, sb: str, owner: Owner | None) -> Any:
    from viftrail.errors import Unreachable
    from viftrail.facts.carrier import Carrier, Local, Ssh
    from viftrail.facts.facts import Gap
    from viftrail.facts.inquiry import NORTHBOUND
    from viftrail.facts.live import LiveSource, this_host
    from viftrail.facts.ovsdb.client import Client
    from viftrail.facts.ovsdb.remote import parse_remotes
    from viftrail.facts.owner import ADMIN_SHELL

    tls = _tls(origin)
    remotes: dict[str, tuple[Remote, ...]] = {
        "nb": parse_remotes(nb, NB_PORT) if nb else (),
        "sb": parse_remotes(sb, SB_PORT) if sb else (),
    }
    if any(remote.kind == "ssl" for both in remotes.values() for remote in both):
        _check_tls(tls)
    here = this_host()

    def connect(database: str) -> Client:
        which = "nb" if database == NORTHBOUND else "sb"
        if not remotes[which]:
            raise Unreachable(f"No address of {database} was named.", f"Give --{which}.")
        return Client.connect(
            remotes[which], database=database, tls=tls, timeout=origin.timeout, settle=True
        )

    def carriers(host: str) -> Carrier | Gap:
        if host in here:
            return Local()
        if origin.ssh and host != ADMIN_SHELL:
            return Ssh(host, config=origin.ssh_config, become=origin.become)
        return Gap(
            f"host {host}",
            "It is not this host, and no way to it was given.",
            "Add --ssh to look at it by ssh.",
        )

    central = origin.central or (here[:1] if nb.startswith("unix:") else ())
    api = None if owner else _openstack(origin)
    return LiveSource(connect, carriers, owner=owner, central=central, api=api)


def _openstack(origin: Origin) -> Any:
    """The OpenStack that was named, or that the environment names; None where neither does."""
    if not origin.os_cloud and not any(os.environ.get(name) for name in _NAMES_A_CLOUD):
        return None
    from viftrail.facts.openstack_api import OpenStackApi

    return OpenStackApi.configured(origin.os_cloud, timeout=max(origin.timeout, _API_TIMEOUT))
