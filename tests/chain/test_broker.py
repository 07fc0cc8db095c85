"""What is silent because of RabbitMQ, and what is silent by itself."""

from __future__ import annotations

from tests.openstack import SERVICES, cloud_of, server, service, signal
from viftrail.chain.broker import broken, complaints, silent_computes

COMPUTES = tuple(
    service(row.host, state="down", updated="1970-01-01T01:00:00")
    for row in SERVICES
    if row.binary == "nova-compute"
)
HEARD = 3600.0


def test_one_of_several_computes_that_is_down_is_silent_by_itself() -> None:
    assert not silent_computes(cloud_of(server(), services=(COMPUTES[0], *SERVICES[3:])))
    assert not silent_computes(cloud_of(server(), services=COMPUTES[:1]))
    assert silent_computes(cloud_of(server(), services=COMPUTES)) == COMPUTES


def test_a_compute_that_was_set_down_says_nothing() -> None:
    forced = (service("cmp9", state="down", forced_down=True), *COMPUTES)
    assert silent_computes(cloud_of(server(), services=forced)) == COMPUTES


def test_only_what_was_said_since_they_fell_silent_counts() -> None:
    for after, counts in ((30.0, True), (-3000.0, False)):
        said = tuple(
            signal("amqp-unreachable", f"AMQP server on ctl:5672, says {by}", HEARD + after, by=by)
            for by in ("nova-compute", "nova-conductor")
        )
        cloud = cloud_of(server(), services=COMPUTES, logs=said)
        assert bool(complaints(cloud)) == counts
        assert broken(cloud) == counts
