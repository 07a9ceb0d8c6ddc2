"""Measures conversions of any system, and judges them against bounds and a baseline."""
