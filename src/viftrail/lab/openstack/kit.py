"""What an OpenStack lab is made of: Debian packages, a venv of PyPI packages, and a tiny guest.

All of it is prepared once for each lock file, by `viftrail lab prepare`, and kept in a cache
folder; a lab that finds it incomplete says so and does not begin.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from viftrail.errors import LabError
from viftrail.lab.openstack import image

LOCK: Final = Path(__file__).with_name("requirements.lock")

PACKAGES: Final = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "libvirtd": "libvirt-daemon",
    "virsh": "libvirt-clients",
    "mariadbd": "mariadb-server",
    "rabbitmqctl": "rabbitmq-server",
    "haproxy": "haproxy",
    "cpio": "cpio",
    "iptables": "iptables",
}
"""Programs, and the Debian packages that have them."""

_LIBRARIES: Final = (
    "libvirt-daemon-driver-qemu",
    "libvirt-dev",
    "pkg-config",
    "gcc",
    "python3-dev",
)
"""Without a program of their own: libvirt's QEMU driver, and what builds its Python binding."""

LIBVIRT: Final = (
    "/var/lib/libvirt", "/var/log/libvirt", "/var/cache/libvirt", "/etc/libvirt",
)  # fmt: skip
"""Where libvirt keeps everything, whoever it belongs to."""

_SEARCH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PATIENCE: Final = 900.0


class Kit:
    """The prepared parts, in a folder of their own for each state of the lock file."""

    def __init__(self) -> None:
        cache = Path(os.environ.get("VIFTRAIL_CACHE", "/var/cache/viftrail"))
        digest = hashlib.sha256(LOCK.read_bytes() + image.RECIPE.encode()).hexdigest()[:12]
        self.folder = cache / f"openstack-{digest}"

    @property
    def venv(self) -> Path:
        """Where OpenStack is installed."""
        return self.folder / "venv"

    @property
    def images(self) -> Path:
        """Where the guest's kernel, initramfs and disk are."""
        return self.folder / "image"

    def program(self, name: str) -> str:
        """The path of one of OpenStack's own programs."""
        return str(self.venv / "bin" / name)

    def etc(self, project: str, file: str) -> Path:
        """A configuration file that a package brings along."""
        return self.venv / "etc" / project / file

    @property
    def complete(self) -> bool:
        """Whether everything is there."""
        folders = all(Path(path).is_dir() for path in LIBVIRT)
        return (self.folder / "complete").exists() and folders and not missing_packages()

    def check(self) -> None:
        """Look whether an OpenStack lab can be brought up here.

        Raises:
            LabError: something is missing.
        """
        if not self.complete:
            raise LabError(
                "An OpenStack lab needs Debian packages, a venv and a guest image that are not "
                "there yet.",
                "Run `viftrail lab prepare`, as root, once: it takes about two minutes and 1 GB.",
            )

    def prepare(self, progress: Callable[[str], None]) -> None:
        """Make what is missing; two who ask at once wait for each other.

        Raises:
            LabError: something could not be installed.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            missing = missing_packages()
            if missing:
                progress(f"packages: {' '.join(missing)}")
                _install(missing)
            for path in LIBVIRT:
                # Debian makes these with a package that would start services; labs cover them.
                Path(path).mkdir(parents=True, exist_ok=True)
            if (self.folder / "complete").exists():
                return
            progress("OpenStack from PyPI")
            shutil.rmtree(self.venv, ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(self.venv)])
            pip = [self.program("pip"), "install", "-q", "--disable-pip-version-check"]
            _run([*pip, "--require-hashes", "-r", str(LOCK)])
            progress("guest image")
            shutil.rmtree(self.images, ignore_errors=True)
            image.build(self.images)
            (self.folder / "complete").touch()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def missing_packages() -> list[str]:
    """Debian packages that are not installed."""
    missing = [
        package for program, package in PACKAGES.items() if not shutil.which(program, path=_SEARCH)
    ]
    driver = Path("/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so")
    return [*missing, *(_LIBRARIES if missing or not driver.exists() else ())]


def _install(packages: list[str]) -> None:
    # Debian starts a service when its package is installed, unless this file says no
    # (invoke-rc.d(8)). The lab runs daemons of its own.
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300"]
        _run([*apt, "update", "-qq"])
        _run([*apt, "install", "-y", "-qq", "--no-install-recommends", *packages])
    finally:
        if ours:
            policy.unlink(missing_ok=True)


def _run(argv: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            argv, env=environment, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(f"{argv[0]} failed: {error}.") from error
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise LabError(
            f"{' '.join(argv[:4])} … failed with exit code {done.returncode}.", " ".join(words)
        )
