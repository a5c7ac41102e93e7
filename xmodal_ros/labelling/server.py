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

"""The server of the page: this machine only, nothing without the token.

===============================================  ==============================================
``GET /``                                        the page; ``?token=…`` on the first visit
``GET /static/NAME``                             its scripts and styles
``GET /api/queue``                               bags, how far they are, activities
``POST /api/activities``                         set the activities
``POST /api/bags/B/open``, ``leave``, ``reload``  a tab comes, goes, reads the file again
``GET /api/bags/B/state?tab=…``                  whether the labels changed
``POST /api/bags/B/labels``                      write the labels; 409 with the reason if not
``GET /api/bags/B/offer``                         labels from elsewhere to start from
``GET /api/bags/B/overview?first=N``             the overview as far as it is made
``GET /api/bags/B/blocks/K``                     frames' times, motion and spectra of ten seconds
``GET /api/bags/B/frames/T/K/N``                 a picture as JPEG
``GET /api/bags/B/sound/T/K``                    sound, 16 bit PCM
===============================================  ==============================================
"""

from collections.abc import Mapping
from http import HTTPStatus
import re
import time
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ValidationError

from xmodal_ros.bags.label_writing import check_label
from xmodal_ros.errors import XmodalError
from xmodal_ros.labelling.bag_queue import BagQueue
from xmodal_ros.labelling.documents import (
    ActivitiesDocument,
    bag_document,
    block_document,
    LabelsDocument,
    offer_document,
    overview_document,
    queue_document,
    state_document,
    TabDocument,
)
from xmodal_ros.labelling.session import RefusedError
from xmodal_ros.media.sound import Spectrum
from xmodal_ros.web.server import AnswerError, PageServer

_Body = TypeVar('_Body', bound=BaseModel)


class LabelServer(PageServer):
    """Serves the page for the bags of a queue, from its creation until it is closed."""

    command: ClassVar[str] = 'xmodal label'
    page: ClassVar[str] = 'labelling/page.html'
    folders: ClassVar[tuple[str, ...]] = ('labelling',)

    def __init__(self, queue: BagQueue, port: int = 0) -> None:
        self.queue = queue
        super().__init__(port)

    def refusal(self, error: XmodalError) -> tuple[HTTPStatus, dict[str, str]]:
        """Say, of labels that were not saved, why in a word too."""
        if isinstance(error, RefusedError):
            return HTTPStatus.CONFLICT, {'error': str(error), 'reason': error.reason}
        return super().refusal(error)

    def get(self, path: str, query: Mapping[str, str]) -> Any:
        """Answer a request that changes nothing."""
        if path == '/api/queue':
            return queue_document(self.queue)
        if parts := re.fullmatch(r'/api/bags/(\d{1,6})/(\w+)((?:/\d{1,9})*)', path):
            numbers = [int(number) for number in parts[3].split('/')[1:]]
            return self._get_of_bag(int(parts[1]), parts[2], numbers, query)
        return super().get(path, query)

    def _get_of_bag(
        self, bag: int, what: str, numbers: list[int], query: Mapping[str, str]
    ) -> Any:
        match what, numbers:
            case 'state', []:
                session = self.queue.session(bag)
                state = session.state(query.get('tab', ''), time.monotonic())
                answer = state_document(session, state)
                # It is asked for often and seldom changes.
                if query.get('revision') == str(state.revision):
                    del answer['segments']
                return answer
            case 'offer', []:
                return offer_document(self.queue.session(bag))
            case 'overview', []:
                first = query.get('first', '0')
                if not re.fullmatch(r'\d{1,9}', first):
                    raise AnswerError(HTTPStatus.BAD_REQUEST, f'{first!r} is no block')
                return overview_document(self.queue.recording(bag), int(first))
            case 'blocks', [index]:
                recording = self.queue.recording(bag)
                return block_document(recording.block(index), recording.start_ns)
            case 'frames', [track, index, number]:
                picture = self.queue.recording(bag).picture(track, index, number)
                return picture, 'image/jpeg'
            case 'sound', [track, index]:
                sound = self.queue.recording(bag).block(index).get(track)
                if not isinstance(sound, Spectrum) or sound.samples is None:
                    raise AnswerError(HTTPStatus.NOT_FOUND, f'sensor {track} has no sound')
                return sound.samples.astype('<i2').tobytes(), 'application/octet-stream'
            case _:
                raise AnswerError(HTTPStatus.NOT_FOUND, f'a bag has no {what} {numbers}')

    def post(self, path: str, body: bytes) -> Any:
        """Answer a request that changes something."""
        if path == '/api/activities':
            names = _parse(ActivitiesDocument, body).activities
            for name in names:
                check_label(name)
            self.queue.activities = tuple(names)
            return {'activities': list(self.queue.activities)}
        if parts := re.fullmatch(r'/api/bags/(\d{1,6})/(open|leave|reload|labels)', path):
            return self._post_to_bag(int(parts[1]), parts[2], body)
        return super().post(path, body)

    def _post_to_bag(self, bag: int, what: str, body: bytes) -> Any:
        queue, now_s = self.queue, time.monotonic()
        if what == 'labels':
            labels = _parse(LabelsDocument, body)
            session = queue.session(bag)
            segments = labels.given(session.start_ns)
            state = session.save(labels.tab, labels.revision, labels.disk, segments, now_s)
            return state_document(session, state)
        asked = _parse(TabDocument, body)
        session = queue.session(bag)
        if what == 'leave':
            session.leave(asked.tab)
            return {}
        if what == 'reload':
            return state_document(session, session.reload(asked.tab))
        state = session.enter(asked.tab, now_s, take=asked.take)
        return bag_document(queue.recording(bag), session, state)


def _parse(document: type[_Body], body: bytes) -> _Body:
    try:
        return document.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = '.'.join(map(str, first['loc']))
        raise AnswerError(
            HTTPStatus.BAD_REQUEST, f'{place or "the document"}: {first["msg"]}'
        ) from None
