#!/usr/bin/env python3
# reloader.py: one file to copy. Is a copy current? `python reloader.py --version`
"""Restart a Python program when its source changes.

Behind a call, in your own program::

    import reloader

    def main():
        ...                                   # serve, work, block: in the main thread

    reloader.run_with_reloader(main)          # a WSGI app: reloader.run(app, reloader=True)

Or for any program, unchanged, from the command line::

    python reloader.py app.py                 # also: python reloader.py -m package

It stands for the shell loop ``while python app.py; test $? -eq 3; do :; done``, and adds what a
shell cannot do. The *parent* makes a temporary lockfile, touches it once a second and runs the
same command line again as its *child*. In the child a thread looks at the file behind every entry
of ``sys.modules``. When one has changed, it interrupts the main thread as Ctrl-C would,
``finally`` and ``atexit`` run, and the child exits with status 3: the parent starts the next one.
When the lockfile is gone, or no longer touched, the child ends. In the lockfile the two also tell
each other which files there are and how they looked, so that no save between two children is lost.

============================================== ============================================ =======
what happens                                   what follows                                 status
============================================== ============================================ =======
a watched file changes                         main unwinds, the child exits 3, the parent
                                               starts it again; not while a changed module
                                               does not compile
main returns, or ``sys.exit(n)``, n not 1 or 3 both end                                     n
an error (status 1) or a signal ends the child the parent says so, waits for a change,
                                               starts it again
the child exits 3 by itself                    it is started again; the third time in a row
                                               within two seconds of its start counts as an
                                               error
Ctrl-C                                         both end, the child first, no traceback;     130
                                               after the grace time (5 seconds) it is ended
SIGTERM or SIGHUP to the parent                passed to the child; both end                128 + n
the parent is killed                           the child ends by itself
the lockfile is deleted                        both end, one line says so                   1
============================================== ============================================ =======

It is for development. It does not swap code in a running program, refresh a browser, or replace a
supervisor. A save is noticed by looking, not by an event, so it works in containers and on network
drives too. A call into C that holds the interpreter's lock holds up the reload as well.

The protocol and its words are Bottle's (Marcel Hellkamp), the call is Werkzeug's (Armin Ronacher
and others), watching zip files and waiting after a crash come from CherryPy and hupper.

MIT License. Copyright (c) 2026 the reloader.py authors.

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions: The above copyright notice and this
permission notice shall be included in all copies or substantial portions of the Software. THE
SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT
LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""

from __future__ import annotations

import atexit
import contextlib
import marshal
import ntpath
import os
import posixpath
import signal
import stat
import sys
import threading
import time
import types
import warnings
import weakref
from importlib.machinery import PathFinder, SourceFileLoader, SourcelessFileLoader
from operator import attrgetter, eq

TYPE_CHECKING = False  # as typing's own, without the 5 ms that importing typing takes
if TYPE_CHECKING:
    import argparse
    import socket
    import subprocess
    from importlib.machinery import ModuleSpec
    from types import FrameType, TracebackType
    from typing import Any, Callable, Dict, Iterable, Iterator, NoReturn, Optional, Tuple, Union

    Patterns = Union[None, str, 'os.PathLike[str]', Iterable[Union[str, 'os.PathLike[str]']]]
    Signature = Optional[Tuple[int, int, int]]  # mtime in ns, size, inode; None: no such file
    Look = Tuple[Signature, Optional[bytes]]  # with a hash of the content, where it is small

__version__ = '1.0.0'
__all__ = ['FileCheckerThread', 'bind', 'is_running_from_reloader', 'run', 'run_with_reloader',
           'trigger_reload', 'watch']

RELOAD = 3  # the exit status that asks for a restart; Bottle, Werkzeug and Django use the same
CHILD = 'RELOADER_CHILD'  # environment: whose child this is; see _is_child
LOCKFILE = 'RELOADER_LOCKFILE'  # environment: the lockfile's path
SUSPECT = 'RELOADER_SUSPECT'  # environment: a file that dirtied three starts in a row
GRACE = 5.0  # seconds for finally, atexit and requests in flight, before a process is ended
HEARTBEAT = 0.9  # seconds between two touches of the lockfile: at least one a second
STALE = 5.0  # seconds without a touch after which the parent counts as dead (Bottle's too)
CHECK = 0.4  # seconds between two looks at the lockfile: a parent that is killed is seen at once
TICK = 0.08  # seconds between two looks at the files saved last, while there is something to see
SLOW_TICK = 0.3  # the same when nothing was saved for long; three of them make a round
LIVELY = 20.0  # seconds after a save in which the next is expected
HOT = 5  # how many files count as saved last: each of these looks takes 10 microseconds a file
ROUND = 0.85  # of the interval, between two looks at all files: the next tick, and the reload, add
ABSENCE = 3.0  # seconds a file may be away or empty, as while it is saved, before it counts
YOUNG = 2.5  # seconds in which a clock of two seconds (FAT) may not tell two saves apart
SMALL = 1 << 20  # bytes: larger files are not compared by content; no source is that large
CALM = 0.1  # seconds without a further change after which a burst of saves is over
BURST = 2.0  # seconds after which a burst that does not end is acted on all the same
EARLY = 0.5  # seconds from a start in which a change belongs to the burst that led to it
PATIENCE = 0.5  # seconds until a main thread that goes on as before is interrupted again
LATE = 1.0  # seconds before the end in which a main that may have heard of it is interrupted
QUICK = 2.0  # seconds from a start in which exit status 3 means failure, the third time
STACK = 8 << 20  # bytes of stack for the compiler in our thread: musl gives a thread 128 kB
SUSPICION = 10.0  # seconds from a start in which a program may have rewritten its own file

_HERE = os.path.abspath(__file__)
if _HERE.endswith('.pyc'):  # run from the bytecode: see _run_from_bytecode
    from importlib.util import source_from_cache
    _HERE = source_from_cache(_HERE)
_PROBE = '<reloader>'  # the file name under which source is tried out


# ---------------------------------------------------------------------------------- the ways in

def run_with_reloader(main_func: Callable[[], Any], extra_files: Patterns = None,
                      exclude_patterns: Patterns = None, interval: float = 1) -> None:
    """Call main_func in a child process that is started again whenever a source file changes.

    The call is Werkzeug's, the behaviour Bottle's: main_func runs in the main thread of the child,
    so that signals and asyncio are as in production. Its return value is ignored. What stands
    before the call runs in both processes; is_running_from_reloader() tells them apart.

    The parent never returns: it leaves by SystemExit. The child returns when main_func has ended
    by itself or by Ctrl-C. For a reload it runs atexit, flushes and ends right here, whatever
    encloses the call: an outer ``finally`` is not reached.

    extra_files: further files to watch: names, directories (every file in them) or glob patterns.
    exclude_patterns: fnmatch patterns of absolute paths that are not watched.
    interval: the longest time in seconds that a save may go unnoticed; most are seen at once.

    Raises TypeError and ValueError for bad arguments, RuntimeError off the main thread and at an
    interactive prompt. A program from standard input, which cannot be read again, exits with 1.
    """
    if not callable(main_func):
        raise TypeError(f'main_func must be callable, not {main_func!r}')
    _reload(main_func, _Options(interval, extra_files, exclude_patterns))


def run(app: Callable[..., Iterable[bytes]], host: str = '127.0.0.1', port: int = 8080,
        interval: float = 1, reloader: bool = False, quiet: bool = False,
        extra_files: Patterns = None, exclude_patterns: Patterns = None) -> None:
    """Serve a WSGI app on wsgiref's server, a thread for each request. The call is Bottle's.

    With reloader=True it restarts as run_with_reloader does; the listening socket outlives the
    restarts, so that clients wait instead of being refused, and requests in flight are finished.
    quiet drops the start line, the request log and the reload lines. Raises what bind and
    run_with_reloader raise.
    """
    if not callable(app):
        raise TypeError(f'app must be callable, not {app!r}')
    options = _Options(interval, extra_files, exclude_patterns, quiet)
    if reloader:
        _require_main_thread()
    listener = bind(host, int(port))  # as Bottle takes it, which may come from the environment
    if reloader:
        _reload(lambda: _serve(app, listener, quiet), options)
    else:
        with contextlib.suppress(KeyboardInterrupt):
            _serve(app, listener, quiet)


def bind(host: str, port: int) -> socket.socket:
    """Return a listening TCP socket that outlives reloads; without a reloader a plain one.

    Call it where parent and child both pass: at import, or before run_with_reloader. The parent
    opens the socket and every child inherits it, so clients wait in its backlog while the program
    restarts, and while a crash waits for its fix. Asked for elsewhere, or for another address
    after an edit, it is a plain socket of the child; one that is no longer asked for is closed.
    The same address gives the same socket, port 0 keeps the port it got; but Windows hands no
    socket on. Raises OSError if the address cannot be had, ValueError if there is no such port.
    """
    import socket
    if not 0 <= port <= 65535:
        raise ValueError(f'port must be 0 to 65535, not {port}')
    key = host, port
    sockets: Dict[Tuple[str, int], socket.socket] = _state['sockets']
    if key not in sockets:
        offered = _header().get('sockets', {}) if _state['child'] else {}
        sockets[key] = socket.socket(fileno=offered[key]) if key in offered else _listen(*key)
        sockets[key].set_inheritable(False)
    return sockets[key]


def _listen(host: str, port: int) -> socket.socket:
    """Open a listening socket; wait for the parent to close one that was just dropped."""
    import socket
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    until = time.monotonic() + 2 * HEARTBEAT if (host, port) in _state['dropped'] else 0.0
    while True:
        try:
            return socket.create_server((host, port), family=family, backlog=128)
        except OSError:  # which names the address
            if time.monotonic() > until:
                raise
        time.sleep(TICK)


def watch(*patterns: Union[str, os.PathLike[str]]) -> None:
    """Watch more files: names, directories or glob patterns. Without a reloader, do nothing."""
    found = _patterns(patterns)
    _state['patterns'].update(found)
    if checker := _checker():
        checker.files.add_patterns(found)


def trigger_reload() -> None:
    """Restart the program, from its own code. Raises RuntimeError where no reloader runs."""
    checker = _checker()
    if checker is None:
        raise RuntimeError('trigger_reload() needs a program that runs under the reloader')
    checker.trigger()


def is_running_from_reloader() -> bool:
    """Tell whether this is the child: True from its first line on, and in what it forks."""
    return bool(_state['child'])


def _reload(main_func: Callable[[], Any], options: _Options) -> bool:
    """Become the parent, or call main_func as the child or inside a reloader that runs.

    Return whether it ended by itself.
    """
    _require_main_thread()
    checker, ended = _checker(), False
    block: Any = contextlib.nullcontext()
    if checker:
        checker.files.excluded += options.exclude_patterns
        checker.files.add_patterns(options.extra_files)
    elif is_running_from_reloader():
        checker = block = FileCheckerThread(_state['lockfile'], options.interval,
                                            options.extra_files, options.exclude_patterns)
        checker.files.verbose = options.verbose
    else:
        file = _file_of(sys.modules['__main__'])
        _Parent(_own_command(), options.files(), options, file and _source_of(file)).run()
    with contextlib.suppress(KeyboardInterrupt), block:  # Ctrl-C as the block is left
        main_func()
        ended = True
    _leave(checker)
    return ended


class _Options:
    """The arguments of a call, checked; the command line's program: is it -m, name, arguments."""

    def __init__(self, interval: float, extra_files: Patterns, exclude_patterns: Patterns,
                 quiet: bool = False, verbose: bool = False,
                 program: Optional[Tuple[bool, str, list[str]]] = None) -> None:
        if isinstance(interval, bool) or not isinstance(interval, (int, float)):
            raise TypeError(f'interval must be a number of seconds, not {interval!r}')
        if not 0 < interval < float('inf'):
            raise ValueError(f'interval must be more than 0 seconds, not {interval!r}')
        self.interval = interval
        self.extra_files = _patterns(extra_files)
        self.exclude_patterns = _patterns(exclude_patterns, free='*')
        self.quiet, self.verbose, self.program = quiet, verbose, program

    def files(self) -> _Files:
        files = _Files(self.interval, self.exclude_patterns, self.verbose)
        files.patterns.update(self.extra_files, _state['patterns'])
        return files


