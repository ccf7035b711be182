"""The heart against a second reading of bundle.md, over contests made to reach the rare rules."""

from __future__ import annotations

import json
import random
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from competition.bundle.rules import read_bundle, results, write_bundle
from tests.rules import made_contests, second_reading


@settings(max_examples=300, deadline=None)
@given(st.integers(min_value=0, max_value=2**48))
def test_both_readings_give_the_same_results(seed: int) -> None:
    data = json.dumps(made_contests.bundle(random.Random(seed))).encode()
    bundle = read_bundle(data)
    found = results(bundle)
    assert found == second_reading.score(json.loads(data, parse_float=Decimal))
    written = write_bundle(bundle)
    again = read_bundle(written.encode())
    assert write_bundle(again) == written
    assert results(again) == found
