/* nn/layers/attention.c: multi-head attention (Vaswani et al. 2017), and a cache of its keys and values for generation. */
#include <math.h>

#include "autograd/composed.h"
#include "autograd/internal.h"
#include "nn/layers/layer.h"
#include "tensor/internal.h"
#include "tensor/view.h"

/* ---- Construction ---- */

static bool check(tap_module *m, int64_t embed_dim, int64_t num_heads, tap_multihead_attention_options o)
{
    if (embed_dim < 1 || num_heads < 1 || embed_dim % num_heads != 0)
        tap_module_fail(m, TAP_EARG, "multihead_attention: embed_dim %lld must be at least 1 and divisible by %lld heads",
                        (long long)embed_dim, (long long)num_heads);
    if (o.kdim < 1 || o.vdim < 1)
        tap_module_fail(m, TAP_EARG, "multihead_attention: kdim and vdim must be at least 1, not %lld and %lld",
                        (long long)o.kdim, (long long)o.vdim);
    if (!(o.dropout >= 0 && o.dropout <= 1))
        tap_module_fail(m, TAP_EARG, "multihead_attention: dropout must be within 0..1, not %g", o.dropout);
    return tap_module_status(m, NULL) == TAP_OK;
}

static void init_out_proj(tap_linear *l, tap_module *m, int64_t size, bool no_bias)
{
    l->weight = tap_param_new(m, "weight", TAP_SHAPE(size, size), tap_init_default(size));
    l->bias = tap__layer_param(!no_bias, m, "bias", TAP_SHAPE(size), 0);
}

void tap_multihead_attention_init(tap_multihead_attention *l, tap_module *m, const char *name, int64_t embed_dim,
                                  int64_t num_heads, tap_multihead_attention_options o)
{
    tap_module    *child = tap__layer_module(l, m, name, "multihead_attention");
    const tap_init xavier = tap_init_xavier_uniform(1), normal = tap_init_xavier_normal(1);
    if (!child) return;
    if (!o.kdim) o.kdim = embed_dim;
    if (!o.vdim) o.vdim = embed_dim;
    *l = (tap_multihead_attention){ .module = child, .embed_dim = embed_dim, .num_heads = num_heads, .options = o };
    if (!check(child, embed_dim, num_heads, o)) return;
    if (o.kdim == embed_dim && o.vdim == embed_dim)
        l->in_proj_weight = tap_param_new(child, "in_proj_weight", TAP_SHAPE(tap__layer_rows(3, embed_dim), embed_dim), xavier);
    else {
        l->q_proj_weight = tap_param_new(child, "q_proj_weight", TAP_SHAPE(embed_dim, embed_dim), xavier);
        l->k_proj_weight = tap_param_new(child, "k_proj_weight", TAP_SHAPE(embed_dim, o.kdim), xavier);
        l->v_proj_weight = tap_param_new(child, "v_proj_weight", TAP_SHAPE(embed_dim, o.vdim), xavier);
    }
    l->in_proj_bias = tap__layer_param(!o.no_bias, child, "in_proj_bias", TAP_SHAPE(tap__layer_rows(3, embed_dim)), 0);
    if (o.add_bias_kv) {
        l->bias_k = tap_param_new(child, "bias_k", TAP_SHAPE(1, 1, embed_dim), normal);
        l->bias_v = tap_param_new(child, "bias_v", TAP_SHAPE(1, 1, embed_dim), normal);
    }
    init_out_proj(&l->out_proj, tap_module_child(child, "out_proj"), embed_dim, o.no_bias);
}

/* ---- A call ---- */

typedef struct {
    const tap_multihead_attention *l;
    tap_tape                      *tape;
    bool                           batched;
    int64_t                        batch, queries, keys; /* keys: with those in the cache, without bias_k and zeros */
    int64_t                        past;                 /* keys that were in the cache before */
    tap_var                        q, k, v;              /* [batch,heads,length,width] */
} run;

/* [..,embed_dim] as [batch,heads,length,width]. */
static tap_var split_heads(const run *r, tap_var x)
{
    const tap_shape s = tap_shape_of(x);
    const int64_t   heads = r->l->num_heads;
    if (s.rank != 3) return x;
    x = tap_unflatten(x, 2, TAP_SHAPE(heads, s.n[2] / heads));
    return r->l->options.batch_first ? tap_transpose(x, 1, 2) : tap_permute(x, 4, (int[]){ 1, 2, 0, 3 });
}

