"""The faults by name: which sensors they befall, in what unit, and how far a curve goes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
import difflib
from typing import Final, Literal

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.evaluation.faults import Delay, Dropout, Fault, Jitter, LowerRate
from xmodal_ros.evaluation.signal_faults import (
    Background,
    ImuNoise,
    LowLight,
    PixelNoise,
    Turned,
)
from xmodal_ros.modalities.stream import AudioStream, CameraStream, ImuStream, StreamSpec

ALL: Final = 'all'

# Depth is a kind of its own: darkness does not touch it, and its noise is in metres.
Kind = Literal['imu', 'picture', 'depth', 'audio']
_ANY: Final[tuple[Kind, ...]] = ('imu', 'picture', 'depth', 'audio')


@dataclass(frozen=True)
class FaultKind:
    """A fault of one name for some kinds of sensors; ``grid`` grows worse.

    ``unit`` is that of the severities, ``harm`` says what they mean; ``unharmed`` is the
    severity at which nothing is amiss, None where no number says so.
    """

    name: str
    kinds: tuple[Kind, ...]
    unit: str
    harm: str
    grid: tuple[float, ...]
    unharmed: float | None
    make: Callable[[float], Fault]


CATALOGUE: Final = (
    FaultKind('dropout', _ANY, '', 'share of messages lost',
              (0.1, 0.3, 0.5, 0.7, 0.9), 0, Dropout),
    FaultKind('delay', _ANY, 's', 'stamps late by', (0.1, 0.2, 0.5, 1, 2), 0, Delay),
    FaultKind('jitter', _ANY, 's', 'standard deviation of stamps',
              (0.005, 0.02, 0.05, 0.1, 0.2), 0, Jitter),
    FaultKind('rate', ('imu', 'picture', 'depth'), '', 'messages fewer by the factor',
              (2, 4, 8, 16), 1, LowerRate),
    FaultKind('rate', ('audio',), '', 'sample rate lower by the factor', (2, 4, 8), 1, LowerRate),
    FaultKind('noise', ('imu',), 'm/s²', 'standard deviation of noise (a tenth of it in rad/s)',
              (0.5, 1, 2, 5, 10), 0, ImuNoise),
    FaultKind('noise', ('picture',), 'grey levels', 'standard deviation of noise on model pixels',
              (5, 10, 20, 40, 80), 0, PixelNoise),
    FaultKind('noise', ('depth',), 'm', 'standard deviation of noise on model pixels',
              (0.02, 0.05, 0.1, 0.2, 0.5), 0, PixelNoise),
    FaultKind('low_light', ('picture',), '', 'share of the light left',
              (0.5, 0.2, 0.1, 0.05, 0.02, 0.01), 1, LowLight),
    FaultKind('rotation', ('imu',), '°', 'mounting turned about a random axis by',
              (5, 15, 30, 60, 90, 180), 0, Turned),
    FaultKind('background', ('audio',), 'dB', 'pink noise at a signal-to-noise ratio of',
              (30, 20, 10, 5, 0, -5), None, Background),
)  # fmt: skip

NAMES: Final = tuple(dict.fromkeys(kind.name for kind in CATALOGUE))


def choose(names: Sequence[str]) -> tuple[str, ...]:
    """Check names of faults, ``all`` among them standing for every one.

    Raises :class:`ConfigurationError` that lists those there are.
    """
    for name in names:
        if name not in (*NAMES, ALL):
            close = difflib.get_close_matches(name, NAMES, n=1)
            hint = f'; did you mean {close[0]!r}?' if close else ''
            raise ConfigurationError(
                f'there is no fault {name!r}: choose among {", ".join(NAMES)}, or {ALL}{hint}'
            )
    return NAMES if ALL in names else tuple(name for name in NAMES if name in names)


def faults_of(stream: StreamSpec, names: Sequence[str]) -> tuple[FaultKind, ...]:
    """Give those of the named faults that can befall a sensor of this stream."""
    kind = _kind_of(stream)
    return tuple(each for each in CATALOGUE if each.name in names and kind in each.kinds)


def _kind_of(stream: StreamSpec) -> Kind | None:
    if isinstance(stream, CameraStream):
        return 'depth' if stream.pixels == 'depth' else 'picture'
    if isinstance(stream, AudioStream):
        return 'audio'
    return 'imu' if isinstance(stream, ImuStream) else None
