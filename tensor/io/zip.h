/* tensor/io/zip.h: zip archives, stored or deflated. Not installed. */
#ifndef TAP_TENSOR_IO_ZIP_H
#define TAP_TENSOR_IO_ZIP_H

#include "tensor/io/reader.h"

#define TAP__ZIP_MAGIC "PK\3\4"

typedef struct {
    tap__reader *in;      /* the file */
    struct zip  *archive; /* NULL: closed */
    int          n;       /* entries */
    uint64_t     taken;   /* bytes of the file in the entries that were read */
} tap__zip;

/* Opens the archive that the file is. Errors go to the file's arena. Without libzip, this always fails. */
bool tap__zip_open(tap__zip *z, tap__reader *in);
void tap__zip_close(tap__zip *z); /* the file remains open */

const char *tap__zip_name(const tap__zip *z, int i); /* UTF-8, valid until the archive is closed; NULL if there is no memory */
int         tap__zip_find(const tap__zip *z, const char *name); /* -1 if there is no such entry */

/* Opens an entry, which is then read as a file is, with entry->left for its size. A checksum is verified with the last byte.
 * Messages begin with the paths of archive and entry. An entry cannot state a size beyond what its bytes decompress to, and all
 * entries that are read cannot have more bytes than the file. */
bool tap__zip_enter(tap__zip *z, int i, tap__reader *entry);
void tap__zip_leave(tap__reader *entry);

/* ---- Writing, for which libzip is not needed --------------------------------------------------------------------- */

typedef struct tap__zip_writer tap__zip_writer;

/* Bytes of an entry, which are written one part behind the other. */
typedef struct {
    const void *bytes;
    size_t      n;
} tap__zip_part;

/* Creates an archive for up to n entries; NULL on an error. Names are UTF-8 and must be distinct. An error in between is kept
 * until the archive is committed. */
tap__zip_writer *tap__zip_create(const char *path, int n, tap_error *e);
tap_status       tap__zip_add(tap__zip_writer *w, const char *name, int n, const tap__zip_part *parts, bool deflated);
tap_status       tap__zip_commit(tap__zip_writer *w);  /* frees w */
void             tap__zip_abandon(tap__zip_writer *w); /* frees w; NULL is allowed */

#endif
