"""Every recorded case of a real OpenStack gets the verdict that its note implies."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from tests.samples import folder, opened, server
from viftrail.facts.saved.folder import open_folder
from viftrail.fix.shell import objection
from viftrail.verdict import Risk, State, Verdict
from viftrail.why import why

VERDICTS: dict[str, tuple[State, str, str]] = {
    "p2-normal-plug-2026.2": (State.HEALTHY, "", ""),
    "p4-vif-plugged-timeout-2026.2": (State.BROKEN, "S7", "controller-flow-lag"),
    "p5-no-valid-host-2026.2": (State.BROKEN, "S1", "sched-ram-capacity"),
    "s0-healthy-two-servers-fip": (State.HEALTHY, "", ""),
    "s12-hard-reboot-stop-start": (State.HEALTHY, "", ""),
    "s16-metadata-agent": (State.HEALTHY, "", ""),
    "s17-nova-compute-down": (State.DEGRADED, "S1", "sched-compute-down"),
    "s2-normal-plug": (State.HEALTHY, "", ""),
    "s3-two-hosts": (State.HEALTHY, "", ""),
    "s4-vif-plugged-timeout": (State.BROKEN, "S7", "controller-flow-lag"),
    "s5-no-valid-host": (State.BROKEN, "S1", "sched-ram-capacity"),
    "s5b-no-valid-host-forced-host": (State.BROKEN, "S1", "sched-forced-host"),
    "s6-agent-down-binding-failed": (State.BROKEN, "S3", "bind-dead-agent"),
    "s7-hostname-mismatch-binding-failed": (State.BROKEN, "S3", "bind-host-mismatch"),
    "s8-missing-bridge-mapping": (State.BROKEN, "S3", "bind-physnet-missing-on-host"),
}
NOAUTH = "s1-noauth-neutron-fip-and-bound-ports"

each = pytest.mark.parametrize("case", VERDICTS)


def asked(case: str) -> Verdict:
    return why(opened(case), server(case))


def stage(verdict: Verdict, number: str) -> str:
    return next(f.state.value for f in verdict.stages if f.id == number)


def test_no_case_is_left_out() -> None:
    assert {path.name for path in folder().iterdir() if path.is_dir()} == {*VERDICTS, NOAUTH}


@each
def test_the_verdict_is_what_the_note_implies(case: str) -> None:
    verdict = asked(case).verdict
    assert (verdict.state, verdict.stage, verdict.cause) == VERDICTS[case]


@each
def test_it_takes_less_than_five_seconds(case: str) -> None:
    began = time.monotonic()
    why(open_folder(folder() / case), server(case))
    assert time.monotonic() - began < 5


@each
def test_names_and_folders_do_not_matter(case: str, tmp_path: Path) -> None:
    """The same files under other names, in one folder, give the same verdict."""
    kinds = {".db": "database", ".json": "answer", ".log": "lines", ".out": "lines", ".txt": "text"}
    providers: dict[str, str] = {}
    for number, path in enumerate(sorted((folder() / case).rglob("*"))):
        if path.is_file():
            shutil.copy(path, tmp_path / f"{kinds.get(path.suffix, 'x')}-{number}")
            providers[path.name] = path.suffix
    verdict = why(open_folder(tmp_path), server(case)).verdict
    expected = VERDICTS[case]
    if expected[2] == "sched-ram-capacity":
        # Which provider an inventory is of only the file's name told, where both have had as
        # many changes; what Placement logged tells it all the same.
        assert verdict.stage == "S1"
    else:
        assert (verdict.state, verdict.stage, verdict.cause) == expected


def test_a_build_that_failed_follows_from_what_kept_its_port_down() -> None:
    verdict = asked("s4-vif-plugged-timeout")
    assert stage(verdict, "S2") == "consequence"
    assert stage(verdict, "S3") == "n/a"
    assert verdict.verdict.confidence == "proven"
    assert [cause.id for cause in verdict.causes] == ["controller-flow-lag"]


def test_the_arithmetic_is_shown() -> None:
    (cause,) = asked("s5-no-valid-host").causes
    assert "(10714 - 0) x 1 - 128 = 10586 left" in cause.evidence[0].seen
    assert "40000 MiB" in cause.summary


def test_df_and_free_are_not_what_decides() -> None:
    verdict = asked("p5-no-valid-host-2026.2")
    disk = next(guess for guess in verdict.ruled_out if "disk" in guess.guess)
    assert "`df`" in disk.because
    assert "(251 - 0) x 1" in disk.because


def test_neutrons_own_reason_is_quoted() -> None:
    for case, words in (
        ("s6-agent-down-binding-failed", "to dead agent"),
        ("s7-hostname-mismatch-binding-failed", "due to no OVN chassis for host: cmp2"),
        ("s8-missing-bridge-mapping", "not supporting physical network: physnet1"),
    ):
        cause = asked(case).causes[0]
        assert cause.confidence.value == "proven"
        assert any(words in item.seen for item in cause.evidence), case


def test_a_refused_binding_explains_the_build() -> None:
    verdict = asked("s7-hostname-mismatch-binding-failed")
    assert [cause.id for cause in verdict.causes] == ["bind-host-mismatch"]
    assert stage(verdict, "S2") == "consequence"


def test_what_is_under_way_is_told() -> None:
    verdict = asked("s12-hard-reboot-stop-start")
    build = next(finding for finding in verdict.stages if finding.id == "S2")
    assert "`stop` is under way on cmp2" in build.summary


def test_an_unexpected_event_is_explained_and_not_accused() -> None:
    for case in ("s2-normal-plug", "s12-hard-reboot-stop-start", "s16-metadata-agent"):
        verdict = asked(case)
        assert not verdict.causes
        assert any("unexpected" in guess.guess for guess in verdict.ruled_out), case


def test_every_other_server_of_a_case_is_not_accused() -> None:
    """Who has a network in a case keeps it: what broke one server is not the others' verdict."""
    for case in VERDICTS:
        source = opened(case)
        for row in source.openstack.servers or ():
            if row.vm_state == "active" and row.name != server(case):
                causes = {cause.id: cause.state for cause in why(source, row.id).causes}
                assert causes.get(VERDICTS[case][2]) is not State.BROKEN, (case, row.name)


