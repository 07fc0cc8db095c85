"""Ansible's callback of viftrail: one line of JSON a host, as soon as that host has answered.

Ansible loads this file by its path, perhaps with another Python than viftrail's: it must run on
the oldest one that a supported ansible-core does, and imports nothing of viftrail. What a line
holds is `viftrail.facts.ways.play.Answer`.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: viftrail_lines
    type: stdout
    short_description: one line of JSON a host
    description:
      - For programs. What a host printed is handed on as soon as its task has ended.
"""


_LATE = ("Timed out after", "in the expected time frame")
"""How a task says that it reached its `timeout`: since ansible-core 2.19, and before."""


class CallbackModule(CallbackBase):
    """Writes a line when a task ends on a host, and nothing else."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "viftrail_lines"

    def __init__(self) -> None:
        super().__init__()
        self._began: dict[str, float] = {}

    def v2_runner_on_start(self, host: Any, task: Any) -> None:  # noqa: ARG002
        """A host begins."""
        self._began[host.get_name()] = time.time()

    def v2_runner_on_ok(self, result: Any) -> None:
        """It ended, with 0."""
        self._tell("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: ARG002
        """It ended otherwise, was cut off, or could not be begun."""
        self._tell("failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """There was no way to the host."""
        self._tell("unreachable", result)

    def _tell(self, state: str, result: Any) -> None:
        # `_host` and `_result` are what every release has; `host` and `result` came with 2.19.
        name, said = result._host.get_name(), result._result  # noqa: SLF001
        message = str(said.get("msg", ""))
        now = time.time()
        began = self._began.get(name, now)
        line = {
            "host": name,
            "state": "late" if any(words in message for words in _LATE) else state,
            "code": said.get("rc"),
            "output": str(said.get("stdout", "")),
            "errors": str(said.get("stderr", "")),
            "message": message,
            "began": began,
            "seconds": now - began,
        }
        text = json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        while text:
            text = text[os.write(1, text) :]
