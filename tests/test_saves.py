"""No save takes the program down, and no save is lost."""
from __future__ import annotations

import os
import time
import unittest
import zipfile

from tests.support import (FOREVER, WAITING, WINDOWS, changed, is_alive, library, needs_posix,
                           side_by_side, skip, wait_gone)
from tests.test_api import TICKING, wait_ticks
from tests.together import Code, TogetherTestCase, ways

ABSENCE = 3.0  # seconds that a file may be away or empty: the promise's number
GRACE = 5.0  # seconds, the grace time: nothing here is allowed to need it
QUICK = 10.0  # seconds in which a program that exits with 3 has just begun
CLOCK = 2.0  # seconds, the coarsest clock of a file system (FAT)
TRACEBACK = r'^Traceback \(most recent call last\)'
CANNOT_OPEN = "can't open file"


def mistake(file: str, line: int) -> str:
    """Return a pattern of the line that names a file, a line of it and what is wrong there."""
    return r'^reloader: (?=.*outside function).*%s\D+%d\b' % (file.replace('.', r'\.'), line)


def broken(line: int, note: str = '') -> str:
    """Return source that every Python refuses in this line, and none before it."""
    return '# %s\n' % note + '#\n' * (line - 2) + 'return\n'


def save(case, text, name='value.py', replace=False):
    """Save a module; the text of a module that holds a value, if it is no source."""
    return case.write(name, text if '\n' in text else 'VALUE = %r\n' % text, replace)


def start_with_module(case, value='one', name='value', **options):
    """Start a program that is ready with the VALUE of a module; return it and its pid."""
    save(case, value, name.replace('.', '/') + '.py')
    case.write_app(Code(name + '.VALUE'), before='import ' + name, **options)
    app = case.start_app()
    return app, app.wait_ready(value)


@side_by_side
class ASaveThatDoesNotCompile(TogetherTestCase):
    """One line names file, line and mistake; the old program serves on."""

    def test_leaves_the_program_alone_until_a_save_compiles(self):
        def scene(case):
            case.write_app('one', 'try:\n    %s\nfinally:\n    print("left", os.getpid())'
                           % FOREVER)
            app = case.start_app()
            first = app.wait_ready('one')
            case.write('app.py', broken(7))
            app.wait_for(mistake('app.py', 7))
            self.assertTrue(is_alive(first))
            case.write_app('two')
            app.wait_for('^left %d' % first)
            app.wait_ready('two')
            self.assertEqual(app.count(mistake('app.py', 7)), 1)
            self.assertEqual((len(app.pids()), app.count(TRACEBACK)), (2, 0), app.output)
        self.at_once(scene, ways())

    def test_is_reported_once_for_each_content(self):
        """Not at every look, and not again when the same is saved again."""
        def scene(case):
            app, first = start_with_module(case, block=TICKING)
            save(case, broken(3))
            app.wait_for(mistake('value.py', 3))
            save(case, broken(3))
            wait_ticks(app)
            save(case, broken(5))
            app.wait_for(mistake('value.py', 5))
            save(case, broken(5), replace=True)
            wait_ticks(app)
            save(case, broken(7))
            app.wait_for(mistake('value.py', 7))
            save(case, 'two')
            app.wait_ready('two')
            for line in (3, 5, 7):
                self.assertEqual(app.count(mistake('value.py', line)), 1, app.output)
            self.assertEqual(len(app.pids()), 2, app.output)
        self.at_once(scene, ways())

    def test_of_a_large_file_is_followed_by_its_fix(self):
        """Its content is not compared, so that its mistake belongs to its time and size."""
        def scene(case):
            large = '\n' + '#' * 1023 * 1024 + '\n' + '#' * 4096 + '\n'
            app, first = start_with_module(case)
            save(case, broken(3) + large)
            app.wait_for(mistake('value.py', 3))
            save(case, 'VALUE = "two"\n' + large)
            app.wait_ready('two')
        self.at_once(scene, ways())

    def test_holds_up_the_saves_of_other_files(self):
        """While any changed module does not compile, nothing reloads."""
        def scene(case):
            app, first = start_with_module(case)
            save(case, broken(4))
            app.wait_for(mistake('value.py', 4))
            case.write_app('other')
            save(case, broken(6))  # the next thing that the checker says: it has seen other, too
            app.wait_for(mistake('value.py', 6))
            self.assertTrue(is_alive(first))
            save(case, 'two')
            app.wait_ready('other')
            self.assertEqual(len(app.pids()), 2, app.output)
        self.at_once(scene, ways())

    def test_holds_up_a_trigger(self):
        def scene(case):
            app, first = start_with_module(case, block='''
                import reloader
                while not os.path.exists('go'): time.sleep(0.01)
                reloader.trigger_reload()
                time.sleep(600)
                ''')
            save(case, broken(4))
            app.wait_for(mistake('value.py', 4))
            case.write('go', '')
            save(case, broken(6))
            app.wait_for(mistake('value.py', 6))
            self.assertTrue(is_alive(first))
            case.remove('go')
            save(case, 'two')
            app.wait_ready('two')
            self.assertEqual(len(app.pids()), 2, app.output)
        self.at_once(scene, ways())

    def test_may_fail_in_any_way_that_compile_can(self):
        """A SyntaxError, a ValueError, a decoding error, a MemoryError: one line each."""
        texts = {'a NUL': b'VALUE = 1\0\n', 'not UTF-8': b'VALUE = "\xff\xfe"\n',
                 'no such encoding': b'# coding: no-such-thing\nVALUE = 1\n',
                 'too deep': b'VALUE = ' + b'(' * 30000 + b'1' + b')' * 30000 + b'\n',
                 'an indentation': b'def f():\n  if 1:\n\t2\n      3\n'}

        def scene(case):
            app, first = start_with_module(case)
            for text in texts.values():
                case.write('value.py', text)
                app.wait_for(r'^reloader: value\.py\b')
                self.assertTrue(is_alive(first))
            save(case, 'two')
            app.wait_ready('two')
            self.assertEqual(len(app.pids()), 2, app.output)
        self.at_once(scene, ways())

    def test_is_not_one_that_only_warns(self):
        """Whatever -W says: a program may have switched it off again."""
        def scene(case):
            save(case, 'one')
            case.write_app(Code('value.VALUE'), before='''
                import warnings
                with warnings.catch_warnings():
                    warnings.simplefilter('ignore')
                    import value
                ''')
            app = case.start_app(flags=['-W', 'error'])
            app.wait_ready('one')
            save(case, 'OLD = "\\d"; assert (OLD is not 1), "x"\nVALUE = "two"\n')
            app.wait_ready('two')
            self.assertEqual(app.count('not restarting|SyntaxWarning|invalid escape'), 0)
        self.at_once(scene, ways())

    def test_leaves_the_programs_warning_filters_alone(self):
        """They are one list for all threads, until Python 3.14 at least."""
        def scene(case):
            many = ''.join('def f%d(x): return x + %d\n' % (n, n) for n in range(3000))
            case.write('many.py', many)
            case.write_app('one', before="""
                import many, warnings
                """, block="""
                warnings.simplefilter('ignore')
                while True:
                    with warnings.catch_warnings():
                        warnings.simplefilter('error')
                        sum(range(9999))
                    warnings.warn('an error, if the filters are mixed up')
                """)
            app = case.start_app()
            app.wait_ready('one')
            for line in range(3001, 3009):
                case.write('many.py', many + '\n' * (line - 3001) + 'return\n')
                app.wait_for(mistake('many.py', line))
            case.write('many.py', 'x = 1')
            app.wait_for(changed('many.py'))
            self.assertEqual(app.count('UserWarning|exit status'), 0, app.output)
        self.at_once(scene, ways())

    def test_warns_nobody_when_the_program_makes_errors_of_warnings(self):
        def scene(case):
            case.write_app('one', 'import warnings\nwarnings.simplefilter("error")\n' + FOREVER)
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('two', before='OLD = "\\d"')
            app.wait_ready('two')
        self.at_once(scene, ways())

    def test_is_noticed_in_a_module_that_extra_files_name_too(self):
        """Imported late, when it was watched as an extra file already; so is TMPDIR here."""
        def scene(case):
            save(case, 'one')
            case.write_app(Code('value.VALUE'), 'import value\nREADY\n' + FOREVER,
                           extra_files=['.'])
            app = case.start_app()
            first = app.wait_ready('one')
            save(case, broken(3))
            app.wait_for(mistake('value.py', 3))
            self.assertTrue(is_alive(first))
            save(case, 'two')
            app.wait_ready('two')
            self.assertEqual(len(app.pids()), 2, app.output)
        self.at_once(scene, ways())

    def test_is_an_extra_file_that_is_not_compiled(self):
        def scene(case):
            case.write('extra.py', 'x = 1\n')
            case.write('extra.txt', 'some text\n')
            case.write_app('one', extra_files=['extra.*'])
            app = case.start_app()
            first = app.wait_ready('one')
            case.write('extra.txt', 'is not Python (\n')
            second = app.wait_ready('one')
            case.write('extra.py', broken(3))
            self.assertEqual(len({first, second, app.wait_ready('one')}), 3)
        self.at_once(scene, ways())


