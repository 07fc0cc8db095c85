"""Which daemon wrote a record."""

from __future__ import annotations

import pytest

from viftrail.facts.log.service import host_named, service_named, service_of, service_of_all


@pytest.mark.parametrize(
    ("logger", "layout", "service"),
    [
        ("nova.compute.manager", "oslo", "nova-compute"),
        ("nova.virt.libvirt.driver", "oslo", "nova-compute"),
        ("nova.scheduler.client.report", "oslo", ""),
        ("nova.computed", "oslo", ""),
        ("binding", "vlog", "ovn-controller"),
        ("bridge", "vlog", "ovs-vswitchd"),
        ("raft", "vlog", "ovsdb-server"),
        ("placement", "oslo", "placement"),
        ("bridge", "oslo", ""),
        ("reconnect", "vlog", ""),
        ("virNetDevTapCreate", "libvirtd", "libvirtd"),
        ("", "", ""),
    ],
)
def test_a_logger_that_only_one_daemon_has(logger: str, layout: str, service: str) -> None:
    assert service_of(logger, layout) == service


def test_a_file_is_whose_most_records_are() -> None:
    mixed = ["nova.compute.manager", "nova.virt.driver", "neutron.wsgi"]
    assert service_of_all(mixed, "oslo", "neutron-server.log") == "nova-compute"
    assert service_of_all(["reconnect"], "vlog", "ovn-northd.log") == "ovn-northd"
    assert service_of_all([], "oslo", "messages") == ""


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("cmp1-nova-compute.log.2.gz", "nova-compute"),
        ("ovsdb-server-nb.log", "ovsdb-server"),
        ("devstack@neutron-api.service", "neutron-server"),
        ("NOVA_SCHEDULER.LOG", "nova-scheduler"),
        ("syslog", ""),
    ],
)
def test_a_file_is_named_after_its_daemon(name: str, service: str) -> None:
    assert service_named(name) == service


def test_a_host_is_a_word_of_the_name_and_the_longest_counts() -> None:
    hosts = ("cmp1", "cmp10", "cmp1.example.org", "")
    assert host_named("cmp10-ovn-controller.log", hosts) == "cmp10"
    assert host_named("cmp1.example.org.log", hosts) == "cmp1.example.org"
    assert host_named("xcmp1.log", hosts) == ""
