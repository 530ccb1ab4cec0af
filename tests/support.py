"""The harness: a folder with reloader.py and a program, started, read and ended from outside.

    class AChange(ReloaderTestCase):
        @both_ways
        def test_of_the_script_restarts_it(self):
            self.write_app('one')
            app = self.start_app()
            first = app.wait_ready('one')
            self.write_app('two')
            self.assertNotEqual(app.wait_ready('two'), first)

A program says that it is ready with a line `ready <pid> <value>`. The pid proves a restart, or
none; the value proves which code ran. Every wait is for words in the output or for a process to be
gone, never for time to pass; LONG only detects a hang. "It does not happen" is proved by what
happens next. A wait that fails shows everything the program said.
"""
from __future__ import annotations

import atexit
import contextlib
import copy
import functools
import importlib.util
import os
import pathlib
import py_compile
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest
import venv

if os.name == 'nt':  # elsewhere an interpreter may have been built without it
    import ctypes

LONG = float(os.environ.get('LONG', 60))  # seconds: detects hangs, proves nothing else
INTERVAL = 0.1  # seconds between two looks of the checker, in most tests
WAYS = ('library', 'command line')
WINDOWS = os.name == 'nt'
WINE = WINDOWS and hasattr(ctypes.WinDLL('ntdll'), 'wine_get_version')
CTRL_C_STATUS = 0xC000013A  # of a process that was ended by Ctrl-C or Ctrl-Break
PYPY = sys.implementation.name == 'pypy'
# Objects of modules are cleared late there while a thread runs, in a plain run as well.
FREE_THREADED = not getattr(sys, '_is_gil_enabled', lambda: True)()
RELOADER = pathlib.Path(__file__).resolve().parent.parent / 'reloader.py'
# On a terminal: colours, a line editor's words to it, and half of one that is just arriving.
ESCAPES = re.compile(r'\x1b(?:\[[0-9;?]*[@-~]|[=>]|\[?[0-9;?]*$)')
FOREVER = 'while True: time.sleep(60)'

# Windows: leave our console, if there is one, for another process's, and press a key there.
PRESS = '''\
import ctypes, sys
kernel32 = ctypes.WinDLL('kernel32', use_last_error=True)
kernel32.FreeConsole()
if not (kernel32.AttachConsole(int(sys.argv[1])) and kernel32.SetConsoleCtrlHandler(None, True)
        and kernel32.GenerateConsoleCtrlEvent(int(sys.argv[2]), 0)):
    sys.exit(ctypes.get_last_error())
'''

# The two programs: the same few lines, with the library call and without it.
LIBRARY = '''\
import os, signal, sys, threading, time
import reloader
{before}
def main():
{block}

if __name__ == '__main__':
    reloader.run_with_reloader(main, **{options!r})
{after}
'''
PLAIN = '''\
import os, signal, sys, threading, time
{before}
if __name__ == '__main__':
{block}
{after}
'''


def library(value, block=FOREVER, before='', after='', **options) -> str:
    """Return a program that calls run_with_reloader. `after`: lines behind the call."""
    options.setdefault('interval', INTERVAL)
    return LIBRARY.format(block=_block(value, block), before=_dedent(before),
                          after=textwrap.indent(_dedent(after), '    '), options=options)


def plain(value, block=FOREVER, before='', after='') -> str:
    """Return a program that knows nothing of reloader.py."""
    return PLAIN.format(block=_block(value, block), before=_dedent(before),
                        after=textwrap.indent(_dedent(after), '    '))


def _block(value, block: str) -> str:
    """Indent a block, with the line `ready` where it says READY (inside a try), or before it."""
    ready = "print('ready', os.getpid(), %r, flush=True)" % (value,)
    block = _dedent(block)
    block = block.replace('READY', ready) if 'READY' in block else ready + '\n' + block
    return textwrap.indent(block, '    ')


def _dedent(text: str) -> str:
    return textwrap.dedent(text).strip('\n')


