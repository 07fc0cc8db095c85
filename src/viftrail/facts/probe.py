"""Looks at one OVN host and prints what it saw as one JSON document.

Runs on the host itself, as ``python3 -IB - [--window SECONDS]`` with this file
behind those that it imports on its standard input (`viftrail.facts.host.probe_script`)
and nothing installed there: standard library only, Python 3.6 or newer. It reads
and never writes. Everything it asks has a time-out, because a host that is
half dead is just the host one wants to look at; what did not answer is listed
under "errors" and the rest is kept.

Sources of the facts: ovs-vswitchd.conf.db(5) over db.sock (RFC 7047),
unixctl of the daemons (ovs-appctl(8)), ip(8), ovs-ofctl(8), /proc, libvirt's state files.
"""

import functools
import glob
import hashlib
import json
import os
import re
import select
import socket
import ssl
import subprocess
import sys
import threading
import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Set
from xml.etree import ElementTree as ET

from viftrail.facts.runtimes import (
    container_id,
    daemons_by_name,
    listed,
    listing,
    runtime_programs,
)
from viftrail.facts.whereabouts import RUN_FOLDERS, find, named_folder, run_folder

Seen = Dict[str, Any]

FORMAT = 1
TIMEOUT = 2.0  # seconds for any one question
PATIENCE = 3.0  # seconds for all questions that are asked at the same time
ETH_P_ALL = 0x0003
PACKET_OUTGOING = 4  # linux/if_packet.h: sent by this host, so not by the guest
MAX_TAPS = 64  # on a host with more the passive look at source MACs is left out

OVS_TABLES = {
    "Open_vSwitch": ["_uuid", "external_ids", "ovs_version"],
    "Bridge": ["_uuid", "name", "ports", "datapath_type", "protocols"],
    "Port": ["_uuid", "name", "interfaces", "external_ids"],
    "Interface": [
        "_uuid",
        "name",
        "type",
        "ofport",
        "error",
        "admin_state",
        "link_state",
        "mac_in_use",
        "mtu",
        "options",
        "external_ids",
    ],
}
DAEMONS = {  # name: (which run folder, what to ask it)
    "ovsdb-server": ("ovs", []),
    "ovs-vswitchd": ("ovs", ["version"]),
    "ovn-controller": ("ovn", ["connection-status", "debug/status", "version"]),
    "ovn-northd": ("ovn", ["status", "nb-connection-status", "sb-connection-status"]),
    "ovnnb_db": ("ovn", []),
    "ovnsb_db": ("ovn", []),
}
BESIDES = {  # what only some of them can answer, as it hangs on the datapath
    "ovs-vswitchd": ["dpctl/ct-get-nconns", "dpctl/ct-get-maxconns"],
}
CONNTRACK = "/proc/sys/net/netfilter/nf_conntrack_"
SERVERS = {"OVN_Northbound": "ovnnb_db", "OVN_Southbound": "ovnsb_db"}
SERVER_COLUMNS = ["name", "model", "connected", "leader"]
TCP_LISTEN = "0A"  # include/net/tcp_states.h
DOMAINS = ["/run/libvirt/qemu", "/var/run/libvirt/qemu"]
MAX_DOMAINS = 500
MAX_DOMAIN = 1 << 20  # bytes
DISKS = [
    "/",
    "/var/lib/ovn",
    "/var/lib/openvswitch",
    "/etc/openvswitch",
    "/var/lib/nova",
    "/var/log",
]


class Hung(Exception):
    """A question that was not answered in time."""


class Report:
    """What was seen, and what could not be; written by several threads."""

    def __init__(self) -> None:
        self.errors: List[Dict[str, str]] = []

    def failed(self, what: str, why: object) -> None:
        """Record that a question was not answered."""
        self.errors.append({"what": what, "why": str(why) or why.__class__.__name__})


def together(
    tasks: Mapping[str, Callable[[], Any]], report: Report, timeout: float = PATIENCE
) -> Dict[str, Any]:
    """The results of tasks that run side by side; those that fail or hang are reported.

    A system call that hangs (a file system whose server is gone, /proc of a
    process in uninterruptible sleep) cannot be ended, only left behind.
    """
    results: Dict[str, Any] = {}

    def work(what: str, task: Callable[[], Any]) -> None:
        try:
            results[what] = task()
        except Exception as error:  # noqa: BLE001
            report.failed(what, error)

    threads = {
        what: threading.Thread(target=work, args=(what, task)) for what, task in tasks.items()
    }
    for thread in threads.values():
        thread.daemon = True
        thread.start()
    end = time.monotonic() + timeout
    for what, thread in threads.items():
        thread.join(max(0.0, end - time.monotonic()))
        if thread.is_alive():
            report.failed(what, "no answer within %g s" % timeout)
    return {what: results[what] for what in tasks if what in results}


