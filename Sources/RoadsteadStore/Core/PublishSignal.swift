import PostgresKit

/// The channel by which a committed change wakes publishers. A hint: they also look by themselves.
package enum PublishSignal {
    package static let channel = "roadstead_publish"
}

struct SendPublishSignal: Statement {
    static let sql = "SELECT pg_notify('roadstead_publish', '')"
    var bindings: [Binding] { [] }
}
