"""Prints what the logs of one host say of some ids, as one JSON document.

Runs on the host itself, as ``python3 -IB - QUESTION < excerpt.py``, with nothing installed there:
standard library only, Python 3.6 or newer. QUESTION is a JSON object: ``start`` and ``end``
(seconds since 1970), ``needles`` (what a record has to hold). It reads and never writes. Of a
file only the window is looked through, found by halving; all of it is bounded in bytes and time,
and what was left out is said.

Folders: where distributions, Kolla, TripleO and the snaps have them (facts/whereabouts.py), and the
journal for who writes to no file there (journalctl(1)); OVN_LOGDIR and OVS_LOGDIR, as ovn-ctl(8) and
ovs-ctl(8) heed them, name others instead.
"""

import bisect
import calendar
import glob
import json
import os
import re
import select
import subprocess
import sys
import time
import zlib
from typing import Any, Dict, Iterator, List, Optional, Tuple

FORMAT = 1
PATIENCE = 5.0  # seconds for all files
MOST_READ = 64 << 20  # bytes of one file
MOST_FILES = 200
MOST_SAID = 4 << 20  # bytes of the answer
RECORD = 32 << 10  # bytes of one record
MOST_LINE = 256 << 10  # bytes of one record of the journal, in JSON
BLOCK = 1 << 20
NEAR = 64 << 10
SLACK = 10.0  # seconds by which a record may stand out of order

PLACES = [
    "/var/log/nova/*.log*",
    "/var/log/neutron/*.log*",
    "/var/log/placement/*.log*",
    "/var/log/ovn/*.log*",
    "/var/log/openvswitch/*.log*",
    "/var/log/libvirt/*.log*",
    "/var/log/libvirt/qemu/*.log*",
    "/var/log/kolla/*/*.log*",
    "/var/log/containers/*/*.log*",
    "/var/snap/microovn/common/logs/*.log*",
    "/var/snap/openstack-hypervisor/common/log/*/*.log*",
    "/var/snap/openstack-hypervisor/common/var/log/*/*.log*",
    "/usr/local/var/log/openvswitch/*.log*",
]
WRITERS = re.compile(r"nova|neutron|placement|ovn|ovs|openvswitch|libvirt|virtqemu|qemu")
JOURNALCTL = ["journalctl", "--no-pager", "--quiet"]
FIELDS = "MESSAGE,PRIORITY,LOGGER_NAME,SYSLOG_IDENTIFIER,_SYSTEMD_UNIT,_HOSTNAME"
HEAD = re.compile(
    rb"^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?![.\d])(Z|[+-]\d\d:?\d\d)?"
    rb"(?! \d+ (?:ERROR|CRITICAL) [\w.\-]+ (?!\[(?!instance: )))",
    re.MULTILINE,
)
"""Where a record begins; not the lines of a traceback, which repeat its head (oslo.log)."""


def moment(match: Any) -> float:
    """When a record was written; without a zone it is this host's local time."""
    parts = [int(match.group(number)) for number in range(1, 7)]
    zone = match.group(7)
    if zone is None:
        return time.mktime(tuple(parts) + (0, 0, -1))  # type: ignore[arg-type]
    seconds = float(calendar.timegm(tuple(parts) + (0, 0, 0)))
    if zone == b"Z":
        return seconds
    digits = zone[1:].replace(b":", b"")
    east = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return seconds - (east if zone[:1] == b"+" else -east)


def first_head(descriptor: int, offset: int, limit: int) -> Optional[Tuple[int, float]]:
    """The first record that begins after this byte, and when it was written."""
    size = 16 << 10
    while True:
        block = os.pread(descriptor, min(size, max(0, limit - offset)), offset)
        begin = block.find(b"\n") + 1 if offset else 0
        match = HEAD.search(block, begin) if begin or not offset else None
        if match:
            try:
                return offset + match.start(), moment(match)
            except (ValueError, OverflowError):
                return None
        if len(block) < size or size >= BLOCK:
            return None
        size *= 4


