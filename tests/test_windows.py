"""What only Windows does: files that cannot be shared, names in any case, launchers.

On a real Windows or under Wine; elsewhere each class is skipped.
"""
from __future__ import annotations

import contextlib
import ntpath
import subprocess
import sys
import time
import unittest
import zipfile

from tests.support import (WAITING, WINDOWS, ReloaderTestCase, both_ways, changed, library, plain,
                           side_by_side, skip_unless)

needs_windows = skip_unless(WINDOWS, 'Windows alone does this')

# Open a file so that nobody else can, say so, and hold it until a line comes.
HOLD = '''\
import ctypes, sys
kernel32 = ctypes.WinDLL('kernel32', use_last_error=True)
kernel32.CreateFileW.restype = ctypes.c_void_p
READ_WRITE, NO_SHARING, EXISTING = 0xC0000000, 0, 3
handle = ctypes.c_void_p(-1).value
while handle == ctypes.c_void_p(-1).value:  # the checker reads it for a moment now and then
    handle = kernel32.CreateFileW(sys.argv[1], READ_WRITE, NO_SHARING, None, EXISTING, 0, None)
if len(sys.argv) > 2:
    text, written = sys.argv[2].encode(), ctypes.c_ulong()
    kernel32.WriteFile(ctypes.c_void_p(handle), text, len(text), ctypes.byref(written), None)
    kernel32.SetEndOfFile(ctypes.c_void_p(handle))
print('held', flush=True)
sys.stdin.readline()
'''


@needs_windows
@side_by_side
class AFileThatIsHeld(ReloaderTestCase):
    """An editor or a virus scanner has it open, and shares it with nobody: not yet, no error."""

    @contextlib.contextmanager
    def held(self, name, text=''):
        """Hold a file, written anew if there is a text, until the block ends."""
        holder = self.start('-c', HOLD, str(self.folder / name), *[text] * bool(text),
                            stdin=subprocess.PIPE)
        holder.wait_for('^held')
        yield
        holder.type('\n')
        self.assertEqual(holder.wait_exit(), 0)

    @both_ways
    def test_while_it_is_written_is_waited_for(self):
        self.write('value.py', 'VALUE = "old"\n')
        self.write('other.py', '')
        self.write_app('one', 'print("value", value.VALUE, flush=True)\ntime.sleep(600)',
                       'import other, value')
        app = self.start_app()
        first = app.wait_ready('one')
        with self.held('value.py', 'VALUE = "new"\n'):
            time.sleep(1)  # many looks, all in vain: shown by what was said in the end
        app.wait_for(changed('value.py'))
        app.wait_for('^value new')
        self.assertEqual(app.count('Traceback|Permission|Errno|WinError'), 0, app.output)
        self.assertEqual((len(app.pids()), app.pids()[0]), (2, first), app.output)

    @both_ways
    def test_as_the_program_starts_is_waited_for_if_it_is_the_script(self):
        self.write('other.py', 'x = 1\n')
        self.write_app('one', before='import other')
        app = self.start_app()
        app.wait_ready('one')
        with self.held('app.py'):
            self.write('other.py', 'x = 22\n')
            app.wait_for(changed('other.py'))
            app.wait_for(r'^reloader: app\.py: held .*waiting')
        app.wait_ready('one')
        self.assertEqual(app.count('Traceback|Permission|Errno|WinError'), 0, app.output)

    @both_ways
    def test_after_a_crash_is_waited_for_too(self):
        self.write_app('one', 'raise ValueError')
        app = self.start_app()
        app.wait_for(WAITING)
        text = (self.folder / 'app.py').read_text().replace('raise ValueError', 'sys.exit(0)')
        with self.held('app.py', text):
            time.sleep(1)  # many looks, all in vain
        app.wait_for(changed('app.py'))
        self.assertEqual(app.wait_exit(), 0, app.output)
        self.assertEqual(app.count('Permission|Errno|WinError'), 0, app.output)


