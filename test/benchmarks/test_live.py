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

"""What rows of a robot say in words."""

from benchmarks.rows.live import saved_in_words


def test_memory_saved_without_torch_is_judged_and_a_miss_explained() -> None:
    memory_mb = {'torch': 286.0, 'onnx': 90.0}
    assert saved_in_words(memory_mb) == (
        ', and 286 MB with runtime torch: 196 MB saved, wanted at least 190: met'
    )
    imports_mb = {'rclpy': 34.0, 'rclpy onnxruntime': 66.0, 'torch rclpy': 237.0}
    assert saved_in_words({**memory_mb, 'onnx': 117.0, **imports_mb}) == (
        ', and 286 MB with runtime torch: 169 MB saved, wanted at least 190: missed, for '
        'importing torch takes 203 MB, onnxruntime 32'
    )
