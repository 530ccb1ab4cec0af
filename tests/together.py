"""Several scenes of one test at once, each with a folder and programs of its own.

Most tests of this suite wait: for an interval, for the grace time. Scenes that wait at the same
time cost no more than the longest of them.

    def test_something(self):
        def scene(case, seconds):
            case.write_app('one')
            ...
        self.at_once(scene, ways(50, 300))
"""
from __future__ import annotations

import contextlib
import os
import threading
import traceback
import unittest

from tests.support import WAYS, WINDOWS, ReloaderTestCase, skip

# Scenes at the same time: more only make two cores slow.
_slots = threading.Semaphore(5 if WINDOWS else 10)


class Code(str):
    """An expression that write_app prints the value of, instead of a value."""

    __repr__ = str.__str__


def ways(*arguments) -> list[tuple]:
    """Return (way, argument) for each way of running a program and each argument."""
    return [(way, argument) for argument in arguments or (None,) for way in WAYS]


class TogetherTestCase(ReloaderTestCase):
    """A test case that can play several scenes at the same time."""

    def at_once(self, scene, cases, idle: bool = False) -> None:
        """Call scene(case, argument) for each (way, argument), each in a thread, as subtests.

        idle: they do next to nothing but wait, so that all of them may do it at the same time.
        """
        failures = {}

        def play(way, argument):
            with contextlib.ExitStack() as stack:
                if not idle or WINDOWS:  # there the many starts alone would take a minute
                    stack.enter_context(_slots)
                failures[way, str(argument)] = self._play(scene, way, argument)

        threads = [threading.Thread(target=play, args=case) for case in cases]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for (way, argument), found in failures.items():
            if found:
                with self.subTest(way=way, case=argument):
                    self.fail(found)

    def need_links(self) -> None:
        """Skip the test where symbolic links cannot be made, or (Wine) only seem to be."""
        self.write('a file', '')
        try:
            os.symlink('a file', self.folder / 'a link')
            os.stat(self.folder / 'a link')
        except (OSError, NotImplementedError) as error:
            skip(self, 'no symbolic links: %s' % error)

    def _play(self, scene, way: str, argument) -> str:
        """Play a scene in a test case of its own; return what went wrong."""
        case = type(self)(self._testMethodName)
        case.way = way
        try:
            case.setUp()
            scene(case) if argument is None else scene(case, argument)
        except unittest.SkipTest:  # this scene alone; the reason has been printed
            pass
        except Exception:
            return traceback.format_exc()
        finally:
            case.doCleanups()
        return ''
