"""What is missing for viftrail to see all it can, and the least that grants it.

Sources: OVS lib/socket-util-unix.c (its sockets are of mode 0770, less the daemon's umask: the
group may use them where that is not 022), ovs-ctl(8), ovsdb-server(1) and ovn-sbctl(8) for remotes
that only read, OVN's role-based access control, sudoers(5), and the policies of Nova, Placement
and Neutron. docs/places.md has it all.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from viftrail.facts.checkup import MAY_NOT, Checkup, Database, Seen
from viftrail.facts.host import FAR_BEHIND, Failure
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.ovsdb.client import status_command
from viftrail.facts.places import Places

DOCUMENT = "docs/places.md"
_NAMERS = ("--nb", "--sb", "OVN_NB_DB", "OVN_SB_DB")
"""The operator's own words for one cloud; all else is found."""
_CONFINED = "A container or a security module (SELinux, AppArmor) forbids it: look from its host."
"""What to do where root is refused: sudo gives no more."""


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is missing: what it is for, why it is missing, and what grants it."""

    feature: str
    why: str
    do: str = ""
    grave: bool = True
    """Without it a target cannot be judged; else something of the verdict stays unknown."""
    host: str = ""
    """The other host that it is about, if it is about one."""


def needs(checkup: Checkup) -> tuple[Need, ...]:
    """All that is missing, the gravest first."""
    found = [
        *(need for database in checkup.databases for need in _database(database, checkup)),
        *(_this_host(checkup.here) if checkup.here else ()),
        *_inventory(checkup),
        *(need for host in checkup.hosts for need in _other_host(host)),
        *_openstack(checkup),
    ]
    return tuple(sorted(found, key=lambda need: not need.grave))


def _database(database: Database, checkup: Checkup) -> Iterator[Need]:
    short, option = ("Southbound", "sb") if database.name == SOUTHBOUND else ("Northbound", "nb")
    if not database.address:
        yield _unknown(short, option, checkup)
    elif not database.reached:
        yield Need(feature=short, why=database.why, do=_access(database) or database.do)
    elif database.stale:
        yield Need(
            feature=short,
            why=f"{database.endpoint} has lost its cluster: what it holds may be old.",
            do=f"Start the other members; {status_command(database.name)} on each tells who is "
            "missing.",
        )
    yield from _members(database, short)


def _unknown(short: str, option: str, checkup: Checkup) -> Need:
    """Why a database is not known, and how to name it."""
    name = f"--{option} tcp:HOST:{6642 if option == 'sb' else 6641} (or ssl:)"
    beside = next((each.source for each in checkup.databases if each.source in _NAMERS), "")
    if beside:
        return Need(
            feature=short,
            why=f"Beside {beside} it is not looked for: it may be of another cloud.",
            do=f"Name it too: {name}.",
        )
    places = checkup.here.places if checkup.here else Places()
    # Through sudo more of this host was seen than this user sees.
    hidden = (*places.unread, *(remote.source for remote in places.of(option)))
    if hidden:
        return Need(
            feature=short,
            why=f"{_some(hidden)} may not be read by this user, and nothing else names it.",
            do=f"Use sudo, or name it: {name}.",
        )
    return Need(
        feature=short,
        why="Nobody names it: no option, no OVN_*_DB, and no file of this host.",
        do=f"Name it: {name}, or run this where Neutron or OVN runs.",
    )


def _members(database: Database, short: str) -> Iterator[Need]:
    """What is not as it should be among the members of a cluster; one that serves is enough."""
    answered = [each for each in database.members if each.role]
    newest = max((each.index for each in answered), default=0)
    usual = next((each.cluster for each in answered if each.role == "leader"), "")
    leaders = [e.address for e in answered if e.role == "leader" and e.cluster == usual]
    for each in database.members:
        if not each.role:
            yield Need(feature=f"{short}, a member", why=each.why, do=each.do, grave=False)
            continue
        wrong = (
            "has lost its cluster: what it holds may be old"
            if each.role == "lost"
            else f"is of another cluster ({each.cluster})"
            if usual and each.cluster != usual
            else f"is {newest - each.index} entries behind: what it holds is old"
            if newest - each.index > FAR_BEHIND
            else ""
        )
        if wrong:
            yield Need(
                feature=f"{short}, a member",
                why=f"{each.address} {wrong}.",
                do=f"Look at {status_command(database.name)} there.",
                grave=False,
            )
    if len(leaders) > 1:
        yield Need(
            feature=short,
            why=f"{' and '.join(leaders)} take themselves for the leader.",
            do=f"Look at {status_command(database.name)} on each: one of them has not noticed an "
            "election.",
            grave=False,
        )


def _access(database: Database) -> str:
    """What gives this user a socket, or key, that is there."""
    if os.geteuid() == 0:
        return _CONFINED if "by this user" in database.why else ""
    paths = [
        each.strip()[5:] for each in database.address.split(",") if each.strip()[:5] == "unix:"
    ]
    group = next(filter(None, map(group_of, paths)), "")
    if not group and "may not be used by this user" in database.why:
        return f"Use sudo, or a tcp: or ssl: remote; what lets a group in is in {DOCUMENT}."
    if group:
        return (
            f"Join its group (`usermod -aG {group} {user()}`, which may write too), or use sudo; a "
            f"remote that only reads is in {DOCUMENT}."
        )
    if "may not be read" in database.why and database.tls:
        return (
            f"Have a key and certificate of your own signed (`ovs-pki req+sign viftrail`), and name "
            f"them with --private-key and --certificate; see {DOCUMENT}."
        )
    return ""


def group_of(path: str) -> str:
    """The group that may use a socket that this user may not; empty where that is of no use.

    To connect is to write (unix(7)).
    """
    try:
        info = Path(path).stat()
        if os.access(path, os.W_OK) or not info.st_mode & stat.S_IWGRP:
            return ""
        name = grp.getgrgid(info.st_gid).gr_name
    except (OSError, KeyError):
        return ""
    return "" if name == "root" else name


def user() -> str:
    """The name of the user who runs this."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _this_host(host: Seen) -> Iterator[Need]:
    if host.why:
        yield Need(feature="this host", why=host.why, do=host.do, grave=False)
    for runtime in host.places.runtimes:
        # One that is installed and not in use hides nothing.
        if "denied" in runtime.why.lower() or "no answer" in runtime.why:
            yield Need(
                feature="containers here",
                why=f"{runtime.program} does not say what it runs: {runtime.why.rstrip('.')}.",
                do="Look whether its service hangs."
                if "no answer" in runtime.why
                else _CONFINED
                if host.euid == 0
                else f"Run viftrail with sudo: whoever may use {runtime.program} is root anyway.",
                grave=False,
            )
    if host.refused:
        yield Need(
            feature="this host's daemons and devices",
            why=_refused(host),
            do=_sockets(host),
            grave=False,
        )
    if host.silent:
        first = host.silent[0]
        yield Need(
            feature="this host's daemons and devices",
            why=f"No answer to {_several(host.silent)}: {first.why.rstrip('.')}.",
            do="That part stays unknown; `viftrail why` says what it means for a target.",
            grave=False,
        )


