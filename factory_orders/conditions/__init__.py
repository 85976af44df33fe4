"""The car's condition whenever it changes hands on its way to a store, and who answers for what is found."""
