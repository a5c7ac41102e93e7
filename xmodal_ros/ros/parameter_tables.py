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

"""The parameters of every node: the one place where their defaults are."""

from typing import Final

from xmodal_ros.modalities.modality import Modality
from xmodal_ros.parameter import Parameter

AUTOSTART: Final = Parameter(
    'autostart',
    True,
    'Configure and activate at start; false leaves the transitions to a lifecycle manager.',
)
DIAGNOSTICS_PERIOD: Final = Parameter(
    'diagnostics_period',
    1.0,
    'Seconds between two diagnostics, whatever ROS time does.',
    bounds=(0.02, 10.0),
)

MODALITY: Final = Parameter(
    'modality', '', 'What kind of sensor it is: the name of an installed modality.'
)


def classifier_table(modality: Modality) -> tuple[Parameter, ...]:
    """Give the parameters of a modality's classifier: what all have, and what it adds."""
    return (
        AUTOSTART,
        Parameter('model', '', 'Folder of the model bundle that training wrote.', change='always'),
        Parameter('topic', modality.topic, "The sensor's topic.", change='always'),
        Parameter(
            'frame_id', '', "Frame of the sensor; '' is what its messages say.", change='always'
        ),
        *modality.node_parameters,
        Parameter(
            'device',
            'auto',
            "Where to compute: 'auto', 'cpu', 'cuda', 'cuda:N', or with ONNX Runtime 'tensorrt'; "
            "'auto' is the CPU where no GPU is or its memory is full.",
            change='always',
        ),
        Parameter(
            'runtime',
            'auto',
            "What computes: 'torch', 'onnx' for the ONNX file in the bundle, which needs no "
            "torch, or 'auto' for that file where there is one and the CPU computes.",
            change='always',
            choices=('auto', 'torch', 'onnx'),
        ),
        Parameter(
            'precision',
            'fp32',
            "Of the computation: 'fp32', 'fp16' or 'bf16'.",
            change='always',
            choices=('fp32', 'fp16', 'bf16'),
        ),
        Parameter(
            'unknown_threshold',
            -1.0,
            'Below this probability the decision is unknown; -1 takes the threshold of the '
            'bundle.',
            change='always',
            bounds=(-1.0, 1.0),
        ),
        Parameter(
            'queue_size',
            16,
            'Due windows that may wait for inference; then the oldest is dropped and counted.',
            change='unconfigured',
            bounds=(1, 100_000),
        ),
        Parameter(
            'batching',
            False,
            'Decide on all windows that wait for torch in one batch, which takes less time each; '
            'the last digits of scores then differ.',
            change='unconfigured',
        ),
        DIAGNOSTICS_PERIOD,
    )


BAG_PLAYER: Final[tuple[Parameter, ...]] = (
    Parameter('bag', '', 'The recording: a folder, or an mcap, db3 or ROS 1 bag file.'),
    Parameter(
        'rate',
        1.0,
        'Speed, 1.0 being that of the recording; 0 plays as fast as subscribers acknowledge.',
        bounds=(0.0, 1000.0),
    ),
    Parameter('loop', False, 'Start again at the end, until stopped.'),
    Parameter('start_paused', False, 'Wait for ~/resume before the first message.'),
    Parameter('topics', [''], 'Topics to play; all of them where none is named.'),
    Parameter('clock', True, 'Publish the time of the recording on /clock.'),
    Parameter(
        'wait_for_subscribers',
        [''],
        'Topics that must have a subscriber before the first message is played.',
    ),
)

MICROPHONE: Final[tuple[Parameter, ...]] = (
    AUTOSTART,
    Parameter(
        'device',
        '',
        'Number or name, or part of the name, of the device to record from; the default without.',
        change='unconfigured',
        or_number=True,
    ),
    Parameter('rate', 16000, 'Samples a second.', change='unconfigured', bounds=(1000, 384_000)),
    Parameter('channels', 1, 'Channels, interleaved.', change='unconfigured', bounds=(1, 64)),
    Parameter(
        'chunk_duration',
        0.02,
        'Seconds of sound in a message.',
        change='unconfigured',
        bounds=(0.005, 1.0),
    ),
    Parameter('frame_id', 'microphone_link', 'Frame of the microphone.', change='unconfigured'),
    Parameter(
        'retry_period',
        1.0,
        'Seconds between attempts to open a device that is not there.',
        change='unconfigured',
        bounds=(0.1, 60.0),
    ),
    DIAGNOSTICS_PERIOD,
)