@needs_windows
@side_by_side
class Names(ReloaderTestCase):
    """In any case and with either slash they are the same."""

    def reload(self, *words, cwd=None):
        app = self.start(*words, cwd=cwd)
        app.wait_ready('one')
        self.write('sub/app.py', self.text('two'))
        app.wait_ready('two')
        self.write('sub/app.py', self.text('three'))
        app.wait_ready('three')
        self.assertEqual(app.count('Traceback'), 0, app.output)
        # Short, as by a drive's letter in either case it is below the start directory.
        shown = r'^reloader: (?i:sub[\\/]app\.py) changed, restarting'
        self.assertEqual(app.count(shown), 2, app.output)

    def text(self, value):
        if self.way == 'command line':
            return plain(value)
        return 'import sys\nsys.path.append(%r)\n' % str(self.folder) + library(value)

    @both_ways
    def test_of_the_script_may_be_written_in_any_case(self):
        words = [] if self.way == 'library' else [str(self.folder / 'reloader.py'),
                                                  '--interval', '0.1']
        drive, rest = ntpath.splitdrive(str(self.folder))
        for path in (drive.lower() + rest + '\\sub\\app.py', drive.upper() + rest + '/sub/app.py',
                     drive + rest + '\\SUB\\App.py', 'Sub/APP.py'):
            with self.subTest(path):
                self.write('sub/app.py', self.text('one'))
                self.reload(*words, path)

    @both_ways
    def test_of_watched_files_may_be_written_in_any_case(self):
        for name in ('data.txt', 'conf/a.ini'):
            self.write(name, 'old')
        self.write_app('one', 'reloader.watch("CONF")\n' + 'READY\ntime.sleep(600)',
                       before='import reloader', extra_files=['DATA.txt'])
        app = self.start_app()
        app.wait_ready('one')
        for name, shown in ('data.txt', 'DATA.txt'), ('conf/a.ini', 'CONF\\a.ini'):
            self.write(name, 'new')
            app.wait_for(changed(shown))
            app.wait_ready('one')

    @both_ways
    def test_and_text_may_be_of_another_encoding(self):
        """A source's own, and that of a console, which is not UTF-8."""
        source = '# -*- coding: cp1252 -*-\nVALUE = "caf\xe9 %d"\n'
        self.write('caf\xe9.py', (source % 1).encode('cp1252'))
        self.write_app('one', 'print(ascii(caf\xe9.VALUE), flush=True)\ntime.sleep(600)',
                       'import caf\xe9')
        app = self.start_app()
        app.wait_for(r"^'caf\\xe9 1'")
        self.write('caf\xe9.py', (source % 2).encode('cp1252'))
        app.wait_for(r"^'caf\\xe9 2'")
        self.write('caf\xe9.py', 'VALUE = "caf\xe9"\n'.encode('cp1252'))  # no line tells it now
        app.wait_for(r'^reloader: caf.*\.py, line 1: .*; not restarting')
        self.write('caf\xe9.py', (source % 3).encode('cp1252'))
        app.wait_for(r"^'caf\\xe9 3'")


@needs_windows
@side_by_side
class ALauncher(ReloaderTestCase):
    """What pip makes of a console script: a program with an archive behind it."""

    MAIN = '''\
import re, sys
from tool_cli import call
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw?|\\.exe)?$', '', sys.argv[0])
    sys.exit(call())
'''

    def test_is_started_again_and_reloads(self):
        for name in 'tool.exe', 'tool-script.py':
            with self.subTest(name):
                self.new_folder()
                self.write('tool_cli.py', self.cli('one'))
                self.write('elsewhere/readme.txt', '')
                path = self.folder / 'Scripts' / name
                self.write('Scripts/' + name, self.MAIN)
                if name == 'tool.exe':
                    with open(path, 'wb') as file:
                        file.write(b'MZ, as it were\n')
                        with zipfile.ZipFile(file, 'a') as archive:
                            archive.writestr('__main__.py', self.MAIN)
                app = self.start(str(path), 'serve', 'a b',
                                 env={'PYTHONPATH': str(self.folder)},
                                 cwd=self.folder / 'elsewhere')
                app.wait_ready('one')
                app.wait_for(r'^arguments\|.*\\tool\|serve\|a b$')
                self.write('tool_cli.py', self.cli('two'))
                app.wait_ready('two')
                app.wait_for(r'^arguments\|.*\\tool\|serve\|a b$')
                self.assertEqual(app.count('Traceback'), 0, app.output)
                app.end()

    @staticmethod
    def cli(value):
        return ('import os, sys, time\nimport reloader\ndef main():\n'
                '    print("ready", os.getpid(), %r, flush=True)\n'
                '    print("arguments", *sys.argv, sep="|", flush=True)\n'
                '    time.sleep(600)\n'
                'def call():\n    reloader.run_with_reloader(main, interval=0.1)\n' % value)


if __name__ == '__main__':
    sys.exit(unittest.main())