def _some(paths: tuple[str, ...]) -> str:
    more = len(paths) - 1
    return paths[0] + (f" and {more} more" if more else "")


def _refused(host: Seen) -> str:
    who = "Not even root may" if host.euid == 0 else f"uid {host.euid} may not"
    return f"{who} ask {_several(host.refused)}."


def _several(failures: tuple[Failure, ...]) -> str:
    more = len(failures) - 1
    return f"`{failures[0].what}`" + (f" and {more} more" if more else "")


def _sockets(host: Seen) -> str:
    if host.euid == 0:
        return _CONFINED
    folders = (*host.places.ovs_run, *host.places.ovn_run)
    paths = [f"{folder}/{name}" for folder in folders for name in ("db.sock", "br-int.mgmt")]
    group = next(filter(None, map(group_of, paths)), "")
    joined = f"`usermod -aG {group} {user()}` gives conf.db, unixctl and flows; " if group else ""
    return f"{joined}sudo gives all, firewall and taps too."


def _inventory(checkup: Checkup) -> Iterator[Need]:
    listed = checkup.inventory
    if listed and listed.why:
        yield Need(feature="the inventory", why=listed.why, do=listed.do)


def _other_host(host: Seen) -> Iterator[Need]:
    # One host of hundreds that is down hinders no verdict on the others.
    if host.why:
        yield Need(
            feature=f"host {host.name}", why=host.why, do=host.do, grave=False, host=host.name
        )
    elif host.refused:
        yield Need(
            feature=f"host {host.name}",
            why=_refused(host),
            do=_CONFINED if host.euid == 0 else "Look as root there: --become.",
            grave=False,
            host=host.name,
        )


def _openstack(checkup: Checkup) -> Iterator[Need]:
    cloud = checkup.openstack
    if cloud is None:
        if not checkup.lab:
            yield Need(
                feature="scheduling, build and Neutron's own view (S0 to S3)",
                why="No credentials of OpenStack are named.",
                do="Set OS_CLOUD (clouds.yaml) or OS_*, if this OVN is OpenStack's.",
                grave=False,
            )
        return
    for place, why, how in cloud.unread:
        refused = MAY_NOT in why
        yield Need(
            feature=f"OpenStack, {place}",
            why=why,
            do=f"A role of its own and a few lines of policy are enough: {DOCUMENT}."
            if refused
            else how,
            grave=not cloud.answers,
        )
