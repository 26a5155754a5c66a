import Codecs
import Files
import PKI
import SigningKeys
import TrustModel

/// A certification authority as `roadstead ca init` leaves it: a directory with its certificate, its register, and its
/// key unless that lies elsewhere.
struct CADirectory {
    let path: String
    /// The authority's certificate, and those above it where it is no root.
    let chain: [Certificate]
    var certificate: Certificate { chain[0] }

    static func keyFile(_ directory: String) -> String { "\(directory)/ca.key" }
    static func certificateFile(_ directory: String) -> String { "\(directory)/ca.crt" }
    static func registerFile(_ directory: String) -> String { "\(directory)/\(CARegister.fileName)" }

    init(_ path: String) throws {
        self.path = path
        chain = try CertificateFile.chain(Self.certificateFile(path))
        guard !chain.isEmpty else {
            throw CommandError(.environment, "\(Self.certificateFile(path)) holds no certificate")
        }
    }

    /// The register as it is now; empty where there is none.
    func register() throws -> CARegister {
        try CARegister.read(Self.registerFile(path), key: certificate.keySHA256)
    }

    /// The register, to be added to.
    func openRegister(at now: UTCDate) throws -> CARegisterFile {
        try CARegisterFile(
            path,
            opening: RegisterOpening(at: now, keySHA256: certificate.keySHA256, isComplete: false, crlURLs: []))
    }

    static let keyOptions: [Option] = [
        .value("key", "URI", "the CA's key, where it is not the file ca.key in its directory"),
        .value("ca-passphrase-file", "FILE", "the passphrase of the CA's key, where it is another one"),
    ]

    /// What issues and revokes: the certificate with its key, wherever that lives.
    func authority(
        _ invocation: Invocation, _ request: KeyRequest, _ reach: Reach
    ) async throws -> CertificateBuilder.Authority<AnySigner> {
        var own = request
        if let file = invocation["ca-passphrase-file"] { own.passphrase = .file(file) }
        let uri = try KeyName(invocation["key"] ?? "file:\(Self.keyFile(path))")
        let opened = try await reach.backends(own).open(uri)
        return try CertificateBuilder.Authority(certificate: certificate, signer: AnySigner(opened.signer))
    }

    /// A certificate of this authority that a word names: a file, or a serial number.
    ///
    /// - Returns: the certificate itself where it is known.
    func named(_ word: String, _ register: CARegister) throws -> (serial: SerialNumber, certificate: Certificate?) {
        guard Files.exists(word) else {
            let serial = try SerialNumber(text: word)
            return (serial, try register.certificate(serial.text)?.decoded())
        }
        guard let found = try CertificateFile.chain(word).first else {
            throw CommandError(.environment, "\(word) holds no certificate")
        }
        guard found.issuer == certificate.subject, found.isSigned(by: certificate) else {
            throw CommandError(
                .environment, "the certificate of \"\(found.subjectText)\" in \(word) was not issued by this CA",
                hint: "its issuer is \"\(found.issuer.shortDescription)\"")
        }
        guard found.serialNumber.bytes.first.map({ $0 < 0x80 }) == true else {
            throw CommandError(.environment, "the certificate in \(word) has a negative serial number")
        }
        return (found.serialNumber, found)
    }
}
