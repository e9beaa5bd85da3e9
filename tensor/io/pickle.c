/* tensor/io/pickle.c: Python's pickles, read as data. A pickle is a program for a stack machine, whose opcodes make objects,
 * keep them in a memo, and call what globals name. Here a call of a listed global becomes an object that says what was called
 * with which arguments. Everything else that would run code is refused by name.
 *
 * Each opcode takes at least a byte and makes at most one object, so memory is in proportion to what was read. */
#include "tensor/io/pickle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 128, MAX_PROTOCOL = 5 };

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

static uint64_t bytes_left(const tap__pickle *p)
{
    return p->in->left + (uint64_t)(p->end - p->at);
}

static bool take(tap__pickle *p, void *to, uint64_t n)
{
    if (n > bytes_left(p)) return tap__reader_fail(p->in, TAP_EIO, "truncated: ends within its pickle");
    p->taken += n;
    for (char *out = to; n > 0;) {
        if (p->at == p->end) {
            p->at = 0;
            p->end = (int)(p->in->left < sizeof p->buffer ? p->in->left : sizeof p->buffer);
            if (!tap__reader_read(p->in, p->buffer, (size_t)p->end)) return false;
        }
        size_t part = n < (uint64_t)(p->end - p->at) ? (size_t)n : (size_t)(p->end - p->at);
        memcpy(out, p->buffer + p->at, part);
        p->at += (int)part;
        out += part;
        n -= part;
    }
    return true;
}

/* Reads a little-endian number of up to 8 bytes. */
static bool take_number(tap__pickle *p, int bytes, uint64_t *x)
{
    *x = 0;
    return take(p, x, (uint64_t)bytes);
}

/* Reads up to a newline, which is left out. */
static bool take_line(tap__pickle *p, char line[MAX_NAME])
{
    for (int n = 0; n < MAX_NAME; n++) {
        if (!take(p, line + n, 1)) return false;
        if (line[n] != '\n') continue;
        line[n] = '\0';
        return true;
    }
    return tap__reader_fail(p->in, TAP_EIO, "its pickle has a line of more than %d characters", MAX_NAME - 1);
}

/* ---- Objects and the stack --------------------------------------------------------------------------------------- */

static bool fail(const tap__pickle *p, const char *what)
{
    return tap__reader_fail(p->in, TAP_EIO, "pickle byte %llu: %s", (unsigned long long)p->taken, what);
}

const tap__pickle_object *tap__pickle_at(const tap__pickle *p, int object)
{
    return (const tap__pickle_object *)p->objects.items + object;
}

const tap__pickle_cell *tap__pickle_cell_at(const tap__pickle *p, int cell)
{
    return (const tap__pickle_cell *)p->cells.items + cell;
}

const char *tap__pickle_text(const tap__pickle *p, const tap__pickle_object *o)
{
    return (const char *)p->text.items + o->text;
}

static bool is_list(const tap__pickle_object *o)
{
    return o->kind == TAP__PICKLE_TUPLE || o->kind == TAP__PICKLE_LIST || o->kind == TAP__PICKLE_SET;
}

const tap__pickle_object *tap__pickle_item(const tap__pickle *p, const tap__pickle_object *o, int i)
{
    if (!is_list(o) || i >= o->n) return NULL;
    const tap__pickle_cell *c = tap__pickle_cell_at(p, o->first);
    for (; i > 0; i--) c = tap__pickle_cell_at(p, c->next);
    return tap__pickle_at(p, c->value);
}

static bool push(tap__pickle *p, int object)
{
    int *slot = tap__array_push(&p->stack, p->in, sizeof *slot);
    if (!slot) return false;
    *slot = object;
    return true;
}

/* Makes an object and pushes it. */
static tap__pickle_object *push_new(tap__pickle *p, tap__pickle_kind kind)
{
    tap__pickle_object *o = tap__array_push(&p->objects, p->in, sizeof *o);
    if (!o || !push(p, p->objects.n - 1)) return NULL;
    o->kind = kind;
    o->first = o->last = o->args = -1;
    return o;
}

