"""S2: a plug that nova-compute waited for in vain, and started the server all the same."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.failure import tried_on
from viftrail.chain.saying import evidence_of
from viftrail.facts.log.logs import Signal
from viftrail.facts.openstack import Server
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import NOTHING_CHANGED, on_host
from viftrail.verdict import Certainty, Risk, Stage

SPAWNED_WITHIN = 120.0
"""Seconds from the end of the wait to the running guest, where nothing is tried again."""


def _masked(cloud: Cloud) -> Iterator[Case]:
    for server in cloud.openstack.servers or ():
        pair = _let_pass(cloud, server) if server.vm_state == "active" else None
        if pair is None:
            continue
        host = tried_on(cloud.openstack, server) or pair[0].line.host
        yield Case(
            subject=subject.server(server.id),
            summary=f"nova-compute{f' on {host}' if host else ''} waited in vain for the port of "
            f"{server.name}, and started the server all the same: it may have booted without a network",
            evidence=evidence_of(pair),
            steps=on_host(
                host,
                "grep -rh vif_plugging /etc/nova",
                undo=NOTHING_CHANGED,
                verify="grep -rh vif_plugging /etc/nova",
            )
            if host
            else (),
            certainty=Certainty.LIKELY,
            # It runs, and its port may be up by now: what keeps one down is another stage's.
            victims=frozenset(),
            note="Take vif_plugging_is_fatal and vif_plugging_timeout out of nova.conf (defaults: true, "
            "300) and restart nova-compute; then what keeps ports down shows again. A guest that gave "
            "up waiting for its lease or metadata gets them by a reboot.",
        )


def _let_pass(cloud: Cloud, server: Server) -> tuple[Signal, Signal] | None:
    """The wait that ended in vain, and the start that followed nevertheless."""
    logs = cloud.facts.logs
    for waited in reversed(logs.signals("vif-plug-timeout", server=server.id)):
        if waited.groups.get("vm_state") != "building":
            continue  # a migration, which has its own rules
        for spawned in logs.signals("spawned", server=server.id):
            same = spawned.line.host == waited.line.host
            if same and 0 <= spawned.time - waited.time <= SPAWNED_WITHIN:
                return waited, spawned
    return None


FAULTS = (
    Fault(
        id="build-plug-timeout-masked",
        stage=Stage.BUILD,
        title="A plug that failed was made harmless",
        what="vif_plugging_is_fatal=false lets nova-compute start a server whose port did not come up "
        "in time, and vif_plugging_timeout=0 does not wait at all. What keeps the port down stays.",
        shows="ACTIVE, and no network at first or at all: cloud-init finds neither lease nor metadata.",
        decisive="nova-compute logs `Timeout waiting for ['network-vif-plugged-…']` and then `Took … "
        "seconds to spawn` for the same server. A timeout of 0 leaves no line: only nova.conf says so.",
        remedy="Restore the defaults, true and 300, and mend the stage that keeps ports down.",
        risk=Risk.SAFE,
        references=(
            "nova: conf/compute.py vif_plugging_is_fatal",
            "nova: virt/libvirt/driver.py _create_guest_with_network",
        ),
        unlike={
            "build-vif-plug-timeout": "there the same wait ends the build",
            "build-event-lost": "there the port was up in time, and Nova was not told",
        },
        find=_masked,
    ),
)
