"""A VM with a kernel of its own, which QEMU emulates on a tap of the host.

What libvirt would start, with less around it: no disk, no BIOS menu, and two serial lines,
the console into a file and the second one for :mod:`serial`. KVM is not used: what a lab is
for is the packets, and a lab's computer is often a VM itself.
"""

from __future__ import annotations

import re
import shlex
import shutil
import time
from typing import TYPE_CHECKING, Final

from viftrail.errors import LabError, UsageError
from viftrail.lab import image, serial
from viftrail.lab.daemon import Daemon
from viftrail.lab.guest import DHCP_SCRIPT, DRY_SCRIPT, HTTP_PORT, UDHCPC
from viftrail.lab.machine import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from viftrail.lab.design import Vm
    from viftrail.lab.folder import Folder
    from viftrail.lab.node import Chassis

_MEMORY: Final = "128"
"""Megabytes. The kernel and BusyBox fit twice."""

_KERNEL_ARGUMENTS: Final = "console=ttyS0 quiet panic=-1 edd=off mitigations=off"

_ORDER_TIMEOUT: Final = 10.0
"""Seconds for a command of the lab's own inside."""

_INIT: Final = f"""\
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
echo "$pids" >/proc/sys/kernel/ns_last_pid
hostname "$guest"
for module in /modules/*; do
    insmod "$module"
done
sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 2>/dev/null
ip link set lo up
hostname >/www/index.html
httpd -p {HTTP_PORT} -h /www
/agent &
/tell &
/ask-for-lease
while :; do
    sleep 3600
done
"""

_ASK_FOR_LEASE: Final = f"""\
#!/bin/sh
# The DHCP client anew, without the address there may have been.
[ -f /run/udhcpc.pid ] && kill "$(cat /run/udhcpc.pid)" 2>/dev/null
ip address flush dev eth0
ip link set eth0 up
{UDHCPC} -F "$(hostname)" -s /dhcp-event </dev/null >/dev/console 2>&1 &
echo $! >/run/udhcpc.pid
"""

#: What the lab reads off the console, because it must not wait for a guest that is busy.
_STATE: Final = re.compile(r"^eth0 is ([0-9a-f:]*) mtu (\d+) address (\S+)\r?$", re.MULTILINE)
_TELL: Final = """\
#!/bin/sh
# Says how eth0 is, whenever that has changed.
while :; do
    mac= mtu=0
    read -r mac </sys/class/net/eth0/address && read -r mtu </sys/class/net/eth0/mtu
    address=$(ip -o -4 address show dev eth0 | awk '{ sub("/.*", "", $4); print $4; exit }')
    now="$mac mtu $mtu address ${address:-none}"
    [ "$now" = "$last" ] || echo "eth0 is $now" >/dev/console
    last=$now
    sleep 0.3
done
"""

_SYSTEMCTL: Final = """\
#!/bin/sh
# As much of systemctl as mends a guest's network.
case "$*" in
"restart systemd-networkd" | "start systemd-networkd") exec /ask-for-lease ;;
esac
echo "This guest knows only: systemctl restart systemd-networkd" >&2
exit 5
"""


