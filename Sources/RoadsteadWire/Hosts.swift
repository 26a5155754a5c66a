package import Codecs
package import TrustModel

/// `POST /v1/fleets/{fleet}/join-tokens`
package struct JoinTokenRequest: Codable, Sendable, Equatable {
    /// 1 to 10,000; 1 unless said.
    package let uses: Int?
    /// 1 to 720; 24 unless said.
    package let expiresInHours: Int?
    package let labels: [String: String]?

    package init(uses: Int? = nil, expiresInHours: Int? = nil, labels: [String: String]? = nil) {
        self.uses = uses
        self.expiresInHours = expiresInHours
        self.labels = labels
    }
}

/// A join string, shown once.
package struct JoinTokenBody: Codable, Sendable, Equatable {
    package let joinString: String
    package let expires: UTCDate
    package let uses: Int

    package init(joinString: String, expires: UTCDate, uses: Int) {
        self.joinString = joinString
        self.expires = expires
        self.uses = uses
    }
}

/// `POST /v1/enroll`: a host gives its key and proves that it holds it.
package struct EnrollRequest: Codable, Sendable, Equatable {
    package let token: String
    package let fleet: FleetName
    package let hostName: String
    /// PEM.
    package let publicKey: String
    /// Base64 of the signature over the enrolment statement.
    package let proof: String
    package let labels: [String: String]?

    package init(
        token: String, fleet: FleetName, hostName: String, publicKey: String, proof: String,
        labels: [String: String]? = nil
    ) {
        self.token = token
        self.fleet = fleet
        self.hostName = hostName
        self.publicKey = publicKey
        self.proof = proof
        self.labels = labels
    }
}

/// What an enrolled host is called.
package struct EnrollBody: Codable, Sendable, Equatable {
    package let host: String
    package let fleet: FleetName
    package let fleetID: FleetID

    package init(host: String, fleet: FleetName, fleetID: FleetID) {
        self.host = host
        self.fleet = fleet
        self.fleetID = fleetID
    }
}

/// `POST /v1/hosts/{host}/receipts`: a receipt and the host's signature over its bytes.
package struct ReceiptEnvelope: Codable, Sendable, Equatable {
    /// Base64 of the receipt's canonical JSON.
    package let receipt: String
    /// Base64.
    package let signature: String

    package init(receipt: String, signature: String) {
        self.receipt = receipt
        self.signature = signature
    }
}

/// A fleet of which nothing is published, because the database is behind what was published.
package struct HaltBody: Codable, Sendable, Equatable {
    package let fleet: FleetName
    /// `disk` or `host`: where it was seen.
    package let source: String
    package let reason: String
    package let since: UTCDate

    package init(fleet: FleetName, source: String, reason: String, since: UTCDate) {
        self.fleet = fleet
        self.source = source
        self.reason = reason
        self.since = since
    }
}

/// A host as the fleet sees it.
package struct HostBody: Codable, Sendable, Equatable {
    package let id: String
    package let name: String
    package let fleet: FleetName
    package let labels: [String: String]
    package let enrolled: UTCDate
    package let lastSeen: UTCDate?
    package let release: Int64
    /// Releases behind the fleet.
    package let behind: Int64
    package let agentVersion: String?
    package let enforcers: [Receipt.Enforcer]
    package let warnings: [String]
    package let removed: Bool

    package init(
        id: String, name: String, fleet: FleetName, labels: [String: String], enrolled: UTCDate,
        lastSeen: UTCDate? = nil, release: Int64, behind: Int64, agentVersion: String? = nil,
        enforcers: [Receipt.Enforcer], warnings: [String], removed: Bool
    ) {
        self.id = id
        self.name = name
        self.fleet = fleet
        self.labels = labels
        self.enrolled = enrolled
        self.lastSeen = lastSeen
        self.release = release
        self.behind = behind
        self.agentVersion = agentVersion
        self.enforcers = enforcers
        self.warnings = warnings
        self.removed = removed
    }
}
