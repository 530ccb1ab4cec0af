"""The table of the docstring and the README: what happens, what follows, the parent's status.

One class a row, every row through the library call and through the command line.
"""
import os
import signal
import sys
import time
import unittest

from tests.support import (ReloaderTestCase, WAITING, WAYS, WINDOWS, both_ways, changed,
                           is_alive, needs_posix, side_by_side, wait_gone)

TWO_ENDS = '''\
import atexit
try:
    READY
    time.sleep(600)
finally:
    print('finally', flush=True)
    atexit.register(print, 'atexit', flush=True)
'''


@side_by_side
class AWatchedFileChanges(ReloaderTestCase):
    """A watched file changes: main unwinds, the child exits 3, the parent starts it again."""

    @both_ways
    def test_main_unwinds_and_the_new_code_runs_under_the_same_parent(self):
        self.write_app('one', TWO_ENDS)
        app = self.start_app()
        first = app.wait_ready('one')
        self.write_app('two', TWO_ENDS)
        app.wait_for(changed('app.py'))
        app.wait_for('^finally$')
        app.wait_for('^atexit$')
        second = app.wait_ready('two')
        self.assertNotIn(app.pid, (first, second))
        self.assertNotEqual(first, second)
        self.assertFalse(is_alive(first))
        self.write_app('three', replace=True)
        app.wait_ready('three')
        self.assertIsNone(app.process.poll())
        self.assertEqual(app.count('^ready '), 3)
        self.assertEqual(app.count('^finally$|^atexit$'), 4)
        self.assertEqual(app.count('Traceback'), 0)

    @both_ways
    def test_an_imported_module_is_watched_as_the_script_is(self):
        self.write('package/__init__.py', '')
        self.write('package/module.py', 'VALUE = "old"\n')
        self.write_app('one', 'print("module", module.VALUE, flush=True); time.sleep(600)',
                       'from package import module')
        app = self.start_app()
        app.wait_ready('one')
        app.wait_for('^module old$')
        self.write('package/module.py', 'VALUE = "new"\n')
        app.wait_for(changed(os.path.join('package', 'module.py')))
        app.wait_for('^module new$')

    @both_ways
    def test_a_module_imported_late_is_watched_too(self):
        self.write('late.py', 'VALUE = "old"\n')
        self.write_app('one', 'import late; print("late", late.VALUE, flush=True)\n'
                              'time.sleep(600)')
        app = self.start_app()
        app.wait_for('^late old$')
        self.write('late.py', 'VALUE = "new"\n')
        app.wait_for(changed('late.py'))
        app.wait_for('^late new$')


@side_by_side
class TheProgramEnds(ReloaderTestCase):
    """Main returns, or sys.exit(n) with n not 1 or 3: both end with n."""

    @both_ways
    def test_a_return_is_status_0(self):
        self.write_app('one', 'pass')
        app = self.start_app()
        child = app.wait_ready('one')
        self.assertEqual(app.wait_exit(), 0)
        self.assertFalse(is_alive(child))
        self.assertEqual(app.count('^reloader: '), 0)  # it ended by itself: nothing to explain
        self.assert_nothing_left()

    @both_ways
    def test_its_status_is_the_status_of_the_reloader(self):
        self.write_app('one', 'sys.exit(int(sys.argv[1]))')
        statuses = (0, 2, 4, 42, 255, -1)
        apps = [self.start_app(status) for status in statuses]
        last = 0xFFFFFFFF if WINDOWS else 255
        self.assertEqual([app.wait_exit() for app in apps], [*statuses[:-1], last])
        self.assert_nothing_left()

    @both_ways
    def test_an_exit_without_unwinding_counts_as_well(self):
        self.write_app('one', 'os._exit(7)')
        self.assertEqual(self.start_app().wait_exit(), 7)
        self.assert_nothing_left()


