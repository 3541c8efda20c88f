"""Samples of two IMUs -> knee flexion, with a one-sigma band."""
