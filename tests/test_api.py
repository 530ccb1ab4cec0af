"""The ways in: the calls, the context manager and the command line."""
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import time
import unittest
import urllib.error
import urllib.request
import zipfile

from tests.support import (FREE_THREADED, LONG, PYPY, ReloaderTestCase, WAITING, WINDOWS,
                           both_ways, changed, library, needs_posix, side_by_side, skip_unless,
                           wait_gone, wait_until)

try:
    import gzip
except ImportError:
    gzip = None

TICKING = '''\
while True:
    print('tick', flush=True)
    time.sleep(0.05)
'''


def wait_ticks(app, count=5):
    """Wait until the program went on for a few ticks: the checker looked, and saw no reason."""
    for _ in range(count):
        app.wait_for('^tick$')


# --------------------------------------------------------------------------- run_with_reloader

@side_by_side
class TheCall(ReloaderTestCase):
    """run_with_reloader(main_func, extra_files=None, exclude_patterns=None, interval=1)"""

    def test_runs_main_in_the_main_thread_and_ignores_what_it_returns(self):
        self.write_app('one', '''\
            print('main thread', threading.current_thread() is threading.main_thread(), flush=True)
            return 5
            ''')
        app = self.start_app()
        app.wait_for('^main thread True$')
        self.assertEqual(app.wait_exit(), 0)

    def test_never_returns_in_the_parent_and_returns_once_in_the_child(self):
        self.write_app('one', 'pass', after='print("after", os.getpid(), flush=True)')
        app = self.start_app()
        child = app.wait_ready('one')
        app.wait_for('^after %d$' % child)
        self.assertEqual(app.wait_exit(), 0)
        self.assertEqual(app.count('^after'), 1)

    def test_leaves_the_parent_by_system_exit_with_the_childs_status(self):
        self.write('app.py', '''\
            import sys
            import reloader
            def main():
                sys.exit(7)
            try:
                reloader.run_with_reloader(main, interval=0.1)
            except SystemExit as error:
                role = 'child' if reloader.is_running_from_reloader() else 'parent'
                print(role, 'left with', error.code, flush=True)
                raise
            ''')
        app = self.start('app.py')
        app.wait_for('^child left with 7$')
        app.wait_for('^parent left with 7$')
        self.assertEqual(app.wait_exit(), 7)

    def test_returns_in_the_child_after_ctrl_c(self):
        self.console = True
        self.write_app('one', after='print("after", os.getpid(), flush=True)')
        app = self.start_app()
        child = app.wait_ready('one')
        app.ctrl_c()
        app.wait_for('^after %d$' % child)
        self.assertEqual(app.wait_exit(), 130)
        self.assertEqual(app.count('^after'), 1)
        self.assertEqual(app.count('Traceback'), 0)

    def test_what_follows_it_may_take_its_time_where_nobody_pressed_ctrl_c(self):
        # More than the grace time, after which a program that holds on to itself is ended.
        self.write_app('one', 'raise KeyboardInterrupt',
                       after='import time; time.sleep(6); print("whole", flush=True)')
        app = self.start_app()
        app.wait_for('^whole$')
        self.assertEqual(app.wait_exit(), 0)

    def test_of_a_coroutine_says_what_to_write_and_waits_for_it(self):
        text = library('one').replace('def main', 'async def main')
        self.write('app.py', text)
        app = self.start('app.py')
        app.wait_for(r'^TypeError: main_func is async; pass .*asyncio\.run')
        app.wait_for(WAITING)
        call = 'run_with_reloader(lambda: __import__("asyncio").run(main())'
        self.write('app.py', text.replace('run_with_reloader(main', call))
        app.wait_ready('one')

    def test_reloads_whatever_encloses_it(self):
        encloses = {
            'except SystemExit': 'except SystemExit:\n        pass',
            'finally exit': 'finally:\n        sys.exit(0)',
            'except BaseException': 'except BaseException:\n        sys.exit(5)',
        }
        for name, clause in encloses.items():
            with self.subTest(name):
                self.new_folder()

                def source(value):
                    return ('import os, sys, time\nimport reloader\n'
                            'def main():\n'
                            '    print("ready", os.getpid(), %r, flush=True)\n'
                            '    time.sleep(600)\n'
                            'if reloader.is_running_from_reloader():\n'
                            '    try:\n'
                            '        reloader.run_with_reloader(main, interval=0.1)\n'
                            '    %s\n'
                            'else:\n'
                            '    reloader.run_with_reloader(main, interval=0.1)\n'
                            % (value, clause))

                self.write('app.py', source('one'))
                app = self.start('app.py')
                app.wait_ready('one')
                self.write('app.py', source('two'))
                app.wait_ready('two')
                self.write('app.py', source('three'))
                app.wait_ready('three')
                self.assertEqual(app.count('Traceback'), 0)
                app.end()

    @both_ways
    def test_a_reload_loses_no_output(self):
        block = 'sys.stdout.write("unflushed\\n"); sys.stderr.write("error\\n"); time.sleep(600)'
        self.write_app('one', block)
        app = self.start_app()
        app.wait_ready('one')
        self.write_app('two')
        app.wait_for('^unflushed$')
        app.wait_ready('two')

    @both_ways
    def test_a_reload_loses_no_output_of_two_streams_for_one_file(self):
        self.write_app('one', '''\
            import builtins, io
            class Stream(io.TextIOWrapper): pass
            builtins.kept = Stream(sys.stdout.buffer)
            builtins.kept.write('second\\n'), sys.stdout.write('first\\n')
            time.sleep(600)
            ''')
        app = self.start_app()
        app.wait_ready('one')
        self.write_app('two')
        app.wait_ready('two')
        self.assertEqual((app.count('^first$'), app.count('^second$')), (1, 1), app.output)

    @skip_unless(gzip, 'this Python was built without zlib')
    @skip_unless(not PYPY, 'PyPy closes no file as it ends; a plain run there loses the same')
    @both_ways
    def test_a_reload_ends_the_files_that_main_left_open(self):
        self.write_app('one', textwrap.dedent('''\
            import builtins, gzip, tempfile, zipfile
            text, packed = open('text', 'w'), open('packed', 'wb')
            pack = gzip.GzipFile(fileobj=packed, mode='wb')
            archive = zipfile.ZipFile('archive', 'w')
            builtins.kept = [text, packed, pack, archive, tempfile.NamedTemporaryFile(dir='tmp')]
            text.write('whole'), pack.write(b'whole'), archive.writestr('name', 'whole')
            READY
            time.sleep(600)'''))
        app = self.start_app()
        app.wait_ready('one')
        self.write_app('two')
        app.wait_ready('two')
        self.assertEqual((self.folder / 'text').read_text(), 'whole')
        if sys.version_info < (3, 12):  # from there on its end is cut off in a plain run, too
            self.assertEqual(gzip.decompress((self.folder / 'packed').read_bytes()), b'whole')
        if not FREE_THREADED:
            with zipfile.ZipFile(str(self.folder / 'archive')) as archive:
                self.assertEqual(archive.read('name'), b'whole')
        self.assertEqual(len(list(self.tmp.glob('*'))), 1)  # the lockfile

    @both_ways
    def test_what_main_makes_of_the_interrupt_does_not_matter(self):
        blocks = {
            'swallowed, then returned': 'try: READY; time.sleep(600)\nexcept BaseException: pass',
            'made an exit': 'try: READY; time.sleep(600)\nexcept BaseException: sys.exit(0)',
            'made an error': 'try: READY; time.sleep(600)\nfinally: raise ValueError("odd")',
        }
        for name, block in blocks.items():
            with self.subTest(name):
                self.write_app(name, block)
                app = self.start_app()
                app.wait_ready(name)
                self.write_app('next')
                app.wait_ready('next')
                app.end()

    def test_bad_arguments_raise_before_anything_starts(self):
        self.write('app.py', '''\
            import os, sys
            import reloader

            def attempt(name, *args, **options):
                try:
                    reloader.run_with_reloader(*args, **options)
                except BaseException as error:
                    print(name, type(error).__name__, flush=True)
                else:
                    print(name, 'nothing', flush=True)

            def main():
                print('main was called', flush=True)

            attempt('zero', main, interval=0)
            attempt('negative', main, interval=-1)
            attempt('nan', main, interval=float('nan'))
            attempt('text', main, interval='x')
            attempt('none', main, interval=None)
            attempt('func', None)
            attempt('string', 'main')
            attempt('files', main, extra_files=[7])
            print('lockfiles', [n for n in os.listdir(os.environ['TMPDIR'])], flush=True)
            ''')
        app = self.start('app.py')
        self.assertEqual(app.wait_exit(), 0, app.output)
        self.assertEqual(app.output.splitlines(), [
            'zero ValueError', 'negative ValueError', 'nan ValueError', 'text TypeError',
            'none TypeError', 'func TypeError', 'string TypeError', 'files TypeError',
            'lockfiles []'])

    def test_off_the_main_thread_it_is_refused_and_nothing_is_left_behind(self):
        self.write('app.py', '''\
            import os, threading
            import reloader

            def attempt():
                try:
                    reloader.run_with_reloader(lambda: print('main was called', flush=True))
                except RuntimeError as error:
                    print('refused:', error, flush=True)
                try:
                    reloader.run(lambda environ, start: [], port=0, reloader=True)
                except RuntimeError as error:
                    print('refused:', error, flush=True)
                try:
                    with reloader.FileCheckerThread('nowhere', 1):
                        print('main was called', flush=True)
                except RuntimeError as error:
                    print('refused:', error, flush=True)

            thread = threading.Thread(target=attempt)
            thread.start()
            thread.join()
            print('threads', threading.active_count(), flush=True)
            ''')
        app = self.start('app.py')
        for _ in range(3):
            app.wait_for('^refused: .*main thread')
        app.wait_for('^threads 1$')
        self.assertEqual(app.wait_exit(), 0)
        self.assertEqual(app.count('main was called'), 0)
        self.assert_nothing_left()

    def test_the_signatures_are_those_that_were_promised(self):
        self.write('app.py', '''\
            import inspect
            import reloader
            for name in ('run_with_reloader', 'run', 'FileCheckerThread',
                         'is_running_from_reloader', 'watch', 'trigger_reload'):
                parameters = inspect.signature(getattr(reloader, name)).parameters.values()
                print(name, [str(p.replace(annotation=p.empty)) for p in parameters], flush=True)
            ''')
        done = self.run_once('app.py')
        self.assertEqual(done.stdout.splitlines(), [
            "run_with_reloader ['main_func', 'extra_files=None', 'exclude_patterns=None', "
            "'interval=1']",
            'run [\'app\', "host=\'127.0.0.1\'", \'port=8080\', \'interval=1\', '
            "'reloader=False', 'quiet=False', 'extra_files=None', 'exclude_patterns=None']",
            "FileCheckerThread ['lockfile', 'interval', 'extra_files=None', "
            "'exclude_patterns=None']",
            'is_running_from_reloader []', "watch ['*patterns']", 'trigger_reload []'])

    def test_the_import_alone_does_nothing(self):
        self.write('app.py', '''\
            import signal, sys, threading
            handlers = [signal.getsignal(number) for number in range(1, 20)]
            before = set(sys.modules)
            import reloader
            print(threading.active_count(), handlers == [
                signal.getsignal(number) for number in range(1, 20)])
            print([name for name in ('wsgiref', 'http', 'argparse', 'subprocess',
                                     'socket', 'tempfile',
                                     'typing' if sys.implementation.name == 'cpython' else '')
                   if name in set(sys.modules) - before])
            ''')
        done = self.run_once('-S', '-W', 'error', 'app.py')
        self.assertEqual((done.stdout, done.stderr), ('1 True\n[]\n', ''))
        self.assert_nothing_left()


