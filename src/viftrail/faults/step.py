"""Steps of a remedy, put where they belong.

Rows that Neutron owns are mended in Neutron: what is written to Northbound
behind its back is overwritten at the next update. Only where OVN stands alone,
or the owner is the lab, is Northbound itself the place.
"""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.daemon import HUNG, STOPPED
from viftrail.chain.quoting import atom, db, q
from viftrail.facts import owner
from viftrail.facts.vswitch import Interface
from viftrail.verdict import Risk, Step

ADMIN_SHELL = owner.ADMIN_SHELL
NO_UNDO = "nothing to undo"
NOTHING_CHANGED = "nothing is changed"
"""The undo of a step that only looks."""


def neutron_owns(cloud: Cloud) -> bool:
    """True where Neutron would overwrite what is written to Northbound by hand."""
    if cloud.owner.kind != "ovn":
        return cloud.owner.kind == "neutron"
    return any(
        port.row and "neutron:device_id" in port.row.external_ids for port in cloud.ports.values()
    )


def owned_row(
    cloud: Cloud,
    *,
    ovn: str,
    openstack: str,
    undo: str,
    openstack_undo: str = NO_UNDO,
    verify: str,
    risk: Risk = Risk.SAFE,
) -> tuple[Step, ...]:
    """Change a Northbound row, by way of Neutron where it owns the row."""
    if neutron_owns(cloud):
        return (
            Step(
                command=openstack,
                where=ADMIN_SHELL,
                risk=risk,
                undo=openstack_undo,
                verify=verify,
            ),
        )
    return (Step(command=ovn, where=cloud.central_name, risk=risk, undo=undo, verify=verify),)


def enabled_port(cloud: Cloud, port_id: str) -> tuple[Step, ...]:
    """Let a logical port pass traffic again."""
    return owned_row(
        cloud,
        ovn=f"ovn-nbctl lsp-set-enabled {q(port_id)} enabled",
        undo=f"ovn-nbctl lsp-set-enabled {q(port_id)} disabled",
        openstack=f"openstack port set --enable {q(port_id)}",
        openstack_undo=f"openstack port set --disable {q(port_id)}",
        verify=f"ovn-nbctl get Logical_Switch_Port {q(port_id)} enabled",
    )


def rewritten_row(
    cloud: Cloud, port_id: str, *, ovn: str, undo: str, verify: str
) -> tuple[Step, ...]:
    """Have a port's Northbound row as it was meant: Neutron writes all of it at any update."""
    if neutron_owns(cloud):
        return touch(port_id, description_of(cloud, port_id), verify=verify)
    return on_host(cloud.central_name, ovn, undo=undo, verify=verify)


def description_of(cloud: Cloud, port_id: str) -> str | None:
    """What the tenant says of the port, where Neutron was asked."""
    row = cloud.neutron_port(port_id)
    return row.description if row else None


def touch(
    port_id: str, known: str | None, *, word: str = "resync", verify: str
) -> tuple[Step, ...]:
    """Update a port in Neutron, and leave it as it was.

    Its description is what can be changed without any effect, and it is the tenant's own: where it
    is ``known`` the same command puts it back, else it is looked at before.
    """
    change = "openstack port set --description"
    if known is None:
        return (
            Step(
                command=f"openstack port show {q(port_id)} -c description",
                where=ADMIN_SHELL,
                risk=Risk.SAFE,
                undo=NOTHING_CHANGED,
                verify=verify,
            ),
            Step(
                command=f"{change} {word} {q(port_id)}",
                where=ADMIN_SHELL,
                risk=Risk.SAFE,
                undo=f"{change} '...' {q(port_id)}, with the description that was shown before",
                verify=verify,
                tenant="the port's description, until it is put back",
            ),
        )
    put_back = f"{change} {q(known)} {q(port_id)}"
    other = word if word != known else f"{word}-again"
    return (
        Step(
            command=f"{change} {other} {q(port_id)} && {put_back}",
            where=ADMIN_SHELL,
            risk=Risk.SAFE,
            undo=put_back,
            verify=verify,
        ),
    )


