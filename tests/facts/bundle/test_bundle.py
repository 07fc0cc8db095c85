"""Bundles: what is written is read again, and nothing hostile or damaged does harm."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cloud import healthy, without
from tests.recordings import HEALTHY, NAMES, VMS, facts_of, path, source_of
from tests.samples import opened
from viftrail.audit import audit
from viftrail.errors import CannotWrite, DamagedBundle, FileUnreadable, ViftrailError
from viftrail.facts import southbound
from viftrail.facts.bundle import archive
from viftrail.facts.bundle.bundle import FORMAT, VALUES_PER_BYTE, read, write, write_out
from viftrail.facts.bundle.manifest import Manifest
from viftrail.facts.database import Database
from viftrail.facts.facts import Facts, Gap
from viftrail.facts.host import Failure
from viftrail.facts.inquiry import NORTHBOUND, Inquiry
from viftrail.facts.log.line import LogLine
from viftrail.facts.log.logs import LogFile, Logs, Signal
from viftrail.facts.log.moment import Window
from viftrail.facts.northbound import NAT, TABLES, LogicalSwitchPort
from viftrail.facts.openstack import OpenStack, Server, ServerFault
from viftrail.facts.row import Row
from viftrail.facts.source import Ask
from viftrail.facts.stored import StoredSource, from_files
from viftrail.facts.table import Table
from viftrail.lab.synth.build import Order, synthesize
from viftrail.why import why

MANIFEST = Manifest(format=FORMAT, tool="viftrail test", time="2026-01-01", source="test")


def again(facts: Facts, folder: Path) -> Facts:
    file = folder / "again.bundle"
    write(file, facts, MANIFEST)
    return read(file)[0]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_is_read_again(name: str, tmp_path: Path) -> None:
    facts = facts_of(name)
    found = again(facts, tmp_path)
    assert (found.hosts, found.owner, found.gaps) == (facts.hosts, facts.owner, facts.gaps)
    for before, after in ((facts.nb, found.nb), (facts.sb, found.sb)):
        assert {row: before[row].rows for row in before} == {row: after[row].rows for row in after}
        assert all(after[row].complete for row in after if row not in southbound.NEVER_WHOLE)


def test_the_manifest_says_what_it_is(tmp_path: Path) -> None:
    written = write(tmp_path / "b", healthy(), MANIFEST)
    assert read(tmp_path / "b")[1] == written
    assert (written.tool, written.time, written.source) == ("viftrail test", "2026-01-01", "test")
    with tarfile.open(tmp_path / "b") as made:
        sizes = {member.name: member.size for member in made}
    del sizes["manifest.json"]
    assert written.members == sizes
    assert written.partial == ()
    assert written.redactions == ()


def test_a_bundle_is_for_its_owner_only(tmp_path: Path) -> None:
    write(tmp_path / "b", healthy(), MANIFEST)
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600


def test_a_database_that_was_not_read_is_not_an_empty_one(tmp_path: Path) -> None:
    """As `collect` leaves it when Northbound does not answer."""
    inquiry = Inquiry(StoredSource(without(healthy(), NORTHBOUND)))
    inquiry.fetch([*(Ask(row) for row in TABLES), *(Ask(row) for row in healthy().sb)])
    inquiry.look(healthy().hosts)
    found = again(replace(inquiry.facts(), owner=healthy().owner), tmp_path)
    assert not found.nb[LogicalSwitchPort].knows("name", "x")
    assert audit(found).causes == ()
    for server in VMS:
        verdict = why(StoredSource(found, "2026"), server)
        assert (verdict.verdict.state.value, verdict.causes) == ("unknown", ())
        assert NORTHBOUND in {gap.place for gap in verdict.unknown}


def test_rows_that_are_not_all_stay_not_all(tmp_path: Path) -> None:
    """As of a database file with a torn end."""
    rows = healthy().nb[LogicalSwitchPort].rows[:2]
    nb = Database(
        {row: healthy().nb[row] for row in healthy().nb} | {LogicalSwitchPort: Table(rows)}
    )
    found = again(replace(healthy(), nb=nb), tmp_path)
    assert found.nb[LogicalSwitchPort].rows == rows
    assert not found.nb[LogicalSwitchPort].knows("name", "x")
    assert found.nb[NAT].knows("external_ip", "x")


def test_gaps_are_kept(tmp_path: Path) -> None:
    gap = Gap("host compute9", "It did not answer.", "Look whether it is up.")
    assert again(replace(healthy(), gaps=(gap,)), tmp_path).gaps == (gap,)


# Damage.


def refused(content: bytes, folder: Path) -> DamagedBundle:
    file = folder / "damaged.bundle"
    file.write_bytes(content)
    with pytest.raises(DamagedBundle) as caught:
        read(file)
    assert caught.value.what
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_bundle_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    content = path(HEALTHY).read_bytes()
    for length in (*range(0, len(content), 97), len(content) - 1):
        refused(content[:length], tmp_path)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_changed_byte_is_refused_or_harmless(tmp_path: Path, data: st.DataObject) -> None:
    """Changed after decompression, where no checksum helps: names, sizes, types, JSON."""
    plain = bytearray(gzip.decompress(path(HEALTHY).read_bytes()))
    for _ in range(data.draw(st.integers(1, 4))):
        plain[data.draw(st.integers(0, len(plain) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path / "changed.bundle"
    file.write_bytes(gzip.compress(bytes(plain), 1))
    try:
        facts, manifest = read(file)
    except ViftrailError:
        return
    try:
        why(StoredSource(facts, manifest.time), "vm1")
    except ViftrailError:
        return


@pytest.mark.parametrize(
    "content", [b"", b"x", b"\x1f\x8b", gzip.compress(b"", mtime=0), b"PK\x03\x04"]
)
def test_what_is_no_bundle_is_refused(content: bytes, tmp_path: Path) -> None:
    refused(content, tmp_path)


# Hostile members.


def members() -> dict[str, bytes]:
    with tarfile.open(path(HEALTHY)) as archive:
        files = {member.name: archive.extractfile(member) for member in archive}
        return {name: file.read() for name, file in files.items() if file}


def packed(
    content: Mapping[str, bytes], folder: Path, extra: tuple[tarfile.TarInfo, ...] = ()
) -> Path:
    file = folder / "made.bundle"
    with tarfile.open(file, "w:gz", compresslevel=1) as archive:
        for name, text in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
        for member in extra:
            archive.addfile(member)
    return file


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    "name", ["../evil.json", "/tmp/evil.json", "hosts/../../evil.json", "hosts/a/b.json", "x.json"]
)
def test_members_with_other_names_are_not_read(name: str, tmp_path: Path) -> None:
    file = packed({**members(), name: b"this is no JSON"}, tmp_path)
    facts, _ = read(file)
    assert facts.hosts == healthy().hosts
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["made.bundle"]


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_links_and_devices_are_not_followed(kind: bytes, tmp_path: Path) -> None:
    extra = special("hosts/evil.json", kind, "/etc/passwd")
    facts, _ = read(packed(members(), tmp_path, (extra,)))
    assert "evil" not in facts.hosts


def test_a_link_in_place_of_the_manifest_is_no_manifest(tmp_path: Path) -> None:
    content = members()
    del content["manifest.json"]
    link = special("manifest.json", tarfile.SYMTYPE, "owner.json")
    with pytest.raises(DamagedBundle, match="manifest"):
        read(packed(content, tmp_path, (link,)))


def test_a_huge_declared_size_is_refused_before_it_is_read(tmp_path: Path) -> None:
    member = tarfile.TarInfo("manifest.json")
    member.size = archive.MAX_MEMBER + 1
    refused(gzip.compress(member.tobuf() + b"{}"), tmp_path)


@pytest.mark.parametrize("missing", ["manifest.json", "owner.json", "gaps.json"])
def test_a_missing_part_is_named(missing: str, tmp_path: Path) -> None:
    content = members()
    del content[missing]
    with pytest.raises(DamagedBundle, match=missing.partition(".")[0]):
        read(packed(content, tmp_path))


def test_another_format_says_who_wrote_it(tmp_path: Path) -> None:
    manifest = json.loads(members()["manifest.json"])
    manifest |= {"format": FORMAT + 1, "tool": "viftrail 9.9"}
    with pytest.raises(DamagedBundle) as caught:
        read(packed({**members(), "manifest.json": json.dumps(manifest).encode()}, tmp_path))
    assert f"format {FORMAT + 1}" in caught.value.what
    assert "viftrail 9.9" in caught.value.do


DEEP = b'{"format":1,"hostname":"x","time":0,"vswitch":{"Bridge":[{"_uuid":%s}]}}'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("owner.json", b"{"),
        ("owner.json", b"[]"),
        ("owner.json", b'{"kind": 7}'),
        ("owner.json", b"\xff\xfe"),
        ("gaps.json", b'[["too", "short"]]'),
        ("northbound/Logical_Switch_Port.json", b'[{"name": 7}]'),
        ("southbound/Chassis.json", b"null"),
        ("hosts/compute1.json", b"{}"),
        ("hosts/compute1.json", DEEP % (b"[" * 20_000 + b"]" * 20_000)),
        ("hosts/compute1.json", DEEP % b'["uuid", 7]'),
    ],
)
def test_bad_json_is_refused(name: str, text: bytes, tmp_path: Path) -> None:
    with pytest.raises(DamagedBundle):
        read(packed({**members(), name: text}, tmp_path))


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for place in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(FileUnreadable):
            read(place)


# Writing.


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for place in (tmp_path / "nowhere" / "b", tmp_path / "folder", tmp_path / ("x" * 300)):
        with pytest.raises(CannotWrite):
            write(place, healthy(), MANIFEST)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_a_failed_write_keeps_the_old_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "b"
    file.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(CannotWrite, match="No space left"):
        write(file, healthy(), MANIFEST)
    assert file.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["b"]


def test_the_same_facts_make_the_same_verdict_after_all_that(tmp_path: Path) -> None:
    for name in ("vif-tap-down", "northd-paused"):
        found = again(facts_of(name), tmp_path)
        time = source_of(name).taken
        assert why(StoredSource(found, time), "vm1") == why(source_of(name), "vm1")


def test_what_openstack_said_is_kept(tmp_path: Path) -> None:
    facts = opened("s5-no-valid-host").everything()
    path = tmp_path / "cloud.bundle"
    write(path, facts, Manifest(format=FORMAT, tool="t", time="2026", source="folder"))
    assert read(path)[0].openstack == facts.openstack
    assert read(path)[0].hosts.keys() == facts.hosts.keys()


# Logs, coverage, names.


def logged(text: str) -> Logs:
    line = LogLine(time=1.0, host="compute1", service="nova-compute", text=text, ids=("i",))
    signal = Signal(pattern="inactivity", line=line, groups={"what": text})
    files = (LogFile(path="n.log", layout="oslo", service="nova-compute", first=0.5),)
    return Logs(lines=(line,), all_signals=(signal,), files=files)


def test_logs_are_kept_and_answer_for_their_time(tmp_path: Path) -> None:
    found = again(replace(healthy(), logs=logged("lost the database")), tmp_path).logs
    assert found.lines == logged("lost the database").lines
    assert found.signals("inactivity")[0].groups == {"what": "lost the database"}
    assert found.covers("nova-compute", 0.6) is True
    source = StoredSource(replace(healthy(), logs=found))
    assert source.logs(Window(0.0, 2.0), ["i"]).lines
    assert not source.logs(Window(0.0, 2.0), ["another"]).lines
    assert not source.logs(Window(1.5, 2.0), ["i"]).all_signals


def test_what_was_asked_of_a_table_that_is_not_whole_is_remembered(tmp_path: Path) -> None:
    rows = healthy().nb[LogicalSwitchPort].rows[:1]
    table = Table(rows, answered=[("name", "gone"), ("uuid", rows[0].uuid)])
    tables: dict[type[Row], Table[Row]] = {row: healthy().nb[row] for row in healthy().nb}
    tables[LogicalSwitchPort] = cast("Table[Row]", table)
    found = again(replace(healthy(), nb=Database(tables)), tmp_path).nb[LogicalSwitchPort]
    assert found.absent("name", "gone")
    assert not found.knows("name", "unasked")


@pytest.mark.parametrize(
    "name", ["a/b", "..", "../../etc/passwd", "%2e", "compute 1", "\u00e4" * 60]
)
def test_a_host_may_be_called_anything(name: str, tmp_path: Path) -> None:
    host = healthy().hosts["compute1"]
    assert again(replace(healthy(), hosts={name: host}), tmp_path).hosts == {name: host}


# Secrets.

UUID = "457eb676-33da-42ec-9a8c-9293d545c337"
SECRETS = {
    "command": "ovn-controller --db-password Zq9-command",
    "answer": "connected with rabbit://nova:Zq9-answer@192.0.2.1:5672//",
    "external_ids": "Zq9-external",
    "options": "Zq9-options",
    "error": "could not log in: password=Zq9-error",
    "gap": "curl -H 'X-Auth-Token: Zq9-gap' failed",
    "fault": "Traceback\n  connection = mysql+pymysql://nova:Zq9-fault@192.0.2.1/nova",
    "log": "{'auth_password': 'Zq9-log'}",
    "key": "-----BEGIN RSA PRIVATE KEY-----\nZq9key\n-----END RSA PRIVATE KEY-----",
    "user data": "#cloud-config\nchpasswd: Zq9-userdata",
    "description": "my root password: Zq9-description",
    "octavia": "health_manager.heartbeat_key = Zq9-heartbeat",
    "barbican": "kek=Zq9-kek hmac_keys=Zq9-hmac root_token_id=Zq9-root",
    "nova": "fixed_key=Zq9-fixed memcached_key=Zq9-cached secret_key_base=Zq9-base",
    "console": "http://192.0.2.1:6080/vnc_auto.html?path=%3Ftoken%3DZq9-console",
    "libvirt": "<secret ephemeral='no'><value>Zq9-value</value></secret>",
    "list": "['mysql', '-u', 'root', '-pZq9-list']",
    "flags": "['openstack', '--os-password', 'Zq9-flags', 'server', 'list']",
    "quoted": "--os-password 'a Zq9-quoted' password=ab'Zq9-inner",
    "digest": 'Authorization: Digest username="u", realm="r", response="Zq9-digest"',
    "cookie": "Cookie: a=b; session=Zq9-cookie",
    "virsh": f"virsh secret-set-value --secret {UUID} --base64 Zq9-virsh",
    "curl": "curl -u admin:Zq9-curl http://192.0.2.1",
    "sshpass": "sshpass -p Zq9-sshpass ssh root@192.0.2.1",
    "ipmi": "ipmitool -U admin -P Zq9-ipmi power status",
    "rabbit": "rabbitmqctl change_password nova Zq9-rabbit",
    "ceph": "rbd:vms/disk:id=cinder:key=Zq9-ceph:auth_supported=cephx",
    "galera": "wsrep_sst_auth=root:Zq9-galera",
    "ldap": "bind_pw = Zq9-ldap",
}

NAMED = ("external_ids", "options")
"""Where the name stands apart from the value."""


def seeded() -> Facts:
    """The healthy lab with a secret in every kind of free text."""
    facts = healthy()
    host = facts.hosts["compute1"]
    daemon = msgspec.structs.replace(host.processes["ovn-controller"], command=SECRETS["command"])
    settings = ["map", [["hostname", "compute1"], ["system-id", host.chassis_name],
                        ["password", SECRETS["external_ids"]]]]  # fmt: skip
    row = {**host.vswitch["Open_vSwitch"][0], "external_ids": settings}
    dirty = msgspec.structs.replace(
        host,
        processes={**host.processes, "ovn-controller": daemon},
        unixctl={**host.unixctl, "ovn-controller": {"connection-status": SECRETS["answer"]}},
        vswitch={**host.vswitch, "Open_vSwitch": [row]},
        errors=tuple(
            Failure("asking", text) for where, text in SECRETS.items() if where not in NAMED
        ),
    )
    ports = [
        msgspec.structs.replace(
            port, options={**port.options, "psk": SECRETS["options"]},
            external_ids={**port.external_ids, "neutron:port_description": SECRETS["description"]},
        )
        for port in facts.nb[LogicalSwitchPort]
    ]  # fmt: skip
    nb = Database(
        {row: facts.nb[row] for row in facts.nb} | {LogicalSwitchPort: Table(ports, complete=True)}
    )
    failed = Server(
        id="s",
        name="vm9",
        fault=ServerFault(message=SECRETS["user data"], details=SECRETS["fault"]),
    )
    return replace(
        facts,
        nb=nb,
        hosts={**facts.hosts, "compute1": dirty},
        openstack=OpenStack(servers=(failed,)),
        gaps=(Gap("OpenStack", SECRETS["gap"], "Ask again."),),
        logs=logged(f"{SECRETS['log']} {SECRETS['key']}"),
    )


def test_no_secret_is_in_the_bytes_wherever_it_was(tmp_path: Path) -> None:
    manifest = msgspec.structs.replace(MANIFEST, source="tcp:nova:p@h password=Zq9-source")
    written = write(tmp_path / "b", seeded(), manifest)
    plain = gzip.decompress((tmp_path / "b").read_bytes())
    assert b"Zq9" not in plain
    places = {each.place.partition(".")[0] for each in written.redactions}
    assert places == {
        "gaps", "hosts/compute1", "logs", "manifest", "northbound/Logical_Switch_Port", "openstack",
    }  # fmt: skip
    assert {each.kind for each in written.redactions} >= {
        "password", "private-key", "secret", "token", "user-data",
    }  # fmt: skip


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789_!%*+", min_size=6),
       st.sampled_from(sorted(SECRETS)))  # fmt: skip
def test_whatever_the_secret_is(tmp_path: Path, secret: str, where: str) -> None:
    marked = f"Xk7{secret}"
    texts = [
        SECRETS[where].replace(found, marked) for found in re.findall(r"Zq9[\w-]*", SECRETS[where])
    ]
    facts = replace(healthy(), gaps=tuple(Gap("somewhere", text, "Look.") for text in texts))
    if where in NAMED:
        facts = replace(facts, gaps=(Gap("somewhere", f"psk={marked}", ""),))
    write(tmp_path / "b", facts, MANIFEST)
    assert marked.encode() not in gzip.decompress((tmp_path / "b").read_bytes())


@pytest.mark.parametrize("name", NAMES)
def test_recordings_hold_no_secret_and_lose_nothing(name: str, tmp_path: Path) -> None:
    facts = facts_of(name)
    written = write(tmp_path / "b", facts, MANIFEST)
    assert written.redactions == ()


def test_verdicts_stay_the_same_without_the_secrets(tmp_path: Path) -> None:
    found = again(seeded(), tmp_path)
    for server in VMS:
        assert why(StoredSource(found, "2026"), server).verdict == (
            why(StoredSource(seeded(), "2026"), server).verdict
        )


def test_what_was_taken_out_before_is_told_again(tmp_path: Path) -> None:
    first = write(tmp_path / "a", seeded(), MANIFEST)
    second = write(tmp_path / "b", read(tmp_path / "a")[0], MANIFEST)
    assert first.redactions == second.redactions


# Streams.


def test_a_pipe_is_read_and_a_stream_written(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def writer() -> None:
        with pipe.open("wb") as out:
            time.sleep(0.2)
            write_out(out, healthy(), MANIFEST)

    thread = threading.Thread(target=writer, daemon=True)
    thread.start()
    for _ in range(200):  # until the other end is open
        try:
            facts, _ = read(pipe)
            break
        except FileUnreadable:
            time.sleep(0.01)
    thread.join(5)
    assert facts.hosts == healthy().hosts


def test_a_pipe_that_is_full_already() -> None:
    """As of ``<(ssh host cat x.bundle)`` when the other end was quicker."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb"), os.fdopen(writing, "wb") as out:
        write_out(out, healthy(), MANIFEST)
        out.close()
        assert read(Path(f"/dev/fd/{reading}"))[0].hosts == healthy().hosts


