"""The records that decide something, as data: what they look like and what they mean.

The texts are those of the daemons' own sources, over their releases since about 2020; each says
where it is written. An id names what is said, not who is to blame for it.
"""

from __future__ import annotations

from functools import cache

from viftrail.facts.log.pattern import Pattern

U = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID = "9b57063f-4914-4ae3-9239-b283650c1888"

_SCHEDULER = ("nova-scheduler",)
_CONDUCTOR = ("nova-conductor",)
_COMPUTE = ("nova-compute",)
_NOVA = ("nova-compute", "nova-scheduler", "nova-conductor", "nova-api")
_NEUTRON = ("neutron-server", "neutron-ovn-db-sync")
_AGENT = ("ovn-metadata-agent",)
_NORTHD = ("ovn-northd",)
_CONTROLLER = ("ovn-controller",)
_VSWITCHD = ("ovs-vswitchd",)
_SERVER = ("ovsdb-server",)
_ANYONE: tuple[str, ...] = ()


def _p(
    id_: str,
    services: tuple[str, ...],
    level: str,
    phrase: str,
    regex: str,
    means: str,
    example: str,
    source: str,
) -> Pattern:
    return Pattern(
        id=id_,
        services=services,
        level=level,
        phrase=phrase,
        regex=regex,
        means=means,
        example=example,
        source=source,
    )


_SCHEDULING = (
    _p(
        "no-allocation-candidates", _SCHEDULER, "INFO",
        "Got no allocation candidates from the Placement API",
        r"Got no allocation candidates from the Placement API",
        "Placement offered no provider, so no filter ever ran",
        "Got no allocation candidates from the Placement API. This could be due to insufficient "
        "resources or a temporary occurrence as compute nodes start up.",
        "nova/scheduler/manager.py",
    ),
    _p(
        "filter-returned-none", _SCHEDULER, "INFO", "returned 0 hosts",
        r"Filter (?P<filter>\w+) returned 0 hosts",
        "this filter removed the last host",
        "Filter ComputeFilter returned 0 hosts",
        "nova/filters.py",
    ),
    _p(
        "filtering-removed-all", _SCHEDULER, "INFO", "Filtering removed all hosts for the request",
        rf"Filtering removed all hosts for the request with instance ID '(?P<server>{U})'\. "
        r"Filter results: \[(?P<results>.*)\]",
        "the filters, with how many hosts each left over",
        f"Filtering removed all hosts for the request with instance ID '{_ID}'. Filter results: "
        "['AvailabilityZoneFilter: (start: 2, end: 2)', 'ComputeFilter: (start: 2, end: 0)']",
        "nova/filters.py",
    ),
    _p(
        "host-not-heard-from", _SCHEDULER, "WARNING", "has not been heard from in a while",
        r"\((?P<host>[^,()]+), (?P<node>[^()]+)\).*has not been heard from in a while",
        "ComputeFilter passes over a host whose nova-compute does not report",
        "(cmp2, cmp2) ram: 3300MB disk: 9216MB io_ops: 0 instances: 1 has not been heard from in a "
        "while",
        "nova/scheduler/filters/compute_filter.py",
    ),
    _p(
        "forced-host-unknown", _SCHEDULER, "INFO", "due to not matching 'force_hosts'",
        r"No hosts matched due to not matching 'force_hosts' value of '(?P<host>.*?)'",
        "the host that was asked for by name is none that the scheduler has",
        "No hosts matched due to not matching 'force_hosts' value of 'cmp9'",
        "nova/scheduler/host_manager.py",
    ),
    _p(
        "host-not-mapped", _SCHEDULER, "WARNING", "No host-to-cell mapping found",
        r"No host-to-cell mapping found for selected host(?: (?P<host>[^\s.]+))?",
        "the host is not mapped to a cell: discover_hosts was not run",
        "No host-to-cell mapping found for selected host cmp2. Setup is incomplete.",
        "nova/scheduler/host_manager.py",
    ),
    _p(
        "placement-unreachable", _NOVA, "WARNING", "lacement",
        r"(?P<why>Placement API service is not responding|The placement API endpoint was not found"
        r"|Placement service credentials do not work"
        r"|No authentication information found for placement API)",
        "Placement could not be asked",
        "Placement API service is not responding.",
        "nova/scheduler/client/report.py",
    ),
    _p(
        "schedule-failed", _CONDUCTOR, "ERROR", "Failed to schedule instances",
        r"Failed to schedule instances",
        "the conductor got no host; the traceback that follows says why",
        "Failed to schedule instances: nova.exception_Remote.NoValidHost_Remote: No valid host was "
        "found.",
        "nova/conductor/manager.py",
    ),
    _p(
        "last-host-error", _CONDUCTOR, "ERROR", "Error from last host",
        r"Error from last host: (?P<host>\S+) \(node (?P<node>[^)]*)\): (?P<why>.*)",
        "a host was chosen, and the build failed there",
        "Error from last host: cmp2 (node cmp2): ['Traceback (most recent call last):\\n', ' …']",
        "nova/scheduler/utils.py",
    ),
    _p(
        "build-request-failed", _CONDUCTOR, "WARNING", "Failed to compute_task_build_instances",
        r"Failed to compute_task_build_instances: (?P<why>.*)",
        "what the server's fault will say",
        "Failed to compute_task_build_instances: No valid host was found. ",
        "nova/scheduler/utils.py",
    ),
    _p(
        "set-to-error", _CONDUCTOR, "WARNING", "Setting instance to ERROR state",
        r"Setting instance to ERROR state",
        "the server is given up",
        "Setting instance to ERROR state.: nova.exception_Remote.NoValidHost_Remote",
        "nova/scheduler/utils.py",
    ),
    _p(
        "placement-lacks-resource", ("placement",), "DEBUG", "found no providers with",
        r"found no providers with (?P<amount>\d+) (?P<resource>\w+)",
        "no provider has that much left of this resource",
        "found no providers with 40000 MEMORY_MB",
        "placement/objects/research_context.py",
    ),
    _p(
        "placement-lacks-trait", ("placement",), "DEBUG", "found no providers satisfying required",
        r"found no providers satisfying required traits: (?P<required>.*) and forbidden traits: "
        r"(?P<forbidden>.*)",
        "no provider has these traits",
        "found no providers satisfying required traits: {'HW_CPU_X86_AVX'} and forbidden traits: "
        "{'COMPUTE_STATUS_DISABLED'}",
        "placement/objects/research_context.py",
    ),
    _p(
        "placement-lacks-aggregate", ("placement",), "DEBUG",
        "found no providers matching aggregates",
        r"found no providers matching aggregates (?P<aggregates>.*)",
        "no provider is in these aggregates",
        f"found no providers matching aggregates [{{'{_ID}'}}]",
        "placement/objects/research_context.py",
    ),
)  # fmt: skip

