from __future__ import annotations

import pytest

from viftrail.errors import UsageError
from viftrail.lab.shape import Shape


def test_a_lab_covers_what_takes_less() -> None:
    assert Shape(computes=3).covers(Shape())
    assert not Shape().covers(Shape(gateways=2))


def test_the_options_are_what_an_operator_types() -> None:
    assert Shape().options == ()
    assert Shape(cluster=True, ssl=True).options == ("--cluster", "--ssl")
    assert Shape(computes=3, gateways=2).options == ("--computes", "3", "--gateways", "2")


@pytest.mark.parametrize("shape", [Shape(computes=0), Shape(computes=21), Shape(gateways=0)])
def test_a_number_out_of_range_is_refused_in_words(shape: Shape) -> None:
    with pytest.raises(UsageError, match="A lab has 1 to"):
        shape.check()