def call(path: str, method: str, params: List[Any], timeout: float = TIMEOUT) -> Any:
    """One JSON-RPC call over a unix socket, as OVSDB and unixctl speak it."""
    end = time.monotonic() + timeout
    decoder = json.JSONDecoder()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            sock.settimeout(timeout)
            sock.connect(path)
            sock.sendall(json.dumps({"id": 0, "method": method, "params": params}).encode())
            text = ""
            while True:
                sock.settimeout(max(0.001, end - time.monotonic()))
                chunk = sock.recv(1 << 20)
                if not chunk:
                    raise OSError("closed the connection without an answer")
                text += chunk.decode("utf-8", "replace")
                try:
                    reply, _ = decoder.raw_decode(text)
                except ValueError:
                    continue
                if not isinstance(reply, dict):
                    raise OSError("answered something else than JSON-RPC")
                if reply.get("method") is not None:
                    continue
                if reply.get("error") is not None:
                    raise OSError(str(reply["error"]).strip())
                return reply.get("result")
        except socket.timeout:
            raise Hung("no answer within %g s" % timeout) from None


def run(argv: List[str], timeout: float = TIMEOUT) -> str:
    """The output of a command that only reads."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=timeout,
            universal_newlines=True,
        )
    except subprocess.TimeoutExpired:
        raise Hung("no answer within %g s" % timeout) from None
    if done.returncode != 0:
        raise OSError((done.stderr.strip().splitlines() or ["exit %d" % done.returncode])[-1])
    return done.stdout


def process(name: str, folder: str) -> Optional[Dict[str, Any]]:
    """Whether the daemon that left ``name``.pid still runs, and in which state."""
    path = os.path.join(folder, name + ".pid")
    try:
        with open(path) as pid_file:
            pid = int(pid_file.read().strip())
    except (FileNotFoundError, ValueError):
        return None
    return state_of(pid, name)


def state_of(pid: int, name: str) -> Dict[str, Any]:
    """What /proc says of a process that shall be this daemon."""
    seen: Dict[str, Any] = {"pid": pid, "state": "", "started": 0.0, "command": ""}
    try:
        with open("/proc/%d/stat" % pid) as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return seen  # the pid file is all that is left
    command = command_of(pid)
    program = "ovsdb-server" if name.endswith("_db") else name
    if command and program not in command:
        return seen  # the pid was given to somebody else
    seen["state"] = fields[0]
    seen["command"] = command
    seen["started"] = float(fields[19]) / os.sysconf("SC_CLK_TCK")
    seen["container"] = contained(pid)
    return seen


def groups_of(pid: Any) -> str:
    """The control groups of a process (cgroups(7)); empty when they are not to be seen."""
    try:
        with open("/proc/%s/cgroup" % pid) as groups:
            return groups.read()
    except OSError:
        return ""


def contained(pid: int) -> bool:
    """Whether a container runtime runs a process, as the names of its control groups tell.

    Not so if this script is in a container too: then it is in the same one.
    """
    theirs, own = groups_of(pid), groups_of("self")
    words = ("docker", "libpod", "crio", "kubepods")
    return any(word in theirs and word not in own for word in words)


def elsewhere(name: str) -> Optional[int]:
    """The pid of a daemon that runs in this network namespace without a pid file here.

    OVN in a container (Kolla, TripleO) or a snap keeps its run folder to itself,
    and shares the host's network; or it shares its run folder too, and the pid
    that it left there is one of its own pid namespace.

    A database server of the host's own file system that left no pid file where OVN
    does is somebody's copy: only those in another mount namespace are looked for.
    """
    program = "ovsdb-server" if name.endswith("_db") else name
    try:
        own = os.stat("/proc/self/ns/net").st_ino
        files = os.stat("/proc/self/ns/mnt").st_ino
        pids = [int(pid) for pid in os.listdir("/proc") if pid.isdigit()]
    except OSError:
        return None
    for pid in pids:
        try:
            with open("/proc/%d/comm" % pid) as comm:
                if comm.read().strip() != program[:15]:  # TASK_COMM_LEN, proc(5)
                    continue
            here = os.stat("/proc/%d/ns/net" % pid).st_ino == own
            if name.endswith("_db") and os.stat("/proc/%d/ns/mnt" % pid).st_ino == files:
                continue
        except PermissionError:
            here = contained(pid)  # which anybody may see
        except OSError:
            continue  # it ended just now
        # The parent that --monitor leaves (daemon(7)) has the daemon's name, and is none.
        if here and "monitoring pid" not in command_of(pid):
            if program != "ovsdb-server" or serves(pid) == name:
                return pid
    return None


def serves(pid: int) -> str:
    """Which database an ovsdb-server has, by the files that its command names; empty: another."""
    command = command_of(pid)
    match = re.search(r"\b(ovn[ns]b)(?:_db)?\.(?:pid|sock|ctl|db)\b", command)
    if match:
        return match.group(1) + "_db"
    return "ovsdb-server" if "conf.db" in command or "Open_vSwitch" in command else ""


def daemon(name: str, kind: str) -> Optional[Dict[str, Any]]:
    """A daemon by its pid file, or else by its name; None when there is no trace of it."""
    found = process(name, run_folder(kind, name + ".pid"))
    # Where the environment names the folder, what is not there is not meant.
    if named_folder(kind) or (found and found["state"]):
        return found
    pid = elsewhere(name)
    return found if pid is None else state_of(pid, name)


def control_of(name: str, kind: str, pid: int) -> str:
    """The control socket of a daemon, here or in its container."""
    here = os.path.join(run_folder(kind, name + ".pid"), "%s.%d.ctl" % (name, pid))
    # In a container the daemon has another pid.
    return here if os.path.exists(here) else within(pid, kind, name + ".*.ctl") or here


def within(pid: int, kind: str, pattern: str) -> str:
    """A file of a run folder as a process sees it, which is for root; empty when there is none."""
    for folder in [] if named_folder(kind) else RUN_FOLDERS[kind]:
        found = glob.glob("/proc/%d/root%s/%s" % (pid, folder, pattern))
        if found:
            return found[0]
    return ""


def server_socket(name: str, kind: str, socket_name: str) -> str:
    """Where an ovsdb-server listens for clients, here or in its container."""
    here = os.path.join(run_folder(kind, socket_name), socket_name)
    if os.path.exists(here) or named_folder(kind):
        return here
    pid = elsewhere(name)
    return here if pid is None else within(pid, kind, socket_name) or here


def conf_db() -> str:
    """The socket of the host's own Open_vSwitch database."""
    return server_socket("ovsdb-server", "ovs", "db.sock")


