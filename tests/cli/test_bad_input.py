"""Bad input as an operator meets it: one sentence, a distinct exit code, nothing left behind.

What needs a running OVN is in tests/live.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import random
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.live.harness import (
    PROMPT,
    VIFTRAIL,
    Outcome,
    complained,
    environment,
    refused,
    run,
    told,
    viftrail,
)
from viftrail.errors import CannotWrite, DamagedBundle, ViftrailError
from viftrail.facts.bundle import bundle
from viftrail.facts.draft import whole_file

RECORDED = Path(__file__).parent.parent / "recorded"
HEALTHY = str(RECORDED / "healthy.bundle")
BROKEN = str(RECORDED / "vif-tap-down.bundle")


def why(target: str, *options: str) -> Outcome:
    """About the recording of a healthy cloud."""
    return viftrail("why", "--bundle", HEALTHY, *options, "--", target)


# Targets


@pytest.mark.parametrize(
    ("target", "code", "words"),
    [
        ("", 64, "The target is empty."),
        ("  ", 64, "The target is empty."),
        ("vm1:", 64, "'vm1:' has an empty end"),
        (":", 64, "':' has an empty end"),
        ("nosuch", 65, "Nothing here is called nosuch. Give a VM's name or id"),
        ("VM1", 65, "Nothing here is called VM1. Did you mean vm1?"),
        ("vm1:nosuch", 65, "Nothing here is called nosuch."),
        ("-x", 65, "Nothing here is called -x."),
        ("ünï☃ \u200c", 65, "Nothing here is called ünï☃"),
        ("$(reboot);`x`|&'\"", 65, "Nothing here is called $(reboot);`x`|&'\"."),
        ("neutron:device_id=*", 65, "Nothing here is called"),
        ("fe80::1%eth0", 65, "Nothing here is called fe80::1%eth0."),
        ("10.0.0.999", 65, "Nothing here is called 10.0.0.999."),
        ("a\nb", 64, "is not readable text"),
        ("\x1b]0;mine\x07", 64, r"'\x1b]0;mine\x07' is not readable text"),
    ],
)
def test_a_target_that_is_none(target: str, code: int, words: str) -> None:
    refused(why(target), code, words)


def test_a_target_in_another_encoding() -> None:
    done = subprocess.run(
        [*VIFTRAIL, "why", "--bundle", HEALTHY, b"v\xfcm"], capture_output=True, check=False
    )
    outcome = Outcome(done.returncode, done.stdout.decode(), done.stderr.decode(), 0.0)
    refused(outcome, 64, "is not readable text", "port id")


def test_a_very_long_target() -> None:
    refused(why("x" * 100_000), 65, "x" * 80 + "…", "(100000 characters)")


# Addresses


@pytest.fixture(scope="module")
def listen() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Makes a server on this host that treats every connection as it is told."""
    servers: list[socket.socket] = []

    def start(treat: Callable[[socket.socket], None]) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def serve() -> None:
            while True:
                try:
                    connection = server.accept()[0]
                except OSError:
                    return
                threading.Thread(target=serve_one, args=(connection,), daemon=True).start()

        def serve_one(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                treat(connection)

        threading.Thread(target=serve, daemon=True).start()
        return f"tcp:127.0.0.1:{server.getsockname()[1]}"

    yield start
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def _silent(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def _drip(connection: socket.socket) -> None:
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)


def _flood(connection: socket.socket) -> None:
    while True:
        connection.sendall(b'{"id": [' * 4096)


def _says(answer: bytes) -> Callable[[socket.socket], None]:
    def treat(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)
        _silent(connection)

    return treat


def _hang_up(connection: socket.socket) -> None:
    connection.recv(4096)


NOISE = random.Random(0).randbytes(500)


@pytest.mark.parametrize(
    ("treat", "code", "words"),
    [
        pytest.param(_silent, 69, "did not answer within 1 s", id="silent"),
        pytest.param(_drip, 69, "did not answer within 1 s", id="drip"),
        pytest.param(_flood, 69, "did not finish within 1 s", id="flood"),
        pytest.param(_hang_up, 69, "closed the connection", id="hang-up"),
        pytest.param(_says(NOISE), 76, "something that is not OVSDB", id="noise"),
        pytest.param(
            _says(b"HTTP/1.1 400 Bad Request\r\n\r\n<html>"), 76, "'HTTP/1.1 400", id="http"
        ),
        pytest.param(_says(b"[1, 2, 3]"), 76, "not OVSDB, beginning with '[1, 2", id="list"),
        pytest.param(
            _says(b'{"id":1,"result":[],"error":null}{"id":2,"result":[],"error":null}'),
            *(76, "schema of OVN_Northbound that cannot be read"),
            id="no-schema",
        ),
    ],
)
def test_a_server_that_is_none(
    listen: Callable[[Callable[[socket.socket], None]], str],
    treat: Callable[[socket.socket], None],
    code: int,
    words: str,
) -> None:
    remote = listen(treat)
    outcome = viftrail("why", "x", "--nb", remote, "--sb", remote, "--timeout", "1")
    refused(outcome, code, remote, words, "Check that" if code == 76 else "", within=2 + PROMPT)


def test_nobody_at_the_address(tmp_path: Path) -> None:
    deserted = tmp_path / "deserted.sock"
    with socket.socket(socket.AF_UNIX) as once:
        once.bind(str(deserted))
    for remote, words in (
        ("tcp:127.0.0.1:1", "refused the connection"),
        (f"unix:{tmp_path}/nosuch.sock", "does not exist"),
        (f"unix:{deserted}", "refused the connection"),
        (f"unix:{tmp_path}", "refused the connection"),
        (f"unix:{tmp_path}/{'x' * 300}", "cannot be reached"),
        ("tcp:nowhere.invalid:6641", "nowhere.invalid cannot be resolved"),
        ("tcp:127.0.0.1:1,tcp:127.0.0.1:2", "No server of OVN_Northbound can be used"),
    ):
        outcome = viftrail("why", "x", "--nb", remote, "--sb", remote, "--timeout", "2")
        refused(outcome, 69, words, "Check", within=4 + PROMPT)


@pytest.mark.parametrize(
    ("remote", "words"),
    [
        ("unix:", "'unix:' is no database address. Write"),
        ("tcp:", "'tcp:' is no database address. Write"),
        ("tcp:[::1", "names no host"),
        ("tcp:host:99999", "no number from 1 to 65535"),
        ("tcp:host:http", "no number from 1 to 65535"),
        ("ptcp:6641", "an address to listen on"),
        ("pssl:6641:0.0.0.0", "Write ssl:"),
        ("TCP:10.0.0.1:6641", "is no database address"),
        ("10.0.0.1:6641", "Write tcp:10.0.0.1:6641 or ssl:10.0.0.1:6641."),
        (",", "No database address was given"),
        ("ssl:10.0.0.1:6641", "Name them with --private-key, --certificate and --ca-cert."),
    ],
)
def test_an_address_that_is_none(remote: str, words: str) -> None:
    refused(viftrail("why", "x", "--nb", remote, "--sb", "tcp:127.0.0.1:1"), 64, words)


def test_addresses_from_the_environment_are_read_alike() -> None:
    outcome = viftrail("why", "x", OVN_NB_DB="tcp:127.0.0.1:1", OVN_SB_DB="tcp:127.0.0.1:1")
    refused(outcome, 69, "tcp:127.0.0.1:1 refused the connection.")


def test_a_database_is_not_waited_for_after_ctrl_c(
    listen: Callable[[Callable[[socket.socket], None]], str],
) -> None:
    remote = listen(_silent)
    argv = [*VIFTRAIL, "why", "x", "--nb", remote, "--sb", remote, "--timeout", "60"]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as hanging:
        time.sleep(1)
        assert hanging.poll() is None
        began = time.monotonic()
        hanging.send_signal(signal.SIGINT)
        out, err = hanging.communicate(timeout=10)
    refused(Outcome(hanging.returncode, out, err, time.monotonic() - began), 130, "interrupted.")


# Database files


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("empty.db", b"", 71, "empty.db is empty."),
        ("text.db", b"hello\n" * 99, 71, "does not begin with an OVSDB header line"),
        ("noise.db", NOISE, 71, "does not begin with an OVSDB header line"),
        ("cut.db.gz", gzip.compress(NOISE, mtime=0)[:300], 71, "cut.db.gz"),
        (
            "lying.db",
            b"OVSDB JSON 4000000000 " + b"0" * 40 + b"\n{}",
            71,
            "is cut short: 2 of its 4000000000 bytes are there",
        ),
        ("nosuch.db", None, 68, "No such file or directory"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.endswith((".db", ".gz")) else "",
)
def test_a_database_file_that_is_none(
    tmp_path: Path, name: str, content: bytes | None, code: int, words: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    for options in (("--nb", str(path)), ("--sb", str(path))):
        refused(viftrail("why", "x", *options), code, words)


def test_a_folder_or_a_device_is_no_database(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (str(tmp_path), str(pipe), "/dev/null"):
        refused(viftrail("why", "x", "--nb", path), 68, f"{path} is no plain file.")
        refused(viftrail("why", "x", "--bundle", path), 68, f"{path} is no plain file.")


# Bundles


def packed(members: dict[str, bytes]) -> bytes:
    """A gzipped tar of these members."""
    text = io.BytesIO()
    with tarfile.open(fileobj=text, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return text.getvalue()


def unpacked(path: str) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {m.name: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]


def link(name: str, target: str) -> bytes:
    """A tar that holds a symbolic link of that name."""
    text = io.BytesIO()
    with tarfile.open(fileobj=text, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = tarfile.SYMTYPE, target
        archive.addfile(member)
    return text.getvalue()


def huge(name: str, size: int) -> bytes:
    """A tar whose first member claims to be of that size."""
    member = tarfile.TarInfo(name)
    member.size = size
    return gzip.compress(member.tobuf() + bytes(1024))


def test_a_bundle_that_is_none(tmp_path: Path) -> None:
    whole = Path(HEALTHY).read_bytes()
    members = unpacked(HEALTHY)
    host = members["hosts/compute1.json"]
    cases: dict[str, tuple[bytes, str]] = {
        "empty": (b"", ""),
        "text": (b"hello", "Not a gzipped file"),
        "gzip of nothing": (gzip.compress(b""), ""),
        "half": (whole[: len(whole) // 2], ""),
        "without its last byte": (whole[:-1], ""),
        "with something added": (whole + b"x", ""),
        "one bit changed": (whole[:5000] + bytes([whole[5000] ^ 4]) + whole[5001:], ""),
        "nothing in it": (packed({}), "no manifest"),
        "no manifest": (
            packed({k: v for k, v in members.items() if k != "manifest.json"}),
            "no manifest",
        ),
        "no gaps": (packed({k: v for k, v in members.items() if k != "gaps.json"}), "gaps.json"),
        "no JSON": (packed({**members, "owner.json": b"{"}), ""),
        "no UTF-8": (packed({**members, "owner.json": b'{"kind": "\xff"}'}), ""),
        "nested": (packed({**members, "owner.json": b"[" * 100_000}), ""),
        "another type": (packed({**members, "owner.json": b"[]"}), ""),
        "another row": (packed({**members, "hosts/x.json": host.replace(b'"uuid"', b'"id"')}), ""),
        "no address": (
            packed({**members, "hosts/x.json": host.replace(b"127.0.0.1", b"927.0.0.1")}),
            "",
        ),
        "too large": (huge("northbound/NAT.json", 1 << 40), "larger than any cloud's"),
        "negative": (huge("northbound/NAT.json", -5), ""),
        "link": (link("manifest.json", "/etc/passwd"), "no manifest"),
    }
    path = tmp_path / "x.bundle"
    for name, (content, words) in cases.items():
        path.write_bytes(content)
        with pytest.raises(DamagedBundle) as caught:
            bundle.read(path)
        assert words in str(caught.value), (name, caught.value)
        assert str(path) in caught.value.what
        assert caught.value.do
    for name in ("half", "too large", "link"):  # and as the operator sees it
        path.write_bytes(cases[name][0])
        refused(
            viftrail("why", "vm1", "--bundle", str(path)),
            *(72, "is not a whole viftrail bundle", "Copy it again, or collect anew"),
        )
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.bundle"]


def test_every_cut_of_a_bundle_is_noticed(tmp_path: Path) -> None:
    """Also those between two members, which leave a tar that looks whole."""
    whole, path = Path(HEALTHY).read_bytes(), tmp_path / "cut.bundle"
    for length in range(0, len(whole), 61):
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedBundle):
            bundle.read(path)


def test_a_changed_bundle_is_refused_or_read_and_never_a_crash(tmp_path: Path) -> None:
    """Here the checksum is right: somebody made it so."""
    plain, path = bytearray(gzip.decompress(Path(HEALTHY).read_bytes())), tmp_path / "x.bundle"
    rng = random.Random(7)
    for _ in range(150):
        changed = bytearray(plain)
        for _ in range(rng.choice((1, 1, 5))):
            changed[rng.randrange(len(changed))] = rng.choice(b'0123456789"{}[],:\x00\xff\x1bntf-')
        path.write_bytes(gzip.compress(bytes(changed), 1))
        with contextlib.suppress(ViftrailError):
            bundle.read(path)


def test_a_bundle_of_another_version(tmp_path: Path) -> None:
    path = tmp_path / "new.bundle"
    members = unpacked(HEALTHY)
    manifest = members["manifest.json"].replace(b'"format":1', b'"format":2')
    path.write_bytes(packed({**members, "manifest.json": manifest}))
    refused(viftrail("why", "vm1", "--bundle", str(path)), 72, "of format 2; this viftrail reads 1")


def test_what_a_bundle_brings_does_not_steer_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "hostile.bundle"
    members = unpacked(HEALTHY)
    evil = rb"\u001b]0;owned\u0007\u001b[2J\u009b31m"
    owner = members["owner.json"].replace(b'"server":"vm1"', b'"server":"' + evil + b'"')
    assert owner != members["owner.json"]
    path.write_bytes(packed({**members, "owner.json": owner, "../../escaped": b"x"}))
    for format_ in ("text", "markdown", "html", "json"):
        outcome = viftrail("why", "10.0.0.11", "--bundle", str(path), "-f", format_)
        assert outcome.code == 0
        assert "owned" in outcome.out
        assert not {"\x1b", "\x07", "\x9b"} & set(outcome.out)
    assert not (tmp_path.parent.parent / "escaped").exists()


# Output


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("{tmp}/nosuch/out", "No such file or directory"),
        ("{tmp}", "Is a directory"),
        ("{tmp}/file/out", "Not a directory"),
        ("/proc/out", "could not be written"),
        ("{tmp}/" + "x" * 300, "File name too long"),
        ("/dev/full", "No space left on device"),
    ],
)
def test_a_place_that_cannot_be_written(tmp_path: Path, place: str, words: str) -> None:
    (tmp_path / "file").write_text("kept")
    path = place.format(tmp=tmp_path)
    outcome = why("vm1", "-o", path)
    refused(outcome, 73, f"{path} could not be written", words, "another place with -o")
    collected = viftrail("collect", "--bundle", HEALTHY, "-o", path)
    refused(collected, 73, f"{path} could not be written", words)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "kept"


def test_devices_pipes_and_links_are_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe, target, alias = (tmp_path / name for name in ("pipe", "target", "alias"))
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        reader = pool.submit(pipe.read_text)
        while why("vm1", "-o", str(pipe)).code == 73:
            time.sleep(0.05)  # the reader is not there yet
        assert "HEALTHY" in reader.result(10)
    assert pipe.is_fifo()
    target.write_text("old")
    target.chmod(0o640)
    alias.symlink_to(target)
    assert why("vm1", "-o", str(alias)).code == 0
    assert alias.is_symlink()
    assert "HEALTHY" in target.read_text()
    assert target.stat().st_mode & 0o777 == 0o640
    assert "HEALTHY" in why("vm1", "-o", "/dev/stdout").out
    assert Path("/dev/null").is_char_device()
    assert why("vm1", "-o", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("old")
    for failure, seen in (
        (KeyboardInterrupt(), KeyboardInterrupt),
        (ValueError(), ValueError),
        (OSError(28, "No space left on device"), CannotWrite),
    ):
        with pytest.raises(seen):
            write_and_fail(path, failure)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
    assert path.read_text() == "old"
    with whole_file(path) as file:
        file.write(b"new")
    assert path.read_text() == "new"


def write_and_fail(path: Path, failure: BaseException) -> None:
    with whole_file(path) as file:
        file.write(b"new" * 100_000)
        raise failure


def test_standard_output_that_is_full_or_closed() -> None:
    command = f"{' '.join(VIFTRAIL)} why vm1 --bundle {BROKEN}"
    full = run(["sh", "-c", f"{command} > /dev/full"])
    refused(full, 73, "could not be printed (No space left on device)", "-o")
    closed = run(["sh", "-c", f"{command} >&-"])
    refused(closed, 73, "no standard output", "-o")


def test_a_reader_that_has_seen_enough() -> None:
    """The verdict's exit status still counts."""
    for arguments, codes in ((("why", "vm1", "--bundle", BROKEN), {1}), (("faults",), {0, 1})):
        read, write = os.pipe()
        os.close(read)
        try:
            done = subprocess.run(
                [*VIFTRAIL, *arguments],
                stdout=write,
                stderr=subprocess.PIPE,
                env=environment(),
                timeout=20,
                check=False,
            )
        finally:
            os.close(write)
        assert done.stderr == b""
        assert done.returncode in codes


def test_a_terminal_that_lacks_a_letter() -> None:
    def ask(target: str, encoding: str) -> Outcome:
        return viftrail("why", target, "--bundle", HEALTHY, PYTHONIOENCODING=encoding)

    for encoding, shown in (("ascii", "☃"), ("iso8859-5", "?")):  # click mends the first
        refused(ask("☃", encoding), 65, f"Nothing here is called {shown}.")
        outcome = ask("vm1", encoding)
        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out.startswith("vm1 ")


# Options


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 64, "Missing argument 'TARGET'"),
        (("x", "y", "--bundle", HEALTHY), 64, "unexpected extra argument"),
        (("x", "--nosuch"), 64, "No such option"),
        (("x", "--bundle", HEALTHY, "-f", "yaml"), 64, "'yaml' is not one of"),
        (("x", "--bundle", ""), 64, "'--bundle': it is empty"),
        (("x", "--nb", "", "--sb", "tcp:127.0.0.1:1"), 64, "'--nb': it is empty"),
        (("x", "--lab", ""), 64, "'--lab': it is empty"),
        (("x", "--nb", "tcp:127.0.0.1:1", "--timeout", "0"), 64, "not in the range"),
        (("x", "--nb", "tcp:127.0.0.1:1", "--timeout", "nan"), 64, "no number of seconds"),
        (("x", "--nb", "tcp:127.0.0.1:1", "--timeout", "soon"), 64, "'soon'"),
        (("x", "--bundle", HEALTHY, "--nb", "tcp:127.0.0.1:1"), 64, "Name one source."),
        (("x", "--lab", "a", "--bundle", HEALTHY), 64, "Name one source."),
        (("x", "--nb", "tcp:127.0.0.1:1", "--become"), 64, "Add --ssh"),
        (("x", "--nb", "tcp:127.0.0.1:1", "--ssh-config", "x"), 64, "Add --ssh"),
        (("x", "--nb", "tcp:127.0.0.1:1", "--ssh", "--ssh-config", "/no/x"), 68, "/no/x cannot"),
        (("x", "--nb", "ssl:127.0.0.1:1", "-p", "k"), 64, "needs all of --private-key"),
        (("x", "--bundle", "/nosuch/file"), 68, "There is no file /nosuch/file. Check the name."),
    ],
)
def test_options_that_make_no_sense(arguments: tuple[str, ...], code: int, words: str) -> None:
    refused(viftrail("why", *arguments), code, words)


def test_a_command_that_is_none() -> None:
    refused(viftrail("nosuch"), 64, "No such command 'nosuch'")
    refused(viftrail("faults", "nosuch"), 64, "no fault nosuch", "lists them all")


def test_a_bug_is_reported_as_one(tmp_path: Path) -> None:
    """Whatever nobody thought of is a sentence as well, and a traceback on demand."""
    (tmp_path / "sitecustomize.py").write_text(
        "import viftrail.facts.bundle.bundle as bundle\ndef read(path): raise ZeroDivisionError\n"
        "bundle.read = read\n"
    )
    path = os.pathsep.join([str(tmp_path), *sys.path])
    outcome = viftrail("why", "vm1", "--bundle", HEALTHY, PYTHONPATH=path)
    assert (outcome.code, outcome.out) == (70, "")
    assert outcome.err.startswith("viftrail: this is a bug in viftrail (ZeroDivisionError")
    assert "Traceback" not in outcome.err
    outcome = viftrail("why", "vm1", "--bundle", HEALTHY, PYTHONPATH=path, VIFTRAIL_DEBUG="1")
    assert "Traceback" in outcome.err


def test_the_good_case_still_works() -> None:
    healthy = why("vm1", "-f", "json")
    assert told(healthy, 0, within=PROMPT)["state"] == "healthy"
    broken = viftrail("why", "vm1", "--bundle", BROKEN, "-f", "json")
    assert told(broken, 1, within=PROMPT)["cause"] == "vif-tap-down"
    with pytest.raises(AssertionError):
        complained(healthy)
