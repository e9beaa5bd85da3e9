/* tests/fuzz/replay.c: runs a target on its seeds, on their beginnings of many lengths, and on every file in the given folders,
 * with any compiler and without libFuzzer:
 *
 *     replay_TARGET [FOLDER...]
 *     replay_TARGET --seeds FOLDER    only writes the seeds
 */
#define _XOPEN_SOURCE 700
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static int         count;
static char        running[4096]; /* the name of the input */
static const char *seed_folder;

/* Each run gets its own allocation, so that sanitizers see reads past the end. */
static void run(const char *name, const void *bytes, size_t n)
{
    unsigned char *copy = malloc(n + !n);
    FUZZ_CHECK(copy, "no memory");
    memcpy(copy, bytes, n);
    if (strcmp(name, running) != 0) fprintf(stderr, "%s\n", name); /* the last name printed is the input that fails */
    snprintf(running, sizeof running, "%s", name);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
    count++;
}

static void run_seed(const char *name, const void *bytes, size_t n)
{
    run(name, bytes, n);
    for (size_t cut = 0; cut < n; cut += 1 + cut / 64) run(name, bytes, cut); /* more cuts at the front, where headers are */
}

static void write_seed(const char *name, const void *bytes, size_t n)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", seed_folder, name);
    FILE *f = fopen(path, "wbx");
    FUZZ_CHECK(f && fwrite(bytes, 1, n, f) == n && fclose(f) == 0, "%s cannot be written, or there are two", path);
}

static void run_file(const char *path)
{
    struct stat s;
    FILE       *f = fopen(path, "rb");
    FUZZ_CHECK(f && fstat(fileno(f), &s) == 0, "%s cannot be read", path);
    if (S_ISREG(s.st_mode)) {
        void *bytes = malloc((size_t)s.st_size + 1);
        FUZZ_CHECK(bytes, "no memory");
        run(path, bytes, fread(bytes, 1, (size_t)s.st_size, f));
        free(bytes);
    }
    fclose(f);
}

/* The folder need not exist: not every target has findings. */
static void run_folder(const char *name)
{
    char path[4096];
    DIR *d = opendir(name);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        snprintf(path, sizeof path, "%s/%s", name, entry->d_name);
        run_file(path);
    }
    if (d) closedir(d);
}

/* For linking only: mutators are never called here. */
size_t LLVMFuzzerMutate(unsigned char *bytes, size_t n, size_t capacity)
{
    (void)bytes, (void)capacity;
    return n;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--seeds") == 0) {
        seed_folder = argv[2];
        fuzz_seeds(write_seed);
        return 0;
    }
    fuzz_seeds(run_seed);
    int seeds = count;
    for (int i = 1; i < argc; i++) run_folder(argv[i]);
    printf("%d seeds and beginnings of them, %d files\n", seeds, count - seeds);
    return 0;
}
