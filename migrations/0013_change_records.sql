-- What was written to a change: its edits, what people say of it, break-glass and its review; and the fences of approval.

-- Without an edit it is of when it was made. Sent back: an approver no longer counted when it was to take effect.
-- By break-glass: what it adds ends then.
ALTER TABLE change ADD COLUMN edited_at timestamptz,
    ADD COLUMN sent_back_at timestamptz,
    ADD COLUMN break_glass_until timestamptz,
    ADD CONSTRAINT break_glass_is_of_a_team CHECK (break_glass_until IS NULL OR (adds AND team_id IS NOT NULL)),
    ADD CONSTRAINT break_glass_is_short CHECK (
        break_glass_until IS NULL OR state <> 'published' OR break_glass_until <= closed_at + interval '168 hours');

-- Every content that a change ever had; approvals bind to the digest of one.
CREATE TABLE change_edit (
    change_number bigint NOT NULL REFERENCES change,
    version bigint NOT NULL CHECK (version >= 1),
    team_id bigint,
    content bytea NOT NULL,
    digest text COLLATE "C" NOT NULL UNIQUE,
    edited_at timestamptz NOT NULL,
    PRIMARY KEY (change_number, version),
    FOREIGN KEY (change_number, team_id) REFERENCES change (number, team_id)
);
INSERT INTO change_edit (change_number, version, team_id, content, digest, edited_at)
    SELECT number, version, team_id, content, digest, created_at FROM change;
CREATE TRIGGER edit_stays BEFORE UPDATE OR DELETE ON change_edit FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER edits_stay BEFORE TRUNCATE ON change_edit EXECUTE FUNCTION refuse_change();

-- The only way in: no program forgets an edit or puts other words into it.
CREATE FUNCTION keep_edit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO change_edit (change_number, version, team_id, content, digest, edited_at)
        VALUES (NEW.number, NEW.version, NEW.team_id, NEW.content, NEW.digest, coalesce(NEW.edited_at, NEW.created_at));
    RETURN NEW;
END
$$;
CREATE TRIGGER edit_is_kept AFTER INSERT ON change FOR EACH ROW EXECUTE FUNCTION keep_edit();
CREATE TRIGGER edit_is_kept_again AFTER UPDATE ON change FOR EACH ROW
    WHEN (NEW.version <> OLD.version) EXECUTE FUNCTION keep_edit();

-- How many people have approved what a change says now, its author and who was disabled left out; none after a rejection.
CREATE FUNCTION change_approvers(of_change bigint, of_author bigint, of_digest text) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN bool_and(d.approves) THEN
        count(DISTINCT d.person_id) FILTER (WHERE d.person_id <> of_author AND p.disabled_at IS NULL) ELSE 0 END
    FROM change_decision d JOIN person p ON p.id = d.person_id
    WHERE d.change_number = of_change AND d.digest = of_digest
$$;

-- A change goes one way; its content changes by an edit only, and it takes effect with its approvals only.
CREATE FUNCTION change_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('rejected', 'withdrawn', 'expired', 'published')
        OR (OLD.number, OLD.author, OLD.created_at) IS DISTINCT FROM (NEW.number, NEW.author, NEW.created_at)
        OR OLD.team_id IS DISTINCT FROM NEW.team_id
        OR (OLD.state, NEW.state) IN (('submitted', 'draft'), ('approved', 'draft'), ('draft', 'approved'),
            ('draft', 'rejected'))
    THEN
        RAISE EXCEPTION 'change % does not go from % to %', OLD.number, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', TABLE = 'change', CONSTRAINT = 'change_goes_on';
    END IF;
    IF (OLD.version, OLD.content, OLD.digest, OLD.adds) IS DISTINCT FROM (NEW.version, NEW.content, NEW.digest, NEW.adds)
        OR OLD.break_glass_until IS DISTINCT FROM NEW.break_glass_until
    THEN
        IF OLD.state NOT IN ('draft', 'submitted') OR NEW.state <> OLD.state OR NEW.version <> OLD.version + 1
            OR NEW.digest = OLD.digest
        THEN
            RAISE EXCEPTION 'change % is edited by its next version only, while it is open', OLD.number
                USING ERRCODE = 'check_violation', TABLE = 'change', CONSTRAINT = 'change_is_edited';
        END IF;
    ELSIF OLD.state <> 'draft' AND (NEW.approvals_needed, NEW.officers_needed)
        IS DISTINCT FROM (greatest(OLD.approvals_needed, NEW.approvals_needed),
            greatest(OLD.officers_needed, NEW.officers_needed))
    THEN
        RAISE EXCEPTION 'change % does not come to need less', OLD.number
            USING ERRCODE = 'check_violation', TABLE = 'change', CONSTRAINT = 'change_needs_no_less';
    END IF;
    IF NEW.state IN ('approved', 'published') AND NEW.state <> OLD.state AND NOT NEW.founding
        AND change_approvers(NEW.number, NEW.author, NEW.digest) < NEW.approvals_needed
    THEN
        RAISE EXCEPTION 'change % lacks approvals', OLD.number
            USING ERRCODE = 'check_violation', TABLE = 'change', CONSTRAINT = 'change_has_approvals';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER change_goes_on BEFORE UPDATE ON change FOR EACH ROW EXECUTE FUNCTION change_goes_on();
