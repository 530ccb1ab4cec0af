"""The README: its program, its transcript, its table and its options are those of reloader.py."""
import ast
import os
import re
import sys
import tokenize
import unittest

from tests.support import PYPY, RELOADER, ReloaderTestCase, side_by_side

TOP = RELOADER.parent
TREE = ast.parse(RELOADER.read_text(encoding='utf-8'))  # once: see test_examples.py
README = (TOP / 'README.md').read_text(encoding='utf-8')
BLOCK = re.compile(r'^```(\w*)\n(.*?)^```$', re.MULTILINE | re.DOTALL)
SAVE = re.compile(r'# line (\d+) is saved as: (.*)')


def blocks(text=README, kind=None):
    """Return the contents of the README's code blocks: all, or those of a kind ('' too)."""
    return [found.group(2) for found in BLOCK.finditer(text) if kind in (None, found.group(1))]


class TheFirstLines(unittest.TestCase):
    """One sentence, a program, two commands; nothing before them, nothing long."""

    def test_the_program_is_the_file_in_examples(self):
        hello = (TOP / 'examples' / 'hello.py').read_text(encoding='utf-8')
        first, _, _, *rest = hello.splitlines(True)  # two lines name the folder above
        self.assertEqual(blocks(kind='python')[0], ''.join([first, *rest]))

    def test_the_program_and_both_commands_are_its_first_twelve_lines(self):
        text = [line for line in README.split('\n') if line and not line.startswith('```')][:12]
        self.assertEqual(text[0], '# reloader.py')
        commands = [line.split('#')[0].strip() for line in text[4:6]]
        self.assertEqual(commands, ['python3 examples/hello.py', 'python3 -m unittest'])
        self.assertEqual(text[-1], 'reloader.run(app, reloader=True)')

    def test_it_has_no_more_than_250_lines(self):
        self.assertLessEqual(len(README.splitlines()), 250)

    def test_no_line_is_hidden_beyond_the_edge_of_a_terminal(self):
        for number, line in enumerate(README.split('\n'), 1):
            if not line.startswith('|'):  # a table's row is one line
                self.assertLessEqual(len(line), 120, 'line %d' % number)


@side_by_side
class TheTranscript(ReloaderTestCase):
    """What a newcomer types and sees: two saves, one of them broken."""

    def test_is_what_happens(self):
        lines = next(text for text in blocks(kind='') if text.startswith('$ cat ')).splitlines()
        start = lines.index('$ python3 reloader.py app.py')
        self.assertEqual(lines[0], '$ cat app.py')
        source, expected = lines[1:start], lines[start + 1:]
        self.write('app.py', '\n'.join(source) + '\n')
        # PYTHONUNBUFFERED stands for the terminal on which a person sees the lines as they come.
        app = self.start('reloader.py', 'app.py', env={'PYTHONUNBUFFERED': '1'})
        said = []
        for line in expected:
            save = SAVE.fullmatch(line)
            if save:
                source[int(save.group(1)) - 1] = save.group(2)
                self.write('app.py', '\n'.join(source) + '\n')
            else:
                said.append(self.comparable(line))
                app.wait_for('^%s$' % said[-1])
        self.assertRegex(app.output, '^%s\n$' % '\n'.join(said))  # these lines, and no others
        self.assertEqual(sum(bool(SAVE.fullmatch(line)) for line in expected), 2)

    def comparable(self, line):
        """Return a line as a regular expression: times differ, and Python's words for an error."""
        regex = re.sub(r'\d+\\\.\d+\\? s', r'\\d+\\.\\d+ s', re.escape(line))
        if sys.version_info < (3, 10) or PYPY:
            regex = re.sub(r'(line).*(;.*)', r'\1.*\2', regex)
        return regex


class TheTable(unittest.TestCase):
    """What happens, what follows, the status: the README's rows are the docstring's."""

    def rows(self):
        """Return the README's rows as lists of three cells, in the docstring's markup."""
        table = README[README.index('| what happens |'):].split('\n\n')[0].splitlines()
        return [[cell.strip().replace('`', '``') for cell in line.strip('|').split('|')]
                for line in table if '---' not in line]

    def test_stands_in_the_docstring_too(self):
        lines = ast.get_docstring(TREE).splitlines()
        rules = [number for number, line in enumerate(lines) if re.fullmatch('=+ =+ =+', line)]
        self.assertEqual(len(rules), 3)
        starts = [found.start() for found in re.finditer('=+', lines[rules[0]])] + [None]
        lines = iter(lines[rules[0] + 1:rules[1]] + lines[rules[1] + 1:rules[2]])
        for row in self.rows():
            cells = ['', '', '']
            while cells != row:  # a row ends where it says what the README's says
                line = next(lines, None)
                self.assertIsNotNone(line, 'the docstring says %r, the README %r' % (cells, row))
                cells = [' '.join((cell + ' ' + line[left:right]).split()) for cell, left, right
                         in zip(cells, starts, starts[1:])]
        self.assertEqual(list(lines), [], 'the docstring says more')

    def test_has_a_class_of_tests_for_each_row(self):
        tree = ast.parse((TOP / 'tests' / 'test_table.py').read_text(encoding='utf-8'))
        classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
        self.assertEqual(len(classes), len(self.rows()) - 1, classes)


