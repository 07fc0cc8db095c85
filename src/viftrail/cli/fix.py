"""`viftrail fix TARGET`."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from viftrail.cli.origin import Origin, open_source, origin_options
from viftrail.cli.output import deliver, format_option
from viftrail.errors import CannotWrite, NotAllowed, OperatorsTurn, StepFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from viftrail.facts.live import LiveSource
    from viftrail.facts.source import Source
    from viftrail.facts.ways.carrier import Carrier
    from viftrail.fix.plan import Plan
    from viftrail.fix.proof import Proof
    from viftrail.fix.session import Fix
    from viftrail.verdict import Risk, Target, Verdict

_GREEN_WITHIN = 45.0
"""Seconds in which a lab's guests have asked for their lease again."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("target")
@origin_options
@click.option("--apply", is_flag=True, help="Run the plan. Without it nothing is changed.")
@click.option("--dry-run", is_flag=True, help="Only show the plan, as without --apply.")
@click.option(
    "--allow",
    multiple=True,
    type=click.Choice(["disruptive", "destroys"]),
    help="Also run steps of this risk; may be repeated.",
)
@click.option(
    "--probe", is_flag=True, help="Look with a few harmless packets as well, as `why --probe`."
)
@click.option("--log", default="", metavar="FILE", help="The audit trail, which is appended to.")
@format_option(("text", "json"), "How to print it.")
@click.pass_context
def fix(
    ctx: click.Context,
    origin: Origin,
    target: str,
    apply: bool,
    dry_run: bool,
    allow: tuple[str, ...],
    probe: bool,
    log: str,
    format_: str,
) -> None:
    """Show how to mend TARGET; with --apply mend it step by step, and prove it.

    TARGET is what `viftrail why` takes. Each step runs where it belongs: in a
    node of the lab, on this host, or by ssh with --ssh. After each it looks
    again. What Neutron owns is never changed behind its back: the OpenStack
    command is printed instead. The audit trail is ./viftrail-fix-TIME.jsonl,
    unless --log names another file.

    Exit status: 0 healthy, 1 broken, 2 could not tell, 78 a risk was not
    allowed, 79 a step failed, 80 the next step is yours.
    """
    from viftrail.cli.why import sounded
    from viftrail.fix.session import Ending, Fix
    from viftrail.verdict import Risk, State
    from viftrail.why import why

    judge = sounded if probe else why

    if apply and dry_run:
        raise UsageError("--apply and --dry-run exclude each other.", "Leave one of them out.")
    if log and not apply:
        raise UsageError("--log is for --apply, which was not given.", "Add --apply.")
    allowed = frozenset(map(Risk, allow))
    with open_source(origin) as source:
        if apply and source.taken:
            raise UsageError(
                "What was recorded cannot be mended.", "Leave --apply out, or name the live cloud."
            )
        before = judge(source, target)
        if apply:

            def look() -> Verdict:
                # Anew, as a step may have restarted the server that was being read.
                with open_source(origin) as fresh:
                    return judge(fresh, target)

            mended = _apply(source, look, before, allowed, log, format_)
        else:
            healthy = before.verdict.state is State.HEALTHY
            mended = Fix(
                ending=Ending.HEALTHY if healthy else Ending.PLANNED,
                applied=False,
                recorded=bool(source.taken),
                before=before,
                plan=_plan(source, before, allowed),
            )
            _print(mended, format_)
    _leave(ctx, mended)


