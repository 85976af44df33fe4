"""Identical cars for those who wait: cars change places between orders, and free cars are offered to who waits."""
