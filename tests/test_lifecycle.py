"""Parent and child end together, at once, and leave nothing behind."""
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
import unittest

from tests.support import (LONG, ReloaderTestCase, WAITING, WAYS, WINDOWS, WINE, both_ways,
                           changed, is_alive, library, needs_posix, plain, process_state,
                           side_by_side, skip, skip_unless, tells_ignored, wait_gone, wait_until)
from tests.test_api import TICKING, wait_ticks

GRACE = 5  # seconds, as in reloader.py: what takes no grace time takes less
CLEANUP = '''\
try:
    READY
    time.sleep(600)
finally:
    time.sleep(0.3)
    print('cleaned up', flush=True)
'''
HOLDS_ON = '''\
while True:
    try:
        READY
        time.sleep(600)
    except KeyboardInterrupt:
        print('held', flush=True)
'''


def last_line(app):
    return app.output.splitlines()[-1]


# ------------------------------------------------------------------- signals to the parent

@needs_posix
@side_by_side
class ASignalToTheParent(ReloaderTestCase):
    """SIGTERM, SIGHUP at any moment: passed on, both end, 128 + n."""

    @both_ways
    def test_may_be_followed_by_others_into_its_last_milliseconds(self):
        self.write_app('one')
        app = self.start_app()
        app.wait_ready('one')
        while app.process.poll() is None:
            app.process.send_signal(signal.SIGTERM)
        self.assertEqual(app.wait_exit(), 128 + signal.SIGTERM, app.output)

    @both_ways
    def test_its_last_line_says_why(self):
        self.write_app('one')
        for number in (signal.SIGTERM, signal.SIGHUP):
            app = self.start_app()
            app.wait_ready('one')
            app.signal(number)
            self.assertEqual(app.wait_exit(), 128 + number)
            self.assertRegex(last_line(app), '^reloader: .*' + signal.Signals(number).name)

    @needs_posix
    def test_ends_it_whatever_thread_was_begun_above_the_call(self):
        self.write_app('one')
        self.put_above("""
            import os, threading, time
            if 'RELOADER_CHILD' not in os.environ:
                threading.Thread(target=time.sleep, args=[600]).start()
            """)
        app = self.start_app()
        app.wait_ready('one')
        app.signal(signal.SIGTERM)
        self.assertEqual(app.wait_exit(), 128 + signal.SIGTERM)

    @both_ways
    def test_at_any_moment_of_a_reload(self):
        for delay in (0, 0.02, 0.05, 0.1, 0.15, 0.3, 0.5):
            with self.subTest(delay=delay):
                self.write_app('one')
                app = self.start_app()
                app.wait_ready('one')
                self.write_app('two')
                time.sleep(delay)  # the moment is what is tested
                number = signal.SIGHUP if delay == 0.1 else signal.SIGTERM
                app.signal(number)
                self.assertEqual(app.wait_exit(), 128 + number, app.output)
                self.assertEqual(app.count('Traceback'), 0, app.output)
                for pid in app.pids():
                    self.assertFalse(is_alive(pid))
                self.assert_nothing_left()

    @both_ways
    def test_at_any_moment_of_the_start(self):
        self.write_app('one')
        for delay in (0.03, 0.06, 0.09, 0.12, 0.2):
            with self.subTest(delay=delay):
                app = self.start_app()
                time.sleep(delay)  # the moment is what is tested
                app.signal(signal.SIGTERM)
                # Before the module has set its handler it is the system that ends the parent.
                self.assertIn(app.wait_exit(), (128 + signal.SIGTERM, -signal.SIGTERM), app.output)
                for pid in app.pids():
                    self.assertFalse(is_alive(pid))
                self.assert_nothing_left()

    @both_ways
    def test_while_it_waits_after_a_crash(self):
        self.write_app('one', 'raise ValueError')
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            app = self.start_app()
            app.wait_for(WAITING)
            began = time.monotonic()
            app.signal(number)
            self.assertEqual(app.wait_exit(), 128 + number)
            self.assertLess(time.monotonic() - began, GRACE - 2)
            self.assert_nothing_left()
            self.assertEqual(app.count('Traceback'), 1)

    @tells_ignored
    @both_ways
    def test_a_hangup_that_was_ignored_at_the_start_stays_ignored(self):  # nohup
        self.write_app('one')
        app = self.start_app(ignore=[signal.SIGHUP])
        child = app.wait_ready('one')
        app.signal(signal.SIGHUP)
        os.kill(child, signal.SIGHUP)
        self.write_app('two')
        app.wait_for(changed('app.py'))
        app.wait_ready('two')
        app.signal(signal.SIGTERM)
        self.assertEqual(app.wait_exit(), 128 + signal.SIGTERM)
        self.assertEqual(app.count('^ready'), 2)


