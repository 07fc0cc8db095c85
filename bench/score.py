"""Whether an audit finds every planted fault, and nothing else, in clouds of every size.

    .venv/bin/python bench/score.py [--ports N …]

Up to 100,000 ports Southbound is made by a real ovn-northd; 200,000 would not
fit in 24 GiB that way. Exits with 1 when something was missed or made up.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

import clouds
import msgspec
from contest import VIFTRAIL

NORTHD_UP_TO = 100_000


def found(cloud: clouds.Cloud) -> set[tuple[str, str]]:
    """What the audit says, as a user would run it."""
    databases = [f"--{which}={cloud.file(which)}" for which in clouds.NAMES]
    done = subprocess.run(
        [*VIFTRAIL, "audit", *databases, f"--owner={cloud.owner}", "-f", "json"],
        capture_output=True,
        check=False,
    )
    if done.returncode != 1:
        sys.exit(f"exit {done.returncode}: {done.stderr.decode()}")
    groups = msgspec.json.decode(done.stdout)["groups"]
    return {(group["id"], subject) for group in groups for subject in group["subjects"]}


def main() -> None:
    """One line a size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--ports", type=int, nargs="*", default=[1000, 20_000, 100_000, 200_000])
    sizes = parser.parse_args().ports
    wrong = False
    print(f"{'ports':>8}  {'southbound by':<14}{'planted':>8}{'found':>8}{'missed':>8}{'more':>8}")
    for ports in sizes:
        for northd in (True, False):
            if northd and ports > NORTHD_UP_TO:
                continue
            cloud = clouds.cloud(ports, northd=northd)
            began = time.perf_counter()
            told, seen = cloud.key, found(cloud)
            seconds = time.perf_counter() - began
            missed, more = told - seen, seen - told
            wrong = wrong or bool(missed or more)
            print(
                f"{ports:>8}  {'ovn-northd' if northd else 'viftrail':<14}{len(told):>8}"
                f"{len(told & seen):>8}{len(missed):>8}{len(more):>8}   {seconds:.1f} s"
            )
            for fault, subject in sorted(missed)[:9]:
                print(f"          missed: {fault} at {subject}")
            for fault, subject in sorted(more)[:9]:
                print(f"          more:   {fault} at {subject}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
