"""What the whole room keeps of people."""
