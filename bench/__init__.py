"""The speed of TokenTape beside that of its peers: `python -m bench`, or `make bench`."""
