"""What the first version got wrong: each fault once, through both ways in."""
from __future__ import annotations

import os
import signal
import tempfile
import textwrap
import threading
import time
import unittest

from tests.support import (FOREVER, LONG, WAITING, WAYS, WINDOWS, changed, is_alive, library,
                           needs_posix, side_by_side, skip_unless, wait_gone)
from tests.test_api import TICKING, wait_ticks
from tests.test_saves import TRACEBACK, broken, save, start_with_module
from tests.test_stuck import CLEANS_UP
from tests.together import Code, TogetherTestCase, ways

try:
    import sqlite3
except ImportError:  # musl's Python was built without it
    sqlite3 = None

GRACE = 5.0  # seconds, the grace time


@side_by_side
class AFileThatIsNotUsedAnyMore(TogetherTestCase):
    """Holds nothing up, and starts nothing."""

    def test_neither_broken_nor_deleted_holds_up_a_save(self):
        def scene(case, how):
            app, _ = start_with_module(case, name='old')
            case.write_app('two')
            app.wait_ready('two')
            case.remove('old.py') if how == 'deleted' else case.write('old.py', broken(3))
            for value in 'six', 'ten':
                since = time.monotonic()
                case.write_app(value)
                app.wait_ready(value)
                if not WINDOWS:
                    self.assertLess(app.taken_since(since), 2)
            self.assertEqual((len(app.pids()), app.count('old.py')), (4, 0), app.output)
        self.at_once(scene, ways('deleted', 'broken'))

    def test_beside_one_that_is_always_written_holds_up_no_save(self):
        def scene(case):
            (case.folder / 'work').mkdir()
            case.write('work/gone', 'x')
            case.write_app('one', '''
                while not os.path.exists('go'): time.sleep(0.01)
                os.remove('work/gone')
                while True:
                    with open('work/log', 'a') as file: file.write('x')
                    time.sleep(0.1)
                ''', before="open('work/log', 'w').close()", extra_files=['work'])
            app = case.start_app()
            app.wait_ready('one')
            case.write('go', '')
            case.write_app('two')
            app.wait_ready('two', timeout=20)
        self.at_once(scene, ways())

    def test_is_no_reason_to_run_a_finished_program_again(self):
        """However it ends: os._exit() leaves no time to tell what it has used."""
        def scene(case, end):
            app, _ = start_with_module(case, name='old')
            case.write_app('two', f'while not os.path.exists("go"): time.sleep(0.01)\n{end}')
            app.wait_ready('two')
            save(case, 'new', 'old.py')
            case.write('go', '')
            self.assertEqual(app.wait_exit(), 0, app.output)
            self.assertEqual(len(app.pids()), 2, app.output)
        self.at_once(scene, ways('', 'os._exit(0)'))

    def test_deleted_with_the_save_of_the_script_takes_a_second(self):
        """`git switch`: no traceback, and not the three seconds of a file that is being saved."""
        def scene(case):
            app, _ = start_with_module(case, name='old')
            since = time.monotonic()
            case.remove('old.py')
            case.write_app('two')
            app.wait_ready('two')
            if not WINDOWS:
                self.assertLess(app.taken_since(since), 2.4)
            self.assertEqual((len(app.pids()), app.count(TRACEBACK)), (2, 0), app.output)
        self.at_once(scene, ways())

    def test_deleted_by_the_fix_of_a_crash_takes_a_second_too(self):
        def scene(case):
            case.write('old.py', '')
            case.write_app('one', 'import old; raise ValueError("broken")')
            app = case.start_app()
            app.wait_for('waiting for a change')
            since = time.monotonic()
            case.remove('old.py')
            case.write_app('two')
            app.wait_ready('two')
            if not WINDOWS:
                self.assertLess(app.taken_since(since), 2.4)
        self.at_once(scene, ways())


