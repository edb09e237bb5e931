"""Real inference servers and real clients, to prove recording and replay with.

Run `python -m upstreams.install` once; then tests/upstreams can use what is here.
"""
