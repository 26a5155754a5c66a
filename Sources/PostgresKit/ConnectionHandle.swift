internal import CLibPQ
import Glibc

/// Owns one `PGconn *` in non-blocking mode; every call ends by its deadline, even when the server is frozen.
///
/// After a deadline or a lost connection the handle is closed, since the state of the conversation is unknown.
@safe struct ConnectionHandle: ~Copyable {
    typealias Instant = ContinuousClock.Instant

    private var raw: OpaquePointer?

    init() { unsafe raw = nil }

    deinit { if let raw = unsafe raw { unsafe PQfinish(raw) } }

    var isOpen: Bool {
        guard let raw = unsafe raw else { return false }
        return unsafe PQstatus(raw) == CONNECTION_OK
    }

    /// Whether no transaction is open, so that the connection can be given to somebody else.
    var isIdle: Bool {
        guard let raw = unsafe raw else { return false }
        return unsafe PQtransactionStatus(raw) == PQTRANS_IDLE
    }

    mutating func close() {
        if let open = unsafe raw { unsafe PQfinish(open) }
        unsafe raw = nil
    }

    mutating func connect(_ settings: ConnectionSettings, until end: Instant) throws(PostgresError) {
        close()
        guard let started = try unsafe Self.start(settings.parameters()) else {
            throw PostgresError(.connect, "there is no memory for a connection to \(settings.summary)")
        }
        unsafe raw = started
        do throws(PostgresError) {
            try unsafe poll(started, settings, until: end)
        } catch {
            close()
            throw error
        }
        guard unsafe PQsetnonblocking(started, 1) == 0 else {
            close()
            throw PostgresError(.connect, "the connection to \(settings.summary) cannot be made non-blocking")
        }
        unsafe PQsetNoticeProcessor(started, { _, _ in }, nil)
    }

    /// Runs one or more statements without parameters and gives the last result.
    mutating func run(script: String, until end: Instant) throws(PostgresError) -> ResultTable {
        let raw = try unsafe opened("sending a statement")
        guard unsafe PQsendQuery(raw, script) == 1 else { throw notSent() }
        return try result(of: script, until: end)
    }

    /// Makes a named statement and gives its description.
    mutating func prepare(
        _ name: String, _ sql: String, _ types: [ColumnType], until end: Instant
    ) throws(PostgresError) -> ResultTable {
        let raw = try unsafe opened("preparing a statement")
        let oids = types.map(\.rawValue)
        guard unsafe PQsendPrepare(raw, name, sql, Int32(oids.count), oids) == 1 else { throw notSent() }
        _ = try result(of: sql, until: end)
        guard unsafe PQsendDescribePrepared(raw, name) == 1 else { throw notSent() }
        return try result(of: sql, until: end)
    }

    mutating func run(
        prepared name: String, _ sql: String, _ bindings: [Binding], until end: Instant
    ) throws(PostgresError) -> ResultTable {
        let raw = try unsafe opened("sending a statement")
        let sent = try unsafe Self.withParameters(bindings) { values, lengths, formats in
            unsafe PQsendQueryPrepared(raw, name, Int32(bindings.count), values, lengths, formats, 1)
        }
        guard sent == 1 else { throw notSent() }
        return try result(of: sql, until: end)
    }

    /// Reads what lies ready, without waiting; false when the server closed the connection.
    mutating func isAlive() -> Bool {
        guard let raw = unsafe raw, isOpen else { return false }
        guard unsafe PQconsumeInput(raw) == 1, isOpen else {
            close()
            return false
        }
        return true
    }

    /// Whether the server sent nothing that nobody asked for, as it does before it ends a session.
    borrowing func isQuiet() -> Bool {
        guard let raw = unsafe raw, isOpen else { return false }
        var polled = pollfd(fd: unsafe PQsocket(raw), events: Int16(POLLIN), revents: 0)
        return unsafe Glibc.poll(&polled, 1, 0) == 0
    }

    mutating func nextNotification() -> ChannelNotification? {
        guard let raw = unsafe raw, let notify = unsafe PQnotifies(raw) else { return nil }
        defer { unsafe PQfreemem(notify) }
        return unsafe ChannelNotification(
            channel: String(cString: notify.pointee.relname), payload: String(cString: notify.pointee.extra))
    }

