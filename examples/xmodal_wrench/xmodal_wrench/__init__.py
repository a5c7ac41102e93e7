"""Force-torque sensors for xmodal_ros, with an encoder and a transfer method of their own."""