_BUILDING = (
    _p(
        "claim-successful", _COMPUTE, "INFO", "Claim successful on node",
        r"Claim successful on node (?P<node>\S+)",
        "the host took the server on",
        "Claim successful on node cmp1",
        "nova/compute/claims.py",
    ),
    _p(
        "claim-failed", _COMPUTE, "INFO", "Failed to claim",
        r"Failed to claim: (?P<why>.*)",
        "the host refused the server",
        "Failed to claim: Requested instance NUMA topology cannot fit",
        "nova/compute/claims.py",
    ),
    _p(
        "spawned", _COMPUTE, "INFO", "seconds to spawn the instance",
        r"Took (?P<seconds>[\d.]+) seconds to spawn the instance on the hypervisor",
        "the guest runs",
        "Took 3.43 seconds to spawn the instance on the hypervisor.",
        "nova/compute/manager.py",
    ),
    _p(
        "built", _COMPUTE, "INFO", "seconds to build instance",
        r"Took (?P<seconds>[\d.]+) seconds to build instance",
        "the build succeeded",
        "Took 5.12 seconds to build instance.",
        "nova/compute/manager.py",
    ),
    _p(
        "unexpected-event", _COMPUTE, "WARNING", "Received unexpected event network-vif-",
        rf"Received unexpected event (?P<event>network-vif-(?:plugged|unplugged))-(?P<port>{U}) "
        r"for instance with vm_state (?P<vm_state>[\w-]+) and task_state (?P<task_state>[\w-]+)",
        "the port came up and nobody was waiting for it: usual after a hard reboot or a restart "
        "of ovn-controller, and proof that the port was plugged",
        f"Received unexpected event network-vif-plugged-{_ID} for instance with vm_state active "
        "and task_state None.",
        "nova/compute/manager.py:_process_instance_event",
    ),
    _p(
        "vif-plug-timeout", _COMPUTE, "WARNING", "Timeout waiting for",
        r"Timeout waiting for (?P<events>\[.*?\]) for instance with vm_state (?P<vm_state>[\w-]+) "
        r"and task_state (?P<task_state>[\w-]+)",
        "Neutron did not say in time that the port is up",
        f"Timeout waiting for ['network-vif-plugged-{_ID}'] for instance with vm_state building "
        "and task_state spawning. Event states are: network-vif-plugged: timed out after 30.00 "
        "seconds",
        "nova/compute/manager.py:wait_for_instance_event; before 25 nova/virt/libvirt/driver.py",
    ),
    _p(
        "network-setup-failed", _COMPUTE, "ERROR", "Instance failed network setup after",
        r"Instance failed network setup after (?P<attempts>\d+) attempt\(s\)",
        "Nova got no network for the server; the traceback says why",
        "Instance failed network setup after 1 attempt(s)",
        "nova/compute/manager.py:_allocate_network_async",
    ),
    _p(
        "port-binding-failed", _COMPUTE, "ERROR", "Binding failed for port",
        rf"Binding failed for port (?P<port>{U})",
        "Neutron could bind the port to no host: its log says why",
        f"nova.exception.PortBindingFailed: Binding failed for port {_ID}, please check neutron "
        "logs for more information.",
        "nova/exception.py:PortBindingFailed",
    ),
    _p(
        "network-allocation-failed", _COMPUTE, "ERROR", "Failed to allocate network(s)",
        r"Failed to allocate network\(s\)",
        "the build was given up because of the network, without another host being tried",
        "Failed to allocate network(s): nova.exception.VirtualInterfaceCreateException: Virtual "
        "Interface creation failed",
        "nova/compute/manager.py:_build_and_run_instance",
    ),
    _p(
        "vif-create-failed", _COMPUTE, "ERROR", "Virtual Interface creation failed",
        r"VirtualInterfaceCreateException: Virtual Interface creation failed",
        "the wait for network-vif-plugged ended in vain",
        "nova.exception.VirtualInterfaceCreateException: Virtual Interface creation failed",
        "nova/exception.py",
    ),
    _p(
        "spawn-failed", _COMPUTE, "ERROR", "Instance failed to spawn",
        r"Instance failed to spawn",
        "the guest could not be started; the traceback says why",
        "Instance failed to spawn: nova.exception.PortBindingFailed: Binding failed for port",
        "nova/compute/manager.py",
    ),
    _p(
        "build-failed", _COMPUTE, "ERROR", "Failed to build and run instance",
        r"Failed to build and run instance(?:: (?P<why>[^\n]*))?",
        "the build failed on this host; the traceback says why",
        "Failed to build and run instance: libvirt.libvirtError: internal error",
        "nova/compute/manager.py",
    ),
    _p(
        "guest-start-failed", _COMPUTE, "ERROR", "Failed to start libvirt guest",
        r"Failed to start libvirt guest(?:: (?P<why>[^\n]*))?",
        "libvirt refused the guest",
        "Failed to start libvirt guest: libvirt.libvirtError: Unable to create tap device",
        "nova/virt/libvirt/driver.py",
    ),
    _p(
        "neutron-reported-failure", _COMPUTE, "ERROR", "Neutron Reported failure on event",
        rf"Neutron Reported failure on event (?P<event>\S+) for instance (?P<server>{U})",
        "Neutron said that the port cannot be plugged",
        f"Neutron Reported failure on event network-vif-plugged-{_ID} for instance {_ID}",
        "nova/virt/libvirt/driver.py",
    ),
    _p(
        "plug-failed", _COMPUTE, "ERROR", "Failure running os_vif plugin plug method",
        r"Failure running os_vif plugin plug method: (?P<why>[^\n]*)",
        "os-vif could not plug the port",
        "nova.exception.InternalError: Failure running os_vif plugin plug method: Failed to plug "
        "VIF VIFOpenVSwitch(…). Got error: timed out",
        "nova/virt/libvirt/vif.py:_plug_os_vif",
    ),
    _p(
        "replug-failed", _COMPUTE, "ERROR", "Virtual interface plugging failed for instance",
        r"Virtual interface plugging failed for instance",
        "nova-compute could not plug a server's ports when it started",
        "Virtual interface plugging failed for instance. The port binding:host_id may need to be "
        "manually updated.",
        "nova/compute/manager.py:_init_instance",
    ),
    _p(
        "plugged", _COMPUTE, "INFO", "Successfully plugged vif",
        rf"Successfully plugged vif (?P<kind>VIF\w+)\((?:.*?\bid=(?P<port>{U}))?",
        "os-vif plugged the port; VIFOpenVSwitch: the tap itself is in br-int, VIFBridge: through "
        "qbr, qvb and qvo",
        f"Successfully plugged vif VIFOpenVSwitch(active=False,address=fa:16:3e:32:65:77,"
        f"bridge_name='br-int',has_traffic_filtering=True,id={_ID},network=Network(…))",
        "os_vif/__init__.py:plug",
    ),
    _p(
        "unplugged", _COMPUTE, "INFO", "Successfully unplugged vif",
        rf"Successfully unplugged vif (?P<kind>VIF\w+)\((?:.*?\bid=(?P<port>{U}))?",
        "os-vif took the port out",
        f"Successfully unplugged vif VIFOpenVSwitch(active=True,id={_ID},network=Network(…))",
        "os_vif/__init__.py:unplug",
    ),
    _p(
        "os-vif-failed", _COMPUTE, "ERROR", "Failed to plug vif",
        r"Failed to plug vif (?P<vif>.*)",
        "os-vif could not plug the port",
        "Failed to plug vif VIFOpenVSwitch(active=False,address=fa:16:3e:32:65:77)",
        "os_vif/__init__.py:plug",
    ),
    _p(
        "orphan-allocation", _COMPUTE, "INFO", "has allocations against this compute host but is",
        rf"Instance (?P<server>{U}) has allocations against this compute host but is not found in "
        r"the database",
        "Placement counts a server that Nova no longer has",
        f"Instance {_ID} has allocations against this compute host but is not found in the "
        "database.",
        "nova/compute/resource_tracker.py",
    ),
    _p(
        "node-identity-lost", _COMPUTE, "ERROR", "No local node identity found",
        r"No local node identity found, but this is not our first startup on this host",
        "nova-compute lost its compute_id file and does not start",
        "No local node identity found, but this is not our first startup on this host. Refusing to "
        "start after potentially having lost that state!",
        "nova/compute/manager.py",
    ),
    _p(
        "host-renamed", _COMPUTE, "ERROR", "Possible rename detected",
        r"(?:My node (?P<node>\S+) has host '(?P<old>[^']*)' but my host is '(?P<new>[^']*)'; )?"
        r"Possible rename detected, refusing to start",
        "the host has another name than Nova knows it by",
        f"My node {_ID} has host 'cmp1' but my host is 'cmp9'; Possible rename detected, refusing to "
        "start!",
        "nova/compute/manager.py",
    ),
    _p(
        "volume-without-backend", ("cinder",), "ERROR", "No valid backend was found",
        r"No valid backend was found\. (?P<why>[^\n]*)",
        "Cinder has no backend with room, or none that takes what was asked for",
        "Failed to run task cinder.scheduler.flows.create_volume.ScheduleCreateVolumeTask;volume:"
        "create: No valid backend was found. No weighed backends available: cinder.exception."
        "NoValidBackend: No valid backend was found. No weighed backends available",
        "cinder/exception.py:NoValidBackend, cinder/scheduler/flows/create_volume.py",
    ),
    _p(
        "metadata-signature-wrong", ("nova-api",), "WARNING", "X-Instance-ID-Signature",
        r"X-Instance-ID-Signature: (?P<signature>\S+) does not match the expected signature for "
        r"id: (?P<server>\S+)",
        "the metadata agent and Nova have different shared secrets",
        f"X-Instance-ID-Signature: 5f3 does not match the expected signature for id: {_ID} and "
        "tenant id: 6e56. Request From: 192.168.10.102",
        "nova/api/metadata/handler.py",
    ),
    _p(
        "amqp-unreachable", _ANYONE, "ERROR", "AMQP server on",
        r"AMQP server on (?P<server>\S+):(?P<amqp_port>\d+) is unreachable: (?P<why>[^\n]*)",
        "RabbitMQ could not be reached",
        "[6e1f] AMQP server on 10.99.0.1:5672 is unreachable: [Errno 111] ECONNREFUSED. Trying "
        "again in 1 seconds.",
        "oslo_messaging/_drivers/impl_rabbit.py",
    ),
)  # fmt: skip

