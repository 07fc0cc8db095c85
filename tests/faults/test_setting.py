"""controller-not-configured and controller-version-pinned."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import accused, ask, edit, healthy, settings
from tests.recordings import facts_of
from viftrail.facts.facts import Facts
from viftrail.facts.southbound import SBGlobal
from viftrail.verdict import State

NEVER = facts_of("controller-not-configured")


@pytest.mark.parametrize("key", ["system_id", "ovn_remote", "ovn_encap_type", "ovn_encap_ip"])
def test_a_host_that_is_registered_is_frozen_and_told_its_own_value(key: str) -> None:
    facts = settings(healthy(), "compute1", **{key: None})
    verdict = ask(facts)
    assert accused(verdict) == {"controller-not-configured"}
    assert verdict.verdict.state is State.DEGRADED
    name = key.replace("_", "-")
    (step,) = verdict.remedy.steps
    value = healthy().hosts["compute1"].settings[name]
    if key != "ovn_remote":
        assert step.command.endswith(f"external_ids:{name}={value}")


def test_a_host_that_never_registered_is_cut_off_and_its_missing_row_follows() -> None:
    verdict = ask(NEVER)
    assert (verdict.verdict.stage, verdict.verdict.state) == ("S7", State.BROKEN)
    (row,) = [finding for finding in verdict.stages if finding.id == "S6"]
    assert row.state is State.CONSEQUENCE
    assert row.summary.startswith("follows from S7")


def test_a_key_for_this_chassis_alone_is_as_good() -> None:
    host = healthy().hosts["compute1"]
    own = {f"ovn-encap-ip-{host.chassis_name}": host.settings["ovn-encap-ip"]}
    facts = settings(healthy(), "compute1", ovn_encap_ip=None, **own)
    assert "controller-not-configured" not in accused(ask(facts))


def pinned(version: str) -> Facts:
    facts = settings(healthy(), "compute1", ovn_match_northd_version="true")
    options = {"northd_internal_version": version}
    return edit(facts, SBGlobal, lambda row: msgspec.structs.replace(row, options=options))


def test_a_pinned_host_waits_for_its_own_version() -> None:
    verdict = ask(pinned("23.09.0-20.29.0-71.5"))
    assert accused(verdict) == {"controller-version-pinned"}
    assert verdict.verdict.state is State.DEGRADED
    assert accused(ask(pinned("23.03.1-20.27.0-70.6"))) == set()


def test_without_the_key_versions_may_differ() -> None:
    facts = settings(pinned("23.09.0-20.29.0-71.5"), "compute1", ovn_match_northd_version=None)
    assert accused(ask(facts)) == set()