@side_by_side
class AsTheFirstProcessOfAContainer(ReloaderTestCase):
    """As PID 1 SIGTERM has no default action; the same follows, in well under a second."""

    @both_ways
    def test_sigterm_ends_it(self):
        unshare = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']
        if os.name != 'posix' or sys.platform != 'linux':
            skip(self, 'PID namespaces are Linux only')
        try:
            tried = subprocess.run(unshare + ['true'], stderr=subprocess.PIPE, timeout=LONG)
        except FileNotFoundError:
            skip(self, 'unshare is not installed')
        if tried.returncode:
            skip(self, 'unshare: ' + tried.stderr.decode().strip())
        self.write_app('one')
        script = ['app.py'] if self.way == 'library' else [
            'reloader.py', *self.reloader_options(), 'app.py']
        for number in (signal.SIGTERM, signal.SIGHUP):
            app = self.start(*unshare, sys.executable, *script, executable='')
            app.wait_ready('one')
            first = self.children(app.pid)[0]
            began = time.monotonic()
            os.kill(first, number)
            self.assertEqual(app.wait_exit(), 128 + number)
            self.assertLess(time.monotonic() - began, 2)
        self.assert_nothing_left()

    @staticmethod
    def children(pid):
        with open('/proc/%d/task/%d/children' % (pid, pid)) as file:
            return [int(number) for number in file.read().split()]


# ----------------------------------------------------------------------- the parent is killed

@side_by_side
class TheParentIsKilled(ReloaderTestCase):
    """SIGKILL to the parent: noticed within a second on POSIX, whatever the interval."""

    BLOCKS = {
        'asleep': 'time.sleep(600)',
        'in a lock': 'lock = threading.Lock(); lock.acquire(); lock.acquire()',
        'in accept': 'import socket; s = socket.create_server(("127.0.0.1", 0)); '
                     's.listen(); s.accept()',
        'busy': 'while True: time.sleep(0.01)',
    }

    @needs_posix
    @both_ways
    def test_the_child_is_gone_at_once_whatever_the_interval(self):
        for name, block in self.BLOCKS.items():
            with self.subTest(name):
                self.write_app(name, block, interval=30)
                app = self.start_app()
                child = app.wait_ready(name)
                began = time.monotonic()
                app.process.kill()
                wait_gone(child)
                self.assertLess(time.monotonic() - began, 2.5)  # one second, and a slow machine
                app.wait_exit()
                self.assertEqual(app.count('Traceback'), 0)
                self.assertEqual(app.count('^ready'), 1)

    @needs_posix
    def test_a_child_that_comes_to_import_the_module_later_becomes_no_parent(self):
        self.write('app.py', textwrap.dedent("""
            import os, time
            if os.environ.get('RELOADER_CHILD'):
                print('child', os.getpid(), flush=True)
                while not os.path.exists('go'):
                    time.sleep(0.01)
            """) + library('one'))
        app = self.start('app.py')
        child = int(app.wait_for(r'^child (\d+)$').group(1))
        app.process.kill()  # nobody has reaped it yet
        self.write('go', '')
        wait_gone(child)
        app.wait_exit()
        self.assertEqual(app.count('^child'), 1, app.output)

    @both_ways
    def test_the_port_is_free_again(self):
        self.write_app('one', '''\
            import socket
            listener = socket.create_server(("127.0.0.1", 0))
            print('port', listener.getsockname()[1], flush=True)
            listener.accept()
            ''')
        app = self.start_app()
        child = app.wait_ready('one')
        port = int(app.wait_for(r'^port (\d+)$').group(1))
        app.process.kill()
        wait_gone(child)
        wait_until(lambda: self.can_listen(port), 'port %d to be free' % port, timeout=2)

    def can_listen(self, port):
        try:
            socket.create_server(('127.0.0.1', port)).close()
        except OSError:  # the last thread of a process may outlive its first by a moment
            return False
        return True


# --------------------------------------------------------------------------------- heartbeat

@side_by_side
class TheHeartbeat(ReloaderTestCase):
    """A wall clock that jumps ends nothing; what ends it is a lockfile that stands still."""

    @both_ways
    def test_the_wall_clock_jumps(self):
        self.write_app('one', TICKING)
        app = self.start_app()
        app.wait_ready('one')
        lockfile = self.tmp / self.lockfiles()[0]
        for jump in (-3600, 3600):
            stamp = time.time() + jump
            for _ in range(3):
                os.utime(str(lockfile), (stamp, stamp))
                wait_ticks(app, 3)
        self.write_app('two')
        app.wait_for(changed('app.py'))
        app.wait_ready('two')
        self.assertEqual(app.count('^ready'), 2)

    def test_the_clock_of_parent_or_child_jumps(self):
        for jump in (-3600, 3600):
            for role in ('parent', 'child'):
                with self.subTest(role=role, jump=jump):
                    before = '''\
                        if reloader.is_running_from_reloader() == %r:
                            real, real_ns = time.time, time.time_ns
                            time.time = lambda: real() + %d
                            time.time_ns = lambda: real_ns() + %d * 10**9
                        ''' % (role == 'child', jump, jump)
                    self.write_app('one', TICKING, before)
                    app = self.start_app()
                    app.wait_ready('one')
                    wait_ticks(app, 10)
                    self.write_app('two', TICKING, before)
                    app.wait_ready('two')
                    wait_ticks(app, 5)
                    self.assertEqual(app.count('^ready'), 2)
                    app.end()


