"""Measure reloader.py and its peers, each next to its own floor, and print Markdown tables.

    python tests/benchmark.py                       every reloader installed here: an hour
    python tests/benchmark.py --peers bottle,flask  ours and these two
    python tests/benchmark.py --quick               ours and Bottle, few saves: a minute or two
    python tests/benchmark.py --plot speed.svg      draws a picture of it, too

Ctrl-C ends the measuring; what there is by then is told.

The floor is the same program started plainly, from spawn to its first line: one start after each
save, so that both meet the same load. Times run from the save to the first line of the new
program. Figures of one run compare with each other and with no others. CPU, wake-ups, memory and
the profile are Linux's (/proc) and left out elsewhere. Not a test: nothing passes or fails here.
"""
from __future__ import annotations

import argparse
import collections
import contextlib
import http.client
import importlib.metadata
import math
import os
import platform
import random
import re
import select
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Callable, Optional, Tuple

from programs import BODY, EXTRA, MODULE, RELOADERS, Reloader, workspace

LINUX = sys.platform == 'linux'
LIMIT = 10  # s without a line of the new program: it is not coming ("never")
QUIET = 45  # s without a save, as long as one thinks
CLIENTS, MEGABYTE = 8, 100_000  # clients that ask at the same time, lines of their answers
Line = Tuple[float, 'list[str]']  # when it came, its words

# --- Processes -------------------------------------------------------------------------------

class Program:
    """A running program, whose lines are kept with the moment they came."""

    def __init__(self, reloader: Reloader, folder: Path, reload: bool, port: int = 0) -> None:
        command = (reloader.command if reload else reloader.plain).format(
            python=sys.executable, bin=Path(sys.executable).parent, port=port,
            extra='--extra-files data' if (folder / 'data').exists() else '')
        env = {k: v for k, v in os.environ.items() if not k.startswith(('PYTHON', 'RELOADER_'))}
        env.update(BENCHMARK_PORT=str(port), BENCHMARK_RELOAD='1' if reload else '')
        self.lines: list[Tuple[float, str]] = []
        self.last: collections.deque[str] = collections.deque(maxlen=20)  # shown if it fails
        self.came = threading.Condition()
        self.spawned = time.monotonic()
        self.process = subprocess.Popen(
            shlex.split(command), cwd=folder, env=env, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self.pid = self.process.pid
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        for line in self.process.stdout or ():
            now = time.monotonic()
            self.last.append(line)
            if line.startswith(('ready ', 'unwound ', 'atexit ', 'reloader: ')):
                with self.came:
                    self.lines.append((now, line))
                    self.came.notify_all()

    def find(self, start: str, since: float = 0) -> Optional[Line]:
        return next(((came, line.split()) for came, line in list(self.lines)
                     if came >= since and line.startswith(start)), None)

    def wait(self, start: str, limit: float = LIMIT) -> Optional[Line]:
        """Wait for the first line that begins so; None if it does not come."""
        with self.came:
            self.came.wait_for(lambda: self.find(start), limit)
        return self.find(start)

    def expect(self, start: str) -> Line:
        return self.wait(start, 60) or sys.exit(f'no {start!r} came, but: {"".join(self.last)}')

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *error: object) -> None:
        pids = family(self.pid)
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(2)
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, getattr(signal, 'SIGKILL', signal.SIGTERM))
        self.process.wait()


def family(pid: int) -> list[int]:
    """Return a process, its children and theirs."""
    children = []
    for path in Path(f'/proc/{pid}/task').glob('*/children'):
        with contextlib.suppress(OSError):
            children += path.read_text().split()
    return [pid] + [descendant for child in children for descendant in family(int(child))]


def cpu_seconds(pid: int) -> float:
    """Return utime + stime of a process, from the clock that shows their sum in ns."""
    return time.clock_gettime(~pid << 3 | 2)    # as clock_getcpuclockid(3) makes it of a pid


