import RoadsteadSigner

@main
struct Main {
    static func main() async { await SignerCommand.runProgram() }
}