    /// Waits until the server sends something, the deadline passes or the wake-up rings.
    borrowing func waitForInput(until end: Instant, or wake: borrowing WakeUp) throws(PostgresError) {
        let raw = try unsafe opened("waiting for notifications")
        _ = unsafe Self.wait(PQsocket(raw), POLLIN, until: end, wake: wake.descriptor)
    }
}

extension ConnectionHandle {
    private borrowing func opened(_ doing: String) throws(PostgresError) -> OpaquePointer {
        guard let raw = unsafe raw else { throw .lost(doing) }
        return unsafe raw
    }

    private static func start(_ parameters: [(String, String)]) -> OpaquePointer? {
        let keywords = unsafe parameters.map { unsafe strdup($0.0) }
        let values = unsafe parameters.map { unsafe strdup($0.1) }
        defer {
            unsafe wipe(keywords)
            unsafe wipe(values)
        }
        let keys = unsafe keywords.map { unsafe UnsafePointer($0) } + [nil]
        return unsafe PQconnectStartParams(keys, values.map { unsafe UnsafePointer($0) } + [nil], 0)
    }

    /// Frees copies of settings, one of which may be a password, and leaves nothing of them in memory.
    private static func wipe(_ copies: [UnsafeMutablePointer<CChar>?]) {
        unsafe copies.forEach { copy in
            if let copy = unsafe copy { unsafe explicit_bzero(copy, strlen(copy)) }
            unsafe free(copy)
        }
    }

    private func poll(
        _ raw: OpaquePointer, _ settings: ConnectionSettings, until end: Instant
    ) throws(PostgresError) {
        var state = PGRES_POLLING_WRITING
        while unsafe PQstatus(raw) != CONNECTION_BAD {
            if state == PGRES_POLLING_OK { return }
            if state == PGRES_POLLING_FAILED { break }
            let events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT
            guard unsafe Self.wait(PQsocket(raw), events, until: end) else {
                throw PostgresError(
                    .deadline, "connecting to \(settings.summary) took longer than allowed",
                    hint: "see whether the server is overloaded or frozen")
            }
            state = unsafe PQconnectPoll(raw)
        }
        throw unsafe Self.connectError(raw, settings)
    }

    /// libpq reports a failed connection as text only, so the kind is read from the words of the C locale.
    private static func connectError(_ raw: OpaquePointer, _ settings: ConnectionSettings) -> PostgresError {
        let said = unsafe PQerrorMessage(raw).map { unsafe String(cString: $0) } ?? ""
        let refusals = [
            "authentication failed", "pg_hba.conf", "does not exist", "not permitted", "no password supplied",
        ]
        let isRefused = said.contains("FATAL:") && refusals.contains { said.contains($0) }
        if isRefused || said.contains("no password supplied") {
            return PostgresError(
                .authentication, "the server does not let \(settings.summary) in",
                hint: "see the user, the database, the password and pg_hba.conf", detail: said)
        }
        return PostgresError(
            .connect, "no connection to \(settings.summary) could be made",
            hint: "see whether the server runs and takes connections there", detail: said)
    }

    private mutating func notSent() -> PostgresError {
        guard let raw = unsafe raw else { return .lost("sending a statement") }
        let said = unsafe PQerrorMessage(raw).map { unsafe String(cString: $0) }
        close()
        return .lost("sending a statement", detail: said)
    }

    /// Sends what is queued and reads all results of one request: the last one, or the first error.
    private mutating func result(of sql: String, until end: Instant) throws(PostgresError) -> ResultTable {
        do throws(PostgresError) {
            try flush(until: end)
            var last: ResultTable?
            var failure: PostgresError?
            while let next = try unsafe nextResult(until: end) {
                switch unsafe Self.outcome(of: next, sql) {
                case .success(let table): last = table
                case .failure(let error) where error.code == .connectionLost: throw failure ?? error
                case .failure(let error): failure = failure ?? error
                }
            }
            if let failure { throw failure }
            guard let last else { throw PostgresError.lost("waiting for a result") }
            return last
        } catch {
            if error.code == .connectionLost || error.isUnanswered { close() }
            throw error
        }
    }

    private borrowing func flush(until end: Instant) throws(PostgresError) {
        let raw = try unsafe opened("sending a statement")
        while true {
            let left = unsafe PQflush(raw)
            if left == 0 { return }
            guard left == 1 else { throw unsafe Self.lost(raw, "sending a statement") }
            guard unsafe Self.wait(PQsocket(raw), POLLOUT | POLLIN, until: end) else {
                throw .late("a statement was sent")
            }
            guard unsafe PQconsumeInput(raw) == 1 else { throw unsafe Self.lost(raw, "sending a statement") }
        }
    }

