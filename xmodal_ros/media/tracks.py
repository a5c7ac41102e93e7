"""Which sensors of a recording can be shown, and how their messages are decoded."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from xmodal_ros.bags.audio_format import read_audio_format
from xmodal_ros.bags.reading import BagReader, Topic
from xmodal_ros.errors import BagError
from xmodal_ros.media.pictures import make_picture_maker, PictureMaker
from xmodal_ros.media.spectrogram import played_rate, PlayedRate
from xmodal_ros.sensors import Sensor
from xmodal_ros.streams.audio import AUDIO_TYPES, AudioDecoder, PLAIN_TYPE
from xmodal_ros.streams.camera import COMPRESSED_TYPE, IMAGE_TYPE
from xmodal_ros.streams.cdr import read_stamp_ns
from xmodal_ros.streams.imu import IMU_TYPE, ImuDecoder
from xmodal_ros.streams.sample import DecodeError, Sample

# The first messages of a sensor may be broken while its driver starts.
_FIRST_MESSAGES: Final = 10
# Clocks that are further apart than any transport delay were not synchronised.
_CLOCK_DIFFERENCE_NS: Final = 1_000_000_000


@dataclass(frozen=True)
class Track:
    """One sensor as the page shows it.

    ``problem`` says why it cannot be shown, else its modality's field is set. ``delay_ns`` is by
    how much its first messages were recorded after their stamps, ``chunk_ns`` how long one
    message of sound lasts.
    """

    sensor: Sensor
    msgtype: str
    problem: str = ''
    delay_ns: int = 0
    pictures: PictureMaker | None = None
    motion: Callable[[bytes], Sample] | None = None
    sound: AudioDecoder | None = None
    chunk_ns: int = 0

    @property
    def rate_hz(self) -> int:
        """The rate of the sound, 0 for other sensors."""
        return self.sound.rate_hz if self.sound else 0

    @property
    def played(self) -> PlayedRate:
        """The rate at which its sound goes to the page."""
        return played_rate(self.rate_hz)

    @property
    def warning(self) -> str:
        """What a person should know before trusting what is shown; '' for nothing."""
        if self.problem:
            return f'{self.sensor.name} cannot be shown: {self.problem}'
        if abs(self.delay_ns) > _CLOCK_DIFFERENCE_NS:
            return (
                f'{self.sensor.name}: its stamps are {self.delay_ns / 1e9:.3f} s behind the time '
                'of recording; it is shown by its stamps, as models are trained'
            )
        return ''


_Make = Callable[[BagReader, Sensor, str, bytes, int], Track]


def find_tracks(reader: BagReader) -> tuple[Track, ...]:
    """Give a track for each sensor that has messages; reads a few messages of each.

    Raises :class:`BagError` when the recording is damaged.
    """
    empty = Topic('', '', 0)
    return tuple(
        _track(reader, sensor, reader.topics[sensor.topic].msgtype)
        for sensor in reader.sensors
        if reader.topics.get(sensor.topic, empty).count
    )


def _track(reader: BagReader, sensor: Sensor, msgtype: str) -> Track:
    first = [
        (message.data, message.received_ns)
        for message in islice(reader.messages([sensor.topic]), _FIRST_MESSAGES)
    ]
    make: _Make | None
    make = {IMU_TYPE: _motion, IMAGE_TYPE: _pictures, COMPRESSED_TYPE: _pictures}.get(msgtype)
    if msgtype in AUDIO_TYPES:
        make = _sound
    if make is None:
        return Track(sensor, msgtype, f'messages of type {msgtype} are not known')
    problem = 'its first messages are broken'
    for data, received_ns in first:
        try:
            track = make(reader, sensor, msgtype, data, received_ns)
        except BagError as error:
            return Track(sensor, msgtype, str(error))
        except DecodeError as error:
            problem = str(error)
        else:
            return _within(reader, track)
    return Track(sensor, msgtype, problem)


def _within(reader: BagReader, track: Track) -> Track:
    if abs(track.delay_ns) <= max(reader.end_ns - reader.start_ns, _CLOCK_DIFFERENCE_NS):
        return track
    problem = (
        f'its stamps are {track.delay_ns / 1e9:.0f} s behind the time of recording, further than '
        'the recording is long, and labels cannot name such times: the clocks of its driver and '
        'of the recorder were not synchronised'
    )
    return Track(track.sensor, track.msgtype, problem)


def _motion(
    _reader: BagReader, sensor: Sensor, msgtype: str, data: bytes, received_ns: int
) -> Track:
    decode = ImuDecoder()
    try:
        sample = decode(data)
    except DecodeError as error:
        if error.reason != 'no_gyro':
            raise
        decode = ImuDecoder('acc')
        sample = decode(data)
    return Track(sensor, msgtype, delay_ns=received_ns - sample.stamp_ns, motion=decode)


def _pictures(
    _reader: BagReader, sensor: Sensor, msgtype: str, data: bytes, received_ns: int
) -> Track:
    maker = make_picture_maker(msgtype, data)
    delay_ns = received_ns - read_stamp_ns(data)
    return Track(sensor, msgtype, delay_ns=delay_ns, pictures=maker)


def _sound(
    reader: BagReader, sensor: Sensor, msgtype: str, data: bytes, received_ns: int
) -> Track:
    decoder = AudioDecoder(msgtype, read_audio_format(reader, sensor.topic))
    sample = decoder(data, received_ns)
    return Track(
        sensor,
        msgtype,
        delay_ns=0 if msgtype == PLAIN_TYPE else received_ns - sample.stamp_ns,
        sound=decoder,
        chunk_ns=len(sample.values) * 1_000_000_000 // decoder.rate_hz,
    )
