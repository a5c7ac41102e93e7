"""What can go wrong during the set-up."""


class SetupError(Exception):
    """The set-up cannot go on; the message says why, and what to do."""
