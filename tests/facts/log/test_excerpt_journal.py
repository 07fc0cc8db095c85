"""What the program that looks through a host's logs finds in a real journal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib import resources
from pathlib import Path

import msgspec
import pytest

from tests.facts.log.logs_written import PORT
from viftrail.facts.log.fetch import Excerpt, read_excerpt
from viftrail.facts.log.logs import Logs
from viftrail.facts.log.moment import Window

JOURNALD = "/lib/systemd/systemd-journald"
PROGRAM = resources.files("viftrail.facts.log").joinpath("excerpt.py")
SAY = """
import socket, sys
for identifier, message in zip(*[iter(sys.argv[1:])] * 2):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        text = f"MESSAGE={message}\\nPRIORITY=4\\nSYSLOG_IDENTIFIER={identifier}\\n"
        sock.sendto(text.encode(), "/run/systemd/journal/socket")
"""
SCRIPT = """
mount -t tmpfs none /run; mount -t tmpfs none /var/log
mkdir -p /run/log/journal /run/systemd/journal /var/log/nova
%(journald)s 2>/dev/null & journald=$!
until [ -S /run/systemd/journal/socket ]; do sleep 0.02; done
"$1" -c "$2" %(messages)s
: > /var/log/nova/nova-api.log
journalctl --sync
"$1" -I - "$3" < "$4"
kill $journald; wait $journald
"""
"""In namespaces of its own: a real journald, whose folders are fixed."""


@pytest.mark.skipif(
    os.geteuid() != 0 or not Path(JOURNALD).exists(), reason="needs root and systemd's journald"
)
def test_who_writes_to_no_file_is_read_from_the_journal() -> None:
    now = time.time()
    messages = {
        "nova-compute": f'Refusing "{PORT}"',
        "neutron-server": "of another port",
        "sshd": f"who cares for {PORT}",
        "nova-api": f"in its file already: {PORT}",
    }
    words = " ".join(f"{name} '{text}'" for name, text in messages.items())
    script = SCRIPT % {"journald": JOURNALD, "messages": words}
    question = json.dumps({"start": now - 60, "end": now + 60, "needles": [PORT]})
    ended = subprocess.run(
        [
            "unshare",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
            sys.executable,
            SAY,
            question,
            str(PROGRAM),
        ],
        env={key: value for key, value in os.environ.items() if not key.startswith("OV")},
        capture_output=True,
        timeout=30,
        check=True,
    )
    answer = json.loads(ended.stdout.splitlines()[-1])
    assert answer["errors"] == []
    (journal,) = [file for file in answer["files"] if file["path"] == "journal"]
    (record,) = [json.loads(line) for line in journal["text"].splitlines()]
    assert record["MESSAGE"] == messages["nova-compute"]
    assert lines(answer, now) == [("nova-compute", messages["nova-compute"])]


def lines(answer: dict[str, object], now: float) -> list[tuple[str, str]]:
    """As `why` reads it."""
    excerpt = msgspec.convert(answer, Excerpt)
    window = Window(now - 60, now + 60)
    found: list[Logs] = [
        read_excerpt("compute1", excerpt, said, window, [PORT]) for said in excerpt.files
    ]
    return [(line.service, line.text) for logs in found for line in logs.lines]
