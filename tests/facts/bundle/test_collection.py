"""What is gathered for a bundle: the whole cloud, or a trail that is enough for the same verdict."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from tests.recordings import HARMFUL, HEALTHY, facts_of, port_of, source_of
from tests.samples import folder, opened, server
from viftrail.audit import audit
from viftrail.errors import UnknownTarget
from viftrail.facts.bundle import bundle, collection
from viftrail.facts.bundle.collection import Wanted, gather, newest
from viftrail.facts.log.line import LogLine
from viftrail.facts.log.logs import LogFile, Logs
from viftrail.facts.saved.folder import open_folder
from viftrail.facts.source import Source
from viftrail.facts.stored import StoredSource, from_bundle
from viftrail.why import why

DAY = 86400.0


def carried(source: Source, folder: Path, *targets: str, hindsight: float = 0.0) -> StoredSource:
    """The source as it comes out of a bundle."""
    facts, manifest = gather(source, Wanted(targets, hindsight))
    bundle.write(folder / "x.bundle", facts, manifest)
    return from_bundle(folder / "x.bundle")


@pytest.mark.parametrize("name", [fault.id for fault in HARMFUL])
def test_a_targets_bundle_gives_the_same_verdict(name: str, tmp_path: Path) -> None:
    assert why(carried(source_of(name), tmp_path, "vm1"), "vm1") == why(source_of(name), "vm1")


def test_it_is_smaller_and_holds_only_the_hosts_of_the_trail(tmp_path: Path) -> None:
    slim = carried(source_of(HEALTHY), tmp_path, "vm1").everything()
    assert set(slim.hosts) == {"compute1", "controller", "network1"}
    assert set(facts_of(HEALTHY).hosts) > set(slim.hosts)


def test_it_may_be_asked_by_every_name_of_the_target(tmp_path: Path) -> None:
    slim = carried(source_of(HEALTHY), tmp_path, "vm1")
    owned = facts_of(HEALTHY).owner.port(port_of(facts_of(HEALTHY), "vm1"))
    assert owned
    for name in (owned.id, owned.mac, owned.mac.upper(), *owned.addresses, "203.0.113.101",
                 owned.server_id, f"tap{owned.id[:11]}"):  # fmt: skip
        assert why(slim, name).target.port == owned.id


def test_another_target_is_refused_and_not_judged_by_half(tmp_path: Path) -> None:
    slim = carried(source_of(HEALTHY), tmp_path, "vm1")
    with pytest.raises(UnknownTarget, match="only the trail of vm1") as caught:
        why(slim, "vm3")
    assert "--target" in caught.value.do


def test_a_pair_and_two_targets(tmp_path: Path) -> None:
    pair = carried(source_of("tunnel-udp-blocked"), tmp_path, "vm1:vm3")
    assert why(pair, "vm1:vm3") == why(source_of("tunnel-udp-blocked"), "vm1:vm3")
    both = carried(source_of(HEALTHY), tmp_path, "vm1", "vm3")
    assert {why(both, name).verdict.state.value for name in ("vm1", "vm3")} == {"healthy"}


def test_an_audit_of_it_accuses_nobody_and_says_that_it_is_a_part(tmp_path: Path) -> None:
    found = audit(carried(source_of(HEALTHY), tmp_path, "vm1").everything())
    assert found.groups == ()
    assert "the rest of the cloud" in {gap.place for gap in found.unknown}


def test_a_bundle_of_a_bundle_is_still_of_its_target(tmp_path: Path) -> None:
    slim = carried(source_of(HEALTHY), tmp_path, "vm1")
    again = carried(slim, tmp_path)
    assert [trail.asked for trail in again.trails] == ["vm1"]
    assert why(again, "vm1") == why(source_of(HEALTHY), "vm1")


@pytest.mark.parametrize("case", ["s4-vif-plugged-timeout", "s5-no-valid-host"])
def test_logs_come_along_so_that_a_case_keeps_its_verdict(case: str, tmp_path: Path) -> None:
    asked = server(case)
    slim = carried(opened(case), tmp_path, asked, hindsight=DAY)
    before, after = why(opened(case), asked), why(slim, asked)
    assert slim.everything().logs.lines
    assert after.verdict == before.verdict
    assert after.causes == before.causes


def test_what_is_longer_ago_than_the_trail_comes_along_where_it_was_asked_for(
    tmp_path: Path,
) -> None:
    case, asked = "s4-vif-plugged-timeout", server("s4-vif-plugged-timeout")
    shutil.copytree(folder() / case, tmp_path / "saved")
    log = tmp_path / "saved/logs/cmp1-nova-compute.log"
    known = next(r.id for r in opened(case).openstack.servers or () if asked in (r.id, r.name))
    early = f"2026-11-18 09:00:00.000 7 ERROR nova.compute.manager [-] [instance: {known}] Early."
    log.chmod(0o600)
    log.write_text(f"{early}\n{log.read_text()}")
    found = {}
    for days in (0.1, 1, 5):
        saved = open_folder(tmp_path / "saved")
        facts, manifest = gather(saved, Wanted([asked], days * DAY))
        found[days] = manifest.since
        assert any("Early." in line.text for line in facts.logs.lines) is (days == 5)
        # What the verdict goes by comes along in any case.
        stored = StoredSource(facts, manifest.time)
        assert why(stored, asked).verdict == why(opened(case), asked).verdict
    assert found[5] == "2026-11-16T00:30:51+00:00"
    assert found[1] == "2026-11-20T00:30:51+00:00"
    assert found[0.1] > found[1]


def test_without_hindsight_no_log_comes_along(tmp_path: Path) -> None:
    case = "s4-vif-plugged-timeout"
    assert not carried(opened(case), tmp_path, server(case)).everything().logs


def test_of_very_many_lines_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "MOST_LINES", 3)
    lines = tuple(LogLine(time=float(number), text=str(number)) for number in range(5))
    logs = Logs(lines=lines, files=(LogFile(path="a", layout="oslo"),))
    kept = newest(logs)
    assert [line.text for line in kept.lines] == ["2", "3", "4"]
    assert "only the newest" in kept.files[0].cut
    assert newest(msgspec.structs.replace(logs, lines=lines[:3])).files[0].cut == ""


def test_the_manifest_tells_who_and_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "operator")
    _, manifest = gather(source_of(HEALTHY), Wanted())
    assert manifest.collector.user == "operator"
    assert manifest.collector.host
    assert manifest.time == source_of(HEALTHY).taken
    assert manifest.versions
    assert manifest.targets == ()
