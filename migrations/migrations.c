#include "CMigrations.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

/* Two places per migration: its bytes here, and its name in the list below. A test compares both with the directory. */

static const unsigned char m0001[] = {
#embed "0001_teams_and_fleets.sql"
};
static const unsigned char m0002[] = {
#embed "0002_people.sql"
};
static const unsigned char m0003[] = {
#embed "0003_anchors_and_changes.sql"
};
static const unsigned char m0004[] = {
#embed "0004_publishing.sql"
};
static const unsigned char m0005[] = {
#embed "0005_hosts.sql"
};
static const unsigned char m0006[] = {
#embed "0006_audit.sql"
};
static const unsigned char m0007[] = {
#embed "0007_grants.sql"
};

static const EmbeddedMigration migrations[] = {
    {"0001_teams_and_fleets", m0001, sizeof m0001},
    {"0002_people", m0002, sizeof m0002},
    {"0003_anchors_and_changes", m0003, sizeof m0003},
    {"0004_publishing", m0004, sizeof m0004},
    {"0005_hosts", m0005, sizeof m0005},
    {"0006_audit", m0006, sizeof m0006},
    {"0007_grants", m0007, sizeof m0007},
    {NULL, NULL, 0},
};

EmbeddedMigration embedded_migration(size_t index) {
    const size_t count = sizeof migrations / sizeof migrations[0];
    return index < count ? migrations[index] : migrations[count - 1];
}
