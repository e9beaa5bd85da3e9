/* nn/functional/bilinear.c: a linear function of the products of two vectors' elements. */
#include "autograd/composed.h"
#include "nn/nn.h"

tap_var tap_bilinear(tap_var x1, tap_var x2, tap_var weight, tap_var bias)
{
    TAP_CALL("bilinear", x1, x2, weight, bias);
    const tap_var in[] = { x1, x2, weight, bias };
    const int     n = bias.tape ? 4 : 3;
    if (!tap__same_tape("bilinear", n, in)) return tap__inert(tap__tape_of(4, in));
    const tap_shape a = tap_shape_of(x1), b = tap_shape_of(x2), w = tap_shape_of(weight);
    if (a.rank < 1 || a.rank != b.rank || w.rank != 3 || a.n[a.rank - 1] != w.n[1] || b.n[b.rank - 1] != w.n[2])
        return tap__fail_inputs("bilinear", n, in, TAP_ESHAPE, "needs x1 [..,in1], x2 [..,in2] and a weight [out,in1,in2]");
    for (int i = 0; i < a.rank - 1; i++) {
        if (a.n[i] != b.n[i])
            return tap__fail_inputs("bilinear", n, in, TAP_ESHAPE, "x1 and x2 must have the same leading axes");
    }
    /* [n,in1] x [in1,out in2] -> [n,out,in2], which [n,in2,1] reduces to [n,out] */
    const tap_var by_in1 = tap_reshape(tap_transpose(weight, 0, 1), TAP_SHAPE(w.n[1], w.n[0] * w.n[2]));
    const tap_var rows = tap_matmul(tap_reshape(x1, TAP_SHAPE(-1, w.n[1])), by_in1);
    tap_shape     out = a;
    out.n[a.rank - 1] = w.n[0];
    tap_var y = tap_matmul(tap_unflatten(rows, 1, TAP_SHAPE(w.n[0], w.n[2])), tap_reshape(x2, TAP_SHAPE(-1, w.n[2], 1)));
    y = tap_reshape(y, out);
    return bias.tape ? tap_add(y, bias) : y;
}
