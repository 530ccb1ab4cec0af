"""No reload gets stuck: wherever main is, whatever it does with the interrupt."""
from __future__ import annotations

import hashlib
import platform
import signal
import socket
import subprocess
import sys
import textwrap
import time
import unittest

from tests.support import (FOREVER, PYPY, WINDOWS, both_ways, needs_posix, side_by_side, skip,
                           skip_unless, wait_gone)
from tests.together import TogetherTestCase, ways

try:
    import sqlite3
except ImportError:  # musl's Python was built without it
    sqlite3 = None

GRACE = 5.0  # seconds, the grace time
AT_ONCE = 3.0  # seconds: far below the grace time, far above what a reload takes
TRACEBACK = r'^Traceback \(most recent call last\)'

# Behind a call in C that hears no signal; long enough for more than one of ours to arrive in it.
HELD_IN_C = """
    import sqlite3
    holder = sqlite3.connect('held', isolation_level=None)
    holder.execute('begin exclusive')
    other = sqlite3.connect('held', isolation_level=None, timeout=1.7)
    try:
        READY
        try:
            other.execute('begin exclusive')
        except sqlite3.OperationalError:
            time.sleep(600)
    except KeyboardInterrupt:
        pass
    """

BLOCKS = {
    'sleep': 'time.sleep(600)',
    'accept': '''
        import socket
        server = socket.socket(); server.bind(('127.0.0.1', 0)); server.listen(); server.accept()
        ''',
    'select': '''
        import select, socket
        ours, theirs = socket.socketpair(); select.select([ours], [], [])
        ''',
    'recv': '''
        import socket
        ours, theirs = socket.socketpair(); ours.recv(1)
        ''',
    'Event.wait': 'threading.Event().wait()',
    'Condition': '''
        import queue
        queue.Queue().get()
        ''',
    'lock': 'lock = threading.Lock(); lock.acquire(); lock.acquire()',
    'join': '''
        thread = threading.Thread(target=time.sleep, args=[600], daemon=True)
        thread.start(); thread.join()
        ''',
    'subprocess.run': '''
        import subprocess
        subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'],
                       stderr=subprocess.DEVNULL)  # it hears a second interrupt, too
        ''',
    'stdin': 'sys.stdin.read()',
    'asyncio': '''
        import asyncio
        async def work():
            READY
            await asyncio.sleep(600)
        asyncio.run(work())
        ''',
    'server': '''
        import socketserver
        socketserver.TCPServer(('127.0.0.1', 0), None).serve_forever(poll_interval=60)
        ''',
    'busy': 'while True: pass',
}

# What a signal from another thread wakes on Windows. All else comes back by itself, or is ended
# after the grace time, and then `finally` does not run.
WINDOWS_WAKES = ('sleep', 'asyncio', 'busy')

SWALLOWED = {
    'sys.exit(0)': 'try: time.sleep(600)\nexcept KeyboardInterrupt: sys.exit(0)',
    'another exception': 'try: time.sleep(600)\nexcept KeyboardInterrupt: raise ValueError',
    'from finally': 'try: time.sleep(600)\nfinally: raise ValueError("other")',
    'returns': 'try: time.sleep(600)\nexcept KeyboardInterrupt: pass',
    'in asyncio': '''
        import asyncio
        async def work():
            try: READY; await asyncio.sleep(600)
            finally: sys.exit(0)
        asyncio.run(work())
        ''',
}

ENCLOSED = '''\
import os, sys, time
import reloader

def main():
    print('ready', os.getpid(), %r, flush=True)
    time.sleep(600)

try:
    reloader.run_with_reloader(main, interval=0.1)
%s
'''

CLEANUP = '''
import atexit
atexit.register(print, 'atexit')
try:
    try:
        READY
        %s
    %s:
        print('cleaning', flush=True)
        time.sleep(0.8)
        print('cleaned', flush=True)
        %s
finally:
    print('outer')
'''


WAIT = 'time.sleep(600)' if WINDOWS else 'threading.Event().wait()'  # see WINDOWS_WAKES

# Elsewhere a second interrupt and a cleanup that is under way cannot be told apart.
AGAIN = (platform.python_implementation() == 'CPython' and not WINDOWS
         and getattr(sys, '_is_gil_enabled', lambda: True)())