/* The product of x with parts `first`.. of q, k, v, in one piece; n parts are left in out. */
static void project(const run *r, tap_var x, int first, int n, tap_var *out)
{
    const tap_multihead_attention *l = r->l;
    const int64_t                  size = l->embed_dim;
    tap_param *const               own[3] = { l->q_proj_weight, l->k_proj_weight, l->v_proj_weight };
    tap_var                        bias = tap__layer_var(r->tape, l->in_proj_bias);
    tap_var                        weight = tap_param_var(r->tape, l->in_proj_weight ? l->in_proj_weight : own[first]);
    if (l->in_proj_weight && n < 3) weight = tap_narrow(weight, 0, first * size, n * size);
    if (l->in_proj_bias && n < 3) bias = tap_narrow(bias, 0, first * size, n * size);
    const tap_var y = tap__layer_affine(x, weight, bias);
    for (int i = 0; i < n; i++) out[i] = split_heads(r, n == 1 ? y : tap_narrow(y, 2, i * size, size));
}

static bool same(tap_var a, tap_var b)
{
    return a.tape && a.tape == b.tape && a.id == b.id && a.epoch == b.epoch;
}

static void project_all(run *r, tap_var query, tap_var key, tap_var value)
{
    tap_var    qkv[3] = { { 0 }, { 0 }, { 0 } };
    const bool one_weight = r->l->in_proj_weight;
    if (one_weight && same(query, key) && same(key, value)) project(r, query, 0, 3, qkv);
    else {
        project(r, query, 0, 1, qkv);
        if (one_weight && same(key, value)) project(r, key, 1, 2, qkv + 1);
        else if (key.tape) {
            project(r, key, 1, 1, qkv + 1);
            project(r, value, 2, 1, qkv + 2);
        }
    }
    r->q = qkv[0];
    r->k = qkv[1];
    r->v = qkv[2];
}

/* ---- The cache ---- */

void tap_attention_cache_init(tap_attention_cache *c, tap_arena *a, const tap_multihead_attention *l, int64_t batch,
                              int64_t capacity)
{
    if (!c || !l || !l->module || !l->out_proj.weight) {
        tap__tensor_fail(a, TAP_EARG, "attention_cache: %s", c ? "the layer was never initialized" : "the cache is NULL");
        if (c) *c = (tap_attention_cache){ .length = 0 };
        return;
    }
    const tap_shape s = TAP_SHAPE(batch, l->num_heads, capacity, l->embed_dim / l->num_heads);
    const tap_dtype dtype = tap_module_dtype(l->module);
    *c = (tap_attention_cache){ tap_tensor_zeros(a, dtype, s), tap_tensor_zeros(a, dtype, s), 0 };
}

/* Whether a cache can take n more keys. If not, the tape has failed. */
static bool cache_fits(const run *r, const tap_attention_cache *c, int64_t n)
{
    const tap_shape s = c->key.shape;
    char            text[TAP_SHAPE_TEXT];
    if (r->tape->recording)
        tap_fail(r->q, TAP_EARG, "a cache passes no gradient on: call tap_tape_set_recording(t, false) before");
    else if (!c->key.data || s.rank != 4 || !tap_shape_equal(s, c->value.shape) || s.n[0] != r->batch ||
             s.n[1] != r->l->num_heads || s.n[3] != r->l->embed_dim / r->l->num_heads)
        tap_fail(r->q, TAP_ESHAPE, "the cache must be made for this layer and a batch of %lld; its keys are %s",
                 (long long)r->batch, tap_shape_format(text, s));
    else if (c->length < 0 || c->length > s.n[2] || n > s.n[2] - c->length)
        tap_fail(r->q, TAP_ESHAPE, "the cache has a capacity of %lld keys, too few for %lld and %lld more", (long long)s.n[2],
                 (long long)c->length, (long long)n);
    else if (c->length + n == 0) tap_fail(r->q, TAP_EARG, "there is neither a key nor one in the cache");
    return tap_tape_status(r->tape, NULL) == TAP_OK;
}

/* Appends what v holds to cached keys or values; all of them, on the tape. */
static tap_var append(const run *r, tap_tensor cache, int64_t length, tap_var v)
{
    const int64_t n = v.tape ? tap_shape_of(v).n[2] : 0;
    tap_error     e = { 0 };
    tap_tensor    to, all;
    tap__slice(cache, 2, length, length + n, 1, &to, &e);
    tap__slice(cache, 2, 0, length + n, 1, &all, &e);
    if (v.tape && e.status == TAP_OK) tap_tensor_copy(to, tap_value(v), &e);
    if (e.status != TAP_OK) tap_fail(r->q, e.status, "%s", e.message);
    return tap_input(r->tape, all);
}