@side_by_side
class WhatTakesItsTime(ReloaderTestCase):
    """Everything that takes the grace time or the time of a stale lockfile, side by side.

    Each scenario starts its program, acts, and yields; all of them wait together.
    """

    console = True
    ON_WINDOWS = ('scenario_ctrl_c', 'scenario_the_parent_is_killed')  # others: POSIX signals

    def scenario_sigterm_ignored_by_the_child_ends_after_the_grace_time(self):
        self.write_app('one', 'signal.signal(signal.SIGTERM, signal.SIG_IGN)\n'
                              'print("deaf", flush=True)\ntime.sleep(600)')
        app = self.start_app()
        child = app.wait_ready('one')
        app.wait_for('^deaf$')
        app.signal(signal.SIGTERM)
        began = time.monotonic()
        yield
        self.assertEqual(app.wait_exit(), 128 + signal.SIGTERM)
        self.assertGreater(time.monotonic() - began, 2)
        self.assertFalse(is_alive(child))
        self.assert_nothing_left_in(app)

    def scenario_the_parent_is_killed_and_main_holds_on(self):
        self.write_app('one', HOLDS_ON)
        app = self.start_app()
        child = app.wait_ready('one')
        app.process.kill()
        yield
        app.wait_for('^held$')
        wait_gone(child)

    def scenario_the_parent_stands_still_and_the_child_goes_on(self):
        self.write_app('one', TICKING)
        app = self.start_app()
        app.wait_ready('one')
        folder, began = self.folder, time.monotonic()
        app.signal(signal.SIGSTOP)
        yield
        time.sleep(max(0, began + 9 - time.monotonic()))  # what is tested
        wait_ticks(app, len(re.findall('tick', app.output)) + 10)  # old ones, and ten new ones
        app.signal(signal.SIGCONT)
        source = (folder / 'app.py').read_text()
        (folder / 'app.py').write_text(source.replace("'one'", "'two'"))
        app.wait_ready('two')
        self.assertEqual(app.count('the parent is gone'), 0, app.output)

    def scenario_both_sleep_and_the_child_wakes_first(self):
        self.write_app('one', TICKING)
        app = self.start_app()
        child = app.wait_ready('one')
        folder = self.folder
        app.signal(signal.SIGSTOP)
        os.kill(child, signal.SIGSTOP)
        began = time.monotonic()
        yield
        time.sleep(max(0, began + 7 - time.monotonic()))  # the sleep is what is tested
        os.kill(child, signal.SIGCONT)
        wait_ticks(app, len(re.findall('tick', app.output)) + 10)  # old ones, and ten new ones
        app.signal(signal.SIGCONT)
        wait_ticks(app, 3)
        source = (folder / 'app.py').read_text()
        (folder / 'app.py').write_text(source.replace("'one'", "'two'"))
        app.wait_for(changed('app.py'))
        app.wait_ready('two')
        self.assertEqual(app.count('^ready'), 2)

    def scenario_sigint_to_the_parent_alone_and_main_holds_on(self):
        self.write_app('one', HOLDS_ON)
        app = self.start_app()
        child = app.wait_ready('one')
        app.signal(signal.SIGINT)
        yield
        app.wait_for('^held$')
        self.assertEqual(app.wait_exit(), 130)
        self.assertFalse(is_alive(child))

    def scenario_ctrl_c_leaves_a_cleanup_within_the_grace_time_alone(self):
        self.write_app('one', '''\
            try:
                READY
                time.sleep(600)
            finally:
                time.sleep(3.5)
                print('cleaned up', flush=True)
            ''')
        app = self.start_app()
        app.wait_ready('one')
        app.ctrl_c()
        yield
        self.assertEqual(app.wait_exit(), 130)
        self.assertEqual(app.count('^cleaned up$'), 1, app.output)

    def scenario_a_thread_begun_before_the_call_keeps_no_child(self):
        """In library mode the parent has begun it, too, and one more Ctrl-C ends that."""
        started = []
        for act, status in ((lambda app: app.ctrl_c(), 130),
                            (lambda app: app.signal(signal.SIGTERM), 128 + signal.SIGTERM)):
            self.new_folder()
            self.write_app('one', "time.sleep(600)", before="""
                threading.Thread(target=threading.Event().wait).start()
                """)
            app = self.start_app()
            child = app.wait_ready('one')
            act(app)
            started.append((app, child, status, self.tmp))
        way = self.way
        yield
        for app, child, status, tmp in started:
            wait_gone(child)
            wait_until(lambda: not os.listdir(tmp))
            if way == 'library':
                app.wait_for('^reloader: stopped by')
                app.ctrl_c()
            self.assertEqual(app.wait_exit(), status, app.output)

    def assert_nothing_left_in(self, app):
        self.assertEqual(os.listdir(app.tmp), [])

    def test_all_of_them(self):
        running, kind = [], self.ON_WINDOWS if WINDOWS else 'scenario_'
        for name in sorted(name for name in dir(self) if name.startswith(kind)):
            for self.way in WAYS:
                self.new_folder()
                scenario = getattr(self, name)()
                with self.subTest(name, way=self.way):
                    next(scenario)
                    self.programs[-1].tmp = self.tmp
                    running.append((name, self.way, scenario))
        # The one that sleeps longest comes last.
        running.sort(key=lambda item: 'both_sleep' in item[0])
        for name, way, scenario in running:
            with self.subTest(name, way=way):
                next(scenario, None)


