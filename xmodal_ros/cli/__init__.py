"""The ``xmodal`` command."""
