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

"""The node ``annotator``: draws what is recognised into the camera's picture, and into RViz."""

from array import array
import threading
from typing import Any, Final

from rclpy.duration import Duration
from sensor_msgs.msg import Image as ImageMessage
from std_msgs.msg import Header, String
from visualization_msgs.msg import Marker

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.ros import messages, parameter_tables, parameters, qos
from xmodal_ros.ros.diagnostics import ListeningNode
from xmodal_ros.ros.image_topic import read_images
from xmodal_ros.ros.lifecycle import guarded
from xmodal_ros.ros.topic_reader import resolved, TopicReader
from xmodal_ros.runtime.annotating import annotate, Caption, Image, read_image
from xmodal_ros.runtime.event_driven import EventThread
from xmodal_ros.runtime.health import idle_report, Report, STATE
from xmodal_ros.runtime.label import Label
from xmodal_ros.runtime.label_decoding import CLASSIFICATION_TYPE, decode_label
from xmodal_ros.streams.cdr import CdrCursor
from xmodal_ros.streams.sample import DecodeError

_SECOND_NS: Final = 1_000_000_000
_GREEN: Final = (0.35, 0.8, 0.35, 1.0)
_YELLOW: Final = (0.9, 0.78, 0.24, 1.0)


class Annotator(ListeningNode):
    """Shows the labels of one classifier or selector; see docs/annotator.md.

    The camera is subscribed to while somebody looks at the result, and no longer. Labels are
    taken in one thread, images in another; the executor's follows the graph and reports.
    """

    def __init__(self, **options: Any) -> None:
        self._lock = threading.Lock()
        self._labels: TopicReader | None = None
        self._images: TopicReader | None = None
        self._drain: EventThread | None = None
        self._drawing: EventThread | None = None
        self._annotated: Any = None
        self._marker: Any = None
        self._source_subscription: Any = None
        self._label: Label | None = None
        self._source = ''
        self._received = self._drawn = self._marked = self._taken = 0
        self._refused = ''
        super().__init__('annotator', 'annotator', parameter_tables.ANNOTATOR, **options)

    def configure(self) -> None:
        """Advertise; what cannot be a topic is refused here."""
        for name in ('activity_topic', 'image_topic'):
            resolved(self, parameters.text(self, name))
        self._annotated = self.create_lifecycle_publisher(ImageMessage, '~/annotated', qos.IMAGES)
        self._marker = self.create_lifecycle_publisher(Marker, '~/marker', qos.RELIABLE)

    def activate(self) -> None:
        """Listen to labels; to the camera, once somebody looks."""
        topic = parameters.text(self, 'activity_topic')
        self._label, self._source, self._refused = None, '', ''
        self._received = self._drawn = self._marked = self._taken = 0
        self._labels = TopicReader(
            self,
            topic,
            (CLASSIFICATION_TYPE,),
            parameter='activity_topic',
            remedy='start a classifier or selector',
        )
        self._source_subscription = self.create_subscription(
            # Bytes that are no message must not raise in the executor.
            String,
            parameters.text(self, 'source_topic') or f'{self._labels.topic}/source',
            self._take_source,
            qos.LATCHED,
            raw=True,
        )
        self._drain = EventThread(
            'labels', wait=self._labels.wait, work=self._take_labels, wake=self._labels.wake
        )
        self._follow_viewers()

    def deactivate(self) -> None:
        """Stop listening."""
        self._stop_drawing()
        if self._drain is not None:
            self._drain.stop()
        if self._labels is not None:
            self._labels.close()
        if self._source_subscription is not None:
            self.destroy_subscription(self._source_subscription)
        self._drain = self._labels = self._source_subscription = None

    def cleanup(self) -> None:
        """Stop advertising."""
        for publisher in (self._annotated, self._marker):
            if publisher is not None:
                self.destroy_lifecycle_publisher(publisher)
        self._annotated = self._marker = None

    def time_jumped(self) -> None:
        """Forget the label: it belongs to the time before."""
        self._label = None

    def look_at_graph(self) -> bool:
        """Follow publishers and viewers; True when that changes what is wrong."""
        if self._labels is None:
            return False
        before = self._trouble()
        self._labels.follow()
        self._follow_viewers()
        return self._trouble() != before

    def report(self) -> Report:
        """Say whether anybody looks, and what is missing."""
        values = [(STATE, self.state)]
        if self._labels is None:
            return idle_report(self.state, self.problem)
        label = self._label
        values += [
            ('activity topic', self._labels.topic),
            ('image topic', self._image_topic),
            ('viewers of the picture', str(self._annotated.get_subscription_count())),
            ('viewers of the marker', str(self._marker.get_subscription_count())),
            ('images received', str(self._received)),
            ('images annotated', str(self._drawn)),
            ('markers published', str(self._marked)),
            ('labels received', str(self._taken)),
            ('label', label.decision if label is not None else ''),
        ]
        if trouble := self._trouble() or self._refused:
            self._refused = ''
            return Report('warning', trouble, tuple(values))
        looking = 'somebody looks' if self._images is not None else 'nobody looks at the picture'
        return Report('ok', looking, tuple(values))

    @property
    def _image_topic(self) -> str:
        return resolved(self, parameters.text(self, 'image_topic'))

    def _trouble(self) -> str:
        problems = [each.problem for each in (self._labels, self._images) if each is not None]
        return '; '.join(filter(None, problems))

    def _follow_viewers(self) -> None:
        """Subscribe to the camera while the picture has a subscriber."""
        if not self._annotated.get_subscription_count():
            self._stop_drawing()
        elif self._images is None:
            self._images = read_images(self)
            self._drawing = EventThread(
                'drawing', wait=self._images.wait, work=self._draw, wake=self._images.wake
            )
        else:
            self._images.follow()

    def _stop_drawing(self) -> None:
        if self._drawing is not None:
            self._drawing.stop()
        if self._images is not None:
            self._images.close()
        self._drawing = self._images = None

    @guarded
    def _take_source(self, data: bytes) -> None:
        self._source = CdrCursor(data).string()

    @guarded
    def _take_labels(self) -> None:
        """Keep the newest label, and mark it where somebody looks. In two threads."""
        with self._lock:
            labels = self._labels
            for received in labels.take() if labels is not None else ():
                self._taken += 1
                try:
                    label = decode_label(received.data)
                except DecodeError as error:
                    self._refused = f'a label cannot be read: {error}'
                    continue
                if label.scores:
                    self._label = label
                    self._mark(label)

    def _mark(self, label: Label) -> None:
        if not self._marker.get_subscription_count():
            return
        frame = parameters.text(self, 'marker_frame') or label.frame_id
        if not frame:
            self._refused = 'labels name no frame to put the marker in: set marker_frame'
            return
        marker = Marker(
            header=Header(stamp=messages.to_time(label.stamp_ns), frame_id=frame),
            ns=self.get_fully_qualified_name(),
            type=Marker.TEXT_VIEW_FACING,
            action=Marker.ADD,
            # It must not stay when labels end.
            lifetime=Duration(seconds=parameters.number(self, 'max_age')).to_msg(),
            text=f'{label.decision} {label.scores[0][1]:.2f}\n{self._source}'.rstrip(),
        )
        marker.pose.orientation.w = 1.0
        marker.pose.position.z = parameters.number(self, 'marker_height')
        marker.scale.z = parameters.number(self, 'marker_size')
        red, green, blue, alpha = _GREEN if label.confident else _YELLOW
        marker.color.r, marker.color.g, marker.color.b, marker.color.a = red, green, blue, alpha
        self._marked += 1
        self._marker.publish(marker)

    @guarded
    def _draw(self) -> None:
        """Draw into the newest image there is. In the drawing thread."""
        images = self._images
        received = images.take() if images is not None else []
        self._received += len(received)
        if images is None or not received:
            return
        self._take_labels()
        try:
            image = read_image(images.msgtype, received[-1].data)
        except DecodeError as error:
            self._refused = f'an image cannot be shown: {error}'
            return
        picture = annotate(image, self._caption(image), parameters.whole(self, 'classes'))
        height, width = picture.shape[:2]
        self._annotated.publish(
            ImageMessage(
                header=Header(stamp=messages.to_time(image.stamp_ns), frame_id=image.frame_id),
                height=height,
                width=width,
                encoding='rgb8',
                step=3 * width,
                # An array is taken over as it is; anything else is checked number by number.
                data=array('B', picture.tobytes()),
            )
        )
        self._drawn += 1

    def _caption(self, image: Image) -> Caption:
        """Say what holds for an image; an old label is not what is done now."""
        label = self._label
        if label is None:
            return Caption((), 'waiting for the first')
        age_s = (image.stamp_ns - label.stamp_ns) / _SECOND_NS
        if abs(age_s) > parameters.number(self, 'max_age'):
            return Caption((), f'the newest is {age_s:.1f} s old')
        source = self._source or (UNKNOWN if not label.confident else '')
        return Caption(label.scores, f'{source}  {age_s:.1f} s ago'.strip())
