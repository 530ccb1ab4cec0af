"""The child is the same program: every launch form shows it what a plain run shows."""
from __future__ import annotations

import json
import ntpath
import os
import posixpath
import re
import subprocess
import sys
import types
import unittest
import zipfile
from unittest import mock

from tests import support
from tests.support import FOREVER, WAYS, library, needs_posix, plain, side_by_side, wait_gone
from tests.together import TogetherTestCase, ways

sys.path.insert(0, str(support.RELOADER.parent))
import reloader  # noqa: E402  # for the pure function alone

TRACEBACK = r'^Traceback \(most recent call last\)'

# What a program sees, taken before it has done anything, and printed by its main function.
PROBE = '''\
import json, os, sys
def snapshot():
    main = sys.modules['__main__']
    return {
        'argv': list(sys.argv), 'path': list(sys.path), 'cwd': os.getcwd(),
        'main': {name: value if isinstance(value, (str, type(None))) else type(value).__name__
                 for name, value in vars(main).items() if name.startswith('__')},
        'spec': main.__spec__ and [main.__spec__.name, main.__spec__.origin,
                                   main.__spec__.parent, type(main.__spec__.loader).__name__],
        'flags': repr(sys.flags), 'X': sys._xoptions, 'W': sys.warnoptions,
        'unbuffered': [getattr(stream, 'write_through', None)
                       for stream in (sys.stdout, sys.stderr)],
        'executable': sys.executable, 'prefix': sys.prefix,
        'environment': {name: value for name, value in os.environ.items()
                        if name.startswith('PYTHON')},
        'utf8': [sys.stdout.encoding, sys.getfilesystemencoding()],
        'tools': sorted(name for name in sys.modules if name.startswith('tool')),
    }
SNAPSHOT = snapshot()
def main():
    print('SNAPSHOT', json.dumps(SNAPSHOT), flush=True)
'''
CALL = '''\
def call():
    if os.environ['RUN'] != 'library':
        return main()
    sys.path.append(os.environ['COPY'])
    import reloader
    {before}
    reloader.run_with_reloader(main, interval=0.1)
'''
PROGRAM = PROBE + CALL.format(before='pass') + "if __name__ == '__main__': call()\n"
# The same, but the directory and the arguments are others when run_with_reloader is called.
MOVED = PROBE + CALL.format(before='os.chdir(os.environ["COPY"]); sys.argv[:] = ["rewritten"]') \
    + "if __name__ == '__main__': call()\n"

ARGUMENTS = ['a', '', 'b c', '-x', '--interval', '"quoted"', '*', 'back\\slash\\']
BOTH = [('both', None)]  # one scene for both, with one plain run

# (words after `python`, environment, ways): the flags end where the program begins
FORMS = {
    'a script': (['app.py'], {}),
    'a script in a folder with a space': (['sub dir/a b.py'], {}),
    'a script by its absolute path': (['{folder}/app.py'], {}),
    'a script from below': (['./sub dir/../app.py'], {}),
    'a script without a suffix': (['bare'], {}),
    'a module': (['-m', 'mod'], {}),
    'a package': (['-m', 'pkg'], {}),
    'a module of a package': (['-m', 'pkg.mod'], {}),
    'a module and two dashes': (['-m', 'mod', '--'], {}),
    'a script and two dashes': (['app.py', '--'], {}),
    'a __main__ by name': (['-m', 'pkg.__main__'], {}),
    'a module of a namespace': (['-m', 'space.mod'], {}),
    'a directory': (['directory'], {}),
    'a directory with a slash': (['directory/'], {}),
    'an archive': (['app.pyz'], {}),
    'a module from PYTHONPATH': (['-m', 'shelved'], {'PYTHONPATH': 'shelf'}),
    'a package from PYTHONPATH': (['-m', 'boxed'], {'PYTHONPATH': 'shelf'}),
    'a script with PYTHONPATH': (['app.py'], {'PYTHONPATH': 'shelf' + os.pathsep + 'other'}),
    '-OO': (['-OO', 'app.py'], {}),
    '-W': (['-Wignore', '-W', 'error::UserWarning', 'app.py'], {}),
    '-W and PYTHONWARNINGS': (['-Wignore::ImportWarning', 'app.py'],
                              {'PYTHONWARNINGS': 'default,error::BytesWarning'}),
    'the same in both': (['-Wdefault', 'app.py'], {'PYTHONWARNINGS': 'default'}),
    '-X': (['-X', 'utf8', '-Xfaulthandler', '-X', 'own=1', 'app.py'], {}),
    '-X dev': (['-X', 'dev', '-m', 'pkg.mod'], {}),
    '-I': (['-I', 'app.py'], {}),
    '-I -m': (['-I', '-m', 'json.tool', '--help'], {}),
    '-E': (['-E', 'app.py'], {'PYTHONPATH': 'shelf', 'PYTHONWARNINGS': 'error'}),
    'one by one': (['-q', '-R', '-u', '-B', '-s', '-S', '-bb', '-O', 'app.py'], {}),
    '-P': (['-P', 'app.py'], {}),
    '--check-hash-based-pycs': (['--check-hash-based-pycs', 'never', 'app.py'], {}),
    'bundled': (['-OBum', 'pkg.mod'], {}),
    'bundled with a value': (['-OWignore', '-uXown=2', 'app.py'], {}),
    'by environment': (['app.py'], {'PYTHONOPTIMIZE': '2', 'PYTHONUNBUFFERED': '1',
                                    'PYTHONDONTWRITEBYTECODE': '1', 'PYTHONUTF8': '1'}),
}
del FORMS['-I -m']
if sys.version_info < (3, 11):
    del FORMS['-P']
