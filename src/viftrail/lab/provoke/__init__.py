"""How each fault of the catalogue is provoked in the lab, for real, and undone.

One module for each part of the chain; :mod:`registry` says what a provocation is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.errors import LabError, UsageError

# In the order of the chain, which is the order that they are listed in.
# isort: off
from viftrail.lab.provoke import (
    disk,  # noqa: F401
    northbound,  # noqa: F401
    drift,  # noqa: F401
    routing,  # noqa: F401
    binding,  # noqa: F401
    lag,  # noqa: F401
    daemons,  # noqa: F401
    bridge,  # noqa: F401
    vif,  # noqa: F401
    local,  # noqa: F401
    ipv6,  # noqa: F401
    underlay,  # noqa: F401
    north,  # noqa: F401
    route,  # noqa: F401
    mapping,  # noqa: F401
    translation,  # noqa: F401
    leftovers,  # noqa: F401
    central,  # noqa: F401
    scheduling,  # noqa: F401
    building,  # noqa: F401
    porting,  # noqa: F401
    certificate,  # noqa: F401
    decoys,  # noqa: F401
)

# isort: on
from viftrail.lab.provoke.registry import Provocation, Victim, all_provocations

if TYPE_CHECKING:
    from viftrail.lab.cloud import Cloud

__all__ = ["Provocation", "all_provocations", "mend", "provoke"]

#: Seconds to wait for a mended lab: a guest may rest for two before it asks again,
#: and a resumed ovn-northd may stay on standby for six.
_MEND_TIMEOUT = 9.0
#: The same where a cluster elects a leader first, and its clients find it in turns.
_CLUSTER_MEND_TIMEOUT = 20.0
#: And once what has no lease was plugged anew: a busy computer takes its time.
_LAST_TIMEOUT = 30.0

#: What breaks hosts, daemons and plugs, and no row that Neutron owns: in every lab the same.
HOST_SIDE = (
    *("northd-paused", "northd-not-running", "controller-crashed", "controller-hung"),
    *("flows-wiped", "vswitchd-dead", "vif-not-in-br-int", "vif-iface-id-wrong"),
    *("vif-iface-id-missing", "vif-tap-down", "tunnel-wrong-encap-ip", "tunnel-udp-blocked"),
    *("prov-mapping-missing", "prov-nic-not-in-bridge", "decoy-unknown-iface"),
)


def provoke(cloud: Cloud, fault: str, vm: str) -> str:
    """Brings a fault about; ``vm`` is the one to suffer.

    Raises:
        UsageError: there is no such fault or VM.
        LabError: this lab cannot have that fault.
    """
    known = all_provocations()
    if fault not in known:
        raise UsageError(f"The lab cannot provoke {fault!r}.", f"It can: {', '.join(known)}.")
    if fault in cloud.broken:
        raise UsageError(f"{fault} is provoked already.", "Mend the lab first.")
    wanted = known[fault]
    if cloud.design.shape.openstack and not (wanted.needs.openstack or fault in HOST_SIDE):
        raise UsageError(
            f"{fault} is not provoked in a lab with OpenStack, where Neutron owns the rows.",
            "Bring one up without --openstack.",
        )
    if not cloud.design.shape.covers(wanted.needs):
        raise UsageError(
            f"This lab cannot have {fault}.",
            f"Bring one up with: viftrail lab up {' '.join(wanted.needs.options)}",
        )
    if wanted.needs_vm:
        cloud.vm(vm)
    sufferer = Victim(cloud, vm)
    undo = wanted.run(sufferer)
    cloud.remember(fault, undo)
    if wanted.request and not wanted.asks_itself:
        said = sufferer.openstack.ask_for(wanted.request)
        return f"{fault}: {wanted.note}. {said}"
    if cloud.design.shape.openstack and wanted.renews:
        return f"{fault}: whatever Nova is asked for from now on suffers."
    victim = f" ({vm} on {cloud.vm(vm).host})" if wanted.needs_vm else ""
    return f"{fault}{victim}: {wanted.note}."


def mend(cloud: Cloud) -> str:
    """Undoes everything, newest first, and waits until the lab is healthy.

    Raises:
        LabError: it does not become healthy in time.
    """
    mended = []
    while cloud.provoked:
        fault, undo = cloud.provoked[-1]
        undo()
        # Forgotten only now: a mend that failed can be tried again.
        cloud.provoked.pop()
        mended.append(fault)
    timeout = _CLUSTER_MEND_TIMEOUT if cloud.design.shape.cluster else _MEND_TIMEOUT
    if not cloud.wait_healthy(timeout):
        # Not a fault of ours, then. What Nova's last resort mends is mended too.
        for vm in cloud.without_lease():
            cloud.reboot(vm, patience=0)
    if not cloud.wait_healthy(_LAST_TIMEOUT):
        lacking = ", ".join(cloud.without_lease())
        raise LabError(
            "The lab is not healthy although everything provoked was undone"
            + (f": {lacking} got no lease." if lacking else "."),
            "See 'viftrail lab ping'; 'viftrail lab down' and 'up' make a new one.",
        )
    if not mended:
        return "Nothing was broken by 'lab break'; the lab is healthy."
    return f"Mended: {', '.join(mended)}."
