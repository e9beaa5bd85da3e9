/* tests/faults/files.c: scenarios with files. Each writer replaces an old file, each reader reads a good one. */
#define _XOPEN_SOURCE 700
#include "examples/vae_cells/cells.h"
#include "tests/faults/faults.h"

#include <zlib.h>

#include "models/models.h"
#include "tensor/arena.h"
#include "tensor/error.h"
#include "tensor/io/zip.h"
#include "tensor/view.h"

/* ---- The folder ---- */

static void check_file_equals(const char *path, const record *wanted)
{
    size_t n;
    char  *bytes = scratch_read(path, &n);
    bool   same = n == wanted->n && memcmp(bytes, wanted->bytes, n) == 0;
    free(bytes);
    CHECK(same);
}

static void record_file(record *r, const char *path)
{
    size_t n;
    char  *bytes = scratch_read(path, &n);
    record_bytes(r, bytes, n);
    free(bytes);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* The folder holds this many files, besides temporary ones. Removes them all. */
static void check_and_empty_folder(int files)
{
    int  n = 0, temporary = 0;
    DIR *folder = opendir(".");
    CHECK(folder);
    for (struct dirent *d; (d = readdir(folder));) {
        if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..")) continue;
        n++;
        temporary += strstr(d->d_name, ".tmp") || strstr(d->d_name, ".lock");
        CHECK(unlink(d->d_name) == 0);
    }
    closedir(folder);
    CHECK(n - temporary == files);
    CHECK(temporary == 0 || current_fault.leaves_file);
}

/* ---- A writer over an old file ---- */

static const record old = { .n = 21, .bytes = "what was there before" };

static void write_old(void)
{
    scratch_write("file", old.bytes, old.n);
}

static void check_written(const tap_error *e)
{
    if (e->status == TAP_OK) record_file(&result, "file");
    else check_file_equals("file", &old);
    check_and_empty_folder(1);
}

static void check_new(const tap_error *e)
{
    if (e->status == TAP_OK) record_file(&result, "file");
    else CHECK(!exists("file"));
    check_and_empty_folder(e->status == TAP_OK);
}

static void write_old_behind_link(void)
{
    write_old();
    CHECK(symlink("file", "link") == 0);
}

static void check_link(const tap_error *e)
{
    char to[8] = "";
    CHECK(readlink("link", to, sizeof to - 1) == 4 && !strcmp(to, "file"));
    CHECK(unlink("link") == 0);
    check_written(e);
}

static void write_text(const char *path, tap_error *e)
{
    tap_file *f = tap_file_create(path, e);
    if (!f) return;
    tap_file_write(f, "what comes", 10);
    tap_file_write(f, " after it", 9);
    tap_file_commit(f);
}

static void run_file(tap_error *e)
{
    write_text("file", e);
}

static void run_link(tap_error *e)
{
    write_text("link", e);
}

static void run_png(tap_error *e)
{
    const float image[2][3] = { { 0, 1, 0.5f }, { 0.1f, 0.2f, 0.3f } };
    tap_png_write("file", tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 3), (void *)(uintptr_t)image), e);
}

static void run_colour_png(tap_error *e)
{
    const float image[2][1][3] = { { { 0, 1, 0.5f } }, { { 0.1f, 0.2f, 0.3f } } };
    tap_png_write("file", tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 1, 3), (void *)(uintptr_t)image), e);
}

static void run_gzip(tap_error *e)
{
    tap_file *f = tap_file_create_gzip("file", e);
    if (!f) return;
    tap_file_write(f, "what comes, packed", 18);
    tap_file_commit(f);
}

static tap_csr counts(void)
{
    static const int64_t start[] = { 0, 1, 3 };
    static const int32_t column[] = { 2, 0, 1 };
    static const float   value[] = { 7, 1, 300 };
    return (tap_csr){ 2, 3, start, column, value };
}

static void run_matrix_market_write(tap_error *e)
{
    tap_matrix_market_write("file", counts(), e);
}

static float numbers[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };

static void run_npy_write(tap_error *e)
{
    tap_npy_write("file", tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 3), numbers), e);
}

/* Views, which are copied before they are written. */
static void run_views(tap_error *e)
{
    static double    x[4][3] = { { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 }, { 10, 11, 12 } };
    const tap_tensor whole = tap_tensor_wrap(TAP_F64, TAP_SHAPE(4, 3), x);
    int              axes[TAP_MAX_RANK];
    tap_named_tensor named[] = { { .name = "turned" }, { .name = "every other" } };
    tap__transpose(whole, 0, 1, axes, &named[0].tensor, NULL);
    tap__slice(whole, 0, 0, TAP_END, 2, &named[1].tensor, NULL);
    tap_safetensors_write("file", 2, named, 1, &(tap_metadata){ "a longer key than most", "\"quoted\"\n" }, e);
}

