"""One sensor: rates and forces on the grid -> its orientation, the bias of its gyro, and where up is."""