class TheOptions(ReloaderTestCase):
    """The calls and the command line are those that the README shows."""

    def test_of_the_calls(self):
        shown = next(text for text in blocks(kind='python') if '(main_func' in text)
        functions = {node.name: node.args for node in TREE.body
                     if isinstance(node, ast.FunctionDef)}
        calls = [node.value for node in ast.parse(shown).body]
        self.assertEqual([call.func.attr for call in calls], ['run_with_reloader', 'run'])
        for call in calls:
            arguments = functions[call.func.attr]
            names = [argument.arg for argument in arguments.args]
            defaults = [ast.literal_eval(value) for value in arguments.defaults]
            required = len(names) - len(defaults)
            self.assertEqual([argument.id for argument in call.args], names[:required])
            self.assertEqual([(word.arg, ast.literal_eval(word.value)) for word in call.keywords],
                             list(zip(names[required:], defaults)))

    def test_of_the_command_line(self):
        usage = next(text for text in blocks(kind='') if text.startswith('python3 reloader.py ['))
        shown = self.run_once('reloader.py', '--help', env={'COLUMNS': '80'}).stdout
        offered = set(re.findall(r'^  (?:-h, )?(--[a-z-]+)', shown, re.MULTILINE))
        self.assertEqual(set(re.findall(r'--[a-z-]+', usage)), offered)

    def test_the_help_fits_a_screen_and_has_an_example(self):
        shown = self.run_once('reloader.py', '--help', env={'COLUMNS': '80'}).stdout
        self.assertLessEqual(len(shown.splitlines()), 24)
        self.assertLessEqual(max(map(len, shown.splitlines())), 80)
        self.assertRegex(shown, r'(?m)^example: python3 reloader\.py .*\w\.py')

    def test_every_public_name_is_told_of(self):
        names = next(ast.literal_eval(node.value) for node in TREE.body
                     if isinstance(node, ast.Assign)
                     and getattr(node.targets[0], 'id', '') == '__all__')
        for name in names + ['RELOADER_CHILD', 'RELOADER_LOCKFILE', 'NO_COLOR']:
            self.assertIn(name, README)


class WhatItStates(unittest.TestCase):
    """Numbers and names that would grow old unnoticed."""

    def test_the_size_of_the_file(self):
        found = re.search(r'`reloader\.py` \((\d+) lines, (\d+) of them code, (\d+) kB\)', README)
        self.assertIsNotNone(found, 'the README tells the size: (N lines, N of them code, N kB)')
        text = RELOADER.read_bytes()
        for stated, actual in zip(map(int, found.groups()),
                                  (text.count(b'\n'), self.code_lines(), len(text) / 1000)):
            self.assertLess(abs(stated - actual), actual * 0.05)

    def code_lines(self):
        """Return how many lines are neither blank nor comment nor docstring."""
        other = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
                 tokenize.ENDMARKER, tokenize.ENCODING)
        with open(RELOADER, 'rb') as file:
            tokens = [token for token in tokenize.tokenize(file.readline)
                      if token.type not in other]
        lines = {number for token in tokens
                 for number in range(token.start[0], token.end[0] + 1)}
        for node in ast.walk(TREE):
            kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
            if isinstance(node, kinds) and ast.get_docstring(node):
                lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
        return len(lines)

    def test_the_version_has_its_entry_among_the_changes(self):
        version = next(node.value for node in TREE.body
                       if isinstance(node, ast.Assign)
                       and getattr(node.targets[0], 'id', '') == '__version__')
        changes = README[README.index('## Changes'):]
        self.assertRegex(changes, r'(?m)^%s: ' % re.escape(ast.literal_eval(version)))

    def test_its_links_lead_to_files(self):
        links = re.findall(r'\]\(((?!https?:)[^)#]+)\)', README)
        self.assertIn('examples/drawing.svg', links)
        for link in links:
            self.assertTrue(os.path.exists(TOP / link), link)

    def test_every_example_has_a_place_in_it(self):
        for path in sorted((TOP / 'examples').glob('*.py')):
            self.assertIn('examples/' + path.name, README)

    def test_nothing_is_left_to_be_filled_in(self):
        self.assertEqual(re.findall(r'(?m)^[A-Z]{6,}$|TODO|TBD|XXX', README), [])


if __name__ == '__main__':
    unittest.main()
