"""The lab's orders to OpenStack: run inside the controller by OpenStack's own Python.

``python orders.py ORDER`` reads arguments as JSON from standard input and prints the outcome as
JSON. It stands alone: neither this package nor its dependencies are installed there.
"""

import json
import sys
import time

import openstack

NETWORK, SUBNET, ROUTER, GROUP = "net1", "net1-subnet", "router1", "lab"
PUBLIC = "public"


class Refused(Exception):
    """OpenStack said no, or took too long."""


def wait(condition, seconds, what):
    """Look until the condition gives something, or raise."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise Refused(what)
        time.sleep(0.3)


def catalog(cloud, urls):
    """Users of the services, and where they listen."""
    identity = cloud.identity
    domain = "default"
    project = identity.create_project(name="service", domain_id=domain)
    roles = [
        identity.find_role(name) or identity.create_role(name=name) for name in ("admin", "service")
    ]
    for name, (kind, url, password) in urls.items():
        user = identity.create_user(
            name=name, password=password, domain_id=domain, default_project_id=project.id
        )
        for role in roles:
            identity.assign_project_role_to_user(project, user, role)
        service = identity.create_service(name=name, type=kind)
        for interface in ("public", "internal", "admin"):
            identity.create_endpoint(
                service_id=service.id, interface=interface, url=url, region_id="RegionOne"
            )


def furnish(cloud, kernel, initrd, disk, cidr, gateway, public_cidr, public_gateway, pool, physnet):
    """An image, flavors, a tenant network, a provider network, and a router between them."""

    def image(name, file, kind, container, **properties):
        return cloud.image.create_image(
            name=name,
            filename=file,
            disk_format=kind,
            container_format=container,
            visibility="public",
            allow_duplicates=True,
            **properties,
        )

    parts = {
        "kernel_id": image("guest-kernel", kernel, "aki", "aki").id,
        "ramdisk_id": image("guest-initrd", initrd, "ari", "ari").id,
        "os_command_line": "console=ttyS0 quiet edd=off mitigations=off",
    }
    image("guest", disk, "raw", "bare", **parts)
    for name, ram, size in (("tiny", 96, 1), ("huge", 1_000_000, 1), ("vast", 96, 100_000)):
        cloud.compute.create_flavor(name=name, ram=ram, vcpus=1, disk=size, is_public=True)
    cloud.compute.create_flavor(name="wide", ram=96, vcpus=64, disk=1, is_public=True)
    golden = cloud.compute.create_flavor(name="golden", ram=96, vcpus=1, disk=1, is_public=True)
    cloud.compute.create_flavor_extra_specs(golden, {"trait:CUSTOM_GOLD": "required"})
    cloud.placement.put("/traits/CUSTOM_GOLD", microversion="1.6")
    # A quota answers before any scheduler does.
    cloud.set_compute_quotas(cloud.current_project_id, ram=-1, cores=-1, instances=-1)
    network = cloud.network
    net = network.create_network(name=NETWORK)
    subnet = network.create_subnet(
        network_id=net.id, name=SUBNET, ip_version=4, cidr=cidr, gateway_ip=gateway
    )
    public = network.create_network(
        name=PUBLIC,
        provider_network_type="flat",
        provider_physical_network=physnet,
        is_router_external=True,
        is_shared=True,
    )
    network.create_subnet(
        network_id=public.id,
        name=f"{PUBLIC}-subnet",
        ip_version=4,
        cidr=public_cidr,
        gateway_ip=public_gateway,
        is_dhcp_enabled=True,
        allocation_pools=[{"start": pool[0], "end": pool[1]}],
    )
    router = network.create_router(name=ROUTER, external_gateway_info={"network_id": public.id})
    network.add_interface_to_router(router, subnet_id=subnet.id)
    group = network.create_security_group(name=GROUP)
    for protocol, port in (("icmp", None), ("tcp", 22), ("tcp", 80)):
        network.create_security_group_rule(
            security_group_id=group.id,
            direction="ingress",
            ethertype="IPv4",
            protocol=protocol,
            port_range_min=port,
            port_range_max=port,
        )


def computes(cloud, wanted, seconds):
    """Wait until nova-compute of these hosts is heard; they may be in no cell yet."""

    def ready():
        services = cloud.compute.get("/os-services?binary=nova-compute").json()["services"]
        return {each["host"] for each in services if each["state"] == "up"} >= set(wanted)

    wait(ready, seconds, f"nova-compute of {', '.join(wanted)} was not heard within {seconds} s")


def hosts(cloud, wanted, seconds):
    """Wait until these hosts can be given servers, and their agents are heard."""

    def ready():
        up = {each.name for each in cloud.compute.hypervisors() if each.state == "up"}
        heard = {each.host for each in cloud.network.agents() if each.is_alive}
        return up >= set(wanted) and heard >= set(wanted)

    wait(ready, seconds, f"not all of {', '.join(wanted)} came up within {seconds} s")


def zone(cloud, name, host):
    """An availability zone with one host."""
    made = cloud.compute.create_aggregate(name=name, availability_zone=name)
    cloud.compute.add_host_to_aggregate(made.id, host)


def boot(cloud, name, host="", flavor="tiny", network=NETWORK, floating=False, zone="", port="",
         group="", seconds=0):  # fmt: skip
    """A server; ``seconds`` is how long to wait for it to be ACTIVE or ERROR."""
    nic = {"port": port} if port else {"uuid": cloud.network.find_network(network).id}
    body = {
        "name": name,
        "imageRef": cloud.image.find_image("guest").id,
        "flavorRef": cloud.compute.find_flavor(flavor).id,
        "networks": [nic],
        "security_groups": [{"name": GROUP}],
    }
    if port:
        del body["security_groups"]
    if host:
        body["host"] = host
    if zone:
        body["availability_zone"] = zone
    asked = {"server": body}
    if group:
        asked["os:scheduler_hints"] = {"group": cloud.compute.find_server_group(group).id}
    answer = cloud.compute.post("/servers", json=asked, microversion="2.74")
    if answer.status_code >= 400:
        raise Refused(f"{answer.status_code}: {answer.text[:300]}")
    server = answer.json()["server"]["id"]
    status = settle(cloud, server, seconds)["status"] if seconds else "BUILD"
    own = next(iter(cloud.network.ports(device_id=server)), None)
    if floating and own:  # a server that was not built has no port any more
        public = cloud.network.find_network(PUBLIC)
        cloud.network.create_ip(floating_network_id=public.id, port_id=own.id)
    return {"id": server, "status": status}


def settle(cloud, server, seconds):
    """Wait until a server is ACTIVE or in ERROR, and no task is left."""

    def settled():
        found = cloud.compute.get_server(server)
        return found.status in ("ACTIVE", "ERROR") and not found.task_state and found

    return {"status": wait(settled, seconds, f"{server} is still being worked on").status}


def delete(cloud, name):
    """Delete a server, and what was made for it alone."""
    server = cloud.compute.find_server(name, ignore_missing=False, all_projects=True)
    for port in cloud.network.ports(device_id=server.id):
        for address in cloud.network.ips(port_id=port.id):
            cloud.network.delete_ip(address)
    cloud.compute.delete_server(server)

    def gone():
        return cloud.compute.find_server(server.id, all_projects=True) is None

    wait(gone, 60, f"{name} was not deleted within 60 s")


def reboot(cloud, name, kind="HARD", seconds=60):
    """Reboot a server, and wait for it."""
    server = cloud.compute.find_server(name, ignore_missing=False)
    cloud.compute.reboot_server(server, kind)
    return settle(cloud, server.id, seconds)


def port(cloud, network=NETWORK, **fields):
    """A port that no server has yet."""
    net = cloud.network.find_network(network)
    group = cloud.network.find_security_group(GROUP, project_id=cloud.current_project_id)
    made = cloud.network.create_port(network_id=net.id, security_group_ids=[group.id], **fields)
    return {"id": made.id, "mac": made.mac_address, "ip": made.fixed_ips[0]["ip_address"]}


def call(cloud, service, method, path, body=None, microversion=None):
    """One request of any API, as it is written in its reference; gives back what it answers."""
    adapter = getattr(cloud, service)
    answer = adapter.request(
        path, method, json=body, microversion=microversion, raise_exc=False
    )  # fmt: skip
    if answer.status_code >= 400:
        raise Refused(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
    return answer.json() if answer.text else {}


def show(cloud):
    """What Nova and Neutron want: servers with their ports, networks, the router."""
    subnets = {each.id: each for each in cloud.network.subnets()}
    ports = list(cloud.network.ports())
    addresses = list(cloud.network.ips())
    networks = {each.id: each for each in cloud.network.networks()}
    servers = []
    for server in cloud.compute.servers(all_projects=True):
        own = next((port for port in ports if port.device_id == server.id), None)
        fixed = own.fixed_ips[0] if own and own.fixed_ips else {}
        public = next((each for each in addresses if own and each.port_id == own.id), None)
        servers.append(
            {
                "id": server.id,
                "name": server.name,
                "status": server.status,
                "host": server.compute_host or "",
                "port_id": own.id if own else "",
                "mac": own.mac_address if own else "",
                "ip": fixed.get("ip_address", ""),
                "cidr": subnets[fixed["subnet_id"]].cidr if fixed else "",
                "network": networks[own.network_id].name if own else "",
                "groups": list(own.security_group_ids) if own else [],
                "revision": own.revision_number if own else None,
                "floating_ip": public.floating_ip_address if public else "",
                "floating_ip_id": public.id if public else "",
            }
        )
    router = cloud.network.find_router(ROUTER)
    net, public = (cloud.network.find_network(name) for name in (NETWORK, PUBLIC))
    legs = [port for port in ports if port.device_id == router.id]
    inside = next(port for port in legs if port.device_owner == "network:router_interface")
    outside = next(port for port in legs if port.device_owner == "network:router_gateway")
    segment = next(iter(cloud.network.segments(network_id=public.id)))
    metadata = next(
        port for port in ports
        if port.network_id == net.id and port.device_owner == "network:distributed"
    )  # fmt: skip
    return {
        "servers": servers,
        "network": {"id": net.id, "mtu": net.mtu, "subnet": net.subnet_ids[0]},
        "public": {"id": public.id, "mtu": public.mtu, "segment": segment.id},
        "router": {
            "id": router.id,
            "inside": inside.id,
            "outside": outside.id,
            "address": outside.fixed_ips[0]["ip_address"],
        },
        "metadata_port": metadata.id,
    }


ORDERS = {
    function.__name__: function
    for function in (
        catalog,
        furnish,
        computes,
        hosts,
        zone,
        boot,
        settle,
        delete,
        reboot,
        port,
        call,
        show,
    )
}


def main():
    """Carry out one order."""
    text = sys.stdin.read()
    try:
        cloud = openstack.connect(cloud="lab")
        outcome = ORDERS[sys.argv[1]](cloud, **json.loads(text or "{}"))
    except (Refused, openstack.exceptions.SDKException) as error:
        sys.exit(str(error))
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
