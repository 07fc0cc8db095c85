"""S7: what ovn-controller is told in Open_vSwitch.external_ids, and cannot work with."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.controller import controller_state, unclaimed
from viftrail.chain.daemon import RUNNING
from viftrail.chain.mesh import encaps
from viftrail.chain.quoting import db, q
from viftrail.chain.subject import Subject
from viftrail.facts.host import Host
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.southbound import Chassis, SBGlobal
from viftrail.faults.controller import usual_remote
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import on_host
from viftrail.faults.tunnel import own_address
from viftrail.verdict import Evidence, Risk, Stage

KEYS = ("system-id", "ovn-remote", "ovn-encap-type", "ovn-encap-ip")
"""What ovn-controller needs to register its host (ovn-controller(8))."""

STATUS = "ovn-appctl -t ovn-controller connection-status"
_VERSION = re.compile(r"ovn-controller (\S+)")


def _incomplete(cloud: Cloud) -> Iterator[Case]:
    for name, host in cloud.hosts.items():
        if controller_state(host) != RUNNING or not host.vswitch:
            continue
        missing = missing_keys(host)
        if not missing:
            continue
        rows = cloud.sb[Chassis].find("hostname", name)
        if not rows and not cloud.sb[Chassis].knows("hostname", name):
            continue
        values = {key: _value(cloud, name, host, key) for key in missing}
        words = " and ".join(missing)
        known = " ".join(
            f"external_ids:{key}={db(value)}" for key, value in values.items() if value
        )
        yield Case(
            subject=subject.host(name),
            summary=f"ovn-controller on {name} is not told {words}"
            + (
                ", so it cannot register the host"
                if not rows
                else ": what it has done stays, and its next start will not register the host"
            ),
            evidence=(
                *(
                    Evidence(
                        where=name,
                        what=f"Open_vSwitch.external_ids:{key}",
                        seen="not set",
                        expected=values[key] or "set",
                        command=f"ovs-vsctl get Open_vSwitch . external_ids:{q(key)}",
                    )
                    for key in missing
                ),
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Chassis hostname={name}",
                    seen="still registered" if rows else "no such row",
                    expected="one row",
                    command=f"ovn-sbctl find Chassis hostname={db(name)}",
                ),
            ),
            steps=on_host(
                name,
                f"ovs-vsctl set Open_vSwitch . {known}",
                undo="ovs-vsctl "
                + " -- ".join(
                    f"remove Open_vSwitch . external_ids {key}" for key in missing if values[key]
                ),
                verify=f"ovn-sbctl find Chassis hostname={db(name)}",
            )
            if known
            else (),
            victims=_victims(cloud, name, host) if rows else None,
            note=""
            if all(values.values())
            else "Take the rest from the host's deployment: a new "
            "system-id makes a new chassis of it (`/etc/openvswitch/system-id.conf` has the old).",
        )


def _victims(cloud: Cloud, name: str, host: Host) -> frozenset[Subject]:
    """What is not claimed here; without a name of its own the host cannot be told to have claimed."""
    return unclaimed(cloud, name, host) if host.chassis_name else frozenset()


def missing_keys(host: Host) -> tuple[str, ...]:
    """The keys that ovn-controller needs and has not, for itself or for its own chassis alone."""
    settings, own = host.settings, host.chassis_name
    return tuple(key for key in KEYS if not (settings.get(key) or settings.get(f"{key}-{own}")))


def _value(cloud: Cloud, name: str, host: Host, key: str) -> str:
    """What the key must have been: from the host's own row, else as the other hosts have it."""
    row = cloud.sb[Chassis].one("hostname", name)
    ends = encaps(cloud, row) if row else ()
    if key == "system-id":
        return row.name if row else ""
    if key == "ovn-remote":
        return usual_remote(cloud, name)
    if key == "ovn-encap-ip":
        return ends[0].ip if ends else own_address(cloud, host, "")
    if ends:
        return ends[0].type
    kinds = Counter(
        kind
        for other, seen in cloud.hosts.items()
        if other != name and (kind := seen.settings.get("ovn-encap-type"))
    )
    return kinds.most_common(1)[0][0] if kinds else ""


