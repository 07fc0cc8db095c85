"""What must not leave a cloud with a bundle, and how it is taken out.

Everything that goes into a bundle is text in the end, whoever wrote it: a log line, a command
line, a column that an administrator filled, a fault's traceback. So there is one place where
text is looked at, and nothing gets past it. What is secret is known by how it is written:

- by its name, in a map (``{"password": …}``) or in a text (``rabbit_password = …``,
  ``"adminPass": "…"``, ``--os-password …``, ``X-Auth-Token: …``);
- as a part of an address (``rabbit://nova:…@host``, ``mysql+pymysql://…``; oslo.messaging and
  SQLAlchemy write them like that);
- by the command, header or statement that it stands in (`viftrail.facts.phrases`);
- by its own shape: Fernet tokens (cryptography.io, ``gAAAA…``), JSON Web Tokens (RFC 7519),
  private keys (RFC 7468), CephX keys, crypt(5) hashes, and user data of cloud-init and Ignition.

Each leaves a mark that says what was there, so that whoever reads the bundle can tell a secret
from an empty value, and so that the marks can be counted. Ids, MACs, addresses, names and the
paths of key files stay: diagnosis needs them, and they are no secrets.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from typing import Any

import msgspec

from viftrail.facts.phrases import PASSWORD, PHRASES, SECRET, TOKEN, Lazy, end_of_quoted, headers
from viftrail.facts.phrases import lazily as _lazily

KEY, HASH, USER_DATA = "private-key", "password-hash", "user-data"

_WORDS = (
    (
        PASSWORD,
        (
            r"pass(?:word|wd|phrase|code)(?:_\d)?|pwd|pswd|credentials|(?:bind_?|(?<![a-z]))pw"
            r"|password_all_group_samples|wsrep_sst_auth|requirepass|masterauth"
        ),
    ),
    (
        PASSWORD,
        (
            r"(?:(?:admin|user|db|root|become|sudo|auth|new)_?|(?<![a-z]))"
            r"pass(?=\\*[\"']?\s{0,2}(?:[=:]|%(?:25)?3[ad])|$)"
        ),
    ),
    (TOKEN, r"token(?:[_-]?id)?|x-auth-key"),
    (
        SECRET,
        (
            r"secret(?:[_-]?key[_-]?base)?|approle_secret_id|psk|(?<![a-z])kek"
            r"|(?:secret|api|access|encryption|fernet|heartbeat|fixed|auth|memcached?|crypto|rndc)"
            r"[_-]?key|instance-id-signature"
            r"|hmac[_-]?keys?|bcrypt_salt|hash_path_(?:suffix|prefix)|snmp_community"
        ),
    ),
    (KEY, r"private[_-]?key"),
    (USER_DATA, r"user[_-]?data"),
)
"""How the name of a secret ends. ``token_expiration`` and ``secret_uuid`` end otherwise, and
are none."""

_NAMED = "|".join(f"(?P<k{n}>{words})" for n, (_, words) in enumerate(_WORDS))
_NAME = _lazily(rf".*(?:{_NAMED})", re.IGNORECASE | re.DOTALL)
_MARKED = _lazily(r"<redacted:([a-z-]+)>")
_NOTHING = _lazily(
    r"\s*(?:\*+|<(?:redacted:[a-z-]+|sanitized|hidden|masked)>|none|null|true|false|undefined)?"
    r"""[\s,;.)\]}"'\\]*""",
    re.IGNORECASE,
)
"""What is empty, or was masked by who wrote it (oslo_utils.strutils.mask_password)."""

_PLACE = _lazily(
    r"\s*(?:db:|(?:file:(?://)?)?~?\.{0,2}/(?=[^\s=]{0,40}(?:\s|$)|[^\s=]*[._-])[^\s=]*(?:\s|$))"
)
"""Where a key is, and not the key: that may begin with a / too, and is long, without a dot, and
fills up with = (RFC 4648)."""

_ASSIGNED = _lazily(
    rf"""(?:{_NAMED})
        (?:(?P<key>\\*["'])|%(?:25)?22)? [ \t]{{0,8}} (?:=>|:=|=|:|%(?:25)?3[ad]) [ \t]{{0,8}}
        (?:[bur]{{0,2}}(?P<quote>\\*["']))?""",
    re.IGNORECASE | re.VERBOSE,
)
"""A name, in quotes or not, and what stands before its value; a quote in a quoted text is
escaped, and in a URL within another (Nova's of a console) the sign between them is too."""

_BARE = _lazily(r"\S+")
_LITERAL = _lazily(r"""[^\s"',(){}\[\]]*""")
"""What stands without quotes where its name has some: a number or null, or an object begins."""
_QUOTE_ENDS = _lazily(r"""\\{0,8}(["'])(?=[\s,:;)\]}>"'\\]|$)""")
_NEAR = 4000
"""Characters of a line that are looked at for what it quotes."""

_LINE = _lazily(r"[^\n\r]*")
_BEGINS_LINE = _lazily(r"""(?:^|.*[\n\r])[ \t]*(?:-[ \t])?[\w."'-]*""", re.DOTALL)

