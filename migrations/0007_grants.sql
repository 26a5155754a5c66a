-- What each database role may do: the API governs, the publisher publishes, host reports report. None owns a table.

GRANT EXECUTE ON FUNCTION append_audit_event TO roadstead_api, roadstead_publisher, roadstead_hosts;

-- The API: everything that people do. Anchors come in only by the publisher; keys, releases and files are for reading.
GRANT SELECT ON team, team_scope, trust_store, repository, fleet, fleet_enforcer, fleet_team, person, credential,
    role_binding, invitation, bootstrap, idempotency, root_rule, change, change_decision, anchor, root_draft,
    root_draft_signature, published_content, team_role, release, release_change, published_file, join_token, host, host_state,
    receipt, audit_event, audit_head TO roadstead_api;
GRANT SELECT (key_id, public_key, key_object, fleet_id, role, team_id, created_at, retired_at) ON signing_key TO roadstead_api;
GRANT INSERT (name, display_name, custody, created_at), UPDATE (display_name, content_version, removed_at) ON team
    TO roadstead_api;
GRANT INSERT, DELETE ON team_scope, fleet_team TO roadstead_api;
GRANT INSERT ON trust_store, repository TO roadstead_api;
GRANT INSERT (name, fleet_id, display_name, profile, mode, created_at),
    UPDATE (display_name, mode, root_version, removed_at) ON fleet TO roadstead_api;
GRANT INSERT, UPDATE (mode), DELETE ON fleet_enforcer TO roadstead_api;
GRANT INSERT, UPDATE (display_name, disabled_at) ON person TO roadstead_api;
GRANT INSERT, UPDATE (revoked_at, last_used_at) ON credential TO roadstead_api;
GRANT INSERT, UPDATE (revoked_at, revoked_by) ON role_binding TO roadstead_api;
GRANT INSERT, UPDATE (accepted_at, person_id) ON invitation TO roadstead_api;
GRANT INSERT, UPDATE ON bootstrap TO roadstead_api;
GRANT INSERT, UPDATE, DELETE ON idempotency TO roadstead_api;
GRANT INSERT, UPDATE (removed_at) ON root_rule TO roadstead_api;
GRANT USAGE ON SEQUENCE change_number TO roadstead_api;
GRANT INSERT, UPDATE (state, version, base_version, content, digest, adds, approvals_needed, officers_needed,
    credential_id, submitted_at, expires_at, approved_at, closed_at, note) ON change TO roadstead_api;
GRANT INSERT ON change_decision TO roadstead_api;
GRANT UPDATE (state, removed_by_change, removed_at) ON anchor TO roadstead_api;
GRANT INSERT, UPDATE (state) ON root_draft TO roadstead_api;
GRANT INSERT ON root_draft_signature TO roadstead_api;
-- A closed ceremony brings the root and its keys, never a private one.
GRANT INSERT ON published_content, published_file TO roadstead_api;
GRANT INSERT (key_id, public_key, key_object, fleet_id, role, created_at) ON signing_key TO roadstead_api;
GRANT INSERT ON join_token TO roadstead_api;
GRANT UPDATE (removed_at) ON host TO roadstead_api;

-- The publisher: reads what was governed, brings approved changes in, writes keys, releases and files.
GRANT SELECT ON team, team_scope, trust_store, repository, fleet, fleet_enforcer, fleet_team, person, role_binding,
    root_rule, change, change_decision, anchor, signing_key, published_content, team_role, release,
    release_change, published_file, master_key, host, host_state TO roadstead_publisher;
GRANT UPDATE (content_version) ON team TO roadstead_publisher;
GRANT UPDATE (published_release) ON fleet TO roadstead_publisher;
GRANT UPDATE (state, approvals_needed, officers_needed, approved_at, closed_at, note) ON change TO roadstead_publisher;
GRANT INSERT, UPDATE (state, removed_by_change, removed_at) ON anchor TO roadstead_publisher;
GRANT INSERT, UPDATE (private_key, retired_at) ON signing_key TO roadstead_publisher;
GRANT INSERT ON published_content, team_role, release_change, published_file TO roadstead_publisher;
GRANT INSERT, UPDATE ON master_key TO roadstead_publisher;
GRANT INSERT, UPDATE (state, digest, difference, signed_at, published_at) ON release TO roadstead_publisher;

-- Host reports: enrolment, receipts, and the files that everybody may read.
GRANT SELECT ON fleet, join_token, host, host_state, receipt, release, published_file, published_content
    TO roadstead_hosts;
GRANT UPDATE (uses_left) ON join_token TO roadstead_hosts;
GRANT INSERT ON host, host_state, receipt TO roadstead_hosts;
GRANT UPDATE ON host_state TO roadstead_hosts;