/* ---- Modules ---- */

static tap_module *net;

static tap_module *new_net(tap_dtype dtype, uint64_t seed)
{
    tap_module *root = tap_module_new(dtype, seed);
    tap_mlp     mlp;
    tap_mlp_init(&mlp, root, "net", 3, (const int64_t[]){ 4, 3, 2 }, tap_tanh);
    CHECK(tap_module_status(root, NULL) == TAP_OK);
    return root;
}

static void make_net(void)
{
    write_old();
    net = new_net(TAP_F32, 1);
}

static void run_save(tap_error *e)
{
    tap_module_save(net, "file", 1, &(tap_metadata){ "epoch", "3" }, e);
}

static void check_saved(const tap_error *e)
{
    tap_module_free(net);
    check_written(e);
}

static record before_load;

/* A file of one net, and another net to load it. */
static void make_saved(tap_dtype dtype)
{
    make_net();
    tap_error e = { 0 };
    run_save(&e);
    CHECK(e.status == TAP_OK);
    tap_module_free(net);
    net = new_net(dtype, 2);
    before_load.n = 0;
    record_values(&before_load, net);
}

static void make_saved_f32(void)
{
    make_saved(TAP_F32);
}

static void make_saved_f64(void)
{
    make_saved(TAP_F64);
}

static void run_load(tap_error *e)
{
    tap_module_load(net, "file", e);
}

static void check_loaded(const tap_error *e)
{
    record_values(&result, net);
    CHECK(e->status == TAP_OK || record_equal(&result, &before_load));
    tap_module_free(net);
    check_and_empty_folder(1);
}

/* ---- Readers ---- */

static void check_one_file(const tap_error *e)
{
    (void)e;
    check_and_empty_folder(1);
}

static void run_read(tap_error *e)
{
    tap_arena      *a = tap_arena_new();
    tap_safetensors file = tap_safetensors_read(a, "file");
    tap__error_copy(e, tap_arena_error(a));
    for (int i = 0; i < file.n && e->status == TAP_OK; i++) {
        record_bytes(&result, file.tensors[i].name, strlen(file.tensors[i].name));
        record_tensor(&result, file.tensors[i].tensor);
    }
    for (int i = 0; i < file.n_metadata; i++) record_bytes(&result, file.metadata[i].value, strlen(file.metadata[i].value));
    CHECK(e->status == TAP_OK || (file.n == 0 && file.n_metadata == 0));
    tap_arena_free(a);
}

static void make_several(void)
{
    static float           x[2] = { 1, 2 };
    static uint8_t         flags[3] = { 1, 0, 1 };
    const tap_named_tensor named[] = { { "x", tap_tensor_wrap(TAP_F32, TAP_SHAPE(2), x) },
                                       { "flags", tap_tensor_wrap(TAP_BOOL, TAP_SHAPE(3), flags) },
                                       { "none", tap_tensor_wrap(TAP_F32, TAP_SHAPE(0), x) } };
    CHECK(tap_safetensors_write("file", 3, named, 2, (tap_metadata[]){ { "a", "1" }, { "b", "2" } }, NULL) == TAP_OK);
}

/* A dict of two tensors with one storage and a number, in PyTorch's old format. */
#define FLOATS \
    "ctorch._utils\n_rebuild_tensor_v2\n((U\7storagectorch\nFloatStorage\nU\1" \
    "0U\3cpuK\4tQK\0K\2K\2\x86K\2K\1\x86\x89}tR"
static const char pickle[] = "\x80\2}(U\1w" FLOATS "U\1v" FLOATS "U\1nK\7u.";
static const char floats[] = "\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40";

static void make_torch(void)
{
    static const char start[] = "\x80\2\x8a\nl\xfc\x9c"
                                "F\xf9 j\xa8P\x19.\x80\2M\xe9\3.\x80\2}.",
                      keys[] = "](U\1"
                               "0e.\4\0\0\0\0\0\0";
    char   file[1024];
    size_t n = 0;
    const struct {
        const char *bytes;
        size_t      n;
    } parts[] = {
        { start, sizeof start - 1 }, { pickle, sizeof pickle - 1 }, { keys, sizeof keys }, { floats, sizeof floats - 1 }
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        memcpy(file + n, parts[i].bytes, parts[i].n);
        n += parts[i].n;
    }
    scratch_write("file", file, n);
}