def test_a_closed_reader_is_said_and_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(CannotWrite), os.fdopen(writing, "wb", buffering=0) as out:
        write_out(out, healthy(), MANIFEST)


def test_standard_input_without_anything() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "viftrail", "why", "vm1", "--bundle", "-"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == DamagedBundle.exit_code
    assert done.stderr.startswith("viftrail: Standard input is not a whole viftrail bundle")


# Bombs.


def test_members_that_come_twice_are_refused(tmp_path: Path) -> None:
    file = packed(members(), tmp_path)
    plain = gzip.decompress(file.read_bytes()).rstrip(b"\0")
    plain += bytes(-len(plain) % 512)
    file.write_bytes(gzip.compress(plain + plain + bytes(1024)))
    with pytest.raises(DamagedBundle, match="twice"):
        read(file)


@pytest.mark.parametrize("filling", [b"{},", b"[],", b"[[[]]],"])
def test_millions_of_empty_rows_are_refused_before_they_are_made(
    filling: bytes, tmp_path: Path
) -> None:
    text = b"[" + (filling * 5_000_000).rstrip(b",") + b"]"
    name = "northbound/NAT.json"
    began = time.process_time()
    with pytest.raises(DamagedBundle, match=r"nearly nothing|far more"):
        read(packed({**members(), name: text}, tmp_path))
    assert time.process_time() - began < 5


