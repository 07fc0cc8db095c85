"""What commands print about a host becomes the facts that a probe would have brought."""

from __future__ import annotations

import json
import shutil
import subprocess

import msgspec
import pytest

from tests.samples import folder
from viftrail.facts.host import ConnTrack, Disk, Link, Memory
from viftrail.facts.saved import outputs

ADDRESSES = """\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00 promiscuity 0  allmulti 0 minmtu 0
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
5: ovs-system: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN group default qlen 1000
    link/ether 12:bb:2c:27:f9:ef brd ff:ff:ff:ff:ff:ff promiscuity 1 minmtu 68 maxmtu 65535
    openvswitch numtxqueues 1 numrxqueues 1 gso_max_size 65536 gso_max_segs 65535
7: tap1@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1442 qdisc noqueue master ovs-system state UP
    link/ether fe:16:3e:00:00:01 brd ff:ff:ff:ff:ff:ff link-netnsid 0 promiscuity 1 minmtu 68
    veth
    openvswitch_slave numtxqueues 2 numrxqueues 2 gso_max_size 65536 gso_max_segs 65535
    inet6 fe80::fc16:3eff:fe00:1/64 scope link
       valid_lft forever preferred_lft forever
"""
PS = """\
USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND
root       700  0.0  0.1  10000  3000 ?        -    10:00   0:01 ovsdb-server /etc/ovs/conf.db
root         -  0.0    -      -     - -        Ss   10:00   0:01 -
root       710  0.0  0.0  10000   300 ?        -    10:00   0:00 ovs-vswitchd: monitoring pid 711
root         -  0.0    -      -     - -        S    10:00   0:00 -
root       711  2.0  0.9 900000 90000 ?        -    10:00   5:00 ovs-vswitchd unix:/run/ovs/db.sock
root         -  2.0    -      -     - -        T<Ll 10:00   5:00 -
root         -  0.0    -      -     - -        S<Ll 10:00   0:00 -
root       800  0.0  0.0  10000   300 ?        -    10:00   0:00 /usr/bin/ovn-controller unix:/run/x
root         -  0.0    -      -     - -        S    10:00   0:00 -
me         900  0.0  0.0  10000   300 pts/0    -    10:00   0:00 grep ovn-northd
me           -  0.0    -      -     - -        S+   10:00   0:00 -
"""
PORTS = """\
OFPST_PORT reply (xid=0x2): 2 ports
  port LOCAL: rx pkts=14, bytes=1, drop=0, errs=0, frame=0, over=0, crc=0
           tx pkts=15, bytes=1, drop=0, errs=0, coll=0
  port  3: rx pkts=20, bytes=1, drop=?, errs=?, frame=?, over=?, crc=?
           tx pkts=21, bytes=1, drop=?, errs=?, coll=?
"""


def test_devices_with_their_states_and_addresses() -> None:
    lo, system, tap = outputs.links(ADDRESSES)
    assert lo.addr_info[0].local == "127.0.0.1"
    assert (system.up, system.linkinfo.info_kind) == (False, "openvswitch")
    assert (tap.ifname, tap.link, tap.master, tap.mtu) == ("tap1", "if2", "ovs-system", 1442)
    assert (tap.up, tap.carrier, tap.linkinfo.info_kind) == (True, True, "veth")
    assert (tap.address, tap.addressed) == ("fe:16:3e:00:00:01", False)


@pytest.mark.skipif(not shutil.which("ip"), reason="needs iproute2")
def test_the_devices_of_this_host_are_those_that_ip_tells_in_json() -> None:
    text = subprocess.run(["ip", "-d", "address"], capture_output=True, text=True, check=True)
    told = subprocess.run(["ip", "-j", "-d", "address"], capture_output=True, check=True)
    known = msgspec.convert([each for each in json.loads(told.stdout) if each], list[Link])
    found = outputs.links(text.stdout)
    assert [(each.ifname, each.flags, each.mtu, each.master) for each in found] == [
        (each.ifname, each.flags, each.mtu, each.master) for each in known
    ]
    assert [[a.local for a in each.addr_info] for each in found] == [
        [a.local for a in each.addr_info if a.local] for each in known
    ]


def test_daemons_and_their_states() -> None:
    found = outputs.processes(PS)
    assert {name: process.pid for name, process in found.items()} == {
        "ovsdb-server": 700,
        "ovs-vswitchd": 711,
        "ovn-controller": 800,
    }
    assert [process.runs for process in found.values()] == [True, False, True]


@pytest.mark.parametrize(
    ("command", "daemon"),
    [
        ("ovsdb-server -vconsole:off /var/lib/ovn/ovnnb_db.db --remote=punix:x", "ovnnb_db"),
        ("ovsdb-server --remote=punix:/run/ovn/ovnsb_db.sock x.db", "ovnsb_db"),
        ("/usr/sbin/ovs-vswitchd --pidfile", "ovs-vswitchd"),
        ("vim ovn-northd.log", ""),
        ("/bin/sh /etc/ovn-controller", ""),
        ("", ""),
    ],
)
def test_a_daemon_is_told_by_its_command_line(command: str, daemon: str) -> None:
    assert outputs.daemon_of(command) == daemon