# ------------------------------------------------------------------- is_running_from_reloader

@side_by_side
class WhoIsTheChild(ReloaderTestCase):
    """is_running_from_reloader(): True in the child and its forks, False in what it starts."""

    ASK = ('import sys; sys.path.insert(0, {folder!r}); import reloader; '
           'print("started", reloader.is_running_from_reloader(), flush=True)')

    @both_ways
    def test_it_is_true_from_the_first_line_on_and_false_elsewhere(self):
        block = '''\
            import subprocess
            print('in main', reloader.is_running_from_reloader(), flush=True)
            subprocess.run([sys.executable, '-c', %r])
            if hasattr(os, 'fork'):
                pid = os.fork()
                if not pid:
                    print('forked', reloader.is_running_from_reloader(), flush=True)
                    os._exit(0)
                os.waitpid(pid, 0)
            ''' % self.ASK.format(folder=str(self.folder))
        self.write_app('one', block, before='''\
            import reloader
            print('first', reloader.is_running_from_reloader(), flush=True)
            ''')
        app = self.start_app()
        if self.way == 'library':
            app.wait_for('^first False$')  # the parent
        app.wait_for('^first True$')
        app.wait_for('^in main True$')
        app.wait_for('^started False$')
        if hasattr(os, 'fork'):
            app.wait_for('^forked True$')
        self.assertEqual(app.wait_exit(), 0)
        self.assertEqual(app.count('^first'), 2 if self.way == 'library' else 1)

    def test_it_is_false_without_a_reloader(self):
        done = self.run_once('-c', self.ASK.format(folder=str(self.folder)))
        self.assertEqual(done.stdout, 'started False\n')

    def test_copies_of_the_module_agree(self):
        self.write('vendor/__init__.py', '')
        self.write('vendor/reloader.py', (self.folder / 'reloader.py').read_bytes())
        self.write('data.txt', 'old')
        app_py = '''\
            import os, sys, time
            from vendor import reloader as vendored
            import reloader
            print('agree', vendored.is_running_from_reloader(),
                  reloader.is_running_from_reloader(), flush=True)
            def main():
                vendored.watch('data.txt')
                print('ready', os.getpid(), open('data.txt').read(), flush=True)
                time.sleep(600)
            {call}
            '''
        for call in ('vendored.run_with_reloader(main, interval=0.1)', 'main()'):
            with self.subTest(call):
                self.write('data.txt', 'old')
                self.write('app.py', app_py.format(call=call))
                app = self.start('reloader.py', '--interval', '0.1', 'app.py')
                app.wait_for('^agree True True$')
                app.wait_ready('old')
                self.assertEqual(len(self.lockfiles()), 1)
                self.write('data.txt', 'new', replace=True)  # empty for a moment it counts twice
                app.wait_for(changed('data.txt'))
                app.wait_ready('new')
                self.assertEqual(app.count('^ready'), 2)
                app.end()
                self.remove('tmp/' + self.lockfiles()[0])


