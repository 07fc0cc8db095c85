"""A live OpenStack that is ill is read as far as it goes, in bounded time, and what lacks is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.facts.openstack_served import Served, credentials, serving
from viftrail.errors import UsageError
from viftrail.facts.facts import Gap
from viftrail.facts.openstack import OpenStack
from viftrail.facts.openstack_api import OpenStackApi

HEALTHY = "s0-healthy-two-servers-fip"
HOMELESS = "s5-no-valid-host"
TIMEOUT = 0.5
ROOM = 2.5
"""Seconds that everything else may take on a machine that is busy."""

SERVER = "1d498675-7fe5-4397-ae8f-60b8046b0c92"
PORT = "9b57063f-4914-4ae3-9239-b283650c1888"
SERVICES = "/compute/v2.1/os-services"

Read = Callable[..., tuple[OpenStack, tuple[Gap, ...]]]


@pytest.fixture
def cloud() -> Iterator[Served]:
    with serving(HEALTHY) as played:
        yield played


@pytest.fixture
def homeless() -> Iterator[Served]:
    with serving(HOMELESS) as played:
        yield played


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def asked(played: Served, target: str = "vm2") -> tuple[OpenStack, tuple[Gap, ...]]:
        api = OpenStackApi.configured(
            timeout=TIMEOUT, environment=credentials(tmp_path, played.url)
        )
        return api.read([target])

    return asked


def missing(found: OpenStack) -> set[str]:
    """The sections of a healthy answer that were not read."""
    usual = (
        "servers", "actions", "services", "hypervisors", "images", "providers", "ports",
        "networks", "subnets", "routers", "floating_ips",
    )  # fmt: skip
    return {name for name in usual if getattr(found, name) is None}


@pytest.mark.parametrize("target", ["vm2", SERVER, PORT, "192.168.10.129", "198.51.100.76",
                                    "FA-16-3E-4E-3B-49"])  # fmt: skip
def test_whatever_it_is_called_the_server_is_found(cloud: Served, read: Read, target: str) -> None:
    found, gaps = read(cloud, target)
    assert (missing(found), gaps) == (set(), ())
    assert [(row.name, row.host) for row in found.servers or ()] == [("vm2", "cmp2")]
    assert PORT in [row.id for row in found.ports or ()]
    assert [row.floating_ip_address for row in found.floating_ips or ()] == ["198.51.100.76"]
    assert [len(row.events) for row in found.actions or ()] == [1]


def test_nobody_of_that_name_is_no_error(cloud: Served, read: Read) -> None:
    found, gaps = read(cloud, "vm.")
    assert (found.servers, gaps) == (None, ())


def test_it_only_reads_and_leaves_the_agents_alone(cloud: Served, read: Read) -> None:
    read(cloud)
    assert [each for each in cloud.asked if not each.startswith("GET ")] == [
        "POST /identity/v3/auth/tokens"
    ]
    assert not [each for each in cloud.asked if "/agents" in each]


def test_for_a_server_without_a_host_placement_is_asked_what_it_would_offer(
    homeless: Served, read: Read
) -> None:
    found, gaps = read(homeless, "vm-nohost")
    assert gaps == ()
    assert [dict(each.resources) for each in found.candidates or ()] == [
        {"VCPU": 1, "MEMORY_MB": 40000, "DISK_GB": 1},
        {"MEMORY_MB": 40000, "DISK_GB": 1},
        {"VCPU": 1, "DISK_GB": 1},
        {"VCPU": 1, "MEMORY_MB": 40000},
    ]
    inventories = [row.inventories or {} for row in found.providers or ()]
    assert [each["MEMORY_MB"].total for each in inventories] == [10714, 10714]


def test_of_the_whole_cloud_it_tells_what_failed(homeless: Served, tmp_path: Path) -> None:
    environment = credentials(tmp_path, homeless.url)
    api = OpenStackApi.configured(timeout=TIMEOUT, environment=environment)
    found, gaps = api.read((), failed=True)
    assert gaps == ()
    rows = found.servers or ()
    assert {row.status for row in rows} == {"ERROR"}
    assert {"vm-nohost", "vm-timeout"} <= {row.name for row in rows}
    assert any(row.fault for row in rows)
    assert found.candidates, "Placement was asked as well"
    unasked, _ = OpenStackApi.configured(timeout=TIMEOUT, environment=environment).read(())
    assert unasked.servers is None


# --- one request goes wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "why", "how"),
    [
        (500, "answered 500 to /os-services", "log"),
        (503, "answered 503 to /os-services", "log"),
        (403, "may not read it", "administrator"),
        (401, "answered 401 to /os-services", "log"),
        ("drop", "could not be asked: Unable to establish connection", "endpoint list"),
        ("cut", "could not be asked", "endpoint list"),
        ("html", "no JSON", "proxy"),
        ("hang", "did not answer within 0.5 s", "--timeout"),
    ],
)
def test_one_request_that_fails_is_a_gap_and_no_more(
    cloud: Served, read: Read, fault: object, why: str, how: str
) -> None:
    cloud.faults = {SERVICES: fault}
    began = time.monotonic()
    found, gaps = read(cloud)
    assert time.monotonic() - began < TIMEOUT + ROOM
    (gap,) = gaps
    assert gap.place == "Nova: compute services"
    assert why in gap.why
    assert how in gap.how
    assert missing(found) == {"services"}
    assert found.unanswered == (() if fault in (401, 403) else ("nova",))


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        {"services": None},
        {"services": "none"},
        {"services": [None, 3, "x"]},
        {"services": [{"binary": 1}]},
        "services",
        None,
    ],
)
def test_json_of_another_shape_is_not_believed(cloud: Served, read: Read, answer: object) -> None:
    cloud.faults = {SERVICES: {"odd": True} if answer is None else answer}
    found, _ = read(cloud)
    assert not found.services
    assert missing(found) <= {"services"}


@pytest.mark.parametrize("answer", [{"servers": None}, {"servers": [{}]}, {"servers": "vm2"}, {}])
def test_a_list_of_servers_of_another_shape_names_none(
    cloud: Served, read: Read, answer: object
) -> None:
    cloud.faults = {"/compute/v2.1/servers/detail": answer}
    found, _ = read(cloud)
    assert not found.servers
    assert found.services


@pytest.mark.parametrize("answer", [{"server": None}, {"server": "vm2"}, {"server": {}}])
def test_a_server_of_another_shape_is_none(cloud: Served, read: Read, answer: object) -> None:
    cloud.faults = {f"/compute/v2.1/servers/{SERVER}": answer}
    found, _ = read(cloud)
    assert not found.servers
    assert found.services


# --- a whole service is away --------------------------------------------------------------------


@pytest.mark.parametrize("fault", [500, "drop", "html", "hang"])
@pytest.mark.parametrize(
    ("service", "lacks"),
    [
        ("placement", {"providers"}),
        ("image", {"images"}),
        ("network", {"ports", "networks", "subnets", "routers", "floating_ips"}),
    ],
)
def test_a_service_that_is_away_takes_only_its_own_along(
    cloud: Served, read: Read, service: str, lacks: set[str], fault: object
) -> None:
    cloud.faults = {f"/{service}": fault}
    began = time.monotonic()
    found, gaps = read(cloud)
    assert time.monotonic() - began < 4 * TIMEOUT + ROOM
    assert missing(found) == lacks
    names = {"placement": "Placement", "image": "Glance", "network": "Neutron"}
    assert {gap.place.partition(":")[0] for gap in gaps} == {names[service]}
    assert found.unanswered == (names[service].lower(),)
    assert all(service in gap.why and gap.how for gap in gaps)


def test_without_nova_the_rest_is_read(cloud: Served, read: Read) -> None:
    cloud.faults = {"/compute": "drop"}
    found, gaps = read(cloud, PORT)
    assert [row.id for row in found.ports or ()] == [PORT]
    assert found.providers
    assert found.unanswered == ("nova",)
    assert {gap.place for gap in gaps} >= {"Nova: the server", "Nova: compute services"}


@pytest.mark.parametrize("target", ["vm-nohost", "fef116da-edd7-4e12-b5e5-2401283672e1"])
def test_a_cloud_that_hangs_altogether_is_not_waited_for_request_by_request(
    homeless: Served, read: Read, target: str
) -> None:
    homeless.faults = {f"/{each}": "hang" for each in ("compute", "network", "placement", "image")}
    began = time.monotonic()
    _, gaps = read(homeless, target)
    assert time.monotonic() - began < 8 * TIMEOUT + ROOM
    assert {gap.place.partition(":")[0] for gap in gaps} >= {"Nova", "Placement"}


def test_one_request_that_hangs_does_not_end_the_talk_with_its_service(
    cloud: Served, read: Read
) -> None:
    cloud.faults = {"/compute/v2.1/os-": "hang"}
    found, gaps = read(cloud)
    assert {gap.place for gap in gaps} == {
        "Nova: compute services", "Nova: hypervisors", "Nova: aggregates"
    }  # fmt: skip
    assert found.actions


def test_answers_that_only_drip_are_left_behind(cloud: Served, read: Read) -> None:
    """A time-out of HTTP begins anew with every byte."""
    cloud.faults = {"/placement": "drip", "/network/v2.0": "drip"}
    began = time.monotonic()
    found, gaps = read(cloud)
    assert time.monotonic() - began < 12 * TIMEOUT + ROOM
    assert {gap.place.partition(":")[0] for gap in gaps} >= {"Neutron"}
    assert any("did not answer within" in gap.why for gap in gaps)
    assert found.actions


def test_a_keystone_that_only_drips(cloud: Served, read: Read) -> None:
    cloud.faults = {"/identity": "drip"}
    began = time.monotonic()
    _, (gap,) = read(cloud)
    assert time.monotonic() - began < 4 * TIMEOUT + ROOM
    assert gap.place == "OpenStack"


# --- Keystone -----------------------------------------------------------------------------------


def test_a_token_that_expires_in_mid_run_is_renewed(cloud: Served, read: Read) -> None:
    class Forgetful(set[str]):
        """Takes the first token for a few requests only."""

        left = 4

        def __contains__(self, token: object) -> bool:
            if token == "token-1":
                self.left -= 1
                return self.left > 0
            return super().__contains__(token)

    cloud.valid = Forgetful()
    found, gaps = read(cloud)
    assert (missing(found), gaps) == (set(), ())
    assert 2 <= cloud.logins <= 4


def test_a_token_that_cannot_be_renewed_is_told(cloud: Served, read: Read) -> None:
    class Never(set[str]):
        def __contains__(self, _: object) -> bool:
            return False

    cloud.valid = Never()
    found, gaps = read(cloud)
    assert not found.servers
    assert all("401" in gap.why for gap in gaps)
    assert gaps


@pytest.mark.parametrize("path", ["/identity", "/identity/v3/auth/tokens"])
@pytest.mark.parametrize("fault", [500, 403, "drop", "cut", "html", "hang"])
def test_a_keystone_that_is_away_is_one_gap(
    cloud: Served, read: Read, path: str, fault: object
) -> None:
    cloud.faults = {path: fault}
    began = time.monotonic()
    found, (gap,) = read(cloud)
    assert time.monotonic() - began < 2 * TIMEOUT + ROOM
    assert not found.asked
    assert gap.place == "OpenStack"
    assert gap.why.startswith("Keystone could not be asked: ")
    assert "Keystone runs" in gap.how


def test_a_password_that_is_wrong_is_told(cloud: Served, read: Read) -> None:
    cloud.faults = {"/identity/v3/auth/tokens": 401}
    found, (gap,) = read(cloud)
    assert not found.asked
    assert gap.why.startswith("Keystone refuses these credentials")


def test_nobody_listens(cloud: Served, tmp_path: Path) -> None:
    environment = credentials(tmp_path, cloud.url.rpartition(":")[0] + ":1")
    found, (gap,) = OpenStackApi.configured(timeout=TIMEOUT, environment=environment).read(["vm2"])
    assert not found.asked
    assert "Keystone could not be asked" in gap.why


def test_a_cloud_that_is_not_in_the_file_is_the_operators_mistake(
    cloud: Served, tmp_path: Path
) -> None:
    environment = {**credentials(tmp_path, cloud.url), "OS_CLOUD": "there"}
    with pytest.raises(UsageError, match="not complete"):
        OpenStackApi.configured(timeout=TIMEOUT, environment=environment).read(["vm2"])


def test_a_port_is_found_by_its_name(cloud: Served, read: Read) -> None:
    row = cloud.rows("neutron-ports", "ports")[0]
    if not row["name"]:
        row = next((each for each in cloud.rows("neutron-ports", "ports") if each["name"]), row)
    found, _ = read(cloud, row["name"] or row["id"])
    assert row["id"] in {port.id for port in found.ports or ()}
    assert any("/network/v2.0/ports?name=" in asked for asked in cloud.asked) is bool(row["name"])
