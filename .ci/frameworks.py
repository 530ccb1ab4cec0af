"""Reload real frameworks: each serves a value, is edited, and must serve the new value.

.ci/run starts it with a virtual environment that has them all: python .ci/frameworks.py [name ...]
One line for each framework and way in; at the end ``N passed, N failed, N skipped``.
"""

from __future__ import annotations

import http.client
import importlib.metadata
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, NamedTuple

RELOADER = Path(__file__).resolve().parent.parent / 'reloader.py'
TIMEOUT = 40  # seconds: only a hang lasts as long, on a busy machine too

HEAD = """\
import sys
VALUE = 'one'
PORT = int(sys.argv[1]) if __name__ == '__main__' else None
"""
WSGI = """
def app(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [VALUE.encode()]
"""
ASGI = """
async def app(scope, receive, send):
    if scope['type'] == 'http':
        await send({'type': 'http.response.start', 'status': 200, 'headers': []})
        await send({'type': 'http.response.body', 'body': VALUE.encode()})
"""
BOTTLE = """
import bottle
app = bottle.Bottle()
@app.route('/')
def index():
    return VALUE
"""

# Each defines main(), which serves VALUE at PORT until it is interrupted.
PROGRAMS = {
    'bottle': BOTTLE
    + """
def main():
    bottle.run(app, host='127.0.0.1', port=PORT)
""",
    'flask': """
import flask
app = flask.Flask(__name__)
@app.route('/')
def index():
    return VALUE
def main():
    app.run(port=PORT)
""",
    'django': """
import django.conf, django.http, django.urls
from django.core.management import execute_from_command_line
django.conf.settings.configure(DEBUG=True, ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'])
urlpatterns = [django.urls.path('', lambda request: django.http.HttpResponse(VALUE))]
def main():
    execute_from_command_line(['manage.py', 'runserver', '--noreload', '127.0.0.1:%d' % PORT])
""",
    'waitress': WSGI
    + """
import waitress
def main():
    waitress.serve(app, host='127.0.0.1', port=PORT)
""",
    'cheroot': WSGI
    + """
from cheroot.wsgi import Server
def main():
    server = Server(('127.0.0.1', PORT), app)
    try:
        server.start()
    finally:
        server.stop()
""",
    'gevent': WSGI
    + """
def main():
    from gevent import monkey
    monkey.patch_all()
    from gevent.pywsgi import WSGIServer
    WSGIServer(('127.0.0.1', PORT), app).serve_forever()
""",
    'gunicorn': WSGI
    + """
import gunicorn.app.base
class Application(gunicorn.app.base.BaseApplication):
    def load_config(self):
        self.cfg.set('bind', '127.0.0.1:%d' % PORT)
    def load(self):
        return app
def main():
    Application().run()
""",
    'tornado': """
import asyncio, tornado.web
class Index(tornado.web.RequestHandler):
    def get(self):
        self.write(VALUE)
async def serve():
    tornado.web.Application([('/', Index)]).listen(PORT, '127.0.0.1')
    await asyncio.Event().wait()
def main():
    asyncio.run(serve())
""",
    'aiohttp': """
from aiohttp import web
async def index(request):
    return web.Response(text=VALUE)
def main():
    app = web.Application()
    app.router.add_get('/', index)
    web.run_app(app, host='127.0.0.1', port=PORT)
""",
    'uvicorn': ASGI
    + """
import uvicorn
def main():
    uvicorn.run(app, host='127.0.0.1', port=PORT)
""",
    'hypercorn': ASGI
    + """
import asyncio
from hypercorn.asyncio import serve
from hypercorn.config import Config
def main():
    asyncio.run(serve(app, Config.from_mapping(bind='127.0.0.1:%d' % PORT)))
""",
    'grpcio': """
import functools, grpc
from concurrent import futures
def run_server(host, port):
    server = grpc.server(futures.ThreadPoolExecutor(2))
    call = grpc.unary_unary_rpc_method_handler(lambda request, context: VALUE.encode())
    value = grpc.method_handlers_generic_handler('ci.Value', {'Get': call})
    server.add_generic_rpc_handlers([value])
    server.add_insecure_port('%s:%d' % (host, port))
    server.start()
    server.wait_for_termination()
main = functools.partial(run_server, '127.0.0.1', PORT)
""",
}

EVENTLET = (
    WSGI
    + """
import warnings
warnings.simplefilter('ignore')
import eventlet
eventlet.monkey_patch()
from eventlet import wsgi
def main():
    wsgi.server(eventlet.listen(('127.0.0.1', PORT)), app)
"""
)

LIBRARY = """
if __name__ == '__main__':
    import reloader
    reloader.run_with_reloader(main)
"""
COMMAND = """
if __name__ == '__main__':
    main()
"""
BOTTLES_OWN = (
    BOTTLE
    + """
import reloader
bottle.FileCheckerThread = reloader.FileCheckerThread
if __name__ == '__main__':
    bottle.run(app, host='127.0.0.1', port=PORT, reloader=True)
"""
)


class Check(NamedTuple):
    """One program, the command that runs it ({port} is filled in), and what it must do."""

    framework: str
    way: str
    source: str
    command: list[str]
    saves: tuple[str, ...] = ('two',)
    status: int = 130  # after Ctrl-C; Bottle's parent has its own


