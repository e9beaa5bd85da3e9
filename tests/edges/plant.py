#!/usr/bin/env python3
"""Plants faults in a copy of the library, one at a time. A test of the edges must fail with each of them.

    python3 tests/edges/plant.py                   # all faults
    python3 tests/edges/plant.py --only softmax    # those whose file, test or reason contains this word
    python3 tests/edges/plant.py --list
    python3 tests/edges/plant.py --check           # only check that the faults fit the sources

A fault is a row of FAULTS: file, old text, new text, test, reason.

    ("nn/functional/normalization.c", "the old text", "the new text", "nn/edges_norms", "the reason why the new text is wrong"),

The old text must occur exactly once in the file. Tests are named as by `meson test --list`, floor/name. Add rows at the end of the
section of your file. A good row is a change that a careless programmer could make: a clamp dropped, a mask multiplied where it should
select, a formula that overflows or cancels.

The sources that git knows, with uncommitted changes, are copied and built in a folder of their own, so the tree itself does not change;
--build FOLDER keeps that folder for the next time. Prints a line for each fault, and the number of faults noticed. The exit status is
0 if all were noticed and every test passed before.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

FAULTS = [
    # Losses
    ("nn/functional/losses.c", "is_present(weight) ? tap__chain_mul(weight, loss) : loss;", "is_present(weight) ? tap_mul(weight, loss) : loss;",
     "nn/edges_losses", "a weight of 0 multiplies what is infinite"),
    ("nn/functional/losses.c", "is_present(c->ignored) ? tap_masked_fill(loss, c->ignored, 0) : loss;", "loss;",
     "nn/edges_losses", "what is ignored is weighted with 0, not left out"),
    ("nn/functional/losses.c", "tap_var terms = tap__chain_mul(target, log_p);", "tap_var terms = tap_mul(target, log_p);",
     "nn/edges_losses", "a class that is not to be expected counts where it is impossible"),
    ("nn/functional/losses.c", "how == TAP_REDUCE_MEAN ? tap__mean_square(d, TAP_ALL) : reduce(tap_square(d), how)", "reduce(tap_square(d), how)",
     "nn/edges_losses", "squares overflow whose mean does not"),
    ("nn/functional/losses.c", "tap_mean(rest.n > 0 ? tap_sum(loss, rest) : loss, TAP_ALL);",
     "tap_mul_scalar(tap_sum(loss, TAP_ALL), 1 / (double)tap_shape_of(loss).n[0]);",
     "nn/edges_losses", "a sum over the batch overflows whose mean does not"),
    ("nn/functional/losses.c", "reduce(tap_abs(tap__safe_sub(input, target)), how)", "reduce(tap_abs(tap_sub(input, target)), how)",
     "nn/edges_losses", "infinity less infinity"),
    ("nn/functional/losses.c", "    return e == 1 ? uniform : tap_add(", "    return tap_add(", "nn/edges_losses", "a share of 0 of an infinite loss"),
    ("nn/functional/losses.c", "tap_mul_scalar(tap_div(x, tap_mean(weights, TAP_ALL)), 1 / (double)tap_numel(tap_shape_of(weights)))",
     "tap_div(x, tap_sum(weights, TAP_ALL))", "nn/edges_losses", "the sum of the weights overflows"),
    ("nn/functional/losses.c", "(tap__dtype_of(d) == TAP_F32 && (float)beta == 0)", "false", "nn/edges_losses", "0 / 0 for a beta that float32 rounds to 0"),
    ("autograd/ops/elementwise_functions.h", "-M(chain)(t, t * MAX(log_p, -100))", "-M(chain)(t, t * log_p)", "nn/edges_losses", "a dropped clamp"),
    ("autograd/ops/elementwise_functions.h", "positive > 1 ? t * positive * w : t * w * positive;", "t * (w * positive);", "nn/edges_losses",
     "pos_weight overflows before the target is seen"),
    ("autograd/ops/elementwise_functions.h", "d < (T)INFINITY ? delta * (d - delta / 2) : 2 * delta * (half - delta / 4);", "delta * (d - delta / 2);",
     "nn/edges_losses", "a difference overflows"),
    ("autograd/ops/elementwise_functions.h", "M(exp)(a / 2), d = a - b, y = half * d * half;", "M(exp)(a), d = a - b, y = half * d;",
     "nn/edges_losses", "e^t is subnormal where its product is not"),
    ("autograd/ops/elementwise.c", "tap_div(tap_div(tap_sub(p, t), p), q), at_end)", "tap_sub(tap_div(tap_sub(one, t), q), tap_div(t, p)), at_end)",
     "nn/edges_losses", "1 / p of t cancels where p is near t"),
    # Layers without parameters
    ("nn/functional/similarity.c", "terms, one);", "1, one);", "nn/edges_norms", "norms of large numbers overflow"),
    ("nn/functional/similarity.c", "tap_masked_fill(norm, tap_eq(norm, tap_scalar_like(norm, 0)), (double)INFINITY)", "norm", "nn/edges_norms", "0 / 0"),
    ("nn/functional/normalization.c", "share == 0 ? 0 : share * x;", "share * x;", "nn/edges_norms", "a share of 0 of infinite statistics"),
    ("nn/functional/normalization.c", "tap__standard_score(x, running_mean_of(x, running_mean), deviation(x, running_var, eps))",
     "tap_div(tap_sub(x, running_mean_of(x, running_mean)), deviation(x, running_var, eps))", "nn/edges_norms", "x less the mean overflows, or is 0 / 0"),
    ("nn/functional/normalization.c", "sqrt(tap_tensor_item(*var, i) + eps));", "sqrt((float)(tap_tensor_item(*var, i) + eps)));", "nn/edges_norms",
     "eps is lost in float32"),
    ("nn/functional/attention.c", "tap_matmul(tap_mul_scalar(query, scale), tap_mT(key));", "tap_mul_scalar(tap_matmul(query, tap_mT(key)), scale);",
     "nn/edges_norms", "products overflow before they are scaled"),
    ("nn/functional/attention.c", "tap_where(tap_eq(mask, masked_score), masked_score, tap_add(scores, mask));", "tap_add(scores, mask);", "nn/edges_norms",
     "an infinite score is masked by addition"),
    ("nn/functional/attention.c", "tap_masked_fill(tap_softmax(tap_masked_fill(scores, fully_masked, 0), -1), fully_masked, 0);", "tap_softmax(scores, -1);", "nn/edges_norms",
     "a query that sees nothing sees all"),
    ("tensor/kernels/moments.c", "exponent > MAX_EXPONENT ? MAX_EXPONENT : exponent < -MAX_EXPONENT ? -MAX_EXPONENT : exponent;", "exponent;", "nn/edges_norms",
     "eps overflows in the units of tiny numbers"),
    ("autograd/ops/moments.c", "    if (1 / eps > (tap__dtype_of(r) == TAP_F32 ? 0x1.fffffep127 : 0x1.fffffffffffffp1023)) return v;\n", "",
     "nn/edges_norms",
     "the inverse of a norm overflows, and counts as held"),
    # autograd, and what nn has for images
    ("tensor/kernels/linalg.c", "        if (shift[i]) scale_by_power(x.dtype, matrix, all, shift[i]);", "        shift[i] = 0;", "autograd/edges",
     "matrices near the ends of the range are factored as they are"),
    ("tensor/kernels/linalg_template.h", "product = tap__scaled_mul(product, tap__scaled_of(u, 0));",
     "product = tap__scaled_of(tap__scaled_value(product) * u, 0);", "autograd/edges", "a determinant whose partial products overflow"),
    ("autograd/ops/linalg.c", "gin[0] = weighted_cofactors(tap_in(n, 0), g);",
     "gin[0] = tap_mul(over_matrices(g), tap__cofactors(tap_in(n, 0)));", "autograd/edges", "cofactors out of range, times a gradient near 0"),
    ("autograd/ops/linalg.c", "gl = tap_tril(upper ? tap_mT(g) : g, 0)", "gl = upper ? tap_mT(g) : g", "autograd/edges",
     "NaN above the diagonal of a Cholesky factor's gradient"),
    ("autograd/ops/elementwise_functions.h", "return ((g == 0) & (y != y)) ? 0 : y;", "return y;", "autograd/edges",
     "a gradient of 0 multiplied by an infinite slope"),
    ("autograd/ops/elementwise_functions.h", "y = b > 0 ? a * w : a * h * (h * w);", "y = b > 0 ? a * w : a * (h * h * w);", "autograd/edges",
     "a sigmoid that underflows before its product"),
    ("autograd/ops/elementwise.def", "MAX(a, b) + M(softplus)(-L(fabs)(a - b))", "M(log)(M(exp)(a) + M(exp)(b))", "autograd/edges",
     "logaddexp without the maximum"),
    ("autograd/ops/elementwise.def", "BINARY(hypot,           EXPENSIVE, L(hypot)(a, b), ", "BINARY(hypot,           EXPENSIVE, L(sqrt)(a * a + b * b), ",
     "autograd/edges", "hypot by squares"),
    ("autograd/ops/elementwise.def", "UNARY(softplus,    MODERATE,  M(softplus)(x), ", "UNARY(softplus,    MODERATE,  M(log)(1 + M(exp)(x)), ",
     "autograd/edges", "a naive softplus"),
    ("autograd/ops/elementwise.def", "a == 0 && b == b ? 0 : a * M(log)(b),", "a * M(log)(b),", "autograd/edges", "xlogy at 0, 0"),
    ("autograd/ops/elementwise_composed.c", "return tap_where(mask, tap_scalar_like(x, value), x);",
     "return tap_add(tap_mul(x, tap_cast(tap_logical_not(mask), tap__dtype_of(x))), tap_mul_scalar(tap_cast(mask, tap__dtype_of(x)), value));",
     "autograd/edges", "a mask multiplied where it should select"),
    ("autograd/ops/einsum.c", "if (inner.n == 0) {", "if (false) {", "autograd/edges", "elements multiplied as matrices"),
    ("nn/functional/pool.c", "const tap_var mean = tap_mean(windows(x, w, 0), TAP_AXES(-2, -1));",
     "const tap_var mean = tap_div(tap_sum(slide(x, w, 0), TAP_AXES(-2, -1)), tap_scalar_like(x, (double)(w[0].size * w[1].size)));",
     "autograd/edges", "means over windows as sums that overflow"),
    ("nn/functional/pool.c", "windows(tap_detach(x), w, -(double)INFINITY)", "windows(tap_detach(x), w, 0)", "autograd/edges", "a maximum over padding with zeros"),
    ("nn/functional/interpolate.c", "tap__chain_mul(tap_cast(weight, tap_value(x).dtype), x)", "tap_mul(x, tap_cast(weight, tap_value(x).dtype))",
     "autograd/edges", "weights of 0 on infinite pixels"),
    ("nn/functional/blur.c", "r = effective_radius(node->value.dtype, r, sigma);", "", "autograd/edges", "weights that are 0 in a blur"),
    # distributions, divergences and bounds
    ("nn/dist/kl.c", "tap_var scale_term = tap__expm1_minus_x(tap_mul_scalar(tap_sub(q.param[1], p.param[1]), 2));",
     "tap_var e = tap_mul_scalar(tap_sub(q.param[1], p.param[1]), 2), scale_term = tap_sub(tap_expm1(e), e);", "nn/edges_distributions",
     "KL of Gaussians cancels where the scales are nearly equal"),
    ("nn/dist/kl.c", "return tap__bernoulli_kl(q.param[0], p.param[0]);",
     "return tap_add(tap_mul(tap_sigmoid(q.param[0]), tap_sub(q.param[0], p.param[0])), "
     "tap_sub(tap_softplus(p.param[0]), tap_softplus(q.param[0])));",
     "nn/edges_distributions", "KL of Bernoulli variables cancels at large logits"),
    ("nn/dist/kl.c", "tap__chain_mul(tap_erf(u), tap__divide_by_scale(x, p.param[1], 1))", "tap_mul(tap_erf(u), tap__divide_by_scale(x, p.param[1], 1))",
     "nn/edges_distributions", "0 inf in the KL of a Normal from a Laplace"),
    ("nn/dist/normal.c", "tap_var u = tap__divide_by_scale(tap_sub(x, d.param[0]), d.param[1], TAP__FOURTH_ROOT_HALF);",
     "tap_var u = tap_mul(tap_sub(x, d.param[0]), tap_mul_scalar(tap_exp(tap_neg(d.param[1])), TAP__SQRT_HALF));", "nn/edges_distributions",
     "1 / scale overflows where the distance in scales does not"),
    ("nn/dist/normal.c", "tap_exp(tap_add(d.param[0], normal_variance(d)))", "tap_exp(tap_add(d.param[0], tap_mul_scalar(normal_variance(d), 0.5)))",
     "nn/edges_distributions", "the variance of a log-normal of half the variance"),
    ("nn/dist/continuous_bernoulli.c", "return tap__neg_inf_where(tap__sub_to_neg_inf(tap_neg(tap__cb_cumulant(minus_abs(l, positive), 0)), tap_neg(lx)), outside);",
     "return tap__neg_inf_where(tap_sub(tap_mul(x, l), tap__cb_cumulant(l, 0)), outside);", "nn/edges_distributions",
     "l x - log Z cancels at large logits"),
    ("nn/dist/categorical.c", "return tap__neg_inf_where(tap_squeeze(log_px, TAP_AXES(-1)), outside);", "return tap_squeeze(log_px, TAP_AXES(-1));", "nn/edges_distributions", "a number that is not a class counts as the first class"),
    ("nn/dist/categorical.c", "return tap__neg_inf_where(tap_sum(terms, TAP_LAST), not_one_hot(x));", "return tap_sum(terms, TAP_LAST);",
     "nn/edges_distributions", "what is not one-hot has a probability"),
    ("nn/dist/negative_binomial.c", "return tap_where(small, tap_exp(tap_where(small, log_mu, tap_scalar_like(z, 0))), general);", "return general;",
     "nn/edges_distributions", "the Poisson that a large theta leaves is lost"),
    ("nn/dist/negative_binomial.c", "return tap_where(likely, by_complement, by_sum);", "return by_sum;", "nn/edges_distributions", "1 - P(0) is lost where P(0) is nearly 1"),
    ("nn/dist/relaxed.c", "tap_sub(tap__sub_to_neg_inf(tap_log(t), softplus), tap_add(log_x, log_1_x))",
     "tap_sub(tap_sub(tap_log(t), softplus), tap_add(log_x, log_1_x))",
     "nn/edges_distributions", "inf - inf at an infinite temperature"),
    ("nn/dist/discretized_logistic.c", "return tap_where(small, tap_add_scalar(tap_neg(log_scale), LOG_2_BY_255), tap_log(tap_neg(tap_expm1(tap_neg(w)))));",
     "return tap_log(tap_neg(tap_expm1(tap_mul_scalar(tap_exp(tap_neg(log_scale)), -2. / MAX_BYTE))));", "nn/edges_distributions",
     "the width of a byte underflows at a large scale"),
    ("nn/dist/bound.c", "return tap__chain_mul(tap__safe_sub(x, tap_detach(x)), tap_detach(g));", "return tap_mul(tap_sub(x, tap_detach(x)), tap_detach(g));",
     "nn/edges_distributions", "an infinite signal makes the bound NaN"),
    ("nn/dist/bound.c", "tap_where(tap_le(mean, tap_scalar_like(mean, nats)), tap_scalar_like(kl, nats), kl)",
     "tap_where(tap_gt(mean, tap_scalar_like(mean, nats)), kl, tap_scalar_like(kl, nats))", "nn/edges_distributions", "free bits hide NaN"),
    ("autograd/ops/elementwise_functions.h", "return small ? z * z / 2 * sum : large;", "return large;", "autograd/edges", "e^x - 1 - x cancels near 0"),
]


class Tree:
    """A copy of the sources, and its build."""

    def __init__(self, folder):
        self.source = os.path.join(folder, "source")
        self.build = os.path.join(folder, "build")
        self.env = dict(os.environ, TAP_SOURCE_ROOT=self.source, OMP_NUM_THREADS="2", OMP_WAIT_POLICY="passive")
        os.makedirs(self.source, exist_ok=True)
        self.copy()
        if not os.path.exists(os.path.join(self.build, "build.ninja")):
            command = ["meson", "setup", self.build, self.source, "-Dexamples=false", "-Doptimization=1"]
            if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
                sys.exit("the copy cannot be configured")

    def copy(self):
        """Copies the files that have changed, so that the build stays incremental."""
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True)
        for file in listed.stdout.splitlines():
            there = os.path.join(ROOT, file)
            if not os.path.isfile(there):
                continue
            old = os.path.join(self.source, file)
            if os.path.isfile(old) and read(old, "rb") == read(there, "rb"):
                continue
            os.makedirs(os.path.dirname(old), exist_ok=True)
            shutil.copy(there, old)

    def outcome(self, test):
        """"green", "red", or "does not build"."""
        target = "tests/test_" + test.replace("/", "_")
        if subprocess.run(["ninja", "-C", self.build, target], capture_output=True).returncode:
            return "does not build"
        try:
            run = subprocess.run([os.path.join(self.build, target)], env=self.env, cwd=self.source, capture_output=True, timeout=300)
        except subprocess.TimeoutExpired:
            return "red"
        return "red" if run.returncode else "green"

    def plant(self, file, old, new, test):
        """The outcome of the test with the fault. Restores the file."""
        path = os.path.join(self.source, file)
        text = read(path)
        if text.count(old) != 1:
            return "the old text occurs %d times" % text.count(old)
        try:
            write(path, text.replace(old, new))
            return self.outcome(test)
        finally:
            write(path, text)


def read(path, mode="r"):
    with open(path, mode) as f:
        return f.read()


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="WORD")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--build", metavar="FOLDER")
    arguments = parser.parse_args()
    faults = [f for f in FAULTS if any(arguments.only in text for text in (f[0], f[3], f[4]))]
    if arguments.check:
        return check(faults)
    if arguments.list:
        for file, _, _, test, reason in faults:
            print("%-28s %-22s %s" % (file, test, reason))
        return 0
    folder = arguments.build or tempfile.mkdtemp()
    try:
        return run(Tree(os.path.abspath(folder)), faults)
    finally:
        if not arguments.build:
            shutil.rmtree(folder)


def check(faults):
    """Each old text must occur exactly once in its file."""
    wrong = 0
    for file, old, _, test, reason in faults:
        path = os.path.join(ROOT, file)
        count = read(path).count(old) if os.path.exists(path) else 0
        if count != 1:
            print("%s: found %d times: %s (%s, %s)" % (file, count, old.strip(), test, reason))
            wrong += 1
    print("%d faults, %d out of date" % (len(faults), wrong))
    return 1 if wrong else 0


def run(tree, faults):
    missed = 0
    for test in sorted({f[3] for f in faults}):
        outcome = tree.outcome(test)
        if outcome != "green":
            print("%s is %s without a fault" % (test, outcome))
            missed += 1
    for file, old, new, test, reason in faults:
        outcome = tree.plant(file, old, new, test)
        print("%-9s %-28s %-22s %s" % ("noticed" if outcome == "red" else "MISSED" if outcome == "green" else "ERROR", file, test, reason), flush=True)
        if outcome not in ("red", "green"):
            print("          " + outcome)
        missed += outcome != "red"
    print("%d faults, %d noticed" % (len(faults), len(faults) - missed) if faults else "no such fault")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
