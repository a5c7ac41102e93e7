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


class TrainingError(XmodalError):
    """Training cannot start or cannot go on with the data and settings given."""


class DriverError(XmodalError):
    """A microphone, camera, file or stream cannot be opened, or has gone."""
