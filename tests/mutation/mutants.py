"""Mutants: small changes to the functions of a C file, found on its tokens. README.md says which kinds there are."""
import re
from collections import namedtuple

Token = namedtuple("Token", "kind text start end")
# A change of text[start:end] to new, within the named function; kind is one of the kinds of README.md.
Mutant = namedtuple("Mutant", "file function line kind start end new context")

TOKEN = re.compile(
    r"""(?P<space>(?:\s|\\\n)+)|(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<string>"(?:\\.|[^"\\])*")|(?P<char>'(?:\\.|[^'\\])*')
    |(?P<number>(?:0x[0-9a-fA-F.]+(?:p[+-]?\d+)?|\d+\.?\d*(?:e[+-]?\d+)?|\.\d+)[fFuUlL]*)|(?P<name>[A-Za-z_]\w*)
    |(?P<op>->|\+\+|--|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\#\#|\.\.\.|.)""",
    re.X | re.S,
)

COMPARE = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
LOGIC = {"&&": "||", "||": "&&"}
STEP = {"<": "+ 1 <", "<=": "+ 1 <=", ">": "- 1 >", ">=": "- 1 >="}  # ends a loop one early
ARITHMETIC = {"+": "-", "-": "+", "/": "*", "%": "/", "<<": ">>", ">>": "<<", "&": "|", "|": "&", "^": "|"}
ASSIGN = {"+=": "-=", "-=": "+=", "*=": "+=", "/=": "*=", "|=": "=", "&=": "="}
# What looks like a function it is easily mistaken for.
MISTAKEN = {
    "tap_add": "tap_sub", "tap_sub": "tap_add", "tap_mul": "tap_div", "tap_div": "tap_mul", "tap_sin": "tap_cos",
    "tap_cos": "tap_sin", "tap_sum": "tap_mean", "tap_mean": "tap_sum", "tap_amax": "tap_amin", "tap_amin": "tap_amax",
    "tap_maximum": "tap_minimum", "tap_minimum": "tap_maximum", "tap_exp": "tap_expm1", "tap_expm1": "tap_exp",
    "tap_log": "tap_log1p", "tap_log1p": "tap_log", "tap_eq": "tap_ne", "tap_ne": "tap_eq", "tap_gt": "tap_ge",
    "tap_ge": "tap_gt", "tap_lt": "tap_le", "tap_le": "tap_lt", "tap_scatter": "tap_scatter_add",
    "tap_sigmoid": "tap_tanh", "tap_tanh": "tap_sigmoid",
}  # fmt: skip
MISTAKEN_VALUE = {  # within M( )
    "exp": "expm1", "expm1": "exp", "log": "log1p", "log1p": "log", "tanh": "sigmoid", "sigmoid": "tanh", "any_sin": "any_cos",
    "any_cos": "any_sin", "sqrt": "abs", "abs": "sqrt", "softplus": "exp", "sinh": "cosh", "cosh": "sinh", "erf": "erfc",
    "erfc": "erf", "floor": "ceil", "ceil": "floor", "round": "trunc", "trunc": "round", "asin": "acos", "acos": "asin",
    "asinh": "acosh", "acosh": "asinh", "lgamma": "digamma",
}  # fmt: skip
SYMMETRIC = {"tap_add", "tap_mul", "tap_maximum", "tap_minimum", "tap_eq", "tap_ne", "tap_logical_and", "tap_logical_or", "tap_transpose",
             "tap_shape_equal", "tap__transpose", "tap__broadcast_shapes", "tap_hypot", "tap_logaddexp", "tap__parallel"}  # fmt: skip
EVEN = {"tap_abs", "tap_square"}  # of a difference the same either way round
ALLOCATORS = {"calloc", "malloc", "tap_arena_alloc", "tap__arena_acquire", "tap_call_scratch", "tap_tensor_zeros", "tensor_uninitialized"}
PUSHES = {"tap__push", "tap__push_empty", "tap__push_result", "new_value", "new_borrowed"}  # new nodes, which take memory, too
# Calls that report an error. What guards them has tests of its own (tests/bad_arguments), and is left alone.
REPORTS = {"tap_call_fail", "tap_fail", "tap_tape_fail", "tap__fail_input", "tap__fail_inputs", "tap_error_set", "tap__error_copy", "tap__tensor_fail", "fail",
           "fail_axis", "fail_shape", "fail_with", "infer_from", "tap__inert", "tap__node_of", "inert", "tap__check_input", "tap__same_tape", "tap__inputs", "tap_module_fail",
           "tap__error_set_in", "tap__arena_release", "check_parts"}  # fmt: skip