def window_of(descriptor: int, size: int, start: float, end: float) -> Tuple[int, int]:
    """The bytes in which all records of the window begin."""

    def halve(low: int, when: float) -> Tuple[int, int]:
        high = size
        while high - low > NEAR:
            middle = (low + high) // 2
            found = first_head(descriptor, middle, high)
            if found is None or found[1] > when:
                high = middle
            else:
                low = found[0]
        return low, high

    begin = halve(0, start - SLACK - 1)[0]
    return begin, halve(begin, end + SLACK + 1)[1]


def blocks(descriptor: int, start: float, end: float, said: Dict[str, Any]) -> Iterator[bytes]:
    """What may hold records of the window."""
    if os.pread(descriptor, 2, 0) == b"\x1f\x8b":
        unpack = zlib.decompressobj(31)
        total = offset = 0
        while total < MOST_READ:
            data = os.pread(descriptor, 256 << 10, offset)
            if not data or unpack.eof:
                return
            offset += len(data)
            while data and total < MOST_READ:
                block = unpack.decompress(data, BLOCK)
                data = unpack.unconsumed_tail
                total += len(block)
                yield block
        said["cut"] = "only its first %d MiB were unpacked" % (MOST_READ >> 20)
        return
    begin, last = window_of(descriptor, os.fstat(descriptor).st_size, start, end)
    if last - begin > MOST_READ:
        said["cut"] = "of %d MiB only the last %d were looked through" % (
            (last - begin) >> 20,
            MOST_READ >> 20,
        )
        begin = last - MOST_READ
    for offset in range(begin, last + RECORD, BLOCK):
        yield os.pread(descriptor, min(BLOCK, last + RECORD - offset), offset)


def told(data: bytes, needles: List[bytes], start: float, end: float) -> Iterator[bytes]:
    """The whole records of the window that hold a needle."""
    hits = set()
    for needle in needles:
        at = data.find(needle)
        while at >= 0:
            hits.add(at)
            line_end = data.find(b"\n", at)
            at = data.find(needle, line_end) if line_end >= 0 else -1
    if not hits:
        return
    heads = [(match.start(), match) for match in HEAD.finditer(data)]
    places = [place for place, _ in heads]
    done = -1
    for hit in sorted(hits):
        number = bisect.bisect_right(places, hit) - 1
        if number <= done or number < 0:
            continue
        done = number
        try:
            when = moment(heads[number][1])
        except (ValueError, OverflowError):
            continue
        if start - 1 <= when <= end + 1:
            after = places[number + 1] if number + 1 < len(places) else len(data)
            record = data[places[number] : min(after, places[number] + RECORD)]
            yield record if record.endswith(b"\n") else record + b"\n"


def look_through(path: str, question: Dict[str, Any], deadline: float) -> Dict[str, Any]:
    """What one file says."""
    start, end = question["start"], question["end"]
    needles = [needle.encode() for needle in question["needles"] if needle]
    said: Dict[str, Any] = {"path": path, "text": "", "cut": "", "first": None}
    kept: List[bytes] = []
    size = 0
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        carry = b""
        found = first_head(descriptor, 0, os.fstat(descriptor).st_size)
        said["first"] = found[1] if found else None
        for block in blocks(descriptor, start, end, said):
            data = carry + block
            heads = [match.start() for match in HEAD.finditer(data, max(0, len(data) - (64 << 10)))]
            cut = heads[-1] if heads else (len(data) if len(data) > BLOCK else 0)
            for record in told(data[:cut], needles, start, end):
                kept.append(record)
                size += len(record)
            carry = data[cut:]
            if time.time() > deadline or size > MOST_SAID:
                said["cut"] = said["cut"] or "it was left after %d MiB were said" % (size >> 20)
                break
        kept.extend(told(carry, needles, start, end))
    finally:
        os.close(descriptor)
    said["text"] = b"".join(kept).decode("utf-8", "replace")
    return said


