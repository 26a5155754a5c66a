package import Codecs
package import OCI
import SigningKeys

/// What a code review says: who wrote the change, who looked at it, and what each of them said.
///
///     {"author": "alice@example.com", "reviews": [{"reviewer": "bob@example.com", "result": "approved"}]}
package struct ReviewReport: Sendable {
    package let authors: Set<String>
    package let approvedBy: Set<String>
    package let rejectedBy: Set<String>
    package let finished: UTCDate?

    package static let type = "urn:roadstead:attestation:review:v1"

    package init(_ statement: Statement) throws(CriteriaError) {
        do throws(CodecError) {
            let predicate = statement.predicate
            authors = [Self.plain(try predicate.string("author", in: "predicate"))]
            var (approved, rejected): (Set<String>, Set<String>) = ([], [])
            for entry in try predicate.array("reviews", in: "predicate") {
                let review = try entry.object("predicate.reviews[]")
                let reviewer = Self.plain(try review.string("reviewer", in: "predicate.reviews[]"))
                if try review.string("result", in: "predicate.reviews[]") == "approved" {
                    approved.insert(reviewer)
                } else {
                    rejected.insert(reviewer)
                }
            }
            (approvedBy, rejectedBy) = (approved, rejected)
            finished = try PredicateTime.read("finishedOn", of: predicate)
        } catch {
            throw CriteriaError(.predicate, "the review: \(error.reason)")
        }
    }

    /// People are compared without capitals and blanks around, so that nobody counts twice.
    static func plain(_ person: String) -> String {
        let words = person.lowercased().split { $0.isWhitespace }
        return words.joined(separator: " ")
    }
}

/// What a person signs to let one artifact be signed with one key, once, for a while.
///
///     {"key": "release", "approvedOn": "2026-11-22T10:00:00Z", "expires": "2026-11-22T18:00:00Z"}
package struct ApprovalStatement: Sendable {
    package let key: String
    package let approved: UTCDate
    package let expires: UTCDate

    package static let type = "urn:roadstead:attestation:approval:v1"

    package init(key: String, approved: UTCDate, expires: UTCDate) {
        self.key = key
        self.approved = approved
        self.expires = expires
    }

    /// The statement about one artifact, as it is signed.
    package func payload(about artifact: Digest) -> [UInt8] {
        let digest = JSONObject([(artifact.algorithm.rawValue, .string(artifact.hex))])
        let statement: JSON = [
            "_type": .string(Statement.type), "subject": [["name": "artifact", "digest": .object(digest)]],
            "predicateType": .string(Self.type),
            "predicate": [
                "key": .string(key), "approvedOn": .string(approved.description),
                "expires": .string(expires.description),
            ],
        ]
        return statement.bytes
    }

    package init(_ statement: Statement) throws(CriteriaError) {
        do throws(CodecError) {
            let predicate = statement.predicate
            key = try predicate.string("key", in: "predicate")
            guard let approved = try PredicateTime.read("approvedOn", of: predicate),
                let expires = try PredicateTime.read("expires", of: predicate)
            else { throw CodecError(.missing, "it does not say when it was given and when it ends") }
            (self.approved, self.expires) = (approved, expires)
        } catch {
            throw CriteriaError(.predicate, "the approval: \(error.reason)")
        }
    }
}
