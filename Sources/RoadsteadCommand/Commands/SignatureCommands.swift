import Codecs
import OCI

/// `roadstead signature list`: which signatures images carry.
enum SignatureCommands {
    static let list = Command(
        "signature list", "list the signatures of images", operand: "[IMAGE…]",
        options: [ArtifactNames.layout, ArtifactNames.file] + ImageRequest.options + [Output.option],
        discussion: """
            An index is shown with every manifest that it leads to. Nothing that is shown has been verified against a trust
            policy: roadstead verify does that, and roadstead inspect shows more of each signature.
            Also called: roadstead ls, roadstead list.
            """,
        examples: ["roadstead ls registry.example.com/acme/app:1.0"], needsMore: ArtifactNames.reachRegistries,
        run: run)

    private static func run(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        try await show(try ArtifactNames.all(invocation), .short, invocation, console, reach)
    }

    /// Shows the signatures of artifacts; of several, one that cannot be read does not stop the others.
    static func show(
        _ names: [ArtifactName], _ detail: ArtifactText.Detail, _ invocation: Invocation, _ console: Console,
        _ reach: Reach
    ) async throws -> ExitStatus {
        let output = try Output(invocation)
        return try await ArtifactPlaces.with(names, invocation, console, reach) { places in
            var objects: [JSON] = []
            var status = ExitStatus.success
            for name in names {
                do {
                    let view = try await ArtifactView(try await places.find(name)) { console.say($0) }
                    objects.append(view.json)
                    if output == .text { ArtifactText(detail: detail, now: console.now).show(view, on: console) }
                } catch {
                    guard names.count > 1 else { throw error }
                    console.say("\(name):")
                    console.report(error)
                    status = .environment
                }
            }
            if output != .text { console.show(names.count == 1 ? objects[0] : .array(objects), as: output) }
            return status
        }
    }
}