def _patterns(patterns: Patterns, free: str = '\0') -> list[str]:
    """Return file names and patterns as absolute strings, but for those that begin with free."""
    if isinstance(patterns, (str, os.PathLike)):
        patterns = [patterns]
    return [name if name.startswith(free) else
            os.path.normpath(os.path.join(_state['start'], name))
            for name in [os.fspath(pattern) for pattern in patterns or ()]]


# ----------------------------------------------------------------------------------- the parent

class _Parent:
    """The process that was started by hand: it keeps the lockfile, and always one child."""

    def __init__(self, command: list[str], files: _Files, options: _Options,
                 script: Optional[str]) -> None:
        self.command, self.files, self.options = command, files, options
        self.script = script and os.path.join(_state['start'], script)
        self.lockfile = ''
        self.child: Optional[subprocess.Popen[bytes]] = None
        self.caught = 0  # the first signal that asks for the end; the handlers only take notes
        self.deadline = float('inf')  # when a child that was asked to end is killed
        self.since: Optional[float] = None  # when the change was noticed that is being acted on
        self.threes = 0  # how often in a row status 3 came unasked for, at once after the start
        self.series: list[list[str]] = []  # what dirtied each of the last three starts
        self.suspect = ''  # the file that alone dirtied all three
        self.born = 0.0  # monotonic: when the last child was started
        self.started = 0.0  # the same, by the clock that stamps files
        self.notes: Dict[str, list[Any]] = {}  # the last child's, the last of each kind

    def run(self) -> NoReturn:
        """Start the program again and again, until its end; leave with its status."""
        with self._signals(), _lockfile() as self.lockfile:
            self.files.lockfile = self.lockfile
            threading.Thread(target=self._beat, name='reloader heartbeat', daemon=True).start()
            try:
                status = self._loop()
            except OSError as error:
                status = _say(f'cannot start the program: {error}')
        threading.Thread(target=self._end_in_time, args=[status], daemon=True).start()
        sys.exit(status)

    def _loop(self) -> int:
        terminal, what = _terminal(), 'restart'
        while self._settle(what == 'wait'):
            status = self._run_child()
            _terminal(terminal)
            self._take_notes()
            if self._is_over():
                break
            what = self._what_follows(status)
            if what == 'wait':
                self._watch_for_fix(0.0 if status == RELOAD else self.started)
            if what != 'restart' and self._dirtied([*self.files.look_at_all()]):
                what = 'restart'
                self._say_changed(sorted(self.files.changed))
            if what == 'wait':
                _say(f'{_name_status(status)}, waiting for a change')
            elif what == 'end':
                return status
        if not self.caught:
            return _say('the lockfile was deleted, stopped')
        _say(f'stopped by {_name_signal(self.caught)}')
        return 128 + self.caught

    def _what_follows(self, status: int) -> str:
        """Decide what an exit of the child means: 'restart', 'wait' (for a change) or 'end'."""
        asked = 'reload' in self.notes
        is_failure = status == RELOAD and not asked and time.monotonic() - self.born < QUICK
        self.threes = self.threes + 1 if is_failure else 0
        if asked or status == RELOAD and self.threes < 3:
            return 'restart'
        return 'wait' if status in (1, RELOAD) or not 0 <= status < _KILLED else 'end'

    def _say_changed(self, names: list[str]) -> None:
        self.since = time.monotonic()
        _say(f'{_list_names(names)} changed, restarting', self.options.quiet)

    def _is_over(self) -> bool:
        return bool(self.caught) or not os.path.exists(self.lockfile)

    def _settle(self, crashed: bool) -> bool:
        """Wait until all files are there and compile and, after a crash, one has changed."""
        hindrance = ''
        self.files.look_at_all()
        while not self._is_over():
            if ripe := self.files.look():
                if crashed:
                    self._say_changed(ripe)
                self.files.accept(ripe)
                crashed = False
                self.files.forget_guesses()
            if not self.files.changed:
                former, hindrance = hindrance, _hindrance(self.script or '')
                if not hindrance and not crashed:
                    return True
                if hindrance and hindrance != former:
                    _say(f'{hindrance}, waiting for it')
            time.sleep(self.files.tick())
        return False

    def _run_child(self) -> int:
        import subprocess
        if __file__.endswith('.pyc') and not os.path.exists(__file__):
            _own_bytecode()  # this file has changed, and with it went the bytecode that runs
        self._write_header()
        self.born = time.monotonic()
        for listener in list(_state['sockets'].values()):
            if os.name == 'nt':
                listener.close()
            else:  # as new, whatever the last child has done to it
                listener.set_inheritable(True)
                listener.setblocking(True)
                listener.listen(128)
        # close_fds=False: what our own parent handed on is the program's; Python's own are not
        # inheritable. The child stays in our group, for Ctrl-C and the debugger's terminal.
        self.child = subprocess.Popen(self.command, cwd=_state['start'], close_fds=False, env={
            **os.environ, CHILD: str(os.getpid()), LOCKFILE: self.lockfile, SUSPECT: self.suspect})
        if self.caught not in (0, signal.SIGINT):  # which the lockfile has told it
            self._kill(self.caught)  # it may have come while there was no child to tell
        while self.child.returncode is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                # Windows runs signal handlers only between two waits.
                self.child.wait(None if os.name == 'posix' else 0.2)
        status, self.child = self.child.returncode, None
        return status if status != _CTRL_C else 128 + signal.SIGINT

    def _write_header(self) -> None:
        """Tell the next child what it starts from. In place: the lockfile stays the same file."""
        files, sockets = self.files, list(_state['sockets'].items())
        with contextlib.suppress(FileNotFoundError), open(self.lockfile, 'r+b') as file:
            self.started = self._touch().st_mtime  # if it was deleted the child notices
            file.truncate()
            marshal.dump({
                'parent': os.getpid() if os.name == 'posix' else 0, 'started': self.started,
                'since': self.since, 'files': files.known, 'patterns': files.patterns,
                'young': {path: content for path, (content, _) in files.young.items()},
                'options': vars(self.options),
                'sockets': {key: listener.fileno() for key, listener in sockets
                            if os.name == 'posix'}}, file)
        self.since = None

    def _take_notes(self) -> None:
        """Read what the child wrote into the lockfile."""
        self.notes = {}
        for kind, *values in _read_lockfile(self.lockfile)[1:]:
            self.notes[kind] = values
            if kind == 'file':
                path, seen, is_source, content = values
                self.files.known[path] = seen
                self.files.keep_content(path, content)
                self.files.watch(path, is_source)
            elif kind == 'pattern':
                self.files.patterns.add(values[0])
        if 'reload' in self.notes:
            self.since, accepted = self.notes['reload']
            self._dirtied(list(accepted))
            self.files.take(accepted)

    def _watch_for_fix(self, born: float) -> None:
        """After a crash watch the traceback's files and, where that may not do, own folders.

        What was saved since born counts as the fix already.
        """
        paths, is_import = self.notes.get('crash', ([], True))
        if is_import:
            import glob
            folders = {os.path.dirname(path) for path in self.files.watched}
            folders.update(os.path.join(_state['start'], path) for path in sys.path)
            paths = paths + [os.path.join(glob.escape(folder), *names) for folder in folders
                             if _is_own(folder) for names in (['*.py'], ['*', '*.py'])]
        self.files.guess([path for path in paths if path not in self.files.patterns], born)

    def _dirtied(self, names: list[str]) -> bool:
        """Note what changed while a child ran; False if it was the child's own doing, again."""
        is_early = time.monotonic() - self.born < SUSPICION
        self.series = [*self.series[-2:], names if is_early else []]
        if len(names) == 1 and self.series == [names] * 3:
            self.suspect = names[0]
        if 'wrote' in self.notes and names == [self.suspect]:
            self.files.accept(names)
            return False
        return bool(names)

    def _end_in_time(self, status: int) -> None:
        """End, when a thread that was begun before the call, and so runs here too, does not."""
        if self.caught:
            time.sleep(max(LATE, self.deadline - time.monotonic()))  # over: the child was killed
        else:
            threading.main_thread().join()
            time.sleep(GRACE)
        _insist(status)

    def _beat(self) -> None:
        """Touch the lockfile, and keep the deadline; a thread, as main waits for the child."""
        size = 0
        while True:
            time.sleep(HEARTBEAT)
            try:
                former, size = size, self._touch().st_size
                if size != former:
                    self._close_unclaimed()
            except OSError:  # deleted: the child ends by itself, or after the grace time
                self.deadline = min(self.deadline, time.monotonic() + GRACE + 1)
            if time.monotonic() > self.deadline:
                self._kill()
            if os.getpid() == 1 and hasattr(os, 'waitid'):  # which PyPy lacks
                self._bury_orphans()

    def _touch(self) -> os.stat_result:
        os.utime(self.lockfile)
        return os.stat(self.lockfile)

    def _bury_orphans(self) -> None:
        """Wait for what the program left behind: as a container's first process we inherit it."""
        with contextlib.suppress(ChildProcessError):  # there is nobody
            while dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                if self.child and dead.si_pid == self.child.pid:
                    break
                os.waitpid(dead.si_pid, os.WNOHANG)

    def _close_unclaimed(self) -> None:
        for kind, *values in _read_lockfile(self.lockfile)[1:]:
            if kind == 'unclaimed' and values[0] in _state['sockets']:
                _state['sockets'].pop(values[0]).close()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Catch what asks for the end; a signal that was ignored at the start stays ignored."""
        names = ('SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGBREAK')
        former = {number: signal.getsignal(number) for number in signal.Signals
                  if number.name in names}
        for number, handler in former.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, self._catch)
        try:
            yield
        finally:
            for number, handler in former.items():  # one more must not kill us at the very end
                signal.signal(number, signal.SIG_IGN if self.caught else handler or signal.SIG_DFL)

    def _catch(self, signum: int, frame: Optional[FrameType]) -> None:
        """Handle a signal: no more than notes and system calls, as it comes at any moment."""
        is_first, self.caught = not self.caught, self.caught or signum
        if is_first:  # Ctrl-C reaches the child too, which then keeps the grace time itself
            self.deadline = time.monotonic() + GRACE + (signum == signal.SIGINT)
        if signum != signal.SIGINT:
            if os.name == 'posix':  # on Windows the console has told the child
                self._kill(signum)
        elif is_first:  # the child got the Ctrl-C too, as a rule; if not, the lockfile tells it
            with contextlib.suppress(OSError):
                os.unlink(self.lockfile)
        else:
            self._kill()

    def _kill(self, signum: int = getattr(signal, 'SIGKILL', signal.SIGTERM)) -> None:
        if self.child:
            with contextlib.suppress(OSError):  # it ended meanwhile
                self.child.send_signal(signum)


@contextlib.contextmanager
def _lockfile() -> Iterator[str]:
    """Make the temporary file that stands for the parent's life."""
    import tempfile
    try:  # mkstemp would pass over a TMPDIR that does not work
        handle, path = tempfile.mkstemp(prefix='reloader.', suffix='.lock',
                                        dir=os.environ.get('TMPDIR') or None)
    except OSError as error:
        sys.exit(_say(f'cannot make a lockfile in the temporary directory: {error}'))
    os.close(handle)
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):  # deleted by hand, or at Ctrl-C
            os.unlink(path)


