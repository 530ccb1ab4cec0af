"""What users of other reloaders ran into: each kind once, mostly through both ways in."""
from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

from tests.support import (FREE_THREADED, RELOADER, WAITING, WINDOWS, changed, is_alive,
                           needs_posix, side_by_side, skip, skip_unless, wait_gone, wait_until)
from tests.test_api import TICKING, wait_ticks
from tests.test_saves import TRACEBACK, save, start_with_module
from tests.together import Code, TogetherTestCase, ways

LIBRARY_ONLY, COMMAND_LINE_ONLY = [('library', None)], [('command line', None)]


def have(*modules) -> bool:
    """Tell whether this Python has all of these modules; musl's was built without some."""
    done = subprocess.run([sys.executable, '-c', 'import ' + ', '.join(modules)],
                          stderr=subprocess.DEVNULL)
    return not done.returncode


@side_by_side
class NothingTakesItDown(TogetherTestCase):
    """Whatever fails after a save, or is away for a while: it waits, and says so."""

    def test_a_program_that_takes_ctrl_c_for_a_key_ends_right_after_a_save_too(self):
        """Prompts in raw mode get no SIGINT, and raise KeyboardInterrupt by themselves."""
        def scene(case):
            case.write_app('one')
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('two', 'READY\nraise KeyboardInterrupt')
            app.wait_ready('two')
            self.assertEqual(app.wait_exit(), 0 if case.way == 'library' else 130, app.output)
            self.assertEqual(app.count(WAITING + '|Traceback'), 0, app.output)
        self.at_once(scene, ways())

    def test_a_save_that_fails_with_any_status_waits_for_the_next(self):
        """A tool that cannot import the application ends with 2: argparse, click, celery."""
        def scene(case):
            app, _ = start_with_module(case)
            save(case, Code('SystemExit(2)'))
            case.write('value.py', 'raise SystemExit(2)\n')
            app.wait_for('^reloader: exit status 2, waiting for a change')
            save(case, 'two')
            app.wait_ready('two')
        self.at_once(scene, ways())

    def test_status_3_of_a_package_is_not_asked_for(self):
        """So uvicorn ends when the application's start fails."""
        def scene(case):
            case.write('site-packages/server.py', 'import sys\n\ndef serve(): sys.exit(3)\n')
            before = "sys.path.append('site-packages')\nimport server"
            case.write_app('one', 'server.serve()', before)
            app = case.start_app()
            app.wait_for('^reloader: exit status 3, waiting for a change')
            self.assertEqual(len(app.pids()), 1, app.output)
            case.write_app('two', before=before)
            app.wait_ready('two')
        self.at_once(scene, ways())

    def test_the_file_of_the_reloader_may_be_away(self):
        """`git stash -u`, or a branch that lacks it."""
        def scene(case):
            case.write_app('one')
            app = case.start_app()
            app.wait_ready('one')
            case.move('reloader.py', 'away')
            case.write_app('two')
            app.wait_for(r'^reloader: .*waiting for')
            case.move('away', 'reloader.py')
            app.wait_ready('two')
        self.at_once(scene, ways())

    @needs_posix
    def test_the_interpreter_may_be_away(self):
        """`.venv` is made anew."""
        def scene(case):
            before = "sys.executable = os.path.abspath('python')"
            os.symlink(sys.executable, case.folder / 'python')
            case.write_app('one', before=before)
            app = case.start_app()
            app.wait_ready('one')
            case.remove('python')
            case.write_app('two', before=before)
            app.wait_for('^reloader: cannot start the program: .*, waiting for it$')
            os.symlink(sys.executable, case.folder / 'python')
            app.wait_ready('two')
        self.at_once(scene, LIBRARY_ONLY)

    @needs_posix
    def test_sigchld_may_be_ignored_or_handled(self):
        def scene(case, handler):
            before = 'signal.signal(signal.SIGCHLD, %s)' % handler
            case.write_app('one', 'raise ValueError', before)
            app = case.start_app()
            app.wait_for('^reloader: exit status 1, waiting for a change')
            case.write_app('two', before=before)
            app.wait_ready('two')
        self.at_once(scene, ways('signal.SIG_IGN', 'lambda *_: os.waitpid(-1, os.WNOHANG)'))

    def test_the_fix_is_a_package_far_below_or_an_installed_one(self):
        def scene(case, name):
            *folders, package = name.split('/')
            before = 'import ' + package
            (case.folder / 'site-packages').mkdir()
            case.write_app('one', before=before)
            app = case.start('reloader.py', 'app.py',
                             env={'PYTHONPATH': str(case.folder / 'site-packages')})
            app.wait_for(WAITING)
            path = '/'.join(folders)
            for part in package.split('.'):
                path = os.path.join(path, part)
                case.write(path + '/__init__.py', 'VALUE = 1\n')
            app.wait_ready('one')
        self.at_once(scene, [('command line', 'first.second.third.fourth'),
                             ('command line', 'site-packages/package')])

    def test_a_neighbour_whose_time_is_in_the_future_is_no_fix(self):
        """The clock of a virtual machine, an archive that was unpacked."""
        def scene(case):
            os.utime(case.write('other.py', ''), (time.time() + 3600,) * 2)
            case.write_app('one', 'raise ValueError')
            app = case.start_app()
            app.wait_for(WAITING)
            case.write('new.py', 'VALUE = 1\n')
            app.wait_for(changed('new.py'))
            app.wait_for(WAITING)
            self.assertEqual((len(app.pids()), app.count('other')), (2, 0), app.output)
        self.at_once(scene, ways())

    def test_the_fix_may_be_in_a_folder_that_the_program_has_put_on_its_path(self):
        def scene(case):
            before = "sys.path.insert(0, os.path.abspath('../beside/lib'))\nimport fresh"
            (case.folder / 'beside/lib').mkdir(parents=True)
            case.folder = case.folder / 'program'
            case.write('reloader.py', (case.folder.parent / 'reloader.py').read_bytes())
            case.write_app('one', before=before)
            app = case.start('reloader.py', 'app.py')
            app.wait_for(WAITING)
            case.write('../beside/lib/fresh.py', 'VALUE = 1\n')
            app.wait_ready('one')
        self.at_once(scene, COMMAND_LINE_ONLY)

    FINDER = """
        import importlib.util
        class Finder:  # as setuptools writes it for `pip install -e`
            def find_spec(name, path=None, target=None):
                if name == 'lib':
                    return importlib.util.spec_from_file_location(name, %r)
        sys.meta_path.insert(0, Finder)
        sys.dont_write_bytecode = True
        import lib
        """

    def test_the_fix_may_be_in_a_module_that_another_finder_has_found(self):
        def scene(case):
            far = tempfile.TemporaryDirectory()
            self.addCleanup(far.cleanup)
            path = os.path.join(far.name, 'lib.py')
            case.write(path, 'value = "one"\n')
            case.write_app(Code('lib.value'), before=self.FINDER % path)
            app = case.start_app()
            app.wait_ready('one')
            case.write(path, '1 / 0\n')
            app.wait_for('waiting for a change')
            case.write(path, 'value = "two"\n')
            app.wait_ready('two')
        self.at_once(scene, ways())

    def test_so_may_the_change_that_a_finished_program_waits_for(self):
        """pytest finds the tests by a finder of its own, and may be done within a second."""
        far = tempfile.TemporaryDirectory()
        self.addCleanup(far.cleanup)
        path = os.path.join(far.name, 'lib.py')
        self.write(path, 'value = "one"\n')
        self.write('app.py', 'import sys\n%s\nprint(lib.value)\n' % textwrap.dedent(
            self.FINDER % path))
        app = self.start('reloader.py', '--wait', 'app.py')
        app.wait_for('^one$')
        app.wait_for('waiting for a change')
        self.write(path, 'value = "two"\n')
        app.wait_for('^two$')

    def test_the_fix_may_be_a_file_that_was_missing(self):
        def scene(case):
            case.write_app('one', "print(open('data/config.json').read(), flush=True); READY")
            app = case.start_app()
            app.wait_for('waiting for a change')
            case.write('data/config.json', 'here')
            app.wait_ready('one')
        self.at_once(scene, ways())

    @needs_posix
    def test_the_fix_may_be_a_link_to_a_folder(self):
        def scene(case):
            case.write('../%s-common/linked/__init__.py' % case.folder.name, '')
            case.write_app('one', before='import linked')
            app = case.start_app()
            app.wait_for(WAITING)
            os.symlink('../%s-common/linked' % case.folder.name, case.folder / 'linked')
            app.wait_ready('one')
        self.at_once(scene, COMMAND_LINE_ONLY)

    def test_the_program_may_have_an_excepthook_or_a_codec_of_its_own(self):
        def scene(case):
            before = '''
                import codecs
                codecs.register(lambda name: codecs.lookup('utf-8') if name == 'own' else None)
                sys.excepthook = lambda *_: print('no traceback', flush=True)
                import value
                '''
            case.write('value.py', '# coding: own\nVALUE = "one"\n')
            case.write_app(Code('value.VALUE'), before=before)
            app = case.start_app()
            app.wait_ready('one')
            case.write('value.py', '# coding: own\nVALUE = missing\n')
            app.wait_for('^no traceback')
            app.wait_for(WAITING)
            case.write('value.py', '# coding: own\nVALUE = "two"\n')
            app.wait_ready('two')
        self.at_once(scene, ways())