def on_host(
    host: str, command: str, *, undo: str, verify: str, risk: Risk = Risk.SAFE
) -> tuple[Step, ...]:
    """One command on one host."""
    return (Step(command=command, where=host, risk=risk, undo=undo, verify=verify),)


def revive(host: str, daemon: str, state: str, *, verify: str, blinks: str) -> tuple[Step, ...]:
    """Have a daemon work again that is dead, stopped by a signal, or hangs."""
    if state == STOPPED:
        return on_host(
            host,
            f"systemctl kill --signal=CONT {daemon}",
            undo=f"systemctl kill --signal=STOP {daemon}",
            verify=verify,
        )
    if state == HUNG:
        return (
            Step(
                command=f"systemctl restart {daemon}",
                where=host,
                risk=Risk.BLINKS,
                undo=NO_UNDO,
                verify=verify,
                blinks=blinks,
            ),
        )
    return on_host(
        host, f"systemctl start {daemon}", undo=f"systemctl stop {daemon}", verify=verify
    )


def woken(host: str) -> tuple[Step, ...]:
    """Have ovn-controller follow again where nobody knows what keeps it from that.

    One that was stopped by a signal goes on at CONT, which does nothing to one that runs; it is
    made anew only where it gives no answer then (ovs-appctl(8): exit status, --timeout).
    """
    answer = "ovn-appctl -t ovn-controller connection-status"
    return (
        *on_host(
            host,
            "systemctl kill --signal=CONT ovn-controller",
            undo="systemctl kill --signal=STOP ovn-controller",
            verify=answer,
        ),
        Step(
            command=f"ovn-appctl -T 5 {answer.partition(' ')[2]} || systemctl restart ovn-controller",
            where=host,
            risk=Risk.BLINKS,
            undo=NO_UNDO,
            verify=answer,
            blinks="only where ovn-controller does not answer, and is made anew",
        ),
    )


def claimed(port_id: str) -> str:
    """A command that shows that the port was claimed again."""
    return f"ovn-nbctl get Logical_Switch_Port {q(port_id)} up"


def installed(interface: str) -> str:
    """A command that shows on the host that ovn-controller claimed what is plugged."""
    return f"ovs-vsctl get Interface {q(interface)} external_ids:ovn-installed"


def plug_again(bridge: str, row: Interface) -> str:
    """The command that makes an Interface as it was."""
    settings = [f"type={db(row.type)}"] if row.type else []
    for column, pairs in (("options", row.options), ("external_ids", row.external_ids)):
        settings += [q(f"{column}:{key}={atom(pairs[key])}") for key in sorted(pairs)]
    command = f"ovs-vsctl --may-exist add-port {q(bridge)} {q(row.name)}"
    return command + (f" -- set Interface {q(row.name)} {' '.join(settings)}" if settings else "")


def reboot(cloud: Cloud, port: Port) -> tuple[Step, ...]:
    """Only whoever runs the guest can give it a device again."""
    lab = cloud.owner.kind == "lab"
    return (
        Step(
            command=f"viftrail lab reboot {q(port.label)} --name {q(cloud.owner.name)}"
            if lab
            else f"openstack server reboot --hard {q(port.label)}",
            where=cloud.central_name if lab else ADMIN_SHELL,
            risk=Risk.DISRUPTIVE,
            undo=f"{NO_UNDO}: the guest restarts",
            verify=claimed(port.id),
            blinks=f"{port.label}: the guest restarts",
            tenant="the server reboots; what was only in its memory is lost",
        ),
    )


def unregister(cloud: Cloud, name: str) -> Iterator[Step]:
    """Delete a Chassis that is no living host's."""
    yield from on_host(
        cloud.central_name,
        f"ovn-sbctl chassis-del {q(name)} && ovn-sbctl --if-exists destroy Chassis_Private {q(name)}",
        undo="a living ovn-controller registers itself again",
        verify=f"ovn-sbctl find Chassis name={db(name)}",
        risk=Risk.BLINKS,
    )