def switches(pid: int) -> int:
    """Return how often a process's threads went to sleep, to be woken later."""
    return sum(int(re.findall(r'\nvoluntary_ctxt_switches:\s*(\d+)', path.read_text())[0])
               for path in Path(f'/proc/{pid}/task').glob('*/status'))


def private_memory(pid: int) -> float:
    """Return what a process has in memory for itself alone (USS), in MB."""
    text = Path(f'/proc/{pid}/smaps_rollup').read_text()
    return sum(map(int, re.findall(r'Private_(?:Clean|Dirty):\s*(\d+)', text))) / 1024


def bare_memory() -> float:
    """Return the private memory of an interpreter that does nothing."""
    with subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)']) as process:
        time.sleep(1)
        private = private_memory(process.pid)
        process.kill()
    return private


# --- Measuring -------------------------------------------------------------------------------

def free_port() -> int:
    with socket.create_server(('127.0.0.1', 0)) as server:
        return int(server.getsockname()[1])


def percentile(values: list[float], share: float) -> Optional[float]:
    if share == 0.5 or not values:
        return statistics.median(values) if values else None
    return sorted(values)[math.ceil(share * len(values)) - 1]


def save_later(path: Path, serial: int, earliest: float = 1, latest: float = 2) -> float:
    """Save a program in place, as most editors do, at a random moment; return when."""
    time.sleep(random.uniform(earliest, latest))
    text = re.sub(r'SERIAL = \d+', f'SERIAL = {serial}', path.read_text(), count=1)
    now = time.monotonic()
    path.write_text(text)
    return now


def start_plainly(reloader: Reloader, folder: Path) -> list[float]:
    """Return the seconds from spawn to the first line's arrival, first statement, first line."""
    port = free_port() if reloader.serves else 0
    with Program(reloader, folder, reload=False, port=port) as program:
        came, words = program.expect('ready')
        return [moment - program.spawned for moment in (came, *map(float, words[3:]))]


def measure(reloader: Reloader, modules: int, seconds: float, saves: int) -> None:
    """Measure idle cost, saves of the program, and of modules that were not touched for long."""
    print(f'{reloader.name}, {modules} modules', file=sys.stderr)
    port, times = free_port() if reloader.serves else 0, reloader.times
    with workspace(reloader, modules) as folder:
        with Program(reloader, folder, reload=True, port=port) as program:
            program.expect('ready 0 ')
            time.sleep(2 + modules / 1000)  # some print this line in the parent too, earlier
            if LINUX:
                measure_idle(reloader, program.pid, modules, seconds)
            untouched = random.sample(sorted(folder.glob('mods/m*.py')), min(saves, modules))
            for serial, path in enumerate([folder / 'app.py'] * saves + untouched, 1):
                saved = save_later(path, serial)
                line = program.wait(f'ready {serial} ')
                what = 'untouched' if path in untouched else 'saved'
                times[what, modules].append(line[0] - saved if line else math.inf)
                if line is None:
                    break
                times['floor', modules].append(start_plainly(reloader, folder)[0])
        while len(times['floor', modules]) < 3:
            times['floor', modules].append(start_plainly(reloader, folder)[0])


def measure_moments(reloader: Reloader, saves: int, quiet: int) -> None:
    """Measure saves right after a start, and those after a time in which nothing was saved."""
    print(f'{reloader.name}, right after a start and after quiet', file=sys.stderr)
    port = free_port() if reloader.serves else 0
    with workspace(reloader, 0) as folder, \
            Program(reloader, folder, reload=True, port=port) as program:
        program.expect('ready 0 ')
        time.sleep(2)  # some print this line in the parent too, earlier
        whens = [('early', 0.1, 1.3)] * saves + [('quiet', QUIET, QUIET + 1)] * quiet
        for serial, (what, *when) in enumerate(whens, 1):
            saved = save_later(folder / 'app.py', serial, *when)
            line = program.wait(f'ready {serial} ')
            reloader.times[what, 0].append(line[0] - saved if line else math.inf)