CREATE TRIGGER change_stays BEFORE DELETE ON change FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- A change begins open, or is in force at once where nobody else is needed.
CREATE FUNCTION change_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.version <> 1 OR NOT (NEW.state IN ('draft', 'submitted')
        OR (NEW.state = 'published' AND (NEW.founding OR (NEW.approvals_needed = 0 AND NOT NEW.adds))))
    THEN
        RAISE EXCEPTION 'change % does not begin as % with version %', NEW.number, NEW.state, NEW.version
            USING ERRCODE = 'check_violation', TABLE = 'change', CONSTRAINT = 'change_begins';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER change_begins BEFORE INSERT ON change FOR EACH ROW EXECUTE FUNCTION change_begins();

-- Decisions are a person's own, on what the change says now, while it waits for them.
CREATE FUNCTION decision_counts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    decided change%ROWTYPE;
BEGIN
    SELECT * INTO decided FROM change WHERE number = NEW.change_number FOR NO KEY UPDATE;
    IF decided.state <> 'submitted' OR decided.digest <> NEW.digest OR NEW.decided_at >= decided.expires_at
        OR decided.team_id IS DISTINCT FROM NEW.team_id
        OR NOT EXISTS (SELECT FROM person p JOIN credential c ON c.person_id = p.id
            WHERE p.id = NEW.person_id AND p.disabled_at IS NULL
                AND c.id = NEW.credential_id AND c.holder = 'person' AND c.access = 'write')
    THEN
        RAISE EXCEPTION 'nobody decides so on change %', NEW.change_number
            USING ERRCODE = 'check_violation', TABLE = 'change_decision', CONSTRAINT = 'decision_counts';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER decision_counts BEFORE INSERT ON change_decision FOR EACH ROW EXECUTE FUNCTION decision_counts();

-- What people say about a change.
CREATE TABLE change_comment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    change_number bigint NOT NULL REFERENCES change,
    team_id bigint,
    person_id bigint NOT NULL REFERENCES person,
    credential_id bigint NOT NULL REFERENCES credential,
    comment text NOT NULL CHECK (char_length(comment) BETWEEN 1 AND 4000),
    commented_at timestamptz NOT NULL,
    FOREIGN KEY (change_number, team_id) REFERENCES change (number, team_id)
);
CREATE INDEX change_comment_by_change ON change_comment (change_number, id);
CREATE TRIGGER comment_stays BEFORE UPDATE OR DELETE ON change_comment FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER comments_stay BEFORE TRUNCATE ON change_comment EXECUTE FUNCTION refuse_change();

