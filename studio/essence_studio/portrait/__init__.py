"""Measurements of portraits that the engine moves."""
