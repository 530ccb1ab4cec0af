"""The legs of CI, started by .ci/run: the suite everywhere, frameworks, linters, coverage.

Each leg has a deadline, prints its lines and adds to the totals that end the output. A leg that
cannot run here says why in one line; with the package index or apt reachable, a leg that needs
no more than them must run.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Callable

TOP = Path(__file__).resolve().parent.parent
SHARED = TOP.parent / 'shared'
PARALLEL = int(os.environ.get('CI_PARALLEL', '2'))  # the suites wait more than they compute
SUITE_LIMIT = 20 * 60  # seconds for one run of the suite: only a hang takes as long
WINE_LIMIT = 45 * 60  # it is several times as slow
LOGS = Path(os.environ['CI_LOGS']) if 'CI_LOGS' in os.environ else None  # whole outputs go there
FRAMEWORKS = (
    'bottle flask grpcio waitress cheroot uvicorn tornado aiohttp gevent'
    ' django gunicorn hypercorn debugpy eventlet'
)
AGAIN = '\n(and again)\n'  # between the outputs of the first and the second run
EXAMPLES = ('tests.test_examples',)
# Emulated, traced, or not released: slow, or new every day. What fails there is for a person.
GUESTS = ('Wine', 'measured', 'sid')
LINTERS = 'ruff==0.17.5 mypy==2.4.1'  # their rules change with every version
DEBIAN = 'http://deb.debian.org/debian'
PACKAGES = (
    'pypy3 pypy3-venv wine wine64 gcc-mingw-w64-x86-64-win32 debootstrap'
    ' make gcc libc6-dev libffi-dev zlib1g-dev musl-tools'
).split()
WINDOWS_PYTHONS = ('3.13',)  # 3.8 runs too, and takes as long again
SID_PYTHONS = ('3.14', '3.15')


# What the tests ran were copies of reloader.py in many folders: count them as one file.
ONE_FILE = """
import sys, coverage
copies, one = coverage.CoverageData(sys.argv[1]), coverage.CoverageData(sys.argv[1] + '.one')
copies.read()
one.update(copies, map_path=lambda path: sys.argv[2])
one.write()
"""


class CannotRun(Exception):
    """What a leg needs cannot be had here."""


class LegFailed(Exception):
    """A leg failed before or beside its tests; the text says how."""


class Totals:
    """The numbers of the last line, and one lock for them and for the output."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0
        self.reasons: dict[str, set[str]] = {}  # why tests were skipped -> where
        self.lock = threading.Lock()

    def add(self, passed: int, failed: int, skipped: int, *lines: str) -> None:
        """Add the numbers and print the lines, in one piece."""
        with self.lock:
            self.passed += passed
            self.failed += failed
            self.skipped += skipped
            for line in lines:
                print(line, flush=True)

    def because(self, reason: str, where: str) -> None:
        """Remember why a test was skipped."""
        with self.lock:
            self.reasons.setdefault(reason, set()).add(where)


totals = Totals()
work = Path(tempfile.mkdtemp(prefix='reloader-ci.')).resolve()


# -------------------------------------------------------------------------------- running commands


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment as a user has it: bytecode is written, nothing of ours set."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(('PYTHON', 'RELOADER_', 'COVERAGE_'))
    }
    return {**env, **more}


def run(command: list[str], limit: float = 600, **how: object) -> tuple[int, str]:
    """Return the status and the output of a command; status 124 when it had to be ended."""
    how.setdefault('env', clean_environment())
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        **how,
    )  # type: ignore[call-overload]
    chunks: list[bytes] = []
    reader = threading.Thread(
        target=lambda: chunks.extend(iter(lambda: os.read(process.stdout.fileno(), 65536), b'')),
        daemon=True,
    )
    reader.start()
    try:
        status = process.wait(limit)
    except subprocess.TimeoutExpired:
        status = 124
        chunks.append(f'\n--- ended: it ran for more than {limit:.0f} s\n'.encode())
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    reader.join(10)  # longer only if something that it started holds the pipe
    return status, b''.join(chunks).decode('utf-8', 'replace').replace('\r\n', '\n')