    private borrowing func nextResult(until end: Instant) throws(PostgresError) -> OpaquePointer? {
        let raw = try unsafe opened("waiting for a result")
        while unsafe PQisBusy(raw) == 1 {
            guard unsafe Self.wait(PQsocket(raw), POLLIN, until: end) else { throw .late("a statement ran") }
            guard unsafe PQconsumeInput(raw) == 1 else { throw unsafe Self.lost(raw, "waiting for a result") }
        }
        return unsafe PQgetResult(raw)
    }

    private static func lost(_ raw: OpaquePointer, _ doing: String) -> PostgresError {
        let said = unsafe PQerrorMessage(raw).map { unsafe String(cString: $0) }
        return .lost(doing, detail: said)
    }

    /// Takes over a result: its rows, or the one place where a failure of libpq becomes an error.
    private static func outcome(of raw: OpaquePointer, _ sql: String) -> Result<ResultTable, PostgresError> {
        let status = unsafe PQresultStatus(raw)
        switch status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK:
            return .success(unsafe ResultTable(owning: raw))
        case PGRES_EMPTY_QUERY:
            unsafe PQclear(raw)
            return .failure(PostgresError(.statement, "the statement is empty"))
        case PGRES_FATAL_ERROR:
            defer { unsafe PQclear(raw) }
            let report = unsafe report(of: raw)
            guard report.sqlState != nil else { return .failure(.lost("a statement ran", detail: report.message)) }
            return .failure(.refused(report, sql: sql))
        default:
            unsafe PQclear(raw)
            return .failure(.lost("a statement asked for COPY, which is not supported"))
        }
    }

    private static func report(of raw: OpaquePointer) -> ServerReport {
        func field(_ code: Unicode.Scalar) -> String? {
            guard let text = unsafe PQresultErrorField(raw, Int32(code.value)) else { return nil }
            return unsafe String(cString: text)
        }
        return ServerReport(
            sqlState: field("C"), severity: field("V"), message: field("M"), detail: field("D"), hint: field("H"),
            schema: field("s"), table: field("t"), column: field("c"), constraint: field("n"))
    }

    /// Lays all parameters out in one buffer and gives libpq the places in it.
    private static func withParameters(
        _ bindings: [Binding],
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> Int32
    ) throws(PostgresError) -> Int32 {
        var blob: [UInt8] = []
        var offsets: [Int?] = []
        for (index, binding) in bindings.enumerated() {
            guard let bytes = binding.bytes else {
                offsets.append(nil)
                continue
            }
            guard !binding.isText || !bytes.contains(0) else {
                throw PostgresError(.binding, "parameter $\(index + 1) is text with a NUL byte, which cannot be stored")
            }
            guard bytes.count <= 1 << 29 else {
                throw PostgresError(.binding, "parameter $\(index + 1) has \(bytes.count) bytes, more than 512 MiB")
            }
            offsets.append(blob.count)
            blob += bytes
            blob.append(0)
        }
        let lengths = bindings.map { Int32($0.bytes?.count ?? 0) }
        let formats = bindings.map { Int32($0.isText ? 0 : 1) }
        return unsafe blob.withUnsafeBytes { buffer in
            let places = unsafe offsets.map { offset -> UnsafePointer<CChar>? in
                guard let offset, let base = buffer.baseAddress else { return nil }
                return unsafe (base + offset).assumingMemoryBound(to: CChar.self)
            }
            return unsafe body(places, lengths, formats)
        }
    }

    /// Waits for an event on the socket; false when the deadline passed or the other descriptor became readable.
    private static func wait(_ socket: Int32, _ events: some BinaryInteger, until end: Instant, wake: Int32 = -1)
        -> Bool
    {
        while true {
            let left = ContinuousClock.now.duration(to: end)
            guard left > .zero else { return false }
            var polled = [
                pollfd(fd: socket, events: Int16(truncatingIfNeeded: events), revents: 0),
                pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
            ]
            let ready = unsafe Glibc.poll(&polled, 2, Int32(clamping: left.milliseconds + 1))
            if polled[0].revents != 0 { return true }
            if polled[1].revents != 0 { return false }
            if ready < 0, errno != EINTR, errno != EAGAIN { return true }
        }
    }
}
