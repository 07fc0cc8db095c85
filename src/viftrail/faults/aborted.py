"""S2: builds that Nova aborted for the sake of the server's disk: its image, or its volume."""

from __future__ import annotations

import re
from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.failure import Kind, creation
from viftrail.chain.quoting import q
from viftrail.chain.saying import said
from viftrail.chain.scheduling import fault_evidence
from viftrail.facts.log.logs import Signal
from viftrail.facts.number import number
from viftrail.facts.openstack import UUID, Server
from viftrail.faults.build import asked_anew, failures, words_of
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import ADMIN_SHELL, NOTHING_CHANGED
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

_TOO_SMALL = re.compile(
    r"Flavor's disk is (?:too small for requested image|smaller than the minimum size specified in "
    r"image metadata)\. Flavor disk is (?P<flavor>\d+) bytes, (?:image|minimum size) is "
    r"(?P<image>\d+) bytes"
)
_VOLUME = re.compile(
    rf"Volume (?P<volume>{UUID}) did not finish being created.*?its status is (?P<status>[\w-]+)",
    re.DOTALL,
)
_GIB = 1 << 30


def _small_flavor(cloud: Cloud) -> Iterator[Case]:
    for server in cloud.openstack.servers or ():
        found = _TOO_SMALL.search(words_of(cloud, server)) if server.vm_state == "error" else None
        image, flavor = (number(found[each]) if found else None for each in ("image", "flavor"))
        if found is None or image is None or flavor is None:
            continue
        needed = -(-image // _GIB)
        has = flavor / _GIB
        yield Case(
            subject=subject.server(server.id),
            summary=f"the image of {server.name} takes {needed} GiB of disk, and its flavor "
            f"{server.flavor.name or 'of that time'} has {has:g}",
            evidence=(
                fault_evidence(server, found[0]),
                Evidence(
                    where="Nova",
                    what=f"disk of its flavor {server.flavor.name}".strip(),
                    seen=f"{has:g} GiB",
                    expected=f"{needed} GiB or more",
                    command=f"openstack flavor show {q(server.flavor.name or 'FLAVOR')} -c disk",
                ),
            ),
            steps=(asked_anew(server, flavor="LARGER"),),
            note=f"LARGER is a flavor with {needed} GiB of disk or more. Have Nova refuse such a "
            f"request at once: openstack image set --min-disk {needed} {q(server.image or 'IMAGE')}",
        )


def _no_volume(cloud: Cloud) -> Iterator[Case]:
    """Cinder gave the server's volume up. One that was still being made was only slow."""
    for server, failure, _ in failures(cloud, Kind.VOLUME):
        found = _VOLUME.search(failure.message) or _VOLUME.search(words_of(cloud, server))
        if found is None or found["status"] != "error":
            continue
        refused = _refused(cloud, server, found["volume"])
        yield Case(
            subject=subject.server(server.id),
            summary=f"Cinder could not make the volume of {server.name}: "
            + (
                "no backend of it has room, or takes what was asked for"
                if refused
                else "it ended in error, and no log of cinder-scheduler that was seen says why"
            ),
            evidence=(
                *((said(refused.line, "a backend with room"),) if refused else ()),
                fault_evidence(server, failure.message),
            ),
            steps=(
                Step(
                    command="openstack volume backend pool list --long",
                    where=ADMIN_SHELL,
                    risk=Risk.SAFE,
                    undo=NOTHING_CHANGED,
                    verify=f"openstack volume show {found['volume']} -c status",
                ),
            ),
            certainty=Certainty.PROVEN if refused else Certainty.LIKELY,
            note="Extend the pool, or delete volumes and snapshots that nobody needs: which, is for "
            "you to say. Where a pool has room, cinder-volume is down or the volume type names a "
            "backend that there is not: openstack volume service list. Then create the server anew.",
        )


def _refused(cloud: Cloud, server: Server, volume: str) -> Signal | None:
    """What cinder-scheduler said of this volume: by its id, or by the request that Nova handed on."""
    action = creation(cloud.openstack, server)
    names = {volume, action.request_id if action else ""} - {""}
    for signal in reversed(cloud.facts.logs.signals("volume-without-backend")):
        if any(name in signal.line.ids or name in signal.line.text for name in names):
            return signal
    return None


FAULTS = (
    Fault(
        id="build-flavor-vs-image",
        stage=Stage.BUILD,
        title="The flavor's disk is smaller than the image",
        what="The image, once unpacked, is larger than the disk that the flavor gives. Where the image "
        "says its min_disk, the API refuses at once; else the host finds out.",
        shows="400 at once, or ERROR within a minute: `Build of instance … aborted`. No other host is "
        "tried.",
        decisive="`Flavor's disk is too small for requested image`, with both sizes in bytes.",
        remedy="Take a larger flavor, or boot from a volume that is large enough.",
        risk=Risk.SAFE,
        references=("nova: exception.py FlavorDiskSmallerThanImage",),
        unlike={
            "sched-disk-capacity": "there no host has the disk that the flavor asks for",
            "infra-compute-disk-full": "there the host has no room for what the flavor promises",
        },
        find=_small_flavor,
        unprovoked="an image that is larger than a flavor's disk would have to be uploaded to the lab",
    ),
    Fault(
        id="infra-storage-full",
        stage=Stage.BUILD,
        title="Cinder has no room for the server's volume",
        what="A server that boots from a new volume waits for Cinder to make it. Its scheduler finds no "
        "backend with room, and the volume ends in error.",
        shows="ERROR: `Volume … did not finish being created even after we waited`. Servers that boot "
        "from an image are built.",
        decisive="The status of the volume in the server's fault is error; cinder-scheduler logs `No "
        "valid backend was found` for it: the word is backend, not host.",
        remedy="Extend the pool, or free room in it; then create the server anew.",
        risk=Risk.SAFE,
        references=("nova: exception.py VolumeNotCreated", "cinder: exception.py NoValidBackend"),
        unlike={
            "sched-disk-capacity": "there it is the hosts' own disk, and the fault says `No valid host`",
            "infra-compute-disk-full": "there the disk of instances is full on one host",
        },
        find=_no_volume,
        unprovoked="the lab's OpenStack has no Cinder",
    ),
)
