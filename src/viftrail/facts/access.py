"""By which address and which TLS files a database is reached, and who says so.

The command line wins over the environment, and that over what files tell. Where either names one
database, the other's address is not looked for: it may be of another cloud. What is found on this
host is of one cloud, its own: that becomes one list, which is tried in its order.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from viftrail.errors import UsageError, ViftrailError
from viftrail.facts.ovsdb.remote import Tls, parse_remotes

if TYPE_CHECKING:
    from viftrail.facts.places import Places, Remote

PORTS = {"nb": 6641, "sb": 6642}
"""Of each database, where an address has none."""


@dataclass(frozen=True)
class Way:
    """The way to one database. An empty address: nobody names one."""

    address: str = ""
    source: str = ""
    """Who names it: an option, a variable, or files in their order."""
    named: bool = True
    """By the operator, and not found."""
    guessed: bool = False
    tls: Tls | None = None
    tls_source: str = ""
    members: tuple[tuple[str, str], ...] = ()
    """Of what was found: each address, and who names it first."""
    untried: str = ""
    """Why some of what was found is not in it; empty: all of it is."""

    @property
    def secured(self) -> bool:
        """Some of it is ssl:, so that files are needed."""
        return any(_is_ssl(each.strip()) for each in self.address.split(","))

    def source_of(self, endpoint: str) -> str:
        """Who names the address that answered."""
        return dict(self.members).get(endpoint, self.source)


def ways(
    named: Mapping[str, str],
    tls: Tls | None,
    environment: Mapping[str, str],
    places: Callable[[], Places],
) -> dict[str, Way]:
    """The way to each database.

    Args:
        named: what the command line says of ``nb`` and ``sb``.
        tls: the files that it names, for both.
        environment: of the process.
        places: what is to be found on this host; called only where something was not named.
    """
    return {
        which: _with_files(_way(which, named, environment, places), which, tls, places)
        for which in PORTS
    }


def _way(
    which: str,
    named: Mapping[str, str],
    environment: Mapping[str, str],
    places: Callable[[], Places],
) -> Way:
    variables = {each: f"OVN_{each.upper()}_DB" for each in PORTS}
    if named.get(which):
        return Way(named[which], f"--{which}")
    if environment.get(variables[which]):
        return Way(environment[variables[which]], variables[which])
    if any(named.values()) or any(environment.get(each) for each in variables.values()):
        return Way()
    remotes = tuple(places().of(which))
    return _found(which, remotes) if remotes else Way()


def _found(which: str, remotes: Sequence[Remote]) -> Way:
    """All that names a database on this host as one list, each address once.

    Where a server is dead or its socket refused, another member may do. A guess goes alone.
    """
    known = [each for each in remotes if not each.guessed] or list(remotes[:1])
    first = known[0]
    members: dict[str, str] = {}
    secured: list[Remote] = []
    for remote in known:
        addresses = _addresses(which, remote)
        secured += [remote] * any(map(_is_ssl, addresses))
        for address in addresses:
            members.setdefault(address, remote.source)
    # What is odd is told as it stands, if there is nothing else.
    members = members or {first.address: first.source}
    files = next((each for each in secured if _files(each)), first)
    return replace(
        _of_members(Way(named=False, guessed=first.guessed), members),
        tls=_files(files),
        tls_source=_whose(files),
    )


def _of_members(way: Way, members: Mapping[str, str]) -> Way:
    return replace(
        way,
        address=",".join(members),
        source=", then ".join(dict.fromkeys(members.values())),
        members=tuple(members.items()),
    )


def _addresses(which: str, remote: Remote) -> list[str]:
    """The addresses of a remote, each written in the one way by which it is compared."""
    try:
        return [str(each) for each in parse_remotes(remote.address, PORTS[which])]
    except UsageError:
        return []


def _is_ssl(address: str) -> bool:
    return address.lower().startswith("ssl:")


def _with_files(way: Way, which: str, tls: Tls | None, places: Callable[[], Places]) -> Way:
    """The same with the TLS files that it needs, if there are any.

    What was found and has none that can be used is left out, if anything else was found.
    """
    way = _with_best_files(way, which, tls, places)
    others = {address: source for address, source in way.members if not _is_ssl(address)}
    if tls is not None or not way.secured or not others:
        return way
    try:
        if way.tls is not None:
            way.tls.context()
            return way
        why = "No TLS files for it are known."
    except ViftrailError as error:
        why = error.what
    left = ",".join(address for address, _ in way.members if _is_ssl(address))
    return replace(
        _of_members(way, others), tls=None, tls_source="", untried=f"{left} is not tried: {why}"
    )


def _with_best_files(way: Way, which: str, tls: Tls | None, places: Callable[[], Places]) -> Way:
    if tls is not None:
        return replace(way, tls=tls, tls_source="--private-key")
    if not way.secured:
        return replace(way, tls=None, tls_source="")
    if way.tls is not None and _readable(way.tls):
        return way
    found = [(way.tls, way.tls_source)] if way.tls is not None else []
    found += _candidates(which, places())
    # A set that this user may not read is better named than none.
    best = next((each for each in found if _readable(each[0])), found[0] if found else None)
    return replace(way, tls=best[0], tls_source=best[1]) if best else way


def _candidates(which: str, places: Places) -> Iterator[tuple[Tls, str]]:
    """Sets of files, those that somebody uses for this very database first."""
    for remote in sorted(places.remotes, key=lambda each: each.database != which):
        files = _files(remote)
        if files is not None:
            yield files, _whose(remote)
    for each in places.tls:
        yield _tls(each.private_key, each.certificate, each.ca_cert), "where it usually is"


def _whose(remote: Remote) -> str:
    """Who names the TLS files of a remote: they are no guess where its address is one."""
    return remote.source.removeprefix("guessed from ")


def _files(remote: Remote) -> Tls | None:
    names = (remote.private_key, remote.certificate, remote.ca_cert)
    return _tls(*names) if all(names) else None


def _tls(private_key: str, certificate: str, ca_cert: str) -> Tls:
    return Tls(Path(private_key), Path(certificate), Path(ca_cert))


def _readable(tls: Tls) -> bool:
    return all(os.access(path, os.R_OK) for path in (tls.private_key, tls.certificate, tls.ca_cert))
