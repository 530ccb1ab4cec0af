"""A web framework in 20 lines that vendors reloader.py, and a page made with it.

Type `python3 examples/tiny_framework.py`, open http://127.0.0.1:8080/hello/you, edit hello, save.
"""
import sys

sys.path.append(sys.path[0] + '/..')  # a framework would say: from .vendor import reloader
import reloader  # noqa: E402

ROUTES = {}


def route(prefix):
    return lambda function: ROUTES.setdefault(prefix, function)


def app(environ, start_response):
    prefix, _, rest = environ['PATH_INFO'].lstrip('/').partition('/')
    status, body = '404 Not Found', 'nothing here\n'
    if prefix in ROUTES:
        status, body = '200 OK', ROUTES[prefix](rest)
    start_response(status, [('Content-Type', 'text/plain; charset=utf-8')])
    return [body.encode()]


def run(app, reload=False, **options):
    reloader.run(app, reloader=reload, **options)


@route('hello')
def hello(name):
    return f'Hello, {name}!\n'


if __name__ == '__main__':
    run(app, reload=True, port=8080)
