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

"""The errors that users meet: each says what was wrong, where, and what to do."""


class XmodalError(Exception):
    """Base of every error this package raises on purpose; its text is meant for a person."""


class BagError(XmodalError):
    """A recording cannot be read, written or understood."""


class StreamError(XmodalError):
    """A topic's type or content cannot feed the stream a model asks for."""


class BundleError(XmodalError):
    """A model bundle is missing, altered, of another format version or for another use."""


class ConfigurationError(XmodalError):
    """A setting has a value that cannot be used."""


class UsageError(ConfigurationError):
    """An option or argument of a command is not known, missing or out of its range."""


class TrainingError(XmodalError):
    """Training cannot start or cannot go on with the data and settings given."""


class NothingLeftError(TrainingError):
    """A part of the recordings, as who tests, is left without windows that it can be used for."""


class DriverError(XmodalError):
    """A microphone, camera, file or stream cannot be opened, or has gone."""
