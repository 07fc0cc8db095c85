"""Records the sosreports in the folder of this name: real faults, told by the real ``sos``.

    SOS=/path/to/sos .venv/bin/python tests/recorded/sosreports.py [FAULT[:NAME]…]

Needs root, the OVN packages and sos (sosreport of Debian, or its sources with SOS naming a script
that starts them). Those of healthy:old-sos are by sosreport 4.0 of Debian 12, the others by sos as
it was in July 2026. A node of the lab gets, for the time of the report alone, the folders that a
package would give it: its own are mounted on /run/ovn, /etc/openvswitch and so on. sos then runs
as it would anywhere. What a report does not need here is left out of the fixture: other hosts'
processes, as the nodes of a lab share one process table; /proc, /sys and /etc but for the
databases, and the comments in these; logical flows, and OpenFlow tables in other versions than
one. Nothing is made up, and paths of the lab are told as the package's.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).parent / "sosreports"
LAB = "record-sos"
CASES = {
    "healthy": ("controller", "compute1", "network1"),
    "northd-paused": ("controller", "compute1"),
    "vif-tap-down": ("controller", "compute1"),
    "nb-lsp-missing": ("controller", "compute1"),
    "prov-nic-not-in-bridge": ("controller", "compute1", "network1"),
    "tunnel-udp-blocked": ("controller", "compute1", "network1"),
}
PLUGINS = "openvswitch,ovn_central,ovn_host,networking,process,host,filesys,memory"
KEPT = re.compile(
    r"sos_reports/manifest\.json|sos_commands/host/(hostname|uptime)|proc/meminfo"
    r"|sos_commands/process/ps_auxwwwm|sos_commands/filesys/df_-al_-x_autofs"
    r"|sos_commands/networking/ip_-d_address|(etc/openvswitch|var/lib/\w+)/[\w.]+db"
    r"|run/openvswitch/.*\.pid|var/log/(ovn|openvswitch)/[\w-]+\.log"
    r"|sos_commands/openvswitch/(ovs-vsctl_-t_5_(show|list_\w+)|ovsdb-client_-f_list_dump)"
    r"|sos_commands/ovn_\w+/ov[ns]-(?!.*lflow)(?!.*dump-flows).*"
    r"|sos_commands/openvswitch/ovs-ofctl_dump-(flows|ports)_br-[a-z]+"
)
INSIDE = """
set -e
home=$(mktemp -d); mount --make-rprivate /; mount -t tmpfs none $home
mkdir $home/run $home/db $home/log
mount --bind $OVS_RUNDIR $home/run; mount --bind $OVS_DBDIR $home/db
mount --bind $OVS_LOGDIR $home/log; mount -t tmpfs none /run
mkdir -p /run/ovn /run/openvswitch /run/lock
for there in /run/ovn /run/openvswitch; do mount --bind $home/run $there; done
mount --bind $home/db /etc/openvswitch; mount --bind $home/db /var/lib/ovn
for there in /var/log/ovn /var/log/openvswitch; do mount --bind $home/log $there; done
for name in ${!OVS_*} ${!OVN_*} ${!VIFTRAIL_*}; do unset $name; done
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec "$@"
"""


def viftrail(*arguments: str, check: bool = True) -> bytes:
    """Run the command line; a failure ends the recording."""
    command = [sys.executable, "-m", "viftrail", *arguments]
    return subprocess.run(command, check=check, stdout=subprocess.PIPE).stdout


def report(node: str, into: Path) -> Path:
    """The sosreport of a node, as sos packed it."""
    sos = [os.environ.get("SOS", "sos"), "report", "--batch", "--quiet", f"--tmp-dir={into}"]
    sos += [f"--only-plugins={PLUGINS}", "-k", "process.lsof=off", "--threads=2"]
    command = ["unshare", "-m", "bash", "-c", INSIDE, "sos", *sos]
    viftrail("lab", "exec", "--name", LAB, node, "--", *command)
    return max(into.glob(f"sosreport-{node}-*.tar.xz"), key=lambda path: path.stat().st_mtime)


def stripped(whole: Path, fixture: Path, node: str) -> None:
    """Keep what the tests are about."""
    names: set[str] = set()
    with tarfile.open(whole) as tar, tarfile.open(fixture, "w:xz") as kept:
        for member in tar:
            name = member.name.partition("/")[2]
            if not member.isreg() or not KEPT.fullmatch(name) or name in names:
                continue
            names.add(name)
            file = tar.extractfile(member)
            content = cleaned(name, file.read() if file else b"", node)
            member.size, member.uname, member.gname = len(content), "root", "root"
            kept.addfile(member, io.BytesIO(content))


def cleaned(name: str, content: bytes, node: str) -> bytes:
    """A file without what is not the node's."""
    if name.endswith("manifest.json"):
        return shortened(content)
    if name.endswith(".db"):
        return uncommented(content)
    text = content.decode()
    if name.endswith("ps_auxwwwm"):
        own, kept = f"/labs/{LAB}/{node}/", False
        lines = []
        for number, line in enumerate(text.splitlines(keepends=True)):
            kept = own in line if line.split()[1] != "-" else kept
            lines += [line] if kept or not number else []
        text = "".join(lines)
    if "/df_" in name:
        kept_lines = re.compile(r"Filesystem|.* /$|.* /(var|etc/openvswitch)")
        text = "".join(line for line in text.splitlines(keepends=True) if kept_lines.match(line))
    text = re.sub(rf"/run/viftrail/labs/{LAB}/\w+/run", "/run/ovn", text)
    text = re.sub(rf"/run/viftrail/labs/{LAB}/\w+/db", "/var/lib/ovn", text)
    return text.encode()


