"""Circles: people around a model, a city or an interest, and what a maker may learn of them."""
