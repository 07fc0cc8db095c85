"""controller-ssl: another authority, expired, another's certificate, none; and what is none of these."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from tests.cloud import accused, ask, on_host, settings
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.host import Tls
from viftrail.verdict import State

FACTS = facts_of("controller-ssl")
LATER = 4102444800.0  # 2100-01-01


def tls(facts: Facts, **fields: Any) -> Facts:
    """compute1's certificates: its own good ones, with other fields."""
    good = facts.hosts["network1"].tls
    assert good
    assert good.verified == "OK"
    return on_host(facts, "compute1", tls=msgspec.structs.replace(good, **fields))


def test_another_authority_and_the_right_one_beside_it() -> None:
    verdict = ask(FACTS)
    assert (verdict.verdict.stage, verdict.verdict.cause) == ("S7", "controller-ssl")
    (step,) = verdict.remedy.steps
    assert step.command.startswith("ovs-vsctl set-ssl ")
    assert step.command.endswith("/cacert.pem")
    assert step.undo.endswith("/cacert-old.pem")
    assert ask(FACTS, "vm2").verdict.state is State.DEGRADED
    assert accused(ask(FACTS, "vm3")) == set()


def test_the_right_authority_is_not_on_the_host() -> None:
    wrong = FACTS.hosts["compute1"].tls
    assert wrong
    facts = on_host(FACTS, "compute1", tls=msgspec.structs.replace(wrong, beside={}))
    (step,) = ask(facts).remedy.steps
    assert step.where == "the host of the cloud's certificate authority"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"until": 1.0}, "expired"),
        ({"since": LATER, "until": LATER + 1}, "not valid yet"),
        ({"verified": "error 20 at 0 depth lookup"}, "not of the authority"),
    ],
)
def test_its_own_certificate(fields: dict[str, Any], told: str) -> None:
    (cause,) = ask(tls(FACTS, **fields)).causes
    assert cause.id == "controller-ssl"
    assert told in cause.summary
    assert "PRIVATE" not in str(cause)


def test_no_certificates_where_others_have_them() -> None:
    facts = on_host(FACTS, "compute1", tls=None)
    (cause,) = ask(facts).causes
    assert (cause.id, cause.evidence[0].seen) == ("controller-ssl", "no row")
    never_asked = replace(
        facts,
        hosts={name: msgspec.structs.replace(h, tls=None) for name, h in facts.hosts.items()},
    )
    assert accused(ask(never_asked)) == {"controller-sb-unreachable"}


def test_good_certificates_are_not_to_blame() -> None:
    assert accused(ask(tls(FACTS))) == {"controller-sb-unreachable"}


def test_certificates_of_a_host_that_speaks_plain_tcp_are_not_looked_at() -> None:
    facts = settings(tls(FACTS, until=1.0), "compute1", ovn_remote="tcp:192.0.2.10:6642")
    assert accused(ask(facts)) == {"controller-sb-unreachable"}


def test_a_host_that_is_connected_is_not_accused() -> None:
    answers = FACTS.hosts["compute2"].unixctl
    good = FACTS.hosts["compute2"].tls
    assert good
    assert answers["ovn-controller"]["connection-status"] == "connected"
    facts = on_host(FACTS, "compute2", tls=msgspec.structs.replace(good, until=1.0))
    (group,) = audit(facts).groups
    assert group.subjects == ("host compute1",)


def test_nothing_is_known_of_a_bundle_from_before() -> None:
    assert msgspec.json.decode(b"{}", type=Tls) == Tls()
