"""Runtime: windows to decisions, the same code on a robot and over bags; no ROS in here."""