static void run_state_dict(tap_safetensors (*read_file)(tap_arena *, const char *), tap_error *e)
{
    tap_arena      *a = tap_arena_new();
    tap_safetensors file = read_file(a, "file");
    tap__error_copy(e, tap_arena_error(a));
    for (int i = 0; i < file.n && e->status == TAP_OK; i++) {
        record_bytes(&result, file.tensors[i].name, strlen(file.tensors[i].name));
        record_tensor(&result, file.tensors[i].tensor);
    }
    CHECK((e->status == TAP_OK) == (file.n > 0));
    tap_arena_free(a);
}

static void run_torch(tap_error *e)
{
    run_state_dict(tap_torch_read, e);
}

static void run_npz_write(tap_error *e)
{
    tap_npz_write("file", 1, &(tap_named_tensor){ "x", tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 3), numbers) }, e);
}

static void run_npz_write_compressed(tap_error *e)
{
    tap_npz_write_compressed("file", 1, &(tap_named_tensor){ "x", tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 3), numbers) }, e);
}

#ifdef TAP__HAS_ZIP
static void make_torch_archive(void)
{
    tap__zip_writer *w = tap__zip_create("file", 2, NULL);
    CHECK(w);
    tap__zip_add(w, "m/data.pkl", 1, &(tap__zip_part){ pickle, sizeof pickle - 1 }, true);
    tap__zip_add(w, "m/data/0", 1, &(tap__zip_part){ floats, sizeof floats - 1 }, false);
    CHECK(tap__zip_commit(w) == TAP_OK);
}

static void make_npz(void)
{
    tap_error e = { 0 };
    run_npz_write_compressed(&e);
    CHECK(e.status == TAP_OK);
}

static void run_npz(tap_error *e)
{
    run_state_dict(tap_npz_read, e);
}
#endif

/* Two axes of int16. */
static const char idx[] = "\0\0\x0b\x02\0\0\0\2\0\0\0\3\0\1\0\2\xff\xff\0\4\0\5\0\6";

static void make_idx(void)
{
    scratch_write("file", idx, sizeof idx - 1);
}

static void make_gz(void)
{
    gzFile f = gzopen("file", "wb");
    CHECK(f);
    CHECK(gzwrite(f, idx, sizeof idx - 1) == (int)sizeof idx - 1);
    CHECK(gzclose(f) == Z_OK);
}

static void make_npy(void)
{
    tap_error e = { 0 };
    run_npy_write(&e);
    CHECK(e.status == TAP_OK);
}

static void run_reader(tap_tensor (*read_file)(tap_arena *, const char *), tap_error *e)
{
    tap_arena *a = tap_arena_new();
    tap_tensor x = read_file(a, "file");
    tap__error_copy(e, tap_arena_error(a));
    if (e->status == TAP_OK) record_tensor(&result, x);
    else CHECK(!x.data);
    tap_arena_free(a);
}

static void make_png(void)
{
    tap_error e = { 0 };
    run_colour_png(&e);
    CHECK(e.status == TAP_OK);
}

static void run_png_read(tap_error *e)
{
    run_reader(tap_png_read, e);
}

static void run_npy_map(tap_error *e)
{
    run_reader(tap_npy_map, e);
}

/* Reads all rows of the file, which are small, as a data set. */
static void run_rows(tap_shards_mode mode, tap_error *e)
{
    static int64_t memory[64];
    const char    *message, *path = "file";
    tap_shards    *s = tap_shards_new(mode);
    tap_shards_add(s, 1, &path, NULL);
    const tap_dataset d = tap_shards_dataset(s);
    const tap_status  status = tap_shards_status(s, &message);
    if (status != TAP_OK) tap_error_set(e, status, "%s", message);
    for (int64_t i = 0; i < d.rows && e->status == TAP_OK; i++) {
        const tap_tensor row = tap_tensor_wrap(d.dtype[0], d.shape[0], memory);
        if (d.read(d.context, i, &row, e) == TAP_OK) record_tensor(&result, row);
    }
    tap_shards_free(s);
}

static void run_stream(tap_error *e)
{
    run_rows(TAP_SHARDS_STREAM, e);
}

static void run_mapped_rows(tap_error *e)
{
    run_rows(TAP_SHARDS_MAP, e);
}

