#!/usr/bin/env python3
"""Restart a Python program when its source changes.

In library mode, from your own program::

    import reloader

    def main():
        ...                                   # serve, work, block: in the main thread

    reloader.run_with_reloader(main)          # a WSGI app: reloader.run(app, reloader=True)

On the command line, for any program as it is::

    python3 reloader.py app.py                # also: python3 reloader.py -m package

The *parent* makes a temporary lockfile, touches it once a second and runs the same command line
again as its *child*. In the child a thread looks at the file behind every entry of
``sys.modules``. When one has changed, it interrupts the main thread as Ctrl-C would, ``finally``
and ``atexit`` run, and the child exits with status 3: the parent starts the next one. It replaces
the shell loop ``while python3 app.py; test $? -eq 3; do :; done``.

In the lockfile the two also tell each other what they know. Its first line is the parent's: how
the files looked to the last child. The child adds a line for each file that is new or looks
different, before Python reads it, and one when it asks for a reload; so no save is lost, whenever
it comes, and the parent can wait for the fix of a crash. At Ctrl-C the parent adds a line, in case
the child has not heard the key.

============================================== ============================================ =======
what happens                                   what follows                                 status
============================================== ============================================ =======
a watched file changes                         main unwinds, the child exits 3, the parent
                                               starts it again; postponed until every
                                               changed module compiles
an error (status 1) or a signal ends the       the parent says so, waits for a change,
child, or it exits with any status but 0 or    starts it again
130 within ten seconds of a reload
the child exits 3 by itself                    it is started again; it counts as an error
                                               the third time in a row within ten seconds
                                               of its start, or when an installed package
                                               raised it, as uvicorn does
main returns, or any other ``sys.exit(n)``     both end                                     n
Ctrl-C                                         both end, the child first, no traceback; a    130
                                               program that does not end is ended after the
                                               grace time (5 to 8 seconds)
SIGTERM or SIGHUP to the parent                passed to the child; both end                128 + n
the parent is killed                           the child ends by itself
the lockfile is deleted                        both end, one line says so                   1
============================================== ============================================ =======

It is for development. It does not swap code in a running program, refresh a browser, or replace a
supervisor. A save is noticed by looking, not by an event, so it works in containers and on network
drives too. Code in C that holds the GIL delays the reload. On Windows a main thread that waits for
a lock, input, a socket or a process is ended after the grace time; a reload ends multiprocessing's
processes alone, no socket outlives it, and a dead parent is noticed only by the age of the
lockfile.

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

import sys

# Python's own modules are wanted, not a signal.py beside the program, whose directory comes first
# in sys.path: it is hidden until all is imported.
_HAS_PLACE = not (sys.flags.isolated or getattr(sys.flags, 'safe_path', False))
_place = sys.path[:_HAS_PLACE]
del sys.path[:_HAS_PLACE]

import atexit
import contextlib
import marshal
import os
import signal
import stat
import threading
import time
import types
import warnings
import weakref
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from itertools import islice

TYPE_CHECKING = False  # as typing's own, without the 5 ms that importing typing takes
if TYPE_CHECKING:
    import argparse
    import socket
    from typing import Any, Callable, Iterable, Iterator, NoReturn, Optional, Union

    Patterns = Union[None, str, 'os.PathLike[str]', Iterable[Union[str, 'os.PathLike[str]']]]
    # How a file looks: mtime in ns, size, inode, hash of the content where that is needed to tell
    # two saves apart. None: there is no such file.
    Look = Optional[tuple[int, int, int, Optional[bytes]]]

__version__ = '1.1.0'
__all__ = ['FileCheckerThread', 'bind', 'is_running_from_reloader', 'run', 'run_with_reloader',
           'trigger_reload', 'watch']

CHILD = 'RELOADER_CHILD'  # environment: whose child this is; see _find_lockfile
LOCKFILE = 'RELOADER_LOCKFILE'  # environment: the lockfile's path
RELOAD = 3  # the exit status that asks for a restart; Bottle, Werkzeug and Django use the same
GRACE = 5.0  # seconds for finally, atexit and requests in flight; the age of a dead lockfile
HEARTBEAT = 0.9  # seconds between two touches of the lockfile: at least one a second
TICK = 0.04  # seconds between two looks at the files saved last; later, twice that
SLOW_TICK = 0.45  # the same after LIVELY
HURRY = 3.0  # seconds after a start or a save in which a delay is felt most
LIVELY = 300.0  # seconds after a start or a save in which the next save is expected
HOT = 20  # the newest files, looked at in each tick: a person edits fewer at a time
LAZY = 4.4  # seconds at most between two looks at the extra files, or around a crash
PATIENCE = 3.0  # seconds for a file to come back, for a deaf main, after SIGTERM or Ctrl-C
MOMENT = 0.5  # seconds in which no person acts again; the unit of short waits
YOUNG = 2.5  # seconds in which a clock of two seconds (FAT) may not tell two saves apart
QUICK = 10.0  # seconds after a start in which any failure is that of the save
SMALL = 1 << 20  # bytes: larger files are not compared by content; no source is that large
KILLED = range(0xC0000000, 0xF0000000)  # Windows' statuses that mean what signals do elsewhere

# The exit statuses that a checker's status stands for.
_EXITS: dict[Any, int] = {'reload': RELOAD, 'error': 1, 'exit': 128 + signal.SIGINT}
_HERE = os.path.abspath(__file__)
_LIBRARY = os.path.join(os.path.dirname(os.__file__), '')
_SYSTEM = _LIBRARY, '/proc/', '/sys/'
_PRUNED = {'site-packages', 'dist-packages', 'node_modules', '__pycache__'}
# As they are now: gevent and tests replace them.
_sleep, _open, _stat, monotonic = time.sleep, open, os.stat, time.monotonic
_MAIN: Any = threading.main_thread().ident


def _start_directory() -> str:
    with contextlib.suppress(OSError):  # it may be deleted
        return os.getcwd()
    return os.path.dirname(_HERE)


# The process's state, one for all copies of this module, under whatever names: the first makes it.
_shared = vars(sys).setdefault('_reloader_1_1', {
    'start': _start_directory(), 'argv': [*getattr(sys, 'argv', ())], 'environ': {**os.environ},
    'imported': time.time(), 'lockfile': '', 'quiet': False, 'path': sys.path, 'files': None,
    'checker': None, 'patterns': set(), 'sockets': {}, 'is_over': False})


# ---------------------------------------------------------------------------------- the ways in

def run_with_reloader(main_func: Callable[[], Any], extra_files: Patterns = None,
                      exclude_patterns: Patterns = None, interval: float = 1) -> None:
    """Call main_func in a child process that is started again whenever a source file changes.

    The call is Werkzeug's, the behaviour Bottle's: main_func runs in the main thread of the child,
    so that signals and asyncio are as in production. Its return value is ignored. Lines above the
    call run in both processes; is_running_from_reloader() tells them apart.

    The parent never returns: it leaves by SystemExit. The child returns when main_func has ended
    by itself or by Ctrl-C. For a reload it leaves by SystemExit too, when main_func has unwound;
    code around the call that swallows it does not stop the reload.

    extra_files: one or more to watch as well: names, directories (all in them) or glob patterns.
    exclude_patterns: one or more names, directories or fnmatch patterns that are not watched.
    interval: the longest time in seconds that a save may go unnoticed (5 among thousands of extra
    files); most are seen at once.

    Raises TypeError and ValueError for bad arguments, RuntimeError off the main thread, at an
    interactive prompt and in a worker of multiprocessing that imports the program anew. A program
    from standard input, which cannot be read again, exits with 1.
    """
    if not callable(main_func):
        raise TypeError(f'main_func must be callable, not {main_func!r}')
    _run_reloading(main_func, _check(interval, extra_files, exclude_patterns))


def run(app: Callable[..., Iterable[bytes]], host: str = '127.0.0.1', port: int = 8080,
        interval: float = 1, reloader: bool = False, quiet: bool = False,
        extra_files: Patterns = None, exclude_patterns: Patterns = None) -> None:
    """Serve a WSGI app on wsgiref's server, a thread for each request. The call is Bottle's.

    With reloader=True it restarts as run_with_reloader does; the listening socket outlives the
    restarts, so that clients wait instead of being refused, and requests in flight are finished.
    quiet drops the start line, the request log and the reload lines. An address that cannot be had
    gives one line and status 1. Raises ValueError for such a port, or as run_with_reloader does.
    """
    if not callable(app):
        raise TypeError(f'app must be callable, not {app!r}')
    options = _check(interval, extra_files, exclude_patterns, quiet=quiet)
    if reloader:
        _require_main_thread()  # before an address is taken
    try:
        listener = bind(host, port)
    except OSError as error:
        sys.exit(_say(str(error.strerror)))
    if reloader:
        _run_reloading(lambda: _serve(app, listener, quiet), options)
    else:
        with contextlib.suppress(KeyboardInterrupt):
            _serve(app, listener, quiet)


def bind(host: str, port: int) -> socket.socket:
    """Return a listening TCP socket that outlives reloads; without a reloader a plain one.

    Call it where both processes pass: at import, or before run_with_reloader. The parent opens
    the socket and every child inherits it, so clients wait in its backlog while the program
    restarts. Asked for elsewhere it is a plain socket of the child; one that is no longer asked
    for is shut down. The same address gives the same socket, port 0 keeps its port; Windows hands
    no socket on. Raises OSError if the address cannot be had, ValueError if there is no such port.
    """
    import errno
    import socket
    if not 0 <= (port := int(port)) <= 65535:  # Bottle takes the environment's text, too
        raise ValueError(f'port must be 0 to 65535, not {port}')
    sockets: dict[tuple[str, int], socket.socket] = _shared['sockets']
    if (host, port) not in sockets:
        handles = getattr(_shared['files'], 'header', {}).get('sockets', {})
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        try:
            listener = (socket.socket(fileno=handles[host, port]) if (host, port) in handles else
                        socket.create_server((host, port), family=family))
        except OSError as error:
            why = str(error.strerror).partition(' (while')[0]  # Python adds the address
            hint = ('is in use; stop the other program or choose another port'
                    if error.errno == errno.EADDRINUSE else f'cannot be had: {why}')
            raise OSError(error.errno, f'{host}:{port} {hint}') from None
        listener.set_inheritable(False)
        sockets[host, port] = listener
    sockets[host, port].listen(128)  # again, if it was not asked for as the program began
    return sockets[host, port]


def watch(*patterns: Union[str, os.PathLike[str]]) -> None:
    """Watch more files: names, directories or glob patterns. Without a reloader, do nothing."""
    names = _absolute(patterns)
    _shared['patterns'].update(names)
    if _shared['files']:
        _shared['files'].match(names)


def trigger_reload() -> None:
    """Restart the program, from its own code. Raises RuntimeError outside it and in its forks."""
    checker = _checker()
    if checker is None:
        raise RuntimeError('trigger_reload() needs a program that runs under the reloader')
    checker.is_triggered = True  # it reloads at its next look


def is_running_from_reloader() -> bool:
    """Tell whether this is the child: True from its first line on, and in what it forks."""
    return _shared['files'] is not None


def _run_reloading(main_func: Callable[[], Any], options: dict[str, Any]) -> None:
    """Become the parent, or call main_func as the child or inside a reloader that runs."""
    _require_main_thread()
    checker = _checker()
    block: Any = contextlib.nullcontext()
    if checker:
        checker.files.match(options['extra_files'], options['exclude_patterns'])
    elif is_running_from_reloader() or _become_child(_first_environment()):
        checker = block = FileCheckerThread(_shared['lockfile'], options['interval'],
                                            options['extra_files'], options['exclude_patterns'])
    else:
        _become_parent(options)
    try:
        with block:
            result = main_func()
            if isinstance(result, types.CoroutineType):
                result.close()
                raise TypeError('main_func is async; pass `lambda: asyncio.run(main())` instead')
    except KeyboardInterrupt:  # Ctrl-C; not by suppress(), whose frame a group would show
        pass
    if checker.status in ('reload', 'error'):
        checker.leave()


def _become_parent(options: dict[str, Any]) -> NoReturn:
    """Run the parent, which imports Python's own modules alone; it leaves by SystemExit."""
    main = sys.modules['__main__']
    if hasattr(sys, 'ps1') or sys.flags.interactive and not hasattr(main, '__file__'):
        raise RuntimeError('an interactive session cannot be started again by the reloader')
    spec, file = getattr(getattr(main, '__spec__', None), 'name', ''), _file_of(main)
    _shared['environ'] = _first_environment() or _shared['environ']  # without what .env has added
    _shared['path'] = [path for path in sys.path if type(path) is str]
    del sys.path[:_HAS_PLACE]
    library = [path for path in _shared['path'] if not _is_own(path)]
    for name, module in sys.modules.copy().items():
        if ('.' not in name and _is_own(_file_of(module) or _LIBRARY)
                and PathFinder.find_spec(name, library)):  # a random.py beside the program
            del sys.modules[name]
    command = _child_command(getattr(sys, 'orig_argv', []), _shared['argv'], sys.executable,
                             _own_flags(), spec, file, _shared['start'])
    _Parent(command, options, [file] if spec in ('', '__main__') else []).run()