/* The place of the first item above the topmost mark; 0 if there is no mark. Objects below a mark are out of reach. */
static int floor_of(const tap__pickle *p)
{
    return p->marks.n ? ((const int *)p->marks.items)[p->marks.n - 1] : 0;
}

static int *stack_at(const tap__pickle *p, int i)
{
    return (int *)p->stack.items + i;
}

/* Pops an object; -1 and an error if there is none. */
static int pop(tap__pickle *p)
{
    if (p->stack.n > floor_of(p)) return *stack_at(p, --p->stack.n);
    fail(p, "the stack is empty");
    return -1;
}

/* The object on top of the stack; NULL and an error if there is none of this kind. */
static tap__pickle_object *top(tap__pickle *p, tap__pickle_kind kind, const char *otherwise)
{
    tap__pickle_object *o = NULL;
    if (p->stack.n > floor_of(p)) o = (tap__pickle_object *)p->objects.items + *stack_at(p, p->stack.n - 1);
    if (o && o->kind == kind) return o;
    fail(p, otherwise);
    return NULL;
}

/* Ends the topmost mark; gives the place of the first object above it, or -1 and an error. */
static int pop_mark(tap__pickle *p)
{
    if (p->marks.n > 0) return ((const int *)p->marks.items)[--p->marks.n];
    fail(p, "there is no mark");
    return -1;
}

/* ---- Containers -------------------------------------------------------------------------------------------------- */

static bool add_item(tap__pickle *p, int container, int key, int value)
{
    tap__pickle_cell *c = tap__array_push(&p->cells, p->in, sizeof *c);
    if (!c) return false;
    *c = (tap__pickle_cell){ key, value, -1 };
    tap__pickle_object *o = (tap__pickle_object *)p->objects.items + container;
    if (o->n++ == 0) o->first = p->cells.n - 1;
    else ((tap__pickle_cell *)p->cells.items)[o->last].next = p->cells.n - 1;
    o->last = p->cells.n - 1;
    return true;
}

/* Moves the objects from place `first` of the stack on into the container; a dict takes pairs. */
static bool move_items(tap__pickle *p, int container, int first)
{
    const bool pairs = tap__pickle_at(p, container)->kind == TAP__PICKLE_DICT;
    if (pairs && (p->stack.n - first) % 2) return fail(p, "a dict gets a key without a value");
    for (int i = first; i < p->stack.n; i += 1 + pairs) {
        if (!add_item(p, container, pairs ? *stack_at(p, i) : -1, *stack_at(p, i + pairs))) return false;
    }
    p->stack.n = first;
    return true;
}

/* Makes a container of the objects from place `first` on. */
static bool collect(tap__pickle *p, tap__pickle_kind kind, int first)
{
    if (first < floor_of(p)) return fail(p, "the stack is empty");
    if (!push_new(p, kind)) return false;
    const int container = *stack_at(p, --p->stack.n);
    return move_items(p, container, first) && push(p, container);
}

static bool run_empty(tap__pickle *p, int kind)
{
    return push_new(p, (tap__pickle_kind)kind);
}

static bool run_tuple_of(tap__pickle *p, int n)
{
    return collect(p, TAP__PICKLE_TUPLE, p->stack.n - n);
}

static bool run_collect(tap__pickle *p, int kind)
{
    const int first = pop_mark(p);
    return first >= 0 && collect(p, (tap__pickle_kind)kind, first);
}

static const char *const no_container[] = { [TAP__PICKLE_LIST] = "there is no list to append to",
                                            [TAP__PICKLE_SET] = "there is no set to add to",
                                            [TAP__PICKLE_DICT] = "there is no dict to set items of" };