def both_ways(test):
    """Run a test method through both WAYS side by side, each in its own folder, as `self.way`."""
    @functools.wraps(test)
    def through_both(self):
        cases = [self.copy_for(way) for way in WAYS]
        threads = [threading.Thread(target=case.collect_failures, args=[test]) for case in cases]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for case in cases:
            self.raise_failures(case.failures, way=case.way)
    return through_both


def side_by_side(cls):
    """Start all tests of classes decorated so with the first one; they mostly wait.

    Each of them reports as usual. What is chosen on the command line, by -k or by the name of a
    class or a test, runs alone.
    """
    for name in [name for name in dir(cls) if name.startswith('test_')]:
        _beside[cls, name] = None
        setattr(cls, name, _wait_for_it(cls, name, getattr(cls, name)))
    return cls


_beside: dict = {}  # the tests that are started together
# How many run at once: most of them wait most of the time. Starting a process costs Windows (and
# Wine) ten times as much, and a reload that has to wait for a core tells nothing of its speed.
_slots = threading.Semaphore(4 if WINDOWS else 6)


def _wait_for_it(cls, name: str, test):
    @functools.wraps(test)
    def wait_for_it(self):
        if '-k' in sys.argv or any({cls.__name__, name} & set(word.split('.'))
                                   for word in sys.argv):
            return test(self)
        for its_class, its_name in [key for key in _beside if not _beside[key]]:
            if not getattr(its_class, 'is_skipped', False):
                _beside[its_class, its_name] = its_class(its_name).start_beside()
        case = _beside.pop((cls, name))
        case.thread.join()
        self.raise_failures(case.failures)
    return wait_for_it


def skip_unless(condition, reason: str):
    """Skip a test or a class like unittest.skipUnless, and print the reason when it is skipped."""
    def decorate(item):
        if condition:
            return item
        if isinstance(item, type):
            def set_up_class(cls):
                skip(cls, reason)
            item.setUpClass = classmethod(set_up_class)
            item.is_skipped = True
            return item

        @functools.wraps(item)
        def skipped(self):
            skip(self, reason)
        return skipped
    return decorate


def skip(test, reason: str) -> None:
    """Skip the running test, with the reason on stderr also without -v."""
    name = test.id() if isinstance(test, unittest.TestCase) else test.__qualname__
    print('\nskipped: %s: %s' % (name, reason), file=sys.stderr, flush=True)
    raise unittest.SkipTest(reason)


def changed(name: str) -> str:
    """Return the regular expression for the line that says that this file changed."""
    return r'^reloader: (?=.*changed).*(?<![\w/\\])%s(?!\w)' % re.escape(str(name))


WAITING = r'^reloader: .*waiting'
tells_ignored = skip_unless(not PYPY, 'PyPy does not tell which signals were ignored at the start')
needs_posix = skip_unless(not WINDOWS, 'POSIX signals and process groups')


# ---------------------------------------------------------------------------- processes by pid

def is_alive(pid: int) -> bool:
    """Tell whether the process runs; a zombie, which nobody may come to reap, has ended."""
    if WINDOWS:
        return _windows_wait(pid, 0)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody else's: ours has ended
        return False
    return process_state(pid) not in ('Z', 'X', '')


def process_state(pid: int) -> str:
    """Return the letter that ps shows: R, S, T (stopped), Z (zombie); '' if it is gone."""
    if os.path.isdir('/proc/self'):
        try:
            with open('/proc/%d/stat' % pid, 'rb') as file:
                return file.read().rpartition(b')')[2].split()[0].decode()
        except (FileNotFoundError, ProcessLookupError):
            return ''
    found = subprocess.run(['ps', '-o', 'stat=', '-p', str(pid)], stdout=subprocess.PIPE)
    return found.stdout.decode().strip()[:1]