def command_of(pid: int) -> str:
    """A process' command line; empty when the kernel does not say, as when it is stuck there."""

    def read() -> str:
        with open("/proc/%d/cmdline" % pid, "rb") as cmdline:
            return cmdline.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()

    return str(together({"": read}, Report(), 0.5).get("", ""))


def look_at_processes(seen: Seen, report: Report) -> None:
    """Pid files, process states, and what the living daemons say of themselves."""
    tasks = {
        name: functools.partial(look_at_daemon, name, kind, questions, report)
        for name, (kind, questions) in sorted(DAEMONS.items())
    }
    found = together(tasks, report)
    # Nobody could say: it is not for that reason absent.
    unsaid = {"process": {"pid": 0, "state": "?"}, "asked": False}
    parts = {name: found.get(name, unsaid) for name in tasks}
    seen["processes"] = {name: part["process"] for name, part in parts.items() if part}
    seen["unixctl"] = {
        name: part["answers"] for name, part in parts.items() if part and part["asked"]
    }


def look_at_daemon(name: str, kind: str, questions: List[str], report: Report) -> Optional[Seen]:
    """One daemon; None when there is no trace of it here."""
    found = daemon(name, kind)
    if found is None:
        return None
    answers: Dict[str, str] = {}
    asked = found["state"] not in ("", "Z", "T", "t")
    control = control_of(name, kind, found["pid"])
    for question in questions if asked else []:
        try:
            answers[question] = (call(control, question, []) or "").strip()
        except (OSError, ValueError) as error:
            report.failed("ovs-appctl -t %s %s" % (name, question), error)
        except Hung as error:
            report.failed("ovs-appctl -t %s %s" % (name, question), error)
            break  # it answers nothing else either
    else:
        for question in BESIDES.get(name, []) if asked else []:
            try:
                answers[question] = (call(control, question, []) or "").strip()
            except (OSError, ValueError, Hung):
                break
    return {"process": found, "asked": asked, "answers": answers}