_KILLED = 0xC0000000  # from here on Windows' statuses mean what signals do elsewhere
_CTRL_C = 0xC000013A  # and this one Ctrl-C


def _name_status(status: int) -> str:
    if status < 0:
        return f'killed by {_name_signal(-status)}'
    return f'killed by {status:#x}' if status >= _KILLED else f'exit status {status}'


def _name_signal(number: int) -> str:
    with contextlib.suppress(ValueError):  # a real-time signal has no name
        return signal.Signals(number).name
    return f'signal {number}'


def _own_command() -> list[str]:
    """Return the command line that starts this program again; RuntimeError if there is none."""
    import subprocess
    main = sys.modules['__main__']
    if hasattr(sys, 'ps1') or sys.flags.interactive and not hasattr(main, '__file__'):
        raise RuntimeError('an interactive session cannot be started again by the reloader')
    options: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    # private, but what multiprocessing uses; it repeats the environment's -W, and lacks -u and -X
    if not sys.flags.ignore_environment:  # PyPy would count them twice
        for warning in os.environ.get('PYTHONWARNINGS', '').split(','):
            if '-W' + warning in options:
                options.remove('-W' + warning)
    options += [f'-X{key}' if value is True else f'-X{key}={value}'
                for key, value in sys._xoptions.items()]
    if getattr(sys.stdout, 'write_through', False):
        options.append('-u')
    spec = getattr(getattr(main, '__spec__', None), 'name', '')
    return _child_command(getattr(sys, 'orig_argv', []), _state['argv'], sys.executable, options,
                          spec, _file_of(main) or '', _state['start'],
                          getattr(sys, 'frozen', False))


def _child_command(orig_argv: list[str], argv: list[str], executable: str, options: list[str],
                   spec: str, file: str, start: str, is_frozen: bool) -> list[str]:
    """Build the child's command line, from nothing but the arguments (any platform's).

    orig_argv (Python 3.10) is repeated where it names the program that runs. Where it is empty, or
    names a debugger around it, the rest is put together: argv, and spec and file of ``__main__``.
    """
    if is_frozen:
        return [executable, *argv[1:]]
    is_module = spec not in ('', '__main__')
    place = ntpath.dirname(file) if spec == '__main__' else file  # in a directory, an archive
    form, name = _split_command(orig_argv)
    if (form == '-c' and not file or form == '-m' and spec in (name, name + '.__main__')
            or form == 'file' and _whole(name, start) == _whole(place, start)):
        return [executable, *orig_argv[1:]]
    if not file:
        sys.exit('reloader: a program from -c or standard input cannot be started again; '
                 'put it into a file')
    if is_module:
        return [executable, *options, '-m', spec, *argv[1:]]
    is_same = _whole(argv[0], start) == _whole(place, start)  # but a launcher may drop its suffix
    return [executable, *options, argv[0] if is_same else place, *argv[1:]]


def _whole(path: str, start: str) -> str:
    """Return a path of either system's in a form to be compared, not opened."""
    if start.startswith('/'):
        return posixpath.normpath(posixpath.join(start, path))
    return ntpath.normcase(ntpath.normpath(ntpath.join(start, path)))


def _split_command(command: list[str]) -> Tuple[str, str]:
    """Tell what a Python command line runs: ('-c', code), ('-m', module) or ('file', path)."""
    words = iter(command[1:])
    for word in words:
        if not word.startswith('-') or word == '-':
            return 'file', word
        if word.startswith('--'):
            next(words, None)  # --check-hash-based-pycs takes a value
            continue
        letter = next((letter for letter in word if letter in 'cmWX'), '')
        value = letter and (word.partition(letter)[2] or next(words, ''))
        if letter in ('c', 'm'):
            return '-' + letter, value
    return '', ''


# ------------------------------------------------------------------------------------ the child