@side_by_side
class NobodyKeepsStaleCode(TogetherTestCase):
    """Whoever imports a module, and however the program came to run."""

    @needs_posix
    def test_of_modules_that_only_workers_import(self):
        if not have('_multiprocessing', '_posixshmem'):
            skip(self, 'this Python has no multiprocessing')

        def scene(case, method):
            case.write('value.py', 'VALUE = "one"\n')
            case.write_app('main', '''
                READY
                multiprocessing.set_start_method(%r)
                worker = multiprocessing.Process(target=work)
                worker.start()
                time.sleep(600)
                ''' % method, '''
                import multiprocessing
                def work():
                    import value
                    print('worker', value.VALUE, flush=True)
                    time.sleep(600)
                ''', interval=20)
            # A socket's name may have 100 characters, and forkserver makes one in TMPDIR.
            short = tempfile.mkdtemp(dir='/tmp')
            case.addCleanup(shutil.rmtree, short, ignore_errors=True)
            app = case.start_app(env={'TMPDIR': short})
            app.wait_for('^worker one')
            since = time.monotonic()
            save(case, 'two')
            app.wait_for(changed('value.py'))
            self.assertLess(app.taken_since(since), 15)  # it does not take the interval
            app.wait_for('^worker two')
        self.at_once(scene, ways('fork', 'spawn', 'forkserver'))

    def test_of_modules_that_only_joblibs_workers_import(self):
        """Its backend loky starts them by a module that is named like multiprocessing's."""
        def scene(case):
            case.write('loky/backend/popen_loky_posix.py', '''
                import subprocess, sys
                def start():
                    subprocess.Popen([sys.executable, '-c', 'import value; value.show()'])
                '''.replace('\n' + 16 * ' ', '\n'))
            shows = 'def show(): print("worker", %r, flush=True)\n'
            case.write('value.py', shows % 'one')
            case.write_app('main', 'READY; popen_loky_posix.start(); time.sleep(600)',
                           'from loky.backend import popen_loky_posix')
            app = case.start_app()
            app.wait_for('^worker one')
            time.sleep(1.5)  # of such a one nobody knows when it has been looked for
            case.write('value.py', shows % 'two')
            app.wait_for(changed('value.py'))
            app.wait_for('^worker two')
        self.at_once(scene, ways())

    def test_of_a_module_that_is_found_by_way_of_a_link_and_its_parent(self):
        """Its path has `link/..`, which is not the folder that the link stands in."""
        self.need_links()

        def scene(case):
            case.write('real/value.py', 'VALUE = "one"\n')
            case.write('value.py', 'VALUE = "not imported"\n')
            case.write('real/scripts/readme.txt', '')
            os.symlink(os.path.join('real', 'scripts'), case.folder / 'link')
            program = ('sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))\n'
                       'import value')
            case.write_app(Code('value.VALUE'), before=program)
            case.move('app.py', 'real/scripts/app.py')
            shutil.copy(RELOADER, case.folder / 'real/scripts')
            app = case.start_app(name='link/app.py')
            app.wait_ready('one')
            case.write('real/value.py', 'VALUE = "two"\n')
            app.wait_ready('two')
        self.at_once(scene, ways())

    def test_of_a_program_that_another_runs_in_main(self):
        def scene(case, runner):
            case.write_app('one')
            words = [*runner, 'app.py']
            app = case.start(*(['reloader.py', '-m', *words] if case.way == 'command line'
                               else ['-m', *words]))
            app.wait_ready('one')
            case.write_app('two')
            app.wait_for(changed('app.py'))
            app.wait_ready('two')
        self.at_once(scene, ways(('cProfile',), ('trace', '--count', '--coverdir=tmp/trace'),
                                 ('pdb', '-c', 'continue')))

    @needs_posix
    def test_of_one_that_pdb_asks_about_when_it_is_interrupted(self):
        """On a terminal it takes that for a mistake, and waits at its prompt."""
        def scene(case):
            case.write_app('one')
            app = case.start('reloader.py', '-m', 'pdb', '-c', 'continue', 'app.py', tty=True)
            app.wait_ready('one')
            case.write_app('two')
            since = time.monotonic()
            app.wait_ready('two')
            self.assertLess(app.taken_since(since), 4)  # not the grace time
        self.at_once(scene, COMMAND_LINE_ONLY)

    def test_after_a_crash_that_a_thread_survives(self):
        def scene(case):
            case.write_app('one', '''
                threading.Thread(target=threading.Event().wait).start()
                READY
                raise ValueError('broken')
                ''')
            app = case.start_app()
            app.wait_ready('one')
            app.wait_for('^ValueError: broken')
            case.write_app('two')
            app.wait_for(changed('app.py'))
            app.wait_ready('two')
        self.at_once(scene, ways())

    @needs_posix
    def test_after_main_has_returned_and_an_executor_or_a_process_goes_on(self):
        def scene(case, begin):
            case.write_app('one', 'READY\n' + begin, """
                import concurrent.futures, multiprocessing
                def work():
                    while True: time.sleep(0.2)
                """)
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('two')
            app.wait_for(changed('app.py'))
            app.wait_ready('two')
        self.at_once(scene, ways(
            'concurrent.futures.ThreadPoolExecutor().submit(work)',
            'multiprocessing.get_context("fork").Process(target=work).start()'))

    def test_after_main_has_returned_and_a_thread_goes_on(self):
        def scene(case):
            case.write_app('one', """
                READY
                def work():
                    import reloader
                    while threading.main_thread().is_alive() or not os.path.exists('go'):
                        time.sleep(0.01)
                    os.unlink('go')
                    reloader.trigger_reload()
                    time.sleep(600)
                def leave():
                    time.sleep(1.2)
                    print('goodbye', flush=True)
                threading.Thread(target=work).start()
                atexit.register(leave)
                """, 'import atexit, threading')
            app = case.start_app()
            first = app.wait_ready('one')
            case.write('go', '')
            self.assertNotEqual(app.wait_ready('one'), first)
            case.write_app('two', 'READY')
            app.wait_ready('two')
            if not WINDOWS:  # where nothing interrupts the wait for the thread
                self.assertEqual(app.count('^goodbye'), 2, app.output)
                self.assertNotIn('still busy', app.output)
                self.assertNotIn('Exception ignored', app.output)
            self.assertEqual(app.wait_exit(), 0, app.output)
        self.at_once(scene, ways())

    def test_nor_does_it_forget_to_say_what_keeps_a_save_waiting(self):
        def scene(case):
            app, _ = start_with_module(case)
            case.write('value.py', 'value = (\n')
            app.wait_for('value.py, line 1: .*; not restarting')
            case.write_app(Code('value.VALUE'), before='import value', after='# saved')
            app.wait_for('value.py, line 1: .*; not restarting')
            save(case, 'two')
            app.wait_ready('two')
        self.at_once(scene, ways())

    def test_after_an_error_that_nobody_foresaw(self):
        """An object in sys.modules may do anything; it is shown once, and saves go on to count."""
        def scene(case):
            case.write_app('one', '''
                READY
                class Odd(dict):
                    copy = property(lambda self: 1 / 0)
                sys.modules = Odd(sys.modules)
                time.sleep(600)
                ''')
            app = case.start_app()
            app.wait_ready('one')
            app.wait_for('^ZeroDivisionError')
            case.write_app('two')
            app.wait_for(changed('app.py'))
            app.wait_ready('two')
            self.assertEqual(app.count('^ZeroDivisionError'), 1, app.output)
        self.at_once(scene, ways())

    def test_after_an_error_in_what_shows_it(self):
        def scene(case):
            case.write_app('one', '''
                import unittest.mock
                with unittest.mock.patch('os.path.join', side_effect=RuntimeError('mocked')):
                    READY
                    while not os.path.exists('go'): time.sleep(0.01)
                time.sleep(600)
                ''')
            app = case.start_app()
            app.wait_ready('one')
            app.wait_for('^RuntimeError: mocked')
            case.write('go', '')
            case.write_app('two')
            app.wait_ready('two')
        self.at_once(scene, ways())

    def test_after_its_tests_have_replaced_what_the_checker_calls(self):
        """unittest.mock is meant for the program alone; its mocks are called by nobody else."""
        def scene(case, name):
            case.write_app('one', textwrap.dedent("""
                import unittest.mock
                with unittest.mock.patch(%r, side_effect=FileNotFoundError) as mocked:
                    time.sleep(1.5)
                print('called', mocked.call_count, flush=True)
                """ % name) + TICKING)
            app = case.start_app()
            app.wait_ready('one')
            calls = int(app.wait_for(r'^called (\d+)').group(1))
            if name not in ('os.getppid', 'os.stat'):  # os.path uses the latter
                self.assertEqual(calls, 0, app.output)
            case.write_app('two')
            app.wait_ready('two')
            self.assertEqual(app.count(TRACEBACK), 0 if name != 'os.getppid' else 1, app.output)
        self.at_once(scene, ways('builtins.open', 'time.monotonic', 'os.stat',
                                 *['os.getppid'] * (not WINDOWS)))

    def test_where_standard_error_was_wrapped_anew(self):
        def scene(case):
            case.write_app('one', before="""
                import io
                sys.stderr = io.TextIOWrapper(sys.stderr.detach(), encoding='utf-8')
                """)
            app = case.start_app()
            app.wait_ready('one')
            case.write('app.py', 'VALUE = (')
            app.wait_for('^reloader: .*; not restarting')
        self.at_once(scene, ways())

    @needs_posix
    def test_when_no_descriptor_is_left(self):
        def scene(case):
            case.write_app('one', '''
                import resource
                resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
                kept = []
                try:
                    while True: kept.append(os.open(os.devnull, os.O_RDONLY))
                except OSError:
                    pass
                READY
                time.sleep(600)
                ''')
            app = case.start_app()
            first = app.wait_ready('one')
            time.sleep(1.5)  # the files were saved just before the start: they have been looked at
            case.assertTrue(is_alive(first), app.output)
            case.write_app('two')
            app.wait_for(changed('app.py'))
            app.wait_ready('two')
            self.assertEqual(len(app.pids()), 2, app.output)
        self.at_once(scene, ways())

    @needs_posix
    def test_after_it_has_replaced_itself(self):
        def scene(case):
            case.write_app('one', '''
                if 'again' not in sys.argv:
                    os.execv(sys.executable, [sys.executable, *sys.argv, 'again'])
                READY
                time.sleep(600)
                ''')
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('two', 'READY\ntime.sleep(600)')
            app.wait_for(changed('app.py'))
            app.wait_ready('two')
        self.at_once(scene, LIBRARY_ONLY)

    @needs_posix
    def test_after_it_has_replaced_itself_by_what_reads_more(self):
        """What the second image alone has read, and nobody saved, is no reason to run it again."""
        def scene(case):
            case.write('value.py', '')
            block = textwrap.dedent('''
                if 'again' not in sys.argv:
                    os.execv(sys.executable, [sys.executable, *sys.argv, 'again'])
                READY
                ''')
            before = "if 'again' in sys.argv: import value"
            case.write_app('one', block + 'time.sleep(600)', before)
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('two', block, before)
            app.wait_ready('two')
            self.assertEqual(app.wait_exit(), 0, app.output)
            self.assertEqual(len(app.pids()), 2, app.output)
        self.at_once(scene, LIBRARY_ONLY)


