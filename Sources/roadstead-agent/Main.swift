import RoadsteadAgent

@main
enum Main {
    static func main() async { await AgentCommand.start() }
}