def _apply(
    source: Source,
    look: Callable[[], Verdict],
    before: Verdict,
    allowed: frozenset[Risk],
    log: str,
    format_: str,
) -> Fix:
    import msgspec

    from viftrail.facts.facts import Gap
    from viftrail.facts.live import LiveSource
    from viftrail.fix.logbook import Logbook
    from viftrail.fix.session import Ending, Session

    if not isinstance(source, LiveSource):
        raise UsageError("Files cannot be mended.", "Name the live cloud.")
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    path = Path(log or f"viftrail-fix-{stamp}.jsonl")

    def ways(host: str) -> Carrier:
        way = source.way(host)
        if isinstance(way, Gap):  # the plan left such steps to the operator
            raise OperatorsTurn(way.why, way.how)
        return way

    with closing(Logbook(path)) as book:
        session = Session(
            before,
            look=look,
            plan=lambda verdict: _plan(source, verdict, allowed),
            ways=ways,
            prove=lambda verdict: _prove(source, verdict.target),
            log=book,
        )
        try:
            ending = session.apply()
        except BaseException as error:
            with suppress(CannotWrite):
                session.interrupted(type(error).__name__)
            cut = msgspec.structs.replace(session.report(Ending.INTERRUPTED), log=str(path))
            _print(cut, format_)
            raise
        report = msgspec.structs.replace(session.report(ending), log=str(path))
    _print(report, format_)
    return report


def _plan(source: Source, verdict: Verdict, allowed: frozenset[Risk]) -> Plan:
    from viftrail.facts.facts import Gap
    from viftrail.facts.live import LiveSource
    from viftrail.faults.step import ADMIN_SHELL
    from viftrail.fix.plan import plan_of

    unreachable, admin = {}, False
    if isinstance(source, LiveSource):
        admin = bool(source.lab) and not isinstance(source.way(ADMIN_SHELL), Gap)
        hosts = {step.where for cause in verdict.causes for step in cause.remedy.steps}
        for host in hosts:
            way = source.way(host)
            if isinstance(way, Gap):
                unreachable[host] = f"{way.why} {way.how}".strip()
            elif host.split() != [host] and not source.lab:
                unreachable[host] = "No host was named for it: add --central HOST."
    return plan_of(verdict, allow=allowed, unreachable=unreachable, admin=admin)


def _prove(source: LiveSource, target: Target) -> Proof:
    from viftrail.facts.facts import Gap
    from viftrail.fix.proof import by_counters

    if source.lab:
        return _by_ping(source.lab, target)
    way = source.way(target.host)
    return by_counters(target, None if isinstance(way, Gap) else way)


def _by_ping(name: str, target: Target) -> Proof:
    """Real packets of the VM; guests ask for their lease again in their own time."""
    from viftrail.fix.proof import Proof
    from viftrail.lab.client import Lab
    from viftrail.lab.ping import ping
    from viftrail.verdict import Evidence

    lab = Lab.find(name)
    lab.refresh()
    end = time.monotonic() + _GREEN_WITHIN
    while not (pings := ping(lab, target.server)).ok and time.monotonic() < end:
        time.sleep(1)
    good = [path for path in pings.paths if path.ok]
    return Proof(
        ok=pings.ok,
        summary=f"{len(good)} of {len(pings.paths)} paths of {target.server} pass packets",
        evidence=tuple(
            Evidence(
                where=path.source,
                what=f"{path.path} to {path.target}",
                seen=f"{'ok' if path.ok else 'FAIL'}, {path.detail}",
                expected="an answer",
                command=f"viftrail lab ping --name {name} --vm {target.server}",
            )
            for path in pings.paths
        ),
    )


def _print(report: Fix, format_: str) -> None:
    from viftrail.report.fix import render, render_json

    deliver((render_json if format_ == "json" else render)(report), "")


def _leave(ctx: click.Context, report: Fix) -> None:
    """With the exit status that the ending has."""
    from viftrail.fix.session import Ending
    from viftrail.verdict import State

    if report.next and report.ending is Ending.REFUSED:
        raise NotAllowed(
            f"The next step was not run: {report.next.reason}.", "Nothing after it was tried."
        )
    if report.next and report.ending is Ending.TOLD:
        raise OperatorsTurn(
            f"The next step, on {report.next.step.where}, is yours to run.",
            "Run it, then run fix again.",
        )
    if report.ending is Ending.FAILED:
        raise StepFailed(
            f"A step on {report.done[-1].ran.where} failed.", "What was done is listed above."
        )
    if report.ending in (Ending.HEALTHY, Ending.MENDED):
        ctx.exit(0)
    last = report.after or report.before
    ctx.exit(2 if last.verdict.state is State.UNKNOWN else 1)
