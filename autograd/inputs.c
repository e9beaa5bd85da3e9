/* autograd/inputs.c: values from outside a tape: data, variables and leaves.
 *
 * Float data are not copied: the tape borrows their memory until the reset, and rules read it again in the backward pass. A
 * rule must not read numbers other than those of the forward pass. Therefore each operator notes its version, the number of
 * writes to borrowed memory before it ran (tensor/borrow.h), and a rule fails if memory that it is about to read was written to
 * after that version. Small values are compared with a copy as well, the snapshot. Indices, labels and masks are copied at
 * once. */
#include <string.h>

#include "autograd/internal.h"
#include "tensor/arena.h"
#include "tensor/internal.h"

/* A new node with a copy of x in the dtype. */
static tap_var new_copy(tap_tape *t, tap_tensor x, tap_dtype dtype)
{
    tap_tensor to;
    tap_var    v = tap__push_empty(t, dtype, x.shape, &to);
    if (v.id) tap__tensor_copy(to, x, &t->error);
    return v;
}

static void take_snapshot(tap_tape *t, tap_node *n)
{
    const size_t bytes = (size_t)tap_numel(n->value.shape) * tap_dtype_size(n->value.dtype);
    if (bytes == 0 || bytes > TAP__SNAPSHOT || !tap_tensor_is_contiguous(n->value)) return;
    n->snapshot = tap__arena_acquire(t->arena, bytes);
    if (n->snapshot) memcpy(n->snapshot, n->value.data, bytes);
    else tap__no_memory(t, NULL);
}

/* A new node whose value is x itself. */
static tap_var new_borrowed(tap_tape *t, tap_tensor x)
{
    size_t  version;
    tap_var v = tap__push(t, x, NULL);
    if (!v.id) return v;
    tap_node *n = tap__node(t, v.id);
    n->source = v.id;
    if (!tap__borrow(&t->borrower, x, &version)) tap__no_memory(t, NULL);
    n->version = version;
    take_snapshot(t, n);
    return v;
}

static tap_var new_value(tap_tape *t, tap_tensor x, const char *call, bool requires_grad)
{
    if (!t || t->error.status != TAP_OK) return tap__inert(t);
    if (!x.data || !tap_dtype_size(x.dtype) || tap_numel(x.shape) < 0)
        return tap__fail(t, TAP_EARG, call, "the tensor is inert or invalid");
    if (requires_grad && !tap_dtype_is_float(x.dtype))
        return tap__fail(t, TAP_EDTYPE, call, "to take a gradient, the dtype must be float32 or float64, not %s",
                         tap_dtype_name(x.dtype));
    tap_var v;
    if (t->promote_f32 && x.dtype == TAP_F32) v = new_copy(t, x, TAP_F64);
    else if (x.dtype == TAP_I64 || x.dtype == TAP_BOOL) v = new_copy(t, x, x.dtype);
    else v = new_borrowed(t, x);
    if (v.id) tap__node(t, v.id)->requires_grad = requires_grad && t->recording;
    return t->error.status == TAP_OK ? v : tap__inert(t);
}

tap_var tap_input(tap_tape *t, tap_tensor x)
{
    return new_value(t, x, "input", false);
}

tap_var tap_variable(tap_tape *t, tap_tensor x)
{
    return new_value(t, x, "variable", true);
}

tap_var tap__leaf_var(tap_tape *t, const tap_leaf *leaf, bool requires_grad, uint32_t *passes)
{
    if (!t || t->error.status != TAP_OK) return tap__inert(t);
    if (!leaf) return tap__fail(t, TAP_EARG, "leaf_var", "the leaf is NULL");
    tap_tensor grad = leaf->grad;
    if (!grad.data || grad.dtype != leaf->value.dtype || !tap_shape_equal(grad.shape, leaf->value.shape) ||
        !tap_tensor_is_contiguous(grad))
        return tap__fail(t, TAP_EARG, "leaf_var", "the gradient of %s must be contiguous, with the value's shape and dtype",
                         leaf->name ? leaf->name : "the leaf");
    tap_var v = new_value(t, leaf->value, "leaf_var", requires_grad);
    if (!v.id) return v;
    tap_node *n = tap__node(t, v.id);
    n->is_leaf = n->value.dtype == grad.dtype; /* a copy in float64 is a variable */
    n->leaf = *leaf;
    n->passes = passes;
    n->name = leaf->name;
    if (t->trace) tap__trace_leaf(t, leaf);
    return t->error.status == TAP_OK ? v : tap__inert(t);
}

tap_var tap_leaf_var(tap_tape *t, const tap_leaf *leaf)
{
    return tap__leaf_var(t, leaf, true, NULL);
}

/* ---- Writes between the forward and the backward pass ------------------------------------------------------------ */

static bool matches_snapshot(const tap_node *source)
{
    const size_t bytes = (size_t)tap_numel(source->value.shape) * tap_dtype_size(source->value.dtype);
    return !source->snapshot || memcmp(source->snapshot, source->value.data, bytes) == 0;
}

/* The state of a borrowed value since the version. Writes before the memory was borrowed do not count: a rule may read values
 * that are younger than its operator, such as a cotangent. */
static tap__memory_state memory_state(const tap_tape *t, const tap_node *n, size_t version)
{
    const tap_node         *source = tap__node(t, n->source);
    const tap__memory_state state =
        tap__memory_state_since(&t->borrower, n->value, version > source->version ? version : source->version);
    if (state != TAP__UNMODIFIED) return state;
    return matches_snapshot(source) ? TAP__UNMODIFIED : TAP__WRITTEN;
}

bool tap__is_as_recorded(const tap_tape *t, const tap_node *n)
{
    return n->source == 0 || memory_state(t, n, n->version) == TAP__UNMODIFIED;
}

bool tap__is_unmodified(tap_tape *t, const tap_node *n, size_t version)
{
    char                    shape[TAP_SHAPE_TEXT];
    const tap__memory_state state = memory_state(t, n, version);
    if (state == TAP__UNMODIFIED) return true;
    if (state == TAP__UNKNOWN) {
        tap__fail(t, TAP_ENOMEM, "backward", "there was no memory to note what was written since the forward pass");
        return false;
    }
    const char *name = state == TAP__FREED ? NULL : tap__name_of(tap__node(t, n->source));
    tap__fail(t, TAP_ESTALE, "backward", "%s %s %s", name ? name : "an input", tap_shape_format(shape, n->value.shape),
              state == TAP__FREED
                  ? "was freed after the forward pass had used it"
                  : "was changed after the forward pass had used it; run the forward pass again, or change it later");
    return false;
}

const char *tap__name_of(const tap_node *n)
{
    const tap_tape *t = n->tape;
    if (!n->name || !n->is_leaf) return n->name;
    return tap__memory_state_since(&t->borrower, n->leaf.value, tap__node(t, n->id)->version) == TAP__FREED ? NULL : n->name;
}