CLEANS_UP = '''\
try:
    READY
    time.sleep(600)
finally:
    print('cleaning', flush=True)
    time.sleep(1)
    print('cleaned', flush=True)
'''
DRAIN = '''\
def drain():
    print('cleaning', flush=True)
    for turn in range(15): time.sleep(0.1)
    print('cleaned', flush=True)
'''


def reload(case, app, value='two', **options) -> float:
    """Save the program with another value; return the seconds until it is ready, less a start."""
    since = time.monotonic()
    case.write_app(value, **options)
    app.wait_ready(value)
    return app.taken_since(since)


def assert_cleaned(case, app, status=130):
    """Wait for the program's end; fail unless its cleanup has run once, to its own end."""
    case.assertEqual(app.wait_exit(), status)
    case.assertEqual(app.count('^cleaned'), 1, app.output)


@side_by_side
class AMainThatWaits(TogetherTestCase):
    """The reload happens at once, wherever main is; on Windows within the grace time."""

    def test_is_woken_at_once(self):
        def scene(case, name):
            case.write_app('one', BLOCKS[name])
            app = case.start_app(stdin=subprocess.PIPE)
            first = app.wait_ready('one')
            taken = reload(case, app)
            if not WINDOWS:
                case.assertLess(taken, AT_ONCE, app.output)
            elif name in WINDOWS_WAKES:
                case.assertEqual(app.count('still busy'), 0, app.output)
            case.assertEqual(app.count(TRACEBACK), 0, app.output)
            wait_gone(first)
        self.at_once(scene, ways(*BLOCKS))

    @needs_posix
    def test_for_a_signal_of_its_own_is_woken_too(self):
        def scene(case, block):
            case.write_app('one', block)
            app = case.start_app()
            app.wait_ready('one')
            case.assertLess(reload(case, app), AT_ONCE, app.output)
            case.assertEqual(app.count(TRACEBACK), 0, app.output)
        self.at_once(scene, ways(
            'signal.pause()', 'os.waitpid(os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "60"), 0)'))

    @needs_posix
    def test_for_the_signals_that_end_it_goes_on_behind_that(self):
        """As Ctrl-C lets it: sigwait() returns, and what stands below closes the program."""
        def scene(case):
            case.write_app('one', """
                READY
                signal.sigwait({signal.SIGINT, signal.SIGTERM})
                print('closed', flush=True)
                """)
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('two')
            app.wait_for('^closed$')
            app.wait_ready('two')
        self.at_once(scene, ways())


@needs_posix
@side_by_side
class Sigint(TogetherTestCase):
    """It belongs to the program, or to the shell; the reload happens all the same."""

    @both_ways
    def test_ignored_at_the_start_does_not_hinder(self):
        """A background job of a shell script; with main in a call that waits."""
        self.write_app('one', 'threading.Event().wait()')
        app = self.start_app(ignore=[signal.SIGINT])
        app.wait_ready('one')
        self.assertLess(reload(self, app), AT_ONCE, app.output)
        self.assertLess(reload(self, app, 'six'), AT_ONCE, app.output)
        if platform.python_implementation() == 'PyPy':
            skip(self, 'the last part: PyPy never leaves SIGINT ignored at its start')
        app.ctrl_c()  # still ignored: the next save finds the same program
        reload(self, app, 'end')
        self.assertEqual((len(app.pids()), app.count(TRACEBACK)), (4, 0), app.output)

    def test_at_its_default_does_not_hinder(self):
        def scene(case):
            case.write_app('one', 'signal.signal(signal.SIGINT, signal.SIG_DFL)\n' + FOREVER)
            app = case.start_app()
            app.wait_ready('one')
            reload(case, app)
        self.at_once(scene, ways())


