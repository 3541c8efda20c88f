"""From the sensor to a recording on disk. Knows no angle; never imports `analysis`."""
