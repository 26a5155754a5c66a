import Codecs
import SigningKeys
import TestVectors
import Testing

/// 3,175 signatures that were made to be taken wrongly, or wrongly refused.
@Suite struct `Wycheproof` {
    @Test func `every signature is judged as it should be`() throws {
        guard let cases = try TestVectors.cases("x509/wycheproof-notary.jsonl.gz") else { return }
        var judged = 0
        for json in cases {
            let vector = try Vector(json)
            let key = try PublicKey(spki: vector.spki)
            let isValid = key.isValid(signature: vector.signature, over: vector.message, scheme: vector.scheme)
            #expect(isValid == vector.isValid, "\(vector.id): \(vector.why)")
            judged += 1
        }
        #expect(judged == 3_175)
    }

    private struct Vector {
        let id, why: String
        let spki, message, signature: [UInt8]
        let scheme: SignatureScheme
        let isValid: Bool

        init(_ json: JSON) throws {
            let object = try json.object("case")
            let input = try object.object("in", in: "case")
            func bytes(_ name: String) throws -> [UInt8] { try Hex.decode(input.string(name, in: "in")) }
            id = try object.string("id", in: "case")
            why = try object.string("why", in: "case")
            isValid = try object.string("expect", in: "case") == "valid"
            (spki, message, signature) = (try bytes("spki"), try bytes("msg"), try bytes("sig"))
            let name = try input.string("hash", in: "in")
            let hash = try #require(HashAlgorithm(rawValue: name.lowercased().replacing("-", with: "")))
            switch try input.string("alg", in: "in") {
            case "ecdsa-der": scheme = .ecdsa(hash, .der)
            case "ecdsa-p1363": scheme = .ecdsa(hash, .fixed)
            default:
                scheme = .rsaPSS(hash)
                #expect(try input.string("mgfHash", in: "in") == name)
                #expect(try input.integer("saltLen", in: "in") == Int64(hash.byteCount))
            }
        }
    }
}