_NETWORKING = (
    _p(
        "refusing-to-bind-no-chassis", _NEUTRON, "WARNING", "due to no OVN chassis for host",
        rf"Refusing to bind port (?P<port>{U}) due to no OVN chassis for host: (?P<host>\S*)",
        "no Chassis has the host name that Nova gave",
        f"Refusing to bind port {_ID} due to no OVN chassis for host: cmp2",
        "neutron/plugins/ml2/drivers/ovn/mech_driver/mech_driver.py:bind_port",
    ),
    _p(
        "refusing-to-bind-dead-agent", _NEUTRON, "WARNING", "to dead agent",
        rf"Refusing to bind port (?P<port>{U}) (?:to|due to) dead agent:\s+(?P<agent>.*)",
        "Neutron holds the host's ovn-controller for dead",
        f"Refusing to bind port {_ID} to dead agent: <neutron.plugins.ml2.drivers.ovn.agent."
        "neutron_agent.ControllerAgent object at 0x7f>",
        "neutron/plugins/ml2/drivers/ovn/mech_driver/mech_driver.py:bind_port",
    ),
    _p(
        "refusing-to-bind-no-mapping", _NEUTRON, "INFO",
        "due to the OVN chassis bridge mapping physical networks",
        rf"Refusing to bind port (?P<port>{U}) on host (?P<host>\S+) due to the OVN chassis bridge "
        r"mapping physical networks (?P<mapped>\[.*?\]) not supporting physical network: "
        r"(?P<physnet>\S+)",
        "the host has no bridge for this physical network",
        f"Refusing to bind port {_ID} on host cmp2 due to the OVN chassis bridge mapping physical "
        "networks [] not supporting physical network: physnet1",
        "neutron/plugins/ml2/drivers/ovn/mech_driver/mech_driver.py:bind_port",
    ),
    _p(
        "bind-failed", _NEUTRON, "ERROR", "Failed to bind port",
        rf"Failed to bind port (?P<port>{U}) on host (?P<host>\S+) for vnic_type (?P<vnic>\S+) "
        r"using segments (?P<segments>.*)",
        "no mechanism driver bound the port; what stands before it says why",
        f"Failed to bind port {_ID} on host cmp2 for vnic_type normal using segments "
        "[{'network_type': 'geneve', 'physical_network': None}]",
        "neutron/plugins/ml2/managers.py",
    ),
    _p(
        "ovn-reports-status", _NEUTRON, "INFO", "OVN reports status",
        rf"OVN reports status (?P<status>up|down) for port: (?P<port>{U})",
        "Neutron saw Logical_Switch_Port.up change",
        f"OVN reports status up for port: {_ID}",
        "neutron/plugins/ml2/drivers/ovn/mech_driver/mech_driver.py",
    ),
    _p(
        "forced-plug-event", _NEUTRON, "INFO", "in order to emit vif-interface-plugged event",
        rf"Setting port (?P<port>{U}) status from DOWN to UP in order to emit",
        "a live migration: the event is sent before the port is up",
        f"Setting port {_ID} status from DOWN to UP in order to emit vif-interface-plugged event.",
        "neutron/plugins/ml2/drivers/ovn/mech_driver/mech_driver.py",
    ),
    _p(
        "nova-event-response", _NEUTRON, "INFO", "response: {",
        r"Nova event(?: matching (?P<matching>\S+))? response: (?P<response>.*)",
        "Nova took an event of Neutron's",
        f"Nova event matching ['req-{_ID}'] response: {{'name': 'network-vif-plugged', "
        f"'status': 'completed', 'tag': '{_ID}', 'code': 200}}",
        "neutron/notifiers/nova.py",
    ),
    _p(
        "nova-event-failed", _NEUTRON, "WARNING", "returned with failed status",
        r"Nova event: (?P<event>.*) returned with failed status",
        "Nova did not take an event: the server is not where Neutron thinks, or gone",
        f"Nova event: {{'server_uuid': '{_ID}', 'name': 'network-vif-plugged', 'status': 'failed', "
        "'code': 422} returned with failed status",
        "neutron/notifiers/nova.py",
    ),
    _p(
        "nova-not-notified", _NEUTRON, "ERROR", "Failed to notify nova on events",
        r"Failed to notify nova on events: (?P<events>[^\n]*)",
        "an event of Neutron's was lost on its way to Nova",
        f"Failed to notify nova on events: [{{'server_uuid': '{_ID}', 'name': "
        "'network-vif-plugged'}]: keystoneauth1.exceptions.http.Unauthorized",
        "neutron/notifiers/nova.py",
    ),
    _p(
        "nova-endpoint-missing", _NEUTRON, "ERROR", "Nova endpoint not found",
        r"Nova endpoint not found",
        "Neutron does not find Nova in the catalogue, so no event arrives",
        "Nova endpoint not found, invalidating the session",
        "neutron/notifiers/nova.py",
    ),
    _p(
        "router-bound", _NEUTRON, "INFO", "is bound to host",
        rf"Router (?P<router>{U}) is bound to host (?P<host>\S+)",
        "the router's gateway moved to this host",
        f"Router {_ID} is bound to host cmp1",
        "neutron/plugins/ml2/drivers/ovn/mech_driver/ovsdb/ovsdb_monitor.py",
    ),
    _p(
        "router-not-pinned", _NEUTRON, "INFO", "is not pinned to any gateway chassis",
        rf"Router (?P<router>{U}) is not pinned to any gateway chassis",
        "the router has no gateway chassis",
        f"Router {_ID} is not pinned to any gateway chassis",
        "neutron/plugins/ml2/drivers/ovn/mech_driver/ovsdb/ovn_client.py",
    ),
    _p(
        "port-deleted-concurrently", _NEUTRON, "WARNING",
        "Logical_Switch_Port deleted concurrently",
        rf"Logical_Switch_Port deleted concurrently: (?P<port>{U})",
        "the port went away while Neutron changed it",
        f"Logical_Switch_Port deleted concurrently: {_ID}",
        "neutron/plugins/ml2/drivers/ovn/mech_driver/ovsdb/ovn_client.py",
    ),
    _p(
        "revision-higher", _NEUTRON, "INFO", "is higher than the given resource",
        r"OVN revision number for (?P<resource>\S+) \(type: (?P<type>\w+)\) is higher than the "
        r"given resource",
        "Northbound is ahead of what Neutron wanted to write, which was dropped",
        f"Transaction aborted. Reason: OVN revision number for {_ID} (type: ports) is higher than "
        "the given resource. Skipping update",
        "neutron/common/ovn/exceptions.py:RevisionConflict",
    ),
    _p(
        "maintenance-failed", _NEUTRON, "ERROR", "Maintenance task: Failed to fix",
        rf"Maintenance task: Failed to fix (?:deleted )?resource (?P<resource>{U}) "
        r"\(type: (?P<type>\w+)\)",
        "Neutron knows that Northbound is behind and cannot mend it",
        f"Maintenance task: Failed to fix resource {_ID} (type: ports)",
        "neutron/plugins/ml2/drivers/ovn/mech_driver/ovsdb/maintenance.py",
    ),
    _p(
        "port-not-in-northbound", _NEUTRON, "WARNING", "Port found in Neutron but not in OVN",
        rf"Port found in Neutron but not in OVN(?: NB)? DB, port_id=(?P<port>{U})",
        "the sync tool: Neutron's port has no Logical_Switch_Port",
        f"Port found in Neutron but not in OVN NB DB, port_id={_ID}",
        "neutron/plugins/ml2/drivers/ovn/mech_driver/ovsdb/ovn_db_sync.py",
    ),
    _p(
        "port-not-in-neutron", _NEUTRON, "WARNING", "Port found in OVN",
        r"Port found in OVN(?: NB)? DB but not in Neutron, port_id=(?P<port>\S+)",
        "the sync tool: a Logical_Switch_Port that Neutron does not have",
        f"Port found in OVN NB DB but not in Neutron, port_id={_ID}",
        "neutron/plugins/ml2/drivers/ovn/mech_driver/ovsdb/ovn_db_sync.py",
    ),
    _p(
        "network-not-in-northbound", _NEUTRON, "WARNING", "Network found in Neutron but not in OVN",
        rf"Network found in Neutron but not in OVN(?: NB)? DB, network_id=(?P<network>{U})",
        "the sync tool: Neutron's network has no Logical_Switch",
        f"Network found in Neutron but not in OVN NB DB, network_id={_ID}",
        "neutron/plugins/ml2/drivers/ovn/mech_driver/ovsdb/ovn_db_sync.py",
    ),
    _p(
        "floating-ip-not-reachable", _NEUTRON, "INFO", "Therefore, cannot associate Port",
        rf"External network (?P<network>{U}) is not reachable from subnet (?P<subnet>{U})\.\s+"
        rf"Therefore, cannot associate Port (?P<port>{U}) with a Floating IP",
        "no router leads from the port's subnet to the network of the floating IP",
        f"update failed (client error): External network {_ID} is not reachable from subnet {_ID}.  "
        f"Therefore, cannot associate Port {_ID} with a Floating IP.",
        "neutron-lib: neutron_lib/exceptions/l3.py",
    ),
    _p(
        "hash-ring-empty", _NEUTRON, "ERROR", "HashRing is empty",
        r"HashRing is empty, error: (?P<why>[^\n]*)",
        "no neutron-server takes care of events from OVN",
        "HashRing is empty, error: Hash Ring returned empty when hashing",
        "neutron/plugins/ml2/drivers/ovn/mech_driver/ovsdb/ovsdb_monitor.py",
    ),
    _p(
        "ovsdb-command-timeout", _ANYONE, "ERROR", "exceeded timeout",
        r"Commands (?P<commands>.*?) exceeded timeout (?P<seconds>\d+) seconds"
        r"(?:, cause: (?P<why>[^\n]*))?",
        "an OVSDB server did not answer a write in time",
        "ovsdbapp.exceptions.TimeoutException: Commands [AddLSwitchPortCommand()] exceeded timeout "
        "180 seconds, cause: Result queue is empty",
        "ovsdbapp/exceptions.py",
    ),
    _p(
        "metadata-port-bound", _AGENT, "INFO", "in datapath",
        r"Port (?P<port>\S+) in datapath (?P<network>\S+) "
        r"(?P<what>bound to our chassis|unbound from our chassis)",
        "the metadata agent saw a port come or go",
        f"Port {_ID} in datapath {_ID} bound to our chassis",
        "neutron/agent/ovn/metadata/agent.py",
    ),
    _p(
        "metadata-provisioned", _AGENT, "INFO", "Provisioning metadata for network",
        r"Provisioning metadata for network (?P<network>\S+)",
        "the metadata agent sets a network up",
        f"Provisioning metadata for network {_ID}",
        "neutron/agent/ovn/metadata/agent.py",
    ),
    _p(
        "metadata-cleaned-up", _AGENT, "INFO", "namespace which is not needed anymore",
        r"Cleaning up (?P<namespace>ovnmeta-\S+) namespace which is not needed anymore",
        "the metadata agent took a network down",
        f"Cleaning up ovnmeta-{_ID} namespace which is not needed anymore",
        "neutron/agent/ovn/metadata/agent.py",
    ),
    _p(
        "metadata-forbidden", _AGENT, "WARNING", "The remote metadata server responded with",
        r"The remote metadata server responded with Forbidden",
        "Nova refused the metadata agent: different shared secrets",
        "The remote metadata server responded with Forbidden. This response usually occurs when "
        "shared secrets do not match.",
        "neutron/agent/metadata/proxy_base.py",
    ),
    _p(
        "metadata-backend-failed", _AGENT, "WARNING", "Remote metadata server experienced an",
        r"Remote metadata server experienced an internal server error",
        "Nova's metadata API answered the agent with 500",
        "Remote metadata server experienced an internal server error.",
        "neutron/agent/metadata/proxy_base.py",
    ),
    _p(
        "metadata-answer-unexpected", _AGENT, "ERROR", "Unexpected response code:",
        r"Unexpected response code: (?P<code>\d+)",
        "Nova's metadata API answered the agent with what it knows no meaning of, such as 503",
        "Exception: Unexpected response code: 503",
        "neutron/agent/metadata/proxy_base.py",
    ),
    _p(
        "metadata-port-unknown", _AGENT, "WARNING", "No port found in network",
        r"No port found in network (?P<network>\S+) with IP address (?P<address>\S+)",
        "a guest asked for metadata by an address that no port has",
        f"No port found in network {_ID} with IP address 192.168.10.102",
        "neutron/agent/ovn/metadata/server_socket.py",
    ),
)  # fmt: skip

