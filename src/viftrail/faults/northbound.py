"""S4: faults of the rows in OVN_Northbound."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.quoting import atom, db, q
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import DHCPOptions, LogicalSwitch
from viftrail.facts.owner import OwnedPort
from viftrail.facts.slice import DROP_GROUP, network_of
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import claimed, description_of, neutron_owns, touch
from viftrail.verdict import Evidence, Risk, Stage, Step


def _missing(cloud: Cloud) -> Iterator[Case]:
    for port in cloud.ports.values():
        if port.row is None and port.owned:
            yield Case(
                subject=subject.port(port.id),
                summary=f"{_owner_name(cloud)} has the port of {port.label}, OVN Northbound does not",
                evidence=(
                    Evidence(
                        where=_owner_name(cloud),
                        what=f"port {port.id}",
                        seen=f"{port.mac} {' '.join(port.addresses)} for {port.label}",
                        expected="the same in Northbound",
                        command=_owner_command(cloud, port),
                    ),
                    Evidence(
                        where=NORTHBOUND,
                        what=f"Logical_Switch_Port name={db(port.id)}",
                        seen="no such row",
                        expected="one row",
                        command=f"ovn-nbctl --columns=_uuid find Logical_Switch_Port name={db(port.id)}",
                    ),
                ),
                steps=_restore(cloud, port, port.owned),
            )


def _owner_name(cloud: Cloud) -> str:
    return {"lab": "the lab", "neutron": "Neutron"}.get(cloud.owner.kind, "the owner")


def _owner_command(cloud: Cloud, port: Port) -> str:
    if cloud.owner.kind == "lab":
        return f"viftrail lab status --name {q(cloud.owner.name)} -f json"
    return f"openstack port show {q(port.id)}"


def _restore(cloud: Cloud, port: Port, owned: OwnedPort) -> tuple[Step, ...]:
    verify = claimed(port.id)
    if neutron_owns(cloud):
        # A no-op update raises the revision; the maintenance task then creates
        # the row (neutron maintenance.py:_fix_create_update, within 300 s).
        return touch(port.id, description_of(cloud, port.id), word="restore", verify=verify)
    return (
        Step(
            command=_create_command(cloud, port, owned),
            where=cloud.central_name,
            risk=Risk.SAFE,
            undo=f"ovn-nbctl lsp-del {q(port.id)}",
            verify=verify,
        ),
    )


def _create_command(cloud: Cloud, port: Port, owned: OwnedPort) -> str:
    addresses = " ".join((owned.mac, *owned.addresses))
    parts = [
        f"--id=@p create Logical_Switch_Port name={db(port.id)}",
        q("addresses=" + atom(addresses)),
        q("port_security=" + atom(addresses)),
        f"options:requested-chassis={db(owned.host)}",
    ]
    dhcp = _dhcp_options(cloud, port)
    if dhcp:
        parts.append(f"dhcpv4_options={dhcp.uuid}")
    keys = {
        "neutron:device_id": owned.server_id,
        "neutron:device_owner": "compute:nova",
        "neutron:cidrs": " ".join(owned.cidrs),
    }
    parts += [q(f"external_ids:{atom(key)}={atom(value)}") for key, value in keys.items() if value]
    command = "ovn-nbctl " + " ".join(parts) + f" -- add Logical_Switch {q(owned.switch)} ports @p"
    groups = [*owned.port_groups, DROP_GROUP] if owned.port_groups else []
    return command + "".join(f" -- add Port_Group {q(group)} ports @p" for group in groups)


def _dhcp_options(cloud: Cloud, port: Port) -> DHCPOptions | None:
    """The row of the port's subnet: the one its neighbours use, else by CIDR."""
    networks = {network_of(cidr) for cidr in port.cidrs}
    options = cloud.nb[DHCPOptions]
    switch = cloud.nb[LogicalSwitch].one("name", port.owned.switch) if port.owned else None
    for member in cloud.members(switch) if switch else ():
        row = options.one("uuid", member.dhcpv4_options or "")
        if row and row.cidr in networks:
            return row
    return next((row for row in options if row.cidr in networks), None)


FAULTS = (
    Fault(
        id="nb-lsp-missing",
        stage=Stage.NORTHBOUND,
        title="The port is missing from OVN Northbound",
        what="The owner of the port (Neutron) has it, but OVN_Northbound holds no "
        "Logical_Switch_Port of that name: the row was never written, or was deleted behind "
        "the owner's back. Neutron's maintenance compares revision numbers only, so it never "
        "notices a row that vanished.",
        shows="The VM has no network at all. Southbound has no Port_Binding either. On the host the "
        "tap is still plugged with its iface-id, and ovn-installed is gone.",
        decisive="No Logical_Switch_Port of that name in a complete answer, while the owner lists "
        "the port.",
        remedy="Let the owner write the row again: a no-op update of the port, or "
        "neutron-ovn-db-sync-util in log mode first and then in repair mode. The plugged tap is "
        "claimed within seconds and the VM is not touched.",
        risk=Risk.SAFE,
        references=(
            "neutron: ovn_client.py update_port, maintenance.py, ovn_revision_numbers_db.py",
            "ovn-nb(5), Logical_Switch_Port",
        ),
        unlike={
            "northd-not-running": "there the Logical_Switch_Port exists and only Southbound lacks it"
        },
        find=_missing,
    ),
)
