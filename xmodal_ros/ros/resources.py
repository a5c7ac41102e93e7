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
