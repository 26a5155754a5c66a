import ArgumentParser
import Foundation
import Problems

/// Runs a command's work; what goes wrong is told on standard error with its way out, and becomes the exit status.
func reportingProblems(_ work: () async throws -> Void) async throws {
    do {
        try await work()
    } catch let error as ExitCode {
        throw error
    } catch let error as ConfigurationProblems {
        for problem in error.problems { say(problem) }
        throw ExitCode(2)
    } catch let error as ServerError where error.code == .configuration || error.code == .exposed {
        say(error)
        throw ExitCode(2)
    } catch let error as any Problem {
        say(error)
        throw ExitCode(3)
    } catch {
        warn("\(error)")
        throw ExitCode(3)
    }
}

private func say(_ problem: any Problem) {
    warn(problem.reason)
    if let hint = problem.hint { FileHandle.standardError.write(Data("hint: \(hint)\n".utf8)) }
}

/// One line on standard error.
func warn(_ text: String) { FileHandle.standardError.write(Data("roadstead-server: \(text)\n".utf8)) }
