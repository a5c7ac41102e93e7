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

"""However long a stretch is listened to, its spectrogram is that of the sound."""

import numpy as np

from test.messages import EPOCH, SECOND
from test.sound_bags import audio_bytes, info_bytes, MICROPHONE
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.media.lane import fill
from xmodal_ros.media.sound import spectrogram, Spectrum
from xmodal_ros.media.span import Span
from xmodal_ros.media.tracks import find_tracks
from xmodal_ros.modalities.audio.decoder import INFO_TYPE, STAMPED_TYPE

RATE = 8000
CHUNK = 800


def noise_with_a_gap(path):
    """45 s of noise, 12 to 41 s of it not recorded."""
    samples = np.random.default_rng(0).normal(0, 2000, 45 * RATE).round()
    samples[12 * RATE : 41 * RATE] = 0
    with BagWriter(path, sensors=[MICROPHONE], subject='1') as writer:
        writer.write('/audio_info', INFO_TYPE, EPOCH, info_bytes(RATE), latched=True)
        for first in range(0, len(samples), CHUNK):
            stamp = EPOCH + first * SECOND // RATE
            chunk = samples[first : first + CHUNK]
            if chunk.any():
                writer.write(MICROPHONE.topic, STAMPED_TYPE, stamp, audio_bytes(stamp, chunk))
    return samples / 2**15


def heard(reader, span, budget=0):
    (track,) = find_tracks(reader)
    assert track.lane
    lane = track.lane.over(span, budget)
    fill(reader, [(MICROPHONE.topic, lane)])
    strip = lane.finish()
    assert isinstance(strip, Spectrum)
    return strip


def test_pieces_leave_no_seam_and_a_gap_is_silent(tmp_path):
    samples = noise_with_a_gap(tmp_path / 'bag')
    with BagReader(tmp_path / 'bag') as reader:
        whole = heard(reader, Span(EPOCH, EPOCH + 45 * SECOND - 1))
        block = heard(reader, Span(EPOCH + 10 * SECOND, EPOCH + 20 * SECOND - 1))
        coarse = heard(reader, Span(EPOCH, EPOCH + 45 * SECOND - 1), budget=16 * 90)
    expected = spectrogram(samples, RATE)
    assert whole.levels.shape == expected.shape == (1800, 40)
    assert np.abs(whole.levels.astype(int) - expected).max() <= 1
    assert not whole.levels[500:1600].any()
    # The labelling page shows the same, ten seconds at a time.
    assert (block.levels == whole.levels[400:800]).all()
    assert block.samples is not None
    assert len(block.samples) == 10 * RATE
    assert whole.samples is None
    # Where there is less room, a column holds the loudest.
    assert round(coarse.step_s, 6) == 0.5
    assert (coarse.levels[:4] == whole.levels[:80].reshape(4, 20, 40).max(axis=1)).all()
