"""Bottle's own run(reloader=True) with this checker; needs `pip install bottle`.

Type `python3 examples/bottle_app.py`, open http://127.0.0.1:8080/, edit index(), save, look again.
"""
import sys

sys.path.append(sys.path[0] + '/..')  # not needed with reloader.py beside the program
import reloader  # noqa: E402

try:
    import bottle
except ImportError:
    sys.exit('this example needs Bottle: pip install bottle')

bottle.FileCheckerThread = reloader.FileCheckerThread


@bottle.route('/')
def index():
    return 'Hello, Bottle!\n'


if __name__ == '__main__':
    bottle.run(host='127.0.0.1', port=8080, reloader=True, interval=0.5)
