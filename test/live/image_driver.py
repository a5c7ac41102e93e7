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

"""A camera's driver for tests: publishes numbered images, and waits until they are read.

python -m test.live.image_driver TOPIC COUNT RATE_HZ
"""

import sys
import time

import rclpy
from rclpy.duration import Duration
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from test.waiting import PATIENCE_S
from xmodal_ros.ros.messages import to_time

WIDTH, HEIGHT = 640, 480


def main(topic: str, count: int, rate_hz: float) -> int:
    """Publish images whose stamps are their numbers, from 1 on."""
    rclpy.init()
    node = rclpy.create_node('image_driver')
    # What is lost is to be lost by the reader.
    profile = QoSProfile(depth=count, reliability=ReliabilityPolicy.RELIABLE)
    publisher = node.create_publisher(Image, topic, profile)
    image = Image(height=HEIGHT, width=WIDTH, encoding='bgr8', step=3 * WIDTH)
    image.data = bytes(3 * WIDTH * HEIGHT)
    while not publisher.get_subscription_count():
        time.sleep(0.01)
    start = time.monotonic()
    for number in range(1, count + 1):
        time.sleep(max(0.0, start + number / rate_hz - time.monotonic()))
        image.header.stamp = to_time(number)
        publisher.publish(image)
    acknowledged = publisher.wait_for_all_acked(Duration(seconds=int(PATIENCE_S)))
    # A publisher that goes takes along what has not been read; the reader ends this process.
    sys.stdout.write('published\n' if acknowledged else 'not acknowledged\n')
    sys.stdout.flush()
    sys.stdin.read()
    rclpy.shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
