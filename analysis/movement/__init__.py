"""Flexion -> repetitions, extension plateaus and release quality."""