def test_without_nova_ports_are_judged_by_neutron_and_ovn() -> None:
    source = opened(NOAUTH)
    found = {port.server: why(source, port.id).verdict for port in source.owner.ports}
    assert found["p-cmp1"].state is State.HEALTHY
    assert found["p-cmp2"].state is State.HEALTHY
    assert (found["p-bad"].stage, found["p-bad"].cause) == ("S3", "bind-host-mismatch")


def test_a_host_that_nova_calls_by_its_chassis_name_is_looked_at_and_well() -> None:
    """Chassis cmp2 has the hostname cmp2.example.org, and the port that is bound to it is up."""
    verdict = why(opened("s7-hostname-mismatch-binding-failed"), "vm2")
    assert verdict.target.host == "cmp2.example.org"
    assert [f.id for f in verdict.stages if f.state is State.BROKEN] == []
    assert next(f for f in verdict.stages if f.id == "S8").summary.startswith("plugged into br-int")
    assert not any(gap.place == "host cmp2" for gap in verdict.unknown)


def test_who_would_lose_the_claim_is_asked_before_a_host_is_called_harmless_to_rename() -> None:
    (step, *_) = asked("s7-hostname-mismatch-binding-failed").remedy.steps
    assert (step.command, step.risk) == (
        "ovs-vsctl set Open_vSwitch . external_ids:hostname=cmp2",
        Risk.SAFE,
    )


@pytest.mark.parametrize("case", ["s4-vif-plugged-timeout", "s6-agent-down-binding-failed"])
def test_a_controller_that_is_silent_is_woken_before_it_is_made_anew(case: str) -> None:
    woken, anew, *_ = asked(case).remedy.steps
    assert (woken.command, woken.risk) == (
        "systemctl kill --signal=CONT ovn-controller",
        Risk.SAFE,
    )
    assert (anew.command, anew.risk) == (
        "ovn-appctl -T 5 -t ovn-controller connection-status || systemctl restart ovn-controller",
        Risk.BLINKS,
    )
    assert not objection(anew.command), "viftrail may run it"