def paths(start: float) -> List[str]:
    """The logs that were written to since then, the newest first."""
    named = [os.environ[name] for name in ("OVN_LOGDIR", "OVS_LOGDIR") if os.environ.get(name)]
    places = [os.path.join(folder, "*.log*") for folder in named] or PLACES
    found = {}
    for place in places:
        for path in glob.glob(place):
            try:
                status = os.stat(path)
            except OSError:
                continue
            if os.path.isfile(path) and status.st_mtime >= start:
                found[os.path.realpath(path)] = status.st_mtime
    return sorted(found, key=lambda path: -found[path])[:MOST_FILES]


def writers(written: List[str], deadline: float) -> List[str]:
    """Who of OpenStack and OVN writes to the journal, and not to one of these files."""
    names = {os.path.basename(path).partition(".")[0] for path in written}
    ended = subprocess.run(
        JOURNALCTL + ["--field=SYSLOG_IDENTIFIER"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=max(0.1, deadline - time.time()),
    )
    found = ended.stdout.decode("utf-8", "replace").splitlines()
    return [name for name in found if WRITERS.search(name) and name not in names]


def look_through_journal(
    question: Dict[str, Any], written: List[str], deadline: float
) -> Optional[Dict[str, Any]]:
    """What the journal says, the newest first as long as there is time; None: nobody writes there."""
    try:
        names = writers(written, deadline)
    except FileNotFoundError:
        return None
    if not names:
        return None
    # In JSON, where quotes and backslashes are escaped.
    needles = [json.dumps(needle)[1:-1].encode() for needle in question["needles"] if needle]
    # Without --all a long message is null (journalctl(1), --output=json).
    argv = JOURNALCTL + ["--all", "--reverse", "--output=json", "--output-fields=" + FIELDS]
    argv += ["--since=@%d" % question["start"], "--until=@%d" % (question["end"] + 1)]
    reader = subprocess.Popen(
        argv + ["SYSLOG_IDENTIFIER=" + name for name in names],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    said: Dict[str, Any] = {"path": "journal", "text": "", "cut": "", "first": None}
    kept: List[bytes] = []
    size, carry = 0, b""
    output = reader.stdout.fileno() if reader.stdout else -1
    try:
        while True:
            if not select.select([output], [], [], max(0.0, deadline - time.time()))[0]:
                said["cut"] = "there was no time for its older records"
                break
            block = os.read(output, BLOCK)
            lines = (carry + block).split(b"\n")
            carry = lines.pop()
            for line in lines:
                if len(line) < MOST_LINE and any(needle in line for needle in needles):
                    kept.append(line + b"\n")
                    size += len(kept[-1])
            if size > MOST_SAID:
                said["cut"] = "it was left after %d MiB were said" % (size >> 20)
                break
            if not block:
                break
    finally:
        reader.kill()
        reader.wait()
    said["text"] = b"".join(reversed(kept)).decode("utf-8", "replace")
    return said


def main(arguments: List[str]) -> None:
    """Look, and print."""
    question = json.loads(arguments[0])
    deadline = time.time() + PATIENCE
    files: List[Dict[str, Any]] = []
    errors: List[str] = []
    left = MOST_SAID
    for path in paths(question["start"]):
        if time.time() > deadline or left <= 0:
            errors.append("%s: there was no time for it" % path)
            continue
        try:
            said = look_through(path, question, deadline)
        except (OSError, zlib.error) as error:
            errors.append("%s: %s" % (path, error))
            continue
        left -= len(said["text"])
        files.append(said)
    if not (os.environ.get("OVN_LOGDIR") or os.environ.get("OVS_LOGDIR")):
        written = [str(said["path"]) for said in files]
        try:
            journal = look_through_journal(question, written, deadline)
            files += [journal] if journal else []
        except (OSError, subprocess.SubprocessError) as error:
            errors.append("journal: %s" % error)
    now = time.time()
    offset = (time.mktime(time.gmtime(now)) - time.mktime(time.localtime(now))) * -1
    answer = {"format": FORMAT, "utc_offset": round(offset), "files": files, "errors": errors}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