# ------------------------------------------------------------------------------------ Ctrl-C

@side_by_side
class CtrlC(ReloaderTestCase):
    """The prompt comes back after the child's cleanup, which runs once."""

    console = True

    @both_ways
    def test_its_last_line_says_why(self):
        self.write_app('one')
        app = self.start_app()
        app.wait_ready('one')
        app.ctrl_c()
        self.assertEqual(app.wait_exit(), 130)
        self.assertRegex(last_line(app), '^reloader: .*SIGINT|^reloader: .*Ctrl-C')

    @needs_posix
    @both_ways
    def test_to_the_parent_alone_ends_both(self):
        self.write_app('one', CLEANUP)
        app = self.start_app()
        child = app.wait_ready('one')
        app.signal(signal.SIGINT)
        app.wait_for('^cleaned up$')
        self.assertEqual(app.wait_exit(), 130)
        self.assertFalse(is_alive(child))
        self.assertEqual(app.count('^cleaned up$'), 1)
        self.assertEqual(app.count('Traceback|lockfile'), 0)
        self.assert_nothing_left()

    @needs_posix
    @both_ways
    def test_while_the_interpreter_starts_is_not_shown(self):
        self.write('sitecustomize.py', """\
            import os, time
            if 'RELOADER_CHILD' in os.environ:
                print('starting', flush=True)
                time.sleep(0.5)
            """)
        self.write_app('one')
        app = self.start_app(env={'PYTHONPATH': str(self.folder)})
        app.wait_for('^starting$')
        app.ctrl_c()
        self.assertEqual(app.wait_exit(), 130)
        self.assertEqual(app.count('Traceback|KeyboardInterrupt|Fatal|^ready'), 0, app.output)
        self.assert_nothing_left()

    @needs_posix
    def test_above_the_import_ends_a_command_that_the_program_runs_there(self):
        """What the parent itself has started is none of the reloader's business."""
        self.write('app.py', '''\
            import os, subprocess
            command = subprocess.Popen(['sh', '-c', 'trap "" INT; exec sleep 600'],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if 'RELOADER_CHILD' in os.environ:  # Ctrl-C waits until reloader is imported
                print('child started', command.pid, flush=True)
                command.wait()
            print('parent started', command.pid, flush=True)
            import reloader
            reloader.run_with_reloader(print)
            ''')
        app = self.start('app.py')
        others = int(app.wait_for(r'^parent started (\d+)').group(1))
        self.addCleanup(os.kill, others, signal.SIGKILL)
        command = int(app.wait_for(r'^child started (\d+)').group(1))
        app.ctrl_c()
        self.assertEqual(app.wait_exit(), 130)
        wait_until(lambda: not is_alive(command))
        self.assertTrue(is_alive(others))
        self.assertEqual(app.count('Traceback'), 0, app.output)
        self.assert_nothing_left()

    @needs_posix
    @both_ways
    def test_after_main_has_returned_ends_what_its_threads_keep(self):
        self.write_app('one', """\
            import threading
            def work():
                while threading.main_thread().is_alive():  # join() can trip PyPy's own end
                    time.sleep(0.02)
                time.sleep(0.3)  # Python itself may miss a signal just before it waits
                os.write(1, b'living on\\n')  # without stdout's lock
                time.sleep(600)
            threading.Thread(target=work).start()
            """)
        app = self.start_app()
        app.wait_for('^living on$')
        app.ctrl_c()
        self.assertEqual(app.wait_exit(), 130)
        self.assertEqual(app.count('KeyboardInterrupt|busy'), 0, app.output)

    @skip_unless(not WINDOWS or sys.version_info >= (3, 10),
                 'on Windows it is known only since Python 3.10 that main cleans up already')
    @both_ways
    def test_main_is_interrupted_once(self):
        self.write_app('one', '''\
            try:
                READY
                time.sleep(600)
            except KeyboardInterrupt:
                print('interrupted', flush=True)
                try:
                    time.sleep(1.5)
                except KeyboardInterrupt:
                    print('interrupted again', flush=True)
                print('cleaned up', flush=True)
            ''')
        app = self.start_app()
        app.wait_ready('one')
        app.ctrl_c()
        self.assertEqual(app.wait_exit(), 130)
        app.wait_for('^interrupted$')
        app.wait_for('^cleaned up$')
        self.assertEqual(app.count('^interrupted'), 1)

    @needs_posix
    @both_ways
    def test_is_not_doubled_for_a_program_with_a_handler_of_its_own(self):
        """asyncio takes a second SIGINT for a second key, and cuts its cleanup off."""
        for tty in False, True:
            with self.subTest(tty=tty):
                self.write_app('one', """\
                    import asyncio
                    sys.stdout.reconfigure(line_buffering=True)
                    async def work():
                        try:
                            asyncio.get_running_loop().call_later(0.1, print, 'asleep')
                            READY
                            await asyncio.sleep(600)
                        finally:
                            await asyncio.sleep(%s)
                            print('cleaned up', flush=True)
                    asyncio.run(work())
                    """ % (4 if tty else 1.5))
                app = self.start_app(tty=tty)
                app.wait_for('asleep')
                if tty:
                    app.type('\x03')
                else:
                    app.ctrl_c()
                self.assertEqual(app.wait_exit(), 130)
                self.assertEqual(app.count('cleaned up'), 1, app.output)

    @needs_posix
    @both_ways
    def test_a_second_one_leaves_the_program_a_moment(self):
        self.write_app('one', """\
            try:
                try:
                    READY
                    time.sleep(600)
                finally:
                    print('cleaning', flush=True)
                    time.sleep(600)
            finally:
                time.sleep(0.2)
                print('cleaned up', flush=True)
            """)
        app = self.start_app(tty=True)
        app.wait_ready('one')
        app.type('\x03')
        app.wait_for('cleaning')
        time.sleep(0.6)  # a copy of the first would come sooner
        app.type('\x03')
        self.assertEqual(app.wait_exit(), 130)
        app.wait_for('cleaned up')

    @both_ways
    def test_at_a_terminal_a_cleanup_behind_the_except_clause_runs_to_its_end(self):
        self.write_app('one', '''\
            try:
                READY
                time.sleep(600)
            except KeyboardInterrupt:
                pass
            time.sleep(4)
            print('cleaned up', flush=True)
            ''')
        app = self.start_app(tty=not WINDOWS)  # its console tells all, too
        app.wait_ready('one')
        app.ctrl_c() if WINDOWS else app.type('\x03')
        self.assertEqual(app.wait_exit(), 130)
        self.assertEqual(app.count('cleaned up'), 1, app.output)

    @both_ways
    def test_a_thread_that_holds_on_is_named_and_ended(self):
        self.write_app('one', """\
            import threading
            threading.Thread(target=time.sleep, args=(600,), name='stubborn').start()
            READY
            time.sleep(600)
            """)
        app = self.start_app()
        app.wait_ready('one')
        app.ctrl_c()
        self.assertEqual(app.wait_exit(), 130)
        app.wait_for('^reloader: .*stubborn')
        self.assertEqual(app.count('Traceback'), 0, app.output)

    @both_ways
    def test_main_is_named_too_if_it_holds_on_itself(self):
        self.write_app('one', """\
            import threading
            threading.Thread(target=time.sleep, args=(600,), name='stubborn').start()
            try:
                READY
                time.sleep(600)
            finally:
                time.sleep(600)
            """)
        app = self.start_app()
        app.wait_ready('one')
        self.write_app('two')
        app.wait_for('^reloader: still busy, ended: MainThread, stubborn')
        app.wait_ready('two')

    @both_ways
    def test_a_second_one_does_not_wait_for_the_grace_time(self):
        for block, word in ((HOLDS_ON, 'held'), ('''\
            try:
                READY
                time.sleep(600)
            finally:
                print('cleanup', flush=True)
                while True:
                    try:
                        time.sleep(600)
                    except KeyboardInterrupt:
                        pass
            ''', 'cleanup')):
            with self.subTest(word):
                self.write_app('one', block)
                app = self.start_app()
                child = app.wait_ready('one')
                began = time.monotonic()
                app.ctrl_c()
                app.wait_for('^%s$' % word)
                self.press_again(app)
                self.assertEqual(app.wait_exit(), 130)
                if WINDOWS:  # where pressing a key starts a process: it tells the time no better
                    self.assertEqual(app.count('still busy'), 0, app.output)
                else:
                    self.assertLess(time.monotonic() - began, GRACE - 1.5)
                self.assertFalse(is_alive(child))
                self.assert_nothing_left()

    def press_again(self, app):
        """Press Ctrl-C again and again, into the last milliseconds of both."""
        while app.process.poll() is None:
            app.ctrl_c()
            with contextlib.suppress(subprocess.TimeoutExpired):
                app.process.wait(0.5 if WINDOWS else 0.01)

    @needs_posix
    @tells_ignored
    @both_ways
    def test_ignored_at_the_start_it_ends_neither_and_reloads_go_on(self):
        self.write_app('one')
        app = self.start_app(ignore=[signal.SIGINT])
        app.wait_ready('one')
        app.ctrl_c()
        for value in ('two', 'three'):
            self.write_app(value)
            app.wait_for(changed('app.py'))
            app.wait_ready(value)
            app.ctrl_c()
        self.assertIsNone(app.process.poll())
        app.signal(signal.SIGTERM)
        self.assertEqual(app.wait_exit(), 128 + signal.SIGTERM)
        self.assertEqual(app.count('^ready'), 3)
        self.assertEqual(app.count('Traceback'), 0)

    @skip_unless(WINDOWS and not WINE, 'Ctrl-Break is a key of Windows, and Wine has none')
    @both_ways
    def test_break_ends_both(self):
        self.write_app('one')
        app = self.start_app()
        child = app.wait_ready('one')
        app.ctrl_break()
        self.assertEqual(app.wait_exit(), 128 + signal.SIGBREAK)
        self.assertRegex(last_line(app), '^reloader: .*SIGBREAK')
        self.assertFalse(is_alive(child))
        self.assert_nothing_left()

    @both_ways
    def test_a_handler_of_the_programs_own_runs_once_and_to_its_end(self):
        self.write_app('one', '''\
            def handle(number, frame):  # os.write: print may be under way
                os.write(1, b'handling\\n')
                time.sleep(0.3)
                os.write(1, b'handled\\n')
                sys.exit(0)
            signal.signal(signal.SIGINT, handle)
            print('ready', os.getpid(), 'to handle', flush=True)
            time.sleep(600)
            ''')
        app = self.start_app()
        app.wait_ready('to handle')
        app.ctrl_c()
        self.assertEqual(app.wait_exit(), 130)
        self.assertEqual(app.count('^handling$'), 1)
        self.assertEqual(app.count('^handled$'), 1)
        self.assertEqual(app.count('Traceback'), 0)


