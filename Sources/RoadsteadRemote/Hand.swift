import Files

/// Hands a secret to its holder: into a file that only they can read, or on standard output.
func hand(out: String?, secret: String, _ connection: ConnectionOptions, _ answer: some Encodable) throws {
    if let out {
        try Files.write(Array((secret + "\n").utf8), to: out, mode: 0o600)
    } else {
        try connection.show(answer) { _ in Terminal.show(secret) }
    }
}