@needs_posix
@side_by_side
class ItEndsAsCtrlCWould(TogetherTestCase):
    """What the program leaves running is interrupted, then ended; what waits in C is woken."""

    STARTING = '''
        other = subprocess.Popen(['sh', '-c', %r], start_new_session=%r)
        print('other', other.pid, flush=True)
        READY; time.sleep(600)
        '''

    def reload_and_wait_for_the_end_of(self, name, case):
        """Start app.py, which tells the pid of a process of that name, and save it."""
        app = case.start_app()
        pid = int(app.wait_for(r'^%s (\d+)' % name).group(1))
        app.wait_ready('one')
        case.write_app('two')
        app.wait_ready('two')
        wait_gone(pid)
        return app

    def test_what_it_has_started_does_not_pile_up(self):
        def scene(case, text):
            case.write_app('one', self.STARTING % (text, False), 'import subprocess')
            self.reload_and_wait_for_the_end_of('other', case)
        self.at_once(scene, ways(
            'sleep 600; true', '(sleep 600; true)', "trap '' INT; while :; do sleep 0.1; done",
            "trap '' INT TERM; while :; do sleep 0.1; done"))

    def test_what_it_leaves_behind_as_it_crashes_is_ended_before_the_next_start(self):
        def scene(case, ending):
            case.write_app('one', self.STARTING.replace('time.sleep(600)', ending)
                           % ("trap 'echo interrupted' INT; while :; do sleep 0.1; done", False),
                           'import subprocess')
            app = case.start_app()
            other = int(app.wait_for(r'^other (\d+)').group(1))
            app.wait_for('waiting for a change')
            self.assertTrue(is_alive(other))
            case.write_app('two')
            app.wait_ready('two')
            self.assertFalse(is_alive(other))
            self.assertEqual(app.count('^interrupted'), 1, app.output)
        self.at_once(scene, ways('1 / 0', 'sys.exit(1)'))

    def test_what_such_a_process_starts_meanwhile_does_not_pile_up_either(self):
        """As `npm run` does, which the crash has left behind before its server is up."""
        def scene(case):
            case.write_app('one', self.STARTING.replace('READY; time.sleep(600)', '1 / 0') % (
                'while ! [ -e go ]; do sleep 0.05; done; sleep 600 & echo inner $!; wait', False),
                'import subprocess')
            app = case.start_app()
            other = int(app.wait_for(r'^other (\d+)').group(1))
            app.wait_for('waiting for a change')
            case.write('go', '')
            inner = int(app.wait_for(r'^inner (\d+)').group(1))
            case.write_app('two')
            app.wait_ready('two')
            self.assertFalse(is_alive(other))
            wait_gone(inner)
        self.at_once(scene, ways())

    def test_what_one_starts_to_clean_up_is_left_to_end(self):
        """It has heard SIGINT, and undoes what it has done."""
        def scene(case):
            case.write('wrapper.py', '''
                import subprocess, sys, time
                try:
                    open('up', 'w').close()
                    time.sleep(600)
                except KeyboardInterrupt:
                    code = 'import time; time.sleep(0.2); print("undone", flush=True)'
                    subprocess.call([sys.executable, '-S', '-c', code])
                ''')
            case.write_app('one', """
                subprocess.Popen([sys.executable, 'wrapper.py'])
                while not os.path.exists('up'): time.sleep(0.01)
                READY; time.sleep(600)
                """, 'import subprocess')
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('two')
            app.wait_ready('two')
            self.assertEqual(app.count('^undone'), 1, app.output)
        self.at_once(scene, ways())

    TRIGGERING = ('import reloader; os.path.exists("again") or '
                  '[open("again", "w").close(), reloader.trigger_reload()]')

    def test_one_hears_ctrl_c_once_however_main_ends(self):
        """Before SIGTERM, which lets no `finally` run."""
        def scene(case, ending):
            other = ("trap 'echo interrupted' INT; trap 'echo ended; exit' TERM; : > set; "
                     "while :; do sleep 0.05; done")
            text = self.STARTING % (other, False)
            text = text.replace('READY; time.sleep(600)', '''
        while not os.path.exists('set'): time.sleep(0.01)
        READY
        ''' + ending)
            case.write_app('one', text, 'import subprocess')
            app = case.start_app()
            app.wait_ready('one')
            if ending != self.TRIGGERING:
                case.write_app('two')
            app.wait_for('^interrupted')
            app.wait_for('^ended')
            self.assertEqual(app.count('^interrupted'), 1, app.output)
        self.at_once(scene, ways('time.sleep(600)', 'while True: pass', self.TRIGGERING))

    def test_ctrl_c_while_one_is_ended_starts_nothing(self):
        def scene(case):
            case.write_app('one', self.STARTING % (
                "trap '' INT TERM; echo deaf; while :; do sleep 0.05; done", False),
                'import subprocess')
            app = case.start_app()
            app.wait_for('^deaf')
            case.write_app('two')
            app.wait_for(changed('app.py'))
            wait_gone(app.pids()[0])
            app.ctrl_c()
            self.assertEqual(app.wait_exit(), 130, app.output)
            self.assertEqual(len(app.pids()), 1, app.output)
        self.at_once(scene, ways())

    def test_one_whose_own_parent_ends_sooner_is_ended_too(self):
        def scene(case):
            inner = "trap '' INT; echo inner $$; while :; do sleep 0.1; done"
            text = 'sh -c "%s" & sleep 600' % inner.replace('$', '\\$')
            case.write_app('one', self.STARTING % (text, False), 'import subprocess')
            app = case.start_app()
            app.wait_for(r'^other (\d+)')
            wait_until(lambda: app.count(r'^inner \d+'))
            case.write_app('two')
            app.wait_ready('two')
            wait_gone(int(re.search(r'^inner (\d+)', app.output, re.MULTILINE).group(1)))
        self.at_once(scene, ways())

    def test_one_that_main_waits_for_hears_of_it_at_the_same_time(self):
        """As at Ctrl-C; so what main does behind the wait is done, and no grandchild is lost."""
        def scene(case, wait):
            case.write_app('one', """
                command = ['sh', '-c', 'sh -c "echo inner \\\\$\\\\$; exec sleep 600"; true']
                READY
                %s
                """ % wait, 'import subprocess', 'print("behind", flush=True)')
            app = case.start_app()
            app.wait_ready('one')
            inner = int(app.wait_for(r'^inner (\d+)').group(1))
            case.write_app('two')
            app.wait_ready('two')
            wait_gone(inner)
            self.assertEqual(app.count('still busy'), 0, app.output)
            if 'cleanup' in wait:
                self.assertEqual(app.count('^cleanup'), 1, app.output)
        self.at_once(scene, ways(
            'subprocess.run(command)',
            'with subprocess.Popen(command): time.sleep(600)',
            'process = subprocess.Popen(command)\n'
            '                try: time.sleep(600)\n'
            '                finally: process.wait(); print("cleanup", flush=True)'))

    def test_one_that_hears_nothing_is_killed_soon_enough_for_atexit(self):
        def scene(case):
            case.write_app('one', textwrap.dedent("""
                atexit.register(print, 'atexit', flush=True)
                process = subprocess.Popen(
                    ['sh', '-c', "trap '' INT TERM; echo deaf; while :; do sleep 0.1; done"])
                """) + TICKING, 'import atexit, subprocess')
            app = case.start_app()
            app.wait_ready('one')
            app.wait_for('^deaf')
            case.write_app('two')
            app.wait_ready('two')
            self.assertEqual((app.count('^atexit'), app.count('still busy')), (1, 0), app.output)
        self.at_once(scene, ways())

    def test_one_that_ends_with_the_program_itself_is_not_waited_for(self):
        """joblib's resource tracker, named like multiprocessing's, which hears no signal."""
        def scene(case):
            case.write('loky/backend/resource_tracker.py', '''
                import subprocess, types
                process = subprocess.Popen(
                    ['sh', '-c', 'trap "" INT TERM; echo tracking; read line; : > closed'],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                process.stdout.readline()
                _resource_tracker = types.SimpleNamespace(_pid=process.pid)
                ''')
            case.write_app('one', "print('tracker', resource_tracker.process.pid, flush=True)\n"
                           'READY; time.sleep(600)', 'from loky.backend import resource_tracker')
            app = self.reload_and_wait_for_the_end_of('tracker', case)
            self.assertTrue((case.folder / 'closed').exists(), app.output)
        self.at_once(scene, ways())

    def test_what_was_begun_above_the_import_of_the_reloader_runs_on(self):
        def scene(case):
            case.write('helper.py', '''
                import subprocess
                process = subprocess.Popen(['sleep', '600'])
                ''')
            case.write_app('one', 'READY; print(helper.process.poll(), flush=True)\n'
                           'time.sleep(600)')
            case.put_above('import helper')
            app = case.start_app()
            app.wait_ready('one')
            app.wait_for('^None$')
        self.at_once(scene, LIBRARY_ONLY)

    def test_what_has_a_session_of_its_own_stays(self):
        def scene(case):
            case.write_app('one', self.STARTING % ('exec sleep 600', True), 'import subprocess')
            app = case.start_app()
            other = int(app.wait_for(r'^other (\d+)').group(1))
            self.addCleanup(os.kill, other, signal.SIGKILL)
            app.wait_ready('one')
            case.write_app('two')
            app.wait_ready('two')
            self.assertTrue(is_alive(other))
        self.at_once(scene, ways())

    def test_multiprocessing_ends_its_own(self):
        """A pool would start its workers anew, as long as they are ended one by one."""
        if not have('_multiprocessing', '_posixshmem'):
            skip(self, 'this Python has no multiprocessing')

        def scene(case, method):
            text = '''
                pool = multiprocessing.get_context(%r).Pool(2)
                print('worker', pool.apply(os.getpid), flush=True)
                READY; time.sleep(600)
                ''' % method
            case.write_app('one', text, 'import multiprocessing')
            app = self.reload_and_wait_for_the_end_of('worker', case)
            self.assertEqual(app.count('still busy'), 0, app.output)
            if not FREE_THREADED:
                self.assertEqual(app.count(TRACEBACK), 0, app.output)
        self.at_once(scene, ways('fork', 'spawn'))

    def test_a_worker_of_multiprocessing_cleans_up_to_its_end(self):
        """Python waits for it, as at Ctrl-C."""
        if not have('_multiprocessing', '_posixshmem'):
            skip(self, 'this Python has no multiprocessing')

        def scene(case):
            text = '''
                def work():
                    try:
                        begun.set()
                        time.sleep(600)
                    finally:
                        time.sleep(1.2)  # longer than what is left running otherwise is given
                        print('worked', flush=True)
                context = multiprocessing.get_context('fork')
                begun = context.Event()
                context.Process(target=work).start()
                begun.wait()
                READY; time.sleep(600)
                '''
            case.write_app('one', text, 'import multiprocessing')
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('two')
            app.wait_ready('two')
            self.assertEqual((app.count('^worked'), app.count('still busy')), (1, 0), app.output)
        self.at_once(scene, ways())

    def test_a_worker_that_main_joins_has_the_grace_time_as_main_has(self):
        if not have('_multiprocessing', '_posixshmem'):
            skip(self, 'this Python has no multiprocessing')

        def scene(case):
            case.write_app('one', '''
                def work():
                    try:
                        begun.set()
                        time.sleep(600)
                    finally:
                        time.sleep(3.7)
                        print('worked', flush=True)
                context = multiprocessing.get_context('fork')
                begun = context.Event()
                worker = context.Process(target=work)
                worker.start()
                begun.wait()
                try:
                    READY; time.sleep(600)
                finally:
                    worker.join()
                ''', 'import multiprocessing')
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('two')
            app.wait_ready('two')
            self.assertEqual((app.count('^worked'), app.count('still busy')), (1, 0), app.output)
        self.at_once(scene, ways())

    def test_a_shell_that_main_waits_for_is_interrupted(self):
        def scene(case):
            case.write_app('one', "READY\nos.system('sleep 600')")
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('two')
            app.wait_ready('two')
            self.assertEqual(app.count('still busy'), 0, app.output)
        self.at_once(scene, ways())

    def test_an_idle_tk_loop_is_woken_and_its_cleanup_runs(self):
        shows = 'import tkinter; tkinter.Tk()'
        if subprocess.run([sys.executable, '-c', shows], stderr=subprocess.DEVNULL).returncode:
            skip(self, 'there is no Tk, or no screen for it')

        def scene(case):
            case.write_app('one', '''
                root = tkinter.Tk()
                try:
                    READY; root.mainloop()
                finally:
                    print('cleaned up', flush=True)
                ''', 'import tkinter')
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('two')
            app.wait_for('^cleaned up')
            app.wait_ready('two')
            self.assertEqual(app.count('still busy'), 0, app.output)
        self.at_once(scene, ways())

    @skip_unless(sys.version_info >= (3, 11), 'exception groups came with Python 3.11')
    def test_a_group_of_an_interrupt_and_a_mistake_is_shown(self):
        """As trio makes it, where a cleanup fails."""
        def scene(case):
            case.write_app('one', """
                try:
                    READY; time.sleep(600)
                except KeyboardInterrupt as error:
                    raise BaseExceptionGroup('both', [error, ValueError('in the cleanup')])
                """)
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('two')
            app.wait_for('ValueError: in the cleanup')
            app.wait_ready('two')
        self.at_once(scene, ways())

    @skip_unless(sys.version_info >= (3, 11), 'exception groups came with Python 3.11')
    def test_a_group_of_interrupts_is_ctrl_c(self):
        """As trio makes it."""
        def scene(case):
            case.write_app('one', '''
                try:
                    READY; time.sleep(600)
                except KeyboardInterrupt as error:
                    raise BaseExceptionGroup('inner', [BaseExceptionGroup('outer', [error])])
                ''')
            app = case.start_app()
            app.wait_ready('one')
            app.ctrl_c()
            self.assertEqual((app.wait_exit(), app.count(TRACEBACK)), (130, 0), app.output)
        self.at_once(scene, ways())

    def test_a_traceback_of_the_interrupt_names_no_class_of_ours(self):
        def scene(case):
            case.write_app('one', '''
                import traceback
                try:
                    READY; time.sleep(600)
                except BaseException:
                    traceback.print_exc()
                ''')
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('two')
            app.wait_for('^KeyboardInterrupt$')
            app.wait_ready('two')
        self.at_once(scene, ways())

    def test_a_stray_sigurg_means_nothing(self):
        def scene(case):
            case.write_app('one', TICKING)
            app = case.start_app()
            child = app.wait_ready('one')
            os.kill(child, signal.SIGURG)
            app.signal(signal.SIGURG)
            app.wait_for('^tick')
            case.write_app('two')
            app.wait_ready('two')
            self.assertEqual(len(app.pids()), 2, app.output)
        self.at_once(scene, ways())


