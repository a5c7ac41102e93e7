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

"""The node ``camera``: publishes the pictures of a camera, a video file or a stream."""

from array import array
import threading
import time
from typing import Any, Final

import cv2
from rclpy.duration import Duration
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from xmodal_ros.drivers.grabber import FrameGrabber, VideoCounters
from xmodal_ros.drivers.reports import video_report
from xmodal_ros.drivers.video import Frame, Video
from xmodal_ros.ros import messages, parameter_tables, parameters, qos
from xmodal_ros.ros.driver import DriverNode
from xmodal_ros.ros.lifecycle import guarded
from xmodal_ros.runtime.health import Report

# The executor waits no longer than this for a frame that is being waited for.
_PATIENCE_S: Final = 0.5
# Subscribers that start together are found one after the other; a file begins for all of them.
_SETTLED_S: Final = 0.3
_ACKNOWLEDGE: Final = Duration(seconds=5)
# At the end of the process; OpenCV gives up opening and reading much earlier, unless it hangs.
_LEAVING_S: Final = 15.0


class CameraNode(DriverNode):
    """Publishes images, also compressed, and their size, if subscribed to; see docs/camera.md."""

    def __init__(self, done: threading.Event, **options: Any) -> None:
        self._done = done
        self._wanted = Video()
        self._frame_id = ''
        self._quality = 0
        self._exit_at_end = False
        self._image: Any = None
        self._compressed: Any = None
        self._info: Any = None
        self._grabber: FrameGrabber | None = None
        self._leaving: list[FrameGrabber] = []
        self._before = VideoCounters()
        self._subscribers: tuple[int, ...] = ()
        self._since = 0.0
        super().__init__('camera', 'camera', parameter_tables.CAMERA, **options)

    def configure(self) -> None:
        """Announce the topics."""
        self._wanted = Video(
            source=parameters.text(self, 'device').strip() or '0',
            rate_hz=parameters.number(self, 'rate'),
            width=parameters.whole(self, 'width'),
            height=parameters.whole(self, 'height'),
        )
        self._frame_id = parameters.text(self, 'frame_id')
        self._quality = parameters.whole(self, 'jpeg_quality')
        self._exit_at_end = parameters.flag(self, 'exit_at_end')
        self._image = self.advertise(Image, '~/image_raw', qos.IMAGES)
        self._compressed = self.advertise(CompressedImage, '~/image_raw/compressed', qos.IMAGES)
        self._info = self.advertise(CameraInfo, '~/camera_info', qos.IMAGES)

    def activate(self) -> None:
        """Begin to take frames; a source that is not there is waited for."""
        self._before = VideoCounters()
        self._subscribers = ()
        wait = parameters.flag(self, 'wait_for_subscriber')
        self._grabber = FrameGrabber(
            self._wanted,
            self._publish,
            self.log,
            self.now_ns,
            loop=parameters.flag(self, 'loop'),
            retry_s=parameters.number(self, 'reconnect_period'),
            ready=self._has_subscriber if wait else lambda: True,
            ended=self._ended,
        )
        self._grabber.start()

    def deactivate(self) -> None:
        """Stop taking frames."""
        if self._grabber is not None and not self._grabber.stop(_PATIENCE_S):
            # It waits for a frame that may never come, and ends when that is given up.
            self._leaving.append(self._grabber)
        self._grabber = None

    def cleanup(self) -> None:
        """Take the topics away."""
        for publisher in (self._image, self._compressed, self._info):
            if publisher is not None:
                self.destroy_lifecycle_publisher(publisher)
        self._image = self._compressed = self._info = None

    def stop(self) -> None:
        """End in order: without a thread inside OpenCV, if that ever comes back."""
        super().stop()
        for grabber in self._leaving:
            if not grabber.stop(_LEAVING_S):
                self.log('warning', f'OpenCV does not let go of {self._wanted.shown}')

    def parameters_changed(self, names: frozenset[str]) -> None:
        """Take up another quality."""
        if 'jpeg_quality' in names:
            self._quality = parameters.whole(self, 'jpeg_quality')

    def report_since(self, elapsed_ns: int, now_ns: int) -> Report | None:
        """Say what comes at which rate, and why nothing does."""
        if self._grabber is None:
            return None
        counters = self._grabber.counters()
        report = video_report(self._wanted, self._before, counters, elapsed_ns, now_ns)
        self._before = counters
        return report

    def _has_subscriber(self) -> bool:
        """Tell whether somebody subscribes, and nobody else has come for a while."""
        publishers = (self._image, self._compressed, self._info)
        counts = tuple(p.get_subscription_count() for p in publishers if p is not None)
        if counts != self._subscribers:
            self._subscribers, self._since = counts, time.monotonic()
        return any(counts[:2]) and time.monotonic() - self._since >= _SETTLED_S

    @guarded
    def _ended(self) -> None:
        """End with the file, where that is wanted. In the grabber's thread."""
        if self._exit_at_end:
            for publisher in (self._image, self._compressed):
                publisher.wait_for_all_acked(_ACKNOWLEDGE)
            self._done.set()

    @guarded
    def _publish(self, stamp_ns: int, frame: Frame) -> None:
        """Publish a frame, in the forms that somebody wants. In the grabber's thread."""
        header = Header(stamp=messages.to_time(stamp_ns), frame_id=self._frame_id)
        image, compressed, info = self._image, self._compressed, self._info
        if info is not None and info.get_subscription_count():
            # Of a camera that nobody has calibrated: K is zero, by which others know it.
            info.publish(CameraInfo(header=header, height=frame.shape[0], width=frame.shape[1]))
        if image is not None and image.get_subscription_count():
            height, width, channels = frame.shape
            # An array is taken over as it is; anything else is checked number by number.
            data = array('B', frame.tobytes())
            image.publish(
                Image(
                    header=header,
                    height=height,
                    width=width,
                    encoding='bgr8',
                    step=width * channels,
                    data=data,
                )
            )
        if compressed is not None and compressed.get_subscription_count():
            _, jpeg = cv2.imencode('.jpg', frame, (cv2.IMWRITE_JPEG_QUALITY, self._quality))
            data = array('B', jpeg.tobytes())
            compressed.publish(CompressedImage(header=header, format='bgr8; jpeg', data=data))
