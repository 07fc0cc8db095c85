"""`viftrail collect`."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Run
from tests.facts.bundle.test_bundle import NAMED, SECRETS
from tests.facts.ovsdb.ovsdb_servers import central, needs_ovsdb, short_directory
from tests.recordings import facts_of, path, source_of
from tests.samples import folder, opened, server
from viftrail.facts.bundle import bundle
from viftrail.facts.bundle.manifest import Manifest
from viftrail.facts.facts import Gap
from viftrail.facts.places import Places, Remote

SCHEMAS = Path("/usr/share/ovn")


def manifest_of(file: Path) -> Manifest:
    with tarfile.open(file) as archive:
        member = archive.next()
        assert member is not None
        assert member.name == "manifest.json"
        content = archive.extractfile(member)
        assert content is not None
        return msgspec.json.decode(content.read(), type=Manifest)


def test_what_is_collected_from_a_bundle_is_that_bundle(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "again.bundle"
    done = run("collect", "--bundle", str(path("vif-tap-down")), "-o", str(file))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{file}: 4 hosts, ")
    assert "redacted: nothing" in done.out
    assert manifest_of(file).time == source_of("vif-tap-down").taken
    seen = run("why", "vm1", "--bundle", str(file))
    assert "vif-tap-down (proven)" in seen.out


@needs_ovsdb
@pytest.mark.skipif(not SCHEMAS.exists(), reason="OVN's schemas are not installed")
def test_a_cloud_that_was_found_is_named_by_its_northbound(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viftrail.lab.folder.living", list)
    for name in ("OS_CLOUD", "OS_AUTH_URL"):
        monkeypatch.delenv(name, raising=False)
    with short_directory() as directory, central(directory) as addresses:
        remotes = tuple(
            Remote(database=which, address=address, source="its socket")
            for which, address in addresses.items()
        )
        monkeypatch.setattr("viftrail.facts.places.places_here", lambda: Places(remotes=remotes))
        file = tmp_path / "cloud.bundle"
        assert run("collect", "--since", "0", "-o", str(file)).code == 0
        assert manifest_of(file).source == addresses["nb"]


def test_a_targets_trail_alone(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "vm1.bundle"
    done = run("collect", "--bundle", str(path("vif-tap-down")), "--target", "vm1", "-o", str(file))
    assert done.out.startswith(f"{file}: 3 hosts, ")
    assert ", the trail of vm1\n" in done.out
    assert manifest_of(file).targets[0].asked == "vm1"
    assert "vif-tap-down (proven)" in run("why", "vm1", "--bundle", str(file)).out
    other = run("why", "vm3", "--bundle", str(file))
    assert other.code == 65
    assert "only the trail of vm1" in other.err


def test_from_one_command_to_the_next() -> None:
    """As over ssh: nothing touches a disk, and what is said does not get into the stream."""
    viftrail = [sys.executable, "-m", "viftrail"]
    argv = [*viftrail, "collect", "--bundle", str(path("vif-tap-down")), "-o", "-"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as first:
        done = subprocess.run(
            [*viftrail, "why", "vm1", "--bundle", "-"],
            stdin=first.stdout,
            capture_output=True,
            text=True,
            check=False,
        )
        assert first.stderr is not None
        said = first.stderr.read().decode()
    assert done.returncode == 1
    assert "vif-tap-down (proven)" in done.stdout
    assert said.startswith("-: 4 hosts\n")


def test_logs_of_a_folder_come_along(run: Run, tmp_path: Path) -> None:
    case, file = "s4-vif-plugged-timeout", tmp_path / "x.bundle"
    asked = server(case)
    done = run("collect", "--from", str(folder() / case), "--target", asked, "-o", str(file))
    assert done.code == 0
    assert "  logs: " in done.out
    seen, again = (
        run("why", asked, *origin, "-f", "json")
        for origin in (("--from", str(folder() / case)), ("--bundle", str(file)))
    )
    assert msgspec.json.decode(seen.out)["verdict"] == msgspec.json.decode(again.out)["verdict"]


def test_no_secret_of_a_log_leaves_with_it(run: Run, tmp_path: Path) -> None:
    case, asked = "s4-vif-plugged-timeout", server("s4-vif-plugged-timeout")
    saved, file = tmp_path / "saved", tmp_path / "x.bundle"
    shutil.copytree(folder() / case, saved)
    log = saved / "logs" / "cmp1-nova-compute.log"
    servers = opened(case).openstack.servers or ()
    known = next(row.id for row in servers if asked in (row.id, row.name))
    moment = next(reversed(log.read_text().splitlines()))[:23]
    head = f"{moment} 7 ERROR nova.compute.manager [-] [instance: {known}]"
    texts = [text for where, text in SECRETS.items() if where not in NAMED and "\n" not in text]
    told = "".join(f"{head} {text}\n" for text in texts)
    log.chmod(0o600)
    log.write_text(log.read_text() + told)
    done = run("collect", "--from", str(saved), "--target", asked, "--since", "7d", "-o", str(file))
    assert done.code == 0
    assert "redacted: nothing" not in done.out
    plain = gzip.decompress(file.read_bytes())
    assert plain.count(b"<redacted:") >= len(texts)
    assert b"Zq9" not in plain


def test_what_was_taken_out_is_said(run: Run, tmp_path: Path) -> None:
    gaps = tuple(Gap(f"place {n}", f"password=hunter{n}hunter", "Look.") for n in range(8))
    dirty, clean = tmp_path / "a.bundle", tmp_path / "b.bundle"
    facts = facts_of("healthy")
    hosts = {
        f"c{n}": msgspec.structs.replace(facts.hosts["compute1"], kernel=f"token=abcd{n}efgh")
        for n in range(7)
    }
    manifest = Manifest(format=bundle.FORMAT, tool="t", time="2026-01-01", source="s")
    bundle.write(dirty, replace(facts, hosts=hosts, gaps=gaps), manifest)
    done = run("collect", "--bundle", str(dirty), "-o", str(clean))
    assert "  redacted: password (8), token (7)\n" in done.out
    assert "    password in gaps\n" in done.out
    assert "    and 3 more places; manifest.json in it lists them\n" in done.out
    assert "hunter" not in done.out


@pytest.mark.parametrize("since", ["yesterday", "-1h", "2999-01-01T00:00Z", "", "nan", "5"])
def test_a_time_that_is_none(run: Run, since: str, tmp_path: Path) -> None:
    file = tmp_path / "x.bundle"
    done = run("collect", "--bundle", str(path("healthy")), "--since", since, "-o", str(file))
    assert done.code == 64
    assert "90m, 12h, 7d" in done.err
    assert not file.exists()


@pytest.mark.parametrize("since", ["90m", "7d", "1.5h", "2026-01-01T00:00:00Z", "0", "none"])
def test_a_time_that_is_one(run: Run, since: str, tmp_path: Path) -> None:
    file = tmp_path / "x.bundle"
    argv = ("collect", "--bundle", str(path("healthy")), "--since", since, "-o", str(file))
    assert run(*argv).code == 0


def test_a_target_that_is_not_there_leaves_no_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "x.bundle"
    argv = ("--bundle", str(path("healthy")), "--target", "nobody", "-o", str(file))
    assert run("collect", *argv).code == 65
    assert list(tmp_path.iterdir()) == []


def test_it_needs_a_place(run: Run) -> None:
    assert run("collect", "--bundle", str(path("healthy"))).code == 64


def test_a_damaged_source_leaves_no_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "new.bundle"
    assert run("collect", "--bundle", __file__, "-o", str(file)).code == 72
    assert list(tmp_path.iterdir()) == []
