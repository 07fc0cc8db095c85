"""Where one JSON-RPC message ends and the next begins.

OVSDB sends JSON objects back to back with no length and no separator (RFC 7047
section 4, JSON-RPC 1.0 over a stream), so the end has to be found in the JSON
itself. A bulk reply is tens of megabytes: each byte is looked at a fixed
number of times, by C code, however the network cuts the stream up.
"""

from __future__ import annotations

import re

# Everything that cannot change the nesting of objects. The comma is kept: it
# tells "},{" inside an array from "}{" between two messages.
_DULL = bytes(code for code in range(256) if code not in b'"{},\\')
_TOKEN = re.compile(rb'["{}\\]')
_SPACE = b" \t\r\n"


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

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self.size = 0
        """Bytes held of a message that is not complete yet."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take more bytes and return the messages that they complete.

        Raises:
            NotJsonError: bytes between messages that begin no JSON object.
        """
        messages: list[bytes] = []
        while chunk:
            if not self._pieces:
                chunk = chunk.lstrip(_SPACE)
                if not chunk:
                    break
                if chunk[:1] != b"{":
                    raise NotJsonError(chunk[:32])
            end = self._end(chunk)
            if not end:
                self._pieces.append(chunk)
                self.size += len(chunk)
                break
            self._pieces.append(chunk[:end])
            messages.append(b"".join(self._pieces))
            self._pieces.clear()
            self.size = 0
            chunk = chunk[end:]
        return messages

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