@side_by_side
class TheInterrupt(TogetherTestCase):
    """Turned into something else it is still status 3, still a reload."""

    def test_turned_into_something_else_reloads(self):
        def scene(case, name):
            case.write_app('one', SWALLOWED[name], after='print("went on", flush=True)')
            app = case.start_app()
            app.wait_ready('one')
            case.assertLess(reload(case, app), GRACE - 1 if not WINDOWS else 60, app.output)
            if case.way == 'library':
                case.assertEqual(app.count('^went on'), 0, app.output)
        self.at_once(scene, ways(*SWALLOWED))

    def test_is_not_stopped_by_what_encloses_the_call(self):
        def scene(case, clause):
            case.write('app.py', ENCLOSED % ('one', clause))
            app = case.start_app()
            app.wait_ready('one')
            case.write('app.py', ENCLOSED % ('two', clause))
            app.wait_ready('two')
            case.assertEqual(app.count(TRACEBACK), 0, app.output)
        self.at_once(scene, [('library', clause) for clause in (
            'except SystemExit: pass', 'finally: sys.exit(0)',
            'except BaseException: sys.exit(7)')])

    def test_swallowed_comes_again_where_main_goes_on_as_before(self):
        """`except:` in a handler, and the loop's next turn; Tk keeps what a callback raised."""
        def scene(case, block):
            case.write_app('one', block)
            app = case.start_app()
            app.wait_ready('one')
            taken = reload(case, app)
            if AGAIN:
                case.assertLess(taken, GRACE - 1, app.output)
            case.assertEqual(app.count(TRACEBACK), 0, app.output)
        self.at_once(scene, ways(
            'for turn in range(2):\n    try: time.sleep(600)\n    except: pass',
            'for turn in range(2):\n    try: time.sleep(600)\n'
            '    except BaseException as error: sys.last_value = error',
            'turns = []\nwhile len(turns) < 3:\n    try: time.sleep(0.1)\n'
            '    except BaseException: turns.append(1)'))

    def test_is_pythons_own(self):
        """subprocess asks for it by ==, others by `is`; some send it elsewhere by pickle."""
        def scene(case, is_ctrl_c):
            case.write_app('one', """
                import pickle
                class Manager:
                    def __enter__(self): pass
                    def __exit__(self, kind, error, trace):
                        pickle.dumps(error)
                        print(kind is KeyboardInterrupt, flush=True)
                with Manager():
                    READY
                    time.sleep(600)
                """)
            app = case.start_app(tty=is_ctrl_c)
            app.wait_ready('one')
            if is_ctrl_c:
                app.type('\x03')
                case.assertEqual(app.wait_exit(), 130)
            else:
                reload(case, app)
            case.assertEqual((app.count('^(.C)?True$'), app.count('False')), (1, 0), app.output)
            case.assertEqual(app.count(TRACEBACK), 0, app.output)
        self.at_once(scene, ways(False, *[True] * (not WINDOWS)))

    @needs_posix
    def test_that_the_program_sends_itself_comes_each_time(self):
        def scene(case):
            case.write_app('one', '''
                for turn in range(3):
                    try:
                        signal.raise_signal(signal.SIGINT)
                        time.sleep(600)
                    except KeyboardInterrupt:
                        print('raised', flush=True)
                READY
                ''')
            app = case.start_app()
            case.assertEqual(app.wait_exit(), 0)
            case.assertEqual(app.count('^raised'), 3, app.output)
        self.at_once(scene, ways())

    @needs_posix
    def test_comes_after_an_earlier_one_that_main_keeps_and_through_a_handler_of_its_own(self):
        def scene(case, block):
            case.write_app('one', textwrap.dedent(block) + textwrap.dedent('''
                try:
                    READY
                    time.sleep(600)
                finally:
                    print('cleaned', flush=True)
                '''))
            app = case.start_app()
            app.wait_ready('one')
            case.assertLess(reload(case, app), GRACE)
            case.assertEqual(app.count('^cleaned'), 1, app.output)
        self.at_once(scene, ways('''
            try: signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt as error: kept = error
            ''', '''
            former = signal.getsignal(signal.SIGINT)
            signal.signal(signal.SIGINT, lambda *event: former(*event))
            ''', '''
            signal.signal(signal.SIGURG, lambda *event: None)
            '''))

    @skip_unless(sys.version_info >= (3, 11), 'asyncio handles SIGINT since Python 3.11')
    def test_hits_none_of_asyncios_other_tasks(self):
        """It would be shown as `Task exception was never retrieved`."""
        def scene(case):
            case.write_app('one', '''
                import asyncio
                async def busy():
                    while True:
                        time.sleep(0.02)
                        await asyncio.sleep(0)
                async def work():
                    task = asyncio.create_task(busy())
                    READY
                    try:
                        await asyncio.sleep(600)
                    finally:
                        await asyncio.sleep(0.1)
                        print('cleaned up', flush=True)
                asyncio.run(work())
                ''')
            app = case.start_app()
            app.wait_ready('one')
            reload(case, app)
            case.assertEqual(app.count(TRACEBACK), 0, app.output)
            case.assertEqual(app.count('^cleaned up$'), 1, app.output)
        self.at_once(scene, ways())

    def test_swallowed_by_a_main_that_goes_on_elsewhere_ends_with_the_grace_time(self):
        """Nothing tells it from a cleanup."""
        def scene(case):
            case.write_app('one', 'try: READY; time.sleep(600)\nexcept: pass\ntime.sleep(600)')
            app = case.start_app()
            app.wait_ready('one')
            reload(case, app)
            case.assertEqual((app.count('still busy'), app.count(TRACEBACK)), (1, 0), app.output)
        self.at_once(scene, ways())

    def test_swallowed_by_wsgiref_during_a_request_comes_again(self):
        """Its handler catches everything; the request's answer is its own affair."""
        def scene(case):
            case.write_app('one', '''
                from wsgiref.simple_server import make_server
                def app(environ, start_response):
                    print('handling', flush=True)
                    time.sleep(600)
                with make_server('127.0.0.1', 0, app) as server:
                    print('port', server.server_port, flush=True)
                    server.serve_forever()
                ''')
            app = case.start_app()
            app.wait_ready('one')
            port = int(app.wait_for(r'^port (\d+)').group(1))
            with socket.create_connection(('127.0.0.1', port)) as client:
                client.sendall(b'GET / HTTP/1.0\r\n\r\n')
                app.wait_for('^handling')
                reload(case, app)
        self.at_once(scene, ways())


