"""Rows that changed, as far as it says how a port has come along."""

from __future__ import annotations

from tests.cloud import conf, healthy, vm, wire_map
from viftrail.facts.change import Change
from viftrail.facts.names import Names
from viftrail.facts.vswitch import Interface
from viftrail.history.changed import changed, installed


def change(what: str = "modify", host: str = "", comment: str = "", **columns: str) -> Change:
    return Change(
        time=1.0,
        database="Open_vSwitch" if host else "OVN_Southbound",
        table="Port_Binding",
        uuid="u",
        name="p",
        what=what,
        columns={name.replace("__", ":").replace("_0_", "-"): v for name, v in columns.items()},
        host=host,
        comment=comment,
        source="sb.db@7",
    )


def told(*changes: Change) -> list[str]:
    return [event.what for event in changed(changes)]


def test_what_says_how_far_it_has_come_is_told() -> None:
    (event,) = changed([change(up="true", chassis="c", comment="ovn-controller: cmp1\nx")])
    assert event.what == "Port_Binding p up=true chassis=c (by ovn-controller)"
    assert (event.kind, event.where, event.source) == ("row", "OVN_Southbound", "sb.db@7")


def test_what_says_nothing_is_left_out_but_for_coming_and_going() -> None:
    assert told(change(tunnel_key="7")) == []
    assert told(change("insert", up="false", type="")) == ["Port_Binding p made"]
    assert told(change("delete")) == ["Port_Binding p deleted"]


def test_false_is_news_where_it_was_true() -> None:
    assert told(change(up="false")) == ["Port_Binding p up=false"]
    assert told(change(error="")) == ['Port_Binding p error=""']


def test_long_values_and_those_with_blanks_stay_one_word() -> None:
    (text,) = told(change(addresses="fa:16:3e:00:00:01 " + "10.0.0.1 " * 20))
    assert text.startswith('Port_Binding p addresses="fa:16:3e:00:00:01 10.0.0.1')
    assert text.endswith('..."')


def test_the_host_of_a_conf_db_is_named() -> None:
    (event,) = changed([change(host="cmp1", external_ids__iface_0_id="p")])
    assert event.where == "Open_vSwitch of cmp1"
    assert event.what == "Port_Binding p iface-id=p"


def test_the_moment_of_the_last_flow_is_read_from_the_interface() -> None:
    facts = healthy()
    port = vm(facts)
    ((host, name),) = (
        (host, row.name)
        for host, probe in facts.hosts.items()
        for row in probe.conf[Interface]
        if row.external_ids.get("iface-id") == port
    )
    own = Names(ports=(port,))

    def seen(stamp: str, names: Names = own) -> list[tuple[float, str]]:
        ids = wire_map({"iface-id": port, "ovn-installed-ts": stamp})
        known = conf(facts, host, "Interface", {"name": name}, external_ids=ids)
        return [(event.time, event.where) for event in installed(known, names)]

    assert seen("1795220000500") == [(1795220000.5, f"Open_vSwitch of {host}")]
    assert seen("soon") == seen("") == []
    assert seen("1795220000500", Names(ports=("another",))) == []
