r"""How secrets are told in commands, headers, statements and XML: not by ``name = value``.

Each is a regex of two groups: what stays, and the secret after it. They are compiled when they are
first needed, as who only reads a bundle needs none. Commands are found as a shell is given them
(``mysql -pX``) and as Python and JSON print their lists (``['mysql', '-pX']``: Ansible's tasks,
oslo.concurrency's errors).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial

_compiled = cache(re.compile)
Lazy = Callable[[], re.Pattern[str]]


def lazily(regex: str, flags: int = 0) -> Lazy:
    """A regex that is compiled when it is first needed."""
    return partial(_compiled, regex, flags)


PASSWORD, TOKEN, SECRET = "password", "token", "secret"

_NEXT = r"""(?:[ \t]{1,4}|\\{0,8}["'],\s{0,4}[bur]{0,2}(?=\\{0,8}["']))"""
"""Between two words of a command; what ends the one word of a list and begins another."""

_QUOTED = r"""\\{1,8}"[^"\n]*"?|\\{1,8}'[^'\n]*'?|"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?"""
_WORD = rf"""((?!\\{{0,8}}["']?<redacted:)(?:{_QUOTED}|[^\s"']\S*))"""
_ATTACHED = (
    r"""((?!<redacted:)(?:(?<='-p)[^'\\\n][^'\n]*|(?<="-p)[^"\\\n][^"\n]*"""
    rf"""|(?<![\"']-p)(?:{_QUOTED}|[^\s"']\S*)))"""
)
"""The rest of a word that began with -p: up to the quote that the word began with."""

_UUID = r"[0-9a-f]{8}-[0-9a-f-]{27}"


def _command(names: str, flag: str, value: str = _WORD) -> Lazy:
    """A flag of one of these programs, within the same line."""
    return lazily(rf"""(\b(?:{names})[\s"'\\](?:[^\n]{{0,300}}?[\s"'])?(?:{flag})){value}""")


PHRASES: tuple[tuple[str, Lazy], ...] = (
    (
        SECRET,
        lazily(rf"""(\bsecret-set-value\b[^\n]{{0,200}}?--base64(?:=|{_NEXT})){_WORD}"""),
    ),
    (
        SECRET,
        lazily(
            rf"""(\bsecret-set-value{_NEXT}(?:\\{{0,8}}["']?--secret(?:=|{_NEXT}))?"""
            rf"""\\{{0,8}}["']?{_UUID}{_NEXT})(?!\\{{0,8}}["']?--){_WORD}"""
        ),
    ),
    (
        PASSWORD,
        lazily(
            r"""((?:^|[\s"'])(?<!secret-set-value )(?<!secret-get-value )(?<!secret-undefine )"""
            r"""--?[a-z-]{0,40}(?:pass(?:word|wd|phrase)?|token|secret|psk)"""
            rf"""{_NEXT})(?![-=:]){_WORD}""",
            re.IGNORECASE,
        ),
    ),
    (TOKEN, lazily(r"(\bbearer\s{1,4})([\w.~+/-]{8,}=*)", re.IGNORECASE)),
    (
        PASSWORD,
        lazily(
            r"""(\bidentified\s{1,4}(?:with\s{1,4}\S{1,64}\s{1,4})?(?:by|as)\s{1,4}"""
            r"""(?:password\s{1,4})?)('[^']*'?|"[^"]*"?)""",
            re.IGNORECASE,
        ),
    ),
    (
        PASSWORD,
        lazily(
            r"""(\bset\s{1,4}password\b[^\n=]{0,120}=\s{0,4})('[^']*'?|"[^"]*"?)""", re.IGNORECASE
        ),
    ),
    (PASSWORD, lazily(rf"(\s-pass(?:in|out)?\s{{1,4}}pass:){_WORD}")),
    (PASSWORD, _command(r"(?:mysql|mariadb|mariabackup)[\w-]{0,16}", "-p", _ATTACHED)),
    (PASSWORD, _command("sshpass", "-p", _ATTACHED)),
    (PASSWORD, _command("sshpass", f"-p{_NEXT}")),
    (PASSWORD, _command("ipmitool", f"-P{_NEXT}")),
    (
        PASSWORD,
        _command(rf"""(?:docker|podman|skopeo|buildah){_NEXT}\\{{0,8}}["']?login""", f"-p{_NEXT}"),
    ),
    (PASSWORD, _command("mysqladmin", rf"""password{_NEXT}""")),
    (PASSWORD, _command("redis-cli", f"-a{_NEXT}")),
    (PASSWORD, _command("ldap(?:search|whoami|modify|add|delete)", f"-w{_NEXT}")),
    (
        PASSWORD,
        _command(
            "curl",
            rf"(?:-[uU](?:{_NEXT})?|--(?:proxy-)?user(?:=|{_NEXT}))"
            r"""(?=\\{0,8}["']?[^\s"':]{0,64}:(?!//))""",
        ),
    ),
    (
        PASSWORD,
        lazily(
            rf"""(\b(?:add_user|change_password|authenticate_user){_NEXT}"""
            rf"""\\{{0,8}}["']?[^\s"',:]{{1,64}}{_NEXT}){_WORD}"""
        ),
    ),
    # What keepalived, redis and haproxy are told; BIND, and with it Designate.
    (
        PASSWORD,
        lazily(
            r"((?:^|[\s{;])(?:\w{0,20}auth_pass|requirepass|masterauth|bind_?pw)"
            r"[ \t]{1,8}(?![=:\s]))" + _WORD
        ),
    ),
    (PASSWORD, lazily(r"(\bstats\s{1,4}auth\s{1,4}[^\s:]{1,64}:)(?!<redacted:)(\S+)")),
    (SECRET, lazily(r'((?:^|[\s{;])secret[ \t]{1,8})("[^"\n]+")(?=\s{0,4};)')),
    # ipsec.secrets(5), and who logs in to Keystone by a token.
    (SECRET, lazily(r'(\bPSK[ \t]{1,8})("[^"\n]+")')),
    (
        TOKEN,
        lazily(
            r"""(\btoken\\{0,8}["']\s{0,4}:\s{0,4}\{\s{0,4}"""
            r"""\\{0,8}["']id\\{0,8}["']\s{0,4}:\s{0,4}[bu]?\\{0,8}["'])(?!<redacted:)([^"'\\]+)"""
        ),
    ),
    # libvirt and QEMU.
    (
        SECRET,
        lazily(
            r"(<secret\b[^<>]{0,400}(?<!/)>(?:(?!</?secret\b|<value\b).){0,2000}"
            r"<value\b[^<>]{0,200}>)"
            r"(?!<redacted:)([^<>]+)",
            re.DOTALL,
        ),
    ),
    (SECRET, lazily(r"""(\brbd:\S{0,400}?:key=)(?!<redacted:)([^\s:"',]+)""")),
    (SECRET, lazily(r"""(\bsecret,\S{0,200}?\bdata=)(?!<redacted:)([^\s"',]+)""")),
    (
        SECRET,
        lazily(
            r"""(qom-type\\{0,8}"\s{0,4}:\s{0,4}\\{0,8}"secret\\{0,8}"[^{}\n]{0,400}?"""
            r"""["\\]data\\{0,8}"\s{0,4}:\s{0,4}\\{0,8}")(?!<redacted:)([^"\\]+)"""
        ),
    ),
    # What Barbican is handed to keep.
    (
        SECRET,
        lazily(
            r"""(["']payload\\{0,8}["']\s{0,4}:\s{0,4}[bu]?)"""
            rf"""(?!\\{{0,8}}["']<redacted:)({_QUOTED})"""
            r"""(?=[^\n]{0,400}payload_content_)"""
        ),
    ),
    (
        PASSWORD,
        lazily(
            r"(<\w{0,40}(?:password|passwd|secret|token|passphrase)\b[^<>]{0,200}>)([^<>]+)",
            re.IGNORECASE,
        ),
    ),
)

_HEADER = lazily(
    r"""(?P<outer>\\{0,8}["'])?(?<![a-z])
        (?:authorization(?P<after>\\{0,8}["'])?\s{0,4}[:=]\s{0,4}(?:[bu]?(?P<quote>\\{0,8}["']))?
        |cookie2?(?P<after2>\\{0,8}["'])?\s{0,4}:\s{0,4}(?:[bu]?(?P<quote2>\\{0,8}["']))?
         (?=[\w.$-]{1,64}=))""",
    re.IGNORECASE | re.VERBOSE,
)
"""OpenFlow has cookies too: ``cookie=0x5``. Those of HTTP have a name and a value."""

_LINE = lazily(r"[^\n\r]*")


def headers(text: str) -> list[tuple[int, int]]:
    """Where the values of Authorization and Cookie stand: to the end of the line or the quote.

    They have parts with blanks between, of which any may be the secret (RFC 7616, RFC 6265).
    """
    found, at = [], 0
    while header := _HEADER().search(text, at):
        inner = header["quote"] or header["quote2"]
        around = None if header["after"] or header["after2"] else header["outer"]
        at = header.end()
        line = _LINE().match(text, at)
        limit = line.end() if line else at
        if inner:
            limit = end_of_quoted(text, at, inner)
        elif around:
            limit = min(limit, end_of_quoted(text, at, around))
        found.append((at, limit))
        at = limit
    return found


def end_of_quoted(text: str, at: int, quote: str) -> int:
    """Where the quote ends that began before this; the end of the text where it does not."""
    while at < len(text) and not text.startswith(quote, at):
        at += 2 if text[at] == "\\" and len(quote) == 1 else 1
    return min(at, len(text))