def measure_extra(reloader: Reloader, saves: int, seconds: float) -> None:
    """Measure what a folder of many extra files costs, and when a save in it is noticed."""
    print(f'{reloader.name}, {EXTRA} extra files', file=sys.stderr)
    port = free_port() if reloader.serves else 0
    with workspace(reloader, 0, EXTRA) as folder, \
            Program(reloader, folder, reload=True, port=port) as program:
        for number in range(saves + 1):
            program.expect('ready 0 ')
            time.sleep(3)
            if number == 0 and LINUX:
                measure_idle(reloader, program.pid, 'extra', seconds)
            with program.came:
                program.lines.clear()
            saved = time.monotonic()
            random.choice([*(folder / 'data').iterdir()]).write_text(f'{number}\n')
            line = program.wait('ready 0 ')
            reloader.times['extra', 0].append(line[0] - saved if line else math.inf)
            if line is None:
                break


def import_time(module: str, times: int) -> float:
    """Return the seconds that an interpreter needs to import a module and end: the median."""
    def start(code: str) -> float:
        began = time.monotonic()
        subprocess.run([sys.executable, '-c', code], cwd=folder, check=True)
        return time.monotonic() - began

    with workspace(RELOADERS[0], 0) as folder:
        return statistics.median(start(f'import {module}') - start('import threading')
                                 for _ in range(times))


def measure_idle(reloader: Reloader, pid: int, modules: int | str, seconds: float) -> None:
    """Note the CPU time of parent and child, wake-ups and memory of the parent, at rest."""
    pids, started = family(pid), time.monotonic()
    used, woken = sum(map(cpu_seconds, pids)), switches(pid)
    time.sleep(seconds)
    passed = time.monotonic() - started
    reloader.cpu[modules] = (sum(map(cpu_seconds, pids)) - used) / passed * 100
    if modules == 0:
        reloader.wakeups = (switches(pid) - woken) / passed
        reloader.private = private_memory(pid)


def ask(port: int, serials: list[int], lines: int) -> str:
    """Ask once; tell what came of it. The old and the new answer are good, if whole."""
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
    try:
        connection.request('GET', '/')
        answer = connection.getresponse().read()
        return 'good' if answer in [b'serial %d\n' % n * lines for n in serials[-2:]] else 'wrong'
    except ConnectionRefusedError:
        return 'refused'
    except (ConnectionResetError, BrokenPipeError):
        return 'reset'
    except (OSError, http.client.HTTPException):
        return 'wrong'
    finally:
        connection.close()


