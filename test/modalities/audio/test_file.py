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

from pathlib import Path
import struct
import sys

import numpy as np
import pytest
from scipy.io import wavfile

from xmodal_ros.errors import BagError
from xmodal_ros.modalities.audio.file import read_sound, SoundFile

SOUND = np.array([[0, 100], [-32_768, 32_767], [256, -256]], np.int16)


@pytest.mark.parametrize(
    ('samples', 'tolerance'),
    [
        (SOUND, 0),
        (SOUND.astype(np.int32) << 16, 0),
        ((SOUND / 32_768).astype(np.float32), 1),
        (((SOUND >> 8) + 128).astype(np.uint8), 255),
    ],
)
def test_every_kind_of_wav_becomes_16_bits(
    tmp_path: Path, samples: np.ndarray, tolerance: int
) -> None:
    wavfile.write(tmp_path / 'a.wav', 8000, samples)
    rate, read = read_sound(tmp_path / 'a.wav')
    assert (rate, str(read.dtype), read.shape) == (8000, 'int16', (3, 2))
    assert np.abs(read.astype(int) - SOUND).max() <= tolerance


def test_one_channel_keeps_its_axis(tmp_path: Path) -> None:
    wavfile.write(tmp_path / 'a.wav', 8000, SOUND[:, 0])
    assert read_sound(tmp_path / 'a.wav')[1].tolist() == SOUND[:, :1].tolist()


def test_other_formats_are_read_by_soundfile(tmp_path: Path) -> None:
    soundfile = pytest.importorskip('soundfile', reason='no soundfile: pip install soundfile')
    tone = (np.sin(np.arange(8000) / 5) * 10_000).astype(np.int16)
    soundfile.write(tmp_path / 'a.ogg', tone, 8000)
    rate, read = read_sound(tmp_path / 'a.ogg')
    assert (rate, read.shape) == (8000, (8000, 1))
    assert np.corrcoef(read[:, 0], tone)[0, 1] > 0.99


@pytest.mark.parametrize('content', [b'', b'RIFF', b'no sound at all' * 9])
@pytest.mark.parametrize('name', ['a.wav', 'a.ogg'])
def test_what_is_no_sound_is_named_with_what_to_do(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BagError, match=rf'{name}.*16-bit WAV'):
        read_sound(tmp_path / name)


def test_the_reason_of_soundfile_is_told_once_and_as_part_of_the_sentence(tmp_path: Path) -> None:
    pytest.importorskip('soundfile', reason='no soundfile: pip install soundfile')
    file = tmp_path / 'text.txt'
    file.write_text('hello')
    with pytest.raises(BagError) as refused:
        read_sound(file)
    expected = 'is no sound that can be read (Format not recognised): convert it to 16-bit WAV'
    assert str(refused.value) == f'{str(file)!r} {expected}'


def test_a_wav_that_holds_nothing_or_is_missing_is_refused(tmp_path: Path) -> None:
    wavfile.write(tmp_path / 'a.wav', 8000, SOUND[:0])
    with pytest.raises(BagError, match='holds no sound'):
        read_sound(tmp_path / 'a.wav')
    with pytest.raises(BagError, match='there is no sound file'):
        read_sound(tmp_path / 'b.wav')


def test_a_wav_with_values_that_are_no_numbers_is_refused(tmp_path: Path) -> None:
    wavfile.write(tmp_path / 'a.wav', 8000, np.array([0.1, np.nan, 0.2], np.float32))
    with pytest.raises(BagError, match='no numbers'):
        read_sound(tmp_path / 'a.wav')


@pytest.mark.parametrize('name', ['a.wav', 'a.aiff'])
def test_floats_keep_their_scale_and_integers_in_floats_are_refused(
    tmp_path: Path, name: str
) -> None:
    if name != 'a.wav':
        pytest.importorskip('soundfile', reason='no soundfile: pip install soundfile')
    tone = np.sin(np.arange(800) / 5)
    write_floats(tmp_path / name, 0.5 * tone)
    assert np.abs(read_sound(tmp_path / name)[1]).max() == pytest.approx(16_384, abs=8)
    # A mix may go a little beyond full scale: that is cut off, as everywhere.
    write_floats(tmp_path / name, 1.5 * tone)
    assert np.abs(read_sound(tmp_path / name)[1]).max() == 32_767
    for wrong in (8000 * tone, np.rint(3 * tone)):
        write_floats(tmp_path / name, wrong)
        with pytest.raises(BagError, match='divide them by the full scale'):
            read_sound(tmp_path / name)