def look_at_vswitch(seen: Seen, report: Report) -> None:
    """conf.db, whole: it is one host's and small."""
    path = conf_db()
    operations = [
        {"op": "select", "table": table, "where": [], "columns": columns}
        for table, columns in sorted(OVS_TABLES.items())
    ]
    try:
        results = call(path, "transact", ["Open_vSwitch"] + operations)
        seen["vswitch"] = {
            table: result["rows"] for table, result in zip(sorted(OVS_TABLES), results)
        }
    except FileNotFoundError as error:
        # A central node needs no Open vSwitch; where one ever ran it left a pid file.
        if any(daemon(name, "ovs") for name in ("ovsdb-server", "ovs-vswitchd")):
            report.failed("Open_vSwitch database at %s" % path, error)
    except (OSError, ValueError, KeyError, TypeError, Hung) as error:
        report.failed("Open_vSwitch database at %s" % path, error)


def look_at_servers(seen: Seen, report: Report) -> None:
    """What the OVN database servers here say of their own state (ovsdb-server(7), _Server)."""
    tasks = {}
    for name, stem in SERVERS.items():
        path = server_socket(stem, "ovn", stem + ".sock")
        found = daemon(stem, "ovn")
        # A stopped one would only be waited for, and its state says enough.
        if os.path.exists(path) and found and found["state"] not in ("", "Z", "T", "t"):
            what = "%s at %s" % (name, path)
            tasks[what] = functools.partial(look_at_server, name, path, found["pid"])
    rows = [row for row in together(tasks, report).values() if row]
    seen["servers"] = {row.pop("name"): row for row in rows}


def look_at_server(name: str, path: str, pid: int) -> Optional[Dict[str, Any]]:
    """Whether it is part of a cluster, whether that has a leader, and where it listens."""
    select = {
        "op": "select",
        "table": "Database",
        "where": [["name", "==", name]],
        "columns": SERVER_COLUMNS,
    }
    rows = call(path, "transact", ["_Server", select])[0]["rows"]
    if not rows:
        return None
    seen = dict(rows[0], ports=listening(pid))
    if seen.get("model") == "clustered":
        seen["status"] = cluster_status(name, path)
    return seen


def cluster_status(name: str, path: str) -> str:
    """What a member says of its cluster (ovsdb-server(1)); empty when it says nothing in time."""
    # utilities/ovn-ctl names the control socket like the socket for clients.
    control = os.path.splitext(path)[0] + ".ctl"
    try:
        return str(call(control, "cluster/status", [name], 0.7) or "")
    except (OSError, ValueError, Hung):
        return ""


def listening(pid: int) -> Optional[List[int]]:
    """The TCP ports that a process listens on (proc(5)); None when the kernel does not say."""
    folder = "/proc/%d/fd" % pid
    own: Set[str] = set()
    try:
        for number in os.listdir(folder):
            try:
                own.add(os.readlink(os.path.join(folder, number)))
            except FileNotFoundError:
                continue  # closed just now
    except OSError:
        return None
    ports: Set[int] = set()
    for path in ("/proc/%d/net/tcp" % pid, "/proc/%d/net/tcp6" % pid):
        try:
            with open(path) as table:
                rows = [line.split() for line in table][1:]
        except FileNotFoundError:
            continue  # no IPv6 here
        except OSError:
            return None
        ports.update(
            int(row[1].rpartition(":")[2], 16)
            for row in rows
            if row[3] == TCP_LISTEN and "socket:[%s]" % row[9] in own
        )
    return sorted(ports)