# ------------------------------------------------------------------------------ the lockfile

@side_by_side
class TheLockfile(ReloaderTestCase):
    """One per parent, in the temporary directory, removed on every path but SIGKILL."""

    @both_ways
    def test_there_is_one_and_it_stays_the_same(self):
        self.write_app('one')
        app = self.start_app()
        app.wait_ready('one')
        names = self.lockfiles()
        self.assertEqual(len(names), 1)
        self.assertEqual(os.listdir(self.tmp), names)
        self.write_app('two')
        app.wait_ready('two')
        self.assertEqual(self.lockfiles(), names)

    def test_it_is_touched_at_least_once_a_second_whatever_the_interval(self):
        self.write_app('one', interval=20)
        app = self.start_app()
        app.wait_ready('one')
        lockfile = str(self.tmp / self.lockfiles()[0])
        for _ in range(2):
            began, stamp = time.monotonic(), os.stat(lockfile).st_mtime_ns
            wait_until(lambda: os.stat(lockfile).st_mtime_ns != stamp)
            self.assertLess(time.monotonic() - began, 1.6)  # one second, and a slow machine

    @both_ways
    def test_it_is_gone_after_every_end(self):
        for name, block in (('return', 'pass'), ('exit', 'sys.exit(4)'), ('hard', 'os._exit(0)')):
            self.write_app(name, block)
            app = self.start_app()
            app.wait_ready(name)
            app.wait_exit()
            self.assert_nothing_left()

    @both_ways
    def test_deleted_it_stops_a_parent_that_waits_after_a_crash(self):
        self.write_app('one', 'raise ValueError')
        app = self.start_app()
        app.wait_for(WAITING)
        self.remove('tmp/' + self.lockfiles()[0])
        self.assertEqual(app.wait_exit(), 1)
        self.assertRegex(last_line(app), '^reloader: .*lockfile')
        self.assert_nothing_left()

    @both_ways
    def test_without_a_temporary_directory_there_is_one_line_and_no_child(self):
        self.write_app('one')
        self.write('site/sitecustomize.py', '''\
            import tempfile
            tempfile.tempdir = '/nonexistent/directory'
            ''')
        app = self.start_app(env={'PYTHONPATH': str(self.folder / 'site'), 'TMPDIR': None,
                                  'TEMP': None, 'TMP': None})
        self.assertNotEqual(app.wait_exit(), 0)
        self.assertEqual(app.count('^ready|Traceback'), 0, app.output)
        self.assertEqual(len(app.output.splitlines()), 1, app.output)
        self.assertRegex(app.output, '^reloader: .*temporary directory')
        self.assert_nothing_left()