def _check(interval: float, extra_files: Patterns, exclude_patterns: Patterns,
           **others: Any) -> dict[str, Any]:
    """Return the arguments of a call, checked, as the parent hands them to the child."""
    if isinstance(interval, bool) or not isinstance(interval, (int, float)):
        raise TypeError(f'interval must be a number of seconds, not {interval!r}')
    if not 0 < interval < float('inf'):
        raise ValueError(f'interval must be finite and more than 0 seconds, not {interval!r}')
    return {'interval': float(interval), 'extra_files': _absolute(extra_files),
            'exclude_patterns': _absolute(exclude_patterns, are_globs=True), **others}


def _absolute(patterns: Patterns, are_globs: bool = False) -> list[str]:
    """Return file names and patterns as absolute strings, but for globs that begin with *."""
    if isinstance(patterns, (str, bytes, os.PathLike)):
        patterns = [patterns]
    names = [os.fsdecode(pattern) for pattern in patterns or () if pattern]
    start = _start_directory()  # as the call sees it
    if are_globs:  # not by glob.escape(): a glob.py of the program's may stand before Python's
        start = ''.join(f'[{letter}]' if letter in '*?[' else letter for letter in start)
    return [name if are_globs and name.startswith('*') else
            os.path.normpath(os.path.join(start, name)) for name in names]


# ------------------------------------------------------------------------------------ the parent

class _Parent:
    """The process that was started by hand: it keeps the lockfile, and one child at a time."""

    def __init__(self, command: list[str], options: dict[str, Any], scripts: list[Any]) -> None:
        self.command, self.options = command, options
        _shared['quiet'] = options.get('quiet', False)
        # Each must hold something before a start, unless it was empty before the first.
        self.scripts = [path for path in map(_source_of, filter(None, scripts))
                        if os.path.isfile(path) and os.path.getsize(path)]
        for name in options['extra_files']:
            if os.path.exists(name) and not os.path.isfile(name) and not os.path.isdir(name):
                _say(f'{_short(name)} is a pipe or a device, not watched')
        # What the parent knows of the program: the patterns, how the files looked to the last
        # child, and (former) what it knew before that child entered main.
        self.patterns: set[str] = {*options['extra_files']}
        self.files: dict[str, Look] = {}
        self.former: dict[str, Look] = {}
        self.child: Any = None  # the Popen, while it runs
        self.log = _Log('')  # the last child's; its number counts the starts
        self.born = 0.0  # monotonic: the last start
        self.noticed: Optional[float] = None  # by the wall clock: the save that led to it
        self.row: Any = 0, []  # of early reloads; see FileCheckerThread._is_storm
        self.repeats = 0  # how often in a row it has ended unasked, and was started again
        self.hint = ' (Ctrl-C ends it)'  # the first time
        self.left: set[int] = set()  # the processes that the last child may have left running
        self.caught, self.caught_at = 0, 0.0  # the first signal that asked for the end

    def run(self) -> NoReturn:
        """Start the program again and again, until its end; leave with its status."""
        terminal = _terminal()
        with contextlib.ExitStack() as stack:
            self._catch_signals(stack)
            self.log = _Log(_make_lockfile())
            stack.callback(_unlink, self.log.path)
            threading.Thread(target=self._beat, name='reloader heartbeat', daemon=True).start()
            while self._start():
                status = self._wait_for_child()
                _terminal(terminal)
                self._follow_exit(status)
                # After a signal without a reload, what a plain run would leave is left running.
                if self.noticed or not self.caught:
                    self._end_left()
        if not self.caught:
            sys.exit(_say('the lockfile was deleted, stopped'))
        _inform(f'stopped by {signal.Signals(self.caught).name}')
        sys.exit(128 + self.caught)

    def _is_over(self) -> bool:
        return bool(self.caught) or not _mtime(self.log.path)

    def _start(self) -> bool:
        """Start a child as soon as that can be done; return False if the end comes before."""
        import subprocess
        said = ''
        while not self._is_over():
            reason = next(filter(None, map(_why_unreadable, self.scripts)), '')
            if not reason:
                self._write_header()
                # Else Ctrl-C would end the child's interpreter as it starts, with a traceback.
                _block([signal.SIGINT])
                try:
                    # close_fds=False: what our own parent handed on is the program's; Python's own
                    # are not inheritable. The child stays in our group, for Ctrl-C and a debugger.
                    self.child = subprocess.Popen(
                        self.command, cwd=_shared['start'], close_fds=False,
                        env={**_shared['environ'], CHILD: str(os.getpid()),
                             LOCKFILE: self.log.path})
                    return True
                except OSError as error:
                    reason = f'cannot start the program: {error}'
                finally:
                    _block([signal.SIGINT], False)
            if reason != said:
                _say(f'{reason}, waiting for it')
            said = reason
            time.sleep(TICK)
        return False

    def _write_header(self) -> None:
        """Tell the next child what it starts from. The lockfile stays the same file."""
        handles = {}
        for key, listener in _shared['sockets'].items():
            if os.name == 'posix':  # as new, whatever the last child has done to it
                listener.set_inheritable(True)
                listener.setblocking(True)
                listener.listen(128)
                handles[key] = listener.fileno()
            else:
                listener.close()
        paths = {*self.files, *_expand(*self.patterns)}
        self.files.update(self._changes(self.files, paths))
        log = _Log(self.log.path, self.log.number + 1)
        log.append('start', {
            'parent': os.getpid(), 'started': _mtime(self.log.path, touch=True) / 1e9,
            'noticed': self.noticed, 'files': self.files, 'patterns': self.patterns,
            'row': self.row, 'options': self.options, 'sockets': handles})
        # Only now, as the heartbeat would read the last child's records as this one's.
        self.log, self.born = log, monotonic()

    def _wait_for_child(self) -> int:
        """Return the child's exit status; on Windows handlers run only between two waits."""
        if self.caught:
            self._pass_on()  # it may have come while there was no child to tell
        while os.name == 'nt' and self.child.poll() is None:
            time.sleep(TICK)
        status: int = self.child.wait()
        self.child = None
        return 128 + signal.SIGINT if status == 0xC000013A else status  # Windows' word for Ctrl-C

    def _take_records(self) -> dict[str, Any]:
        """Take over what the child has learned; return the last record of each kind."""
        told: dict[str, Any] = {}
        self.former, self.left = {}, set()
        for kind, *values in _Log(self.log.path).read():
            told[kind] = values
            if kind == 'files':
                is_entry, looks = values
                if is_entry:  # these are all that it has read by then
                    self.former, self.files = self.files, {}
                self.files.update(looks)
            elif kind == 'pattern':
                self.patterns.update(values)
            elif kind == 'path':
                _shared['path'] = values[0]
            elif kind == 'left':
                self.left |= values[0]
        return told

    def _follow_exit(self, status: int) -> None:
        """Do what follows an exit of the child: leave, wait for a change, or return at once."""
        is_quick = monotonic() - self.born < QUICK
        was_saved = self.noticed is not None and not self.repeats  # a save has started it
        told = self._take_records()
        self.noticed, self.row = told.get('reload', (None, (0, [])))
        if 'reload' in told or self._is_over():  # _start() notices that it is over
            self.repeats = 0
            return
        waits = self.options.get('wait')
        is_end = (status in (0, 128 + signal.SIGINT)  # a prompt in raw mode takes Ctrl-C itself
                  or status > 1 and status != RELOAD and status not in KILLED
                  and not (was_saved and is_quick))
        # Where it is to wait, data that was written during the first run may be a save.
        changes = self._saves(code_alone=bool(self.repeats if waits else is_end))
        # The save may have come when half the program had run: once more, but not for ever.
        if is_end and not waits and (self.repeats or not changes):
            sys.exit(status)
        self.repeats = self.repeats * is_quick + 1
        if status == RELOAD and self.repeats < 3 and not waits and 'failed' not in told:
            _inform(f'exit status {RELOAD}, restarting')
        elif _has_no_reader():  # as `reloader.py app.py | head`
            sys.exit(status if status >= 0 else 128 - status)
        else:
            self._wait_for_change(status, changes)
            self.repeats = int(bool(changes) if waits else is_end)
        if self.left and not self.caught:  # after Ctrl-C and at a reload they have been told
            self.left = _tree(*self.left)
            _signal(self.left, signal.SIGINT)

    def _saves(self, code_alone: bool) -> dict[str, Look]:
        """Return the files that were saved while the child ran; what it deleted is no save."""
        changes = self._changes(self.files, self.files)
        for path, look in [*changes.items()]:
            if not look or code_alone and not path.endswith('.py'):
                self.files[path] = changes.pop(path)
        return changes

    def _changes(self, known: dict[str, Look], paths: Iterable[str]) -> dict[str, Look]:
        """Return the files that do not look as they are known, with how they look now."""
        changes: dict[str, Look] = {}
        for path in paths:
            if self.caught:  # a pattern may stand for all that is on a disk
                break
            look = _look(path, known.get(path))
            if look != known.get(path) and not _is_matched(path, self.options['exclude_patterns']):
                changes[path] = look
        return changes

    def _wait_for_change(self, status: int, changes: dict[str, Look]) -> None:
        """Wait until a file of the program or a new one around it is saved, or until the end."""
        own = {**self.former, **self.files}
        known = {**self._changes({}, _files_around(self.files, self.patterns)), **own}
        if not changes:  # else a file was saved while it ran
            self._tell_that_it_waits(status)
        around: dict[str, Look] = {}
        began = since = monotonic()
        next_walk = began + 2 * MOMENT
        while not self._is_over():
            now = monotonic()
            former, changes = changes, self._changes(known, own)
            pause = min(10 * (monotonic() - now), MOMENT)  # a tenth of a core, or so
            paths = {*around}
            if now > next_walk:
                paths = {*known, *_files_around(self.files, self.patterns)} - own.keys()
                next_walk = now + min(max(2 * MOMENT, 20 * (monotonic() - now)), LAZY)
            around = self._changes(known, paths)
            changes.update(around)
            # One that is away or empty is half done, unless another is saved meanwhile.
            whole = [look for look in changes.values() if look and look[1]]
            is_done = changes == former and len(whole) == len(changes)
            since = since if changes else now
            patience = 2 * MOMENT if whole else PATIENCE
            # A program that rewrites its own files and crashes is given some time in between.
            if changes and (is_done or now > since + patience) and now > self.born + 2 * MOMENT:
                _inform(f'{_list_names(changes)} changed, restarting')
                self.noticed = time.time()
                return
            time.sleep(max(pause, 2 * TICK if now < began + LIVELY else SLOW_TICK))

    def _tell_that_it_waits(self, status: int) -> None:
        what = f"{'ended with' if self.options.get('wait') else 'exit'} status {status}"
        if status < 0 or status in KILLED:
            names = {-number.value: number.name for number in signal.Signals}
            number = f'{status:#x}' if status > 0 else f'signal {-status}'
            what = f'killed by {names.get(status, number)}'
        (_say if status else _inform)(f'{what}, waiting for a change{self.hint}')
        self.hint = ''

    def _end_left(self) -> None:
        """End what the last child has left running: by SIGTERM, then by force."""
        began = monotonic()
        for signum, delay in (signal.SIGTERM, MOMENT), (_KILL, PATIENCE):
            while self.left and not self.caught and monotonic() < began + delay:
                time.sleep(TICK / 2)
                self.left = _tree(*self.left)  # a shell may go on to its next command
            _signal(self.left, signum)

    def _beat(self) -> None:
        """Touch the lockfile, enforce the deadline: in a thread, as main waits for the child."""
        while True:
            log, child = self.log, self.child
            if (not _mtime(log.path, touch=True) or self.caught
                    or any(kind == 'reload' for kind, *_ in log.read())):
                # A second more than the child takes for itself.
                patience = PATIENCE if self.caught == signal.SIGINT else 0.0
                log.deadline = min(log.deadline, monotonic() + patience + GRACE + 2 * MOMENT)
            if monotonic() > log.deadline and log is self.log:
                if child:
                    _say('still busy, killed')
                    _signal({child.pid, *_tree(child.pid)}, _KILL)  # with what it has started
                elif self.caught and monotonic() > self.caught_at + PATIENCE + GRACE:
                    # A thread that was begun above the call keeps us alive.
                    _unlink(log.path)
                    os._exit(128 + self.caught)
            time.sleep(HEARTBEAT)

    def _catch_signals(self, stack: contextlib.ExitStack) -> None:
        """Catch what asks for the end; a signal that was ignored at the start stays ignored."""
        names = ('SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGBREAK')
        for number in signal.Signals:
            if number.name in names and signal.getsignal(number) not in (signal.SIG_IGN, None):
                stack.callback(self._let_go, number, signal.signal(number, self._catch))
        if os.name == 'posix':  # or nobody would learn the child's status
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def _let_go(self, number: int, handler: Any) -> None:
        # After a signal one more changes nothing, to the interpreter's very end.
        signal.signal(number, signal.SIG_IGN if self.caught else handler)

    def _catch(self, signum: int, frame: Optional[types.FrameType]) -> None:
        """Handle a signal: tell the child; a second one does not wait for the grace time."""
        now = monotonic()
        if not self.caught:
            self.caught, self.caught_at, _shared['is_over'] = signum, now, True
            self._pass_on()
        elif now > self.caught_at + MOMENT:  # else a wrapper (npm run, uv run, honcho) repeats it
            self.log.deadline = min(self.log.deadline, now + 2 * MOMENT)
            if self.child and os.name == 'nt':  # where few programs clean up
                _signal([self.child.pid], _KILL)

    def _pass_on(self) -> None:
        """Send the child the signal; for Ctrl-C, which it mostly has heard, append a record."""
        if self.caught == signal.SIGINT:
            if not self.log.append('stop'):
                _unlink(self.log.path)
        elif self.child and os.name == 'posix':  # else the console tells it
            self.log.append('end')
            _signal([self.child.pid], self.caught)


