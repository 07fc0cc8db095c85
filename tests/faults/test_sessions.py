"""conntrack-full: the table that br-int uses, and no other."""

from __future__ import annotations

import pytest

from tests.cloud import ask, conf, healthy, on_host
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.host import ConnTrack

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