@side_by_side
class AHalfWrittenFile(TogetherTestCase):
    """An editor that writes in two steps."""

    def test_that_does_not_compile_is_never_run(self):
        def scene(case):
            case.write_app('one')
            app = case.start_app()
            app.wait_ready('one')
            case.write('app.py', 'print("half")\nif True:\n')
            app.wait_for(r'^reloader: app\.py\b.*')
            case.write_app('two')
            app.wait_ready('two')
            self.assertEqual(app.count('^half'), 0)
        self.at_once(scene, ways())

    def test_that_is_empty_for_a_while_is_waited_for(self):
        """An empty script would end with status 0, and both with it."""
        def scene(case, name):
            if name == 'value.py':
                app, first = start_with_module(case)
            else:
                case.write_app('one')
                app = case.start_app()
                app.wait_ready('one')
            for pause, value in (0.3, 'two'), (1.5, 'six'):
                case.write(name, '')
                time.sleep(pause)  # the editor takes its time
                case.write_app(value) if name == 'app.py' else save(case, value)
                app.wait_ready(value)
            self.assertEqual(len(app.pids()), 3, app.output)
        self.at_once(scene, ways('app.py', 'value.py'))

    def test_is_waited_for_anew_when_another_one_is_back(self):
        """A generator deletes two files, and writes them one after the other."""
        def scene(case):
            for name in 'first.py', 'value.py':
                save(case, 'one', name)
            case.write_app(Code('first.VALUE + value.VALUE'), before='import first, value')
            app = case.start_app()
            app.wait_ready('oneone')
            case.remove('first.py')
            case.remove('value.py')
            time.sleep(1.3)  # the generator takes its time
            save(case, 'two', 'first.py')
            time.sleep(0.6)
            save(case, 'two')
            app.wait_ready('twotwo')
            self.assertEqual(len(app.pids()), 2, app.output)
            self.assertEqual(app.count('waiting for a change'), 0, app.output)
        self.at_once(scene, ways())

    def test_that_is_emptied_while_it_is_looked_at_is_waited_for(self):
        """On a slow drive: its size is still the former, but there is nothing to read."""
        def scene(case):
            save(case, 'one')
            case.write('app.py', """
                import builtins, os, time
                import value
                former = open
                def open(path, *how):
                    is_empty = str(path).endswith('value.py') and os.path.exists('empty')
                    return former(os.devnull if is_empty else path, *how)
                builtins.open = open
                import reloader
                def main():
                    print('ready', os.getpid(), value.VALUE, flush=True)
                    time.sleep(600)
                reloader.run_with_reloader(main)
                """.replace('\n' + 16 * ' ', '\n'))
            app = case.start_app()
            app.wait_ready('one')
            save(case, 'two')
            app.wait_ready('two')
            time.sleep(0.7)  # right after a start other saves are waited for
            mark = case.write('empty', '')
            time.sleep(0.7)  # the editor takes its time
            mark.unlink()
            save(case, 'six')
            app.wait_ready('six')
            self.assertEqual(len(app.pids()), 3, app.output)
        self.at_once(scene, [('library', None)])

    def test_that_runs_is_followed_by_the_whole(self):
        """It ended by itself, but the rest was saved since its start: it is started again."""
        def scene(case, ending):
            whole = case.write_app('whole').read_bytes()
            case.write_app('half', '''
                while not os.path.exists('rest'): time.sleep(0.01)
                with open('rest') as rest: text = rest.read()
                with open('app.py', 'w') as app: app.write(text)
                ''' + ending)
            app = case.start_app()
            app.wait_ready('half')
            case.write('rest', whole, replace=True)
            app.wait_ready('whole')
        self.at_once(scene, ways('', 'sys.exit(0)', 'sys.exit(7)'))