@skip_unless(not WINDOWS, 'a start takes seconds there, and no restart comes early')
@side_by_side
class GeneratedFiles(TogetherTestCase):
    """A program that writes what it watches restarts every two seconds in the end, not twenty."""

    COUNTING = '''
            os.makedirs('starts', exist_ok=True)
            number = len(os.listdir('starts'))
            open(f'starts/{number}', 'w').close()
            '''
    TEXTS = {
        'two modules before the import': ('', '''
            import time
            for name in 'gen1', 'gen2':
                with open(name + '.py', 'w') as file: file.write('STAMP = %r' % time.time())
            import gen1, gen2
            '''),
        'a database among the extra files': ('''
            import sqlite3
            with sqlite3.connect('work/base') as base:
                base.execute('create table if not exists starts (pid)')
                base.execute('insert into starts values (?)', [os.getpid()])
            ''', ''),
        'a database that writes ahead': ('''
            import sqlite3
            base = sqlite3.connect('work/base')
            base.execute('pragma journal_mode = wal').fetchall()
            with base:
                base.execute('create table if not exists starts (pid)')
                base.execute('insert into starts values (?)', [os.getpid()])
            ''', ''),
        'a journal that is seen before what it is for': (COUNTING + '''
            with open('work/base' if number % 3 else f'work/journal{number}', 'a') as file:
                file.write('x')
            ''', ''),
        'two files by turns': (COUNTING + '''
            with open(f'work/{number % 2}', 'a') as file: file.write('x')
            ''', ''),
        'a log for each start': ('''
            with open(f'work/{os.getpid()}.log', 'a') as file: file.write('x')
            ''', ''),
    }

    def test_cause_no_storm_and_hold_up_no_other_save(self):
        def scene(case, name):
            block, before = map(textwrap.dedent, self.TEXTS[name])
            if not sqlite3 and 'sqlite3' in block:
                block = "with open('work/base', 'a') as file: file.write('x')"
            (case.folder / 'work').mkdir()
            save(case, 'one')
            options = dict(before=before + '\nimport value', extra_files=['work'])
            case.write_app(Code('value.VALUE'), block + '\n' + TICKING, **options)
            if before:  # before that of the reloader, too
                case.put_above(before)
            app = case.start_app()
            app.wait_for(r'^reloader: .*in 2\.0 s.*exclude_patterns')
            app.wait_for('^tick')  # by then it has read the value
            self.assertLessEqual(len(app.pids()), 10, app.output)  # the first may come to be late
            save(case, 'two')
            app.wait_for(changed('value.py'))
            app.wait_ready('two')
        # On the command line what is written above the import, and then read, is known.
        first, second, *others = self.TEXTS
        self.at_once(scene, [('library', first), *ways(second), *zip(2 * WAYS, others)])

    GENERATING = '''
        import atexit, importlib.util, shutil, tempfile
        folder = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, folder)
        name = os.path.join(folder, 'made.py')
        def generate(is_imported):
            with open(name, 'w') as file: file.write('VALUE = 1')
            if is_imported:
                sys.path.insert(0, folder)
                import made
            else:
                spec = importlib.util.spec_from_file_location('made', name)
                sys.modules['made'] = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(sys.modules['made'])
            print('generated', flush=True)
        '''

    def test_in_the_temporary_directory_are_no_saves(self):
        """TensorFlow and others generate modules there, and delete them at their end."""
        def scene(case, ending):
            far = tempfile.TemporaryDirectory(dir='/tmp')
            self.addCleanup(far.cleanup)
            case.write_app('one', 'READY\ngenerate(%r)\n%s' % (ending != TICKING, ending),
                           self.GENERATING)
            app = case.start_app(env={'TMPDIR': far.name})
            app.wait_for('^generated')
            if ending:
                wait_ticks(app, 20) if ending == TICKING else app.wait_for(WAITING)
                case.write_app('two', TICKING)
                app.wait_ready('two')
                self.assertEqual(len(app.pids()), 2, app.output)
            else:
                self.assertEqual(app.wait_exit(), 0, app.output)
                self.assertEqual(len(app.pids()), 1, app.output)
        self.at_once(scene, ways('', TICKING, 'raise ValueError'))


@side_by_side
class AFileWrittenAtTheEnd(TogetherTestCase):
    """Is what the next program reads: it restarts for a save, not for that."""

    def test_is_no_reason_to_restart(self):
        def scene(case):
            block = """
                try: READY; time.sleep(600)
                finally:
                    with open('data/state', 'w') as file: file.write(str(time.time()))
                """
            case.write('data/state', 'first')
            case.write_app('one', block, extra_files=['data'])
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('two', block, extra_files=['data'])
            app.wait_ready('two')
            time.sleep(2)  # two rounds, in which nothing may happen
            case.write_app('end')
            app.wait_ready('end')
            self.assertEqual(len(app.pids()), 3, app.output)
        self.at_once(scene, ways())


    def test_by_atexit_does_not_cut_that_off(self):
        """The program ends by itself: it may write what is watched, in whatever is its end."""
        def scene(case):
            case.write('state.json', 'old')
            case.write_app('one', """
                import atexit
                @atexit.register
                def end():
                    with open('state.json', 'w') as file: file.write('newer')
                    time.sleep(0.8)
                    print('cleaned', flush=True)
                READY
                """, extra_files=['state.json'])
            app = case.start_app()
            self.assertEqual(app.wait_exit(), 0, app.output)
            self.assertEqual(app.count('^cleaned'), len(app.pids()), app.output)
        self.at_once(scene, ways())


