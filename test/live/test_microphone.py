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

"""The microphone in a real graph: it hears words spoken through a real sound server."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
import subprocess
from typing import Any
import wave

from audio_common_msgs.msg import AudioDataStamped, AudioInfo
import numpy as np
from numpy.typing import NDArray
import pytest

from test.live.graph import is_active, is_error, LATCHED, NodeProcess, running, Watcher
from test.live.sound_server import skip_without_sound, SoundServer
from test.waiting import PATIENCE_S
from xmodal_ros.ros.messages import to_nanoseconds

NAME = '/microphone'
RATE = 16_000
CHUNK = 320
SECOND = 1_000_000_000
QUICKLY = {'diagnostics_period': 0.1, 'retry_period': 0.2}


@dataclass(frozen=True)
class Ear:
    watcher: Watcher
    server: SoundServer
    node: NodeProcess

    def chunks(self) -> list[Any]:
        return [message for topic, message in self.watcher.heard if topic == '/audio']

    def stamps(self) -> NDArray[np.int64]:
        return np.array([to_nanoseconds(chunk.header.stamp) for chunk in self.chunks()])

    def sound(self) -> NDArray[np.int16]:
        data = b''.join(bytes(chunk.audio.data) for chunk in self.chunks())
        return np.frombuffer(data, '<i2')

    def wait_until_heard(self, time_ns: int) -> None:
        """Wait for the sound of this time."""
        self.watcher.wait_for(
            lambda: bool(len(self.chunks())) and self.stamps()[-1] > time_ns, 'nothing is heard'
        )


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundServer]:
    skip_without_sound()
    server = SoundServer(tmp_path_factory.mktemp('sound'))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope='module')
def process(
    watcher: Watcher, server: SoundServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ear]:
    folder = tmp_path_factory.mktemp('microphone')
    watcher.hear(AudioDataStamped, '/audio')
    watcher.hear(AudioInfo, '/audio_info', LATCHED)
    settings = {**QUICKLY, 'device': 'pulse', 'frame_id': 'ear'}
    with running(folder, 'microphone', settings, environment=server.environment) as node:
        yield Ear(watcher, server, node)
        assert node.end() == 0, node.log
        assert 'Traceback' not in node.log


@pytest.fixture
def ear(process: Ear) -> Ear:
    process.watcher.heard.clear()
    process.watcher.wait_for(lambda: bool(process.chunks()), 'no sound')
    return process


def loudness(sound: NDArray[Any], rate: int) -> NDArray[np.float64]:
    """The energy of every hundredth of a second."""
    step = rate // 100
    whole = sound[: len(sound) // step * step].astype(np.float64)
    energy: NDArray[np.float64] = (whole.reshape(-1, step) ** 2).mean(axis=1)
    return np.asarray(np.sqrt(energy))


def test_it_says_in_what_format_there_will_be_sound(process: Ear) -> None:
    process.watcher.wait_for(
        lambda: any(topic == '/audio_info' for topic, _ in process.watcher.heard), 'no AudioInfo'
    )
    info = next(message for topic, message in process.watcher.heard if topic == '/audio_info')
    assert (info.channels, info.sample_rate, info.bitrate) == (1, RATE, 256)
    assert (info.sample_format, info.coding_format) == ('S16LE', 'wave')


def test_words_are_heard_when_they_are_spoken(ear: Ear, tmp_path: Path) -> None:
    path = tmp_path / 'words.wav'
    words = ['espeak-ng', '-w', str(path), 'walk. sit down. stand up.']
    subprocess.run(words, check=True, timeout=PATIENCE_S)
    with wave.open(str(path)) as file:
        rate = file.getframerate()
        spoken = np.frombuffer(file.readframes(file.getnframes()), '<i2')

    begin_ns, end_ns = ear.server.play('paplay', '--latency-msec=200', str(path))
    ear.wait_until_heard(end_ns + SECOND // 2)

    said, got = loudness(spoken, rate), loudness(ear.sound(), RATE)
    similar = [
        np.corrcoef(said, got[i : i + len(said)])[0, 1] for i in range(len(got) - len(said))
    ]
    best = int(np.nanargmax(similar))
    assert similar[best] > 0.95
    start_ns = ear.stamps()[best * (RATE // 100) // CHUNK]
    tolerance_ns = SECOND // 10
    assert begin_ns - tolerance_ns < start_ns
    assert start_ns + len(spoken) * SECOND // rate < end_ns + tolerance_ns


def test_no_sample_is_lost_or_altered_and_stamps_count_them(ear: Ear, tmp_path: Path) -> None:
    ramp = np.arange(1, 30_001, dtype='<i2')
    # Silence first: PulseAudio drops a few samples where a sound begins.
    (tmp_path / 'ramp.raw').write_bytes(bytes(2 * RATE // 2) + ramp.tobytes())
    raw = ('--raw', f'--rate={RATE}', '--channels=1', '--format=s16le', '--latency-msec=200')
    _, end_ns = ear.server.play('paplay', *raw, str(tmp_path / 'ramp.raw'))
    ear.wait_until_heard(end_ns + SECOND // 2)

    sound, stamps = ear.sound(), ear.stamps()
    # A player that comes late is not the microphone's fault: PulseAudio fills in zeros.
    assert np.array_equal(sound[sound != 0], ramp)
    assert {len(chunk.audio.data) for chunk in ear.chunks()} == {2 * CHUNK}
    assert {chunk.header.frame_id for chunk in ear.chunks()} == {'ear'}
    steps = np.diff(stamps)
    assert (steps > 0).all()
    # Stamps may follow the clock by half a percent, and jump where samples were lost.
    chunk_ns = CHUNK * SECOND // RATE
    heard = np.flatnonzero(sound)[[0, -1]] // CHUNK
    assert np.abs(steps[heard[0] : heard[1]] - chunk_ns).max() <= chunk_ns // 200 + 1


def test_a_device_that_goes_is_an_error_until_it_returns(ear: Ear) -> None:
    ear.server.stop()
    try:
        ear.watcher.wait_for_status(NAME, is_error)
        _, text, values = ear.watcher.wait_for_status(NAME, lambda s: 'no microphone' in s[1])
        assert 'trying again every 0.2 s' in text
        assert values['times the device has gone'] == '1'
        assert "the microphone 'pulse' has gone" in ear.node.log
        last_ns = ear.stamps()[-1]
        ear.watcher.heard.clear()
    finally:
        ear.server.start()
    ear.watcher.wait_for(lambda: len(ear.chunks()) > 10, 'the sound did not return')
    assert ear.stamps()[0] > last_ns
    status = ear.watcher.wait_for_status(NAME, lambda s: not is_error(s))
    assert is_active(status)


def test_it_may_be_switched_off_and_on(ear: Ear) -> None:
    for transition in ('deactivate', 'cleanup', 'configure', 'activate'):
        assert ear.watcher.change(NAME, transition)
    ear.watcher.heard.clear()
    ear.watcher.wait_for(lambda: len(ear.chunks()) > 10, 'no sound after switching on')
    assert ear.node.running


@pytest.mark.parametrize(
    ('settings', 'words'),
    [
        ({'device': 'nowhere'}, "there is no microphone 'nowhere'; there are 0 'pulse'"),
        ({'device': 77}, "there is no microphone '77'; there are 0 'pulse'"),
        ({'device': 'pulse', 'channels': 64}, 'cannot record 64 channels'),
    ],
)
def test_what_cannot_be_recorded_is_explained(
    watcher: Watcher, server: SoundServer, tmp_path: Path, settings: dict[str, object], words: str
) -> None:
    arguments = ('-r', '__node:=other')
    with running(
        tmp_path,
        'microphone',
        {**QUICKLY, **settings},
        arguments=arguments,
        environment=server.environment,
    ) as node:
        _, text, _ = watcher.wait_for_status('/other', is_error)
        assert words in text
        assert node.end() == 0
        assert 'Traceback' not in node.log


def test_without_portaudio_the_node_starts_and_says_what_is_missing(
    watcher: Watcher, tmp_path: Path
) -> None:
    (tmp_path / 'sounddevice.py').write_text("raise OSError('PortAudio library not found')\n")
    with running(
        tmp_path,
        'microphone',
        QUICKLY,
        arguments=('-r', '__node:=deaf'),
        environment={'PYTHONPATH': str(tmp_path)},
    ) as node:
        _, text, _ = watcher.wait_for_status('/deaf', is_error)
        assert 'apt-get install libportaudio2' in text
        assert watcher.state('/deaf') == 'unconfigured'
        assert node.end() == 0
