"""The tests of reloader.py: programs as its users write them, looked at from outside."""