@side_by_side
class AnErrorEndsTheChild(ReloaderTestCase):
    """A traceback (status 1) or a signal: the parent says so, waits, and starts it again."""

    @both_ways
    def test_a_traceback_waits_for_a_change(self):
        self.write_app('one', 'raise ValueError("broken")')
        app = self.start_app()
        first = app.wait_ready('one')
        app.wait_for('^ValueError: broken$')
        app.wait_for(WAITING)
        wait_gone(first)
        self.write_app('two')
        app.wait_ready('two')
        self.assertIsNone(app.process.poll())
        self.assertEqual(app.count('Traceback'), 1)
        self.assertEqual(app.count('^ready '), 2)

    @both_ways
    def test_sys_exit_1_waits_for_a_change(self):
        self.write_app('one', 'sys.exit("no configuration")')
        app = self.start_app()
        app.wait_for('^no configuration$')
        app.wait_for(WAITING)
        self.write_app('two')
        app.wait_ready('two')
        self.assertEqual(app.count('^ready '), 2)

    @needs_posix
    @both_ways
    def test_a_signal_is_named_and_waits_for_a_change(self):
        self.write_app('one', 'os.kill(os.getpid(), getattr(signal, sys.argv[1]))')
        apps = [self.start_app(name) for name in ('SIGKILL', 'SIGSEGV')]
        apps[0].wait_for(r'^reloader: .*killed by SIGKILL')
        apps[1].wait_for(r'^reloader: .*killed by SIGSEGV')
        for app in apps:
            self.assertEqual(app.count(WAITING), 1)
        self.write_app('two')
        for app in apps:
            app.wait_ready('two')
            self.assertEqual(app.count('^ready '), 2)

    @needs_posix
    @both_ways
    def test_a_child_killed_from_outside_is_the_same(self):
        self.write_app('one')
        app = self.start_app()
        os.kill(app.wait_ready('one'), signal.SIGKILL)
        app.wait_for(r'^reloader: .*killed by SIGKILL')
        self.write_app('two')
        app.wait_ready('two')


@side_by_side
class TheChildExits3ByItself(ReloaderTestCase):
    """The child exits 3 by itself: it is started again."""

    @both_ways
    def test_it_is_started_again(self):
        self.write_app('one', '''\
            if not os.path.exists('been here'):
                open('been here', 'w').close()
                sys.exit(3)
            print('again', flush=True)
            ''')
        app = self.start_app()
        first = app.wait_ready('one')
        self.assertNotEqual(app.wait_ready('one'), first)
        app.wait_for('^again$')
        self.assertEqual(app.wait_exit(), 0)
        self.assertEqual(app.count('^ready '), 2)
        self.assertEqual(app.count('^reloader: exit status 3, restarting$'), 1, app.output)


@side_by_side
class CtrlC(ReloaderTestCase):
    """Both end, the child first, no traceback, 130; one that holds on is ended after a time."""

    console = True

    @both_ways
    def test_both_end_the_child_first(self):
        self.write_app('one', '''\
            try:
                READY
                time.sleep(600)
            finally:
                time.sleep(0.3)  # an ordinary cleanup: the prompt waits for it
                print('cleaned up', flush=True)
            ''')
        app = self.start_app()
        child = app.wait_ready('one')
        app.ctrl_c()
        self.assertEqual(app.wait_exit(end_of_output=False), 130)
        self.assertFalse(is_alive(child))
        app.wait_for('^cleaned up$')
        self.assertEqual(app.wait_exit(), 130)
        self.assertEqual(app.count('^cleaned up$'), 1)
        self.assertEqual(app.count('Traceback|KeyboardInterrupt'), 0)
        self.assert_nothing_left()

    @both_ways
    def test_shows_no_traceback_while_the_program_is_imported(self):
        self.write_app('one', before='''
            if 'RELOADER_CHILD' in os.environ:
                print('importing', flush=True)
                time.sleep(600)
            ''')
        app = self.start_app()
        app.wait_for('^importing$')
        app.ctrl_c()
        self.assertEqual(app.wait_exit(), 130)
        self.assertEqual(app.count('Traceback|KeyboardInterrupt'), 0, app.output)
        self.assert_nothing_left()

    def test_a_program_that_holds_on_to_itself_is_ended_after_the_grace_time(self):
        apps = []
        for self.way in WAYS:  # both at once: it takes the grace time
            self.new_folder()
            self.write_app('one', '''\
                while True:
                    try:
                        READY
                        time.sleep(600)
                    except KeyboardInterrupt:
                        print('held', flush=True)
                ''')
            apps.append(self.start_app())
        children = [app.wait_ready('one') for app in apps]
        began = time.monotonic()
        for app in apps:
            app.ctrl_c()
        for app, child, way in zip(apps, children, WAYS):
            with self.subTest(way=way):
                app.wait_for('^held$')
                self.assertEqual(app.wait_exit(), 130)
                self.assertGreater(time.monotonic() - began, 2)  # it was given some time
                self.assertFalse(is_alive(child))
                self.assertEqual(app.count('Traceback'), 0)