LIBRARY_ONLY = ('bundled',)  # -m is the program's, and stands in one word with the flags


def lay_out(case, text=PROGRAM):
    """Write the program in all its forms."""
    for name in ('app.py', 'sub dir/a b.py', 'bare', 'mod.py', 'pkg/__main__.py', 'pkg/mod.py',
                 'space/mod.py', 'directory/__main__.py', 'shelf/shelved.py',
                 'shelf/boxed/__main__.py', 'real/real.py'):
        case.write(name, text)
    case.write('pkg/__init__.py', '')
    case.write('elsewhere/readme.txt', '')
    with zipfile.ZipFile(str(case.folder / 'app.pyz'), 'w') as archive:
        archive.writestr('__main__.py', text)
    case.write('copy/reloader.py', (case.folder / 'reloader.py').read_bytes())


def split(words):
    """Split Python's own flags from the program and its arguments."""
    flags, rest = [], list(words)
    while rest and rest[0].startswith('-') and rest[0] != '-m':
        flags.append(rest.pop(0))
        if flags[-1] in ('-W', '-X', '--check-hash-based-pycs'):
            flags.append(rest.pop(0))
    return flags, rest


def see(case, way, words, env=None, cwd=None, executable=()):
    """Run it in one of the ways, or 'plainly'; return what the program saw."""
    words = [word.format(folder=case.folder) if word.startswith('{') else word for word in words]
    if way == 'command line':
        flags, rest = split(words)
        words = [*flags, str(case.folder / 'reloader.py'), '--interval', '0.1', *rest]
    environment = dict(env or {}, RUN=way, COPY=str(case.folder / 'copy'))
    program = executable or [case.python]
    done = subprocess.run([*program, *words, *ARGUMENTS], env=case.environment(environment),
                          cwd=str(cwd or case.folder), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=support.LONG)
    said = done.stdout.decode() + done.stderr.decode()
    found = re.findall(r'^SNAPSHOT (.*?)\r?$', said, re.MULTILINE)
    case.assertEqual((done.returncode, len(found)), (0, 1), said)
    return json.loads(found[0])