# --------------------------------------------------------------------- watch, trigger_reload

@side_by_side
class MoreFilesAtRunTime(ReloaderTestCase):
    """watch(*patterns): more files to watch; without a reloader it does nothing."""

    @both_ways
    def test_counts_from_then_on(self):
        for name in ('a.txt', 'b.txt', 'c/d.txt', 'e.txt'):
            self.write(name, 'old')
        app = self._start('''\
            print(reloader.watch('a.txt', 'c'), reloader.watch(), flush=True)
            import pathlib
            reloader.watch(pathlib.Path('b.txt'))
            thread = threading.Thread(target=reloader.watch, args=['*.late'])
            thread.start()
            thread.join()
            ''')
        for name in ('a.txt', 'b.txt', 'c/d.txt', 'new.late', 'c/new.txt'):
            self.write('e.txt', 'nobody watches this one ' + name)
            wait_ticks(app)
            self.write(name, 'new')
            app.wait_for(changed(os.path.join(*name.split('/'))))
            app.wait_ready('one')
            wait_ticks(app, 2)
        self.assertEqual(app.count('^ready'), 6)
        self.assertEqual(app.count('e\\.txt'), 0)

    @both_ways
    def test_stays_watched_if_the_program_crashes_before_it_asks_again(self):
        self.write('a.txt', '1')
        app = self._start("""\
            print(int(open('a.txt').read()), flush=True)
            reloader.watch('a.txt')
            """)
        self.write('a.txt', 'no number')
        app.wait_for('waiting for a change')
        self.write('a.txt', '2')
        app.wait_for('^2$')

    @both_ways
    def test_a_template_for_a_module_need_not_compile(self):
        self.write('skeletons/model.py', 'class {{ name }}:\n')
        app = self._start("reloader.watch('skeletons')\n")
        wait_ticks(app, 30)  # meanwhile the checker reads the lockfile, where it has told of it
        self.write('skeletons/model.py', 'class {{ name }}({{ base }}):\n')
        app.wait_for(changed(os.path.join('skeletons', 'model.py')))
        app.wait_ready('one')

    def _start(self, block):
        self.write_app('one', textwrap.dedent(block) + TICKING, before='import reloader')
        app = self.start_app()
        app.wait_ready('one')
        wait_ticks(app, 2)
        return app

    def test_without_a_reloader_it_does_nothing(self):
        done = self.run_once('-c', 'import reloader; print(reloader.watch("x", "y"))')
        self.assertEqual((done.stdout, done.stderr), ('None\n', ''))


@side_by_side
class ARestartFromTheProgram(ReloaderTestCase):
    """trigger_reload(): restart from the child's code; RuntimeError where no reloader runs."""

    @both_ways
    def test_restarts_from_any_thread(self):
        self.write_app('one', '''\
            if not os.path.exists('main did'):
                open('main did', 'w').close()
                reloader.trigger_reload()
            elif not os.path.exists('thread did'):
                open('thread did', 'w').close()
                threading.Thread(target=reloader.trigger_reload).start()
            else:
                print('quiet', flush=True)
            time.sleep(600)
            ''', before='import reloader')
        app = self.start_app()
        pids = {app.wait_ready('one') for _ in range(3)}
        app.wait_for('^quiet$')
        self.assertEqual(len(pids), 3)
        self.assertEqual(app.count('Traceback|waiting'), 0)

    @both_ways
    def test_that_fails_waits_whatever_the_status(self):
        self.write_app('one', '''\
            if not os.path.exists('asked'):
                open('asked', 'w').close()
                reloader.trigger_reload()
                time.sleep(600)
            sys.exit(2)
            ''', before='import reloader')
        app = self.start_app()
        app.wait_for('^reloader: exit status 2, waiting')
        self.write_app('two')
        app.wait_ready('two')

    def test_more_than_three_in_a_row_are_no_failure(self):
        self.write_app('one', '''\
            count = len(os.listdir('starts'))
            open('starts/%d' % count, 'w').close()
            if count < 5:
                reloader.trigger_reload()
                time.sleep(600)
            ''')
        (self.folder / 'starts').mkdir()
        app = self.start_app()
        self.assertEqual(app.wait_exit(), 0)
        self.assertEqual(app.count('^ready'), 6)

    @both_ways
    def test_may_be_the_last_thing_that_main_does(self):
        self.write_app('one', """\
            if not os.path.exists('been here'):
                open('been here', 'w').close()
                reloader.trigger_reload()
            """, 'import reloader')
        app = self.start_app()
        app.wait_for(r'^reloader: trigger_reload\(\) called, restarting')
        self.assertEqual(app.wait_exit(), 0, app.output)
        self.assertEqual(len(app.pids()), 2, app.output)

    def test_without_a_reloader_it_is_an_error(self):
        done = self.run_once('-c', 'import reloader; reloader.trigger_reload()')
        self.assertEqual(done.returncode, 1)
        self.assertIn('RuntimeError: ', done.stderr)

    @skip_unless(hasattr(os, 'fork'), 'there is no fork here')
    @both_ways
    def test_in_a_fork_it_is_an_error(self):
        self.write_app('one', '''\
            pid = os.fork()
            if not pid:
                try:
                    reloader.trigger_reload()
                except RuntimeError as error:
                    print('refused', flush=True)
                os._exit(0)
            os.waitpid(pid, 0)
            print('done', flush=True)
            ''', before='import reloader')
        app = self.start_app()
        app.wait_for('^refused$')
        app.wait_for('^done$')
        self.assertEqual(app.wait_exit(), 0)
        self.assertEqual(app.count('^ready'), 1)


# ------------------------------------------------------------- extra_files, exclude_patterns