@side_by_side
class AFileThatVanishes(TogetherTestCase):
    """An editor's rename, `git checkout`: when it is back, its new content runs."""

    def test_is_run_with_its_new_content_when_it_is_back(self):
        def scene(case, name):
            if name == 'value.py':
                app, last = start_with_module(case)
            else:
                case.write_app('one')
                app = case.start_app()
                app.wait_ready('one')
            for pause in 0.05, 0.3, 1, 2.5:
                case.move(name, 'gone~')
                time.sleep(pause)
                value = 'back after %s' % pause
                case.write_app(value) if name == 'app.py' else save(case, value)
                app.wait_ready(value)
            self.assertEqual((len(app.pids()), app.count(CANNOT_OPEN)), (5, 0), app.output)
        self.at_once(scene, ways('app.py', 'value.py'))

    def test_is_waited_for_as_long_as_it_takes_if_it_is_the_script(self):
        """A missing main script never starts a child."""
        def scene(case):
            case.write_app('one')
            app = case.start_app()
            first = app.wait_ready('one')
            case.remove('app.py')
            app.wait_for(r'^reloader: .*app\.py')  # noticed, when it counts
            wait_gone(first)
            time.sleep(0.3)  # a child would be up by now, and say what it cannot open
            case.write('app.py', '')  # an editor's first step; run, it would end both
            time.sleep(0.3)
            case.write_app('two')
            app.wait_ready('two')
            self.assertEqual((len(app.pids()), app.count(CANNOT_OPEN)), (2, 0), app.output)
        self.at_once(scene, ways())

    def test_is_not_waited_for_if_it_is_a_module_that_became_a_package(self):
        """`python -m tool`, whose file need not stay the same one; but empty it is not run."""
        def scene(case):
            case.write_app('one', name='tool.py')
            app = case.start(*['reloader.py'] * (case.way == 'command line'), '-m', 'tool')
            first = app.wait_ready('one')
            case.write('tool.py', '')
            time.sleep(4)  # longer than any other file may stay so
            case.assertTrue(is_alive(first))
            case.write_app('two', name='tool/__main__.py')
            case.remove('tool.py')
            app.wait_ready('two')
        self.at_once(scene, ways())

    def test_for_good_is_a_change(self):
        """A module that stays away or empty: three seconds later the program does without."""
        def scene(case, how):
            save(case, 'one')
            case.write_app(Code('getattr(value, "VALUE", None)'), before='''
                try: import value
                except ImportError: value = None
                ''')
            app = case.start_app()
            app.wait_ready('one')
            since = time.monotonic()
            case.remove('value.py') if how == 'away' else case.write('value.py', '')
            app.wait_ready('None')
            self.assertGreater(time.monotonic() - since, ABSENCE - 0.5)
            if not WINDOWS:  # where a start alone may take as long
                self.assertLess(app.taken_since(since), 2 * ABSENCE - 0.5)  # once, not twice
            if how == 'away':  # what deletes a folder must not miss a file in it
                self.assertTrue(list((case.folder / '__pycache__').glob('value.*')))
        self.at_once(scene, ways('away', 'empty'))