# --------------------------------------------------------------------------- nested and leaked

@side_by_side
class NestedAndLeaked(ReloaderTestCase):
    """A program under the reloader starts another with a reloader of its own: both reload."""

    @both_ways
    def test_each_reloads_on_its_own_files_for_ever(self):
        def write(outer, inner):
            self.write_app(inner, name='inner.py')
            self.write_app(outer, '''\
                import subprocess
                command = [sys.executable, *%r, 'inner.py']
                inner = None
                try:
                    READY
                    inner = subprocess.Popen(command)
                    time.sleep(600)
                finally:
                    inner.terminate()
                    inner.wait()
                ''' % ([] if self.way == 'library' else ['reloader.py', '--interval', '0.1']))

        write('outer 1', 'inner 1')
        app = self.start_app()
        outer, inner = app.wait_ready('outer 1'), app.wait_ready('inner 1')
        self.assertEqual(len(self.lockfiles()), 2)
        for number in (2, 3):
            self.write_app('inner %d' % number, name='inner.py')
            app.wait_for(changed('inner.py'))
            next_inner = app.wait_ready('inner %d' % number)
            self.assertNotEqual(next_inner, inner)
            inner = next_inner
        self.assertTrue(is_alive(outer))
        write('outer 2', 'inner 3')
        app.wait_for(changed('app.py'))
        self.assertNotEqual(app.wait_ready('outer 2'), outer)
        app.wait_ready('inner 3')
        wait_gone(inner)
        self.write_app('inner 4', name='inner.py')
        app.wait_ready('inner 4')
        self.assertEqual(app.count('^ready .* outer'), 2)

    @both_ways
    def test_variables_set_by_hand_do_no_harm(self):
        other = self.write('somewhere.lock', '')
        stray = os.getpid() if os.name == 'nt' else os.getppid()  # Wine 8 aborts in getppid()
        for env in ({'RELOADER_CHILD': 'true'}, {'RELOADER_CHILD': '1'},
                    {'RELOADER_CHILD': '', 'RELOADER_LOCKFILE': ''},
                    {'RELOADER_CHILD': str(stray), 'RELOADER_LOCKFILE': '/nowhere.lock'},
                    {'RELOADER_LOCKFILE': str(other)},
                    {'RELOADER_CHILD': 'true', 'RELOADER_LOCKFILE': str(other)}):
            with self.subTest(env):
                self.write_app('one')
                app = self.start_app(env=env)
                self.assertNotEqual(app.wait_ready('one'), app.pid)
                self.write_app('two')
                app.wait_for(changed('app.py'))
                app.wait_ready('two')
                app.end()

    @both_ways
    def test_what_the_child_starts_is_no_child(self):
        self.write('tool.py', '''\
            import reloader
            print('tool', reloader.is_running_from_reloader(), flush=True)
            def main():
                print('tool main', flush=True)
            reloader.run_with_reloader(main)
            ''')
        self.write_app('one', '''\
            import subprocess
            print('status', subprocess.run([sys.executable, 'tool.py']).returncode, flush=True)
            ''')
        app = self.start_app()
        app.wait_for('^tool False$')  # its parent
        app.wait_for('^tool True$')  # its child
        app.wait_for('^tool main$')
        app.wait_for('^status 0$')
        self.assertEqual(app.wait_exit(), 0)
        self.assert_nothing_left()


