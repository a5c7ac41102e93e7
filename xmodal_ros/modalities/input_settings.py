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

"""Where a sensor's messages come from, and how they are to be read."""

from dataclasses import dataclass

from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.streams.placement import AS_IT_COMES, Placement


@dataclass(frozen=True)
class SensorInputSettings:
    """Where messages come from, and how they are to be read.

    ``frame`` is the sensor's, '' where its messages say. ``mounting_frame`` is the frame into
    which static transforms turn samples, '' for the placement as it is. ``info_topic`` is where
    the format of audio is published, '' where ``audio_format`` is given or there is none to know.
    """

    topic: str
    placement: Placement = AS_IT_COMES
    frame: str = ''
    mounting_frame: str = ''
    info_topic: str = ''
    audio_format: AudioFormat | None = None
