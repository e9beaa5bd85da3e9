/* tests/bad_arguments/products.h: bad calls of matrix products, einsum and linear algebra, for test_autograd.c. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_PRODUCTS_H
#define TAP_TESTS_BAD_ARGUMENTS_PRODUCTS_H

static void bad_inner_rank(fixture *f)
{
    tap_var x = tap_zeros(f->t, TAP_SHAPE(1, 1, 1, 1, 1, 1, 1, 1));
    f->out = tap_inner(x, x);
}

static void bad_baddbmm_input(fixture *f)
{
    tap_var x = tap_unsqueeze(f->in.a, 0);
    f->out = tap_baddbmm(tap_zeros(f->t, TAP_SHAPE(3)), x, x, 0, 1);
}

static void bad_einsum_many(fixture *f)
{
    tap_var many[17];
    for (int i = 0; i < 17; i++) many[i] = f->in.a;
    f->out = tap_einsum("ij", 17, many);
}

static void bad_einsum_long(fixture *f)
{
    char eq[500];
    memset(eq, 'i', 499);
    eq[499] = '\0';
    f->out = tap_einsum(eq, 1, &f->in.a);
}

static void bad_einsum_output_rank(fixture *f)
{
    tap_var x = tap_zeros(f->t, TAP_SHAPE(1, 1, 1, 1, 1));
    f->out = tap_einsum("abcde,fghij", 2, (tap_var[]){ x, x });
}

static void bad_einsum_product_rank(fixture *f)
{
    tap_var x[6];
    for (int i = 0; i < 5; i++) x[i] = f->in.a;
    x[5] = tap_zeros(f->t, TAP_SHAPE(2, 2, 2, 2, 2, 2, 2, 2));
    f->out = tap_einsum("ab,cd,ef,gh,ij,abcdefgh->ij", 6, x);
}

static void bad_einsum_diagonal(fixture *f)
{
    tap_var x = tap_zeros(f->t, TAP_SHAPE(2, 3));
    f->out = tap_einsum("ii->i", 1, &x);
}

static void bad_einsum_int(fixture *f)
{
    tap_var x = var_of(f, TAP_I64);
    f->out = tap_einsum("ij->i", 1, &x);
}

static void bad_triangular_leading(fixture *f)
{
    tap_var x = tap_zeros(f->t, TAP_SHAPE(3, 2, 2));
    f->out = tap_solve_triangular(tap_zeros(f->t, TAP_SHAPE(2, 2, 2)), x, TAP_UPPER, TAP_LEFT, TAP_UNIT);
}

/* clang-format off */
#define PRODUCT_BAD_CALLS \
    BAD_VAR(matmul_inner, TAP_ESHAPE, "matmul: [2,2] x [3,2] (theta): inner sizes 2 and 3 differ", \
      with_a(f, tap_matmul, tap_zeros(f->t, TAP_SHAPE(3, 2)))) \
    BAD_VAR(matmul_vector, TAP_ESHAPE, "matmul: [2,2] x [3] (theta): inner sizes 2 and 3 differ", \
      with_a(f, tap_matmul, tap_zeros(f->t, TAP_SHAPE(3)))) \
    BAD_VAR(matmul_scalar, TAP_ESHAPE, "matmul: [2,2] x [] (theta): a scalar is neither matrix nor vector; see tap_mul", \
      with_a(f, tap_matmul, f->in.s)) \
    BAD_VAR(matmul_scalar_vector, TAP_ESHAPE, "matmul: [] x [2]: a scalar is neither matrix nor vector; see tap_mul", \
      tap_matmul(f->in.s, f->in.v)) \
    BAD_VAR(matmul_leading, TAP_ESHAPE, "matmul: [2,2,2] x [3,2,2]: the leading axes do not broadcast", \
      tap_matmul(tap_zeros(f->t, TAP_SHAPE(2, 2, 2)), tap_zeros(f->t, TAP_SHAPE(3, 2, 2)))) \
    BAD_VAR(matmul_dtypes, TAP_EDTYPE, "matmul: [2,2] x [2,2] (theta): dtypes float64 and float32 differ", \
      with_a(f, tap_matmul, var_of(f, TAP_F32))) \
    BAD_VAR(matmul_bools, TAP_EDTYPE, "matmul: [2,2] x [2,2]: bool is not float32 or float64; tap_cast makes it so", \
      tap_matmul(f->in.condition, f->in.condition)) \
    BAD_VAR(matmul_overflowing, TAP_ESHAPE, \
      "matmul: [1099511627776,0] x [0,1099511627776]: " \
      "the result must have a valid shape and dtype, not [1099511627776,1099511627776] of float64", \
      tap_matmul(tap_zeros(f->t, TAP_SHAPE(1ll << 40, 0)), tap_zeros(f->t, TAP_SHAPE(0, 1ll << 40)))) \
    BAD_VAR(matmul_vast, TAP_ENOMEM, NULL, tap_matmul(wide(f, 1 << 25), wide(f, 1 << 25))) \
    BAD_VAR(dot_matrix, TAP_ESHAPE, "dot: [2,2] x [2] (theta): needs vectors [n] and [n]", with_a(f, tap_dot, f->in.v)) \
    BAD_VAR(mv_matrix, TAP_ESHAPE, "mv: [2,2] x [2,2] (theta): needs a matrix [m,n] and a vector [n]", \
      tap_mv(f->in.a, f->in.b)) \
    BAD_VAR(mm_sizes, TAP_ESHAPE, "mm: [2,2] x [3,2] (theta): needs matrices [m,k] and [k,n]", \
      with_a(f, tap_mm, tap_zeros(f->t, TAP_SHAPE(3, 2)))) \
    BAD_VAR(mm_dtypes, TAP_EDTYPE, "mm: [2,2] x [2,2] (theta): dtypes float64 and float32 differ", \
      with_a(f, tap_mm, var_of(f, TAP_F32))) \
    BAD_VAR(bmm_batches, TAP_ESHAPE, "bmm: [1,2,2] x [2,2,2]: needs batches of matrices [b,m,k] and [b,k,n]", \
      tap_bmm(tap_zeros(f->t, TAP_SHAPE(1, 2, 2)), tap_zeros(f->t, TAP_SHAPE(2, 2, 2)))) \
    BAD_VAR(outer_matrix, TAP_ESHAPE, "outer: [2,2] x [2] (theta): needs vectors [m] and [n]", with_a(f, tap_outer, f->in.v)) \
    BAD_VAR(inner_sizes, TAP_ESHAPE, "inner: [2,2] x [3] (theta): last sizes 2 and 3 differ", \
      with_a(f, tap_inner, tap_zeros(f->t, TAP_SHAPE(3)))) \
    BAD_FUNCTION(inner_rank, TAP_ESHAPE, "inner: [1,1,1,1,1,1,1,1] x [1,1,1,1,1,1,1,1]: the result has too many axes") \
    BAD_VAR(addmm_input, TAP_ESHAPE, \
      "addmm: [1,2,2] x [2,2] x [2,2] (theta, theta): the input does not broadcast to the product", \
      tap_addmm(tap_unsqueeze(f->in.a, 0), f->in.a, f->in.a, 1, 1)) \
    BAD_FUNCTION(baddbmm_input, TAP_ESHAPE, "baddbmm: [3] x [1,2,2] x [1,2,2]: the input does not broadcast to the product") \
    BAD_VAR(tensordot_count, TAP_EARG, "tensordot: [2,2] x [2,2] (theta): n must be 0 to the smaller rank, not 3", \
      tap_tensordot(f->in.a, f->in.b, 3, NULL, NULL)) \
    BAD_VAR(tensordot_negative, TAP_EARG, \
      "tensordot: [2,2] x [2,2] (theta): n must be 0 to the smaller rank, not -2147483648", \
      tap_tensordot(f->in.a, f->in.b, INT_MIN, NULL, NULL)) \
    BAD_VAR(tensordot_null, TAP_EARG, "tensordot: [2,2] x [2,2] (theta): one of axes_a and axes_b is NULL", \
      tap_tensordot(f->in.a, f->in.b, 1, (int[]){ 0 }, NULL)) \
    BAD_VAR(tensordot_axis, TAP_EARG, "tensordot: [2,2] x [2,2] (theta): axis 2 of input 1 is out of range", \
      tap_tensordot(f->in.a, f->in.b, 1, (int[]){ 0 }, (int[]){ 2 })) \
    BAD_VAR(tensordot_twice, TAP_EARG, "tensordot: [2,2] x [2,2] (theta): axis -2 of input 0 occurs twice", \
      tap_tensordot(f->in.a, f->in.b, 2, (int[]){ 0, -2 }, (int[]){ 0, 1 })) \
    BAD_VAR(tensordot_sizes, TAP_ESHAPE, "tensordot: [2,2] x [3] (theta): paired sizes 2 and 3 differ", \
      tap_tensordot(f->in.a, tap_zeros(f->t, TAP_SHAPE(3)), 1, NULL, NULL)) \
    BAD_VAR(tensordot_int, TAP_EDTYPE, "tensordot: [2,2] x [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      tap_tensordot(var_of(f, TAP_I64), var_of(f, TAP_I64), 1, NULL, NULL)) \
    BAD_VAR(einsum_null, TAP_EARG, "einsum: [2,2] (theta): the equation is NULL", tap_einsum(NULL, 1, &f->in.a)) \
    BAD_FUNCTION(einsum_many, TAP_EARG, \
      "einsum: [2,2] x [2,2] x [2,2] x [2,2] x ... (theta, theta, theta, theta): there can be at most 16 inputs, not 17") \
    BAD_VAR(einsum_fewer, TAP_EARG, "einsum: [2,2] (theta): 'ij,jk': it must have as many groups as there are inputs", \
      tap_einsum("ij,jk", 1, &f->in.a)) \
    BAD_VAR(einsum_more, TAP_EARG, "einsum: [2,2] x [2,2] (theta): 'ij->ij': it must have as many groups as there are inputs", \
      tap_einsum("ij->ij", 2, (tap_var[]){ f->in.a, f->in.b })) \
    BAD_VAR(einsum_sign, TAP_EARG, "einsum: [2,2] (theta): 'i1': it must consist of letters, \"...\", \",\" and one \"->\"", \
      tap_einsum("i1", 1, &f->in.a)) \
    BAD_VAR(einsum_between, TAP_EARG, \
      "einsum: [2,2] (theta): 'i[': it must consist of letters, \"...\", \",\" and one \"->\"", \
      tap_einsum("i[", 1, &f->in.a)) \
    BAD_VAR(einsum_half_arrow, TAP_EARG, \
      "einsum: [2,2] (theta): 'ij-i': it must consist of letters, \"...\", \",\" and one \"->\"", \
      tap_einsum("ij-i", 1, &f->in.a)) \
    BAD_VAR(einsum_fewer_letters, TAP_EARG, \
      "einsum: [2,2] (theta): 'i': each group must have as many letters as its input has axes", \
      tap_einsum("i", 1, &f->in.a)) \
    BAD_VAR(einsum_arrow, TAP_EARG, "einsum: [2,2] (theta): 'ij-': it must consist of letters, \"...\", \",\" and one \"->\"", \
      tap_einsum("ij-", 1, &f->in.a)) \
    BAD_VAR(einsum_arrows, TAP_EARG, \
      "einsum: [2,2] (theta): 'ij->i->j': it must consist of letters, \"...\", \",\" and one \"->\"", \
      tap_einsum("ij->i->j", 1, &f->in.a)) \
    BAD_VAR(einsum_dots, TAP_EARG, "einsum: [2,2] (theta): '...i...': \"...\" occurs twice in one group", \
      tap_einsum("...i...", 1, &f->in.a)) \
    BAD_VAR(einsum_rank, TAP_EARG, "einsum: [2,2] (theta): 'ijk': each group must have as many letters as its input has axes", \
      tap_einsum("ijk", 1, &f->in.a)) \
    BAD_FUNCTION(einsum_long, TAP_EARG, \
      "einsum: [2,2] (theta): 'iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii': a group has too many " \
      "letters") \
    BAD_VAR(einsum_output_twice, TAP_EARG, "einsum: [2,2] (theta): 'ij->ii': a letter occurs twice in the output", \
      tap_einsum("ij->ii", 1, &f->in.a)) \
    BAD_VAR(einsum_output_apart, TAP_EARG, "einsum: [2,2] (theta): 'ij->iji': a letter occurs twice in the output", \
      tap_einsum("ij->iji", 1, &f->in.a)) \
    BAD_VAR(einsum_output_new, TAP_EARG, "einsum: [2,2] (theta): 'ij->k': a letter of the output is in no input", \
      tap_einsum("ij->k", 1, &f->in.a)) \
    BAD_VAR(einsum_output_first, TAP_EARG, "einsum: [2,2] (theta): 'ij->A': a letter of the output is in no input", \
      tap_einsum("ij->A", 1, &f->in.a)) \
    BAD_FUNCTION(einsum_output_rank, TAP_EARG, \
      "einsum: [1,1,1,1,1] x [1,1,1,1,1]: 'abcde,fghij': the result has too many axes") \
    BAD_FUNCTION(einsum_product_rank, TAP_ESHAPE, \
      "einsum: [2,2] x [2,2] x [2,2] x [2,2] x ... (theta, theta, theta, theta): 'ab,cd,ef,gh,ij,abcdefgh->ij': an " \
      "intermediate product has too many axes") \
    BAD_FUNCTION(einsum_diagonal, TAP_ESHAPE, "einsum: [2,3]: 'ii->i': the axes i have two sizes") \
    BAD_VAR(einsum_sizes, TAP_ESHAPE, "einsum: [2,2] x [3] (theta): 'ij,j': j is 2 and 3", \
      tap_einsum("ij,j", 2, (tap_var[]){ f->in.a, tap_zeros(f->t, TAP_SHAPE(3)) })) \
    BAD_VAR(einsum_first_small, TAP_ESHAPE, "einsum: [2,2] x [3] (theta): 'ia,a': a is 2 and 3", \
      tap_einsum("ia,a", 2, (tap_var[]){ f->in.a, tap_zeros(f->t, TAP_SHAPE(3)) })) \
    BAD_VAR(einsum_last_large, TAP_ESHAPE, "einsum: [2,2] x [3] (theta): 'iZ,Z': Z is 2 and 3", \
      tap_einsum("iZ,Z", 2, (tap_var[]){ f->in.a, tap_zeros(f->t, TAP_SHAPE(3)) })) \
    BAD_VAR(einsum_dots_sizes, TAP_ESHAPE, "einsum: [2,2] x [3] (theta): '...,...': ... is 2 and 3", \
      tap_einsum("...,...", 2, (tap_var[]){ f->in.a, tap_zeros(f->t, TAP_SHAPE(3)) })) \
    BAD_FUNCTION(einsum_int, TAP_EDTYPE, "einsum: [2,2]: int64 is not float32 or float64; tap_cast makes it so") \
    BAD_VAR(tril_vector, TAP_ESHAPE, "tril: [2]: needs a matrix [..,m,n]", tap_tril(f->in.v, 0)) \
    BAD_VAR(triu_scalar, TAP_ESHAPE, "triu: []: needs a matrix [..,m,n]", tap_triu(f->in.s, 0)) \
    BAD_VAR(trace_vector, TAP_ESHAPE, "trace: [2]: needs a matrix [..,m,n]", tap_trace(f->in.v)) \
    BAD_VAR(cholesky_shape, TAP_ESHAPE, "cholesky: [1,2]: needs a square matrix [..,n,n]", \
      tap_cholesky(tap_slice(f->in.a, 0, 0, 1, 1), TAP_LOWER)) \
    BAD_VAR(cholesky_int, TAP_EDTYPE, "cholesky: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      tap_cholesky(var_of(f, TAP_I64), TAP_LOWER)) \
    BAD_VAR(cholesky_indefinite, TAP_EARG, "cholesky: [2,2] (theta): matrix 0 is not positive definite (leading minor 2)", \
      tap_cholesky(f->in.a, TAP_LOWER)) \
    BAD_VAR(cholesky_nan, TAP_EARG, "cholesky: [2,2]: matrix 0 is not positive definite (leading minor 1)", \
      tap_cholesky(tap_mul_scalar(f->in.a, (double)NAN), TAP_UPPER)) \
    BAD_VAR(cholesky_solve_vector, TAP_ESHAPE, "cholesky_solve: [2] x [2,2] (theta): needs b [..,n,m] and a factor [..,n,n]", \
      tap_cholesky_solve(f->in.v, f->in.a, TAP_LOWER)) \
    BAD_VAR(cholesky_solve_rows, TAP_ESHAPE, "cholesky_solve: [3,2] x [2,2] (theta): a has size 2, b has 3 rows", \
      tap_cholesky_solve(tap_zeros(f->t, TAP_SHAPE(3, 2)), f->in.a, TAP_LOWER)) \
    BAD_VAR(triangular_vector, TAP_ESHAPE, "solve_triangular: [2,2] x [2] (theta): needs b [..,n,m]", \
      tap_solve_triangular(f->in.a, f->in.v, TAP_LOWER, TAP_LEFT, TAP_NON_UNIT)) \
    BAD_VAR(triangular_right, TAP_ESHAPE, "solve_triangular: [2,2] x [2,3] (theta): needs a [..,n,n] and b [..,m,n]", \
      tap_solve_triangular(f->in.a, tap_zeros(f->t, TAP_SHAPE(2, 3)), TAP_LOWER, TAP_RIGHT, TAP_NON_UNIT)) \
    BAD_FUNCTION(triangular_leading, TAP_ESHAPE, "solve_triangular: [2,2,2] x [3,2,2]: the leading axes do not broadcast") \
    BAD_VAR(triangular_vast, TAP_ENOMEM, NULL, \
      tap_solve_triangular(f->in.a, tap_expand(f->in.s, TAP_SHAPE(2, 1ll << 50)), TAP_UPPER, TAP_LEFT, TAP_UNIT)) \
    BAD_VAR(solve_rows, TAP_ESHAPE, "solve: [2,2] x [3] (theta): a has size 2, b has 3 rows", \
      tap_solve(f->in.a, tap_zeros(f->t, TAP_SHAPE(3)))) \
    BAD_VAR(solve_dtypes, TAP_EDTYPE, "solve: [2,2] x [2,2] (theta): dtypes float64 and float32 differ", \
      with_a(f, tap_solve, var_of(f, TAP_F32))) \
    BAD_VAR(solve_scalars, TAP_ESHAPE, "solve: [] x []: needs a square matrix [..,n,n]", tap_solve(f->in.s, f->in.s)) \
    BAD_VAR(solve_singular, TAP_EARG, "solve: [2,2] x [2]: matrix 0 is singular (pivot 2)", tap_solve(wide(f, 2), f->in.v)) \
    BAD_VAR(inv_shape, TAP_ESHAPE, "inv: [2]: needs a square matrix [..,n,n]", tap_inv(f->in.v)) \
    BAD_VAR(inv_singular, TAP_EARG, "inv: [3,2,2]: matrix 1 is singular (pivot 1)", \
      tap_inv(tap_stack(3, (tap_var[]){ f->in.a, tap_zeros(f->t, TAP_SHAPE(2, 2)), f->in.b }, 0))) \
    BAD_VAR(inv_vast, TAP_ENOMEM, NULL, tap_inv(wide(f, 1 << 25))) \
    BAD_VAR(det_shape, TAP_ESHAPE, "det: []: needs a square matrix [..,n,n]", tap_det(f->in.s)) \
    BAD_VAR(det_vast, TAP_ENOMEM, NULL, tap_det(wide(f, 1 << 25))) \
    BAD_VAR(slogdet_bool, TAP_EDTYPE, "slogdet: [2,2]: bool is not float32 or float64; tap_cast makes it so", \
      tap_slogdet(f->in.condition, NULL)) \
    BAD_VAR(logdet_shape, TAP_ESHAPE, "logdet: [2]: needs a square matrix [..,n,n]", tap_logdet(f->in.v)) \
    BAD_STATUS(slogdet_gradient, TAP_EARG, "backward of slogdet: [2,2]: solve: [2,2] x [2,2]: matrix 0 is singular (pivot 2)", \
      tap_backward(tap_slogdet(wide(f, 2), NULL))) \
    BAD_VAR(affine_inner, TAP_ESHAPE, "affine: [2,2] x [2,3] x [2] (theta): inner sizes 2 and 3 differ", \
      tap_affine(f->in.a, tap_zeros(f->t, TAP_SHAPE(2, 3)), f->in.v)) \
    BAD_VAR(affine_bias, TAP_ESHAPE, "affine: [2,2] x [2,2] x [3] (theta): 2 outputs, but 3 biases", \
      tap_affine(f->in.a, f->in.b, tap_zeros(f->t, TAP_SHAPE(3)))) \
    BAD_VAR(affine_ranks, TAP_ESHAPE, "affine: [] x [2,2] x [2]: needs x [..,in], weight [out,in] and bias [out]", \
      tap_affine(f->in.s, f->in.b, f->in.v)) \
    BAD_VAR(affine_dtypes, TAP_EDTYPE, "affine: [2,2] x [2,2] x [2] (theta): dtypes float64 and float32 differ", \
      tap_affine(f->in.a, var_of(f, TAP_F32), f->in.v)) \
    BAD_VAR(affine_int, TAP_EDTYPE, "affine: [2,2] x [2,2] x [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      tap_affine(var_of(f, TAP_I64), var_of(f, TAP_I64), var_of(f, TAP_I64)))
/* clang-format on */

#endif
