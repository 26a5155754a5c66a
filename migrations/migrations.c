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

static const unsigned char m0008[] = {
#embed "0008_denials_and_custody.sql"
};

static const unsigned char m0009[] = {
#embed "0009_ceremonies.sql"
};

static const unsigned char m0010[] = {
#embed "0010_promotion.sql"
};

static const unsigned char m0011[] = {
#embed "0011_recovery.sql"
};

static const unsigned char m0012[] = {
#embed "0012_governed_administration.sql"
};

static const unsigned char m0013[] = {
#embed "0013_change_records.sql"
};

static const unsigned char m0014[] = {
#embed "0014_identities.sql"
};

static const unsigned char m0015[] = {
#embed "0015_row_security.sql"
};

static const unsigned char m0016[] = {
#embed "0016_vendors.sql"
};

static const unsigned char m0017[] = {
#embed "0017_policies.sql"
};

static const unsigned char m0018[] = {
#embed "0018_audit_and_webhooks.sql"
};

static const unsigned char m0019[] = {
#embed "0019_named_keys.sql"
};

static const unsigned char m0020[] = {
#embed "0020_invitations_and_webhooks.sql"
};

static const EmbeddedMigration migrations[] = {
    {"0001_teams_and_fleets", m0001, sizeof m0001},
    {"0002_people", m0002, sizeof m0002},
    {"0003_anchors_and_changes", m0003, sizeof m0003},
    {"0004_publishing", m0004, sizeof m0004},
    {"0005_hosts", m0005, sizeof m0005},
    {"0006_audit", m0006, sizeof m0006},
    {"0007_grants", m0007, sizeof m0007},
    {"0008_denials_and_custody", m0008, sizeof m0008},
    {"0009_ceremonies", m0009, sizeof m0009},
    {"0010_promotion", m0010, sizeof m0010},
    {"0011_recovery", m0011, sizeof m0011},
    {"0012_governed_administration", m0012, sizeof m0012},
    {"0013_change_records", m0013, sizeof m0013},
    {"0014_identities", m0014, sizeof m0014},
    {"0015_row_security", m0015, sizeof m0015},
    {"0016_vendors", m0016, sizeof m0016},
    {"0017_policies", m0017, sizeof m0017},
    {"0018_audit_and_webhooks", m0018, sizeof m0018},
    {"0019_named_keys", m0019, sizeof m0019},
    {"0020_invitations_and_webhooks", m0020, sizeof m0020},
    {NULL, NULL, 0},
};

EmbeddedMigration embedded_migration(size_t index) {
    const size_t count = sizeof migrations / sizeof migrations[0];
    return index < count ? migrations[index] : migrations[count - 1];
}