static bool use_cache(run *r, tap_attention_cache *c)
{
    const int64_t n = r->k.tape ? tap_shape_of(r->k).n[2] : 0;
    if (!cache_fits(r, c, n)) return false;
    r->past = c->length;
    r->k = append(r, c->key, c->length, r->k);
    r->v = append(r, c->value, c->length, r->v);
    if (tap_tape_status(r->tape, NULL) == TAP_OK) c->length += n;
    return tap_tape_status(r->tape, NULL) == TAP_OK;
}

/* ---- Masks: true, or -infinity, where attention is forbidden, [..,queries,keys] ---- */

/* The mask on the axes [batch,heads,queries,keys]; false, and the tape has failed, if it does not fit. */
static bool check_mask(const run *r, tap_var *mask, bool of_keys)
{
    char            text[TAP_SHAPE_TEXT];
    const tap_shape s = tap_shape_of(*mask);
    const int64_t   n = r->batch * r->l->num_heads, q = r->queries, k = r->keys;
    const tap_dtype dtype = tap_value(*mask).dtype;
    if (tap_tape_status(r->tape, NULL) != TAP_OK) return false;
    if (dtype != TAP_BOOL && !tap_dtype_is_float(dtype))
        tap_fail(*mask, TAP_EDTYPE, "a mask must be bool or float, not %s", tap_dtype_name(dtype));
    else if (!of_keys && tap_shape_equal(s, TAP_SHAPE(q, k))) return true;
    else if (!of_keys && tap_shape_equal(s, TAP_SHAPE(n, q, k)))
        *mask = tap_reshape(*mask, TAP_SHAPE(r->batch, r->l->num_heads, q, k));
    else if (of_keys && tap_shape_equal(s, r->batched ? TAP_SHAPE(r->batch, k) : TAP_SHAPE(k)))
        *mask = tap_reshape(*mask, TAP_SHAPE(r->batch, 1, 1, k));
    else if (of_keys)
        tap_fail(*mask, TAP_ESHAPE, "key_padding_mask must be [batch,keys], with a batch of %lld and %lld keys, not %s",
                 (long long)r->batch, (long long)k, tap_shape_format(text, s));
    else
        tap_fail(*mask, TAP_ESHAPE, "attn_mask must be [%lld,%lld] or [%lld,%lld,%lld], not %s", (long long)q, (long long)k,
                 (long long)n, (long long)q, (long long)k, tap_shape_format(text, s));
    return tap_tape_status(r->tape, NULL) == TAP_OK;
}

/* A mask as numbers that are added to scores. */
static tap_var as_scores(const run *r, tap_var mask)
{
    const tap_var zero = tap_scalar_like(r->q, 0);
    if (tap_value(mask).dtype != TAP_BOOL) return mask;
    return tap_where(mask, tap_scalar_like(r->q, -(double)INFINITY), zero);
}

static tap_var both(const run *r, tap_var a, tap_var b)
{
    if (!a.tape || !b.tape) return a.tape ? a : b;
    if (tap_value(a).dtype == TAP_BOOL && tap_value(b).dtype == TAP_BOOL) return tap_logical_or(a, b);
    return tap_add(as_scores(r, a), as_scores(r, b));
}

/* Query i is at position past + i; later keys are forbidden. */
static tap_var causal_mask(const run *r)
{
    const tap_var query = tap_narrow(tap_arange(r->tape, r->past + r->queries), 0, r->past, r->queries);
    return tap_lt(tap_unsqueeze(query, 1), tap_arange(r->tape, r->keys));
}

/* Column `keys` and those behind it are allowed. */
static tap_var widen(tap_var mask, int64_t columns)
{
    if (columns == 0 || !mask.tape) return mask;
    tap_shape s = tap_shape_of(mask);
    s.n[s.rank - 1] = columns;
    const tap_var zeros = tap_cast(tap_zeros(mask.tape, s), tap_value(mask).dtype);
    return tap_cat(2, (tap_var[]){ mask, zeros }, -1);
}

/* The mask of the call in the form of tap_scaled_dot_product_attention, where true stands for allowed; { 0 }: none. */
static tap_var whole_mask(const run *r, const tap_attention_call *c, int64_t columns)
{
    tap_var attn = c->attn_mask, padding = c->key_padding_mask;
    if ((attn.tape && !check_mask(r, &attn, false)) || (padding.tape && !check_mask(r, &padding, true)))
        return (tap_var){ .tape = r->tape };
    if (!attn.tape && c->is_causal) attn = causal_mask(r);
    const tap_var mask = widen(both(r, attn, padding), columns);
    return mask.tape && tap_value(mask).dtype == TAP_BOOL ? tap_logical_not(mask) : mask;
}

/* ---- The forward pass ---- */

