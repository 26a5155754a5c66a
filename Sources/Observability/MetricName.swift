/// The metrics that Roadstead's programs expose. Labels have few values: route patterns, never addresses.
package enum MetricName: String, CaseIterable, Sendable {
    case httpRequests = "roadstead_http_requests_total"
    case httpDuration = "roadstead_http_request_duration_seconds"
    case fleetRequests = "roadstead_fleet_requests_total"
    case fleetCacheMisses = "roadstead_fleet_cache_misses_total"
    case fleetServedFromDisk = "roadstead_fleet_served_from_disk_total"
    case hintsWaiting = "roadstead_hints_waiting"
    case failedSignIns = "roadstead_failed_sign_ins_total"
    case releasesPublished = "roadstead_releases_published_total"
    case timestampsSigned = "roadstead_timestamps_signed_total"
    case publisherFailures = "roadstead_publisher_failures_total"
    case publishingHalted = "roadstead_publishing_halted"
    case publishDuration = "roadstead_publish_duration_seconds"
    case offlineExpiry = "roadstead_offline_expiry_timestamp_seconds"
    case heldTeams = "roadstead_held_teams"
    case waitingForCeremony = "roadstead_waiting_for_ceremony"
    case reviewsOverdue = "roadstead_reviews_overdue"
    case breakGlassReviewsOverdue = "roadstead_break_glass_reviews_overdue"
    case receipts = "roadstead_receipts_total"
    case databaseConnections = "roadstead_database_connections"
    case databaseWaiting = "roadstead_database_waiting"

    /// What the metric says, for `# HELP`.
    package var help: String {
        switch self {
        case .httpRequests: "Requests answered, by method, route pattern and status"
        case .httpDuration: "Time to answer, by route pattern"
        case .fleetRequests: "Requests for published files, by status"
        case .fleetCacheMisses: "Published files that were not in memory"
        case .fleetServedFromDisk: "Published files served from disk while the database was away"
        case .hintsWaiting: "Requests that wait for a publication"
        case .failedSignIns: "Credentials that were refused"
        case .releasesPublished: "Releases published, by fleet"
        case .timestampsSigned: "Timestamps signed again without a new release, by fleet"
        case .publisherFailures: "Attempts to publish that failed, by fleet"
        case .publishingHalted: "1 while a fleet is not published because the database is behind, by fleet"
        case .publishDuration: "Time from looking at a fleet to its release being published"
        case .offlineExpiry: "When metadata that only people can sign ends, in Unix time, by fleet and role"
        case .heldTeams: "Teams that stay as they are published, or out of the fleet, by fleet"
        case .waitingForCeremony: "What hosts will not learn before people have held a ceremony, by fleet"
        case .reviewsOverdue: "Anchors and vendors that somebody should have looked at again, by kind"
        case .breakGlassReviewsOverdue: "Additions by break-glass that nobody has reviewed within seven days"
        case .receipts: "Receipts of hosts, by outcome"
        case .databaseConnections: "Open connections, by pool"
        case .databaseWaiting: "Tasks that wait for a connection, by pool"
        }
    }
}
