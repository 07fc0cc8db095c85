"""conntrack-full: the table that br-int uses, and no other; ct-zone-exhausted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cloud import MOMENT, accused, ask, conf, healthy, on_host, settings
from viftrail.audit import audit
from viftrail.chain.quoting import db
from viftrail.facts.facts import Facts
from viftrail.facts.host import ConnTrack
from viftrail.facts.log.line import LogLine
from viftrail.facts.log.logs import LogFile, Logs, Signal

FULL = "conntrack-full"


def userspace(count: str, limit: str) -> Facts:
    facts = healthy()
    unixctl = facts.hosts["compute1"].unixctl
    told = {"dpctl/ct-get-nconns": count, "dpctl/ct-get-maxconns": limit}
    answers = {**unixctl, "ovs-vswitchd": {**unixctl["ovs-vswitchd"], **told}}
    return on_host(facts, "compute1", unixctl=answers)


def kernel(table: ConnTrack | None) -> Facts:
    facts = conf(healthy(), "compute1", "Bridge", {"name": "br-int"}, datapath_type="system")
    return on_host(facts, "compute1", conntrack=table)


def test_as_many_as_there_may_be_is_full() -> None:
    cause = ask(userspace("3000000", "3000000")).causes[0]
    assert cause.id == FULL
    (step,) = cause.remedy.steps
    assert (step.where, step.command) == ("compute1", "ovs-appctl dpctl/ct-set-maxconns 6000000")
    assert step.undo == "ovs-appctl dpctl/ct-set-maxconns 3000000"


def test_the_kernels_table_counts_where_the_kernel_forwards() -> None:
    (step,) = ask(kernel(ConnTrack(65536, 65536))).causes[0].remedy.steps
    assert step.command == "sysctl -w net.netfilter.nf_conntrack_max=131072"
    full = ConnTrack(65536, 65536)
    assert audit(on_host(healthy(), "compute1", conntrack=full)).groups == ()


@pytest.mark.parametrize(
    "facts",
    [
        userspace("2999999", "3000000"),
        userspace("", ""),
        userspace("no such command", "3000000"),
        kernel(ConnTrack(10, 65536)),
        kernel(None),
    ],
)
def test_room_or_silence_accuses_nobody(facts: Facts) -> None:
    assert FULL not in {group.id for group in audit(facts).groups}


def test_who_is_on_another_host_is_no_victim() -> None:
    assert FULL not in {cause.id for cause in ask(userspace("5", "5"), "vm3").causes}


def exhausted(*, host: str = "compute1", late: bool = True, zones: str | None = None) -> Facts:
    """ovn-controller of compute1 found no zone, since it was started or before."""
    facts = on_host(settings(healthy(), "compute1", ct_zone_range=zones), "compute1", time=MOMENT)
    seen = facts.hosts["compute1"]
    moment = seen.time if late else seen.time - seen.age("ovn-controller") - 60
    line = LogLine(time=moment, host=host, text="exhausted all ct zones", source="a.log@0")
    signal = Signal(pattern="ct-zones-exhausted", line=line)
    files = (LogFile(path="a.log", layout="vlog"),)
    return replace(facts, logs=Logs(all_signals=(signal,), files=files))


def test_a_controller_without_a_zone_left_degrades_its_host() -> None:
    (cause,) = ask(exhausted()).causes
    assert (cause.id, cause.state.value) == ("ct-zone-exhausted", "degraded")
    assert cause.remedy.steps[0].command == "systemctl restart ovn-controller"


def test_a_range_that_is_too_narrow_is_taken_away() -> None:
    (cause,) = ask(exhausted(zones="100-110")).causes
    (step,) = cause.remedy.steps
    assert step.command == "ovs-vsctl remove Open_vSwitch . external_ids ct-zone-range"
    assert step.undo.endswith("external_ids:ct-zone-range=" + db("100-110"))


def test_what_it_said_before_its_last_start_or_on_another_host_is_past() -> None:
    assert accused(ask(exhausted(late=False))) == set()
    assert accused(ask(exhausted(host=""))) == set()
    assert accused(ask(settings(healthy(), "compute1", ct_zone_range="100-110"))) == set()
