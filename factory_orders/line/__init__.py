"""The line: in which order a day's cars are built, by the objective of the ROADEF/EURO 2005 challenge.

Pure parts only: the problem and its refusals, two public file formats, an evaluator that counts from scratch, bounds,
and a local search in compiled kernels that knows the score of every neighbour without counting again.
"""