def test_flows_are_those_that_a_probe_brings() -> None:
    text = (folder() / "s3-two-hosts" / "ovs" / "cmp1-ofctl-dump-flows.txt").read_text()
    found = outputs.flows(text, "br-int")
    assert found.count == text.count("actions=")
    assert any("in_port=3 actions=" in flow for flow in found.ports)
    assert any(flow.split()[1] == "table=65," for flow in found.ports)
    assert not any("duration" in flow or "n_packets" in flow for flow in found.ports)


def test_counters_by_port() -> None:
    assert outputs.packets(PORTS) == {"LOCAL": (14, 15), "3": (20, 21)}


def test_disks_and_memory() -> None:
    text = (
        "Filesystem     1K-blocks      Used Available Use% Mounted on\n"
        "proc                   0         0         0    - /proc\n"
        "/dev/vda1            100        90        10  90% /\n"
        "//nas/x              100        90         -  90% /mnt/my disk\n"
    )
    assert outputs.disks(text) == (Disk("/", 102400, 10240),)
    assert outputs.memory("MemTotal:  100 kB\nMemAvailable:  20 kB\n") == Memory(102400, 20480)


def test_rules_that_look_at_a_udp_port() -> None:
    text = """\
table inet filter { # handle 1
\tchain input { # handle 1
\t\ttype filter hook input priority filter; policy accept;
\t\tudp dport 6081 drop # handle 2
\t\tip saddr 10.0.0.1 udp dport 6081 counter packets 0 bytes 0 drop # handle 3
\t\tudp dport { 53, 6081 } accept # handle 5
\t\tudp dport 67 counter packets 0 bytes 0 log prefix "x y" reject # handle 6
\t}
}
table ip mangle { # handle 2
\tchain OUT {
\t\tudp dport 6081 accept # handle 4
\t}
}
"""
    found = [
        (rule.family, rule.table, rule.chain, rule.handle, rule.udp_port, rule.drops, rule.narrow)
        for rule in outputs.firewall(text)
    ]
    assert found == [  # as the probe tells of the same rules in JSON
        ("inet", "filter", "input", 2, 6081, True, False),
        ("inet", "filter", "input", 3, 6081, True, True),
        ("inet", "filter", "input", 6, 67, True, False),
        ("ip", "mangle", "OUT", 4, 6081, False, False),
    ]


def test_connections_that_are_tracked() -> None:
    text = "a.b = 1\nnet.netfilter.nf_conntrack_count = 7\nnet.netfilter.nf_conntrack_max = 9\n"
    assert outputs.tracked(text) == ConnTrack(7, 9)
    assert outputs.tracked("net.netfilter.nf_conntrack_max = 9\n") is None


def test_a_vm_that_runs() -> None:
    path = folder() / "p2-normal-plug-2026.2" / "ovs" / "cmp1-instance-00000001.xml"
    found = outputs.domain(path.read_text())
    assert found is not None
    assert (found.name, found.cards[0].device[:3]) == ("instance-00000001", "tap")
    assert outputs.domain("<domain type='kvm'><name>off</name></domain>") is None
    assert outputs.domain("<domain type=") is None


ODD = ("\u00b2", "\u0663", "9" * 5000)


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_number_costs_no_more_than_itself(odd: str) -> None:
    (link, *_) = outputs.links(ADDRESSES.replace("mtu 65536", f"mtu {odd}"))
    assert (link.mtu, link.addr_info[0].local) == (0, "127.0.0.1")
    (link, *_) = outputs.links(ADDRESSES.replace("127.0.0.1/8", f"127.0.0.1/{odd}"))
    assert link.mtu == 65536
    assert "ovs-vswitchd" in outputs.processes(PS.replace(" 800 ", f" {odd} "))
    line = f"/dev/a {odd} 1 5 1% /\n/dev/b 10 5 {odd} 1% /var/log\n/dev/c 10 5 0 1% /var/lib/nova\n"
    found = outputs.disks("Filesystem 1K-blocks Used Available Use% Mounted on\n" + line)
    assert found == (Disk("/var/lib/nova", 10 << 10, 0),)
    assert outputs.memory(f"MemTotal: 100 kB\nMemAvailable: {odd} kB\n") == Memory(100 << 10, 0)
    counted = outputs.packets(PORTS.replace("pkts=14", f"pkts={odd}"))
    assert counted["3"] == (20, 21)
    text = "net.netfilter.nf_conntrack_{} = {}\n"
    assert outputs.tracked(text.format("count", odd) + text.format("max", 5)) is None
    rule = f"table inet f {{\n chain c {{\n udp dport {odd} drop # handle 1\n"
    assert outputs.firewall(rule) == ()
