"""Doing what was planned, by the carriers: each command with a time-out, all side by side."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import TypeVar

import msgspec

from viftrail.facts.facts import Gap
from viftrail.facts.sounding import (
    Arping,
    Call,
    Ending,
    Knock,
    Soundings,
    Traced,
    read_answerer,
    read_arping,
    read_count,
    read_trace,
)
from viftrail.facts.ways import command
from viftrail.facts.ways.carrier import Carrier
from viftrail.facts.ways.dispatch import PYTHON, Many, run_by
from viftrail.probing.plan import CALLS, COUNT, SMALL, Asking, Calling, Knocking, Sending, Trace

ALL = 10.0
"""Seconds for everything together."""

ONE = 5.0
"""Seconds for one command."""

SLOW = 15.0
"""Seconds more for both, where it takes a carrier long to begin."""

SETTLE = 1.3
"""Seconds until ovs-vswitchd has added up what arrived (see `viftrail.chain.tunnel`)."""

ANSWER = 0.6
"""Seconds that a guest has to answer, and its tap's counter to be added up."""

AT_ONCE = 12
_MOST = 1 << 20

Way = Callable[[str], Carrier | Gap]
StageName = Callable[[Ending], str]
Planned = TypeVar("Planned")
Outcome = TypeVar("Outcome")


class _Sent(msgspec.Struct, frozen=True):
    sent: int = 0


_sent = msgspec.json.Decoder(_Sent)


class _Sender:
    """One run of a plan."""

    def __init__(self, way: Way, name: StageName, wait: Callable[[float], None]) -> None:
        self._way, self._name, self._wait = way, name, wait
        self._end = time.monotonic() + ALL

    def say(self, host: str, argv: Sequence[str], text: bytes = b"") -> str | None:
        """What a command printed there; None when it could not be run or did not end."""
        carrier = self._way(host)
        if isinstance(carrier, Gap):
            return None
        more = SLOW if isinstance(carrier, Many) else 0.0
        left = self._end + more - time.monotonic()
        if left <= 0:
            return None
        try:
            said = run_by(
                carrier,
                argv,
                text,
                script="knock.py" if text else "",
                timeout=min(ONE + more, left),
                most=_MOST,
            )
        except OSError:
            return None
        return said.output.decode("utf-8", "replace") if said.code is not None else None

    def trace(self, planned: Trace) -> Traced | None:
        ending = read_trace(self.say(planned.host, planned.argv) or "", planned.what)
        if ending is None:
            return None
        stage = self._name(ending) if ending.dropped else ""
        return Traced(
            what=planned.what,
            host=planned.host,
            command=shlex.join(planned.argv),
            ending=ending,
            stage=stage,
        )

    def call(self, planned: Calling) -> Call | None:
        count = ("ovs-ofctl", "--timeout=3", "dump-ports", planned.bridge, str(planned.ofport))
        flow = f"in_port=controller packet={planned.packet} actions=output:{planned.ofport}"
        send = ("ovs-ofctl", "--timeout=3", "packet-out", planned.bridge, flow)
        before = read_count(self.say(planned.host, count) or "")
        for _ in range(CALLS):
            if self.say(planned.host, send) is None:
                return None
        self._wait(ANSWER)
        after = read_count(self.say(planned.host, count) or "")
        if before is None or after is None:
            return None
        return Call(
            host=planned.host,
            device=planned.device,
            delivered=after[1] - before[1],
            answered=after[0] - before[0],
            command=f"{shlex.join(send)}; {shlex.join(count)}",
        )

    def knock(self, planned: Knocking) -> tuple[Knock, ...]:
        found = []
        for size in (SMALL, planned.largest):
            if size:
                knock = self._knock(planned, size)
                if knock is None:
                    break
                found.append(knock)
        return tuple(found)

    def _knock(self, planned: Knocking, size: int) -> Knock | None:
        count = ("ovs-ofctl", "--timeout=3", "dump-ports", planned.bridge, str(planned.ofport))
        words = (planned.source, planned.target, str(size), str(COUNT))
        before = read_count(self.say(planned.receiver, count) or "")
        said = self.say(planned.sender, (*PYTHON, *words), _script())
        self._wait(SETTLE)
        after = read_count(self.say(planned.receiver, count) or "")
        if before is None or after is None or not said:
            return None
        try:
            sent = _sent.decode(said.strip().splitlines()[-1]).sent
        except (msgspec.MsgspecError, IndexError):
            return None
        return Knock(
            sender=planned.sender,
            receiver=planned.receiver,
            size=size,
            big=size != SMALL,
            sent=sent,
            arrived=after[0] - before[0],
            command=f"{shlex.join(count)}   # twice, on {planned.receiver}",
        )

    def ask(self, planned: Asking) -> Arping | None:
        argv = ("arping", "-D", "-I", planned.device, "-c", "2", "-w", "2", planned.address)
        said = self.say(planned.host, argv) or ""
        answered = read_arping(said)
        if answered is None:
            return None
        return Arping(
            what=planned.what,
            host=planned.host,
            address=planned.address,
            answered=answered,
            command=shlex.join(argv),
            mac=read_answerer(said) if answered else "",
        )


def missed(planned: Sending, found: Soundings) -> tuple[Gap, ...]:
    """What was planned and came to nothing, by its kind."""
    knocked = {(knock.sender, knock.receiver) for knock in found.knocks}
    kinds = (
        ("ovs-appctl ofproto/trace", len(planned.traces) - len(found.traces)),
        ("ovs-ofctl packet-out", len(planned.calls) - len(found.calls)),
        ("geneve packets between hosts", len(planned.knocks) - len(knocked)),
        ("arping", len(planned.asks) - len(found.arpings)),
    )
    return tuple(
        Gap(
            f"--probe: {what}",
            f"{number} of them could not be run, or did not end in time.",
            "Run by hand what was announced.",
        )
        for what, number in kinds
        if number > 0
    )


def _script() -> bytes:
    return resources.files("viftrail.probing").joinpath("knock.py").read_bytes()


def send(
    planned: Sending, *, way: Way, name: StageName, wait: Callable[[float], None] = time.sleep
) -> Soundings:
    """Send it all, from everywhere at once; what could not be sent is left out."""
    sender = _Sender(way, name, wait)
    pool = ThreadPoolExecutor(max_workers=AT_ONCE)

    def begin(
        work: Callable[[Planned], Outcome], items: Iterable[Planned]
    ) -> Callable[[], list[Outcome]]:
        futures = [pool.submit(work, item) for item in items]
        return lambda: [future.result() for future in futures]

    try:
        traces, calls = begin(sender.trace, planned.traces), begin(sender.call, planned.calls)
        knocks, asks = begin(sender.knock, planned.knocks), begin(sender.ask, planned.asks)
        return Soundings(
            traces=tuple(filter(None, traces())),
            calls=tuple(filter(None, calls())),
            knocks=tuple(knock for both in knocks() for knock in both),
            arpings=tuple(filter(None, asks())),
        )
    except BaseException:
        command.stop_all()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