@side_by_side
class ACrash(TogetherTestCase):
    """It waits for a change, whatever crashed: one traceback, no loop."""

    def test_behind_the_block_waits_for_a_file_that_the_child_before_has_missed_as_well(self):
        def scene(case):
            after = "print('read', open('settings').read(), flush=True)"
            case.write_app('one', after=after, block='')
            app = case.start_app()
            app.wait_ready('one')
            app.wait_for(WAITING)
            case.write_app('two', after=after, block='')
            app.wait_ready('two')
            app.wait_for(WAITING)
            case.write('settings', 'x')
            app.wait_for('^read x$')
        self.at_once(scene, ways())

    def test_of_the_script_waits(self):
        """Twice, and in main as well as on the way to it."""
        def scene(case):
            case.write_app('one')
            app = case.start_app()
            app.wait_ready('one')
            case.write_app('bad', 'raise RuntimeError("in main")')
            app.wait_for(WAITING)
            case.write_app('two')
            app.wait_ready('two')
            case.write_app('worse', after='raise RuntimeError("on the way")',
                           before='raise RuntimeError("on the way")', indent_after='')
            app.wait_for(WAITING)
            case.write_app('six')
            app.wait_ready('six')
            self.assertEqual((app.count(TRACEBACK), app.count('^RuntimeError')), (2, 2),
                             app.output)
        self.at_once(scene, ways())

    @needs_posix
    def test_by_a_signal_is_named(self):
        def scene(case):
            case.write_app('one')
            app = case.start_app()
            app.wait_ready('one')
            for name in 'SIGSEGV', 'SIGKILL':
                case.write_app(name, 'os.kill(os.getpid(), signal.%s); time.sleep(60)' % name)
                app.wait_ready(name)
                app.wait_for(r'^reloader: (?=.*killed by %s).*waiting' % name)
            case.write_app('two')
            app.wait_ready('two')
            self.assertEqual(len(app.pids()), 4, app.output)
        self.at_once(scene, ways())

    def test_by_a_windows_exception_waits(self):
        if not WINDOWS:
            skip(self, 'statuses from 0xC0000000 are Windows\' own')

        def scene(case):
            case.write_app('bad', 'os._exit(-0x40000000 + 5)')  # 0xC0000005: access violation
            app = case.start_app()
            app.wait_ready('bad')
            app.wait_for(r'^reloader: (?=.*(?i:c0000005)).*waiting')
            case.write_app('ended', 'os._exit(-0x40000000 + 0x13A)')
            app.wait_ready('ended')
            self.assertEqual(app.wait_exit(), 130)
        self.at_once(scene, ways())

    def test_of_a_module_deep_in_another_folder_waits(self):
        """By exception and by SyntaxError; the fix is seen though it is in no sys.modules."""
        def scene(case, text):
            self.other_folder(case, 'VALUE = "one"\n')
            app = case.start_app()
            app.wait_ready('one')
            case.write('other/deep/deeper.py', 'import lost\n')
            app.wait_for(WAITING)
            case.write('other/deep/deeper.py', text)
            app.wait_for(r'RuntimeError: deep|outside function')
            case.write('other/deep/deeper.py', 'VALUE = "two"\n')
            app.wait_ready('two')
        self.at_once(scene, ways('raise RuntimeError("deep")\n', broken(3)))

    def test_of_a_module_that_was_imported_out_of_sight_waits(self):
        """pytest has a finder of its own; and the fix may be saved before the run has ended."""
        def scene(case):
            case.write('part.py', 'VALUE = "one"\n')
            case.write_app('main', """
                import importlib.util
                spec = importlib.util.spec_from_file_location('part', 'part.py')
                part = sys.modules['part'] = importlib.util.module_from_spec(spec)
                try:
                    spec.loader.exec_module(part)
                except NameError:
                    del sys.modules['part']
                    print('ready', os.getpid(), 'failed', flush=True)
                    while not os.path.exists('fixed'):
                        time.sleep(0.01)
                    sys.exit(2)
                print('ready', os.getpid(), part.VALUE, flush=True)
                """)
            app = case.start('reloader.py', '--wait', 'app.py')
            app.wait_ready('one')
            app.wait_for(WAITING)
            case.write('part.py', 'VALUE = undefined\n')
            app.wait_ready('failed')
            case.write('part.py', 'VALUE = "two"\n')
            case.write('fixed', '')
            app.wait_ready('two')
        self.at_once(scene, [('command line', None)])

    def test_with_wait_no_save_is_lost_while_one_run_after_another_still_ends(self):
        def scene(case):
            def save_as(value):
                case.write_app(value, """
                    import atexit
                    def end():
                        print('ending %s', flush=True)
                        while not os.path.exists('%s'):
                            time.sleep(0.01)
                    atexit.register(end)
                    READY
                    """ % (value, value))
            save_as('one')
            app = case.start('reloader.py', '--wait', 'app.py')
            for value, following in ('one', 'two'), ('two', 'three'), ('three', 'four'):
                app.wait_for('^ending ' + value)
                save_as(following)
                case.write(value, '')
            case.write('four', '')
            app.wait_for(WAITING)
            self.assertEqual(app.count('^ready'), 4, app.output)
        self.at_once(scene, [('command line', None)])

    def test_of_a_deep_module_at_the_first_start_waits(self):
        """On the command line: there the parent is there first."""
        def scene(case, text):
            self.other_folder(case, text)
            app = case.start_app()
            app.wait_for(WAITING)
            case.write('other/deep/deeper.py', 'VALUE = "two"\n')
            app.wait_ready('two')
            self.assertEqual(app.count(r'^\w*(Error|Exception)\b'), 1, app.output)
        self.at_once(scene, [('command line', 'raise RuntimeError("deep")\n'),
                             ('command line', broken(3))])

    @staticmethod
    def other_folder(case, text):
        case.write('other/deep/__init__.py', 'from . import deeper\n')
        case.write('other/deep/deeper.py', text)
        case.write('other/middle.py', 'import deep\n')
        case.write_app(Code('middle.deep.deeper.VALUE'), before='''
            sys.path.insert(0, os.path.abspath('other'))
            import middle
            ''')

    def test_of_the_first_start_on_the_command_line_waits(self):
        def scene(case, text):
            case.write('app.py', text)
            app = case.start_app()
            app.wait_for(WAITING)
            case.write_app('one')
            app.wait_ready('one')
            self.assertEqual(app.count(r'^\w*(Error|Exception)\b'), 1, app.output)
        self.at_once(scene, [('command line', 'raise RuntimeError("at once")\n'),
                             ('command line', broken(3)), ('command line', 'import lost\n')])

    def test_before_the_script_reaches_the_import_of_the_reloader_waits(self):
        """Nothing of ours ran in that child: the parent knows the files of the one before it."""
        def scene(case, way_of_breaking):
            case.way = 'library'
            case.write('early.py', '')
            good = 'import early\n' + library('one')
            case.write('app.py', good)
            app = case.start_app()
            app.wait_ready('one')
            if way_of_breaking == 'in the script':
                case.write('app.py', 'raise RuntimeError("early")\n' + good)
            elif way_of_breaking == 'in a module':
                case.write('early.py', 'raise RuntimeError("early")\n')
            else:
                case.write('fresh.py', 'raise RuntimeError("early")\n')
                case.write('app.py', 'import fresh\n' + good)
            app.wait_for(WAITING)
            if way_of_breaking == 'in the script':
                case.write('app.py', good.replace('one', 'two'))
                app.wait_ready('two')
            else:  # the fix is in the module alone
                module = 'early.py' if way_of_breaking == 'in a module' else 'fresh.py'
                case.write(module, 'x = 1\n')
                app.wait_ready('one')
            self.assertEqual(app.count(TRACEBACK), 1, app.output)
        self.at_once(scene, [('library', 'in the script'), ('library', 'in a module'),
                             ('library', 'in a new module')])

    def test_for_want_of_a_module_waits_for_it_to_appear(self):
        def scene(case, names):
            module, file = names
            case.write('package/__init__.py', '')
            case.write_app('one')
            app = case.start_app()
            app.wait_ready('one')
            case.write_app(Code(module + '.VALUE'), before='import ' + module)
            app.wait_for(WAITING)
            save(case, 'found', file, replace=True)  # an empty one would be run, and fail
            app.wait_ready('found')
            self.assertEqual(app.count(TRACEBACK), 1, app.output)
        self.at_once(scene, ways(('fresh', 'fresh.py'), ('package.fresh', 'package/fresh.py'),
                                 ('folder.fresh', 'folder/fresh.py')))

    def test_for_want_of_a_file_waits_for_it_however_the_error_is_shown(self):
        """By the program's own hook, which sees no frames of ours, or by a line of its own."""
        def scene(case, text):
            case.write_app('one', f'''
                import traceback
                def hook(kind, error, trace):
                    for frame in traceback.extract_tb(trace):
                        print('frame', frame.filename, flush=True)
                try: open('conf.ini').close()
                except OSError: {text}
                READY
                {FOREVER}
                ''')
            app = case.start_app()
            app.wait_for(WAITING)
            if case.way == 'command line':
                self.assertEqual(app.count('^frame (?!.*app.py)'), 0, app.output)
            case.write('conf.ini', '')
            app.wait_for(changed('conf.ini'))
            app.wait_ready('one')
        self.at_once(scene, ways('sys.excepthook = hook; raise', 'sys.exit("no conf.ini")'))

    def test_for_want_of_a_module_in_half_an_archive_waits_for_the_whole(self):
        """As make builds it, in place; Python tells nothing of an archive that it cannot read."""
        def scene(case):
            def build(value):
                with zipfile.ZipFile(str(case.folder / 'built~'), 'w') as archive:
                    archive.writestr('inside.py', 'VALUE = %r\n' % value)
                return (case.folder / 'built~').read_bytes()
            case.write('library.zip', build('one'))
            case.write_app(Code('inside.VALUE'),
                           before='sys.path.insert(0, "library.zip")\nimport inside')
            app = case.start_app()
            app.wait_ready('one')
            whole = build('two')
            case.write('library.zip', whole[:-10])
            app.wait_for(WAITING)
            case.write('library.zip', whole)
            app.wait_ready('two')
        self.at_once(scene, ways())

    def test_for_want_of_a_file_in_the_folder_that_main_went_to_waits_for_it(self):
        def scene(case):
            case.write('work/readme.txt', '')
            case.write_app('one', 'os.chdir("work"); open("conf.json").close(); READY\n' + FOREVER)
            app = case.start_app()
            app.wait_for(WAITING)
            case.write('work/conf.json', '')
            app.wait_ready('one')
        self.at_once(scene, ways())

    def test_is_not_waited_after_when_the_fix_was_saved_while_it_started(self):
        """Nobody has to save twice."""
        def scene(case, name):
            case.write('value.py', 'x = 1\n')
            case.write_app('one', before='import value')
            good = (case.folder / name).read_bytes()
            app = case.start_app()
            app.wait_ready('one')
            case.write(name, '''
                import os, time
                print('starting', flush=True)
                while not os.path.exists('go'): time.sleep(0.01)
                raise RuntimeError('broken')
                ''')
            app.wait_for('^starting')
            case.write(name, good)
            case.write('go', '')
            app.wait_ready('one')
        self.at_once(scene, ways('app.py', 'value.py'))

    @needs_posix
    def test_looks_for_no_fix_below_proc(self):
        """A container's program may lie in /, and all that runs has its folders there."""
        def scene(case):
            text = '''
                walk = os.walk
                def reported(folder, *how):
                    if folder.startswith('/proc'): print('walked', folder, flush=True)
                    return walk(folder, *how)
                os.walk = reported
                '''
            case.write_app('one', 'READY; raise ValueError', text)
            app = case.start('app.py', env={'PYTHONPATH': '/'})
            app.wait_for(WAITING)
            case.write_app('two', before=text)
            app.wait_ready('two')
            self.assertEqual(app.count('^walked'), 0, app.output)
        self.at_once(scene, [('library', None)])

    def test_of_a_running_program_waits_for_any_file_that_it_had(self):
        """Imported late, or watched: the fix is seen wherever it is saved."""
        def scene(case, name):
            case.write('late.py', 'x = 1\n')
            case.write('extra.txt', 'x')
            case.write_app('one', 'import late; raise RuntimeError("running")',
                           extra_files=['extra.txt'])
            app = case.start_app()
            for text in 'y = 22\n', 'z = 333\n':
                app.wait_ready('one')
                app.wait_for(WAITING)
                # An extra file that is empty for a moment has changed twice: saved in one step.
                case.write(name, text, replace=name == 'extra.txt')
            app.wait_ready('one')
            app.wait_for(WAITING)
            self.assertEqual(app.count(TRACEBACK), 3, app.output)
        self.at_once(scene, ways('late.py', 'extra.txt'))