@side_by_side
class ExtraFiles(ReloaderTestCase):
    """Files, directories at any depth, globs; new matches, appearing and deleted files."""

    PATTERNS = ['one.cfg', 'missing.cfg', 'absent/missing.cfg', '.env', 'data', 'conf/*.ini',
                'deep/**/*.txt']

    def new_folder(self):
        super().new_folder()
        for name in ('one.cfg', '.env', 'data/a', 'data/b/c/d', 'data/__pycache__/x', 'data/e~',
                     'data/.hidden', 'data/.git/x', 'conf/a.ini', 'conf/a.txt', 'conf/.b.ini',
                     'deep/top.txt', 'deep/x/y/z.txt', 'deep/x/.y/z.txt', 'deep/x/y/z.cfg'):
            self.write(name, 'old')

    @both_ways
    def test_each_kind_counts(self):
        self.write_app('one', TICKING, extra_files=self.PATTERNS)
        app = self.start_app()
        app.wait_ready('one')
        for name in ('one.cfg', '.env', 'missing.cfg', 'absent/missing.cfg', 'data/a',
                     'data/b/c/d', 'data/b/new', 'data/new/new', 'conf/a.ini', 'conf/new.ini',
                     'deep/top.txt', 'deep/x/y/z.txt', 'deep/new/new.txt', 'data/.env'):
            wait_ticks(app, 2)
            self.write(name, 'new')
            app.wait_for(changed(os.path.join(*name.split('/'))))
            app.wait_ready('one')
        self.assertEqual(app.count('^ready'), 15)
        self.assertEqual(app.count('^reloader: .*changed'), 14)

    @both_ways
    def test_what_is_passed_over(self):
        self.write_app('one', TICKING, extra_files=self.PATTERNS)
        app = self.start_app()
        app.wait_ready('one')
        wait_ticks(app, 2)
        for name in ('data/__pycache__/x', 'data/e~', 'data/.hidden', 'data/.git/x',
                     'conf/a.txt', 'conf/.b.ini', 'deep/x/.y/z.txt', 'deep/x/y/z.cfg',
                     'data/new~', 'data/.new', 'conf/.new.ini', 'other'):
            self.write(name, 'new')
        wait_ticks(app)
        self.write('one.cfg', 'new')
        app.wait_for(changed('one.cfg'))
        app.wait_ready('one')
        wait_ticks(app)
        self.write('one.cfg', 'newer')
        app.wait_for(changed('one.cfg'))
        app.wait_ready('one')
        self.assertEqual(app.count('^ready'), 3)

    @both_ways
    def test_a_deletion_counts(self):  # after the time for which a file may be away
        self.write_app('one', TICKING, extra_files=['one.cfg', 'data'])
        app = self.start_app()
        app.wait_ready('one')
        wait_ticks(app, 2)
        began = time.monotonic()
        self.remove('data/b/c/d')
        app.wait_for(changed(os.path.join('data', 'b', 'c', 'd')))
        noticed = time.monotonic()
        self.assertGreater(noticed - began, 2)
        app.wait_ready('one')
        if not WINDOWS:  # where a start alone may take as long
            self.assertLess(app.taken_since(noticed), 2)  # it was waited for once, not twice
        self.write('one.cfg', 'new')
        app.wait_for(changed('one.cfg'))
        app.wait_ready('one')
        self.assertEqual(app.count('^ready'), 3)

    def test_one_name_alone_is_one_pattern(self):
        for alone in ("'one.cfg'", "pathlib.Path('one.cfg')", "[pathlib.Path('one.cfg')]",
                      "(name for name in ['one.cfg'])", "{'one.cfg'}"):
            with self.subTest(alone):
                self.write('app.py', '''\
                    import os, pathlib, time
                    import reloader
                    def main():
                        print('ready', os.getpid(), 'one', flush=True)
                        time.sleep(600)
                    reloader.run_with_reloader(main, %s, interval=0.1)
                    ''' % alone)
                app = self.start('app.py')
                app.wait_ready('one')
                self.write('one.cfg', 'new for ' + alone)
                app.wait_for(changed('one.cfg'))
                app.wait_ready('one')
                app.end()

    @both_ways
    def test_names_are_joined_to_the_directory_at_the_start(self):
        self.write_app('one', 'os.chdir("data"); time.sleep(600)', extra_files=['one.cfg'])
        app = self.start_app()
        app.wait_ready('one')
        self.write('one.cfg', 'new')
        app.wait_for(changed('one.cfg'))
        app.wait_ready('one')


@side_by_side
class ExcludePatterns(ReloaderTestCase):
    """fnmatch on the absolute path; a relative one is joined, unless it begins with *."""

    @both_ways
    def test_an_excluded_file_does_not_count(self):
        names = ('generated.py', 'thing_pb2.py', 'build/__init__.py', 'build/inner.py',
                 'absolute.py', 'sub/generated.py', 'settings.cfg')
        for name in names:
            self.write(name, 'VALUE = 1\n')
        self.write('sub/__init__.py', '')
        self.write_app('one', TICKING,
                       before='import generated, thing_pb2, build.inner, absolute, sub.generated',
                       extra_files=['settings.cfg', 'sub'],
                       exclude_patterns=['generated.py', '*_pb2.py', 'build/*',
                                         str(self.folder / 'absol*'), '*.cfg'])
        app = self.start_app()
        app.wait_ready('one')
        wait_ticks(app, 2)
        for name in names:
            if not name.startswith('sub'):
                self.write(name, 'VALUE = 22\n')
        wait_ticks(app)
        self.write('sub/generated.py', 'VALUE = 22\n')  # only the one at the start is excluded
        app.wait_for(changed(os.path.join('sub', 'generated.py')))
        app.wait_ready('one')
        wait_ticks(app)
        self.write_app('two', TICKING, 'import generated', **self.options)
        app.wait_for(changed('app.py'))
        app.wait_ready('two')
        self.assertEqual(app.count('^ready'), 3)
        self.assertEqual(app.count('^reloader: .*changed'), 2)

    def test_what_is_no_longer_excluded_counts(self):
        self.way = 'library'
        self.write('settings.cfg', 'old')
        self.write_app('one', TICKING, extra_files=['*.cfg'], exclude_patterns=['set*'])
        app = self.start_app()
        app.wait_ready('one')
        self.write_app('two', TICKING, extra_files=['*.cfg'], exclude_patterns=[])
        app.wait_ready('two')
        wait_ticks(app, 2)
        self.write('settings.cfg', 'new')
        app.wait_for(changed('settings.cfg'))


# ---------------------------------------------------------------------------- FileCheckerThread

