"""Small OpenStacks made by hand: what Nova, Placement and Neutron would say, and the chassis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from viftrail.chain.cloud import Cloud
from viftrail.diagnose import diagnose_server
from viftrail.facts.database import Database
from viftrail.facts.facts import Facts
from viftrail.facts.intent import owner_of
from viftrail.facts.log.line import LogLine
from viftrail.facts.log.logs import LogFile, Logs, Signal
from viftrail.facts.northbound import LogicalSwitchPort, NBGlobal
from viftrail.facts.openstack import (
    Action,
    ActionEvent,
    Agent,
    ComputeService,
    Flavor,
    Hypervisor,
    Inventory,
    NeutronNetwork,
    NeutronPort,
    OpenStack,
    Provider,
    Server,
    ServerFault,
)
from viftrail.facts.row import Row
from viftrail.facts.southbound import Chassis, ChassisPrivate, PortBinding, SBGlobal
from viftrail.facts.table import Table
from viftrail.faults.catalogue import fault
from viftrail.faults.fault import Case
from viftrail.verdict import Verdict

ID = "11111111-1111-1111-1111-111111111111"
PORT = "22222222-2222-2222-2222-222222222222"
NET = "33333333-3333-3333-3333-333333333333"
BLANK = "No valid host was found. "
FILTERED = "No valid host was found. There are not enough hosts available."
PLUG = f"Build of instance {ID} aborted: Failed to allocate the network(s), not rescheduling."
BINDING = f"Binding failed for port {PORT}, please check neutron logs for more information."
HOSTS = ("cmp1", "cmp2")


def server(message: str = "", **fields: Any) -> Server:
    """A server called vm: in ERROR with this fault, or active without one."""
    return Server(
        **{
            "id": ID,
            "name": "vm",
            "status": "ERROR" if message else "ACTIVE",
            "vm_state": "error" if message else "active",
            "image": "image",
            "flavor": Flavor(name="small", vcpus=1, ram=1024, disk=10),
            "fault": ServerFault(message=message) if message else None,
            "created": "2026-01-01T00:00:00Z",
            **fields,
        }
    )


def tried(host: str) -> Action:
    """The action of a build that was tried on this host."""
    event = ActionEvent(event="compute__do_build_and_run_instance", host=host, start="2026")
    return Action(action="create", server_id=ID, request_id="req-1", events=(event,))


def service(host: str, binary: str = "nova-compute", **fields: Any) -> ComputeService:
    return ComputeService(
        **{
            "binary": binary,
            "host": host,
            "zone": "nova",
            "status": "enabled",
            "state": "up",
            "updated": "2026-01-01T00:00:00",
            **fields,
        }
    )


SERVICES = (
    service("ctl", "nova-scheduler"),
    service("ctl", "nova-conductor"),
    *(service(host) for host in HOSTS),
)


def provider(
    name: str, used: Mapping[str, int] | None = None, ratio: float = 1.0, **fields: Any
) -> Provider:
    """A host with 8 VCPUs, 8192 MiB of which 512 are reserved, and 100 GiB."""
    return Provider(
        **{
            "uuid": f"rp-{name}",
            "name": name,
            "inventories": {
                "VCPU": Inventory(total=8, max_unit=8, allocation_ratio=4.0),
                "MEMORY_MB": Inventory(
                    total=8192, reserved=512, max_unit=8192, allocation_ratio=ratio
                ),
                "DISK_GB": Inventory(total=100, max_unit=100),
            },
            "usages": dict(used or {}),
            "traits": (),
            **fields,
        }
    )


PROVIDERS = tuple(provider(host) for host in HOSTS)


def port(**fields: Any) -> NeutronPort:
    """A port of vm's, bound to cmp1."""
    return NeutronPort(
        **{
            "id": PORT,
            "network_id": NET,
            "mac_address": "fa:16:3e:00:00:01",
            "status": "ACTIVE",
            "device_id": ID,
            "device_owner": "compute:nova",
            "host_id": "cmp1",
            "vif_type": "ovs",
            "description": "",
            **fields,
        }
    )