@side_by_side
class StatusThree(TogetherTestCase):
    """It starts the program again, but not as a storm."""

    def test_three_times_at_once_is_a_crash(self):
        def scene(case, ending):
            case.write_app('three', ending)
            app, since = case.start_app(), time.monotonic()
            for _ in range(3):
                app.wait_ready('three')
            taken = (time.monotonic() - since) / 3
            if WINDOWS and taken > QUICK / 2:
                skip(case, 'a start takes %.1f s here: at once is less than 10 s' % taken)
            app.wait_for(WAITING)
            self.assertEqual(len(app.pids()), 3, app.output)
            case.write_app('two')
            app.wait_ready('two')
            self.assertEqual(len(app.pids()), 4, app.output)
        generates = 'open("new1.py", "w").close(); open("new2.py", "w").close(); '
        self.at_once(scene, ways('sys.exit(3)', 'os._exit(3)', generates + 'sys.exit(3)'))

    def test_asked_for_or_late_it_is_no_crash(self):
        """Reloads do not count, nor do starts that went well for ten seconds."""
        def scene(case, seconds):
            starts = 3 if seconds else 2
            case.write_app('one')
            app = case.start_app()
            app.wait_ready('one')
            for value in 'two', 'three':
                case.write_app(value)
                app.wait_ready(value)
            case.write_app('four', """
                with open('starts', 'a') as file:
                    file.write('.')
                if os.path.getsize('starts') < %r:
                    time.sleep(%r)
                    sys.exit(3)
                time.sleep(600)
                """ % (starts, seconds))
            for _ in range(starts):
                app.wait_ready('four')
            self.assertEqual(app.count(WAITING), 0, app.output)
        self.at_once(scene, ways(0, QUICK + 0.1), idle=True)


