"""A verdict as one HTML page: no script, no font, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from viftrail.verdict import Cause, Evidence, Finding, Moment, State, Verdict

STYLE = """
:root{--ok:#1a7f37;--broken:#cf222e;--degraded:#9a6700;--quiet:#6e7781;--line:#d0d7de;
--ink:#1f2328;--paper:#fff;--soft:#f6f8fa}
@media(prefers-color-scheme:dark){:root{--ok:#3fb950;--broken:#f85149;--degraded:#d29922;
--quiet:#8b949e;--line:#30363d;--ink:#e6edf3;--paper:#0d1117;--soft:#161b22}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);
max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
code,pre{font:13px/1.45 ui-monospace,monospace;background:var(--soft);border-radius:4px}
code{padding:.1em .3em;overflow-wrap:anywhere}pre{padding:.6rem;overflow-x:auto;margin:.3rem 0}
table{border-collapse:collapse;width:100%;font-size:.9rem}
td,th{border-top:1px solid var(--line);padding:.4rem .5rem;text-align:left;vertical-align:top}
.lead{font-size:1.1rem;margin:.3rem 0 0}.quiet{color:var(--quiet)}
.chain{list-style:none;margin:1rem 0;padding:0}
.chain li{position:relative;padding:.25rem 0 .6rem 2.2rem}
.chain li::before{content:"";position:absolute;left:.55rem;top:.55rem;width:.9rem;height:.9rem;
border-radius:50%;background:var(--c);border:2px solid var(--paper);box-shadow:0 0 0 2px var(--c);
z-index:1}
.chain li::after{content:"";position:absolute;left:1.05rem;top:1rem;bottom:-.7rem;width:2px;
background:var(--c)}
.chain li:last-child::after{display:none}
.chain b{color:var(--c)}
.ok,.healthy{--c:var(--ok)}.broken{--c:var(--broken)}.degraded{--c:var(--degraded)}
.unknown,.na,.consequence{--c:var(--quiet)}
.word{color:var(--c);text-transform:uppercase}
"""


def render(verdict: Verdict) -> str:
    """The page as text."""
    return "\n".join(_lines(verdict)) + "\n"


def _lines(verdict: Verdict) -> Iterator[str]:
    target, conclusion = verdict.target, verdict.verdict
    name = escape(verdict.heading)
    place = f" at {conclusion.stage}" if conclusion.stage else ""
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f"<title>{name}: {conclusion.state.value}{place}</title><style>{STYLE}</style></head>"
    yield f'<body><h1 class="{_class(conclusion.state)}">{name}: '
    yield f'<span class="word">{conclusion.state.value}</span>{place}</h1>'
    yield f'<p class="lead">{escape(conclusion.summary)}</p>'
    yield from (f"<p>{escape(aside)}</p>" for aside in verdict.asides)
    yield '<p class="quiet">'
    facts = (
        f"cause {conclusion.cause} ({conclusion.confidence})" if conclusion.cause else "",
        f"port {target.port}",
        " ".join((target.mac, *target.addresses)),
        f"floating {' '.join(target.floating_ips)}" if target.floating_ips else "",
        f"on {target.host}" if target.host else "",
        verdict.time,
        verdict.tool,
    )
    yield " · ".join(escape(fact) for fact in facts if fact.strip()) + "</p>"
    yield '<h2>Chain</h2><ol class="chain">'
    for finding in verdict.stages:
        yield _stage(finding)
    yield "</ol>"
    for cause in verdict.causes:
        yield from _cause(cause)
    if verdict.timeline:
        yield from _story(verdict.timeline)
    if verdict.ruled_out:
        yield "<h2>Ruled out</h2><ul>"
        for guess in verdict.ruled_out:
            yield f"<li><b>{escape(guess.guess)}</b>: {escape(guess.because)}</li>"
        yield "</ul>"
    if verdict.undecided:
        yield "<h2>Not decided</h2><ul>"
        for item in verdict.undecided:
            yield f"<li><b>{escape(item.guess)}</b>: {escape(item.why)}; on {escape(item.where)} it "
            yield f"shows in {escape(item.observation)}: <code>{escape(item.command)}</code></li>"
        yield "</ul>"
    if verdict.unknown:
        yield "<h2>Could not be looked at</h2><ul>"
        for gap in verdict.unknown:
            yield f"<li><b>{escape(gap.place)}</b>: {escape(gap.why)} {escape(gap.how)}</li>"
        yield "</ul>"
    yield "</body></html>"


def _stage(finding: Finding) -> str:
    return (
        f'<li class="{_class(finding.state)}"><b>{finding.id} {escape(finding.name)}</b> '
        f'<span class="word">{finding.state.value}</span><br>'
        f'<span class="quiet">{escape(finding.summary)}</span></li>'
    )


def _cause(cause: Cause) -> Iterator[str]:
    yield f"<h2>{cause.stage}: {escape(cause.title)} <code>{cause.id}</code></h2>"
    yield f"<p>{escape(cause.summary)}</p>"
    yield from _evidence(cause.evidence)
    if cause.remedy.steps:
        yield "<h2>Mend</h2><ol>"
        for step in cause.remedy.steps:
            yield f"<li>on {escape(step.where)} ({step.risk.value})<pre>{escape(step.command)}</pre>"
            yield f"undo: <code>{escape(step.undo)}</code><br>"
            lacks = f"<br>lacks: {escape(step.lacks)}" if step.lacks else ""
            yield f"verify: <code>{escape(step.verify)}</code>{lacks}</li>"
        yield "</ol>"
    if cause.remedy.note:
        yield f"<p>{escape(cause.remedy.note)}</p>"


def _story(timeline: Iterable[Moment]) -> Iterator[str]:
    yield "<h2>What happened</h2><table><tr><th>UTC</th><th>where</th><th>what</th></tr>"
    for moment in timeline:
        means = f"<br><b>{escape(moment.means)}</b>" if moment.means else ""
        source = f' title="{escape(moment.source)}"' if moment.source else ""
        yield f"<tr{source}><td><code>{escape(moment.time)}</code></td>"
        yield f"<td>{escape(moment.where)}</td><td>{escape(moment.what)}{means}</td></tr>"
    yield "</table>"


def _evidence(evidence: Iterable[Evidence]) -> Iterator[str]:
    yield "<table><tr><th>where</th><th>what</th><th>seen</th><th>expected</th></tr>"
    for item in evidence:
        cells = "".join(
            f"<td>{escape(cell)}</td>" for cell in (item.where, item.what, item.seen, item.expected)
        )
        yield f"<tr>{cells}</tr>"
        if item.command:
            yield f'<tr><td colspan="4"><code>{escape(item.command)}</code></td></tr>'
    yield "</table>"


def _class(state: State) -> str:
    return "na" if state is State.NOT_APPLICABLE else state.value