@side_by_side
class FilesOfEveryKind(TogetherTestCase):
    """What is no file, or an editor's own, is passed over; a folder may have any name."""

    @needs_posix
    def test_pipes_and_devices_are_passed_over(self):
        def scene(case):
            os.mkfifo(case.folder / 'named')
            (case.folder / 'data').mkdir()
            os.mkfifo(case.folder / 'data/pipe')
            os.symlink(os.devnull, case.folder / 'data/device')
            for link in 'back', 'again', 'more':
                os.symlink('.', case.folder / 'data' / link)
            case.write('data/file', 'one')
            case.write_app('one', TICKING, extra_files=['named', 'data', 'data/**/*'])
            app = case.start_app()
            app.wait_for('^reloader: named is a pipe or a device, not watched')
            app.wait_ready('one')
            os.close(os.open(case.folder / 'named', os.O_RDWR))
            os.utime(case.folder / 'named')
            os.utime(case.folder / 'data/pipe')
            case.write('data/file', 'new')
            app.wait_for(changed(os.path.join('data', 'file')))
            app.wait_ready('one')
            self.assertEqual(app.count('named changed|pipe changed'), 0, app.output)
            self.assertEqual(len(app.pids()), 2, app.output)
        self.at_once(scene, ways())

    def test_what_emacs_writes_while_one_types_is_passed_over(self):
        def scene(case):
            case.write('data/page.html', 'one')
            case.write_app('one', TICKING, extra_files=['data/*', 'data'])
            app = case.start_app()
            app.wait_ready('one')
            case.write('data/#page.html#', 'half')
            if not WINDOWS:
                os.symlink('me@here.1', case.folder / 'data/.#page.html')
            wait_ticks(app)
            case.write('data/page.html', 'two')
            case.remove('data/#page.html#')
            app.wait_for(changed(os.path.join('data', 'page.html')))
            app.wait_ready('one')
            self.assertEqual((len(app.pids()), app.count('#')), (2, 0), app.output)
        self.at_once(scene, ways())

    @needs_posix
    def test_lockfiles_are_passed_over_by_whatever_way_they_are_reached(self):
        """The folder for temporary files is in the project, and another reloader uses it, too."""
        def scene(case):
            os.symlink('.', case.folder / 'link')
            case.write('page.html', 'one')
            case.write('other.py', 'import reloader, time\n'
                                   'reloader.run_with_reloader(lambda: time.sleep(600))\n')
            case.write_app('one', TICKING, extra_files=['link', '**', 'tmp/*'])
            case.start('other.py')
            wait_until(case.lockfiles)
            app = case.start_app()
            app.wait_ready('one')
            touched = [os.stat(case.tmp / name).st_mtime_ns for name in case.lockfiles()]
            wait_until(lambda: all(os.stat(case.tmp / name).st_mtime_ns > before
                                   for name, before in zip(case.lockfiles(), touched)))
            wait_ticks(app)
            case.write('page.html', 'two')
            app.wait_for('^reloader: .*page.html.* changed')
            app.wait_ready('one')
            self.assertEqual((len(app.pids()), app.count('[.]lock')), (2, 0), app.output)
        self.at_once(scene, ways())

    def test_the_folder_may_have_brackets_in_its_name(self):
        def scene(case):
            case.folder = case.folder / 'site [draft]'
            case.write('reloader.py', (case.folder.parent / 'reloader.py').read_bytes())
            case.write('data/page.html', 'one')
            case.write('noise.py', 'VALUE = 1\n')
            case.write_app('one', TICKING, 'import noise', extra_files=['data/**', 'data/*.css'],
                           exclude_patterns=['noise.py'])
            app = case.start_app()
            app.wait_ready('one')
            case.write('noise.py', 'VALUE = 22\n')
            wait_ticks(app)
            case.write('data/page.html', 'two')
            app.wait_for(changed(os.path.join('data', 'page.html')))
            app.wait_ready('one')
            case.write('data/new.css', 'new')
            app.wait_for(changed(os.path.join('data', 'new.css')))
            self.assertEqual(app.count('noise'), 0, app.output)
        self.at_once(scene, ways())

    @needs_posix
    def test_names_need_not_be_utf_8(self):
        def scene(case):
            (case.folder / 'data').mkdir()
            case.write_app('one', TICKING, extra_files=['data'])
            app = case.start_app()
            app.wait_ready('one')
            with open(os.fsencode(case.folder) + b'/data/\xff\xfe', 'wb') as file:
                file.write(b'new')
            app.wait_for(r'^reloader: data/.* changed')
            app.wait_ready('one')
        if sys.platform == 'darwin':
            skip(self, 'names are UTF-8 there')
        self.at_once(scene, ways())

    @needs_posix
    def test_that_are_all_of_a_disk_do_not_hold_up_the_end(self):
        def scene(case, number):
            case.write_app('one', extra_files=['/'])
            app = case.start_app()
            wait_until(case.lockfiles)
            app.signal(number)
            self.assertEqual(app.wait_exit(), 128 + number, app.output)
            self.assertEqual(app.count('^reloader: stopped by'), 1, app.output)
            case.assert_nothing_left()
        self.at_once(scene, ways(signal.SIGTERM, signal.SIGINT))

    @needs_posix
    def test_are_found_after_ctrl_c_is_caught(self):
        """A tree may be large; at the first start, too, Ctrl-C meanwhile shows no traceback."""
        def scene(case):
            case.write('data/file', '')
            case.write_app('one', before="""
                walk = os.walk
                def interrupted(*args):
                    os.kill(os.getpid(), signal.SIGINT)
                    return walk(*args)
                os.walk = interrupted
                """, extra_files=['data'])
            app = case.start_app()
            self.assertEqual((app.wait_exit(), app.count(TRACEBACK)), (130, 0), app.output)
        self.at_once(scene, LIBRARY_ONLY)