@side_by_side
class TheProgram(TogetherTestCase):
    """Sees under the reloader what it sees in a plain run."""

    maxDiff = None

    def compare(self, case, words, *ways, **how):
        plainly = see(case, 'plainly', words, **how)
        case.maxDiff = None
        for way in ways:
            case.assertEqual(see(case, way, words, **how), plainly, way)

    def test_is_the_same_in_every_launch_form(self):
        def scene(case, form):
            words, env = FORMS[form]
            lay_out(case)
            self.compare(case, words, *(['library'] if form in LIBRARY_ONLY else WAYS), env=env)
        self.at_once(scene, [('both', form) for form in FORMS])

    def test_is_started_where_and_as_the_parent_was(self):
        """os.chdir and a rewritten sys.argv before the call, and paths that are relative."""
        def scene(case, words):
            lay_out(case, MOVED)
            self.compare(case, words, 'library', env={'PYTHONPATH': 'shelf'})
        self.at_once(scene, [('library', words) for words in (
            ['app.py'], ['sub dir/a b.py'], ['-m', 'pkg.mod'], ['-m', 'pkg'], ['directory'],
            ['app.pyz'], ['-m', 'shelved'], ['-Wignore', 'bare'])])

    def test_that_moved_before_the_import_is_found_and_reloads(self):
        """By the full name of the script, which Python tells from 3.9 on."""
        def scene(case):
            text = ('import os, sys\nsys.path.append(os.getcwd())\n'
                    'os.chdir(os.path.dirname(__file__) + "/elsewhere")\n')
            case.write('elsewhere/readme.txt', '')
            case.write('app.py', text + library('one'))
            app = case.start('app.py')
            app.wait_ready('one')
            case.write('app.py', text + library('two'))
            app.wait_ready('two')
        self.at_once(scene, [('library', None)] if sys.version_info >= (3, 9) else [])

    def test_starts_from_another_directory_too(self):
        def scene(case):
            lay_out(case)
            self.compare(case, ['../app.py'], *WAYS, cwd=case.folder / 'elsewhere')
        self.at_once(scene, BOTH)

    def test_behind_a_link_is_the_same(self):
        """sys.path[0] is where the file is, __file__ is the link."""
        self.need_links()

        def scene(case):
            lay_out(case)
            os.symlink(os.path.join('real', 'real.py'), case.folder / 'link.py')
            self.compare(case, ['link.py'], *WAYS)
        self.at_once(scene, BOTH)

    @needs_posix
    def test_with_a_first_line_that_names_the_interpreter_is_the_same(self):
        def scene(case):
            lay_out(case)
            path = case.write('run', '#!%s -u\n' % case.python + PROGRAM)
            path.chmod(0o755)
            self.compare(case, [], 'library', executable=['./run'])
            self.compare(case, [], 'library', executable=[str(path)])
        self.at_once(scene, [('library', None)])

    @needs_posix
    def test_from_a_console_script_of_a_virtual_environment_is_the_same(self):
        """As pip and setuptools write them; found through PATH, too."""
        import venv

        def scene(case):
            venv.EnvBuilder(symlinks=True).create(str(case.folder / 'env'))
            packages = [path for path in sys_paths(case) if path.endswith('site-packages')]
            case.write(os.path.join(packages[0], 'tool_cli.py'),
                       PROBE + CALL.format(before='pass'))
            case.write('copy/reloader.py', (case.folder / 'reloader.py').read_bytes())
            script = case.write('env/bin/tool', '#!%s/env/bin/python\n' % case.folder + '''\
                import re
                import sys
                from tool_cli import call
                if __name__ == '__main__':
                    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
                    sys.exit(call())
                '''.replace('                ', ''))
            script.chmod(0o755)
            self.compare(case, [], 'library', executable=[str(script)])
            path = os.pathsep.join([str(case.folder / 'env/bin'), os.environ['PATH']])
            self.compare(case, [], 'library', executable=['env', 'tool'], env={'PATH': path})
            self.compare(case, ['env/bin/tool'], 'library',
                         executable=[str(case.folder / 'env/bin/python'), '-O'])

        def sys_paths(case):
            done = subprocess.run([str(case.folder / 'env/bin/python'), '-c',
                                   'import sys; print(*sys.path, sep="\\n")'],
                                  env=case.environment(), stdout=subprocess.PIPE)
            return [path for path in done.stdout.decode().split('\n') if str(case.folder) in path]
        self.at_once(scene, [('library', None)])

    def test_run_by_a_debugger_is_our_program_alone(self):
        """orig_argv names the debugger; the child is not a second one."""
        debugger = '''
            import runpy, sys
            assert sys.argv.pop(1) == '--listen' and sys.argv.pop(1) == '5678'
            if sys.argv[1] == '-m':
                import os; sys.path[0] = os.getcwd()
                del sys.argv[:2]
                runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)
            else:
                del sys.argv[0]
                import os; sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
                runpy.run_path(sys.argv[0], run_name='__main__')
            '''

        def scene(case, forms):
            debugger_words, words = forms
            lay_out(case)
            case.write('tool/__main__.py', debugger)
            case.write('debug.py', debugger)
            plainly = see(case, 'plainly', words)
            case.maxDiff = None
            case.assertEqual(see(case, 'library', [*debugger_words, '--listen', '5678', *words]),
                             plainly)
        self.at_once(scene, [('library', (debugger_words, words))
                             for debugger_words in (['-m', 'tool'], ['debug.py'], ['tool'])
                             for words in (['app.py'], ['-m', 'pkg.mod'], ['sub dir/a b.py'])])