class FileCheckerThread(threading.Thread):
    """Interrupt main when a source file has changed or the parent is gone: Bottle's, as a context.

    ``with FileCheckerThread(lockfile, interval) as checker: main()``, in the main thread.
    Afterwards checker.status tells why main has ended: 'reload' (the caller exits with status 3),
    'error' (the lockfile is gone or was not touched for the larger of 5 seconds and three
    intervals) or 'exit' (main ended by itself). With 'reload' and 'error' whatever ended the block
    is suppressed, with 'exit' KeyboardInterrupt alone.

    Main is interrupted by KeyboardInterrupt, in whatever call it waits; on Windows only when that
    call comes back. If main goes on as if nothing had happened it is interrupted again; if it has
    not left the block after 5 seconds, the process exits. interval is in seconds, extra_files and
    exclude_patterns are run_with_reloader's. Raises TypeError and ValueError for bad arguments,
    RuntimeError off the main thread.
    """

    def __init__(self, lockfile: str, interval: float, extra_files: Patterns = None,
                 exclude_patterns: Patterns = None) -> None:
        super().__init__(name='reloader', daemon=True)
        options = _Options(interval, extra_files, exclude_patterns)
        self.lockfile, self.interval = lockfile, interval
        self.status: Optional[str] = None
        self.files = options.files()
        self.files.lockfile = lockfile
        self.deadline = float('inf')  # monotonic: when the process ends, with or without main
        self._notes: list[bytes] = []  # what the parent is to know, written in one go
        self._noting = threading.RLock()  # main's imports and the checker both write notes
        self._deciding = threading.Lock()  # whoever sets the status first wins
        self._pause = threading.Semaphore(0)  # released to end a pause between two looks
        self._left = threading.Event()  # main has left the block
        self._age, self._checked = 0.0, 0.0  # of the lockfile
        self._touch: Optional[int] = 0  # its mtime; None: it is gone
        self._places: list[Tuple[int, ...]] = []  # main's, before it may have heard Ctrl-C
        self._triggered = self._struck = False
        self._tried = 0.0  # monotonic: when main was last interrupted
        self._is_in_vain = False  # the parent had given up before main began
        self._alive: Callable[[], Optional[_Interrupt]] = lambda: None

    def __enter__(self) -> FileCheckerThread:
        """Take the first look and start to check, before main does anything."""
        import importlib.util  # noqa: F401  # which the finder must not import while it finds
        _require_main_thread()
        self._pid, self._parent, self._main = os.getpid(), _parent_pid(), threading.get_ident()
        self._adopt(_header(self.lockfile))
        self.files.find()
        if _WAKE and signal.getsignal(_WAKE) in (signal.SIG_DFL, signal.SIG_IGN):
            signal.signal(_WAKE, self._interrupt)
        with contextlib.suppress(ValueError):  # somebody has removed it
            sys.meta_path.insert(sys.meta_path.index(PathFinder), self.files)
        self._is_in_vain = not os.path.exists(self.lockfile)
        _state.update(child=True, checker=self)
        former = threading.stack_size(STACK if os.name == 'posix' else 0)
        self.start()
        threading.stack_size(former)
        self.note('entered')
        return self

    def __exit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> bool:
        with contextlib.suppress(KeyboardInterrupt):  # the interrupt may come too late, and here
            self._decide('exit')
        self._left.set()
        self._pause.release()
        with contextlib.suppress(KeyboardInterrupt):
            self.join()
        for number, ours, former in ((_WAKE, self._interrupt, signal.SIG_DFL),
                                     (signal.SIGINT, _pass_over, signal.default_int_handler)):
            if number and signal.getsignal(number) == ours:
                signal.signal(number, former)
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(self.files)
        interrupted = bool(kind and issubclass(kind, KeyboardInterrupt))
        if interrupted:  # the lockfile may still be there, if the parent is slower to hear of it
            self.deadline = min(self.deadline, time.monotonic() + GRACE)
        return self.status != 'exit' or interrupted

    def run(self) -> None:
        """Look, until there is a reason to end; then see to it that main ends."""
        while not self._left.is_set():
            is_due = time.monotonic() - self._checked > CHECK or len(self._places) < 2
            if is_due and self._is_parent_lost():
                return self._lose_parent()
            changed = self.files.look()
            is_asked = self._triggered and not self.files.changed  # no save is half done or broken
            if changed and not self._forgive(changed) or is_asked:
                if not _at_prompt(self._main) and self._decide('reload'):
                    return self._reload(changed)
            self._pause.acquire(timeout=self.files.tick())

    def _is_parent_lost(self) -> bool:
        """Look at the lockfile; see where main is, while it is undisturbed."""
        former, self._touch, now = self._touch, None, time.monotonic()
        with contextlib.suppress(OSError):
            self._touch = os.stat(self.lockfile).st_mtime_ns
        # Only time in which this thread ran counts: a sleep gives the parent a new chance.
        passed = min(now - self._checked, CHECK + SLOW_TICK + 0.1)
        self._age = self._age + passed if self._touch == former else 0.0
        if self._touch and self._checked:  # not at the first look, when main has not begun
            # The last four: main may hear Ctrl-C some time before the parent deletes the lockfile.
            self._places = [*self._places[-3:], _place_of(self._main)]
        self._checked = now
        is_stale = self._age > max(STALE, 3 * self.interval)
        return self._touch is None or is_stale or self._is_orphan()

    def trigger(self) -> None:
        """Reload at the next look, which comes at once."""
        self._triggered = True
        self._pause.release()

    def note(self, *record: Any) -> None:
        """Tell the parent; not under a foreign one, and not from a fork."""
        if self._header and os.getpid() == self._pid:
            with self._noting:
                self._notes.append(marshal.dumps(record))
                if self.ident:  # else the first look is under way
                    with contextlib.suppress(OSError), open(self.lockfile, 'r+b') as file:
                        file.seek(0, os.SEEK_END)
                        file.write(b''.join(self._notes))
                    self._notes.clear()

    def _adopt(self, header: Dict[str, Any]) -> None:
        """Start from what the parent knows: how the files looked before this process read them."""
        self._header, files = header, self.files
        self._quiet = header.get('options', {}).get('quiet', False)
        files.report, files.started = self.note, header.get('started', _state['imported'])
        files.known.update(header.get('files', {}))
        files.expanded.update(header.get('patterns', ()))
        for path, content in header.get('young', {}).items():
            files.keep_content(path, content)
        if not header.get('options', {}).get('program'):  # which asks for its socket by number
            _drop_unclaimed_sockets(self)
        if header.get('since'):
            files.moved = time.monotonic()
            passed = files.moved - header['since']  # every process's clock has the same zero
            _say(f'running again after {passed:.2f} s', self._quiet)

    def _is_orphan(self) -> bool:
        return bool(_parent_pid() != self._header.get('parent', self._parent))

    def _decide(self, status: str) -> bool:
        with self._deciding:
            self.status = self.status or status
        return self.status == status

    def _reload(self, changed: list[str]) -> None:
        since, looks = time.monotonic(), self.files.accept(changed)
        names = _list_names(changed) + ' changed' if changed else 'trigger_reload() called'
        self.note('reload', since, looks)
        _say(f'{names}, restarting', self._quiet)
        self._see_off()

    def _lose_parent(self) -> None:
        """End. Without its lockfile the parent gives up, for a Ctrl-C that main may have heard."""
        if self._is_in_vain or self._touch is not None or self._is_orphan():
            self._decide('error')
            if self._header:
                _say('the parent is gone, stopped')
                with contextlib.suppress(OSError):  # it cannot do this any more
                    os.unlink(self.lockfile)
        self._see_off()

    def _see_off(self) -> None:
        """Raise KeyboardInterrupt in main, or leave it to its SIGINT handler; in the end exit."""
        self._tried, is_foreign = time.monotonic(), _handles_sigint()
        self.deadline = self._tried + GRACE
        while not self._left.is_set():
            if time.monotonic() > self.deadline:
                _insist(RELOAD if self.status == 'reload' else 1)
            is_due = self.status in ('reload', 'error') and not self._struck
            if is_due or self._must_strike_again(is_foreign):
                self._decide('error')
                self._strike()
            self._left.wait(TICK)

    def _must_strike_again(self, is_foreign: bool) -> bool:
        """Tell whether main has not heard of its end, or has swallowed the interrupt."""
        if self._alive() or not _WAKE and _handles_interrupt(self._main):
            return False
        place = _place_of(self._main)
        if place and self._places and place <= self._places[0] and not is_foreign:
            return time.monotonic() - self._tried > PATIENCE
        # Who knows? It may be cleaning up.
        return not self._struck and self.deadline - time.monotonic() < LATE

    def _strike(self) -> None:
        self._struck, self._tried = True, time.monotonic()
        is_ours = _WAKE and not _handles_sigint() and signal.getsignal(_WAKE) == self._interrupt
        _wake(self._main, _WAKE if is_ours else signal.SIGINT)

    def _interrupt(self, signum: int, frame: Optional[FrameType]) -> None:
        """Handle the checker's own signal, in main: raise, if main is in the block and works."""
        place = _place(frame)
        if _follows_interrupt(sys.exc_info()[1]):
            return  # a cleanup is under way, after this interrupt or after Ctrl-C
        if any(frame.f_code in (FileCheckerThread.__enter__.__code__,
                                FileCheckerThread.__exit__.__code__,
                                FileCheckerThread.run.__code__)  # a greenlet of main's thread
               for frame in _stack(frame)):
            self._struck = False
            return
        self._places = [place]
        _leave_ctrl_c()
        error, gevent = _Interrupt(), sys.modules.get('gevent.hub')
        self._alive = weakref.ref(error)
        try:
            if gevent and isinstance(gevent.getcurrent(), gevent.Hub):  # it would print that
                gevent.getcurrent().parent.throw(error)
            else:
                raise error
        finally:
            del error  # this frame, which it refers to, would keep it alive

    def _forgive(self, changed: list[str]) -> bool:
        """Accept that the program rewrites its own file at every start, after three restarts."""
        if not _state['wrote'] or changed != [os.environ.get(SUSPECT)]:
            return False
        _state['wrote'] = False
        self.files.accept(changed)
        _say(f'{_short(changed[0])} is rewritten at every start, running with it as it is')
        return True


class _Interrupt(KeyboardInterrupt):
    """Lives while it goes up, is handled or waits in a coroutine: it can be weakly referenced."""