class _Job:
    """Windows: a process and all that it starts, to be ended together, as a session is."""

    def __init__(self, process: subprocess.Popen):
        self.kernel32 = ctypes.WinDLL('kernel32', use_last_error=True)
        self.kernel32.CreateJobObjectW.restype = ctypes.c_void_p
        self.handle = ctypes.c_void_p(self.kernel32.CreateJobObjectW(None, None))
        handle = ctypes.c_void_p(int(process._handle))
        if not self.kernel32.AssignProcessToJobObject(self.handle, handle):
            error = ctypes.get_last_error()
            if process.poll() is None:  # else it has ended already, and had no time for a child
                raise ctypes.WinError(error)

    def end(self) -> None:
        """Kill whatever is left of it."""
        self.kernel32.TerminateJobObject(self.handle, 1)
        self.kernel32.CloseHandle(self.handle)


def _windows_wait(pid: int, milliseconds: int) -> bool:
    """Tell whether the process still runs after that time."""
    kernel32 = ctypes.WinDLL('kernel32')
    kernel32.OpenProcess.restype = ctypes.c_void_p
    handle = kernel32.OpenProcess(0x00100000, False, pid)  # SYNCHRONIZE
    if not handle:
        return False
    try:
        return kernel32.WaitForSingleObject(ctypes.c_void_p(handle), milliseconds) == 0x102
    finally:
        kernel32.CloseHandle(ctypes.c_void_p(handle))


def wait_until(condition, message: str = '', timeout: float = LONG) -> None:
    """Ask again and again, pausing ever longer up to 50 ms, until `condition()` is true."""
    deadline, pause = time.monotonic() + timeout, 0.001
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError('waited %s s for: %s' % (timeout, message or condition))
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def wait_gone(pid: int, timeout: float = LONG) -> None:
    """Wait until no process has this id."""
    wait_until(lambda: not is_alive(pid), 'process %d to be gone' % pid, timeout)


# -------------------------------------------------------------------------- a started program