def checks() -> list[Check]:
    """Return every check: all programs through both ways in, then the special ones."""
    library, command = ['app.py', '{port}'], ['reloader.py', 'app.py', '{port}']
    module, bind = ['reloader.py', '-m'], '--bind=127.0.0.1:{port}'
    workers = [*module, 'uvicorn', 'app:app', '--workers=2', '--port={port}']
    flask, bottle = HEAD + PROGRAMS['flask'], HEAD + PROGRAMS['bottle']
    debugger = ['-m', 'debugpy', '--listen', '0', *library]
    found = []
    for name, body in PROGRAMS.items():
        found.append(Check(name, 'run_with_reloader(main)', HEAD + body + LIBRARY, library))
        found.append(Check(name, 'reloader.py app.py', HEAD + body + COMMAND, command))
    for name, way, source, words in [
        ('uvicorn', 'app:app', HEAD + ASGI, [*module, 'uvicorn', 'app:app', '--port={port}']),
        ('uvicorn', '--workers=2 app:app', HEAD + ASGI, workers),
        ('gunicorn', 'app:app', HEAD + WSGI, [*module, 'gunicorn', 'app:app', bind]),
        ('hypercorn', 'app:app', HEAD + ASGI, [*module, 'hypercorn', 'app:app', bind]),
        ('flask', 'run', flask, [*module, 'flask', 'run', '--port={port}']),
    ]:
        found.append(Check(name, f'reloader.py -m {name} {way}', source, words))
    found.append(Check('eventlet', 'reloader.py app.py', HEAD + EVENTLET + COMMAND, command))
    found.append(Check('debugpy', 'debugpy --listen app.py', bottle + LIBRARY, debugger))
    way = 'its own run(reloader=True) with our checker, twice'
    found.append(Check('bottle', way, HEAD + BOTTLES_OWN, library, ('two', 'three'), status=0))
    return found


def http_value(port: int) -> str:
    """Return what the server at port answers; raise OSError while it does not."""
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=2)
    try:
        connection.request('GET', '/')
        return connection.getresponse().read().decode()
    except http.client.HTTPException as error:  # closed in an answer: the server is being ended
        raise OSError(error) from error
    finally:
        connection.close()


def grpc_value(port: int) -> str:
    """Return the answer of a gRPC call; raise OSError while there is none."""
    import grpc

    with grpc.insecure_channel(f'127.0.0.1:{port}') as channel:
        try:
            return channel.unary_unary('/ci.Value/Get')(b'', timeout=2).decode()
        except grpc.RpcError as error:
            raise OSError(error) from error


def wait_for(value: str, ask: Callable[[], str], process: subprocess.Popen[bytes]) -> float:
    """Return after how many seconds the value was served; raise AssertionError when it was not."""
    start, last = time.monotonic(), 'no answer'
    while time.monotonic() - start < TIMEOUT:
        if process.poll() is not None:
            raise AssertionError(
                f'ended with status {process.returncode} before it served {value!r}'
            )
        try:
            last = repr(ask())
        except OSError as error:
            last = type(error.__cause__ or error).__name__
        if last == repr(value):
            return time.monotonic() - start
        time.sleep(0.02)
    raise AssertionError(f'{value!r} was not served in {TIMEOUT} s: {last}')


def free_port() -> int:
    """Return a port that nothing listens at."""
    with socket.socket() as found:
        found.bind(('127.0.0.1', 0))
        port: int = found.getsockname()[1]
        return port


def perform(check: Check, folder: Path, log: Path) -> str:
    """Run one check and return what to say about it; raise AssertionError when it fails."""
    shutil.copy(RELOADER, folder)
    app, port = folder / 'app.py', free_port()
    app.write_text(check.source)
    command = [sys.executable] + [part.replace('{port}', str(port)) for part in check.command]
    value = grpc_value if check.framework == 'grpcio' else http_value
    with log.open('wb') as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(),
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
    try:
        wait_for('one', lambda: value(port), process)
        seconds = []
        for new in check.saves:
            app.write_text(check.source.replace("VALUE = 'one'", f'VALUE = {new!r}'))
            seconds.append(wait_for(new, lambda: value(port), process))
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does it
        try:
            process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            raise AssertionError(f'ran on for {TIMEOUT} s after Ctrl-C') from None
        if process.returncode != check.status:
            raise AssertionError(f'status {process.returncode} after Ctrl-C, not {check.status}')
        if 'still busy' in log.read_text(errors='replace'):
            raise AssertionError('it ended by force')
        # The others show some of their own as they end by Ctrl-C, and then not always.
        if check.framework == 'eventlet' and 'Traceback' in log.read_text(errors='replace'):
            raise AssertionError('a traceback that Ctrl-C would not have shown')
        return 'new value after ' + ' and '.join(f'{one:.2f}' for one in seconds) + ' s'
    finally:
        end_group(process)


def environment() -> dict[str, str]:
    """Return the variables of a plain run; bytecode is written, as users have it."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(('PYTHON', 'RELOADER_'))
    }


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End whatever is left of the program."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:  # the whole group is gone, as it should be
        pass
    process.wait()


def main(names: list[str]) -> int:
    """Run the checks of the frameworks named, or all; return the exit status."""
    passed = failed = 0
    for check in checks():
        if names and check.framework not in names:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            folder, log = Path(temporary, 'program'), Path(temporary, 'log')
            folder.mkdir()
            try:
                version = importlib.metadata.version(check.framework)
                outcome, detail = 'ok  ', perform(check, folder, log)
                passed += 1
            except importlib.metadata.PackageNotFoundError:
                version, outcome, detail = (
                    '(not installed)',
                    'FAIL',
                    f'pip install {check.framework}',
                )
                failed += 1
            except AssertionError as error:
                outcome, detail = 'FAIL', f'{error}\n' + log.read_text(errors='replace')
                failed += 1
            print(f'{outcome} {check.framework} {version}, {check.way}: {detail}', flush=True)
    print(f'{passed} passed, {failed} failed, 0 skipped')
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
