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

"""What the classifiers of one process share."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from xmodal_ros.runtime.inference import InferenceThread

if TYPE_CHECKING:
    # torch comes with it; a node must start without, to say that it is missing.
    from xmodal_ros.runtime.models import ModelStore


class Resources:
    """One inference thread and one store of models, for as many nodes as there are."""

    def __init__(self) -> None:
        self.inference = InferenceThread()
        self._lock = threading.Lock()
        self._models: ModelStore | None = None

    @property
    def models(self) -> ModelStore:
        """The store of models; raises ImportError where torch is missing."""
        with self._lock:
            if self._models is None:
                from xmodal_ros.runtime.models import ModelStore

                self._models = ModelStore()
            return self._models

    def close(self) -> None:
        """End the inference thread."""
        self.inference.close()
