/// The roles that the parts of Roadstead act as in the database; none is a superuser or passes row-level security.
package enum DatabaseRole: String, Sendable, CaseIterable {
    /// Owns the database and every object in it; runs migrations and serves nothing.
    case owner = "roadstead_owner"
    /// Serves the API to people.
    case api = "roadstead_api"
    /// Builds and signs what fleets publish.
    case publisher = "roadstead_publisher"
    /// Takes in what hosts report.
    case hosts = "roadstead_hosts"
}
