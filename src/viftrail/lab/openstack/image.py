"""The guest of an OpenStack lab: Debian's cloud kernel, and a busybox that asks for a lease.

It boots in four seconds under TCG. On its console it says what it got; to whoever connects to
its port 80 it answers, and `/ping?ADDRESS` has it send packets itself: that is how a test asks
whether a guest without a network namespace of its own reaches its gateway.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tempfile
import textwrap
from pathlib import Path
from typing import Final

from viftrail.errors import LabError

KERNEL: Final = "vmlinuz"
INITRD: Final = "initrd.gz"
DISK: Final = "disk.raw"

_MODULES: Final = (
    "virtio_ring",
    "virtio",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "failover",
    "net_failover",
    "virtio_net",
    "virtio_blk",
)
"""In the order in which they need each other."""

_APPLETS: Final = (
    "sh",
    "mount",
    "insmod",
    "ip",
    "udhcpc",
    "ifconfig",
    "route",
    "sleep",
    "echo",
    "cat",
    "ping",
    "poweroff",
    "ls",
    "nc",
    "hostname",
    "grep",
    "date",
    "arping",
    "httpd",
    "timeout",
    "tr",
    "sed",
    "head",
)

_INIT: Final = textwrap.dedent("""\
    #!/bin/sh
    mount -t proc proc /proc
    mount -t sysfs sys /sys
    mount -t devtmpfs dev /dev
    for module in /lib/modules/*.ko; do
        options=
        # Checksums are complete in every packet: the userspace datapath never fills them in.
        case $module in *virtio_net*) options="csum=0 gso=0" ;; esac
        insmod "$module" $options
    done
    ip link set lo up
    sleep 1
    echo "GUEST booted $(cat /proc/uptime)"
    for card in $(ls /sys/class/net | grep eth); do
        ip link set "$card" up
        # For ever: three requests a second apart, two seconds of rest.
        udhcpc -f -i "$card" -s /bin/dhcp-event -t 3 -T 1 -A 2 -O mtu -O staticroutes &
    done
    httpd -p 80 -h /www
    (
        for try in 1 2 3 4 5 6 7 8 9 10; do
            sleep 2
            answer=$(printf 'GET /latest/meta-data/instance-id HTTP/1.0\\r\\n\\r\\n' |
                nc -w 3 169.254.169.254 80 2>/dev/null | tr -d '\\r' | head -n 1)
            [ -n "$answer" ] && echo "GUEST metadata: $answer" && break
        done
    ) &
    echo "GUEST ready"
    # ACPI's power button reaches nobody here: Nova waits its shutdown time, then pulls the plug.
    while true; do sh </dev/console >/dev/console 2>&1; sleep 1; done
    """)

_DHCP_EVENT: Final = textwrap.dedent("""\
    #!/bin/sh
    case "$1" in
    deconfig)
        ip address flush dev "$interface"
        ip link set "$interface" up
        ;;
    bound | renew)
        [ -n "$mtu" ] && ip link set "$interface" mtu "$mtu"
        ip address flush dev "$interface"
        ip address add "$ip/$mask" broadcast + dev "$interface"
        for gateway in $router; do
            ip route replace default via "$gateway" dev "$interface"
        done
        set -- $staticroutes
        while [ $# -ge 2 ]; do
            ip route replace "$1" via "$2" dev "$interface" 2>/dev/null
            shift 2
        done
        echo "GUEST lease $interface $ip/$mask mtu=$mtu server=$serverid"
        ;;
    *) echo "GUEST dhcp $1" ;;
    esac
    """)

_PING: Final = textwrap.dedent("""\
    #!/bin/sh
    # busybox httpd runs this as CGI: /cgi-bin/ping?ADDRESS
    printf 'Content-Type: text/plain\\r\\n\\r\\n'
    if ping -c 3 -W 1 -i 0.3 "$QUERY_STRING" >/dev/null 2>&1; then echo ok; else echo lost; fi
    """)

RECIPE: Final = "\n".join((_INIT, _DHCP_EVENT, _PING, *_MODULES, *_APPLETS))
"""Whatever makes another image."""


def build(folder: Path) -> None:
    """Make kernel, initramfs and an empty disk in a folder.

    Raises:
        LabError: the kernel's package cannot be had, or a tool is missing.
    """
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="viftrail-image-") as scratch:
        kernel = _unpack_kernel(Path(scratch))
        (vmlinuz,) = kernel.glob("boot/vmlinuz-*")
        shutil.copy(vmlinuz, folder / KERNEL)
        root = Path(scratch) / "root"
        _fill(root, kernel)
        names = "\n".join(sorted(str(path.relative_to(root)) for path in (root, *root.rglob("*"))))
        archive = subprocess.run(
            ["cpio", "--quiet", "-o", "-H", "newc"],
            cwd=root,
            input=names.encode(),
            capture_output=True,
            check=True,
        )
        (folder / INITRD).write_bytes(gzip.compress(archive.stdout))
    with (folder / DISK).open("wb") as disk:
        disk.truncate(8 * 1024 * 1024)


def _unpack_kernel(folder: Path) -> Path:
    """Debian's newest kernel for clouds, unpacked and not installed."""
    meta = subprocess.run(
        ["apt-cache", "depends", "--important", "linux-image-cloud-amd64"],
        capture_output=True,
        text=True,
        check=False,
    )
    names = [line.split()[-1] for line in meta.stdout.splitlines() if "Depends:" in line]
    if not names:
        raise LabError(
            "Debian's linux-image-cloud-amd64 is not known to apt.", "Run `apt-get update`."
        )
    done = subprocess.run(
        ["apt-get", "download", "-qq", names[0]], cwd=folder, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    packages = list(folder.glob("*.deb"))
    if not packages:
        raise LabError(f"{names[0]} cannot be downloaded: {done.stderr.strip()[-200:]}.")
    target = folder / "kernel"
    subprocess.run(["dpkg-deb", "-x", str(packages[0]), str(target)], check=True)
    return target


def _fill(root: Path, kernel: Path) -> None:
    for name in ("bin", "proc", "sys", "dev", "etc", "lib/modules", "tmp", "www/cgi-bin"):
        (root / name).mkdir(parents=True)
    busybox = shutil.which("busybox")
    if busybox is None:
        raise LabError("busybox is not installed.", "apt-get install busybox-static")
    shutil.copy(busybox, root / "bin/busybox")
    for applet in _APPLETS:
        (root / "bin" / applet).symlink_to("busybox")
    for number, module in enumerate(_MODULES):
        (found,) = kernel.rglob(f"{module}.ko")
        shutil.copy(found, root / "lib/modules" / f"{number:02}-{module}.ko")
    for path, text in (
        ("init", _INIT),
        ("bin/dhcp-event", _DHCP_EVENT),
        ("www/cgi-bin/ping", _PING),
        ("www/index.html", "guest\n"),
        ("etc/hosts", "127.0.0.1 localhost\n"),
    ):
        file = root / path
        file.write_text(text)
        file.chmod(0o755)