# (words after `python`, the file to save)
SAVED = {
    'a script': (['app.py'], 'app.py'),
    'a script without a suffix': (['bare'], 'bare'),
    'a script in a folder with a space': (['sub dir/a b.py'], 'sub dir/a b.py'),
    'a module': (['-m', 'mod'], 'mod.py'),
    'a package': (['-m', 'pkg'], 'pkg/__main__.py'),
    'a module of a package': (['-m', 'pkg.mod'], 'pkg/mod.py'),
    'a module of a namespace': (['-m', 'space.mod'], 'space/mod.py'),
    'a directory': (['directory'], 'directory/__main__.py'),
    'an archive': (['app.pyz'], 'app.pyz'),
    'an archive without a suffix': (['archive'], 'archive'),
    'a module in an archive': (['uses.py'], 'library.zip'),
}
ARCHIVES = {'app.pyz': '__main__.py', 'archive': '__main__.py', 'library.zip': 'inside.py'}
USES = """
    import sys
    sys.path.insert(0, 'library.zip')
    import inside
    if __name__ == '__main__': inside.call()
    """


@side_by_side
class ASave(TogetherTestCase):
    """Of the file that a launch form names restarts the program, if it compiles."""

    def save(self, case, file, value):
        text = (library if case.way == 'library' else plain)(value)
        text += 'def call():\n    %s\n' % (
            'reloader.run_with_reloader(main, interval=0.1)' if case.way == 'library' else
            'print("ready", os.getpid(), %r, flush=True); time.sleep(600)' % value)
        if file not in ARCHIVES:
            return case.write(file, text)
        with zipfile.ZipFile(str(case.folder / (file + '~')), 'w') as archive:
            archive.writestr(ARCHIVES[file], text)
        return case.move(file + '~', file)

    def test_restarts_the_program_in_every_launch_form(self):
        def scene(case, form):
            (name, *arguments), file = SAVED[form]
            case.write('pkg/__init__.py', '')
            case.write('uses.py', USES)
            self.save(case, file, 'one')
            app = case.start_app(*arguments, name=name, env={'PYTHONPATH': str(case.folder)})
            first = app.wait_ready('one')
            if file not in ARCHIVES:
                case.write(file, 'def broken(:\n')
                app.wait_for('^reloader: .*, line 1: .*; not restarting')
                case.assertTrue(support.is_alive(first))
            for value in 'two', 'six':
                self.save(case, file, value)
                app.wait_ready(value)
            case.assertEqual((len(app.pids()), app.count(TRACEBACK)), (3, 0), app.output)
        self.at_once(scene, ways(*SAVED))


