package import Codecs
import Files
import Glibc
import MetadataTransport
import Problems
import TUF

/// `roadstead-tuf-client`: a TUF client for any repository, with the command line that TUF clients are tested by.
public enum ClientProgram {
    /// Runs the program: 0 when everything was done, exactly 1 when not, with the reason on stderr.
    public static func start() async -> Never {
        // The time of the whole run. [TUF §5.1]
        let now = currentTime()
        do {
            try await run(ClientArguments(Array(CommandLine.arguments.dropFirst())), now: now)
            exit(0)
        } catch let error as any Problem {
            note("roadstead-tuf-client: \(error.reason)")
            if let hint = error.hint { note("hint: \(hint)") }
        } catch {
            note("roadstead-tuf-client: \(error)")
        }
        exit(1)
    }

    package static func run(_ arguments: ClientArguments, now: UTCDate) async throws {
        let cache = MetadataDirectory(path: arguments.metadataDirectory)
        switch arguments.command {
        case .initialise(let file): try initialise(cache, rootFile: file)
        case .refresh(let url):
            try await client(arguments, cache, url, now) { client in _ = try await client.refresh() }
        case .download(let url, let targets):
            try await client(arguments, cache, url, now) { client in try await client.download(targets) }
        }
    }

    /// Takes the root that the administrator vouches for; it must be whole and signed by itself. [TUF §5.2]
    private static func initialise(_ cache: MetadataDirectory, rootFile: String) throws {
        let limit = MetadataLimits().rootBytes
        let bytes = try Files.read(rootFile, limit: limit)
        do { _ = try SignedMetadata(selfSigned: UnverifiedMetadata<Root>(bytes, maximumBytes: limit)) } catch {
            throw error.inside(rootFile)
        }
        try cache.initialise(bytes)
    }

    private static func client(
        _ arguments: ClientArguments, _ cache: MetadataDirectory, _ url: BaseURL, _ now: UTCDate,
        _ body: (RepositoryClient) async throws -> Void
    ) async throws {
        let budget = RunBudget(requestSeconds: arguments.requestSeconds, totalSeconds: arguments.totalSeconds)
        try await BoundedHTTP.with(userAgent: "roadstead-tuf-client/0.1.0") { http in
            let server = RepositoryServer(http, metadataURL: url, budget: budget)
            try await body(RepositoryClient(cache: cache, server: server, now: now))
        }
    }

    private static func currentTime() -> UTCDate {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_REALTIME, &time) == 0 else { return .earliest }
        return UTCDate(seconds: Int64(time.tv_sec))
    }

    private static func note(_ text: String) {
        let printable = text.unicodeScalars.map { $0 == "\n" || $0.value >= 0x20 && $0.value != 0x7F ? $0 : "?" }
        var bytes = Array(String(String.UnicodeScalarView(printable)).utf8)[...]
        bytes.append(UInt8(ascii: "\n"))
        while !bytes.isEmpty {
            let count = unsafe bytes.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