/* Adds all objects above a mark to the container below it. */
static bool run_add_items(tap__pickle *p, int kind)
{
    const int first = pop_mark(p), n = p->stack.n;
    if (first < 0) return false;
    p->stack.n = first;
    if (!top(p, (tap__pickle_kind)kind, no_container[kind])) return false;
    p->stack.n = n;
    return move_items(p, *stack_at(p, first - 1), first);
}

/* Adds one object to the list below it, or two to the dict below them. */
static bool run_add_item(tap__pickle *p, int kind)
{
    const int n = p->stack.n, first = n - (kind == TAP__PICKLE_DICT ? 2 : 1);
    if (first <= floor_of(p)) return fail(p, "the stack is empty");
    p->stack.n = first;
    if (!top(p, (tap__pickle_kind)kind, no_container[kind])) return false;
    p->stack.n = n;
    return move_items(p, *stack_at(p, first - 1), first);
}

static bool run_mark(tap__pickle *p, int unused)
{
    (void)unused;
    int *mark = tap__array_push(&p->marks, p->in, sizeof *mark);
    if (mark) *mark = p->stack.n;
    return mark;
}

static bool run_pop(tap__pickle *p, int unused)
{
    (void)unused;
    if (p->stack.n == floor_of(p) && p->marks.n) return pop_mark(p) >= 0;
    return pop(p) >= 0;
}

static bool run_pop_mark(tap__pickle *p, int unused)
{
    (void)unused;
    const int first = pop_mark(p);
    if (first >= 0) p->stack.n = first;
    return first >= 0;
}

static bool run_duplicate(tap__pickle *p, int unused)
{
    (void)unused;
    const int object = pop(p);
    return object >= 0 && push(p, object) && push(p, object);
}

/* ---- Numbers and texts ------------------------------------------------------------------------------------------- */

static bool push_integer(tap__pickle *p, tap__pickle_kind kind, int64_t x)
{
    tap__pickle_object *o = push_new(p, kind);
    if (o) o->integer = x;
    return o;
}

static bool run_bool(tap__pickle *p, int value)
{
    return push_integer(p, TAP__PICKLE_BOOL, value);
}

static bool run_unsigned(tap__pickle *p, int bytes)
{
    uint64_t x;
    return take_number(p, bytes, &x) && push_integer(p, TAP__PICKLE_INT, (int64_t)x);
}

static bool run_signed(tap__pickle *p, int bytes)
{
    uint64_t x;
    return take_number(p, bytes, &x) && push_integer(p, TAP__PICKLE_INT, (int64_t)(int32_t)x);
}

/* Takes n bytes into the pool of texts, and pushes an object of them. */
static bool push_text(tap__pickle *p, tap__pickle_kind kind, uint64_t n)
{
    if (n > bytes_left(p)) return tap__reader_fail(p->in, TAP_EIO, "truncated: ends within its pickle");
    if (!tap__array_reserve(&p->text, p->in, (size_t)n + 1, 1)) return false;
    tap__pickle_object *o = push_new(p, kind);
    if (!o) return false;
    char *to = (char *)p->text.items + p->text.n;
    o->n = (int)n;
    o->text = (size_t)p->text.n;
    to[n] = '\0';
    p->text.n += (int)n + 1;
    return take(p, to, n);
}

/* A line of digits, as old protocols have it, with 00 and 01 for bools. */
static bool run_decimal(tap__pickle *p, int unused)
{
    char line[MAX_NAME], *stop;
    (void)unused;
    if (!take_line(p, line)) return false;
    if (!strcmp(line, "00") || !strcmp(line, "01")) return run_bool(p, line[1] == '1');
    errno = 0;
    const long long x = strtoll(line, &stop, 10);
    if (errno == ERANGE) return push_text(p, TAP__PICKLE_BIG, 0);
    if (stop == line || strcmp(stop, *stop == 'L' ? "L" : "")) return fail(p, "a number that is no integer");
    return push_integer(p, TAP__PICKLE_INT, x);
}

