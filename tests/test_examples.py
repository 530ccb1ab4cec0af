"""The examples: each is started as it stands, edited as its docstring says, and seen to change.

Two things differ from what a newcomer does: the port is a free one, and the environment is built.
"""
import ast
import contextlib
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

from tests.support import (LONG, RELOADER, WINDOWS, ReloaderTestCase, changed, side_by_side, skip,
                           wait_until)

EXAMPLES = RELOADER.parent / 'examples'
# Not in the tests, which run in threads: on Python 3.11 ast.parse in two of them may fail with
# "SystemError: AST constructor recursion depth mismatch".
DOCSTRINGS = {path.name: ast.get_docstring(ast.parse(path.read_text(encoding='utf-8')))
              for path in EXAMPLES.glob('*.py')}
AGAIN = r'^reloader: running again after \d+\.\d\d s$'


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as listener:
        return listener.getsockname()[1]


def fetch(port, path='/'):
    """Return what a GET answers; '' as long as nobody does."""
    with contextlib.suppress(OSError, urllib.error.URLError):
        url = 'http://127.0.0.1:%d%s' % (port, path)
        with urllib.request.urlopen(url, timeout=LONG) as answer:
            return answer.read().decode()
    return ''


class ExampleTestCase(ReloaderTestCase):
    """A folder with examples/ and reloader.py above it, as in a checkout."""

    python = sys.executable  # with the frameworks that are installed here

    def place(self, name, *edits):
        """Copy an example and change words of it, each of which stands there once; return it."""
        shutil.copytree(EXAMPLES, self.folder / 'examples', dirs_exist_ok=True,
                        copy_function=shutil.copy)  # Wine 8 aborts in copy2()
        self.name = 'examples/' + name
        self.assertIn('`python3 %s`' % self.name, DOCSTRINGS[name].replace('\n', ' '))
        self.edit(*edits)

    def edit(self, *edits):
        """Save the example with (old, new) exchanged."""
        text = (self.folder / self.name).read_text(encoding='utf-8')
        for old, new in edits:
            self.assertEqual(text.count(old), 1, '%r in %s' % (old, self.name))
            text = text.replace(old, new)
        self.write(self.name, text)

    def need(self, module, package):
        """Without its framework the example says what to install; then skip the rest."""
        self.assertIn('pip install %s`' % package, DOCSTRINGS[self.name.split('/')[1]])
        if importlib.util.find_spec(module) is None:
            done = self.run_once(self.name)
            self.assertEqual((done.returncode, done.stdout), (1, ''), done.stderr)
            self.assertRegex(done.stderr, r'^this example needs \w+: pip install %s\n$' % package)
            self.assert_nothing_left()
            skip(self, '%s is not installed; the example says so' % package)

    def wait_page(self, port, text, path='/'):
        wait_until(lambda: text in fetch(port, path), '%r on port %d' % (text, port))


