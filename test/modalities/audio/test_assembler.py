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

"""Audio windows: by sample count, whatever the stamps' jitter, wherever the stream is joined."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from test.messages import EPOCH, SECOND
from xmodal_ros.modalities.audio.assembler import AudioAssembler
from xmodal_ros.streams.sample import Sample
from xmodal_ros.windows.windowing import WindowingSpec

SPEC = WindowingSpec(rate_hz=16000)


def chunks(seconds: float, rate=16000, size=320, tone=440.0, jitter_ns=0, seed=0):
    """A tone whose phase is 0 at EPOCH, in chunks with stamps off by up to ``jitter_ns``."""
    rng = np.random.default_rng(seed)
    for first in range(0, int(seconds * rate) - size + 1, size):
        times = (first + np.arange(size)) / rate
        shift = int(rng.integers(-jitter_ns, jitter_ns + 1))
        stamp = EPOCH + first * SECOND // rate + shift
        yield Sample(stamp, 'mic', np.sin(2 * np.pi * tone * times).astype(np.float32))


def run(stream, rate=16000, spec=SPEC):
    assembler = AudioAssembler(spec)
    return {w.end_ns: w for s in stream for w in assembler.push(s, rate)}, assembler


def expected(end_ns, tone=440.0):
    times = (end_ns - SPEC.length_ns - EPOCH) / SECOND + np.arange(SPEC.steps) / SPEC.rate_hz
    return np.sin(2 * np.pi * tone * times)


def test_a_window_holds_its_own_stretch_of_sound():
    windows, _ = run(chunks(6))
    assert sorted(windows) == [EPOCH + n * SECOND // 2 for n in range(5, 13)]
    for end, window in windows.items():
        assert window.coverage == 1
        assert window.values.dtype == np.float32
        np.testing.assert_allclose(window.values, expected(end), atol=1e-5)


def test_a_window_is_due_when_chunks_reach_over_its_end_by_their_count():
    # The first one's stamp is late by half a chunk, and so is where its samples are laid.
    first, *rest = chunks(4)
    late = Sample(first.stamp_ns + SECOND // 100, 'mic', first.values)
    assembler = AudioAssembler(SPEC)
    due = {w.end_ns: s.stamp_ns for s in [late, *rest] for w in assembler.push(s, 16000)}
    assert {end - stamp for end, stamp in due.items()} == {SECOND // 50}
    lagging = chunks(4, jitter_ns=9_000_000, seed=3)
    assembler = AudioAssembler(SPEC)
    for sample in lagging:
        for window in assembler.push(sample, 16000):
            assert window.coverage == 1
            assert -SECOND // 20 < sample.stamp_ns - window.end_ns < SECOND // 20


def test_jitter_of_stamps_leaves_no_clicks():
    windows, _ = run(chunks(6, jitter_ns=9_000_000, seed=3))
    for end, window in windows.items():
        assert window.coverage == 1
        # Within the window the tone is unbroken: its phase may be off by the first chunk's jitter.
        spectrum = np.abs(np.fft.rfft(window.values * np.hanning(SPEC.steps)))
        assert spectrum.argmax() == 440 * 2
        assert spectrum[800:960].sum() > 0.999 * spectrum.sum() - 1
        assert end in windows


@pytest.mark.parametrize('rate', [8000, 11025, 22050, 44100, 48000])
def test_other_rates_are_converted(rate):
    windows, _ = run(chunks(6, rate, size=rate // 50), rate)
    window = windows[EPOCH + 4 * SECOND]
    assert window.coverage == 1
    assert window.values.shape == (SPEC.steps,)
    np.testing.assert_allclose(window.values, expected(EPOCH + 4 * SECOND), atol=0.02)


def test_sound_above_the_models_band_does_not_fold_into_it():
    windows, _ = run(chunks(6, 48000, size=960, tone=15000.0), 48000)
    assert np.abs(windows[EPOCH + 4 * SECOND].values).max() < 0.05


@settings(max_examples=25)
@given(st.integers(0, 3 * SECOND), st.integers(0, 1000), st.sampled_from([16000, 44100]))
def test_wherever_the_stream_is_joined_its_windows_are_the_same_bits(skip_ns, seed, rate):
    stream = list(chunks(7, rate, size=rate // 50, jitter_ns=3_000_000, seed=seed))
    whole, _ = run(stream, rate)
    joined, _ = run([s for s in stream if s.stamp_ns >= EPOCH + skip_ns], rate)
    assert joined
    assert max(joined) == max(whole)
    for end, window in joined.items():
        assert window.values.tobytes() == whole[end].values.tobytes()
        assert window.coverage == whole[end].coverage


def test_a_gap_is_silent_and_uncovered():
    stream = [s for s in chunks(8) if not 3 <= (s.stamp_ns - EPOCH) / SECOND < 4]
    windows, _ = run(stream)
    window = windows[EPOCH + 5 * SECOND]
    assert window.coverage == pytest.approx(0.5)
    assert not window.values[:16000].any()
    np.testing.assert_allclose(
        window.values[16000:], expected(EPOCH + 5 * SECOND)[16000:], atol=1e-5
    )


def test_late_chunks_are_dropped_and_another_rate_starts_anew():
    stream = list(chunks(4))
    _, assembler = run([*stream, stream[-2], stream[-1]])
    assert assembler.clock.counts == {'late': 1, 'duplicate': 1}
    assert (
        assembler.push(Sample(stream[-1].stamp_ns + SECOND, 'mic', stream[0].values), 8000) == []
    )
    assert assembler.clock.counts['reset'] == 1


@pytest.mark.parametrize('rate', [44_101, 767_999])
def test_rates_without_a_common_divisor_are_converted_as_well(rate):
    windows, _ = run(chunks(3, rate, size=rate // 50), rate)
    end = min(windows)
    middle = slice(SPEC.steps // 4, 3 * SPEC.steps // 4)
    # Half a sample at the rate of the source, and what the ratio is off by.
    assert np.abs(windows[end].values - expected(end))[middle].max() < 0.05
