/* examples/vae_cells/options.c: parses the command line. */
#include "vae_cells.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: vae_cells --data DIR|FILE.csv [options]\n"
    "       vae_cells --simulate DIR [options]\n"
    "\n"
    "Trains a variational autoencoder of gene counts in cells (scVI, Lopez et al.\n"
    "2018), and writes what it makes of each cell.\n"
    "\n"
    "Data and results\n"
    "  --data DIR         matrix.mtx, barcodes.tsv and features.tsv, plain or .gz,\n"
    "                     as 10x Genomics has them; or a CSV file (.csv, .csv.gz)\n"
    "                     of cells by genes, behind a row and a column of names\n"
    "  --metadata FILE    CSV, a row of names and one for each cell, in any order, of\n"
    "                     which one column holds the barcodes; batch and group\n"
    "                     are used [metadata.csv in DIR, if there]\n"
    "  --separator C      of CSV files: , or ; or any other character, or the word\n"
    "                     tab [, and in .tsv files tab]\n"
    "  --no-batches       do not tell the model of the batches\n"
    "  --out DIR          where the results go; made if need be [out/vae_cells]\n"
    "  --model FILE       a model trained before, DIR/model.safetensors\n"
    "  --clusters N       of k-means [as many as there are groups, else 8]\n"
    "  --draws N          of z, for the likelihood of cells held out [50]\n"
    "\n"
    "Training\n"
    "  --likelihood NAME  nb: negative binomial; zinb: zero-inflated, too [nb]\n"
    "  --latent N         dimensions of z [10]\n"
    "  --hidden N         width of the hidden layers [128]\n"
    "  --scale S          counts are taken as parts of S [the median library size]\n" HELP_TRAIN(
        "cells", "40", "128", "3e-3") "\n"
                                      "Simulation, into a folder that --data takes, with metadata.csv\n"
                                      "  --simulate DIR     where to\n"
                                      "  --cells N, --genes N, --groups N, --batches N [10000, 2000, 8, 3]\n"
                                      "\n" HELP_PROGRAM "\n"
                                      "Example\n"
                                      "  vae_cells --simulate out/cells\n"
                                      "  vae_cells --data out/cells --out out/vae_cells\n";

const char *separator_name(char text[8], char separator)
{
    snprintf(text, 8, "'%c'", separator);
    return separator == '\t' ? "tab" : text;
}

static bool parse_separator(void *field, const char *text)
{
    const bool tab = !strcmp(text, "tab");
    ((options *)field)->separator = tab ? '\t' : *text;
    return tab || (*text && !text[1] && !strchr("\" \r\n", *text));
}

static void print_separator(const void *field, char text[PATH_SIZE])
{
    const char c = ((const options *)field)->separator;
    snprintf(text, PATH_SIZE, c == '\t' ? "tab" : "%c", c);
}

void options_table(argument table[OPTIONS + 1], options *o)
{
    /* clang-format off */
    const argument rows[OPTIONS + 1] = {
        ARGUMENT_CHOICE("--likelihood", &o->likelihood, "must be nb or zinb"),
        ARGUMENT_NUMBER("--latent", WHOLE, &o->latent, 1, 1e3),
        ARGUMENT_NUMBER("--hidden", WHOLE, &o->hidden, 1, 1e6),
        ARGUMENT_NUMBER("--scale", REAL, &o->scale, DBL_MIN, 1e12),
        ARGUMENTS_OF_MODEL(&o->train),
        ARGUMENT("--no-batches", FLAG, &o->no_batches),
        ARGUMENT("--data", TEXT, &o->data),
        ARGUMENT("--metadata", TEXT, &o->metadata),
        ARGUMENT_CUSTOM("--separator", o, "must be the word tab or one character that is neither a quote nor a space", parse_separator,
                     print_separator),
        ARGUMENT("--model", TEXT, &o->model),
        ARGUMENT_NUMBER("--clusters", WHOLE, &o->clusters, 1, 1e6),
        ARGUMENT_NUMBER("--draws", WHOLE, &o->draws, 1, 1e4),
        ARGUMENT("--simulate", FOLDER, &o->simulate),
        ARGUMENT_NUMBER("--cells", WHOLE, &o->simulation.cells, 1, 1e7),
        ARGUMENT_NUMBER("--genes", WHOLE, &o->simulation.genes, 1, 1e6),
        ARGUMENT_NUMBER("--groups", WHOLE, &o->simulation.groups, 1, 1e3),
        ARGUMENT_NUMBER("--batches", WHOLE, &o->simulation.batches, 1, 1e3),
        ARGUMENTS_OF_RUN(&o->train),
        ARGUMENT_END,
    };
    /* clang-format on */
    memcpy(table, rows, sizeof rows);
}

/* Rejects options that do not apply to the mode of the program: simulation, training, or reporting with --model. */
static bool check(const options *o, const argument *table, uint64_t given)
{
    static const char learning[] = " --likelihood --latent --hidden --scale --no-batches --data --metadata --separator --out "
                                   "--model --clusters --draws" TRAIN_NAMES;
    if (o->simulate) return arguments_exclude(table, given, learning, "does not go with --simulate");
    return arguments_exclude(table, given, " --cells --genes --groups --batches ", "goes with --simulate") &&
           (!o->model ||
            arguments_exclude(table, given, " --likelihood --latent --hidden --scale --seed" TRAIN_NAMES, NOT_WITH_MODEL)) &&
           (o->data || usage("--data", "", "must be given, or --simulate"));
}

bool options_parse(options *o, int argc, char **argv, int *status)
{
    argument table[OPTIONS + 1];
    uint64_t given;
    *o = (options){ .train = { .out = "out/vae_cells", .epochs = 40, .batch = 128, .lr = 3e-3, .checkpoint_every = 60 },
                    .latent = 10,
                    .hidden = 128,
                    .draws = 50,
                    .simulation = { .cells = 10000, .genes = 2000, .groups = 8, .batches = 3 } };
    options_table(table, o);
    return arguments_take(table, help, argc, argv, &given, status) && check(o, table, given);
}