def must(command: list[str], limit: float = 600, **how: object) -> str:
    """Run a preparing command, twice if need be: a download may fail; raise LegFailed."""
    status, output = run(command, limit, **how)
    if status:
        status, output = run(command, limit, **how)
    if status:
        raise LegFailed(f'{" ".join(command)[:200]}: status {status}\n{tail(output, 25)}')
    return output


def tail(text: str, lines: int) -> str:
    """Return the last lines of a text."""
    return '\n'.join(text.splitlines()[-lines:])


def leg(name: str, action: Callable[[], None]) -> None:
    """Run one leg and say so when it cannot run or fails beside its tests."""
    try:
        action()
    except CannotRun as error:
        totals.add(0, 0, 1, f'{name}: not run: {error}')
    except Exception as error:  # a leg that breaks must not hide the others
        is_guest = name in ('coverage', 'sid', 'wine')  # see GUESTS
        kind = '' if isinstance(error, LegFailed) else f'{type(error).__name__}: '
        totals.add(0, not is_guest, int(is_guest), f'{name}: FAILED: {kind}{error}')


# --------------------------------------------------------------------------------------- the suite


def checkout(folder: Path) -> Path:
    """Return a fresh copy of the tree below folder, without what git does not know."""
    skip = shutil.ignore_patterns('.git', '__pycache__', '*.pyc', '.*_cache', '.coverage*')
    copy = folder / 'checkout'
    shutil.copytree(TOP, copy, ignore=skip, symlinks=True)
    return copy


def suite(
    name: str,
    command: list[str],
    env: dict[str, str] | None = None,
    before: float = 0,
    folder: Path | None = None,
    tests: tuple[str, ...] = (),
) -> None:
    """Run `command -m unittest -v` in a copy of the tree and print its line."""
    folder = folder or new_folder(name)
    copy = checkout(folder)
    start = time.monotonic()
    env = env or clean_environment(TMPDIR=str(folder / 'tmp'))
    limit = WINE_LIMIT if command[0] == 'wine' else SUITE_LIMIT
    status, output = run(
        [*command, '-m', 'unittest', '-v', *tests], limit, cwd=copy, env=env
    )
    status, output = run_failed_again(command, status, output, copy, env)
    is_guest = any(word in name for word in GUESTS)
    report(name, status, output, time.monotonic() - start, before, folder, is_guest)


def run_failed_again(
    command: list[str], status: int, output: str, copy: Path, env: dict[str, str]
) -> tuple[int, str]:
    """Run a few failed tests a second time, alone: other legs run beside this one.

    What passes then is printed, and not counted as failed.
    """
    found = re.findall(r'^(?:FAIL|ERROR): (test_\w+) \(([\w.]+)\)', output, re.MULTILINE)
    names = sorted({f'{where.removesuffix("." + test)}.{test}' for test, where in found})
    if not status or not 0 < len(names) <= 8 or 'wine' in command[0]:
        return status, output
    second, more = run([*command, '-m', 'unittest', *names], SUITE_LIMIT, cwd=copy, env=env)
    if second:
        return status, output + AGAIN + more
    for name in names:
        totals.add(0, 0, 0, f'    passed only the second time: {name}')
    skipped = re.findall(r'skipped=\d+', output)[-1:]
    end = f'OK ({skipped[0]})' if skipped else 'OK'
    return 0, re.sub(r'^FAILED \(.*\)$', end, output, flags=re.MULTILINE)


def new_folder(name: str) -> Path:
    """Make a folder for one run, with its own temporary directory: what it leaves is found."""
    folder = Path(tempfile.mkdtemp(prefix=re.sub(r'\W+', '-', name) + '.', dir=work))
    (folder / 'tmp').mkdir()
    return folder