static bool run_real(tap__pickle *p, int bytes)
{
    uint64_t x, turned = 0;
    if (!take_number(p, bytes, &x)) return false;
    for (int i = 0; i < 8; i++) turned = turned << 8 | (x >> 8 * i & 0xff);
    tap__pickle_object *o = push_new(p, TAP__PICKLE_FLOAT);
    if (o) memcpy(&o->real, &turned, sizeof o->real);
    return o;
}

static bool run_text(tap__pickle *p, int bytes)
{
    uint64_t n;
    return take_number(p, bytes, &n) && push_text(p, TAP__PICKLE_TEXT, n);
}

static bool run_bytes(tap__pickle *p, int bytes)
{
    uint64_t n;
    return take_number(p, bytes, &n) && push_text(p, TAP__PICKLE_BYTES, n);
}

/* An integer of any length, in two's complement. */
static bool run_long(tap__pickle *p, int bytes)
{
    uint64_t n, x;
    if (!take_number(p, bytes, &n)) return false;
    if (n > 8) return push_text(p, TAP__PICKLE_BIG, n);
    if (!take_number(p, (int)n, &x)) return false;
    const int shift = 64 - 8 * (int)n;
    return push_integer(p, TAP__PICKLE_INT, n ? (int64_t)(x << shift) >> shift : 0);
}

/* ---- The memo ---------------------------------------------------------------------------------------------------- */

static bool put(tap__pickle *p, uint64_t at)
{
    if (at > p->taken) return fail(p, "a place in the memo that is too far away");
    if (p->stack.n <= floor_of(p)) return fail(p, "the stack is empty");
    while ((uint64_t)p->memo.n <= at) {
        int *slot = tap__array_push(&p->memo, p->in, sizeof *slot);
        if (!slot) return false;
        *slot = -1;
    }
    ((int *)p->memo.items)[at] = *stack_at(p, p->stack.n - 1);
    return true;
}

static bool run_put(tap__pickle *p, int bytes)
{
    uint64_t at;
    return take_number(p, bytes, &at) && put(p, at);
}

static bool run_memoize(tap__pickle *p, int unused)
{
    (void)unused;
    return put(p, (uint64_t)p->memo.n);
}

static bool run_get(tap__pickle *p, int bytes)
{
    uint64_t at;
    if (!take_number(p, bytes, &at)) return false;
    const int object = at < (uint64_t)p->memo.n ? ((const int *)p->memo.items)[at] : -1;
    return object >= 0 ? push(p, object) : fail(p, "a place in the memo that is empty");
}

/* ---- Globals and calls ------------------------------------------------------------------------------------------- */

static bool push_global(tap__pickle *p, const char *module, const char *name)
{
    for (int i = 0; i < p->n_globals; i++) {
        const tap__pickle_global *g = &p->globals[i];
        if (strcmp(g->module, module) != 0 || strcmp(g->name, name) != 0) continue;
        tap__pickle_object *o = push_new(p, TAP__PICKLE_GLOBAL);
        if (o) o->global = g;
        return o;
    }
    return tap__reader_fail(p->in, TAP_EIO, "its pickle asks for %.100s.%.100s, which is not data, and is not run", module,
                            name);
}

static bool run_global(tap__pickle *p, int unused)
{
    char module[MAX_NAME], name[MAX_NAME];
    (void)unused;
    return take_line(p, module) && take_line(p, name) && push_global(p, module, name);
}

static bool run_stack_global(tap__pickle *p, int unused)
{
    (void)unused;
    const int name = pop(p), module = name < 0 ? -1 : pop(p);
    if (module < 0) return false;
    const tap__pickle_object *m = tap__pickle_at(p, module), *n = tap__pickle_at(p, name);
    if (m->kind != TAP__PICKLE_TEXT || n->kind != TAP__PICKLE_TEXT) return fail(p, "a global without a name");
    return push_global(p, tap__pickle_text(p, m), tap__pickle_text(p, n));
}