def _make_lockfile() -> str:
    """Make the temporary file that stands for the parent's life."""
    import tempfile
    try:
        handle, path = tempfile.mkstemp(prefix=f'reloader.{os.getpid()}.', suffix='.lock')
    except OSError as error:
        sys.exit(_say(f'cannot make a lockfile in the temporary directory: {error}'))
    os.close(handle)
    return path


def _mtime(path: str, touch: bool = False) -> int:
    """Return a file's time in ns, by its file system's clock: 0 if gone, 1 if unreadable."""
    try:
        if touch:
            os.utime(path)
        return _stat(path).st_mtime_ns
    except (OSError, ValueError) as error:  # ValueError: a NUL in a name
        return 0 if isinstance(error, FileNotFoundError) else 1


class _Log:
    """The lockfile's records, which parent, child and its forks append, a line each.

    Each bears the number of the start that it belongs to. A line that was cut off, or that bears
    another number, is passed over. In a foreign lockfile there are none, and none is written.
    """

    def __init__(self, path: str, number: int = 0) -> None:
        self.path, self.number = path, number
        self.position = 0  # the end of what was read
        self.deadline = float('inf')  # monotonic: when the parent ends this child

    def append(self, kind: str, *values: Any) -> bool:
        """Add a record in one write: no lock, which a fork could inherit locked."""
        if not self.number:
            return False
        line = marshal.dumps((self.number, kind, *values)).hex().encode() + b'\n'
        # The parent's, the first, empties the file. No O_CREAT: a deleted lockfile stays deleted.
        flags = os.O_WRONLY | os.O_APPEND | os.O_TRUNC * (kind == 'start')
        with contextlib.suppress(OSError), _open(os.open(self.path, flags), 'ab', 0) as file:
            return bool(file.write(line))
        return False  # it was deleted, or no descriptor is left

    def read(self) -> list[Any]:
        """Return the records that have come since the last call: [kind, values...]."""
        records: list[Any] = []
        with contextlib.suppress(OSError):
            if _stat(self.path).st_size <= self.position:  # to open it each time costs more
                return records
        with contextlib.suppress(OSError), _open(self.path, 'rb') as file:
            file.seek(self.position)
            for line in file:
                with contextlib.suppress(ValueError, EOFError, TypeError):  # it is not whole
                    number, *record = marshal.loads(bytes.fromhex(line.decode()))
                    self.position = file.tell()
                    if record[0] == 'start':  # the parent's, the first of all
                        self.number = number
                    if number == self.number:
                        records.append(record)
        return records


def _own_flags() -> list[str]:
    """Return the interpreter's flags as words of a command line."""
    import subprocess
    # It is private, but what multiprocessing uses. It lacks -u and most -X, and repeats the -W of
    # the environment, which PyPy would count twice.
    options: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    for warning in os.environ.get('PYTHONWARNINGS', '').split(','):
        if '-W' + warning in options and not sys.flags.ignore_environment:
            options.remove('-W' + warning)
    options += [f'-X{key}' if value is True else f'-X{key}={value}'
                for key, value in sys._xoptions.items()]
    return options + ['-u'] * getattr(sys.stdout, 'write_through', False)


def _child_command(orig_argv: list[str], argv: list[str], executable: str, options: list[str],
                   spec: str, file: str, start: str) -> list[str]:
    """Build the child's command line, from nothing but the arguments.

    orig_argv (Python 3.10) is repeated where it names the program that runs. Where it is empty, or
    names a debugger around it, the rest is put together: argv, and spec and file of ``__main__``.
    """
    program = os.path.dirname(file) if spec == '__main__' else file  # in a directory, an archive
    form, name = _split_command(orig_argv)
    if (form == '-c' and not file or form == '-m' and spec in (name, name + '.__main__')
            or form == 'file' and _whole(name, start) == _whole(program, start)):
        return [executable, *orig_argv[1:]]
    if not file:
        sys.exit('reloader: a program from -c or standard input cannot be started again; '
                 'put it into a file')
    is_same = _whole(argv[0], start) == _whole(program, start)
    # Other than a script, a module is named by spec, unless cProfile or trace runs a script. A
    # launcher may have dropped its suffix from argv.
    is_module = spec not in ('', '__main__')
    words = (['-m', spec] if is_module and (is_same or not argv[0].endswith('.py')) else
             [argv[0] if is_same or is_module else program])
    return [executable, *options, *words, *argv[1:]]


def _whole(path: str, start: str) -> str:
    return os.path.normcase(os.path.normpath(os.path.join(start, path)))


def _split_command(command: list[str]) -> tuple[str, str]:
    """Tell what a Python command line runs: ('-c', code), ('-m', module) or ('file', path)."""
    words = iter(command[1:])
    for word in words:
        if not word.startswith('-') or word == '-':
            return 'file', word
        if word.startswith('--'):
            word = '-X'  # as --check-hash-based-pycs takes a value, too
        letter = next((letter for letter in word if letter in 'cmWX'), '')
        value = letter and (word.partition(letter)[2] or next(words, ''))
        if letter in ('c', 'm'):
            return '-' + letter, value
    return '', ''


# ------------------------------------------------------------------------------------- the child