def report(
    name: str,
    status: int,
    output: str,
    seconds: float,
    before: float,
    folder: Path,
    is_guest: bool = False,
) -> None:
    """Print the line of one run of the suite, what failed in it, and what it left running.

    What fails on a guest is printed, and counted as skipped: it is for a person to look at.
    """
    passed, failed, skipped = counts(output)
    if LOGS:
        LOGS.mkdir(parents=True, exist_ok=True)
        (LOGS / re.sub(r'\W+', '-', name)).write_text(output)
    lines = []
    if bool(status) != bool(failed):  # it ended otherwise than its last lines say
        failed = failed or 1
        lines.append(f'    status {status}')
    left = left_running(folder)
    if left:
        failed += 1
        lines += ['    left running: ' + one for one in left]
    preparing = f' after {before:.0f} s of preparation' if before else ''
    numbers = f'{passed:4} passed, {failed} failed, {skipped} skipped in {seconds:.0f} s'
    line = f'{name:34} {numbers}{preparing}'
    if failed:
        lines += ['    ' + one for one in re.findall(r'^(?:FAIL|ERROR): .*', output, re.MULTILINE)]
        begin = output.find('\n======')
        lines.append(tail(output[begin if begin >= 0 else 0 :], 60 if is_guest else 400))
    for reason in re.findall(r'^(?:.* \.\.\. )?skipped [\'"](.*)[\'"]$', output, re.MULTILINE):
        totals.because(re.sub(r'reloader-test\.\w+', '...', reason), name)
    if is_guest and passed:
        skipped, failed = skipped + failed, 0
    totals.add(passed, failed, skipped, line, *lines)


def counts(output: str) -> tuple[int, int, int]:
    """Return how many tests passed, failed and were skipped, from unittest's last lines."""
    output = output.partition(AGAIN)[0]
    ran = re.findall(r'^Ran (\d+) tests? in', output, re.MULTILINE)
    end = re.findall(r'^(?:OK|FAILED|NO TESTS RAN)(?: \((.*)\))?$', output, re.MULTILINE)
    if not ran or not end or ran[-1] == '0':  # it did not come to its end: as far as it came
        done = re.findall(r'\.\.\. (ok|FAIL|ERROR|skipped)\b', output)
        bad = done.count('FAIL') + done.count('ERROR')
        return done.count('ok'), bad + 1, done.count('skipped')
    of = {name.strip(): int(number) for name, number in re.findall(r'([a-z ]+)=(\d+)', end[-1])}
    failed = sum(of.get(name, 0) for name in ('failures', 'errors', 'unexpected successes'))
    skipped = of.get('skipped', 0)
    return max(0, int(ran[-1]) - failed - skipped), failed, skipped


def left_running(folder: Path) -> list[str]:
    """Kill and describe the processes that a run left behind below its folder."""
    found = []
    for directory in glob.glob('/proc/[0-9]*'):
        pid = int(directory[6:])
        try:
            cwd, command = os.readlink(directory + '/cwd'), Path(directory, 'cmdline').read_bytes()
        except OSError:  # it has just ended, or is a zombie
            continue
        words = command.decode('utf-8', 'replace').replace('\0', ' ')
        if pid != os.getpid() and str(folder) + '/' in cwd + '/' + words:
            found.append(f'{pid} {words} (in {cwd})')
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    return found


# -------------------------------------------------------------------------------- the interpreters


def identify(python: str) -> tuple[str, str] | None:
    """Return (minor version, name with the full version) of a working CPython >= 3.8."""
    code = (
        'import sys, platform; print(platform.python_implementation(), platform.python_version(),'
        ' getattr(sys, "abiflags", ""), sys.version_info >= (3, 8))'
    )
    try:
        status, output = run([python, '-c', code], 60)
    except OSError:  # gone, or not to be executed
        return None
    words = output.split()
    if status or words[0] != 'CPython' or words[-1] != 'True':
        return None  # a pyenv shim of a version that is not switched on, too
    threads = 't' if 't' in ''.join(words[2:-1]) else ''
    return '.'.join(words[1].split('.')[:2]) + threads, f'CPython {words[1]}{threads}'


def pythons() -> dict[str, tuple[str, str]]:
    """Return the CPythons of this machine: minor version -> (name, path), one of each."""
    paths = glob.glob(os.path.expanduser('~/.pyenv/versions/*/bin/python'))
    for folder in os.environ.get('PATH', '').split(os.pathsep):
        paths += [
            path
            for path in glob.glob(folder + '/python3.*')
            if re.search(r'/python3\.\d+t?$', path)
        ]
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(paths):
        known = identify(path)
        if known:
            found.setdefault(known[0], (known[1], path))
    return dict(
        sorted(
            found.items(), key=lambda item: [int(number) for number in re.findall(r'\d+', item[0])]
        )
    )


