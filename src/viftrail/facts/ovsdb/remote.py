"""Where a database server listens, as ovn-nbctl and ovn-sbctl are told it.

Source: ovsdb(7), "Connection Methods"; the TLS options are those of
``--private-key``, ``--certificate`` and ``--ca-cert`` in ovsdb-client(1).
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from viftrail.errors import FileUnreadable, NotPermitted, TlsError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

_LISTENERS = {"pssl": "ssl", "ptcp": "tcp", "punix": "unix"}
_FORMS = "Write ssl:HOST:PORT, tcp:HOST:PORT or unix:PATH, with commas between several."
_MAX_PORT = 65535


@dataclass(frozen=True)
class Remote:
    """One address: ``kind`` is ``tcp``, ``ssl`` or ``unix``.

    ``host`` and ``port`` belong to tcp and ssl, ``path`` to unix.
    """

    kind: str
    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.kind == "unix":
            return f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}:{host}:{self.port}"


@dataclass(frozen=True)
class Tls:
    """The three PEM files that an ``ssl:`` remote needs."""

    private_key: Path
    certificate: Path
    ca_cert: Path

    def context(self) -> ssl.SSLContext:
        """Load the files into a context that verifies the server.

        The server's host name is not compared with its certificate: OVS does
        not either, as switch certificates carry names of no host
        (ovs-pki(8)).

        Raises:
            FileUnreadable: a file is absent or cannot be read.
            NotPermitted: a file may not be read by this user.
            TlsError: a file is no PEM, or the key is not the certificate's.
        """
        for path in (self.private_key, self.certificate, self.ca_cert):
            _check_readable(path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            # An explicit empty password keeps OpenSSL from asking on the terminal.
            context.load_cert_chain(self.certificate, self.private_key, password="")
        except (ssl.SSLError, OSError, ValueError) as error:
            raise TlsError(
                f"The private key {self.private_key} and the certificate {self.certificate} "
                f"cannot be used together ({_reason(error)}).",
                "Name the unencrypted PEM key and the PEM certificate that were made as a pair.",
            ) from None
        try:
            context.load_verify_locations(cafile=self.ca_cert)
        except (ssl.SSLError, OSError, ValueError) as error:
            raise TlsError(
                f"{self.ca_cert} holds no usable CA certificate ({_reason(error)}).",
                "Name the PEM file of the CA that signed the server's certificate.",
            ) from None
        return context


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return "not PEM"


def _check_readable(path: Path) -> None:
    try:
        # Not a plain open(): a named pipe in the place of a key would block.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        os.close(descriptor)
    except PermissionError:
        raise NotPermitted(
            f"The TLS file {path} may not be read by this user.",
            "Run as a user who may read it, or name another file.",
        ) from None
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else str(error)
        raise FileUnreadable(
            f"The TLS file {path} cannot be opened ({what}).",
            "Check --private-key, --certificate and --ca-cert.",
        ) from None


def parse_remotes(text: str, default_port: int) -> tuple[Remote, ...]:
    """Read a comma list of remotes, in order.

    Args:
        text: such as ``ssl:[::1]:6642,tcp:10.0.0.1,unix:/run/ovn/ovnsb_db.sock``.
        default_port: for tcp and ssl remotes that name none.

    Raises:
        UsageError: the list is empty or one of its entries is no remote.
    """
    entries = [entry.strip() for entry in text.split(",")]
    remotes = tuple(_parse_one(entry, default_port) for entry in entries if entry)
    if not remotes:
        raise UsageError("No database address was given.", _FORMS)
    return remotes


def _parse_one(entry: str, default_port: int) -> Remote:
    kind, colon, rest = entry.partition(":")
    if kind in _LISTENERS and colon:
        raise UsageError(
            f"{entry!r} is an address to listen on, not one to connect to.",
            f"Write {_LISTENERS[kind]}: with the server's address instead of {kind}:.",
        )
    if kind not in {"tcp", "ssl", "unix"} or not rest or "\0" in rest:
        raise UsageError(f"{entry!r} is no database address.", _FORMS)
    if kind == "unix":
        return Remote("unix", path=_socket_path(rest))
    host, port = _split_port(rest)
    if not host or any(character.isspace() or character in "/[]" for character in host):
        raise UsageError(f"{entry!r} names no host.", _FORMS)
    if not port:
        return Remote(kind, host=host, port=default_port)
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= _MAX_PORT):
        raise UsageError(f"{entry!r} has a port that is no number from 1 to {_MAX_PORT}.", _FORMS)
    return Remote(kind, host=host, port=int(port))


def _split_port(rest: str) -> tuple[str, str]:
    if rest.startswith("["):
        host, bracket, tail = rest[1:].partition("]")
        if not bracket or (tail and not tail.startswith(":")):
            return "", ""
        return host, tail[1:]
    if rest.count(":") > 1:
        # A bare IPv6 address: where its port begins cannot be told.
        return "", ""
    host, _, port = rest.partition(":")
    return host, port


def _socket_path(path: str) -> str:
    # OVS looks up relative socket names in its run directory (ovsdb(7)).
    if path.startswith("/"):
        return path
    directory = os.environ.get("OVS_RUNDIR") or "/var/run/openvswitch"
    return f"{directory}/{path}"
