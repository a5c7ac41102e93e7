"""What a bundle expects of a topic; read without torch, which a robot may lack."""

from dataclasses import dataclass
import math
from pathlib import Path

from xmodal_ros.modalities.camera.stream import CameraStream
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.modalities.registry import StreamSpec
from xmodal_ros.models.configuration_bundle import BundleInfo, check_bundle
from xmodal_ros.models.configuration_preprocessing import StandardiseStep
from xmodal_ros.windows.windowing import WindowingSpec


@dataclass(frozen=True)
class Expectation:
    """What a model wants: the stream, and the windows that are cut of it.

    ``acceleration_rms`` is the root mean square of the acceleration's length in what it learnt
    from, in m/s²; None where the bundle does not tell.
    """

    path: Path
    sensor: str
    labels: tuple[str, ...]
    stream: StreamSpec
    window: WindowingSpec
    acceleration_rms: float | None = None

    @property
    def modality(self) -> str:
        """The modality that the model runs on."""
        return self.stream.modality

    def describe(self) -> str:
        """Say it in words for a person."""
        stream, window = self.stream, self.window
        details = ''
        if isinstance(stream, ImuStream):
            both = stream.channels == 'acc_gyro'
            details = ' (acceleration and gyro)' if both else ' (acceleration)'
        elif isinstance(stream, CameraStream):
            details = f' ({stream.pixels}, {stream.width}x{stream.height})'
        return (
            f'{self.modality}{details} at {window.rate_hz} Hz, windows of '
            f'{window.length_ns / 1e9:g} s every {window.hop_ns / 1e9:g} s'
        )


def read_expectation(path: Path) -> Expectation:
    """Read what a bundle wants, and check that its files are there and whole.

    The golden sample is not tried: that takes torch, and the node does it when it starts. Raises
    :class:`BundleError`.
    """
    info = check_bundle(path)
    return Expectation(
        path, info.sensor, info.labels, info.stream, info.window, _acceleration_rms(info)
    )


def _acceleration_rms(info: BundleInfo) -> float | None:
    """Take it from the statistics of the first three channels, which are raw."""
    if info.modality != 'imu':
        return None
    # Whatever comes before them leaves the channels where they are, and appends others.
    for step in info.preprocessing:
        if isinstance(step, StandardiseStep):
            pairs = zip(step.mean[:3], step.std[:3], strict=True)
            return math.sqrt(sum(mean**2 + std**2 for mean, std in pairs))
    return None