def _leave(checker: FileCheckerThread) -> None:
    """End the child as the interpreter would, but here, unless main has ended by itself."""
    if checker.status not in ('reload', 'error'):
        if checker.deadline < float('inf') or not os.path.exists(checker.lockfile):  # Ctrl-C
            # By then a parent that has heard it, too, has deleted the lockfile.
            _later(GRACE - TICK, lambda status: os.path.exists(checker.lockfile)
                   or _insist(status), 130)
        return
    _leave_ctrl_c()
    status = RELOAD if checker.status == 'reload' else 1
    _later(checker.deadline - time.monotonic(), _insist, status)
    try:
        _end_workers()
        threading._shutdown()  # type: ignore[attr-defined]  # joins threads, pools too
        atexit._run_exitfuncs()
    finally:  # whatever they raised has been printed
        _flush(close=True)
        os._exit(status)


def _leave_ctrl_c() -> None:
    """Let no Ctrl-C cut off a cleanup that we asked for: the parent hears of it, too."""
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, _pass_over)  # not SIG_IGN, which the program's own inherit


def _pass_over(signum: int, frame: Optional[FrameType]) -> None:
    """Handle SIGINT by doing nothing."""


def _later(seconds: float, end: Callable[[int], object], status: int) -> None:
    """End this process by a call, if it has not ended by then."""
    guard = threading.Timer(seconds, end, [status])
    guard.daemon = True
    with contextlib.suppress(RuntimeError):  # Python 3.12 starts no thread as it ends
        guard.start()


def _end_workers() -> None:
    """End the program's multiprocessing workers, which Ctrl-C would have reached too."""
    multiprocessing = sys.modules.get('multiprocessing')
    for worker in multiprocessing.active_children() if multiprocessing else ():
        worker.terminate()


def _insist(status: int) -> NoReturn:
    """End the process when the grace time is over; say what was in the way."""
    threads = [thread.name for thread in threading.enumerate()
               if not thread.daemon and thread is not threading.main_thread()]
    _later(0.5, os._exit, status)  # main may hold a stream's lock
    _end_workers()
    _say(f"still busy, ended: {', '.join(threads or ['MainThread'])}")
    with contextlib.suppress(Exception):  # None, or closed
        sys.stdout.flush()  # before the search for all others, which is slow on PyPy
    _flush()
    os._exit(status)


def _flush(close: bool = False) -> None:
    """Flush every open file, as the interpreter's end would; close those that have an end."""
    import gc
    import io
    kinds = [io.IOBase.__base__ or io.IOBase]  # the built-in one: no abstract class is as fast
    for name, kind in (('tempfile', '_TemporaryFileWrapper'), ('zipfile', 'ZipFile')):
        if name in sys.modules:
            kinds.append(getattr(sys.modules[name], kind))
    files: list[Any] = [item for item in gc.get_objects() if issubclass(type(item), tuple(kinds))]

    def order(file: Any) -> list[bool]:  # what writes into another comes before that
        layers = (io.RawIOBase, io.BufferedIOBase, io.TextIOBase)
        return [*(isinstance(file, layer) for layer in layers), type(file).__module__ == '_io']

    files.sort(key=order)
    # Flushed before, too: two may write into one that a close() would end.
    for end in ('flush', 'close', 'flush') if close else ('flush',):
        for file in files:
            with contextlib.suppress(Exception):  # closed, its reader is gone, or it cannot
                is_plain = type(file).__module__ == '_io'  # and has no end to be written
                is_read = hasattr(file, 'writable') and not file.writable()
                if end == 'flush' or not is_plain and not is_read:
                    getattr(file, end)()


def _report_errors() -> None:
    """Show a traceback without frames of this file, and none of Ctrl-C; tell the parent of it."""
    former = sys.excepthook

    def excepthook(kind: type[BaseException], error: BaseException,
                   trace: Optional[TracebackType]) -> None:
        if checker := _state['checker']:
            checker.note('crash', sorted(_files_of(error)), isinstance(error, ImportError))
        if not issubclass(kind, KeyboardInterrupt):
            error.__traceback__ = _without_own_frames(trace)
            former(kind, error, error.__traceback__)

    sys.excepthook = excepthook


def _files_of(error: Optional[BaseException]) -> set[str]:
    """Return the files that a traceback, a SyntaxError or an OSError names."""
    from traceback import walk_tb
    names: list[Any] = []
    while error:
        names += [frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__)]
        names.append(getattr(error, 'filename', None))
        error = error.__cause__ or error.__context__
    paths = {os.path.join(_state['start'], name) for name in names if isinstance(name, str)}
    return {path for path in paths if '<' not in path and _is_own(path)}


def _without_own_frames(trace: Optional[TracebackType]) -> Optional[TracebackType]:
    kept = []
    while trace:
        if os.path.abspath(trace.tb_frame.f_code.co_filename) != _HERE:
            kept.append(trace)
        trace = trace.tb_next
    for node, following in zip(kept, [*kept[1:], None]):
        node.tb_next = following
    return kept[0] if kept else None


def _drop_unclaimed_sockets(checker: FileCheckerThread) -> None:
    """Close the sockets that the program no longer asks for, here and in the parent."""
    offered: Dict[Tuple[str, int], int] = _header().get('sockets', {})
    for key in offered.keys() - _state['sockets']:
        os.close(offered.pop(key))
        _state['dropped'].add(key)
        checker.note('unclaimed', key)


# ------------------------------------------------------------------------------------ the files

