"""The modality ``imu``."""
