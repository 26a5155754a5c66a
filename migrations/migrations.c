#include "CMigrations.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

/* Two places per migration: its bytes here, and its name in the list below. A test compares both with the directory. */

/*
static const unsigned char m0001[] = {
#embed "0001_noun_phrase.sql"
};
*/

static const EmbeddedMigration migrations[] = {
    /* {"0001_noun_phrase", m0001, sizeof m0001}, */
    {NULL, NULL, 0},
};

EmbeddedMigration embedded_migration(size_t index) {
    const size_t count = sizeof migrations / sizeof migrations[0];
    return index < count ? migrations[index] : migrations[count - 1];
}