@side_by_side
class AMistakeInTheCleanup(TogetherTestCase):
    """Is shown, and reloads all the same."""

    def test_shows_its_traceback_without_the_interrupt(self):
        def scene(case):
            case.write_app('one', 'try: READY; time.sleep(600)\nfinally: undefined_name.close()')
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('two')
            app.wait_for("^NameError: .*undefined_name")
            app.wait_ready('two')
            self.assertEqual((app.count(TRACEBACK), app.count('KeyboardInterrupt')), (1, 0),
                             app.output)
        self.at_once(scene, ways())

    def test_may_be_a_circle_of_causes(self):
        def scene(case, where):
            case.write_app('one', "first, second = ValueError('first'), ValueError('second')\n"
                                  'first.__cause__, second.__cause__ = second, first\n' + where)
            app = case.start_app()
            app.wait_ready('one')
            if where.startswith('try'):
                case.write_app('two')
            else:
                app.wait_for(WAITING)
                case.write_app('two')
            app.wait_ready('two')
        self.at_once(scene, ways(
            'raise first', 'try: time.sleep(600)\nexcept KeyboardInterrupt: raise first'))


@side_by_side
class ASaveRightAfterAStart(TogetherTestCase):
    """Is noticed as fast as any other, whatever the interval."""

    def test_does_not_wait_for_the_interval(self):
        def scene(case):
            case.write_app('v0', interval=20)
            app = case.start_app()
            app.wait_ready('v0')
            for number in range(1, 6):
                time.sleep(0.2)  # the moment is what is tested
                since = time.monotonic()
                case.write_app('v%d' % number, interval=20)
                app.wait_ready('v%d' % number)
                if not WINDOWS:
                    self.assertLess(app.taken_since(since), 3)
        self.at_once(scene, ways())


@side_by_side
class ALoopThatSwallowsEverything(TogetherTestCase):
    """Is hopeless after two seconds; a cleanup behind the except clause is not taken for one."""

    def test_is_ended_soon(self):
        def scene(case, wait):
            case.write_app('one', '''
                while True:
                    try: %s
                    except BaseException: pass
                ''' % wait)
            app = case.start_app()
            app.wait_ready('one')
            since = time.monotonic()
            case.write_app('two')
            app.wait_for('^reloader: still busy')
            app.wait_ready('two')
            if not WINDOWS and self.is_cpython:
                self.assertLess(app.taken_since(since), 4)
        self.at_once(scene, ways('time.sleep(0.2)', 'time.sleep(600)'))

    import platform
    is_cpython = platform.python_implementation() == 'CPython'

    @needs_posix
    def test_is_not_a_cleanup_of_three_seconds(self):
        texts = ['''
            try: READY; time.sleep(600)
            except KeyboardInterrupt: pass
            print('cleaning', flush=True)
            for turn in range(15): time.sleep(0.2)
            print('cleaned', flush=True)
            ''', '''
            import asyncio
            async def work():
                try: READY; await asyncio.sleep(600)
                finally:
                    print('cleaning', flush=True)
                    for turn in range(15): await asyncio.sleep(0.2)
                    print('cleaned', flush=True)
            asyncio.run(work())
            ''']

        def scene(case, text):
            case.write_app('one', text)
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('two')
            app.wait_for('^cleaning$')
            app.wait_for('^cleaned$')
            app.wait_ready('two')
            self.assertEqual((app.count('^cleaning'), app.count('still busy')), (1, 0), app.output)
        self.at_once(scene, ways(*texts))


