"""Promises that are held while somebody orders, kept once the money is there, and counted when they fall due."""