@side_by_side
class TheSameProgram(TogetherTestCase):
    """What stands beside it, and what its environment says, is as in a plain run."""

    def test_may_have_modules_named_as_pythons_own_beside_it(self):
        """A beginner's game: the parent's own late imports do not find them."""
        def scene(case):
            for name in 'signal', 'select', 'glob', 'fnmatch', 're', 'socket':
                case.write(name + '.py', 'raise ValueError("not this one")\n')
            imported = 'math', 'multiprocessing', 'random', 'subprocess', 'tempfile'  # by main
            for name in ('token', *imported):
                case.write(name + '.py', '')
            text = 'import %s, os, time\n' % ', '.join(imported)
            if case.way == 'library':
                text += 'import reloader\n'
            text += 'def main():\n    print("ready", os.getpid(), "%s", flush=True)\n'
            text += '    time.sleep(600)\n'
            call = ("reloader.run_with_reloader(main, ['data', '*.ini'], 'none')"
                    if case.way == 'library' else 'main()')
            case.options.update(extra_files=['data', '*.ini'], exclude_patterns=['none'])
            case.write('data/file', '')
            case.write('app.py', text % 'one' + call + '\n')
            app = case.start_app()
            app.wait_ready('one')
            case.write('app.py', text % 'two' + call + '\n')
            app.wait_ready('two')
            case.write('data/file', 'new')
            app.wait_for(changed(os.path.join('data', 'file')))
            app.wait_ready('two')
            self.assertEqual(app.count('not this one|' + TRACEBACK), 0, app.output)
        self.at_once(scene, ways())

    @needs_posix
    def test_is_the_one_that_systemd_has_activated(self):
        def scene(case):
            case.write_app(Code("int(os.environ['LISTEN_PID']) == os.getpid()"))
            words = {'library': ['app.py'], 'command line': ['reloader.py', 'app.py']}[case.way]
            app = case.start('-c', 'import os, sys; os.environ["LISTEN_PID"] = str(os.getpid()); '
                             'os.execv(sys.executable, [sys.executable, *sys.argv[1:]])', *words)
            app.wait_ready('True')
        self.at_once(scene, ways())

    def test_has_the_environment_that_it_was_started_with(self):
        """What it takes from it or puts there above the call is its own affair in each process."""
        def scene(case):
            case.write('.env', 'one')
            case.write('app.py', """
                import os, time
                import reloader
                value = os.environ.setdefault('VALUE', open('.env').read())
                assert os.environ.pop('TOKEN') == 'token'
                def main():
                    print('ready', os.getpid(), value, flush=True)
                    time.sleep(600)
                reloader.run_with_reloader(main, extra_files=['.env*'])
                """.replace('\n' + 16 * ' ', '\n'))
            app = case.start('app.py', env={'TOKEN': 'token'})
            app.wait_ready('one')
            case.write('.env', 'two')
            app.wait_ready('two')
        self.at_once(scene, LIBRARY_ONLY)

    def test_has_the_working_directory_that_its_names_are_meant_from(self):
        def scene(case):
            case.write('data/a.txt', 'one')
            case.write('data/b.txt', 'one')
            case.write_app(Code("open('a.txt').read()"), textwrap.dedent("""
                import reloader
                os.chdir('data')
                reloader.watch('a.txt', b'b.txt', '')
                READY
                """) + TICKING)
            app = case.start_app()
            app.wait_ready('one')
            case.write('data/a.txt', 'two')
            app.wait_ready('two')
            wait_ticks(app, 2)
            case.write('app.log', 'not watched')
            case.write('data/b.txt', 'two')
            app.wait_for(changed(os.path.join('data', 'b.txt')))
            self.assertEqual(app.count('app.log'), 0, app.output)
        self.at_once(scene, ways())

    def test_is_not_started_by_a_worker_that_imports_it_anew(self):
        if not have('_multiprocessing'):
            skip(self, 'this Python has no multiprocessing')

        def scene(case):
            case.write_app('one', textwrap.dedent("""
                worker = multiprocessing.get_context('spawn').Process(target=print)
                worker.start()
                worker.join(30)
                print('ended', worker.exitcode, flush=True)
                """) + TICKING, 'import multiprocessing')
            text = (case.folder / 'app.py').read_text()
            case.write('app.py', text.replace("if __name__ == '__main__':", 'if True:'))
            app = case.start_app()
            app.wait_ready('one')
            app.wait_for('^RuntimeError: this is a worker of multiprocessing')
            app.wait_for('^ended 1')
        self.at_once(scene, LIBRARY_ONLY)

    @skip_unless(sys.platform == 'linux', 'Linux alone tells what the environment was at first')
    def test_may_clear_its_environment(self):
        def scene(case):
            case.write_app('one')
            case.put_above('import os\nos.environ.clear()')
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('two')
            app.wait_ready('two')
            self.assertEqual(len(app.pids()), 2, app.output)
        self.at_once(scene, ways())

    @skip_unless(sys.platform == 'linux', 'Linux alone tells what the environment was at first')
    def test_may_fill_its_environment_from_a_file(self):
        """load_dotenv() leaves alone what is set, also what the last child had from the file."""
        def scene(case):
            case.write('.env', 'one')
            case.write_app(Code('os.environ["NAME"]'), extra_files=['.env'])
            case.put_above('import os\nos.environ.setdefault("NAME", open(".env").read())')
            app = case.start_app()
            app.wait_ready('one')
            case.write('.env', 'two')
            app.wait_ready('two')
        self.at_once(scene, ways())

    @needs_posix
    def test_may_fork_where_warnings_are_errors(self):
        def scene(case):
            case.write_app('one', '''
                if not os.fork(): os._exit(0)
                os.wait()
                READY
                time.sleep(600)
                ''')
            app = case.start_app(flags=['-W', 'error'])
            app.wait_ready('one')
            case.write_app('two')
            app.wait_ready('two')
        self.at_once(scene, ways())


if __name__ == '__main__':
    unittest.main()