class FileCheckerThread(threading.Thread):
    """Interrupt main when a source file has changed or the parent is gone: Bottle's, as a context.

    ``with FileCheckerThread(lockfile, interval) as checker: main()``, in the main thread.
    Afterwards checker.status tells why main has ended: 'reload' (the caller exits with status 3),
    'error' (the lockfile is gone or was not touched for the larger of 5 seconds and three
    intervals) or 'exit' (main ended by itself). With 'reload' and 'error' whatever ended the block
    is suppressed, and shown if it is an error; with 'exit' KeyboardInterrupt alone.

    Main is interrupted by KeyboardInterrupt, in whatever call it waits; on Windows only when that
    call comes back. If it goes on as if nothing had happened it is interrupted again. After five
    seconds at the most the process exits, whether main is still in the block or past it. interval
    is in seconds, extra_files and exclude_patterns are run_with_reloader's. Raises TypeError and
    ValueError for bad arguments, RuntimeError off the main thread.
    """

    status: Optional[str] = None

    def __init__(self, lockfile: str, interval: float, extra_files: Patterns = None,
                 exclude_patterns: Patterns = None) -> None:
        super().__init__(name='reloader', daemon=True)
        self.lockfile, self.interval = lockfile, interval
        self._options = _check(interval, extra_files, exclude_patterns)
        is_ours = _shared['files'] and lockfile == _shared['lockfile']
        self.files: _Files = _shared['files'] if is_ours else _Files(_Log(lockfile))
        self.has_left = self.is_triggered = self._is_pausing = False
        # How many reloads in a row came early, for which files; see _is_storm.
        self._row: tuple[int, list[str]] = 0, []
        self._read_at = 0.0  # monotonic: when the lockfile was read
        self._touched, self._age = -1, 0.0  # the lockfile's time, how long it has stood still
        self._left_at = float('inf')  # monotonic: when main left the block
        self._end_at = float('inf')  # monotonic: until when main is left alone after Ctrl-C
        self._is_ending = False  # for Ctrl-C or another signal to the parent: no save counts
        # Monotonic, at first long ago: a debugger's prompt was last seen, main last heard Ctrl-C.
        self._prompted = self._key_at = -GRACE
        # What the handler in main goes by, once main is to end.
        self._has_heard_key = self._is_told = False  # is_told: by a SIGINT of ours
        self._tries = self._raised = 0
        self._heard_at: tuple[Any, ...] = ()  # main's place when it first heard us
        self._interrupt: Callable[[], Any] = lambda: None  # its mark, as long as it lives

    def __enter__(self) -> FileCheckerThread:
        """Take the first look and start to check, before main does anything."""
        _require_main_thread()
        self._parent = self.files.header.get('parent', os.getppid())
        self.files.enter(self._options)
        for number, usual in _USUAL.items():
            if signal.getsignal(number) == usual:
                signal.signal(number, self._on_signal)
        handler = signal.getsignal(signal.SIGINT)
        if 'gevent.hub' in sys.modules:  # it shows where an interrupt is raised, if by a handler
            self.give_back(signal.SIGINT)
        elif handler == self._on_signal:  # asyncio and trio replace Python's own handler alone
            vars(signal).update(default_int_handler=handler)
        if os.name == 'posix':
            os.register_at_fork(after_in_child=lambda: self.give_back(signal.SIGINT))
        _shared.update(checker=self, files=self.files)
        # 8 MB of stack, for the compiler: musl gives a thread 128 kB.
        former = threading.stack_size(8 << 20 if os.name == 'posix' else 0)
        self.start()
        threading.stack_size(former)
        return self

    def __exit__(self, kind: object, error: Optional[BaseException], trace: object) -> bool:
        with contextlib.suppress(KeyboardInterrupt):
            # As the last thing in main it has to be noticed, and its children have to hear of it.
            is_asked = self.is_triggered and not _is_ctrl_c(error)
            while is_asked and not self._tries and self.is_alive():
                time.sleep(TICK)
        self._decide('exit')
        self.has_left, self._left_at = True, monotonic()
        sys.excepthook = self.files.excepthook_around(sys.excepthook)  # the program's, perhaps
        with contextlib.suppress(KeyboardInterrupt, Exception):  # as an odd object may raise
            if error:
                self.files.watch_fix(error)
            if self.status == 'exit' and not self.files.header:
                self.join()
            self.files.find()  # what ended soon may have imported in other ways than our finder's
            self.files.take_stock()
        self.give_back(_WAKE, signal.SIGINT)
        if self.files in sys.meta_path:
            sys.meta_path.remove(self.files)
        if self.status != 'exit' and error and not isinstance(error, SystemExit):
            _show(error)  # a mistake in a finally
        return self.status != 'exit' or _is_ctrl_c(error)

    def give_back(self, *numbers: int) -> None:
        """Put back the usual handlers of these signals, where ours still stand for them."""
        vars(signal).update(default_int_handler=_USUAL[signal.SIGINT])
        for number in numbers:
            with contextlib.suppress(ValueError):  # gevent is imported off the main thread
                if signal.getsignal(number) == self._on_signal:
                    signal.signal(number, _USUAL[number])

    def run(self) -> None:
        """Look, until there is a reason to end; then see to it that main ends."""
        _block(signal.valid_signals())  # what main itself blocks waits for main
        shown = ''
        with self.files.looking:
            # Under our own parent it goes on after the block: threads may keep the process alive.
            while (not self.has_left or self.files.header) and _shared['checker'] is self:
                try:
                    if self._hears_the_end() or self._is_reload_due():
                        # Unless it is the reload. After Ctrl-C main ends as if by itself.
                        self._decide('exit' if self._is_ending and self._touched else 'error')
                        self._end_main()
                    self._rest()
                except Exception as error:  # which nobody foresaw: the next look may do better
                    self._pause(MOMENT)
                    if repr(error) != shown:
                        shown = repr(error)
                        with contextlib.suppress(Exception):
                            _show(error)

    def _pause(self, seconds: float) -> None:
        """Sleep, the only time at which the interpreter's end may cut this thread off."""
        self.files.looking.release()
        _sleep(seconds)
        self.files.looking.acquire()

    def _rest(self) -> None:
        """Sleep until a look is due, or the time of one of the files saved last differs."""
        files, quiet = self.files, monotonic() - self.files.last_change
        tick = TICK if quiet < HURRY else 2 * TICK if quiet < LIVELY else SLOW_TICK
        next_look = min(files.next_round, files.next_extra)
        # Right after a save look at the content each time, as the times alone may not tell.
        due = min(next_look, self._read_at + MOMENT / 2) if quiet > HURRY else 0.0
        while True:
            self._pause(min(tick, files.interval, max(2 * TICK, next_look - monotonic())))
            if (monotonic() > due or self.status or self.is_triggered or files.changed
                    or any(_mtime(path) != (files.known[path] or [0])[0] for path in files.hot)):
                break

    def _hears_the_end(self) -> bool:
        """Read the lockfile; tell whether its parent is gone, or the time after Ctrl-C is over."""
        now = monotonic()
        passed = now - self._read_at
        if passed < MOMENT / 2:
            return False
        self._read_at = now
        former, self._touched = self._touched, _mtime(self.lockfile)
        # A second at most, so that a suspended laptop does not make the parent look dead.
        self._age = self._age + min(passed, 1) if self._touched == former else 0.0
        for kind, *values in self.files.log.read():
            self._is_ending |= kind in ('stop', 'end')
            if kind == 'stop':
                self._has_heard_key |= _is_in_foreground()
                # A handler of the program's own may have heard it, too.
                has_heard = self._has_heard_key or self._needs_sigint()
                self._end_at = now + (PATIENCE if has_heard else MOMENT)
            elif kind == 'files':  # a forked worker's imports
                for path in values[1]:
                    if path not in self.files.known:
                        self.files.watch(path, values[1].get)
        return not self._touched or now > self._end_at or self._is_orphan()

    def _decide(self, status: str) -> bool:
        """Set the status if nobody has; tell whether it is this one. setdefault() is atomic."""
        return bool(vars(self).setdefault('status', status) == status)

    def _is_orphan(self) -> bool:
        """Tell whether the parent is dead; one that was merely stopped is not, where ids tell."""
        is_ours = bool(self.files.header)
        is_old = self._age > max(GRACE, 3 * self.interval) and (os.name == 'nt' or not is_ours)
        is_gone = is_old or os.name == 'posix' and os.getppid() != self._parent
        if is_gone and is_ours:  # the parent cannot do this any more
            _say('the parent is gone, stopped')
            _unlink(self.lockfile)
        return is_gone

    def _is_reload_due(self) -> bool:
        """Take one look; tell whether main must end, for a reload that is announced."""
        # What main and atexit do after the block is a cleanup; threads may go on for ever.
        others = {*_lasting_threads()} - {threading.main_thread()}
        # From 3.9 on main counts as alive while it waits for the threads of pools.
        are_left = others and (not threading.main_thread().is_alive()
                               or getattr(threading, '_SHUTTING_DOWN', False))
        is_cleanup = self.has_left and not are_left and monotonic() < self._left_at + GRACE
        if self._is_ending or is_cleanup:
            return False
        changed = self.files.look()
        if _at_prompt():  # now, as a look may take long
            self._prompted = monotonic()
        is_asked = self.is_triggered and not self.files.changed  # no save is half done or broken
        is_held = monotonic() - self._prompted < PATIENCE  # the person may step over a line
        if not is_asked and (not changed or self._is_storm(changed)) or is_held:
            return False
        self._read_at -= MOMENT  # to read now: a file that is written after Ctrl-C is no save
        if self._hears_the_end() or self._is_ending or monotonic() < self._key_at + MOMENT:
            return False
        # The parent is told first: main may end by itself at this very moment.
        self.files.log.append('reload', time.time(), self._row)
        reason = _list_names(changed) + ' changed' if changed else 'trigger_reload() called'
        _inform(f'{reason}, restarting')
        # Once main has ended, the interpreter waits for threads, until SIGINT interrupts it.
        if self.has_left:
            self.status, self.has_left = 'reload', False
        # An earlier Ctrl-C is past, and what main keeps of it: this interrupt is a new one.
        self._has_heard_key, self._heard_at, self._interrupt = False, (), lambda: None
        return self._decide('reload')

    def _is_storm(self, changed: dict[str, Look]) -> bool:
        """Tell whether to pause: a program that rewrites its own files must not restart for ever.

        The fifth reload in a row that comes right after a start, for the same files, waits for
        half a second, and so does the sixth; later ones wait for two.
        """
        files = self.files
        count, former = files.header.get('row', (0, []))
        # Another file breaks the row, but not one that comes or goes, as a database's journal.
        if any(files.known[path] and look for path, look in changed.items() if path not in former):
            count = 0
        is_early = files.first_change - files.entered < MOMENT
        self._row = (count + 1, [*{*former, *changed}]) if is_early else (0, [])
        pause = 0.0 if self._row[0] < 5 else MOMENT if self._row[0] < 7 else 4 * MOMENT
        is_storm = monotonic() - files.first_change < pause
        if is_storm and not self._is_pausing:
            _inform(f'{_list_names(changed)} changed right after each of the last starts, '
                    f'restarting in {pause} s (exclude_patterns can leave a file out)')
        self._is_pausing = is_storm
        return is_storm

    def _end_main(self) -> NoReturn:
        """Interrupt main until it leaves; end the process in the end, even if main has left."""
        if not self._has_heard_key:
            self._interrupt_children()
        for self._tries in range(1, 1 + int(GRACE / MOMENT)):
            # A loop that swallows every interrupt, and one in C that hears none, are hopeless.
            is_deaf = not self._heard_at and self._tries > PATIENCE / MOMENT and os.name == 'posix'
            if not self.has_left:
                # So is a main at pdb's prompt, which takes our interrupt for a mistake.
                if is_deaf or self._raised > 2 or self._raised and _at_prompt():
                    break
                self._interrupt_main()
            self._pause(MOMENT)
        names = [thread.name for thread in _lasting_threads()] or ['MainThread']
        _say(f"still busy, ended: {', '.join(names)}")
        _signal(_children(), _KILL)
        for stream in sys.stdout, sys.stderr:
            with contextlib.suppress(Exception):  # None, closed, or nobody reads
                stream.flush()
        os._exit(_EXITS[self.status])

    def _interrupt_main(self) -> None:
        """Wake main with a signal: ours, or SIGINT for a program that has a handler for it."""
        needs_sigint = self._needs_sigint()
        is_first = self._tries == 1 and not self._has_heard_key
        is_last = self._tries >= GRACE / MOMENT - 1
        is_unheard = self._tries == 2 and not self._heard_at and not self._is_told
        # The program's handler hears it once, and again in the last second; in between ours
        # only wakes main. A main that has not heard ours may be in sigwait(), which SIGINT wakes.
        is_due = needs_sigint and (is_first or is_last) or is_unheard
        signum = signal.SIGINT if is_due else _WAKE
        handler = signal.getsignal(signum)
        self._is_told |= needs_sigint or signum != _WAKE and callable(handler)
        if 'tkinter' in sys.modules:  # a thread, as it waits for main to take the event
            threading.Thread(target=_wake_tk, daemon=True).start()
        if handler == self._on_signal or is_due and callable(handler):
            _signal_thread(_MAIN, signum)

    def _interrupt_children(self) -> None:
        """Do as Ctrl-C does: main may wait for them, or leave at once."""
        # Multiprocessing ends its daemons; they would show tracebacks, or be started anew.
        children = _children() - {worker.pid for worker in _workers() if worker.daemon}
        self.files.log.append('left', children)
        is_job = signal.getsignal(signal.SIGINT) == signal.SIG_IGN  # as all do that `&` starts
        _signal(children, signal.SIGTERM if is_job else signal.SIGINT)

    def _needs_sigint(self) -> bool:
        """Tell whether the program handles SIGINT; what pdb leaves behind would ask a person."""
        handler = signal.getsignal(signal.SIGINT)
        return ('gevent.hub' in sys.modules or callable(handler)
                and handler not in (self._on_signal, _USUAL[signal.SIGINT])
                and getattr(handler, '__module__', '') != 'pdb')

    def _on_signal(self, signum: int, frame: Optional[types.FrameType]) -> None:
        """Handle Ctrl-C, and our signals, in main: raise, unless that would cut off a cleanup."""
        __tracebackhide__ = True  # pytest names the place that it is interrupted at
        stack = [*_follow(frame, 'f_back')][::-1]
        # The lines and the offsets that main's frames are at, the outermost first.
        place = tuple(zip(*((step.f_lineno or 0, step.f_lasti) for step in stack)))
        if signum == signal.SIGINT and not self._tries:  # Ctrl-C
            # Wrappers send a copy of it to the whole group, as `timeout` does.
            if monotonic() < self._key_at + MOMENT and _is_cleaning():
                return
            self._has_heard_key, self._key_at, self._heard_at = True, monotonic(), place
        else:
            ours = FileCheckerThread.__enter__.__code__, FileCheckerThread.__exit__.__code__
            if not self._tries or self.has_left or any(step.f_code in ours for step in stack):
                return  # it is a stray one, or main is not in the block yet, or any more
            self._heard_at = self._heard_at or place
            # Later in the same frames: main has gone on, past an `except KeyboardInterrupt: pass`
            # (line) or the end of a `with` (offset). A loop's next turn is at neither.
            is_later = any(now > then for now, then in zip(place, self._heard_at))
            is_told = self._is_told and signum == _WAKE  # who handles SIGINT has had it
            # It lives on in sys where it was shown, as Tk shows that of a callback.
            shown = getattr(getattr(sys, 'last_value', None), 'mark', None)
            is_alive = self._interrupt() is not None and self._interrupt() is not shown
            if is_told or is_later or is_alive or _is_cleaning():
                return
            self._raised += 1
        raise self._new_interrupt()

    def _new_interrupt(self) -> KeyboardInterrupt:
        """Return one that tells whether it lives: it goes up, or waits in a coroutine.

        It is not made in the frame that raises it, which would keep it alive.
        """
        # Python's own, for which subprocess asks by ==; only the mark can be weakly referenced.
        error, mark = KeyboardInterrupt(), {None}
        vars(error).update(mark=mark)
        # Without reference counts nobody can tell when main has swallowed it.
        self._interrupt = weakref.ref(mark) if hasattr(sys, 'getrefcount') else lambda: True
        return error

    def leave(self) -> NoReturn:
        """Exit as usual: atexit runs, and the parent and this thread end what does not end."""
        # A debugger stops at a SystemExit that means failure; the record has asked already.
        sys.exit(0 if self.status == 'reload' and 'pydevd' in sys.modules else _EXITS[self.status])


