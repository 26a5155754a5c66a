import Problems

/// Why a file could not be read, written or locked.
package struct FileError: Problem {
    package enum Code: String, Sendable {
        case notFound = "not-found"
        case permission
        /// The place holds something other than a regular file or directory, such as a symbolic link.
        case kind
        /// The file is larger than what is read.
        case limit
        /// The file system has no room left.
        case full
        /// A file that holds a secret can be read by others.
        case exposed
        /// A file that should hold a secret holds none.
        case empty
        /// Somebody else holds the lock.
        case locked
        case exists
        case io
    }

    package static let module = "files"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
