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

from viftrail.cli import hosts
from viftrail.errors import NoSource, UsageError, ViftrailError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from viftrail.facts.access import Way
    from viftrail.facts.owner import Owner
    from viftrail.facts.source import Source

F = TypeVar("F", bound=Callable[..., Any])

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
    inventory: str = ""
    limit: str = ""
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
            "--bundle",
            callback=_filled,
            metavar="FILE",
            help="A bundle made by collect; - reads it from standard input.",
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
        click.option(
            "--inventory",
            callback=_filled,
            metavar="FILE",
            help="Look at hosts by Ansible, as ansible -i and ansible.cfg say; for many at once.",
        ),
        click.option(
            "--limit",
            callback=_filled,
            metavar="PATTERN",
            help="With --inventory: only these hosts of it, as ansible --limit.",
        ),
        click.option(
            "--become",
            is_flag=True,
            help="Look as root: with --ssh through sudo -n, with --inventory as Ansible does.",
        ),
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
    hosts.check(origin)
    if origin.bundle:
        _check_no_owner(origin, "a bundle")
        from viftrail.facts.stored import from_bundle

        yield from_bundle(Path(origin.bundle))
        return
    if origin.saved:
        from viftrail.facts.saved.folder import open_saved

        saved = open_saved([Path(each) for each in origin.saved], _owner(origin))
        try:
            yield saved
        finally:
            saved.close()
        return
    lab = lab_of(origin)
    if lab:
        _check_no_owner(origin, "a lab")
        check_no_ways(origin, lab)
        from viftrail.lab.source import open_lab

        live = open_lab(lab, timeout=origin.timeout)
        try:
            yield live
        finally:
            live.close()
        return
    owner = _owner(origin)
    from viftrail.cli.access import ways_of

    ways = ways_of(origin)
    nb, sb = ways["nb"].address, ways["sb"].address
    files = [_is_file(value) for value in (nb, sb) if value]
    if any(files):
        from viftrail.facts.stored import from_files

        if not all(files):
            raise UsageError(
                f"One of {nb} and {sb} is a file and the other an address.",
                "Name both databases as files, or both as addresses.",
            )
        if origin.inventory:
            raise UsageError(
                "--inventory is for a running cloud, and its databases are files here.",
                "Leave it out, or name the databases by their addresses.",
            )
        yield from_files(Path(nb) if nb else None, Path(sb) if sb else None, owner)
        return
    if not nb and not sb:
        raise NoSource(
            "There is nothing to look at: no lab is up, no database was named, and this host "
            "knows of none.",
            "Give --nb and --sb (or set OVN_NB_DB and OVN_SB_DB), --bundle FILE, "
            "see `viftrail doctor`, or try `viftrail lab up`.",
        )
    live = _live(origin, ways, owner)
    try:
        yield live
    finally:
        live.close()
        hosts.check_ledger()


def lab_of(origin: Origin) -> str:
    """The name of the lab that is meant: as named, the one this node is in, or the only one."""
    if origin.lab not in ("", ANY_LAB):
        return origin.lab
    if not origin.lab and (origin.nb or origin.sb or origin.inventory):
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


def _check_no_owner(origin: Origin, source: str) -> None:
    if origin.owner:
        raise UsageError(
            f"--owner was given, but {source} is looked at, which knows its owner's word itself.",
            "Leave --owner out, or name the databases with --nb and --sb.",
        )


def check_no_ways(origin: Origin, lab: str) -> None:
    """Complain of options that a lab, which knows its own ways, would not heed.

    Raises:
        UsageError: one is given.
    """
    given = {
        "--os-cloud": origin.os_cloud,
        "--central": origin.central,
        "--ssh": origin.ssh,
        "--private-key": origin.private_key,
        "--certificate": origin.certificate,
        "--ca-cert": origin.ca_cert,
    }
    ignored = [option for option, value in given.items() if value]
    if ignored:
        raise UsageError(
            f"{ignored[0]} is for a cloud, and lab {lab} is looked at, which needs no such thing.",
            "Leave it out, or name the cloud with --nb and --sb.",
        )


def _owner(origin: Origin) -> Owner | None:
    if not origin.owner:
        return None
    from viftrail.facts import owner

    return owner.read(Path(origin.owner))


def _live(origin: Origin, ways: dict[str, Way], owner: Owner | None) -> Any:
    from viftrail.cli.access import remotes_of, whence
    from viftrail.errors import Unreachable
    from viftrail.facts.inquiry import NORTHBOUND
    from viftrail.facts.live import LiveSource, this_host
    from viftrail.facts.ovsdb.client import Client

    remotes = {which: remotes_of(which, way) for which, way in ways.items()}
    here = this_host()
    fleet = hosts.fleet(origin)

    def connect(database: str) -> Client:
        which = "nb" if database == NORTHBOUND else "sb"
        if not remotes[which]:
            raise Unreachable(f"No address of {database} was named.", f"Give --{which}.")
        way = ways[which]
        try:
            return Client.connect(
                remotes[which], database=database, tls=way.tls, timeout=origin.timeout, settle=True
            )
        except ViftrailError as error:
            raise error if way.named else whence(error, way) from None

    central = origin.central or (here[:1] if ways["nb"].address.startswith("unix:") else ())
    if fleet and not central:  # northd runs beside the databases
        central = fleet.at(remote.host for both in remotes.values() for remote in both)
    api = None if owner else openstack_of(origin)
    carriers = hosts.ways(origin, here, fleet)
    name = ways["nb"].address or ways["sb"].address
    return LiveSource(
        connect, carriers, owner=owner, central=central, api=api, fleet=fleet, name=name
    )


def openstack_of(origin: Origin) -> Any:
    """The OpenStack that was named, or that the environment names; None where neither does."""
    if not origin.os_cloud and not any(os.environ.get(name) for name in _NAMES_A_CLOUD):
        return None
    from viftrail.facts.openstack_api import OpenStackApi

    return OpenStackApi.configured(origin.os_cloud, timeout=max(origin.timeout, _API_TIMEOUT))
