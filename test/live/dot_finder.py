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

"""The node ``pose_estimator`` on nets that stand in for the published ones, for live tests.

It waits in every picture of a person while there is a file ``wait`` in the folder that it is given
for its weights, and makes there a file ``waiting``. While there is a file ``fail`` it fails there.
The detector adds a byte to the file ``detected`` whenever it is asked.
"""

import sys
import time

from test.pose.stand_ins import make_estimator
from xmodal_ros.nodes.pose_estimator_node import PoseEstimatorNode
from xmodal_ros.ros.starting import start


def load(folder):
    estimator, detector, landmarks = make_estimator()

    def detect(tensor):
        with (folder / 'detected').open('ab') as file:
            file.write(b'.')
        return detector(tensor)

    def compute(tensor):
        if (folder / 'wait').exists():
            (folder / 'waiting').touch()
        while (folder / 'wait').exists():
            time.sleep(0.005)
        if (folder / 'fail').exists():
            raise ZeroDivisionError
        return landmarks(tensor)

    estimator._detector, estimator._landmarks = detect, compute
    return estimator


if __name__ == '__main__':
    sys.exit(start(lambda: lambda _done: PoseEstimatorNode(load=load)))
