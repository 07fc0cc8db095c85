"""S0: clocks that differ."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.quoting import db
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.log.moment import parse
from viftrail.facts.southbound import Chassis, ChassisPrivate
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import NO_UNDO, on_host
from viftrail.verdict import Evidence, Risk, Stage

SKEW = 60
"""Seconds. Nova's service_down_time: a clock that is further off looks like a dead service."""


def _ahead(cloud: Cloud) -> Iterator[Case]:
    """A chassis that has stamped its row with a time which has not come on any other host.

    The other way round proves nothing: an old stamp is a chassis with nothing to do.
    """
    for row in cloud.sb[ChassisPrivate]:
        chassis = cloud.sb[Chassis].one("name", row.name)
        name = chassis.hostname if chassis else ""
        others = {other: host.time for other, host in cloud.hosts.items() if other != name}
        if not name or not others:
            continue
        ahead = row.nb_cfg_timestamp / 1000 - max(others.values())
        if ahead < SKEW:
            continue
        witness = max(others, key=others.__getitem__)
        yield Case(
            subject=subject.host(name),
            summary=f"the clock of {name} is {ahead:.0f} s or more ahead of all others",
            evidence=(
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Chassis_Private.nb_cfg_timestamp of {name}",
                    seen=str(row.nb_cfg_timestamp),
                    expected=f"before {max(others.values()) * 1000:.0f}, when {witness} was looked at",
                    command=f"ovn-sbctl --columns=nb_cfg_timestamp find Chassis_Private "
                    f"name={db(row.name)}",
                ),
            ),
            steps=on_host(
                name, "chronyc makestep", undo=NO_UNDO, verify="chronyc tracking", risk=Risk.BLINKS
            ),
            victims=frozenset(),
        )


def _reports(cloud: Cloud) -> Iterator[Case]:
    """A compute whose report to Nova is from a time that has not come on the others."""
    heard = {
        (row.binary, row.host): moment
        for row in cloud.openstack.services or ()
        if (moment := parse(row.updated))
    }
    for (binary, host), moment in heard.items():
        others = [at for (_, other), at in heard.items() if other != host]
        if binary != "nova-compute" or not others or moment - max(others) < SKEW:
            continue
        ahead = moment - max(others)
        yield Case(
            subject=subject.host(host),
            summary=f"the clock of {host} is {ahead:.0f} s or more ahead of all others: Nova takes its "
            "nova-compute for down",
            evidence=(
                Evidence(
                    where="Nova",
                    what=f"updated_at of nova-compute on {host}",
                    seen=next(
                        row.updated for row in cloud.openstack.services or () if row.host == host
                    ),
                    expected="no later than the other services'",
                    command="openstack compute service list",
                ),
            ),
            steps=on_host(
                host, "chronyc makestep", undo=NO_UNDO, verify="chronyc tracking", risk=Risk.BLINKS
            ),
            victims=frozenset(),
        )


def _either(cloud: Cloud) -> Iterator[Case]:
    yield from _ahead(cloud)
    yield from _reports(cloud)


FAULTS = (
    Fault(
        id="infra-clock-skew",
        stage=Stage.INFRASTRUCTURE,
        title="A host's clock is ahead",
        what="The clock of a host is a minute or more ahead of the others': its time service does not "
        "run, or follows nobody.",
        shows="Its services flap between up and down, certificates are `not yet valid` for it or have "
        "expired early, and logs of hosts cannot be put in order. Traffic is not affected.",
        decisive="The host has stamped its row in Southbound with a time that has not come on any host "
        "that was looked at after it.",
        remedy="Have its time service step the clock; the jump may disturb what runs there.",
        risk=Risk.BLINKS,
        references=(
            "ovn-sb(5), Chassis_Private nb_cfg_timestamp",
            "nova: servicegroup/drivers/db.py",
        ),
        unlike={"controller-flow-lag": "there nb_cfg is behind, whatever the time"},
        find=_either,
        spares_others=True,
        unprovoked="the kernel gives a network namespace no clock of its own.",
    ),
)
