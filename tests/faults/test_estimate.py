"""Guesses about a server that was not built, and about an event that nobody waited for."""

from __future__ import annotations

from dataclasses import replace

from msgspec.structs import replace as changed

from tests.openstack import (
    BINDING,
    BLANK,
    PORT,
    cloud_of,
    port,
    provider,
    server,
    signal,
    tried,
    up,
    verdict,
)
from viftrail.chain.cloud import Cloud
from viftrail.diagnose import diagnose
from viftrail.facts.openstack import Hypervisor
from viftrail.verdict import Verdict


def told(found: Verdict, words: str) -> str:
    return next(guess.because for guess in found.ruled_out if words in guess.guess)


def test_df_and_free_do_not_decide() -> None:
    nodes = (Hypervisor(hostname="cmp1", host="cmp1", free_disk_gb=90, free_ram_mb=7000),)
    rows = (provider("cmp1", {"MEMORY_MB": 7600}),)
    found = verdict(cloud_of(server(BLANK), providers=rows, hypervisors=nodes))
    assert "what `df` shows (cmp1 90 GiB free) does not decide" in told(found, "disk")
    assert "(100 - 0) x 1 - 0 = 100 left" in told(found, "disk")
    assert not any("memory" in guess.guess for guess in found.ruled_out), "that is the cause"


def test_without_admin_it_is_left_open() -> None:
    found = verdict(cloud_of(server(BLANK), providers=None))
    assert any("disk" in guess.guess and "admin" in guess.why for guess in found.undecided)


def test_no_plug_takes_part_before_there_is_a_host() -> None:
    assert "never given to a host" in told(verdict(cloud_of(server(BLANK))), "VIF")
    refused = verdict(cloud_of(server(BINDING), actions=(tried("cmp2"),)))
    assert "before anything was plugged" in told(refused, "VIF")
    assert "cmp2" in told(refused, "valid host")


def _with_events(count: int) -> Cloud:
    row, binding = up()
    return cloud_of(
        server(host="cmp1"),
        ports=(port(),),
        northbound=(row,),
        bindings=(binding,),
        logs=(
            signal("unexpected-event", port=PORT, event="network-vif-plugged", vm_state="active"),
        )
        * count,
    )


def test_an_unexpected_event_is_explained() -> None:
    found = diagnose(_with_events(1).facts, PORT, "vm")
    assert "while nobody waited for it (the server was active)" in told(found, "unexpected")
    assert not any("unexpected" in cause.id for cause in found.causes)


def test_very_many_of_them_are_another_matter() -> None:
    cloud = _with_events(9)
    broken = replace(
        cloud.facts,
        openstack=changed(cloud.openstack, ports=(port(vif_type="binding_failed"),)),
    )
    found = diagnose(broken, PORT, "vm")
    assert any("9 times" in guess.why for guess in found.undecided)


def test_no_such_event_no_word_of_it() -> None:
    found = diagnose(_with_events(0).facts, PORT, "vm")
    assert not any("unexpected" in guess.guess for guess in found.ruled_out)
