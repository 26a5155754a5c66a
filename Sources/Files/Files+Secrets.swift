import Glibc

extension Files {
    /// Reads a file that holds a secret; refused when its group or others have any access to it. What lies in the directory
    /// of credentials that systemd made for a service may be open to the group: that is how their access list shows.
    ///
    /// - Parameter credentials: that directory; the one that the environment names, as systemd does.
    package static func readSecret(
        _ path: String, limit: Int = 65_536, credentials: String? = credentialsDirectory
    ) throws(FileError) -> [UInt8] {
        let isCredential = credentials.map { isInside(path, $0) } ?? false
        return try read(path, limit: limit, links: .followed, guarding: isCredential ? .secrecyFromOthers : .secrecy)
    }

    /// Reads the secret in the first line of a file, such as a PIN or a passphrase, as every program here does: so one file
    /// means the same PIN to all of them. An empty line is refused.
    package static func readSecretLine(
        _ path: String, credentials: String? = credentialsDirectory
    ) throws(FileError) -> [UInt8] {
        var bytes = try readSecret(path, limit: 4_096, credentials: credentials)
        if let line = secretLine(of: &bytes) { return line }
        throw FileError(.empty, "\(path) holds no secret in its first line")
    }

    /// Takes out the first line, without what ends it, and overwrites where it came from; nil where it is empty.
    package static func secretLine(of bytes: inout [UInt8]) -> [UInt8]? {
        let line = Array(bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") })
        wipe(&bytes)
        bytes = []
        return line.isEmpty ? nil : line
    }

    /// Where systemd put this service's credentials.
    package static var credentialsDirectory: String? {
        unsafe getenv("CREDENTIALS_DIRECTORY").map { unsafe String(cString: $0) }
    }

    static func wipe(_ bytes: inout [UInt8]) {
        unsafe bytes.withUnsafeMutableBytes { bytes in
            if let start = bytes.baseAddress { unsafe explicit_bzero(start, bytes.count) }
        }
    }

    private static func isInside(_ path: String, _ directory: String) -> Bool {
        directory.hasPrefix("/") && path.hasPrefix(directory.hasSuffix("/") ? directory : directory + "/")
            && !path.split(separator: "/").contains("..")
    }
}