def look_at_tls(seen: Seen, _report: Report) -> None:
    """The files by which ovn-controller here speaks TLS; keys are named, and never read."""
    path = conf_db()
    columns = ["private_key", "certificate", "ca_cert"]
    select = {"op": "select", "table": "SSL", "where": [], "columns": columns}
    try:
        rows = call(path, "transact", ["Open_vSwitch", select])[0]["rows"]
    except (OSError, ValueError, KeyError, TypeError, Hung):
        return  # whoever reads the rest of that database says so
    if not rows:
        return
    found = {name: str(rows[0].get(name, "")) for name in columns}
    tls: Dict[str, Any] = dict(found, authorities=digests(found["ca_cert"]))
    lines = openssl("x509", "-noout", "-dates", "-issuer", "-subject", "-in", found["certificate"])
    told = dict(line.partition("=")[::2] for line in lines.splitlines())
    for key, name in (("notBefore", "since"), ("notAfter", "until")):
        try:
            tls[name] = ssl.cert_time_to_seconds(told.get(key, "").strip())
        except ValueError:
            continue
    tls["subject"], tls["issuer"] = (told.get(name, "").strip() for name in ("subject", "issuer"))
    tls["verified"] = verified(found["certificate"], found["ca_cert"])
    tls["beside"] = {
        path: known
        for path in sorted(glob.glob(os.path.join(os.path.dirname(found["ca_cert"]), "*.pem")))[:20]
        if path != found["private_key"]
        for known in [digests(path)]
        if known
    }
    seen["tls"] = tls


def digests(path: str) -> List[str]:
    """SHA-256 of each certificate in a PEM file; empty when it cannot be read as one."""
    end = "-----END CERTIFICATE-----"
    try:
        with open(path) as file:
            parts = file.read(1 << 20).split(end)[:-1]
        pems = ["-----BEGIN" + part.partition("-----BEGIN")[2] + end for part in parts]
        return [hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest() for pem in pems]
    except (OSError, ValueError):
        return []


def openssl(*arguments: str) -> str:
    """The output of that program; empty where it is not installed, or fails."""
    try:
        return run(["openssl"] + list(arguments), 1.0)
    except (OSError, Hung):
        return ""


def verified(certificate: str, authorities: str) -> str:
    """``OK``, or why a certificate is not one of these authorities'; empty: nobody could say."""
    try:
        run(["openssl", "verify", "-CAfile", authorities, certificate], 1.0)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return str(error)
    except Hung:
        return ""
    return "OK"


def look_at_links(seen: Seen, report: Report) -> None:
    """Every network device with its master, state and addresses."""
    try:
        links = [link for link in json.loads(run(["ip", "-j", "-d", "addr"])) if link]
        for link in links:  # ip leaves an empty object for what it does not show
            link["addr_info"] = [address for address in link.get("addr_info", []) if address]
        seen["links"] = links
    except (OSError, ValueError, Hung) as error:
        report.failed("ip -j -d addr", error)


def look_at_machine(seen: Seen, report: Report) -> None:
    """Disks and memory: what the first guess in every incident is about."""
    # Where the environment names the folders of the databases, as ovs-ctl(8) heeds it.
    named = [os.environ[name] for name in ("OVN_DBDIR", "OVS_DBDIR") if os.environ.get(name)]
    found = together(
        {"df " + path: functools.partial(room, path) for path in DISKS + named}, report, TIMEOUT
    )
    disks: Dict[int, Dict[str, Any]] = {}
    for part in found.values():
        if part:
            disks.setdefault(part.pop("device"), part)
    seen["disks"] = list(disks.values())
    try:
        with open(CONNTRACK + "count") as count, open(CONNTRACK + "max") as limit:
            seen["conntrack"] = {"count": int(count.read()), "limit": int(limit.read())}
    except (OSError, ValueError):
        pass  # the module is not loaded: then the kernel tracks nothing
    try:
        with open("/proc/meminfo") as meminfo:
            fields = dict(line.split(":", 1) for line in meminfo)
        seen["memory"] = {
            "total": int(fields["MemTotal"].split()[0]) * 1024,
            "available": int(fields["MemAvailable"].split()[0]) * 1024,
        }
    except (OSError, KeyError, ValueError) as error:
        report.failed("/proc/meminfo", error)


def look_at_domains(seen: Seen, report: Report) -> None:
    """NICs of the VMs that run here, from libvirt's own files: libvirtd may hang, they do not.

    It writes one for each domain that runs (libvirt: src/conf/domain_conf.c, virDomainObjSave).
    """
    folders = [folder for folder in DOMAINS if os.access(folder, os.R_OK | os.X_OK)]
    if not folders:
        return
    domains: List[Dict[str, Any]] = []
    for path in sorted(glob.glob(folders[0] + "/*.xml"))[:MAX_DOMAINS]:
        try:
            if os.path.getsize(path) <= MAX_DOMAIN:
                domains.append(domain(ET.parse(path).getroot()))
        except FileNotFoundError:
            continue  # it ended just now
        except (OSError, ValueError, ET.ParseError) as error:
            report.failed(path, error)
    seen["domains"] = domains


