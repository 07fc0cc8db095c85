"""What the real sos told of real faults gives the verdict that the living lab gave.

tests/recorded/sosreports.py recorded them, and what `why` said at that time.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import viftrail
from viftrail.errors import DamagedDatabase
from viftrail.facts.log.moment import Window
from viftrail.facts.saved.folder import FolderSource, open_saved
from viftrail.verdict import State, Verdict
from viftrail.why import why

RECORDED = Path(__file__).parent / "recorded" / "sosreports"
LIVE = json.loads((RECORDED / "verdicts.json").read_text())
each = pytest.mark.parametrize("case", sorted(LIVE))


def reports(case: str) -> list[Path]:
    return sorted(RECORDED.glob(f"{case}-*.tar.xz"))


def asked(case: str, *places: Path) -> Verdict:
    with_files: FolderSource = open_saved(places or reports(case))
    try:
        return why(with_files, LIVE[case]["port"])
    finally:
        with_files.close()


def told(verdict: Verdict) -> dict[str, str]:
    main = verdict.verdict
    return {"state": main.state.value, "stage": main.stage, "cause": main.cause}


def live(case: str) -> dict[str, str]:
    return {key: LIVE[case][key] for key in ("state", "stage", "cause")}


SAID: dict[str, dict[str, str]] = {
    "nb-lsp-missing": {"cause": ""},  # that it was not deleted on purpose only Neutron knows
    "tunnel-udp-blocked": {"state": "unknown", "cause": ""},  # sos listed no rules of nftables
    "old-sos": {"state": "unknown", "stage": "S5"},  # it asks ovn-northd nothing
}
"""Where a report tells less than the living lab."""


def expected(case: str) -> dict[str, str]:
    return {**live(case), **SAID.get(case, {})}


def unpacked(case: str, place: Path, keep: Callable[[str], bool] = lambda _: True) -> list[Path]:
    for path in reports(case):
        with tarfile.open(path) as tar:
            wanted = [member for member in tar if keep(member.name)]
            tar.extractall(place, wanted, filter="data")
    return sorted(place.iterdir())


@each
def test_the_verdict_is_that_of_the_living_lab(case: str) -> None:
    assert told(asked(case)) == expected(case)


def test_a_server_may_be_named_where_northbound_has_its_name() -> None:
    source = open_saved(reports("vif-tap-down"))
    assert told(why(source, "vm1")) == live("vif-tap-down")
    source.close()


@each
def test_unpacked_they_say_the_same(case: str, tmp_path: Path) -> None:
    assert told(asked(case, *unpacked(case, tmp_path))) == expected(case)


@each
def test_the_lists_in_text_say_the_same_as_the_databases(case: str, tmp_path: Path) -> None:
    places = unpacked(case, tmp_path, lambda name: not name.endswith(("nb_db.db", "sb_db.db")))
    assert told(asked(case, *places)) == expected(case)


@each
def test_without_any_file_of_a_database_nothing_false_is_said(case: str, tmp_path: Path) -> None:
    places = unpacked(case, tmp_path, lambda name: not name.endswith(".db"))
    verdict = asked(case, *places)
    assert told(verdict) == expected(case) or verdict.verdict.state is State.UNKNOWN


@each
def test_overviews_alone_accuse_nobody_falsely(case: str, tmp_path: Path) -> None:
    places = unpacked(
        case, tmp_path, lambda name: name.endswith(("_show", "/hostname", "ps_auxwwwm", "_status"))
    )
    try:
        accused = {cause.id for cause in asked(case, *places).causes}
    except DamagedDatabase:  # whether it is nowhere, or only not shown, is not known
        assert case == "nb-lsp-missing"
    else:
        assert accused <= {live(case)["cause"]}


def test_a_log_is_of_the_host_whose_report_it_is_in() -> None:
    """And not of one called controller, as ovn-controller.log might seem to be."""
    source = open_saved(reports("northd-paused"))
    found = source.logs(Window(), [LIVE["northd-paused"]["port"]])
    hosts = {file.service: file.host for file in found.files}
    assert (hosts["ovn-controller"], hosts["ovn-northd"]) == ("compute1", "controller")
    source.close()


@pytest.mark.parametrize("case", ["vif-tap-down", "prov-nic-not-in-bridge"])
def test_one_report_alone_says_what_is_missing(case: str) -> None:
    (controller,) = RECORDED.glob(f"{case}-controller.tar.xz")
    verdict = asked(case, controller)
    assert verdict.verdict.state is State.UNKNOWN
    assert any("nor a sosreport of it" in gap.why for gap in verdict.unknown)


def test_the_command_line_takes_several(tmp_path: Path) -> None:
    options = [word for path in reports("healthy") for word in ("--from", str(path))]
    done = viftrail("why", LIVE["healthy"]["port"], *options, "-f", "json")
    assert done.code == 0
    assert json.loads(done.out)["verdict"]["state"] == "healthy"
    copied = [shutil.copy(path, tmp_path) for path in reports("healthy")]
    assert viftrail("audit", "--from", str(tmp_path)).code == 0, copied


def test_they_are_small_and_name_no_other_machine() -> None:
    for path in RECORDED.glob("*.tar.xz"):
        assert path.stat().st_size < 100_000
        with tarfile.open(path) as tar:
            for member in tar:
                file = tar.extractfile(member)
                content = file.read() if file else b""
                assert b"invoked by" not in content
                assert not [word for word in (b"/home/", b"/mnt/", b"/tmp/") if word in content]


@each
def test_a_masked_report_is_read_by_its_lists(case: str, tmp_path: Path) -> None:
    """``sos clean`` changes addresses in database files too, and so breaks their checksums."""
    places = unpacked(case, tmp_path)
    for path in (path for place in places for path in place.rglob("*") if path.is_file()):
        path.write_bytes(path.read_bytes().replace(b"fa:16:3e", b"53:4f:53"))
    verdict = asked(case, *places)
    assert told(verdict) == expected(case) or verdict.verdict.state is State.UNKNOWN
    assert any("SHA-1" in gap.why for gap in verdict.unknown)
