import Codecs
import PKI
import TestVectors
import Testing

/// Chains that others made to be taken wrongly, judged by Notary's rules.
@Suite struct `Chain conformance` {
    @Test func `every chain of x509-limbo that needs no revocation list is judged as it should be`() throws {
        guard let cases = try TestVectors.cases("x509/limbo-notary.jsonl.gz") else { return }
        var judged = 0
        for json in cases {
            let vector = try Vector(json)
            guard !vector.usesRevocationLists else { continue }
            let verdict = vector.verdict
            #expect(verdict.isValid == vector.isValid, "\(vector.id): \(verdict.why) | \(vector.why)")
            judged += 1
        }
        #expect(judged == 127)
    }

    @Test func `the valid chains of PKITS pass what needs no revocation list`() throws {
        guard let cases = try TestVectors.cases("x509/pkits-notary.jsonl.gz") else { return }
        var judged = 0
        for json in cases {
            let vector = try Vector(json)
            guard vector.isValid else { continue }
            #expect(vector.verdict.isValid, "\(vector.id): \(vector.verdict.why) | \(vector.why)")
            judged += 1
        }
        #expect(judged == 157)
    }

    @Test func `the invalid chains of PKITS that pass are invalid for their revocation lists alone`() throws {
        guard let cases = try TestVectors.cases("x509/pkits-notary.jsonl.gz") else { return }
        let aboutRevocation = ["4.4.", "4.5.2-", "4.5.5-", "4.5.7-", "4.7.4-", "4.14.", "4.15."]
        var rejected = 0
        for json in cases {
            let vector = try Vector(json)
            guard !vector.isValid else { continue }
            if vector.verdict.isValid {
                #expect(aboutRevocation.contains { vector.id.hasPrefix("pkits::" + $0) }, "\(vector.id): \(vector.why)")
            } else {
                rejected += 1
            }
        }
        #expect(rejected == 40)
    }

    private struct Vector {
        let id, why: String
        let chain, roots: [String]
        let time: UTCDate
        let usesRevocationLists, isValid: Bool

        init(_ json: JSON) throws {
            let object = try json.object("case")
            let input = try object.object("in", in: "case")
            func texts(_ name: String) throws -> [String] {
                try (input[name]?.arrayOrNil ?? []).map { try $0.string(name) }
            }
            id = try object.string("id", in: "case")
            why = try object.string("why", in: "case")
            isValid = try object.string("expect", in: "case") == "valid"
            chain = try texts("x5c")
            roots = try texts("roots")
            usesRevocationLists = try !texts("crls").isEmpty || input.bool("requireCrl", in: "in")
            let at = input["at"]?.stringOrNil ?? "2026-11-22T00:00:00Z"
            time = try UTCDate(String(at.prefix(19)) + "Z")
        }

        var verdict: (isValid: Bool, why: String) {
            do {
                let anchors = try Set(roots.flatMap { try Certificate.parse(pemOrDER: Array($0.utf8)) })
                let certificates = try chain.map { try Certificate(pemOrDER: Array($0.utf8)) }
                switch try UnverifiedChain(certificates).verified(for: .codeSigning, at: time) {
                case .verified(let chain):
                    return chain.anchor(among: anchors) == nil ? (false, "no anchor") : (true, "verified")
                case .rejected(let findings): return (false, "\(findings)")
                }
            } catch {
                return (false, "\(error)")
            }
        }
    }
}
