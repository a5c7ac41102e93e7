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

"""Relations of pooled features: the control of D-CAT's relational form.

The same loss on the mean of the tokens instead of ``KᵀV``. Where it does as well, what attention
makes of the tokens adds nothing.
"""

from typing import ClassVar

from xmodal_ros.methods.method import MethodOptions
from xmodal_ros.methods.paired import PairingMethod
from xmodal_ros.methods.relational import RelationalModule, RelationalOptions
from xmodal_ros.methods.training_module import TrainingModule, TransferTask


class FeatureRelational(PairingMethod):
    """Minimise ``CE + λ mean_i KL(P_i ‖ Q_i)``, with pooled features for z."""

    name: ClassVar[str] = 'feature_relational'
    Options: ClassVar[type[MethodOptions]] = RelationalOptions
    options: RelationalOptions

    def make_module(self, task: TransferTask) -> TrainingModule:
        """Give the module that compares relations."""
        return RelationalModule(task, self.options, lambda outputs: outputs.feature)
