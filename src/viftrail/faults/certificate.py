"""S7: a host whose certificates keep ovn-controller from Southbound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.controller import connection, controller_state, unclaimed
from viftrail.chain.daemon import RUNNING
from viftrail.chain.quoting import q
from viftrail.chain.server import endpoints
from viftrail.facts.host import Tls
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import NOTHING_CHANGED, on_host
from viftrail.verdict import Evidence, Risk, Stage, Step

STATUS = "ovn-appctl -t ovn-controller connection-status"
_SHORT = 16
"""Digits of a SHA-256 that are shown."""


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a host's certificates."""

    summary: str
    evidence: Evidence
    remedy: str = ""
    """The file that the others trust, where it is on the host; empty: a new one must be made."""


def distrust(cloud: Cloud, name: str) -> Flaw | None:
    """Why TLS fails between a host and the servers of Southbound, if its files say so."""
    host = cloud.hosts[name]
    remote = host.settings.get("ovn-remote", "")
    if not any(scheme == "ssl" for scheme, _, _ in endpoints(remote)):
        return None
    if host.tls is None:
        # Without conf.db, or from a probe that never asked, nothing is known.
        others = any(other.tls for peer, other in cloud.hosts.items() if peer != name)
        if not host.vswitch or not others:
            return None
        return Flaw(
            "conf.db names no key and certificates for ovn-remote's ssl:",
            Evidence(
                where=name,
                what="table SSL of conf.db",
                seen="no row",
                expected="a key, a certificate and an authority's certificate",
                command="ovs-vsctl get-ssl",
            ),
        )
    return (
        _stranger(cloud, name, host.tls)
        or _out_of_date(name, host.tls, host.time)
        or _own(name, host.tls)
    )


def _stranger(cloud: Cloud, name: str, tls: Tls) -> Flaw | None:
    """It trusts another authority than the hosts that are connected."""
    trusted = usual_authorities(cloud, name)
    if not tls.authorities or not trusted or trusted & set(tls.authorities):
        return None
    right = (path for path, held in tls.beside.items() if trusted & set(held))
    return Flaw(
        f"it trusts {tls.ca_cert}, which is another authority than the connected hosts trust",
        Evidence(
            where=name,
            what=f"SHA-256 of {tls.ca_cert}",
            seen=_shown(tls.authorities),
            expected=_shown(sorted(trusted)),
            command=f"openssl x509 -noout -fingerprint -sha256 -in {q(tls.ca_cert)}",
        ),
        next(right, ""),
    )


def _shown(digests: tuple[str, ...] | list[str]) -> str:
    return ", ".join(digest[:_SHORT] + "…" for digest in digests)


def _out_of_date(name: str, tls: Tls, now: float) -> Flaw | None:
    if not tls.until or tls.since <= now <= tls.until:
        return None
    early = now < tls.since
    return Flaw(
        f"its certificate {tls.certificate} is {'not valid yet' if early else 'expired'}",
        Evidence(
            where=name,
            what=f"{tls.certificate}: {'notBefore' if early else 'notAfter'}",
            seen=_date(tls.since if early else tls.until),
            expected=f"{'before' if early else 'after'} {_date(now)}",
            command=f"openssl x509 -noout -dates -in {q(tls.certificate)}",
        ),
    )


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"


def _own(name: str, tls: Tls) -> Flaw | None:
    """Its own certificate is of another authority than the one that it trusts."""
    if tls.verified in ("", "OK"):
        return None
    return Flaw(
        f"its certificate {tls.certificate} is not of the authority in {tls.ca_cert}",
        Evidence(
            where=name,
            what=f"{tls.certificate} by {tls.ca_cert}",
            seen=f"{tls.verified} (issuer: {tls.issuer or 'unknown'})",
            expected="OK",
            command=f"openssl verify -CAfile {q(tls.ca_cert)} {q(tls.certificate)}",
        ),
    )


def usual_authorities(cloud: Cloud, name: str) -> frozenset[str]:
    """What most of the other hosts trust that are connected by TLS."""
    trusted = Counter(
        frozenset(host.tls.authorities)
        for other, host in cloud.hosts.items()
        if other != name
        and host.tls
        and host.tls.authorities
        and connection(host) == "connected"
        and host.settings.get("ovn-remote", "").startswith("ssl:")
    )
    return trusted.most_common(1)[0][0] if trusted else frozenset()


def _untrusted(cloud: Cloud) -> Iterator[Case]:
    for name, host in cloud.hosts.items():
        if controller_state(host) != RUNNING or connection(host) != "not connected":
            continue
        flaw = distrust(cloud, name)
        if flaw is None:
            continue
        yield Case(
            subject=subject.host(name),
            summary=f"ovn-controller on {name} is not connected to Southbound: {flaw.summary}",
            evidence=(
                flaw.evidence,
                Evidence(
                    where=name,
                    what="ovn-controller's connection to Southbound",
                    seen="not connected",
                    expected="connected",
                    command=STATUS,
                ),
            ),
            steps=_steps(name, host.tls, flaw),
            victims=unclaimed(cloud, name, host),
        )


def _steps(name: str, tls: Tls | None, flaw: Flaw) -> tuple[Step, ...]:
    if tls and flaw.remedy:
        own = f"{q(tls.private_key)} {q(tls.certificate)}"
        return on_host(
            name,
            f"ovs-vsctl set-ssl {own} {q(flaw.remedy)}",
            undo=f"ovs-vsctl set-ssl {own} {q(tls.ca_cert)}",
            verify=STATUS,
        )
    return on_host(
        "the host of the cloud's certificate authority",
        f"ovs-pki req+sign {q(name)} controller",
        undo=NOTHING_CHANGED,
        verify=f"on {q(name)}, with the new files in place: {STATUS}",
    )


FAULTS = (
    Fault(
        id="controller-ssl",
        stage=Stage.CONTROLLER,
        title="A host's certificates keep ovn-controller from Southbound",
        what="ovn-remote says ssl:, and the host's certificate is expired or of another authority, the "
        "authority that it trusts is not the servers', or it was given no certificates.",
        shows="As when Southbound cannot be reached: what was there works on, a port plugged since is "
        "not claimed. ovn-controller logs `SSL_connect: … certificate verify failed` or `alert "
        "certificate expired`, the server `SSL_accept: …`.",
        decisive="The digest of its CA file is not that of the connected hosts', or the dates or the "
        "issuer of its certificate do not fit.",
        remedy="Name the right authority's file where the host has it, else have a certificate made "
        "anew. The files are read again at the next attempt to connect.",
        risk=Risk.SAFE,
        references=("ovs-vsctl(8), set-ssl", "ovn-controller(8)", "ovs: lib/stream-ssl.c"),
        unlike={
            "controller-sb-unreachable": "there nobody answers at the address, or its ovn-remote "
            "differs from the others'",
            "infra-clock-skew": "there the certificate is good, and the host's clock is not",
        },
        find=_untrusted,
        on_path_freezes=True,
    ),
)
