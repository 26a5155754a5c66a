import RoadsteadServer

@main
struct Main {
    static func main() async { await ServerCommand.runProgram() }
}