def domain(root: "ET.Element") -> Dict[str, Any]:
    """What libvirt has of one VM, as its ``formatdomain`` page describes it."""
    own = root if root.tag == "domain" else root.find("domain")
    if own is None:
        raise ValueError("no <domain> in it")
    return {
        "name": own.findtext("name", ""),
        "uuid": own.findtext("uuid", ""),
        "state": root.get("state", ""),
        "cards": [card(interface) for interface in own.findall("devices/interface")],
    }


def card(interface: "ET.Element") -> Dict[str, Any]:
    """One <interface>: what it is called on the host, and where it is plugged."""

    def attribute(path: str, name: str) -> str:
        element = interface.find(path)
        return "" if element is None else element.get(name, "")

    return {
        "mac": attribute("mac", "address").lower(),
        "kind": interface.get("type", ""),
        "device": attribute("target", "dev"),
        "bridge": attribute("source", "bridge"),
        "port_id": attribute("virtualport/parameters", "interfaceid"),
        "down": attribute("link", "state") == "down",
    }


def room(path: str) -> Optional[Dict[str, Any]]:
    """The file system at this path, in bytes; None when there is no such path."""
    try:
        device, space = os.stat(path).st_dev, os.statvfs(path)
    except OSError:
        return None
    size = space.f_frsize
    return {
        "device": device,
        "path": path,
        "total": space.f_blocks * size,
        "free": space.f_bavail * size,
    }


def look_at_firewall(seen: Seen, report: Report) -> None:
    """Nftables rules that decide about a UDP port (nft(8), libnftables-json(5))."""
    try:
        listed = json.loads(run(["nft", "-j", "list", "ruleset"]))["nftables"]
    except FileNotFoundError:
        return  # no nftables on this host
    except (OSError, ValueError, KeyError, Hung) as error:
        report.failed("nft -j list ruleset", error)
        return
    rules: List[Dict[str, Any]] = []
    seen["firewall"] = rules
    for entry in listed:
        rule = entry.get("rule") or {}
        parts = rule.get("expr") or []
        ports = [
            match["right"]
            for match in (part.get("match") for part in parts if isinstance(part, dict))
            if match and match.get("left") == {"payload": {"protocol": "udp", "field": "dport"}}
        ]
        for port in ports:
            if isinstance(port, int):
                rules.append(
                    {
                        "family": rule["family"],
                        "table": rule["table"],
                        "chain": rule["chain"],
                        "handle": rule["handle"],
                        "udp_port": port,
                        "drops": any("drop" in part or "reject" in part for part in parts),
                        "narrow": len([part for part in parts if "match" in part]) > 1,
                    }
                )


def settings_of(seen: Seen) -> Dict[str, str]:
    """Open_vSwitch.external_ids."""
    rows = (seen.get("vswitch") or {}).get("Open_vSwitch", [])
    return dict(rows[0].get("external_ids", ["map", []])[1]) if rows else {}


def integration_bridge(seen: Seen) -> str:
    """The bridge that ovn-controller fills, br-int unless configured otherwise."""
    return str(settings_of(seen).get("ovn-bridge", "br-int"))


def switch_answers(seen: Seen) -> bool:
    """False when asking ovs-vswitchd would only wait for a time-out, or has no bridge to ask about."""
    return "version" in seen.get("unixctl", {}).get("ovs-vswitchd", {}) and bridge_made(seen)


def bridge_made(seen: Seen) -> bool:
    """False when conf.db says that ovs-vswitchd has not made the integration bridge."""
    rows = (seen.get("vswitch") or {}).get("Interface", [])
    own = [row["ofport"] for row in rows if row["name"] == integration_bridge(seen)]
    return not own or (isinstance(own[0], int) and own[0] > 0)