@side_by_side
class TheContextManager(ReloaderTestCase):
    """FileCheckerThread(lockfile, interval, extra_files=None, exclude_patterns=None)"""

    def run_block(self, block, during=''):
        """Run a block in the manager; return what it printed. `during`: runs in a thread."""
        self.write('lock', '')
        self.write('watched.py', '')
        if 'READY' not in block:
            block = 'READY\n' + block
        block = block.replace('READY', 'inside.set()')
        self.write('app.py', '\n'.join([
            'import os, sys, threading, time', 'import reloader', 'import watched',
            'def during():', '    inside.wait()'] + ['    ' + line for line in during.split('\n')]
            + ['inside = threading.Event()',
               'threading.Thread(target=during, daemon=True).start()',
               'checker = reloader.FileCheckerThread("lock", 0.1)',
               'print("before", checker.status, checker.lockfile, checker.interval)',
               'try:',
               '    with checker as entered:',
               '        print("same", entered is checker, checker.status)']
            + ['        ' + line for line in block.split('\n')]
            + ['    print("suppressed or ended")',
               'except BaseException as error:',
               '    print("raised", type(error).__name__)',
               'print("after", checker.status)', '']))
        done = self.run_once('app.py')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[:2], ['before None lock 0.1', 'same True None'])
        return lines[2:]

    CHANGE = 'open("watched.py", "w").write("x = 1\\n")'

    def test_is_a_thread(self):
        done = self.run_once('-c', 'import reloader, threading; '
                             'print(issubclass(reloader.FileCheckerThread, threading.Thread))')
        self.assertEqual(done.stdout, 'True\n')

    def test_leaves_no_handler_and_no_finder_behind_and_takes_none(self):
        self.write('lock', '')
        self.write('app.py', '''
            import signal, sys, threading
            import reloader
            def state():
                handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
                return handlers, list(sys.meta_path), threading.active_count()
            before = state()
            with reloader.FileCheckerThread('lock', 0.1):
                print(state() == before)
            print(state() == before)
            signals = [getattr(signal, 'SIGURG', signal.SIGTERM), signal.SIGINT]
            with reloader.FileCheckerThread('lock', 0.1):
                for number in signals:
                    signal.signal(number, print)
            print([signal.getsignal(number) for number in signals] == [print, print])
            ''')
        self.assertEqual(self.run_once('app.py').stdout, 'False\nTrue\nTrue\n')

    def test_exit_suppresses_only_the_keyboard_interrupt(self):
        self.assertEqual(self.run_block('pass'), ['suppressed or ended', 'after exit'])
        self.assertEqual(self.run_block('raise KeyboardInterrupt'),
                         ['suppressed or ended', 'after exit'])
        self.assertEqual(self.run_block('raise ValueError'), ['raised ValueError', 'after exit'])
        self.assertEqual(self.run_block('sys.exit(3)'), ['raised SystemExit', 'after exit'])

    def test_reload_suppresses_whatever_ends_the_block(self):
        for block in ('time.sleep(600)',
                      'try: READY; time.sleep(600)\nfinally: sys.exit(5)',
                      'try: READY; time.sleep(600)\nfinally: raise ValueError',
                      'try: READY; time.sleep(600)\nexcept BaseException: pass'):
            with self.subTest(block):
                self.assertEqual(self.run_block(block, self.CHANGE),
                                 ['suppressed or ended', 'after reload'])

    def test_error_suppresses_whatever_ends_the_block(self):
        for block in ('time.sleep(600)', 'try: READY; time.sleep(600)\nfinally: sys.exit(5)',
                      'try: READY; time.sleep(600)\nfinally: raise ValueError'):
            with self.subTest(block):
                self.assertEqual(self.run_block(block, 'os.remove("lock")'),
                                 ['suppressed or ended', 'after error'])

    def test_a_lockfile_that_never_was_is_an_error_too(self):
        self.write('app.py', 'import reloader, time\n'
                   'with reloader.FileCheckerThread("nowhere", 0.1) as checker: time.sleep(600)\n'
                   'print("after", checker.status)\n')
        done = self.run_once('app.py')
        self.assertEqual((done.returncode, done.stdout), (0, 'after error\n'), done.stderr)

    def test_the_first_decision_stays(self):
        found = self.run_block('try: READY; time.sleep(600)\n'
                               'finally: os.remove("lock"); time.sleep(.5)', self.CHANGE)
        self.assertEqual(found, ['suppressed or ended', 'after reload'])

    @needs_posix
    def test_the_interrupt_comes_once_and_its_cleanup_is_left_alone(self):
        found = self.run_block('''\
try:
    READY
    time.sleep(600)
except KeyboardInterrupt:
    print("interrupted")
    try:
        time.sleep(0.8)
    finally:
        print("cleaned up")''', self.CHANGE)
        self.assertEqual(found, ['interrupted', 'cleaned up', 'suppressed or ended',
                                 'after reload'])

    def test_a_lockfile_that_nobody_touches_is_an_error(self):  # takes the 5 s of stale files
        began = time.monotonic()
        self.assertEqual(self.run_block('time.sleep(600)'), ['suppressed or ended', 'after error'])
        self.assertGreater(time.monotonic() - began, 4.5)

    def test_bad_arguments_raise(self):
        self.write('app.py', '''\
            import reloader
            for interval in (0, -1, float('nan'), 'x', None):
                try:
                    reloader.FileCheckerThread('lock', interval)
                except Exception as error:
                    print(type(error).__name__)
            ''')
        self.assertEqual(self.run_once('app.py').stdout.split(),
                         ['ValueError'] * 3 + ['TypeError'] * 2)


# ------------------------------------------------------------------------------------------ run

WSGI = '''\
import os, sys, time
{imports}
def app(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [('%s %s' % ({value!r}, os.getpid())).encode()]
print('loaded', os.getpid(), flush=True)
if __name__ == '__main__':
    reloader.run(app, {options})
'''


def free_port():
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


def fetch(port):
    """Return value and pid of the answer; a server that is not there yet is asked again."""
    answer = []

    def ask():
        try:
            url = 'http://127.0.0.1:%d/' % port
            answer.extend(urllib.request.urlopen(url, timeout=LONG).read().decode().split())
        except (ConnectionError, urllib.error.URLError):
            return False
        return True

    wait_until(ask, 'an answer on port %d' % port)
    return answer[0], int(answer[1])


