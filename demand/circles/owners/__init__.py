"""Owners in circles: who has a car, hosts test drives and answers questions."""