def look_at_flows(seen: Seen, report: Report) -> None:
    """How many flows br-int has, and those that tie ports to it (tables 0 and 65)."""
    bridge = integration_bridge(seen)
    try:
        text = run(["ovs-ofctl", "--timeout=2", "dump-aggregate", bridge])
        fields = dict(part.split("=", 1) for part in text.split() if "=" in part)
        flows: Dict[str, Any] = {"bridge": bridge, "count": int(fields["flow_count"]), "ports": []}
        for table in ("0", "65"):
            text = run(
                ["ovs-ofctl", "--no-stats", "--timeout=2", "dump-flows", bridge, "table=" + table]
            )
            flows["ports"] += [line.strip() for line in text.splitlines() if "actions=" in line]
        seen["flows"] = flows
    except (OSError, ValueError, KeyError, Hung) as error:
        report.failed("flows of bridge %s" % bridge, error)


def counters(bridge: str) -> Dict[str, List[int]]:
    """Packets in and out of every port of the bridge, by OpenFlow port number."""
    found: Dict[str, List[int]] = {}
    port = None
    for line in run(["ovs-ofctl", "--timeout=2", "dump-ports", bridge]).splitlines():
        words = line.replace(",", " ").split()
        if words[:1] == ["port"] and ":" in line:
            port = words[1].rstrip(":").strip('"')
            found[port] = [packets(line), 0]
        elif words[:1] == ["tx"] and port is not None:
            found[port][1] = packets(line)
    return found


def flaps() -> Dict[str, int]:
    """How often BFD has gone up or down on each tunnel (ovs-vswitchd.conf.db(5), bfd_status)."""
    question = {
        "op": "select",
        "table": "Interface",
        "where": [["bfd_status", "!=", ["map", []]]],
        "columns": ["name", "bfd_status"],
    }
    path = conf_db()
    found: Dict[str, int] = {}
    for row in call(path, "transact", ["Open_vSwitch", question])[0]["rows"]:
        count = dict(row["bfd_status"][1]).get("flap_count", "")
        if count.isdigit():
            found[row["name"]] = int(count)
    return found


def packets(line: str) -> int:
    """The N of "pkts=N" in a line of dump-ports; 0 where the port cannot count."""
    value = line.partition("pkts=")[2].partition(",")[0].strip()
    return int(value) if value.isdigit() else 0


def taps(seen: Seen) -> List[str]:
    """Devices in the switch that carry a logical port's id."""
    names = []
    for row in (seen.get("vswitch") or {}).get("Interface", []):
        keys = dict(row.get("external_ids", ["map", []])[1])
        if "iface-id" in keys and os.path.isdir("/sys/class/net/" + row["name"]):
            names.append(row["name"])
    return names if len(names) <= MAX_TAPS else []


def look_for_a_while(seen: Seen, report: Report, window: float) -> None:
    """Port counters at both ends of the window, and source MACs seen within it.

    The taps are only listened to, as tcpdump would; nothing is sent.
    """
    bridge = integration_bridge(seen)
    sockets: Dict[socket.socket, str] = {}
    try:
        for name in taps(seen):
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            sock.setblocking(False)
            sock.bind((name, 0))
            sockets[sock] = name
    except OSError as error:
        report.failed("listening on the taps", error)
    try:
        before = flaps()
        first, began = counters(bridge), time.time()
        time.sleep(window)
        second, ended = counters(bridge), time.time()
        seconds = round(ended - began, 3)
        seen["counters"] = {"seconds": seconds, "first": first, "second": second}
        seen["flaps"] = {"seconds": seconds, "first": before, "second": flaps()}
    except (OSError, ValueError, KeyError, TypeError, Hung) as error:
        report.failed("port counters of bridge %s" % bridge, error)
    heard: Dict[str, List[str]] = {}
    for sock in select.select(list(sockets), [], [], 0)[0] if sockets else []:
        macs: Set[str] = set()
        for _ in range(64):
            try:
                _, address = sock.recvfrom(64)
            except OSError:
                break
            if address[2] != PACKET_OUTGOING:
                macs.add(":".join("%02x" % byte for byte in bytearray(address[4])))
        if macs:
            heard[sockets[sock]] = sorted(macs)
    for sock in sockets:
        sock.close()
    seen["heard"] = heard


