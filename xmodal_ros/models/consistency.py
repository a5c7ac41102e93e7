"""What the parts of a model must have in common, for a document that contradicts itself."""

from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel

from xmodal_ros.modalities.registry import StreamSpec
from xmodal_ros.models.bcresnet import AudioBcResNet
from xmodal_ros.models.encoders import CameraCnn, EncoderSpec, ImuCnn
from xmodal_ros.models.log_mel import LogMelStep
from xmodal_ros.models.preprocessing import (
    MagnitudeStep,
    Preprocessing,
    PreprocessingStep,
    StandardiseStep,
)
from xmodal_ros.windows.windowing import WindowingSpec

_ENCODER_OF: Final[dict[str, type[BaseModel]]] = {
    'imu': ImuCnn,
    'camera': CameraCnn,
    'audio': AudioBcResNet,
    # A skeleton is a signal in time as an IMU's is, of more channels.
    'skeleton': ImuCnn,
}


def check_model(
    stream: StreamSpec,
    window: WindowingSpec,
    preprocessing: Sequence[PreprocessingStep],
    encoder: EncoderSpec,
) -> None:
    """Raise ValueError, as pydantic's validators do, when no model can be made of these parts."""
    if not isinstance(encoder, _ENCODER_OF[stream.modality]):
        raise ValueError(  # noqa: TRY004 - what pydantic reports
            f'encoder {encoder.kind} cannot read a {stream.modality} stream'
        )
    if isinstance(encoder, CameraCnn) and window.steps < encoder.frames_per_token:
        raise ValueError(
            f'windows of {window.steps} frames are too short for an encoder that takes '
            f'{encoder.frames_per_token} at a time'
        )
    _check_log_mel(stream, window, preprocessing)
    channels = stream.channel_count
    for step in preprocessing:
        if isinstance(step, StandardiseStep) and not (len(step.mean) == len(step.std) == channels):
            raise ValueError(
                f'a standardise step holds {len(step.mean)} means and {len(step.std)} '
                f'deviations for {channels} channels'
            )
        if isinstance(step, MagnitudeStep) and channels % 3:
            raise ValueError(f'magnitudes need triples of channels, not {channels}')
        channels = Preprocessing([step]).channels(channels)


def _check_log_mel(
    stream: StreamSpec, window: WindowingSpec, preprocessing: Sequence[PreprocessingStep]
) -> None:
    """Sound, and nothing else, has no channels until a log-mel step gives it some."""
    places = [n for n, step in enumerate(preprocessing) if isinstance(step, LogMelStep)]
    if places != ([0] if stream.modality == 'audio' else []):
        raise ValueError(
            'an audio stream needs one log_mel step, before all others'
            if stream.modality == 'audio'
            else f'a log_mel step cannot read a {stream.modality} stream'
        )
    for step in preprocessing:
        if not isinstance(step, LogMelStep):
            continue
        if step.rate_hz != window.rate_hz:
            raise ValueError(
                f'a log_mel step is for {step.rate_hz} Hz, but windows are of {window.rate_hz} Hz'
            )
        if window.steps < step.transform_steps:
            raise ValueError(
                f'windows of {window.steps} samples are too short for a transform of '
                f'{step.transform_steps}'
            )
