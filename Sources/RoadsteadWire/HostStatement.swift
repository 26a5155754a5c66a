package import TrustModel

/// The texts that a host signs outside of documents.
package enum HostStatement {
    /// What a host signs to prove at enrolment that it holds its key, for this fleet and this join token only.
    ///
    /// - Parameter tokenSHA256: lower-case hexadecimal.
    package static func enrolment(fleetID: FleetID, hostName: String, tokenSHA256: String) -> [UInt8] {
        Array("roadstead-enrol-v1\n\(fleetID)\n\(hostName)\n\(tokenSHA256)".utf8)
    }
}
