package import NIOCore
import NIOPosix

/// Waiting on an event loop's clock, which also runs where the process's clock was set to another time.
package enum Alarm {
    /// Returns after the given time, or throws as soon as the task is cancelled.
    package static func wait(_ time: TimeAmount) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: Void.self)
        let scheduled = loop.scheduleTask(in: time) { promise.succeed() }
        try await withTaskCancellationHandler {
            try await promise.futureResult.get()
        } onCancel: {
            scheduled.cancel()
            promise.fail(CancellationError())
        }
    }
}
