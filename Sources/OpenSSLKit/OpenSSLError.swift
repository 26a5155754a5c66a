internal import COpenSSL
import Problems

/// Why libcrypto refused something; its reasons come from the calling thread's error queue.
package struct OpenSSLError: Problem {
    package enum Code: String, Sendable {
        /// The bytes are not what they were taken for.
        case malformed
        /// The key cannot do what was asked, or libcrypto does not know the algorithm.
        case unsupported
        /// A passphrase or key does not fit, or sealed bytes were changed.
        case authentication
        /// libcrypto failed although the input was fine.
        case failed
    }

    package static let module = "openssl"
    package let code: Code
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    /// The one place where libcrypto's failures are read: empties the error queue into an error about `action`.
    static func drain(_ code: Code, _ action: String) -> OpenSSLError {
        var reasons: [String] = []
        while true {
            let number = ERR_get_error()
            guard number != 0 else { break }
            guard reasons.count < maximumReasons, let text = unsafe ERR_reason_error_string(number) else { continue }
            let reason = unsafe String(cString: text)
            if !reasons.contains(reason) { reasons.append(reason) }
        }
        return OpenSSLError(code, reasons.isEmpty ? action : "\(action): \(reasons.joined(separator: ", "))")
    }

    /// Forgets what a refusal that is an answer, such as a wrong signature, left in the queue.
    static func clear() { ERR_clear_error() }

    private static let maximumReasons = 4
}
