"""`python -m fbplan` is the same program as `fbplan`."""

from fbplan.cli.main import main

if __name__ == "__main__":
    main()
