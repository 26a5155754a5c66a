-- The second wall: whatever statement the API runs, PostgreSQL shows and takes only the rows of the caller's teams.

-- The person whom a transaction of the API acts for; nobody where none was named.
CREATE FUNCTION acting_person() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('roadstead.person', true), '')::bigint;

-- The roles of that person, those of groups too: what everything below follows from. Whether a group's word has ended is
-- decided before, by the clock of the request.
CREATE FUNCTION acting_roles() RETURNS TABLE (role text, team_id bigint, fleet_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT h.role, h.team_id, h.fleet_id FROM held_role h JOIN person p ON p.id = h.person_id
    WHERE h.person_id = acting_person() AND p.disabled_at IS NULL
$$;

CREATE FUNCTION holds_any_role() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$ SELECT EXISTS (SELECT FROM acting_roles()) $$;

CREATE FUNCTION sees_all_teams() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM acting_roles() WHERE role IN ('trust-admin', 'security-officer', 'auditor')
        AND team_id IS NULL AND fleet_id IS NULL)
$$;

-- Policies ask for it once in a query, never once in a row.
CREATE FUNCTION visible_teams() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(DISTINCT team_id), '{}') FROM acting_roles() WHERE team_id IS NOT NULL
$$;

-- Whoever operates or audits fleets sees which teams there are and what fleets take of them, and no team's own rows
-- but those of teams in their fleets.
CREATE FUNCTION visible_fleets() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(DISTINCT f.id), '{}') FROM acting_roles() r
        JOIN fleet f ON f.id = r.fleet_id OR (r.role = 'fleet-operator' AND r.fleet_id IS NULL)
$$;
CREATE FUNCTION teams_of_visible_fleets() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(DISTINCT team_id), '{}') FROM fleet_team WHERE fleet_id = ANY (visible_fleets())
$$;

-- Names for those who hold the number already: a role, a token's limit, the longest scope that covers a repository.
CREATE FUNCTION team_name(of_team bigint) RETURNS text
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN (SELECT name FROM team WHERE id = of_team);
END
$$;
CREATE FUNCTION repository_team(of_repository text) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN (SELECT team_id FROM team_scope
        WHERE scope = of_repository OR left(of_repository, length(scope) + 1) = scope || '/'
        ORDER BY length(scope) DESC LIMIT 1);
END
$$;

