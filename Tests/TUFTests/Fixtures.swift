import Codecs
import SigningKeys
import TUF
import RepositorySimulation
import Testing

/// A timestamp file as text, one member replaced, unsigned: for tests of the form.
func timestampText(
    type: String = #""timestamp""#, version: String = "1", spec: String = #""1.0.31""#,
    expires: String = #""2030-01-01T00:00:00Z""#, meta: String = #"{"snapshot.json":{"version":1}}"#,
    signatures: String = "[]", more: String = ""
) -> String {
    """
    {"signatures":\(signatures),"signed":{"_type":\(type),"expires":\(expires),"meta":\(meta),\
    "spec_version":\(spec),"version":\(version)\(more)}}
    """
}

func readTimestamp(_ text: String) throws(TUFError) -> UnverifiedMetadata<Timestamp> {
    try UnverifiedMetadata(Array(text.utf8), maximumBytes: 1 << 20)
}

/// The code of the error that a refresh ends with; nil when it succeeds.
func failure(_ client: SimulatedClient) async -> TUFError.Code? {
    do { try await client.refresh() } catch { return error.code }
    return nil
}

/// The code of the error that a body ends with; nil when it succeeds.
func code(_ body: () throws(TUFError) -> Void) -> TUFError.Code? {
    do { try body() } catch { return error.code }
    return nil
}

/// A key object with another id for the same key: an extra member.
func disguised(_ key: PrivateKey, _ mark: String) throws -> Key {
    var members = try Key(key.publicKey).members
    members["note"] = .string(mark)
    return try Key(.object(members))
}