class QemuGuest:
    """The inside of a VM that QEMU runs on its host."""

    def __init__(self, vm: Vm, node: Chassis, folder: Folder) -> None:
        """Prepares it; nothing runs before `boot`."""
        self.name = vm.name
        own = folder.path / "guests" / vm.name
        own.mkdir(parents=True, exist_ok=True)
        self.console = own / "console.log"
        self.serial = own / "serial.sock"
        self._folder = own
        self._node = node
        kernel = image.check()
        archive = folder.path / "guests" / "initrd"
        if not archive.exists():
            archive.write_bytes(image.archive(kernel, image.busybox(), _scripts()))
        self._qemu = Daemon(
            name="qemu",
            machine=node,
            argv=_qemu(vm, kernel.image, archive, self.console, self.serial),
            output=own / "qemu.log",
            ready="",
        )

    @property
    def pid(self) -> int | None:
        """QEMU's pid while it runs."""
        return self._qemu.pid

    def card(self, vm: Vm, mtu: int) -> list[str]:
        """A tap, as libvirt makes one: without a carrier until QEMU opens it."""
        return [
            f"tuntap add dev {vm.tap} mode tap",
            f"link set {vm.tap} address fe{vm.mac[2:]} mtu {mtu} up",
        ]

    def card_made(self) -> None:
        """Nothing: the guest finds its card when it boots."""

    def boot(self) -> None:
        """Switches it on."""
        self.console.write_bytes(b"")
        self.serial.unlink(missing_ok=True)
        self._qemu.spawn()

    def solicit_router(self) -> None:
        """Nothing: it speaks IPv4 only."""

    @property
    def address6(self) -> str | None:
        """None: it speaks IPv4 only."""
        return None

    def halt(self) -> None:
        """Switches it off, as Nova destroys a guest: by its pid, and at once."""
        self._qemu.kill()

    def close(self) -> None:
        """Removes what it printed."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, *argv: str) -> str:
        """Runs a command inside.

        Raises:
            LabError: it failed, or the guest does not answer.
        """
        return self._script(shlex.join(argv))

    def ip(self, *commands: str, check: bool = True) -> None:
        """Runs lines of ``ip`` inside."""
        lines = [f"ip {command}" for command in commands]
        self._script((" && " if check else "; ").join(lines), check=check)

    def ask_for_lease(self) -> None:
        """Starts the DHCP client anew, without the address it may have had."""
        if self._qemu.running:
            self._script("/ask-for-lease")
            self._await_change()

    def fall_silent(self) -> None:
        """Ends the DHCP client, and drops the address that it had."""
        self._script('kill "$(cat /run/udhcpc.pid)"', check=False)
        self.ip("address flush dev eth0")
        self._await_change()

    def use_address(self, cidr: str, gateway: str) -> None:
        """Configures eth0 by hand instead."""
        self._script('kill "$(cat /run/udhcpc.pid)"', check=False)
        self.ip(
            "address flush dev eth0",
            f"address add {cidr} dev eth0",
            f"route replace default via {gateway} dev eth0",
        )
        self._await_change()

    def insist_on(self, address: str) -> None:  # noqa: ARG002
        """Its busybox has no client that would.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"{self.name} has no such DHCP client.", "Take a VM without --qemu.")

    def set_mac(self, mac: str) -> None:
        """Gives eth0 another MAC address."""
        self.ip("link set eth0 down", f"link set eth0 address {mac}", "link set eth0 up")
        wait_until(lambda: self.mac_of("eth0") == mac, 2.0)

    def keep_pinging(self, *targets: str) -> None:
        """Pings ten times a second, until told to stop."""
        for target in targets:
            self._script(f"ping -q -i 0.1 {shlex.quote(target)} >/dev/null 2>&1 &")

    def stop_pinging(self) -> None:
        """Ends every ping."""
        if self._qemu.running:
            self._script("killall ping", check=False)

    def wait_lease(self, timeout: float) -> bool:
        """Waits until it has an address."""
        return wait_until(lambda: self.lease is not None or not self._qemu.running, timeout, 0.05)

    def mac_of(self, link: str) -> str | None:
        """The MAC address of eth0, which is its only card."""
        return self._state[0] if link == "eth0" else None

    def mtu_of(self, link: str) -> int:
        """The MTU of eth0."""
        return self._state[1] if link == "eth0" else 0

    @property
    def lease(self) -> str | None:
        """The IPv4 address on eth0, as it said last."""
        return self._state[2]

    @property
    def requests(self) -> int:
        """How often its DHCP client has asked since it was switched on."""
        return self._said().count("discover")

    @property
    def _state(self) -> tuple[str | None, int, str | None]:
        """MAC, MTU and address of eth0, off the console; nothing of a guest that is off."""
        if not self._qemu.running:
            return None, 0, None
        told = _STATE.findall(self._said())
        if not told:
            return None, 0, None
        mac, mtu, address = told[-1]
        return mac or None, int(mtu), None if address == "none" else address

    def _said(self) -> str:
        try:
            return self.console.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def _await_change(self) -> None:
        """Gives it the time to say what has become of its address."""
        time.sleep(0.5)

    def _script(self, script: str, *, check: bool = True) -> str:
        (answer,) = serial.run_scripts(str(self.serial), [script], _ORDER_TIMEOUT)
        if check and answer.code:
            lines = (answer.errors or answer.output).strip().splitlines() or ["(silence)"]
            raise LabError(f"{self.name}: {script}: exit {answer.code}: {lines[-1]}")
        return answer.output


def _scripts() -> dict[str, str]:
    return {
        "init": _INIT,
        "agent": serial.AGENT,
        "tell": _TELL,
        "ask-for-lease": _ASK_FOR_LEASE,
        "dhcp-event": DHCP_SCRIPT,
        "dhcp-dry-run": DRY_SCRIPT,
        "bin/systemctl": _SYSTEMCTL,
    }


def _qemu(vm: Vm, kernel: Path, archive: Path, console: Path, line: Path) -> tuple[str, ...]:
    # Echo requests of two guests must not have the same identifier, which is a pid: they may
    # share one SNAT address (see ping._echo). What the kernel does not know, init gets.
    number = int(vm.ip.rsplit(".", 1)[1])
    append = f"{_KERNEL_ARGUMENTS} guest={vm.name} pids={number * 100}"
    return (
        image.QEMU,
        *shlex.split("-nodefaults -no-user-config -display none -no-reboot"),
        *shlex.split("-M pc -cpu qemu64 -accel tcg"),
        *("-m", _MEMORY),
        *("-name", vm.name, "-uuid", vm.id),
        *("-kernel", str(kernel), "-initrd", str(archive), "-append", append),
        *("-chardev", f"file,id=console,path={console},append=on", "-serial", "chardev:console"),
        *("-chardev", f"socket,id=line,path={line},server=on,wait=off", "-serial", "chardev:line"),
        # Without vnet_hdr the guest computes its checksums itself, as a lab's switches need it.
        *("-netdev", f"tap,id=card,ifname={vm.tap},script=no,downscript=no,vnet_hdr=off"),
        *("-device", f"virtio-net-pci,netdev=card,mac={vm.mac},romfile="),
    )
