"""`python -m askhistory` is the command `askhistory`."""

from askhistory.cli import main

if __name__ == "__main__":
    main()