@side_by_side
class WhatCannotBeStartedAgain(TogetherTestCase):
    """Is refused with one clear line, and main is not called."""

    def refuse(self, case, *words, text='', because):
        done = subprocess.run([case.python, *words], input=text.encode(), timeout=support.LONG,
                              cwd=str(case.folder), env=case.environment(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said = done.stdout.decode() + done.stderr.decode()
        case.assertNotIn('in main', said)
        lines = [line for line in said.splitlines()
                 if re.search(r'^(reloader|\w*Error): .*' + because, line)]
        case.assertEqual(len(lines), 1, said)
        return done.returncode, said

    CALL = 'import reloader\ndef main(): print("in main")\n\nreloader.run_with_reloader(main)\n'

    def test_is_standard_input(self):
        status, said = self.refuse(self, '-', text=self.CALL, because='standard input')
        self.assertNotEqual(status, 0)
        status, said = self.refuse(self, text=self.CALL, because='standard input')
        self.assertNotEqual(status, 0)

    def test_is_an_interactive_session(self):
        self.refuse(self, '-i', text=self.CALL, because='interactive')
        status, said = self.refuse(self, '-i', text=self.CALL + 'print("goes", "on")\n',
                                   because='interactive')
        self.assertIn('goes on', said)

    def test_is_standard_input_on_the_command_line(self):
        status, said = self.refuse(self, 'reloader.py', '-', text=self.CALL,
                                   because='standard input')
        self.assertEqual((status, len(said.splitlines())), (2, 1), said)

    def test_may_be_a_command_but_only_if_it_does_not_work(self):
        """Since Python 3.10 the command line of -c can be had, and it works."""
        program = PROGRAM.replace("if __name__ == '__main__': ", '')

        def scene(case):
            lay_out(case)
            words = ['-Wignore', '-c', program]
            if sys.version_info >= (3, 10):
                case.maxDiff = None
                case.assertEqual(see(case, 'library', words), see(case, 'plainly', words))
            else:
                self.refuse(case, '-c', self.CALL, because='-c')
        self.at_once(scene, [('library', None)])


@side_by_side
class ACopyInsideAPackage(TogetherTestCase):
    """Vendored as pkg/vendor/reloader.py it works the same."""

    def vendor(self, case):
        case.write('pkg/__init__.py', '')
        case.write('pkg/vendor/__init__.py', '')
        case.move('reloader.py', 'pkg/vendor/reloader.py')

    def test_reloads_a_program_that_calls_it(self):
        def scene(case, form):
            words, file, line = form
            self.vendor(case)
            for number, value in enumerate(('one', 'two', 'six')):
                case.write(file, library(value).replace('import reloader', line))
                if not number:
                    app = case.start(*words)
                app.wait_ready(value)
                case.assertEqual(len(case.lockfiles()), 1)
            case.assertEqual((len(app.pids()), app.count(TRACEBACK)), (3, 0), app.output)
        self.at_once(scene, [('library', form) for form in (
            (['app.py'], 'app.py', 'from pkg.vendor import reloader'),
            (['-m', 'pkg.cli'], 'pkg/cli.py', 'from .vendor import reloader'),
            (['-m', 'pkg'], 'pkg/__main__.py', 'from .vendor import reloader'))])

    def test_runs_a_program_from_the_command_line(self):
        def scene(case, form):
            words, file = form
            self.vendor(case)
            case.write(file, plain('one'))
            app = case.start('-m', 'pkg.vendor.reloader', '--interval', '0.1', *words)
            app.wait_ready('one')
            case.write(file, plain('two'))
            app.wait_ready('two')
        self.at_once(scene, [('library', (['app.py'], 'app.py')),
                             ('library', (['-m', 'pkg.cli'], 'pkg/cli.py'))])

    def test_agrees_with_other_copies_on_who_is_the_child(self):
        """A program run by one copy, that calls two others, has one reloader."""
        def scene(case):
            text = library('one', before='''
                from pkg.vendor import reloader as vendored
                import reloader
                if __name__ == '__main__':
                    print('child', vendored.is_running_from_reloader(),
                          reloader.is_running_from_reloader(), flush=True)
                ''')
            self.vendor(case)
            case.write('reloader.py', (case.folder / 'pkg/vendor/reloader.py').read_bytes())
            for line in 'import reloader', 'from pkg.vendor import reloader':
                case.write('app.py', text.replace('import reloader\n', line + '\n', 1))
                app = case.start('reloader.py', '--interval', '0.1', 'app.py')
                app.wait_for('^child True True')
                app.wait_ready('one')
                case.assertEqual(len(case.lockfiles()), 1)
                case.write('app.py', text.replace("'one'", "'two'"))
                app.wait_ready('two')
                app.end()
                for name in case.lockfiles():
                    case.remove('tmp/' + name)
        self.at_once(scene, [('library', None)])


@side_by_side
class TheImport(TogetherTestCase):
    """Starts nothing, installs nothing, reads nothing, and loads nothing heavy."""

    def test_has_no_side_effects(self):
        self.write('probe.py', '''
            import os, signal, sys, threading
            def state():
                return [threading.enumerate(), os.getcwd(), sorted(os.environ), list(sys.argv),
                        list(sys.path), list(sys.meta_path), list(sys.path_hooks), sys.excepthook,
                        threading.excepthook, sys.displayhook, sorted(os.listdir('.')),
                        [signal.getsignal(number) for number in range(1, 32) if hasattr(
                         signal, 'sigwait') or number in (2, 15)], sys.gettrace(),
                        sys.getprofile(), sys.flags, list(sys.warnoptions)]
            sys.dont_write_bytecode = True
            before, opened = state(), []
            if hasattr(sys, 'addaudithook'):
                sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == 'open'
                                 else opened.append(event) if event.startswith((
                                     'socket', 'subprocess', 'tempfile', 'os.fork')) else None)
            import reloader
            opened, after = list(opened), state()
            assert before == after, [pair for pair in zip(before, after) if pair[0] != pair[1]]
            others = [name for name in opened if not name.endswith(('.py', '.pyc', '.so', '.pyd'))]
            assert not others, others
            for name in ('wsgiref', 'http', 'socketserver', 'socket', 'asyncio', 'multiprocessing',
                         'email', 'logging', 'unittest', 'argparse', 'typing', 'inspect'):
                assert name not in set(sys.modules) - set(WITHOUT), name
            print('ready', os.getpid(), 'imported')
            '''.replace('WITHOUT', repr(self.modules_at_start())))
        done = self.run_once('-W', 'error', 'probe.py')
        self.assertRegex(done.stdout, r'^ready \d+ imported', done.stderr)
        self.assertEqual(done.stderr, '')

    def modules_at_start(self):
        """Return what a bare interpreter has loaded here (site may load a lot)."""
        done = self.run_once('-c', 'import sys, threading, signal; print(*sys.modules)')
        return [name for name in done.stdout.split() if not name.startswith('reloader')]

    def test_in_a_program_without_a_reloader_leaves_it_as_it_is(self):
        self.write('app.py', '''
            import reloader, threading
            assert not reloader.is_running_from_reloader()
            assert reloader.watch('x', 'y/*') is None
            try: reloader.trigger_reload()
            except RuntimeError: print('refused')
            assert threading.active_count() == 1
            ''')
        done = self.run_once('app.py')
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, 'refused\n', ''))


