/* tests/models/test_locale.c: the library's files, options and messages have the same bytes in every locale, also where numbers
 * have a comma and strings sort, fold and translate in other ways. LOCPATH may name a folder of locales that are not
 * installed. */
#define _XOPEN_SOURCE 700
#include "examples/vae_cells/cells.h"
#include "examples/vae_cells/simulate.h"
#include "tests/tensor/scratch.h"

#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <sys/stat.h>

#include "models/models.h"

/* With a comma; with a letter i that is not ASCII's in upper case, one byte long; with a comma of two bytes. */
static const char *const locales[] = { "de_DE.UTF-8", "tr_TR.ISO-8859-9", "ps_AF.UTF-8", "fr_FR.UTF-8", "de_DE" };
enum { LOCALES = sizeof locales / sizeof *locales };

static FILE *transcript; /* a file of the messages and values that the library gave, compared like the files that it wrote */

static void write_line(const char *message)
{
    fputs(message, transcript);
    fputc('\n', transcript);
}

static void write_hex(const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) fprintf(transcript, "%02x", ((const unsigned char *)bytes)[i]);
    fputc('\n', transcript);
}

static void write_error(const tap_error *e)
{
    assert_int_not_equal(e->status, TAP_OK);
    write_line(e->message);
}

/* Writes the error of an arena, and frees it. */
static void write_arena_error(tap_arena *a)
{
    const char *message;
    assert_int_not_equal(tap_arena_status(a, &message), TAP_OK);
    write_line(message);
    tap_arena_free(a);
}

static void write_csr(tap_arena *a, tap_csr x)
{
    const char *message;
    if (tap_arena_status(a, &message) != TAP_OK) fail_msg("%s", message);
    write_hex(x.start, (size_t)(x.rows + 1) * sizeof *x.start);
    write_hex(x.column, (size_t)x.start[x.rows] * sizeof *x.column);
    write_hex(x.value, (size_t)x.start[x.rows] * sizeof *x.value);
    tap_arena_free(a);
}

static void write_text(const char *path, const char *text)
{
    scratch_write(path, text, strlen(text));
}

/* ---- Files ---- */

static float numbers[3][4] = { { 0.1f, 0, -1.5e-7f, 0 }, { 0, 0, 0, 1234.5f }, { 3.25f, 1e30f, 0, -0.0625f } };

static tap_tensor all_numbers(void)
{
    return tap_tensor_wrap(TAP_F32, TAP_SHAPE(3, 4), numbers);
}

static void matrix_market(void)
{
    tap_arena *a = tap_arena_new();
    tap_csr    x = tap_csr_from_dense(a, all_numbers());
    assert_int_equal(tap_matrix_market_write("real.mtx", x, NULL), TAP_OK);
    assert_int_equal(tap_matrix_market_write("real.mtx.gz", x, NULL), TAP_OK);
    tap_arena_free(a);
    a = tap_arena_new();
    write_csr(a, tap_matrix_market_read(a, "real.mtx"));
    a = tap_arena_new();
    write_csr(a, tap_matrix_market_read(a, "real.mtx.gz"));

    write_text("upper.mtx", "%%MATRIXMARKET MATRIX COORDINATE INTEGER GENERAL\n1 1 1\n1 1 12\n");
    a = tap_arena_new();
    write_csr(a, tap_matrix_market_read(a, "upper.mtx"));
    write_text("comma.mtx", "%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 1,5\n");
    a = tap_arena_new();
    tap_matrix_market_read(a, "comma.mtx");
    write_arena_error(a);
}

static void tables(void)
{
    tap_arena *a;
    write_text("point.csv", "-;g1;g2\nc1;1.5;2e-3\nc2;0;.25\n");
    a = tap_arena_new();
    write_csr(a, tap_csv_read_matrix(a, "point.csv", ';', NULL, NULL));
    write_text("comma.csv", "-;g1;g2\nc1;1,5;2\nc2;0;3\n");
    a = tap_arena_new();
    tap_csv_read_matrix(a, "comma.csv", ';', NULL, NULL);
    write_arena_error(a);
    write_text("counts.csv", "-,g1,g2\nc1,1,2\nc2,0,2.5\n");
    a = tap_arena_new();
    cells_read(a, "counts.csv"); /* no count */
    write_arena_error(a);
}

