"""The live page in a real browser: it must show the new title by itself after a save.

python .ci/live_page.py [screenshot.png]   (needs chromium and chromedriver, and no package)

chromedriver speaks WebDriver: JSON over HTTP.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
TIMEOUT = 40  # seconds: only a hang lasts as long
ARGUMENTS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage']
SAVES = ['Hello, live page', 'Saved once', 'Saved twice']


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        return int(listener.getsockname()[1])


class Browser:
    """A headless Chromium, driven by chromedriver at a port."""

    def __init__(self, port: int, profile: Path) -> None:
        self.address = f'http://127.0.0.1:{port}/session'
        options = {'args': [*ARGUMENTS, f'--user-data-dir={profile}']}
        capabilities = {'alwaysMatch': {'browserName': 'chrome', 'goog:chromeOptions': options}}
        session = self.ask('POST', '', {'capabilities': capabilities})
        self.address += '/' + session['sessionId']

    def ask(self, method: str, path: str, data: Any = None) -> Any:
        """Send one command and return its value."""
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(self.address + path, body, method=method)
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return json.load(answer)['value']

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        return self.ask('POST', '/execute/sync', {'script': f'return {expression}', 'args': []})


def wait_for(what: str, condition: Any) -> None:
    """Ask again and again until condition() is true."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f'FAILED: waited {TIMEOUT} s for {what}')
        time.sleep(0.02)


def listens(port: int) -> bool:
    """Tell whether somebody accepts connections at a port."""
    with socket.socket() as client:
        return client.connect_ex(('127.0.0.1', port)) == 0


def check(folder: Path, screenshot: str) -> None:
    """Open the page once, save the program twice, and see the page follow."""
    page_port, driver_port = free_port(), free_port()
    shutil.copy(TOP / 'reloader.py', folder)
    program = folder / 'live_page.py'
    text = (TOP / 'examples' / 'live_page.py').read_text().replace('8080', str(page_port))
    program.write_text(text)
    processes = [
        subprocess.Popen([sys.executable, 'live_page.py'], cwd=folder),
        subprocess.Popen(['chromedriver', f'--port={driver_port}', '--log-level=OFF'],
                         stdout=subprocess.DEVNULL),
    ]
    try:
        wait_for('the program', lambda: listens(page_port))
        wait_for('chromedriver', lambda: listens(driver_port))
        browser = Browser(driver_port, folder / 'profile')
        try:
            browser.ask('POST', '/url', {'url': f'http://127.0.0.1:{page_port}/'})
            for title in SAVES:
                saved = time.monotonic()
                program.write_text(text.replace(SAVES[0], title))
                wait_for(repr(title), lambda title=title: browser.evaluate(
                    "document.querySelector('h1')?.textContent") == title)
                print(f'the page shows {title!r} after {time.monotonic() - saved:.2f} s')
            if screenshot:
                Path(screenshot).write_bytes(base64.b64decode(browser.ask('GET', '/screenshot')))
        finally:
            browser.ask('DELETE', '')
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(TIMEOUT)


def main() -> None:
    """Print the totals as the other legs do, or say what is missing."""
    if not shutil.which('chromedriver') or os.name != 'posix':
        print('skipped: live_page: there is no chromedriver')
        print('0 passed, 0 failed, 1 skipped')
        return
    with tempfile.TemporaryDirectory(prefix='live-page.', ignore_cleanup_errors=True) as folder:
        check(Path(folder), ''.join(sys.argv[1:]))
    print('1 passed, 0 failed, 0 skipped')


if __name__ == '__main__':
    main()