class _Files:
    """A program's files: how each looked before the program read it, and which look different now.

    Both processes have one: the child to notice a change, the parent to notice the fix of a crash.
    The files saved last are looked at in every tick, all others once an interval.
    """

    def __init__(self, interval: float, excluded: list[str], verbose: bool) -> None:
        self.interval, self.verbose = interval, verbose
        self.patterns: set[str] = set()
        self.expanded: set[str] = set()  # patterns whose files are known: a new match is a change
        self.excluded = list(excluded)
        self.lockfile = ''  # moves, and may lie in a directory of the extra files, as TMPDIR may
        self.known: Dict[str, Signature] = {}
        self.young: Dict[str, Tuple[bytes, float]] = {}  # content, and when it need not be read
        self.watched: Dict[str, bool] = {}  # whether it has to compile, as source has
        self.changed: Dict[str, Tuple[Look, float]] = {}  # how it looks now, since when
        self.verdicts: Dict[str, Tuple[Any, bool]] = {}  # for a content, whether it compiles
        self.started = 0.0  # modules that are new to us were read after this
        self.report: Callable[..., None] = lambda *record: None
        self.born = self.first_change = time.monotonic()
        self.moved = float('-inf')  # when a change was last seen to come or go
        self._certain: Dict[str, Any] = {}  # our attributes as they were before the guesses
        self._names: set[str] = set()  # of the modules that were looked up
        self._newest = 0, ''  # how many there were, and the last
        self._hot: list[str] = []
        self._sorted = -1  # how many files there were when _hot was chosen
        self._next_round = 0.0  # monotonic

    def watch(self, path: str, is_source: bool = False, born: float = 0.0) -> None:
        """Watch a file from now on; born: when the process started that may have read it."""
        if self.watched.get(path, -1) >= is_source or self._is_excluded(path):
            return
        is_new = path not in self.known
        if is_new:
            self._learn(path, born)
        if is_new or path in self.watched:
            self._tell(path, is_source)
        if is_new and self.verbose and _is_own(path):
            _say(f'watching {_short(path)}')
        self.watched[path] = is_source

    def _tell(self, path: str, is_source: bool) -> None:
        content = self.young.get(path, (None, 0))[0]
        self.report('file', path, self.known[path], is_source, content)

    def _learn(self, path: str, born: float) -> None:
        self.known[path] = None
        with contextlib.suppress(OSError):  # it vanishes, or somebody is writing
            seen = _sign(path)
            # A file that was saved since then may have been read before it or after: not known.
            if seen and not (born and _is_younger(seen, path, born)):
                if seen[0] > time.time_ns() - YOUNG * 1e9:
                    self.keep_content(path, _digest(path, seen))
                self.known[path] = seen

    def watch_module(self, file: str, is_script: bool = False, born: float = 0.0) -> None:
        """Watch a module's file; without born Python has yet to read it, as it is now."""
        path = _source_of(file)
        is_source = path.endswith(('.py', '.pyw')) or is_script and not path.endswith('.pyc')
        if not born and path not in self.watched and path in self.known:
            with contextlib.suppress(OSError):  # Windows: somebody is writing
                if self._compare(path):
                    _drop_bytecode(path)
                    self._learn(path, born)
                    self._tell(path, is_source)
        self.watch(path, is_source, born)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        """Find a module for sys.meta_path, as PathFinder would; look before Python reads it."""
        spec = PathFinder.find_spec(name, path, target)
        if spec and spec.has_location and spec.origin and _checker():  # a fork has none
            self.watch_module(spec.origin)
        return spec

    def keep_content(self, path: str, content: Optional[bytes]) -> None:
        """Compare a file by content too until it has aged, as git does with racy entries."""
        self.young.pop(path, None)
        if content is not None:
            self.young[path] = content, time.monotonic() + YOUNG

    def find(self) -> None:
        """Look up the files behind new modules and behind the patterns."""
        with contextlib.suppress(RuntimeError):  # another thread imports at this moment: next time
            now, newest = time.time(), (len(sys.modules), next(reversed(sys.modules)))
            if newest != self._newest:  # else all would be compared in vain
                for name in sys.modules.copy().keys() - self._names:
                    self._watch_named(name)
            self._newest, self.started = newest, now  # what comes later was read later
        for pattern in list(self.patterns):
            self._find_matches(pattern)

    def _watch_named(self, name: str) -> None:
        self._names.add(name)
        module = sys.modules.get(name)
        if file := _file_of(module):
            # A script, whatever its name, has no spec; a module and an archive have one.
            is_script = name == '__main__' and not getattr(module, '__spec__', None)
            self.watch_module(file, is_script, self.started)

    def add_patterns(self, patterns: list[str], born: float = 0.0) -> None:
        self.patterns.update(patterns)
        for pattern in patterns:
            self._find_matches(pattern, born)

    def _find_matches(self, pattern: str, born: float = 0.0) -> None:
        for path in _expand(pattern):
            if pattern in self.expanded:
                self.known.setdefault(path, None)
            if path != self.lockfile:
                self.watch(path, born=born)
        if pattern not in self.expanded:
            self.expanded.add(pattern)
            self.report('pattern', pattern)

    def tick(self) -> float:
        """Return the time until the next look: less while somebody saves now and then."""
        is_lively = time.monotonic() - self.moved < LIVELY
        return min(TICK if is_lively else SLOW_TICK, self.interval)

    def look(self) -> list[str]:
        """Take one look, at all files once an interval; return the changes to act on, if any."""
        count, is_due = len(self.changed), time.monotonic() > self._next_round
        if not is_due:
            self._examine_each([*self.changed, *self._hot] if count else self._hot)
        if is_due or len(self.changed) > count:
            self.look_at_all()
        if not self.changed:
            self.first_change = time.monotonic()
        return [] if self._is_burst() else self._ripe()

    def look_at_all(self) -> Dict[str, Tuple[Look, float]]:
        self._next_round = time.monotonic() + ROUND * self.interval
        self.find()
        paths = [*self.watched]  # main adds to them at any moment
        self._examine_each(paths)
        if len(paths) != self._sorted:
            self._sorted = len(paths)
            self._hot = sorted(filter(_is_own, paths), reverse=True,
                               key=lambda path: self.known[path] or (0,))[:HOT]
        return self.changed

    def _examine_each(self, paths: list[str]) -> None:
        if self.young or self.changed or not self._are_known(paths):
            for path in paths:
                with contextlib.suppress(OSError):  # Windows: somebody is writing; not yet
                    self._examine(path)

    def _are_known(self, paths: list[str]) -> bool:
        """Tell whether none has changed, as is nearly always so: in C, for the time it takes."""
        with contextlib.suppress(OSError, ValueError):  # one is missing
            known = map(self.known.__getitem__, paths)
            return all(map(eq, map(_SIGNATURE, map(os.stat, paths)), known))
        return False

    def accept(self, paths: list[str]) -> Dict[str, Look]:
        """Take the files as they are for unchanged; return how they look."""
        looks = {path: self.changed.pop(path)[0] for path in paths if path in self.changed}
        self.take(looks)
        self.moved, self._next_round, self._sorted = time.monotonic(), 0.0, -1
        return looks

    def take(self, looks: Dict[str, Look]) -> None:
        for path, (seen, content) in looks.items():
            self.known[path] = seen
            self.keep_content(path, content)
            _drop_bytecode(path)

    def guess(self, patterns: list[str], born: float) -> None:
        """Watch what may be the fix of a crash, until forgotten; such files need not compile."""
        self._certain = {'patterns': set(self.patterns), 'watched': dict(self.watched),
                         'expanded': set(self.expanded)}
        self.add_patterns(patterns, born)

    def forget_guesses(self) -> None:
        if self._certain:
            guessed = self.watched.keys()
            vars(self).update(self._certain, _certain={})
            for path in guessed - self.watched.keys():
                del self.known[path]
                self.changed.pop(path, None)

    def _examine(self, path: str) -> None:
        look, now = self._compare(path), time.monotonic()
        if look is None:
            if self.changed.pop(path, None):
                self.moved = now
        elif path not in self.changed or self.changed[path][0] != look:
            self.changed[path], self.moved = (look, now), now

    def _compare(self, path: str) -> Optional[Look]:
        """Return how a file looks if that is not how it looked before, else None."""
        seen, known = _sign(path), self.known[path]
        if seen == known and path not in self.young:
            return None
        content, until = self.young.get(path, (None, 0.0))
        found = _digest(path, seen)
        if seen != known or found != content:
            return seen, found
        if time.monotonic() > until:
            del self.young[path]
        return None

    def _is_burst(self) -> bool:
        """Tell whether more saves are to be waited for: not after a single one."""
        now = time.monotonic()
        is_several = len(self.changed) > 1 or now - self.born < EARLY
        return is_several and now - self.moved < CALM and now - self.first_change < BURST

    def _ripe(self) -> list[str]:
        """Return the changed files if it is time: none is missing, all compile."""
        now = time.monotonic()
        ready = [self._is_ready(path, look, now - since)  # of each, as each mistake is reported
                 for path, (look, since) in self.changed.items()]
        return sorted(self.changed) if all(ready) else []

    def _is_ready(self, path: str, look: Look, age: float) -> bool:
        """Tell whether a file compiles or need not; if missing or emptied, whether it stays so."""
        seen, known = look[0], self.known[path]
        was_empty = known is not None and known[1] == 0
        if seen is None or self.watched[path] and seen[1] == 0 and not was_empty:
            return age > ABSENCE
        return not self.watched[path] or self._compiles(path, look)

    def _compiles(self, path: str, look: Look) -> bool:
        version = look[1] or look[0]  # the content's, if it is known
        if self.verdicts.get(path, ('', False))[0] != version:
            if mistake := _mistake_in(path):
                _say(f'{mistake}; not restarting')
            self.verdicts[path] = version, not mistake
        return self.verdicts[path][1]

    def _is_excluded(self, path: str) -> bool:
        if not self.excluded:
            return False
        from fnmatch import fnmatch
        return any(fnmatch(path, pattern) for pattern in self.excluded)


_SIGNATURE = attrgetter('st_mtime_ns', 'st_size', 'st_ino')


def _sign(path: str) -> Signature:
    """Return what tells a file from its next version, in one stat; None if there is none."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in a name
        return None
    return None if stat.S_ISDIR(status.st_mode) else _SIGNATURE(status)


def _is_younger(seen: Tuple[int, int, int], path: str, born: float) -> bool:
    """Tell whether a file was saved after a process started, as far as its clock can tell."""
    now, changed = time.time_ns(), os.stat(path).st_ctime_ns
    stamps = [stamp for stamp in (seen[0], changed) if stamp <= now]  # not the future's
    is_coarse = any(stamp % 10**9 == 0 for stamp in stamps)
    return any(stamp >= (int(born) - 1 if is_coarse else born) * 1e9 for stamp in stamps)


def _digest(path: str, seen: Signature) -> Optional[bytes]:
    """Hash a small file's content, with the hash that Python puts into its own caches."""
    if seen is None or seen[1] > SMALL:
        return None
    from importlib.util import source_hash  # late: on 3.9 it brings typing along
    with open(path, 'rb') as file:
        return source_hash(file.read())


def _mistake_in(path: str) -> str:
    """Return what keeps a source file from compiling, in one line; '' if nothing does."""
    # No warning counts. The filter is for our name alone and may stay: taking it away could take
    # away one that main sets at the same moment. From Python 3.13.5 on the caller's module counts.
    warnings.filterwarnings('ignore', module=_PROBE)
    try:
        with open(path, 'rb') as file:
            eval('compile(text, __name__, "exec", dont_inherit=True)',
                 {'__name__': _PROBE, 'text': file.read()})
    except Exception as error:  # SyntaxError, ValueError, MemoryError, OSError, ...
        line = f', line {error.lineno}' if isinstance(error, SyntaxError) and error.lineno else ''
        text = error.msg if isinstance(error, SyntaxError) else f'{type(error).__name__}: {error}'
        return f'{_short(path)}{line}: {text}'
    return ''


def _drop_bytecode(path: str) -> None:
    """Delete a changed file's bytecode cache, which tells two saves in one second not apart."""
    from importlib.util import cache_from_source
    with contextlib.suppress(OSError, NotImplementedError, ValueError):
        os.unlink(cache_from_source(path))


def _file_of(module: Any) -> Optional[str]:
    """Return a module's __file__ without running any code of an odd object in sys.modules."""
    try:
        file = object.__getattribute__(module, '__dict__').get('__file__')
    except Exception:  # no __dict__, or one that is not a dict
        return None
    return file if type(file) is str and '<' not in file else None


def _source_of(file: str) -> str:
    """Return the file to watch for a module: the source, or the archive around it."""
    path = os.path.normpath(os.path.join(_state['start'], file))
    if path.endswith('.pyc'):
        from importlib.util import source_from_cache
        source = path[:-1]
        with contextlib.suppress(ValueError):  # not in __pycache__
            source = source_from_cache(path)
        path = source if os.path.exists(source) else path
    archive = path
    while not os.path.exists(archive) and os.path.dirname(archive) != archive:
        archive = os.path.dirname(archive)
    return archive if os.path.isfile(archive) else path


def _expand(pattern: str) -> list[str]:
    """Return the files that a name, a directory or a glob pattern stands for."""
    import glob
    if not glob.has_magic(pattern) or os.path.lexists(pattern):
        if not os.path.isdir(pattern):
            return [pattern]
        pattern = os.path.join(glob.escape(pattern), '**', '*')
    return [path for path in glob.iglob(pattern, recursive=True)
            if not path.endswith('~') and f'{os.sep}__pycache__{os.sep}' not in path
            and not os.path.isdir(path)]