@side_by_side
class TheCleanup(TogetherTestCase):
    """Not interrupted a second time; finally and atexit run once, in order."""

    def test_behind_asyncio_and_behind_a_handler_that_was_put_back_is_left_to_end(self):
        def scene(case, block):
            case.write_app('one', textwrap.dedent(block) + textwrap.dedent("""
                for _ in range(15):
                    time.sleep(0.1)
                print('cleaned up', flush=True)
                """), 'import asyncio')
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('two')
            app.wait_for('^cleaned up$')
            app.wait_ready('two')
        self.at_once(scene, ways("""
            async def work():
                READY
                await asyncio.sleep(600)
            try:
                asyncio.run(work())
            except KeyboardInterrupt:
                pass
            """, """
            asked = threading.Event()
            former = signal.signal(signal.SIGINT, lambda *_: asked.set())
            READY
            while not asked.is_set():
                time.sleep(0.05)
            signal.signal(signal.SIGINT, former)
            """, """
            sys.modules['_tkinter'] = sys
            try: READY; time.sleep(600)
            except KeyboardInterrupt as error: kept = error
            """, *[HELD_IN_C] * bool(sqlite3)))

    def test_under_way_is_left_to_end(self):
        cases = [('time.sleep(600)', 'finally', ''),
                 ('time.sleep(600)', 'except BaseException', ''),
                 (WAIT, 'except KeyboardInterrupt', 'raise'),
                 ('for turn in range(9999): time.sleep(0.05)', 'finally', ''),
                 ('time.sleep(600)', 'except KeyboardInterrupt', 'sys.exit(0)')]

        def scene(case, cleanup):
            case.write_app('one', CLEANUP % cleanup)
            app = case.start_app()
            app.wait_ready('one')
            reload(case, app)
            said = [line for line in app.output.splitlines()
                    if line in ('cleaning', 'cleaned', 'outer', 'atexit')]
            case.assertEqual(said, ['cleaning', 'cleaned', 'outer', 'atexit'], app.output)
            case.assertEqual(app.count(TRACEBACK), 0, app.output)
        self.at_once(scene, ways(*cases))

    def test_in_a_with_block_or_in_a_coroutine_is_left_to_end(self):
        texts = ['''
            import contextlib
            @contextlib.contextmanager
            def manager():
                try: yield
                finally:
                    print('cleaning', flush=True)
                    for turn in range(8): time.sleep(0.1)
                    print('cleaned', flush=True)
            with manager(): READY; time.sleep(600)
            ''', '''
            import asyncio
            async def work():
                try: READY; await asyncio.sleep(600)
                finally:
                    print('cleaning', flush=True)
                    await asyncio.sleep(2.6)
                    print('cleaned', flush=True)
            asyncio.run(work())
            ''']

        def scene(case, text):
            case.write_app('one', text)
            app = case.start_app()
            app.wait_ready('one')
            reload(case, app)
            case.assertEqual((app.count('^cleaning'), app.count('^cleaned')), (1, 1), app.output)
            case.assertEqual(app.count(TRACEBACK), 0, app.output)
        inside = texts[1].replace('READY; await asyncio.sleep', 'READY; time.sleep')
        texts.append(inside.replace('asyncio.run', 'asyncio.new_event_loop().run_until_complete'))
        if sys.version_info < (3, 11):  # from there on asyncio.run has a SIGINT handler
            texts.append(inside)
        self.at_once(scene, ways(*texts))

    def test_in_a_loop_is_left_to_end(self):
        """A drain: the cleanup comes back to the same line again and again."""
        def scene(case, loop):
            case.write_app('one', DRAIN + loop)
            app = case.start_app()
            app.wait_ready('one')
            reload(case, app)
            case.assertEqual((app.count('^cleaning'), app.count('^cleaned')), (1, 1), app.output)
            case.assertEqual(app.count(TRACEBACK), 0, app.output)
        self.at_once(scene, ways(
            'try: READY; time.sleep(600)\nfinally: drain()',
            'while True:\n    try: READY; time.sleep(600)\n'
            '    except KeyboardInterrupt: drain(); break',
            'try: READY; time.sleep(600)\nexcept KeyboardInterrupt: pass\ndrain()',
            'try:\n    try: {}[0]\n    except KeyError: READY; time.sleep(600)\n'
            'except KeyboardInterrupt: pass\ndrain()',
            'class Manager:\n    def __enter__(self): pass\n'
            '    def __exit__(self, *error): drain()\n'
            'with Manager():\n    try: READY; time.sleep(600)\n'
            '    except KeyboardInterrupt: pass'))

    @needs_posix
    @skip_unless(hasattr(hashlib, 'pbkdf2_hmac'), 'this Python was built without OpenSSL')
    def test_behind_a_ctrl_c_that_had_to_wait_for_c_is_left_to_end(self):
        """Ours comes meanwhile, and waits as well: behind Ctrl-C, in the cleanup's first call."""
        def scene(case):
            case.write_app('one', """
                import hashlib
                def compute(rounds):
                    hashlib.pbkdf2_hmac('sha256', b'', b'', rounds)
                began = time.monotonic()
                compute(200000)
                rounds = int(200000 * 0.75 / (time.monotonic() - began))
                try:
                    READY
                    compute(rounds)
                    time.sleep(600)
                finally:
                    time.sleep(1.5)
                    print('cleaned', flush=True)
                """)
            app = case.start_app()
            app.wait_ready('one')
            app.ctrl_c()
            assert_cleaned(case, app)
        self.at_once(scene, ways())

    @needs_posix
    def test_hears_ctrl_c_once_without_a_terminal_too(self):
        """An IDE's stop or a shell script sends SIGINT to the group; the parent tells it, too."""
        def scene(case, block):
            case.write_app('one', 'import asyncio, subprocess\n' + textwrap.dedent(block)
                           + "\nprint('cleaned', flush=True)")
            app = case.start_app()
            app.wait_ready('one')
            app.ctrl_c()
            assert_cleaned(case, app)
            case.assertEqual(app.count(TRACEBACK), 0, app.output)
        self.at_once(scene, ways("""
            try: READY; time.sleep(600)
            except KeyboardInterrupt: pass
            time.sleep(2)
            """, """
            def numbers():
                try: READY; yield 1
                finally: time.sleep(2)
            try:
                for number in numbers(): time.sleep(600)
            except KeyboardInterrupt: pass
            """, """
            try: READY; time.sleep(600)
            except KeyboardInterrupt:
                time.sleep(0.4)
                subprocess.run([sys.executable, '-c', 'import time; time.sleep(1)'], check=True)
            """, """
            try:
                try: READY; time.sleep(600)
                finally: time.sleep(0.4); asyncio.run(asyncio.sleep(1))
            except KeyboardInterrupt: pass
            """))

    @needs_posix
    def test_of_ctrl_c_may_write_what_is_watched(self):
        """That is no save, for which it would be cut off."""
        def scene(case):
            case.write('state.json', 'old')
            case.write_app('one', """
                try: READY; time.sleep(600)
                except KeyboardInterrupt: pass
                with open('state.json', 'w') as file: file.write('newer')
                time.sleep(0.4)
                print('cleaned', flush=True)
                """, extra_files=['state.json'])
            app = case.start_app()
            app.wait_ready('one')
            app.ctrl_c()
            assert_cleaned(case, app)
            case.assertEqual(app.count('restarting'), 0, app.output)
        self.at_once(scene, ways())

    @needs_posix
    def test_is_not_cut_by_a_copy_of_ctrl_c(self):
        """GNU timeout, for one, sends its group what the group has got already."""
        def scene(case):
            case.write_app('one', CLEANS_UP)
            app = case.start_app()
            app.wait_ready('one')
            app.ctrl_c()
            app.wait_for('^cleaning')
            app.ctrl_c()
            assert_cleaned(case, app)
        self.at_once(scene, ways())

    @needs_posix
    def test_behind_sigterm_is_not_cut_by_a_save(self):
        def scene(case):
            case.write_app('one', """
                signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
                try:
                    READY
                    time.sleep(600)
                finally:
                    print('cleaning', flush=True)
                    for turn in range(20): time.sleep(0.1)
                    print('cleaned', flush=True)
                """)
            app = case.start_app()
            app.wait_ready('one')
            app.signal(signal.SIGTERM)
            app.wait_for('^cleaning')
            time.sleep(0.6)  # not a wait: until then the save may have come first
            case.write_app('two')
            assert_cleaned(case, app, 128 + signal.SIGTERM)
        self.at_once(scene, ways())

    def test_of_normal_reloads_prints_no_traceback(self):
        """Ten in a row, with a thread, a server and an atexit of the program's own."""
        block = '''
            import atexit, socketserver
            atexit.register(print, 'atexit')
            server = socketserver.ThreadingTCPServer(('127.0.0.1', 0), None)
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            READY
            ''' + ('time.sleep(600)' if WINDOWS else 'thread.join()')  # see WINDOWS_WAKES

        def scene(case):
            case.write_app('v0', block)
            app = case.start_app()
            app.wait_ready('v0')
            for number in range(1, 6):
                reload(case, app, 'v%d' % number, block=block)
            case.assertEqual((app.count(TRACEBACK), app.count('^atexit')), (0, 5), app.output)
        self.at_once(scene, ways())