# ------------------------------------------------------------------------------ the terminal

@needs_posix
@side_by_side
class TheTerminal(ReloaderTestCase):
    """The terminal and standard input are the program's, before and after everything."""

    @both_ways
    def test_after_a_breakpoint_and_continue_it_reloads(self):
        self.write_app('one', 'breakpoint()\nprint("goes on", flush=True)\ntime.sleep(600)')
        app = self.start_app(tty=True)
        app.wait_ready('one')
        app.wait_for(r'\(Pdb\) ')
        app.type('p 6 * 7\n')
        app.wait_for(r'\b42\s')  # a line editor puts something before it
        app.wait_for(r'\(Pdb\) ')
        app.type('c\n')
        app.wait_for('goes on')
        self.write_app('two')
        app.wait_for(changed('app.py'))
        app.wait_ready('two')
        self.assertTrue(self.echoes(app))

    @both_ways
    def test_it_echoes_again_after_any_death_of_the_child(self):
        silence = '''\
            import termios
            mode = termios.tcgetattr(0)
            mode[3] &= ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(0, termios.TCSANOW, mode)
            print('silent', flush=True)
            '''
        ends = {'killed': 'os.kill(os.getpid(), signal.SIGKILL)', 'error': 'raise ValueError',
                'hard exit': 'os._exit(0)', 'reload': 'time.sleep(600)'}
        for name, end in ends.items():
            with self.subTest(name):
                self.write_app(name, silence.rstrip(' ') + ' ' * 12 + 'time.sleep(0)\n'
                               + ' ' * 12 + end)
                app = self.start_app(tty=True)
                app.wait_for('^silent')
                if name == 'hard exit':
                    wait_until(lambda: app.process.poll() is not None)
                elif name == 'reload':
                    self.write_app('next')
                    app.wait_ready('next')
                else:
                    app.wait_for(WAITING)
                self.assertTrue(self.echoes(app))
                app.end()

    def echoes(self, app):
        import termios
        return bool(termios.tcgetattr(app.master)[3] & termios.ECHO)

    @both_ways
    def test_ctrl_c_at_the_keyboard_ends_both(self):
        self.write_app('one', CLEANUP)
        app = self.start_app(tty=True)
        child = app.wait_ready('one')
        app.type('\x03')
        app.wait_for('cleaned up')  # behind the echoed ^C
        self.assertEqual(app.wait_exit(), 130)
        self.assertFalse(is_alive(child))
        self.assertEqual(app.count('Traceback'), 0)

    @both_ways
    def test_in_the_background_it_is_not_stopped_by_the_terminal(self):
        self.write('shell.py', '''\
            import os, signal, subprocess, sys, time
            job = subprocess.Popen([sys.executable] + sys.argv[1:], stdin=0,
                                   preexec_fn=os.setpgrp)  # a job-control shell's "&"
            print('job', job.pid, flush=True)
            pid, status = os.waitpid(job.pid, os.WUNTRACED)
            print('stopped' if os.WIFSTOPPED(status) else 'ended', status, flush=True)
            ''')
        self.write_app('one', CLEANUP)
        command = ['app.py'] if self.way == 'library' else [
            'reloader.py', *self.reloader_options(), 'app.py']
        app = self.start('shell.py', *command, tty=True)
        job = int(app.wait_for(r'^job (\d+)').group(1))
        app.wait_ready('one')
        for value in ('two', 'three'):
            self.write_app(value, 'raise ValueError' if value == 'two' else CLEANUP)
            app.wait_for(changed('app.py'))
            app.wait_ready(value)
            if value == 'two':
                app.wait_for(WAITING)
        self.assertEqual(app.count('^stopped'), 0)
        self.assertNotIn(process_state(job), ('T', 't'))
        os.kill(job, signal.SIGTERM)
        app.wait_for('^ended %d' % ((128 + signal.SIGTERM) << 8))


