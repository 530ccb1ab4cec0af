"""Reload a program under VS Code's debugger, which stops at uncaught exceptions by default.

It must not stop at the SystemExit that asks for a reload. This speaks to debugpy's adapter as the
editor does, with one session for the parent and one for each child: python .ci/debugger.py
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, BinaryIO

RELOADER = Path(__file__).resolve().parent.parent / 'reloader.py'
TIMEOUT = 60  # seconds: only a hang lasts as long
PLAIN = """\
import time
def main():
    print('ready VALUE', flush=True)
    time.sleep(600)
"""
WAYS = {  # how it is started: the end of app.py, the words of the command line
    'library': ('import reloader\nreloader.run_with_reloader(main)\n', ['app.py']),
    'command line': ('main()\n', ['reloader.py', 'app.py']),
}
events: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()


class Session:
    """One debugging session: requests go out, events come into the queue that all share."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self.reader, self.writer, self.number = reader, writer, 0
        threading.Thread(target=self.read, daemon=True).start()
        self.ask('initialize', adapterID='ci', pathFormat='path')

    def ask(self, command: str, **arguments: Any) -> None:
        """Send a request; its answer does not matter."""
        self.number += 1
        message = {'seq': self.number, 'type': 'request', 'command': command,
                   'arguments': arguments}
        text = json.dumps(message).encode()
        self.writer.write(b'Content-Length: %d\r\n\r\n' % len(text) + text)
        self.writer.flush()

    def read(self) -> None:
        """Put the events into the queue, and answer what every session is asked."""
        for line in self.reader:
            if line.lower().startswith(b'content-length:'):
                self.reader.readline()
                message = json.loads(self.reader.read(int(line.split(b':')[1])))
                if message.get('event') == 'initialized':
                    self.ask('setExceptionBreakpoints', filters=['uncaught', 'userUnhandled'])
                    self.ask('configurationDone')
                events.put((message.get('event', ''), message.get('body') or {}))


def attach(body: dict[str, Any]) -> None:
    """Begin a session for a child, as the adapter asks for it."""
    place = body['connect']
    stream = socket.create_connection((place['host'], place['port'])).makefile('rwb')
    Session(stream, stream).ask('attach', **body)


def wait_for(text: str) -> None:
    """Read events until the program has printed text; fail if a debugger stops before."""
    said = ''
    while text not in said:
        event, body = events.get(timeout=TIMEOUT)
        if event == 'output':
            said += body['output']
        elif event == 'debugpyAttach':
            attach(body)
        elif event == 'stopped':
            sys.exit(f'stopped by the debugger: {body}')


def play(way: str) -> None:
    """Start a program, save it twice, and end it."""
    end, (program, *arguments) = WAYS[way]
    folder = Path(tempfile.mkdtemp())
    adapter = subprocess.Popen([sys.executable, '-m', 'debugpy.adapter'],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        shutil.copy(RELOADER, folder)
        app = folder / 'app.py'
        app.write_text(PLAIN.replace('VALUE', 'one') + end)
        assert adapter.stdin and adapter.stdout
        editor = Session(adapter.stdout, adapter.stdin)
        editor.ask('launch', program=str(folder / program), args=arguments, cwd=str(folder),
                   console='internalConsole', python=[sys.executable], subProcess=True,
                   justMyCode=True, redirectOutput=True, env={'PATH': os.environ['PATH']})
        wait_for('ready one')
        for value in 'two', 'three':
            app.write_text(PLAIN.replace('VALUE', value) + end)
            wait_for(f'ready {value}')
        editor.ask('disconnect', terminateDebuggee=True)
        while events.get(timeout=TIMEOUT)[0] != 'terminated':
            pass
        print(f'debugger, {way}: two reloads, and it did not stop')
    finally:
        adapter.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    for way in WAYS:
        play(way)