@needs_posix
@side_by_side
class AForkedWorker(TogetherTestCase):
    """May not ask for a reload, but tells what it imports; it ends with the program."""

    def test_is_refused_a_reload(self):
        def scene(case):
            case.write_app('one', '''
                import reloader
                if os.fork() == 0:
                    try: reloader.trigger_reload()
                    except RuntimeError: print('refused', reloader.is_running_from_reloader(),
                                               threading.active_count(), flush=True)
                    os._exit(0)
                os.wait()
                while True: time.sleep(60)
                ''')
            app = case.start_app()
            app.wait_ready('one')
            app.wait_for('^refused True 1$')
            case.write_app('two')
            app.wait_ready('two')
            case.assertEqual(len(app.pids()), 2, app.output)
        self.at_once(scene, ways())

    def test_ends_with_the_program(self):
        """multiprocessing's, by fork and by spawn; a pool too."""
        def scene(case, how):
            method, make = how
            case.write_app('one', make + FOREVER, before='''
                import multiprocessing
                def work(number=0):
                    print('working', os.getpid(), flush=True)
                    while True: time.sleep(60)
                context = multiprocessing.get_context(%r)
                ''' % method)
            app = case.start_app()
            app.wait_ready('one')
            worker = int(app.wait_for(r'^working (\d+)').group(1))
            case.write_app('two')
            app.wait_ready('two')
            wait_gone(worker)
        daemon = 'context.Process(target=work, daemon=True).start()\n'
        pool = 'pool = context.Pool(1); pool.apply_async(work)\n'
        self.at_once(scene, ways(('fork', daemon), ('spawn', daemon), ('fork', pool)))

    def test_that_imports_late_tells_the_program_which_watches_it(self):
        """It checks nothing itself; a save of a module that only the worker has restarts all."""
        def scene(case):
            case.write('only.py', 'VALUE = 1\n')
            case.write_app('one', '''
                if os.fork() == 0:
                    import only
                    print('imported', only.VALUE, flush=True)
                    time.sleep(600)
                while True: time.sleep(60)
                ''')
            app = case.start_app()
            app.wait_ready('one')
            app.wait_for('^imported 1$')
            for value in 22, 333:  # new to both processes, then known to the parent
                case.write('only.py', f'VALUE = {value}\n')
                app.wait_for(support.changed('only.py'))
                app.wait_ready('one')
                app.wait_for(f'^imported {value}$')
        self.at_once(scene, ways())

    def test_that_misses_a_file_as_main_ends_is_followed_by_its_fix(self):
        """What it has told last counts, although nobody in the child has heard it."""
        def scene(case):
            case.write_app('one', '''
                if os.fork() == 0:
                    print('read', open('settings').read(), flush=True)
                    os._exit(0)
                sys.exit(os.wait()[1] and 1)
                ''')
            app = case.start_app()
            app.wait_for(support.WAITING)
            case.write('settings', 'one')
            app.wait_for('^read one$')
        self.at_once(scene, ways())


# ------------------------------------------------------------------ the pure function, as a table

PYTHON = '/usr/bin/python3'
WINPYTHON = 'C:\\venv\\Scripts\\python.exe'
DEBUGPY = [PYTHON, '-X', 'frozen_modules=off', '-m', 'debugpy', '--listen', '5678']
LAUNCHED = [WINPYTHON, 'C:\\venv\\Scripts\\tool.exe', 'serve']

