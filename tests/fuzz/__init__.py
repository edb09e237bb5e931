"""Damaged input, for everything that reads what others wrote.

The law everywhere: a value or a TokenTapeError, in bounded memory and time. `make test` runs a
few examples of each target, `make fuzz EXAMPLES=10000` more. What a target once found, or is known
to be hard for it, is a file below `found/<target>` and tried every time: bytes as they are, an
exchange as a tape (`tokentape.save`).
"""