-- Who looked afterwards at what went in by break-glass.
CREATE TABLE change_review (
    change_number bigint PRIMARY KEY REFERENCES change,
    team_id bigint NOT NULL,
    person_id bigint NOT NULL REFERENCES person,
    credential_id bigint NOT NULL REFERENCES credential,
    note text NOT NULL CHECK (char_length(note) BETWEEN 1 AND 4000),
    reviewed_at timestamptz NOT NULL,
    FOREIGN KEY (change_number, team_id) REFERENCES change (number, team_id)
);
CREATE TRIGGER review_stays BEFORE UPDATE OR DELETE ON change_review FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER reviews_stay BEFORE TRUNCATE ON change_review EXECUTE FUNCTION refuse_change();

-- A review is by a third person, of what is in force.
CREATE FUNCTION review_is_independent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM change WHERE number = NEW.change_number AND state = 'published'
            AND break_glass_until IS NOT NULL AND author <> NEW.person_id)
        OR EXISTS (SELECT FROM change_decision WHERE change_number = NEW.change_number AND person_id = NEW.person_id)
    THEN
        RAISE EXCEPTION 'change % is reviewed by somebody who had no part in it', NEW.change_number
            USING ERRCODE = 'check_violation', TABLE = 'change_review', CONSTRAINT = 'review_is_independent';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER review_is_independent BEFORE INSERT ON change_review
    FOR EACH ROW EXECUTE FUNCTION review_is_independent();
CREATE INDEX change_by_break_glass ON change (closed_at) WHERE break_glass_until IS NOT NULL AND state = 'published';

-- An anchor comes of a change that was agreed to, and ends when that change says; hosts end it by themselves.
ALTER TABLE anchor ADD COLUMN until timestamptz;
CREATE INDEX anchor_ending ON anchor (until) WHERE state = 'active' AND until IS NOT NULL;
CREATE FUNCTION anchor_was_agreed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM change c JOIN team t ON t.id = c.team_id
        WHERE c.number = NEW.added_by_change AND c.adds AND c.state IN ('approved', 'published')
            AND c.break_glass_until IS NOT DISTINCT FROM NEW.until AND (NEW.until IS NULL OR t.custody = 'server'))
    THEN
        RAISE EXCEPTION 'change % does not add this anchor', NEW.added_by_change
            USING ERRCODE = 'check_violation', TABLE = 'anchor', CONSTRAINT = 'anchor_was_agreed';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER anchor_was_agreed BEFORE INSERT ON anchor FOR EACH ROW EXECUTE FUNCTION anchor_was_agreed();
CREATE TRIGGER anchor_end_stays BEFORE UPDATE ON anchor FOR EACH ROW
    WHEN (NEW.until IS DISTINCT FROM OLD.until) EXECUTE FUNCTION refuse_change();

-- What limits single anchors of a team, as a member of its content, with a comma; empty where nothing does.
CREATE FUNCTION team_content_constraints(of_team bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce('"constraints":[' || string_agg('{"anchor":"' || e.sha256 || '","until":"'
        || to_char(e.until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || '"}', ',' ORDER BY e.sha256) || '],', '')
    FROM (SELECT sha256, min(until) AS until FROM anchor
        WHERE team_id = of_team AND state = 'active' AND until IS NOT NULL GROUP BY sha256) AS e
$$;
CREATE OR REPLACE FUNCTION team_content_document(of_team bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '{' || team_content_constraints(of_team) || '"schema":1,"stores":[' || coalesce(string_agg(
        '{"anchors":['
            || coalesce((SELECT string_agg('"' || a.sha256 || '"', ',' ORDER BY a.sha256) FROM anchor a
                WHERE a.store_id = s.id AND a.state = 'active'), '')
            || '],"kind":"' || s.kind || '","name":"' || s.name || '"}', ',' ORDER BY s.kind, s.name), '') || ']}'
    FROM trust_store s WHERE s.team_id = of_team
$$;

GRANT SELECT ON change_edit, change_comment, change_review TO roadstead_api, roadstead_publisher;
GRANT INSERT (change_number, team_id, person_id, credential_id, comment, commented_at) ON change_comment TO roadstead_api;
GRANT INSERT ON change_review TO roadstead_api;
GRANT UPDATE (edited_at, sent_back_at, break_glass_until) ON change TO roadstead_api;
GRANT UPDATE (sent_back_at) ON change TO roadstead_publisher;
