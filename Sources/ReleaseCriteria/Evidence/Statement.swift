package import Codecs
package import OCI
import SigningKeys

/// What somebody says of artifacts: an in-toto statement, read and not yet believed. [in-toto attestation framework]
package struct Statement: Sendable {
    package let predicateType: String
    package let predicate: JSONObject
    /// Digests of each subject, by algorithm.
    package let subjects: [[String: String]]

    package static let payloadType = "application/vnd.in-toto+json"
    static let type = "https://in-toto.io/Statement/v1"
    static let types: Set<String> = [type, "https://in-toto.io/Statement/v0.1"]
    static let maximumSubjects = 1_024

    /// Takes version 1 and 0.1; members that the framework does not know are left unread, as it demands.
    package init(_ envelope: DSSEEnvelope) throws(CriteriaError) {
        guard envelope.payloadType == Self.payloadType else {
            throw CriteriaError(
                .statement,
                "the payload's type is \"\(CriterionFinding.shown(envelope.payloadType))\", not \(Self.payloadType)")
        }
        try self.init(parsing: envelope.payload)
    }

    package init(parsing bytes: [UInt8]) throws(CriteriaError) {
        do throws(CodecError) {
            let place = "the statement"
            let limits = JSONLimits(bytes: DSSEEnvelope.maximumBytes, depth: 32)
            let object = try JSON(parsing: bytes, limits: limits).object(place)
            let type = try object.string("_type", in: place)
            guard Self.types.contains(type) else {
                throw CodecError(.value, "its type is \"\(CriterionFinding.shown(type))\", not in-toto's v1 or v0.1")
            }
            predicateType = try object.string("predicateType", in: place)
            predicate = try object["predicate"]?.object("\(place).predicate") ?? JSONObject()
            let list = try object.array("subject", in: place)
            guard (1...Self.maximumSubjects).contains(list.count) else {
                throw CodecError(.limit, "it names \(list.count) subjects, 1 to \(Self.maximumSubjects) are read")
            }
            subjects = try list.map { entry throws(CodecError) in
                let digests = try entry.object("\(place).subject[]").object("digest", in: "\(place).subject[]")
                var texts: [String: String] = [:]
                for (name, value) in digests.members { texts[name] = try value.string("\(place).subject[].digest") }
                return texts
            }
        } catch {
            throw CriteriaError(error.code == .limit ? .limit : .statement, "an in-toto statement: \(error.reason)")
        }
    }

    /// Whether one of the subjects is the artifact.
    package func isAbout(_ artifact: Digest) -> Bool {
        subjects.contains { $0[artifact.algorithm.rawValue] == artifact.hex }
    }
}