@side_by_side
class ServingAWsgiApp(ReloaderTestCase):
    """run(app, host='127.0.0.1', port=8080, interval=1, reloader=False, quiet=False, ...)"""

    def write_wsgi(self, value, imports='import reloader', **options):
        options.setdefault('interval', 0.1)
        words = ', '.join('%s=%r' % item for item in options.items())
        self.write('app.py', WSGI.format(value=value, imports=imports, options=words))

    def test_serves_and_serves_the_new_version_after_a_save(self):
        port = free_port()
        self.write_wsgi('one', port=port, reloader=True)
        app = self.start('app.py')
        app.wait_for(r'http://127\.0\.0\.1:%d/' % port)
        value, first = fetch(port)
        self.assertEqual(value, 'one')
        self.assertNotEqual(first, app.pid)
        for value in ('two', 'three'):
            self.write_wsgi(value, port=port, reloader=True)
            wait_until(lambda: fetch(port)[0] == value)
        self.assertGreaterEqual(app.count(r'http://127\.0\.0\.1:%d/' % port), 1)
        self.assertEqual(app.count('Traceback'), 0)
        self.assertEqual(app.count('^loaded %d$' % app.pid), 1)

    def test_the_start_line_is_on_stderr_unless_quiet(self):
        for quiet in (False, True):
            with self.subTest(quiet=quiet):
                port = free_port()
                self.write_wsgi('one', port=port, quiet=quiet)
                with open(self.folder / 'stdout', 'w') as stdout:
                    app = self.start_split('app.py', stdout)
                self.assertEqual(fetch(port), ('one', app.pid))
                if not quiet:
                    app.wait_for(r'http://127\.0\.0\.1:%d/' % port)
                    wait_until(lambda: 'loaded' in (self.folder / 'stdout').read_text())
                app.end()
                self.assertNotIn('http', (self.folder / 'stdout').read_text())
                if quiet:
                    self.assertEqual(app.output, '')
                self.assert_nothing_left()  # without a reloader there is no lockfile

    def start_split(self, script, stdout):
        """Start a program whose standard error alone is read."""
        program = self.start('-c', 'import os, runpy, sys; sys.path.insert(0, "")\n'
                             'os.dup2(os.open("stdout", os.O_WRONLY), 1)\n'
                             'runpy.run_path(%r, run_name="__main__")' % script)
        return program

    def test_quiet_drops_the_reload_lines_but_not_the_errors(self):
        port = free_port()
        self.write_wsgi('one', port=port, reloader=True, quiet=True)
        app = self.start('app.py')
        fetch(port)
        self.write_wsgi('two', port=port, reloader=True, quiet=True)
        wait_until(lambda: fetch(port)[0] == 'two')
        self.assertEqual(app.count('^reloader: .*chang|http'), 0, app.output)
        self.write('app.py', 'raise ValueError("broken")\n')
        app.wait_for('^ValueError: broken')
        app.wait_for(WAITING)

    def test_an_idle_connection_holds_up_neither_answers_nor_reloads(self):
        port = free_port()
        self.write_wsgi('one', port=port, reloader=True)
        app = self.start('app.py')
        app.wait_for('http://')
        with socket.create_connection(('127.0.0.1', port), LONG):
            began = time.monotonic()
            self.assertEqual(fetch(port)[0], 'one')
            self.write_wsgi('two', port=port, reloader=True)
            app.wait_for(changed('app.py'))
            wait_until(lambda: fetch(port)[0] == 'two')
            if not WINDOWS:  # where a start alone may take as long
                self.assertLess(app.taken_since(began), 4)  # less than the grace time
            self.assertEqual(app.count('still busy'), 0, app.output)

    def test_a_client_that_breaks_its_connection_is_no_error(self):
        port = free_port()
        self.write_wsgi('one', port=port)
        app = self.start('app.py')
        fetch(port)
        for sent in (b'', b'GET / HTT'):
            with socket.create_connection(('127.0.0.1', port), LONG) as client:
                client.sendall(sent)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.assertEqual(fetch(port)[0], 'one')
        if not WINDOWS:  # there it has no console, where a key could be pressed
            app.ctrl_c()
            app.wait_exit()
        self.assertEqual(app.count('Traceback|Exception'), 0, app.output)

    def test_under_the_command_line_it_starts_no_second_reloader(self):
        port = free_port()
        self.write_wsgi('one', port=port, reloader=True)
        app = self.start('reloader.py', '--interval', '0.1', 'app.py')
        self.assertEqual(fetch(port)[0], 'one')
        self.assertEqual(len(self.lockfiles()), 1)
        self.assertEqual(app.count('^loaded'), 1)
        self.write_wsgi('two', port=port, reloader=True)
        wait_until(lambda: fetch(port)[0] == 'two')
        self.assertEqual(app.count('^loaded'), 2)

    def test_a_port_may_be_text_as_in_the_environment(self):
        port = free_port()
        self.write_wsgi('one', port=str(port))
        self.start('app.py')
        self.assertEqual(fetch(port)[0], 'one')

    def test_a_port_that_cannot_be_is_a_value_error_and_nothing_starts(self):
        for port in (70000, -1, 'x'):
            self.write_wsgi('one', port=port, reloader=True)
            done = self.run_once('app.py')
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr.splitlines()[-1], '^ValueError: ')
            self.assert_nothing_left()

    def test_a_port_that_is_taken_is_one_line_that_says_what_to_do(self):
        with socket.socket() as taken:
            taken.bind(('127.0.0.1', 0))
            taken.listen()
            port = taken.getsockname()[1]
            for more in '', ', reloader=True':
                call = 'reloader.run(print, port=%d%s)' % (port, more)
                self.write('app.py', 'import reloader\n' + call)
                done = self.run_once('app.py')
                self.assertEqual((done.returncode, done.stdout), (1, ''), done.stderr)
                self.assertRegex(done.stderr, r'^reloader: 127.0.0.1:%d is in use; .*\n$' % port)
        self.assert_nothing_left()

    def test_an_address_that_cannot_be_had_is_named_once(self):
        self.write('app.py', 'import reloader\nreloader.run(print, host="192.0.2.1")')
        done = self.run_once('app.py')
        self.assertEqual((done.returncode, done.stdout), (1, ''), done.stderr)
        self.assertRegex(done.stderr, r'^reloader: 192\.0\.2\.1:8080 cannot be had: [^()]+\n$')


# ------------------------------------------------------------------------------------------ bind