# name: (expected words, what is known: orig_argv, argv, spec, file; and start, options)
COMMANDS = {
    'a script': (['app.py', 'a', '', 'b c'], dict(
        orig=[PYTHON, 'app.py', 'a', '', 'b c'], argv=['app.py', 'a', '', 'b c'],
        file='/work/app.py')),
    'flags are repeated as they were': (['-Ou', '-Wignore', '-X', 'dev', 'app.py'], dict(
        orig=[PYTHON, '-Ou', '-Wignore', '-X', 'dev', 'app.py'], argv=['app.py'],
        file='/work/app.py', options=['-O', '-Wignore', '-Xdev', '-u'])),
    'a module': (['-m', 'pkg.mod', 'a'], dict(
        orig=[PYTHON, '-m', 'pkg.mod', 'a'], argv=['/work/pkg/mod.py', 'a'], spec='pkg.mod',
        file='/work/pkg/mod.py')),
    'bundled flags and a module': (['-Oum', 'pkg.mod', '-m', 'x'], dict(
        orig=[PYTHON, '-Oum', 'pkg.mod', '-m', 'x'], argv=['/work/pkg/mod.py', '-m', 'x'],
        spec='pkg.mod', file='/work/pkg/mod.py')),
    'a module in one word with -m': (['-mpkg.mod'], dict(
        orig=[PYTHON, '-mpkg.mod'], argv=['/work/pkg/mod.py'], spec='pkg.mod',
        file='/work/pkg/mod.py')),
    'a package': (['-m', 'pkg'], dict(
        orig=[PYTHON, '-m', 'pkg'], argv=['/work/pkg/__main__.py'], spec='pkg.__main__',
        file='/work/pkg/__main__.py')),
    'a directory': (['folder/', 'a'], dict(
        orig=[PYTHON, 'folder/', 'a'], argv=['folder/', 'a'], spec='__main__',
        file='/work/folder/__main__.py')),
    'an archive': (['app.pyz'], dict(
        orig=[PYTHON, 'app.pyz'], argv=['app.pyz'], spec='__main__',
        file='/work/app.pyz/__main__.py')),
    'argv was rewritten': (['app.py', 'a'], dict(
        orig=[PYTHON, 'app.py', 'a'], argv=['something else'], file='/work/app.py')),
    'a command': (['-c', 'import app', 'a'], dict(
        orig=[PYTHON, '-c', 'import app', 'a'], argv=['-c', 'a'])),
    'Python 3.8: a script': (['-O', 'app.py', '', 'b c'], dict(
        argv=['app.py', '', 'b c'], file='app.py', options=['-O'])),
    'Python 3.8: a module': (['-m', 'pkg.mod', 'a'], dict(
        argv=['/work/pkg/mod.py', 'a'], spec='pkg.mod', file='/work/pkg/mod.py')),
    'Python 3.8: a package': (['-m', 'pkg.__main__'], dict(
        argv=['/work/pkg/__main__.py'], spec='pkg.__main__', file='/work/pkg/__main__.py')),
    'Python 3.8: a profiler': (['-O', 'app.py', 'a'], dict(
        argv=['app.py', 'a'], spec='cProfile', file='/usr/lib/python3.8/cProfile.py',
        options=['-O'])),
    'Python 3.8: a directory': (['folder', 'a'], dict(
        argv=['folder', 'a'], spec='__main__', file='folder/__main__.py')),
    'Python 3.8: an archive': (['app.pyz'], dict(
        argv=['app.pyz'], spec='__main__', file='app.pyz/__main__.py')),
    'Python 3.8: argv[0] was rewritten': (['app.py', 'a'], dict(
        argv=['my program', 'a'], file='app.py')),
    'a launcher without a suffix': (['/venv/bin/tool', 'serve'], dict(
        orig=[PYTHON, '/venv/bin/tool', 'serve'], argv=['/venv/bin/tool', 'serve'],
        file='/venv/bin/tool')),
    'debugpy and a script': (['-Xfrozen_modules=off', 'app.py', 'x'], dict(
        orig=[*DEBUGPY, 'app.py', 'x'], argv=['app.py', 'x'], file='app.py',
        options=['-Xfrozen_modules=off'])),
    'debugpy and a module': (['-m', 'pkg.mod', 'x'], dict(
        orig=[*DEBUGPY, '-m', 'pkg.mod', 'x'], argv=['/work/pkg/mod.py', 'x'], spec='pkg.mod',
        file='/work/pkg/mod.py')),
    'an editor\'s launcher': (['/work/app.py', 'x'], dict(
        orig=[PYTHON, '/ext/debugpy/launcher', '5678', '--', '/work/app.py', 'x'],
        argv=['/work/app.py', 'x'], file='/work/app.py')),
    'pydevd': (['/work/app.py'], dict(
        orig=[PYTHON, '/opt/pydevd.py', '--port', '1', '--file', '/work/app.py'],
        argv=['/work/app.py'], file='/work/app.py')),
    'a command that runs a script': (['app.py', 'x'], dict(
        orig=[PYTHON, '-c', 'import tool; tool.run("app.py")'], argv=['app.py', 'x'],
        file='/work/app.py')),
    'a tool of the same name': (['sub/app.py'], dict(
        orig=[PYTHON, 'app.py', 'sub/app.py'], argv=['sub/app.py'], file='/work/sub/app.py')),
    'a tool whose name ends ours': (['myapp.py'], dict(
        orig=[PYTHON, 'app.py', 'myapp.py'], argv=['myapp.py'], file='/work/myapp.py')),
    'Windows: a script with spaces': (['C:\\My App\\my app.py', 'a b'], dict(
        orig=[WINPYTHON, 'C:\\My App\\my app.py', 'a b'], argv=['C:\\My App\\my app.py', 'a b'],
        file='C:\\My App\\my app.py', start='C:\\work')),
    'Windows: a script in a folder': (['C:\\work\\sub\\app.py'], dict(
        orig=[WINPYTHON, 'sub\\app.py'], argv=['sub\\app.py'], file='C:\\work\\sub\\app.py',
        start='C:\\work')),
    'Windows: with a slash': (['C:\\work\\sub\\app.py'], dict(
        orig=[WINPYTHON, 'sub/app.py'], argv=['sub/app.py'], file='C:\\work\\sub/app.py',
        start='C:\\work')),
    'Windows, Python 3.8: a script': (['C:\\work\\sub\\app.py', 'x'], dict(
        argv=['sub\\app.py', 'x'], file='sub\\app.py', start='C:\\work')),
    'Windows: a console script': (['C:\\venv\\Scripts\\tool.exe', 'serve'], dict(
        orig=LAUNCHED, argv=['C:\\venv\\Scripts\\tool', 'serve'], spec='__main__',
        file='C:\\venv\\Scripts\\tool.exe\\__main__.py', start='C:\\work')),
    'Windows, Python 3.8: a console script': (['C:\\venv\\Scripts\\tool.exe', 'serve'], dict(
        argv=['C:\\venv\\Scripts\\tool', 'serve'], spec='__main__', start='C:\\work',
        file='C:\\venv\\Scripts\\tool.exe\\__main__.py')),
    'Windows: an older console script': (['C:\\venv\\Scripts\\tool-script.py', 'serve'], dict(
        orig=[WINPYTHON, 'C:\\venv\\Scripts\\tool-script.py', 'serve'],
        argv=['C:\\venv\\Scripts\\tool', 'serve'], file='C:\\venv\\Scripts\\tool-script.py',
        start='C:\\work')),
    'Windows, Python 3.8: an older one': (['C:\\venv\\Scripts\\tool-script.py', 'serve'], dict(
        argv=['C:\\venv\\Scripts\\tool', 'serve'], file='C:\\venv\\Scripts\\tool-script.py',
        start='C:\\work')),
    'Windows: a launcher that dropped its suffix': (['C:\\venv\\Scripts\\tool.exe'], dict(
        argv=['..\\venv\\Scripts\\tool'], spec='__main__', start='C:\\work',
        file='..\\venv\\Scripts\\tool.exe\\__main__.py')),
    'Windows: a module': (['-m', 'pkg.mod'], dict(
        orig=[WINPYTHON, '-m', 'pkg.mod'], argv=['C:\\work\\pkg\\mod.py'], spec='pkg.mod',
        file='C:\\work\\pkg\\mod.py', start='C:\\work')),
    'Windows: debugpy': (['C:\\work\\my app.py', 'x'], dict(
        orig=[WINPYTHON, '-m', 'debugpy', '--listen', '1', 'my app.py', 'x'],
        argv=['my app.py', 'x'], file='my app.py', start='C:\\work')),
}
REFUSED = {
    'standard input': dict(orig=[PYTHON, '-'], argv=['-']),
    'no arguments at all': dict(orig=[PYTHON], argv=['']),
    'Python 3.8: a command': dict(argv=['-c', 'a']),
    'Python 3.8: standard input': dict(argv=['-']),
}


