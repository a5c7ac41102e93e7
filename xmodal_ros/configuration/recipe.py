"""How a sensor is learnt unless the user says otherwise: the one place of training's defaults."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from pydantic import ValidationError

from xmodal_ros.configuration.fit_settings import (
    DEFAULT_HOP_S,
    DEFAULT_LENGTH_S,
    FitSettings,
    RecipeChoices,
    Size,
)
from xmodal_ros.errors import ConfigurationError, StreamError
from xmodal_ros.modalities.augmentation import (
    AudioAugmentation,
    Augmentation,
    CameraAugmentation,
    ImuAugmentation,
)
from xmodal_ros.modalities.camera.decoder import CameraPixels, COMPRESSED_TYPE
from xmodal_ros.modalities.imu.decoder import ImuChannels
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.modalities.skeleton.decoder import count_joints
from xmodal_ros.modalities.stream import (
    AudioStream,
    CameraStream,
    ImuStream,
    SkeletonStream,
    StreamSpec,
)
from xmodal_ros.models.bcresnet import AudioBcResNet
from xmodal_ros.models.encoders import CameraCnn, EncoderSpec, ImuCnn
from xmodal_ros.models.log_mel import LogMelStep
from xmodal_ros.models.preprocessing import MotionStep, PreprocessingStep
from xmodal_ros.streams.cdr import CdrCursor
from xmodal_ros.streams.sample import DecodeError
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

_DEPTH_ENCODINGS: Final = ('16UC1', '32FC1', 'mono16')
AUDIO_RATE_HZ: Final = 16_000
_GRAY_ENCODINGS: Final = ('mono8', '8UC1')


# Channels of each encoder. Tokens keep their dimension, so that sources of any size fit a target;
# of the audio's, these are the paper's BC-ResNet-2, -3 and -5.
_WIDTHS: Final[dict[str, dict[Size, int]]] = {
    'imu_cnn': {'small': 32, 'default': 64, 'large': 128},
    'camera_cnn': {'small': 8, 'default': 16, 'large': 32},
    'audio_bcresnet': {'small': 16, 'default': 24, 'large': 40},
}


@dataclass(frozen=True)
class Recipe:
    """All that is decided before a sensor's windows are seen.

    ``derived`` are preprocessing steps that need no statistics and come before standardising.
    """

    stream: StreamSpec
    window: WindowingSpec
    encoder: EncoderSpec
    derived: tuple[PreprocessingStep, ...]
    augmentation: Augmentation
    fit: FitSettings = field(default_factory=FitSettings)

    @property
    def training_window(self) -> WindowingSpec:
        """The windows to train on, twice as dense as the model's own.

        Those between two of the model's may end between two points of the grid, which matters
        for labels on a robot but not for learning.
        """
        return self.window.model_copy(update={'hop_ns': self.window.hop_ns // 2})


def make_recipe(
    sensor: Sensor, msgtype: str, first_message: bytes, choices: RecipeChoices
) -> Recipe:
    """Choose a sensor's recipe by its modality, and for a camera by its first image.

    Raises :class:`ConfigurationError` for a window that cannot be, and :class:`StreamError` for
    a first image or skeleton that cannot be read.
    """
    length_ns = _nanoseconds(choices.length_s, DEFAULT_LENGTH_S)
    hop_ns = _nanoseconds(choices.hop_s, DEFAULT_HOP_S)
    if sensor.modality == 'imu':
        recipe = _checked(lambda: _imu(choices.channels, length_ns, hop_ns))
    elif sensor.modality == 'camera':
        pixels = _pixels(sensor, msgtype, first_message)
        recipe = _checked(lambda: _camera(pixels, length_ns, hop_ns))
    elif sensor.modality == 'skeleton':
        joints = _joints(sensor, first_message)
        recipe = _checked(lambda: _skeleton(joints, length_ns, hop_ns))
    else:
        recipe = _checked(lambda: _audio(length_ns, hop_ns))
    return replace(
        recipe,
        encoder=_sized(recipe.encoder, choices.size),
        fit=choices.settle(recipe.fit),
    )


def _sized(encoder: EncoderSpec, size: Size) -> EncoderSpec:
    return encoder.model_copy(update={'width': _WIDTHS[encoder.kind][size]})


def _imu(channels: ImuChannels, length_ns: int, hop_ns: int) -> Recipe:
    window = WindowingSpec(
        length_ns=length_ns, hop_ns=hop_ns, rate_hz=50, margin_ns=SECOND_NS // 10, min_coverage=0.5
    )
    return Recipe(ImuStream(channels=channels), window, ImuCnn(), (), ImuAugmentation())


def _camera(pixels: CameraPixels, length_ns: int, hop_ns: int) -> Recipe:
    window = WindowingSpec(
        length_ns=length_ns, hop_ns=hop_ns, rate_hz=8, margin_ns=SECOND_NS // 8, min_coverage=0.5
    )
    return Recipe(
        CameraStream(pixels=pixels, height=30, width=40),
        window,
        CameraCnn(),
        (MotionStep(),),
        CameraAugmentation(),
        FitSettings(epochs=12, patience=5),
    )


def _audio(length_ns: int, hop_ns: int) -> Recipe:
    window = WindowingSpec(
        length_ns=length_ns,
        hop_ns=hop_ns,
        rate_hz=AUDIO_RATE_HZ,
        margin_ns=SECOND_NS // 10,
        min_coverage=0.5,
    )
    return Recipe(
        AudioStream(),
        window,
        AudioBcResNet(),
        (LogMelStep(rate_hz=AUDIO_RATE_HZ),),
        AudioAugmentation(),
        FitSettings(epochs=9, patience=5, batch_size=32),
    )


def _skeleton(joints: int, length_ns: int, hop_ns: int) -> Recipe:
    """Read it as an IMU of many channels, with how fast each joint moves beside where it is."""
    window = WindowingSpec(
        length_ns=length_ns, hop_ns=hop_ns, rate_hz=20, margin_ns=SECOND_NS // 10, min_coverage=0.5
    )
    # A factor on each joint alone would tear limbs apart.
    whole = ImuAugmentation(scale=0.0)
    return Recipe(SkeletonStream(joints=joints), window, ImuCnn(), (MotionStep(),), whole)


def _nanoseconds(seconds: float | None, default: float) -> int:
    # By microseconds, for 0.1 s must not become 100000000.00000001 ns.
    return round((default if seconds is None else seconds) * 1e6) * 1000


def _checked(make: Callable[[], Recipe]) -> Recipe:
    try:
        return make()
    except ValidationError as error:
        problem = error.errors()[0]
        where = ''.join(f'{part}: ' for part in problem['loc'])
        words = problem['msg'].removeprefix('Value error, ')
        raise ConfigurationError(f'--window or --hop: {where}{words}') from error


def _joints(sensor: Sensor, first_message: bytes) -> int:
    try:
        return count_joints(first_message)
    except DecodeError as error:
        raise StreamError(
            f'the first skeleton on {sensor.topic} cannot be read: {error}'
        ) from error


def _pixels(sensor: Sensor, msgtype: str, first_message: bytes) -> CameraPixels:
    try:
        cursor = CdrCursor(first_message)
        cursor.header()
        if msgtype == COMPRESSED_TYPE:
            return 'gray'
        cursor.uint32()
        cursor.uint32()
        encoding = cursor.string()
    except DecodeError as error:
        raise StreamError(f'the first image on {sensor.topic} cannot be read: {error}') from error
    return 'depth' if encoding in _DEPTH_ENCODINGS else 'gray'