def _is_own(path: str) -> bool:
    """Tell whether a path is the program's own rather than Python's or an installed package's."""
    library = os.path.dirname(os.__file__)
    return not path.startswith(library) and not {'site-packages', 'dist-packages'} & set(
        path.replace('\\', '/').split('/'))


def _short(path: str) -> str:
    """Return a name as a person at the start directory would type it."""
    folder = os.path.join(_state['start'], '')
    return path[len(folder):] if path.startswith(folder) else path


def _list_names(paths: list[str]) -> str:
    names = [_short(path) for path in paths[:3]]
    return ', '.join(names) + (f' and {len(paths) - 3} more' if len(paths) > 3 else '')


# --------------------------------------------------------------------------------- the platforms

_WAKE: int = getattr(signal, 'SIGURG', 0)  # wakes main in any call, and means nothing by default;
# SIGINT stays the program's, ignored if it was. Windows has none: there SIGINT wakes what it can.
_HAS_GIL: bool = getattr(sys, '_is_gil_enabled', lambda: True)()
# Without it a frame that is running must not be looked at from another thread: Python can crash.


def _wake(thread: int, signum: int) -> None:
    """Deliver a signal to main. Not _thread.interrupt_main(): that wakes no call that waits."""
    if hasattr(signal, 'pthread_kill') and isinstance(threading.get_ident, type(len)):
        signal.pthread_kill(thread, signum)
    elif os.name == 'posix':  # gevent has made threads greenlets, this one of main's own thread
        sys.modules['gevent'].get_hub().loop.run_callback(os.kill, os.getpid(), signum)
    elif callable(signal.getsignal(signum)):  # else raise would end the process
        signal.raise_signal(signal.SIGINT)


def _handles_sigint() -> bool:
    """Tell whether the program has a SIGINT handler; the one that pdb leaves behind is none."""
    handler = signal.getsignal(signal.SIGINT)
    is_none = handler in (signal.default_int_handler, _pass_over)
    return callable(handler) and not is_none and not isinstance(
        getattr(handler, '__self__', None), _debugger())


def _debugger() -> Any:
    """Return the base class of pdb and its kind, if the program has imported (all of) it."""
    return getattr(sys.modules.get('bdb'), 'Bdb', ())


def _at_prompt(thread: int) -> bool:
    """Tell whether main waits at a debugger's prompt, which would swallow an interrupt."""
    debugger = _debugger()  # no GIL: a prompt's frames stand still, and few programs import pdb
    newest = sys._current_frames().get(thread) if debugger else None
    return any(frame.f_code.co_name == 'interaction'
               and isinstance(frame.f_locals.get('self'), debugger) for frame in _stack(newest))


def _handles_interrupt(thread: int) -> bool:
    """Tell whether main cleans up after a KeyboardInterrupt; known from Python 3.10 on."""
    exceptions: Any = getattr(sys, '_current_exceptions', dict)
    handled = exceptions().get(thread)  # until 3.11 as sys.exc_info()
    return _follows_interrupt(handled[1] if isinstance(handled, tuple) else handled)


def _follows_interrupt(error: Optional[BaseException]) -> bool:
    while error and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _place_of(thread: int) -> Tuple[int, ...]:
    """Return where a thread is; nothing on PyPy and with greenlets, where it tells nothing."""
    if sys.implementation.name != 'cpython' or 'greenlet' in sys.modules or not _HAS_GIL:
        return ()
    return _place(sys._current_frames().get(thread))


def _place(frame: Optional[FrameType]) -> Tuple[int, ...]:
    """Return the instruction that each frame has come to, from the outermost on.

    Handlers stand behind what they protect: a thread that unwinds and cleans up is at a later
    place, in a loop's next turn it is at the same or an earlier one.
    """
    return tuple(frame.f_lasti for frame in _stack(frame))[::-1]


def _stack(frame: Optional[FrameType]) -> Iterator[FrameType]:
    while frame:
        yield frame
        frame = frame.f_back


def _parent_pid() -> int:
    """Return the parent's process id; on Windows, where that may be a launcher's, 0."""
    return os.getppid() if os.name == 'posix' else 0


def _read_lockfile(path: str) -> list[Any]:
    """Return the parent's header, empty in a foreign file, and the child's notes."""
    items: list[Any] = []
    with contextlib.suppress(OSError, EOFError, ValueError, TypeError), open(path, 'rb') as file:
        while True:
            items.append(marshal.load(file))  # the last may be cut off
    return items if items and isinstance(items[0], dict) else [{}]


def _is_child() -> bool:
    """Tell whether a parent started this process; mark that, for what inherits its environment."""
    mark, pid = os.environ.get(CHILD, ''), str(os.getpid())
    if mark.endswith(':' + pid):  # the child has replaced itself by exec
        return True
    if not mark.isdecimal() or LOCKFILE not in os.environ:
        return False
    if os.name == 'nt' and not os.path.exists(os.environ[LOCKFILE]):
        return False
    if os.name == 'posix' and int(mark) != os.getppid() and not getattr(sys, 'frozen', False):
        # Started by somebody else, or by a parent that was killed a moment ago.
        if _read_lockfile(os.environ[LOCKFILE])[0].get('parent') != int(mark):
            return False
        with contextlib.suppress(ProcessLookupError):
            os.getpgid(int(mark))  # which, unlike a kill(), is allowed for anybody's process
            return False
    os.environ[CHILD] = f'{mark}:{pid}'
    return True


def _start_directory() -> str:
    """Return where the program was started: before os.chdir(), if the script's path tells."""
    main = sys.modules.get('__main__')
    file, spec = getattr(main, '__file__', None) or '', getattr(main, '__spec__', None)
    form, name = _split_command(getattr(sys, 'orig_argv', ['', *getattr(sys, 'argv', ())]))
    script = name.rstrip('/') if os.name == 'posix' else os.path.normpath(name)  # as in __file__
    if form == 'file' and not os.path.exists(script) and os.path.isabs(file):
        for place in (file, os.path.dirname(file)):  # of a script; of a directory or an archive
            if place.endswith(os.sep + script):
                return place[:-len(script) - 1] or os.sep
    try:
        here = os.getcwd()
    except OSError:  # deleted
        here = os.path.dirname(_HERE)
    is_module = spec and spec.name != '__main__' and _has_path()
    if is_module and here not in sys.path and file.startswith(os.path.join(sys.path[0], '')):
        return sys.path[0]  # which python -m puts there
    return here


def _has_path() -> bool:
    """Tell whether Python puts the start directory, or the script's, first in sys.path."""
    return not (sys.flags.isolated or getattr(sys.flags, 'safe_path', False))


_is_first = not hasattr(sys, '_reloader')
# Shared by all copies of this module in the process, under whatever names: set by the first.
_state: Dict[str, Any] = vars(sys).setdefault('_reloader', {
    'start': _start_directory(), 'argv': list(getattr(sys, 'argv', ())), 'imported': time.time(),
    'child': _is_child(), 'lockfile': os.environ.get(LOCKFILE, ''), 'checker': None,
    'header': None, 'wrote': False, 'dropped': set(), 'patterns': set(), 'sockets': {}})


def _watch_own_writes(path: str) -> None:
    """Notice when this process itself writes a file: then it was no person."""
    def hook(event: str, args: Tuple[Any, ...]) -> None:
        if event == 'open' and args[1] not in ('r', 'rb') or event == 'os.rename':
            names = [arg for arg in args[:2] if isinstance(arg, str)]
            if any(os.path.join(os.getcwd(), name) == path for name in names):
                _state['wrote'] = True
                if checker := _checker():
                    checker.note('wrote')

    sys.addaudithook(hook)  # for ever, and slow: only where three starts in a row were dirtied


if _state['child'] and _is_first:
    _report_errors()
    if os.environ.get(SUSPECT):
        _watch_own_writes(os.environ[SUSPECT])


def _checker() -> Optional[FileCheckerThread]:
    """Return this process's checker while it runs; a fork has none, nor has the parent."""
    checker: Optional[FileCheckerThread] = _state['checker']
    return checker if checker and checker.is_alive() else None


def _require_main_thread() -> None:
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError('the reloader must be started in the main thread, where signals arrive')


def _header(lockfile: str = '') -> Dict[str, Any]:
    """Return what the parent wrote for this child."""
    if _state['header'] is None:
        _state['header'] = _read_lockfile(lockfile or _state['lockfile'])[0]
    return dict(_state['header'])


def _hindrance(script: str) -> str:
    """Tell why a script cannot be read: Python would end with status 2, and the reloader too."""
    try:
        if script and not os.path.isdir(script):
            open(script, 'rb').close()
    except OSError as error:
        is_held = os.name == 'nt' and isinstance(error, PermissionError)
        return f"{_short(script)}: {'held by another process' if is_held else error.strerror}"
    return ''


def _terminal(former: Any = None) -> Any:
    """Return how the terminal is set; set it as it was before, if the child died at a prompt."""
    with contextlib.suppress(Exception):  # Windows, no terminal, or one that hung up
        import termios
        if former and os.tcgetpgrp(0) == os.getpgrp():  # in the background it would stop us
            termios.tcsetattr(0, termios.TCSANOW, former)
        return termios.tcgetattr(0)


def _say(text: str, quiet: bool = False) -> int:
    """Write a line to stderr, in colour on a terminal; return the status of a failure."""
    stream = sys.__stderr__  # not what the program may have put there
    if stream and not quiet:
        line = f'reloader: {text}'
        with contextlib.suppress(OSError, ValueError):  # nobody reads, or it is closed
            if os.name == 'posix' and stream.isatty() and not os.environ.get('NO_COLOR'):
                line = f'\x1b[33m{line}\x1b[0m'
            stream.write(line + '\n')
            stream.flush()
    return 1


