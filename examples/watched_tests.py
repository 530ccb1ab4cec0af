"""Tests that run again at every save, and a function that they test.

Type `python3 reloader.py --wait examples/watched_tests.py`, break add(), save, and mend it.
"""
import unittest


def add(one, two):
    return one + two


class Adding(unittest.TestCase):
    def test_two_numbers(self):
        self.assertEqual(add(1, 2), 3)

    def test_two_words(self):
        self.assertEqual(add('green', 'house'), 'greenhouse')


if __name__ == '__main__':
    unittest.main()
