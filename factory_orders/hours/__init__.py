"""When a store receives people and what comes to it: hours it gives and closes, its calendar, free hours."""
