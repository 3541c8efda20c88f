"""Figures, the report and the live window. Computes nothing new."""