class Machine:
    """What can be had here, found out once."""

    def __init__(self) -> None:
        self.index = self.apt = False
        self.venv = work / 'venv'

    def find_index(self) -> None:
        """Make the virtual environment, and tell whether the package index can be reached."""
        self.venv_python = str(self.venv / 'bin' / 'python')
        must([sys.executable, '-m', 'venv', str(self.venv)], 120)
        probe = [
            self.venv_python,
            '-m',
            'pip',
            'download',
            '-q',
            '--no-deps',
            '--retries',
            '1',
            '-d',
            str(work / 'probe'),
        ]
        self.index = run([*probe, 'bottle'], 120)[0] == 0

    def find_apt(self) -> None:
        """Install the Debian packages, and tell whether Debian's archive can be reached."""
        if os.getuid() != 0 or not shutil.which('apt-get'):
            return
        env = clean_environment(DEBIAN_FRONTEND='noninteractive')
        self.apt = (
            run(['apt-get', 'update', '-q', '-o', 'APT::Update::Error-Mode=any'], 180, env=env)[0]
            == 0
        )
        if self.apt:
            self.install(*PACKAGES)

    def install(self, *packages: str) -> None:
        """Install Debian packages."""
        command = ['apt-get', 'install', '--no-install-recommends', '-q', '-y', *packages]
        must(command, 900, env=clean_environment(DEBIAN_FRONTEND='noninteractive'))

    def need(self, index: bool = False, apt: bool = False) -> None:
        """Raise CannotRun when the index or apt is needed and cannot be reached."""
        if index and not self.index:
            raise CannotRun('the package index cannot be reached')
        if apt and not self.apt:
            raise CannotRun('apt cannot be used: not root, or no archive reachable')


machine = Machine()


def first() -> None:
    """Run the README's command in the checkout itself."""
    known = identify('python3')
    name = (known[1] if known else 'python3') + ', python3 -m unittest'
    folder, start = new_folder('first'), time.monotonic()
    status, output = run(
        ['python3', '-m', 'unittest'],
        SUITE_LIMIT,
        cwd=TOP,
        env=clean_environment(TMPDIR=str(folder / 'tmp')),
    )
    env = clean_environment(TMPDIR=str(folder / 'tmp'))
    status, output = run_failed_again(['python3'], status, output, TOP, env)
    report(name, status, output, time.monotonic() - start, 0, folder)


def pypy() -> None:
    """Run the suite on PyPy."""
    machine.need(apt=not shutil.which('pypy3'))
    version = must(
        [
            'pypy3',
            '-c',
            'import platform, sys; print("PyPy %d.%d.%d" % sys.pypy_version_info[:3],'
            ' "(Python %s)" % platform.python_version())',
        ]
    )
    suite(version.strip(), ['pypy3'])


def wine(versions: tuple[str, ...] = WINDOWS_PYTHONS) -> None:
    """Run the suite on Windows' CPython under Wine; one at a time, they share a prefix."""
    machine.need(index=True, apt=True)
    script = SHARED / 'windows' / 'windows-python.sh'
    if not script.exists():
        raise CannotRun(f'{script} is not there')
    env = clean_environment(
        WINEPREFIX=str(work / 'wine'),
        WINEDEBUG='-all',
        WINEDLLOVERRIDES='mscoree=d;mshtml=d;winemenubuilder.exe=d',
    )
    for version in versions:
        start, folder = time.monotonic(), work / 'windows' / version
        must(['bash', str(script), str(folder), version])
        python = ['wine', str(folder / 'python.exe')]
        known = must(
            [*python, '-c', 'import platform; print(platform.python_version())'], 180, env=env
        )
        name = f'CPython {known.split()[-1]}, Windows (Wine)'
        try:
            suite(name, python, env, time.monotonic() - start)
        finally:
            run(['wineserver', '-k'], 60, env=env)


