"""What the sensors of a recording saw, felt and heard, small enough to put into a page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from xmodal_ros.bags.audio_format import read_audio_format
from xmodal_ros.bags.reading import BagReader, Message, Topic
from xmodal_ros.errors import BagError
from xmodal_ros.media.film import Film, FilmMaker
from xmodal_ros.media.sound import Sound, SoundPainter
from xmodal_ros.media.span import Span
from xmodal_ros.media.trace import Trace, TraceDrawer
from xmodal_ros.sensors import Modality, Sensor
from xmodal_ros.streams.sample import DecodeError

__all__ = ['Film', 'Media', 'Sound', 'Span', 'Trace', 'read_media']

# Pictures say most, and need most.
_SHARES: Final[dict[Modality, int]] = {'camera': 10, 'imu': 4, 'audio': 3}


@dataclass(frozen=True, eq=False)
class Media:
    """The thumbnails, traces and spectrograms of one recording.

    ``missing`` says in words which sensors could not be shown, and why.
    """

    films: tuple[Film, ...] = ()
    traces: tuple[Trace, ...] = ()
    sounds: tuple[Sound, ...] = ()
    missing: tuple[str, ...] = ()


def read_media(reader: BagReader, span: Span, budget: int) -> Media:
    """Read what all sensors of a recording gave during ``span``, in at most ``budget`` bytes.

    The budget is divided over the sensors; where it is small there are fewer and coarser
    pictures, columns and points. One pass over the recording. Messages that cannot be decoded are
    left out. Raises :class:`BagError` where the recording is damaged.
    """
    there = [
        sensor
        for sensor in reader.sensors
        if sensor.modality in _SHARES and reader.topics.get(sensor.topic, Topic('', '', 0)).count
    ]
    shares = sum(_SHARES[sensor.modality] for sensor in there)
    films: list[FilmMaker] = []
    traces: list[TraceDrawer] = []
    sounds: list[SoundPainter] = []
    takers: dict[str, list[Callable[[Message], None]]] = {}
    missing: list[str] = []
    for sensor in there:
        portion = budget * _SHARES[sensor.modality] // shares
        try:
            maker = _maker(reader, sensor, span, portion)
        except BagError as error:
            missing.append(f'{sensor.name}: {error}')
            continue
        takers.setdefault(sensor.topic, []).append(maker.take)
        if isinstance(maker, FilmMaker):
            films.append(maker)
        elif isinstance(maker, TraceDrawer):
            traces.append(maker)
        else:
            sounds.append(maker)
    for message in reader.messages(list(takers)) if takers else ():
        for take in takers[message.topic]:
            try:
                take(message)
            except DecodeError:
                # The evaluation counts and names what cannot be used; here it just is not there.
                continue
    return Media(
        films=tuple(film for maker in films if (film := maker.finish())),
        traces=tuple(trace for drawer in traces for trace in drawer.finish()),
        sounds=tuple(sound for painter in sounds if (sound := painter.finish())),
        missing=tuple(missing),
    )


def _maker(
    reader: BagReader, sensor: Sensor, span: Span, budget: int
) -> FilmMaker | TraceDrawer | SoundPainter:
    msgtype = reader.topics[sensor.topic].msgtype
    if sensor.modality == 'camera':
        return FilmMaker(sensor.name, msgtype, span, budget)
    if sensor.modality == 'imu':
        return TraceDrawer(sensor.name, sensor.placement.rotation, span, budget)
    return SoundPainter(
        sensor.name, msgtype, read_audio_format(reader, sensor.topic), span, budget
    )
