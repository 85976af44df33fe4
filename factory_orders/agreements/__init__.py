"""What buyer and maker agree on after the lock, written beside what was locked."""
