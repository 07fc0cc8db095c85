"""What a file is shows in its beginning."""

from __future__ import annotations

import pytest

from viftrail.facts.saved.kind import Kind, kind_of

UUID = "118836ec-fa9f-4e3b-ab66-b17619755e60"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        ("OVSDB JSON 12 " + "0" * 40 + "\n{}", Kind.DATABASE),
        ('":1}}\nOVSDB JSON 12 ' + "0" * 40 + "\n{}", Kind.REMAINS),
        ('{"servers": []}', Kind.ANSWER),
        ('{"version": "4.5.6", "cmdline": "report --batch", "start_time": ""', Kind.MANIFEST),
        ("+----+\n| ID |\n+----+\n", Kind.TABLE),
        (f"_uuid               : {UUID}\nname : x\n", Kind.LISTING),
        (f"name : x\n\n_uuid               : {UUID}\n", Kind.LISTING),
        ("AutoAttach table\n\nBridge table\n_uuid", Kind.LISTING),
        (f"switch {UUID} (neutron-x)\n", Kind.NORTH),
        ('Chassis "cmp2"\n    hostname: cmp2\n', Kind.SOUTH),
        (f"{UUID}\n    Bridge br-int\n", Kind.SWITCH),
        ("NXST_FLOW reply (xid=0x4):\n", Kind.FLOWS),
        ("OFPST_FLOW reply (OF1.3) (xid=0x2):\n cookie=", Kind.FLOWS),
        ("OFPST_PORT reply (xid=0x2): 3 ports\n  port LOCAL: rx", Kind.PORTS),
        ("1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc", Kind.LINKS),
        (
            "USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n",
            Kind.PROCESSES,
        ),
        ("Filesystem     1K-blocks      Used Available Use% Mounted on\n", Kind.DISKS),
        ("MemTotal:       24684092 kB\nMemFree: 1 kB", Kind.MEMORY),
        ("table inet filter { # handle 1\n", Kind.FIREWALL),
        ("abi.vsyscall32 = 1\ndebug.exception-trace = 1\n", Kind.KERNEL),
        ("<domain type='kvm' id='1'>\n", Kind.DOMAIN),
        ("812\n", Kind.PID),
        ("a1b2\nName: OVN_Southbound\nCluster ID: 1", Kind.CLUSTER),
        ("Status: paused\n", Kind.STATUS),
        ("not connected\n", Kind.STATUS),
        ("2026-11-21T10:00:00.000Z|00001|vlog|INFO|opened\n", Kind.LOG),
        ("ovs-vsctl: unix:/run/openvswitch/db.sock: database connection failed ()", Kind.OTHER),
        ("what I remember", Kind.OTHER),
        (" \n", Kind.EMPTY),
    ],
)
def test_a_beginning_tells(head: str, kind: Kind) -> None:
    assert kind_of(head.encode()) is kind


def test_what_is_no_text_is_no_log() -> None:
    assert kind_of(b"\x89PNG\0 2026-11-21 10:00:00") is Kind.OTHER
