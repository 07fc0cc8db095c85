"""A host by its sosreport: what it shows becomes facts, what it does not show is not assumed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.facts.saved import made as saved
from viftrail.chain.controller import controller_state
from viftrail.chain.daemon import UNASKED
from viftrail.facts.host import Host
from viftrail.facts.northbound import NAT, LogicalSwitch
from viftrail.facts.saved import sosreport
from viftrail.facts.saved.contents import sort_out
from viftrail.facts.saved.folder import FolderSource, open_saved
from viftrail.facts.southbound import PortBinding
from viftrail.facts.vswitch import Interface
from viftrail.verdict import State, Verdict
from viftrail.why import why

PORT = "b04f753a-0370-4a54-b713-1a37c9a8b45b"
PS = "sos_commands/process/ps_auxwwwm"


def opened(*places: Path) -> FolderSource:
    return open_saved(places)


def host(*places: Path) -> Host:
    return opened(*places).everything().hosts["cmp1"]


def told(verdict: Verdict) -> tuple[State, str, str]:
    return verdict.verdict.state, verdict.verdict.stage, verdict.verdict.cause


@pytest.mark.parametrize("how", ["", "xz", "gz", "bz2"])
def test_the_verdict_is_that_of_the_databases_alone(how: str, tmp_path: Path) -> None:
    roots = [saved.controller(tmp_path), saved.compute(tmp_path), saved.compute(tmp_path, "cmp2")]
    places = [saved.packed(root, how) if how else root for root in roots]
    assert told(why(opened(*places), PORT)) == told(why(opened(saved.CASE / "db"), PORT))


def test_what_a_report_shows_of_its_host(tmp_path: Path) -> None:
    found = host(saved.controller(tmp_path), saved.compute(tmp_path))
    assert found.processes["ovs-vswitchd"].runs
    assert found.flows is not None
    assert found.flows.count > 100
    assert not found.conf_only
    assert controller_state(found) == UNASKED
    assert any("ovn-controller" in failure.what for failure in found.errors)


def test_a_report_is_called_as_its_chassis_is(tmp_path: Path) -> None:
    root = saved.compute(tmp_path)
    shutil.rmtree(root / "etc")
    saved.write(root, "sos_commands/host/hostname", "cmp1\n")
    found = host(saved.controller(tmp_path), root)
    assert not found.vswitch
    verdict = why(opened(saved.controller(tmp_path / "b"), root), PORT)
    assert verdict.verdict.state is State.UNKNOWN


def test_a_daemon_that_ps_does_not_list_does_not_run(tmp_path: Path) -> None:
    root = saved.compute(tmp_path)
    (root / PS).write_text(saved.PS[: saved.PS.rindex("root")])
    verdict = why(opened(saved.controller(tmp_path), root), PORT)
    assert told(verdict)[1:] == ("S7", "controller-crashed")


def test_a_daemon_whose_pid_file_is_left_is_dead(tmp_path: Path) -> None:
    root = saved.compute(tmp_path)
    (root / PS).write_text("".join(line for line in saved.PS.splitlines(True) if "711" not in line))
    saved.write(root, "run/openvswitch/ovs-vswitchd.pid", "711\n")
    shutil.rmtree(root / "sos_commands/ovn_host")
    verdict = why(opened(saved.controller(tmp_path), saved.packed(root)), PORT)
    assert told(verdict) == (State.BROKEN, "S8", "vswitchd-dead")


def test_without_ps_nobody_is_said_to_be_dead(tmp_path: Path) -> None:
    root = saved.compute(tmp_path)
    (root / PS).unlink()
    assert host(saved.controller(tmp_path), root).conf_only


def test_a_daemon_that_sos_waited_for_in_vain_hangs(tmp_path: Path) -> None:
    root = saved.compute(tmp_path)
    path = "sos_commands/ovn_central/ovn-appctl_-t_.run.ovn.ovn-controller.ctl_connection-status"
    saved.write(root, path, "")
    saved.manifest(
        root, ("ovn-appctl -t /run/ovn/ovn-controller.*.ctl connection-status", path, 124)
    )
    assert any(failure.hung for failure in host(saved.controller(tmp_path), root).errors)


def test_columns_that_are_never_stored_come_from_the_list(tmp_path: Path) -> None:
    root = saved.compute(tmp_path)
    row = next(
        row for row in host(saved.controller(tmp_path), root).conf[Interface] if "tap" in row.name
    )
    text = (
        f'_uuid : {row.uuid}\nname : {row.name}\ntype : ""\nofport : {row.ofport}\nerror : []\n'
        "admin_state : up\nlink_state : down\nmac_in_use : []\nmtu : 1442\noptions : {}\n"
        f'external_ids : {{iface-id="{PORT}"}}\n'
    )
    saved.write(root, "sos_commands/openvswitch/ovs-vsctl_-t_5_list_interface", text)
    found = host(saved.controller(tmp_path / "b"), root).conf[Interface].one("name", row.name)
    assert found is not None
    assert (row.link_state, found.link_state, found.mtu) == (None, "down", 1442)


def test_an_empty_list_is_an_empty_table_where_the_manifest_says_that_it_succeeded(
    tmp_path: Path,
) -> None:
    root = saved.controller(tmp_path)
    shutil.rmtree(root / "var")
    paths = [f"sos_commands/ovn_central/ovn-{each}" for each in ("nbctl_list_NAT", "sbctl_list_PB")]
    for path in paths:
        saved.write(root, path, "")
    saved.manifest(root, ("ovn-nbctl list NAT", paths[0], 0), ("ovn-sbctl list PB", paths[1], 1))
    for place in (root, saved.packed(root)):
        facts = opened(place).everything()
        assert facts.nb[NAT].complete
        assert not facts.nb[LogicalSwitch].complete
        assert not facts.sb[PortBinding].complete


@pytest.mark.parametrize("text", ["\ufeff123\n", "1" + " " * 5000 + "abc", "7" + " " * 5000])
def test_an_odd_pid_file_is_no_end(text: str, tmp_path: Path) -> None:
    root = saved.compute(tmp_path)
    saved.write(root, "run/openvswitch/ovn-northd.pid", text)
    assert host(saved.controller(tmp_path), root).processes["ovs-vswitchd"].runs


def test_an_output_that_nobody_foresaw_is_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(_: str) -> None:
        raise ValueError("a number of 5000 digits")

    monkeypatch.setattr("viftrail.facts.saved.outputs.processes", odd)
    source = opened(saved.controller(tmp_path), saved.compute(tmp_path))
    (gap,) = (gap for gap in source.gaps if gap.place.endswith("ps_auxwwwm"))
    assert "a number of 5000 digits" in gap.why
    assert source.everything().hosts["cmp1"].flows, "the rest of it is read"


@pytest.mark.parametrize(
    "command",
    [
        "podman exec -t ovn_northd ovn-appctl -t ovn-northd status",
        "docker exec ovn_northd ovs-appctl -t ovn-northd status",
        "ovn-appctl -t ovn-northd status",
    ],
)
def test_whom_a_command_waits_for_in_a_container_too(command: str) -> None:
    assert sosreport._asked(command) == "ovn-northd"
    assert sosreport._asked("podman exec -i x ovs-ofctl dump-flows br-int") == "ovs-vswitchd"


def test_a_manifest_of_nothing_is_not_decoded(tmp_path: Path) -> None:
    root = saved.controller(tmp_path)
    run = ("ovn-nbctl show", "sos_commands/ovn_central/ovn-nbctl_show", 7)
    saved.manifest(root, run)
    path = root / "sos_reports/manifest.json"
    (report,) = sort_out(root).reports
    assert 7 in {output.code for output in report.outputs()}
    path.write_text(path.read_text().replace('"commands": [', '"commands": [' + "{}," * 100_000))
    assert 7 not in {output.code for output in report.outputs()}
