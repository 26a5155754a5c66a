-- What teams say about their own images.

-- Every policy that a team ever had; the newest counts. Only a published change brings one.
CREATE TABLE team_policy (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team_id bigint NOT NULL REFERENCES team,
    -- Canonical JSON of the statements; absent for the standard one.
    statements text CHECK (octet_length(statements) <= 32768 AND jsonb_typeof(statements::jsonb) = 'array'),
    change_number bigint NOT NULL UNIQUE,
    set_at timestamptz NOT NULL,
    FOREIGN KEY (change_number, team_id) REFERENCES change (number, team_id)
);
CREATE INDEX team_policy_by_team ON team_policy (team_id, id DESC);
CREATE TRIGGER policy_stays BEFORE UPDATE OR DELETE ON team_policy FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER policies_stay BEFORE TRUNCATE ON team_policy EXECUTE FUNCTION refuse_change();

-- What the team's anchors and statements are now, and what limits single anchors; the statements stand in it as they were agreed, byte for byte.
CREATE OR REPLACE FUNCTION team_content_document(of_team bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '{' || team_content_constraints(of_team) || '"schema":1,'
        || coalesce('"statements":' || (SELECT p.statements FROM team_policy p WHERE p.team_id = of_team
            ORDER BY p.id DESC LIMIT 1) || ',', '')
        || '"stores":[' || coalesce(string_agg(
        '{"anchors":['
            || coalesce((SELECT string_agg('"' || a.sha256 || '"', ',' ORDER BY a.sha256) FROM anchor a
                WHERE a.store_id = s.id AND a.state = 'active'), '')
            || '],"kind":"' || s.kind || '","name":"' || s.name || '"}', ',' ORDER BY s.kind, s.name), '') || ']}'
    FROM trust_store s WHERE s.team_id = of_team
$$;

GRANT SELECT ON team_policy TO roadstead_api, roadstead_publisher;
GRANT INSERT ON team_policy TO roadstead_publisher;
