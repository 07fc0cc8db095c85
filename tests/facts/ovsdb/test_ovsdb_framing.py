from __future__ import annotations

import itertools
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viftrail.facts.ovsdb.framing import Framer, NotJsonError

_values = st.recursive(
    st.one_of(st.none(), st.integers(), st.text('"\\{}[], ab\n'), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text('"\\{},a'), inner, max_size=4)
    ),
    max_leaves=20,
)
_objects = st.dictionaries(st.text('"\\{},a'), _values, max_size=4)


@given(
    st.lists(st.tuples(_objects, st.sampled_from(["", " ", "\r\n\t"])), max_size=5),
    st.lists(st.integers(0, 2000), max_size=30),
    st.booleans(),
    st.sampled_from([0, 50, 1 << 20]),
)
def test_any_stream_cut_anywhere(
    objects: list[tuple[Any, str]], cuts: list[int], spaced: bool, large: int
) -> None:
    separators = (", ", ": ") if spaced else (",", ":")
    stream = "".join(
        json.dumps(item, separators=separators, ensure_ascii=False) + gap for item, gap in objects
    ).encode()
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    framer = Framer(large=large)
    messages = [
        message
        for start, end in itertools.pairwise(places)
        for message in framer.feed(stream[start:end])
    ]
    assert [json.loads(message) for message in messages] == [item for item, _ in objects]
    assert framer.size == 0


@given(st.lists(_objects, min_size=1, max_size=3), st.sampled_from([0, 50, 1 << 20]))
def test_byte_by_byte(objects: list[Any], large: int) -> None:
    stream = "".join(map(json.dumps, objects)).encode()
    framer = Framer(large=large)
    messages = [
        message for at in range(len(stream)) for message in framer.feed(stream[at : at + 1])
    ]
    assert [json.loads(message) for message in messages] == objects


@given(st.lists(st.text('"\\{}, x', min_size=1).map(str.encode), max_size=10))
def test_garbage_never_breaks_the_framer(chunks: list[bytes]) -> None:
    framer = Framer()
    try:
        for chunk in chunks:
            for message in framer.feed(chunk):
                assert message[:1] == b"{"
                assert message[-1:] == b"}"
    except NotJsonError:
        pass


@given(_objects, st.lists(st.integers(0, 300), max_size=5), st.booleans())
def test_the_end_of_a_reply_within_it_is_not_taken_for_its_end(
    inner: Any, cuts: list[int], more: bool
) -> None:
    """Rows may hold any text, and another message may follow at once."""
    end = '"error":null}'
    reply = json.dumps({"result": [end, inner, {"error": None}]}, separators=(",", ":"))
    stream = (reply[:-1] + "," + end).encode()
    expected = [stream, b'{"method":"echo"}'] if more else [stream]
    whole = b"".join(expected)
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    places = sorted({*places, whole.index(end.encode()) + len(end)})
    framer = Framer(large=0)
    messages = [m for a, b in itertools.pairwise(places) for m in framer.feed(whole[a:b])]
    assert messages == expected


def test_what_is_no_object_is_refused() -> None:
    with pytest.raises(NotJsonError) as caught:
        Framer().feed(b"  HTTP/1.1 400 Bad Request\r\n")
    assert caught.value.sample == b"HTTP/1.1 400 Bad Request\r\n"


def test_time_grows_with_the_message_and_no_faster() -> None:
    row = b'{"_uuid":["uuid","00000000-0000-0000-0000-000000000000"],"name":"a{b"},'
    body = b'{"id":1,"result":[' + row * 100_000

    def seconds(chunk: int) -> float:
        framer = Framer()
        begin = time.process_time()
        for at in range(0, len(body), chunk):
            framer.feed(body[at : at + chunk])
        return time.process_time() - begin

    # 7 MB in chunks of a TLS record: were it quadratic, this would take minutes.
    assert seconds(1 << 14) < 3
