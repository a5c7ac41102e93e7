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

"""Sound files of any format as messages of 16-bit samples."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final
import warnings

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.errors import BagError
from xmodal_ros.modalities.audio.decoder import INFO_TYPE, integers_in_floats, STAMPED_TYPE
from xmodal_ros.modalities.audio.messages import audio_info_message, audio_message
from xmodal_ros.modalities.audio.wav import is_wav, mending_of
from xmodal_ros.modalities.file import Record, SensorFile
from xmodal_ros.windows.windowing import SECOND_NS

_CHUNKS_IN_A_SECOND: Final = 10


class SoundFile(SensorFile):
    """A sound file; raises :class:`BagError` when it is none."""

    def __init__(self, path: Path) -> None:
        self._rate_hz, self._samples = read_sound(path)
        mending = mending_of(path)
        self.notes = () if mending is None else (mending.note,)

    @property
    def duration_ns(self) -> int:
        """By the number of samples."""
        return len(self._samples) * SECOND_NS // self._rate_hz

    def records(self, topic: str, frame: str, start_ns: int) -> Iterator[Record]:
        """Give the ``AudioInfo``, then the sound."""
        yield info_record(topic, start_ns, self._rate_hz, self._samples.shape[1])
        yield from sound_records(topic, frame, start_ns, self._samples, self._rate_hz)


def info_record(topic: str, stamp_ns: int, rate_hz: int, channels: int) -> Record:
    """Give the latched ``AudioInfo`` of 16-bit samples, on the topic's name with ``_info``."""
    data = audio_info_message(rate_hz, channels)
    return Record(stamp_ns, f'{topic}_info', INFO_TYPE, data, latched=True)


def sound_records(
    topic: str, frame: str, start_ns: int, samples: NDArray[np.int16], rate_hz: int
) -> Iterator[Record]:
    """Give ``AudioDataStamped`` messages of a tenth of a second of samples (N, channels) each.

    The stamp is that of a message's first sample.
    """
    step = max(1, rate_hz // _CHUNKS_IN_A_SECOND)
    for first in range(0, len(samples), step):
        stamp_ns = start_ns + first * SECOND_NS // rate_hz
        sound = samples[first : first + step].astype('<i2').tobytes()
        yield Record(stamp_ns, topic, STAMPED_TYPE, audio_message(stamp_ns, frame, sound))


def read_sound(path: Path) -> tuple[int, NDArray[np.int16]]:
    """Give the rate in Hz and the samples (N, channels) of a sound file.

    WAV is read by SciPy, to the end of the file where its header does not say how much sound
    there is; any other format, and what SciPy does not know of WAV, by the library
    ``soundfile`` where it is installed. Raises :class:`BagError` that says what to do.
    """
    if not path.is_file():
        raise BagError(f'there is no sound file {str(path)!r}')
    problem = ''
    try:
        wav, mending = is_wav(path), mending_of(path)
    except OSError as error:
        raise BagError(f'{str(path)!r} cannot be read: {error.strerror or error}') from error
    if wav:
        # Half a second to import, and every command imports this module.
        from scipy.io import wavfile

        try:
            with warnings.catch_warnings():
                # Chunks beside the sound are no news; a file that is cut off is.
                warnings.simplefilter('ignore', wavfile.WavFileWarning)
                warnings.filterwarnings('error', 'Reached EOF', wavfile.WavFileWarning)
                rate, samples = wavfile.read(path if mending is None else mending.open(path))
            return _checked(str(path), int(rate), _as_int16(str(path), samples))
        except BagError:
            raise
        except Exception as error:  # noqa: BLE001 - SciPy's parser raises almost anything
            problem = str(error)
    return decode_sound(path, str(path), problem)


def decode_sound(
    source: Path | BinaryIO, name: str, problem: str = ''
) -> tuple[int, NDArray[np.int16]]:
    """Give the rate in Hz and the samples (N, channels) of a file, or its bytes, by ``soundfile``.

    ``name`` is how errors call it, ``problem`` what went wrong with it before. Raises
    :class:`BagError` that says what to do.
    """
    try:
        # Not needed for WAV, and without a rosdep key: only asked for where it is.
        import soundfile
    except (ImportError, OSError) as error:
        raise BagError(
            f'{name!r} cannot be read'
            + (f' ({problem})' if problem else '')
            + ": install the library for other formats than WAV, 'pip install soundfile' or "
            f"'apt install python3-soundfile', or convert it to 16-bit WAV ({error})"
        ) from None
    try:
        with soundfile.SoundFile(source) as file:
            # The library would cast floats to integers, and what goes from -1 to 1 to zeros.
            kind = 'float64' if file.subtype in ('FLOAT', 'DOUBLE') else 'int16'
            samples, rate = file.read(dtype=kind, always_2d=True), file.samplerate
    except (soundfile.SoundFileError, RuntimeError, OSError) as error:
        raise BagError(
            f'{name!r} is no sound that can be read ({_reason(error)}): convert it to 16-bit WAV'
        ) from error
    return _checked(name, int(rate), _as_int16(name, samples))


def _reason(error: Exception) -> str:
    """Give what soundfile says without the name of the file, which is said already."""
    return str(getattr(error, 'error_string', error)).strip().rstrip('.')


def _checked(name: str, rate_hz: int, samples: NDArray[np.int16]) -> tuple[int, NDArray[np.int16]]:
    if not len(samples):
        raise BagError(f'{name!r} holds no sound')
    return rate_hz, samples


def _as_int16(name: str, samples: NDArray[Any]) -> NDArray[np.int16]:
    """Bring what files may hold to 16 bits; (N,) or (N, channels) to (N, channels)."""
    samples = samples[:, None] if samples.ndim == 1 else samples
    samples = samples.astype(samples.dtype.newbyteorder('='), copy=False)
    if samples.dtype.kind == 'f':
        if not np.isfinite(samples).all():
            raise BagError(f'{name!r} holds values that are no numbers: convert it to 16-bit WAV')
        if integers_in_floats(samples):
            raise BagError(
                f'{name!r} holds floats up to {np.abs(samples).max():.6g}, though 1 is full '
                'scale: divide them by the full scale of the integers that they were (32768), or '
                'write these as 16-bit WAV'
            )
        return np.asarray(np.rint(samples.clip(-1, 1) * 32_767), np.int16)
    if samples.dtype == np.uint8:
        return (samples.astype(np.int16) - 128) << 8
    if samples.dtype == np.int32:
        return (samples >> 16).astype(np.int16)
    if samples.dtype != np.int16:
        raise ValueError(f'samples of {samples.dtype} are not known')
    return samples
