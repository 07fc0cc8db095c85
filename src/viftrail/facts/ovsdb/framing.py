"""Where one JSON-RPC message ends and the next begins.

OVSDB sends JSON objects back to back with no length and no separator (RFC 7047
section 4, JSON-RPC 1.0 over a stream), so the end has to be found in the JSON
itself. A bulk reply is tens of megabytes: each byte is looked at a fixed
number of times, by C code, however the network cuts the stream up. Of a large
message the end is first tried where it looks like the end of a reply; only
when that was wrong, its marks are followed from the beginning.
"""

from __future__ import annotations

import re

import msgspec

# Everything that cannot change the nesting of objects. The comma is kept: it
# tells "},{" inside an array from "}{" between two messages.
_DULL = bytes(code for code in range(256) if code not in b'"{},\\')
_TOKEN = re.compile(rb'["{}\\]')
_SPACE = b" \t\r\n"
_LARGE = 1 << 20
_REPLY_END = b'"error":null}'
"""How ovsdb-server ends a reply that succeeded (lib/jsonrpc.c, lib/json.c)."""

_any_json = msgspec.json.Decoder(msgspec.Raw)


class NotJsonError(ValueError):
    """The stream does not hold JSON objects; ``sample`` is how it goes on."""

    def __init__(self, sample: bytes) -> None:
        super().__init__("not a stream of JSON objects")
        self.sample = sample


class Framer:
    """Cuts a stream of bytes into whole JSON objects.

    Only strings and braces are followed; whether the object is valid JSON is
    for the decoder to say.
    """

    def __init__(self, *, large: int = _LARGE) -> None:
        """Begin where no message has begun; one of more than ``large`` bytes counts as large."""
        self._large = large
        self._held = bytearray()
        self._skimmed = 0
        self._tried = 0
        self._depth = 0
        self._in_string = False
        self._escaped = False

    @property
    def size(self) -> int:
        """Bytes held of a message that is not complete yet."""
        return len(self._held)

    def feed(self, chunk: bytes) -> list[bytearray]:
        """Take more bytes and return the messages that they complete.

        Raises:
            NotJsonError: bytes between messages that begin no JSON object.
        """
        messages: list[bytearray] = []
        while chunk:
            if not self._held:
                chunk = chunk.lstrip(_SPACE)
                if not chunk:
                    break
                if chunk[:1] != b"{":
                    raise NotJsonError(chunk[:32])
            self._held += chunk
            if len(self._held) > self._large and chunk[-1] not in b"} \t\r\n":
                break  # it goes on, and what came will be looked at with the rest
            end = self._end_of_reply() or self._skim_held()
            if not end:
                break
            chunk = bytes(memoryview(self._held)[end:])
            del self._held[end:]
            messages.append(self._held)
            self._held = bytearray()
            self._skimmed = self._tried = 0
        return messages

    def _end_of_reply(self) -> int:
        """The end of all that is held, if that is plainly one large reply."""
        size = len(self._held)
        if size < max(self._large, 2 * self._tried) or not self._held.endswith(_REPLY_END):
            return 0
        self._tried = size
        try:
            _any_json.decode(self._held)
        except (msgspec.DecodeError, RecursionError):
            return 0
        self._depth, self._in_string, self._escaped = 0, False, False
        return size

    def _skim_held(self) -> int:
        """The end of the first message, or 0 when it goes on."""
        begin = self._skimmed
        end = self._end(bytes(memoryview(self._held)[begin:]))
        self._skimmed = len(self._held)
        return begin + end if end else 0

    def _end(self, chunk: bytes) -> int:
        """The offset just past the message's last byte, 0 when it goes on."""
        depth, in_string, escaped, ended = self._skim(chunk)
        if ended:
            return self._step(chunk)
        self._depth, self._in_string, self._escaped = depth, in_string, escaped
        return 0

    def _skim(self, chunk: bytes) -> tuple[int, bool, bool, bool]:
        """The state after the chunk, and whether a message ends within it."""
        body = chunk[1:] if self._escaped else chunk
        escaped = False
        if b"\\" in body:
            body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
            # What is left of a backslash at the very end waits for its other half.
            escaped = body.endswith(b"\\")
        marks = body.translate(None, _DULL).replace(b"\\", b"")
        # Pairs of quotes with nothing of interest between them leave the
        # inside and the outside as they were; most strings vanish here.
        segments = marks.replace(b'""', b"").split(b'"')
        in_string = self._in_string ^ (len(segments) % 2 == 0)
        outside = b"".join(segments[1 if self._in_string else 0 :: 2])
        depth = self._depth + outside.count(b"{") - outside.count(b"}")
        ended = depth <= 0 or b"}{" in outside
        return depth, in_string, escaped, ended

    def _step(self, chunk: bytes) -> int:
        """Follow the chunk mark by mark to the message's end."""
        depth, in_string, skip = self._depth, self._in_string, 0 if self._escaped else -1
        for match in _TOKEN.finditer(chunk):
            at = match.start()
            if at == skip:
                continue
            mark = chunk[at]
            if in_string:
                if mark == 0x5C:  # a backslash takes the next byte with it
                    skip = at + 1
                elif mark == 0x22:
                    in_string = False
            elif mark == 0x22:
                in_string = True
            elif mark == 0x7B:
                depth += 1
            elif mark == 0x7D:
                depth -= 1
                if depth <= 0:
                    self._depth, self._in_string, self._escaped = 0, False, False
                    return at + 1
        # A stray mark outside any string misled the skimming.
        self._depth, self._in_string, self._escaped = depth, in_string, skip == len(chunk)
        return 0