# ---------------------------------------------------------------------------------- the server

def _serve(app: Any, listener: socket.socket, quiet: bool) -> None:
    """Serve until main is interrupted, then finish the requests in flight.

    A connection is in flight from its first byte on; one that has sent nothing is given a moment,
    as its request may be under way.
    """
    server = _make_server(app, listener, quiet)
    if not quiet:
        host = f'[{server.server_name}]' if ':' in server.server_name else server.server_name
        _say(f'serving on http://{host}:{server.server_port}/ (Ctrl-C stops it)')
    threading.Thread(target=server.serve_forever, args=[None], daemon=True).start()
    try:
        while True:
            time.sleep(3600)  # of all waits the one that Ctrl-C ends on Windows, too
    finally:
        server.accepting.acquire()  # for good
        while any(since is None or time.monotonic() - since < 0.25
                  for since in list(server.silent.values())):
            time.sleep(0.002)


def _make_server(app: Any, listener: socket.socket, quiet: bool) -> Any:
    from wsgiref.simple_server import WSGIRequestHandler
    silence = {'log_message': lambda *args: None} if quiet else {}
    handler: Any = type('Handler', (WSGIRequestHandler,), silence)
    address = listener.getsockname()[:2]
    listener.setblocking(False)  # a client may be gone when it is accepted
    server = _server_class()(address, handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.server_name, server.server_port = address
    server.setup_environ()
    server.set_app(app)
    return server


def _server_class() -> Any:
    """Return wsgiref's server, with a thread for each connection; nobody else waits for it."""
    import socket
    from socketserver import ThreadingMixIn
    from wsgiref.simple_server import WSGIServer

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True
        accepting = threading.Lock()
        silent: Dict[Any, Optional[float]] = {}  # connections: since when; None: in flight

        def get_request(self) -> Any:
            with self.accepting:
                connection, address = super().get_request()
                self.silent[connection] = time.monotonic()
            connection.setblocking(True)  # BSD hands on the listener's mode
            return connection, address

        def finish_request(self, request: Any, address: Any) -> None:
            with contextlib.suppress(ConnectionError):  # the client has gone
                if request.recv(1, socket.MSG_PEEK):
                    self.silent[request] = None
                    super().finish_request(request, address)

        def shutdown_request(self, request: Any) -> None:
            super().shutdown_request(request)
            self.silent.pop(request, None)

    return Server


# --------------------------------------------------------------------------------- command line

def main() -> None:
    """Run `python reloader.py [options] (script.py | -m module) [args...]`."""
    if is_running_from_reloader() and not _checker():
        return _run_program()
    _run_from_bytecode()
    options = _parse_command()
    is_module, name, _ = options.program or (True, '', [])
    if options.verbose:
        _say(f"looking at each file once in {options.interval} s, at the program's {HOT} saved "
             f"last every {TICK} s, and {SLOW_TICK} s when nothing was saved for {LIVELY:.0f} s")
    files = options.files()
    if not is_module:
        files.watch_module(name)
    _Parent(_own_command(), files, options, None if is_module else name).run()


def _parse_command() -> _Options:
    """Return the options and the program; open the socket of --bind."""
    parser = _parser()
    given = parser.parse_args()
    if given.version:
        _print_version()
        sys.exit()
    words = [*(given.module or ()), *given.program]  # -mpackage argument: in both
    if not words:
        parser.error('no script or module to run')
    if not given.module and not os.path.exists(words[0]):
        parser.error('standard input cannot be run again' if words[0] == '-' else
                     f"can't open {words[0]!r}: there is no such file")
    try:
        if given.bind:
            host, colon, port = given.bind.rpartition(':')
            if not colon or not port.isdecimal() or os.name != 'posix':
                raise ValueError(f'--bind must be HOST:PORT, on POSIX, not {given.bind!r}')
            bind(host.strip('[]'), int(port))
        return _Options(given.interval, given.extra_files, given.exclude_patterns, given.quiet,
                        given.verbose, (bool(given.module), words[0], words[1:]))
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        sys.exit(_say(str(error)))


def _print_version() -> None:
    import hashlib
    with open(_HERE, 'rb') as file:
        print(f'reloader {__version__} sha256 {hashlib.sha256(file.read()).hexdigest()}')


def _parser() -> argparse.ArgumentParser:
    import argparse
    parser = argparse.ArgumentParser(
        'reloader', argparse.SUPPRESS,  # no usage: a mistake is one line
        'usage: python reloader.py [options] (script.py | -m module) [args ...]\n\n'
        'Run a Python program; restart it when its source changes.',
        "example: python reloader.py --extra-files 'templates/**' app.py --port 8080",
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add('--version', action='store_true', help='version and SHA-256 of this file')
    add('--interval', metavar='S', type=float, default=1.0,
        help='longest time in seconds that a save may go unnoticed (default: 1)')
    add('--extra-files', metavar='PATTERN', action='append',
        help='more files, directories or globs to watch')
    add('--exclude-patterns', metavar='PATTERN', action='append', help='paths not to watch')
    add('--bind', metavar='HOST:PORT',
        help='hand the program a listening socket, as fd 3 (LISTEN_FDS)')
    add('--quiet', '-q', action='store_true', help='errors only')
    add('--verbose', '-v', action='store_true', help='say what is watched, and how often')
    add('-m', dest='module', nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    add('program', nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _run_program() -> None:
    """Be the child of the command line: run the program as Python itself would."""
    header = _header()
    options = header.get('options', {})
    if not options.get('program'):
        sys.exit(1)  # the lockfile is gone already, the parent is leaving
    for key, handle in header['sockets'].items():  # that of --bind, to where systemd has it
        if handle != 3:
            os.dup2(handle, 3)
            os.close(handle)
        header['sockets'][key] = 3
        os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
    if not _reload(lambda: _execute(*options['program']), _Options(**options)):
        sys.exit(130)


def _execute(is_module: bool, name: str, arguments: list[str]) -> None:
    """Run a script, a module, a directory or an archive in a new __main__."""
    own, main = sys.modules['__main__'], types.ModuleType('__main__')
    if hasattr(sys, 'orig_argv'):
        start = len(sys.orig_argv) - len(sys.argv)
        start -= sys.orig_argv[start - 1] == '-m'
        sys.orig_argv[start:] = ['-m'] * is_module + [name, *arguments]
    sys.argv = [name, *arguments]
    main.__dict__['__builtins__'] = sys.modules['builtins']
    for key in ('__annotations__', '__cached__'):
        if key in own.__dict__ and sys.version_info < (3, 14 + (key == '__cached__')):
            main.__dict__[key] = {} if key == '__annotations__' else None
    sys.modules['__main__'] = main
    has_path = _has_path()
    if is_module or not name.endswith('.py') and _is_archive(name):
        import runpy
        if not is_module:
            sys.path[:has_path] = [_as_python_names(name)]
        elif has_path:
            sys.path[0] = _state['start']
        # what `python -m` itself calls
        runpy._run_module_as_main(name if is_module else '__main__', is_module)  # type: ignore
    else:
        if has_path:
            sys.path[0] = os.path.dirname(os.path.realpath(name))
        _execute_script(name, main.__dict__)
    threading._shutdown()  # type: ignore[attr-defined]  # the program lives as its threads do


def _execute_script(name: str, namespace: Dict[str, Any]) -> None:
    path = _as_python_names(name)
    _state['checker'].files.watch_module(name, is_script=True)
    if name.endswith('.pyc'):
        loader: Any = SourcelessFileLoader('__main__', path)
        code = loader.get_code('__main__')
    else:  # not get_code(), which would write bytecode
        loader = SourceFileLoader('__main__', path)
        code = loader.source_to_code(loader.get_data(path), path)
    namespace.update(__file__=path, __loader__=loader)
    exec(code, namespace)


def _as_python_names(name: str) -> str:
    """Return a script's path as Python shows it: relative until 3.8, in full on Windows."""
    if sys.version_info < (3, 9):
        return name
    if os.name == 'nt':  # where full names stay as they are; abspath() would drop a last slash
        is_full = name[1:3] == ':\\' or name[:2] == '\\\\'
        return name if is_full else str(sys.modules['nt']._getfullpathname(name))
    path = os.path.join(_state['start'], name)
    return os.path.normpath(path) if sys.implementation.name == 'pypy' else path


def _is_archive(name: str) -> bool:
    from pkgutil import get_importer
    return get_importer(name) is not None


def _own_bytecode() -> str:
    """Return the path of this file's bytecode, made if need be; '' if there is none."""
    from importlib.util import cache_from_source
    with contextlib.suppress(OSError, NotImplementedError, SyntaxError):
        if not sys.dont_write_bytecode:
            SourceFileLoader('reloader', _HERE).get_code('reloader')
            return cache_from_source(_HERE) if os.path.exists(cache_from_source(_HERE)) else ''
    return ''


def _run_from_bytecode() -> None:
    """Replace this process by one that runs the bytecode: a script is compiled at every start.

    It takes 15 ms, which each reload would wait for, and 3 MB that the parent would keep.
    """
    script, command = sys.argv[0], _own_command()
    if os.name == 'posix' and os.path.abspath(script) == _HERE and script in command:
        if bytecode := _own_bytecode():
            command[command.index(script)] = bytecode
            os.execv(sys.executable, command)


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:  # so early that nobody waits for it
        sys.exit(128 + signal.SIGINT)