@needs_posix
@side_by_side
class ATerminationSignalToTheParent(ReloaderTestCase):
    """SIGTERM or SIGHUP to the parent: passed to the child; both end; 128 + n."""

    @both_ways
    def test_the_default_action_ends_both(self):
        self.write_app('one')
        for number in (signal.SIGTERM, signal.SIGHUP):
            app = self.start_app()
            child = app.wait_ready('one')
            app.signal(number)
            self.assertEqual(app.wait_exit(), 128 + number)
            self.assertFalse(is_alive(child))
            self.assertEqual(app.count('Traceback'), 0)
        self.assert_nothing_left()

    @both_ways
    def test_the_program_handles_it_to_the_end(self):
        self.write_app('one', '''\
            def handle(number, frame):  # os.write: print may be under way
                os.write(1, b'handling %d\\n' % number)
                time.sleep(0.3)
                os.write(1, b'handled\\n')
                sys.exit(0)
            signal.signal(signal.SIGTERM, handle)
            print('ready', os.getpid(), 'to handle', flush=True)
            time.sleep(600)
            ''')
        app = self.start_app()
        app.wait_ready('to handle')
        app.signal(signal.SIGTERM)
        app.wait_for('^handling 15$')
        app.wait_for('^handled$')
        self.assertEqual(app.wait_exit(), 128 + signal.SIGTERM)
        self.assertEqual(app.count('^handl'), 2)


@side_by_side
class TheParentIsKilled(ReloaderTestCase):
    """The parent is killed: the child ends by itself, after its cleanup."""

    @both_ways
    def test_the_child_ends_by_itself(self):
        self.write_app('one', TWO_ENDS)
        app = self.start_app()
        child = app.wait_ready('one')
        app.process.kill()
        app.wait_for('^finally$')
        app.wait_for('^atexit$')
        wait_gone(child)
        app.wait_exit()
        self.assertEqual(app.count('^ready '), 1)


@side_by_side
class TheLockfileIsDeleted(ReloaderTestCase):
    """The lockfile is deleted: both end, one line says so, 1."""

    @both_ways
    def test_both_end_and_one_line_says_so(self):
        self.write_app('one', TWO_ENDS)
        app = self.start_app()
        child = app.wait_ready('one')
        self.assertEqual(len(self.lockfiles()), 1)
        self.remove('tmp/' + self.lockfiles()[0])
        app.wait_for('^finally$')
        self.assertEqual(app.wait_exit(), 1)
        self.assertFalse(is_alive(child))
        self.assertEqual(app.count('^reloader: .*lockfile'), 1, app.output)
        self.assertEqual(app.count('Traceback'), 0)
        self.assertEqual(app.count('^ready '), 1)
        self.assert_nothing_left()


if __name__ == '__main__':
    sys.exit(unittest.main())
