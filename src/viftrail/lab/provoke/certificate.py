"""S7: a host that trusts an authority which is not the servers'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.lab.certificates import make_authority
from viftrail.lab.provoke.central import await_connected, await_cut_off, unplug
from viftrail.lab.provoke.registry import ALL_PATHS, provocation
from viftrail.lab.shape import Shape

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim

#: Where nobody listens: the discard port of the host itself.
_NOWHERE = "tcp:127.0.0.1:9"


@provocation(
    "controller-ssl",
    "the VM's host was told to trust another authority, and the VM was plugged anew",
    ALL_PATHS,
    needs=Shape(ssl=True),
)
def trust_another(victim: Victim) -> Undo:
    """As where the authority was made anew, and one host was left with the old file."""
    host = victim.host
    files = host.certificates
    old = make_authority(host, files.folder, "cacert-old")
    unplug(victim)
    host.vsctl("set-ssl", str(files.private_key), str(files.certificate), str(old))
    # The session that there is would go on; as after an outage, it is to be made anew.
    remote = host.external_ids["ovn-remote"]
    for each in (_NOWHERE, remote):
        host.vsctl("set", "Open_vSwitch", ".", f'external_ids:ovn-remote="{each}"')
        await_cut_off(victim)
    victim.reboot()

    def undo() -> None:
        host.restore_settings()
        await_connected(victim)
        victim.retry()

    return undo
