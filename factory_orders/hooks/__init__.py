"""Signed messages to a plant's system: what it is to build and what not any more, each until it is taken."""
