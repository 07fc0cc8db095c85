"""`Received unexpected event network-vif-plugged`: explained, and only where it is logged."""

from __future__ import annotations

from tests.openstack import PORT, cloud_of, port, server, signal, up
from viftrail.diagnose import diagnose
from viftrail.facts.log.logs import Signal
from viftrail.faults.event import GUESS, OFTEN
from viftrail.verdict import RuledOut, Undecided, Verdict


def asked(*logs: Signal) -> Verdict:
    row, binding = up()
    cloud = cloud_of(
        server(host="cmp1"), ports=(port(),), northbound=(row,), bindings=(binding,), logs=logs
    )
    return diagnose(cloud.facts, PORT, "vm")


def event(time: float, kind: str = "network-vif-plugged", of: str = PORT) -> Signal:
    return signal("unexpected-event", "Received", time=time, port=of, event=kind, vm_state="active")


def cleared(verdict: Verdict) -> list[RuledOut]:
    return [each for each in verdict.ruled_out if each.guess == GUESS.name]


def undecided(verdict: Verdict) -> list[Undecided]:
    return [each for each in verdict.undecided if each.guess == GUESS.name]


def test_one_is_a_proof_of_the_plug() -> None:
    (found,) = cleared(asked(event(1), event(2)))
    assert "the server was active" in found.because
    assert "Received" in found.evidence[0].seen


def test_nobody_speaks_of_it_where_it_was_not_logged() -> None:
    for verdict in (asked(), asked(event(1, of="another"))):
        assert not cleared(verdict)
        assert not undecided(verdict)


def test_again_and_again_is_no_restart() -> None:
    verdict = asked(*(event(n) for n in range(OFTEN)))
    assert not cleared(verdict)
    (found,) = undecided(verdict)
    assert found.why == f"it came {OFTEN} times"
    assert f"Changing chassis for lport {PORT}" in found.command


def test_unplugs_are_not_counted_as_plugs() -> None:
    assert cleared(asked(*(event(n, "network-vif-unplugged") for n in range(OFTEN)), event(99)))
