"""Run me, open http://127.0.0.1:8080/, change the greeting, save, and look again."""
import sys  # this line and the next are not in the README
sys.path.append(sys.path[0] + '/..')  # not needed with reloader.py beside the program
import reloader

def app(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain; charset=utf-8')])
    return [b'Hello, world!\n']

reloader.run(app, reloader=True)