MEMORY = 512 << 20


@pytest.mark.parametrize("row", [b'{"uuid":"aaa"}', b'{"uuid":"a","options":{"b":"c"}}'])
def test_millions_of_rows_that_are_alike_are_refused_in_little_memory(
    row: bytes, tmp_path: Path
) -> None:
    """What cannot be packed stands beside them, so that all of it is in proportion."""
    rows = b"[" + b",".join([row] * ((40 << 20) // len(row))) + b"]"
    noise = random.Random(1).randbytes(500_000)
    file = packed({"noise.bin": noise, **members(), "northbound/NAT.json": rows}, tmp_path)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "viftrail", "why", "vm1", "--bundle", str(file)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )
    assert "NAT.json holds more rows than a file of its size" in done.stderr
    assert done.returncode == DamagedBundle.exit_code
    assert time.monotonic() - began < 10


@pytest.mark.skipif(
    not Path("/usr/share/ovn/ovn-nb.ovsschema").exists(),
    reason="needs OVN's schemas: the Debian package ovn-common",
)
def test_a_large_cloud_is_far_from_what_is_refused(tmp_path: Path) -> None:
    synthesize(Order(ports=4000, plant=4, northd=False), tmp_path / "cloud")
    source = from_files(tmp_path / "cloud/ovnnb_db.db", tmp_path / "cloud/ovnsb_db.db")
    write(tmp_path / "b", source.everything(), MANIFEST)
    content = gzip.decompress((tmp_path / "b").read_bytes())
    values = sum(content.count(sign) for sign in (b",", b"{", b"["))
    assert values * 5 < VALUES_PER_BYTE * (tmp_path / "b").stat().st_size


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_bundle_that_was_cut_and_pasted_is_refused_or_harmless(
    tmp_path: Path, data: st.DataObject
) -> None:
    """Pieces moved, doubled, dropped, made anew: of the tar, and of the packed file."""
    content = path(HEALTHY).read_bytes()
    packed_too = data.draw(st.booleans())
    plain = content if packed_too else gzip.decompress(content)
    start, end, to = (data.draw(st.integers(0, len(plain))) for _ in range(3))
    piece = data.draw(
        st.sampled_from([plain[start:end], b"", bytes(1024), b"[" * 5000, b"\xff" * 99])
    )
    changed = plain[:to] + piece + plain[to + data.draw(st.integers(0, 2000)) :]
    file = tmp_path / "changed.bundle"
    file.write_bytes(changed if packed_too else gzip.compress(changed, 1))
    with contextlib.suppress(ViftrailError):
        facts, manifest = read(file)
        why(StoredSource(facts, manifest.time), "vm1")
