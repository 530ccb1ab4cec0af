"""A page that reloads itself in the browser when the program restarts (server-sent events).

Type `python3 examples/live_page.py`, open http://127.0.0.1:8080/, edit TITLE, save, and watch.
"""
import os
import sys

sys.path.append(sys.path[0] + '/..')  # not needed with reloader.py beside the program
import reloader  # noqa: E402

TITLE = 'Hello, live page'
PAGE = '''<!doctype html><meta charset="utf-8"><title>{title}</title>
<h1>{title}</h1>
<p>Served by process {pid}.</p>
<script>
  // the browser connects again by itself; another process id means another version of the page
  new EventSource('/events').onmessage = event => {{
    if (event.data !== '{pid}') location.reload()
  }}
</script>'''


def app(environ, start_response):
    if environ['PATH_INFO'] == '/events':
        # one event a connection: a stream that never ends would be a request in flight
        start_response('200 OK', [('Content-Type', 'text/event-stream')])
        return [f'retry: 300\ndata: {os.getpid()}\n\n'.encode()]
    start_response('200 OK', [('Content-Type', 'text/html; charset=utf-8')])
    return [PAGE.format(title=TITLE, pid=os.getpid()).encode()]


if __name__ == '__main__':
    if not reloader.is_running_from_reloader():
        print('serving on http://127.0.0.1:8080/', flush=True)
    reloader.run(app, port=8080, reloader=True, quiet=True)
