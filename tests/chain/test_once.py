"""What is reckoned once a cloud."""

from __future__ import annotations

import gc

from viftrail.chain.cloud import Cloud
from viftrail.chain.once import once
from viftrail.facts.facts import Facts


def test_each_cloud_has_its_own_answer_and_is_asked_once() -> None:
    asked: list[int] = []

    @once
    def answer(cloud: Cloud) -> int:
        """What it is."""
        asked.append(id(cloud))
        return len(asked)

    one, other = Cloud(Facts()), Cloud(Facts())
    assert [answer(one), answer(other), answer(one)] == [1, 2, 1]
    assert asked == [id(one), id(other)]
    assert answer.__doc__ == "What it is."


def test_nothing_is_reckoned_over_because_there_was_nothing() -> None:
    asked: list[int] = []

    @once
    def nothing(_: Cloud) -> None:
        asked.append(1)

    cloud = Cloud(Facts())
    nothing(cloud)
    nothing(cloud)
    assert asked == [1]


def test_an_answer_goes_with_its_cloud() -> None:
    class Answer:
        """Something that is seen to go."""

    @once
    def answer(_: Cloud) -> Answer:
        return Answer()

    cloud = Cloud(Facts())
    answer(cloud)
    del cloud
    gc.collect()
    assert not [each for each in gc.get_objects() if type(each) is Answer]