def uncommented(database: bytes) -> bytes:
    """A database file without the comments of ovs-vsctl, which tell where it was called from."""
    records, at = [], 0
    while found := re.compile(rb"OVSDB (\w+) (\d+) \w+\n").match(database, at):
        at = found.end() + int(found[2])
        body = json.loads(database[found.end() : at])
        body.pop("_comment", None)
        data = json.dumps(body, separators=(",", ":")).encode() + b"\n"
        digest = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        records.append(b"OVSDB %s %d %s\n%s" % (found[1], len(data), digest.encode(), data))
    return b"".join(records)


def shortened(content: bytes) -> bytes:
    """The manifest with the commands whose output is kept."""
    manifest = json.loads(content)
    plugins = manifest["components"]["report"]["plugins"]
    wanted = ("exec", "filepath", "return_code", "truncated")
    report = {
        name: {
            "commands": [
                {key: run.get(key) for key in wanted}
                for run in plugin["commands"]
                if run.get("filepath") and KEPT.fullmatch(run["filepath"])
            ]
        }
        for name, plugin in plugins.items()
    }
    brief = {"version": manifest["version"], "cmdline": "report --batch"}
    brief["components"] = {"report": {"plugins": report}}
    return json.dumps(brief).encode()


def main(wanted: list[str]) -> None:
    """Record each case in a fresh lab, with the verdict that the living lab gives."""
    told = HERE / "verdicts.json"
    verdicts = json.loads(told.read_text()) if told.exists() else {}
    for each in wanted or CASES:
        case, _, name = each.partition(":")
        viftrail("lab", "up", "--name", LAB)
        try:
            if case != "healthy":
                viftrail("lab", "break", case, "--name", LAB)
            # After that, as a provocation may make the VM anew.
            status = viftrail("lab", "status", "--name", LAB).decode()
            port = re.search(r"^vm1 +\S+ +(\S+)", status, re.MULTILINE)
            live = json.loads(viftrail("why", "vm1", "--lab", LAB, "-f", "json", check=False))
            with tempfile.TemporaryDirectory() as place:
                for node in CASES[case]:
                    whole = report(node, Path(place))
                    stripped(whole, HERE / f"{name or case}-{node}.tar.xz", node)
            verdict = {key: live["verdict"][key] for key in ("state", "stage", "cause")}
            verdicts[name or case] = {"port": port[1] if port else "", **verdict}
        finally:
            viftrail("lab", "down", "--name", LAB)
        told.write_text(json.dumps(verdicts, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
