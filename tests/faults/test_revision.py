"""nb-revision-mismatch: older and newer than Neutron's, and where nobody was asked."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from tests.cloud import ask, change_port, healthy, vm
from tests.openstack import PORT, cases, cloud_of, port, server
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import LogicalSwitchPort, NBGlobal
from viftrail.faults.revision import KEY


def revised(row: int, owned: int | None) -> Facts:
    facts = healthy()
    port_id = vm(facts)
    (port,) = facts.nb[LogicalSwitchPort].find("name", port_id)
    facts = change_port(facts, external_ids={**port.external_ids, KEY: str(row)})
    ports = tuple(
        msgspec.structs.replace(each, revision=owned) if each.id == port_id else each
        for each in facts.owner.ports
    )
    return replace(facts, owner=msgspec.structs.replace(facts.owner, ports=ports))


@pytest.mark.parametrize(("row", "certainty"), [(3, "likely"), (9, "proven")])
def test_older_may_be_mended_already_and_newer_is_not(row: int, certainty: str) -> None:
    verdict = ask(revised(row, 7)).verdict
    assert (verdict.cause, verdict.state.value) == ("nb-revision-mismatch", "degraded")
    assert verdict.confidence == certainty


@pytest.mark.parametrize("owned", [7, None])
def test_equal_or_not_asked(owned: int | None) -> None:
    assert audit(revised(7, owned)).groups == ()


@pytest.mark.parametrize(
    ("updated", "found"), [("2026-01-01T00:00:00Z", 1), ("2026-01-02T00:00:09Z", 0)]
)
def test_a_change_that_came_after_all_that_northbound_tells_may_be_on_its_way(
    updated: str, found: int
) -> None:
    stamp = 1767312009000  # 2026-01-02T00:00:09Z
    rows = (
        NBGlobal(uuid="nb", nb_cfg=9, nb_cfg_timestamp=stamp),
        LogicalSwitchPort(uuid="lsp", name=PORT, external_ids={KEY: "4"}),
    )
    changed = port(revision_number=5, updated=updated)
    cloud = cloud_of(server(host="cmp1"), northbound=rows, ports=(changed,))
    assert len(cases("nb-revision-mismatch", cloud)) == found
