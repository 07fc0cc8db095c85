"""Running viftrail as an operator does, and what every refusal has to look like."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

VIFTRAIL = (sys.executable, "-m", "viftrail")
PROMPT = 12.0
"""Seconds within which everything that waits for nobody ends, on a loaded machine."""

STUCK = 60.0
"""Seconds after which a command counts as blocked for good."""

_OWN = ("OVN_", "OVS_", "VIFTRAIL_", "PYTHONIOENCODING")


@dataclass(frozen=True)
class Outcome:
    """What the operator saw."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def verdict(self) -> dict[str, Any]:
        """The printed JSON."""
        assert self.out, self.err
        verdict: dict[str, Any] = json.loads(self.out)
        return verdict

    @property
    def unknown(self) -> str:
        """What could not be looked at, as one text."""
        return " ".join(f"{gap['place']}: {gap['why']} {gap['how']}" for gap in self.gaps)

    @property
    def gaps(self) -> list[dict[str, str]]:
        gaps: list[dict[str, str]] = self.verdict["unknown"]
        return gaps

    @property
    def stages(self) -> dict[str, str]:
        """The state of each stage, by its number."""
        return {stage["id"]: stage["state"] for stage in self.verdict["stages"]}


def environment(**more: str) -> dict[str, str]:
    """The operator's, without what a lab or a cloud would have set."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_OWN)}
    return {**kept, **more}


def run(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, text_in: str | None = None
) -> Outcome:
    """Any command, to its end."""
    began = time.monotonic()
    done = subprocess.run(
        list(argv),
        input=text_in,
        stdin=subprocess.DEVNULL if text_in is None else None,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=dict(env or environment()),
        timeout=STUCK,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr, time.monotonic() - began)


def viftrail(*arguments: str, prefix: Sequence[str] = (), **more: str) -> Outcome:
    """``viftrail …``; ``prefix`` is a command that runs it, ``more`` its environment."""
    return run([*prefix, *VIFTRAIL, *arguments], env=environment(**more))


def refused(outcome: Outcome, code: int, *words: str, within: float = PROMPT) -> None:
    """A distinct exit code, and one or two lines that say what happened and what to do."""
    assert outcome.code == code, outcome
    assert outcome.out == "", outcome
    complained(outcome, *words)
    assert outcome.seconds <= within, outcome


def complained(outcome: Outcome, *words: str) -> None:
    """Standard error is for the operator: short, to the point, and no traceback."""
    lines = outcome.err.strip().splitlines()
    assert 1 <= len(lines) <= 2, outcome
    assert lines[0].startswith("viftrail: "), outcome
    assert len(lines[0]) <= 700, outcome
    for bad in ("Traceback", "bug in viftrail", "Errno", "\x1b"):
        assert bad not in outcome.err, outcome
    for word in words:
        assert word in outcome.err, (word, outcome)


def told(outcome: Outcome, code: int, *, within: float) -> dict[str, Any]:
    """A verdict, whatever could not be looked at; its conclusion."""
    assert outcome.code == code, outcome
    assert outcome.err == "", outcome
    assert outcome.seconds <= within, outcome
    for gap in outcome.gaps:
        assert gap["why"].endswith("."), gap
        assert gap["how"], gap
    conclusion: dict[str, Any] = outcome.verdict["verdict"]
    return conclusion


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