CAMERA: Final[tuple[Parameter, ...]] = (
    AUTOSTART,
    Parameter(
        'device',
        '0',
        'Number or path of a camera, a video file, or the URL of a stream.',
        change='unconfigured',
        or_number=True,
    ),
    Parameter(
        'rate',
        0.0,
        'Frames a second: asked of a camera, kept to by leaving frames out, speed of a file; '
        '0: its own.',
        change='unconfigured',
        bounds=(0.0, 1000.0),
    ),
    Parameter(
        'width',
        0,
        'Width in pixels: asked of a camera, and to which frames are scaled; 0: as they come.',
        change='unconfigured',
        bounds=(0, 16_384),
    ),
    Parameter(
        'height',
        0,
        'Height in pixels: asked of a camera, and to which frames are scaled; 0: as they come.',
        change='unconfigured',
        bounds=(0, 16_384),
    ),
    Parameter('loop', False, 'Play a file again and again.', change='unconfigured'),
    Parameter(
        'exit_at_end', False, 'End the process at the end of a file.', change='unconfigured'
    ),
    Parameter(
        'wait_for_subscriber',
        False,
        'Begin a file only when somebody subscribes.',
        change='unconfigured',
    ),
    Parameter(
        'jpeg_quality',
        90,
        'Quality of the compressed images, in percent.',
        change='always',
        bounds=(1, 100),
    ),
    Parameter(
        'frame_id',
        'camera_optical_frame',
        'Optical frame of the camera: z forward, x to the right, y down.',
        change='unconfigured',
    ),
    Parameter(
        'reconnect_period',
        1.0,
        'Seconds until a source that has gone is tried again; doubled each time, up to 30.',
        change='unconfigured',
        bounds=(0.1, 30.0),
    ),
    DIAGNOSTICS_PERIOD,
)

ANNOTATOR: Final[tuple[Parameter, ...]] = (
    AUTOSTART,
    Parameter(
        'activity_topic',
        'activity',
        "Labels to show: a selector's activity, or a classifier's.",
        change='unconfigured',
    ),
    Parameter(
        'source_topic',
        '',
        "What a selector's answer rests on; '' is <activity_topic>/source.",
        change='unconfigured',
    ),
    Parameter(
        'image_topic',
        'camera/image_raw',
        'Pictures of the camera to draw into.',
        change='unconfigured',
    ),
    Parameter(
        'max_age',
        2.0,
        'Seconds by which a label may be older than the picture; then none is shown.',
        change='always',
        bounds=(0.1, 60.0),
    ),
    Parameter('classes', 5, 'How many classes get a bar.', change='always', bounds=(0, 20)),
    Parameter(
        'marker_frame',
        '',
        "Frame of the marker for RViz; '' is the sensor's, as the labels say.",
        change='always',
    ),
    Parameter(
        'marker_height',
        0.5,
        'Metres by which the marker is above the frame.',
        change='always',
        bounds=(-100.0, 100.0),
    ),
    Parameter(
        'marker_size',
        0.2,
        'Height of its letters in metres.',
        change='always',
        bounds=(0.01, 10.0),
    ),
    DIAGNOSTICS_PERIOD,
)

POSE_ESTIMATOR: Final[tuple[Parameter, ...]] = (
    AUTOSTART,
    Parameter(
        'weights',
        '',
        'Wheel of mediapipe 0.10.14, or a folder with it or with the files of its two nets.',
        change='unconfigured',
    ),
    Parameter('image_topic', 'camera/image_raw', 'Pictures to look at.', change='unconfigured'),
    DIAGNOSTICS_PERIOD,
)

EVALUATOR: Final[tuple[Parameter, ...]] = (
    AUTOSTART,
    Parameter(
        'topics',
        ['activity'],
        "Labels to score: a selector's activity, classifiers' activities.",
        change='unconfigured',
    ),
    Parameter(
        'truth_topic',
        'activity_label',
        'Where the truth is published: each message begins a segment, an empty one ends it.',
        change='unconfigured',
    ),
    Parameter(
        'window',
        3.0,
        "Length of the models' windows in seconds: a label is about the time before its stamp.",
        change='unconfigured',
        bounds=(0.01, 600.0),
    ),
    Parameter(
        'bag',
        '',
        'The recording that is played: its truth counts, and the offline run is compared with it.',
        change='unconfigured',
    ),
    Parameter(
        'merge_labels',
        False,
        'Take truth that differs from a label only in capitals, blanks, underscores or how '
        'Unicode writes a letter for that one; without, it is told.',
        change='unconfigured',
    ),
    Parameter('report', '', 'JSON file to write at the end.', change='unconfigured'),
    Parameter('html', '', 'HTML page to write at the end; it takes a bag.', change='unconfigured'),
    Parameter(
        'player',
        '',
        'A paused bag_player to let begin, by its name, once everything is connected.',
        change='unconfigured',
    ),
    Parameter(
        'end_with',
        '',
        "End when nobody publishes on this topic any more, a player's clock for example.",
        change='unconfigured',
    ),
    DIAGNOSTICS_PERIOD,
)

PERCEPTION: Final[tuple[Parameter, ...]] = (
    AUTOSTART,
    Parameter('selector', True, 'Run activity_selector too, over all sensors that have a model.'),
    DIAGNOSTICS_PERIOD,
)

TABLES: Final = {
    'perception': PERCEPTION,
    'bag_player': BAG_PLAYER,
    'microphone': MICROPHONE,
    'camera': CAMERA,
    'annotator': ANNOTATOR,
    'evaluator': EVALUATOR,
    'pose_estimator': POSE_ESTIMATOR,
}
