package import TrustModel

/// The texts that holders of a team's keys sign outside of metadata.
package enum TeamKeyStatement {
    /// What a key signs to prove that the person who registers it has it: for this team and this person only.
    ///
    /// It is no JSON, so that no metadata can be made of the signature.
    package static func registration(team: TeamName, keyID: String, holder: String) -> [UInt8] {
        Array("roadstead-team-key-v1\n\(team)\n\(keyID)\n\(holder)".utf8)
    }
}