GUARD_ONLY = {"tap__node_of", "tap__check_input", "tap__same_tape", "tap__inputs", "check_parts"}  # calls that may also stand in ordinary code
KEYWORDS = {"if", "else", "for", "while", "do", "switch", "case", "default", "return", "break", "continue", "goto", "sizeof"}


def tokens_of(text):
    return [Token(m.lastgroup, m.group(), m.start(), m.end()) for m in TOKEN.finditer(text) if m.lastgroup not in ("space", "comment")]


def partners(tokens):
    """Which bracket closes which, both ways, by place in the list."""
    open_, pair = [], {}
    for i, t in enumerate(tokens):
        if t.text in ("(", "[", "{") and t.kind == "op":
            open_.append(i)
        elif t.text in (")", "]", "}") and t.kind == "op" and open_:
            pair[i] = open_.pop()
            pair[pair[i]] = i
    return pair


def directives(text):
    """Spans of preprocessor lines, continued ones as one."""
    for m in re.finditer(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", text, re.M):
        yield m.start(), m.end()


def functions_of(text):
    """(name, list of tokens of the body) of each function, and of each macro that stands for code."""
    macros = list(directives(text))
    plain = text
    for start, end in macros:
        plain = plain[:start] + re.sub(r"[^\n]", " ", plain[start:end]) + plain[end:]
        m = re.match(r"[ \t]*#[ \t]*define[ \t]+(\w+)(\([^)]*\))?", text[start:end])
        if m and (m.group(2) or "{" in text[start:end]):
            at = start + m.end()
            body = [Token(t.kind, t.text, t.start + at, t.end + at) for t in tokens_of(text[at:end])]
            if body:
                yield m.group(1), body
    tokens, i = tokens_of(plain), 0
    pair = partners(tokens)
    while i < len(tokens):
        if tokens[i].text == "(" and i > 0 and tokens[i - 1].kind == "name" and i in pair and pair[i] + 1 < len(tokens):
            close = pair[i] + 1
            name = tokens[i - 1].text
            if name == "NAME" and tokens[close].text == "(":  # TAP__INLINE real NAME(exp)(real x)
                name, close = tokens[i + 1].text, pair[close] + 1
            if close < len(tokens) and tokens[close].text == "{" and close in pair:
                yield name, tokens[close : pair[close] + 1]
                i = pair[close] + 1
                continue
        if tokens[i].text in "([{" and i in pair:
            i = pair[i]
        i += 1


def prototypes_of(text):
    """name -> (type of the result, types of the parameters), from declarations and definitions."""
    found = {}
    for m in re.finditer(r"^(?:TAP_API |static |inline )*([a-z_]\w*(?: \w+)*?)[ *]+(\w+)\(([^()]*)\)", text, re.M):
        types = [re.sub(r"\s*\b\w+(\[\])?$", "", p.strip()) for p in m.group(3).split(",")]
        found[m.group(2)] = (m.group(1), types)
    return found


class Finder:
    """Collects the mutants of one list of tokens."""

    def __init__(self, file, text, function, tokens, prototypes, refusing=()):
        """refusing: functions of the file that report errors."""
        self.file, self.text, self.function, self.tokens, self.prototypes, self.refusing = file, text, function, tokens, prototypes, refusing
        self.pair = partners(tokens)
        self.found, self.skipped = [], set()
        self.memory = self.what_allocators_gave()

    def add(self, kind, first, last, new):
        """Tokens first..last become new. A statement may be dropped for all that is left alone within it."""
        if any(i in self.skipped for i in range(first, first + 1 if kind == "drop" else last + 1)):
            return
        start, end = self.tokens[first].start, self.tokens[last].end
        self.found.append(Mutant(self.file, self.function, self.text.count("\n", 0, start) + 1, kind, start, end, new,
                                 context(self.text, start, end, new)))  # fmt: skip

    def source(self, first, last):
        return self.text[self.tokens[first].start : self.tokens[last].end] if first <= last else ""

    def spaced(self, i):
        """A binary operator has a space on either side, a declarator or a sign has not."""
        t = self.tokens[i]
        return self.text[t.start - 1] in " \n" and self.text[t.end] in " \n" and i > 0 and (
            self.tokens[i - 1].kind in ("name", "number") and self.tokens[i - 1].text not in KEYWORDS or self.tokens[i - 1].text in ")]")

    def statement_end(self, i):
        """The last token of the statement that begins at i."""
        t = self.tokens[i].text
        if t == "{":
            return self.pair[i]
        if t in ("if", "for", "while", "switch"):
            end = self.statement_end(self.pair[i + 1] + 1)
            if t == "if" and end + 1 < len(self.tokens) and self.tokens[end + 1].text == "else":
                end = self.statement_end(end + 2)
            return end
        if t == "else":
            return self.statement_end(i + 1)
        while i < len(self.tokens) and self.tokens[i].text != ";":
            i = self.pair[i] + 1 if self.tokens[i].text in "([{" and i in self.pair else i + 1
        return min(i, len(self.tokens) - 1)

    def arguments(self, i):
        """First and last token of each argument of the call whose bracket is i."""
        spans, first, k = [], i + 1, i + 1
        if self.pair[i] == i + 1:
            return []
        while k <= self.pair[i]:
            if k == self.pair[i] or self.tokens[k].text == ",":
                spans.append((first, k - 1))
                first = k + 1
            k = self.pair[k] + 1 if self.tokens[k].text in "([{" else k + 1
        return spans

    def operand_end(self, i):
        """The last token of the factor that begins at i."""
        while self.tokens[i].text in ("-", "!", "~", "*", "&", "++", "--"):
            i += 1
        if self.tokens[i].text == "(":
            end = self.pair[i]
            if end + 1 < len(self.tokens) and (self.tokens[end + 1].kind in ("name", "number") or self.tokens[end + 1].text in "({"):
                return self.operand_end(end + 1)  # a cast
            i = end
        while i + 1 < len(self.tokens):
            t = self.tokens[i + 1].text
            if t in ("(", "["):
                i = self.pair[i + 1]
            elif t in (".", "->"):
                i += 2
            elif t in ("++", "--"):
                i += 1
            else:
                break
        return i

    # ---- What is left alone ----

    def skip(self, first, last):
        self.skipped.update(range(first, last + 1))

    def what_allocators_gave(self):
        """The names of it as they are written, `p` or `p->wanted`."""
        found = set()
        for i, t in enumerate(self.tokens):
            if t.text in ALLOCATORS | PUSHES and self.tokens[i - 1].text == "=":
                first = i - 2
                while self.tokens[first - 1].text in ("->", "."):
                    first -= 2
                found.add(self.source(first, i - 2))
        return found

    def asks_for_memory(self, first, last):
        """Whether a condition asks for nothing but whether there was memory: `!p || !q.data`."""
        terms = re.split(r"\|\||&&", self.source(first, last))
        names = [re.sub(r"^[!*]+|\.(data|id)$", "", term.strip()) for term in terms]
        return all(name in self.memory or re.match(r"\w*has_memory\(", name) for name in names)

    def is_extreme(self, i):
        """Whether the comparison i picks the larger or smaller of two, `a < b ? a : b`, or bounds one: of equal ones either will do."""
        first, mark = i, i
        while first > 0 and self.tokens[first - 1].text not in ("=", ",", "(", "[", "{", ";", "return", "?", ":", "&&", "||"):
            first = self.pair[first - 1] if self.tokens[first - 1].text in (")", "]") else first - 1
        while mark < len(self.tokens) and self.tokens[mark].text not in ("?", ";", ",", ")", "&&", "||"):
            mark = self.pair[mark] + 1 if self.tokens[mark].text in "([" and mark in self.pair else mark + 1
        if mark >= len(self.tokens) or self.tokens[mark].text != "?" or self.tokens[i].text not in STEP:
            return False
        colon, end = self.arms(mark)
        left, right = self.source(first, i - 1), self.source(i + 1, mark - 1)
        yes, no = self.source(mark + 1, colon - 1), self.source(colon + 1, end)
        if (right, no) == ("0", "0"):
            return yes == "-" + left
        return {left, right} == {yes, no} or yes == right and re.match(re.escape(left) + " [<>]", no) is not None

    def reports(self, first, last):
        """Whether an error is reported there, or a result given up."""
        names = {self.tokens[i].text for i in range(first, last + 1) if i < last and self.tokens[i + 1].text == "("}
        return bool(names & (REPORTS - GUARD_ONLY)) or "error.status" in self.source(first, last)

    def skip_what_is_no_rule(self):
        i, n = 0, len(self.tokens)
        while i < n:
            t = self.tokens[i]
            if t.text == "if" and i + 1 < n and self.tokens[i + 1].text == "(":
                begin = self.pair[i + 1] + 1
                end = self.statement_end(begin)
                if self.tokens[i + 2].text == "tap_needs_grad" and self.pair[i + 3] + 1 == self.pair[i + 1]:
                    self.skip(i, self.pair[i + 1])  # saves work, changes no result
                elif "tap_arena_status" in (self.tokens[k].text for k in range(i, begin)) or self.asks_for_memory(i + 2, begin - 2):
                    self.skip(i, self.pair[i + 1])  # whether there was memory
                elif self.tokens[begin].text == "if" or "else" in (self.tokens[k].text for k in range(begin, end)):
                    pass
                elif self.reports(begin, end):
                    self.skip(i, end)
                elif self.tokens[begin].text in ("return", "continue", "break") and end - begin < 8 and \
                        {self.tokens[k].text for k in range(i, begin)} & GUARD_ONLY:
                    self.skip(i, end)
                elif self.source(i + 1, begin - 1) in ("(!n)", "(!node)", "(!w)", "(!c)", "(!t)", "(!y)", "(!from)"):
                    self.skip(i, end)
                elif "status = tap_arena_status" in self.source(begin, begin + 2) or self.tokens[begin].text == "return" and self.refuses(i + 2):
                    self.skip(begin if self.tokens[begin].text == "return" else i, end)  # what is left once there is an error
            elif t.text == "(" and self.source(i, min(i + 2, n - 1)) == "(void)":
                self.skip(i, self.statement_end(i))
            elif t.text in ("tap_call_fail", "tap_fail", "tap_tape_fail", "tap__fail_input", "tap__fail_inputs", "tap_error_set", "fail", "fail_axis", "fail_shape", "fail_with",
                            "tap__arena_release", "tap_arena_free", "tap_tape_free", "tap__arena_name", "tap__error_copy",
                            "tap__no_memory", "tap__compute_grad_in_place"):
                self.skip(i, self.statement_end(i))
            elif t.text == "[" and i + 2 < n and self.tokens[i + 2].text == "]" and self.declares(i):
                self.skip(i, i + 2)
            elif t.text == "=" and i + 1 < n and self.tokens[i + 1].text == "{":
                if self.is_zero(i + 1):
                    self.skip(i, self.pair[i + 1])
            elif t.text == ")" and i + 1 < n and self.tokens[i + 1].text == "{" and self.tokens[i - 1].text.startswith("tap_") and self.is_zero(i + 1):
                self.skip(i + 1, self.pair[i + 1])  # an inert tensor, options by default
            elif t.text in ("TAP_SHAPE_TEXT", "sizeof"):
                self.skip(i, i)
            elif t.text in ALLOCATORS and self.tokens[i + 1].text == "(":
                self.skip(i + 1, self.pair[i + 1])  # how much memory is asked for
            elif t.text == "[" and self.declares(i) and self.is_size(i):
                self.skip(i, self.pair[i])
            elif t.text == "tap__parallel" and self.tokens[i + 1].text == "(":
                self.skip(*self.arguments(i + 1)[1])  # what it costs
            elif t.text == "tap__map" and self.tokens[i + 1].text == "(":
                self.skip(*self.arguments(i + 1)[-1])
            elif t.text == "return" and self.function in self.refusing and self.source(i + 1, i + 1) == "false" and i + 3 == n - 1:
                self.skip(i, i + 1)  # the end of a function that has reported an error by then
            elif t.text in ("static", "enum") and i > 0 and self.tokens[i - 1].text in ("{", "}", ";"):
                self.skip(i, self.statement_end(i))  # a table
            i += 1

    def refuses(self, i):
        """Whether a condition that begins at i is that a call has refused something: `!check(`."""
        return self.tokens[i].text == "!" and self.tokens[i + 1].text in self.refusing

    def is_size(self, i):
        """Whether bracket i, in a declaration, is the size of an array."""
        before = self.tokens[i - 2]
        return self.tokens[i - 1].kind == "name" and (before.kind == "name" or before.text in (",", ")")) and not self.in_brackets(i)

    def is_zero(self, i):
        """Whether an initializer of zeros begins at i."""
        return all(self.tokens[k].text in ("{", "}", "0", "NULL", ",") for k in range(i, self.pair[i] + 1))

    def begins(self, i):
        """Whether a statement begins at i."""
        if i == 0 or self.tokens[i].text in (",", ")", "]"):
            return False
        before = self.tokens[i - 1].text
        if before in ("{", "}", ";", "else"):
            return not self.in_brackets(i)
        return before == ")" and self.tokens[self.pair[i - 1] - 1].text in ("if", "for", "while")

    def in_brackets(self, i):
        """Within parentheses, or braces that hold no statements."""
        for k, t in enumerate(self.tokens[:i]):
            if k in self.pair and k < i < self.pair[k]:
                if t.text in "([":
                    return True
                if t.text == "{" and k > 0 and self.tokens[k - 1].text in ("=", ",", "{", "(") or \
                        t.text == "{" and k > 0 and self.tokens[k - 1].text == ")" and self.begins_literal(k):
                    return True
        return False

    def begins_literal(self, k):
        """(type){ ... }"""
        opening = self.pair[k - 1]
        return opening > 0 and not (self.tokens[opening - 1].kind == "name" and self.tokens[opening - 1].text != "return")

    def declares(self, i):
        """Whether token i stands in a declaration."""
        while i > 0 and (self.tokens[i - 1].text not in (";", "{", "}") or self.tokens[i - 1].text == "}" and self.in_brackets(i - 2)):
            if self.tokens[i].text in (")", "}") and i in self.pair:
                i = self.pair[i]
            i -= 1
        return self.is_declaration(i)

    def is_declaration(self, i):
        t = self.tokens[i : i + 4]
        if len(t) < 3 or t[0].kind != "name" or t[0].text in KEYWORDS:
            return False
        return t[0].text in ("const", "static", "unsigned", "volatile") or t[1].kind == "name" or \
            t[1].text == "*" and not self.spaced(i + 1)

    # ---- The kinds ----

    def look(self):
        self.skip_what_is_no_rule()
        for i, t in enumerate(self.tokens):
            if i in self.skipped:
                continue
            if t.kind == "op":
                self.operators(i, t)
            elif t.kind == "number":
                self.constant(i, t)
            elif t.kind == "name":
                self.names(i, t)
            if self.begins(i):
                self.statement(i)
        return self.found

    def operators(self, i, t):
        if t.text in COMPARE and self.spaced(i):
            within = self.opening(i)
            loop = self.tokens[within - 1].text == "for"
            branch = self.tokens[within - 1].text in ("if", "while") and t.text in ("==", "!=")
            if loop and t.text in STEP:
                self.add("loop", i, i, STEP[t.text])
            elif not (branch and not {"&&", "||"} & {x.text for x in self.tokens[within : self.pair[within]]}) and not self.is_extreme(i):
                self.add("compare", i, i, COMPARE[t.text])
        elif t.text in LOGIC:
            self.add("logic", i, i, LOGIC[t.text])
        elif t.text in ASSIGN:
            self.add("arithmetic", i, i, ASSIGN[t.text])
        elif t.text in ("&", "<<") and "1u" in (self.tokens[i - 1].text, self.tokens[i + 1].text):
            pass  # a bit of a mask
        elif t.text in ARITHMETIC and self.spaced(i):
            self.add("arithmetic", i, i, ARITHMETIC[t.text])
        elif t.text == "*" and self.spaced(i):
            self.add("factor", i, self.operand_end(i + 1), "")
        elif t.text == "-" and not self.spaced(i) and self.tokens[i + 1].text != "1":
            self.add("sign", i, i, "")
        elif t.text == "!":
            self.add("logic", i, i, "")
        elif t.text == "?":
            self.choice(i)

    def arms(self, i):
        """Where the colon is that belongs to the question mark i, and the last token behind it."""
        k, depth = i + 1, 0
        while k < len(self.tokens) and not (self.tokens[k].text == ":" and depth == 0):
            depth += {"?": 1, ":": -1}.get(self.tokens[k].text, 0)
            k = self.pair[k] + 1 if self.tokens[k].text in "([{" and k in self.pair else k + 1
        end = k + 1
        while end < len(self.tokens) and self.tokens[end].text not in (";", ",", ")", "]", "}", ":"):
            end = self.pair[end] + 1 if self.tokens[end].text in "([{" else end + 1
        return k, end - 1

    def choice(self, i):
        """a ? b : c becomes a ? c : b."""
        k, end = self.arms(i)
        if k < len(self.tokens):
            self.add("choice", i, end, "? (%s) : (%s)" % (self.source(k + 1, end), self.source(i + 1, k - 1)))

    def constant(self, i, t):
        text = t.text
        if self.tokens[i - 1].text == "case" or text.endswith(("u", "U")):
            return
        if re.fullmatch(r"\d+", text):
            if i >= 2 and self.tokens[i - 1].text == "[" and self.tokens[i - 2].text in ("gin", "in") and not self.has_second():
                return
            call = self.opening(i)
            if self.tokens[call - 1].text == "tap_apply":
                return  # the number of inputs
            self.add("constant", i, i, str(int(text) + 1))
        elif not text.lower().startswith("0x") or "p" in text:
            zero = re.fullmatch(r"0*\.?0*f?", text)
            self.add("constant", i, i, "1" if zero else "(%s * 1.01%s)" % (text, "f" if text.endswith("f") else ""))

    def has_second(self):
        """Whether there are several inputs that could be taken for each other."""
        return any(a.text == "in" and b.text == "[" and c.text == "1" for a, b, c in zip(self.tokens, self.tokens[1:], self.tokens[2:]))

    def names(self, i, t):
        if t.text in ("true", "false"):
            self.add("constant", i, i, "false" if t.text == "true" else "true")
        elif t.text == "TAP_END":
            self.add("constant", i, i, "1")
        elif t.text == "NONE":
            self.add("rule", i, i, "g")
        elif t.text in ("axis", "at") and self.tokens[i - 1].text in ("(", ",") and i + 1 < len(self.tokens) and \
                self.tokens[i + 1].text in (",", ")") and self.tokens[self.opening(i) - 1].kind == "name":
            self.add("axis", i, i, "0")
        elif t.text == "if" and self.tokens[i + 1].text == "(":
            self.add("branch", i + 1, self.pair[i + 1], "(0)")
            self.add("branch", i + 1, self.pair[i + 1], "(1)")
        elif t.text == "while" and self.tokens[i + 1].text == "(":
            self.add("branch", i + 1, self.pair[i + 1], "(0)")
        elif i + 1 < len(self.tokens) and self.tokens[i + 1].text == "(" and i + 1 in self.pair:
            self.call(i, t)

    def opening(self, i):
        """The bracket around token i, or 0."""
        depth = 0
        for k in range(i - 1, 0, -1):
            if self.tokens[k].text in ")]}":
                depth += 1
            elif self.tokens[k].text in "([{":
                if depth == 0:
                    return k
                depth -= 1
        return 1 if len(self.tokens) > 1 else 0

    def call(self, i, t):
        arguments, close = self.arguments(i + 1), self.pair[i + 1]
        if t.text == "M" and close + 1 < len(self.tokens) and self.tokens[close + 1].text == "(":
            name, end = self.tokens[i + 2].text, self.pair[close + 1]
            if name in MISTAKEN_VALUE:
                self.add("call", i + 2, i + 2, MISTAKEN_VALUE[name])
            self.add("unwrap", i, end, "(" + self.source(*self.arguments(close + 1)[0]) + ")")
            return
        if t.text in MISTAKEN:
            self.add("call", i, i, MISTAKEN[t.text])
        if t.text == "tap_keepdim" and len(arguments) == 1:
            self.add("unwrap", i, close, "(" + self.source(*arguments[0]) + ")")
        result, types = self.prototypes.get(t.text, ("", []))
        if result == "tap_var" and t.text != "tap_named":
            for (first, last), type_ in zip(arguments, types):
                if type_ == "tap_var":
                    self.add("unwrap", i, close, self.source(first, last))
        if t.text in SYMMETRIC or t.text == "tap_sub" and self.tokens[i - 2].text in EVEN:
            return
        for k in range(min(len(arguments), len(types)) - 1):
            (a, b), (c, d) = arguments[k], arguments[k + 1]
            if types[k] == types[k + 1] and self.source(a, b) != self.source(c, d):
                self.add("swap", a, d, self.source(c, d) + ", " + self.source(a, b))

    def statement(self, i):
        if self.tokens[i].text in ("{", "}", ";") or self.tokens[i].text in KEYWORDS or self.is_declaration(i):
            return
        end = self.statement_end(i)
        if self.tokens[end].text != ";":
            return
        self.add("drop", i, end, ";")
        for k in range(i, end):
            if self.tokens[k].text == "=" and self.tokens[i].text == "gin":
                self.add("scale", k + 1, end - 1, "tap_mul_scalar(%s, 2)" % self.source(k + 1, end - 1))


def context(text, start, end, new):
    """The line with the change: `before [old => new] after`, white space as single spaces."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    squeeze = lambda s: re.sub(r"\s*\\?\s+", " ", s)
    line = "%s[%s => %s]%s" % (text[first:start], text[start:end], new, text[end : last if last >= 0 else None])
    return squeeze(line).strip().rstrip("\\").strip()


def mutants_of(file, text, prototypes):
    prototypes = {**prototypes, **prototypes_of(text)}
    functions = list(functions_of(text))
    refusing = {name for name, tokens in functions if {t.text for t in tokens} & (REPORTS - GUARD_ONLY)}
    for function, tokens in functions:
        yield from Finder(file, text, function, tokens, prototypes, refusing).look()


ROW = re.compile(r"^((?:PRIVATE_)?(?:UNARY(?:_PQ?)?|BINARY|TERNARY)|COMPARE)\(", re.M)


def rows_of(text):
    """(name, fields) of the rows of an elementwise table: fields are (what it is, start, end)."""
    for m in ROW.finditer(text):
        tokens = [Token(t.kind, t.text, t.start + m.end() - 1, t.end + m.end() - 1) for t in tokens_of(text[m.end() - 1 : text.find("\n", m.end())])]
        finder = Finder("", text, "", [Token("name", m.group(1), m.start(), m.end() - 1)] + tokens, {})
        spans = [(finder.tokens[a].start, finder.tokens[b].end) for a, b in finder.arguments(1)]
        name = text[slice(*spans[0])]
        first = 1 if m.group(1) == "COMPARE" else 2
        yield name, [("value" if k == first else "rule", *spans[k]) for k in range(first, len(spans))]


def mutants_of_rows(file, text, prototypes):
    for name, fields in rows_of(text):
        for what, start, end in fields:
            tokens = [Token(t.kind, t.text, t.start + start, t.end + start) for t in tokens_of(text[start:end])]
            found = Finder(file, text, name, tokens, prototypes).look()
            yield from found
            line = text.count("\n", 0, start) + 1
            if what == "rule" and text[start:end] != "NONE":
                for kind, new in (("scale", "tap_mul_scalar(%s, 2)" % text[start:end]), ("drop", "NONE")):
                    yield Mutant(file, name, line, kind, start, end, new, context(text, start, end, new))
            elif what == "value":
                new = "(%s) + 1" % text[start:end] if not text[text.rfind("\n", 0, start) + 1 :].startswith("COMPARE") else "!(%s)" % text[start:end]
                yield Mutant(file, name, line, "value", start, end, new, context(text, start, end, new))
