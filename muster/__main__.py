"""`python -m muster`: the command line."""

from muster.cli import main

if __name__ == "__main__":
    main()
