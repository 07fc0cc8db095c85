"""subnet-without-gateway, guest-dhcp-silent."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from tests.cloud import MOMENT, accused, ask, change_port, edit, healthy, on_host, vm
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.chain.cloud import Cloud
from viftrail.facts.facts import Facts
from viftrail.facts.log.line import LogLine
from viftrail.facts.log.logs import LogFile, Logs, Signal
from viftrail.facts.northbound import DHCPOptions, LogicalSwitchPort
from viftrail.facts.openstack import OpenStack, Server
from viftrail.facts.owner import OwnedPort

ROUTES = "classless_static_route"
SERVICE = "169.254.169.254/32,10.0.0.2"


def routes(*, router: str = "", static: str = "") -> Facts:
    """Every subnet's DHCP options with these routes only."""
    told = {key: v for key, v in (("router", router), ("classless_static_route", static)) if v}
    return edit(
        healthy(),
        DHCPOptions,
        lambda row: msgspec.structs.replace(
            row,
            options={
                **{k: v for k, v in row.options.items() if k not in ("router", ROUTES)},
                **told,
            },
        ),
    )


def test_a_subnet_without_gateway_is_told_where_a_router_is() -> None:
    (cause,) = ask(routes(static=f"{{{SERVICE}}}")).causes
    assert cause.id == "subnet-without-gateway"
    (step,) = cause.remedy.steps
    assert "options:router=10.0.0.1 " in step.command
    assert f"{{{SERVICE}, 0.0.0.0/0,10.0.0.1}}" in step.command


def test_option_121_without_a_default_route_makes_the_router_option_useless() -> None:
    assert accused(ask(routes(router="10.0.0.1", static=f"{{{SERVICE}}}"))) == {
        "subnet-without-gateway"
    }


def test_either_option_alone_may_give_the_default_route() -> None:
    assert accused(ask(routes(router="10.0.0.1"))) == set()
    assert accused(ask(routes(static="{0.0.0.0/0,10.0.0.1}"))) == set()


def test_a_network_without_router_needs_no_default_route() -> None:
    facts = edit(routes(), LogicalSwitchPort, lambda row: None if row.type == "router" else row)
    assert "subnet-without-gateway" not in accused(ask(facts))


def test_it_may_be_the_second_network_of_a_vm_with_two() -> None:
    facts = routes(static=f"{{{SERVICE}}}")
    assert audit(facts).groups == ()
    assert [group.id for group in audit(facts, only="subnet-without-gateway").groups] == [
        "subnet-without-gateway"
    ]


def silent(facts: Facts, *, sent: tuple[int, int] = (5, 5), **guest: object) -> Facts:
    """vm1 has no address, and its tap has taken so many packets before and after."""
    number = str(port_number(facts))
    host = facts.hosts["compute1"]
    counters = msgspec.structs.replace(
        host.counters,
        first={**host.counters.first, number: (sent[0], 9)},
        second={**host.counters.second, number: (sent[1], 9)},
    )
    guests = tuple(
        msgspec.structs.replace(each, **{"addresses": (), **guest})
        if each.port_id == vm(facts)
        else each
        for each in host.guests
    )
    return on_host(facts, "compute1", counters=counters, guests=guests)


def port_number(facts: Facts) -> int:
    """The OpenFlow port of vm1."""
    (plug,) = Cloud(facts).plugs[vm(facts)]
    return plug.interface.ofport or 0


def test_a_guest_without_an_address_that_sends_nothing_is_told_to_ask() -> None:
    (cause,) = ask(silent(healthy())).causes
    assert (cause.id, cause.confidence.value) == ("guest-dhcp-silent", "likely")
    assert "dump-ports br-int" in cause.evidence[0].command
    assert cause.remedy.steps[0].where == "vm1"


def test_who_sends_or_has_its_address_or_was_not_asked_is_not_silent() -> None:
    for facts in (
        silent(healthy(), sent=(5, 6)),
        silent(healthy(), addresses=("10.0.0.11",)),
        silent(healthy(), mac=""),
        change_port(silent(healthy()), up=False),
        on_host(silent(healthy()), "compute1", guests=()),
    ):
        assert "guest-dhcp-silent" not in accused(ask(facts))


def test_a_short_look_only_suspects() -> None:
    facts = silent(healthy())
    counters = msgspec.structs.replace(facts.hosts["compute1"].counters, seconds=0.3)
    assert accused(ask(on_host(facts, "compute1", counters=counters))) == set()


def test_another_fault_of_the_way_to_its_lease_explains_the_silence() -> None:
    for name in ("dhcp-options-missing", "vif-tap-down", "flows-wiped", "portsec-mac-mismatch"):
        assert accused(ask(silent(facts_of(name)))) == {name}


def test_an_audit_leaves_a_guest_without_a_client_to_its_tenant() -> None:
    assert audit(silent(healthy())).groups == ()
    assert audit(silent(healthy()), only="guest-dhcp-silent").groups


@pytest.mark.parametrize(
    ("launched", "found"), [("2026-01-01T00:00:00Z", True), ("2026-01-01T00:58:00Z", False)]
)
def test_a_server_that_nobody_can_ask_is_silent_when_it_never_sent_a_packet(
    launched: str, found: bool
) -> None:
    facts = on_host(silent(healthy(), sent=(0, 0)), "compute1", guests=(), time=1767225600.0 + 3600)
    server = Server(id=owned(facts).server_id, vm_state="active", launched=launched)
    facts = replace(facts, openstack=OpenStack(servers=(server,)))
    assert ("guest-dhcp-silent" in accused(ask(facts))) is found


def owned(facts: Facts) -> OwnedPort:
    return next(port for port in facts.owner.ports if port.id == vm(facts))


@pytest.mark.parametrize(
    ("kinds", "found"),
    [
        (("OFFER",) * 3, True),
        (("OFFER", "OFFER"), False),
        (("OFFER",) * 3 + ("ACK",), False),
        (("ACK",) + ("OFFER",) * 3, True),
        (("OFFER",) * 3 + ("NAK",), False),
    ],
)
def test_offers_that_are_not_taken(kinds: tuple[str, ...], found: bool) -> None:
    facts = on_host(silent(healthy(), sent=(5, 5)), "compute1", guests=())
    mac = owned(facts).mac
    signals = tuple(
        Signal(
            pattern="dhcp-answered",
            line=LogLine(time=MOMENT + i, text=f"DHCP{kind} {mac} 10.0.0.11", source="a.log@0"),
            groups={"kind": kind, "mac": mac, "address": "10.0.0.11"},
        )
        for i, kind in enumerate(kinds)
    )
    facts = replace(facts, logs=Logs(all_signals=signals, files=(LogFile(path="a", layout=""),)))
    assert ("guest-dhcp-silent" in accused(ask(facts))) is found