_NORTH = (
    _p(
        "northd-active", _NORTHD, "INFO", "This ovn-northd instance is now active",
        r"ovn-northd lock acquired\. This ovn-northd instance is now active",
        "this ovn-northd works", "ovn-northd lock acquired. This ovn-northd instance is now active.",
        "northd/ovn-northd.c",
    ),
    _p(
        "northd-standby", _NORTHD, "INFO", "This ovn-northd instance is now on standby",
        r"This ovn-northd instance is now on standby",
        "another ovn-northd works",
        "ovn-northd lock lost. This ovn-northd instance is now on standby.",
        "northd/ovn-northd.c",
    ),
    _p(
        "northd-paused", _NORTHD, "INFO", "This ovn-northd instance is now paused",
        r"This ovn-northd instance is now paused",
        "somebody paused it: nothing new reaches Southbound",
        "This ovn-northd instance is now paused.",
        "northd/ovn-northd.c",
    ),
    _p(
        "commit-failed", ("ovn-northd", "ovn-controller"), "INFO",
        "commit failed, force recompute next time",
        r"OVN(?P<database>[NS]B) commit failed, force recompute next time",
        "a write was refused: by a server without its leader, or by a constraint",
        "OVNSB commit failed, force recompute next time.",
        "northd/ovn-northd.c, controller/ovn-controller.c",
    ),
    _p(
        "unknown-requested-chassis", _NORTHD, "WARNING", "set in options:requested-chassis",
        r"Unknown chassis '(?P<chassis>.*)' set in options:requested-chassis on LSP "
        r"'(?P<port>.*)'",
        "the port is bound to a host that is no chassis",
        f"Unknown chassis 'cmp9' set in options:requested-chassis on LSP '{_ID}'.",
        "northd/northd.c",
    ),
    _p(
        "chassis-private-orphan", _NORTHD, "WARNING",
        "Chassis does not exist for Chassis_Private record",
        r"Chassis does not exist for Chassis_Private record, name: (?P<chassis>\S+)",
        "a chassis was deleted, and half of it is left",
        "Chassis does not exist for Chassis_Private record, name: cmp2",
        "northd/ovn-northd.c",
    ),
    _p(
        "dhcp-options-lacking", _NORTHD, "WARNING", "Required DHCPv4 options not defined for lport",
        r"Required DHCPv4 options not defined for lport - \"?(?P<port>[^\"\s]+)",
        "no DHCP for this port: its options are not whole",
        f'Required DHCPv4 options not defined for lport - "{_ID}"',
        "northd/northd.c:build_dhcpv4_action",
    ),
    _p(
        "route-without-path", _NORTHD, "WARNING", "No path for static route",
        r"No path for static route (?P<route>[^\s;]+)(?: on router (?P<router>[^\s;]+))?; next hop\s+"
        r"(?P<nexthop>\S+)",
        "a static route's next hop is in none of the router's networks",
        "No path for static route 10.5.0.0/24 on router neutron-r1; next hop 192.168.99.1",
        "northd/northd.c",
    ),
    _p(
        "northd-bad-configuration", _NORTHD, "WARNING", "Bad configuration",
        r"Bad configuration: (?P<what>.*)",
        "northd leaves something out of the pipeline",
        "Bad configuration: distributed gateway port configured on port lrp-1 on L3 gateway router",
        "northd/northd.c",
    ),
    _p(
        "duplicate-port", _NORTHD, "WARNING", "duplicate logical ",
        r"duplicate logical (?:router )?port (?P<port>\S+)",
        "two ports of one name: one is left out",
        "duplicate logical port vm1",
        "northd/northd.c",
    ),
    _p(
        "tunnel-ids-exhausted", _NORTHD, "WARNING", "tunnel ids exhausted",
        r"all (?P<kind>datapath|port|multicast group) tunnel ids exhausted",
        "nothing new of this kind can be made",
        "all datapath tunnel ids exhausted",
        "lib/ovn-util.c",
    ),
)  # fmt: skip