-- How many repositories there are, and how many fall to one team by the longest scope: limits count them all.
CREATE FUNCTION count_repositories(for_team bigint) RETURNS TABLE (everywhere bigint, of_team bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT (SELECT count(*) FROM repository), count(DISTINCT r.name)
    FROM team_scope s
    JOIN repository r ON r.name = s.scope OR (r.name >= s.scope || '/' AND r.name < s.scope || '0')
    WHERE s.team_id = for_team AND NOT EXISTS (
        SELECT FROM team_scope o
        WHERE o.team_id <> s.team_id AND o.scope >= s.scope || '/' AND o.scope < s.scope || '0'
            AND (o.scope = r.name OR left(r.name, length(o.scope) + 1) = o.scope || '/'))
$$;

REVOKE ALL ON FUNCTION acting_roles, holds_any_role, sees_all_teams, visible_teams, visible_fleets,
    teams_of_visible_fleets, team_name, repository_team, count_repositories FROM PUBLIC;
GRANT EXECUTE ON FUNCTION acting_roles, holds_any_role, sees_all_teams, visible_teams, visible_fleets,
    teams_of_visible_fleets, team_name, repository_team, count_repositories TO roadstead_api, roadstead_publisher;

-- Puts a table behind the wall, also for its owner. The publisher works for every team.
CREATE FUNCTION raise_wall(of_table regclass, seen text, written text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', of_table);
    EXECUTE format('CREATE POLICY owner ON %s TO roadstead_owner USING (true) WITH CHECK (true)', of_table);
    EXECUTE format('CREATE POLICY publisher ON %s TO roadstead_publisher USING (true) WITH CHECK (true)', of_table);
    EXECUTE format('CREATE POLICY teams ON %s TO roadstead_api USING (%s) WITH CHECK (%s)', of_table, seen, written);
END
$$;
REVOKE ALL ON FUNCTION raise_wall FROM PUBLIC;

-- The wall of a table whose rows are each one team's; a row of no team, where there may be one, is everybody's who
-- holds a role.
CREATE FUNCTION raise_team_wall(of_table regclass, in_addition text DEFAULT 'false') RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    own CONSTANT text :=
        '(SELECT sees_all_teams()) OR team_id = ANY ((SELECT visible_teams())::bigint[])'
        || ' OR (team_id IS NULL AND (SELECT holds_any_role()))';
BEGIN
    PERFORM raise_wall(of_table, own || ' OR ' || in_addition, own);
END
$$;
REVOKE ALL ON FUNCTION raise_team_wall FROM PUBLIC;

SELECT raise_team_wall(name::regclass) FROM unnest(ARRAY['team_scope', 'team_key', 'team_custody', 'team_custody_key',
    'role_draft', 'role_draft_need', 'role_renewal', 'denial', 'root_rule', 'signing_key']) AS name;
SELECT raise_team_wall(name::regclass, 'team_id = ANY ((SELECT teams_of_visible_fleets())::bigint[])')
    FROM unnest(ARRAY['trust_store', 'anchor']) AS name;
SELECT raise_team_wall(name::regclass, 'cardinality((SELECT visible_fleets())) > 0')
    FROM unnest(ARRAY['team_role', 'team_content']) AS name;

-- What a fleet takes is its operators' to say.
SELECT raise_wall(name::regclass, walls.rule, walls.rule) FROM unnest(ARRAY['fleet_team', 'fleet_team_content']) AS name,
    (VALUES ('(SELECT sees_all_teams()) OR team_id = ANY ((SELECT visible_teams())::bigint[])'
        || ' OR fleet_id = ANY ((SELECT visible_fleets())::bigint[])')) AS walls (rule);
SELECT raise_wall('team',
    '(SELECT sees_all_teams()) OR id = ANY ((SELECT visible_teams())::bigint[]) OR cardinality((SELECT visible_fleets())) > 0',
    '(SELECT sees_all_teams()) OR id = ANY ((SELECT visible_teams())::bigint[])');
SELECT raise_wall('repository', walls.rule, walls.rule) FROM (VALUES (
    '(SELECT sees_all_teams()) OR repository_team(name) = ANY ((SELECT visible_teams())::bigint[])')) AS walls (rule);

-- A change is its author's too, whatever roles are left; with it what was said to it.
SELECT raise_wall('change', walls.rule, walls.rule) FROM (VALUES (
    '(SELECT sees_all_teams()) OR team_id = ANY ((SELECT visible_teams())::bigint[]) OR author = (SELECT acting_person())'
    || ' OR (team_id IS NULL AND (SELECT holds_any_role()))')) AS walls (rule);
-- To begin one in a team takes more than to be its author.
CREATE POLICY beginning ON change AS RESTRICTIVE FOR INSERT TO roadstead_api WITH CHECK ((SELECT sees_all_teams())
    OR team_id = ANY ((SELECT visible_teams())::bigint[]) OR (team_id IS NULL AND (SELECT holds_any_role())));
SELECT raise_wall(name::regclass, walls.rule, walls.rule)
    FROM unnest(ARRAY['change_decision', 'change_edit', 'change_comment', 'change_review']) AS name, (VALUES (
    'EXISTS (SELECT FROM change c WHERE c.number = change_number)')) AS walls (rule);
SELECT raise_wall('role_draft_signature', walls.rule, walls.rule) FROM (VALUES (
    'EXISTS (SELECT FROM role_draft d WHERE d.id = draft_id)')) AS walls (rule);

-- Events name teams and fleets; those of neither are for who sees everything.
SELECT raise_wall('audit_event', walls.rule, 'false') FROM (VALUES (
    '(SELECT sees_all_teams()) OR team = ANY (ARRAY (SELECT name FROM team WHERE id = ANY (visible_teams())))'
    || ' OR fleet = ANY (ARRAY (SELECT name FROM fleet WHERE id = ANY (visible_fleets())))')) AS walls (rule);

-- Fences look at all rows, whoever it is that they hold back.
ALTER FUNCTION refuse_own_approval() SECURITY DEFINER SET search_path = public, pg_temp;
ALTER FUNCTION key_serves_once() SECURITY DEFINER SET search_path = public, pg_temp;
ALTER FUNCTION role_signature_counts() SECURITY DEFINER SET search_path = public, pg_temp;

-- Tables that came with other migrations before this one, each row of which is one team's.
DO $$
DECLARE
    found regclass;
BEGIN
    FOR found IN
        SELECT c.oid::regclass FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND NOT c.relrowsecurity
            AND a.attname = 'team_id' AND NOT a.attisdropped
            AND c.relname NOT IN ('credential', 'role_binding', 'identity_link', 'group_role')
    LOOP
        PERFORM raise_team_wall(found);
    END LOOP;
END
$$;
