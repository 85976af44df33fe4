"""Which stock car goes to which place: a flow of least cost, its proof, its repair after changes, and who is owed."""
