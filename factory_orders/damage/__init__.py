"""How a damage case ends, and what that makes of the car and of who waits for it."""
