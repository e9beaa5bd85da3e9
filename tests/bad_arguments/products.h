/* Wrong arguments, for test_abuse_autograd.c, of matrix products, einsum and linear algebra. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_PRODUCTS_H
#define TAP_TESTS_BAD_ARGUMENTS_PRODUCTS_H

/* clang-format off */
#define PRODUCT_WRONGS \
    X(matmul_inner, TAP_ESHAPE, "matmul: [2,2] x [3,2] (theta): inner sizes 2 and 3 differ", \
      w->out = two(w, tap_matmul, tap_zeros(w->t, TAP_SHAPE(3, 2)))) \
    X(matmul_vector, TAP_ESHAPE, "matmul: [2,2] x [3] (theta): inner sizes 2 and 3 differ", \
      w->out = two(w, tap_matmul, tap_zeros(w->t, TAP_SHAPE(3)))) \
    X(matmul_scalar, TAP_ESHAPE, "matmul: [2,2] x [] (theta): a scalar is neither matrix nor vector; see tap_mul", \
      w->out = two(w, tap_matmul, w->in.s)) \
    X(matmul_scalar_vector, TAP_ESHAPE, "matmul: [] x [2]: a scalar is neither matrix nor vector; see tap_mul", \
      w->out = tap_matmul(w->in.s, w->in.v)) \
    X(matmul_leading, TAP_ESHAPE, "matmul: [2,2,2] x [3,2,2]: the leading axes do not broadcast", \
      w->out = tap_matmul(tap_zeros(w->t, TAP_SHAPE(2, 2, 2)), tap_zeros(w->t, TAP_SHAPE(3, 2, 2)))) \
    X(matmul_dtypes, TAP_EDTYPE, "matmul: [2,2] x [2,2] (theta): dtypes float64 and float32 differ", \
      w->out = two(w, tap_matmul, var_of(w, TAP_F32))) \
    X(matmul_bools, TAP_EDTYPE, "matmul: [2,2] x [2,2]: bool is not float32 or float64; tap_cast makes it so", \
      w->out = tap_matmul(w->in.condition, w->in.condition)) \
    X(matmul_overflowing, TAP_ESHAPE, \
      "matmul: [1099511627776,0] x [0,1099511627776]: a result [1099511627776,1099511627776] of float64 cannot be", \
      w->out = tap_matmul(tap_zeros(w->t, TAP_SHAPE(1ll << 40, 0)), tap_zeros(w->t, TAP_SHAPE(0, 1ll << 40)))) \
    X(matmul_vast, TAP_ENOMEM, NULL, w->out = tap_matmul(wide(w, 1 << 25), wide(w, 1 << 25))) \
    X(dot_matrix, TAP_ESHAPE, "dot: [2,2] x [2] (theta): needs vectors [n] and [n]", w->out = two(w, tap_dot, w->in.v)) \
    X(mv_matrix, TAP_ESHAPE, "mv: [2,2] x [2,2] (theta): needs a matrix [m,n] and a vector [n]", \
      w->out = tap_mv(w->in.a, w->in.b)) \
    X(mm_sizes, TAP_ESHAPE, "mm: [2,2] x [3,2] (theta): needs matrices [m,k] and [k,n]", \
      w->out = two(w, tap_mm, tap_zeros(w->t, TAP_SHAPE(3, 2)))) \
    X(mm_dtypes, TAP_EDTYPE, "mm: [2,2] x [2,2] (theta): dtypes float64 and float32 differ", \
      w->out = two(w, tap_mm, var_of(w, TAP_F32))) \
    X(bmm_batches, TAP_ESHAPE, "bmm: [1,2,2] x [2,2,2]: needs batches of matrices [b,m,k] and [b,k,n]", \
      w->out = tap_bmm(tap_zeros(w->t, TAP_SHAPE(1, 2, 2)), tap_zeros(w->t, TAP_SHAPE(2, 2, 2)))) \
    X(outer_matrix, TAP_ESHAPE, "outer: [2,2] x [2] (theta): needs vectors [m] and [n]", w->out = two(w, tap_outer, w->in.v)) \
    X(inner_sizes, TAP_ESHAPE, "inner: [2,2] x [3] (theta): last sizes 2 and 3 differ", \
      w->out = two(w, tap_inner, tap_zeros(w->t, TAP_SHAPE(3)))) \
    X(inner_rank, TAP_ESHAPE, "inner: [1,1,1,1,1,1,1,1] x [1,1,1,1,1,1,1,1]: the result has too many axes", \
      tap_var x = tap_zeros(w->t, TAP_SHAPE(1, 1, 1, 1, 1, 1, 1, 1)); w->out = tap_inner(x, x)) \
    X(addmm_input, TAP_ESHAPE, "addmm: [1,2,2] x [2,2] x [2,2] (theta, theta): the input does not broadcast to the product", \
      w->out = tap_addmm(tap_unsqueeze(w->in.a, 0), w->in.a, w->in.a, 1, 1)) \
    X(baddbmm_input, TAP_ESHAPE, "baddbmm: [3] x [1,2,2] x [1,2,2]: the input does not broadcast to the product", \
      tap_var x = tap_unsqueeze(w->in.a, 0); w->out = tap_baddbmm(tap_zeros(w->t, TAP_SHAPE(3)), x, x, 0, 1)) \
    X(tensordot_count, TAP_EARG, "tensordot: [2,2] x [2,2] (theta): n must be 0 to the smaller rank, not 3", \
      w->out = tap_tensordot(w->in.a, w->in.b, 3, NULL, NULL)) \
    X(tensordot_negative, TAP_EARG, "tensordot: [2,2] x [2,2] (theta): n must be 0 to the smaller rank, not -2147483648", \
      w->out = tap_tensordot(w->in.a, w->in.b, INT_MIN, NULL, NULL)) \
    X(tensordot_null, TAP_EARG, "tensordot: [2,2] x [2,2] (theta): one of axes_a and axes_b is NULL", \
      w->out = tap_tensordot(w->in.a, w->in.b, 1, (int[]){ 0 }, NULL)) \
    X(tensordot_axis, TAP_EARG, "tensordot: [2,2] x [2,2] (theta): axis 2 of input 1 is out of range", \
      w->out = tap_tensordot(w->in.a, w->in.b, 1, (int[]){ 0 }, (int[]){ 2 })) \
    X(tensordot_twice, TAP_EARG, "tensordot: [2,2] x [2,2] (theta): axis -2 of input 0 occurs twice", \
      w->out = tap_tensordot(w->in.a, w->in.b, 2, (int[]){ 0, -2 }, (int[]){ 0, 1 })) \
    X(tensordot_sizes, TAP_ESHAPE, "tensordot: [2,2] x [3] (theta): paired sizes 2 and 3 differ", \
      w->out = tap_tensordot(w->in.a, tap_zeros(w->t, TAP_SHAPE(3)), 1, NULL, NULL)) \
    X(tensordot_int, TAP_EDTYPE, "tensordot: [2,2] x [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      w->out = tap_tensordot(var_of(w, TAP_I64), var_of(w, TAP_I64), 1, NULL, NULL)) \
    X(einsum_null, TAP_EARG, "einsum: [2,2] (theta): the equation is NULL", w->out = tap_einsum(NULL, 1, &w->in.a)) \
    X(einsum_many, TAP_EARG, "einsum: [2,2] x [2,2] x [2,2] x [2,2] x ... (theta, theta, theta, theta): there can be at most 16 inputs, not 17", \
      tap_var many[17]; for (int i = 0; i < 17; i++) many[i] = w->in.a; w->out = tap_einsum("ij", 17, many)) \
    X(einsum_fewer, TAP_EARG, "einsum: [2,2] (theta): 'ij,jk': it must have as many groups as there are inputs", \
      w->out = tap_einsum("ij,jk", 1, &w->in.a)) \
    X(einsum_more, TAP_EARG, "einsum: [2,2] x [2,2] (theta): 'ij->ij': it must have as many groups as there are inputs", \
      w->out = tap_einsum("ij->ij", 2, (tap_var[]){ w->in.a, w->in.b })) \
    X(einsum_sign, TAP_EARG, "einsum: [2,2] (theta): 'i1': it must consist of letters, \"...\", \",\" and one \"->\"", \
      w->out = tap_einsum("i1", 1, &w->in.a)) \
    X(einsum_between, TAP_EARG, "einsum: [2,2] (theta): 'i[': it must consist of letters, \"...\", \",\" and one \"->\"", \
      w->out = tap_einsum("i[", 1, &w->in.a)) \
    X(einsum_half_arrow, TAP_EARG, "einsum: [2,2] (theta): 'ij-i': it must consist of letters, \"...\", \",\" and one \"->\"", \
      w->out = tap_einsum("ij-i", 1, &w->in.a)) \
    X(einsum_fewer_letters, TAP_EARG, "einsum: [2,2] (theta): 'i': each group must have as many letters as its input has axes", \
      w->out = tap_einsum("i", 1, &w->in.a)) \
    X(einsum_arrow, TAP_EARG, "einsum: [2,2] (theta): 'ij-': it must consist of letters, \"...\", \",\" and one \"->\"", \
      w->out = tap_einsum("ij-", 1, &w->in.a)) \
    X(einsum_arrows, TAP_EARG, \
      "einsum: [2,2] (theta): 'ij->i->j': it must consist of letters, \"...\", \",\" and one \"->\"", \
      w->out = tap_einsum("ij->i->j", 1, &w->in.a)) \
    X(einsum_dots, TAP_EARG, "einsum: [2,2] (theta): '...i...': \"...\" occurs twice in one group", \
      w->out = tap_einsum("...i...", 1, &w->in.a)) \
    X(einsum_rank, TAP_EARG, "einsum: [2,2] (theta): 'ijk': each group must have as many letters as its input has axes", \
      w->out = tap_einsum("ijk", 1, &w->in.a)) \
    X(einsum_long, TAP_EARG, "einsum: [2,2] (theta): 'iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii': " \
      "a group has too many letters", char eq[500]; memset(eq, 'i', 499); eq[499] = '\0'; w->out = tap_einsum(eq, 1, &w->in.a)) \
    X(einsum_output_twice, TAP_EARG, "einsum: [2,2] (theta): 'ij->ii': a letter occurs twice in the output", \
      w->out = tap_einsum("ij->ii", 1, &w->in.a)) \
    X(einsum_output_apart, TAP_EARG, "einsum: [2,2] (theta): 'ij->iji': a letter occurs twice in the output", \
      w->out = tap_einsum("ij->iji", 1, &w->in.a)) \
    X(einsum_output_new, TAP_EARG, "einsum: [2,2] (theta): 'ij->k': a letter of the output is in no input", \
      w->out = tap_einsum("ij->k", 1, &w->in.a)) \
    X(einsum_output_first, TAP_EARG, "einsum: [2,2] (theta): 'ij->A': a letter of the output is in no input", \
      w->out = tap_einsum("ij->A", 1, &w->in.a)) \
    X(einsum_output_rank, TAP_EARG, "einsum: [1,1,1,1,1] x [1,1,1,1,1]: 'abcde,fghij': the result has too many axes", \
      tap_var x = tap_zeros(w->t, TAP_SHAPE(1, 1, 1, 1, 1)); w->out = tap_einsum("abcde,fghij", 2, (tap_var[]){ x, x })) \
    X(einsum_product_rank, TAP_ESHAPE, "einsum: [2,2] x [2,2] x [2,2] x [2,2] x ... (theta, theta, theta, theta): " \
      "'ab,cd,ef,gh,ij,abcdefgh->ij': an intermediate product has too many axes", \
      tap_var x[6]; for (int i = 0; i < 5; i++) x[i] = w->in.a; \
      x[5] = tap_zeros(w->t, TAP_SHAPE(2, 2, 2, 2, 2, 2, 2, 2)); w->out = tap_einsum("ab,cd,ef,gh,ij,abcdefgh->ij", 6, x)) \
    X(einsum_diagonal, TAP_ESHAPE, "einsum: [2,3]: 'ii->i': the axes i have two sizes", \
      tap_var x = tap_zeros(w->t, TAP_SHAPE(2, 3)); w->out = tap_einsum("ii->i", 1, &x)) \
    X(einsum_sizes, TAP_ESHAPE, "einsum: [2,2] x [3] (theta): 'ij,j': j is 2 and 3", \
      w->out = tap_einsum("ij,j", 2, (tap_var[]){ w->in.a, tap_zeros(w->t, TAP_SHAPE(3)) })) \
    X(einsum_first_small, TAP_ESHAPE, "einsum: [2,2] x [3] (theta): 'ia,a': a is 2 and 3", \
      w->out = tap_einsum("ia,a", 2, (tap_var[]){ w->in.a, tap_zeros(w->t, TAP_SHAPE(3)) })) \
    X(einsum_last_large, TAP_ESHAPE, "einsum: [2,2] x [3] (theta): 'iZ,Z': Z is 2 and 3", \
      w->out = tap_einsum("iZ,Z", 2, (tap_var[]){ w->in.a, tap_zeros(w->t, TAP_SHAPE(3)) })) \
    X(einsum_dots_sizes, TAP_ESHAPE, "einsum: [2,2] x [3] (theta): '...,...': ... is 2 and 3", \
      w->out = tap_einsum("...,...", 2, (tap_var[]){ w->in.a, tap_zeros(w->t, TAP_SHAPE(3)) })) \
    X(einsum_int, TAP_EDTYPE, "einsum: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      tap_var x = var_of(w, TAP_I64); w->out = tap_einsum("ij->i", 1, &x)) \
    X(tril_vector, TAP_ESHAPE, "tril: [2]: needs a matrix [..,m,n]", w->out = tap_tril(w->in.v, 0)) \
    X(triu_scalar, TAP_ESHAPE, "triu: []: needs a matrix [..,m,n]", w->out = tap_triu(w->in.s, 0)) \
    X(trace_vector, TAP_ESHAPE, "trace: [2]: needs a matrix [..,m,n]", w->out = tap_trace(w->in.v)) \
    X(cholesky_shape, TAP_ESHAPE, "cholesky: [1,2]: needs a square matrix [..,n,n]", \
      w->out = tap_cholesky(tap_slice(w->in.a, 0, 0, 1, 1), TAP_LOWER)) \
    X(cholesky_int, TAP_EDTYPE, "cholesky: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      w->out = tap_cholesky(var_of(w, TAP_I64), TAP_LOWER)) \
    X(cholesky_indefinite, TAP_EARG, "cholesky: [2,2] (theta): matrix 0 is not positive definite (leading minor 2)", \
      w->out = tap_cholesky(w->in.a, TAP_LOWER)) \
    X(cholesky_nan, TAP_EARG, "cholesky: [2,2]: matrix 0 is not positive definite (leading minor 1)", \
      w->out = tap_cholesky(tap_mul_scalar(w->in.a, (double)NAN), TAP_UPPER)) \
    X(cholesky_solve_vector, TAP_ESHAPE, "cholesky_solve: [2] x [2,2] (theta): needs b [..,n,m] and a factor [..,n,n]", \
      w->out = tap_cholesky_solve(w->in.v, w->in.a, TAP_LOWER)) \
    X(cholesky_solve_rows, TAP_ESHAPE, "cholesky_solve: [3,2] x [2,2] (theta): a has size 2, b has 3 rows", \
      w->out = tap_cholesky_solve(tap_zeros(w->t, TAP_SHAPE(3, 2)), w->in.a, TAP_LOWER)) \
    X(triangular_vector, TAP_ESHAPE, "solve_triangular: [2,2] x [2] (theta): needs b [..,n,m]", \
      w->out = tap_solve_triangular(w->in.a, w->in.v, TAP_LOWER, TAP_LEFT, TAP_NON_UNIT)) \
    X(triangular_right, TAP_ESHAPE, "solve_triangular: [2,2] x [2,3] (theta): needs a [..,n,n] and b [..,m,n]", \
      w->out = tap_solve_triangular(w->in.a, tap_zeros(w->t, TAP_SHAPE(2, 3)), TAP_LOWER, TAP_RIGHT, TAP_NON_UNIT)) \
    X(triangular_leading, TAP_ESHAPE, "solve_triangular: [2,2,2] x [3,2,2]: the leading axes do not broadcast", \
      tap_var x = tap_zeros(w->t, TAP_SHAPE(3, 2, 2)); \
      w->out = tap_solve_triangular(tap_zeros(w->t, TAP_SHAPE(2, 2, 2)), x, TAP_UPPER, TAP_LEFT, TAP_UNIT)) \
    X(triangular_vast, TAP_ENOMEM, NULL, \
      w->out = tap_solve_triangular(w->in.a, tap_expand(w->in.s, TAP_SHAPE(2, 1ll << 50)), TAP_UPPER, TAP_LEFT, TAP_UNIT)) \
    X(solve_rows, TAP_ESHAPE, "solve: [2,2] x [3] (theta): a has size 2, b has 3 rows", \
      w->out = tap_solve(w->in.a, tap_zeros(w->t, TAP_SHAPE(3)))) \
    X(solve_dtypes, TAP_EDTYPE, "solve: [2,2] x [2,2] (theta): dtypes float64 and float32 differ", \
      w->out = two(w, tap_solve, var_of(w, TAP_F32))) \
    X(solve_scalars, TAP_ESHAPE, "solve: [] x []: needs a square matrix [..,n,n]", w->out = tap_solve(w->in.s, w->in.s)) \
    X(solve_singular, TAP_EARG, "solve: [2,2] x [2]: matrix 0 is singular (pivot 2)", w->out = tap_solve(wide(w, 2), w->in.v)) \
    X(inv_shape, TAP_ESHAPE, "inv: [2]: needs a square matrix [..,n,n]", w->out = tap_inv(w->in.v)) \
    X(inv_singular, TAP_EARG, "inv: [3,2,2]: matrix 1 is singular (pivot 1)", \
      w->out = tap_inv(tap_stack(3, (tap_var[]){ w->in.a, tap_zeros(w->t, TAP_SHAPE(2, 2)), w->in.b }, 0))) \
    X(inv_vast, TAP_ENOMEM, NULL, w->out = tap_inv(wide(w, 1 << 25))) \
    X(det_shape, TAP_ESHAPE, "det: []: needs a square matrix [..,n,n]", w->out = tap_det(w->in.s)) \
    X(det_vast, TAP_ENOMEM, NULL, w->out = tap_det(wide(w, 1 << 25))) \
    X(slogdet_bool, TAP_EDTYPE, "slogdet: [2,2]: bool is not float32 or float64; tap_cast makes it so", \
      w->out = tap_slogdet(w->in.condition, NULL)) \
    X(logdet_shape, TAP_ESHAPE, "logdet: [2]: needs a square matrix [..,n,n]", w->out = tap_logdet(w->in.v)) \
    X(slogdet_gradient, TAP_EARG, "backward of slogdet: [2,2]: solve: [2,2] x [2,2]: matrix 0 is singular (pivot 2)", \
      w->status = tap_backward(tap_slogdet(wide(w, 2), NULL))) \
    X(affine_inner, TAP_ESHAPE, "affine: [2,2] x [2,3] x [2] (theta): inner sizes 2 and 3 differ", \
      w->out = tap_affine(w->in.a, tap_zeros(w->t, TAP_SHAPE(2, 3)), w->in.v)) \
    X(affine_bias, TAP_ESHAPE, "affine: [2,2] x [2,2] x [3] (theta): 2 outputs, but 3 biases", \
      w->out = tap_affine(w->in.a, w->in.b, tap_zeros(w->t, TAP_SHAPE(3)))) \
    X(affine_ranks, TAP_ESHAPE, "affine: [] x [2,2] x [2]: needs x [..,in], weight [out,in] and bias [out]", \
      w->out = tap_affine(w->in.s, w->in.b, w->in.v)) \
    X(affine_dtypes, TAP_EDTYPE, "affine: [2,2] x [2,2] x [2] (theta): dtypes float64 and float32 differ", \
      w->out = tap_affine(w->in.a, var_of(w, TAP_F32), w->in.v)) \
    X(affine_int, TAP_EDTYPE, "affine: [2,2] x [2,2] x [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      w->out = tap_affine(var_of(w, TAP_I64), var_of(w, TAP_I64), var_of(w, TAP_I64)))
/* clang-format on */

#endif
