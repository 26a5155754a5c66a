-- Teams, what they own, fleets and who belongs to them: the names that everything else refers to.

CREATE TABLE team (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- A name is never used again: a removed team keeps its row.
    name text COLLATE "C" NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9-]{0,30}$'),
    display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 200),
    custody text COLLATE "C" NOT NULL DEFAULT 'server' CHECK (custody IN ('server', 'team')),
    -- Counts what was published of the team's anchors; the base of changes.
    content_version bigint NOT NULL DEFAULT 1 CHECK (content_version >= 1),
    created_at timestamptz NOT NULL,
    removed_at timestamptz,
    CHECK (name NOT IN ('root', 'targets', 'snapshot', 'timestamp', 'mirrors', 'fleet', 'deny', 'revocation', 'ops',
        'local'))
);

CREATE TABLE team_scope (
    scope text COLLATE "C" PRIMARY KEY CHECK (octet_length(scope) BETWEEN 1 AND 512),
    team_id bigint NOT NULL REFERENCES team,
    created_at timestamptz NOT NULL
);
CREATE INDEX team_scope_by_team ON team_scope (team_id, scope);

CREATE TABLE trust_store (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team_id bigint NOT NULL REFERENCES team,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('ca', 'signingAuthority', 'tsa')),
    name text COLLATE "C" NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    created_at timestamptz NOT NULL,
    UNIQUE (team_id, kind, name),
    UNIQUE (id, team_id)
);

CREATE TABLE repository (
    name text COLLATE "C" PRIMARY KEY CHECK (octet_length(name) BETWEEN 1 AND 512),
    created_at timestamptz NOT NULL
);

CREATE TABLE fleet (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9-]{0,30}$'),
    -- Signed into every top-level role; no other fleet ever has it.
    fleet_id text COLLATE "C" NOT NULL UNIQUE CHECK (fleet_id ~ '^[0-9a-f]{32}$'),
    display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 200),
    profile text COLLATE "C" NOT NULL CHECK (profile IN ('standard', 'high', 'airgap')),
    mode text COLLATE "C" NOT NULL DEFAULT 'observe' CHECK (mode IN ('observe', 'enforce')),
    created_at timestamptz NOT NULL,
    removed_at timestamptz,
    root_version bigint NOT NULL DEFAULT 0 CHECK (root_version >= 0),
    -- Files of later releases are not served yet.
    published_release bigint NOT NULL DEFAULT 0 CHECK (published_release >= 0)
);

CREATE TABLE fleet_enforcer (
    fleet_id bigint NOT NULL REFERENCES fleet,
    enforcer text COLLATE "C" NOT NULL CHECK (enforcer ~ '^[a-z][a-z-]{0,30}$'),
    mode text COLLATE "C" NOT NULL CHECK (mode IN ('observe', 'enforce')),
    PRIMARY KEY (fleet_id, enforcer)
);

CREATE TABLE fleet_team (
    fleet_id bigint NOT NULL REFERENCES fleet,
    team_id bigint NOT NULL REFERENCES team,
    added_at timestamptz NOT NULL,
    PRIMARY KEY (fleet_id, team_id)
);
CREATE INDEX fleet_team_by_team ON fleet_team (team_id);

-- For rows that nobody may ever change; it stops accidents, also the owner's.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows are never changed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege', TABLE = TG_TABLE_NAME;
END
$$;
