"""An offer of another car to a buyer, or of a repaired one: open until it is answered or its time is over."""
