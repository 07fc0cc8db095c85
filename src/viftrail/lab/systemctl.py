"""``systemctl`` inside a node of a lab: the keeper plays the service manager."""

from __future__ import annotations

import os
import sys

from viftrail.errors import ViftrailError
from viftrail.lab import wire
from viftrail.lab.folder import Folder


def main(arguments: list[str]) -> int:
    """Has the keeper carry out ``systemctl VERB UNIT…``; gives back the exit code."""
    signals = [word.partition("=")[2] for word in arguments if word.startswith("--signal=")]
    words = [word for word in arguments if not word.startswith("-")]
    quiet = "-q" in arguments or "--quiet" in arguments
    lab, node = os.environ.get("VIFTRAIL_LAB"), os.environ.get("VIFTRAIL_LAB_NODE")
    if len(words) < 2 or not lab or not node:
        print("usage, in a node of a lab: systemctl VERB UNIT...", file=sys.stderr)
        return 64
    verb, units = ":".join([words[0], *signals]), words[1:]
    code = 0
    for unit in units:
        try:
            answer = wire.ask(Folder(lab), "service", node=node, verb=verb, unit=unit)
        except ViftrailError as error:
            print(error, file=sys.stderr)
            return 5
        if answer["output"] and not quiet:
            print(answer["output"])
        code = max(code, int(answer["code"]))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