def _signal(pids: Iterable[int], signum: int) -> None:
    for pid in sorted(pids):  # a shell before its command, or it would go on to the next
        with contextlib.suppress(OSError):  # it ended meanwhile
            os.kill(pid, signum)


def _shut_down_unclaimed(header: dict[str, Any]) -> None:
    """Refuse clients at the sockets that the program no longer asks for."""
    # A program of the command line finds its socket by number.
    handles = {} if 'program' in header.get('options', ()) else header.get('sockets', {})
    for key in handles.keys() - _shared['sockets']:
        with contextlib.suppress(OSError):  # BSD and macOS refuse: it goes on listening
            bind(*key).shutdown(2)  # SHUT_RDWR; it may be asked for later


def _become_child(environ: Any) -> bool:
    """Take up the parent's record, if there is one; return whether this is the child.

    From here on each file is looked at before Python reads it.
    """
    _shared['lockfile'] = _find_lockfile(environ)
    if not _shared['lockfile']:
        return False
    files = _shared['files'] = _Files(_Log(_shared['lockfile']))
    if os.environ.get('LISTEN_PID') == str(files.header.get('parent')):  # systemd's sockets
        os.environ['LISTEN_PID'] = str(os.getpid())
    files.install()
    if sys.version_info >= (3, 12) and os.name == 'posix':  # a fork would warn of our thread
        os.register_at_fork(before=lambda: warnings.filterwarnings(
            'ignore', '.* is multi-threaded, use of ', DeprecationWarning))
    # Both, as some ask whether there is a hook of another.
    sys.excepthook = sys.__excepthook__ = files.excepthook_around(sys.excepthook)
    hook = sys.unraisablehook  # it hears of an interrupt in the interpreter's own end
    sys.unraisablehook = lambda found: None if _is_ctrl_c(found.exc_value) else hook(found)
    atexit.register(_leave_interpreter, files)
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # runs first, or it would show
    _block([signal.SIGINT], False)
    return True


def _leave_interpreter(files: _Files) -> None:
    """Leave what still runs to the parent, which ends it before the next start."""
    is_told = files.log.append('left', _children())
    # The interpreter's end must not cut off the checker in the middle of a look: a free-threaded
    # Python would wait for a lock that it holds, and on musl, which unmaps its stack, crash.
    # While multiprocessing waits for its workers, saves count as before.
    if _checker() and all(worker.daemon for worker in _workers()):
        _shared['is_over'] = True  # soon, whatever is expanded
        files.looking.acquire(timeout=PATIENCE)
    if not is_told:  # the parent is gone
        _signal(_children(), signal.SIGTERM)


def _show(error: Any) -> None:
    sys.excepthook(type(error), error, error.__traceback__)
    with contextlib.suppress(Exception):  # PyPy keeps the last line for itself
        sys.stderr.flush()


def _is_ctrl_c(error: Any) -> bool:
    """Tell whether an exception is Ctrl-C, or a group of nothing else, as trio makes it."""
    group = getattr(error, 'exceptions', ())
    return isinstance(error, KeyboardInterrupt) or bool(group) and all(map(_is_ctrl_c, group))


def _is_cleaning() -> bool:
    """Tell whether this thread is handling Ctrl-C, in an except or a finally clause."""
    return any(map(_is_ctrl_c, _chain(sys.exc_info()[1])))


def _chain(error: Optional[BaseException]) -> list[BaseException]:
    """Return an exception and those that it came from, which may be a circle."""
    found = [] if error is None else [error]
    for link in found:
        found += [origin for origin in (link.__context__, link.__cause__)
                  if origin and all(origin is not one for one in found)]
    return found


# ------------------------------------------------------------------------------------- the files