def sid() -> None:
    """Run the suite on the newest CPythons, those of Debian's sid, in a chroot."""
    machine.need(apt=True)
    start, root = time.monotonic(), work / 'sid'
    must(['debootstrap', '--variant=minbase', 'sid', str(root), DEBIAN])
    for version in SID_PYTHONS:
        status, output = inside(
            root,
            'apt-get',
            'install',
            '--no-install-recommends',
            '-q',
            '-y',
            f'python{version}',
            f'python{version}-venv',
        )
        if status and 'Unable to locate' in output:
            totals.add(0, 0, 1, f'CPython {version}: not run: sid has none')
            continue
        if status:
            raise LegFailed(tail(output, 25))
        status, known = inside(
            root, f'python{version}', '-c', 'import platform; print(platform.python_version())'
        )
        name = f'CPython {known.strip()}, sid'
        folder = Path(tempfile.mkdtemp(prefix=version + '.', dir=root / 'srv'))
        (folder / 'tmp').mkdir()
        seen = '/' + str(folder.relative_to(root))
        suite(
            name,
            chroot(root, seen + '/checkout', f'TMPDIR={seen}/tmp', f'python{version}'),
            before=time.monotonic() - start,
            folder=folder,
        )
        start = time.monotonic()


def inside(root: Path, *command: str) -> tuple[int, str]:
    """Run a command in the chroot."""
    return run(chroot(root, '/', *command))


def chroot(root: Path, cwd: str, *command: str) -> list[str]:
    """Return a command that runs another in the chroot; its mounts end with it.

    The root is a mount point of its own: inside any other directory unshare is refused.
    """
    script = (
        'mount --bind "$0" "$0" && mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc"'
        ' && exec chroot "$0" "$@"'
    )
    return [
        'unshare',
        '-m',
        'bash',
        '-c',
        script,
        str(root),
        'env',
        '-i',
        '-C',
        cwd,
        'HOME=/root',
        'LANG=C.UTF-8',
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        'DEBIAN_FRONTEND=noninteractive',
        *command,
    ]


def built() -> None:
    """Build CPython without the GIL, and with musl, from Debian's source; run the suite."""
    machine.need(apt=True)
    start, source = time.monotonic(), work / 'source'
    (source / 'lists' / 'partial').mkdir(parents=True)
    (source / 'list').write_text(f'deb-src [trusted=yes] {DEBIAN} trixie main\n')
    apt = [
        'apt-get',
        '-q',
        '-o',
        f'Dir::Etc::SourceList={source}/list',
        '-o',
        'Dir::Etc::SourceParts=/dev/null',
        '-o',
        f'Dir::State::Lists={source}/lists',
    ]
    must([*apt, 'update'])
    must([*apt, 'source', '--download-only', 'python3.13'], cwd=source)
    musl = source / 'musl-cc'
    musl.write_text(
        '#!/bin/sh\n'  # configure compares this answer with what the headers say
        'case "$*" in *--print-multiarch*) echo x86_64-linux-musl;; *) exec musl-gcc "$@";; esac\n'
    )
    musl.chmod(0o755)
    for kind, options in [
        ('free-threaded', ['--disable-gil']),
        ('musl', [f'CC={musl}', 'PKG_CONFIG=/bin/false']),
    ]:  # the libraries found are glibc's
        tree, place = source / kind, work / kind
        tree.mkdir()
        archive = glob.glob(str(source / '*.orig.tar.xz'))[0]
        must(['tar', 'xf', archive, '--strip-components=1', '-C', str(tree)])
        must(
            [
                'nice',
                './configure',
                '-q',
                '--disable-test-modules',
                '--without-ensurepip',
                f'--prefix={place}',
                'CFLAGS=-O1',
                *options,
            ],
            900,
            cwd=tree,
        )
        must(['nice', 'make', '-s', '-j2'], 1800, cwd=tree)
        must(['make', '-s', 'install'], 600, cwd=tree)
        python = str(place / 'bin' / 'python3')
        known = identify(python)
        suite(f'{known[1] if known else kind}, {kind}', [python], before=time.monotonic() - start)
        start = time.monotonic()


# ------------------------------------------------------ frameworks, linters, coverage: in the venv


def install(packages: str) -> None:
    """Install packages into the virtual environment."""
    machine.need(index=True)
    must([machine.venv_python, '-m', 'pip', 'install', '-q', *packages.split()], 900)