/* Pushes a dict of the pairs in a list, or the dict that the argument is. */
static bool make_dict(tap__pickle *p, int args)
{
    const tap__pickle_object *from = tap__pickle_item(p, tap__pickle_at(p, args), 0);
    if (!from) return push_new(p, TAP__PICKLE_DICT);
    if (from->kind == TAP__PICKLE_DICT) return push(p, (int)(from - tap__pickle_at(p, 0)));
    if (!is_list(from)) return fail(p, "a dict is made of something else");
    int cell = from->first, n = from->n;
    if (!push_new(p, TAP__PICKLE_DICT)) return false;
    const int dict = *stack_at(p, p->stack.n - 1);
    for (; n > 0; n--) {
        const tap__pickle_object *pair = tap__pickle_at(p, tap__pickle_cell_at(p, cell)->value);
        const tap__pickle_object *key = tap__pickle_item(p, pair, 0), *value = tap__pickle_item(p, pair, 1);
        if (!key || !value) return fail(p, "a dict is made of something else");
        if (!add_item(p, dict, (int)(key - tap__pickle_at(p, 0)), (int)(value - tap__pickle_at(p, 0)))) return false;
        cell = tap__pickle_cell_at(p, cell)->next;
    }
    return true;
}

static bool make_list(tap__pickle *p, int args)
{
    const tap__pickle_object *from = tap__pickle_item(p, tap__pickle_at(p, args), 0);
    if (!from) return push_new(p, TAP__PICKLE_LIST);
    return is_list(from) ? push(p, (int)(from - tap__pickle_at(p, 0))) : fail(p, "a list is made of something else");
}

static bool run_call(tap__pickle *p, int unused)
{
    (void)unused;
    const int args = pop(p), callee = args < 0 ? -1 : pop(p);
    if (callee < 0) return false;
    const tap__pickle_object *f = tap__pickle_at(p, callee);
    if (tap__pickle_at(p, args)->kind != TAP__PICKLE_TUPLE || f->kind != TAP__PICKLE_GLOBAL)
        return fail(p, "a call of something that is no function");
    const tap__pickle_global *g = f->global;
    switch (g->use) {
    case TAP__PICKLE_MAKES_DICT: return make_dict(p, args);
    case TAP__PICKLE_MAKES_LIST: return make_list(p, args);
    case TAP__PICKLE_VALUE:
        return tap__reader_fail(p->in, TAP_EIO, "its pickle calls %s.%s, which is not run", g->module, g->name);
    case TAP__PICKLE_CALL: break;
    }
    tap__pickle_object *o = push_new(p, TAP__PICKLE_CALLED);
    if (!o) return false;
    o->global = g;
    o->args = args;
    return true;
}

/* Attributes of a dict, such as the versions of modules in a state dict, are no contents of it. */
static bool run_build(tap__pickle *p, int unused)
{
    (void)unused;
    return pop(p) >= 0 && top(p, TAP__PICKLE_DICT, "the state of an object that is no dict, which is not set");
}

static bool run_persistent(tap__pickle *p, int unused)
{
    (void)unused;
    const int           name = pop(p);
    tap__pickle_object *o = name < 0 ? NULL : push_new(p, TAP__PICKLE_PERSISTENT);
    if (o) o->args = name;
    return o;
}

/* ---- The machine ------------------------------------------------------------------------------------------------- */

static bool run_protocol(tap__pickle *p, int bytes)
{
    uint64_t version;
    if (!take_number(p, bytes, &version)) return false;
    return version <= MAX_PROTOCOL ||
           tap__reader_fail(p->in, TAP_EIO, "its pickle has protocol %d; 1 to %d can be read", (int)version, MAX_PROTOCOL);
}

static bool run_frame(tap__pickle *p, int bytes)
{
    uint64_t size;
    return take_number(p, bytes, &size);
}

static bool run_stop(tap__pickle *p, int unused)
{
    (void)unused;
    return p->stopped = true;
}

