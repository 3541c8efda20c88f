"""The live form: samples as they arrive -> the angle of each grid sample, from past samples only."""