def frameworks() -> None:
    """Run the examples where no framework is missing, and reload each framework in each way."""
    machine.need(index=True)
    suite('examples, with their frameworks', [machine.venv_python], tests=EXAMPLES)
    start, folder = time.monotonic(), new_folder('frameworks')
    status, output = run(
        [machine.venv_python, '-u', str(TOP / '.ci' / 'frameworks.py')],
        1200,
        cwd=folder,
        env=clean_environment(TMPDIR=str(folder / 'tmp')),
    )
    summary = re.search(r'^(\d+) passed, (\d+) failed, (\d+) skipped$', output, re.MULTILINE)
    passed, failed, skipped = map(int, summary.groups()) if summary else (0, 1, 0)
    if status and not failed:
        failed = 1
    left = left_running(folder)
    totals.add(
        passed,
        failed + bool(left),
        skipped,
        'frameworks:',
        *('    ' + line for line in output.splitlines() if not summary or line != summary.group()),
        *('    left running: ' + line for line in left),
        f'    in {time.monotonic() - start:.0f} s',
    )


def cases() -> None:
    """Play the situations from public reports, and reload under the debugger of an editor."""
    machine.need(index=True)
    scripts = sorted((SHARED / 'cases').glob('*.sh'))
    if not scripts:
        raise CannotRun('there is no ../shared/cases')
    folder, failed, lines = new_folder('cases'), 0, []
    env = clean_environment(
        RELOADER=str(TOP / 'reloader.py'),
        TMPDIR=str(folder / 'tmp'),
        VENV_PYTHON=machine.venv_python,
    )
    jobs = {script.stem: ['bash', str(script)] for script in scripts}
    jobs['debugger'] = [machine.venv_python, str(TOP / '.ci' / 'debugger.py')]
    for name, command in jobs.items():
        status, output = run(command, 300, cwd=folder, env=env)
        if status:  # they count tenths of a second
            lines.append(f'    {name}: once more, as it failed with\n{tail(output, 20)}')
            status, output = run(command, 300, cwd=folder, env=env)
        failed += bool(status)
        lines += [f'    {name}: status {status}', tail(output, 20)] if status else []
    passed = len(jobs) - failed
    totals.add(passed, failed, 0, f'cases: {passed} of {len(jobs)}', *lines)


def lint() -> None:
    """Check reloader.py with mypy --strict and ruff, all else that we wrote with ruff."""
    machine.need(index=True)
    tools = machine.venv / 'bin'
    checked = [
        'reloader.py',
        *(name for name in ('tests', 'examples', '.ci') if (TOP / name).exists()),
    ]
    for command in (
        ['ruff', 'check', '-q', '--no-cache', '--config', '.ci/ruff.toml', *checked],
        ['mypy', '--strict', '--cache-dir=/dev/null', 'reloader.py'],
    ):
        status, output = run([str(tools / command[0]), *command[1:]], 300, cwd=TOP)
        failed = bool(status)
        totals.add(
            not failed,
            failed,
            0,
            f'{" ".join(command)}: {"FAILED" if failed else "ok"}',
            *(output.splitlines() if failed else ()),
        )


def browser() -> None:
    """Reload examples/live_page.py in a real Chromium."""
    machine.need(apt=not shutil.which('chromedriver'))
    if not shutil.which('chromedriver'):
        machine.install('chromium', 'chromium-driver')
    start, folder = time.monotonic(), new_folder('browser')
    status, output = run(
        [sys.executable, str(TOP / '.ci' / 'live_page.py')],
        300,
        cwd=folder,
        env=clean_environment(TMPDIR=str(folder / 'tmp')),
    )
    line = f'live page in Chromium: {"FAILED" if status else "ok"}'
    lines = output.splitlines() if status else ()
    totals.add(not status, bool(status), 0, f'{line} in {time.monotonic() - start:.0f} s', *lines)


