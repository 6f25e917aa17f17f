"""From clang's syntax tree (-ast-dump=json) to the mutants of a C source.

A site is an expression or a statement of the source, with the mutants that can stand in its place.
Only code of functions is mutated, as far as it lies in the source itself: not what macros expand
to, nor what must be constant.

The operators are those of the literature, less what others subsume or what is known to be
equivalent: comparisons as in Kaminski, Ammann and Offutt, "Better predicate testing" (AST 2011).
"""

import json
import re
import subprocess
from dataclasses import dataclass, field

# What stands for a comparison of numbers: these three are killed by whatever kills any other.
COMPARISONS = {"<": ("<=", "!=", "0"), ">": (">=", "!=", "0"), "<=": ("<", "==", "1"),
               ">=": (">", "==", "1"), "==": ("<=", ">=", "0"), "!=": ("<", ">", "1")}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "/", "<<": ">>", ">>": "<<",
              "&": "|", "|": "&", "^": "|"}
LOGICAL = {"&&": ("||", "0"), "||": ("&&", "1")}
# Of what comes from their expansions nothing is mutated: they say what must hold anyway.
ASSERTIONS = {"assert", "static_assert"}
# Must be constant, or is never evaluated.
UNTOUCHED = {"ConstantExpr", "EnumDecl", "RecordDecl", "StaticAssertDecl", "TypedefDecl",
             "UnaryExprOrTypeTraitExpr"}
# Their arguments must be constant.
OF_CONSTANTS = {"__builtin_frame_address", "__builtin_return_address"}
WRAPPERS = {"ImplicitCastExpr", "ParenExpr"}
LARGE = 1 << 32  # constants from there on are of hashes, where one is as good as its neighbour
CONTEXT, QUOTED = 28, 36  # columns of survivors.txt: around a mutation, and of its two halves


@dataclass
class Mutant:
    file: str
    function: str
    line: int
    shown: str   # its statement, with {original -> mutated} where they differ: what names it
    text: str    # what stands in place of the site
    number: int = 0  # among all mutants of a run, from 1
    site: int = 0    # the number of the first mutant of its site

    def key(self):
        return self.file, self.function, self.shown


@dataclass
class Site:
    start: int
    end: int
    form: str   # "value", "truth", "statement" or "jump": see schemata.py
    type: str   # of a value, as C writes it
    mutants: list = field(default_factory=list)


class Unreadable(Exception):
    """clang does not compile a source."""


def squeeze(text):
    return re.sub(r"\s+", " ", re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.S)).strip()