def child_command(orig=(), argv=(), spec='', file='', options=(), start='/work'):
    """Call the pure function; return the executable, and the words after it."""
    is_windows = start[1:2] == ':'
    executable = WINPYTHON if is_windows else PYTHON
    system = types.SimpleNamespace(path=ntpath if is_windows else posixpath)
    with mock.patch.object(reloader, 'os', system):
        found = reloader._child_command(list(orig), list(argv), executable, list(options), spec,
                                        file, start)
    return executable, found


class TheCommandLineOfTheChild(unittest.TestCase):
    """A pure function of what Python knows, for every platform on each of them."""

    def test_names_the_program_again(self):
        for name, (expected, known) in COMMANDS.items():
            with self.subTest(name):
                executable, found = child_command(**known)
                self.assertEqual(found[0], executable)
                start = known.get('start', '/work')
                words = [word if word == want or start[1:2] != ':' else
                         ntpath.normpath(ntpath.join(start, word))
                         for word, want in zip(found[1:], expected)] + found[1 + len(expected):]
                self.assertEqual(words, expected)

    def test_is_refused_where_there_is_no_program(self):
        for name, known in REFUSED.items():
            with self.subTest(name), self.assertRaises(SystemExit):
                child_command(**known)


if __name__ == '__main__':
    unittest.main()