@side_by_side
class WhatHoldsOn(TogetherTestCase):
    """After the grace time one line names it, output is flushed, and the reload happens."""

    BLOCKS = {
        'a thread': ('worker-7', '''
            threading.Thread(target=time.sleep, args=[600], name='worker-7').start()
            READY
            time.sleep(600)
            '''),
        'two threads': ('worker-(7.*worker-8|8.*worker-7)', '''
            threading.Thread(target=time.sleep, args=[600], name='worker-7').start()
            threading.Thread(target=time.sleep, args=[600], name='worker-8').start()
            READY
            time.sleep(600)
            '''),
        'a pool': ('drone' if sys.version_info >= (3, 9) else 'MainThread', '''
            from concurrent.futures import ThreadPoolExecutor
            pool = ThreadPoolExecutor(1, thread_name_prefix='drone')
            pool.submit(time.sleep, 600)
            READY
            time.sleep(600)
            '''),
        'atexit': ('MainThread', '''
            import atexit
            atexit.register(time.sleep, 600)
            READY
            time.sleep(600)
            '''),
        'finally': ('MainThread', '''
            try: READY; time.sleep(600)
            finally:
                while True: time.sleep(0.05)
            '''),
        'a loop': ('MainThread', '''
            READY
            while True:
                try: time.sleep(0.2)
                except BaseException: pass
            '''),
        'a handler': ('MainThread', '''
            signal.signal(signal.SIGINT, lambda *ignored: None)
            READY
            threading.Event().wait()
            '''),
        'ignoring it later': ('MainThread', '''
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            READY
            time.sleep(600)
            '''),
        'the debugger': ('MainThread', '''
            READY
            breakpoint()
            time.sleep(600)
            '''),
    }
    if WINDOWS:
        BLOCKS['a wait'] = 'MainThread', 'READY\nthreading.Event().wait()'
    MAY_BE_SOONER = {'a handler', 'ignoring it later', 'the debugger'}
    IS_HOPELESS = {'a loop'}  # three interrupts in vain are enough

    def test_is_ended_after_the_grace_time(self):
        def scene(case, name):
            holder, block = self.BLOCKS[name]
            block = block.replace('READY', 'READY; print("flushed in the end", end="")')
            case.write_app('one', block)
            app = case.start_app(stdin=subprocess.PIPE)
            app.type('c\n')
            app.wait_ready('one')
            since = time.monotonic()
            reload(case, app)
            taken = time.monotonic() - since
            line = r'^.*reloader: .*\b%s' % holder
            if name not in self.MAY_BE_SOONER:
                least = 1.4 if name in self.IS_HOPELESS and not PYPY else GRACE - 1.5
                case.assertGreater(taken, least, app.output)
                case.assertEqual(app.count(line), 1, app.output)
                case.assertEqual(app.count(TRACEBACK), 0, app.output)
            if not WINDOWS:  # where a start alone may take as long
                case.assertLess(taken, 3 * GRACE, app.output)
            case.assertEqual(app.count('flushed in the end'), 1, app.output)
        self.at_once(scene, ways(*self.BLOCKS), idle=True)

    def test_in_a_request_that_never_ends_is_ended_too(self):
        """run(app) lets requests end, but not for ever."""
        text = '''
            import os, time
            import reloader
            def app(environ, start_response):
                print('handling', flush=True)
                time.sleep(600)
            if __name__ == '__main__':
                print('ready', os.getpid(), %r, flush=True)
                reloader.run(app, port=%d, reloader=True, interval=0.1)
            '''
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        self.write('app.py', text % ('one', port))
        app = self.start('app.py')
        app.wait_ready('one')  # the parent's
        app.wait_ready('one')
        if WINDOWS:  # where each child opens its own socket
            app.wait_for('serving on')
        with socket.create_connection(('127.0.0.1', port)) as client:
            client.sendall(b'GET / HTTP/1.0\r\n\r\n')
            app.wait_for('^handling')
            self.write('app.py', text % ('two', port))
            app.wait_ready('two')

    def test_at_the_pdb_prompt_is_left_to_the_person_there(self):
        """A save waits until the program goes on, past the grace time: the same one answers."""
        def scene(case):
            case.write_app('one', 'breakpoint()\ntime.sleep(1.5)\n' + FOREVER)
            app = case.start_app(stdin=subprocess.PIPE)
            first = app.wait_ready('one')
            app.type('p "at", "prompt", %d\n' % first)
            app.wait_for("'at', 'prompt', %d" % first)
            case.write_app('two')
            time.sleep(GRACE + 1)  # nothing may happen all the while: shown by the answer
            app.type('p "still", os.getpid()\n')
            app.wait_for("'still', %d" % first)
            app.type('n\n')  # over a line that takes its time
            app.type('p "stepped", os.getpid()\n')
            app.wait_for("'stepped', %d" % first)
            self.assertEqual(app.count('restarting'), 0, app.output)
            app.type('c\n')
            app.wait_ready('two')
        self.at_once(scene, ways())

    def test_without_a_prompt_a_debugger_is_no_reason_to_wait(self):
        def scene(case):
            case.write_app('one', '''
                import bdb
                def interaction():
                    READY
                    time.sleep(600)
                bdb.Bdb().runcall(interaction)
                ''')
            app = case.start_app()
            app.wait_ready('one')
            reload(case, app)
        self.at_once(scene, ways())


if __name__ == '__main__':
    unittest.main()