def _pinned(cloud: Cloud) -> Iterator[Case]:
    northd = next(
        (
            version
            for row in cloud.sb[SBGlobal]
            if (version := row.options.get("northd_internal_version"))
        ),
        "",
    )
    for name, host in cloud.hosts.items():
        found = _VERSION.search(host.unixctl.get("ovn-controller", {}).get("version", ""))
        if not northd or found is None:
            continue
        if host.settings.get("ovn-match-northd-version", "").lower() != "true":
            continue
        # northd's is RELEASE-SCHEMA-ACTIONS.MINOR (lib/ovn-util.c ovn_get_internal_version).
        own = found.group(1)
        if northd.partition("-")[0] == own:
            continue
        yield Case(
            subject=subject.host(name),
            summary=f"ovn-controller {own} on {name} waits for an ovn-northd of its own version, and "
            f"northd's is {northd}: it follows no change",
            evidence=(
                Evidence(
                    where=name,
                    what="Open_vSwitch.external_ids:ovn-match-northd-version",
                    seen="true",
                    expected="not set while the versions differ",
                    command="ovs-vsctl get Open_vSwitch . external_ids:ovn-match-northd-version",
                ),
                Evidence(
                    where=name,
                    what="version of ovn-controller",
                    seen=own,
                    expected=northd.partition("-")[0],
                    command="ovn-appctl -t ovn-controller version",
                ),
                Evidence(
                    where=SOUTHBOUND,
                    what="SB_Global.options:northd_internal_version",
                    seen=northd,
                    expected=f"{own}-…",
                    command="ovn-sbctl get SB_Global . options:northd_internal_version",
                ),
            ),
            steps=on_host(
                name,
                "ovs-vsctl remove Open_vSwitch . external_ids ovn-match-northd-version",
                undo="ovs-vsctl set Open_vSwitch . external_ids:ovn-match-northd-version=true",
                verify=STATUS,
            ),
            victims=unclaimed(cloud, name, host),
            note="Or finish the upgrade, which is what the key waits for.",
        )


FAULTS = (
    Fault(
        id="controller-not-configured",
        stage=Stage.CONTROLLER,
        title="ovn-controller lacks a setting that it needs",
        what="One of system-id, ovn-remote, ovn-encap-type and ovn-encap-ip is not set in "
        "Open_vSwitch.external_ids: conf.db was made anew, or a script removed it.",
        shows="A host that was registered keeps its Chassis row and its flows, and claims nothing "
        "more without ovn-remote; one that starts so never appears. ovn-controller logs `Need to "
        "specify an encap type and ip` or `'system-id' in Open_vSwitch database is missing`, and "
        "nothing at all without ovn-remote.",
        decisive="The key is not set, while ovn-controller runs.",
        remedy="Set it; ovn-controller follows without a restart.",
        risk=Risk.SAFE,
        references=("ovn-controller(8), CONFIGURATION", "ovn: controller/chassis.c chassis_run"),
        unlike={
            "chassis-missing-graceful-stop": "there ovn-controller does not run",
            "controller-sb-unreachable": "there ovn-remote is set, and wrong or not answered",
            "encap-duplicate-ip": "there the key is set to another host's address",
        },
        find=_incomplete,
        on_path_freezes=True,
        shows_at=frozenset({Stage.SOUTHBOUND}),
    ),
    Fault(
        id="controller-version-pinned",
        stage=Stage.CONTROLLER,
        title="ovn-controller waits for an ovn-northd of its own version",
        what="ovn-match-northd-version is set on the host, and an upgrade has reached only one of "
        "ovn-controller and ovn-northd.",
        shows="Old flows go on working, no change reaches the host. It logs `controller version - … "
        "mismatch with northd version - …`.",
        decisive="The key is true, and the release in SB_Global.options:northd_internal_version is not "
        "that of the running ovn-controller.",
        remedy="Finish the upgrade, or remove the key.",
        risk=Risk.SAFE,
        references=(
            "ovn-controller(8), ovn-match-northd-version",
            "ovn: controller/ovn-controller.c check_northd_version",
        ),
        unlike={"controller-flow-lag": "there the versions agree, or nobody compares them"},
        find=_pinned,
        on_path_freezes=True,
        unprovoked="it takes two releases of OVN, and the lab has the one that is installed",
    ),
)
