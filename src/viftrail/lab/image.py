"""What a QEMU guest boots: Debian's cloud kernel, and an archive with BusyBox in it.

The kernel package is unpacked, never installed: a computer must not come to boot it.
"""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from viftrail.errors import LabError, NotPermitted

if TYPE_CHECKING:
    from collections.abc import Sequence

QEMU: Final = "qemu-system-x86_64"
PACKAGE: Final = "linux-image-cloud-amd64"
"""Depends on the newest package that holds such a kernel."""

STORE: Final = Path("/var/cache/viftrail/guest-kernel")
"""Where `fetch` puts the kernel: one for all labs of a computer."""

MODULES: Final = (
    "virtio_ring",
    "virtio",
    "virtio_pci_modern_dev",
    "virtio_pci_legacy_dev",
    "virtio_pci",
    "failover",
    "net_failover",
    "virtio_net",
)
"""What a virtio network card needs, in the order that each finds its symbols (insmod(8))."""

_DOWNLOAD_TIMEOUT: Final = 120.0


@dataclass(frozen=True)
class Kernel:
    """A kernel and its modules, which may be packed with xz."""

    image: Path
    modules: tuple[Path, ...]


def find() -> Kernel | None:
    """The kernel that was fetched, if one was."""
    image = STORE / "vmlinuz"
    if not image.is_file():
        return None
    found = (next(iter(STORE.glob(f"{name}.ko*")), None) for name in MODULES)
    return Kernel(image, tuple(path for path in found if path))


def check() -> Kernel:
    """The kernel, if a QEMU guest can be booted here.

    Raises:
        LabError: QEMU, the kernel or both are missing.
    """
    kernel = find()
    remedies = []
    if not shutil.which(QEMU):
        remedies.append("apt-get install --no-install-recommends qemu-system-x86")
    if kernel is None:
        remedies.append("viftrail lab fetch-kernel")
    if remedies or kernel is None:
        raise LabError(
            "A QEMU guest needs what is not here: "
            + " and ".join(
                name
                for name, missing in (
                    (QEMU, not shutil.which(QEMU)),
                    ("Debian's cloud kernel", kernel is None),
                )
                if missing
            )
            + ".",
            " && ".join(remedies),
        )
    return kernel


def fetch() -> str:
    """Downloads Debian's cloud kernel from the computer's own package sources; which one it is.

    Raises:
        NotPermitted: the caller may not write to the store.
        LabError: there is no apt, no such package, or no network.
    """
    with tempfile.TemporaryDirectory(prefix="viftrail-kernel-") as scratch:
        folder = Path(scratch)
        package = _newest_package(folder)
        _run(["apt-get", "download", "-qq", package], folder)
        (archive,) = folder.glob("*.deb")
        _run(["dpkg-deb", "-x", str(archive), "unpacked"], folder)
        root = folder / "unpacked"
        images = list(root.glob("boot/vmlinuz-*"))
        modules = [path for path in root.glob("**/*.ko*") if path.name.split(".")[0] in MODULES]
        if len(images) != 1 or not modules:
            raise LabError(f"{package} does not hold what a guest needs: a kernel and virtio_net.")
        try:
            shutil.rmtree(STORE, ignore_errors=True)
            STORE.mkdir(parents=True)
            for path in modules:
                shutil.copy(path, STORE / path.name)
            # Last, because it is what `find` looks for.
            shutil.copy(images[0], STORE / "vmlinuz")
        except PermissionError as error:
            raise NotPermitted(f"Only root may write to {STORE}.", "Run it with sudo.") from error
        return images[0].name


def _newest_package(folder: Path) -> str:
    for line in _run(["apt-cache", "depends", PACKAGE], folder).splitlines():
        word, _, name = line.strip().partition(": ")
        if word == "Depends" and name.startswith("linux-image-"):
            return name
    raise LabError(
        f"The package sources of this computer have no {PACKAGE}.",
        "It is Debian's, for amd64; `apt-get update` reads the lists anew.",
    )


def _run(argv: Sequence[str], folder: Path) -> str:
    try:
        done = subprocess.run(
            argv,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_DOWNLOAD_TIMEOUT,
            check=False,
        )
    except FileNotFoundError:
        raise LabError(
            f"There is no {argv[0]} here to fetch a kernel with.",
            f"Put vmlinuz and {MODULES[-1]}.ko with what it needs into {STORE} by hand.",
        ) from None
    except subprocess.TimeoutExpired:
        raise LabError(f"{argv[0]} did not end within {_DOWNLOAD_TIMEOUT:g} s.") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["(it printed nothing)"]
        raise LabError(f"{' '.join(argv)}: {lines[-1]}", "`apt-get update` reads the lists anew.")
    return done.stdout


def archive(kernel: Kernel, busybox: Path, scripts: dict[str, str]) -> bytes:
    """The initial RAM file system: BusyBox, the card's modules, and scripts by their path.

    Not packed: under emulation unpacking takes longer than reading.
    """
    parts = [_entry(folder, stat.S_IFDIR | 0o755) for folder in _FOLDERS]
    parts.append(_entry("bin/busybox", stat.S_IFREG | 0o755, busybox.read_bytes()))
    parts.append(_entry("bin/sh", stat.S_IFLNK | 0o777, b"busybox"))
    for order, module in enumerate(kernel.modules):
        content = module.read_bytes()
        if module.suffix == ".xz":
            content = lzma.decompress(content)
        name = module.name.split(".")[0]
        parts.append(_entry(f"modules/{order}-{name}.ko", stat.S_IFREG | 0o644, content))
    for path, text in scripts.items():
        parts.append(_entry(path, stat.S_IFREG | 0o755, text.encode()))
    parts.append(_entry("TRAILER!!!", 0))
    return b"".join(parts)


_FOLDERS: Final = ("bin", "dev", "modules", "proc", "run", "sys", "tmp", "www")


def _entry(path: str, mode: int, content: bytes = b"") -> bytes:
    """One file in cpio's newc format (the kernel's Documentation/driver-api/early-userspace)."""
    name = path.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
    return _padded(head) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def busybox() -> Path:
    """The statically linked BusyBox of this computer.

    Raises:
        LabError: it needs libraries, which a guest would not have.
    """
    path = shutil.which("busybox", path=os.environ.get("PATH", "") + ":/usr/bin:/bin")
    if path is None or b"/ld-linux" in Path(path).read_bytes():
        raise LabError(
            "A QEMU guest needs a BusyBox without libraries.",
            "apt-get install --no-install-recommends busybox-static",
        )
    return Path(path)
