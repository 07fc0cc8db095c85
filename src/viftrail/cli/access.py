"""The ways to both databases that a command takes: `viftrail.facts.access`, from its options."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from viftrail.errors import UsageError, ViftrailError

if TYPE_CHECKING:
    from viftrail.cli.origin import Origin
    from viftrail.facts.access import Way
    from viftrail.facts.ovsdb.remote import Remote, Tls


def ways_of(origin: Origin) -> dict[str, Way]:
    """The way to each database: as named, as the environment says, or as this host knows it.

    Raises:
        UsageError: some TLS files are named and some are not.
    """
    from viftrail.facts import access, places

    named = {"nb": origin.nb, "sb": origin.sb}
    return access.ways(named, _tls(origin), os.environ, cache(places.places_here))


def remotes_of(which: str, way: Way) -> tuple[Remote, ...]:
    """The addresses of a way, with its TLS files looked at.

    Raises:
        ViftrailError: an address is none, or the files are absent or do not fit together.
    """
    from viftrail.facts.access import PORTS
    from viftrail.facts.ovsdb.remote import parse_remotes

    remotes = parse_remotes(way.address, PORTS[which]) if way.address else ()
    if any(remote.kind == "ssl" for remote in remotes):
        _check_tls(way.tls)
    return remotes


def whence(error: ViftrailError, way: Way) -> ViftrailError:
    """The same error, with who named the addresses that do not answer."""
    subject = "The addresses are" if len(way.members) > 1 else "The address is"
    how = "The address was guessed: " if way.guessed else f"{subject} from "
    told = f"{error.what} {how}{way.source.removeprefix('guessed from ')}."
    return type(error)(f"{told} {way.untried}".rstrip(), error.do)


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
            "An ssl: address needs TLS files; none were given, and this host keeps none.",
            "Name them with --private-key, --certificate and --ca-cert.",
        )
    tls.context()
