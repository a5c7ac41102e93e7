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

"""No transfer: the target learns from its own labels alone. The baseline of every table."""

from typing import ClassVar

from xmodal_ros.methods.method import SourceUse, TransferMethod
from xmodal_ros.methods.training_module import TrainingModule, TransferTask


class Unimodal(TransferMethod):
    """Minimise the target's cross-entropy."""

    name: ClassVar[str] = 'unimodal'
    source_use: ClassVar[SourceUse] = 'none'

    def make_module(self, task: TransferTask) -> TrainingModule:
        """Give the module that learns from labels alone."""
        return TrainingModule(task)
