"""The programs that benchmark.py measures: one for each reloader, in its idiomatic form.

Each prints `ready SERIAL PID START NOW` as its first line, START being the moment of its first
statement, and answers `serial N` to a client, many times. The environment says whether it is to
reload, and its port; extra files, if there are any, are in the folder data.
"""
from __future__ import annotations

import collections
import compileall
import contextlib
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator, Optional, Tuple

MODULE = Path(__file__).resolve().parent.parent / 'reloader.py'
BODY = 1000     # lines of an answer, enough to be cut off in the middle
EXTRA = 10000   # files in the folder data
UNTOUCHED = 86400   # s since the modules were saved: none of them is among the recent files

HEAD = '''\
import time; START = time.monotonic()
import atexit, os, sys
import mods
SERIAL = 0
PORT, RELOAD = int(os.environ['BENCHMARK_PORT']), bool(os.environ['BENCHMARK_RELOAD'])
EXTRA = [entry.path for entry in os.scandir('data')] if os.path.isdir('data') else []
BODY = b'serial %d\\n' % SERIAL * {lines}
def say(what, *values): print(what, *values, time.monotonic(), flush=True)
def ready(): say('ready', max(SERIAL, mods.NEWEST), os.getpid(), START)
def wsgi(environ, start_response):
    start_response('200 OK', [('Content-Length', str(len(BODY)))])
    return [BODY]
'''
PLAIN = '''
def main():
    atexit.register(say, 'atexit')
    ready()
    try:
        if PORT:
            from wsgiref.simple_server import make_server
            make_server('127.0.0.1', PORT, wsgi).serve_forever()
        time.sleep(1e6)
    finally:
        say('unwound')
'''
LIBRARY = PLAIN + '''
if RELOAD:
    import reloader
    reloader.run_with_reloader(main, extra_files=['data'] if EXTRA else None)
else:
    main()
'''
RUN = '''
import reloader
ready()
reloader.run(wsgi, port=PORT, reloader=RELOAD, extra_files=['data'] if EXTRA else None)
'''
BOTTLE = '''
import bottle
bottle.route('/')(lambda: BODY)
ready()
bottle.run(port=PORT, reloader=RELOAD)
'''
WERKZEUG = '''
from werkzeug import run_simple
ready()
run_simple('127.0.0.1', PORT, wsgi, use_reloader=RELOAD, reloader_type='%s', extra_files=EXTRA)
'''
FLASK = '''
import flask
app = flask.Flask(__name__)
app.route('/')(lambda: BODY)
ready()
app.run(port=PORT, debug=RELOAD, reloader_type='stat')  # its default without watchdog
'''
DJANGO = '''
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse
from django.urls import path
settings.configure(DEBUG=True, ROOT_URLCONF=__name__, SECRET_KEY='x')
urlpatterns = [path('', lambda request: HttpResponse(BODY))]
ready()
execute_from_command_line([sys.argv[0], 'runserver', str(PORT)] + ['--noreload'] * (not RELOAD))
'''
UVICORN = '''
async def app(scope, receive, send):
    if scope['type'] == 'http':
        await send({'type': 'http.response.start', 'status': 200})
        await send({'type': 'http.response.body', 'body': BODY})
ready()
'''
TORNADO = '''
import asyncio, tornado.web
class Index(tornado.web.RequestHandler):
    def get(self):
        self.write(BODY)
async def main():
    tornado.web.Application([('/', Index)], autoreload=RELOAD).listen(PORT)
    await asyncio.Event().wait()
ready()
asyncio.run(main())
'''


@dataclass
class Reloader:
    """One way to reload a program, and what was measured of it."""

    key: str            # what --peers calls it, and what must be installed
    name: str
    body: str
    command: str = '{python} app.py'
    plain: str = '{python} app.py'
    serves: bool = True     # always; else only for the client that asks without a pause
    extra: bool = False     # it can watch the folder data, too
    times: dict[Tuple[str, int], list[float]] = field(      # by what and number of modules
        default_factory=lambda: collections.defaultdict(list))
    cpu: dict[int | str, float] = field(default_factory=dict)  # idle, by modules; or 'extra'
    wakeups: Optional[float] = None
    private: Optional[float] = None
    requests: dict[int, collections.Counter[str]] = field(default_factory=dict)  # by clients


RELOADERS = [
    Reloader('reloader', 'reloader.py, library', LIBRARY, serves=False, extra=True),
    Reloader('reloader', 'reloader.py, command line', PLAIN + 'main()',
             '{python} reloader.py {extra} app.py', serves=False, extra=True),
    Reloader('reloader', 'reloader.py, `run(app)`', RUN, extra=True),
    Reloader('bottle', 'Bottle', BOTTLE),
    Reloader('werkzeug', 'Werkzeug, stat', WERKZEUG % 'stat', extra=True),
    Reloader('watchdog', 'Werkzeug, watchdog', WERKZEUG % 'watchdog', extra=True),
    Reloader('flask', 'Flask', FLASK),
    Reloader('django', 'Django', DJANGO),
    Reloader('uvicorn', 'uvicorn', UVICORN, '{python} -m uvicorn app:app --port {port} --reload',
             '{python} -m uvicorn app:app --port {port}'),
    Reloader('hupper', 'hupper', PLAIN + 'main()', '{bin}/hupper -m app', '{python} -m app',
             serves=False),
    Reloader('tornado', 'Tornado', TORNADO),
    Reloader('watchfiles', 'watchfiles CLI', PLAIN + 'main()',
             "{bin}/watchfiles '{python} app.py'", serves=False, extra=True),
]


@contextlib.contextmanager
def workspace(reloader: Reloader, modules: int, extra: int = 0,
              lines: int = BODY) -> Iterator[Path]:
    """Make a folder with the program, that many modules and extra files, untouched for long."""
    with tempfile.TemporaryDirectory(prefix='benchmark.') as name:
        folder = Path(name)
        (folder / 'mods').mkdir()
        imports = ['NEWEST = 0']
        for number in range(modules):
            path = folder / f'mods/m{number:05}.py'
            path.write_text('SERIAL = 0\n')
            os.utime(path, (time.time() - UNTOUCHED,) * 2)
            imports.append(f'from . import {path.stem}; NEWEST = max(NEWEST, {path.stem}.SERIAL)')
        (folder / 'mods/__init__.py').write_text('\n'.join(imports) + '\n')
        for number in range(extra):
            path = folder / f'data/{number:05}.txt'
            path.parent.mkdir(exist_ok=True)
            path.write_text('x\n')
            os.utime(path, (time.time() - UNTOUCHED,) * 2)
        (folder / 'app.py').write_text(HEAD.format(lines=lines) + reloader.body)
        if MODULE.exists():
            shutil.copy(MODULE, folder)
        compileall.compile_dir(folder, quiet=2)     # as every start but the first has it
        yield folder
