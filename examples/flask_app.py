"""A Flask app in debug mode, reloaded by this module; needs `pip install flask`.

Type `python3 examples/flask_app.py`, open http://127.0.0.1:5000/, edit index(), save, look again.
"""
import sys

sys.path.append(sys.path[0] + '/..')  # not needed with reloader.py beside the program
import reloader  # noqa: E402

try:
    from flask import Flask
except ImportError:
    sys.exit('this example needs Flask: pip install flask')

app = Flask(__name__)


@app.route('/')
def index():
    return 'Hello, Flask!\n'


def main():
    app.run(host='127.0.0.1', port=5000, debug=True, use_reloader=False)


if __name__ == '__main__':
    reloader.run_with_reloader(main)
