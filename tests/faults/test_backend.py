"""metadata-secret-or-backend."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cloud import MOMENT, accused, ask, change_port, healthy, vm
from viftrail.facts.facts import Facts
from viftrail.facts.log.line import LogLine
from viftrail.facts.log.logs import LogFile, Logs, Signal
from viftrail.verdict import Verdict

FAULT = "metadata-secret-or-backend"
FORBIDDEN = "The remote metadata server responded with Forbidden. This response usually occurs"


def logged(pattern: str, text: str, host: str = "compute1", **groups: str) -> Facts:
    """The healthy cloud, with this line in a log of this host."""
    line = LogLine(time=MOMENT, host=host, text=text, source="a.log@0", ids=tuple(groups.values()))
    signal = Signal(pattern=pattern, line=line, groups=groups)
    logs = Logs(all_signals=(signal,), files=(LogFile(path="a.log", layout="oslo"),))
    return replace(healthy(), logs=logs)


def server_id() -> str:
    return next(p.server_id for p in healthy().owner.ports if p.id == vm(healthy()))


def confidence(verdict: Verdict) -> list[tuple[str, str]]:
    return [(cause.id, cause.confidence.value) for cause in verdict.causes]


def test_what_the_agent_says_of_a_refusal_makes_it_likely() -> None:
    facts = logged("metadata-forbidden", FORBIDDEN)
    assert confidence(ask(facts)) == [(FAULT, "likely")]
    assert "Forbidden" in ask(facts).causes[0].evidence[0].seen


def test_what_nova_says_of_this_server_proves_it() -> None:
    facts = logged("metadata-signature-wrong", "does not match", "ctl", server=server_id())
    assert confidence(ask(facts)) == [(FAULT, "proven")]
    assert accused(ask(facts, "vm2")) == set()


@pytest.mark.parametrize("pattern", ["metadata-backend-failed", "metadata-answer-unexpected"])
def test_an_api_that_fails_is_another_thing_than_the_secret(pattern: str) -> None:
    (cause,) = ask(logged(pattern, "internal server error")).causes
    assert cause.id == FAULT
    assert "secret" not in cause.summary


def test_the_agent_of_another_host_or_of_none_accuses_nobody_here() -> None:
    for host in ("compute2", ""):
        assert accused(ask(logged("metadata-forbidden", FORBIDDEN, host))) == set()
    assert accused(ask(healthy())) == set()


def test_whom_dhcp_sends_to_no_metadata_service_is_left_alone() -> None:
    facts = change_port(logged("metadata-forbidden", FORBIDDEN), dhcpv4_options=None)
    assert FAULT not in accused(ask(facts))
