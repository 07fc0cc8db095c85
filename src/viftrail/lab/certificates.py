"""A certificate authority of the lab's own, and a key and certificate for each node.

Made with openssl(1), as ovs-pki(8) does; Open vSwitch and OVN check that a peer's certificate is
signed by the authority that they were told of, and nothing else (ovsdb-server(1), "SSL Options").
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from viftrail.errors import LabError
from viftrail.lab.machine import run_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from viftrail.lab.machine import Machine
    from viftrail.lab.node import Node

_NEW_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_DAYS: Final = "3650"


@dataclass(frozen=True)
class Certificates:
    """The three files of one node."""

    folder: Path

    @property
    def private_key(self) -> Path:
        """Its own key."""
        return self.folder / "privkey.pem"

    @property
    def certificate(self) -> Path:
        """Its own certificate."""
        return self.folder / "cert.pem"

    @property
    def ca_cert(self) -> Path:
        """The certificate of the authority that it trusts."""
        return self.folder / "cacert.pem"

    @property
    def options(self) -> tuple[str, ...]:
        """As every daemon and tool of OVN takes them."""
        return (
            f"--private-key={self.private_key}",
            f"--certificate={self.certificate}",
            f"--ca-cert={self.ca_cert}",
        )


def make_authority(machine: Machine, folder: Path, name: str) -> Path:
    """Makes the key and the certificate of an authority; where the certificate is.

    Raises:
        LabError: openssl is not installed, or fails.
    """
    if not shutil.which("openssl", path=machine.environment["PATH"]):
        raise LabError(
            "A lab with TLS needs openssl, which is not installed here.",
            "apt-get install --no-install-recommends openssl",
        )
    certificate = folder / f"{name}.pem"
    machine.run(
        *("openssl", "req", "-x509", *_NEW_KEY, "-days", _DAYS, "-subj", f"/O=viftrail/CN={name}"),
        *("-keyout", str(certificate.with_suffix(".key")), "-out", str(certificate)),
    )
    return certificate


def issue(nodes: Sequence[Node], authority: Path) -> None:
    """Gives each node its key, a certificate by this authority, and the authority's own."""
    jobs = [
        (
            node,
            (
                *("openssl", "req", "-x509", *_NEW_KEY, "-days", _DAYS),
                *("-subj", f"/O=viftrail/CN={node.name}"),
                *("-CA", str(authority), "-CAkey", str(authority.with_suffix(".key"))),
                *("-keyout", str(node.certificates.private_key)),
                *("-out", str(node.certificates.certificate)),
            ),
        )
        for node in nodes
    ]
    run_all(jobs)
    for node in nodes:
        node.certificates.ca_cert.write_bytes(authority.read_bytes())
