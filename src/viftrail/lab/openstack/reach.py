"""``lab ping`` where the guests are real: they have no namespace to send from.

What comes from outside is sent by the external host. What a guest sends itself it is asked to
send, over HTTP, from the namespace of its network's metadata port on its own host: that way needs
neither router nor tunnel.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from viftrail.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from viftrail.lab.client import Lab
    from viftrail.lab.status import Status, VmStatus

_ASK: Final = """
import socket, sys
try:
    with socket.create_connection((sys.argv[1], 80), 3) as sock:
        sock.settimeout(8)
        sock.sendall(("GET %s HTTP/1.0\\r\\n\\r\\n" % sys.argv[2]).encode())
        answer = b""
        while True:
            more = sock.recv(4096)
            if not more:
                break
            answer += more
except OSError as error:
    sys.exit("the guest does not answer: %s" % error)
print(answer.decode("utf-8", "replace").rpartition("\\n\\n")[2].rpartition("\\r\\n\\r\\n")[2])
"""


def paths(
    lab: Lab, status: Status, only: str | None
) -> Iterator[tuple[str, str, str, functools.partial[tuple[bool, str]]]]:
    """What a guest reaches by itself: path, guest, target, and the call that tries it."""
    gateway = status.networks[0].gateway
    for vm in status.vms:
        if only not in (None, vm.name) or not vm.host:
            continue
        yield "dhcp", vm.name, gateway, functools.partial(_lease, vm)
        yield "gateway", vm.name, gateway, functools.partial(_sends, lab, status, vm, gateway)
        for other in status.vms:
            if other.host and other.host != vm.host and other.network == vm.network:
                send = functools.partial(_sends, lab, status, vm, other.ip)
                yield "other-host", vm.name, other.name, send
                break
        outside = status.external
        send = functools.partial(_sends, lab, status, vm, outside.ip)
        yield "external", vm.name, outside.name, send


def _lease(vm: VmStatus) -> tuple[bool, str]:
    if vm.lease is None:
        return False, "its console tells of no lease"
    if vm.lease != vm.ip:
        return False, f"leased {vm.lease}, Neutron's address is {vm.ip}"
    return True, f"leased {vm.lease}"


def _sends(lab: Lab, status: Status, vm: VmStatus, address: str) -> tuple[bool, str]:
    """Whether the guest says that its packets came back."""
    network = next(each for each in status.networks if each.name == vm.network)
    inside = ["ip", "netns", "exec", f"ovnmeta-{network.id}"]
    ask = ["python3", "-I", "-c", _ASK, vm.ip, f"/cgi-bin/ping?{address}"]
    try:
        done = lab.run(vm.host, [*inside, *ask], timeout=15.0)
    except LabError as error:
        return False, str(error.what)
    said = (done.stdout or done.stderr).decode(errors="replace").strip().splitlines()
    words = said[-1] if said else "nothing"
    return words == "ok", "the guest's packets came back" if words == "ok" else words