static const struct {
    bool (*run)(tap__pickle *p, int arg);
    int arg;
} opcodes[256] = {
    [0x80] = { run_protocol, 1 },
    [0x95] = { run_frame, 8 },
    ['.'] = { run_stop, 0 },
    ['('] = { run_mark, 0 },
    ['0'] = { run_pop, 0 },
    ['1'] = { run_pop_mark, 0 },
    ['2'] = { run_duplicate, 0 },
    ['N'] = { run_empty, TAP__PICKLE_NONE },
    [0x88] = { run_bool, 1 },
    [0x89] = { run_bool, 0 },
    ['I'] = { run_decimal, 0 },
    ['L'] = { run_decimal, 0 },
    ['J'] = { run_signed, 4 },
    ['K'] = { run_unsigned, 1 },
    ['M'] = { run_unsigned, 2 },
    [0x8a] = { run_long, 1 },
    [0x8b] = { run_long, 4 },
    ['G'] = { run_real, 8 },
    ['T'] = { run_text, 4 },
    ['U'] = { run_text, 1 },
    ['X'] = { run_text, 4 },
    [0x8c] = { run_text, 1 },
    [0x8d] = { run_text, 8 },
    ['B'] = { run_bytes, 4 },
    ['C'] = { run_bytes, 1 },
    [0x8e] = { run_bytes, 8 },
    [0x96] = { run_bytes, 8 },
    [']'] = { run_empty, TAP__PICKLE_LIST },
    [')'] = { run_empty, TAP__PICKLE_TUPLE },
    ['}'] = { run_empty, TAP__PICKLE_DICT },
    [0x8f] = { run_empty, TAP__PICKLE_SET },
    [0x85] = { run_tuple_of, 1 },
    [0x86] = { run_tuple_of, 2 },
    [0x87] = { run_tuple_of, 3 },
    ['t'] = { run_collect, TAP__PICKLE_TUPLE },
    ['l'] = { run_collect, TAP__PICKLE_LIST },
    ['d'] = { run_collect, TAP__PICKLE_DICT },
    [0x91] = { run_collect, TAP__PICKLE_SET },
    ['a'] = { run_add_item, TAP__PICKLE_LIST },
    ['e'] = { run_add_items, TAP__PICKLE_LIST },
    ['s'] = { run_add_item, TAP__PICKLE_DICT },
    ['u'] = { run_add_items, TAP__PICKLE_DICT },
    [0x90] = { run_add_items, TAP__PICKLE_SET },
    ['q'] = { run_put, 1 },
    ['r'] = { run_put, 4 },
    [0x94] = { run_memoize, 0 },
    ['h'] = { run_get, 1 },
    ['j'] = { run_get, 4 },
    ['c'] = { run_global, 0 },
    [0x93] = { run_stack_global, 0 },
    ['R'] = { run_call, 0 },
    [0x81] = { run_call, 0 },
    ['b'] = { run_build, 0 },
    ['Q'] = { run_persistent, 0 },
};

void tap__pickle_begin(tap__pickle *p, tap__reader *in, int n_globals, const tap__pickle_global *globals)
{
    *p = (tap__pickle){ .in = in, .n_globals = n_globals, .globals = globals };
}

int tap__pickle_read(tap__pickle *p)
{
    unsigned char opcode = 0;
    p->stack.n = p->marks.n = p->memo.n = 0;
    for (p->stopped = false; !p->stopped;) {
        if (!take(p, &opcode, 1)) return -1;
        if (!opcodes[opcode].run) {
            tap__reader_fail(p->in, TAP_EIO, "pickle byte %llu: opcode 0x%02x, which is not data",
                             (unsigned long long)p->taken - 1, opcode);
            return -1;
        }
        if (!opcodes[opcode].run(p, opcodes[opcode].arg)) return -1;
    }
    return pop(p);
}

void tap__pickle_end(tap__pickle *p)
{
    tap__array *const all[] = { &p->objects, &p->cells, &p->stack, &p->marks, &p->memo, &p->text };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]->items);
    *p = (tap__pickle){ .in = p->in };
}