def look_at_places(seen: Seen, report: Report) -> None:
    """Where things are on this host, and the containers where its own view may not suffice."""
    places = find(settings_of(seen), seen.get("tls") or {})
    places["runtimes"], places["containers"] = [], []
    if may_be_contained(seen):
        inside = daemons_by_container()
        tasks = {
            program: functools.partial(containers_of, program, inside)
            for program in runtime_programs()
        }
        refusals = Report()
        found = together(tasks, refusals, PATIENCE)
        whys = {error["what"]: error["why"] for error in refusals.errors}
        places["runtimes"] = [
            {"program": program, "why": whys.get(program, "")} for program in tasks
        ]
        for program, why in whys.items():
            if "permission denied" in why.lower():
                # What a user may not see must not look like a host without OVN.
                report.failed("containers of %s" % program, "Permission denied: %s" % why)
        known: Dict[str, Dict[str, Any]] = {}
        for rows in found.values():  # podman may call itself docker too
            for row in rows:
                known.setdefault(row["id"], row)
        places["containers"] = list(known.values())
    seen["places"] = places


def may_be_contained(seen: Seen) -> bool:
    """Whether containers might say more: false where OVN is the host's own, and answers.

    Nor where the environment names where it is.
    """
    if named_folder("ovs") or named_folder("ovn"):
        return False
    living = {
        name: found
        for name, found in (seen.get("processes") or {}).items()
        if found["state"] not in ("", "Z")
    }
    answers = seen.get("unixctl") or {}
    return (
        not any(name.startswith("ovn") for name in living)
        or any(found.get("container") for found in living.values())
        or any(name in answers and not answers[name] for name in living if DAEMONS[name][1])
    )


def daemons_by_container() -> Dict[str, List[str]]:
    """The daemons that run in containers here, by the container's id."""
    inside: Dict[str, List[str]] = {}
    for name in DAEMONS:
        pid = elsewhere(name)
        if pid is not None:
            inside.setdefault(container_id(groups_of(pid)), []).append(name)
    return inside


def containers_of(program: str, inside: Dict[str, List[str]]) -> List[Dict[str, Any]]:
    """The containers of one runtime that run something of OVN, and what."""
    rows = []
    for key, name, image in listed(program, run(listing(program))):
        daemons = inside.get(key) or daemons_by_name(name)
        if daemons:
            rows.append(
                {"runtime": program, "id": key, "name": name, "image": image, "daemons": daemons}
            )
    return rows


def look(window: float) -> Seen:
    """Everything, as one dictionary."""
    report = Report()
    seen: Seen = {
        "format": FORMAT,
        "hostname": socket.gethostname(),
        "kernel": os.uname()[2],
        "python": sys.version.split()[0],
        "time": time.time(),
        "uptime": 0.0,
        "euid": os.geteuid(),
    }
    try:
        with open("/proc/uptime") as uptime:
            seen["uptime"] = float(uptime.read().split()[0])
    except (OSError, ValueError):
        pass
    side_by_side(
        {
            "daemons": look_at_processes,
            "Open_vSwitch database": look_at_vswitch,
            "OVN database servers": look_at_servers,
            "certificates of ovn-controller": look_at_tls,
            "ip -j -d addr": look_at_links,
            "disks and memory": look_at_machine,
            "nft -j list ruleset": look_at_firewall,
            "libvirt's domains": look_at_domains,
        },
        seen,
        report,
        PATIENCE + 1,
    )
    parts: Dict[str, Callable[[Seen, Report], None]] = {"places": look_at_places}
    if switch_answers(seen):
        parts["flows"] = look_at_flows
        if window > 0:
            parts["port counters"] = functools.partial(look_for_a_while, window=window)
    side_by_side(parts, seen, report, PATIENCE + window + 0.5)
    seen["errors"] = sorted(report.errors, key=lambda error: error["what"])
    seen["ended"] = time.time()
    return seen


def side_by_side(
    parts: Dict[str, Callable[[Seen, Report], None]], seen: Seen, report: Report, timeout: float
) -> None:
    """Run parts of the look at the same time; what those that hang had seen is dropped."""

    def run_part(part: Callable[[Seen, Report], None]) -> Seen:
        own = dict(seen)
        part(own, report)
        return own

    tasks = {what: functools.partial(run_part, part) for what, part in parts.items()}
    for own in together(tasks, report, timeout).values():
        seen.update(own)


def main(arguments: List[str]) -> None:
    """Look, and print."""
    window = 0.0
    if arguments[:1] == ["--window"] and len(arguments) == 2:
        window = float(arguments[1])
    sys.stdout.write(json.dumps(look(window), sort_keys=True) + "\n")
    sys.stdout.flush()
    os._exit(0)  # a thread that hangs shall not keep this waiting


if __name__ == "__main__":
    main(sys.argv[1:])