class Program:
    """A started program: what it says, read by a thread, and the means to end it."""

    def __init__(self, process: subprocess.Popen, master: int | None = None):
        self.process = process
        self.pid = process.pid
        self.master = master  # our end of its terminal
        self._has_terminal = master is not None
        self._source = process.stdout.fileno() if master is None else master
        self._bytes = b''
        self._began, self._start_took = time.monotonic(), 0.0
        self._position = 0  # where in the output the next wait begins
        self._ended = False  # everybody who could write has ended
        self._job = _Job(process) if WINDOWS else None
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        chunk = b'first'
        while chunk:
            try:
                chunk = os.read(self._source, 65536)
            except OSError:  # EIO: a terminal that nobody has open any longer
                chunk = b''
            with self._news:
                self._bytes += chunk
                if not self._start_took:
                    self._start_took = time.monotonic() - self._began
                self._ended = not chunk
                self._news.notify_all()

    @property
    def output(self) -> str:
        """Everything it said so far, both streams as they came, without escape sequences."""
        text = self._bytes.decode('utf-8', 'replace').replace('\r\n', '\n')
        return ESCAPES.sub('', text) if self._has_terminal else text

    def count(self, regex: str) -> int:
        """Return how often `regex` matches in everything said so far."""
        return len(re.findall(regex, self.output, re.MULTILINE))

    def wait_for(self, regex: str, timeout: float = LONG) -> re.Match:
        """Wait for a line that matches, after the line that the last wait found."""
        pattern = re.compile(regex, re.MULTILINE)
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                found = self._find(pattern)
                if found:
                    return found
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    self.fail('%s without %r' % (
                        'its output ended' if self._ended else 'waited %s s' % timeout, regex))
                self._news.wait(left)

    def _find(self, pattern: re.Pattern) -> re.Match | None:
        text = self.output
        if not self._ended and not self._has_terminal:  # a prompt on a terminal has no line end
            text = text[:text.rfind('\n') + 1]
        found = pattern.search(text, self._position)
        if found:
            end = text.find('\n', max(found.end() - 1, self._position))  # its line's end
            self._position = len(text) if end < 0 else end + 1
        return found

    def wait_ready(self, value: object = None, timeout: float = LONG) -> int:
        """Wait for the next line `ready <pid> <value>`, any value if None; return the pid."""
        value = r'[^\n]*' if value is None else re.escape(str(value))
        return int(self.wait_for(r'^ready (\d+) %s\n' % value, timeout).group(1))

    def wait_exit(self, timeout: float = LONG, end_of_output: bool = True) -> int:
        """Wait until it has ended, and with it all who share its output; return its status."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.fail('still runs after %s s' % timeout)
        if end_of_output:
            self._reader.join(timeout)
            if self._reader.is_alive():
                self.fail('ended with %s, but somebody still holds its output' % status)
        return status

    def taken_since(self, began: float) -> float:
        """Return the seconds since then, less what its own start took, to its first words.

        A slow machine is slow in both: what is left can be compared with the constants.
        """
        return time.monotonic() - began - self._start_took

    def pids(self) -> list[int]:
        """Return the pids of all its ready lines."""
        return [int(pid) for pid in re.findall(r'^ready (\d+) ', self.output, re.MULTILINE)]

    def signal(self, number: int) -> None:
        """Send a signal to the started process alone."""
        self.process.send_signal(number)

    def ctrl_c(self) -> None:
        """Send SIGINT to the whole group, as a terminal does."""
        if WINDOWS:
            self._press(0)
        else:
            os.killpg(self.pid, signal.SIGINT)

    def ctrl_break(self) -> None:
        """Press Ctrl-Break, which is Windows' own."""
        self._press(1)

    def _press(self, event: int) -> None:
        """Send an event to all processes of its console; only one who shares it can."""
        # A console may keep the handles of the process that first uses it: it gets none of ours.
        status = subprocess.run([sys.executable, '-c', PRESS, str(self.pid), str(event)],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, timeout=LONG).returncode
        if status not in (0, CTRL_C_STATUS) and self.process.poll() is None:
            self.fail('no key could be pressed: WinError %d' % status)

    def type(self, text: str) -> None:
        """Type on its terminal, or write to its standard input."""
        if self.master is None:
            os.write(self.process.stdin.fileno(), text.encode())
        else:
            os.write(self.master, text.encode())

    def fail(self, message: str) -> None:
        """Fail with the message and everything that it said."""
        raise AssertionError('%s; status %s; it said:\n%s' % (
            message, self.process.poll(), textwrap.indent(
                self.output or '(nothing)', '    | ', lambda line: True)))

    def end(self) -> None:
        """Kill it and everything in its session, whatever state it is in."""
        if self._job:
            self._job.end()
            self._job = None
        elif not WINDOWS:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            for pid in self.pids():  # one that made a group of its own is still in the session
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    if os.getsid(pid) == self.pid:
                        os.kill(pid, signal.SIGKILL)
        self.process.wait(LONG)
        self._reader.join(5)  # longer only if a stray process holds it: then let it
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()
        if self.master is not None:
            os.close(self.master)
            self.master = None


# ------------------------------------------------------------------------------ the test case

def _bare_python() -> str:
    """Return this interpreter in an environment without packages, or in one's own as it is.

    What is installed for all (certificates, .pth files) can take longer than the rest of a start.
    On Windows an environment's python is a launcher, and the program its child.
    """
    if WINDOWS or PYPY or sys.prefix != sys.base_prefix:
        return sys.executable
    folder = tempfile.mkdtemp(prefix='reloader-test.')
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    venv.create(folder, symlinks=True)
    python = os.path.join(folder, 'bin', 'python')
    return sys.executable if subprocess.run([python, '-c', 'import os']).returncode else python


PYTHON = _bare_python()


