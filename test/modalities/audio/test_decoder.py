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

"""Audio of every type and format becomes the same mono samples, or a refusal that says why."""

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from rosbags.typesys import get_types_from_msg, get_typestore, Stores
from rosbags.typesys.store import Typestore

from test.messages import EPOCH, header, SECOND, serialize
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.modalities.audio.decoder import (
    AudioDecoder,
    AudioFormat,
    FOXGLOVE_TYPE,
    NESTED_TYPE,
    PLAIN_TYPE,
    read_audio_info,
    SAMPLE_FORMATS,
    STAMPED_TYPE,
)
from xmodal_ros.streams.sample import DecodeError

WAVE = np.sin(np.linspace(0, 20, 160)) * 0.9
MGONZS13_DATA = (
    'float32[] float32_data\nint32[] int32_data\nint16[] int16_data\n'
    'int8[] int8_data\nuint8[] uint8_data\n'
)


def store_of(definitions: dict[str, str]) -> Typestore:
    store = get_typestore(Stores.ROS2_JAZZY)
    for name, text in definitions.items():
        store.register(get_types_from_msg(text, name))
    return store


def encode(sample_format: str, wave: np.ndarray) -> bytes:
    """PCM by numpy alone, an encoder that shares nothing with the decoder."""
    kind, bits = sample_format[0], int(sample_format[1:].rstrip('LEB'))
    order: Literal['big', 'little'] = 'big' if sample_format.endswith('BE') else 'little'
    if kind == 'F':
        return wave.astype('>f4' if order == 'big' else '<f4').tobytes()
    full = 2 ** (bits - 1)
    integers = np.round(wave * (full - 1)).astype(np.int64) + (full if kind == 'U' else 0)
    return b''.join(int(v).to_bytes(bits // 8, order, signed=kind == 'S') for v in integers)


def stamped(pcm: bytes, stamp: int = EPOCH) -> bytes:
    types = TYPESTORE.types
    message = types[STAMPED_TYPE](
        header=header(stamp, 'mic'),
        audio=types[PLAIN_TYPE](data=np.frombuffer(pcm, np.uint8)),
    )
    return serialize(message, STAMPED_TYPE)


def info(channels=1, rate=16000, sample_format='S16LE', coding='wave') -> bytes:
    message = TYPESTORE.types['audio_common_msgs/msg/AudioInfo'](
        channels=channels,
        sample_rate=rate,
        sample_format=sample_format,
        bitrate=0,
        coding_format=coding,
    )
    return serialize(message, 'audio_common_msgs/msg/AudioInfo')


@pytest.mark.parametrize('sample_format', SAMPLE_FORMATS)
def test_every_sample_format_gives_the_same_wave(sample_format):
    decode = AudioDecoder(STAMPED_TYPE, AudioFormat(16000, 1, sample_format))
    sample = decode(stamped(encode(sample_format, WAVE)))
    assert (sample.stamp_ns, sample.frame_id) == (EPOCH, 'mic')
    assert sample.values.dtype == np.float32
    tolerance = 0.012 if '8' in sample_format else 1e-4
    np.testing.assert_allclose(sample.values, WAVE, atol=tolerance)


def test_channels_are_averaged():
    stereo = np.stack([WAVE, -WAVE / 2], axis=1).reshape(-1)
    decode = AudioDecoder(STAMPED_TYPE, AudioFormat(44100, 2, 'F32LE'))
    sample = decode(stamped(encode('F32LE', stereo)))
    np.testing.assert_allclose(sample.values, WAVE / 4, atol=1e-6)
    assert decode.rate_hz == 44100


@pytest.mark.parametrize('sample_format', ['S16LE', 'U8', 'S8', 'F32LE'])
@pytest.mark.parametrize('channels', [1, 2])
def test_samples_are_the_mean_of_their_channels_to_the_last_bit(sample_format, channels):
    dtype, offset, scale = {
        'S16LE': ('<i2', 0, 2**15), 'U8': ('u1', 128, 2**7), 'S8': ('i1', 0, 2**7),
        'F32LE': ('<f4', 0, 1),
    }[sample_format]  # fmt: skip
    rng = np.random.default_rng(0)
    if sample_format == 'F32LE':
        raw = np.append(rng.normal(size=62), [-0.0, -0.0]).astype(dtype)
    else:
        limits = np.iinfo(dtype)
        raw = rng.integers(limits.min, limits.max, 64, dtype, endpoint=True)
        raw[:4] = limits.min, limits.min, limits.max, limits.max
    wanted = (raw.astype(np.float64) - offset).reshape(-1, channels).mean(axis=1) / scale
    decoder = AudioDecoder(STAMPED_TYPE, AudioFormat(16_000, channels, sample_format))
    decoded = decoder(stamped(raw.tobytes())).values
    assert decoded.tobytes() == np.clip(wanted, -1, 1).astype(np.float32).tobytes()


def chunks(audio: AudioFormat, count: int = 12) -> list[bytes]:
    rng = np.random.default_rng(0)
    size = 160 * audio.channels
    waves = rng.uniform(-1, 1, (count, size))
    return [stamped(encode(audio.sample_format, each), EPOCH + n) for n, each in enumerate(waves)]


@pytest.mark.parametrize('sample_format', SAMPLE_FORMATS)
@pytest.mark.parametrize('channels', [1, 2, 3])
def test_a_block_is_decoded_to_the_bits_of_one_by_one(sample_format, channels):
    audio = AudioFormat(16_000, channels, sample_format)
    messages = chunks(audio)
    block = AudioDecoder(STAMPED_TYPE, audio).block(messages)
    assert block is not None
    for sample, data in zip(block.samples(), messages, strict=True):
        expected = AudioDecoder(STAMPED_TYPE, audio)(data)
        assert (sample.stamp_ns, sample.frame_id, sample.rate_hz) == (
            expected.stamp_ns, expected.frame_id, expected.rate_hz,
        )  # fmt: skip
        assert sample.values.dtype == expected.values.dtype
        assert sample.values.tobytes() == expected.values.tobytes()


@given(
    st.integers(0, 9),
    st.integers(0, 1000),
    st.one_of(
        st.binary(min_size=1, max_size=8),
        st.sampled_from([np.nan, 3.0, 40.0, -np.inf]).map(lambda x: np.float32(x).tobytes()),
    ),
)
def test_a_block_with_a_damaged_chunk_is_not_decoded_or_the_same(number, position, damage):
    audio = AudioFormat(16_000, 1, 'F32LE')
    messages = chunks(audio, 10)
    data = bytearray(messages[number])
    position %= len(data)
    data[position : position + len(damage)] = damage
    messages[number] = bytes(data)
    block = AudioDecoder(STAMPED_TYPE, audio).block(messages)
    if block is not None:
        found = [(s.stamp_ns, s.frame_id, s.values.tobytes()) for s in block.samples()]
        one_by_one = [AudioDecoder(STAMPED_TYPE, audio)(each) for each in messages]
        assert found == [(s.stamp_ns, s.frame_id, s.values.tobytes()) for s in one_by_one]


_FLOATS = AudioFormat(16_000, 1, 'F32LE')


@pytest.mark.parametrize(
    'other',
    [
        stamped(encode('F32LE', np.append(WAVE[1:], np.nan))),
        # Integers in floats, which are seen as such where no others are beside them.
        stamped(encode('F32LE', np.full(160, 7.0))),
        stamped(encode('F32LE', WAVE[1:])),
        stamped(b'RIFF' + encode('F32LE', WAVE)[4:]),
        stamped(b'OggS' + encode('F32LE', WAVE)[4:]),
        stamped(encode('F32LE', WAVE), 0),
        stamped(encode('F32LE', WAVE)).replace(b'mic', b'mac'),
        stamped(encode('F32LE', WAVE))[:-3],
        b'',
    ],
)
@pytest.mark.parametrize('number', [0, 5])
def test_what_is_to_be_refused_or_unlike_the_others_is_decoded_one_by_one(other, number):
    messages = [stamped(encode('F32LE', WAVE))] * 9
    assert AudioDecoder(STAMPED_TYPE, _FLOATS).block(messages) is not None
    messages.insert(number, other)
    assert AudioDecoder(STAMPED_TYPE, _FLOATS).block(messages) is None


def test_a_block_of_which_the_format_or_the_stamps_are_not_known_is_decoded_one_by_one():
    assert AudioDecoder(STAMPED_TYPE).block(chunks(_FLOATS)) is None
    assert AudioDecoder(PLAIN_TYPE, _FLOATS).block(chunks(_FLOATS)) is None


def test_plain_audio_takes_the_time_of_its_receipt():
    message = TYPESTORE.types[PLAIN_TYPE](data=np.frombuffer(encode('S16LE', WAVE), np.uint8))
    decode = AudioDecoder(PLAIN_TYPE, AudioFormat(16000, 1, 'S16LE'))
    sample = decode(serialize(message, PLAIN_TYPE), EPOCH + 5)
    assert sample.stamp_ns == EPOCH + 5
    np.testing.assert_allclose(sample.values, WAVE, atol=1e-4)


def test_raw_audio_of_foxglove_says_its_format_itself():
    text = (
        'builtin_interfaces/Time timestamp\nuint8[] data\nstring format\n'
        'uint32 sample_rate\nuint32 number_of_channels\n'
    )
    store = store_of({FOXGLOVE_TYPE: text})
    time = store.types['builtin_interfaces/msg/Time'](sec=EPOCH // SECOND, nanosec=7)

    def message(coding):
        raw_audio = store.types[FOXGLOVE_TYPE](
            timestamp=time,
            data=np.frombuffer(encode('S16LE', WAVE), np.uint8),
            format=coding,
            sample_rate=48000,
            number_of_channels=1,
        )
        return bytes(store.serialize_cdr(raw_audio, FOXGLOVE_TYPE))

    decode = AudioDecoder(FOXGLOVE_TYPE)
    sample = decode(message('pcm-s16'))
    assert (sample.stamp_ns, decode.rate_hz) == (EPOCH + 7, 48000)
    np.testing.assert_allclose(sample.values, WAVE, atol=1e-4)
    with pytest.raises(DecodeError, match='opus'):
        decode(message('opus'))


@pytest.mark.parametrize(
    ('field', 'number', 'dtype', 'scale'),
    [
        ('float32_data', 1, np.float32, 1),
        ('int32_data', 2, np.int32, 2**31 - 1),
        ('int16_data', 8, np.int16, 2**15 - 1),
        ('int8_data', 16, np.int8, 2**7 - 1),
    ],
)
@pytest.mark.parametrize('little', [True, False])
def test_nested_audio_of_mgonzs13_is_read_from_the_field_its_format_names(
    field, number, dtype, scale, little
):
    base = 'audio_common_msgs/msg/'
    # The layout of mgonzs13's package, whose AudioData and AudioInfo bear the same names.
    store = store_of(
        {
            base + 'AudioData': MGONZS13_DATA,
            base + 'AudioInfo': 'int32 format\nint32 channels\nint32 rate\nint32 chunk\n',
            base + 'Audio': (
                'audio_common_msgs/AudioData audio_data\naudio_common_msgs/AudioInfo info\n'
            ),
            base + 'AudioStamped': 'std_msgs/Header header\naudio_common_msgs/Audio audio\n',
        }
    )
    fields = {
        'float32_data': np.float32,
        'int32_data': np.int32,
        'int16_data': np.int16,
        'int8_data': np.int8,
        'uint8_data': np.uint8,
    }
    data = {name: np.empty(0, kind) for name, kind in fields.items()}
    data[field] = np.round(WAVE * scale).astype(dtype) if scale > 1 else WAVE.astype(dtype)
    types = store.types
    message = types[base + 'AudioStamped'](
        header=header(EPOCH, 'mic'),
        audio=types[base + 'Audio'](
            audio_data=types[base + 'AudioData'](**data),
            info=types[base + 'AudioInfo'](format=number, channels=1, rate=16000, chunk=160),
        ),
    )
    raw = bytes(store.serialize_cdr(message, base + 'AudioStamped', little_endian=little))
    sample = AudioDecoder(NESTED_TYPE)(raw)
    np.testing.assert_allclose(sample.values, WAVE, atol=0.012 if number == 16 else 1e-4)


def test_the_info_topic_says_the_format():
    assert read_audio_info(info(2, 48000, 's16le')) == AudioFormat(48000, 2, 'S16LE')


@pytest.mark.parametrize(
    ('data', 'reason', 'words'),
    [
        (info(coding='mp3'), 'compressed', 'format:=wave'),
        (info(sample_format='DSD'), 'format', 'DSD'),
        (info(rate=0), 'format', '0 Hz'),
        (info(channels=0), 'format', '0 channels'),
        (info()[:9], 'truncated', 'past the end'),
    ],
)
def test_an_announcement_that_cannot_be_read_is_refused_with_the_remedy(data, reason, words):
    with pytest.raises(DecodeError, match=words) as refusal:
        read_audio_info(data)
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ('data', 'audio_format', 'reason'),
    [
        (stamped(encode('S16LE', WAVE)), None, 'no_format'),
        (stamped(b'ID3\4' + bytes(40)), None, 'compressed'),
        (stamped(b'\xff\xfb\x90\x64' + bytes(40)), None, 'compressed'),
        (stamped(encode('S16LE', WAVE)[:-1]), AudioFormat(16000, 1, 'S16LE'), 'size'),
        (stamped(b''), AudioFormat(16000, 1, 'S16LE'), 'size'),
        (stamped(encode('S16LE', WAVE), 0), AudioFormat(16000, 1, 'S16LE'), 'zero_stamp'),
        (
            stamped(encode('F32LE', np.array([np.nan]))),
            AudioFormat(16000, 1, 'F32LE'),
            'not_finite',
        ),
    ],
)
def test_what_cannot_be_used_is_refused_under_its_reason(data, audio_format, reason):
    with pytest.raises(DecodeError) as refusal:
        AudioDecoder(STAMPED_TYPE, audio_format)(data)
    assert refusal.value.reason == reason


@given(
    st.sampled_from([STAMPED_TYPE, PLAIN_TYPE, NESTED_TYPE, FOXGLOVE_TYPE]),
    st.sampled_from(SAMPLE_FORMATS),
    st.binary(max_size=200),
)
def test_arbitrary_bytes_give_samples_or_a_refusal(msgtype, sample_format, body):
    decode = AudioDecoder(msgtype, AudioFormat(16000, 2, sample_format))
    try:
        sample = decode(b'\0\1\0\0' + body, EPOCH)
    except DecodeError:
        return
    assert np.isfinite(sample.values).all()
    assert np.abs(sample.values).max() <= 1


@pytest.mark.parametrize('rate_hz', [0, 1, 8, 999, 768_001, 2**31])
def test_rates_that_no_microphone_has_are_refused(rate_hz: int) -> None:
    with pytest.raises(DecodeError, match='cannot be used') as refused:
        AudioFormat(rate_hz, 1, 'S8')
    assert refused.value.reason == 'format'


def test_more_sound_than_a_message_can_hold_is_refused() -> None:
    """Or one message would make hundreds of windows due at once."""
    decode = AudioDecoder(PLAIN_TYPE, AudioFormat(1000, 1, 'S8'))
    length = 60 * 1000
    good = b'\0\1\0\0' + length.to_bytes(4, 'little') + bytes(length)
    assert len(decode(good, EPOCH).values) == length
    longer = b'\0\1\0\0' + (length + 1).to_bytes(4, 'little') + bytes(length + 1)
    with pytest.raises(DecodeError, match='is the rate right') as refused:
        decode(longer, EPOCH)
    assert refused.value.reason == 'size'


@pytest.mark.parametrize('name', ['F32LE', 'F32BE'])
def test_integers_in_floats_are_refused_rather_than_cut_off(name):
    decode = AudioDecoder(STAMPED_TYPE, AudioFormat(16_000, 1, name))
    for wrong in (8000 * WAVE, np.rint(4 * WAVE)):
        with pytest.raises(DecodeError, match='divide') as caught:
            decode(stamped(encode(name, wrong)))
        assert caught.value.reason == 'scale'
    # What was mixed goes a little beyond, and what was cut off is whole.
    for right in (1.5 * WAVE, np.rint(WAVE)):
        assert np.abs(decode(stamped(encode(name, right))).values).max() == 1


@pytest.mark.parametrize(
    ('name', 'ours'),
    [
        ('S16', 'S16LE'),
        ('s16le', 'S16LE'),
        ('S16_LE', 'S16LE'),
        ('PCM16', 'S16LE'),
        ('int16', 'S16LE'),
        ('pcm-s16', 'S16LE'),
        ('S24_3LE', 'S24LE'),
        ('FLOAT_LE', 'F32LE'),
        ('float32', 'F32LE'),
        ('uint8', 'U8'),
    ],
)
def test_formats_may_have_the_names_that_others_give_them(name, ours):
    assert read_audio_info(info(sample_format=name)).sample_format == ours


@pytest.mark.parametrize('name', ['S24_32LE', 'F64LE', 'ulaw'])
def test_formats_that_cannot_be_read_are_not_taken_for_others(name):
    with pytest.raises(DecodeError, match='change the sample format'):
        read_audio_info(info(sample_format=name))


@pytest.mark.parametrize('start', [b'OggS', b'fLaC'])
def test_compressed_sound_that_is_stated_to_be_none_is_told_by_its_first_bytes(start):
    decode = AudioDecoder(STAMPED_TYPE, AudioFormat(16_000, 1, 'S16LE'))
    with pytest.raises(DecodeError) as caught:
        decode(stamped(start + bytes(100)))
    assert caught.value.reason == 'compressed'


def test_the_header_of_a_wav_file_is_no_sound() -> None:
    sound = (np.sin(np.arange(160)) * 8000).astype('<i2').tobytes()
    head = b'RIFF' + bytes(4) + b'WAVEfmt ' + bytes(20) + b'data' + bytes(4)
    decode = AudioDecoder(STAMPED_TYPE, AudioFormat(16_000, 1, 'S16LE'))
    plain = decode(stamped(sound)).values
    assert (decode(stamped(head + sound)).values == plain).all()
