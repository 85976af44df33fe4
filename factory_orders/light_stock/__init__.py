"""What stores hold of cars for nobody: how many, which, where they come from, and what became of each sharing out."""