static void make_cifar(void)
{
    static unsigned char records[2][3073];
    for (int i = 0; i < 2 * 3073; i++) records[i / 3073][i % 3073] = (unsigned char)(i % 3073 ? i % 7 : 3);
    scratch_write("file", records, sizeof records);
}

static void run_cifar(tap_error *e)
{
    tap_arena *a = tap_arena_new();
    tap_tensor labels, x = tap_cifar10_read(a, "file", &labels);
    tap__error_copy(e, tap_arena_error(a));
    CHECK((e->status == TAP_OK) == (x.data != NULL));
    if (x.data) record_bytes(&result, labels.data, (size_t)(2 * labels.stride[0]));
    tap_arena_free(a);
}

static void run_idx(tap_error *e)
{
    run_reader(tap_idx_read, e);
}

static void run_npy(tap_error *e)
{
    run_reader(tap_npy_read, e);
}

static void record_csr(tap_csr x)
{
    record_bytes(&result, x.start, (size_t)(x.rows + 1) * sizeof *x.start);
    record_bytes(&result, x.column, (size_t)x.start[x.rows] * sizeof *x.column);
    record_bytes(&result, x.value, (size_t)x.start[x.rows] * sizeof *x.value);
}

static void record_table(tap_csv t)
{
    for (int64_t i = 0; i < t.rows * t.columns; i++) record_bytes(&result, t.text[i], strlen(t.text[i]));
}

static void make_matrix_market(void)
{
    tap_error e = { 0 };
    run_matrix_market_write(&e);
    CHECK(e.status == TAP_OK);
}

static void run_matrix_market(tap_error *e)
{
    tap_arena *a = tap_arena_new();
    tap_csr    x = tap_matrix_market_read(a, "file");
    tap__error_copy(e, tap_arena_error(a));
    CHECK((e->status == TAP_OK) == (x.start != NULL));
    if (x.start) record_csr(x);
    tap_arena_free(a);
}

static const char table[] = ",g1,\"g,2\"\ncell,7,0\nother,,300\n";

static void make_table(void)
{
    scratch_write("file", table, sizeof table - 1);
}

static void run_table(tap_error *e)
{
    tap_arena *a = tap_arena_new();
    tap_csv    t = tap_csv_read(a, "file", ',');
    tap_tensor labels = { 0 };
    tap__error_copy(e, tap_arena_error(a));
    CHECK((e->status == TAP_OK) == (t.text != NULL));
    tap__arena_name(a, "labels");
    if (t.text) labels = tap_csv_labels(a, t, "g1", NULL);
    tap__error_copy(e, tap_arena_error(a));
    if (e->status == TAP_OK) record_table(t);
    if (labels.data) record_tensor(&result, labels);
    tap_arena_free(a);
}

static void run_table_of_numbers(tap_error *e)
{
    tap_csv    names[2];
    tap_arena *a = tap_arena_new();
    tap_csr    x = tap_csv_read_matrix(a, "file", ',', &names[0], &names[1]);
    tap__error_copy(e, tap_arena_error(a));
    CHECK((e->status == TAP_OK) == (x.start != NULL));
    if (x.start) record_csr(x);
    for (int i = 0; i < 2 && x.start; i++) record_table(names[i]);
    tap_arena_free(a);
}

static void run_cells_write(tap_error *e)
{
    cells_write(".", (cells_file){ .counts = counts() }, e);
}

static const char *const cell_files[] = { "matrix.mtx.gz", "barcodes.tsv.gz", "features.tsv.gz" };

/* The files are written one after the other. Each is complete, or does not exist. */
static void check_cells(const tap_error *e)
{
    int n = 0;
    for (; n < 3 && exists(cell_files[n]); n++) record_file(&result, cell_files[n]);
    CHECK(e->status != TAP_OK || n == 3);
    check_and_empty_folder(n);
}

static void make_cells(void)
{
    CHECK(cells_write(".", (cells_file){ .counts = counts() }, NULL) == TAP_OK);
}

static void run_cells(tap_error *e)
{
    tap_arena       *a = tap_arena_new();
    const cells_file c = cells_read(a, ".");
    tap__error_copy(e, tap_arena_error(a));
    CHECK((e->status == TAP_OK) == (c.counts.start != NULL));
    if (c.counts.start) record_csr(c.counts);
    if (c.counts.start) record_table(c.barcodes);
    if (c.counts.start) record_table(c.features);
    tap_arena_free(a);
}

