# ROS 2 Jazzy with xmodal_ros in a workspace, for robots and for trying it.
# It was written where no container engine could be had: it has not been run yet.
#
#   docker build -t xmodal_ros .
#   docker run --rm -it --net=host --ipc=host -v ~/models:/models xmodal_ros \
#       ros2 launch xmodal_ros perception.launch.py imu_model:=/models/imu imu_topic:=/imu/data
FROM ros:jazzy-ros-base

SHELL ["/bin/bash", "-c"]
RUN apt-get update \
    && apt-get install -y --no-install-recommends libportaudio2 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /ws
COPY requirements.txt src/xmodal_ros/
# PyTorch's build without CUDA is a tenth as large: give pip the index that has it by
# --build-arg PIP_OPTIONS="--extra-index-url ...".
ARG PIP_OPTIONS=""
RUN python3 -m venv --system-site-packages venv && touch venv/COLCON_IGNORE \
    && venv/bin/pip install --no-cache-dir ${PIP_OPTIONS} -r src/xmodal_ros/requirements.txt
COPY . src/xmodal_ros
RUN apt-get update && rosdep update \
    && rosdep install --from-paths src --ignore-src -y --dependency-types=build --dependency-types=exec \
       --skip-keys "python3-pytorch-pip python3-rosbags-pip python3-sounddevice-pip" \
    && rm -rf /var/lib/apt/lists/*
RUN source /opt/ros/jazzy/setup.bash && source venv/bin/activate \
    && colcon build --packages-select xmodal_ros \
    && printf '#!/bin/bash\nsource /ws/venv/bin/activate\nsource /ws/install/setup.bash\nexec "$@"\n' > /entrypoint.sh \
    && chmod +x /entrypoint.sh
ENTRYPOINT ["/entrypoint.sh"]
CMD ["xmodal", "doctor"]