/* Appends bias_k, bias_v and a row of zeros to keys and values; the number of rows. */
static int64_t add_rows(run *r)
{
    const tap_multihead_attention *l = r->l;
    const int64_t                  width = l->embed_dim / l->num_heads;
    const tap_shape                one = TAP_SHAPE(1, l->num_heads, 1, width), all = TAP_SHAPE(r->batch, -1, -1, -1);
    int64_t                        rows = 0;
    if (l->bias_k) {
        const tap_var k = tap_expand(tap_reshape(tap_param_var(r->tape, l->bias_k), one), all);
        const tap_var v = tap_expand(tap_reshape(tap_param_var(r->tape, l->bias_v), one), all);
        r->k = tap_cat(2, (tap_var[]){ r->k, k }, 2);
        r->v = tap_cat(2, (tap_var[]){ r->v, v }, 2);
        rows++;
    }
    if (l->options.add_zero_attn) {
        r->k = tap_zero_pad(r->k, 2, 0, 1);
        r->v = tap_zero_pad(r->v, 2, 0, 1);
        rows++;
    }
    return rows;
}

/* One sequence becomes a batch of one. False, and the tape has failed, if the inputs do not fit. */
static bool begin(run *r, tap_var *query, tap_var *key, tap_var *value, const tap_attention_call *c)
{
    const bool self = same(*query, *key), same_kv = same(*key, *value);
    const int  batch_axis = r->l->options.batch_first ? 0 : 1, rank = tap_shape_of(*query).rank;
    if (!key->tape && !c->cache) tap_fail(*query, TAP_EARG, "there is no key");
    else if (key->tape && !value->tape) tap_fail(*query, TAP_EARG, "there is a key, but no value");
    else if ((rank != 2 && rank != 3) || (key->tape && (tap_shape_of(*key).rank != rank || tap_shape_of(*value).rank != rank)))
        tap_fail(*query, TAP_ESHAPE, "query, key and value need %s, or all of them [length,size]",
                 r->l->options.batch_first ? "[batch,length,size]" : "[length,batch,size]");
    if (tap_tape_status(r->tape, NULL) != TAP_OK) return false;
    r->batched = rank == 3;
    if (!r->batched) {
        *query = tap_unsqueeze(*query, batch_axis);
        if (key->tape) *key = self ? *query : tap_unsqueeze(*key, batch_axis);
        if (key->tape) *value = same_kv ? *key : tap_unsqueeze(*value, batch_axis);
    }
    r->batch = tap_shape_of(*query).n[batch_axis];
    r->queries = tap_shape_of(*query).n[1 - batch_axis];
    project_all(r, *query, *key, *value);
    if (tap_tape_status(r->tape, NULL) != TAP_OK || (c->cache && !use_cache(r, c->cache))) return false;
    r->keys = tap_shape_of(r->k).n[2];
    if (tap_shape_of(r->k).n[0] != r->batch || tap_shape_of(r->v).n[0] != r->batch || tap_shape_of(r->v).n[2] != r->keys)
        tap_fail(*query, TAP_ESHAPE, "query, key and value must have one batch size, and key and value one length");
    return tap_tape_status(r->tape, NULL) == TAP_OK;
}

static tap_var averaged(const run *r, const tap_attention_call *c, tap_var weights)
{
    if (!c->no_average) weights = tap_mean(weights, TAP_AXES(1));
    return r->batched ? weights : tap_squeeze(weights, TAP_AXES(0));
}

tap_var tap_multihead_attention_forward(const tap_multihead_attention *l, tap_var query, tap_var key, tap_var value,
                                        tap_attention_call c)
{
    TAP_CALL("multihead_attention_forward", query, key, value, c.attn_mask, c.key_padding_mask);
    run r = { .l = l, .tape = query.tape };
    if (c.weights) *c.weights = (tap_var){ .tape = query.tape };
    if (!tap__layer_usable(query, l ? l->module : NULL) || !l || !begin(&r, &query, &key, &value, &c))
        return (tap_var){ .tape = query.tape };
    const double  p = tap_module_training_on(r.tape, l->module) ? l->options.dropout : 0;
    const int64_t columns = add_rows(&r);
    const tap_var mask = whole_mask(&r, &c, columns);
    tap_var       weights, y = tap__attention(r.q, r.k, r.v, mask, p, false, 0, &weights);
    if (tap_tape_status(r.tape, NULL) != TAP_OK) return (tap_var){ .tape = query.tape };
    if (c.weights) *c.weights = averaged(&r, &c, weights);
    y = l->options.batch_first ? tap_transpose(y, 1, 2) : tap_permute(y, 4, (int[]){ 2, 0, 1, 3 });
    y = tap_linear_forward(&l->out_proj, tap_flatten(y, 2, 3));
    return r.batched ? y : tap_squeeze(y, TAP_AXES(l->options.batch_first ? 0 : 1));
}
