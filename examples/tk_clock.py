"""A window with a clock: type `python3 examples/tk_clock.py`, edit FORMAT or COLOUR, and save."""
import sys
import time
import tkinter

sys.path.append(sys.path[0] + '/..')  # not needed with reloader.py beside the program
import reloader  # noqa: E402

FORMAT = '%H:%M:%S'
COLOUR = 'navy'


def main():
    window = tkinter.Tk()
    window.title('clock')
    label = tkinter.Label(window, font=('Helvetica', 60), fg=COLOUR)
    label.pack()

    def tick():
        label['text'] = time.strftime(FORMAT)
        label.after(200, tick)

    tick()
    print(f'the clock is {COLOUR}', flush=True)
    try:
        window.mainloop()
    finally:
        print('the clock has stopped', flush=True)


if __name__ == '__main__':
    reloader.run_with_reloader(main)
