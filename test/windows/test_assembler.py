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

"""The window clock: what is due when, whatever the stream does."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
from pydantic import ValidationError
import pytest

from test.messages import EPOCH, SECOND
from xmodal_ros.streams.sample import DecodeError, Sample, SampleBlock, Undecoded
from xmodal_ros.windows import assembler as assembler_module
from xmodal_ros.windows.assembler import WindowAssembler
from xmodal_ros.windows.clock import LONGEST_GAP_NS
from xmodal_ros.windows.resampling import hold, resample_linear, resample_nearest
from xmodal_ros.windows.windowing import WindowingSpec

SPEC = WindowingSpec(rate_hz=50)
PERIOD = SECOND // 100


def samples(start_ns: int, count: int, seed: int = 0, period: int = PERIOD) -> list[Sample]:
    values = np.random.default_rng(seed).normal(size=(count, 6))
    return [Sample(start_ns + i * period, 'imu', values[i]) for i in range(count)]


def run(stream: list[Sample], spec: WindowingSpec = SPEC) -> tuple[dict, WindowAssembler]:
    assembler = WindowAssembler(spec, 'linear')
    return {w.end_ns: w for s in stream for w in assembler.push(s)}, assembler


def test_ends_are_multiples_of_the_hop_and_windows_are_full():
    windows, _ = run(samples(EPOCH + 123, 1000))
    assert sorted(windows) == [EPOCH + n * SPEC.hop_ns for n in range(5, 20)]
    assert all(w.coverage == 1 and w.values.shape == (100, 6) for w in windows.values())
    assert windows[EPOCH + 5 * SPEC.hop_ns].values.dtype == np.float32


@pytest.mark.parametrize('off_ns', [0, 1, PERIOD - 1])
def test_a_window_is_due_at_the_first_sample_at_or_after_its_end(off_ns: int):
    assembler = WindowAssembler(SPEC, 'linear')
    due = {w.end_ns: s.stamp_ns for s in samples(EPOCH - off_ns, 600) for w in assembler.push(s)}
    assert all(0 <= stamp - end < PERIOD for end, stamp in due.items())
    assert len(due) == 7


@settings(max_examples=40)
@given(
    st.sampled_from(['linear', 'nearest']),
    st.sampled_from([20, 50]),
    st.sampled_from([SECOND // 400, SECOND // 100, SECOND // 7]),
    # Those to learn from may end between two points of the grid.
    st.sampled_from([SECOND // 2, SECOND // 4, SECOND // 9]),
    st.integers(0, 2**32 - 1),
)
def test_what_comes_after_a_window_is_due_would_not_have_changed_it(kind, rate, period, hop, seed):
    """So that one that waited for the margin, as far as evidence may reach, is the same."""
    spec = WindowingSpec(rate_hz=rate).model_copy(update={'hop_ns': hop})
    rng = np.random.default_rng(seed)
    stamps = EPOCH + np.cumsum(rng.integers(1, 2 * period, 5 * SECOND // period))
    stream = [Sample(int(t), 'imu', rng.normal(size=6)) for t in stamps]
    assembler = WindowAssembler(spec, kind)
    for window in (w for s in stream for w in assembler.push(s)):
        first, last = window.end_ns - spec.length_ns - spec.margin_ns, window.end_ns
        near = [s for s in stream if first <= s.stamp_ns <= last + spec.margin_ns]
        times, values = np.array([s.stamp_ns for s in near]), np.array([s.values for s in near])
        grid = spec.grid(window.end_ns)
        if kind == 'linear':
            laid = hold(resample_linear(times, values, grid, spec.period_ns, spec.margin_ns))
            assert window.values.tobytes() == laid.values.astype(np.float32).tobytes()
        else:
            laid = hold(resample_nearest(times, values, grid, spec.margin_ns))
            assert window.values.tobytes() == laid.values.tobytes()


@settings(max_examples=40)
@given(
    st.sampled_from([7, 8, 20]),
    st.sampled_from([SECOND // 100, SECOND // 30, SECOND // 5]),
    st.sampled_from([SECOND // 2, SECOND // 9]),
    st.integers(0, 2**32 - 1),
)
def test_samples_that_no_point_is_nearest_to_need_not_be_decoded(rate, period, hop, seed):
    """Whatever the stamps do: late, twice, on a point, halfway, a leap, a jump, a gap."""
    spec = WindowingSpec(rate_hz=rate, margin_ns=SECOND // 6, hop_ns=SECOND)
    spec = spec.model_copy(update={'hop_ns': hop})
    rng = np.random.default_rng(seed)
    stamps = EPOCH + np.cumsum(rng.integers(1, 2 * period, 8 * SECOND // period))
    grid = spec.grid(EPOCH + 8 * SECOND)
    chosen = rng.random(len(stamps))
    # On a point, or where two are as near to one, or a nanosecond off.
    stamps = np.where(chosen < 0.2, grid[np.searchsorted(grid, stamps) % len(grid)], stamps)
    stamps += np.where(chosen < 0.1, rng.integers(-1, 2, len(stamps)), 0)
    leap = np.isin(np.arange(len(stamps)), rng.integers(0, len(stamps), 2))
    stamps += leap * rng.choice([-20, 5, 90]) * SECOND
    stamps[rng.integers(len(stamps)) :] += rng.choice([-30, 0, 3, 70]) * SECOND
    stream = [Sample(int(t), f'{i}', np.array([i])) for i, t in enumerate(stamps)]
    decoded = []

    def undecoded(sample: Sample) -> Undecoded:
        def decode() -> Sample:
            decoded.append(sample.frame_id)
            return sample

        return Undecoded(sample.stamp_ns, sample.frame_id, decode)

    whole, lazy = (WindowAssembler(spec, 'nearest') for _ in range(2))
    seen = set()
    for sample in stream:
        expected, given_ = whole.push(sample), lazy.push(undecoded(sample))
        assert [w.end_ns for w in expected] == [w.end_ns for w in given_]
        for ours, theirs in zip(given_, expected, strict=True):
            assert ours.values.tobytes() == theirs.values.tobytes()
            assert (ours.coverage, ours.frame_id) == (theirs.coverage, theirs.frame_id)
            seen.update(ours.values.ravel().tolist())
    assert lazy.clock.counts == whole.clock.counts
    assert len(decoded) == len(set(decoded))
    assert seen <= set(map(int, decoded))


@pytest.mark.parametrize(('fps', 'least'), [(30, 8), (29, 8), (8, 8), (5, 5)])
def test_as_many_samples_are_decoded_as_there_are_points(fps, least):
    decoded = []

    def undecoded(stamp: int) -> Undecoded:
        def decode() -> Sample:
            decoded.append(stamp)
            return Sample(stamp, 'camera', np.zeros(1))

        return Undecoded(stamp, 'camera', decode)

    assembler = WindowAssembler(WindowingSpec(rate_hz=8, margin_ns=SECOND // 4), 'nearest')
    for number in range(10 * fps):
        assembler.push(undecoded(EPOCH + number * SECOND // fps))
    assert len(decoded) == 10 * least
    assert decoded == sorted(decoded)


def test_a_sample_that_turns_out_broken_is_counted_and_the_next_one_takes_its_place():
    spec = WindowingSpec(rate_hz=8, margin_ns=SECOND // 4)
    stream = [Sample(EPOCH + n * SECOND // 30, 'camera', np.array([n])) for n in range(300)]
    # The last before a point, which is known to be nearest when the next one comes.
    broken = 71
    before, after = stream[broken].stamp_ns, stream[broken + 1].stamp_ns
    point = EPOCH + 19 * SECOND // 8
    assert before < point < after
    assert point - before < after - point

    def undecoded(sample: Sample) -> Undecoded:
        def decode() -> Sample:
            if sample.values == broken:
                raise DecodeError('corrupt', 'it is cut off')
            return sample

        return Undecoded(sample.stamp_ns, sample.frame_id, decode)

    assembler = WindowAssembler(spec, 'nearest')
    windows = [window for sample in stream for window in assembler.push(undecoded(sample))]
    without = WindowAssembler(spec, 'nearest')
    expected = [window for n, s in enumerate(stream) if n != broken for window in without.push(s)]
    assert assembler.clock.counts == {'corrupt': 1}
    assert len(windows) == len(expected) > 10
    for ours, theirs in zip(windows, expected, strict=True):
        assert ours.coverage == 1
        assert ours.values.tolist() == theirs.values.tolist()


@settings(max_examples=40)
@given(
    st.sampled_from(['linear', 'nearest']),
    st.sampled_from([SECOND // 400, SECOND // 100, SECOND // 7]),
    st.sampled_from([SECOND // 2, SECOND // 9, SECOND // 50]),
    st.integers(0, 2**32 - 1),
)
def test_samples_in_blocks_give_what_they_give_one_by_one(kind, period, hop, seed):
    """Whatever the stamps do: late, twice, a leap, a jump, a gap."""
    spec = WindowingSpec(rate_hz=50).model_copy(update={'hop_ns': hop})
    rng = np.random.default_rng(seed)
    count = 5 * SECOND // period
    stamps = EPOCH + np.cumsum(rng.integers(1, 2 * period, count))
    for number in rng.integers(0, count, rng.integers(0, 4)):
        stamps[number] += rng.choice([-20 * SECOND, 5 * SECOND, 90 * SECOND, -3 * period])
    stamps[rng.integers(count) :] += rng.choice([-30, 0, 1, 3, 70]) * SECOND
    values = rng.normal(size=(count, 6))
    single, together = (WindowAssembler(spec, kind) for _ in range(2))
    at = taken = 0
    while at < count:
        size = int(rng.integers(1, 60))
        block = SampleBlock(stamps[at : at + size], f'{at}', values[at : at + size])
        found = together.push_block(block)
        taken += found is not None
        if found is None:
            found = [(n, together.push(each)) for n, each in enumerate(block.samples())]
        expected = [(n, single.push(each)) for n, each in enumerate(block.samples())]
        for (number, due), (same, given_) in zip(
            [each for each in expected if each[1]],
            [each for each in found if each[1]],
            strict=True,
        ):
            assert number == same
            assert [(w.end_ns, w.coverage, w.frame_id) for w in due] == [
                (w.end_ns, w.coverage, w.frame_id) for w in given_
            ]
            assert [w.values.tobytes() for w in due] == [w.values.tobytes() for w in given_]
        assert together.clock.counts == single.clock.counts
        assert together.clock.remaining_ns == single.clock.remaining_ns
        at += size
    assert taken or count < 100


@settings(max_examples=40)
@given(st.integers(0, 5 * SECOND), st.integers(0, 2**32 - 1), st.booleans())
def test_wherever_the_stream_is_joined_its_windows_are_the_same_bits(skip_ns, seed, jitter):
    stream = samples(EPOCH + 4_711, 1200, seed)
    if jitter:
        shift = np.random.default_rng(seed + 1).integers(-4_900_000, 4_900_000, len(stream))
        stream = [
            Sample(s.stamp_ns + int(d), s.frame_id, s.values)
            for s, d in zip(stream, shift, strict=True)
        ]
    whole, _ = run(stream)
    joined, _ = run([s for s in stream if s.stamp_ns >= EPOCH + skip_ns])
    assert joined
    assert set(joined) <= set(whole)
    assert max(joined) == max(whole)
    for end, window in joined.items():
        assert window.values.tobytes() == whole[end].values.tobytes()
        assert window.coverage == whole[end].coverage


def test_samples_outside_the_margin_do_not_matter():
    stream = samples(EPOCH, 1000)
    end = EPOCH + 5 * SECOND
    changed = [
        s
        if end - SPEC.length_ns - SPEC.margin_ns <= s.stamp_ns <= end + SPEC.margin_ns
        else Sample(s.stamp_ns, s.frame_id, s.values + 100)
        for s in stream
    ]
    assert run(changed)[0][end].values.tobytes() == run(stream)[0][end].values.tobytes()


def test_late_and_duplicate_samples_are_dropped_and_counted():
    stream = samples(EPOCH, 1000)
    disturbed = [*stream[:500], stream[499], stream[400], *stream[500:]]
    windows, assembler = run(disturbed)
    clean, _ = run(stream)
    assert assembler.clock.counts == {'duplicate': 1, 'late': 1}
    assert {e: w.values.tobytes() for e, w in windows.items()} == {
        e: w.values.tobytes() for e, w in clean.items()
    }


def test_a_gap_gives_weak_windows_when_data_return():
    stream = samples(EPOCH, 500) + samples(EPOCH + 15 * SECOND, 500, 1)
    windows, assembler = run(stream)
    ends = sorted(windows)
    assert np.diff(ends).tolist() == [SPEC.hop_ns] * (len(ends) - 1)
    weak = [e for e in ends if windows[e].coverage < SPEC.min_coverage]
    assert min(weak) == EPOCH + 5 * SECOND + SPEC.hop_ns
    assert windows[EPOCH + 10 * SECOND].coverage == 0
    assert not assembler.clock.counts


@pytest.mark.parametrize(
    'jump_ns', [-SPEC.length_ns, -3600 * SECOND, LONGEST_GAP_NS + SECOND, 3600 * SECOND]
)
def test_a_jump_of_time_starts_anew_with_no_window_across_it(jump_ns):
    before = samples(EPOCH, 500)
    restart = before[-1].stamp_ns + jump_ns
    windows, assembler = run(before + samples(restart, 500, 1))
    fresh, _ = run(samples(restart, 500, 1))
    assert assembler.clock.counts['reset'] == 1
    assert set(fresh) <= set(windows)
    for end, window in fresh.items():
        assert window.values.tobytes() == windows[end].values.tobytes()
    before_only, _ = run(before)
    assert set(windows) == set(before_only) | set(fresh)


def test_windows_that_overlap_share_what_was_computed(monkeypatch):
    computed = []

    def counted(stamps, values, grid, *of):
        computed.append(len(grid))
        return resample_linear(stamps, values, grid, *of)

    monkeypatch.setattr(assembler_module, 'resample_linear', counted)
    run(samples(EPOCH + 1, 500), WindowingSpec(rate_hz=50, hop_ns=SECOND // 10))
    assert computed[:3] == [100, 5, 5]


def test_memory_stays_bounded_on_a_long_stream():
    assembler = WindowAssembler(SPEC, 'linear')
    for sample in samples(EPOCH, 20_000):
        assembler.push(sample)
    assert len(assembler._buffer._stamps) < 2000


@pytest.mark.parametrize(
    ('settings_', 'complaint'),
    [
        ({'rate_hz': 30, 'hop_ns': SECOND // 4}, 'whole number of samples at 30 Hz'),
        ({'rate_hz': 8, 'margin_ns': SECOND // 10}, 'shorter than the sampling period'),
    ],
)
def test_grids_that_cannot_be_are_refused(settings_, complaint):
    with pytest.raises(ValidationError, match=complaint):
        WindowingSpec(**settings_)


def test_grid_points_are_the_same_for_every_window_at_rates_that_divide_no_second():
    spec = WindowingSpec(rate_hz=30)
    one, next_one = spec.grid(EPOCH), spec.grid(EPOCH + spec.hop_ns)
    assert one[15:].tolist() == next_one[:-15].tolist()
    assert one[0] == EPOCH - spec.length_ns
    assert one[-1] < EPOCH
