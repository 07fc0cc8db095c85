"""What runs inside a VM: a real DHCP client, and a server that answers TCP.

Most VMs are network namespaces whose eth0 is the far end of a tap; :mod:`qemu` has VMs with
a kernel of their own. See :mod:`hypervisor` for how both are plugged.
"""

from __future__ import annotations

import shlex
import sys
import textwrap
from importlib import resources
from typing import TYPE_CHECKING, Final, Protocol

from viftrail.lab.daemon import Daemon
from viftrail.lab.machine import Machine, wait_until
from viftrail.lab.node import environment

if TYPE_CHECKING:
    from pathlib import Path

    from viftrail.lab.design import Vm
    from viftrail.lab.folder import Folder
    from viftrail.lab.kernel import Namespaces

#: The port that every VM and the external host answer on.
HTTP_PORT: Final = 80

#: Distributions' own udhcpc scripts touch resolv.conf, which is the host's here.
DHCP_SCRIPT: Final = textwrap.dedent("""\
    #!/bin/sh
    # Called by udhcpc with what happened, and the lease in its environment.
    case "$1" in
    deconfig)
        ip -4 address flush dev "$interface"
        ip link set "$interface" up
        ;;
    bound | renew)
        [ -n "$mtu" ] && ip link set "$interface" mtu "$mtu"
        ip address replace "$ip/$mask" broadcast + dev "$interface"
        for gateway in $router; do
            ip route replace default via "$gateway" dev "$interface"
        done
        # RFC 3442: pairs of destination and gateway.
        set -- $staticroutes
        while [ $# -ge 2 ]; do
            ip route replace "$1" via "$2" dev "$interface"
            shift 2
        done
        # As distributions' clients do, because neighbours may know the address
        # by the MAC of a machine that had it before.
        busybox arping -U -q -c 1 -I "$interface" "$ip" &
        ;;
    esac
    exit 0
    """)

#: For ``lab ping``: says what was leased and leaves the guest's address alone.
DRY_SCRIPT: Final = '#!/bin/sh\n[ "$1" = bound ] && echo "leased $ip"\nexit 0\n'


def write_scripts(folder: Folder) -> None:
    """Puts the DHCP client's scripts where all guests find them."""
    for script, text in ((dhcp_script(folder), DHCP_SCRIPT), (dry_script(folder), DRY_SCRIPT)):
        script.parent.mkdir(exist_ok=True)
        script.write_text(text)
        script.chmod(0o755)


def dhcp_script(folder: Folder) -> Path:
    """The path of the script that a guest's DHCP client calls."""
    return folder.path / "guests" / "dhcp-event"


def dry_script(folder: Folder) -> Path:
    """The path of the script of a DHCP client that only tries."""
    return folder.path / "guests" / "dhcp-dry-run"


#: Three requests a second apart, two seconds of rest, and again, for ever.
UDHCPC: Final = "busybox udhcpc -f -i eth0 -t 3 -T 1 -A 2 -O mtu -O staticroutes"


class Guest(Protocol):
    """The inside of a VM, however it is made."""

    name: str

    def card(self, vm: Vm, mtu: int) -> list[str]:
        """The lines of ``ip`` that make the VM's tap on its host."""
        ...

    def card_made(self) -> None:
        """What is left to be done inside once the tap exists."""
        ...

    def boot(self) -> None:
        """Starts what a guest starts at boot; its card must be plugged."""
        ...

    def halt(self) -> None:
        """Ends what runs in it."""
        ...

    def close(self) -> None:
        """Lets go of all that it was made of."""
        ...

    def run(self, *argv: str) -> str:
        """Runs a command inside; what it printed."""
        ...

    def ip(self, *commands: str, check: bool = True) -> None:
        """Runs lines of ``ip`` inside."""
        ...

    def ask_for_lease(self) -> None:
        """Starts the DHCP client anew, without the address it may have had."""
        ...

    def use_address(self, cidr: str, gateway: str) -> None:
        """Configures eth0 by hand instead, as an operator inside the guest would."""
        ...

    def fall_silent(self) -> None:
        """Ends the DHCP client, and drops the address that it had."""
        ...

    def insist_on(self, address: str) -> None:
        """Asks for this address for ever, until it asks for a lease as others do."""
        ...

    def set_mac(self, mac: str) -> None:
        """Gives eth0 another MAC address, as an operator inside the guest would."""
        ...

    def keep_pinging(self, *targets: str) -> None:
        """What a user does while they complain: ping ten times a second, until told to stop."""
        ...

    def stop_pinging(self) -> None:
        """Ends every ping of `keep_pinging`."""
        ...

    def wait_lease(self, timeout: float) -> bool:
        """Waits until it has an address."""
        ...

    def mac_of(self, link: str) -> str | None:
        """The MAC address of a link inside, if there is such a link."""
        ...

    def mtu_of(self, link: str) -> int:
        """The MTU of a link inside; 0 if there is no such link."""
        ...

    def solicit_router(self) -> None:
        """Forgets what a router advertised, and asks for it again."""
        ...

    @property
    def lease(self) -> str | None:
        """The IPv4 address on eth0, if it has one."""
        ...

    @property
    def address6(self) -> str | None:
        """The global IPv6 address on eth0, if it has one."""
        ...

    @property
    def requests(self) -> int:
        """How often its DHCP client has asked, since the VM was made."""
        ...


