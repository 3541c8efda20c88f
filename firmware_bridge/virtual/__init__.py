"""A simulated leg, worn by simulated Bluetooth sensors that the real bleak connects to."""