@side_by_side
class TheEndOfACall(TogetherTestCase):
    """Inside a program that runs under the command line, too, it returns as usual."""

    def test_inside_another_reloader_is_a_plain_one(self):
        def scene(case, ending):
            case.write('app.py', library('one', ending, after='print("after", flush=True)'))
            app = case.start('reloader.py', 'app.py')
            app.wait_ready('one')
            if ending == FOREVER:
                app.ctrl_c()
            app.wait_for('^after$')
            self.assertEqual(app.wait_exit(), 130 if ending == FOREVER else 0, app.output)
            self.assertEqual(app.count(TRACEBACK), 0, app.output)
        self.at_once(scene, [('library', ending) for ending in
                             ['pass', FOREVER][:1 if WINDOWS else 2]])

    def test_does_not_end_the_saves_if_the_lines_below_go_on(self):
        def scene(case):
            after = 'print("below", flush=True)\ntime.sleep(600)'
            case.write('app.py', library('one', 'pass', after=after))
            app = case.start_app()
            app.wait_for('^below$')
            case.write_app('two')
            app.wait_ready('two')
        self.at_once(scene, [('library', None)])

    @needs_posix
    def test_does_not_end_the_saves_if_it_leaves_a_worker(self):
        """For which multiprocessing waits at the interpreter's end, after our own handler."""
        def scene(case):
            case.write_app('one', 'multiprocessing.Process(target=time.sleep, args=[600]).start()',
                           before='import multiprocessing')
            case.put_above("""
                import atexit, multiprocessing.util
                atexit.register(print, 'leaving', flush=True)
                """)
            app = case.start_app()
            app.wait_for('^leaving$')
            case.write_app('two')
            app.wait_ready('two')
        self.at_once(scene, ways())

    def test_lets_the_lines_below_clean_up_though_a_thread_lives(self):
        """Which they will stop when they come to it."""
        def scene(case):
            case.write_app('one', 'threading.Thread(target=stop.wait).start()',
                           before='stop = threading.Event()', after="""
                print('below', flush=True)
                time.sleep(1.5)
                print('cleaned', flush=True)
                stop.set()
                """)
            app = case.start_app()
            app.wait_for('^below$')
            case.write_app('two')
            app.wait_ready('two')
            self.assertEqual(app.count('^cleaned$'), 1, app.output)
            self.assertEqual(app.count('busy'), 0, app.output)
        self.at_once(scene, [('library', None)])

    def test_is_no_reason_to_run_it_again_if_it_wrote_an_excluded_file(self):
        def scene(case):
            case.write('data/app.log', 'old')
            case.write_app('one', 'open("data/app.log", "a").write("new")',
                           extra_files=['data'], exclude_patterns=['*.log'])
            app = case.start_app()
            self.assertEqual(app.wait_exit(), 0, app.output)
            self.assertEqual(len(app.pids()), 1, app.output)
        self.at_once(scene, ways())

    def test_by_a_crash_does_not_make_an_excluded_file_its_fix(self):
        def scene(case):
            options = dict(extra_files=['data'], exclude_patterns=['*.log'])
            case.write('data/app.log', 'old')
            case.write_app('one', 'raise ValueError', **options)
            app = case.start_app()
            app.wait_for(WAITING)
            case.write('data/app.log', 'new')
            case.write('data/new.log', 'new')
            case.write('data/fix.txt', 'new', replace=True)
            app.wait_for(changed(os.path.join('data', 'fix.txt')))
            app.wait_for(WAITING)
            self.assertEqual((len(app.pids()), app.count(r'^reloader: .*\.log')), (2, 0),
                             app.output)
        self.at_once(scene, ways())


@needs_posix
@side_by_side
class ManyExtraFiles(TogetherTestCase):
    """10,000 of them cost a hundredth of a core; a save is noticed within some seconds."""

    def test_are_looked_at_now_and_then(self):
        for thousand in range(10):  # once for both ways: making a file is slow
            folder = self.folder / 'data' / str(thousand)
            folder.mkdir(parents=True)
            for number in range(1000 * thousand, 1000 * thousand + 1000):
                os.close(os.open(f'{folder}/{number}', os.O_CREAT))
        data, both = str(self.folder / 'data'), threading.Barrier(2)

        def scene(case):
            case.write_app('one', '''
                began = time.process_time()
                time.sleep(10)
                print('used', time.process_time() - began, flush=True)
                ''' + FOREVER, extra_files=[data], interval=1)
            app = case.start_app()
            app.wait_ready('one')
            used = float(app.wait_for(r'^used (\S+)').group(1))
            self.assertLess(used, 1, app.output)  # a tenth of a core, on a machine that is busy
            both.wait(LONG)
            name = os.path.join(data, '7', f'777{WAYS.index(case.way)}')
            case.write(name, 'new')
            app.wait_for(changed(name))
            app.wait_ready('one')
        self.at_once(scene, ways())


@needs_posix
@side_by_side
class TheParent(TogetherTestCase):
    """Ends a child that hangs at the interpreter's very end, where no thread of it runs."""

    def test_ends_a_child_that_hangs_at_its_very_end(self):
        def scene(case):
            case.write_app('one', '''
                import builtins
                class Last:
                    def __del__(self, sleep=time.sleep):
                        sleep(600)
                sys.kept = Last()
                sys.kept.itself = sys.kept, builtins
                ''' + FOREVER)
            app = case.start_app()
            first = app.wait_ready('one')
            case.write_app('two')
            app.wait_ready('two')
            wait_gone(first)
            self.assertTrue(is_alive(app.pid))
        self.at_once(scene, ways())

    def test_ends_at_a_second_ctrl_c_but_not_at_a_copy_of_the_first(self):
        """`npm run` and `uv run` pass on what the terminal has sent to all."""
        def scene(case):
            case.write_app('one', CLEANS_UP)
            app = case.start_app()
            app.wait_ready('one')
            app.ctrl_c()
            time.sleep(0.05)  # two at the same moment would arrive as one
            app.signal(signal.SIGINT)
            app.signal(signal.SIGTERM)
            app.wait_for('^cleaned')
            self.assertEqual(app.wait_exit(), 130)
        self.at_once(scene, ways())


if __name__ == '__main__':
    unittest.main()