@side_by_side
class EachExample(ExampleTestCase):
    """It runs as it stands; it is edited as its docstring says; the change is seen."""

    def test_hello(self):
        port = free_port()
        shutil.copytree(EXAMPLES, self.folder / 'examples',
                        copy_function=shutil.copy)  # Wine 8 aborts in copy2()
        self.name = 'examples/hello.py'
        self.edit(('reloader=True)', 'reloader=True, port=%d)' % port))
        app = self.start('examples/hello.py')
        app.wait_for(r'^reloader: serving on http://127\.0\.0\.1:%d/' % port)
        self.wait_page(port, 'Hello, world!\n')
        self.edit(('Hello, world!', 'Hello, you!'))
        app.wait_for(changed(os.path.join('examples', 'hello.py')))
        self.wait_page(port, 'Hello, you!\n')
        self.assert_ends(app)

    def test_worker(self):
        self.place('worker.py', ('PAUSE = 1.0', 'PAUSE = 0.05'))
        app = self.start(self.name)
        app.wait_for('^working on number 3$')
        self.edit(('working on', 'hard at work on'))
        app.wait_for('^put the tools away$')
        app.wait_for(AGAIN)
        app.wait_for('^hard at work on number 1$')
        self.edit(('PAUSE = 0.05', 'PAUSE = 0.01'))
        app.wait_for(AGAIN)
        app.wait_for('^hard at work on number 1$')
        self.assertEqual(app.count('^put the tools away$'), 2)
        self.assert_ends(app)

    def test_tiny_framework(self):
        port = free_port()
        self.place('tiny_framework.py', ('port=8080', 'port=%d' % port))
        app = self.start(self.name)
        self.wait_page(port, 'Hello, you!\n', '/hello/you')
        self.edit(("f'Hello, {name}!", "f'Welcome, {name}!"))
        app.wait_for(AGAIN)
        self.wait_page(port, 'Welcome, you!\n', '/hello/you')
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen('http://127.0.0.1:%d/nothing' % port, timeout=LONG)
        caught.exception.close()
        self.assertEqual(caught.exception.code, 404)
        self.assert_ends(app)

    def test_live_page(self):
        port = free_port()
        self.place('live_page.py', ('port=8080', 'port=%d' % port))
        app = self.start(self.name)
        app.wait_for('^serving on http://')
        first = self.pid_of_page(port, 'Hello, live page')
        self.assertEqual(fetch(port, '/events'), 'retry: 300\ndata: %d\n\n' % first)
        self.edit(("TITLE = 'Hello, live page'", "TITLE = 'Hello again'"))
        second = self.pid_of_page(port, 'Hello again')
        self.assertNotEqual(first, second)
        # what makes a browser that has the first page load the second
        self.assertEqual(fetch(port, '/events'), 'retry: 300\ndata: %d\n\n' % second)
        self.assertEqual(app.count('^serving on'), 1, app.output)
        self.assert_ends(app, quiet=True)

    def pid_of_page(self, port, title):
        self.wait_page(port, '<h1>%s</h1>' % title)
        page = fetch(port)
        pid = re.search(r'Served by process (\d+)', page).group(1)
        self.assertIn("event.data !== '%s'" % pid, page)
        return int(pid)

    def test_watched_tests(self):
        shutil.copytree(EXAMPLES, self.folder / 'examples', copy_function=shutil.copy)
        self.name = 'examples/watched_tests.py'
        self.assertIn('`python3 reloader.py --wait %s`' % self.name,
                      DOCSTRINGS['watched_tests.py'])
        app = self.start('reloader.py', '--wait', self.name)
        app.wait_for('^OK$')
        app.wait_for('^reloader: ended with status 0, waiting for a change')
        self.edit(('one + two', 'two + one'))
        app.wait_for(r'^FAILED \(failures=1\)')
        app.wait_for('^reloader: ended with status 1, waiting for a change')
        self.edit(('two + one', 'one + two'))
        app.wait_for('^OK$')
        app.wait_for('^reloader: ended with status 0, waiting for a change')
        self.assertEqual(app.count('Traceback'), 1, app.output)  # the test's own
        if not WINDOWS:
            app.ctrl_c()
            self.assertEqual(app.wait_exit(), 130, app.output)

    def test_tk_clock(self):
        self.place('tk_clock.py')
        probe = [sys.executable, '-c', 'import tkinter; tkinter.Tk()']
        if subprocess.run(probe, stderr=subprocess.DEVNULL).returncode:
            skip(self, 'there is no Tk, or no screen for it')
        app = self.start(self.name)
        app.wait_for('^the clock is navy')
        self.edit(("'navy'", "'maroon'"))
        app.wait_for('^the clock has stopped')
        app.wait_for('^the clock is maroon')
        self.assert_ends(app)

    def test_bottle_app(self):
        port = free_port()
        self.place('bottle_app.py', ('port=8080', 'port=%d' % port))
        self.need('bottle', 'bottle')
        app = self.start(self.name)
        former = 'Hello, Bottle!'
        app.wait_for('^Bottle v.* server starting up')
        for text in ('Hello, glass!', 'Hello, barrel!'):
            self.wait_page(port, former)
            self.edit((former, text))
            app.wait_for('^Bottle v.* server starting up')
            former = text
        self.wait_page(port, former)
        if not WINDOWS:
            app.ctrl_c()  # in a request still: wsgiref shows a traceback
            app.wait_exit()  # the status is Bottle's

    def test_flask_app(self):
        port = free_port()
        self.place('flask_app.py', ('port=5000', 'port=%d' % port))
        self.need('flask', 'flask')
        app = self.start(self.name)
        self.wait_page(port, 'Hello, Flask!')
        self.edit(('Hello, Flask!', 'Hello, bottle!'))
        app.wait_for(AGAIN)
        self.wait_page(port, 'Hello, bottle!')
        self.assert_ends(app)

    def test_grpc_server(self):
        port = free_port()
        self.place('grpc_server.py', ("'127.0.0.1:50051'", "'127.0.0.1:%d'" % port),
                   ("'127.0.0.1', 50051", "'127.0.0.1', %d" % port))
        self.need('grpc', 'grpcio')
        app = self.start(self.name)
        app.wait_for('^serving on 127')
        self.assertEqual(self.run_once(self.name, 'you').stdout, 'Hello, you\n')
        self.edit(("b'Hello, '", "b'Goodbye, '"))
        app.wait_for(AGAIN)
        app.wait_for('^serving on 127')
        self.assertEqual(self.run_once(self.name, 'you').stdout, 'Goodbye, you\n')
        self.assert_ends(app)

    def assert_ends(self, app, quiet=False):
        """Ctrl-C ends it, and nothing is left; there was no traceback."""
        self.assertEqual(app.count('Traceback'), 0, app.output)
        if not WINDOWS:
            app.ctrl_c()
            self.assertEqual(app.wait_exit(), 130)
            self.assertEqual(app.count('Traceback'), 0, app.output)
            self.assert_nothing_left()


class TheExamples(unittest.TestCase):
    """All of them: short, complete, and each with a test."""

    def test_each_has_a_test_and_fewer_than_40_lines(self):
        for path in sorted(EXAMPLES.glob('*.py')):
            with self.subTest(path.name):
                self.assertTrue(hasattr(EachExample, 'test_' + path.stem))
                self.assertLess(path.read_text(encoding='utf-8').count('\n'), 40)

    def test_each_runs_beside_reloader_py_too(self):
        for path in sorted(EXAMPLES.glob('*.py')):
            text = path.read_text(encoding='utf-8')
            if 'import reloader' not in text:  # it is started by it
                continue
            self.assertRegex(text, r"(?m)^sys\.path\.append\(sys\.path\[0\] \+ '/\.\.'\)  # ")


if __name__ == '__main__':
    unittest.main()
