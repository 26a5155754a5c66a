import OCI
import Problems
import SigningKeys
import TrustModel

/// How a command ended; scripts depend on the numbers.
package enum ExitStatus: Int32, Sendable {
    case success = 0
    /// The artifact was looked at and rejected, or a signing service denied the signature.
    case rejected = 1
    case usage = 2
    /// Something around the command is not in order: a file, a key, the host.
    case environment = 3

    /// Wrong words are the caller's; everything else that stops a command lies in what it found.
    init(of error: any Error) {
        self =
            switch error {
            case let error as CommandError: error.code == .usage ? .usage : .environment
            case let error as KeyError: Self(error.code)
            case let error as OCIError: error.code == .digest || error.code == .reference ? .usage : .environment
            case let error as TrustModelError: error.code == .scope ? .usage : .environment
            case let problem as any Problem: problem.identifier.hasSuffix(".uri") ? .usage : .environment
            default: .environment
            }
    }

    private init(_ code: KeyError.Code) {
        self =
            switch code {
            case .name: .usage
            case .denied: .rejected
            case .dryRun: .success
            default: .environment
            }
    }
}