def coverage() -> None:
    """Run the suite measured, parents and children, and print how much of reloader.py ran."""
    machine.need(index=True)
    folder = new_folder('coverage')
    python = measuring_python(folder / 'venv')
    site = must([python, '-c', 'import sysconfig; print(sysconfig.get_path("purelib"))']).strip()
    Path(site, 'measure.pth').write_text('import coverage; coverage.process_startup()\n')
    settings, data = folder / 'setup.cfg', folder / 'data' / 'coverage'
    data.parent.mkdir()
    text = (TOP / 'setup.cfg').read_text()
    settings.write_text(text.replace('[coverage:run]', f'[coverage:run]\ndata_file = {data}'))
    env = clean_environment(TMPDIR=str(folder / 'tmp'), COVERAGE_PROCESS_START=str(settings))
    known = identify(python)
    suite(f'{known[1] if known else ""}, measured', [python], env, folder=folder)
    tool, rest = [python, '-m', 'coverage'], [f'--rcfile={settings}']
    must([*tool, 'combine', '-q', *rest], 300, cwd=TOP)
    must([python, '-c', ONE_FILE, str(data), str(folder / 'checkout' / 'reloader.py')])
    figures = must([*tool, 'report', f'--data-file={data}.one', *rest], cwd=folder / 'checkout')
    total = re.search(r'^reloader\.py\s.*?([\d.]+%)\s*(.*)$', figures, re.MULTILINE)
    if not total:
        raise LegFailed(tail(figures, 10))
    what = 'coverage of reloader.py, lines and branches, in parents and children'
    totals.add(1, 0, 0, f'{what}: {total[1]}', f'    not run: {total[2] or "nothing"}')


def measuring_python(venv: Path) -> str:
    """Return an interpreter with coverage, in a virtual environment of its own.

    Not CPython 3.11, where a thread that is traced goes round for ever while a signal waits for
    a main thread that is blocked.
    """
    found = pythons()
    best = [found[minor][1] for minor in ('3.13', '3.12', '3.10') if minor in found]
    must([*(best or [sys.executable])[:1], '-m', 'venv', str(venv)], 120)
    python = str(venv / 'bin' / 'python')
    must([python, '-m', 'pip', 'install', '-q', 'coverage>=7.10'], 300)
    return python


# -------------------------------------------------------------------------------------------- main


def prepare(names: list[str]) -> None:
    """Find out what this machine has, and install what the legs need."""
    if {'cases', 'frameworks', 'lint', 'coverage', 'wine'} & set(names):
        leg('package index', machine.find_index)
        if machine.index and set(names) != {'wine'}:
            leg('pip install', lambda: install(f'{LINTERS} {FRAMEWORKS}'))
    if {'pypy', 'wine', 'sid', 'built', 'browser'} & set(names):
        leg('apt', machine.find_apt)


def interpreters() -> dict[str, Callable[[], None]]:
    """Return a leg for each CPython found but the one of the first leg."""
    first_one = identify('python3')
    found = {
        minor: one for minor, one in pythons().items() if not first_one or minor != first_one[0]
    }
    if not found:
        totals.add(0, 0, 0, 'no CPython but python3 found in ~/.pyenv/versions and on PATH')
    return {
        name: lambda name=name, path=path: suite(name, [path]) for name, path in found.values()
    }  # type: ignore


def main(names: list[str]) -> int:
    """Run the legs named, or all; return the exit status."""
    start = time.monotonic()
    legs = {
        'first': first,
        'built': built,
        'wine': wine,
        'sid': sid,
        'pypy': pypy,
        'coverage': coverage,
        'frameworks': frameworks,
        'browser': browser,
        'cases': cases,
        'lint': lint,
    }
    unknown = set(names) - set(legs) - {'pythons'}
    if unknown:
        sys.exit(f'no such leg: {", ".join(unknown)}; there are: pythons, {", ".join(legs)}')
    names = names or [*legs, 'pythons']
    if 'first' in names:
        leg('first', first)
    prepare(names)
    totals.add(
        0, 0, 0, f'--- prepared after {time.monotonic() - start:.0f} s; {PARALLEL} legs at a time'
    )
    alone = ('first', 'cases')  # the cases measure, and nothing else may run beside them
    jobs = {name: action for name, action in legs.items() if name in names and name not in alone}
    if 'pythons' in names:
        jobs.update(interpreters())
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:  # the long ones first
        list(pool.map(leg, jobs, jobs.values()))
    if 'cases' in names:
        leg('cases', cases)
    for reason, where in sorted(totals.reasons.items()):
        print(f'skipped: {reason} [{"; ".join(sorted(where))}]')
    print(f'all legs in {time.monotonic() - start:.0f} s')
    print(f'{totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped', flush=True)
    return 1 if totals.failed or not totals.passed else 0


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    finally:
        shutil.rmtree(work, ignore_errors=True)