@needs_posix
@side_by_side
class ASocketThatOutlivesReloads(ReloaderTestCase):
    """bind(host, port), and --bind HOST:PORT on the command line."""

    ANSWER = """\
        listener.setblocking(True)
        while True:
            with listener.accept()[0] as connection:
                connection.sendall(b'%s')
        """

    def write_server(self, value, bind, before=''):
        self.way = 'library'
        self.write_app(value, 'print("port", listener.getsockname()[1], flush=True)\n'
                       + textwrap.dedent(self.ANSWER % value),
                       'import reloader, socket\n' + before + '\nlistener = ' + bind)

    def ask(self, port):
        with socket.create_connection(('127.0.0.1', port), LONG) as client:
            return client.recv(100).decode()

    def test_keeps_its_port_and_lets_clients_wait(self):
        self.write_server('one', 'reloader.bind("127.0.0.1", 0)')
        app = self.start('app.py')
        port = int(app.wait_for(r'^port (\d+)').group(1))
        self.assertEqual(self.ask(port), 'one')
        self.write_server('two', 'reloader.bind("127.0.0.1", 0)', 'time.sleep(0.5)')
        wait_gone(app.pids()[0])
        self.assertEqual(self.ask(port), 'two')
        app.wait_for('^port %d$' % port)

    def test_is_the_same_if_asked_for_twice_and_not_inherited(self):
        self.write_server('one', 'reloader.bind("127.0.0.1", 0)', """
same = reloader.bind('127.0.0.1', 0) is reloader.bind('127.0.0.1', 0)
print('same', same, reloader.bind('127.0.0.1', 0).get_inheritable(), flush=True)
""")
        app = self.start('app.py')
        for _ in 'parent', 'child':
            app.wait_for('^same True False$')

    def test_of_another_port_after_an_edit_replaces_the_old_one(self):
        old, new = free_port(), free_port()
        self.write_server('one', 'reloader.bind("127.0.0.1", %d)' % old)
        app = self.start('app.py')
        app.wait_for('^port')
        self.write_server('two', 'reloader.bind("127.0.0.1", %d)' % new)
        app.wait_for('^port %d$' % new)
        self.assertEqual(self.ask(new), 'two')
        wait_until(lambda: self.is_refused(old))
        self.write_server('six', 'reloader.bind("127.0.0.1", %d)' % old)
        app.wait_for('^port %d$' % old)
        self.assertEqual(self.ask(old), 'six')

    def test_asked_for_in_main_is_opened_there_when_the_parent_has_closed_its_own(self):
        port = free_port()
        self.write_server('one', 'reloader.bind("127.0.0.1", %d)' % port)
        app = self.start('app.py')
        app.wait_for('^port')
        self.write_app('two', 'listener = reloader.bind("127.0.0.1", %d)\n' % port
                       + 'READY\n' + textwrap.dedent(self.ANSWER % 'two'), 'import reloader')
        app.wait_ready('two')
        self.assertEqual(self.ask(port), 'two')

    def is_refused(self, port):
        try:
            socket.create_connection(('127.0.0.1', port), LONG).close()
        except ConnectionRefusedError:
            return True
        return False

    def test_that_is_taken_is_one_clear_error(self):
        with socket.socket() as taken:
            taken.bind(('127.0.0.1', 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.write_server('one', 'reloader.bind("127.0.0.1", %d)' % port)
            done = self.run_once('app.py')
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr.splitlines()[-1], '^OSError: .*%d is in use; ' % port)
            done = self.run_once('reloader.py', '--bind', '127.0.0.1:%d' % port, 'app.py')
            self.assertEqual((done.returncode, done.stdout), (1, ''))
            self.assertRegex(done.stderr, r'^reloader: .*:%d is in use; .*\n$' % port)
        self.assert_nothing_left()

    def test_of_the_command_line_must_be_an_address(self):
        self.write('app.py', '')
        for address in 'x', '8000', '127.0.0.1:x', '127.0.0.1:70000', '127.0.0.1:-1', '127.0.0.1:':
            done = self.run_once('reloader.py', '--bind', address, 'app.py')
            self.assertEqual((done.returncode, done.stdout), (2, ''), address)
            self.assertRegex(done.stderr, r'^reloader: error: .*\n$')

    def test_of_the_command_line_is_descriptor_3_also_of_what_the_program_starts(self):
        start = ['-c', 'import os, sys; os.open("/", os.O_RDONLY); handle = os.open('
                 '"/", os.O_RDONLY); os.set_inheritable(3, %r); os.execv(sys.executable, '
                 '[sys.executable, "reloader.py", "--bind", "127.0.0.1:%d", "app.py"])']
        for handed_on in (False, True):
            with self.subTest(handed_on=handed_on):
                self.new_folder()
                port = free_port()
                before = """
def is_inherited(handle):
    try:
        return os.get_inheritable(handle)
    except OSError:
        return False
print(os.environ['LISTEN_FDS'], int(os.environ['LISTEN_PID']) == os.getpid(),
      [handle for handle in range(3, 99) if is_inherited(handle)], flush=True)
"""
                self.write_server('one', 'socket.socket(fileno=3)', before)
                text = (self.folder / 'app.py').read_text().replace(
                    'reloader.run_with_reloader(main', 'main() #')
                self.write('app.py', text)
                app = self.start(start[0], start[1] % (handed_on, port))
                app.wait_for(r'^1 True \[3\]$')
                app.wait_for('^port %d$' % port)
                self.assertEqual(self.ask(port), 'one')
                self.write('app.py', text.replace("b'one'", "b'two'"))
                app.wait_for('^port %d$' % port)
                self.assertEqual(self.ask(port), 'two')
                app.end()


# -------------------------------------------------------------------------------- command line

SHOW = '''\
import json, os, sys
print(json.dumps({
    'name': __name__, 'argv': sys.argv, 'path': sys.path[0],
    'main': sys.modules['__main__'].__dict__ is globals(), 'flags': str(sys.flags),
    'spec': __spec__ and __spec__.name, 'package': __package__, 'cwd': os.getcwd(),
    'warnings': sys.warnoptions, 'xoptions': sorted(sys._xoptions), 'doc': __doc__,
    'file': __file__ if sys.implementation.name == 'cpython' else os.path.normpath(__file__),
    'globals': sorted(name for name in globals()),
    'loader': type(__loader__).__name__, 'orig': 'reloader' in sys.modules}), flush=True)
'''


@side_by_side
class TheCommandLine(ReloaderTestCase):
    """python reloader.py [options] (script.py | -m module) [args...]"""

    def test_the_program_sees_what_a_plain_run_shows_it(self):
        for name in ('app.py', 'sub dir/app.py', 'package/module.py', 'package/__main__.py'):
            self.write(name, SHOW)
        self.write('package/__init__.py', '')
        forms = [
            (['app.py', 'a', '', 'b c', '--interval', '7', '-h'], []),
            (['./app.py'], ['-O', '-X', 'dev', '-W', 'error::UserWarning']),
            (['sub dir/app.py', '--', 'x'], ['-u']),
            ([str(self.folder / 'app.py')], []),
            (['-m', 'package.module', 'a', '-m', 'b'], []),
            (['-m', 'package', '--quiet'], ['-OO', '-B']),
        ]
        for form, flags in forms:
            with self.subTest(form=form, flags=flags):
                plain = self.run_once(*flags, *form)
                under = self.run_once(*flags, 'reloader.py', *form)
                self.assertEqual((under.returncode, under.stderr), (plain.returncode, ''))
                self.assertEqual(json.loads(under.stdout), json.loads(plain.stdout))

    def test_the_module_form_and_the_parent_that_does_not_import_the_program(self):
        self.write('app.py', 'import os\nprint("imported", os.getpid(), flush=True)\n')
        for command in (['-m', 'reloader', 'app.py'], ['reloader.py', 'app.py'],
                        ['reloader.py', '-m', 'app']):
            with self.subTest(command):
                app = self.start(*command)
                app.wait_for('^imported')
                self.assertEqual(app.wait_exit(), 0)
                self.assertEqual(app.count('^imported'), 1)
        self.assert_nothing_left()

    def test_a_program_reloads_in_every_form(self):
        for name in ('app.py', 'sub dir/app.py', 'package/__main__.py'):
            self.write(name, '')
        for command, name in ((['app.py'], 'app.py'), (['-m', 'package'], 'package/__main__.py'),
                              (['sub dir/app.py'], 'sub dir/app.py')):
            with self.subTest(command):
                self.write_app('one', name=name)
                self.way = 'command line'
                self.write_app('one', name=name)
                app = self.start('-m', 'reloader', '--interval', '0.1', *command)
                app.wait_ready('one')
                self.write_app('two', name=name)
                app.wait_for(changed(os.path.join(*name.split('/'))))
                app.wait_ready('two')
                app.end()

    def test_what_follows_the_program_is_the_programs(self):
        self.write('app.py', 'import sys; print(sys.argv[1:])')
        self.write('pk/__main__.py', 'import sys; print(sys.argv[1:])')
        rest = ['-q', '--bind', '1', '-mpk', '--nonsense', '--', 'x']
        for words in ['app.py'], ['-m', 'pk'], ['-mpk'], ['-q', '-mpk'], ['--', 'app.py']:
            with self.subTest(words):
                app = self.start('reloader.py', *words, *rest)
                self.assertEqual(app.wait_exit(), 0, app.output)
                self.assertEqual(app.output.strip(), str(rest), app.output)

    def test_verbose_says_what_is_watched_and_how_often(self):
        self.way = 'command line'
        self.write('helper.py', 'VALUE = 1\n')
        self.write('data/one.txt', 'x')
        self.write_app('one', before='import json, helper')
        app = self.start('reloader.py', '-v', '--extra-files', 'data', '--extra-files', 'dta',
                         'app.py')
        app.wait_for(r'^reloader: looking at every file once in 1\.0 s')
        app.wait_ready('one')
        for path in ('app.py', os.path.join('data', 'one.txt'), 'helper.py'):
            self.assertEqual(app.count('^reloader: watching %s$' % re.escape(path)), 1, path)
        self.assertEqual(app.count('^reloader: watching dta, which is not there yet$'), 1)
        self.assertEqual(app.count('watching .*json'), 0)
        self.write_app('two', before='import json, helper')
        app.wait_ready('two')
        self.assertEqual(app.count('watching helper'), 1)

    def test_bad_input_is_one_line_and_status_2(self):
        self.write('app.py', 'print("ran")\n')
        for args in ([], ['missing.py'], ['--interval', '0', 'app.py'],
                     ['--interval', '-1', 'app.py'], ['--interval', 'nan', 'app.py'],
                     ['--interval', 'x', 'app.py'], ['--nonsense', 'app.py'], ['-m'],
                     ['--interval'], ['--quiet'], ['--extra-files']):
            with self.subTest(args):
                done = self.run_once('reloader.py', *args)
                self.assertEqual((done.returncode, done.stdout), (2, ''), done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertRegex(done.stderr, '^reloader(.py)?: error: ')
        self.assert_nothing_left()

    def test_help_and_version(self):
        done = self.run_once('reloader.py', '-h')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        for word in ('--interval', '--extra-files', '--exclude-patterns', '--quiet', '--version',
                     'script.py', '-m module'):
            self.assertIn(word, done.stdout)
        self.assertEqual(self.run_once('reloader.py', '--help').stdout, done.stdout)
        done = self.run_once('reloader.py', '--version')
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r'\d+\.\d+')

    def test_a_module_may_be_named_in_the_word_of_its_option(self):
        self.write('app.py', 'import sys\nprint(sys.argv[1:])')
        done = self.run_once('reloader.py', '-mapp', 'one', '-x')
        self.assertEqual((done.returncode, done.stdout), (0, "['one', '-x']\n"), done.stderr)

    def test_two_dashes_end_the_options(self):
        self.write('app.py', 'import sys\nprint(sys.argv)')
        done = self.run_once('reloader.py', '--quiet', '--', 'app.py', '--', '-x')
        self.assertEqual((done.returncode, done.stdout), (0, "['app.py', '--', '-x']\n"),
                         done.stderr)

    def test_options_may_be_given_several_times(self):
        for name in ('a.cfg', 'b.cfg', 'c.cfg', 'd.cfg'):
            self.write(name, 'old')
        self.way = 'command line'
        self.write_app('one', TICKING, extra_files=['a.cfg', '*.cfg'],
                       exclude_patterns=['c.cfg', '*d.cfg'])
        app = self.start_app()
        app.wait_ready('one')
        wait_ticks(app, 2)
        self.write('c.cfg', 'new')
        self.write('d.cfg', 'new')
        wait_ticks(app)
        for name in ('a.cfg', 'b.cfg'):
            self.write(name, 'new')
            app.wait_for(changed(name))
            app.wait_ready('one')
        self.assertEqual(app.count('^ready'), 3)

    def test_quiet_drops_the_reload_lines_but_not_the_errors(self):
        self.way = 'command line'
        self.write_app('one')
        app = self.start_app(quiet=True)
        app.wait_ready('one')
        self.write_app('two')
        app.wait_ready('two')
        self.assertEqual(app.count('^reloader: '), 0, app.output)
        self.write('app.py', 'raise ValueError("broken")\n')
        app.wait_for('^ValueError: broken')
        app.wait_for(WAITING)
        self.write_app('three')
        app.wait_ready('three')
        self.assertEqual(app.count('^reloader: '), 1, app.output)

    def test_wait_waits_for_the_next_save_whatever_the_status(self):
        self.way, self.console = 'command line', True
        self.write('helper.py', 'VALUE = 1\n')
        for status in 0, 5, 1, 3:
            with self.subTest(status):
                self.write_app('one', 'sys.exit(%d)' % status, 'import helper')
                app = self.start('reloader.py', '--wait', 'app.py')
                app.wait_for('^reloader: ended with status %d, waiting for a change' % status)
                self.assertIn('(Ctrl-C ends it)', app.output)
                self.write('helper.py', 'VALUE = 2%d\n' % status)
                app.wait_for(changed('helper.py'))
                app.wait_for('^reloader: ended with status %d, waiting for a change$' % status)
                self.write_app('two', 'sys.exit(%d)' % status, 'import helper')
                app.wait_ready('two')
                app.wait_for(WAITING)
                app.ctrl_c()
                self.assertEqual(app.wait_exit(), 130, app.output)
                self.assertEqual(len(app.pids()), 3, app.output)

    def test_wait_says_nothing_of_a_good_end_if_it_is_to_be_quiet(self):
        self.way = 'command line'
        self.write_app('one', 'sys.exit(0)')
        app = self.start('reloader.py', '-qw', 'app.py')
        wait_gone(app.wait_ready('one'))
        self.write_app('two', 'sys.exit(5)')
        app.wait_ready('two')
        app.wait_for('^reloader: ended with status 5, waiting')
        self.assertEqual(app.count('^reloader:'), 1, app.output)

    def test_wait_leaves_a_program_alone_that_writes_what_it_watches(self):
        self.way = 'command line'
        self.write('data', 'x')
        self.write_app('one', "open('data', 'a').write('x')", extra_files=['data'])
        app = self.start('reloader.py', '-w', '--extra-files', 'data', 'app.py')
        app.wait_for('^reloader: ended with status 0, waiting for a change')
        starts = len(app.pids())
        self.assertLessEqual(starts, 2, app.output)
        self.write_app('two', extra_files=['data'])
        app.wait_ready('two')
        self.assertEqual(len(app.pids()), starts + 1, app.output)

    def test_wait_does_not_miss_an_extra_file_that_is_saved_as_the_program_ends(self):
        self.way = 'command line'
        self.write('data.txt', 'one')
        self.write_app('one', """
            data = open('data.txt').read()
            print('read', data, flush=True)
            while data == 'one' and not os.path.exists('go'): time.sleep(0.01)
            os._exit(0)
            """)
        app = self.start('reloader.py', '--wait', '--extra-files', 'data.txt', '--interval', '5',
                         'app.py')
        app.wait_for('^read one$')
        self.write('data.txt', 'two')
        self.write('go', '')
        app.wait_for('^read two$')

    @needs_posix
    def test_ends_when_nobody_reads_the_output_any_more(self):
        """`python3 reloader.py app.py | head -n 1`."""
        text = 'import os, sys, time\nprint("line", flush=True)\n'
        wait = 'while not os.path.exists("go"): time.sleep(0.01)\n'
        default = 'import signal\nsignal.signal(signal.SIGPIPE, signal.SIG_DFL)\nprint("more")\n'
        for end, status in ('sys.exit(1)', 1), (default, 128 + signal.SIGPIPE):
            self.write('app.py', text + wait + end)
            app = subprocess.Popen(
                [self.python, 'reloader.py', 'app.py'], cwd=str(self.folder), bufsize=0,
                env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self.addCleanup(app.kill)
            self.assertEqual(app.stdout.readline(), b'line\n')
            app.stdout.close()
            self.write('go', '')
            self.assertEqual(app.wait(LONG), status)
            self.remove('go')

    def test_a_traceback_shows_the_program_and_not_the_reloader(self):
        self.write('app.py', 'def fail():\n    raise ValueError("broken")\nfail()\n')
        plain = self.run_once('app.py')
        app = self.start('reloader.py', 'app.py')
        app.wait_for(WAITING)
        said = app.output[:app.output.index('reloader: ')]
        self.assertEqual(said, plain.stderr)

    @skip_unless(sys.version_info >= (3, 11), 'exception groups came with Python 3.11')
    def test_nor_does_that_of_a_group(self):
        """contextlib.suppress() raises it again, with a frame of its own."""
        self.write('app.py', 'raise ExceptionGroup("both", [ValueError(1), TypeError(2)])\n')
        plain = self.run_once('app.py')
        app = self.start('reloader.py', 'app.py')
        app.wait_for(WAITING)
        self.assertEqual(app.output[:app.output.index('reloader: ')], plain.stderr)
        self.write('app.py', library('one', 'raise ExceptionGroup("both", [ValueError(1)])'))
        app = self.start('app.py')
        app.wait_for(WAITING)
        self.assertNotIn('contextlib', app.output)


if __name__ == '__main__':
    sys.exit(unittest.main())