@functools.lru_cache()
def _bytecode() -> bytes:
    """Return reloader.py's bytecode: only a user's first start has to make it."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'reloader.pyc')
        py_compile.compile(str(RELOADER), path, doraise=True)
        return pathlib.Path(path).read_bytes()


class ReloaderTestCase(unittest.TestCase):
    """A fresh folder with a copy of reloader.py, and programs that end with the test."""

    way = 'library'
    python = PYTHON  # what runs the programs
    console = False  # Windows: each program has a console of its own, where keys can be pressed

    def setUp(self) -> None:
        _reset_signals()
        self.new_folder()

    def copy_for(self, way: str) -> ReloaderTestCase:
        """Return a copy of this test for one of WAYS; its failures are collected."""
        case = copy.copy(self)
        case.way, case.failures = way, []
        case.subTest = case.collecting
        case.new_folder()
        return case

    def collect_failures(self, test) -> None:
        """Run a test method in a thread, where unittest's own bookkeeping must not be touched."""
        with self.collecting():
            test(self)
        self.end_programs()

    def start_beside(self) -> ReloaderTestCase:
        """Run this test, from set-up to the end, in a thread."""
        self.failures, self.subTest = [], self.collecting
        test = getattr(type(self), self._testMethodName).__wrapped__
        self.thread = threading.Thread(target=self.run_beside, args=[test])
        self.thread.start()
        return self

    def run_beside(self, test) -> None:
        with _slots:
            if not threading.main_thread().is_alive():
                return  # Ctrl-C, or --failfast: nobody waits for this one
            with self.collecting():
                self.setUp()
                test(self)
            self.doCleanups()

    @contextlib.contextmanager
    def collecting(self, *name, **names):
        """Stand in for subTest."""
        try:
            yield
        except BaseException as error:  # also SkipTest: unittest, in the main thread, knows it
            self.failures.append((name, names, error))

    def raise_failures(self, failures, **more) -> None:
        """Hand collected failures on to unittest."""
        for name, names, error in failures:
            with self.subTest(*name, **dict(names, **more)):
                raise error

    def new_folder(self) -> None:
        """Make `self.folder` with a copy of reloader.py, and `self.tmp` in it as its TMPDIR."""
        folder = tempfile.mkdtemp(prefix='reloader-test.')
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.folder = pathlib.Path(os.path.realpath(folder))
        self.tmp = self.folder / 'tmp'
        self.tmp.mkdir()
        self.programs: list[Program] = []
        self.options: dict = {}
        shutil.copy(RELOADER, self.folder)
        # With its time, by which Python knows the bytecode; copy2() calls what Wine does not have.
        shutil.copystat(RELOADER, self.folder / 'reloader.py')
        cache = pathlib.Path(importlib.util.cache_from_source(self.folder / 'reloader.py'))
        cache.parent.mkdir(parents=True)
        cache.write_bytes(_bytecode())

    # -- files

    def write(self, name: str, text: str | bytes, replace: bool = False) -> pathlib.Path:
        """Save a file below the folder as an editor does, in place or by rename."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, str):
            text = textwrap.dedent(text).encode()
        target = path.with_name(path.name + '~') if replace else path
        _patiently(target.write_bytes, text)
        if replace:
            self.move(target, path)
        return path

    def move(self, name: str | os.PathLike, target: str | os.PathLike) -> None:
        """Rename a file below the folder, over another if need be."""
        _patiently(os.replace, self.folder / name, self.folder / target)

    def remove(self, name: str) -> None:
        """Delete a file below the folder."""
        _patiently(os.remove, self.folder / name)

    def write_app(self, value, block=FOREVER, before='', after='', replace=False,
                  name='app.py', **options) -> pathlib.Path:
        """Save app.py, with the library call or without one, as `self.way` wants it.

        The options are those of run_with_reloader; on the command line start_app gives them.
        """
        self.options = options
        if self.way == 'library':
            text = library(value, block, before, after, **options)
        else:
            text = plain(value, block, before, after)
        return self.write(name, text, replace)

    def put_above(self, text: str) -> None:
        """Save app.py with lines at its top, above the import of the reloader."""
        program = (self.folder / 'app.py').read_text()
        self.write('app.py', textwrap.dedent(text) + '\n' + program)

    def lockfiles(self) -> list[str]:
        """Return the names of the lockfiles in the temporary directory."""
        return sorted(path.name for path in self.tmp.glob('reloader.*.lock'))

    def assert_nothing_left(self) -> None:
        """Fail if anything at all is left in the temporary directory."""
        self.assertEqual(sorted(os.listdir(self.tmp)), [])

    # -- programs

    def environment(self, env: dict | None = None) -> dict:
        """Return a built environment: ours without PYTHON* and RELOADER_*, with `env`."""
        built = {name: value for name, value in os.environ.items()
                 if not name.upper().startswith(('PYTHON', 'RELOADER_'))}
        built.update(dict.fromkeys(('TMPDIR', 'TEMP', 'TMP'), str(self.tmp)))
        built.update(env or {})
        return {name: value for name, value in built.items() if value is not None}

    def start(self, *args, env: dict | None = None, tty: bool = False, stdin=subprocess.DEVNULL,
              cwd=None, ignore=(), executable: str | None = None, **popen) -> Program:
        """Start `python *args` in the folder, in a new session.

        `env` is added to a built environment (None drops a name), `ignore` names the signals
        that it starts with ignored, `tty` gives it a terminal of its own.
        """
        executable = self.python if executable is None else executable
        command = [executable] * bool(executable) + [str(arg) for arg in args]
        popen.update(cwd=str(cwd or self.folder), env=self.environment(env))
        if tty:
            program = self._start_on_terminal(command, popen)
        else:
            popen.setdefault('stdout', subprocess.PIPE)
            if WINDOWS and self.console:
                popen['creationflags'] = subprocess.CREATE_NO_WINDOW
            if ignore:  # a shell's child inherits it; ours must not, other threads start some too
                names = ' '.join(signal.Signals(number).name[3:] for number in ignore)
                command = ['sh', '-c', 'trap "" %s; exec "$@"' % names, 'sh', *command]
            program = Program(subprocess.Popen(
                command, stdin=stdin, stderr=subprocess.STDOUT,
                start_new_session=not WINDOWS, bufsize=0, **popen))
        self.programs.append(program)
        self.addCleanup(program.end)
        return program

    def _start_on_terminal(self, command, popen) -> Program:
        import fcntl
        import pty
        import termios
        master, slave = pty.openpty()

        def take_the_terminal():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        try:
            process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                                       start_new_session=True, preexec_fn=take_the_terminal,
                                       **popen)
        finally:
            os.close(slave)
        return Program(process, master)

    def start_app(self, *args, flags=(), name='app.py', quiet=False, **how) -> Program:
        """Start the program that write_app saved, as `self.way` wants it."""
        if self.way == 'library':
            return self.start(*flags, name, *args, **how)
        return self.start(*flags, 'reloader.py', *self.reloader_options(quiet), name, *args, **how)

    def reloader_options(self, quiet: bool = False) -> list[str]:
        """Return the options of the last write_app as the command line writes them."""
        words = ['--interval', str(self.options.get('interval', INTERVAL))]
        for name in ('extra_files', 'exclude_patterns'):
            for pattern in self.options.get(name, ()):
                words += ['--' + name.replace('_', '-'), pattern]
        return words + ['--quiet'] * quiet

    def end_programs(self) -> None:
        """Kill what the test has started so far."""
        for program in self.programs:
            program.end()

    def run_once(self, *args, env: dict | None = None, cwd=None, **popen):
        """Run `python *args` to its end; return .returncode, .stdout and .stderr, as text."""
        done = subprocess.run([self.python, *map(str, args)], env=self.environment(env),
                              cwd=str(cwd or self.folder), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LONG,
                              start_new_session=not WINDOWS, **popen)
        done.stdout = done.stdout.decode('utf-8', 'replace').replace('\r\n', '\n')
        done.stderr = done.stderr.decode('utf-8', 'replace').replace('\r\n', '\n')
        return done


def _patiently(action, *args):
    """Do it again where Windows says that another process has the file open just now."""
    deadline = time.monotonic() + LONG
    while True:
        try:
            return action(*args)
        except PermissionError:
            if not WINDOWS or time.monotonic() > deadline:
                raise
            time.sleep(0.001)


def _reset_signals() -> None:
    """Let what is started from now on find the signals at their defaults.

    A started process inherits "ignored", never a handler. The test runner itself may be a
    background job, whose SIGINT is ignored, or run under nohup.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not WINDOWS and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
