import Codecs
import PKI
import SigningKeys

extension SerialNumber {
    /// Takes hexadecimal of either case, with or without colons, as OpenSSL and browsers show it; never a negative one.
    init(text: String) throws(CommandError) {
        let digits = text.lowercased().filter { $0 != ":" }.drop { $0 == "0" }
        let padded = (digits.count.isMultiple(of: 2) ? "" : "0") + digits
        guard !text.isEmpty, padded.utf8.count <= 40, let bytes = try? Hex.decode(padded) else {
            throw CommandError(.usage, "\"\(text.prefix(80))\" is neither a file nor a serial number in hexadecimal")
        }
        let needsSign = bytes.first.map { $0 >= 0x80 } ?? true
        self.init(bytes: (needsSign ? [0] : []) + bytes)
    }
}

extension Certificate {
    /// Fingerprint of the key, whether it is one that signs here or not.
    var keySHA256: String { Hex.encode(HashAlgorithm.sha256.digest(of: publicKeyInfo)) }
}
