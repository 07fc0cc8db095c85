"""What `viftrail doctor` found, for people and machines."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

import msgspec
from click import style

from viftrail.facts.checkup import Checkup, Database, Seen
from viftrail.facts.grant import Need

WIDTH = 80
LABEL = 14
SHOWN = 4
"""Of several of a kind, how many are named."""
MANY = 8
"""Hosts beyond which those that say the same share a line."""
_ADDRESS = re.compile(r"\b\d+\.\d+\.\d+\.\d+\b")


def as_json(checkup: Checkup, missing: tuple[Need, ...]) -> str:
    """Indented JSON with a final newline (docs/places.md)."""
    whole = {
        **msgspec.to_builtins(checkup),
        "databases": [
            {**msgspec.to_builtins(each), "reached": each.reached} for each in checkup.databases
        ],
        "missing": msgspec.to_builtins(missing),
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"


def as_text(checkup: Checkup, missing: tuple[Need, ...]) -> str:
    """One screen: found, reached, missing, and what to do next."""
    return "\n".join(_lines(checkup, missing)) + "\n"


def _lines(checkup: Checkup, missing: tuple[Need, ...]) -> Iterator[str]:
    where = f"lab {checkup.lab}" if checkup.lab else checkup.here.name if checkup.here else ""
    yield f"{checkup.tool}, {where}"
    if checkup.here:
        yield from _title("Found on this host")
        yield from _found(checkup.here)
    yield from _title("Reached")
    for database in checkup.databases:
        yield from _database(database)
    yield from _openstack(checkup)
    yield from _inventory(checkup)
    yield from _hosts(checkup)
    if missing:
        yield from _title("Missing")
        for need in _grouped(missing):
            mark, colour = ("!", "red") if need.grave else ("-", "yellow")
            lines = _wrap(f"{need.feature}: {need.why}", f"  {mark} ", "    ")
            yield from _painted(lines, mark, colour)
            if need.do:
                yield from _wrap(need.do, "    > ", "      ")
    yield ""
    ready = not any(need.grave for need in missing)
    yield (
        "Ready: viftrail why SERVER, viftrail audit."
        if ready
        else "Not ready: what is marked with ! comes first."
    )


def _title(text: str) -> Iterator[str]:
    yield ""
    yield style(text, bold=True)


def _found(host: Seen) -> Iterator[str]:
    places = host.places
    rows = [
        (
            "deployed by",
            _several(places.deployers or (("packages, or by hand",) * bool(places.ovs_run))),
        ),
        ("Open vSwitch", _daemons(host, "ov", places.ovs_run)),
        ("OVN", _daemons(host, "ovn", places.ovn_run)),
        (
            "containers",
            _several(f"{each.name} ({each.kind})" for each in places.containers),
        ),
        (
            "databases",
            _several(path for paths in places.databases.values() for path in paths),
        ),
        ("logs", _several(places.logs)),
    ]
    told = [(label, text) for label, text in rows if text]
    for label, text in told:
        yield from _row(label, "", "", text)
    if not told:
        yield from _row("OVN", "", "", "none: neither a run folder, a database nor a log of it")


def _daemons(host: Seen, prefix: str, folders: Iterable[str]) -> str:
    """The daemons with their versions and states, and where their sockets are."""
    ovn = prefix == "ovn"
    names = [name for name in host.daemons if name.startswith("ovn") == ovn]
    told = []
    for name in names:
        version, state = host.versions.get(name, ""), host.daemons[name]
        told.append(" ".join(filter(None, (name, version, "" if state == "runs" else state))))
    folder = next(iter(folders), "")
    return "; ".join(filter(None, (", ".join(told), folder)))


def _database(database: Database) -> Iterator[str]:
    label = database.name.removeprefix("OVN_")
    if not database.address:
        yield from _row(label, "not known", "red", "")
        return
    origin = f"{'guessed: ' if database.guessed else 'from '}{_source(database)}"
    if not database.reached:
        yield from _row(label, "no answer", "red", f"from {database.address}")
        yield from _row("", "", "", origin)
        return
    role = {"clustered": "leader" if database.leader else "follower"}.get(
        database.model, database.model
    )
    version = f"OVN {database.version}" if database.version else ""
    schema = f"schema {database.schema}"
    facts = ", ".join(filter(None, (role, f"{database.milliseconds:g} ms", version, schema)))
    state = ("stale", "yellow") if database.stale else ("ok", "green")
    yield from _row(label, *state, facts)
    yield from _row("", "", "", f"at {database.endpoint}, {origin}")
    if database.members:
        told = (f"{each.address} {each.role or 'silent'}" for each in database.members)
        yield from _row("", "", "", f"members: {', '.join(told)}")


def _source(database: Database) -> str:
    source = database.source.removeprefix("guessed from ")
    return f"{source}; TLS files: {database.tls}" if database.tls not in ("", source) else source


def _openstack(checkup: Checkup) -> Iterator[str]:
    cloud = checkup.openstack
    if cloud is None:
        return
    if not cloud.answers:
        yield from _row("OpenStack", "no answer", "red", f"from {cloud.name}")
        return
    rights = "no admin's rights" if cloud.computes is None else f"{cloud.computes} services of Nova"
    yield from _row("OpenStack", "ok", "green", f"{cloud.name}, {rights}")


def _inventory(checkup: Checkup) -> Iterator[str]:
    listed = checkup.inventory
    if listed is None:
        return
    if listed.why:
        yield from _row("inventory", "not read", "red", listed.name)
        return
    of = f", with {listed.chassis} of {len(checkup.chassis)} chassis" if checkup.chassis else ""
    yield from _row("inventory", "ok", "green", f"{listed.name}: {listed.hosts} hosts{of}")


def _grouped(missing: Iterable[Need]) -> Iterator[Need]:
    """The same with all hosts that lack the same for the same reason as one."""
    alike: dict[Need, list[Need]] = {}
    for need in missing:
        alike.setdefault(_without_name(need) if need.host else need, []).append(need)
    for common, needs in alike.items():
        if len(needs) == 1 or not needs[0].host:
            yield needs[0]
        else:
            names = _several(need.host for need in needs)
            yield msgspec.structs.replace(common, feature=f"{len(needs)} hosts ({names})")


def _without_name(need: Need) -> Need:
    """What a host lacks as another would say it."""
    name = re.compile(rf"(?<![\w.-]){re.escape(need.host)}(?![\w-]|\.\w)")
    why, do = (_ADDRESS.sub("ADDRESS", name.sub("NAME", each)) for each in (need.why, need.do))
    return msgspec.structs.replace(need, feature="hosts", why=why, do=do, host="")


def _hosts(checkup: Checkup) -> Iterator[str]:
    many = len(checkup.hosts) > MANY
    alike: dict[tuple[str, ...], list[str]] = {}
    for host in checkup.hosts:
        own = "" if many else host.name
        alike.setdefault((*_seen(host), own), []).append(host.name)
    for (state, colour, said, _), names in alike.items():
        if len(names) == 1:
            yield from _row(names[0], state, colour, said)
        else:
            told = "; ".join(filter(None, (said, _several(names))))
            yield from _row(f"{len(names)} hosts", state, colour, told)
    if checkup.left_out:
        yield from _row("hosts", "", "", checkup.left_out)
        return
    rest = len(set(checkup.chassis) - {host.name for host in checkup.hosts})
    if rest:
        yield from _row("hosts", "", "", f"{rest} not visited (--host NAME or --all-hosts does)")


def _seen(host: Seen) -> tuple[str, str, str]:
    """Whether a host was seen, the colour of that, and what is to be said of it."""
    if host.why:
        return "not seen", "red", ""
    who = "root" if host.euid == 0 else f"uid {host.euid}"
    told = [f"{name} {version}" for name, version in host.versions.items()]
    return "ok", "green", f"as {who}: {_several(told) or 'no OVN daemon'}"


def _several(names: Iterable[str]) -> str:
    every = list(names)
    more = len(every) - SHOWN
    return ", ".join(every[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _row(label: str, state: str, colour: str, text: str) -> Iterator[str]:
    told = f"{state} {text}".strip()
    lines = _wrap(told, f"  {label:<{LABEL}} ", " " * (LABEL + 3)) if told else []
    yield from _painted(lines, state, colour)


def _painted(lines: list[str], word: str, colour: str) -> list[str]:
    """A word of the first line in a colour, which takes no room on the screen."""
    if not word or not lines:
        return lines
    return [lines[0].replace(f" {word}", f" {style(word, fg=colour)}", 1), *lines[1:]]


def _wrap(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