_URL = _lazily(r"""\b([a-z][a-z0-9+.-]{1,40}://)([^\s"'<>\\]{1,512}@)""", re.IGNORECASE)
_PLAIN_USER = _lazily(r"[\w.~%-]{1,64}")
_NEXT_HOST = _lazily(r"((?:\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{1,5})?,)([^:]{1,64}):.*", re.DOTALL)

_SHAPES: tuple[tuple[str, Lazy], ...] = (
    (
        KEY,
        _lazily(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:(?!-----END ).)*(?:-----END [A-Z0-9 ]{0,40}-----)?",
            re.DOTALL,
        ),
    ),
    (
        USER_DATA,
        _lazily(
            r"\#cloud-config\b.*|\bContent-Type:\s*multipart/mixed;\s*boundary=.*"
            r"|\{\s*\\*\"ignition\\*\"\s*:.*"
            r"|\b(?:I2Nsb3VkLWNvbmZpZ|IyEvYmlu|IyEvdXNy|Q29udGVudC1UeXBlOiBtdWx0aXBhcn"
            r"|eyJpZ25pdGlvbi)[A-Za-z0-9+/=\s\\]*",
            re.DOTALL,
        ),
    ),
    (TOKEN, _lazily(r"\bgAAAA[\w-]{20,}={0,2}")),
    (TOKEN, _lazily(r"\beyJ[\w-]{6,}(?:\.[\w-]*){2,4}")),
    (SECRET, _lazily(r"\bAQ[A-Za-z0-9+/]{36}==")),
    (HASH, _lazily(r"\$(?:1|2[aby]|5|6|y|7|gy)\$[^\s:\"'<]{16,}")),
)
_KEY_END = _lazily(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_NO_KEY = _lazily(r"[^A-Za-z0-9+/=\\\s]")
_FERNET_KEY = _lazily(r"(?<![\w+/-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{43}=(?![\w=])")
"""32 bytes in base64; too much is written like that, so that it is one beside the word only."""

_HINTS = tuple(
    word.encode()
    for word in (
        *("pass", "pwd", "secret", "token", "psk", "private_key", "private-key", "privatekey"),
        *("auth-key", "api_key", "api-key", "apikey", "access_key", "access-key", "accesskey"),
        *("encryption", "fernet", "credential", "signature", "authorization", "bearer"),
        *("user_data", "user-data", "userdata", "cloud-config", "multipart", "identified"),
        *("://", "-----", "gaaaa", "eyj", "aq", "i2nsb3vk", "iyev", "q29udgvu", "redacted"),
        *("heartbeat", "kek", "fixed_key", "fixed-key", "fixedkey", "hmac", "memcache", "pswd"),
        *("auth_key", "authkey", "crypto_key", "rndc_key", "rndc-key", "wsrep_sst_auth", "_pw"),
        *("bindpw", "pw=", "pw:", "pw'", 'pw"', "masterauth", "stats auth", "snmp_community"),
        *("hash_path", "_salt", "cookie:", "cookie'", 'cookie"', "cookie\\", "cookie2", "ignition"),
        *(
            "curl",
            "ipmitool",
            "redis-cli",
            "ldap",
            " login",
            "login'",
            'login"',
            "add_user",
            "authenticate_user",
            "rbd:",
        ),
        *("payload_content", "mariadb", "mariabackup", "$1$"),
        *("mysql", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$7$", "$y$", "$gy$"),
    )
)
"""In small letters: what holds none of these holds no secret that is known here."""


class Redaction(msgspec.Struct, frozen=True, kw_only=True):
    """How many secrets of a kind were taken out of a place."""

    kind: str
    place: str
    count: int


def mark(kind: str) -> str:
    """What is left of a secret."""
    return f"<redacted:{kind}>"


def may_hold(content: bytes) -> bool:
    """False where a look at every text in it would find nothing; much faster than that look."""
    small = content.lower()
    return any(hint in small for hint in _HINTS)


def hidden(text: str) -> str:
    """The text with a mark in place of each secret; the same text where there is none."""
    if len(text) < 5 or not may_hold(text.encode("utf-8", "replace")):
        return text
    for kind, shape in _SHAPES:
        text = shape().sub(mark(kind), text)
    text = _without_key_ends(text)
    text = _URL().sub(_without_credentials, text)
    if "fernet" in text.lower():
        text = _FERNET_KEY().sub(mark(SECRET), text)
    text = _without_headers(text)
    for kind, phrase in PHRASES:
        text = phrase().sub(partial(_kept, kind), text)
    return _without_assigned(text)


def kind_of(name: str) -> str:
    """What a value of this name is, if it is a secret; empty: it is none."""
    found = _NAME().fullmatch(name)
    return _kind(found) if found else ""


def _kind(found: re.Match[str]) -> str:
    return next(kind for n, (kind, _) in enumerate(_WORDS) if found[f"k{n}"] is not None)


def _is_secret(value: str, kind: str) -> bool:
    """False of what is empty, masked, or only the path of a key."""
    return not (_NOTHING().fullmatch(value) or (kind == KEY and _PLACE().match(value)))


def _kept(kind: str, found: re.Match[str]) -> str:
    head, value = found[1], found[2]
    return head + (mark(kind) if _is_secret(value, kind) else value)


def _without_key_ends(text: str) -> str:
    """Without what is left of a key whose beginning was cut off."""
    made, done = [], 0
    for found in _KEY_END().finditer(text):
        others = _NO_KEY().finditer(text, done, found.start())
        start = max((other.end() for other in others), default=done)
        made += [text[done:start], mark(KEY)]
        done = found.end()
    return "".join((*made, text[done:]))


def _without_credentials(found: re.Match[str]) -> str:
    """``scheme://user:password@``, also of several hosts with commas between (oslo.messaging).

    A password may hold an @ that nobody quoted: all up to the last one is taken.
    """
    scheme, info = found[1], found[2]
    first, *others = info.split("@")[:-1]
    user, colon, value = first.partition(":")
    if not others and not colon and "ssh" in scheme.lower():
        return found[0]  # a name to log in by, and no password
    if not others and colon and _NOTHING().fullmatch(value):
        return found[0]
    made = f"{scheme}{user if colon and _PLAIN_USER().fullmatch(user) else ''}:{mark(PASSWORD)}@"
    for other in others:
        following = _NEXT_HOST().fullmatch(other)
        if following:
            made += f"{following[1]}{following[2]}:{mark(PASSWORD)}@"
    return made


def _without_headers(text: str) -> str:
    made, done = [], 0
    for start, end in headers(text):
        value = text[start:end]
        made += [text[done:start], mark(TOKEN) if _is_secret(value, TOKEN) else value]
        done = end
    return "".join((*made, text[done:]))


def _without_assigned(text: str) -> str:
    made, at = [], 0
    while found := _ASSIGNED().search(text, at):
        start, end = found.end(), _end_of_value(text, found)
        kind, value = _kind(found), text[found.end() : end]
        made += [text[at:start], mark(kind) if _is_secret(value, kind) else value]
        at = end
    return "".join((*made, text[at:]))


def _end_of_value(text: str, found: re.Match[str]) -> int:
    """Where the value ends that begins where this name ended."""
    start, quote = found.end(), found["quote"]
    if quote:
        return end_of_quoted(text, start, quote)
    if _kind(found) == USER_DATA:
        return len(text)
    # A setting has its line to itself, and may hold blanks; what stands in a sentence may not.
    if " = " in found[0] or (
        found[0].endswith(" ")
        and _BEGINS_LINE().fullmatch(text, max(0, start - 200), found.start())
    ):
        whole = _LINE().match(text, start)
        return whole.end() if whole else start
    bare = (_LITERAL if found["key"] else _BARE)().match(text, start)
    end = bare.end() if bare else start
    line = text[max(text.rfind("\n", 0, start) + 1, start - _NEAR) : start]
    # A quote belongs to the value, unless it ends what was quoted before the value began.
    for closing in _QUOTE_ENDS().finditer(text, start, end):
        if line.count(closing[1]) % 2:
            return closing.start()
    while end > start and text[end - 1] in ",)]}":
        end -= 1
    return end


def cleaned(text: str, kind: str = "") -> str:
    """A value without its secrets; with a kind, because of its name, it is one as a whole."""
    return mark(kind) if kind and _is_secret(text, kind) else hidden(text)


class Redactor:
    """Takes secrets out of everything that is handed to it, and counts them by kind and place."""

    def __init__(self) -> None:
        self._found: Counter[tuple[str, str]] = Counter()

    @property
    def report(self) -> tuple[Redaction, ...]:
        """What was taken out, by whomever: marks of an earlier run are counted too."""
        return tuple(
            Redaction(kind=kind, place=place, count=count)
            for (place, kind), count in sorted(self._found.items())
        )

    def tree(self, value: Any, place: str, kind: str = "") -> Any:
        """A value of JSON without its secrets.

        Args:
            value: what msgspec.to_builtins makes of anything.
            place: where it is; names of members are added to it, numbers of items are not.
            kind: what every text in it is, because of the name that it has.
        """
        if isinstance(value, str):
            return self._text(value, place, kind)
        if isinstance(value, dict):
            return {
                (shown := self._text(name, place, "")): self.tree(
                    each, f"{place}.{shown}", kind_of(name) or kind
                )
                for name, each in value.items()
            }
        if isinstance(value, list | tuple):
            if len(value) == 2 and value[0] == "map" and isinstance(value[1], list | tuple):
                # As OVSDB writes it (RFC 7047 section 5.1).
                return ["map", [self._pair(each, place, kind) for each in value[1]]]
            return [self.tree(each, place, kind) for each in value]
        return value

    def _pair(self, pair: Any, place: str, kind: str) -> Any:
        if not (isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str)):
            return self.tree(pair, place, kind)
        name, value = pair
        shown = self._text(name, place, "")
        return [shown, self.tree(value, f"{place}.{shown}", kind_of(name) or kind)]

    def _text(self, text: str, place: str, kind: str) -> str:
        made = cleaned(text, kind)
        if "<redacted:" in made:
            self._found.update((place, each) for each in _MARKED().findall(made))
        return made
