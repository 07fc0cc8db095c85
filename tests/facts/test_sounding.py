"""Recorded outputs of ofproto/trace, dump-ports and arping, read."""

from __future__ import annotations

from pathlib import Path

import pytest

from viftrail.facts.sounding import (
    Ending,
    Traced,
    read_answerer,
    read_arping,
    read_count,
    read_trace,
)

TRACES = Path(__file__).parent / "traces"


def text(name: str) -> str:
    return (TRACES / f"{name}.txt").read_text()


def test_a_dhcp_request_that_ovn_controller_is_handed_is_answered() -> None:
    ending = read_trace(text("dhcp-answered"), "dhcp")
    assert ending == Ending(answered=True, dropped=False, table=28)


def test_an_arp_request_that_comes_back_as_a_reply_is_answered() -> None:
    ending = read_trace(text("arp-answered"), "arp")
    assert ending is not None
    assert (ending.answered, ending.dropped) == (True, False)


def test_a_drop_is_where_the_last_table_is_and_nested_tables_are_none() -> None:
    """Table 73, of port security, is looked up on the way and comes back."""
    ending = read_trace(text("dhcp-port-security"), "dhcp")
    assert ending is not None
    assert (ending.answered, ending.dropped, ending.table, ending.logical_table) == (
        False,
        True,
        9,
        1,
    )
    assert not ending.routed
    assert ending.flow == "reg0=0x8000/0x8000,metadata=0x1, priority 50, cookie 0xba9a2596"


@pytest.mark.parametrize(
    ("stage", "is_acl"), [("ls_in_acl_eval", True), ("ls_in_acl", True), ("ls_in_l2_lkup", False)]
)
def test_where_acls_decide(stage: str, is_acl: bool) -> None:
    ending = Ending(answered=False, table=16)
    assert Traced(what="dhcp", host="h", command="c", ending=ending, stage=stage).by_acl is is_acl


def test_an_answer_to_another_question_is_none() -> None:
    ending = read_trace(text("dhcp-answered"), "arp")
    assert ending is not None
    assert not ending.answered


@pytest.mark.parametrize("table", [0, 7, 38, 65])
def test_tables_of_ovn_controllers_own_are_no_logical_ones(table: int) -> None:
    assert Ending(answered=False, table=table).logical_table is None


@pytest.mark.parametrize("said", ["", "ovs-appctl: br-int: no such bridge", "Flow: udp"])
def test_what_is_no_trace_is_none(said: str) -> None:
    assert read_trace(said, "dhcp") is None


def test_counters() -> None:
    said = (
        "OFPST_PORT reply (xid=0x2): 1 ports\n"
        "  port  4: rx pkts=6, bytes=854, drop=0, errs=0, frame=0, over=0, crc=0\n"
        "           tx pkts=7, bytes=932, drop=0, errs=0, coll=0\n"
    )
    assert read_count(said) == (6, 7)
    assert read_count("port 4: rx pkts=?, bytes=?") is None


def test_who_answered_arping() -> None:
    # iputils-arping, with -D and without.
    text = "Unicast reply from 203.0.113.1 [0A:58:CB:00:71:01]  0.675ms\nReceived 1 response(s)\n"
    assert read_answerer(text) == "0a:58:cb:00:71:01"
    assert read_answerer("Sent 2 probes (2 broadcast(s))\nReceived 0 response(s)\n") == ""


def test_arping() -> None:
    assert read_arping("Sent 1 probes (1 broadcast(s))\nReceived 1 response(s)\n") is True
    assert read_arping("Sent 2 probes (2 broadcast(s))\nReceived 0 response(s)\n") is False
    assert read_arping("arping: interface br-ex not found") is None