class _Files:
    """The child's files: how each looked before Python read it, and which look different now.

    It stands in sys.meta_path and finds what PathFinder finds: so it looks first. The files saved
    last are looked at in every tick, the other modules once an interval.
    """

    def __init__(self, log: _Log) -> None:
        records = log.read()
        self.header: dict[str, Any] = records[0][1] if records else {}  # the parent's
        self.log, log.position = log, 0  # Ctrl-C may have come at once
        self.pid = os.getpid()  # not that of its forks
        self.options: dict[str, Any] = self.header.get('options', {})
        self.excluded: list[str] = []
        _shared['quiet'] = self.options.get('quiet', False)
        self.recorded: dict[str, Look] = self.header.get('files', {})  # the last child's
        self.started: float = self.header.get('started', _shared['imported'])
        self.patterns: set[str] = set()
        self.known: dict[str, Look] = {}  # all files watched, as they were read
        self.modules: set[str] = set()  # imported, or named by a crash; the others match a pattern
        self.changed: dict[str, Look] = {}  # those that look different now
        self.compiled: dict[str, Any] = {}  # the changed modules' content, when last compiled
        self.mistakes: list[str] = []  # why they did not compile, a line each
        # Monotonic: when main began, when the first of the changes came, and the last one.
        self.entered = self.first_change = self.last_change = 0.0
        self._names: set[str] = set()  # of the modules that were looked up
        self.hot: list[str] = []  # the program's files that were saved last
        self._told = 0  # how many of the known files take_stock() has told the parent
        self.next_round = self.next_extra = 0.0  # monotonic
        self.looking = threading.Lock()  # the checker's, but while it sleeps
        if self.options.get('exclude_patterns') or self.options.get('extra_files'):
            import glob  # noqa: F401  # and fnmatch, before a file beside the program hides them

    def install(self) -> None:
        """Look at each module before it is read, from here on; watch what was imported before."""
        import importlib.util  # noqa: F401  # before a file hides what it imports, as re.py may
        if self not in sys.meta_path and PathFinder in sys.meta_path:
            sys.meta_path.insert(sys.meta_path.index(PathFinder), self)
        self.find()

    def enter(self, options: dict[str, Any]) -> None:
        """Begin to watch for main: take the first look, and tell the parent that it is taken."""
        self.interval: float = options['interval']
        self.match([*options['extra_files'], *_shared['patterns']], options['exclude_patterns'])
        self.install()
        _shut_down_unclaimed(self.header)
        self.entered = self.first_change = self.last_change = monotonic()
        self.take_stock()
        # Within a MOMENT, so that _is_storm() takes a new file for an early one.
        self.next_extra = self.entered + MOMENT - 2 * TICK
        if self.header.get('noticed'):
            _inform(f"running again after {time.time() - self.header['noticed']:.2f} s")

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        """Find a module for sys.meta_path, as PathFinder would; look before Python reads it."""
        spec = PathFinder.find_spec(name, path, target)
        if name == 'gevent.hub' and _checker():
            _shared['checker'].give_back(signal.SIGINT)
        if spec and spec.has_location and spec.origin:
            self.watch(_source_of(spec.origin), self.look_now)
        return spec

    def find(self) -> None:
        """Watch the files behind the modules that did not come by our finder."""
        names = sys.modules.copy().keys() - self._names
        self._names |= names
        # coverage, cProfile and trace run it out of sight.
        script = [name for name in sys.argv[:1] if name.endswith('.py')]
        for file in [*map(_file_of, map(sys.modules.get, names)), *script]:
            self.watch(_source_of(file), self._look_when_read)

    def excepthook_around(self, hook: Callable[..., Any]) -> Callable[..., None]:
        """Return an excepthook that shows no frames of ours, no Ctrl-C, not even as a context."""
        def excepthook(kind: object, error: BaseException, trace: Any) -> None:
            with contextlib.suppress(Exception):  # what it calls may be what has failed
                self.watch_fix(error)
            while trace and trace.tb_frame.f_code.co_filename in ('<string>', __file__):
                trace = trace.tb_next
            for link in _chain(error):
                if isinstance(link.__context__, KeyboardInterrupt):
                    link.__context__ = None
            if not _is_ctrl_c(error):
                hook(kind, error.with_traceback(trace), trace)
        return excepthook

    def watch_fix(self, error: BaseException) -> None:
        """Watch where a crash may be mended: files that it names, or misses, and sys.path."""
        self.log.append('path', [path for path in sys.path if type(path) is str])
        origin = ['', *_files_in(error.__traceback__)][-1]
        if isinstance(error, SystemExit) and error.code == RELOAD and not _is_own(origin):
            self.log.append('failed')  # as uvicorn does when its application fails to start
        for link in _chain(error):
            # SyntaxError and FileNotFoundError have one more.
            for name in [*_files_in(link.__traceback__), getattr(link, 'filename', None)]:
                if isinstance(name, str) and '<' not in name:
                    self.watch(_source_of(os.path.abspath(name)), self._look_when_read)

    def match(self, patterns: list[str], excluded: Iterable[str] = ()) -> None:
        """Watch what patterns match, from here on; what the last child's match, from its end."""
        _is_matched('', [*excluded])  # imports fnmatch before the finder needs it
        self.excluded += excluded
        for pattern in patterns:
            is_known = pattern in self.header.get('patterns', ())
            for path in _expand(pattern):
                self.watch(path, self.recorded.get if is_known else self.look_now, is_extra=True)
        if not self.patterns.issuperset(patterns):
            self.log.append('pattern', *patterns)
        self.patterns.update(patterns)

    def watch(self, path: str, look_of: Callable[[str], Look], is_extra: bool = False) -> None:
        """Watch a file, and tell the parent; look_of tells how it looked when it was read."""
        if not is_extra:
            self.modules.add(path)
        if not path or path in self.known or _is_matched(path, self.excluded):
            return
        self.known[path] = look = look_of(path)
        # Else take_stock() is enough. A fork's record is for the child, which reads it, too.
        if self.recorded.get(path, 0) != look or os.getpid() != self.pid:
            self.log.append('files', False, {path: look})
        is_new = path not in self.recorded or self.log.number == 1
        if self.options.get('verbose') and is_new and _is_own(path):
            _say(f"watching {_short(path)}{'' if look else ', which is not there yet'}")

    def take_stock(self) -> None:
        """Tell the parent which files have come to be known, and choose those saved last.

        The first time, as main is entered, these are all: the parent forgets the others.
        """
        paths = [*self.known]
        news = {path: self.known[path] for path in paths[self._told:]}
        self.log.append('files', not self._told, news)
        self._told = len(paths)
        paths.sort(key=lambda path: -(self.known[path] or (0,))[0])
        self.hot = [*islice(filter(_is_own, paths), HOT)]

    def look_now(self, path: str) -> Look:
        """Return how a file looks that is about to be read."""
        return _look(path, self.recorded.get(path), self.started - YOUNG)

    def _look_when_read(self, path: str) -> Look:
        """Return how a file looked when it was read; None, a change, if that is unknown."""
        if self.recorded.get(path):
            return self.recorded[path]
        look = self.look_now(path)
        # Programs generate modules in the temporary directory, as TensorFlow does.
        is_made = (self.entered and path.startswith(os.path.dirname(self.log.path))
                   and _short(path) == path)
        return look if is_made or not look or look[0] < self.started * 1e9 else None

    def look(self) -> dict[str, Look]:
        """Take one look, at what is due; return the changes to act on, if it is time."""
        now, count = monotonic(), len(self.changed)
        if now > self.next_extra:
            began = time.thread_time()  # the checker's own: the program's work does not count
            self.next_extra = now + LAZY  # also if the look fails
            for path in {*_expand(*self.patterns)} - {*self.known}:  # a new one is a change
                self.watch(path, self.recorded.get, is_extra=True)
            # Nobody sees what multiprocessing's and joblib's workers import.
            spawning = 'popen_spawn', 'popen_forkserver', 'popen_loky'
            if any(name.rpartition('.')[2].startswith(spawning) for name in [*sys.modules]):
                for path in _files_around([*self.known], ()):
                    self.watch(path if path.endswith('.py') else '', self._look_when_read)
            self._examine({*self.known} - self.modules)
            cost = 100 * (time.thread_time() - began)  # a hundredth of a core at the most
            self.next_extra = now + min(max(self.interval - 4 * TICK, cost), LAZY)
        if len(self.known) != self._told:
            self.take_stock()
        self._examine({*self.changed, *self.hot})
        if now >= self.next_round or len(self.changed) > count:
            self.next_round = now + self.interval - 4 * TICK  # the tick, and the reload, add
            self._examine({*self.known} & self.modules)
            if not self.changed:
                self.find()
        if self.changed:
            return self._ready_changes()
        self.first_change = now
        return {}

    def _examine(self, paths: Iterable[str]) -> None:
        """Compare how files look with how they were read, and keep what differs."""
        now, old = monotonic(), (time.time() - YOUNG) * 1e9
        for path in paths:
            known = self.known[path]
            look = _look(path, known)
            if look != known and _is_matched(path, self.excluded):  # perhaps since it was read
                known = self.known[path] = look
            if look != self.changed.pop(path, known):
                self.last_change = now
            if look != known:
                self.changed[path] = look
            # From now on each save has another time; a clock that is far ahead tells nothing.
            elif look and look[3] and not old < look[0] < old + LIVELY * 1e9:
                self.known[path] = (*look[:3], None)

    def _ready_changes(self) -> dict[str, Look]:
        """Return the changed files if it is time: none is half done, none follows, all compile."""
        now, main = monotonic(), sys.modules.get('__main__')
        script = _source_of(_file_of(main))
        gone = {path for path, look in self.changed.items()
                if not look or not look[1] and (self.known[path] or (0, 1))[1]}
        # git checkout changes several, some of them perhaps before this start.
        is_burst = len(self.changed) > 1 or now - self.entered <= MOMENT
        patience = 2 * TICK if is_burst else 0.0
        if gone:  # it was deleted if another file is saved meanwhile; alone it is being written
            patience = PATIENCE if len(gone) == len(self.changed) else 2 * MOMENT
        if now - self.last_change < patience and now - self.first_change < PATIENCE:
            return {}
        # Whatever its name is, a script has no spec, unlike a module or an archive.
        own = script if not getattr(main, '__spec__', None) else ''
        sources = {path: look and look[3] or look  # a large file has no hash
                   for path, look in self.changed.items() if path in self.modules - gone
                   and (path.endswith(('.py', '.pyw')) or path == own)}
        if sources != self.compiled:  # also to say what else keeps this save waiting
            self.compiled, self.mistakes = sources, [*filter(None, map(_mistake_in, sources))]
            for mistake in self.mistakes:
                _say(f'{mistake}; not restarting')
        # An empty program would end at once, and both processes with it.
        if self.mistakes or script in gone and self.changed[script]:
            self.first_change = now  # what follows is a save of its own
            return {}
        return self.changed.copy()


def _look(path: str, known: Look, young: float = float('inf')) -> Look:
    """Return how a file looks now: None if it is away, as known while another process holds it.

    The content is hashed, as Python does it for its own caches, where the rest may not tell two
    saves apart: if known has a hash, or the file differs from it or was saved after young, in
    seconds. Then its bytecode may be that of the save before: it goes, unless content is known.
    """
    look: Look = None
    try:
        status = _stat(path)
        look = status.st_mtime_ns, status.st_size, status.st_ino, None
        if not stat.S_ISREG(status.st_mode):  # a pipe or a device never changes, a folder may
            return look if stat.S_ISDIR(status.st_mode) else None
        if look == known or known is None and look[0] < young * 1e9:
            return look
        from importlib.util import cache_from_source, source_hash  # late: on 3.9 it brings typing
        if look[1] <= SMALL:
            with _open(path, 'rb') as file:
                content = file.read()  # an editor may have emptied it since
            look = look[0], len(content), look[2], source_hash(content)
        if look != known:
            _unlink(cache_from_source(path))
        return look
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in a name
        return None
    except OSError:  # not readable by us, or held by another process on Windows
        if look is None or os.name == 'nt' or known and look[:3] == known[:3]:
            return known
        return (*look[:3], b'')


def _is_matched(path: str, patterns: list[str]) -> bool:
    if not patterns:
        return False
    from fnmatch import fnmatch
    return any(fnmatch(path, pattern) or fnmatch(path, os.path.join(pattern, '*'))
               for pattern in patterns)


# As filterwarnings() makes it, but without re, which could be the program's own re.py.
_NO_WARNINGS: Any = ('ignore', None, Warning, type('', (), {'match': '<reloader>'.__eq__}), 0)


def _mistake_in(path: str) -> str:
    """Return what keeps a source file from compiling, in one line; '' if nothing does."""
    try:
        with _open(path, 'rb') as file:
            text = file.read()
        # With -W error a warning would be a mistake. The filter, for our own name alone, stays:
        # catch_warnings() in this thread would undo what main does with the filters meanwhile.
        if _NO_WARNINGS not in warnings.filters:
            warnings.filters.insert(0, _NO_WARNINGS)  # type: ignore[attr-defined]
        eval('compile(text, __name__, "exec", dont_inherit=True)',
             {'__name__': '<reloader>', 'text': text})
    except OSError:  # on Windows somebody holds it; else a changed look is enough
        return f'{_short(path)}: held by another process' if os.name == 'nt' else ''
    except Exception as error:  # SyntaxError, ValueError, MemoryError, ...
        line = f', line {error.lineno}' if isinstance(error, SyntaxError) and error.lineno else ''
        what = error.msg if isinstance(error, SyntaxError) else f'{type(error).__name__}: {error}'
        return f'{_short(path)}{line}: {what}'
    return ''