@side_by_side
class ASaveDuringTheStart(TogetherTestCase):
    """After the module was read, before main runs."""

    def test_restarts_the_program_with_the_new_content(self):
        def scene(case, replace):
            slow = '''
                import os, reloader, time
                VALUE = %r
                if reloader.is_running_from_reloader():
                    print('reading', VALUE, flush=True)
                    while not os.path.exists('go'): time.sleep(0.01)
                '''
            case.write('slow.py', slow % 'one')
            case.write_app(Code('slow.VALUE'), before='import slow')
            app = case.start_app()
            app.wait_for('^reading one')
            case.write('slow.py', slow % 'two', replace)
            case.write('go', '')
            app.wait_ready('two')
        self.at_once(scene, ways(False, True))

    def test_of_the_script_itself_counts_too(self):
        def scene(case):
            case.write_app('one', before=self.slowly('one'))
            app = case.start_app()
            app.wait_for('^reading one')
            case.write_app('two', before=self.slowly('two'))
            case.write('go', '')
            app.wait_ready('two')
        self.at_once(scene, ways())

    def test_counts_in_the_temporary_directory_too_from_elsewhere(self):
        """Where programs generate modules, which are no saves."""
        def scene(case):
            before = self.slowly('one').replace("'go'", "'../go'")
            case.write_app('one', before=before, name='tmp/app.py')
            case.write('elsewhere/readme.txt', '')
            app = case.start('../tmp/app.py', cwd=case.folder / 'elsewhere',
                             env={'PYTHONPATH': str(case.folder)})
            app.wait_for('^reading one')
            case.write_app('two', before=before, name='tmp/app.py')
            case.write('go', '')
            app.wait_ready('two')
        self.at_once(scene, [('library', None)])

    @staticmethod
    def slowly(value):
        return '''
            import reloader
            if reloader.is_running_from_reloader():
                print('reading %s', flush=True)
                while not os.path.exists('go'): time.sleep(0.01)
            ''' % value


