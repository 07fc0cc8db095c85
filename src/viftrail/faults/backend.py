"""S9: what is behind the metadata agent: Nova's metadata API, and the secret that both share."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.quoting import q
from viftrail.chain.saying import said
from viftrail.facts.log.logs import Signal
from viftrail.faults.fault import Case, Fault
from viftrail.faults.metadata import ADDRESS, AGENT
from viftrail.faults.step import NOTHING_CHANGED, on_host
from viftrail.verdict import Certainty, Risk, Stage, Step

_SECRET = "metadata_proxy_shared_secret"
_NOVA = "a host with Nova's metadata API"


def _refused(cloud: Cloud) -> Iterator[Case]:
    """Guests that Nova does not answer, by its own log or by that of the agent on their host."""
    for port in cloud.ports.values():
        if port.row is None or not port.row.dhcpv4_options:
            continue  # nobody sends it to the metadata service
        wrong, forbidden = _signature(cloud, port), _of_agent(cloud, port, "metadata-forbidden")
        if wrong or forbidden:
            yield _different_secrets(cloud, port, wrong, forbidden)
            continue
        failed = _of_agent(cloud, port, "metadata-backend-failed", "metadata-answer-unexpected")
        if failed:
            yield _failing(cloud, port, failed)


def _signature(cloud: Cloud, port: Port) -> Signal | None:
    """Nova's word that what the agent signed for this port's server is not what it expected."""
    server = port.owned.server_id if port.owned else ""
    logs = cloud.facts.logs
    return logs.last("metadata-signature-wrong", server=server) if server else None


def _of_agent(cloud: Cloud, port: Port, *patterns: str) -> Signal | None:
    """The latest that the agent on the port's host logged of this kind."""
    name = cloud.host_of(port)
    found = [
        signal
        for pattern in patterns
        for signal in cloud.facts.logs.signals(pattern)
        if name and signal.line.host == name
    ]
    return max(found, key=lambda signal: signal.time, default=None)


def _different_secrets(
    cloud: Cloud, port: Port, wrong: Signal | None, forbidden: Signal | None
) -> Case:
    look = f"grep -rhs ^{_SECRET} /etc/neutron /etc/nova | sha256sum"
    hosts = [name for name in (cloud.host_of(port),) if name]
    return Case(
        subject=subject.port(port.id),
        summary=f"Nova refuses what the metadata agent asks for {port.label}: they do not share one "
        "secret",
        evidence=tuple(said(each.line, "no refusal") for each in (wrong, forbidden) if each),
        steps=tuple(
            step
            for place in (*hosts, _NOVA)
            for step in on_host(place, look, undo=NOTHING_CHANGED, verify=look)
        ),
        # The agent only guesses at the reason of a 403; Nova's own line tells it.
        certainty=Certainty.PROVEN if wrong else Certainty.LIKELY,
        note=f"{_SECRET} must be the same in the agent's file and in [neutron] of nova.conf, where "
        f"service_metadata_proxy is true; then restart {AGENT} and Nova's metadata API. The commands "
        "print a digest of the line instead of the secret: both places must print the same.",
    )


def _failing(cloud: Cloud, port: Port, failed: Signal) -> Case:
    url = f"http://{ADDRESS}/openstack"
    return Case(
        subject=subject.port(port.id),
        summary=f"Nova's metadata API fails when the agent on {cloud.host_of(port)} asks it, so that "
        f"{port.label} gets an error from {ADDRESS}",
        evidence=(said(failed.line, "no error"),),
        steps=(
            Step(
                command="openstack compute service list",
                where="a host with admin credentials",
                risk=Risk.SAFE,
                undo=NOTHING_CHANGED,
                verify=f"curl -s {q(url)}, in the guest",
            ),
        ),
        certainty=Certainty.LIKELY,
        note="Nova's metadata API answers 500 or 503 while its database, its cell or RabbitMQ is away: "
        "its own log tells. Where another server of the host is answered, it was for that one only.",
    )


FAULTS = (
    Fault(
        id="metadata-secret-or-backend",
        stage=Stage.LOCAL,
        title="Nova refuses or fails the metadata agent",
        what="The agent takes the guest's request and signs it for Nova's metadata API with a shared "
        f"secret. {_SECRET} differs between the two, or the API fails behind it.",
        shows="169.254.169.254 answers, with 403, 500 or 503; cloud-init gets no key. DHCP and all "
        "other traffic work.",
        decisive="403: nova-api logs `X-Instance-ID-Signature: … does not match the expected "
        "signature`, the agent `The remote metadata server responded with Forbidden`. 500: the agent "
        "logs `Remote metadata server experienced an internal server error`.",
        remedy="Write one secret into both files, or mend Nova's metadata API; restart what changed.",
        risk=Risk.SAFE,
        references=(
            "neutron: agent/metadata/proxy_base.py",
            "nova: api/metadata/handler.py _validate_shared_secret",
        ),
        unlike={
            "metadata-not-provisioned": "there nobody answers: the connection times out",
            "metadata-port-without-ip": "there nobody answers in one subnet, on every host",
        },
        find=_refused,
        unprovoked="the lab's metadata service has no Nova behind it",
    ),
)