def _file_of(module: Any) -> str:
    """Return a module's __file__ without running any code of an odd object in sys.modules."""
    with contextlib.suppress(Exception):  # it has no __dict__, or one that is not a dict
        file = object.__getattribute__(module, '__dict__').get('__file__')
        # pdb has a class of its own for it.
        return str.__str__(file) if isinstance(file, str) and '<' not in file else ''
    return ''


def _source_of(file: str) -> str:
    """Return the file to watch for a module: the source, or the archive around it."""
    # What `link/..` stands for only the file system knows.
    resolve = os.path.realpath if '..' in file else os.path.normpath
    archive = path = resolve(os.path.join(_shared['start'], file)) if file else ''
    while archive and not os.path.isfile(archive):
        archive = archive.rpartition(os.sep)[0]
    return archive or path


def _expand(*patterns: str) -> Iterator[str]:
    """Yield the files that names, directories and glob patterns stand for."""
    for pattern in patterns:
        tail = _short(pattern)  # the way to the start directory is no pattern
        if os.path.isdir(pattern):
            yield from _files_below(pattern)
        elif os.path.lexists(pattern) or not {*'*?['} & {*tail}:
            yield pattern
        else:
            import fnmatch
            import glob
            whole = glob.escape(pattern[:-len(tail)]) + tail
            if '**' in tail:  # not by glob alone, which goes round in circles of links
                below = _files_below(*glob.iglob(os.path.dirname(whole.partition('**')[0])))
                yield from fnmatch.filter(below, whole.replace('**' + os.sep, '*'))
            else:
                yield from (path for path in glob.iglob(whole) if not os.path.isdir(path)
                            and _is_kept(os.path.basename(path).lstrip('.')))


def _is_kept(name: str) -> bool:
    """Tell whether to keep a name: not a hidden one (but .env), an editor's, or ours."""
    is_lockfile = name.startswith('reloader.') and name.endswith('.lock')
    return name == '.env' or name[:1] not in ('.', '#') and name[-1:] != '~' and not is_lockfile


def _files_below(*folders: str, limit: float = float('inf')) -> Iterator[str]:
    """Yield the files in directories, at any depth, but for hidden ones, caches and packages."""
    queue, seen = [*folders], {''}
    for folder in queue:  # from near to far
        if _shared['is_over']:  # a pattern may stand for all that is on a disk
            break
        real, folder = os.path.realpath(folder), os.path.join(folder, '')
        if real not in seen and len(seen) < limit:  # a link may lead back
            seen.add(real)
            _, inner, names = next(os.walk(folder), ('', [], []))
            yield from [folder + name for name in names if _is_kept(name)]
            queue += [folder + name for name in inner if name[0] != '.' and name not in _PRUNED
                      and os.path.join(folder, name, '') not in _SYSTEM]