@side_by_side
class ASaveDuringAReload(TogetherTestCase):
    """At any moment of it: the last content runs in the end."""

    PHASES = [0, 5, 15, 30, 45, 60, 80, 100, 120, 150, 180, 220, 260, 310, 370, 440, 520, 600]

    def test_is_not_lost(self):
        """In place and by rename, the script and a module, all of the same length."""
        def scene(case, part):
            name, phases = part
            if name == 'value.py':
                app, _ = start_with_module(case, '000000')
            else:
                case.write_app('000000')
                app = case.start_app()
                app.wait_ready('000000')
            for number, phase in enumerate(phases, 1):
                for step in 'a', 'b':
                    value, replace = '%s%05d' % (step, phase), bool((number + phase // 5) % 2)
                    if name == 'value.py':
                        save(case, value, replace=replace)
                    else:
                        case.write_app(value, replace=replace)
                    if step == 'a':
                        time.sleep(phase / 1000)  # not a wait: the moment that is tried
                app.wait_ready(value)
        self.at_once(scene, ways(('app.py', self.PHASES[::2]), ('value.py', self.PHASES[1::2])))

    def test_among_two_hundred_in_five_seconds_is_not_lost(self):
        """The last one runs within the time of a reload: long before the grace time."""
        def scene(case):
            app, _ = start_with_module(case, 'first')
            begin = time.monotonic()
            for number in range(200):
                save(case, 'v%04d' % number, replace=bool(number % 2))
                time.sleep(max(0.0, begin + number / 40 - time.monotonic()))
            since = time.monotonic()
            app.wait_ready('v0199')
            if WINDOWS:  # where a start alone may take as long
                self.assertEqual(app.count('still busy'), 0, app.output)
            else:
                self.assertLess(app.taken_since(since), GRACE - 1)
        self.at_once(scene, ways())


@side_by_side
class AClock(TogetherTestCase):
    """What the time of a file does not tell."""

    def test_of_whole_seconds_does_not_let_old_bytecode_run(self):
        """Same length, same second, bytecode writing on: Python's cache cannot tell them apart."""
        def scene(case):
            save(case, 'v000')
            case.write_app(Code('value.VALUE'), before='import value')
            app = case.start_app()
            app.wait_ready('v000')
            second = int(time.time()) * 10**9
            for number in range(1, 7):
                path = save(case, 'v%03d' % number)
                os.utime(path, ns=(second + number * 10**6,) * 2)
                app.wait_ready('v%03d' % number)
            self.assertTrue(list((case.folder / '__pycache__').glob('value.*')), 'no bytecode')
        self.at_once(scene, ways())

    def test_of_whole_seconds_lets_no_bytecode_run_that_is_written_late(self):
        """Python has read a file when it is saved anew, and writes bytecode of what it read."""
        def scene(case):
            second = int(time.time()) + 9  # a second that passes on no machine meanwhile
            save(case, 'v000')
            self.save_in_second(case, 'value.py', 'v000', second)
            case.write('slow.py', '''
                import os, time
                from importlib.machinery import SourceFileLoader
                at_once, interrupts = SourceFileLoader.source_to_code, []
                def source_to_code(self, data, path, **options):
                    code = at_once(self, data, path, **options)
                    if path.endswith('value.py'):
                        print('compiled', flush=True)
                        while not os.path.exists('go'):
                            try: time.sleep(0.01)
                            except KeyboardInterrupt: interrupts.append(1)
                    return code
                SourceFileLoader.source_to_code = source_to_code
                ''')
            case.write_app(Code('value.VALUE'), '''
                import slow, value
                if slow.interrupts: sys.exit()
                READY
                time.sleep(600)
                ''')
            app = case.start_app()
            app.wait_for('^compiled')
            self.save_in_second(case, 'value.py', 'v001', second)
            app.wait_for(changed('value.py'))
            case.write('go', '')
            app.wait_ready('v001')
        self.at_once(scene, ways())

    def test_of_whole_seconds_hides_no_save_above_the_import_of_the_reloader(self):
        """What was read there was seen by nobody: it counts as a change, and is compiled anew."""
        def scene(case):
            save(case, 'v000')
            second = int(time.time()) + 2
            os.utime(case.folder / 'value.py', (second, second))
            case.write_app(Code('value.VALUE'))
            case.put_above('''
                import os, time, value
                if 'RELOADER_CHILD' in os.environ:
                    print('above', value.VALUE, flush=True)
                    while not os.path.exists('go'): time.sleep(0.01)
                ''')
            app = case.start_app()
            app.wait_for('^above v000')
            self.save_in_second(case, 'value.py', 'v001', second)
            case.write('go', '')
            app.wait_ready('v001')
        self.at_once(scene, [('library', None)])

    def test_and_a_length_that_stay_the_same_hide_no_save(self):
        """Right after the line ready, as they come."""
        def scene(case):
            app, _ = start_with_module(case, 'v000')
            for number in range(1, 7):
                save(case, 'v%03d' % number)
                app.wait_ready('v%03d' % number)
        self.at_once(scene, ways())

    def test_so_coarse_that_a_rewrite_leaves_everything_as_it_was_hides_nothing(self):
        """Mtime, size and inode are those of the save before: exFAT, HFS+, sshfs, ext3, FAT."""
        def scene(case, name):
            self.program(case, name, 'v000')
            app = case.start_app()
            app.wait_ready('v000')
            proofs = attempts = 0
            while proofs < 2:
                attempts += 1
                self.assertLess(attempts, 30, 'a machine too slow for this')
                second = time.time() // CLOCK * CLOCK
                if time.time() - second > CLOCK / 4:  # begin with the tick of such a clock
                    time.sleep(second + CLOCK - time.time())
                    second += CLOCK
                first = self.save_in_second(case, name, 'v%03d' % (2 * attempts), second)
                app.wait_ready('v%03d' % (2 * attempts))
                if time.time() > second + CLOCK - 0.05:
                    continue
                second_look = self.save_in_second(case, name, 'v%03d' % (2 * attempts + 1), second)
                app.wait_ready('v%03d' % (2 * attempts + 1))
                self.assertEqual(first, second_look)
                proofs += 1
        self.at_once(scene, ways('app.py', 'value.py'))

    @staticmethod
    def program(case, name, value):
        save(case, value)
        case.write_app(Code('value.VALUE') if name == 'value.py' else value,
                       before='import value')

    def save_in_second(self, case, name, value, second):
        """Save in place, at once with the mtime of a coarse clock; return what stat says."""
        text = (case.folder / name).read_text()
        start = text.index("'v") + 1
        text = text[:start] + value + text[start + 4:]
        with open(case.folder / name, 'r+') as file:
            file.write(text)
            file.flush()
            os.utime(file.name, (second, second))
        found = os.stat(case.folder / name)
        return found.st_mtime_ns, found.st_size, found.st_ino

    def test_that_goes_backwards_is_a_change_too(self):
        """A restored file is older than the one it replaces."""
        def scene(case):
            app, _ = start_with_module(case)
            path = save(case, 'two', 'restored.py')
            os.utime(path, (time.time() - 3600,) * 2)
            case.move(path, 'value.py')
            app.wait_ready('two')
            path = save(case, 'six')
            os.utime(path, (time.time() - 7200,) * 2)
            app.wait_ready('six')
        self.at_once(scene, ways())

    def test_that_is_hours_ahead_is_one_restart(self):
        """Shown by two more saves: each restarts it once, and nothing else does."""
        def scene(case, name):
            app, _ = start_with_module(case)
            for value in 'future', 'end':
                path = save(case, value)
                os.utime(path, (time.time() + 5 * 3600,) * 2)
                app.wait_ready(value)
            for value in 'A', 'B':
                case.write_app(value)
                app.wait_ready(value)
            self.assertEqual(len(app.pids()), 5, app.output)
        self.at_once(scene, ways('value.py'))


@side_by_side
class AModule(TogetherTestCase):
    """Imported late, renamed, behind a link."""

    def test_imported_late_counts(self):
        def scene(case):
            save(case, 'one', 'late.py')
            case.write_app('up', 'import late; print("late", late.VALUE, flush=True)\n' + FOREVER)
            app = case.start_app()
            app.wait_ready('up')
            for value in 'two', 'six':
                app.wait_for('^late')
                save(case, value, 'late.py')
                app.wait_ready('up')
            app.wait_for('^late six')
        self.at_once(scene, ways())

    def test_saved_between_its_import_and_the_next_look_counts(self):
        """The look is taken before Python reads it, not when it is found in sys.modules."""
        def scene(case):
            late = '''
                import os, time
                VALUE = %r
                print('importing', VALUE, flush=True)
                while not os.path.exists('go'): time.sleep(0.01)
                '''
            case.write('late.py', late % 'one')
            case.write_app('up', 'import late; print("late", late.VALUE, flush=True)\n' + FOREVER,
                           interval=30)
            app = case.start_app()
            app.wait_for('^importing one')
            case.write('late.py', late % 'two')
            case.write('go', '')
            app.wait_for('^late two')
        self.at_once(scene, ways())

    def test_renamed_is_run_under_its_new_name(self):
        def scene(case):
            app, _ = start_with_module(case)
            os.rename(case.folder / 'value.py', case.folder / 'renamed.py')
            case.write_app(Code('renamed.VALUE + "!"'), before='import renamed')
            app.wait_ready('one!')
            save(case, 'two', 'renamed.py')
            app.wait_ready('two!')
            self.assertEqual(app.count(TRACEBACK), 0, app.output)
        self.at_once(scene, ways())

    def test_behind_a_link_that_points_elsewhere_now_is_run_anew(self):
        def scene(case, name):
            for value in 'one', 'two':
                path = save(case, value, value + '/value.py')
                os.utime(path, (1000000000, 1000000000))
            source = 'one' if name == 'current' else 'one/value.py'
            self.link(case, source, name)
            case.write_app(Code('value.VALUE'),
                           before='sys.path.insert(0, "current")\nimport value')
            app = case.start_app()
            app.wait_ready('one')
            self.link(case, source.replace('one', 'two'), name)
            app.wait_ready('two')
        self.need_links()
        self.at_once(scene, ways('current', 'value.py'))

    @staticmethod
    def link(case, source, name):
        os.symlink(source, case.folder / 'new', target_is_directory=name == 'current')
        case.move('new', name)


@side_by_side
class AProgramThatRewritesItself(TogetherTestCase):
    """It must not restart for ever; real saves are not taken for that."""

    STAMP = '''\
def rewrite():
    with open('stamp.py') as file: number = int(file.read().split()[2])
    with open('stamp.py', 'w') as file: file.write('STAMP = %d\\n' % (number + 1))
'''

    def test_restarts_every_two_seconds_in_the_end(self):
        """One line names the file and says what to do; a save of another file counts at once."""
        ticking = 'for turn in range(9999): print("tick", turn, flush=True); time.sleep(0.05)'

        def scene(case, moment):
            case.write('stamp.py', 'STAMP = 0\n')
            if moment == 'at import':
                case.write_app('one', ticking, before=self.STAMP + 'import stamp; rewrite()')
            else:
                case.write_app('one', 'rewrite()\n' + ticking, before=self.STAMP + 'import stamp')
            app = case.start_app()
            for pause in 0.5, 2.0:
                app.wait_for(r'^reloader: .*stamp\.py .*in %s s.*exclude_patterns' % pause)
            self.assertLessEqual(len(app.pids()), 8, app.output)
            for _ in range(2):  # it runs on in the meantime
                app.wait_ready('one')
                app.wait_for('^tick 20$')
            case.write_app('two', before='import stamp')
            app.wait_ready('two')
            starts = len(app.pids())
            case.write('stamp.py', 'STAMP = 2000\n')
            app.wait_ready('two')
            self.assertEqual(len(app.pids()), starts + 1, app.output)
        self.at_once(scene, ways('at import', 'in main'))

    def test_and_ends_by_itself_stays_ended(self):
        """Half a file may have run: it is run once more."""
        def scene(case):
            case.write('stamp.py', 'STAMP = 0\n')
            case.write_app('one', 'rewrite()\nsys.exit(5)', before=self.STAMP + 'import stamp')
            app = case.start_app()
            self.assertEqual(app.wait_exit(), 5, app.output)
            self.assertEqual(len(app.pids()), 2, app.output)
        self.at_once(scene, ways())

    def test_is_not_what_a_person_in_a_hurry_does(self):
        """Eight saves of one file, each right after the start that the one before it caused."""
        def scene(case):
            app, _ = start_with_module(case, 'v0')
            for number in range(1, 9):
                save(case, 'v%d' % number)
                app.wait_ready('v%d' % number)
            self.assertEqual(app.count('as it is|at every start'), 0, app.output)
        self.at_once(scene, ways())

    def test_is_not_what_saves_during_slow_starts_are(self):
        """A person saves while the program is still starting, five times in a row."""
        def scene(case):
            slow = '''
                import os, reloader, time
                VALUE = %r
                if reloader.is_running_from_reloader():
                    print('reading', VALUE, flush=True)
                    while not os.path.exists('go-%%s' %% VALUE): time.sleep(0.01)
                '''
            case.write('slow.py', slow % 'v0')
            case.write_app(Code('slow.VALUE'), before='import slow')
            app = case.start_app()
            for number in range(1, 6):
                app.wait_for('^reading v%d' % (number - 1))
                case.write('slow.py', slow % ('v%d' % number))
                case.write('go-v%d' % (number - 1), '')
            case.write('go-v5', '')
            app.wait_ready('v5')
        self.at_once(scene, ways())


@side_by_side
class ABurst(TogetherTestCase):
    """40 files over half a second: `git checkout`, a formatter."""

    def test_is_two_restarts_at_the_most(self):
        def scene(case):
            for number in range(40):
                save(case, 'VALUE = 0\n', 'part%d.py' % number)
            case.write_app(Code('"sum-%d" % sum(part.VALUE for part in parts)'), before='''
                import importlib
                parts = [importlib.import_module('part%d' % number) for number in range(40)]
                ''')
            app = case.start_app()
            app.wait_ready('sum-0')
            for number in range(40):
                save(case, 'VALUE = 10\n', 'part%d.py' % number)
                time.sleep(0.5 / 40)
            app.wait_ready('sum-400')
            case.write_app('end')
            app.wait_ready('end')
            self.assertLessEqual(len(app.pids()), 4, app.output)
        self.at_once(scene, ways())


if __name__ == '__main__':
    unittest.main()
