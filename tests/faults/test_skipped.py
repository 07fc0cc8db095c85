"""northd-*: lag, keys and names that an active northd leaves out."""

from __future__ import annotations

import msgspec

from tests.cloud import add, ask, edit, healthy, on_host, vm
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import (
    LogicalRouter,
    LogicalRouterPort,
    LogicalSwitch,
    NBGlobal,
)
from viftrail.facts.southbound import PortBinding
from viftrail.verdict import State


def unbound(facts: Facts, server: str = "vm1") -> Facts:
    port_id = vm(facts, server)
    return edit(facts, PortBinding, lambda row: None if row.logical_port == port_id else row)


def counters(facts: Facts, **columns: object) -> Facts:
    return edit(facts, NBGlobal, lambda row: msgspec.structs.replace(row, **columns))


def test_lag_is_two_steps_or_more_under_an_active_northd() -> None:
    facts = healthy()
    assert "northd-lagging" in {g.id for g in audit(counters(facts, nb_cfg=9, sb_cfg=4)).groups}
    assert "northd-lagging" not in {g.id for g in audit(counters(facts, nb_cfg=5, sb_cfg=4)).groups}
    paused = on_host(
        counters(facts, nb_cfg=9, sb_cfg=4),
        "controller",
        unixctl={**facts.hosts["controller"].unixctl, "ovn-northd": {"status": "Status: paused"}},
    )
    assert "northd-lagging" not in {g.id for g in audit(paused).groups}


def crowded(facts: Facts, keys: str) -> Facts:
    """The VMs' network with more ports than vxlan has keys for."""
    name = vm(facts)
    port = next(p for s in facts.nb[LogicalSwitch] for p in s.ports)
    assert name
    assert port
    more = tuple(f"00000000-0000-4000-8000-{n:012d}" for n in range(2100))
    facts = edit(
        facts,
        LogicalSwitch,
        lambda row: msgspec.structs.replace(row, ports=(*row.ports, *more)),
    )
    options = facts.nb[NBGlobal].rows[0].options
    return unbound(counters(facts, options={**options, "max_tunid": keys}))


def test_the_port_after_the_last_key() -> None:
    verdict = ask(crowded(healthy(), "4095")).verdict
    assert (verdict.cause, verdict.stage) == ("northd-tunnel-keys-exhausted", "S5")


def test_without_vxlan_there_are_keys_for_all() -> None:
    assert "northd-tunnel-keys-exhausted" not in {
        cause.id for cause in ask(crowded(healthy(), "16711680")).causes
    }


def rivals(binding_type: str) -> Facts:
    facts = healthy()
    leg = LogicalRouterPort(uuid="11110000-0000-4000-8000-000000000001", name=vm(facts))
    router = LogicalRouter(
        uuid="11110000-0000-4000-8000-000000000002", name="another", ports=(leg.uuid,)
    )
    return edit(
        add(facts, leg, router),
        PortBinding,
        lambda row: (
            msgspec.structs.replace(row, type=binding_type)
            if row.logical_port == vm(facts)
            else row
        ),
    )


def test_a_vms_port_that_northd_left_out_for_a_routers() -> None:
    verdict = ask(rivals("patch"))
    assert verdict.verdict.cause == "northd-bad-config-skipped"
    assert verdict.verdict.state is State.BROKEN
    assert "lrp-del" in verdict.remedy.steps[0].command
    assert ask(rivals("patch"), "vm2").causes == ()


def test_a_routers_port_that_northd_left_out_for_a_vms() -> None:
    assert ask(rivals("")).causes == (), "the VM has won"
    (group,) = [g for g in audit(rivals("")).groups if g.id == "northd-bad-config-skipped"]
    assert group.subjects == ("router another",)
