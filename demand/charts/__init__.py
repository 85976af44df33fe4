"""Charts of released demand: drawn as SVG from published numbers, each beside the table it was drawn from."""
