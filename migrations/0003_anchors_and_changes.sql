-- Which roots are allowed, what was proposed and agreed, and the anchors that came of it.

CREATE TABLE root_rule (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 80),
    team_id bigint REFERENCES team,
    -- Canonical JSON.
    definition text NOT NULL,
    created_by bigint NOT NULL REFERENCES person,
    created_at timestamptz NOT NULL,
    removed_at timestamptz
);
CREATE UNIQUE INDEX root_rule_name ON root_rule (name) WHERE removed_at IS NULL;

CREATE SEQUENCE change_number;
CREATE TABLE change (
    number bigint PRIMARY KEY,
    team_id bigint NOT NULL REFERENCES team,
    author bigint NOT NULL REFERENCES person,
    -- The token that it came by; the person is the author whichever it is.
    credential_id bigint NOT NULL REFERENCES credential,
    state text COLLATE "C" NOT NULL CHECK (state IN ('draft', 'submitted', 'approved', 'rejected', 'withdrawn',
        'expired', 'published')),
    -- Counts edits.
    version bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
    base_version bigint NOT NULL CHECK (base_version >= 1),
    -- Canonical JSON of operations, justification and ticket, and the digest that approvals bind to.
    content bytea NOT NULL,
    digest text COLLATE "C" NOT NULL UNIQUE CHECK (digest ~ '^[0-9a-f]{64}$'),
    adds boolean NOT NULL,
    approvals_needed integer NOT NULL CHECK (approvals_needed BETWEEN 0 AND 10),
    officers_needed integer NOT NULL DEFAULT 0 CHECK (officers_needed BETWEEN 0 AND approvals_needed),
    created_at timestamptz NOT NULL,
    submitted_at timestamptz,
    expires_at timestamptz NOT NULL,
    approved_at timestamptz,
    closed_at timestamptz,
    -- What happened last, for people.
    note text,
    UNIQUE (number, team_id),
    -- Adding trust never goes without another person.
    CHECK (NOT adds OR state = 'draft' OR approvals_needed >= 1),
    CHECK ((state IN ('rejected', 'withdrawn', 'expired', 'published')) = (closed_at IS NOT NULL)),
    CHECK (state NOT IN ('submitted', 'approved', 'published') OR submitted_at IS NOT NULL)
);
CREATE INDEX change_by_team ON change (team_id, number);
CREATE INDEX change_open ON change (state, number) WHERE state IN ('draft', 'submitted', 'approved');

CREATE TABLE change_decision (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    change_number bigint NOT NULL,
    team_id bigint NOT NULL,
    digest text COLLATE "C" NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    person_id bigint NOT NULL REFERENCES person,
    credential_id bigint NOT NULL REFERENCES credential,
    approves boolean NOT NULL,
    comment text CHECK (char_length(comment) <= 4000),
    decided_at timestamptz NOT NULL,
    FOREIGN KEY (change_number, team_id) REFERENCES change (number, team_id),
    UNIQUE (change_number, digest, person_id)
);

-- The fence behind the rule: nobody approves their own proposal, whatever the program says.
CREATE FUNCTION refuse_own_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.approves AND NEW.person_id = (SELECT author FROM change WHERE number = NEW.change_number) THEN
        RAISE EXCEPTION 'nobody approves their own proposal'
            USING ERRCODE = 'check_violation', TABLE = 'change_decision', CONSTRAINT = 'not_own_proposal';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER not_own_proposal BEFORE INSERT ON change_decision FOR EACH ROW EXECUTE FUNCTION refuse_own_approval();
CREATE TRIGGER decision_stays BEFORE UPDATE OR DELETE ON change_decision
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER decisions_stay BEFORE TRUNCATE ON change_decision EXECUTE FUNCTION refuse_change();

CREATE TABLE anchor (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store_id bigint NOT NULL,
    team_id bigint NOT NULL,
    certificate bytea NOT NULL CHECK (octet_length(certificate) BETWEEN 1 AND 65536),
    sha256 text COLLATE "C" NOT NULL CHECK (sha256 = encode(sha256(certificate), 'hex')),
    key_sha256 text COLLATE "C" NOT NULL CHECK (key_sha256 ~ '^[0-9a-f]{64}$'),
    subject text NOT NULL,
    not_before timestamptz NOT NULL,
    not_after timestamptz NOT NULL CHECK (not_after >= not_before),
    origin text COLLATE "C" NOT NULL CHECK (origin IN ('own', 'third-party')),
    justification text NOT NULL,
    owner text NOT NULL,
    evidence text,
    review_by timestamptz,
    state text COLLATE "C" NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'removed')),
    added_by_change bigint NOT NULL,
    added_at timestamptz NOT NULL,
    removed_by_change bigint,
    removed_at timestamptz,
    FOREIGN KEY (store_id, team_id) REFERENCES trust_store (id, team_id),
    FOREIGN KEY (added_by_change, team_id) REFERENCES change (number, team_id),
    FOREIGN KEY (removed_by_change, team_id) REFERENCES change (number, team_id),
    CHECK ((state = 'removed') = (removed_at IS NOT NULL)),
    CHECK ((state = 'removed') = (removed_by_change IS NOT NULL))
);
-- What was removed comes back by a new addition only, with approvals of its own.
CREATE TRIGGER removed_anchor_stays BEFORE UPDATE ON anchor FOR EACH ROW
    WHEN (OLD.state = 'removed') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER anchor_stays BEFORE DELETE ON anchor FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE UNIQUE INDEX anchor_once ON anchor (store_id, sha256) WHERE state = 'active';
CREATE INDEX anchor_by_team ON anchor (team_id, id);
CREATE INDEX anchor_by_certificate ON anchor (sha256);
