"""A loop, no server: type `python3 examples/worker.py`, then edit PAUSE or work() and save."""
import sys
import time

sys.path.append(sys.path[0] + '/..')  # not needed with reloader.py beside the program
import reloader  # noqa: E402

PAUSE = 1.0


def work(count):
    print(f'working on number {count}', flush=True)


def main():
    count = 0
    try:
        while True:
            count += 1
            work(count)
            time.sleep(PAUSE)
    finally:
        print('put the tools away', flush=True)


if __name__ == '__main__':
    reloader.run_with_reloader(main)