@side_by_side
class StandardInput(ReloaderTestCase):
    """It is the program's; on Windows a reload may need the grace time to end the reading."""

    @both_ways
    def test_standard_input_stays_the_programs(self):
        block = 'for line in sys.stdin: print("read", line.strip(), flush=True)'
        self.write_app('one', block)
        app = self.start_app(stdin=subprocess.PIPE)
        app.wait_ready('one')
        app.type('first\n')
        app.wait_for('^read first$')
        self.write_app('two', block)
        app.wait_ready('two')
        app.type('second\n')
        app.wait_for('^read second$')
        app.process.stdin.close()
        self.assertEqual(app.wait_exit(), 0)


# ---------------------------------------------------------------------- statuses, descriptors

@needs_posix
@side_by_side
class WhatIsLeftAndInherited(ReloaderTestCase):
    """No zombie, no status 247, no descriptors but those that the program was given."""

    @both_ways
    def test_no_zombie_stays_while_it_waits(self):
        self.write_app('one')
        app = self.start_app()
        child = app.wait_ready('one')
        os.kill(child, signal.SIGKILL)
        app.wait_for(WAITING)
        self.assertEqual(process_state(child), '')
        app.signal(signal.SIGTERM)
        self.assertEqual(app.wait_exit(), 128 + signal.SIGTERM)

    # What all of five looks find, but for the look's own: the checker opens files for a moment.
    SHOW = '''\
        looks = []
        for _ in range(5):
            found = set(map(int, os.listdir('/proc/self/fd')))
            for number in sorted(found):
                try:
                    os.fstat(number)
                except OSError:
                    found.remove(number)
            looks.append(found)
            time.sleep(0.02)
        print('fds', sorted(set.intersection(*looks)), flush=True)
        time.sleep(600)
        '''

    @skip_unless(os.path.isdir('/proc/self/fd'), 'open descriptors are listed in /proc only')
    @both_ways
    def test_each_child_has_the_descriptors_of_a_plain_run(self):
        self.write('plain.py', plain('plain', self.SHOW))
        reading, writing = os.pipe()
        try:
            for handed_on in ((), (writing,)):
                expected = self.start('plain.py', pass_fds=handed_on).wait_for('^fds .*$').group()
                self.write_app('one', self.SHOW)
                app = self.start_app(pass_fds=handed_on)
                self.assertEqual(app.wait_for('^fds .*$').group(), expected)
                for value in ('two', 'three'):
                    self.write_app(value, self.SHOW)
                    app.wait_ready(value)
                    self.assertEqual(app.wait_for('^fds .*$').group(), expected)
        finally:
            os.close(reading)
            os.close(writing)


if __name__ == '__main__':
    sys.exit(unittest.main())
