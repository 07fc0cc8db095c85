"""dhcp-request-mismatch, from what ovn-controller logged."""

from __future__ import annotations

from dataclasses import replace

from tests.cloud import MOMENT, accused, ask, healthy, vm
from viftrail.facts.facts import Facts
from viftrail.facts.log.line import LogLine
from viftrail.facts.log.logs import LogFile, Logs, Signal
from viftrail.facts.log.patterns import PATTERNS

FAULT = "dhcp-request-mismatch"


def logged(*texts: str) -> Facts:
    facts = healthy()
    signals = []
    for number, text in enumerate(texts):
        line = LogLine(time=MOMENT + number, host="c1", service="ovn-controller", level="INFO",
                       text=text, source=f"ovn-controller.log@{number}")  # fmt: skip
        signals += [
            Signal(pattern=each.id, line=line, groups=groups)
            for each in PATTERNS
            if (groups := each.match(text, "INFO")) is not None
        ]
    files = (LogFile(path="ovn-controller.log", layout="vlog", service="ovn-controller"),)
    return replace(facts, logs=Logs(all_signals=tuple(signals), files=files))


def address_and_mac(server: str) -> tuple[str, str]:
    facts = healthy()
    port = facts.owner.port(vm(facts, server))
    assert port is not None
    return port.addresses[0], port.mac


IP, MAC = address_and_mac("vm1")
REQUEST = f"DHCPREQUEST requested IP 10.77.0.9 does not match offer {IP}"


def test_a_guest_that_insists_is_named() -> None:
    verdict = ask(logged(REQUEST, f"DHCPNAK {MAC} 10.77.0.9"))
    assert verdict.verdict.cause == FAULT
    assert "10.77.0.9" in verdict.verdict.summary
    assert FAULT not in accused(ask(logged(REQUEST, f"DHCPNAK {MAC} 10.77.0.9"), "vm2"))


def test_a_guest_that_gave_in_is_not() -> None:
    facts = logged(REQUEST, f"DHCPNAK {MAC} 10.77.0.9", f"DHCPACK {MAC} {IP}")
    assert FAULT not in accused(ask(facts))


def test_the_same_address_of_another_network_is_not_this_guest() -> None:
    facts = logged(REQUEST, "DHCPNAK fa:16:3e:ff:ff:ff 10.77.0.9")
    assert FAULT not in accused(ask(facts))
