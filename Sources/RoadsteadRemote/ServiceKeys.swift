import Codecs
import Files
import Foundation
import ReleaseCriteria
import RoadsteadCommand
import SignerClient
import SigningKeys

/// Keys of signing services, with what the command line says for the artifact.
enum ServiceKeys {
    static func backend(_ request: KeyRequest) throws -> RemoteKeys {
        let (wish, console) = (request.wish, request.console)
        let evidence = try wish.evidence.flatMap(read)
        let context = SigningCase(
            evidence: evidence, looksInRegistry: wish.looksInRegistry, isDryRun: wish.isDryRun
        ) { decision in
            guard wish.explains else { return }
            for finding in decision.findings { console.say("\(finding)") }
            for statement in decision.statements ?? [] { console.say("counted: \(CriterionFinding.shown(statement))") }
            for reason in decision.ignored { console.say("not counted: \(CriterionFinding.shown(reason))") }
            console.say("entry \(decision.sequence) of the service's log, \(decision.hash)")
        }
        return RemoteKeys(context: context) { authority in
            try SignerAccess(for: authority, environment: ProcessInfo.processInfo.environment)
        }
    }

    /// One envelope, or one on each line.
    private static func read(_ path: String) throws -> [JSON] {
        let bytes = try Files.read(path, limit: DSSEEnvelope.maximumBytes * 4)
        let limits = JSONLimits(depth: 40)
        do throws(CodecError) {
            if let tree = try? JSON(parsing: bytes, limits: limits) { return [tree] }
            return try bytes.split(separator: 0x0A).map { line throws(CodecError) in
                try JSON(parsing: Array(line), limits: limits)
            }
        } catch {
            throw CodecError(error.code, "the evidence in \(path): \(error.reason)", hint: error.hint)
        }
    }
}