def write_floats(path: Path, samples: np.ndarray) -> None:
    if path.suffix == '.wav':
        wavfile.write(path, 8000, samples.astype(np.float32))
        return
    import soundfile

    soundfile.write(path, samples, 8000, subtype='FLOAT')


def test_without_soundfile_wav_is_read_and_others_say_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, 'soundfile', None)
    wavfile.write(tmp_path / 'a.wav', 8000, SOUND)
    assert len(read_sound(tmp_path / 'a.wav')[1]) == 3
    (tmp_path / 'a.ogg').write_bytes(b'OggS')
    with pytest.raises(BagError, match='pip install soundfile'):
        read_sound(tmp_path / 'a.ogg')


def wav(stated: int, sound: bytes, *, behind: bytes = b'', order: str = '<') -> bytes:
    form = struct.pack(f'{order}HHIIHH', 1, 1, 8000, 16_000, 2, 16)
    kind = b'RIFF' if order == '<' else b'RIFX'
    return b''.join(
        (
            kind + struct.pack(f'{order}I', min(36 + stated, 0xFFFFFFFF)) + b'WAVE',
            b'fmt ' + struct.pack(f'{order}I', 16) + form,
            b'LIST' + struct.pack(f'{order}I', 3) + b'abc\0',
            b'data' + struct.pack(f'{order}I', stated) + sound + behind,
        )
    )


TONE = (np.sin(np.arange(16_000) / 5) * 10_000).astype('<i2')


@pytest.mark.parametrize('order', ['<', '>'])
@pytest.mark.parametrize(
    ('stated', 'words'),
    [
        (0, 'written to a pipe or never closed'),
        (0xFFFFFFFF, 'written to a pipe or never closed'),
        (0x7FFFF000, 'written to a pipe or never closed'),
        # A header that was written once, when a second had been recorded.
        (2000, 'written to a pipe or never closed'),
        # A copy that was cut short.
        (100_000, 'where it was not copied in full'),
    ],
)
def test_a_wav_whose_header_is_wrong_is_read_to_its_end_and_says_so(
    tmp_path: Path, stated: int, words: str, order: str
) -> None:
    sound = TONE.astype(f'{order}i2').tobytes()
    # The last sample is cut in half.
    (tmp_path / 'a.wav').write_bytes(wav(stated, sound + b'x', order=order))
    file = SoundFile(tmp_path / 'a.wav')
    assert file.duration_ns == 2_000_000_000
    (note,) = file.notes
    assert f'states {stated} bytes of sound' in note
    assert words in note
    assert np.array_equal(read_sound(tmp_path / 'a.wav')[1][:, 0], TONE)


@pytest.mark.parametrize('behind', [b'', b'\0\0\0', b'LIST\4\0\0\0abcd', b'id3 \4\0\0\0abcd'])
def test_a_wav_whose_header_is_right_has_nothing_to_say(tmp_path: Path, behind: bytes) -> None:
    (tmp_path / 'a.wav').write_bytes(wav(32_000, TONE.tobytes(), behind=behind))
    file = SoundFile(tmp_path / 'a.wav')
    assert (file.duration_ns, file.notes) == (2_000_000_000, ())


def test_a_wav_that_is_really_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'a.wav').write_bytes(wav(0, b'', behind=b'LIST\4\0\0\0abcd'))
    with pytest.raises(BagError, match='holds no sound'):
        SoundFile(tmp_path / 'a.wav')


def test_a_sound_file_is_what_its_bytes_are(tmp_path: Path) -> None:
    (tmp_path / 'a.raw').write_bytes(wav(32_000, TONE.tobytes()))
    assert len(read_sound(tmp_path / 'a.raw')[1]) == 16_000
