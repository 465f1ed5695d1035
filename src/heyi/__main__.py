"""`python -m heyi`."""

from heyi.cli import main

if __name__ == "__main__":
    main()
