"""The modality ``camera``."""
