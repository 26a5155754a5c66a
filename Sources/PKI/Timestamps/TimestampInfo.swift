package import Codecs
package import SigningKeys

/// What a timestamp says. [RFC 3161 §2.4.2, TSTInfo]
package struct TimestampInfo: Sendable {
    /// Dotted object identifier of the policy under which it was made.
    package let policy: String
    package let hash: HashAlgorithm
    package let imprint: [UInt8]
    package let serialNumber: SerialNumber
    /// The time that it names, in whole seconds.
    package let time: UTCDate
    /// The bounds of that time, the authority's accuracy and parts of seconds allowed for.
    package let earliest: UTCDate
    package let latest: UTCDate
    /// Big-endian, without leading zeros.
    package let nonce: [UInt8]?
    /// The authority's name, where it is a distinguished name.
    let authority: DistinguishedName?

    /// An authority whose clock is less sure than this says nothing.
    static let maximumAccuracySeconds = 86_400

    init(der: [UInt8]) throws {
        var fields = try DERReader(inside: DERReader.single(der, .sequence))
        guard try fields.read(.integer).smallInteger() == 1 else {
            throw PKIError(.malformed, "a timestamp is of a version that is not known")
        }
        policy = try fields.read(.objectIdentifier).objectIdentifier()
        var imprintFields = try DERReader(inside: fields.read(.sequence))
        guard let hash = try HashAlgorithm(imprintFields.read(.sequence)) else {
            throw PKIError(.malformed, "a timestamp is over a hash that is not SHA-256, SHA-384 or SHA-512")
        }
        self.hash = hash
        imprint = try imprintFields.read(.octetString).bytes
        try imprintFields.end()
        guard imprint.count == hash.byteCount else {
            throw PKIError(.malformed, "a timestamp's imprint is not as long as its hash")
        }
        serialNumber = SerialNumber(bytes: try fields.read(.integer).integerBytes())
        guard serialNumber.bytes.count <= 64 else {
            throw PKIError(.limit, "a timestamp's serial number has more than 64 octets")
        }
        let (micros, isCut) = try fields.read(.generalizedTime).preciseTime()
        let accuracy = try fields.readOptional(.sequence).map(Self.accuracy) ?? Self.standardAccuracy(policy)
        time = Self.floor(micros)
        earliest = Self.floor(micros - accuracy)
        latest = Self.floor(micros + accuracy + (isCut ? 1 : 0) + 999_999)
        _ = try fields.readOptional(.boolean)?.boolean()
        nonce = try fields.readOptional(.integer)?.unsignedIntegerBytes()
        guard nonce.map({ $0.count <= 64 }) ?? true else {
            throw PKIError(.limit, "a timestamp's nonce has more than 64 octets")
        }
        authority = try fields.readOptional(.context(0, constructed: true)).flatMap(Self.name)
        try fields.readOptional(.context(1, constructed: true)).map(Self.checkExtensions)
        try fields.end()
    }

    /// In microseconds. [RFC 3161 §2.4.2, Accuracy]
    private static func accuracy(_ element: DERElement) throws -> Int64 {
        var fields = try DERReader(inside: element)
        let seconds = try fields.readOptional(.integer)?.smallInteger() ?? 0
        var total = Int64(seconds) &* 1_000_000
        guard seconds <= maximumAccuracySeconds else {
            throw PKIError(.limit, "a timestamp's accuracy is worse than \(maximumAccuracySeconds) seconds")
        }
        for (number, unit) in [(0, 1_000), (1, 1)] as [(UInt8, Int64)] {
            guard let field = try fields.readOptional(.context(number, constructed: false)) else { continue }
            let value = field.content.reduce(Int64(0)) { $0 << 8 | Int64($1) }
            guard (1...2).contains(field.content.count), (1...999).contains(value) else {
                throw PKIError(.malformed, "a timestamp's accuracy has a part that is not from 1 to 999")
            }
            total += value * unit
        }
        try fields.end()
        return total
    }

    private static func standardAccuracy(_ policy: String) -> Int64 {
        policy == ObjectIdentifier.bestPracticesTimestampPolicy ? 1_000_000 : 0
    }

    private static func floor(_ micros: Int64) -> UTCDate {
        UTCDate(seconds: micros / 1_000_000 - (micros % 1_000_000 < 0 ? 1 : 0))
    }

    private static func name(_ field: DERElement) throws -> DistinguishedName? {
        var reader = try DERReader(inside: field)
        let general = try reader.next()
        try reader.end()
        guard general.tag == .context(4, constructed: true) else { return nil }
        var inner = try DERReader(inside: general)
        let name = try DistinguishedName(inner.read(.sequence))
        try inner.end()
        return name
    }

    /// No extension is known, so none may be critical.
    private static func checkExtensions(_ field: DERElement) throws {
        var reader = try DERReader(inside: field)
        while !reader.isAtEnd {
            var item = try DERReader(inside: reader.read(.sequence))
            let identifier = try item.read(.objectIdentifier).objectIdentifier()
            let isCritical = try item.readOptional(.boolean)?.boolean() ?? false
            _ = try item.read(.octetString)
            try item.end()
            guard !isCritical else {
                throw PKIError(.malformed, "a timestamp has the critical extension \(identifier), which is not known")
            }
        }
    }
}