def agent(host: str, **fields: Any) -> Agent:
    return Agent(**{"id": host, "binary": "ovn-controller", "host": host, "alive": True, **fields})


def network(**fields: Any) -> NeutronNetwork:
    return NeutronNetwork(**{"id": NET, "name": "net", "network_type": "geneve", **fields})


def chassis(hostname: str, name: str = "", behind: int = 0, **settings: str) -> list[Row]:
    """A chassis and how far it is; settings with underscores for hyphens."""
    name = name or hostname
    config = {key.replace("_", "-"): value for key, value in settings.items()}
    return [
        Chassis(uuid=f"c-{name}", name=name, hostname=hostname, other_config=config),
        ChassisPrivate(uuid=f"p-{name}", name=name, chassis=f"c-{name}", nb_cfg=9 - behind),
    ]


def database(rows: list[Row], *empty: type[Row]) -> Database:
    kinds = {*(type(row) for row in rows), *empty}
    return Database(
        {kind: Table([row for row in rows if type(row) is kind], complete=True) for kind in kinds}
    )


def cloud_of(
    *servers: Server,
    rows: Sequence[Row] | None = None,
    northbound: tuple[Row, ...] = (),
    bindings: tuple[Row, ...] = (),
    logs: tuple[Signal, ...] = (),
    **sections: Any,
) -> Cloud:
    """A cloud of two hosts with room, whose OpenStack says this."""
    openstack = OpenStack(
        **{
            "servers": servers,
            "actions": (),
            "services": SERVICES,
            "hypervisors": tuple(Hypervisor(hostname=host, host=host) for host in HOSTS),
            "providers": PROVIDERS,
            "ports": (),
            "networks": (network(),),
            "agents": tuple(agent(host) for host in HOSTS),
            **sections,
        }
    )
    chassis_rows = [row for host in HOSTS for row in chassis(host)] if rows is None else rows
    facts = Facts(
        nb=database([NBGlobal(uuid="n"), *northbound], LogicalSwitchPort),
        sb=database(
            [SBGlobal(uuid="s", nb_cfg=9), *chassis_rows, *bindings],
            Chassis,
            ChassisPrivate,
            PortBinding,
        ),
        owner=owner_of(openstack),
        openstack=openstack,
        logs=Logs(
            all_signals=logs,
            lines=tuple(signal.line for signal in logs),
            files=tuple(LogFile(path=signal.line.source, layout="oslo") for signal in logs),
        ),
    )
    return Cloud(facts)


def signal(pattern: str, text: str = "words", time: float = 0.0, **groups: str) -> Signal:
    """A line of a log of this kind, about vm."""
    line = LogLine(
        time=time,
        host=groups.pop("on", ""),
        service=groups.pop("by", "nova-compute"),
        text=text,
        source="a.log@0",
        ids=(ID, "req-1"),
    )
    return Signal(pattern=pattern, line=line, groups=groups)


def up(**fields: Any) -> tuple[LogicalSwitchPort, PortBinding]:
    """vm's port as OVN has it: claimed by cmp1, and up."""
    return (
        LogicalSwitchPort(uuid="l", name=PORT, up=True, **fields),
        PortBinding(uuid="b", logical_port=PORT, chassis="c-cmp1", up=True),
    )


def cases(fault_id: str, cloud: Cloud) -> list[Case]:
    """What this fault finds there."""
    return list(fault(fault_id).find(cloud))


def verdict(cloud: Cloud) -> Verdict:
    """The verdict on vm, which has no port."""
    return diagnose_server(cloud.facts, ID, "vm")


def answer(cloud: Cloud) -> tuple[str, str, str]:
    """State, stage and cause in short."""
    found = verdict(cloud).verdict
    return found.state.value, found.stage, found.cause