static void cells(void)
{
    static double counts[2][3] = { { 1, 0, 7 }, { 0, 20, 0 } };
    tap_arena    *a = tap_arena_new();
    cells_file    c = { .counts = tap_csr_from_dense(a, tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 3), counts)) };
    assert_int_equal(mkdir("cells", 0777), 0);
    assert_int_equal(cells_write("cells", c, NULL), TAP_OK);
    tap_arena_free(a);
    a = tap_arena_new();
    write_csr(a, cells_read(a, "cells").counts);
}

static void tensors(void)
{
    static uint8_t         pixels[2][2] = { { 0, 85 }, { 170, 255 } };
    tap_arena             *a = tap_arena_new();
    const tap_tensor       x = all_numbers();
    const tap_named_tensor named = { "numbers", x };
    const tap_metadata     scale = { "scale", "0.5" };
    assert_int_equal(tap_npy_write("numbers.npy", x, NULL), TAP_OK);
    assert_int_equal(tap_safetensors_write("numbers.safetensors", 1, &named, 1, &scale, NULL), TAP_OK);
    assert_int_equal(tap_png_write("pixels.png", tap_tensor_wrap(TAP_U8, TAP_SHAPE(2, 2), pixels), NULL), TAP_OK);
    write_hex(tap_npy_read(a, "numbers.npy").data, sizeof numbers);
    const tap_safetensors file = tap_safetensors_read(a, "numbers.safetensors");
    assert_int_equal(file.n, 1);
    write_hex(file.tensors[0].tensor.data, sizeof numbers);
    write_line(tap_safetensors_metadata(&file, "scale"));
    tap_arena_free(a);
}

/* ---- Options ---- */

typedef struct {
    tap_module     *root;
    tap_tape       *tape;
    tap_linear      layer;
    tap_optim      *optim;
    tap_loader     *data;
    tap_checkpoint *c;
} run;

static run begin(const char *path, double beta1, double scale)
{
    run r = { .root = tap_module_new(TAP_F32, 1), .tape = tap_tape_new(TAP_F32, 2), .c = tap_checkpoint_new(path) };
    tap_linear_init(&r.layer, r.root, "layer", 4, 2);
    r.optim = tap_adam_new(r.root, (tap_adam_options){ .lr = 0.0125, .beta1 = beta1, .weight_decay = 0.1 });
    r.data = tap_loader_new(all_numbers(), (tap_loader_options){ .batch = 2, .scale = scale });
    tap_checkpoint_module(r.c, "net", r.root);
    tap_checkpoint_optim(r.c, "adam", r.optim);
    tap_checkpoint_tape(r.c, "tape", r.tape);
    tap_checkpoint_loader(r.c, "data", r.data);
    return r;
}

static void end(run *r)
{
    tap_checkpoint_free(r->c);
    tap_loader_free(r->data);
    tap_tape_free(r->tape);
    tap_module_free(r->root);
}

static void load(const char *path, double beta1, double scale)
{
    tap_error  e = { 0 };
    run        r = begin(path, beta1, scale);
    const bool ok = tap_checkpoint_resume(r.c, &e);
    write_line(ok ? "loaded" : e.message);
    end(&r);
}

static void checkpoints(void)
{
    tap_error  e = { 0 };
    tap_tensor x;
    run        r = begin("run.safetensors", 0.85, 0.3);
    assert_true(tap_loader_next(r.data, &x));
    tap_backward(tap_mean(tap_square(tap_linear_forward(&r.layer, tap_input(r.tape, x))), TAP_ALL));
    assert_int_equal(tap_optim_step(r.optim, r.tape), TAP_OK);
    if (tap_checkpoint_save(r.c, &e) != TAP_OK) fail_msg("%s", e.message);
    end(&r);
    load("run.safetensors", 0.85, 0.3);
    load("run.safetensors", 0.95, 0.3); /* other options than those of the run */
    load("run.safetensors", 0.85, 0.4);
    load("../C/run.safetensors", 0.85, 0.3); /* of the run in the C locale */
}