/* Half of the entries, which are not in the order of the result. */
static void make_symmetric(void)
{
    static const char text[] = "%%MatrixMarket matrix coordinate pattern symmetric\n\n3 3 3\n3 1\n2 2\n2 1\n";
    scratch_write("file", text, sizeof text - 1);
}

static void check_three_files(const tap_error *e)
{
    (void)e;
    check_and_empty_folder(3);
}

/* ---- Checkpoints ---- */

#define RUN      "run"
#define PREVIOUS "run.previous"

enum { ROWS = 6, WIDTH = 4 };

static float rows[ROWS][WIDTH];

static struct {
    tap_module *root;
    tap_linear  layer;
    tap_optim  *adam;
    tap_tape   *tape;
    tap_loader *data;
    bool        loaded, from_previous;
} training;

static void begin_training(uint64_t seed)
{
    tap_random_uniform(tap_tensor_wrap(TAP_F32, TAP_SHAPE(ROWS, WIDTH), rows), (tap_rng_key){ .seed = 3 });
    training.root = tap_module_new(TAP_F32, seed);
    training.tape = tap_tape_new(TAP_F32, 1);
    tap_linear_init(&training.layer, training.root, "layer", WIDTH, 2);
    training.adam = tap_adam_new(training.root, (tap_adam_options){ .lr = 0.01 });
    training.data = tap_loader_new(tap_tensor_wrap(TAP_F32, TAP_SHAPE(ROWS, WIDTH), rows),
                                   (tap_loader_options){ .batch = 2, .shuffle = true });
}

static void end_training(void)
{
    tap_loader_free(training.data);
    tap_tape_free(training.tape);
    tap_module_free(training.root);
}

static void train_step(void)
{
    tap_tensor x;
    CHECK(tap_loader_next(training.data, &x));
    tap_tape_reset(training.tape);
    tap_var y = tap_linear_forward(&training.layer, tap_input(training.tape, x));
    tap_backward(tap_sum(tap_square(tap_add(y, tap_randn(training.tape, tap_shape_of(y)))), TAP_ALL));
    CHECK(tap_optim_step(training.adam, training.tape) == TAP_OK);
}

static tap_checkpoint *declared(void)
{
    tap_checkpoint *c = tap_checkpoint_new(RUN);
    tap_checkpoint_module(c, "net", training.root);
    tap_checkpoint_optim(c, "adam", training.adam);
    tap_checkpoint_tape(c, "tape", training.tape);
    tap_checkpoint_loader(c, "data", training.data);
    tap_checkpoint_option(c, "width", "4");
    snprintf(skipped_message, sizeof skipped_message, "%s", tap_checkpoint_peek(c).skipped);
    return c;
}

static void save_training(tap_error *e)
{
    const char     *message;
    tap_checkpoint *c = declared();
    tap_status      status = tap_checkpoint_status(c, &message);
    tap_error_set(e, status, "%s", message);
    tap_checkpoint_save(c, e);
    tap_checkpoint_free(c);
}

/* Everything that determines the rest of the run. */
static void record_training(record *r)
{
    const tap_optim *o = training.adam;
    record_values(r, training.root);
    for (int64_t i = 0; i < o->n_slots; i++) {
        record_bytes(r, &o->slots[i].step, sizeof o->slots[i].step);
        for (int k = 0; k < 2; k++)
            record_bytes(r, o->slots[i].state[k], (size_t)tap_numel(o->slots[i].param->value.shape) * sizeof(float));
    }
    const uint64_t step = tap_tape_step(training.tape);
    record_bytes(r, &step, sizeof step);
    record_bytes(r, tap__loader_position_of(training.data), sizeof(tap__loader_position));
}

/* The files after one step and after two, and the state of the run then. */
static record file_at[2], state_at[2];

static void make_generations(void)
{
    if (file_at[1].n > 0) return;
    begin_training(1);
    for (int i = 0; i < 2; i++) {
        tap_error e = { 0 };
        train_step();
        save_training(&e);
        CHECK(e.status == TAP_OK);
        record_file(&file_at[i], RUN);
        record_training(&state_at[i]);
    }
    end_training();
    check_and_empty_folder(2);
}

static void write_generations(void)
{
    make_generations();
    scratch_write(RUN, file_at[1].bytes, file_at[1].n);
    scratch_write(PREVIOUS, file_at[0].bytes, file_at[0].n);
}

static void make_third(void)
{
    write_generations();
    begin_training(1);
    for (int i = 0; i < 3; i++) train_step();
}

