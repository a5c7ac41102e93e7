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

"""How nodes that look at a camera subscribe to it."""

from rclpy.node import Node

from xmodal_ros.modalities.camera.modality import Camera
from xmodal_ros.ros import parameters
from xmodal_ros.ros.topic_reader import TopicReader

_PARAMETER = 'image_topic'


def read_images(node: Node) -> TopicReader:
    """Subscribe to the pictures that the node's parameter ``image_topic`` names."""
    return TopicReader(
        node,
        parameters.text(node, _PARAMETER),
        Camera.message_types,
        depth=Camera.intake.depth,
        parameter=_PARAMETER,
        remedy='start the camera',
    )
