/// What a listener learns.
package enum ListenEvent: Sendable, Hashable {
    /// Listening begins, or begins again after the connection was lost: anything may have been missed before it.
    case listening
    case notification(ChannelNotification)
}

/// Notifications on a connection of their own, which is made again whenever it is lost. Ends only with the task.
package struct NotificationStream: AsyncSequence {
    package typealias Element = ListenEvent
    package typealias Failure = Never

    private let settings: ConnectionSettings
    private let channels: [SQLName]
    private let checkInterval: Duration

    /// The connection is asked whether it lives each `checkInterval` without notifications.
    package init(_ settings: ConnectionSettings, channels: [SQLName], checkInterval: Duration = .seconds(15)) {
        self.settings = settings
        self.channels = channels
        self.checkInterval = checkInterval
    }

    package func makeAsyncIterator() -> Iterator {
        Iterator(settings: settings, channels: channels, checkInterval: checkInterval)
    }

    package struct Iterator: AsyncIteratorProtocol {
        private let settings: ConnectionSettings
        private let channels: [SQLName]
        private let checkInterval: Duration
        private let wake = WakeUp()
        private var connection: Connection?
        private var pause = Duration.milliseconds(50)

        fileprivate init(settings: ConnectionSettings, channels: [SQLName], checkInterval: Duration) {
            self.settings = settings
            self.channels = channels
            self.checkInterval = checkInterval
        }

        package mutating func next() async -> ListenEvent? {
            while !Task.isCancelled {
                guard let connection else {
                    if await connect() { return .listening }
                    continue
                }
                do {
                    if let notification = try await wait(on: connection) { return .notification(notification) }
                } catch {
                    await drop()
                }
            }
            await drop()
            return nil
        }

        private mutating func drop() async {
            await connection?.close()
            connection = nil
        }

        /// Connects and listens, or pauses after a failure, from 50 ms doubling to 3 s.
        private mutating func connect() async -> Bool {
            do {
                let fresh = try await Connection.open(settings)
                connection = fresh
                for channel in channels { try await fresh.run(script: "LISTEN \(channel)") }
                pause = .milliseconds(50)
                return true
            } catch {
                await drop()
                try? await Task.sleep(for: pause)
                pause = Swift.min(pause * 2, .seconds(3))
                return false
            }
        }

        private func wait(on connection: Connection) async throws -> ChannelNotification? {
            let end = ContinuousClock.now + checkInterval
            let wake = wake
            let notification = try await withTaskCancellationHandler {
                try await connection.notification(until: end, or: wake)
            } onCancel: {
                wake.ring()
            }
            guard notification == nil, !Task.isCancelled, ContinuousClock.now >= end else { return notification }
            guard await connection.answers() else { throw PostgresError.lost("waiting for notifications") }
            return nil
        }
    }
}