def _files_around(known: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """Return files that may be the fix of a crash, or that a worker may have imported.

    What the patterns match, the folders of packages, Python's files beside and below known ones.
    """
    places = [os.path.join(_shared['start'], path) for path in _shared['path']]
    found = [*_expand(*patterns), *(place for place in places
                                    if not _is_own(place) or os.path.isfile(place))]
    places += [os.path.dirname(path) for path in known if path != _HERE]
    near = _files_below(*filter(_is_own, places), limit=5000)  # folders, not all of a disk
    return found + [path for path in near if path.endswith(('.py', '.so', '.pyd'))]


def _files_in(trace: Optional[types.TracebackType]) -> list[str]:
    """Return the files through which an exception came; the last one raised it."""
    return [step.tb_frame.f_code.co_filename for step in _follow(trace, 'tb_next')]


def _is_own(path: str) -> bool:
    """Tell whether a path is the program's own rather than Python's or an installed package's."""
    name = os.path.join(path, '')
    return (not name.startswith(_SYSTEM)
            and not _PRUNED & {*name.replace('\\', '/').split('/')})


def _short(path: str) -> str:
    """Return a name as a person at the start directory would type it."""
    folder = os.path.join(_shared['start'], '')
    is_below = os.path.normcase(path).startswith(os.path.normcase(folder))  # also by c: for C:
    return path[len(folder):] if is_below else path


def _list_names(paths: Iterable[str]) -> str:
    names = sorted(map(_short, paths))
    return ', '.join(names[:3]) + (f' and {len(names) - 3} more' if len(names) > 3 else '')


def _why_unreadable(script: str) -> str:
    """Tell why a script cannot be run: Python would end at once, and the reloader with it."""
    try:
        with open(script, 'rb') as file:
            return '' if file.read(1) else f'{_short(script)} is empty'
    except OSError as error:
        is_held = os.name == 'nt' and isinstance(error, PermissionError)
        return f"{_short(script)}: {'held by another process' if is_held else error.strerror}"


# --------------------------------------------------------------------------------- the platforms

# Wakes main in any call, and means nothing by default, so that SIGINT stays the program's. Windows
# has none: there SIGINT wakes what it can.
_WAKE: int = getattr(signal, 'SIGURG', signal.SIGINT)
# The handlers that ours may stand for.
_USUAL: dict[int, Any] = {_WAKE: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
_KILL: int = getattr(signal, 'SIGKILL', signal.SIGTERM)
# Not _thread.interrupt_main(), which wakes no call that waits.
_signal_thread: Any = getattr(signal, 'pthread_kill', lambda _, n: signal.raise_signal(n))


def _lasting_threads() -> list[threading.Thread]:
    """Return the threads that keep the process alive, main among them until it has ended."""
    return [thread for thread in threading.enumerate() if not thread.daemon and thread.is_alive()]


def _at_prompt() -> bool:
    """Tell whether a thread waits at a debugger's prompt, which would swallow an interrupt."""
    debugger = getattr(sys.modules.get('bdb'), 'Bdb', ())  # the base of pdb and its kind
    frames = sys._current_frames().values() if debugger else ()  # a prompt's do not move
    return any(frame.f_code.co_name == 'interaction'
               and isinstance(frame.f_locals.get('self'), debugger)
               for newest in frames for frame in _follow(newest, 'f_back'))


def _follow(step: Any, link: str) -> Iterator[Any]:
    """Yield a frame and its callers (link f_back), or a traceback to its end (tb_next)."""
    while step:
        yield step
        step = getattr(step, link)


def _wake_tk() -> None:
    """Give an idle Tk loop an event, after which it looks at signals."""
    with contextlib.suppress(Exception):  # there may be no window
        sys.modules['tkinter']._default_root.after(0)


def _children() -> set[int]:
    """Return the processes of our group below this one; on Windows multiprocessing's alone."""
    if os.name == 'nt':
        return {worker.pid for worker in _workers()}
    with contextlib.suppress(OSError):  # there is no child, as a rule
        if hasattr(os, 'waitid'):
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return _tree(os.getpid()) - {os.getpid()}
    return set()


def _tree(*roots: int) -> set[int]:
    """Return those of these processes, and of all below them, that run in our group."""
    parents: dict[int, int] = {}
    with contextlib.suppress(OSError):  # no descriptor is left, or no process for ps
        parents = {pid: parent for pid, parent, group in _processes() if group == os.getpgrp()}
    tree = [*roots]
    for pid in tree:
        tree += [child for child, parent in parents.items() if parent == pid and child not in tree]
    return parents.keys() & tree


def _workers() -> list[Any]:
    """Return multiprocessing's workers; a file beside the program may have its name, too."""
    multiprocessing = sys.modules.get('multiprocessing')
    return [*getattr(multiprocessing, 'active_children', list)()]


def _processes() -> Iterator[tuple[int, int, int]]:
    """Yield pid, parent and group of each process that has not ended; none on Windows."""
    rows: list[Any] = []
    if os.name == 'nt':
        return  # Wine has a /proc, but of another system's processes
    if os.path.exists('/proc/self/stat'):  # Linux, which may lack ps
        for name in filter(str.isdecimal, os.listdir('/proc')):
            with contextlib.suppress(OSError), open(f'/proc/{name}/stat', 'rb') as file:
                rows.append([name, *file.read().rpartition(b')')[2].split()[:3]])
    else:
        import subprocess
        done = subprocess.run(['ps', '-A', '-o', 'pid=,state=,ppid=,pgid='],
                              stdout=subprocess.PIPE, start_new_session=True)  # not in our group
        rows += map(bytes.split, done.stdout.splitlines())
    for pid, state, parent, group in rows:
        if state[:1] not in b'ZX':
            yield int(pid), int(parent), int(group)


def _is_in_foreground() -> bool:
    """Tell whether this process is in its terminal's foreground, which Ctrl-C reaches."""
    with contextlib.suppress(OSError), open('/dev/tty', 'rb', 0) as terminal:
        return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    return os.name == 'nt'  # where a console tells all, or there is no terminal


def _has_no_reader() -> bool:
    """Tell whether standard output is a pipe that nobody reads any more."""
    with contextlib.suppress(ImportError, AttributeError, OSError):  # Windows has no poll()
        import select
        poll = select.poll()
        poll.register(1, 0)  # which asks for POLLERR and POLLHUP alone
        is_pipe = stat.S_ISFIFO(os.fstat(1).st_mode)  # nor a terminal that hung up
        return is_pipe and bool(poll.poll(0))
    return False


def _block(signals: Iterable[int], is_on: bool = True) -> None:
    """Let signals wait in this thread, or come again."""
    if os.name == 'posix':
        signal.pthread_sigmask(signal.SIG_BLOCK if is_on else signal.SIG_UNBLOCK, signals)


def _find_lockfile(environ: Any) -> str:
    """Return the lockfile of the parent that started this process; '' if no parent did.

    The environment is marked, so that what inherits it does not take itself for the child.
    """
    mark, pid = environ.get(CHILD, ''), str(os.getpid())
    lockfile: str = environ.get(LOCKFILE, '')
    if mark.endswith(':' + pid):  # the child has replaced itself by exec
        return lockfile
    if not mark.isdecimal() or os.name == 'nt' and not os.path.exists(lockfile):
        return ''
    if (os.name == 'posix' and int(mark) != os.getppid()
            and any(pid == int(mark) for pid, *_ in _processes())):
        return ''  # that parent lives: this process was started by somebody else
    os.environ[CHILD] = f'{mark}:{pid}'
    return lockfile


def _first_environment() -> dict[str, str]:
    """Return what this process was started with, where Linux tells: os.environ may be changed."""
    path = '/proc/self/environ' if os.name == 'posix' else ''  # Wine shows its own there
    with contextlib.suppress(OSError), open(path, 'rb') as file:
        items = os.fsdecode(file.read()).split('\0')  # setproctitle writes over them
        return dict(item.partition('=')[::2] for item in items if '=' in item)
    return {}


def _checker() -> Optional[FileCheckerThread]:
    """Return this process's checker while it runs; a fork has none, nor has the parent."""
    checker: Optional[FileCheckerThread] = _shared['checker']
    is_alive = checker and checker.is_alive() and not (
        checker.has_left and threading.main_thread().is_alive())
    return checker if is_alive else None


def _require_main_thread() -> None:
    if not isinstance(threading.get_ident, types.BuiltinFunctionType):
        raise RuntimeError('gevent or eventlet has patched the threads: patch them in main, or '
                           'run `python3 reloader.py app.py`')
    process = getattr(sys.modules.get('multiprocessing'), 'current_process', lambda: None)()
    if getattr(process, '_inheriting', False):  # as Python itself asks before it starts one
        raise RuntimeError('this is a worker of multiprocessing, which imports the program anew: '
                           'start the reloader under `if __name__ == "__main__":`')
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError('the reloader must be started in the main thread, where signals arrive')


def _terminal(former: Any = None) -> Any:
    """Return how the terminal is set; set it as it was before, if the child died at a prompt."""
    with contextlib.suppress(Exception):  # Windows, no terminal, or one that hung up
        import termios
        if former and os.tcgetpgrp(0) == os.getpgrp():  # in the background it would stop us
            termios.tcsetattr(0, termios.TCSANOW, former)
        return termios.tcgetattr(0)


def _unlink(path: str) -> None:
    for _ in range(5):
        with contextlib.suppress(OSError):  # it is gone already
            os.unlink(path)
        if os.name == 'posix' or not os.path.exists(path):
            break
        _sleep(TICK)  # on Windows somebody holds it, such as our own heartbeat


def _say(text: str) -> int:
    """Write a line to stderr, in colour on a terminal; return the status of a failure."""
    stream: Any
    for stream in sys.__stderr__, sys.stderr:  # the program may have replaced the second
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, detached, or None
            is_plain = os.environ.get('NO_COLOR') or os.environ.get('TERM') == 'dumb'
            is_colored = os.name == 'posix' and stream.isatty() and not is_plain
            line = f'reloader: {text}'
            stream.write((f'\x1b[33m{line}\x1b[0m' if is_colored else line) + '\n')
            stream.flush()
            break
    return 1


def _inform(text: str) -> None:
    if not _shared['quiet']:
        _say(text)


# ---------------------------------------------------------------------------------- the server

def _serve(app: Any, listener: socket.socket, quiet: bool) -> None:
    """Serve until main is interrupted, then finish the requests in flight.

    A connection is in flight from its first byte on; one that has sent nothing is given a moment,
    as its request may be under way.
    """
    from wsgiref.simple_server import WSGIRequestHandler
    silence = {'log_message': lambda *args: None} if quiet else {}
    handler = type('Handler', (WSGIRequestHandler,), silence)
    host, port = listener.getsockname()[:2]
    listener.settimeout(MOMENT)  # a client may be gone when it is accepted
    server = _server_class()((host, port), handler, bind_and_activate=False)
    server.socket.close()
    server.socket, server.server_name, server.server_port = listener, host, port
    server.setup_environ()
    server.set_app(app)
    if not quiet:
        _say(f"serving on http://{f'[{host}]' if ':' in host else host}:{port}/ (Ctrl-C stops it)")
    threading.Thread(target=server.serve_forever, args=[None], daemon=True).start()
    try:
        while True:
            time.sleep(3600)  # of all waits the one that Ctrl-C ends on Windows, too
    finally:
        server.accepting.acquire()  # for good
        while max([0.0, *server.waits.values()]) > monotonic():
            time.sleep(0.002)


def _server_class() -> Any:
    """Return wsgiref's server, with a thread for each connection; imported by run() alone."""
    import socket
    from socketserver import ThreadingMixIn
    from wsgiref.simple_server import WSGIServer

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True
        accepting = threading.Lock()
        waits: dict[Any, float] = {}  # until when the end waits for each connection

        def get_request(self) -> Any:
            with self.accepting:
                connection, address = super().get_request()
                self.waits[connection] = monotonic() + MOMENT / 2
                return connection, address

        def finish_request(self, request: Any, address: Any) -> None:
            with contextlib.suppress(ConnectionError):  # the client has gone
                if request.recv(1, socket.MSG_PEEK):
                    self.waits[request] = float('inf')  # it is in flight
                    super().finish_request(request, address)

        def shutdown_request(self, request: Any) -> None:
            super().shutdown_request(request)
            self.waits.pop(request, None)

    return Server


# --------------------------------------------------------------------------------- command line

def main() -> None:
    """Run `python3 reloader.py [options] (script.py | -m module) [args...]`."""
    if is_running_from_reloader() and not _checker():
        return _run_program()
    del sys.path[:_HAS_PLACE]
    parser = _parser()
    given = parser.parse_args(_split_module(parser, sys.argv[1:]))
    words = [*(given.module or ()), *given.program]  # with -m, what follows two dashes is there
    name, *arguments = (words[1:] if words[:1] == ['--'] else words) or ['']  # -- ends ours
    if not name:
        parser.error('no script or module to run; usage: python3 reloader.py [options] '
                     '(script.py | -m module) [args ...]; try --help')
    if not given.module and not os.path.exists(name):
        why = 'standard input cannot be run again' if name == '-' else 'there is no such file'
        parser.error(f"can't open {name!r}: {why}")
    given.program = bool(given.module), name, arguments
    try:
        if given.bind:
            _bind_as_systemd(given.bind)
        options = _check(**vars(given))
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        sys.exit(_say(str(error.strerror)))
    if given.verbose:
        _say(f'looking at every file once in {given.interval} s, at the {HOT} saved last every '
             f'{2 * TICK} s (every {SLOW_TICK} s after {LIVELY:.0f} s without a save)')
    command = [sys.executable, *_own_flags(), '-c', _RUN, *sys.argv[1:]]
    _Parent(command, options, [_HERE, '' if given.module else name]).run()


def _parser() -> argparse.ArgumentParser:
    import argparse
    parser = argparse.ArgumentParser(
        'reloader', argparse.SUPPRESS,  # no usage: a mistake is one line
        'usage: python3 reloader.py [options] (script.py | -m module) [args ...]\n\n'
        'Run a Python program; restart it when its source changes.',
        "example: python3 reloader.py --extra-files 'templates/**' app.py --port 8080",
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add('--version', action='version', version=f'reloader {__version__}')
    add('--interval', metavar='S', type=float, default=1.0,
        help='longest time in seconds that a save may go unnoticed (default: 1)')
    add('--extra-files', metavar='PATTERN', action='append',
        help='more files, directories or globs to watch')
    add('--exclude-patterns', metavar='PATTERN', action='append', help='paths not to watch')
    add('--bind', metavar='HOST:PORT',
        help='hand the program a listening socket, as fd 3 (LISTEN_FDS)')
    add('--quiet', '-q', action='store_true', help='errors only')
    add('--wait', '-w', action='store_true',
        help='when the program ends by itself, wait for the next save')
    add('--verbose', '-v', action='store_true', help='say what is watched, and how often')
    add('-m', dest='module', nargs=argparse.REMAINDER, help='run a module, as python -m does')
    add('program', nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _split_module(parser: argparse.ArgumentParser, words: list[str]) -> list[str]:
    """Split -mpackage, or -qmpackage, in two; else the options after it would be ours."""
    for at, word in enumerate(words):
        flags, m, package = word.partition('m')
        if m and flags[:1] == '-' and not flags[1:].strip('qvw'):
            if package and not parser.parse_args(words[:at]).program:
                return [*words[:at], flags + m, package, *words[at + 1:]]
            break
    return words


def _bind_as_systemd(text: str) -> None:
    """Open a socket for the program, as descriptor 3; its LISTEN_PID follows in _become_child."""
    host, _, port = text.rpartition(':')
    if not host or not port.isdecimal() or os.name != 'posix':
        raise ValueError(f'--bind must be HOST:PORT, as 127.0.0.1:8000, on POSIX, not {text!r}')
    key = host.strip('[]'), int(port)
    listener = bind(*key)
    _shared['sockets'][key] = type(listener)(fileno=os.dup2(listener.detach(), 3))
    _shared['environ'].update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))


# Run this file from its bytecode, as to compile it at every start takes some 30 ms, and leave the
# program's __main__ as Python has made it.
_RUN = ("exec(__import__('_frozen_importlib_external').SourceFileLoader('reloader', "
        f"{_HERE!a}).get_code('reloader'), {{'__name__': '__main__', '__file__': {_HERE!a}}})")


def _run_program() -> None:
    """Be the child of the command line: run the program as Python itself would."""
    options = _shared['files'].options
    if not options:
        sys.exit(1)  # the lockfile is gone already, the parent is leaving
    _run_reloading(lambda: _execute(*options['program']), options)


def _execute(is_module: bool, name: str, arguments: list[str]) -> NoReturn:
    """Run a script, a module, a directory or an archive in __main__, and leave."""
    if hasattr(sys, 'orig_argv'):
        start = sys.orig_argv.index('-c')
        sys.orig_argv[start:] = ['-m'] * is_module + [name, *arguments]
    if is_module or os.path.isdir(name) or PathFinder.find_spec('__main__', [name]):
        import runpy
        sys.argv = [name, *arguments]
        place = [_shared['start']] * _HAS_PLACE if is_module else [_as_python_names(name)]
        sys.path[:_HAS_PLACE] = place
        # what `python -m` itself calls
        runpy._run_module_as_main(name if is_module else '__main__', is_module)  # type: ignore
    else:
        sys.path[:_HAS_PLACE] = [os.path.dirname(os.path.realpath(name))] * _HAS_PLACE
        path, namespace = _as_python_names(name), vars(sys.modules['__main__'])
        loader = SourceFileLoader('__main__', path)
        namespace.update(__file__=path, __loader__=loader)
        if sys.version_info < (3, 15):
            namespace['__cached__'] = None
        # Before sys.argv names it: by that the checker finds it, too, at the same moment.
        _shared['files'].watch(_source_of(path), _shared['files'].look_now)
        sys.argv = [name, *arguments]
        # Not get_code(), which would write bytecode, nor source_to_code(): its frames would show.
        exec(compile(loader.get_data(path), path, 'exec', dont_inherit=True), namespace)
    sys.exit()


def _as_python_names(name: str) -> str:
    """Return a script's path as Python shows it: relative until 3.8, then in full."""
    if sys.version_info < (3, 9) or os.name == 'nt' and os.path.isabs(name):
        return name
    path = os.path.join(_shared['start'], name)
    if os.name == 'posix':
        return os.path.normpath(path) if sys.implementation.name == 'pypy' else path
    return os.path.normpath(path) + os.sep * name.endswith(('/', os.sep))


if not _shared['files']:
    _become_child(os.environ)

sys.path[:0] = _place

if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:  # so early that nobody waits for it
        pass
    sys.exit(128 + signal.SIGINT)  # after Ctrl-C alone: otherwise main() leaves by SystemExit