def shorten(text, most=QUOTED):
    return text if len(text) <= most else text[:most - 3 - most // 3] + "..." + text[-most // 3:]


def parse(path, command, folder):
    """The functions of the source at path; command compiles it, less its -c and -o."""
    run = subprocess.run(command + ["-w", "-fsyntax-only", "-Xclang", "-ast-dump=json", path],
                         cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if run.returncode != 0:
        raise Unreadable(run.stderr.decode("utf-8", "replace").strip().split("\n")[0])
    tree = json.loads(run.stdout)
    files = [None]

    def name_files(node):  # clang says in which file a place is only when it is another
        if isinstance(node, list):
            for each in node:
                name_files(each)
        elif isinstance(node, dict):
            if "offset" in node:
                files[0] = node.get("file", files[0])
                node["file"] = files[0]
            for each in node.values():
                if isinstance(each, (dict, list)):
                    name_files(each)

    name_files(tree["inner"])
    return [node for node in tree["inner"] if node["kind"] == "FunctionDecl" and
            node["loc"].get("file") == path and
            any(child["kind"] == "CompoundStmt" for child in node.get("inner", []))]


def strip(node):
    """The expression itself, without parentheses and conversions."""
    while node["kind"] in WRAPPERS and node.get("inner"):
        node = node["inner"][0]
    return node


def callee(node):
    """The name of the function that a CallExpr calls; "" if that is an expression."""
    return strip(node["inner"][0]).get("referencedDecl", {}).get("name", "")


def type_of(node):
    return node["type"]["qualType"]


def plain_type(node):
    return node["type"].get("desugaredQualType", node["type"]["qualType"])


def is_pointer(node):
    return "*" in plain_type(node)


def is_number(node):
    return re.search(r"\b(int|long|short|char|unsigned|_Bool)\b", plain_type(node)) is not None \
        and not is_pointer(node)


class Finder:
    """Walks one function; self.sites has what was found, by place."""

    def __init__(self, path, text, function):
        self.path, self.text, self.function = path, text, function["name"]
        self.returns = function["type"]["qualType"].split("(")[0].strip()
        self.sites = {}
        self.head = None  # the statement, or what it asks, that mutants are shown in
        body = [child for child in function["inner"] if child["kind"] == "CompoundStmt"][0]
        self.statement(body)

    # ---- Places ------------------------------------------------------------------------------

    def expanded(self, place):
        """Whether a place comes from the text of a macro, not of its arguments."""
        return "expansionLoc" in place and not place["expansionLoc"].get("isMacroArgExpansion")

    def offset(self, place):
        if "expansionLoc" not in place:
            return place
        return place["expansionLoc"] if self.expanded(place) else place["spellingLoc"]

    def range(self, node):
        """[start, end) in the source, of the whole use of a macro where it ends in one."""
        first, last = (self.offset(node["range"][side]) for side in ("begin", "end"))
        if "offset" not in first or "offset" not in last or first["file"] != self.path \
                or last["file"] != self.path:
            return None
        end = last["offset"] + last["tokLen"]
        if self.expanded(node["range"]["end"]):
            rest = re.match(r"\s*\(", self.text[end:])
            if rest:
                end = self.closing(end + rest.end())
        return (first["offset"], end) if first["offset"] < end else None

    def closing(self, at):
        """Just past the parenthesis that closes the one before `at`."""
        depth = 1
        while depth:
            depth += {"(": 1, ")": -1}.get(self.text[at], 0)
            at += 1
        return at

    def is_macro(self, node):
        """Whether all of a node comes from the text of one macro."""
        return self.expanded(node["range"]["begin"]) and self.expanded(node["range"]["end"]) and \
            self.offset(node["range"]["begin"]) == self.offset(node["range"]["end"])

    def macro(self, node):
        place = self.offset(node["range"]["begin"])
        if not self.expanded(node["range"]["begin"]) or "offset" not in place:
            return None
        return self.text[place["offset"]:place["offset"] + place["tokLen"]]

    # ---- Mutants -----------------------------------------------------------------------------

    def add(self, where, form, type_, text, shown=None):
        """A mutant of the site at `where`; shown: [start, end) of what differs, and what by."""
        site = self.sites.setdefault(where, Site(where[0], where[1], form, type_))
        start, end, new = shown or (where[0], where[1], text)
        before = squeeze(self.text[self.head[0]:start] + "\0")
        after = squeeze("\0" + self.text[end:self.head[1]])
        before, after = before.replace("\0", ""), after.replace("\0", "")
        if len(before) > CONTEXT:
            before = "..." + before[3 - CONTEXT:]
        if len(after) > CONTEXT:
            after = after[:CONTEXT - 3] + "..."
        old = shorten(squeeze(self.text[start:end]))
        change = "{%s -> %s}" % (old, shorten(squeeze(new)) or "nothing")
        line = self.text.count("\n", 0, start) + 1
        site.mutants.append(Mutant(self.path, self.function, line, before + change + after, text))

    def source(self, where):
        return self.text[where[0]:where[1]]

    def operator(self, node, left, right, opcode):
        """Where the operator between two operands is; None where clang does not say where they
        are: of what the compiler itself expands (__has_feature) it names the parenthesis."""
        if ")" in (self.text[left[0]], self.text[right[0]]):
            return None
        gap = re.sub(r"//[^\n]*|/\*.*?\*/", lambda m: " " * len(m[0]),
                     self.text[left[1]:right[0]], flags=re.S)
        at = gap.find(opcode)
        return None if at < 0 else (left[1] + at, left[1] + at + len(opcode))

    # ---- Statements --------------------------------------------------------------------------

    def statement(self, node):
        kind = node["kind"]
        if self.macro(node) in ASSERTIONS:
            return
        children = node.get("inner", [])
        if kind in ("CompoundStmt", "LabelStmt"):
            for child in children:
                self.statement(child)
        elif kind in ("CaseStmt", "DefaultStmt"):
            self.statement(children[-1])
        elif kind == "IfStmt":
            self.condition(children[0])
            for child in children[1:]:
                self.statement(child)
        elif kind in ("WhileStmt", "SwitchStmt"):
            (self.condition if kind == "WhileStmt" else self.headed)(children[0])
            self.statement(children[-1])
        elif kind == "DoStmt":
            self.statement(children[0])
            self.condition(children[1])
        elif kind == "ForStmt":
            self.loop(children)
        elif kind == "DeclStmt":
            for child in children:
                self.declaration(node, child)
        elif kind == "ReturnStmt" and children:
            self.head = self.range(node)
            self.result(children[0])
        elif kind in ("ContinueStmt", "BreakStmt", "ReturnStmt"):
            self.head = where = self.range(node)
            if where:
                self.add(where, "jump", "void", "", (where[0], where[1], ""))
        elif kind != "NullStmt" and "range" in node:
            self.head = self.range(node)
            if self.head:
                self.effect(node)

    def loop(self, children):
        init, _, condition, step, body = children  # _: a declaration in the condition
        counts = False
        if init.get("kind") == "DeclStmt":
            self.statement(init)
            counts = True
        elif init.get("kind"):
            self.statement(init)
        if condition.get("kind"):
            self.condition(condition, counts)
        if step.get("kind"):
            self.head = self.range(step)
            self.value(step)
        self.statement(body)

    def declaration(self, statement, node):
        if node["kind"] == "VarDecl" and node.get("storageClass") != "static":
            self.head = self.range(statement)
            for child in node.get("inner", []):
                if "valueCategory" in child:
                    self.value(child)

    def effect(self, node):
        """An expression that stands for what it does: it can be left out."""
        where, inner = self.range(node), strip(node)
        if inner["kind"] == "CStyleCastExpr" and plain_type(inner) == "void":
            inner = strip(inner["inner"][0])
            if inner["kind"] not in ("CallExpr", "AtomicExpr"):
                return  # (void)argument
        does = inner["kind"] in ("CallExpr", "AtomicExpr", "CompoundAssignOperator") or (
            inner["kind"] == "BinaryOperator" and inner["opcode"] == "=") or (
            inner["kind"] == "UnaryOperator" and inner["opcode"] in ("++", "--"))
        if does and where:
            self.add(where, "statement", "void", "0", (where[0], where[1], ""))
        self.value(node)

    def headed(self, node):
        self.head = self.range(node)
        if self.head:
            self.value(node)

    def condition(self, node, counts=False):
        """What an if or a loop asks."""
        self.head = where = self.range(node)
        if not where or self.macro(node) in ASSERTIONS:
            return
        self.truth(node, where, counts)

    def truth(self, node, where, counts=False):
        inner = strip(node)
        if inner["kind"] == "BinaryOperator" and (
                inner["opcode"] in COMPARISONS or inner["opcode"] in LOGICAL):
            self.value(node, counts)
            return
        for text in ("0", "1"):
            self.add(where, "truth", "int", text)
        if inner["kind"] == "UnaryOperator" and inner["opcode"] == "!":
            inner = inner["inner"][0]  # without it is one of the two
        self.value(inner)

    def result(self, node):
        where, inner = self.range(node), strip(node)
        scalar = is_number(node) or is_pointer(node) or type_of(node).startswith("enum ")
        own = ("BinaryOperator", "ConditionalOperator", "IntegerLiteral", "UnaryOperator")
        if where and scalar and inner["kind"] not in own:
            whole = "!(%s)" % self.source(where)
            # By way of an integer: it may be a pointer.
            self.add(where, "value", self.returns, "(__UINTPTR_TYPE__)" + whole,
                     (where[0], where[1], "!(%s)" % squeeze(self.source(where))))
        self.value(node)

    # ---- Values ------------------------------------------------------------------------------

    def value(self, node, counts=False):
        kind = node.get("kind")
        if not kind or kind in UNTOUCHED or "range" not in node or self.macro(node) in ASSERTIONS:
            return
        if kind == "CallExpr" and callee(node) in OF_CONSTANTS:
            return
        where = self.range(node)
        if where and not self.is_macro(node):
            if kind == "BinaryOperator":
                self.binary(node, where, counts)
            elif kind == "CompoundAssignOperator":
                self.compound(node, where)
            elif kind == "UnaryOperator":
                self.unary(node, where)
            elif kind == "IntegerLiteral":
                self.constant(node, where)
        elif where and kind == "IntegerLiteral" and self.source(where) in ("true", "false"):
            other = "false" if self.source(where) == "true" else "true"
            self.add(where, "value", "int", other)
        if kind == "ConditionalOperator":
            asked = self.range(node["inner"][0])
            if asked:
                self.truth(node["inner"][0], asked)
            rest = node["inner"][1:]
        elif kind == "ImplicitCastExpr" and node["castKind"] == "NullToPointer":
            rest = []
        else:
            rest = node.get("inner", [])
        for child in rest:
            self.value(child, counts and kind in WRAPPERS)

    def binary(self, node, where, counts):
        left, right = (self.range(child) for child in node["inner"])
        opcode = node["opcode"]
        operator = left and right and self.operator(node, left, right, opcode)
        if not operator:
            return
        a, b = self.source(left), self.source(right)

        def put(new, form, type_):
            self.add(where, form, type_, "(%s) %s (%s)" % (a, new, b), operator + (new,))

        def only(operand, form, type_):
            gone = (left[1], where[1]) if operand is left else (where[0], right[0])
            self.add(where, form, type_, self.source(operand), gone + ("",))

        if opcode in COMPARISONS:
            self.comparison(node, where, opcode, counts, put)
        elif opcode in LOGICAL:
            swapped, constant = LOGICAL[opcode]
            put(swapped, "truth", "int")
            only(left, "truth", "int")
            only(right, "truth", "int")
            self.add(where, "truth", "int", constant)
        elif opcode in ARITHMETIC and (is_number(node) or is_pointer(node)):
            first, second = node["inner"]
            pointers = is_pointer(first) + is_pointer(second)
            if pointers < 2 and not (opcode == "+" and is_pointer(second)):
                put(ARITHMETIC[opcode], "value", type_of(node))
            literal = strip(second)["kind"] == "IntegerLiteral"  # which can become 0
            strip(second)["divides"] = opcode in ("/", "%")  # which cannot
            if pointers < 2 and not (literal and opcode in ("+", "-", "<<", ">>", "|", "^", "*")):
                only(left, "value", type_of(node))

    def comparison(self, node, where, opcode, counts, put):
        first, second = (strip(child) for child in node["inner"])
        zero = second["kind"] == "IntegerLiteral" and second["value"] == "0"
        unsigned = "unsigned" in plain_type(node["inner"][0])
        if not is_number(first) or "_Bool" in plain_type(first) or (zero and unsigned):
            for text in ("0", "1"):
                self.add(where, "truth", "int", text)
            return
        for new in COMPARISONS[opcode]:
            if new in "01":
                self.add(where, "truth", "int", new)
            elif not (counts and new in ("!=", "==")):  # as good, for who counts by one
                put(new, "truth", "int")

    def compound(self, node, where):
        left, right = (self.range(child) for child in node["inner"])
        opcode = node["opcode"][:-1]
        operator = left and right and self.operator(node, left, right, node["opcode"])
        if operator and not (is_pointer(node) and opcode not in "+-"):
            new = ARITHMETIC[opcode] + "="
            self.add(where, "value", type_of(node),
                     "%s %s (%s)" % (self.source(left), new, self.source(right)),
                     operator + (new,))

    def unary(self, node, where):
        opcode, operand = node["opcode"], self.range(node["inner"][0])
        if not operand:
            return
        text = self.source(operand)
        if opcode in ("!", "-", "~"):
            gone = (where[0], operand[0], "")
            self.add(where, "truth" if opcode == "!" else "value", type_of(node), text, gone)
        elif opcode in ("++", "--"):
            other = "--" if opcode == "++" else "++"
            place = (operand[1], where[1]) if node.get("isPostfix") else (where[0], operand[0])
            new = text + other if node.get("isPostfix") else other + text
            self.add(where, "value", type_of(node), new, place + (other,))

    def constant(self, node, where):
        value = int(node["value"])
        suffix = re.search(r"[uUlL]*$", self.source(where))[0]
        others = [0, value + 1, value - 1] if value < LARGE else [0]
        for other in sorted(set(others) - {value, -1}, key=others.index):
            if other or not node.get("divides"):
                self.add(where, "value", type_of(node), "%d%s" % (other, suffix))


def find(path, text, functions):
    """The sites of a source, by place; text: of the source, a character for each byte."""
    found = {}
    for function in functions:
        for where, site in Finder(path, text, function).sites.items():
            found.setdefault(where, site)
    return [found[where] for where in sorted(found)]


def number(sources, first=1):
    """Gives each mutant of the sources, {path: sites}, its number; returns them in order."""
    mutants = []
    for path in sorted(sources):
        for site in sources[path]:
            for n, mutant in enumerate(site.mutants):
                mutant.site = first + len(mutants) - n
                mutant.number = first + len(mutants)
                mutants.append(mutant)
    return mutants