_CHASSIS = (
    _p(
        "claiming-port", _CONTROLLER, "INFO", "Claiming lport",
        r"Claiming lport (?P<port>\S+) for this (?P<additional>additional )?chassis",
        "ovn-controller takes the port",
        f"Claiming lport {_ID} for this chassis.",
        "controller/binding.c",
    ),
    _p(
        "changing-chassis", _CONTROLLER, "INFO", "Changing chassis for lport",
        r"Changing chassis for lport (?P<port>\S+) from (?P<old>\S+) to (?P<new>[^\s.]\S*?)\.?$",
        "the port moved here from another chassis; again and again: two hosts fight for it",
        f"Changing chassis for lport {_ID} from cmp1 to cmp2.",
        "controller/binding.c",
    ),
    _p(
        "not-claiming", _CONTROLLER, "INFO", "Not claiming lport",
        r"Not claiming lport (?P<port>\S+), chassis (?P<chassis>\S+) requested-chassis "
        r"(?P<requested>\S+)(?: pb->chassis (?P<bound>\S*))?",
        "the port is plugged here, and Neutron wants it elsewhere",
        f"Not claiming lport {_ID}, chassis cmp2 requested-chassis cmp1 pb->chassis cmp1",
        "controller/binding.c",
    ),
    _p(
        "releasing-port", _CONTROLLER, "INFO", "Releasing lport",
        r"Releasing lport (?P<port>\S+) from this (?:additional )?chassis",
        "ovn-controller gives the port up",
        f"Releasing lport {_ID} from this chassis (sb_readonly=0)",
        "controller/binding.c",
    ),
    _p(
        "ovn-installed", _CONTROLLER, "INFO", "ovn-installed in OVS",
        r"(?P<what>Setting|Removing) (?:iface|lport) (?P<port>\S+) ovn-installed in OVS",
        "the port's flows are in br-int (or no longer)",
        f"Setting lport {_ID} ovn-installed in OVS",
        "controller/binding.c",
    ),
    _p(
        "port-set-in-southbound", _CONTROLLER, "INFO", "in Southbound",
        r"Setting lport (?P<port>\S+) (?P<status>up|down) in Southbound",
        "ovn-controller wrote Port_Binding.up",
        f"Setting lport {_ID} up in Southbound",
        "controller/binding.c",
    ),
    _p(
        "multiple-bindings", _CONTROLLER, "WARNING", "Multiple bindings for",
        r"Multiple bindings for (?P<port>\S+): force recompute",
        "two Interfaces of this host have the same iface-id",
        f"Multiple bindings for {_ID}: force recompute to clean up",
        "controller/binding.c",
    ),
    _p(
        "dhcp-answered", _CONTROLLER, "INFO", "DHCP",
        r"DHCP(?P<kind>OFFER|ACK|NAK) (?P<mac>[0-9a-f:]{17}) (?P<address>[\d.]+)",
        "ovn-controller answered the guest's DHCP",
        "DHCPACK fa:16:3e:32:65:77 192.168.10.102",
        "controller/pinctrl.c",
    ),
    _p(
        "dhcp-request-mismatch", _CONTROLLER, "WARNING", "does not match offer",
        r"DHCPREQUEST requested IP (?P<requested>\S+) does not match offer (?P<offer>\S+)",
        "the guest insists on an address of another port or network",
        "DHCPREQUEST requested IP 192.168.77.5 does not match offer 192.168.10.102",
        "controller/pinctrl.c",
    ),
    _p(
        "virtual-port-claimed", _CONTROLLER, "INFO", "Claiming virtual lport",
        r"Claiming virtual lport (?P<port>\S+) for this chassis with the virtual parent "
        r"(?P<parent>\S+)",
        "a guest announced the virtual address",
        f"Claiming virtual lport {_ID} for this chassis with the virtual parent {_ID}",
        "controller/pinctrl.c",
    ),
    _p(
        "mapping-without-bridge", _CONTROLLER, "WARNING", "bridge not found for",
        r"bridge not found for (?P<kind>\w+) port '(?P<port>.*)' with network name "
        r"'(?P<physnet>.*)'",
        "ovn-bridge-mappings has no bridge for this physical network",
        f"bridge not found for localnet port 'provnet-{_ID}' with network name 'physnet1'; "
        "skipping",
        "controller/patch.c",
    ),
    _p(
        "mapped-bridge-missing", _CONTROLLER, "WARNING", "not found for network",
        r"[Bb]ridge '(?P<bridge>.*)' not found for network '(?P<physnet>.*)'",
        "ovn-bridge-mappings names a bridge that is not there",
        "Bridge 'br-ex' not found for network 'physnet1'",
        "controller/patch.c",
    ),
    _p(
        "mappings-invalid", _CONTROLLER, "ERROR", "Invalid ovn-bridge-mappings configuration",
        r"Invalid ovn-bridge-mappings configuration: '(?P<mappings>.*)'",
        "ovn-bridge-mappings cannot be read",
        "Invalid ovn-bridge-mappings configuration: 'physnet1'",
        "controller/patch.c",
    ),
    _p(
        "no-common-encap", _CONTROLLER, "INFO", "No supported encaps for",
        r"No supported encaps for '(?P<chassis>.*)'",
        "the other chassis has no tunnel type in common with this one",
        "chassis_tunnel_add: No supported encaps for 'cmp2'",
        "controller/encaps.c",
    ),
    _p(
        "tunnel-not-created", _CONTROLLER, "INFO", "Creating encap for",
        r"Creating encap for '(?P<chassis>.*)' failed",
        "no tunnel to this chassis",
        "Creating encap for 'cmp2' failed",
        "controller/encaps.c",
    ),
    _p(
        "encap-not-set", _CONTROLLER, "INFO", "Need to specify an encap type and ip",
        r"Need to specify an encap type and ip",
        "ovn-encap-type or ovn-encap-ip is not set",
        "Need to specify an encap type and ip",
        "controller/chassis.c",
    ),
    _p(
        "system-id-missing", _CONTROLLER, "WARNING", "'system-id' in Open_vSwitch database is",
        r"'system-id' in Open_vSwitch database is missing",
        "the chassis has no name",
        "'system-id' in Open_vSwitch database is missing.",
        "controller/chassis.c",
    ),
    _p(
        "encap-duplicate", _CONTROLLER, "WARNING", "already has encap ip",
        r"'(?P<holder>.*)' already has encap ip '(?P<address>.*)' and type '(?P<type>.*)', cannot "
        r"duplicate on '(?P<chassis>.*)'",
        "another chassis has this tunnel address",
        "'cmp1' already has encap ip '10.99.0.11' and type 'geneve', cannot duplicate on 'cmp2'",
        "controller/chassis.c",
    ),
    _p(
        "encap-constraint", _CONTROLLER, "WARNING", "identical values (",
        r"multiple rows in \\*\"Encap\\*\" table to have identical values \((?P<type>\w+) and "
        r"\\*\"(?P<address>[^\"\\]+)",
        "another chassis has this tunnel address: the Chassis row was refused",
        r'transaction error: {"details":"Transaction causes multiple rows in \"Encap\" table to '
        r'have identical values (geneve and \"10.99.0.11\") for index on columns \"type\" and '
        r'\"ip\".","error":"constraint violation"}',
        "lib/ovsdb-idl.c",
    ),
    _p(
        "version-mismatch", _CONTROLLER, "WARNING", "mismatch with northd version",
        r"controller version - (?P<controller>\S+) mismatch with northd version - (?P<northd>\S+)",
        "ovn-controller waits for a northd of its own version",
        "controller version - 23.03.1-20.27.0-70.6 mismatch with northd version - "
        "22.03.0-20.21.0-58.3",
        "controller/ovn-controller.c",
    ),
    _p(
        "openflow-reconnected", _CONTROLLER, "INFO", "OVS OpenFlow connection reconnected",
        r"OVS OpenFlow connection reconnected, ?force recompute",
        "ovn-controller has br-int again: ovs-vswitchd was restarted, or the bridge set up anew",
        "OVS OpenFlow connection reconnected,force recompute.",
        "controller/ovn-controller.c",
    ),
    _p(
        "controller-exits", _CONTROLLER, "INFO", "Exiting ovn-controller",
        r"Exiting ovn-controller, resource cleanup: (?P<cleanup>\w+)",
        "ovn-controller was stopped; with cleanup its Chassis and tunnels are gone",
        "Exiting ovn-controller, resource cleanup: True",
        "controller/ovn-controller.c",
    ),
    _p(
        "integration-bridge-lost", _CONTROLLER, "WARNING", ".mgmt: connection ",
        r"(?P<where>\S+\.mgmt): connection (?P<what>failed|dropped|closed by peer)[^\n]*",
        "ovn-controller lost br-int: ovs-vswitchd was stopped, or the bridge taken away or set up anew",
        "unix:/run/openvswitch/br-int.mgmt: connection failed (No such file or directory)",
        "lib/rconn.c",
    ),
    _p(
        "openflow-version", _ANYONE, "WARNING", "version negotiation failed",
        r"version negotiation failed \(we support version (?P<ours>[^,]+), peer supports version "
        r"(?P<theirs>[^)]+)\)",
        "the bridge does not speak the OpenFlow version that is needed",
        "unix:/run/openvswitch/br-int.mgmt: version negotiation failed (we support version 0x06, "
        "peer supports version 0x01)",
        "lib/vconn.c",
    ),
    _p(
        "gateway-tunnel-missing", _CONTROLLER, "WARNING", "Failed to locate tunnel to reach main",
        r"Failed to locate tunnel to reach main chassis (?P<chassis>\S+) for port "
        r"(?P<port>[^\s.]+)",
        "no tunnel to the gateway; at a start it passes",
        "Failed to locate tunnel to reach main chassis net1 for port cr-lrp-1. Cloning packets "
        "disabled for the chassis.",
        "controller/physical.c",
    ),
    _p(
        "bfd-switched", _CONTROLLER, "INFO", "BFD on interface",
        r"(?P<what>Enabled|Disabled) BFD on interface (?P<interface>\S+)",
        "a tunnel is watched (or no longer)",
        "Enabled BFD on interface ovn-cmp2-0",
        "controller/bfd.c",
    ),
    _p(
        "ct-zones-exhausted", _CONTROLLER, "WARNING", "exhausted all ct zones",
        r"exhausted all ct zones",
        "no conntrack zone is left for a new port",
        "exhausted all ct zones",
        "controller/ct-zone.c",
    ),
)  # fmt: skip

