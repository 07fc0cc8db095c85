"""Every layout is known by its content, and tells the same of the same record."""

from __future__ import annotations

import json

import pytest

from tests.facts.log.logs_written import PORT, START, oslo, vlog
from viftrail.facts.log.layout import (
    EXPORT,
    JSON,
    LIBVIRTD,
    OSLO,
    QEMU,
    SHORT_ISO,
    VLOG,
    layout_of,
)

CLAIM = f"Claiming lport {PORT} for this chassis."


def export(message: str, **fields: str) -> str:
    lines = [f"__CURSOR=s=1;i={len(message)}", f"__REALTIME_TIMESTAMP={int(START * 1e6)}"]
    lines += [f"{name}={value}" for name, value in fields.items()]
    return "\n".join([*lines, f"MESSAGE={message}"]) + "\n\n"


def test_oslo_with_a_context() -> None:
    record = oslo(START, "Claim successful on node cmp1", context="None req-1 u p - - default")
    assert layout_of(record.encode()) is OSLO
    parts = OSLO.parse(record, 0.0)
    assert parts is not None
    assert (parts.time, parts.level, parts.logger) == (START, "INFO", "nova.compute.manager")
    assert parts.context == "None req-1 u p - - default"
    assert parts.message.strip() == "Claim successful on node cmp1"


def test_oslo_keeps_the_instance_in_the_message() -> None:
    parts = OSLO.parse(oslo(START, f"[instance: {PORT}] Terminating instance"), 0.0)
    assert parts is not None
    assert parts.message.startswith(f"[instance: {PORT}] ")


def test_oslo_of_another_zone() -> None:
    parts = OSLO.parse(oslo(START, "x"), 9 * 3600.0)
    assert parts is not None
    assert parts.time == START - 9 * 3600


def test_vlog_with_its_thread() -> None:
    record = vlog(START, "DHCPACK fa:16:3e:32:65:77 192.168.10.102", module="pinctrl(ovn_pinctrl0)")
    assert layout_of(record.encode()) is VLOG
    parts = VLOG.parse(record, 9 * 3600.0)
    assert parts is not None
    assert (parts.time, parts.logger, parts.level) == (START, "pinctrl", "INFO")
    assert parts.message.startswith("DHCPACK")


@pytest.mark.parametrize(
    ("word", "level"),
    [("WARN", "WARNING"), ("ERR", "ERROR"), ("EMER", "CRITICAL"), ("DBG", "DEBUG")],
)
def test_levels_have_one_name(word: str, level: str) -> None:
    parts = VLOG.parse(vlog(START, "x", level=word), 0.0)
    assert parts is not None
    assert parts.level == level


def test_libvirtd() -> None:
    record = (
        "2026-11-21 00:13:20.000+0000: 5892: error : virNetDevTapCreate:240 : Unable to create\n"
    )
    assert layout_of(record.encode()) is LIBVIRTD
    parts = LIBVIRTD.parse(record, 0.0)
    assert parts is not None
    assert (parts.time, parts.level, parts.logger) == (START, "ERROR", "virNetDevTapCreate")
    assert parts.message.strip() == "Unable to create"


def test_qemu_names_its_host() -> None:
    record = (
        "2026-11-21 00:13:20.000+0000: starting up libvirt version: 9.0.0, hostname: cmp1\n"
        "LC_ALL=C \\\n/usr/bin/qemu-system-x86_64 \\\n-name guest=instance-00000001\n"
        "2026-11-21T00:13:21.000000Z qemu-system-x86_64: terminating on signal 15\n"
    )
    assert layout_of(record.encode()) is QEMU
    parts = QEMU.parse(record.partition("LC_ALL")[0], 0.0)
    assert parts is not None
    assert (parts.time, parts.host) == (START, "cmp1")


@pytest.mark.parametrize("inner", [vlog(START + 5, CLAIM).strip(), oslo(START + 5, CLAIM).strip()])
def test_the_journal_wraps_a_record(inner: str) -> None:
    record = export(inner, _HOSTNAME="cmp1", SYSLOG_IDENTIFIER="ovn-controller")
    assert layout_of(record.encode()) is EXPORT
    parts = EXPORT.parse(record, 0.0)
    assert parts is not None
    assert (parts.time, parts.host, parts.unit) == (START, "cmp1", "ovn-controller")
    assert parts.message.strip() == CLAIM
    assert parts.logger in ("binding", "nova.compute.manager")


def test_the_journal_with_a_message_of_several_lines() -> None:
    text = "Traceback:\nnova.exception.PortBindingFailed"
    length = len(text).to_bytes(8, "little").decode("latin-1")
    record = (
        f"__CURSOR=s=1\n__REALTIME_TIMESTAMP={int(START * 1e6)}\nPRIORITY=3\n"
        f"MESSAGE\n{length}{text}\n\n"
    )
    parts = EXPORT.parse(record, 0.0)
    assert parts is not None
    assert parts.level == "ERROR"
    assert "PortBindingFailed" in parts.message


def test_the_journal_as_json() -> None:
    fields = {
        "MESSAGE": vlog(START + 5, CLAIM).strip(),
        "__REALTIME_TIMESTAMP": str(int(START * 1e6)),
        "_HOSTNAME": "cmp1",
        "_SYSTEMD_UNIT": "ovn-controller.service",
    }
    record = json.dumps(fields) + "\n"
    assert layout_of(record.encode()) is JSON
    parts = JSON.parse(record, 0.0)
    assert parts is not None
    assert (parts.time, parts.host, parts.message) == (START, "cmp1", CLAIM)
    assert "ovn-controller.service" in parts.unit


def test_the_journal_with_bytes_that_are_no_text() -> None:
    fields = {"MESSAGE": [72, 105, 255], "__REALTIME_TIMESTAMP": "1000000", "PRIORITY": "4"}
    parts = JSON.parse(json.dumps(fields), 0.0)
    assert parts is not None
    assert (parts.message[:2], parts.level) == ("Hi", "WARNING")


def test_journalctl_short_iso() -> None:
    record = f"2026-11-21T00:13:20+0000 cmp1 ovn-controller[812]: {CLAIM}\n"
    assert layout_of(record.encode()) is SHORT_ISO
    parts = SHORT_ISO.parse(record, 0.0)
    assert parts is not None
    assert (parts.time, parts.host, parts.unit) == (START, "cmp1", "ovn-controller")
    assert parts.message.strip() == CLAIM


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0\0\0",
        '{"servers": []}',
        "+----+\n| ID |\n+----+\n",
        "OVSDB JSON 13 ab\n{}",
        "<domain>",
    ],
)
def test_what_is_no_log_has_no_layout(text: str) -> None:
    assert layout_of(text.encode()) is None
