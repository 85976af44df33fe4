"""How many people come to stores, and how many demo cars that is worth."""
