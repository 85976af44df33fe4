"""The configurator's engine: exact answers about all buildable cars at once, over a compiled circuit or over SAT."""