class NamespaceGuest(Machine):
    """A VM that is a network namespace."""

    def __init__(self, name: str, folder: Folder, home: Namespaces, token: str) -> None:
        """Makes a VM without a network card that runs nothing yet."""
        super().__init__(name, folder.hosts, home, environment(folder, token, name))
        own = folder.path / "guests" / name
        own.mkdir(parents=True, exist_ok=True)
        self._client = Daemon(
            name="udhcpc",
            machine=self,
            argv=(*shlex.split(UDHCPC), "-F", name, "-s", str(dhcp_script(folder))),
            output=own / "udhcpc.log",
            ready="",
        )
        self._server = http_server(self, own)
        self._own = own
        self._insisting: Daemon | None = None
        self._pings: list[Daemon] = []

    def card(self, vm: Vm, mtu: int) -> list[str]:
        """A pair of links: the tap on the host, eth0 inside."""
        # libvirt gives a tap the guest's MAC with fe in front, so that a bridge
        # never takes it for its own.
        near = f"link add {vm.tap} address fe{vm.mac[2:]} mtu {mtu} type veth"
        far = f"peer name eth0 address {vm.mac} mtu {mtu} netns {self.netns}"
        return [f"{near} {far}", f"link set {vm.tap} up"]

    def card_made(self) -> None:
        """Sets eth0 up."""
        self.ip("link set eth0 up")
        self.compute_checksums("eth0")

    def boot(self) -> None:
        """Starts what a guest starts at boot; its card must be plugged."""
        self._server.spawn()
        self.ask_for_lease()

    def ask_for_lease(self) -> None:
        """Starts the DHCP client anew, without the address it may have had."""
        self._end_clients()
        if self.has_link("eth0"):
            self.run("ip", "-4", "address", "flush", "dev", "eth0", check=False)
            self.ip("link set eth0 up", check=False)
            self._client.spawn()

    @property
    def requests(self) -> int:
        """How often its DHCP client has asked, since the lab came up."""
        return self._client.output.read_text(errors="replace").count("discover")

    def fall_silent(self) -> None:
        """Ends the DHCP client, and drops the address that it had."""
        self._end_clients()
        self.run("ip", "-4", "address", "flush", "dev", "eth0", check=False)

    def _end_clients(self) -> None:
        self._client.kill()
        if self._insisting:
            self._insisting.kill()
            self._insisting = None

    def insist_on(self, address: str) -> None:
        """Asks for this address for ever, until it asks for a lease as others do."""
        self.fall_silent()
        script = resources.files("viftrail.lab").joinpath("insist.py")
        self._insisting = Daemon(
            name="insist",
            machine=self,
            argv=(sys.executable, "-I", str(script), "eth0", address),
            output=self._own / "insist.log",
            ready="",
        )
        self._insisting.spawn()

    def use_address(self, cidr: str, gateway: str) -> None:
        """Configures eth0 by hand instead, as an operator inside the guest would."""
        self.fall_silent()
        self.ip(
            f"address add {cidr} dev eth0",
            f"route replace default via {gateway} dev eth0",
        )

    def halt(self) -> None:
        """Ends what runs in it."""
        self._end_clients()
        self._server.kill()
        self.stop_pinging()

    def keep_pinging(self, *targets: str) -> None:
        """What a user does while they complain: ping ten times a second, until told to stop."""
        for target in targets:
            ping = Daemon(
                name="ping",
                machine=self,
                argv=("ping", "-q", "-i", "0.1", target),
                output=self._own / "ping.log",
                ready="",
            )
            ping.spawn()
            self._pings.append(ping)

    def stop_pinging(self) -> None:
        """Ends every ping of `keep_pinging`."""
        while self._pings:
            self._pings.pop().kill()

    def speak_ipv6(self) -> None:
        """Has its kernel make itself addresses of what routers advertise (RFC 4862).

        Before its card is plugged: a link takes over the defaults when it is made.
        """
        for key, value in (
            ("disable_ipv6", "0"),
            ("accept_ra", "1"),
            ("autoconf", "1"),
            ("addr_gen_mode", "0"),
            ("use_tempaddr", "0"),
            # No second of waiting whether somebody has the address already.
            ("dad_transmits", "0"),
            # Solicits at once and every second: the port may come up after the link.
            ("router_solicitation_delay", "0"),
            ("router_solicitation_interval", "1"),
            ("router_solicitation_max_interval", "1"),
        ):
            self.sysctl(f"net/ipv6/conf/default/{key}", value)
        self.sysctl("net/ipv6/conf/all/disable_ipv6", "0")

    def solicit_router(self) -> None:
        """Forgets what routers advertised and asks again, as after its link came back."""
        if self.has_link("eth0"):
            self.sysctl("net/ipv6/conf/eth0/disable_ipv6", "1")
            self.sysctl("net/ipv6/conf/eth0/disable_ipv6", "0")

    @property
    def address6(self) -> str | None:
        """The global IPv6 address on eth0, if it has one."""
        return self.ipv6_of("eth0")

    @property
    def lease(self) -> str | None:
        """The IPv4 address on eth0, if it has one."""
        return self.ipv4_of("eth0")

    def wait_lease(self, timeout: float) -> bool:
        """Waits until it has an address."""
        return wait_until(lambda: self.lease is not None, timeout)

    def set_mac(self, mac: str) -> None:
        """Gives eth0 another MAC address, as an operator inside the guest would."""
        self.ip("link set eth0 down", f"link set eth0 address {mac}", "link set eth0 up")


def http_server(machine: Machine, folder: Path) -> Daemon:
    """A web server that says whose it is."""
    root = folder / "www"
    root.mkdir(exist_ok=True)
    (root / "index.html").write_text(f"{machine.name}\n")
    return Daemon(
        name="httpd",
        machine=machine,
        argv=("busybox", "httpd", "-f", "-p", str(HTTP_PORT), "-h", str(root)),
        output=folder / "httpd.log",
        ready="",
    )
