# Copyright 2026 xmodal_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

from itertools import pairwise
import random

from hypothesis import given
from hypothesis import strategies as st
import pytest

from xmodal_ros.drivers.sample_clock import age_of_first_sample, SampleClock

RATE = 16_000
CHUNK = 320
SECOND = 1_000_000_000
MS = 1_000_000
CHUNK_NS = CHUNK * SECOND // RATE
START = 1_700_000_000 * SECOND


@pytest.mark.parametrize(
    ('reported_ns', 'age_ns'),
    [
        (0, CHUNK_NS),
        (-5 * SECOND, CHUNK_NS),
        (CHUNK_NS + 7 * MS, CHUNK_NS + 7 * MS),
        (360 * MS, CHUNK_NS + 40 * MS),
    ],
)
def test_an_age_is_believed_within_what_is_possible(reported_ns: int, age_ns: int) -> None:
    assert age_of_first_sample(CHUNK, RATE, reported_ns, 40 * MS) == age_ns


@pytest.mark.parametrize('drift_ppm', [-200, 0, 200])
def test_stamps_follow_a_drifting_crystal_without_its_jitter(drift_ppm: int) -> None:
    rng = random.Random(1)
    clock = SampleClock(RATE)
    real_ns = CHUNK_NS * (1 + drift_ppm * 1e-6)
    before, errors, steps = 0, [], []
    for index in range(600 * 50):
        taken_ns = START + round(index * real_ns)
        # Late as schedulers are: mostly by little, now and then by much.
        stamp = clock.stamp(CHUNK, taken_ns + round(rng.expovariate(1 / (3 * MS))))
        errors.append(stamp - taken_ns)
        steps.append(stamp - before)
        before = stamp
    settled = errors[1000:]
    assert max(map(abs, settled)) < MS
    assert max(abs(step - CHUNK_NS) for step in steps[1:]) <= CHUNK_NS // 200 + 2


def test_a_late_first_chunk_is_forgotten_without_a_jump() -> None:
    clock = SampleClock(RATE)
    stamps = [clock.stamp(CHUNK, START + 60 * MS)]
    stamps += [clock.stamp(CHUNK, START + index * CHUNK_NS) for index in range(1, 50 * 60)]
    steps = [later - earlier for earlier, later in pairwise(stamps)]
    assert min(steps) >= CHUNK_NS - CHUNK_NS // 200 - 2
    assert abs(stamps[-1] - (START + (len(stamps) - 1) * CHUNK_NS)) < MS


def test_after_lost_samples_stamps_go_on_where_the_sound_does() -> None:
    clock = SampleClock(RATE)
    clock.stamp(CHUNK, START)
    assert clock.stamp(CHUNK, START + 40 * MS, lost=True) == START + 40 * MS
    assert clock.stamp(CHUNK, START + 61 * MS) == START + 60 * MS


def test_a_loss_never_turns_stamps_back_by_jitter() -> None:
    clock = SampleClock(RATE)
    clock.stamp(CHUNK, START + 5 * MS)
    assert clock.stamp(CHUNK, START + 20 * MS, lost=True) == START + 25 * MS


@pytest.mark.parametrize('jump_ns', [3600 * SECOND, -3600 * SECOND, 200 * MS, -200 * MS])
def test_a_clock_that_is_set_is_followed_within_a_second_or_two(jump_ns: int) -> None:
    clock = SampleClock(RATE)
    for index in range(100):
        clock.stamp(CHUNK, START + index * CHUNK_NS)
    stamps = [clock.stamp(CHUNK, START + index * CHUNK_NS + jump_ns) for index in range(100, 201)]
    assert stamps[-1] == START + 200 * CHUNK_NS + jump_ns


@given(
    lateness=st.lists(st.integers(0, 90 * MS), min_size=2, max_size=300),
    frames=st.integers(1, 4 * RATE),
    lost=st.randoms(use_true_random=False),
)
def test_stamps_grow_whatever_the_jitter(
    lateness: list[int], frames: int, lost: random.Random
) -> None:
    clock = SampleClock(RATE)
    stamps = [
        clock.stamp(
            frames,
            START + index * frames * SECOND // RATE + late,
            lost=lost.random() < 0.1,
        )
        for index, late in enumerate(lateness)
    ]
    assert all(later > earlier for earlier, later in pairwise(stamps))
