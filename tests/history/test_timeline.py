"""One sequence: what was asked, rows, logs; of one target and in the order of time."""

from __future__ import annotations

from viftrail.facts.change import Change
from viftrail.facts.facts import Facts
from viftrail.facts.log.line import LogLine
from viftrail.facts.log.logs import LogFile, Logs, Signal
from viftrail.facts.names import Names
from viftrail.facts.openstack import (
    Action,
    ActionEvent,
    FixedIp,
    NeutronPort,
    OpenStack,
    Server,
    ServerFault,
)
from viftrail.history.timeline import missing, timeline

PORT = "9b57063f-4914-4ae3-9239-b283650c1888"
SERVER = "1805f7ca-d337-4c03-8ec9-62e4fa4ef2ce"
OTHER = "00000000-1111-4222-8333-444444444444"
REQUEST = "req-b7c52993-aaa1-4b8d-8fd3-87c1df6a5b6d"
START = 1795220000.0
NAMES = Names(ports=(PORT,), server_id=SERVER, others=(REQUEST,))

ACTION = Action(
    action="create",
    request_id=REQUEST,
    server_id=SERVER,
    start="2026-11-21T00:13:20.000000",
    events=(
        ActionEvent(
            event="compute__do_build_and_run_instance",
            start="2026-11-21T00:13:21.000000",
            finish="2026-11-21T00:13:30.000000",
            result="Error",
            host="cmp2",
        ),
    ),
)
OPENSTACK = OpenStack(
    actions=(ACTION,),
    servers=(
        Server(
            id=SERVER,
            name="vm1",
            domain="instance-00000001",
            fault=ServerFault(message="Build aborted", created="2026-11-21T00:13:31Z"),
        ),
    ),
    ports=(
        NeutronPort(
            id=PORT,
            device_id=SERVER,
            mac_address="fa:16:3e:00:00:01",
            fixed_ips=(FixedIp(ip_address="10.0.0.5"),),
            created="2026-11-21T00:13:22Z",
        ),
    ),
)


def line(seconds: float, text: str, *ids: str, level: str = "INFO", logger: str = "x") -> LogLine:
    return LogLine(
        time=START + seconds, host="cmp2", service="nova-compute", level=level, logger=logger,
        text=text, source=f"log@{seconds}", ids=ids,
    )  # fmt: skip


def sign(pattern: str, of: LogLine, **groups: str) -> Signal:
    return Signal(pattern=pattern, line=of, groups=groups)


def logs(*lines: LogLine, signals: tuple[Signal, ...] = ()) -> Facts:
    return Facts(
        logs=Logs(lines=lines, all_signals=signals, files=(LogFile(path="log", layout="oslo"),))
    )


def test_everything_stands_in_its_place() -> None:
    plugged = line(5, f"Successfully plugged vif {PORT}", PORT)
    facts = Facts(
        openstack=OPENSTACK,
        logs=Logs(
            lines=(plugged,),
            all_signals=(sign("plugged", plugged),),
            files=(LogFile(path="log", layout="oslo"),),
        ),
    )
    change = Change(
        time=START + 3, database="OVN_Northbound", table="Logical_Switch_Port", uuid="u", name=PORT,
        what="modify", columns={"up": "true", "external_ids:x": "1"}, comment="ovn-northd",
    )  # fmt: skip
    found = timeline(facts, [change], NAMES)
    assert [moment.kind for moment in found] == ["api", "api", "api", "row", "log", "api", "api"]
    assert [moment.time for moment in found] == sorted(moment.time for moment in found)
    assert found[0].what == f"create asked for ({REQUEST})"
    assert found[3].what == f"Logical_Switch_Port {PORT} up=true (by ovn-northd)"
    assert (found[4].pattern, found[4].source) == ("plugged", "log@5")
    assert found[4].means.startswith("os-vif plugged the port")
    assert found[5].what == "compute__do_build_and_run_instance ends: error"
    assert found[6].what == "fault: Build aborted"
    assert missing(facts, [change]) == ()


def test_what_is_somebody_elses_is_left_out() -> None:
    theirs = line(1, f"Binding failed for port {OTHER}", OTHER, level="ERROR")
    daemons = line(2, "OVNSB commit failed, force recompute next time.")
    facts = logs(
        signals=(sign("port-binding-failed", theirs), sign("commit-failed", daemons)),
    )
    assert [moment.pattern for moment in timeline(facts, [], NAMES)] == ["commit-failed"]


def test_who_merely_looked_is_left_out() -> None:
    looked = line(1, f'10.0.0.1 "GET /v2.1/servers/{SERVER} HTTP/1.1" status: 200 len: 9', SERVER)
    failed = line(2, f'10.0.0.1 "GET /v2.1/servers/{SERVER} HTTP/1.1" status: 500 len: 9', SERVER)
    wrote = line(3, f'10.0.0.1 "PUT /v2.0/ports/{PORT} HTTP/1.1" status: 200 len: 9', PORT)
    found = timeline(logs(looked, failed, wrote), [], NAMES)
    assert [moment.source for moment in found] == ["log@2", "log@3"]


def test_of_the_same_request_only_warnings_are_told() -> None:
    found = timeline(
        logs(line(1, "Spawned a helper", REQUEST), line(2, "gone", REQUEST, level="WARNING")),
        [],
        NAMES,
    )
    assert [moment.what for moment in found] == ["gone"]


def test_what_is_said_again_and_again_is_told_twice() -> None:
    lines = [line(n, f"Attempt {n} to bind port {PORT}", PORT) for n in range(1, 9)]
    later = line(100, f"Attempt 1 to bind port {PORT}", PORT)
    found = timeline(logs(*lines, later), [], NAMES)
    assert [moment.source for moment in found] == ["log@1", "log@8", "log@100"]
    assert found[1].what.endswith("(said 8 times)")


def test_a_row_that_says_nothing_new_is_left_out() -> None:
    change = Change(
        time=START, database="d", table="t", uuid="u", what="modify",
        columns={"external_ids:neutron:revision_number": "4"},
    )  # fmt: skip
    assert timeline(Facts(), [change], NAMES) == ()


def test_it_says_what_it_lacks() -> None:
    places = [gap.place for gap in missing(Facts(), [])]
    assert places == ["time line: logs", "time line: rows", "time line: what was asked"]
