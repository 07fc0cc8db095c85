"""A real sshd in lab nodes, the keys for it, and what a host may do in place of a login."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .harness import environment, run
from .site import Site

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
RUN_SSHD = Path("/run/sshd")
"""Without this folder sshd does not start; the package makes it at boot (sshd(8), FILES)."""

PORT = 2222
SILENT = 2290
CLOSED = 2291
ODD = {
    # port: what the host does with a login, as sshd's ForceCommand
    2231: 'echo "Welcome to compute1!"; echo "{ } is no JSON"; eval "$SSH_ORIGINAL_COMMAND"',
    2232: 'echo "This account is for guests only."',
    2233: 'PATH=/nonexistent; eval "$SSH_ORIGINAL_COMMAND"',
    2234: "while kill -0 $PPID; do sleep 0.2; done",
    2235: 'echo "This account is currently not available."; exit 1',
}
BANNER, GUESTS, NO_PYTHON, HANGS, NOLOGIN = sorted(ODD)


class Ssh:
    """Keys, and a client configuration for each way of failing."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self.folder = folder
        for name in ("host", "user", "stranger"):
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)])
        (folder / "authorized").write_text((folder / "user.pub").read_text())
        ports = (PORT, SILENT, CLOSED, *ODD)
        (folder / "known").write_text(
            "".join(
                f"[{n}]:{p} {self.key('host')}\n" for n in ("compute1", "network1") for p in ports
            )
        )

    def key(self, name: str) -> str:
        """A public key, as known_hosts has it."""
        return " ".join((self.folder / f"{name}.pub").read_text().split()[:2])

    @contextmanager
    def server(self, node: str, port: int, extra: str = "") -> Iterator[None]:
        run_dir = self.site.run_dir(node)
        config = self.folder / f"sshd.{node}.{port}"
        config.write_text(
            f"Port {port}\nHostKey {self.folder}/host\nPidFile {config}.pid\nStrictModes no\n"
            f"AuthorizedKeysFile {self.folder}/authorized\nUsePAM no\nUseDNS no\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\nLogLevel ERROR\n"
            "MaxStartups 100\n"
            f"SetEnv OVS_RUNDIR={run_dir} OVN_RUNDIR={run_dir}\n{extra}"
        )
        argv = [*self.site.inside(node), str(SSHD), "-D", "-e", "-f", str(config)]
        with subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment()
        ) as daemon:
            try:
                end = time.monotonic() + 10
                while not Path(f"{config}.pid").exists():
                    assert daemon.poll() is None, daemon.communicate()
                    assert time.monotonic() < end
                    time.sleep(0.01)
                yield
            finally:
                for pid in (*descendants(daemon.pid), daemon.pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    def config(self, name: str, *lines: str, user_key: str = "user") -> tuple[str, ...]:
        """The options that make viftrail use ssh; ``lines`` come first, so they win."""
        path = self.folder / f"{name}.conf"
        usual = (
            "Host *",
            "User root",
            f"Port {PORT}",
            f"IdentityFile {self.folder}/{user_key}",
            "IdentitiesOnly yes",
            f"UserKnownHostsFile {self.folder}/known",
            "StrictHostKeyChecking yes",
        )
        path.write_text("\n".join((*lines, *usual)) + "\n")
        return ("--ssh", "--ssh-config", str(path))

    def port(self, port: int) -> tuple[str, ...]:
        """compute1 by another port."""
        return self.config(f"port{port}", "Host compute1", f"Port {port}")


def descendants(pid: int) -> list[int]:
    """Sessions outlive the sshd that began them, and even the lab that they ran in."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = list(parents.get(pid, ()))
    for child in found:
        found += parents.get(child, ())
    return found


@contextmanager
def silent(site: Site) -> Iterator[None]:
    """A port of compute1 that accepts and never says a word."""
    program = (
        "import socket,sys; s = socket.create_server(('', int(sys.argv[1]))); "
        "print(flush=True); sys.stdin.read()"
    )
    argv = [*site.inside("compute1"), "python3", "-c", program, str(SILENT)]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
    ) as listener:
        assert listener.stdout
        assert listener.stdout.readline()
        yield
        assert listener.stdin
        listener.stdin.close()