def ask_through_reloads(reloader: Reloader, reloads: int, clients: int, lines: int) -> None:
    """Let clients ask without a pause while the program reloads; count what they get."""
    print(f'{reloader.name}, requests of {clients}', file=sys.stderr)
    port, stop, serials = free_port(), threading.Event(), [0]
    count = reloader.requests[clients] = collections.Counter()

    def ask_on() -> None:
        while not stop.is_set():
            count.update([ask(port, serials, lines), 'asked'])

    with workspace(reloader, 0, lines=lines) as folder, \
            Program(reloader, folder, reload=True, port=port) as program:
        program.expect('ready 0 ')
        deadline = time.monotonic() + LIMIT
        while ask(port, serials, lines) != 'good' and time.monotonic() < deadline:
            time.sleep(0.1)
        threads = [threading.Thread(target=ask_on, daemon=True) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for serial in range(1, reloads + 1):
            serials.append(serial)
            save_later(folder / 'app.py', serial)
            if program.wait(f'ready {serial} ') is None:
                count['stuck'] = serial
                break
        time.sleep(1)
        stop.set()
        for thread in threads:
            thread.join(30)


def profile(reloader: Reloader, saves: int) -> dict[str, float]:
    """Return the moments between save and first line: medians, in ms after the save."""
    moments: dict[str, list[float]] = collections.defaultdict(list)
    with workspace(reloader, 0) as folder, Program(reloader, folder, reload=True) as program:
        pid = int(program.expect('ready 0 ')[1][2])
        for serial in range(1, saves + 1):
            handle = os.pidfd_open(pid)
            saved = save_later(folder / 'app.py', serial)
            select.select([handle], [], [], LIMIT)
            seen = {'child gone': time.monotonic()}
            os.close(handle)
            while set(family(program.pid)) <= {program.pid, pid} \
                    and time.monotonic() < saved + LIMIT:
                time.sleep(0.0002)
            seen['next one spawned'] = time.monotonic()
            came, words = program.expect(f'ready {serial} ')
            pid = int(words[2])
            seen['its first statement'], seen['imported, first line'] = map(float, words[3:])
            for name, start in (('noticed, said on stderr', 'reloader: '),
                                ('woken, unwound', 'unwound'), ('threads joined', 'atexit')):
                line = program.find(start, since=saved)
                if line and line[0] < came:
                    seen[name] = line[0] if start == 'reloader: ' else float(line[1][-1])
            for name, moment in seen.items():
                moments[name].append((moment - saved) * 1000)
    return {name: statistics.median(values) for name, values in moments.items()}


# --- Telling ---------------------------------------------------------------------------------

def show(value: Optional[float], form: str = '{:.2f} s') -> str:
    return '–' if value is None else 'never' if math.isinf(value) else form.format(value)


def over(reloader: Reloader, what: str, modules: int, share: float) -> Optional[float]:
    """Return that percentile above the median of the floor, in seconds."""
    time = percentile(reloader.times[what, modules], share)
    floor = percentile(reloader.times['floor', modules], 0.5)
    return None if time is None or floor is None else time - floor


def late(what: str, modules: int, share: float) -> Callable[[Reloader], str]:
    return lambda reloader: show(over(reloader, what, modules, share), '{:+.2f} s')


def idle(modules: int | str) -> Callable[[Reloader], str]:
    return lambda reloader: show(reloader.cpu.get(modules), '{:.2f} %')


def faults(clients: int) -> Callable[[Reloader], str]:
    def tell(reloader: Reloader) -> str:
        count = reloader.requests.get(clients)
        if not count:
            return '–'
        return f"{count['refused']} / {count['reset']} / {count['wrong']} of {count['asked']}" + (
            f", stuck at reload {count['stuck']}" if count['stuck'] else '')
    return tell


def figures(bare: Optional[float]) -> list[Tuple[str, str, str, Callable[[Reloader], str]]]:
    """Return what there is to show: title, target, stretch target, a reloader's figure."""
    return [
        ('floor', '', '', lambda r: show(percentile(r.times['floor', 0], 0.5))),
        ('save → first line, p50', '+0.07 s', '+0.06 s', late('saved', 0, 0.5)),
        ('p90', '+0.10 s', '+0.09 s', late('saved', 0, 0.9)),
        ('right after a start, p50', '+0.07 s', '+0.06 s', late('early', 0, 0.5)),
        ('right after a start, p90', '+0.10 s', '+0.09 s', late('early', 0, 0.9)),
        (f'after {QUIET} s of quiet, p50', '+0.08 s', '', late('quiet', 0, 0.5)),
        (f'after {QUIET} s of quiet, longest', '+0.12 s', '', late('quiet', 0, 1)),
        ('1000 modules: floor', '', '', lambda r: show(percentile(r.times['floor', 1000], 0.5))),
        ('1000 modules: p50', '+0.10 s', '+0.06 s', late('saved', 1000, 0.5)),
        ('a module long untouched, p50', '', '', late('untouched', 1000, 0.5)),
        ('longest', '+1.00 s', '+0.30 s', late('untouched', 1000, 1)),
        ('idle CPU', '0.25 %', '0.10 %', idle(0)),
        ('with 1000 modules', "Bottle's", 'half of it', idle(1000)),
        ('with 3000', "Bottle's", 'half of it', idle(3000)),
        (f'with {EXTRA} extra files', '1.00 %', '', idle('extra')),
        ('a save in them, longest', '+5.00 s', '', late('extra', 0, 1)),
        ('wake-ups of the parent', '4/s', '1/s', lambda r: show(r.wakeups, '{:.1f}/s')),
        ('its USS over a bare interpreter', '+3 MB', '+1 MB', lambda r: show(
            r.private and bare and r.private - bare, '{:+.1f} MB')),
        ('refused / reset / wrong', '0 / 0 / 0', '', faults(1)),
        (f'{CLIENTS} clients, 1 MB', '0 / 0 / 0', '', faults(CLIENTS))]


def print_table(header: list[str], rows: list[list[str]]) -> None:
    for row in (header, ['---'] + ['---:'] * (len(header) - 1), *rows):
        print('|' + '|'.join(f' {cell} ' for cell in row) + '|')
    print()


def print_growth(reloader: Reloader) -> None:
    rows = []
    for modules in sorted(modules for what, modules in reloader.times if what == 'floor'):
        look = modules and reloader.cpu and reloader.cpu[modules] - reloader.cpu[0] or None
        rows.append([
            str(modules), show(percentile(reloader.times['floor', modules], 0.5)),
            *(late('saved', modules, share)(reloader) for share in (0.5, 0.9)),
            *(late('untouched', modules, share)(reloader) for share in (0.5, 1)),
            idle(modules)(reloader), show(look and look * 10, '{:.2f} ms'),
            show(look and look * 10000 / modules, '{:.2f} µs')])
    print_table([f'{reloader.name}: modules', 'floor', 'p50', 'p90', 'long untouched, p50',
                 'longest', 'idle CPU', 'CPU a look at all', 'a file'], rows)


def print_profile(reloader: Reloader, saves: int) -> None:
    with workspace(reloader, 0) as folder:
        starts = [start_plainly(reloader, folder) for _ in range(saves)]
    _, statement, line = (statistics.median(times) * 1000 for times in zip(*starts))
    rows: list[list[str]] = []
    last = 0.0
    for name, moment in sorted(profile(reloader, saves).items(), key=lambda item: item[1]):
        rows.append([name, f'{moment:.1f}', f'{moment - last:.1f}'])
        last = moment
    rows.append(['(floor: spawn to first statement, first line)', f'{line:.1f}',
                 f'{statement:.1f} + {line - statement:.1f}'])
    print_table([reloader.name, 'ms after the save, p50', 'step'], rows)


def plot(reloaders: list[Reloader], path: Path) -> None:
    """Draw two bars for each: the floor and what the reloader adds; idle CPU."""
    modules = 1000 if all(1000 in r.cpu for r in reloaders) else 0
    rows = [(percentile(r.times['saved', 0], 0.5) or 0, percentile(r.times['saved', 0], 0.9) or 0,
             percentile(r.times['floor', 0], 0.5) or 0, r.cpu.get(modules, 0), r)
            for r in reloaders if math.isfinite(over(r, 'saved', 0, 0.9) or math.inf)]
    x = 300 / max((p90 for _, p90, *_ in rows), default=1)
    width = 150 / max((cpu for *_, cpu, _ in rows), default=1) if LINUX else 0
    parts = ['<text x="180" y="18">save to first line, p50 (grey: a plain start; line: p90)</text>'
             f'<text x="580" y="18">idle CPU with {modules} modules</text>']
    for number, (p50, p90, floor, cpu, r) in enumerate(sorted(rows, key=lambda row: row[0])):
        y, colour = 30 + 24 * number, '#2a7' if r.key == 'reloader' else '#48c'
        for left, length, fill in ((180., p50 * x, colour), (180., floor * x, '#999'),
                                   (580., cpu * width, colour)):
            parts.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="16" '
                         f'fill="{fill}"/>')
        parts.append(f'<path d="M{180 + p50 * x:.1f} {y + 8}h{(p90 - p50) * x:.1f}" '
                     f'stroke="{colour}" stroke-width="2"/>')
        for left, anchor, text in ((170., 'end', r.name.replace('`', '')),
                                   (186 + p90 * x, 'start', f'{p50:.2f} s'),
                                   (586 + cpu * width, 'start', f'{cpu:.2f} %')):
            parts.append(f'<text x="{left:.1f}" y="{y + 13}" text-anchor="{anchor}">{text}</text>')
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" '
                    f'font-size="12" viewBox="0 0 830 {40 + 24 * len(rows)}">'
                    f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n')


