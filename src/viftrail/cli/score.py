"""``viftrail lab score``: how often it finds the cause, measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from viftrail.cli.output import deliver, format_option, output_option
from viftrail.errors import UsageError

if TYPE_CHECKING:
    from viftrail.score.tally import Round


@click.command()
@click.option(
    "--fault", "faults", multiple=True, metavar="ID", help="Only this fault; may be repeated."
)
@click.option("--pairs", is_flag=True, help="Two faults of different stages at once.")
@click.option("--openstack", is_flag=True, help="The faults that take an OpenStack, in one lab.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 16),
    default=2,
    show_default=True,
    metavar="N",
    help="Labs at a time.",
)
@format_option(("text", "json", "markdown"), "How to print it.")
@output_option
@click.option("-v", "--verbose", is_flag=True, help="Tell of each round on standard error.")
@click.pass_context
def score(
    ctx: click.Context,
    faults: tuple[str, ...],
    pairs: bool,
    openstack: bool,
    jobs: int,
    format_: str,
    output: str,
    verbose: bool,
) -> None:
    """Provoke every fault in a fresh lab, diagnose it, mend it, and count.

    Each round brings a lab up, breaks it for vm1, asks `viftrail why` of every
    VM, mends with `viftrail fix --apply` and proves it with packets. With
    --fault given twice and --pairs, these two at once.

    Exit status: 0 if the goals are met, 1 if not.
    """
    from viftrail.faults.catalogue import fault
    from viftrail.lab.client import require_root
    from viftrail.lab.provoke import all_provocations
    from viftrail.score import board, table

    for each in faults:
        fault(each)
        if each not in all_provocations():
            raise UsageError(f"The lab cannot provoke {each}.", f"viftrail faults {each} says why.")
    apart = [each for each in faults if all_provocations()[each].needs.openstack is not openstack]
    if apart:
        raise UsageError(
            f"{apart[0]} {'does not take' if openstack else 'takes'} an OpenStack.",
            "Leave --openstack out." if openstack else "Add --openstack.",
        )
    if openstack and pairs:
        raise UsageError("--openstack and --pairs exclude each other.", "Leave one of them out.")
    if pairs and faults and len(set(faults)) != 2:
        raise UsageError("A pair is two faults.", "Give --fault twice, or not at all.")
    if pairs and frozenset(faults) in board.IMPOSSIBLE:
        raise UsageError(
            f"{' and '.join(faults)} cannot be provoked together.",
            f"The reason: {board.IMPOSSIBLE[frozenset(faults)]}.",
        )
    if pairs:
        wanted = (faults,) if faults else board.pairs()
    else:
        wanted = tuple((each,) for each in dict.fromkeys(faults)) or board.singles()

    require_root()

    def tell(played: Round) -> None:
        if verbose:
            word = "" if played.rank == 1 and played.first_stage else "  WRONG"
            click.echo(f"{played.name}: {played.seconds:.2f} s{word}", err=True)

    if openstack:
        from viftrail.score.openstack import openstack_score

        found = openstack_score(faults, tell)
    else:
        found = board.score(wanted, jobs, tell)
    render = {"text": table.as_text, "json": table.as_json, "markdown": table.as_markdown}
    deliver(render[format_](found), output)
    ctx.exit(0 if found.reached else 1)