_SWITCHING = (
    _p(
        "device-not-opened", _VSWITCHD, "WARNING", "could not open network device",
        r"could not open network device (?P<device>\S+) \((?P<why>.*?)\)",
        "the Interface has no device; usual for a moment while libvirt makes the tap",
        "could not open network device tape10ee707-b2 (No such device)",
        "vswitchd/bridge.c",
    ),
    _p(
        "device-not-added", _VSWITCHD, "WARNING", "could not add network device",
        r"could not add network device (?P<device>\S+) to ofproto \((?P<why>.*?)\)",
        "the Interface got no OpenFlow port",
        "could not add network device ovn-cmp2-0 to ofproto (File exists)",
        "vswitchd/bridge.c",
    ),
    _p(
        "interface-changed", _VSWITCHD, "INFO", "interface",
        r"bridge (?P<bridge>\S+): (?P<what>added|deleted) interface (?P<device>\S+) on port "
        r"(?P<number>\d+)",
        "a device came into a bridge, or left it",
        "bridge br-int: added interface tape10ee707-b2 on port 3",
        "vswitchd/bridge.c",
    ),
    _p(
        "tunnel-packet-unknown", _VSWITCHD, "WARNING", "receive tunnel port not found",
        r"receive tunnel port not found \((?P<packet>.*)\)",
        "a tunnelled packet came from an address that no tunnel has",
        "receive tunnel port not found (tcp,tun_id=0x1,tun_src=10.99.0.13,tun_dst=10.99.0.11)",
        "ofproto/tunnel.c",
    ),
    _p(
        "bfd-state", _VSWITCHD, "INFO", "BFD state change",
        r"(?P<interface>[^\s:]+): BFD state change: (?:\(bfd\.SessionState: )?(?P<old>\w+)"
        r"(?:, bfd\.LocalDiag: \".*?\"\) -> \(bfd\.SessionState: |->)(?P<new>\w+)",
        "a tunnel went down or up",
        'ovn-cmp1-0: BFD state change: up->down "No Diagnostic"->"Neighbor Signaled Session Down".',
        "lib/bfd.c",
    ),
    _p(
        "long-poll", _ANYONE, "WARNING", "ms poll interval",
        r"Unreasonably long (?P<milliseconds>\d+)ms poll interval",
        "the daemon was busy, or starved, for so long",
        "Unreasonably long 3210ms poll interval (2800ms user, 120ms system)",
        "lib/timeval.c",
    ),
    _p(
        "tap-not-created", ("libvirtd", "nova-compute", "qemu"), "ERROR",
        "Unable to create tap device",
        r"Unable to create tap device (?P<device>[^\s:]*)",
        "the kernel refused the guest's device",
        "Unable to create tap device tape10ee707-b2: Device or resource busy",
        "libvirt src/util/virnetdevtap.c",
    ),
    _p(
        "port-not-added", ("libvirtd", "nova-compute", "qemu"), "ERROR", "Unable to add port",
        r"Unable to add port (?P<device>\S+) to OVS bridge (?P<bridge>\S+)",
        "libvirt could not put the device into its bridge",
        "Unable to add port tape10ee707-b2 to OVS bridge br-int",
        "libvirt src/util/virnetdevopenvswitch.c",
    ),
    _p(
        "device-missing", ("libvirtd", "nova-compute", "qemu"), "ERROR", "Cannot get interface MTU",
        r"Cannot get interface MTU on '(?P<device>.*?)'",
        "the device that the guest shall have is not there",
        "Cannot get interface MTU on 'br-int': No such device",
        "libvirt src/util/virnetdev.c",
    ),
    _p(
        "guest-started", ("qemu",), "INFO", "starting up libvirt version",
        r"starting up libvirt version: (?P<libvirt>[^\s,]+)",
        "the guest was started",
        "starting up libvirt version: 9.0.0, package: 9.0.0-4, qemu version: 7.2.22, hostname: cmp1",
        "libvirt src/qemu/qemu_process.c",
    ),
    _p(
        "guest-stopped", ("qemu",), "INFO", "shutting down, reason",
        r"shutting down, reason=(?P<why>\w+)",
        "the guest was stopped",
        "shutting down, reason=destroyed",
        "libvirt src/qemu/qemu_process.c",
    ),
)  # fmt: skip

