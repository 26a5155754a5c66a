import Problems

/// What users of related tools type, and what it is called here.
enum OtherTongues {
    /// Such as `did you mean: roadstead anchor add?` for `cert add`; nil for words that no tongue knows.
    static func hint(for arguments: [String]) -> String? {
        let words = arguments.prefix { !$0.hasPrefix("-") }.map { $0.lowercased() }
        let two = words.prefix(2).joined(separator: " ")
        guard let meant = phrases[two] ?? words.first.flatMap({ phrases[$0] }) else { return nil }
        return "did you mean: \(meant.map { "roadstead \($0)" }.joined(separator: " or "))?"
    }

    private static let phrases: [String: [String]] = [
        // notation
        "cert add": ["anchor add (the fleet)", "inspect FILE (to look at it)"],
        "cert list": ["anchor list"], "cert ls": ["anchor list"], "cert show": ["anchor show ID"],
        "cert delete": ["anchor remove ID"], "cert generate-test": ["ca init"], "cert": ["anchor"],
        "certificate": ["ca issue (make one)", "inspect FILE (look at one)"],
        "blob": ["sign", "verify"],
        // cosign
        "sign-blob": ["sign"], "verify-blob": ["verify"], "generate-key-pair": ["key generate"],
        "attest": ["sign"], "tree": ["inspect IMAGE"], "triangulate": ["inspect IMAGE"],
        // kubectl, gh, fleetctl
        "auth can-i": ["can-i VERB OBJECT"], "auth login": ["login"], "auth": ["login"], "create": ["apply -f FILE"],
        "describe": ["get KIND", "change show N"], "delete": ["apply -f FILE --prune"], "pr list": ["change list"],
        "pr": ["change"], "approve": ["change approve N"], "reject": ["change reject N"], "gitops": ["apply -f DIR"],
        "plan": ["diff -f DIR"], "destroy": ["apply -f DIR --prune"],
        // The words of the standards
        "truststore": ["store"], "trust-store": ["store"], "trustpolicy": ["policy"], "delegation": ["team"],
        "targets": ["fleet show FLEET"], "user": ["person"], "users": ["person list"], "role": ["person grant"],
        "enroll": ["host join-token FLEET"],
    ]
}
