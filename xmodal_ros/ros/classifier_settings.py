"""What a classifier's parameters ask for, checked before anything is changed by it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
import sys
from typing import Any, Final

from xmodal_ros.errors import BundleError, ConfigurationError
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.models.configuration_bundle import check_bundle
from xmodal_ros.paths import user_path
from xmodal_ros.streams.placement import make_placement, Placement
from xmodal_ros.streams.sample import DecodeError

Get = Callable[[str], Any]

MODEL_PARAMETERS: Final = frozenset({'model', 'device', 'precision'})
_ANY_RATE_HZ: Final = 16_000
THRESHOLD: Final = 'unknown_threshold'
SENSOR_INPUT_PARAMETERS: Final = frozenset(
    {
        *('topic', 'frame_id', 'mounting_rotation', 'mounting_frame', 'region_of_interest'),
        *('info_topic', 'audio_rate', 'audio_channels', 'audio_format'),
    }
)


@dataclass(frozen=True)
class ModelSettings:
    """Which model computes, where and how."""

    model: str
    device: str
    precision: str

    @property
    def path(self) -> Path:
        """The bundle's folder; raises :class:`ConfigurationError` where none is named."""
        if not self.model:
            raise ConfigurationError(
                "the parameter 'model' is not set: give the folder of a bundle, for example "
                '--ros-args -p model:=/models/imu'
            )
        return user_path(self.model)


@dataclass(frozen=True)
class SensorInputSettings:
    """Where messages come from, and how they are to be read.

    ``frame`` is the sensor's, '' where its messages say. ``mounting_frame`` is the frame into
    which static transforms turn an IMU, '' for the placement as it is. ``info_topic`` is where
    the format of audio is published, '' where ``audio_format`` is given or the modality is
    another.
    """

    topic: str
    placement: Placement
    frame: str = ''
    mounting_frame: str = ''
    info_topic: str = ''
    audio_format: AudioFormat | None = None


def read_model(get: Get) -> ModelSettings:
    """Read the parameters that choose the model."""
    return ModelSettings(str(get('model')), str(get('device')), str(get('precision')))


def read_threshold(get: Get) -> float | None:
    """Read the threshold for ``unknown``; None is the bundle's.

    Raises :class:`ConfigurationError` for any negative number but -1.
    """
    value = float(get(THRESHOLD))
    if -1 < value < 0:
        raise ConfigurationError(
            f"{THRESHOLD} {value:g} is no probability: give 0 to 1, or -1 for the bundle's own"
        )
    return None if value < 0 else value


def read_sensor_input(modality: str, get: Get) -> SensorInputSettings:
    """Read the parameters that say where data come from.

    Raises :class:`ConfigurationError` for values that cannot be used.
    """
    topic, frame = str(get('topic')), str(get('frame_id'))
    if modality == 'imu':
        placement = make_placement(angles=get('mounting_rotation'))
        return SensorInputSettings(topic, placement, frame, str(get('mounting_frame')))
    if modality == 'camera':
        placement = make_placement(region=get('region_of_interest'))
        return SensorInputSettings(topic, placement, frame)
    audio_format = _audio_format(get)
    info_topic = '' if audio_format else str(get('info_topic')) or f'{topic}_info'
    return SensorInputSettings(topic, Placement(), frame, '', info_topic, audio_format)


def check_model(wanted: ModelSettings, modality: str) -> None:
    """Prove a model usable for a node without loading it.

    Raises :class:`XmodalError` subclasses that say what is wrong: no such bundle, altered, for
    another modality, no such device or precision, torch missing.
    """
    try:
        from xmodal_ros.models.precision import PRECISIONS
        from xmodal_ros.runtime.loading import check_device
    except ImportError as error:
        missing = error.name or str(error)
        raise ConfigurationError(
            f'the Python package {missing!r} is missing: install it for {sys.executable}, '
            f'for example with "{sys.executable} -m pip install {missing}"'
        ) from error
    if wanted.precision not in PRECISIONS:
        raise ConfigurationError(
            f'precision {wanted.precision!r} is none of {", ".join(PRECISIONS)}'
        )
    info = check_bundle(wanted.path)
    if info.modality != modality:
        raise BundleError(
            f'bundle {wanted.path} is for {info.modality}, this node classifies {modality}: '
            'choose another bundle or another node'
        )
    precision: Any = wanted.precision
    check_device(wanted.path, wanted.device, precision)


def _audio_format(get: Get) -> AudioFormat | None:
    rate_hz, sample_format = int(get('audio_rate')), str(get('audio_format')).upper()
    try:
        # Any rate will do to learn of a sample format that will not.
        audio_format = AudioFormat(
            rate_hz or _ANY_RATE_HZ, int(get('audio_channels')), sample_format
        )
    except DecodeError as error:
        raise ConfigurationError(f'audio_rate, audio_channels, audio_format: {error}') from None
    return audio_format if rate_hz else None