/* ---- Messages ---- */

static tap_var cubed(tap_tape *t, const tap_var *in, void *slope)
{
    (void)t;
    const double now = tap_item(tap_sum(in[0], TAP_ALL)), factor = *(const double *)slope;
    return tap_add_scalar(tap_mul_scalar(in[0], factor), now * now); /* of which the tape knows a part */
}

static void gradient_checks(void)
{
    double     at = 0.75, slope = 1.5;
    tap_tensor x = tap_tensor_wrap(TAP_F64, TAP_SHAPE(1), &at);
    write_line(tap_gradcheck(cubed, &slope, 1, &x, (tap_gradcheck_options){ 0 }).message);
    write_line(tap_gradcheck(cubed, &slope, 1, &x, (tap_gradcheck_options){ .eps = -0.5 }).message);
}

static tap_status refuse(tap_call *c, tap_tensor *out)
{
    (void)out;
    return tap_call_fail(c, TAP_EARG, "delta is %g", *(const double *)c->attr);
}

static tap_var own_operator(tap_var x)
{
    static const tap_op op = { .name = "own", .infer = refuse, .attr_size = sizeof(double) };
    return tap_apply(&op, &(double){ -0.5 }, 1, &x);
}

static tap_var smooth_clip(tap_var x)
{
    return tap_smooth_clip(x, 1.5, 0.5);
}
static tap_var dropout(tap_var x)
{
    return tap_dropout(x, 1.5, true);
}
static tap_var free_bits(tap_var x)
{
    return tap_free_bits(x, -0.5);
}
static tap_var huber_loss(tap_var x)
{
    return tap_huber_loss(x, x, TAP_REDUCE_MEAN, -0.5);
}
static tap_var smooth_l1_loss(tap_var x)
{
    return tap_smooth_l1_loss(x, x, TAP_REDUCE_MEAN, -0.5);
}
static tap_var gaussian_blur(tap_var x)
{
    return tap_gaussian_blur(tap_reshape(x, TAP_SHAPE(1, 1, 3, 4)), 3, -0.5);
}

static void operators(void)
{
    static tap_var (*const refused[])(tap_var) = { own_operator, smooth_clip,    dropout,      free_bits,
                                                   huber_loss,   smooth_l1_loss, gaussian_blur };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const char *message;
        tap_tape   *t = tap_tape_new(TAP_F32, 0);
        refused[i](tap_input(t, all_numbers()));
        assert_int_not_equal(tap_tape_status(t, &message), TAP_OK);
        write_line(message);
        tap_tape_free(t);
    }
}

static void dumps(void)
{
    tap_tape *t = tap_tape_new(TAP_F32, 0);
    tap_var   x = tap_input(t, all_numbers());
    tap_dump(x, transcript);
    tap_sum(tap_mul_scalar(x, 0.5), TAP_ALL);
    assert_int_equal(tap_tape_write_dot(t, "graph.dot", NULL), TAP_OK);
    tap_tape_free(t);
}

static void say_module(void (*init)(tap_module *root))
{
    const char *message;
    tap_module *root = tap_module_new(TAP_F32, 0);
    init(root);
    assert_int_not_equal(tap_module_status(root, &message), TAP_OK);
    write_line(message);
    tap_module_free(root);
}

static void bad_parameter(tap_module *m)
{
    tap_param_new(m, "weight", TAP_SHAPE(2), tap_init_normal(-0.5));
}
static void bad_rate(tap_module *m)
{
    tap_adam_new(m, (tap_adam_options){ .beta1 = 1.5 });
}
static void bad_sigma(tap_module *m)
{
    tap_linear_vae_init(&(tap_linear_vae){ 0 }, m, 4, 2, -0.5);
}
static void bad_bits(tap_module *m)
{
    tap_vae_init(&(tap_vae){ 0 }, m, (tap_vae_options){ .data = 4, .free_bits = -0.5 });
}