static void check_third(const tap_error *e)
{
    end_training();
    if (e->status == TAP_OK) {
        record_file(&result, RUN);
        check_file_equals(PREVIOUS, &file_at[!*skipped_message]); /* an unreadable generation is not kept */
        check_and_empty_folder(2);
    } else if (current_fault.moves_previous && !exists(RUN)) {
        check_file_equals(PREVIOUS, &file_at[1]);
        check_and_empty_folder(1);
    } else {
        check_file_equals(RUN, &file_at[1]);
        check_and_empty_folder(1 + exists(PREVIOUS));
    }
}

static void make_fresh(void)
{
    write_generations();
    begin_training(2);
    before_load.n = 0;
    record_training(&before_load);
}

static void make_damaged(void)
{
    make_fresh();
    record damaged = file_at[1];
    damaged.bytes[damaged.n - 1] ^= 1;
    scratch_write(RUN, damaged.bytes, damaged.n);
}

static void run_resume(tap_error *e)
{
    const char     *message;
    tap_checkpoint *c = declared();
    tap_status      status = tap_checkpoint_status(c, &message);
    tap_error_set(e, status, "%s", message);
    const tap_checkpoint_found found = tap_checkpoint_peek(c);
    training.from_previous = found.path && !strcmp(found.path, PREVIOUS);
    training.loaded = tap_checkpoint_resume(c, e);
    tap_checkpoint_free(c);
}

/* A run that cannot read the newest generation resumes from the one before. */
static void check_resumed(const tap_error *e)
{
    record now = { 0 };
    record_training(&now);
    CHECK(training.loaded == (e->status == TAP_OK));
    CHECK(record_equal(&now, !training.loaded ? &before_load : &state_at[!training.from_previous]));
    end_training();
    check_and_empty_folder(2);
}

const scenario file_scenarios[] = {
    { "writing a new file", NULL, run_file, check_new, true },
    { "writing over a file", write_old, run_file, check_written, true },
    { "writing through a link", write_old_behind_link, run_link, check_link, true },
    { "writing a PNG", write_old, run_png, check_written, true },
    { "writing a PNG in colour", write_old, run_colour_png, check_written, true },
    { "writing a gzipped file", write_old, run_gzip, check_written, true },
    { "writing a Matrix Market file", write_old, run_matrix_market_write, check_written, true },
    { "writing cells", NULL, run_cells_write, check_cells, true },
    { "writing a .npy", write_old, run_npy_write, check_written, true },
    { "writing a .npz", write_old, run_npz_write, check_written, true },
    { "writing a compressed .npz", write_old, run_npz_write_compressed, check_written, true },
    { "writing safetensors of views", write_old, run_views, check_written, true },
    { "saving a module", make_net, run_save, check_saved, true },
    { "loading a module", make_saved_f32, run_load, check_loaded, false },
    { "loading a module of other floats", make_saved_f64, run_load, check_loaded, false },
    { "reading safetensors", make_several, run_read, check_one_file, false },
    { "reading a PNG", make_png, run_png_read, check_one_file, false },
    { "reading PyTorch's old format", make_torch, run_torch, check_one_file, false },
#ifdef TAP__HAS_ZIP
    { "reading PyTorch's archive", make_torch_archive, run_torch, check_one_file, false },
    { "reading a .npz", make_npz, run_npz, check_one_file, false },
#endif
    { "reading an IDX file", make_idx, run_idx, check_one_file, false },
    { "reading a .npy", make_npy, run_npy, check_one_file, false },
    { "mapping a .npy", make_npy, run_npy_map, check_one_file, false },
    { "reading the rows of a .npy", make_npy, run_stream, check_one_file, false },
    { "mapping the rows of a .npy", make_npy, run_mapped_rows, check_one_file, false },
    { "reading CIFAR-10", make_cifar, run_cifar, check_one_file, false },
    { "reading a gzipped IDX file", make_gz, run_idx, check_one_file, false },
    { "reading a Matrix Market file", make_matrix_market, run_matrix_market, check_one_file, false },
    { "reading a symmetric Matrix Market file", make_symmetric, run_matrix_market, check_one_file, false },
    { "reading a table", make_table, run_table, check_one_file, false },
    { "reading a table of numbers", make_table, run_table_of_numbers, check_one_file, false },
    { "reading cells", make_cells, run_cells, check_three_files, false },
    { "saving a checkpoint", make_third, save_training, check_third, true },
    { "resuming from a checkpoint", make_fresh, run_resume, check_resumed, false },
    { "resuming from the generation before a damaged one", make_damaged, run_resume, check_resumed, false },
    { 0 },
};