def version(key: str) -> Optional[str]:
    """Return a reloader's version; None if it is not installed."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(key)
    return 'here' if key == 'reloader' and MODULE.exists() else None


def main() -> None:
    parser = argparse.ArgumentParser(description='Measure reloader.py and its peers.')
    parser.add_argument('--peers', help='some of ' + ','.join(r.key for r in RELOADERS[3:]))
    parser.add_argument('--quick', action='store_true', help='ours and Bottle, a minute or two')
    parser.add_argument('--plot', type=Path, metavar='FILE.svg', help='draw a picture')
    args = parser.parse_args()
    saves, quiet, seconds, reloads = (3, 0, 3, 3) if args.quick else (15, 6, 20, 20)
    keys = args.peers.split(',') if args.peers else ['bottle'] if args.quick else [
        r.key for r in RELOADERS]
    chosen = [r for r in RELOADERS if r.key in ['reloader', *keys] and version(r.key)]
    ours = [r for r in chosen if r.key == 'reloader']
    signal.signal(signal.SIGINT, signal.default_int_handler)    # a background job ignores it
    bare, load = bare_memory() if LINUX else None, os.getloadavg()[0] if LINUX else 0
    with contextlib.suppress(KeyboardInterrupt):    # then tell what there is
        for reloader in chosen:
            counts = [0] if args.quick else [0, 1000, 3000]
            if reloader in ours[1:2]:
                counts = [0, 1000] if args.quick else [0, 100, 1000, 3000, 10000]
            for modules in counts:
                measure(reloader, modules, seconds, 0 if modules == 3000 else saves)
            if not args.quick or reloader in ours[:1]:
                # Only ours has a pace that depends on when it was last saved.
                measure_moments(reloader, saves, quiet if reloader in ours else 0)
                if reloader.extra:
                    measure_extra(reloader, 1 if args.quick else 4, seconds)
            if reloader not in ours[:2]:    # those two serve nothing themselves
                ask_through_reloads(reloader, reloads, 1, BODY)
                if not args.quick or reloader in ours:
                    ask_through_reloads(reloader, reloads, CLIENTS, MEGABYTE)
    print(f'{time.strftime("%Y-%m-%d %H:%M")}, {platform.platform()}, {os.cpu_count()} cores, '
          f'CPython {platform.python_version()}, ' + ', '.join(
              f'{key} {version(key)}' for key in dict.fromkeys(r.key for r in chosen)),
          f'load {load:.1f} before', f'and {os.getloadavg()[0]:.1f} after' if LINUX else '')
    print('\nTimes are above the floor, the program started plainly; p50 of '
          f'{saves} saves, idle CPU over {seconds} s, {reloads} reloads for the client.\n')
    if ours:
        took = import_time('reloader', 3 if args.quick else 30) * 1000
        print(f'`import reloader` takes {took:.1f} ms more than `import threading`.\n')
    shown = figures(bare)
    print_table(['reloader', *(title for title, *_ in shown)],
                [[r.name, *(figure(r) for *_, figure in shown)] for r in chosen])
    if ours:
        print_table(['target', 'at the most', 'stretch', *(r.name for r in ours)],
                    [[title, target, stretch, *(figure(r) for r in ours)]
                     for title, target, stretch, figure in shown if target])
        print_growth(ours[1])
    for reloader in ours[:2] if hasattr(os, 'pidfd_open') else ():
        print_profile(reloader, saves)
    if args.plot:
        plot(chosen, args.plot)


if __name__ == '__main__':
    main()
