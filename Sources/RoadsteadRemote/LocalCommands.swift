import ArgumentParser

/// The commands of the small program `roadstead`, by name, so that completion and manual cover both programs.
///
/// The parser of arguments never runs them: `Program` does, in both programs.
enum LocalCommands {
    static let all: [any ParsableCommand.Type] = [
        LocalSign.self, LocalVerify.self, LocalInspect.self, LocalSignature.self, LocalBlob.self, LocalKey.self,
        LocalCA.self,
        LocalVersion.self,
    ]

    static var names: [String] { all.compactMap { $0.configuration.commandName } }
}

private struct LocalSign: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "sign", abstract: "Sign an image.")
    @Argument(help: "As roadstead sign --help says.", completion: .file()) var rest: [String] = []
}

private struct LocalVerify: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "verify", abstract: "Verify an image.")
    @Argument(help: "As roadstead verify --help says.", completion: .file()) var rest: [String] = []
}

private struct LocalInspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show what is in a file or image.")
    @Argument(help: "As roadstead inspect --help says.", completion: .file()) var rest: [String] = []
}

private struct LocalSignature: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signature", abstract: "List the signatures of images, and approve new ones.",
        subcommands: [List.self, Approve.self])

    struct Approve: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "approve", abstract: "Allow a signing service to sign images.")
        @Argument(help: "As roadstead signature approve --help says.", completion: .file()) var rest: [String] = []
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the signatures of images.", aliases: ["ls"])
        @Argument(help: "As roadstead signature list --help says.", completion: .file()) var rest: [String] = []
    }
}

private struct LocalBlob: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blob", abstract: "Sign and verify files that lie in no registry.",
        subcommands: [Sign.self, Verify.self])

    struct Sign: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "sign", abstract: "Sign a file.")
        @Argument(help: "As roadstead blob sign --help says.", completion: .file()) var rest: [String] = []
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "verify", abstract: "Verify a file.")
        @Argument(help: "As roadstead blob verify --help says.", completion: .file()) var rest: [String] = []
    }
}

private struct LocalCA: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ca", abstract: "Make a certificate authority, issue certificates and revoke them.",
        subcommands: [
            Initialize.self, Issue.self, Renew.self, List.self, Revoke.self, RevocationList.self,
        ])

    struct Initialize: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "init", abstract: "Make a root certificate.")
        @Argument(help: "As roadstead ca init --help says.", completion: .file()) var rest: [String] = []
    }

    struct Issue: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "issue", abstract: "Issue a signing certificate.")
        @Argument(help: "As roadstead ca issue --help says.", completion: .file()) var rest: [String] = []
    }

    struct Renew: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "renew", abstract: "Renew a certificate.")
        @Argument(help: "As roadstead ca renew --help says.", completion: .file()) var rest: [String] = []
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List what was issued.")
        @Argument(help: "As roadstead ca list --help says.", completion: .file()) var rest: [String] = []
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "revoke", abstract: "Revoke a certificate.")
        @Argument(help: "As roadstead ca revoke --help says.", completion: .file()) var rest: [String] = []
    }

    struct RevocationList: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "crl", abstract: "Sign a revocation list.")
        @Argument(help: "As roadstead ca crl --help says.", completion: .file()) var rest: [String] = []
    }
}

private struct LocalKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Make and look at keys, in files, on tokens and in services.",
        subcommands: [
            Generate.self, Inspect.self, List.self, Import.self, Request.self, Test.self,
        ])

    struct Generate: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "generate", abstract: "Make a private key.")
        @Argument(help: "As roadstead key generate --help says.", completion: .file()) var rest: [String] = []
    }

    struct Inspect: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "inspect", abstract: "Show a key's public half.")
        @Argument(help: "As roadstead key inspect --help says.", completion: .file()) var rest: [String] = []
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List the keys of a token.")
        @Argument(help: "As roadstead key list --help says.", completion: .file()) var rest: [String] = []
    }

    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import", abstract: "Put a key or its certificates into a file or onto a token.")
        @Argument(help: "As roadstead key import --help says.", completion: .file()) var rest: [String] = []
    }

    struct Request: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "csr", abstract: "Ask for a certificate with a request that the key signs.")
        @Argument(help: "As roadstead key csr --help says.", completion: .file()) var rest: [String] = []
    }

    struct Test: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test", abstract: "Sign something random with a key and say what it is good for.")
        @Argument(help: "As roadstead key test --help says.", completion: .file()) var rest: [String] = []
    }
}

private struct LocalVersion: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Say which version this is.")
}

/// Both programs as one, for what describes them.
struct WholeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roadstead", abstract: RemoteCommand.configuration.abstract,
        discussion: RemoteCommand.configuration.discussion,
        subcommands: LocalCommands.all + RemoteCommand.configuration.subcommands)
}