static void owners(void)
{
    const char *message;
    tap_error   e = { 0 };
    tap_arena  *a = tap_arena_new();
    say_module(bad_parameter);
    say_module(bad_rate);
    say_module(bad_sigma);
    say_module(bad_bits);
    tap_csr_log_normalize(a, tap_csr_from_dense(a, all_numbers()), -0.5);
    write_arena_error(a);
    a = tap_arena_new();
    simulate_counts(a, (count_simulation){ .cells = 2, .genes = 3, .theta = -0.5 });
    write_arena_error(a);
    tap_loader *l = tap_loader_new(all_numbers(), (tap_loader_options){ .scale = (double)NAN });
    tap_loader_status(l, &message);
    write_line(message);
    tap_loader_free(l);
    tap_error_set(&e, TAP_EARG, "of the program's own: %.3f, %e and %g", 1234.5, 1e-7, 0.1);
    write_error(&e);
}

/* The C library translates the system's messages. */
static void reasons(void)
{
    tap_error  e = { 0 };
    tap_arena *a = tap_arena_new();
    tap_npy_read(a, "absent.npy");
    write_arena_error(a);
    assert_int_not_equal(tap_npy_write("absent/x.npy", all_numbers(), &e), TAP_OK);
    write_error(&e);
}

/* ---- Everything, in each locale ---- */

static void everything(const char *folder)
{
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_int_equal(chdir(folder), 0);
    transcript = fopen("said", "w");
    assert_non_null(transcript);
    matrix_market();
    tables();
    cells();
    tensors();
    checkpoints();
    gradient_checks();
    operators();
    dumps();
    owners();
    reasons();
    assert_int_equal(fclose(transcript), 0);
    assert_int_equal(chdir(".."), 0);
}

static void compare(const char *name, const char *locale)
{
    char   path[1024];
    size_t n_wanted, n;
    snprintf(path, sizeof path, "C/%s", name);
    char *wanted = scratch_read(path, &n_wanted);
    snprintf(path, sizeof path, "%s/%s", locale, name);
    char *found = scratch_read(path, &n);
    if (n != n_wanted || memcmp(found, wanted, n) != 0) fail_msg("%s in %s: '%s', not '%s'", name, locale, found, wanted);
    free(wanted);
    free(found);
}

static int compare_folder(const char *folder, const char *locale)
{
    char path[512];
    int  n = 0;
    snprintf(path, sizeof path, "C/%s", folder);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d));) {
        if (*entry->d_name == '.' || !strcmp(entry->d_name, "cells")) continue;
        snprintf(path, sizeof path, "%s%s", folder, entry->d_name);
        compare(path, locale);
        n++;
    }
    closedir(d);
    return n;
}

static void test_same_bytes_in_every_locale(void **state)
{
    (void)state;
    int tried = 0;
    everything("C");
    for (int i = 0; i < LOCALES; i++) {
        if (!setlocale(LC_ALL, locales[i])) continue;
        print_message("in %s\n", locales[i]);
        assert_string_not_equal(localeconv()->decimal_point, ".");
        everything(locales[i]);
        assert_string_equal(setlocale(LC_ALL, NULL), locales[i]); /* the program's locale stays */
        setlocale(LC_ALL, "C");
        assert_int_equal(compare_folder("", locales[i]), 13);
        assert_int_equal(compare_folder("cells/", locales[i]), 3);
        tried++;
    }
    if (!tried) {
        print_message("skipped: no locale with a comma is installed\n");
        skip();
    }
}

/* A thread may have a locale of its own, which the library leaves as it is. */
static void test_locale_of_a_thread(void **state)
{
    (void)state;
    char text[32];
    if (!setlocale(LC_ALL, locales[0])) {
        print_message("skipped: %s is not installed\n", locales[0]);
        skip();
    }
    locale_t locale = duplocale(LC_GLOBAL_LOCALE); /* newlocale leaks the folders of LOCPATH in some versions of glibc */
    setlocale(LC_ALL, "C");
    uselocale(locale);
    everything("thread");
    snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_equal(text, "0,5");
    assert_ptr_equal(uselocale(LC_GLOBAL_LOCALE), locale);
    assert_int_equal(compare_folder("", "thread"), 13);
    freelocale(locale);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bytes_in_every_locale),
        cmocka_unit_test(test_locale_of_a_thread),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
