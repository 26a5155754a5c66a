import Codecs
import OCI
import SigningKeys
import Testing

@testable import RoadsteadCommand

/// What a command line says at its end of many images.
@Suite struct SigningReportTests {
    private typealias Image = SigningReport.Image

    private static let artifact = Descriptor(of: Array("image".utf8), mediaType: MediaType.imageManifest)

    private static func image(_ kinds: [ArtifactSigner.Result.Kind], _ outcome: Image.Outcome = .done) -> Image {
        var image = Image(name: "a/b:1")
        image.results = kinds.map {
            ArtifactSigner.Result(artifact: artifact, kind: $0, signature: nil, earlier: nil)
        }
        image.outcome = outcome
        return image
    }

    private static let signed = image([.signed, .left])
    private static let left = image([.left])
    private static let rehearsed = image([.left, .wouldSign])
    private static let denied = image([], .failed(KeyError(.denied, "the criteria do not hold")))
    private static let failed = image([.signed], .failed(KeyError(.unsupported, "gone")))
    private static let notBegun = image([], .notBegun)

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let images: [SigningReport.Image]
        let status: RoadsteadCommand.ExitStatus
        let summary: String
    }

    @Test(arguments: [
        Case(
            testDescription: "all are signed or were", images: [signed, left], status: .success,
            summary: "2 images: 1 signed, 1 left"),
        Case(
            testDescription: "a dry run that would sign all", images: [rehearsed, rehearsed, left], status: .success,
            summary: "3 images: 1 left, 2 would sign"),
        Case(
            testDescription: "one that a rule denied", images: [signed, denied], status: .rejected,
            summary: "2 images: 1 signed, 1 denied"),
        Case(
            testDescription: "one denied and one that failed", images: [denied, failed, signed], status: .environment,
            summary: "3 images: 1 signed, 1 denied, 1 failed"),
        Case(
            testDescription: "an interruption", images: [signed, notBegun], status: .environment,
            summary: "2 images: 1 signed, 1 not begun"),
    ])
    func `the status tells denials from failures`(_ example: Case) {
        let report = SigningReport(signer: "CN=CI", images: example.images)
        #expect(report.status == example.status)
        #expect(report.summary == example.summary)
    }

    @Test func `programs read the state and the reason of each image`() {
        let images = SigningReport(signer: "CN=CI", images: [Self.signed, Self.denied]).json.objectOrNil?["images"]
        let states = images?.arrayOrNil?.map { $0.objectOrNil?["state"]?.stringOrNil }
        #expect(states == ["signed", "denied"])
        let error = images?.arrayOrNil?.last?.objectOrNil?["error"]?.stringOrNil
        #expect(error?.contains("the criteria do not hold") == true)
    }
}
