#ifndef ROADSTEAD_CMIGRATIONS_H
#define ROADSTEAD_CMIGRATIONS_H

#include <stddef.h>

/* A file of this directory, as it was when the program was compiled. */
typedef struct {
    const char *name;
    const unsigned char *bytes;
    size_t count;
} EmbeddedMigration;

/* The migration at a place in the list; past its end one without a name. */
EmbeddedMigration embedded_migration(size_t index);

#endif
