import ArgumentParser
import Foundation

/// Where the agent keeps its state; every command takes it.
struct StateOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Directory of the agent's state.", valueName: "dir"))
    var state: String?

    var directory: StateDirectory {
        let environment = ProcessInfo.processInfo.environment["ROADSTEAD_STATE"]
        let path = [state, environment].compactMap { $0 }.first { !$0.isEmpty } ?? StateDirectory.standardPath
        return StateDirectory(AbsolutePath.of(path))
    }
}

/// Paths as links need them.
enum AbsolutePath {
    static func of(_ path: String) -> String {
        let whole = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        return URL(fileURLWithPath: whole).standardizedFileURL.path
    }
}