_DATABASES = (
    _p(
        "connection-failed", _ANYONE, "INFO", "connection attempt failed",
        r"(?P<remote>\S+): connection attempt failed \((?P<why>.*?)\)",
        "a database, or a switch, could not be reached",
        "tcp:10.99.0.1:6642: connection attempt failed (Connection refused)",
        "lib/reconnect.c",
    ),
    _p(
        "reconnect-waits", _ANYONE, "INFO", "seconds before reconnect",
        r"(?P<remote>\S+): waiting (?P<seconds>\d+) seconds before reconnect",
        "it has been unreachable for a while",
        "tcp:10.99.0.1:6642: waiting 8 seconds before reconnect",
        "lib/reconnect.c",
    ),
    _p(
        "inactivity", _ANYONE, "ERROR", "no response to inactivity probe",
        r"(?P<remote>\S+): no response to inactivity probe after (?P<seconds>\S+) seconds",
        "the other side hangs, or is stopped",
        "tcp:10.99.0.12:47104: no response to inactivity probe after 5 seconds, disconnecting",
        "lib/reconnect.c",
    ),
    _p(
        "tls-failed", _ANYONE, "WARNING", ":SSL routines:",
        r"SSL_(?P<what>read|accept|connect): error:\w+:SSL routines:[^:]*:(?P<why>[^\n]*)",
        "a certificate or key does not fit",
        "SSL_accept: error:0A000418:SSL routines::tlsv1 alert unknown ca",
        "lib/stream-ssl.c",
    ),
    _p(
        "plain-on-tls", _ANYONE, "WARNING", "received JSON-RPC data on SSL channel",
        r"received JSON-RPC data on SSL channel",
        "somebody talks plain TCP to a TLS port",
        "ssl:10.99.0.12:47104: received JSON-RPC data on SSL channel",
        "lib/stream-ssl.c",
    ),
    _p(
        "election-started", _SERVER, "INFO", "timeout expired, starting election",
        r"term (?P<term>\d+): (?P<milliseconds>\d+) ms timeout expired, starting election",
        "the member heard nothing of its leader",
        "term 7: 1547 ms timeout expired, starting election",
        "ovsdb/raft.c",
    ),
    _p(
        "leader-elected", _SERVER, "INFO", "elected leader by",
        r"term (?P<term>\d+): elected leader by (?P<votes>\d+)\+? of (?P<servers>\d+) servers",
        "this member leads",
        "term 8: elected leader by 2+ of 3 servers",
        "ovsdb/raft.c",
    ),
    _p(
        "leader-known", _SERVER, "INFO", "is leader for term",
        r"server (?P<server>\w+) is leader for term (?P<term>\d+)",
        "another member leads",
        "server 1a2b is leader for term 8",
        "ovsdb/raft.c",
    ),
    _p(
        "cluster-unusable", _ANYONE, "INFO", "trying another server",
        r"(?:(?P<remote>\S+): )?clustered database server (?P<why>is disconnected from cluster"
        r"|is not cluster leader|has stale data); trying another server",
        "this member of the cluster is no use to its client",
        "tcp:10.99.0.1:6642: clustered database server is disconnected from cluster; trying "
        "another server",
        "lib/ovsdb-cs.c",
    ),
    _p(
        "database-write-failed", _SERVER, "WARNING", "write failed",
        r"(?P<file>[^\s:]+): write failed \((?P<why>.*?)\)",
        "the database cannot be written to disk: nothing changes any more",
        "I/O error: /var/lib/ovn/ovnnb_db.db: write failed (No space left on device)",
        "ovsdb/log.c",
    ),
)  # fmt: skip

PATTERNS: tuple[Pattern, ...] = (
    *_SCHEDULING,
    *_BUILDING,
    *_NETWORKING,
    *_NORTH,
    *_CHASSIS,
    *_SWITCHING,
    *_DATABASES,
)
"""All of them; an id is there once."""


@cache
def patterns_of(service: str) -> tuple[Pattern, ...]:
    """Those that this daemon may write; of an unknown one, all."""
    return tuple(
        pattern
        for pattern in PATTERNS
        if not service or not pattern.services or service in pattern.services
    )


@cache
def pattern(id_: str) -> Pattern:
    """The pattern of this id.

    Raises:
        KeyError: there is none.
    """
    found = {each.id: each for each in PATTERNS}
    return found[id_]
