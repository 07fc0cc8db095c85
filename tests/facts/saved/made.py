"""A sosreport of the recorded case, laid out as sos lays it out, for tests that need no lab.

The files are real: databases, and what ``ovs-vsctl show`` and ``ovs-ofctl dump-flows`` printed.
"""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path

from tests.samples import folder

CASE = folder() / "s3-two-hosts"
PS = """\
USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND
root       700  0.0  0.1  10000  3000 ?        Ss   10:00   0:01 ovsdb-server /etc/ovs/conf.db
root       711  2.0  0.9 900000 90000 ?        Sl   10:00   5:00 ovs-vswitchd unix:/run/ovs/db.sock
root       800  0.0  0.0  10000   300 ?        S    10:00   0:00 ovn-controller unix:/run/ovs/db.sock
"""


def compute(place: Path, name: str = "cmp1") -> Path:
    """The report of a compute node."""
    root = place / f"sosreport-{name}-2026-11-21-abcdefg"
    files = {
        "sos_commands/host/hostname": f"{name}.example.org\n",
        "sos_commands/process/ps_auxwwwm": PS,
        "sos_commands/openvswitch/ovs-vsctl_-t_5_show": _text(f"{name}-vsctl-show.txt"),
        "sos_commands/ovn_host/ovs-ofctl_-O_OpenFlow13_dump-flows_br-int": _text(
            f"{name}-ofctl-dump-flows.txt"
        ),
    }
    for path, text in files.items():
        write(root, path, text)
    (root / "etc/openvswitch").mkdir(parents=True)
    shutil.copy(CASE / "db" / f"{name}-conf.db", root / "etc/openvswitch/conf.db")
    return root


def controller(place: Path) -> Path:
    """The report of the controller."""
    root = place / "sosreport-ctl-2026-11-21-hijklmn"
    write(root, "sos_commands/host/hostname", "ctl\n")
    write(root, "sos_commands/ovn_central/ovn-nbctl_show", _text("ovn-nbctl-show.txt"))
    (root / "var/lib/ovn").mkdir(parents=True)
    for name in ("ovnnb_db.db", "ovnsb_db.db"):
        shutil.copy(CASE / "db" / name, root / "var/lib/ovn" / name)
    return root


def write(root: Path, path: str, text: str) -> Path:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)
    return root / path


def manifest(root: Path, *runs: tuple[str, str, int]) -> None:
    """What sos ran: the command, the file of its output, and what it returned."""
    commands = [
        {"exec": command, "filepath": path, "return_code": code} for command, path, code in runs
    ]
    report = {"plugins": {"ovn_central": {"commands": commands}}}
    text = json.dumps({"version": "4.9", "cmdline": "report", "components": {"report": report}})
    write(root, "sos_reports/manifest.json", text)


def packed(root: Path, how: str = "xz") -> Path:
    """The same, packed as sos packs it."""
    path = root.with_name(f"{root.name}.tar.{how}")
    with tarfile.open(path, f"w:{how}") as tar:  # type: ignore[call-overload]
        tar.add(root, root.name)
    return path


def wrapped(path: Path, *inner: Path) -> Path:
    """Files in one more packed file, as ``sos collect`` hands them over."""
    with tarfile.open(path, "w:gz") as tar:
        for each in inner:
            member = tarfile.TarInfo(f"collected/{each.name}")
            content = each.read_bytes()
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def _text(name: str) -> str:
    return (CASE / "ovs" / name).read_text()
