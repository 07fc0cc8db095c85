"""By which address and which TLS files a database is reached, and who says so.

The command line wins over the environment, and that over what files tell. Where one database is
named on the command line, the other's address is not looked for: it may be of another cloud.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from viftrail.facts.ovsdb.remote import Tls

if TYPE_CHECKING:
    from viftrail.facts.places import Places, Remote

DATABASES = ("nb", "sb")


@dataclass(frozen=True)
class Way:
    """The way to one database. An empty address: nobody names one."""

    address: str = ""
    source: str = ""
    """Who names it: an option, a variable, or a file."""
    named: bool = True
    """By the operator, and not found."""
    guessed: bool = False
    tls: Tls | None = None
    tls_source: str = ""

    @property
    def secured(self) -> bool:
        """Some of it is ssl:, so that files are needed."""
        return any(each.strip().lower().startswith("ssl:") for each in self.address.split(","))


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
        for which in DATABASES
    }


def _way(
    which: str,
    named: Mapping[str, str],
    environment: Mapping[str, str],
    places: Callable[[], Places],
) -> Way:
    variable = f"OVN_{which.upper()}_DB"
    if named.get(which):
        return Way(named[which], f"--{which}")
    if environment.get(variable):
        return Way(environment[variable], variable)
    if any(named.values()):
        return Way()
    remote = next(places().of(which), None)
    if remote is None:
        return Way()
    return Way(
        remote.address,
        remote.source,
        named=False,
        guessed=remote.guessed,
        tls=_files(remote),
        tls_source=_whose(remote),
    )


def _with_files(way: Way, which: str, tls: Tls | None, places: Callable[[], Places]) -> Way:
    """The same with the TLS files that it needs, if there are any."""
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
